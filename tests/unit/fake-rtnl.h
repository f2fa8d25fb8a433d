/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A stand-in for the kernel's end of a NETLINK_ROUTE socket, with one PF whose driver can be told
 * to misbehave in each way that a real one does. It runs in a thread and answers over a socketpair.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>
#include <netlink/attr.h>
#include <netlink/msg.h>

#include "netlink/link.h"
#include "netlink/socket.h"
#include "netlink/vf-message.h"
#include "netlink/vf.h"

#define FAKE_IFINDEX 7
#define FAKE_NAME    "enp1s0"

struct fake_vf {
	struct sriov_mac mac;
	uint32_t vlan, qos;
	uint16_t proto; /* host byte order; 0: as mlx5 reports it */
	uint32_t min, max;
	uint32_t spoofchk, trust; /* UINT32_MAX: not reported */
	uint32_t link_state;
};

/* What the driver does with one attribute, by the number of its bit in enum snl_vf_attr. */
struct fake_quirk {
	int err;	    /* errno of the next sets */
	int err_times;	    /* 0: for ever */
	bool apply_failing; /* does it in spite of the error */
	bool ignore;	    /* says 0 and does nothing */
	const char *words;  /* extended ack */
};

struct fake_rtnl {
	int fd;
	pthread_t thread;
	uint32_t n;
	struct fake_vf *vf;
	struct fake_quirk quirk[SNL_VF_ATTR_COUNT];
	bool refuse_zero_mac;	 /* cxgb4 */
	bool spoofchk_needs_mac; /* mlx4 */
	bool keep_mac_on_zero;	 /* bnxt */
	int leave_out;		 /* answers in which VF 0 is missing */
	bool no_list;		 /* switchdev */
	uint32_t cut;		 /* with a wrapped list: leave out this many VFs at its end */
	bool mute;		 /* receives and does not answer sets */
	bool gone_after_set;	 /* the PF vanishes with the first set */
	bool gone;
	GString *log;	    /* "mac vlan …": the sets in the order they came */
	unsigned int sends; /* datagrams received with sets in them */
};

static struct nl_msg *fake_msg(int type, const struct nlmsghdr *request)
{
	struct nl_msg *msg = nlmsg_alloc_size(1024 * 1024);

	nlmsg_put(msg, 0, request->nlmsg_seq, type, 0, 0);
	return msg;
}

static void fake_send(struct fake_rtnl *fake, struct nl_msg *msg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);

	g_assert(send(fake->fd, h, h->nlmsg_len, 0) == (ssize_t)h->nlmsg_len);
	nlmsg_free(msg);
}

static void fake_ack(struct fake_rtnl *fake, const struct nlmsghdr *request, int err,
		     const char *words)
{
	struct nl_msg *msg = fake_msg(NLMSG_ERROR, request);
	struct nlmsgerr e = { .error = -err, .msg = *request };

	nlmsg_append(msg, &e, sizeof(e), NLMSG_ALIGNTO);
	nlmsg_hdr(msg)->nlmsg_flags = NLM_F_CAPPED;
	if (words) {
		nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK_TLVS;
		nla_put_string(msg, NLMSGERR_ATTR_MSG, words);
	}
	fake_send(fake, msg);
}

static void fake_put_vf(struct nl_msg *msg, uint32_t i, const struct fake_vf *vf)
{
	struct nlattr *info = nla_nest_start(msg, IFLA_VF_INFO), *list;
	struct ifla_vf_mac mac = { .vf = i };
	struct ifla_vf_vlan vlan = { i, vf->vlan, vf->qos };
	struct ifla_vf_vlan_info vi = { i, vf->vlan, vf->qos, htons(vf->proto) };
	struct ifla_vf_rate rate = { i, vf->min, vf->max };
	struct ifla_vf_tx_rate tx_rate = { i, vf->max };
	struct ifla_vf_spoofchk spoofchk = { i, vf->spoofchk };
	struct ifla_vf_trust trust = { i, vf->trust };
	struct ifla_vf_link_state state = { i, vf->link_state };
	struct ifla_vf_rss_query_en rss = { i, UINT32_MAX };
	uint8_t broadcast[32] = { 255, 255, 255, 255, 255, 255 };

	memcpy(mac.mac, vf->mac.octet, 6);
	nla_put(msg, IFLA_VF_MAC, sizeof(mac), &mac);
	nla_put(msg, IFLA_VF_BROADCAST, sizeof(broadcast), broadcast);
	nla_put(msg, IFLA_VF_VLAN, sizeof(vlan), &vlan);
	nla_put(msg, IFLA_VF_RATE, sizeof(rate), &rate);
	nla_put(msg, IFLA_VF_TX_RATE, sizeof(tx_rate), &tx_rate);
	nla_put(msg, IFLA_VF_SPOOFCHK, sizeof(spoofchk), &spoofchk);
	nla_put(msg, IFLA_VF_LINK_STATE, sizeof(state), &state);
	nla_put(msg, IFLA_VF_RSS_QUERY_EN, sizeof(rss), &rss);
	nla_put(msg, IFLA_VF_TRUST, sizeof(trust), &trust);
	list = nla_nest_start(msg, IFLA_VF_VLAN_LIST);
	nla_put(msg, IFLA_VF_VLAN_INFO, sizeof(vi), &vi);
	nla_nest_end(msg, list);
	nla_nest_end(msg, info);
}

