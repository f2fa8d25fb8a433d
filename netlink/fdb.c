// SPDX-License-Identifier: GPL-2.0-or-later
#include "netlink/fdb.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include <netlink/attr.h>

#include "netlink/fdb-message.h"
#include "netlink/link.h"
#include "netlink/socket.h"

static struct nl_msg *fdb_message(int type, int flags, uint32_t ifindex,
				  const struct sriov_mac *mac)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);
	struct ndmsg body = { .ndm_family = AF_BRIDGE, .ndm_ifindex = (int)ifindex };

	if (mac) {
		body.ndm_flags = NTF_SELF;
		/* ndo_dflt_fdb_add() wants it permanent: the filter does not age. */
		body.ndm_state = NUD_PERMANENT;
	}
	g_assert(msg && nlmsg_append(msg, &body, sizeof(body), NLMSG_ALIGNTO) == 0);
	if (mac)
		nla_put(msg, NDA_LLADDR, sizeof(mac->octet), mac->octet);
	return msg;
}

/* The link's name for an error's subject. */
static char *name_of(struct snl *nl, uint32_t ifindex)
{
	struct snl_link link;

	if (snl_link_get_index(nl, ifindex, &link, NULL) == 0)
		return g_strdup(link.name);
	return g_strdup_printf("ifindex %u", ifindex);
}

static int change(struct snl *nl, struct nl_msg *msg, struct snl_ack *ack, struct sriov_error **err)
{
	int r = snl_batch(nl, &msg, 1, ack, err);

	if (r < 0)
		sriov_error_wrap(err, "cannot change a link's forwarding entries");
	return r;
}

int snl_fdb_add(struct snl *nl, uint32_t ifindex, struct sriov_mac mac, struct sriov_error **err)
{
	/* Without NLM_F_EXCL: an entry that is there already is success. */
	snl_automsg msg = fdb_message(RTM_NEWNEIGH, NLM_F_CREATE, ifindex, &mac);
	g_autofree char *name = NULL;
	snl_autoack ack = { 0 };
	char text[SRIOV_MAC_STRLEN];
	int r;

	if (!sriov_mac_is_valid(mac))
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL,
				       sriov_mac_format(mac, text),
				       "only a unicast address can be a forwarding entry");
	r = change(nl, msg, &ack, err);
	if (r < 0)
		return r;
	/* Some drivers say it nevertheless. */
	if (ack.err == 0 || ack.err == EEXIST)
		return 0;
	name = name_of(nl, ifindex);
	sriov_mac_format(mac, text);
	/* igb_ndo_fdb_add() and others: no register left for another unicast address */
	if (ack.err == ENOMEM || ack.err == ENOSPC)
		return sriov_error_set(
			err, SRIOV_ERROR_LIMIT, ack.err, name,
			"cannot add forwarding entry %s: the NIC's filter of unicast "
			"addresses is full",
			text);
	return snl_ack_error(&ack, name, err, "add forwarding entry %s", text);
}

/* One that is not there is removed already. before, after: around the MAC, for people */
static int remove_entry(struct snl *nl, struct nl_msg *msg, uint32_t ifindex, struct sriov_mac mac,
			const char *before, const char *after, struct sriov_error **err)
{
	g_autofree char *name = NULL;
	snl_autoack ack = { 0 };
	char text[SRIOV_MAC_STRLEN];
	int r = change(nl, msg, &ack, err);

	if (r < 0 || ack.err == 0 || ack.err == ENOENT)
		return r;
	name = name_of(nl, ifindex);
	return snl_ack_error(&ack, name, err, "remove %s%s%s", before, sriov_mac_format(mac, text),
			     after);
}

int snl_fdb_del(struct snl *nl, uint32_t ifindex, struct sriov_mac mac, struct sriov_error **err)
{
	snl_automsg msg = fdb_message(RTM_DELNEIGH, 0, ifindex, &mac);

	return remove_entry(nl, msg, ifindex, mac, "forwarding entry ", "", err);
}

