/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "srv/sriovd/model.h"

/*
 * The whole model as text, for comparing it at once; the caller owns the string. Without times and
 * without the text of decisions.
 *
 *	pf 0000:01:00.0 enp1s0 ready: why | wants 7 | 6 free, 1 owned
 *	  vf 0 owned by web1/net0
 *	  vf 1 quarantined: why
 *	nic libvirt web1/net0 (KEY) on tenant-a exclusive 52:54:00:00:00:01 attached vf enp1s0/0:
 *why
 */
char *describe_model(struct srv_model *model);

/* One nic's line, without the end of line. */
char *describe_nic(const struct srv_nic *nic);

/* A PF for a model, as spci_inventory_read() would give it: VFs on vfio-pci, each in a group of its
 * own, link up. What differs is changed by the caller. */
struct spci_pf *describe_make_pf(uint8_t bus, const char *netdev, uint32_t ifindex, uint32_t n_vfs);
