// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VLAN links on a PF, for the macvtap fallback of guests with a VLAN.
 *
 * Such a link carries tenants' frames into the host, which must take no part in their network: a
 * guest could otherwise give the host an address and a default route by a router advertisement, or
 * have it answer ARP for its own management address. So IPv6 is off on it and it does no ARP;
 * macvtap links on top take their frames before any of that.
 */
#include "netlink/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/net_namespace.h>
#include <stdio.h>
#include <string.h>

#include <netlink/attr.h>

#include "base/fd.h"
#include "netlink/link-internal.h"
#include "netlink/link-message.h"
#include "netlink/socket.h"

#define OUR_ALIAS "sriovd"
#define VLAN_MAX  4094

static int find_vlan(struct snl *nl, uint32_t parent, uint16_t vlan, uint16_t proto,
		     struct snl_link *ret, struct sriov_error **err)
{
	g_autoptr(GArray) links = NULL;
	int r = snl_link_dump(nl, "vlan", -1, &links, err);

	if (r < 0)
		return r;
	for (guint i = 0; i < links->len; i++) {
		const struct snl_link *link = &g_array_index(links, struct snl_link, i);

		if (link->parent != parent || link->vlan != vlan || link->vlan_proto != proto)
			continue;
		*ret = *link;
		return 1;
	}
	return 0;
}

/* Like "ip link add", but one message does not set an alias: rtnl_create_link() ignores it. */
static struct nl_msg *create_message(const char *name, uint32_t parent, uint16_t vlan,
				     uint16_t proto)
{
	struct nl_msg *msg = snl_link_message_new(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0);
	uint16_t proto_be = htons(proto);
	struct nlattr *info, *data;

	nla_put_string(msg, IFLA_IFNAME, name);
	nla_put_u32(msg, IFLA_LINK, parent);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, "vlan");
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	nla_put_u16(msg, IFLA_VLAN_ID, vlan);
	nla_put(msg, IFLA_VLAN_PROTOCOL, sizeof(proto_be), &proto_be);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return msg;
}

static struct nl_msg *alias_message(const char *name)
{
	struct nl_msg *msg = snl_link_message_new(RTM_SETLINK, 0, 0);

	nla_put_string(msg, IFLA_IFNAME, name);
	nla_put(msg, IFLA_IFALIAS, strlen(OUR_ALIAS), OUR_ALIAS);
	return msg;
}

/*
 * Creates the link and marks it as ours in one send: the kernel handles both before sendmsg()
 * returns, so that no kill of ours leaves one without the mark. Returns -EEXIST without an error
 * set when the name or the VLAN is taken.
 */
static int create_marked(struct snl *nl, const char *name, const struct snl_link *parent,
			 uint16_t vlan, uint16_t proto, struct sriov_error **err)
{
	snl_automsg create = create_message(name, parent->ifindex, vlan, proto);
	snl_automsg alias = alias_message(name);
	struct nl_msg *msgs[] = { create, alias };
	struct snl_ack acks[2] = { 0 };
	int r = snl_batch(nl, msgs, 2, acks, err);

	if (r < 0)
		sriov_error_wrap(err, "cannot create VLAN link %s", name);
	else if (acks[0].err == EEXIST)
		r = -EEXIST;
	else if (acks[0].err)
		r = snl_ack_error(&acks[0], parent->name, err, "create VLAN link %s for VLAN %u",
				  name, vlan);
	else if (acks[1].err)
		r = snl_ack_error(&acks[1], name, err, "mark the VLAN link as sriovd's");
	snl_ack_clear(&acks[0]);
	snl_ack_clear(&acks[1]);
	return r;
}

static int remove_link(struct snl *nl, const struct snl_link *link, struct sriov_error **err)
{
	snl_automsg msg = snl_link_message_del(link->ifindex);
	snl_autoack ack = { 0 };
	int r = snl_batch(nl, &msg, 1, &ack, err);

	if (r < 0) {
		sriov_error_wrap(err, "cannot remove link %s", link->name);
		return r;
	}
	if (ack.err && ack.err != ENODEV)
		return snl_ack_error(&ack, link->name, err, "remove the link");
	return 0;
}

/* Netlink can only read this setting (IFLA_INET6_CONF). The link must be down still. */
static int disable_ipv6(const char *name, struct sriov_error **err)
{
	g_autofree char *path = g_strdup_printf("/proc/sys/net/ipv6/conf/%s/disable_ipv6", name);
	sriov_autofd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0; /* a kernel without IPv6 */
	if (fd >= 0 && write(fd, "1", 1) == 1)
		return 0;
	return sriov_error_set(
		err, sriov_error_code_from_errno(errno), errno, name,
		"cannot switch IPv6 off on the VLAN link, without which its guests could "
		"configure the host by router advertisements: %s: %s",
		path, g_strerror(errno));
}

