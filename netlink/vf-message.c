// SPDX-License-Identifier: GPL-2.0-or-later
#include "netlink/vf-message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <string.h>

#include <netlink/attr.h>

#include "netlink/link-message.h"

/* rtnl_fill_vfinfo() presets what not every driver reports to -1. */
#define NOT_REPORTED UINT32_MAX

void snl_vf_report_clear(struct snl_vf_report *report)
{
	g_free(report->vfs);
	*report = (struct snl_vf_report){ 0 };
}

/* Copies the payload of an attribute that is a struct; false when it is too short. */
static bool payload(const struct nlattr *nla, void *ret, size_t size)
{
	if ((size_t)nla_len(nla) < size)
		return false;
	memcpy(ret, nla_data(nla), size);
	return true;
}

static void set_vlan(struct snl_vf_attrs *attrs, uint32_t vlan, uint32_t qos, uint16_t proto_be)
{
	attrs->mask |= SNL_VF_VLAN;
	attrs->vlan = (uint16_t)vlan;
	attrs->qos = (uint8_t)qos;
	/* mlx5, liquidio and nfp zero the kernel's preset of 802.1Q. */
	attrs->vlan_proto = proto_be ? ntohs(proto_be) : ETH_P_8021Q;
}

/* The first entry of IFLA_VF_VLAN_LIST; drivers that have more (QinQ) do not exist. */
static void read_vlan_list(const struct nlattr *list, struct snl_vf_attrs *attrs)
{
	const struct nlattr *nla = nla_find(nla_data(list), nla_len(list), IFLA_VF_VLAN_INFO);
	struct ifla_vf_vlan_info info;

	if (nla && payload(nla, &info, sizeof(info)))
		set_vlan(attrs, info.vlan, info.qos, info.vlan_proto);
}

static void read_mac(const struct nlattr *nla, struct snl_vf_attrs *attrs)
{
	struct ifla_vf_mac mac;

	if (!payload(nla, &mac, sizeof(mac)))
		return;
	attrs->mask |= SNL_VF_MAC;
	memcpy(attrs->mac.octet, mac.mac, sizeof(attrs->mac.octet));
}

static void read_rate(const struct nlattr *nla, struct snl_vf_attrs *attrs)
{
	struct ifla_vf_rate rate;

	if (!payload(nla, &rate, sizeof(rate)))
		return;
	attrs->mask |= SNL_VF_RATE;
	attrs->min_tx_rate = rate.min_tx_rate;
	attrs->max_tx_rate = rate.max_tx_rate;
}

static void read_link_state(const struct nlattr *nla, struct snl_vf_attrs *attrs)
{
	struct ifla_vf_link_state state;

	if (!payload(nla, &state, sizeof(state)) || state.link_state > SNL_VF_LINK_DISABLE)
		return;
	attrs->mask |= SNL_VF_LINK_STATE;
	attrs->link_state = state.link_state;
}

/* struct ifla_vf_spoofchk and struct ifla_vf_trust have the same shape. */
static bool read_switch(const struct nlattr *nla, bool *ret)
{
	struct ifla_vf_spoofchk setting;

	if (!payload(nla, &setting, sizeof(setting)) || setting.setting == NOT_REPORTED)
		return false;
	*ret = setting.setting != 0;
	return true;
}

static void read_attr(const struct nlattr *nla, struct snl_vf_attrs *attrs)
{
	struct ifla_vf_vlan vlan;

	switch (nla_type(nla)) {
	case IFLA_VF_MAC:
		read_mac(nla, attrs);
		break;
	case IFLA_VF_VLAN:
		/* A kernel before 4.10 has only this one; else the list follows and says more. */
		if (!(attrs->mask & SNL_VF_VLAN) && payload(nla, &vlan, sizeof(vlan)))
			set_vlan(attrs, vlan.vlan, vlan.qos, 0);
		break;
	case IFLA_VF_VLAN_LIST:
		read_vlan_list(nla, attrs);
		break;
	case IFLA_VF_RATE:
		read_rate(nla, attrs);
		break;
	case IFLA_VF_SPOOFCHK:
		if (read_switch(nla, &attrs->spoofchk))
			attrs->mask |= SNL_VF_SPOOFCHK;
		break;
	case IFLA_VF_TRUST:
		if (read_switch(nla, &attrs->trust))
			attrs->mask |= SNL_VF_TRUST;
		break;
	case IFLA_VF_LINK_STATE:
		read_link_state(nla, attrs);
		break;
	default: /* an open set: the kernel's */
		break;
	}
}

/* The index that an IFLA_VF_INFO is about: every struct in it starts with it. */
static bool vf_index(const struct nlattr *info, uint32_t *ret)
{
	const struct nlattr *mac = nla_find(nla_data(info), nla_len(info), IFLA_VF_MAC);

	return mac && payload(mac, ret, sizeof(*ret));
}

