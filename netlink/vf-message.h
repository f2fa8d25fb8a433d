/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <net/if.h>
#include <netlink/msg.h>

#include "netlink/vf.h"

/*
 * Inside netlink/ only: IFLA_VFINFO_LIST, built and read. Pure functions over buffers; what is read
 * may be hostile.
 */

/* More is not possible: NumVFs of the SR-IOV capability has 16 bits (PCIe 6.0, 9.3.3.7). */
#define SNL_VF_MAX UINT16_MAX

#define SNL_VF_EVERY UINT32_MAX

/* What one RTM_NEWLINK says of a PF's VFs. Clear with snl_vf_report_clear(). */
struct snl_vf_report {
	char pf[IFNAMSIZ];
	struct sriov_mac pf_mac;  /* the permanent one where the kernel tells it (since 5.6) */
	uint32_t num_vfs;	  /* IFLA_NUM_VF */
	bool listed;		  /* there is an IFLA_VFINFO_LIST */
	bool truncated;		  /* it ends before the last VF */
	struct snl_vf_attrs *vfs; /* [num_vfs]; mask 0: not in the list, or not the one asked for */
};

void snl_vf_report_clear(struct snl_vf_report *report);

/*
 * Reads an RTM_NEWLINK message; only: a VF's index, or SNL_VF_EVERY.
 * Returns 0; -EBADMSG when it is malformed or names a VF twice or one beyond IFLA_NUM_VF.
 */
int snl_vf_report_parse(const struct nlmsghdr *h, uint32_t only, struct snl_vf_report *ret);

/*
 * RTM_SETLINK with one attribute of one VF. attr: exactly one of enum snl_vf_attr; its value is
 * taken from attrs, whatever the mask says. The caller owns the message.
 */
struct nl_msg *snl_vf_message_set(uint32_t ifindex, uint32_t vf, enum snl_vf_attr attr,
				  const struct snl_vf_attrs *attrs);

/* Refuses values out of range before anything is sent: INVALID. */
int snl_vf_attrs_check(const struct snl_vf_attrs *want, const char *subject,
		       struct sriov_error **err);

/*
 * The order in which attributes are set (mask: which of them): ret is [SNL_VF_ATTR_COUNT]; returns
 * how many. See vf-attrs.c for the reasons.
 */
#define SNL_VF_ATTR_COUNT 6
size_t snl_vf_attrs_order(const struct snl_vf_attrs *want, uint32_t mask,
			  enum snl_vf_attr ret[SNL_VF_ATTR_COUNT]);
