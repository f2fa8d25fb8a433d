// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The server is one source of the main loop, whatever the number of its clients: they are in an
 * epoll set, and only that set's descriptor is polled by GLib, whose cost grows with every
 * descriptor it polls. A dispatch serves clients for TURN_US and then lets the main loop go on;
 * epoll hands out ready descriptors in turns, so nobody is forgotten.
 */
#include "srv/sriovd/varlink-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "srv/protocol/errors.h"

#define TURN_US		5000
#define EVENTS_MAX	8
#define ACCEPTS_MAX	4
#define ACCEPT_PAUSE_US (100 * 1000)

/*
 * Who comes next stands behind at most as many, also behind somebody who connects in a loop; above,
 * connect() waits its turn.
 */
#define BACKLOG 128

/* One connection in this many is kept for root: the hook gets in when users have taken the rest. */
#define ROOT_SHARE 8

const struct srv_varlink_limits srv_varlink_limits_default = {
	.connections = 512,
	.connections_per_uid = 64,
	.calls_per_connection = 64,
	.message_bytes = SRV_MESSAGE_MAX,
	.output_bytes = 4 * 1024 * 1024,
	.stranger_permille = 20,
	.stranger_burst_us = 1000 * 1000,
};

struct varlink_source {
	GSource base;
	struct srv_varlink *varlink;
	gpointer tag;
};

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
	return varlink->budget && varlink->handler->is_stranger(peer, varlink->data);
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

static void admit(struct srv_varlink *varlink, int fd)
{
	gint64 now, began = g_get_monotonic_time();
	sriov_autoerror err = NULL;
	struct srv_peer *peer = srv_peer_new(fd, &err);
	bool stranger = peer && is_stranger(varlink, peer);
	int r = peer ? join(varlink, fd, peer, stranger, &err) : -EACCES;

	if (r < 0) {
		/* Who has used up his time is turned away without a word: words cost time, too. */
		if (!stranger || srv_budget_wait(varlink->budget, peer->uid, began) == 0)
			turn_away(fd, err);
		close(fd);
	}
	if (stranger) {
		now = g_get_monotonic_time();
		srv_budget_charge(varlink->budget, peer->uid, now - began, now);
	}
	if (peer && r < 0)
		srv_peer_unref(peer);
}

/*
 * Without a free descriptor a waiting client cannot even be refused, and stays in the queue, where
 * it makes the listener readable for ever: so one descriptor is kept back for that.
 */
static bool turn_away_with_spare(struct srv_varlink *varlink)
{
	sriov_autoerror err = NULL;
	int fd;

	if (varlink->spare_fd < 0)
		return false;
	close(varlink->spare_fd);
	fd = accept4(varlink->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
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

static void listen_for(struct srv_varlink *varlink, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = NULL };

	(void)epoll_ctl(varlink->epoll_fd, EPOLL_CTL_MOD, varlink->listen_fd, &event);
}

static void pause_accepting(struct srv_varlink *varlink)
{
	listen_for(varlink, 0);
	varlink->accept_again = g_get_monotonic_time() + ACCEPT_PAUSE_US;
	srv_varlink_arm(varlink);
}

void srv_varlink_arm(struct srv_varlink *varlink)
{
	gint64 a = varlink->accept_again, b = varlink->resume_at;

	g_source_set_ready_time(varlink->source, a && b ? MIN(a, b) : a || b ? MAX(a, b) : -1);
}

static void resume_held(struct srv_varlink *varlink)
{
	if (varlink->resume_at == 0 || g_get_monotonic_time() < varlink->resume_at)
		return;
	varlink->resume_at = 0;
	srv_varlink_arm(varlink);
	while (varlink->held.length > 0)
		srv_connection_resume(g_queue_peek_head(&varlink->held));
}

static void resume_accepting(struct srv_varlink *varlink)
{
	if (varlink->accept_again == 0 || g_get_monotonic_time() < varlink->accept_again)
		return;
	varlink->accept_again = 0;
	srv_varlink_arm(varlink);
	if (varlink->spare_fd < 0)
		varlink->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	listen_for(varlink, EPOLLIN);
}

static void accept_some(struct srv_varlink *varlink)
{
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		int fd = accept4(varlink->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			admit(varlink, fd);
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
			if (turn_away_with_spare(varlink))
				continue;
			break;
		}
		/* Out of memory or descriptors: the client waits in the queue. */
		pause_accepting(varlink);
		return;
	}
}

static bool serve_events(struct srv_varlink *varlink)
{
	struct epoll_event events[EVENTS_MAX];
	int n = epoll_wait(varlink->epoll_fd, events, EVENTS_MAX, 0);

	/*
	 * A turn closes no connection but its own, and a descriptor is in the list once, so no
	 * later entry can point to one that is gone.
	 */
	for (int i = 0; i < n; i++) {
		if (events[i].data.ptr)
			srv_connection_turn(events[i].data.ptr, events[i].events);
		else
			accept_some(varlink);
	}
	return n == EVENTS_MAX;
}

static gboolean source_prepare(GSource *source, gint *timeout)
{
	const struct varlink_source *self = (const struct varlink_source *)source;

	*timeout = -1;
	return self->varlink->ready.length > 0;
}