static int bring_up(struct snl *nl, const struct snl_link *link, const struct snl_link *parent,
		    struct sriov_error **err)
{
	snl_automsg msg = snl_link_message_set_flags(link->ifindex, IFF_UP | IFF_NOARP,
						     IFF_UP | IFF_NOARP);
	snl_autoack ack = { 0 };
	int r = disable_ipv6(link->name, err);

	if (r < 0)
		return r;
	r = snl_batch(nl, &msg, 1, &ack, err);
	if (r < 0) {
		sriov_error_wrap(err, "cannot set VLAN link %s up", link->name);
		return r;
	}
	if (ack.err == ENETDOWN)
		return sriov_error_set(
			err, SRIOV_ERROR_DEVICE, ENETDOWN, link->name,
			"cannot set the VLAN link up while %s is down: set that up first",
			parent->name);
	if (ack.err)
		return snl_ack_error(&ack, link->name, err, "set the VLAN link up");
	return 0;
}

/* The names to try: readable, then unique by the parent's index, which fits for every index. */
static void vlan_names(const struct snl_link *parent, uint16_t vlan, char names[2][IFNAMSIZ])
{
	char buf[IFNAMSIZ + 8];

	names[0][0] = '\0';
	if (snprintf(buf, sizeof(buf), "%s.%u", parent->name, vlan) < IFNAMSIZ)
		g_strlcpy(names[0], buf, IFNAMSIZ);
	if (parent->ifindex < 100000)
		snprintf(buf, sizeof(buf), "sriov%u.%u", parent->ifindex, vlan);
	else
		snprintf(buf, sizeof(buf), "sv%x.%u", parent->ifindex, vlan);
	g_strlcpy(names[1], buf, IFNAMSIZ);
}

static int create_vlan(struct snl *nl, const struct snl_link *parent, uint16_t vlan, uint16_t proto,
		       struct sriov_error **err)
{
	char names[2][IFNAMSIZ];
	int r = -EEXIST;

	vlan_names(parent, vlan, names);
	/* The first name may be taken, by the same VLAN id of the other protocol for one. */
	for (size_t i = 0; i < 2 && r == -EEXIST; i++) {
		if (names[i][0])
			r = create_marked(nl, names[i], parent, vlan, proto, err);
		/* A mark that failed is an error, and its errno might be this one. */
		if (r == -EEXIST && err && *err)
			break;
	}
	return r;
}

static int check_arguments(uint16_t vlan, uint16_t proto, struct sriov_error **err)
{
	if (vlan < 1 || vlan > VLAN_MAX)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, NULL,
				       "VLAN %u is not in the range 1 to %d", vlan, VLAN_MAX);
	if (proto != ETH_P_8021Q && proto != ETH_P_8021AD)
		return sriov_error_set(
			err, SRIOV_ERROR_INVALID, EINVAL, NULL,
			"0x%04x is not a VLAN protocol: it is 0x8100 (802.1Q) or 0x88a8 "
			"(802.1ad)",
			proto);
	return 0;
}

static bool is_ours(const struct snl_link *link)
{
	return strcmp(link->kind, "vlan") == 0 && strcmp(link->alias, OUR_ALIAS) == 0;
}

/* Ours may be down: fresh, left over by a crash, or set down by somebody. */
static int use_vlan(struct snl *nl, const struct snl_link *parent, bool created,
		    struct snl_link *link, struct sriov_error **err)
{
	int r = 0;

	if (!is_ours(link) || link->admin_up)
		return 0;
	r = bring_up(nl, link, parent, err);
	if (r < 0 && created)
		remove_link(nl, link, NULL);
	if (r < 0)
		return r;
	return snl_link_get_index(nl, link->ifindex, link, err);
}

int snl_vlan_ensure(struct snl *nl, uint32_t parent, uint16_t vlan, uint16_t proto,
		    struct snl_link *ret, struct sriov_error **err)
{
	struct snl_link on, link;
	bool created = false;
	int r = check_arguments(vlan, proto, err);

	if (r == 0)
		r = snl_link_get_index(nl, parent, &on, err);
	if (r == 0)
		r = find_vlan(nl, parent, vlan, proto, &link, err);
	if (r == 0) {
		sriov_autoerror failed = NULL;

		r = create_vlan(nl, &on, vlan, proto, &failed);
		if (failed)
			return sriov_error_propagate(err, g_steal_pointer(&failed));
		created = r == 0;
		r = find_vlan(nl, parent, vlan, proto, &link, err);
	}
	if (r < 0)
		return r;
	if (r == 0)
		return sriov_error_set(
			err, SRIOV_ERROR_EXISTS, EEXIST, on.name,
			"cannot create a link for VLAN %u: other links have the names "
			"that it could take",
			vlan);
	r = use_vlan(nl, &on, created, &link, err);
	if (r == 0)
		*ret = link;
	return r;
}