/* As rtnl_fill_ifinfo(): what stands before the list, the list with its wrapping length, what
 * follows. */
static struct nl_msg *fake_link(struct fake_rtnl *fake, const struct nlmsghdr *request)
{
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 0xee, 0, 1 },
			     perm[6] = { 0, 0x1b, 0x21, 1, 2, 3 };
	struct ifinfomsg info = { .ifi_type = 1, .ifi_index = FAKE_IFINDEX, .ifi_flags = 0x11043 };
	struct nl_msg *msg = fake_msg(RTM_NEWLINK, request);
	size_t at;
	uint32_t i = 0;

	nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
	nla_put_string(msg, IFLA_IFNAME, FAKE_NAME);
	nla_put(msg, IFLA_ADDRESS, 6, mac);
	nla_put_u32(msg, IFLA_NUM_VF, fake->n);
	if (!fake->no_list) {
		at = nlmsg_hdr(msg)->nlmsg_len;
		nla_put(msg, IFLA_VFINFO_LIST, 0, NULL);
		if (fake->leave_out > 0) {
			fake->leave_out--;
			i = 1;
		}
		for (; i < fake->n - fake->cut; i++)
			fake_put_vf(msg, i, &fake->vf[i]);
		/* A shorter list than one that wraps: the length is that of the whole one. */
		((struct nlattr *)((char *)nlmsg_hdr(msg) + at))->nla_len =
			(uint16_t)(nlmsg_hdr(msg)->nlmsg_len - at + fake->cut * 196);
	}
	nla_put(msg, IFLA_PERM_ADDRESS, 6, perm);
	nla_put_string(msg, IFLA_IFALIAS, "after the list");
	return msg;
}

static void fake_getlink(struct fake_rtnl *fake, const struct nlmsghdr *h)
{
	const struct ifinfomsg *info = nlmsg_data(h);

	if (fake->gone || info->ifi_index != FAKE_IFINDEX)
		fake_ack(fake, h, ENODEV, NULL);
	else
		fake_send(fake, fake_link(fake, h));
}

static int fake_bit(enum snl_vf_attr attr)
{
	return __builtin_ctz(attr);
}

static void fake_store(struct fake_rtnl *fake, struct fake_vf *vf, int type, const void *data)
{
	const struct ifla_vf_vlan_info *vi;

	switch (type) {
	case IFLA_VF_MAC:
		if (!(fake->keep_mac_on_zero &&
		      memcmp(((const struct ifla_vf_mac *)data)->mac, "\0\0\0\0\0\0", 6) == 0))
			memcpy(vf->mac.octet, ((const struct ifla_vf_mac *)data)->mac, 6);
		break;
	case IFLA_VF_VLAN_LIST:
		vi = nla_data(data);
		vf->vlan = vi->vlan;
		vf->qos = vi->qos;
		vf->proto = ntohs(vi->vlan_proto);
		break;
	case IFLA_VF_RATE:
		vf->min = ((const struct ifla_vf_rate *)data)->min_tx_rate;
		vf->max = ((const struct ifla_vf_rate *)data)->max_tx_rate;
		break;
	case IFLA_VF_SPOOFCHK:
		if (vf->spoofchk != UINT32_MAX)
			vf->spoofchk = ((const struct ifla_vf_spoofchk *)data)->setting;
		break;
	case IFLA_VF_TRUST:
		if (vf->trust != UINT32_MAX)
			vf->trust = ((const struct ifla_vf_trust *)data)->setting;
		break;
	case IFLA_VF_LINK_STATE:
		vf->link_state = ((const struct ifla_vf_link_state *)data)->link_state;
		break;
	}
}

