// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sim/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "netlink/monitor.h"
#include "netlink/socket.h"
#include "netlink/uevent.h"
#include "netlink/uplink.h"
#include "netlink/vf.h"
#include "tests/sim/sim.h"
#include "tests/sim/world.h"

#define FDS_MAX 1024
/* include/uapi/linux/if.h, which cannot stand beside net/if.h */
#ifndef IFF_LOWER_UP
#define IFF_LOWER_UP 0x10000
#endif

/* The kernel's end of each socket, by the number of the daemon's; 0: none. */
static int peers[FDS_MAX];

int __wrap_snl_new(struct snl **ret, struct sriov_error **err);
void __real_snl_free(struct snl *nl);
void __wrap_snl_free(struct snl *nl);

int __wrap_snl_new(struct snl **ret, struct sriov_error **err)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, errno, NULL,
				       "cannot open a netlink socket: %s", g_strerror(errno));
	g_assert(fds[0] < FDS_MAX && fds[1] < FDS_MAX);
	__atomic_store_n(&peers[fds[0]], fds[1], __ATOMIC_SEQ_CST);
	*ret = snl_new_from_fd(fds[0]);
	return 0;
}

void __wrap_snl_free(struct snl *nl)
{
	int fd = nl ? nl->fd : -1;

	if (fd >= 0)
		close(__atomic_exchange_n(&peers[fd], 0, __ATOMIC_SEQ_CST));
	__real_snl_free(nl);
}

/* Answers */

static struct nl_msg *message(int type, const struct nlmsghdr *request)
{
	struct nl_msg *msg = nlmsg_alloc_size(64 * 1024);

	nlmsg_put(msg, 0, request->nlmsg_seq, type, 0, 0);
	return msg;
}

static void answer(int peer, struct nl_msg *msg)
{
	const struct nlmsghdr *h = nlmsg_hdr(msg);

	g_assert(write(peer, h, h->nlmsg_len) == (ssize_t)h->nlmsg_len);
	nlmsg_free(msg);
}

static void ack(int peer, const struct nlmsghdr *request, int err, const char *words)
{
	struct nl_msg *msg = message(NLMSG_ERROR, request);
	struct nlmsgerr e = { .error = -err, .msg = *request };

	nlmsg_append(msg, &e, sizeof(e), NLMSG_ALIGNTO);
	nlmsg_hdr(msg)->nlmsg_flags = NLM_F_CAPPED;
	if (err && words && *words) {
		nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK_TLVS;
		nla_put_string(msg, NLMSGERR_ATTR_MSG, words);
	}
	answer(peer, msg);
}

static void put_vf(struct nl_msg *msg, uint32_t i, const struct sim_attrs *a)
{
	struct nlattr *info = nla_nest_start(msg, IFLA_VF_INFO), *list;
	struct ifla_vf_mac mac = { .vf = i };
	struct ifla_vf_vlan_info vlan = { i, a->vlan, a->qos, htons(a->proto) };
	struct ifla_vf_rate rate = { i, a->min, a->max };
	struct ifla_vf_spoofchk spoofchk = { i, a->spoofchk };
	struct ifla_vf_link_state state = { i, a->link_state };
	struct ifla_vf_trust trust = { i, a->trust };

	memcpy(mac.mac, a->mac, 6);
	nla_put(msg, IFLA_VF_MAC, sizeof(mac), &mac);
	nla_put(msg, IFLA_VF_RATE, sizeof(rate), &rate);
	nla_put(msg, IFLA_VF_SPOOFCHK, sizeof(spoofchk), &spoofchk);
	nla_put(msg, IFLA_VF_LINK_STATE, sizeof(state), &state);
	nla_put(msg, IFLA_VF_TRUST, sizeof(trust), &trust);
	list = nla_nest_start(msg, IFLA_VF_VLAN_LIST);
	nla_put(msg, IFLA_VF_VLAN_INFO, sizeof(vlan), &vlan);
	nla_nest_end(msg, list);
	nla_nest_end(msg, info);
}

