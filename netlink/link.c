// SPDX-License-Identifier: GPL-2.0-or-later
#include "netlink/link.h"

#include <errno.h>
#include <string.h>

#include "netlink/link-internal.h"
#include "netlink/link-message.h"
#include "netlink/socket.h"

#define ALTIFNAME_MAX 128 /* include/uapi/linux/if.h: ALTIFNAMSIZ */

static int take_one(const struct nlmsghdr *h, void *data)
{
	return h->nlmsg_type == RTM_NEWLINK ? snl_link_parse(h, data) : 0;
}

static int get(struct snl *nl, const char *name, uint32_t ifindex, struct snl_link *ret,
	       struct sriov_error **err)
{
	g_autofree char *subject = name ? g_strdup(name) : g_strdup_printf("ifindex %u", ifindex);
	/* IFLA_NUM_VF comes only together with the VFs themselves; without statistics at least. */
	snl_automsg msg = snl_link_message_get(name, ifindex,
					       RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
	struct snl_link link = { 0 };
	snl_autoack ack = { 0 };
	int r;

	r = snl_query(nl, msg, take_one, &link, &ack, err);
	if (r < 0) {
		sriov_error_wrap(err, "cannot read link %s", subject);
		return r;
	}
	if (ack.err == ENODEV || (ack.err == 0 && link.ifindex == 0))
		return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENODEV, subject,
				       "there is no such network link");
	if (ack.err)
		return snl_ack_error(&ack, subject, err, "read the link");
	*ret = link;
	return 0;
}

int snl_link_get(struct snl *nl, const char *name, struct snl_link *ret, struct sriov_error **err)
{
	size_t len = strlen(name);

	if (len == 0 || len >= ALTIFNAME_MAX)
		return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENODEV, name,
				       "no network link can have a name of %zu characters", len);
	return get(nl, name, 0, ret, err);
}

int snl_link_get_index(struct snl *nl, uint32_t ifindex, struct snl_link *ret,
		       struct sriov_error **err)
{
	if (ifindex == 0 || ifindex > INT32_MAX)
		return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENODEV, NULL,
				       "%u is not the index of a network link", ifindex);
	return get(nl, NULL, ifindex, ret, err);
}

static int take_row(const struct nlmsghdr *h, void *rows)
{
	struct snl_link link;
	int r;

	if (h->nlmsg_type != RTM_NEWLINK)
		return 0;
	r = snl_link_parse(h, &link);
	if (r == 0)
		g_array_append_val((GArray *)rows, link);
	return r;
}

int snl_link_dump(struct snl *nl, const char *kind, int netnsid, GArray **ret,
		  struct sriov_error **err)
{
	g_autoptr(GArray) rows = g_array_new(false, false, sizeof(struct snl_link));
	snl_automsg msg = snl_link_message_dump(kind, netnsid);
	int r = snl_dump(nl, msg, take_row, rows, "list the network links", err);

	if (r < 0)
		return r;
	/* The kernel ignores a filter on a kind whose module is not loaded. */
	for (guint i = 0; kind && i < rows->len;) {
		if (strcmp(g_array_index(rows, struct snl_link, i).kind, kind) == 0)
			i++;
		else
			g_array_remove_index_fast(rows, i);
	}
	*ret = g_steal_pointer(&rows);
	return 0;
}

int snl_link_list(struct snl *nl, GArray **ret, struct sriov_error **err)
{
	return snl_link_dump(nl, NULL, -1, ret, err);
}

int snl_link_set_up(struct snl *nl, uint32_t ifindex, bool up, struct sriov_error **err)
{
	snl_automsg msg = snl_link_message_set_flags(ifindex, up ? IFF_UP : 0, IFF_UP);
	const char *direction = up ? "up" : "down";
	snl_autoack ack = { 0 };
	struct snl_link link;
	int r = snl_link_get_index(nl, ifindex, &link, err);

	if (r < 0)
		return r;
	r = snl_batch(nl, &msg, 1, &ack, err);
	if (r < 0) {
		sriov_error_wrap(err, "cannot set link %s %s", link.name, direction);
		return r;
	}
	if (ack.err)
		return snl_ack_error(&ack, link.name, err, "set the link %s", direction);
	r = snl_link_get_index(nl, ifindex, &link, err);
	if (r < 0)
		return r;
	if (link.admin_up != up)
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, link.name,
				       "the kernel accepted to set the link %s, but it is %s",
				       direction, link.admin_up ? "up" : "down");
	return 0;
}

int snl_link_set_mac(struct snl *nl, uint32_t ifindex, struct sriov_mac mac,
		     struct sriov_error **err)
{
	snl_automsg msg = snl_link_message_set_mac(ifindex, mac);
	char text[SRIOV_MAC_STRLEN], seen[SRIOV_MAC_STRLEN];
	snl_autoack ack = { 0 };
	struct snl_link link;
	int r = snl_link_get_index(nl, ifindex, &link, err);

	if (r < 0 || sriov_mac_equal(link.mac, mac))
		return r;
	sriov_mac_format(mac, text);
	r = snl_batch(nl, &msg, 1, &ack, err);
	if (r < 0) {
		sriov_error_wrap(err, "cannot set the MAC %s of link %s", text, link.name);
		return r;
	}
	if (ack.err)
		return snl_ack_error(&ack, link.name, err, "set the MAC %s", text);
	r = snl_link_get_index(nl, ifindex, &link, err);
	if (r < 0)
		return r;
	if (!sriov_mac_equal(link.mac, mac))
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, link.name,
				       "the kernel accepted to set the MAC %s, but it is %s", text,
				       sriov_mac_format(link.mac, seen));
	return 0;
}

int snl_macvtap_find(struct snl *nl, struct sriov_mac mac, struct snl_link *ret,
		     struct sriov_error **err)
{
	g_autoptr(GArray) links = NULL;
	char text[SRIOV_MAC_STRLEN];
	int r = snl_link_dump(nl, "macvtap", -1, &links, err);

	if (r < 0)
		return r;
	for (guint i = 0; i < links->len; i++) {
		const struct snl_link *link = &g_array_index(links, struct snl_link, i);

		if (sriov_mac_equal(link->mac, mac)) {
			*ret = *link;
			return 0;
		}
	}
	return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENODEV, sriov_mac_format(mac, text),
			       "no macvtap link has this address");
}
