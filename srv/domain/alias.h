/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#define SRV_NIC_ALIAS_PREFIX "ua-sriov-" /* what all of them begin with */

/*
 * The alias of a nic's device in libvirt: "ua-sriov-net0" (unequal ids give unequal aliases). Of a
 * failover nic it is the virtio half's.
 */
char *srv_nic_alias(const char *id);

/* The alias of a failover nic's VF, which no other nic's can be: "ua-sriov-net0_v". */
char *srv_nic_alias_vf(const char *id);