static int take_nsid(const struct nlmsghdr *h, void *rows)
{
	int32_t id = -1;
	struct nlattr *nla = nlmsg_find_attr((struct nlmsghdr *)h, sizeof(struct rtgenmsg),
					     NETNSA_NSID);

	if (h->nlmsg_type != RTM_NEWNSID || !nla || (size_t)nla_len(nla) < sizeof(id))
		return 0;
	memcpy(&id, nla_data(nla), sizeof(id));
	if (id >= 0)
		g_array_append_val((GArray *)rows, id);
	return 0;
}

static int list_nsids(struct snl *nl, GArray *ids, struct sriov_error **err)
{
	struct rtgenmsg body = { .rtgen_family = AF_UNSPEC };
	snl_automsg msg = nlmsg_alloc_simple(RTM_GETNSID, NLM_F_DUMP);

	g_assert(msg && nlmsg_append(msg, &body, sizeof(body), NLMSG_ALIGNTO) == 0);
	return snl_dump(nl, msg, take_nsid, ids, "list the network namespaces", err);
}

struct foreign {
	uint32_t lower;
	char name[IFNAMSIZ];
};

/*
 * A row is a link of another namespace that stands on a link of a namespace not its own. Whether
 * that one is ours is not looked into: a link too many only keeps a VLAN link for longer.
 */
static int take_foreign(const struct nlmsghdr *h, void *rows)
{
	struct snl_link_attrs a;
	struct foreign row;

	if (h->nlmsg_type != RTM_NEWLINK || snl_link_attrs_parse(h, &a) < 0)
		return 0;
	if (!a.tb[IFLA_LINK_NETNSID] || !a.tb[IFLA_LINK])
		return 0;
	row.lower = snl_attr_u32(a.tb[IFLA_LINK]);
	snl_attr_string(a.tb[IFLA_IFNAME], row.name, sizeof(row.name));
	g_array_append_val((GArray *)rows, row);
	return 0;
}

/*
 * macvlan links that were moved into containers' namespaces still stand here, and would go with the
 * link below. A namespace that one was moved into has an id in ours (dev_change_net_namespace()).
 */
static int find_foreign(struct snl *nl, uint32_t ifindex, char *ret_name, struct sriov_error **err)
{
	g_autoptr(GArray) ids = g_array_new(false, false, sizeof(int32_t));
	g_autoptr(GArray) rows = g_array_new(false, false, sizeof(struct foreign));
	int r = list_nsids(nl, ids, err);

	if (r < 0)
		return r;
	for (guint i = 0; i < ids->len; i++) {
		snl_automsg msg = snl_link_message_dump(NULL, g_array_index(ids, int32_t, i));
		sriov_autoerror failed = NULL;

		r = snl_dump(nl, msg, take_foreign, rows, "list the links of a namespace", &failed);
		/* A namespace that is gone by now has no links any more. */
		if (r < 0 && r != -EINVAL)
			return sriov_error_propagate(err, g_steal_pointer(&failed));
		for (guint j = 0; r == 0 && j < rows->len; j++) {
			const struct foreign *row = &g_array_index(rows, struct foreign, j);

			if (row->lower == ifindex)
				g_strlcpy(ret_name, row->name, IFNAMSIZ);
		}
	}
	return 0;
}

int snl_link_in_use(struct snl *nl, const struct snl_link *link, char *ret_name,
		    struct sriov_error **err)
{
	g_autoptr(GArray) links = NULL;
	int r = snl_link_dump(nl, NULL, -1, &links, err);

	if (r < 0)
		return r;
	ret_name[0] = '\0';
	for (guint i = 0; i < links->len; i++) {
		const struct snl_link *other = &g_array_index(links, struct snl_link, i);

		if (other->parent == link->ifindex || other->ifindex == link->master)
			g_strlcpy(ret_name, other->name, IFNAMSIZ);
	}
	if (ret_name[0] == '\0')
		r = find_foreign(nl, link->ifindex, ret_name, err);
	if (r < 0)
		return r;
	return ret_name[0] != '\0';
}

int snl_vlan_remove_unused(struct snl *nl, uint32_t ifindex, struct sriov_error **err)
{
	sriov_autoerror gone = NULL;
	char upper[IFNAMSIZ];
	struct snl_link link;
	int r = snl_link_get_index(nl, ifindex, &link, &gone);

	if (r < 0 && gone->code == SRIOV_ERROR_NOT_FOUND)
		return 0;
	if (r < 0)
		return sriov_error_propagate(err, g_steal_pointer(&gone));
	if (!is_ours(&link))
		return 0;
	r = snl_link_in_use(nl, &link, upper, err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = remove_link(nl, &link, err);
	return r < 0 ? r : 1;
}
