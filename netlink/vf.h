/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/error.h"
#include "base/mac.h"

struct snl;

/*
 * VF attributes, as the PF's driver keeps them: IFLA_VFINFO_LIST of RTM_GETLINK and RTM_SETLINK
 * (include/uapi/linux/if_link.h; net/core/rtnetlink.c do_setvfinfo(), rtnl_fill_vfinfo()).
 *
 * Requests run in the kernel in the caller's context and wait for the RTNL lock: for a PF's queue,
 * not for the main thread.
 */

enum snl_vf_attr {
	SNL_VF_MAC = 1 << 0,  /* IFLA_VF_MAC */
	SNL_VF_VLAN = 1 << 1, /* IFLA_VF_VLAN_LIST: vlan, qos and vlan_proto are one attribute */
	SNL_VF_RATE = 1 << 2, /* IFLA_VF_RATE: min and max are one attribute */
	SNL_VF_SPOOFCHK = 1 << 3,   /* IFLA_VF_SPOOFCHK */
	SNL_VF_TRUST = 1 << 4,	    /* IFLA_VF_TRUST */
	SNL_VF_LINK_STATE = 1 << 5, /* IFLA_VF_LINK_STATE */
};
#define SNL_VF_ALL                                                                 \
	(SNL_VF_MAC | SNL_VF_VLAN | SNL_VF_RATE | SNL_VF_SPOOFCHK | SNL_VF_TRUST | \
	 SNL_VF_LINK_STATE)

/* IFLA_VF_LINK_STATE_* of if_link.h */
enum snl_vf_link_state {
	SNL_VF_LINK_AUTO = 0,
	SNL_VF_LINK_ENABLE = 1,
	SNL_VF_LINK_DISABLE = 2,
};

struct snl_vf_attrs {
	uint32_t mask;	      /* of enum snl_vf_attr: which members count */
	struct sriov_mac mac; /* all zero: the VF's own driver may choose one */
	uint16_t vlan;	      /* [0, 4094]; 0: none */
	uint8_t qos;	      /* 802.1p priority, [0, 7] */
	uint16_t vlan_proto;  /* ETH_P_8021Q (0x8100) or ETH_P_8021AD (0x88a8), host byte order */
	uint32_t min_tx_rate; /* Mbit/s; 0: none */
	uint32_t max_tx_rate; /* Mbit/s; 0: unlimited */
	bool spoofchk;
	bool trust;
	enum snl_vf_link_state link_state;
	bool mac_placeholder; /* read only: mac is snl_vf_placeholder_mac() of this VF */
};

/* "mac", "vlan", …: the name of one attribute, for messages. */
const char *snl_vf_attr_name(enum snl_vf_attr attr);

/* The attributes of want that differ in have; the mask of have must hold them, else they differ. */
uint32_t snl_vf_attrs_diff(const struct snl_vf_attrs *want, const struct snl_vf_attrs *have);

/* "mac 52:54:00:aa:00:11, vlan 100, …" of the attributes in mask; the caller owns the string. */
char *snl_vf_attrs_format(const struct snl_vf_attrs *attrs, uint32_t mask);

/*
 * Reads what the kernel says of one VF. ret->mask tells what the driver reports; what it does not
 * report cannot be verified.
 *
 * ifindex: of the PF's netdev
 * vf:      index, [0, numvfs)
 *
 * Errors: NOT_FOUND (no such PF or VF), NOT_SUPPORTED (the driver lists no VFs), BUSY (it leaves
 * this one out, being in reset: that is waited for, for a second), LIMIT when the PF has more VFs
 * than the answer holds and this one is not in the part that arrived.
 *
 * The 16-bit length of IFLA_VFINFO_LIST wraps silently from 335 VFs on without statistics. A list
 * whose entries add up to that length is read whole nevertheless (seen with 2,000 VFs), and what
 * was parsed is compared with IFLA_NUM_VF.
 */
int snl_vf_get(struct snl *nl, uint32_t ifindex, uint32_t vf, struct snl_vf_attrs *ret,
	       struct sriov_error **err);

/*
 * Reads all VFs of one PF, without statistics: ret is [*ret_n] by index, the caller's (g_free). One
 * with mask 0 is in reset. LIMIT when the answer was truncated; the return values are then not set.
 */
int snl_vf_get_all(struct snl *nl, uint32_t ifindex, struct snl_vf_attrs **ret, size_t *ret_n,
		   struct sriov_error **err);

/*
 * Sets the attributes in want->mask of one VF: all, or none.
 *
 * Each attribute is a message of its own, all in one send, each acknowledged, so that the kernel's
 * answer names the attribute that failed. When one fails, those already applied are set back to
 * what snl_vf_get() said before, and the error names the attribute and carries the kernel's
 * extended ack. Afterwards the VF is read back and compared (a driver may accept silently what it
 * does not do).
 *
 * supported: NULL, or receives the mask of the attributes that the driver took
 *
 * With supported, attributes that the driver does not know (EOPNOTSUPP) and that stand at their
 * neutral value in want (link state auto, trust off, rates 0, …) are skipped instead of failing,
 * unless the kernel reports that the VF has another value.
 *
 * Two refusals are no failure: that of the zero MAC (see snl_vf_placeholder_mac()), and that of a
 * rate which the VF has already (igb and ixgbe refuse every rate while the PF has no link). EAGAIN
 * is tried again for 3 seconds.
 *
 * A PF that is down: igb and ixgbe accept all but rates, report what they accepted, and program the
 * hardware when it comes up. Reading back does not show that; snl_link_get() does (admin_up).
 *
 * Errors: NOT_SUPPORTED (EOPNOTSUPP, EPROTONOSUPPORT), INVALID (EINVAL, or out of range, before
 * anything is sent), BUSY (EBUSY, EAGAIN), DEVICE (accepted but not done, or roll-back failed too,
 * which the message says), TIMEOUT, and what snl_vf_get() gives.
 */
int snl_vf_set(struct snl *nl, uint32_t ifindex, uint32_t vf, const struct snl_vf_attrs *want,
	       uint32_t *supported, struct sriov_error **err);

/*
 * What a VF without an owner looks like: no MAC, no VLAN, no QoS, 802.1Q, no rates, spoofchk on,
 * trust off, link state auto. All attributes in the mask.
 */
struct snl_vf_attrs snl_vf_attrs_neutral(void);

/*
 * What a VF has in the place of no MAC where its driver cannot do without one: cxgb4 and liquidio
 * refuse the zero MAC, mlx4 refuses spoofchk together with it, bnxt goes on reporting the last one.
 *
 * When snl_vf_set() is asked for the zero MAC and such a driver refuses (EINVAL, EADDRNOTAVAIL,
 * EPERM) or does not read back as zero, it sets this one. snl_vf_get() recognises it
 * (mac_placeholder), and snl_vf_attrs_diff() takes it for the zero MAC that was wanted.
 *
 * It is 02: and 40 bits of the SHA-256 of the PF's permanent MAC and the VF's index: the same after
 * every restart, locally administered, and outside of QEMU's 52:54:00.
 */
struct sriov_mac snl_vf_placeholder_mac(struct sriov_mac pf_mac, uint32_t vf);
