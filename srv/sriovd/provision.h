/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "srv/sriovd/model.h"

/*
 * Does a PF differ from what its pools want: not yet configured, too few VFs, or a VF without owner
 * that is bound to another driver than its pool's.
 */
bool srv_provision_needed(const struct srv_pf *pf);
