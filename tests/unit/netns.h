/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A network namespace of the test's own, with links made by libnl-route, which is not what is
 * tested. What the kernel or the caller's rights do not allow is skipped with a reason.
 */
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/macvtap.h>
#include <netlink/route/link/veth.h>
#include <netlink/socket.h>

#include "netlink/link.h"

/* Of the test that runs; a test that is skipped half-way does not come back to free it. */
static struct snl *netns_nl;

/* The group's teardown. */
static inline int netns_leave(void **state)
{
	g_clear_pointer(&netns_nl, snl_free);
	return 0;
}

/* Each test gets a fresh one. The socket is borrowed. */
static inline struct snl *netns_enter(void)
{
	sriov_autoerror err = NULL;

	netns_leave(NULL);
	if (unshare(CLONE_NEWNET) < 0)
		skip_because("no right to make a network namespace: %s", g_strerror(errno));
	assert_ok(snl_new(&netns_nl, &err), err);
	return netns_nl;
}

static inline struct nl_sock *netns_socket(void)
{
	struct nl_sock *sock = nl_socket_alloc();

	assert_int_equal(nl_connect(sock, NETLINK_ROUTE), 0);
	return sock;
}

/* Adds link, which it frees. Skips the test when the kernel does not know the kind. */
static inline void netns_add(struct rtnl_link *link)
{
	struct nl_sock *sock = netns_socket();
	int r = rtnl_link_add(sock, link, NLM_F_CREATE | NLM_F_EXCL);

	nl_socket_free(sock);
	if (r == -NLE_OPNOTSUPP) {
		/* As skip_because() does; the kind's name is the link's. */
		print_message("skipped: this kernel has no links of kind %s\n",
			      rtnl_link_get_type(link));
		rtnl_link_put(link);
		skip();
	}
	rtnl_link_put(link);
	assert_int_equal(r, 0);
}

static inline uint32_t netns_add_veth(const char *name, const char *peer)
{
	struct nl_sock *sock = netns_socket();

	assert_int_equal(rtnl_link_veth_add(sock, name, peer, getpid()), 0);
	nl_socket_free(sock);
	return if_nametoindex(name);
}

static inline uint32_t netns_add_kind(const char *kind, const char *name)
{
	struct rtnl_link *link = rtnl_link_alloc();

	rtnl_link_set_type(link, kind);
	rtnl_link_set_name(link, name);
	netns_add(link);
	return if_nametoindex(name);
}

static inline uint32_t netns_add_macvtap(const char *name, uint32_t parent, struct sriov_mac mac)
{
	struct rtnl_link *link = rtnl_link_macvtap_alloc();
	struct nl_addr *addr = nl_addr_build(AF_LLC, mac.octet, sizeof(mac.octet));

	rtnl_link_set_name(link, name);
	rtnl_link_set_link(link, (int)parent);
	rtnl_link_set_addr(link, addr);
	rtnl_link_macvtap_set_mode(link, rtnl_link_macvtap_str2mode("bridge"));
	nl_addr_put(addr);
	netns_add(link);
	return if_nametoindex(name);
}

static inline void netns_del(const char *name)
{
	struct rtnl_link *link = rtnl_link_alloc();
	struct nl_sock *sock = netns_socket();

	rtnl_link_set_name(link, name);
	assert_int_equal(rtnl_link_delete(sock, link), 0);
	nl_socket_free(sock);
	rtnl_link_put(link);
}

/* Puts a link into a bridge, or takes it out (master 0). */
static inline void netns_enslave(uint32_t ifindex, uint32_t master)
{
	struct nl_sock *sock = netns_socket();

	if (master)
		assert_int_equal(rtnl_link_enslave_ifindex(sock, (int)master, (int)ifindex), 0);
	else
		assert_int_equal(rtnl_link_release_ifindex(sock, (int)ifindex), 0);
	nl_socket_free(sock);
}
