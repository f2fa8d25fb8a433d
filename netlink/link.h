/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <net/if.h>

#include "base/error.h"
#include "base/mac.h"

/*
 * A NETLINK_ROUTE socket for requests, with extended acks (NETLINK_EXT_ACK, NETLINK_CAP_ACK) and
 * receive buffers that grow with the answer (MSG_PEEK | MSG_TRUNC). Used by one thread at a time.
 */
struct snl;

int snl_new(struct snl **ret, struct sriov_error **err);
void snl_free(struct snl *nl);

struct snl_link {
	uint32_t ifindex;
	char name[IFNAMSIZ];
	char kind[16];	     /* IFLA_INFO_KIND: "vlan", "macvtap", "bridge", …; "" for hardware */
	char alias[256];     /* IFLA_IFALIAS; "" when none */
	uint32_t parent;     /* IFLA_LINK; 0 when none, or in another namespace */
	uint32_t master;     /* IFLA_MASTER: the bridge or bond; 0 when none */
	uint16_t vlan;	     /* of kind "vlan": its id */
	uint16_t vlan_proto; /* ditto, host byte order */
	uint32_t num_vfs;    /* IFLA_NUM_VF, by snl_link_get*() only: 0 in lists and events */
	uint32_t mtu;
	struct sriov_mac mac;
	bool admin_up; /* IFF_UP */
	bool carrier;  /* IFF_LOWER_UP */
};

/* One link by name, or by ifindex. NOT_FOUND when there is none. */
int snl_link_get(struct snl *nl, const char *name, struct snl_link *ret, struct sriov_error **err);
int snl_link_get_index(struct snl *nl, uint32_t ifindex, struct snl_link *ret,
		       struct sriov_error **err);

/* All links, without VF information. *ret is a GArray of struct snl_link, the caller's. */
int snl_link_list(struct snl *nl, GArray **ret, struct sriov_error **err);

/* Sets IFF_UP or clears it, and reads back. */
int snl_link_set_up(struct snl *nl, uint32_t ifindex, bool up, struct sriov_error **err);

/*
 * Sets the MAC, unless the link has it already, and reads back. Drivers may refuse while the link
 * is up (BUSY), and a VF's driver any other MAC than the one that was set on the VF through its PF.
 */
int snl_link_set_mac(struct snl *nl, uint32_t ifindex, struct sriov_mac mac,
		     struct sriov_error **err);

/*
 * Makes sure there is a VLAN link on a parent, up, and made by us (IFLA_IFALIAS "sriovd").
 *
 * parent: ifindex of a PF's netdev
 * vlan:   [1, 4094]
 * proto:  ETH_P_8021Q or ETH_P_8021AD, host byte order
 * ret:    the link. Its name is "PARENT.VLAN" where that fits IFNAMSIZ, else "sriovIFINDEX.VLAN"
 *
 * A VLAN link that somebody else made for the same parent, id and protocol is used as it is, up or
 * not. On ours IPv6 is off (/proc/sys/net/ipv6/conf/NAME/disable_ipv6 must be writable) and so is
 * ARP: the host takes no part in its guests' networks.
 *
 * Errors: INVALID, NOT_FOUND (no such parent), EXISTS (other links have both its names), DEVICE
 * with ENETDOWN (the parent is down). After a failure nothing is left behind.
 */
int snl_vlan_ensure(struct snl *nl, uint32_t parent, uint16_t vlan, uint16_t proto,
		    struct snl_link *ret, struct sriov_error **err);

/*
 * Removes a VLAN link that snl_vlan_ensure() made, unless a macvtap or another link still stands on
 * it, here or in a container's namespace.
 *
 * Returns 1 when it was removed, 0 when it stays (not ours, or in use), or a negative errno.
 */
int snl_vlan_remove_unused(struct snl *nl, uint32_t ifindex, struct sriov_error **err);

/* The link of kind macvtap with this MAC, whatever its parent (libvirt names them macvtap0…). */
int snl_macvtap_find(struct snl *nl, struct sriov_mac mac, struct snl_link *ret,
		     struct sriov_error **err);

/* What a macvtap does with frames between itself and the others on its parent; more in steer.h. */
enum snl_macvtap_mode {
	SNL_MACVTAP_BRIDGE, /* they reach one another directly */
	SNL_MACVTAP_VEPA,   /* all frames take the way over the parent */
};

/*
 * Changes mode and address of a macvtap, which may be up, both at once, and reads back. An address
 * that is the macvtap's is in its parent's filter, one that was is not any more (drivers/net/
 * macvlan.c macvlan_sync_address()).
 *
 * Errors: NOT_FOUND, INVALID (no macvtap; its mode is "passthru", which cannot be changed), EXISTS
 * (EADDRINUSE: another macvtap of the parent has the address), DEVICE.
 */
int snl_macvtap_set(struct snl *nl, uint32_t ifindex, enum snl_macvtap_mode mode,
		    struct sriov_mac mac, struct sriov_error **err);
