/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "srv/sriovd/config.h"

/* Internal to config-*.c. */

/*
 * The key of the first member of a selector that speaks against a PF ("drivers"), or NULL when the
 * PF is selected. Static.
 */
const char *srv_selector_refuses(const struct srv_selector *selector, const struct spci_pf *pf);

/* Does an entry of pfNames or of rootDevices (one is NULL or its name set) mean this PF. */
bool srv_function_is(const struct srv_function_selector *function, const struct spci_pf *pf);
