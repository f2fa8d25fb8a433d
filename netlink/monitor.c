// SPDX-License-Identifier: GPL-2.0-or-later
#include "netlink/monitor.h"

#include <errno.h>
#include <glib-unix.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <netlink/socket.h>

#include "netlink/link-message.h"
#include "netlink/socket.h"

/* Creating hundreds of VFs makes thousands of events while the main loop may be busy. */
#define MONITOR_RCVBUF (4 * 1024 * 1024)
/* Then other sources of the loop get their turn. */
#define DATAGRAMS_PER_DISPATCH 64

struct snl_monitor {
	struct nl_sock *sock;
	GSource *source;
	struct snl_monitor_handler handler;
	void *data;
	uint8_t *buf;
	size_t buf_size;
	bool dispatching;
	bool freed; /* by a handler: wait until the dispatch is over */
};

static void destroy(struct snl_monitor *monitor)
{
	nl_socket_free(monitor->sock);
	g_free(monitor->buf);
	g_free(monitor);
}

static void overrun(struct snl_monitor *monitor)
{
	if (!monitor->freed && monitor->handler.overrun)
		monitor->handler.overrun(monitor->data);
}

static void take_message(struct snl_monitor *monitor, const struct nlmsghdr *h)
{
	const struct ifinfomsg *info = nlmsg_data(h);
	struct snl_link link;

	if (h->nlmsg_type != RTM_NEWLINK && h->nlmsg_type != RTM_DELLINK)
		return;
	/*
	 * A port that leaves a bridge is announced with an RTM_DELLINK of the bridge family, and
	 * lives on; port events of that family carry only part of a link.
	 */
	if ((size_t)nlmsg_datalen(h) >= sizeof(*info) && info->ifi_family != AF_UNSPEC)
		return;
	if (snl_link_parse(h, &link) < 0) {
		overrun(monitor); /* something happened that we did not understand */
		return;
	}
	if (monitor->handler.link)
		monitor->handler.link(&link, h->nlmsg_type == RTM_DELLINK, monitor->data);
}

static void take_datagram(struct snl_monitor *monitor, size_t len)
{
	struct nlmsghdr *h = (struct nlmsghdr *)monitor->buf;

	for (int rem = (int)len; !monitor->freed && nlmsg_ok(h, rem); h = nlmsg_next(h, &rem))
		take_message(monitor, h);
}

static gboolean readable(int fd, GIOCondition condition, gpointer data)
{
	struct snl_monitor *monitor = data;

	monitor->dispatching = true;
	for (int i = 0; i < DATAGRAMS_PER_DISPATCH && !monitor->freed; i++) {
		size_t len = 0;
		int r = snl_receive(fd, &monitor->buf, &monitor->buf_size, &len);

		if (r == -EAGAIN)
			break;
		/*
		 * ENOBUFS: the queue was full, events are gone; what still is in it follows. Any
		 * other failure may have cost events as well.
		 */
		if (r < 0)
			overrun(monitor);
		else
			take_datagram(monitor, len);
	}
	monitor->dispatching = false;
	if (!monitor->freed)
		return G_SOURCE_CONTINUE;
	destroy(monitor);
	return G_SOURCE_REMOVE;
}

int snl_monitor_new(GMainContext *context, const struct snl_monitor_handler *handler, void *data,
		    struct snl_monitor **ret, struct sriov_error **err)
{
	struct nl_sock *sock;
	struct snl_monitor *monitor;
	int r = snl_socket_open(MONITOR_RCVBUF, &sock, err);

	if (r < 0)
		return r;
	r = nl_socket_add_membership(sock, RTNLGRP_LINK);
	if (r == 0)
		r = nl_socket_set_nonblocking(sock);
	if (r < 0) {
		int saved = errno;

		nl_socket_free(sock);
		return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, saved, NULL,
				       "cannot subscribe to the kernel's link events: %s",
				       g_strerror(saved));
	}
	monitor = g_new0(struct snl_monitor, 1);
	monitor->sock = sock;
	monitor->handler = *handler;
	monitor->data = data;
	monitor->buf_size = 32 * 1024;
	monitor->buf = g_malloc(monitor->buf_size);
	monitor->source = g_unix_fd_source_new(nl_socket_get_fd(sock), G_IO_IN);
	g_source_set_callback(monitor->source, G_SOURCE_FUNC(readable), monitor, NULL);
	g_source_attach(monitor->source, context);
	*ret = monitor;
	return 0;
}

int snl_monitor_get_fd(const struct snl_monitor *monitor)
{
	return nl_socket_get_fd(monitor->sock);
}

void snl_monitor_free(struct snl_monitor *monitor)
{
	if (!monitor || monitor->freed)
		return;
	g_source_destroy(monitor->source);
	g_source_unref(monitor->source);
	monitor->freed = true;
	if (!monitor->dispatching)
		destroy(monitor);
}