static void put_vfs(struct nl_msg *msg, const struct sim_pf *pf)
{
	struct nlattr *list;
	uint32_t n = 0;

	while (n < SIM_VFS && pf->vf[n].exists)
		n++;
	nla_put_u32(msg, IFLA_NUM_VF, n);
	list = nla_nest_start(msg, IFLA_VFINFO_LIST);
	for (uint32_t i = 0; i < n; i++)
		put_vf(msg, i, &pf->vf[i].attrs);
	nla_nest_end(msg, list);
}

static void put_kind(struct nl_msg *msg, const struct sim_link *link)
{
	struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO), *data;
	uint16_t proto = htons(link->proto);

	nla_put_string(msg, IFLA_INFO_KIND, link->kind);
	if (strcmp(link->kind, "vlan") == 0) {
		data = nla_nest_start(msg, IFLA_INFO_DATA);
		nla_put_u16(msg, IFLA_VLAN_ID, link->vlan);
		nla_put(msg, IFLA_VLAN_PROTOCOL, sizeof(proto), &proto);
		nla_nest_end(msg, data);
	}
	nla_nest_end(msg, info);
}

static struct nl_msg *link_message(const struct nlmsghdr *request, const struct sim_link *link,
				   bool with_vfs)
{
	struct nl_msg *msg = message(RTM_NEWLINK, request);
	struct ifinfomsg info = { .ifi_type = 1, .ifi_index = (int)link->ifindex };
	const struct sim_pf *pf = sim_pf_by_ifindex(link->ifindex);

	info.ifi_flags = (link->up ? IFF_UP : 0U) |
			 (link->up && link->carrier ? IFF_LOWER_UP | IFF_RUNNING : 0U);
	nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
	nla_put_string(msg, IFLA_IFNAME, link->name);
	nla_put(msg, IFLA_ADDRESS, 6, link->mac);
	if (*link->alias)
		nla_put_string(msg, IFLA_IFALIAS, link->alias);
	if (link->parent)
		nla_put_u32(msg, IFLA_LINK, link->parent);
	if (link->master)
		nla_put_u32(msg, IFLA_MASTER, link->master);
	if (*link->kind)
		put_kind(msg, link);
	if (pf && with_vfs)
		put_vfs(msg, pf);
	return msg;
}

/* Rule 5: what a guest has that does not use sriovd is nobody's business. */
static void check_foreign(const struct sim_link *link)
{
	if (link && link->foreign)
		sim_broken("link %s was changed, which is of a guest that does not use sriovd",
			   link->name);
}

static void check_foreign_mac(const uint8_t mac[6])
{
	for (int i = 0; i < SIM_LINKS; i++) {
		if (sim_world->link[i].ifindex && memcmp(sim_world->link[i].mac, mac, 6) == 0)
			check_foreign(&sim_world->link[i]);
	}
}

/* Requests */

static struct sim_link *link_of(struct nlmsghdr *h)
{
	const struct ifinfomsg *info = nlmsg_data(h);
	struct nlattr *name = nlmsg_find_attr(h, sizeof(*info), IFLA_IFNAME);

	if (info->ifi_index)
		return sim_link_by_index((uint32_t)info->ifi_index);
	return name ? sim_link_by_name(nla_data(name)) : NULL;
}

static void dump_links(int peer, struct nlmsghdr *h)
{
	struct nlattr *info = nlmsg_find_attr(h, sizeof(struct ifinfomsg), IFLA_LINKINFO);
	struct nlattr *kind = info ? nla_find(nla_data(info), nla_len(info), IFLA_INFO_KIND) : NULL;
	struct nl_msg *done = message(NLMSG_DONE, h);
	int zero = 0;

	for (int i = 0; i < SIM_LINKS; i++) {
		const struct sim_link *link = &sim_world->link[i];

		if (link->ifindex && (!kind || strcmp(link->kind, nla_data(kind)) == 0))
			answer(peer, link_message(h, link, false));
	}
	nlmsg_append(done, &zero, sizeof(zero), NLMSG_ALIGNTO);
	answer(peer, done);
}

