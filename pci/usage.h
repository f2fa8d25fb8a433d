/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/bdf.h"
#include "base/error.h"

/* Whether somebody uses a PCI function now, as far as the kernel can tell. */

enum spci_interruption {
	SPCI_REBIND,  /* a reset or another driver: a netdev that is merely up on this host does not
			 mind */
	SPCI_DESTROY, /* the function goes away for good */
};

/*
 * Refuses (BUSY, saying who) when the function is open through VFIO, when its netdev sits in
 * another network namespace, when its driver does not tell (uio), and for SPCI_DESTROY when its
 * netdev is up.
 *
 * sysroot: of sriov_sysroot_open()
 * device:  of spci_device_open()
 * Returns 0, or the error that says why not. Does not block.
 */
int spci_usage_check(int sysroot, int device, struct sriov_bdf bdf, enum spci_interruption what,
		     struct sriov_error **err);
