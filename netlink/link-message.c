// SPDX-License-Identifier: GPL-2.0-or-later
#include "netlink/link-message.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <netlink/attr.h>
#include <netlink/msg.h>

static int type_of(const struct nlattr *nla)
{
	return nla->nla_type & NLA_TYPE_MASK;
}

static const struct nlattr *after(const struct nlattr *nla, size_t len)
{
	return (const struct nlattr *)((const uint8_t *)nla + len);
}

uint32_t snl_attr_u32(const struct nlattr *nla)
{
	uint32_t value = 0;

	if (nla && (size_t)nla_len(nla) >= sizeof(value))
		memcpy(&value, nla_data(nla), sizeof(value));
	return value;
}

void snl_attr_string(const struct nlattr *nla, char *buf, size_t size)
{
	size_t len = nla ? strnlen(nla_data(nla), (size_t)nla_len(nla)) : 0;

	len = MIN(len, size - 1);
	if (len)
		memcpy(buf, nla_data(nla), len);
	buf[len] = '\0';
}

/*
 * The bytes of the IFLA_VF_INFO entries after a list's header, rem being what the message has left.
 * Returns false when the list's end cannot be told.
 */
static bool measure_vf_list(const struct nlattr *list, int rem, uint32_t num_vfs, size_t *ret_len)
{
	const struct nlattr *nla = after(list, NLA_HDRLEN);
	int left = rem - NLA_HDRLEN;
	uint32_t n = 0;
	size_t len;

	for (; n < num_vfs && nla_ok(nla, left) && type_of(nla) == IFLA_VF_INFO; n++)
		nla = nla_next(nla, &left);
	len = (size_t)((const uint8_t *)nla - (const uint8_t *)list);
	if (len <= (size_t)rem && (len & UINT16_MAX) == list->nla_len) {
		*ret_len = len - NLA_HDRLEN;
		return true;
	}
	/* Not what we know: it is as long as it says, if that much was parsed without a surprise.
	 */
	if (nla_ok(list, rem) && len <= list->nla_len) {
		*ret_len = (size_t)nla_len(list);
		return n == num_vfs;
	}
	return false;
}

int snl_link_attrs_parse(const struct nlmsghdr *h, struct snl_link_attrs *ret)
{
	const struct nlattr *nla;
	int rem;

	*ret = (struct snl_link_attrs){ 0 };
	if ((size_t)nlmsg_datalen(h) < sizeof(*ret->info))
		return -EBADMSG;
	ret->info = nlmsg_data(h);
	nla = nlmsg_attrdata(h, sizeof(*ret->info));
	rem = nlmsg_attrlen(h, sizeof(*ret->info));
	while (rem >= NLA_HDRLEN) {
		size_t step;

		if (type_of(nla) == IFLA_VFINFO_LIST) {
			ret->vf_first = after(nla, NLA_HDRLEN);
			if (!measure_vf_list(nla, rem, ret->num_vfs, &ret->vf_len)) {
				ret->vf_truncated = true;
				ret->vf_len = nla_ok(nla, rem) ? (size_t)nla_len(nla) : 0;
				return 0;
			}
			step = NLA_ALIGN(NLA_HDRLEN + ret->vf_len);
		} else {
			if (!nla_ok(nla, rem))
				return -EBADMSG;
			if (type_of(nla) <= IFLA_MAX)
				ret->tb[type_of(nla)] = nla;
			if (type_of(nla) == IFLA_NUM_VF)
				ret->num_vfs = snl_attr_u32(nla);
			step = NLA_ALIGN((size_t)nla->nla_len);
		}
		if (step >= (size_t)rem)
			break;
		nla = after(nla, step);
		rem -= (int)step;
	}
	return 0;
}

/* The attribute of one type in a nest; NULL when it is not there. */
static const struct nlattr *find_in(const struct nlattr *nest, int type)
{
	return nest ? nla_find(nla_data(nest), nla_len(nest), type) : NULL;
}

static void parse_vlan(const struct nlattr *data, struct snl_link *link)
{
	const struct nlattr *id = find_in(data, IFLA_VLAN_ID);
	const struct nlattr *proto = find_in(data, IFLA_VLAN_PROTOCOL);
	uint16_t value;

	if (id && (size_t)nla_len(id) >= sizeof(value)) {
		memcpy(&value, nla_data(id), sizeof(value));
		link->vlan = value;
	}
	if (proto && (size_t)nla_len(proto) >= sizeof(value)) {
		memcpy(&value, nla_data(proto), sizeof(value));
		link->vlan_proto = ntohs(value);
	}
}