static void get_link(int peer, struct nlmsghdr *h)
{
	const struct sim_link *link = link_of(h);

	if (h->nlmsg_flags & NLM_F_DUMP)
		dump_links(peer, h);
	else if (!link)
		ack(peer, h, ENODEV, NULL);
	else
		answer(peer, link_message(h, link, true));
}

static enum snl_vf_attr attr_of(int type)
{
	switch (type) {
	case IFLA_VF_MAC:
		return SNL_VF_MAC;
	case IFLA_VF_VLAN_LIST:
		return SNL_VF_VLAN;
	case IFLA_VF_RATE:
		return SNL_VF_RATE;
	case IFLA_VF_SPOOFCHK:
		return SNL_VF_SPOOFCHK;
	case IFLA_VF_TRUST:
		return SNL_VF_TRUST;
	default: /* the kernel's numbers */
		g_assert(type == IFLA_VF_LINK_STATE);
		return SNL_VF_LINK_STATE;
	}
}

static void store(struct sim_attrs *a, int type, const void *data)
{
	const struct ifla_vf_vlan_info *vlan;

	switch (type) {
	case IFLA_VF_MAC:
		memcpy(a->mac, ((const struct ifla_vf_mac *)data)->mac, 6);
		break;
	case IFLA_VF_VLAN_LIST:
		vlan = nla_data(data);
		a->vlan = (uint16_t)vlan->vlan;
		a->qos = (uint16_t)vlan->qos;
		a->proto = ntohs(vlan->vlan_proto);
		break;
	case IFLA_VF_RATE:
		a->min = ((const struct ifla_vf_rate *)data)->min_tx_rate;
		a->max = ((const struct ifla_vf_rate *)data)->max_tx_rate;
		break;
	case IFLA_VF_SPOOFCHK:
		a->spoofchk = ((const struct ifla_vf_spoofchk *)data)->setting;
		break;
	case IFLA_VF_TRUST:
		a->trust = ((const struct ifla_vf_trust *)data)->setting;
		break;
	case IFLA_VF_LINK_STATE:
		a->link_state = ((const struct ifla_vf_link_state *)data)->link_state;
		break;
	default: /* the kernel's numbers */
		break;
	}
}

/* The rules that the kernel's end can see: nobody gets a VF that is not clean, or in use. */
static void check_set(struct sim_pf *pf, uint32_t i, int type, const void *data)
{
	const struct sim_vf *vf = &pf->vf[i];
	const struct sim_domain *holder = sim_function_holder(pf->bus, 2, (uint8_t)i);
	const uint8_t *mac = ((const struct ifla_vf_mac *)data)->mac;
	struct sim_attrs after = vf->attrs;

	/* Drivers act on a value that they have already, too: a running guest would notice. */
	store(&after, type, data);
	if (holder && memcmp(&after, &vf->attrs, sizeof(after)) == 0)
		sim_broken("VF %02x/%u was set for nothing while %s ran on it", pf->bus, i,
			   holder->name);
	if (type != IFLA_VF_MAC || sim_mac_is_zero(mac) || memcmp(mac, vf->attrs.mac, 6) == 0)
		return;
	if (!sim_mac_is_zero(vf->user) && memcmp(mac, vf->user, 6) != 0)
		sim_broken("VF %02x/%u was given to ..:%02x without a reset after ..:%02x", pf->bus,
			   i, mac[5], vf->user[5]);
	/* Of what was set when somebody destroyed it, the rest went on to the one made anew. */
	if (!sim_attrs_are_neutral(&vf->attrs) && memcmp(mac, vf->last_mac, 6) != 0 &&
	    !vf->destroyed)
		sim_broken("VF %02x/%u was given to ..:%02x with the attributes of ..:%02x (VLAN "
			   "%u, QoS %u, rates %u and %u, spoof check %d, trust %d, link %u)",
			   pf->bus, i, mac[5], vf->last_mac[5], vf->attrs.vlan, vf->attrs.qos,
			   vf->attrs.min, vf->attrs.max, vf->attrs.spoofchk, vf->attrs.trust,
			   vf->attrs.link_state);
}