static int read_vf(const struct nlattr *info, uint32_t only, struct snl_vf_report *report)
{
	struct snl_vf_attrs *attrs;
	uint32_t vf;
	int rem = nla_len(info);

	if (nla_type(info) != IFLA_VF_INFO)
		return 0;
	if (!vf_index(info, &vf) || vf >= report->num_vfs)
		return -EBADMSG;
	if (only != SNL_VF_EVERY && vf != only)
		return 0;
	attrs = &report->vfs[vf];
	if (attrs->mask)
		return -EBADMSG;
	for (const struct nlattr *nla = nla_data(info); nla_ok(nla, rem); nla = nla_next(nla, &rem))
		read_attr(nla, attrs);
	attrs->mac_placeholder = sriov_mac_equal(attrs->mac,
						 snl_vf_placeholder_mac(report->pf_mac, vf));
	return 0;
}

static void read_pf_mac(const struct snl_link_attrs *a, struct sriov_mac *ret)
{
	/* The permanent address: a bond gives its ports another one. */
	static const int types[] = { IFLA_PERM_ADDRESS, IFLA_ADDRESS };

	for (size_t i = 0; i < G_N_ELEMENTS(types) && sriov_mac_is_zero(*ret); i++) {
		const struct nlattr *nla = a->tb[types[i]];

		if (nla && nla_len(nla) == sizeof(ret->octet))
			memcpy(ret->octet, nla_data(nla), sizeof(ret->octet));
	}
}

int snl_vf_report_parse(const struct nlmsghdr *h, uint32_t only, struct snl_vf_report *ret)
{
	struct snl_vf_report report = { 0 };
	struct snl_link_attrs a;
	const struct nlattr *nla;
	int rem;
	int r = snl_link_attrs_parse(h, &a);

	if (r < 0)
		return r;
	if (a.num_vfs > SNL_VF_MAX)
		return -EBADMSG;
	report.num_vfs = a.num_vfs;
	report.listed = a.vf_first != NULL;
	report.truncated = a.vf_truncated;
	report.vfs = g_new0(struct snl_vf_attrs, a.num_vfs);
	snl_attr_string(a.tb[IFLA_IFNAME], report.pf, sizeof(report.pf));
	read_pf_mac(&a, &report.pf_mac);

	nla = a.vf_first;
	rem = (int)a.vf_len;
	for (; r == 0 && nla && nla_ok(nla, rem); nla = nla_next(nla, &rem))
		r = read_vf(nla, only, &report);
	if (r < 0) {
		snl_vf_report_clear(&report);
		return r;
	}
	*ret = report;
	return 0;
}

static void put_vlan(struct nl_msg *msg, uint32_t vf, const struct snl_vf_attrs *attrs)
{
	struct ifla_vf_vlan_info info;
	struct nlattr *list = nla_nest_start(msg, IFLA_VF_VLAN_LIST);

	/* The struct ends in padding, which an initializer leaves as the stack had it. */
	memset(&info, 0, sizeof(info));
	info.vf = vf;
	info.vlan = attrs->vlan;
	info.qos = attrs->qos;
	info.vlan_proto = htons(attrs->vlan_proto);
	nla_put(msg, IFLA_VF_VLAN_INFO, sizeof(info), &info);
	nla_nest_end(msg, list);
}

static void put_mac(struct nl_msg *msg, uint32_t vf, const struct snl_vf_attrs *attrs)
{
	struct ifla_vf_mac mac = { .vf = vf };

	memcpy(mac.mac, attrs->mac.octet, sizeof(attrs->mac.octet));
	nla_put(msg, IFLA_VF_MAC, sizeof(mac), &mac);
}

static void put_attr(struct nl_msg *msg, uint32_t vf, enum snl_vf_attr attr,
		     const struct snl_vf_attrs *attrs)
{
	struct ifla_vf_rate rate = { vf, attrs->min_tx_rate, attrs->max_tx_rate };
	struct ifla_vf_spoofchk spoofchk = { vf, attrs->spoofchk };
	struct ifla_vf_trust trust = { vf, attrs->trust };
	struct ifla_vf_link_state state = { vf, attrs->link_state };

	switch (attr) {
	case SNL_VF_MAC:
		put_mac(msg, vf, attrs);
		return;
	case SNL_VF_VLAN:
		put_vlan(msg, vf, attrs);
		return;
	case SNL_VF_RATE:
		nla_put(msg, IFLA_VF_RATE, sizeof(rate), &rate);
		return;
	case SNL_VF_SPOOFCHK:
		nla_put(msg, IFLA_VF_SPOOFCHK, sizeof(spoofchk), &spoofchk);
		return;
	case SNL_VF_TRUST:
		nla_put(msg, IFLA_VF_TRUST, sizeof(trust), &trust);
		return;
	case SNL_VF_LINK_STATE:
		nla_put(msg, IFLA_VF_LINK_STATE, sizeof(state), &state);
		return;
	}
}

struct nl_msg *snl_vf_message_set(uint32_t ifindex, uint32_t vf, enum snl_vf_attr attr,
				  const struct snl_vf_attrs *attrs)
{
	struct nl_msg *msg = snl_link_message_new(RTM_SETLINK, 0, ifindex);
	struct nlattr *list = nla_nest_start(msg, IFLA_VFINFO_LIST);
	struct nlattr *info = nla_nest_start(msg, IFLA_VF_INFO);

	put_attr(msg, vf, attr, attrs);
	nla_nest_end(msg, info);
	nla_nest_end(msg, list);
	return msg;
}
