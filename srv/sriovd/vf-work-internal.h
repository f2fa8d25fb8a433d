/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct snl;

/* For how long the helper may reset n VFs, in seconds. */
#define SRV_VF_RESET_SECONDS(n) (15 + 2 * (n))

/*
 * Opens a netlink socket to set VFs of a PF with. For the PF's thread: blocks.
 *
 * A PF that is down takes VF attributes and reads them back, but drivers forget or misapply them
 * when it comes up (igb, ixgbe): so it must be up.
 *
 * name: for errors; NULL: the link's own
 * ret: owned by the caller, snl_free()
 * Errors: DEVICE without a netdev (ENODEV), or when that is down (ENETDOWN)
 */
int srv_vf_open_pf(uint32_t ifindex, const char *name, struct snl **ret, struct sriov_error **err);