int snl_link_parse(const struct nlmsghdr *h, struct snl_link *ret)
{
	struct snl_link link = { 0 };
	struct snl_link_attrs a;
	int r = snl_link_attrs_parse(h, &a);

	if (r < 0)
		return r;
	if (a.info->ifi_index <= 0 || !a.tb[IFLA_IFNAME])
		return -EBADMSG;
	link.ifindex = (uint32_t)a.info->ifi_index;
	link.admin_up = a.info->ifi_flags & IFF_UP;
	link.carrier = a.info->ifi_flags & IFF_LOWER_UP;
	snl_attr_string(a.tb[IFLA_IFNAME], link.name, sizeof(link.name));
	snl_attr_string(a.tb[IFLA_IFALIAS], link.alias, sizeof(link.alias));
	snl_attr_string(find_in(a.tb[IFLA_LINKINFO], IFLA_INFO_KIND), link.kind, sizeof(link.kind));
	/* With IFLA_LINK_NETNSID the parent's index is one of another namespace: none of ours. */
	if (!a.tb[IFLA_LINK_NETNSID])
		link.parent = snl_attr_u32(a.tb[IFLA_LINK]);
	link.master = snl_attr_u32(a.tb[IFLA_MASTER]);
	link.mtu = snl_attr_u32(a.tb[IFLA_MTU]);
	link.num_vfs = a.num_vfs;
	if (a.tb[IFLA_ADDRESS] && nla_len(a.tb[IFLA_ADDRESS]) == sizeof(link.mac.octet))
		memcpy(link.mac.octet, nla_data(a.tb[IFLA_ADDRESS]), sizeof(link.mac.octet));
	if (strcmp(link.kind, "vlan") == 0)
		parse_vlan(find_in(a.tb[IFLA_LINKINFO], IFLA_INFO_DATA), &link);
	*ret = link;
	return 0;
}

/* GLib's rule: out of memory aborts. The sizes put into these messages are bounded. */
static struct nl_msg *must(struct nl_msg *msg)
{
	g_assert(msg != NULL);
	return msg;
}

struct nl_msg *snl_link_message_new(int type, int flags, uint32_t ifindex)
{
	struct nl_msg *msg = must(nlmsg_alloc_simple(type, flags));
	struct ifinfomsg info = { .ifi_family = AF_UNSPEC, .ifi_index = (int)ifindex };

	g_assert(nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO) == 0);
	return msg;
}

struct nl_msg *snl_link_message_get(const char *name, uint32_t ifindex, uint32_t ext_mask)
{
	struct nl_msg *msg = snl_link_message_new(RTM_GETLINK, 0, name ? 0 : ifindex);

	if (name)
		nla_put_string(msg, strlen(name) < IFNAMSIZ ? IFLA_IFNAME : IFLA_ALT_IFNAME, name);
	nla_put_u32(msg, IFLA_EXT_MASK, ext_mask);
	return msg;
}

struct nl_msg *snl_link_message_dump(const char *kind, int netnsid)
{
	struct nl_msg *msg = snl_link_message_new(RTM_GETLINK, NLM_F_DUMP, 0);

	nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	if (kind) {
		struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO);

		nla_put_string(msg, IFLA_INFO_KIND, kind);
		nla_nest_end(msg, info);
	}
	if (netnsid >= 0)
		nla_put_s32(msg, IFLA_TARGET_NETNSID, netnsid);
	return msg;
}

struct nl_msg *snl_link_message_set_flags(uint32_t ifindex, unsigned int flags, unsigned int change)
{
	struct nl_msg *msg = snl_link_message_new(RTM_SETLINK, 0, ifindex);
	struct ifinfomsg *info = nlmsg_data(nlmsg_hdr(msg));

	info->ifi_flags = flags;
	info->ifi_change = change;
	return msg;
}

struct nl_msg *snl_link_message_set_mac(uint32_t ifindex, struct sriov_mac mac)
{
	struct nl_msg *msg = snl_link_message_new(RTM_SETLINK, 0, ifindex);

	nla_put(msg, IFLA_ADDRESS, sizeof(mac.octet), mac.octet);
	return msg;
}

struct nl_msg *snl_link_message_del(uint32_t ifindex)
{
	return snl_link_message_new(RTM_DELLINK, 0, ifindex);
}