/* Whose the attributes are from now on: also when the driver refuses the MAC, they may be set. */
static void note_owner(struct sim_vf *vf, int type, const void *data)
{
	const uint8_t *mac = ((const struct ifla_vf_mac *)data)->mac;

	if (type != IFLA_VF_MAC || sim_mac_is_zero(mac))
		return;
	memcpy(vf->last_mac, mac, 6);
	vf->destroyed = false;
}

static void set_vf(int peer, struct nlmsghdr *h, struct sim_pf *pf, struct nlattr *list)
{
	struct nlattr *nla = nla_data(nla_data(list)); /* one VF, one attribute */
	struct nlattr *body = nla_type(nla) == IFLA_VF_VLAN_LIST ? nla_data(nla) : nla;
	uint32_t i = *(uint32_t *)nla_data(body);
	enum snl_vf_attr attr = attr_of(nla_type(nla));
	int bit = __builtin_ctz(attr);
	int err = sim_world->faults.attr[bit].err;

	if (!pf || i >= SIM_VFS || !pf->vf[i].exists) {
		ack(peer, h, pf ? EINVAL : EOPNOTSUPP, NULL);
		return;
	}
	if (!err)
		check_set(pf, i, nla_type(nla), nla_data(nla));
	note_owner(&pf->vf[i], nla_type(nla), nla_data(nla));
	if (err) {
		ack(peer, h, err, sim_world->faults.attr[bit].words);
		if (sim_world->faults.attr[bit].times && --sim_world->faults.attr[bit].times == 0)
			sim_world->faults.attr[bit].err = 0;
		return;
	}
	if (!sim_world->faults.attr[bit].ignore)
		store(&pf->vf[i].attrs, nla_type(nla), nla_data(nla));
	sim_changed("set %02x/%u %s", pf->bus, i, snl_vf_attr_name(attr));
	ack(peer, h, 0, NULL);
}

static void set_link(int peer, struct nlmsghdr *h)
{
	const struct ifinfomsg *info = nlmsg_data(h);
	struct nlattr *vfs = nlmsg_find_attr(h, sizeof(*info), IFLA_VFINFO_LIST);
	struct nlattr *alias = nlmsg_find_attr(h, sizeof(*info), IFLA_IFALIAS);
	struct sim_link *link = link_of(h);
	bool up = info->ifi_flags & IFF_UP;

	if (!link) {
		ack(peer, h, ENODEV, NULL);
		return;
	}
	if (vfs) {
		set_vf(peer, h, sim_pf_by_ifindex(link->ifindex), vfs);
		return;
	}
	check_foreign(link);
	if (alias)
		g_strlcpy(link->alias, nla_data(alias),
			  MIN(sizeof(link->alias), (size_t)nla_len(alias) + 1));
	if ((info->ifi_change & IFF_UP) && link->up != up) {
		const struct sim_link *parent = sim_link_by_index(link->parent);

		if (up && parent && !parent->up) {
			ack(peer, h, ENETDOWN, NULL);
			return;
		}
		link->up = up;
		sim_changed("link %s %s", link->name, up ? "up" : "down");
		sim_show_link(link);
	}
	ack(peer, h, 0, NULL);
}

/* Is there one for this VLAN on this parent (vlan_check_real_dev())? */
static bool has_vlan(uint32_t parent, uint16_t vlan)
{
	for (int i = 0; i < SIM_LINKS; i++) {
		const struct sim_link *link = &sim_world->link[i];

		if (link->ifindex && strcmp(link->kind, "vlan") == 0 && link->parent == parent &&
		    link->vlan == vlan)
			return true;
	}
	return false;
}