static struct nl_msg *bridge_message(int type, int flags, uint32_t port, struct sriov_mac mac)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);
	/* NUD_NOARP is what iproute2 calls static: it does not age. */
	struct ndmsg body = { .ndm_family = AF_BRIDGE,
			      .ndm_ifindex = (int)port,
			      .ndm_flags = NTF_MASTER,
			      .ndm_state = NUD_NOARP };

	if (type == RTM_NEWNEIGH)
		body.ndm_flags |= NTF_STICKY;
	g_assert(msg && nlmsg_append(msg, &body, sizeof(body), NLMSG_ALIGNTO) == 0);
	nla_put(msg, NDA_LLADDR, sizeof(mac.octet), mac.octet);
	return msg;
}

int snl_fdb_bridge_add(struct snl *nl, uint32_t port, struct sriov_mac mac,
		       struct sriov_error **err)
{
	snl_automsg msg = bridge_message(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, port, mac);
	g_autofree char *name = NULL;
	snl_autoack ack = { 0 };
	char text[SRIOV_MAC_STRLEN];
	int r = change(nl, msg, &ack, err);

	if (r < 0 || ack.err == 0)
		return r;
	name = name_of(nl, port);
	return snl_ack_error(&ack, name, err, "add %s to its bridge's table",
			     sriov_mac_format(mac, text));
}

int snl_fdb_bridge_del(struct snl *nl, uint32_t port, struct sriov_mac mac,
		       struct sriov_error **err)
{
	snl_automsg msg = bridge_message(RTM_DELNEIGH, 0, port, mac);

	return remove_entry(nl, msg, port, mac, "", " from its bridge's table", err);
}

int snl_fdb_parse(const struct nlmsghdr *h, struct snl_fdb_row *ret)
{
	struct snl_fdb_row row;
	struct ndmsg body;
	struct nlattr *lladdr;

	if (h->nlmsg_type != RTM_NEWNEIGH)
		return 0;
	if ((size_t)nlmsg_datalen(h) < sizeof(body))
		return -EBADMSG;
	memcpy(&body, nlmsg_data(h), sizeof(body));
	/* A bridge adds its own entries of the port (NTF_MASTER). */
	if (body.ndm_family != AF_BRIDGE || !(body.ndm_flags & NTF_SELF))
		return 0;
	lladdr = nlmsg_find_attr((struct nlmsghdr *)h, sizeof(body), NDA_LLADDR);
	if (!lladdr || nla_len(lladdr) != sizeof(row.mac.octet))
		return 0;
	row.ifindex = (uint32_t)body.ndm_ifindex;
	memcpy(row.mac.octet, nla_data(lladdr), sizeof(row.mac.octet));
	if (!sriov_mac_is_valid(row.mac))
		return 0;
	*ret = row;
	return 1;
}

static int take_row(const struct nlmsghdr *h, void *rows)
{
	struct snl_fdb_row row;
	int r = snl_fdb_parse(h, &row);

	if (r > 0)
		g_array_append_val((GArray *)rows, row);
	return MIN(r, 0);
}

static bool holds(const GArray *macs, struct sriov_mac mac)
{
	for (guint i = 0; i < macs->len; i++)
		if (sriov_mac_equal(g_array_index(macs, struct sriov_mac, i), mac))
			return true;
	return false;
}

int snl_fdb_list(struct snl *nl, uint32_t ifindex, GArray **ret, struct sriov_error **err)
{
	g_autoptr(GArray) rows = g_array_new(false, false, sizeof(struct snl_fdb_row));
	snl_automsg msg = fdb_message(RTM_GETNEIGH, NLM_F_DUMP, ifindex, NULL);
	GArray *macs;
	struct snl_link link;
	/* A dump of a link that is not there is empty, not an error. */
	int r = snl_link_get_index(nl, ifindex, &link, err);

	if (r < 0)
		return r;
	r = snl_dump(nl, msg, take_row, rows, "list a link's forwarding entries", err);
	if (r < 0)
		return r;
	macs = g_array_new(false, false, sizeof(struct sriov_mac));
	for (guint i = 0; i < rows->len; i++) {
		const struct snl_fdb_row *row = &g_array_index(rows, struct snl_fdb_row, i);

		/*
		 * A kernel without strict checking lists those of all links, and a driver may list
		 * an address once for each of its filters.
		 */
		if (row->ifindex == ifindex && !holds(macs, row->mac))
			g_array_append_val(macs, row->mac);
	}
	*ret = macs;
	return 0;
}
