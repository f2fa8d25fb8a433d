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
#include <sys/epoll.h>

#include "base/fd.h"

#define TURN_US	   5000
#define EVENTS_MAX 8

/* At 2 % of the time, three seconds. */
#define DEBT_US (60 * 1000)

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

void srv_varlink_arm(struct srv_varlink *varlink)
{
	const gint64 times[] = { varlink->public.again, varlink->members.again,
				 varlink->resume_at };
	gint64 first = -1;

	for (size_t i = 0; i < G_N_ELEMENTS(times); i++) {
		if (times[i] && (first < 0 || times[i] < first))
			first = times[i];
	}
	g_source_set_ready_time(varlink->source, first);
}

/* Each of those held gets a turn if there is something to spend for it when that comes. */
static void resume_held(struct srv_varlink *varlink)
{
	guint n = varlink->held.length;

	if (varlink->resume_at == 0 || g_get_monotonic_time() < varlink->resume_at)
		return;
	varlink->resume_at = 0;
	for (; n > 0 && varlink->held.length > 0; n--)
		srv_connection_resume(g_queue_peek_head(&varlink->held));
	srv_varlink_arm(varlink);
}

/* The listener that epoll's event is of, or NULL. */
static struct srv_listener *listener_of(struct srv_varlink *varlink, const void *ptr)
{
	if (ptr == &varlink->members)
		return &varlink->members;
	return ptr == &varlink->public ? &varlink->public : NULL;
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
		struct srv_listener *listener = listener_of(varlink, events[i].data.ptr);

		if (listener)
			srv_listener_accept(varlink, listener);
		else
			srv_connection_turn(events[i].data.ptr, events[i].events);
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

	srv_listener_resume(varlink, &varlink->members);
	srv_listener_resume(varlink, &varlink->public);
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

static int make_epoll(struct srv_varlink *varlink, struct sriov_error **err)
{
	varlink->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	varlink->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (varlink->epoll_fd < 0 || varlink->spare_fd < 0)
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

static void make_budgets(struct srv_strangers *strangers, const struct srv_varlink_limits *limits)
{
	uint32_t permille = limits->stranger_permille;
	int64_t burst = limits->stranger_burst_us;

	strangers->each = srv_budget_new(permille, burst, DEBT_US);
	strangers->together = srv_budget_new(MIN(permille + permille / 2, 1000), burst + burst / 2,
					     DEBT_US);
	strangers->door = srv_budget_new(permille, burst, DEBT_US);
}

int srv_varlink_new(int listen_fd, const struct srv_interface *interface,
		    const struct srv_varlink_handler *handler,
		    const struct srv_varlink_limits *limits, void *data, struct srv_varlink **ret,
		    struct sriov_error **err)
{
	struct srv_varlink *varlink = g_new0(struct srv_varlink, 1);
	int r;

	g_assert(handler->authorize);
	varlink->public.fd = listen_fd;
	varlink->members.fd = -1;
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
		make_budgets(&varlink->strangers, limits);

	r = srv_interface_parse(srv_service_text, &varlink->service, err);
	if (r == 0)
		r = collect_methods(varlink, err);
	if (r == 0)
		r = make_epoll(varlink, err);
	if (r == 0)
		r = srv_listener_watch(varlink, &varlink->public, err);
	if (r < 0) {
		srv_varlink_free(varlink);
		return r;
	}
	attach_source(varlink);
	*ret = varlink;
	return 0;
}

int srv_varlink_add_members_door(struct srv_varlink *varlink, int listen_fd,
				 struct sriov_error **err)
{
	int r;

	varlink->members.fd = listen_fd;
	r = srv_listener_watch(varlink, &varlink->members, err);
	if (r < 0)
		sriov_close_fd(&varlink->members.fd);
	return r;
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
	sriov_close_fd(&varlink->public.fd);
	sriov_close_fd(&varlink->members.fd);
	sriov_close_fd(&varlink->epoll_fd);
	sriov_close_fd(&varlink->spare_fd);
	g_hash_table_unref(varlink->uids);
	srv_budget_free(varlink->strangers.each);
	srv_budget_free(varlink->strangers.together);
	srv_budget_free(varlink->strangers.door);
	g_hash_table_unref(varlink->methods);
	srv_interface_free(varlink->service);
	g_free(varlink);
}