void sim_link_add_vlan(const char *name)
{
	g_autofree char *parent_name = NULL;
	const struct sim_link *parent;
	struct sim_link *link;
	uint16_t vlan;

	parent_name = snl_uplink_split(name, &vlan);
	parent = parent_name ? sim_link_by_name(parent_name) : NULL;
	if (!parent || has_vlan(parent->ifindex, vlan))
		return;
	link = sim_link_add(name, "vlan");
	link->parent = parent->ifindex;
	link->vlan = vlan;
	link->proto = ETH_P_8021Q;
	link->up = true;
	g_strlcpy(link->alias, "sriovd", sizeof(link->alias));
}

/* Mode and address of a macvtap that is there. */
static void change_macvtap(int peer, struct nlmsghdr *h, struct sim_link *link)
{
	size_t head = sizeof(struct ifinfomsg);
	struct nlattr *mac = nlmsg_find_attr(h, (int)head, IFLA_ADDRESS);
	struct nlattr *info = nlmsg_find_attr(h, (int)head, IFLA_LINKINFO);
	struct nlattr *data = info ? nla_find(nla_data(info), nla_len(info), IFLA_INFO_DATA) : NULL;

	if (!link || strcmp(link->kind, "macvtap") != 0 || !mac || !data) {
		ack(peer, h, link ? EOPNOTSUPP : ENODEV, NULL);
		return;
	}
	check_foreign(link);
	memcpy(link->mac, nla_data(mac), sizeof(link->mac));
	link->mode = nla_get_u32(nla_find(nla_data(data), nla_len(data), IFLA_MACVLAN_MODE));
	sim_changed("macvtap %s mode %u", link->name, link->mode);
	ack(peer, h, 0, NULL);
}

static void new_link(int peer, struct nlmsghdr *h)
{
	size_t head = sizeof(struct ifinfomsg);
	struct nlattr *name = nlmsg_find_attr(h, (int)head, IFLA_IFNAME);
	struct nlattr *parent = nlmsg_find_attr(h, (int)head, IFLA_LINK);
	struct nlattr *info = nlmsg_find_attr(h, (int)head, IFLA_LINKINFO);
	struct nlattr *kind = nla_find(nla_data(info), nla_len(info), IFLA_INFO_KIND);
	struct nlattr *data = nla_find(nla_data(info), nla_len(info), IFLA_INFO_DATA);
	struct nlattr *id = data ? nla_find(nla_data(data), nla_len(data), IFLA_VLAN_ID) : NULL;
	struct sim_link *link;

	if (!name) {
		change_macvtap(peer, h, link_of(h));
		return;
	}
	if (sim_link_by_name(nla_data(name)) ||
	    (id && has_vlan(nla_get_u32(parent), nla_get_u16(id)))) {
		ack(peer, h, EEXIST, NULL);
		return;
	}
	link = sim_link_add(nla_data(name), nla_data(kind));
	link->parent = nla_get_u32(parent);
	if (id && strcmp(link->kind, "vlan") == 0) {
		link->vlan = nla_get_u16(id);
		link->proto = ntohs(
			nla_get_u16(nla_find(nla_data(data), nla_len(data), IFLA_VLAN_PROTOCOL)));
	}
	sim_changed("link %s made", link->name);
	ack(peer, h, 0, NULL);
}

static void del_link(int peer, struct nlmsghdr *h)
{
	struct sim_link *link = link_of(h);

	if (!link) {
		ack(peer, h, ENODEV, NULL);
		return;
	}
	for (int i = 0; i < SIM_LINKS; i++) {
		if (sim_world->link[i].ifindex && sim_world->link[i].parent == link->ifindex)
			sim_broken("link %s was removed from under %s", link->name,
				   sim_world->link[i].name);
	}
	check_foreign(link);
	sim_changed("link %s removed", link->name);
	link->ifindex = 0;
	ack(peer, h, 0, NULL);
}