static enum snl_vf_attr fake_attr(int type)
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
	default:
		g_assert(type == IFLA_VF_LINK_STATE);
		return SNL_VF_LINK_STATE;
	}
}

/* What the driver says to one set; *ret_store: whether it does it. */
static int fake_verdict(struct fake_rtnl *fake, struct fake_vf *vf, struct nlattr *nla,
			bool *ret_store)
{
	struct fake_quirk *quirk = &fake->quirk[fake_bit(fake_attr(nla_type(nla)))];
	const struct ifla_vf_mac *mac = nla_data(nla);
	bool zero = nla_type(nla) == IFLA_VF_MAC && memcmp(mac->mac, "\0\0\0\0\0\0", 6) == 0;
	int err = quirk->err;

	*ret_store = !quirk->ignore;
	if (err) {
		*ret_store = quirk->apply_failing;
		if (quirk->err_times && --quirk->err_times == 0)
			quirk->err = 0;
		return err;
	}
	if (zero && fake->refuse_zero_mac)
		return *ret_store = false, EADDRNOTAVAIL;
	if (nla_type(nla) == IFLA_VF_SPOOFCHK && fake->spoofchk_needs_mac &&
	    ((const struct ifla_vf_spoofchk *)nla_data(nla))->setting && sriov_mac_is_zero(vf->mac))
		return *ret_store = false, EPERM;
	return 0;
}

static void fake_setlink(struct fake_rtnl *fake, struct nlmsghdr *h)
{
	struct nlattr *list = nlmsg_find_attr(h, sizeof(struct ifinfomsg), IFLA_VFINFO_LIST);
	struct nlattr *nla = nla_data(nla_data(list)); /* one VF, one attribute */
	struct nlattr *body = nla_type(nla) == IFLA_VF_VLAN_LIST ? nla_data(nla) : nla;
	uint32_t vf = *(uint32_t *)nla_data(body);
	enum snl_vf_attr attr = fake_attr(nla_type(nla));
	const char *words = fake->quirk[fake_bit(attr)].words;
	bool store;
	int err;

	g_string_append_printf(fake->log, "%s%s", fake->log->len ? " " : "",
			       snl_vf_attr_name(attr));
	if (fake->gone || vf >= fake->n) {
		fake_ack(fake, h, fake->gone ? ENODEV : EINVAL, NULL);
		return;
	}
	err = fake_verdict(fake, &fake->vf[vf], nla, &store);
	if (store)
		fake_store(fake, &fake->vf[vf], nla_type(nla), nla_data(nla));
	fake->gone = fake->gone_after_set;
	if (!fake->mute)
		fake_ack(fake, h, err, err ? words : NULL);
}

static void *fake_serve(void *data)
{
	struct fake_rtnl *fake = data;
	static __thread uint8_t buf[65536] __attribute__((aligned(8)));
	ssize_t n;

	while ((n = recv(fake->fd, buf, sizeof(buf), 0)) > 0) {
		struct nlmsghdr *h = (struct nlmsghdr *)buf;
		int rem = (int)n;

		fake->sends += h->nlmsg_type == RTM_SETLINK;
		for (; nlmsg_ok(h, rem); h = nlmsg_next(h, &rem)) {
			if (h->nlmsg_type == RTM_GETLINK)
				fake_getlink(fake, h);
			else
				fake_setlink(fake, h);
		}
	}
	return NULL;
}

/* VFs as a driver leaves them: spoofchk on, the rest nothing. */
static struct snl *fake_start(struct fake_rtnl *fake, uint32_t n)
{
	int fds[2], size = 4 * 1024 * 1024;
	struct snl *nl;

	memset(fake, 0, sizeof(*fake));
	fake->n = n;
	fake->vf = g_new0(struct fake_vf, MAX(n, 1));
	fake->log = g_string_new(NULL);
	for (uint32_t i = 0; i < n; i++)
		fake->vf[i].spoofchk = 1;
	g_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
	setsockopt(fds[1], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	fake->fd = fds[1];
	nl = snl_new_from_fd(fds[0]);
	nl->timeout_ms = 2000;
	g_assert(pthread_create(&fake->thread, NULL, fake_serve, fake) == 0);
	return nl;
}

static void fake_stop(struct fake_rtnl *fake, struct snl *nl)
{
	snl_free(nl); /* its end closed ends the thread */
	shutdown(fake->fd, SHUT_RDWR);
	pthread_join(fake->thread, NULL);
	close(fake->fd);
	g_string_free(fake->log, true);
	g_free(fake->vf);
}
