// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The doors: who comes in, and how often.
 *
 * At the public one everybody may connect. What strangers take of the main thread's time there is
 * counted (struct srv_strangers): when there is nothing left of what is for coming and going,
 * nobody is accepted there for a while, and who comes meanwhile waits in the kernel's queue, and
 * behind that in connect(). At the members' door the kernel lets no stranger connect, so that
 * neither this nor the queue touches who comes there.
 */
#include "srv/sriovd/varlink-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "srv/protocol/errors.h"

#define ACCEPTS_MAX	4
#define ACCEPT_PAUSE_US (100 * 1000)

/* With what waking up for him takes, a client's coming costs this many times what is seen here. */
#define UNSEEN 2

/* One connection in this many is kept for root: the hook gets in when users have taken the rest. */
#define ROOT_SHARE 8

/* Tells a client, as far as its socket takes it, why it is not served. */
static void turn_away(int fd, const struct sriov_error *error)
{
	json_t *parameters = srv_error_to_json(error);
	g_autoptr(GString) text = g_string_new(NULL);

	srv_varlink_write(text, srv_error_name(error->code), parameters, false);
	(void)send(fd, text->str, text->len, MSG_NOSIGNAL | MSG_DONTWAIT);
	json_decref(parameters);
}

static int check_limits(struct srv_varlink *varlink, const struct srv_peer *peer,
			struct sriov_error **err)
{
	uint32_t max = varlink->limits->connections;
	guint of_uid;

	if (peer->uid != 0)
		max -= max / ROOT_SHARE;
	if (varlink->connections.length >= max)
		return sriov_error_set(err, SRIOV_ERROR_LIMIT, EUSERS, NULL,
				       "%u clients are connected already; try again when some have "
				       "left",
				       varlink->connections.length);
	of_uid = GPOINTER_TO_UINT(g_hash_table_lookup(varlink->uids, GUINT_TO_POINTER(peer->uid)));
	if (peer->uid != 0 && of_uid >= varlink->limits->connections_per_uid)
		return sriov_error_set(err, SRIOV_ERROR_LIMIT, EUSERS, NULL,
				       "user %u has %u connections already; close some of them",
				       (unsigned int)peer->uid, of_uid);
	return 0;
}

static bool is_stranger(const struct srv_varlink *varlink, const struct srv_peer *peer)
{
	return varlink->strangers.each && varlink->handler->is_stranger(peer, varlink->data);
}

static int join(struct srv_varlink *varlink, int fd, struct srv_peer *peer, bool stranger,
		struct sriov_error **err)
{
	int r = check_limits(varlink, peer, err);

	if (r < 0)
		return r;
	r = srv_connection_add(varlink, fd, peer, stranger);
	if (r < 0)
		sriov_error_set(err, SRIOV_ERROR_LIMIT, -r, NULL,
				"the daemon cannot watch one more connection: %s", g_strerror(-r));
	return r;
}

static void charge(struct srv_varlink *varlink, const struct srv_listener *listener, uid_t uid,
		   gint64 began)
{
	gint64 now = g_get_monotonic_time();

	srv_stranger_charge(varlink, uid, now - began, now);
	if (listener == &varlink->public)
		srv_budget_charge(varlink->strangers.door, SRV_ALL, UNSEEN * (now - began), now);
}

static void admit(struct srv_varlink *varlink, const struct srv_listener *listener, int fd,
		  gint64 began)
{
	sriov_autoerror err = NULL;
	struct srv_peer *peer = srv_peer_new(fd, &err);
	bool stranger = peer && is_stranger(varlink, peer);
	int r = peer ? join(varlink, fd, peer, stranger, &err) : -EACCES;

	if (r < 0) {
		/* Who has used up his time is turned away without a word: words cost time, too. */
		if (!stranger || srv_stranger_wait(varlink, peer->uid, began) == 0)
			turn_away(fd, err);
		close(fd);
	}
	if (stranger)
		charge(varlink, listener, peer->uid, began);
	if (peer && r < 0)
		srv_peer_unref(peer);
}

/*
 * Without a free descriptor a waiting client cannot even be refused, and stays in the queue, where
 * it makes the listener readable for ever: so one descriptor is kept back for that.
 */
static bool turn_away_with_spare(struct srv_varlink *varlink, const struct srv_listener *listener)
{
	sriov_autoerror err = NULL;
	int fd;

	if (varlink->spare_fd < 0)
		return false;
	close(varlink->spare_fd);
	fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0) {
		sriov_error_set(&err, SRIOV_ERROR_LIMIT, EMFILE, NULL,
				"the daemon has no file descriptors left; try again later, and "
				"raise LimitNOFILE of sriovd.service if it happens often");
		turn_away(fd, err);
		close(fd);
	}
	varlink->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return fd >= 0;
}

static void listen_for(struct srv_varlink *varlink, struct srv_listener *listener, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = listener };

	(void)epoll_ctl(varlink->epoll_fd, EPOLL_CTL_MOD, listener->fd, &event);
}

static void pause_until(struct srv_varlink *varlink, struct srv_listener *listener, gint64 again)
{
	listen_for(varlink, listener, 0);
	listener->again = again;
	srv_varlink_arm(varlink);
}

void srv_listener_resume(struct srv_varlink *varlink, struct srv_listener *listener)
{
	if (listener->again == 0 || g_get_monotonic_time() < listener->again)
		return;
	listener->again = 0;
	srv_varlink_arm(varlink);
	if (varlink->spare_fd < 0)
		varlink->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	listen_for(varlink, listener, EPOLLIN);
}

/* Have strangers used up what there is for their coming? Then the listener rests. */
static bool rests(struct srv_varlink *varlink, struct srv_listener *listener, gint64 now)
{
	gint64 again;

	if (listener != &varlink->public || !varlink->strangers.each)
		return false;
	again = srv_budget_wait(varlink->strangers.door, SRV_ALL, now);
	if (again)
		pause_until(varlink, listener, again);
	return again != 0;
}

void srv_listener_accept(struct srv_varlink *varlink, struct srv_listener *listener)
{
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		gint64 began = g_get_monotonic_time();
		int fd;

		if (rests(varlink, listener, began))
			return;
		fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			admit(varlink, listener, fd, began);
			continue;
		}
		switch (errno) {
		case EINTR:
		case ECONNABORTED:
			continue;
		case EAGAIN:
			return;
		case EMFILE:
		case ENFILE:
			if (turn_away_with_spare(varlink, listener))
				continue;
			break;
		}
		/* Out of memory or descriptors: the client waits in the queue. */
		pause_until(varlink, listener, began + ACCEPT_PAUSE_US);
		return;
	}
}

int srv_listener_watch(struct srv_varlink *varlink, struct srv_listener *listener,
		       struct sriov_error **err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = listener };
	int flags = fcntl(listener->fd, F_GETFL);

	if (flags < 0 || fcntl(listener->fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    epoll_ctl(varlink->epoll_fd, EPOLL_CTL_ADD, listener->fd, &event) < 0)
		return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, errno, NULL,
				       "cannot wait for clients: %s", g_strerror(errno));
	return 0;
}