static void change_neigh(int peer, struct nlmsghdr *h, bool add)
{
	const struct ndmsg *body = nlmsg_data(h);
	struct nlattr *lladdr = nlmsg_find_attr(h, sizeof(*body), NDA_LLADDR);
	struct sim_fdb *empty = NULL, *found = NULL;

	check_foreign_mac(nla_data(lladdr));
	for (int i = 0; i < SIM_LINKS; i++) {
		struct sim_fdb *entry = &sim_world->fdb[i];

		if (!entry->ifindex && !empty)
			empty = entry;
		if (entry->ifindex == (uint32_t)body->ndm_ifindex &&
		    memcmp(entry->mac, nla_data(lladdr), 6) == 0)
			found = entry;
	}
	if (add && !found) {
		g_assert(empty);
		empty->ifindex = (uint32_t)body->ndm_ifindex;
		memcpy(empty->mac, nla_data(lladdr), 6);
		sim_changed("fdb of %u: one more", empty->ifindex);
	}
	if (!add && found) {
		found->ifindex = 0;
		sim_changed("fdb of %d: one less", body->ndm_ifindex);
	}
	ack(peer, h, add || found ? 0 : ENOENT, NULL);
}

/* The own filter's entries of one link. */
static void dump_neighs(int peer, struct nlmsghdr *h)
{
	struct nl_msg *done = message(NLMSG_DONE, h);
	int zero = 0;

	for (int i = 0; i < SIM_LINKS; i++) {
		const struct sim_fdb *entry = &sim_world->fdb[i];
		struct ndmsg body = { .ndm_family = AF_BRIDGE,
				      .ndm_ifindex = (int)entry->ifindex,
				      .ndm_flags = NTF_SELF,
				      .ndm_state = NUD_PERMANENT };
		struct nl_msg *msg;

		if (!entry->ifindex)
			continue;
		msg = message(RTM_NEWNEIGH, h);
		nlmsg_append(msg, &body, sizeof(body), NLMSG_ALIGNTO);
		nla_put(msg, NDA_LLADDR, 6, entry->mac);
		answer(peer, msg);
	}
	nlmsg_append(done, &zero, sizeof(zero), NLMSG_ALIGNTO);
	answer(peer, done);
}

static void done_of_nothing(int peer, struct nlmsghdr *h)
{
	struct nl_msg *done = message(NLMSG_DONE, h);
	int zero = 0;

	nlmsg_append(done, &zero, sizeof(zero), NLMSG_ALIGNTO);
	answer(peer, done);
}

static void serve(int peer, struct nlmsghdr *h)
{
	switch (h->nlmsg_type) {
	case RTM_GETLINK:
		get_link(peer, h);
		return;
	case RTM_SETLINK:
		set_link(peer, h);
		return;
	case RTM_NEWLINK:
		new_link(peer, h);
		return;
	case RTM_DELLINK:
		del_link(peer, h);
		return;
	case RTM_NEWNEIGH:
		change_neigh(peer, h, true);
		return;
	case RTM_DELNEIGH:
		change_neigh(peer, h, false);
		return;
	case RTM_GETNEIGH:
		dump_neighs(peer, h);
		return;
	case RTM_GETNSID:
		done_of_nothing(peer, h);
		return;
	default: /* the kernel's numbers */
		ack(peer, h, EOPNOTSUPP, NULL);
	}
}

static bool changes_something(const void *bytes)
{
	int type = ((const struct nlmsghdr *)bytes)->nlmsg_type;

	return type != RTM_GETLINK && type != RTM_GETNSID && type != RTM_GETNEIGH;
}

/* In a driver, for as long as the fault lasts. */
static void hang(const void *bytes)
{
	const struct nlmsghdr *h = bytes;
	const struct ifinfomsg *info = nlmsg_data(h);
	bool sets = h->nlmsg_type == RTM_SETLINK;
	const struct sim_pf *pf = sets || h->nlmsg_type == RTM_GETLINK
					  ? sim_pf_by_ifindex((uint32_t)info->ifi_index)
					  : NULL;

	if (pf)
		sim_hang(sets ? &sim_world->faults.hang_sets : &sim_world->faults.hang_looks,
			 (uint8_t)(pf->bus + 1));
	else if (changes_something(bytes))
		sim_hang((const uint8_t *)&sim_world->faults.hang_links, true);
}

