/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>

#include "netlink/link.h"

/* include/uapi/linux/if.h, which cannot be included beside <net/if.h> */
#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP (1 << 16)
#endif

/*
 * Inside netlink/ only: RTM_*LINK messages, built and read. Pure functions over buffers: nothing
 * here talks to the kernel. What is read may be hostile; h must be whole (nlmsg_ok()) and aligned.
 */

/* An RTM_NEWLINK or RTM_DELLINK message, taken apart. Everything points into the message. */
struct snl_link_attrs {
	const struct ifinfomsg *info;
	const struct nlattr *tb[IFLA_MAX + 1]; /* by type; never IFLA_VFINFO_LIST */
	uint32_t num_vfs;		       /* IFLA_NUM_VF */
	const struct nlattr *vf_first; /* the first IFLA_VF_INFO; NULL: no IFLA_VFINFO_LIST */
	size_t vf_len;		       /* bytes of all IFLA_VF_INFO, which may exceed 65535 */
	bool vf_truncated;	       /* where the list ends cannot be told */
};

/*
 * Takes a message apart. The 16-bit nla_len of IFLA_VFINFO_LIST wraps from 65532 bytes on (335 VFs
 * without statistics), while all of its entries and what follows them are there (nla_nest_end()
 * just stores the low 16 bits): their true length is the sum of the entries, accepted only when its
 * low 16 bits are what nla_len says. Returns 0 or -EBADMSG.
 */
int snl_link_attrs_parse(const struct nlmsghdr *h, struct snl_link_attrs *ret);

/* Reads one link. Returns 0 or -EBADMSG. */
int snl_link_parse(const struct nlmsghdr *h, struct snl_link *ret);

/* The u32 of an attribute; 0 when it is missing or too short. */
uint32_t snl_attr_u32(const struct nlattr *nla);

/* Copies an attribute's string and ends it, whatever it holds; "" when it is missing. */
void snl_attr_string(const struct nlattr *nla, char *buf, size_t size);

/* Requests. The caller owns the message. ext_mask: RTEXT_FILTER_* */
struct nl_msg *snl_link_message_get(const char *name, uint32_t ifindex, uint32_t ext_mask);
struct nl_msg *snl_link_message_dump(const char *kind, int netnsid);
struct nl_msg *snl_link_message_set_flags(uint32_t ifindex, unsigned int flags,
					  unsigned int change);
struct nl_msg *snl_link_message_set_mac(uint32_t ifindex, struct sriov_mac mac);
struct nl_msg *snl_link_message_del(uint32_t ifindex);
struct nl_msg *snl_link_message_new(int type, int flags, uint32_t ifindex);