static gboolean source_check(GSource *source)
{
	const struct varlink_source *self = (const struct varlink_source *)source;

	return self->varlink->ready.length > 0 || g_source_query_unix_fd(source, self->tag) != 0;
}

static gboolean source_dispatch(GSource *source, GSourceFunc callback, gpointer data)
{
	struct srv_varlink *varlink = ((struct varlink_source *)source)->varlink;
	gint64 end = g_get_monotonic_time() + TURN_US;
	guint n;

	resume_accepting(varlink);
	resume_held(varlink);
	n = varlink->ready.length;
	while (serve_events(varlink) && g_get_monotonic_time() < end)
		;
	/* Each at most once, and at least one: turns may put connections back into the queue. */
	for (; n > 0 && varlink->ready.length > 0; n--) {
		srv_connection_turn(g_queue_peek_head(&varlink->ready), 0);
		if (g_get_monotonic_time() >= end)
			break;
	}
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = {
	.prepare = source_prepare,
	.check = source_check,
	.dispatch = source_dispatch,
};

static void attach_source(struct srv_varlink *varlink)
{
	struct varlink_source *self;

	varlink->source = g_source_new(&source_funcs, sizeof(struct varlink_source));
	self = (struct varlink_source *)varlink->source;
	self->varlink = varlink;
	self->tag = g_source_add_unix_fd(varlink->source, varlink->epoll_fd, G_IO_IN);
	g_source_set_name(varlink->source, "varlink");
	g_source_attach(varlink->source, NULL);
}

static int watch_listener(struct srv_varlink *varlink, struct sriov_error **err)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
	int flags = fcntl(varlink->listen_fd, F_GETFL);

	varlink->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	varlink->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (flags < 0 || fcntl(varlink->listen_fd, F_SETFL, flags | O_NONBLOCK) < 0 ||
	    listen(varlink->listen_fd, BACKLOG) < 0 || varlink->epoll_fd < 0 ||
	    varlink->spare_fd < 0 ||
	    epoll_ctl(varlink->epoll_fd, EPOLL_CTL_ADD, varlink->listen_fd, &event) < 0)
		return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, errno, NULL,
				       "cannot wait for clients: %s", g_strerror(errno));
	return 0;
}

/* A method that the interface does not describe could never be checked: a defect. */
static int collect_methods(struct srv_varlink *varlink, struct sriov_error **err)
{
	const char *interface = srv_interface_name(varlink->interface);
	const char *const *names = srv_interface_methods(varlink->interface);

	for (size_t i = 0; i < varlink->handler->n_methods; i++) {
		const struct srv_method *method = &varlink->handler->methods[i];

		if (!g_strv_contains(names, method->name))
			return sriov_error_set(err, SRIOV_ERROR_INTERNAL, EINVAL, method->name,
					       "the interface %s does not describe this method",
					       interface);
		g_hash_table_insert(varlink->methods,
				    g_strdup_printf("%s.%s", interface, method->name),
				    (gpointer)method);
	}
	return 0;
}

int srv_varlink_new(int listen_fd, const struct srv_interface *interface,
		    const struct srv_varlink_handler *handler,
		    const struct srv_varlink_limits *limits, void *data, struct srv_varlink **ret,
		    struct sriov_error **err)
{
	struct srv_varlink *varlink = g_new0(struct srv_varlink, 1);
	int r;

	g_assert(handler->authorize);
	varlink->listen_fd = listen_fd;
	varlink->epoll_fd = -1;
	varlink->spare_fd = -1;
	varlink->interface = interface;
	varlink->handler = handler;
	varlink->limits = limits;
	varlink->data = data;
	varlink->methods = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	varlink->uids = g_hash_table_new(NULL, NULL);
	g_queue_init(&varlink->connections);
	g_queue_init(&varlink->ready);
	g_queue_init(&varlink->held);
	if (handler->is_stranger && limits->stranger_permille)
		varlink->budget = srv_budget_new(limits->stranger_permille,
						 limits->stranger_burst_us);

	r = srv_interface_parse(srv_service_text, &varlink->service, err);
	if (r == 0)
		r = collect_methods(varlink, err);
	if (r == 0)
		r = watch_listener(varlink, err);
	if (r < 0) {
		srv_varlink_free(varlink);
		return r;
	}
	attach_source(varlink);
	*ret = varlink;
	return 0;
}

void srv_varlink_free(struct srv_varlink *varlink)
{
	if (!varlink)
		return;
	while (varlink->connections.length > 0)
		srv_connection_close(g_queue_peek_head(&varlink->connections));
	if (varlink->source) {
		g_source_destroy(varlink->source);
		g_source_unref(varlink->source);
	}
	sriov_close_fd(&varlink->listen_fd);
	sriov_close_fd(&varlink->epoll_fd);
	sriov_close_fd(&varlink->spare_fd);
	g_hash_table_unref(varlink->uids);
	srv_budget_free(varlink->budget);
	g_hash_table_unref(varlink->methods);
	srv_interface_free(varlink->service);
	g_free(varlink);
}