bool sim_netlink_send(int fd, const void *bytes, size_t len)
{
	int peer = fd >= 0 && fd < FDS_MAX ? __atomic_load_n(&peers[fd], __ATOMIC_SEQ_CST) : 0;
	g_autofree struct nlmsghdr *copy = NULL;
	struct nlmsghdr *h;
	int rem = (int)len;

	if (!peer)
		return false;
	if (changes_something(bytes))
		sim_door("netlink send");
	hang(bytes);
	h = copy = g_memdup2(bytes, len);
	sim_doors_off();
	sim_lock();
	for (; nlmsg_ok(h, rem); h = nlmsg_next(h, &rem))
		serve(peer, h);
	sim_unlock();
	sim_doors_on();
	return true;
}

/* The monitor */

struct snl_monitor {
	struct snl_monitor_handler handler;
	void *data;
};

static struct snl_monitor *monitor;

int __wrap_snl_monitor_new(GMainContext *context, const struct snl_monitor_handler *handler,
			   void *data, struct snl_monitor **ret, struct sriov_error **err);
void __wrap_snl_monitor_free(struct snl_monitor *gone);

int __wrap_snl_monitor_new(GMainContext *context, const struct snl_monitor_handler *handler,
			   void *data, struct snl_monitor **ret, struct sriov_error **err)
{
	monitor = g_new(struct snl_monitor, 1);
	*monitor = (struct snl_monitor){ *handler, data };
	*ret = monitor;
	return 0;
}

void __wrap_snl_monitor_free(struct snl_monitor *gone)
{
	if (monitor == gone)
		monitor = NULL;
	g_free(gone);
}

void sim_link_event(uint32_t ifindex)
{
	const struct sim_link *link;
	struct snl_link event = { .ifindex = ifindex };

	sim_lock();
	link = sim_link_by_index(ifindex);
	if (link) {
		g_strlcpy(event.name, link->name, sizeof(event.name));
		g_strlcpy(event.kind, link->kind, sizeof(event.kind));
		g_strlcpy(event.alias, link->alias, sizeof(event.alias));
		event.parent = link->parent;
		event.master = link->master;
		event.admin_up = link->up;
		event.carrier = link->up && link->carrier;
		memcpy(event.mac.octet, link->mac, 6);
	}
	sim_unlock();
	if (monitor)
		monitor->handler.link(&event, link == NULL, monitor->data);
}

void sim_link_overrun(void)
{
	if (monitor)
		monitor->handler.overrun(monitor->data);
}

/* Device events */

struct snl_uevents {
	struct snl_uevents_handler handler;
	void *data;
};

static struct snl_uevents *uevents;

int __wrap_snl_uevents_new(const struct snl_uevents_handler *handler, void *data,
			   struct snl_uevents **ret, struct sriov_error **err);
void __wrap_snl_uevents_free(struct snl_uevents *gone);

int __wrap_snl_uevents_new(const struct snl_uevents_handler *handler, void *data,
			   struct snl_uevents **ret, struct sriov_error **err)
{
	uevents = g_new(struct snl_uevents, 1);
	*uevents = (struct snl_uevents){ *handler, data };
	*ret = uevents;
	return 0;
}

void __wrap_snl_uevents_free(struct snl_uevents *gone)
{
	if (uevents == gone)
		uevents = NULL;
	g_free(gone);
}

void sim_pci_removed_event(uint8_t bus, uint8_t slot, uint8_t function)
{
	const struct sriov_bdf bdf = { 0, bus, slot, function };

	if (uevents)
		uevents->handler.pci_removed(bdf, uevents->data);
}

void sim_pci_error_event(uint8_t bus, uint8_t slot, uint8_t function, enum snl_uevent what)
{
	const struct sriov_bdf bdf = { 0, bus, slot, function };

	if (uevents)
		uevents->handler.pci_error(bdf, what, uevents->data);
}

void sim_pci_overrun(void)
{
	if (uevents)
		uevents->handler.overrun(uevents->data);
}
