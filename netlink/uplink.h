/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "base/error.h"

/*
 * The link that the virtio half of a failover nic stands on. It is written into the domain's own
 * configuration, so its name must be the same after every boot: "enp1s0" or, with a VLAN,
 * "enp1s0.100".
 *
 * libvirt does not make VLAN links. sriovd does when the domain is defined, when it is about to
 * start (before libvirt looks for the link) and when sriovd itself starts, and keeps the link while
 * any domain's configuration names it; its hook does when sriovd does not answer
 * (srv/hook/links.c). What that does not cover: a host that was booted with both taken away has no
 * such link, and the domain does not start until somebody makes it (ip link add link enp1s0 name
 * enp1s0.100 type vlan id 100; systemd-networkd can do so at every boot). Without a VLAN, on a
 * bridge or on a libvirt network nothing of sriovd is needed.
 */

/*
 * The name of the link for a VLAN on parent; parent itself without one. The caller's; NULL when it
 * would be longer than a link's name may be, and such a link has no name that lasts.
 *
 * vlan: [0, 4094]
 */
char *snl_uplink_name(const char *parent, uint16_t vlan);

/* The inverse: "enp1s0" of "enp1s0.100", and 100. The caller's; NULL for any other name. */
char *snl_uplink_split(const char *name, uint16_t *ret_vlan);

/*
 * Makes sure that the link is there. One that is there is left as it is, whoever made it; one that
 * is missing is made when its name says how: a domain starts on what its configuration names, be
 * that what its network wants or not (team.misplaced in model.h).
 *
 * Blocks (netlink). Errors: NOT_FOUND (neither it nor its parent is there), DEVICE (parent down) …
 */
int snl_uplink_ensure(const char *name, uint16_t vlan_proto, struct sriov_error **err);

/*
 * What the kernel says of a link that carries another VLAN than it should: "enp1s0.100, in VLAN 7
 * (802.1Q), not in VLAN 100 (802.1Q)". The caller's; NULL: it is right, or is not there. Blocks.
 *
 * vlan: 0: none
 */
char *snl_uplink_differs(const char *name, uint16_t vlan, uint16_t vlan_proto);

/* Removes the link if sriovd made it and nothing stands on it. Blocks. */
void snl_uplink_remove_unused(const char *name);
