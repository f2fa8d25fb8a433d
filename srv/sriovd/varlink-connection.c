// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One client. Its calls run one after the other; while one is under way, or while the client does
 * not read its replies, no more is read from it than a little, and the kernel's socket buffer makes
 * it wait. So a connection holds at most one message of the largest size, some small ones, and its
 * unsent replies.
 *
 * How it ends:
 *   input_ended  the client will send no more (it closed, or shut down its sending side); what it
 *                has sent is still answered
 *   gone         it closed altogether: calls under way are told, of those not yet started only the
 *                ones that want no reply are ("varlinkctl call --oneway" closes at once)
 *   cut          we gave it up
 *   closing      it broke the protocol and is told so; then we close
 */
#include "srv/sriovd/varlink-internal.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "srv/protocol/errors.h"

/* Calls started in one turn. */
#define CALLS_PER_TURN 16

/* With more than this unsent, no further call is started. */
#define OUTPUT_LOW (64 * 1024)

/* What an idle connection may keep of its buffer for replies. */
#define IDLE_SIZE 4096

struct srv_connection {
	struct srv_varlink *varlink;
	int fd;
	struct srv_peer *peer;
	uint32_t events; /* what epoll waits for */
	bool watched;	 /* is in the epoll set */
	bool input_ended, gone, cut, closing;
	bool corked; /* in a turn, at whose end everything is sent at once */
	bool queued;
	bool stranger; /* its time is counted */
	bool held;     /* neither read nor served until its user may spend again */
	struct srv_frame_reader *reader;
	struct sriov_error *refusal; /* said when the calls before it have been answered */
	struct srv_call *call;	     /* under way, or NULL */
	GString *out;		     /* or NULL */
	size_t out_sent;
	GList link, ready_link; /* the second in ready or held */
};

static void count_uid(struct srv_varlink *varlink, uid_t uid, int change)
{
	gpointer key = GUINT_TO_POINTER(uid);
	guint n = GPOINTER_TO_UINT(g_hash_table_lookup(varlink->uids, key)) + (guint)change;

	if (n > 0)
		g_hash_table_insert(varlink->uids, key, GUINT_TO_POINTER(n));
	else
		g_hash_table_remove(varlink->uids, key);
}

int srv_connection_add(struct srv_varlink *varlink, int fd, struct srv_peer *peer, bool stranger)
{
	struct srv_connection *connection = g_new0(struct srv_connection, 1);
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = connection };

	if (epoll_ctl(varlink->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
		g_free(connection);
		return -errno;
	}
	connection->varlink = varlink;
	connection->fd = fd;
	connection->peer = peer;
	connection->stranger = stranger;
	connection->events = EPOLLIN;
	connection->watched = true;
	connection->reader = srv_frame_reader_new(varlink->limits->message_bytes);
	connection->link.data = connection;
	connection->ready_link.data = connection;
	g_queue_push_tail_link(&varlink->connections, &connection->link);
	count_uid(varlink, peer->uid, 1);
	return 0;
}

static void queue(struct srv_connection *connection)
{
	if (connection->queued || connection->held)
		return;
	connection->queued = true;
	g_queue_push_tail_link(&connection->varlink->ready, &connection->ready_link);
}

static void unqueue(struct srv_connection *connection)
{
	if (!connection->queued)
		return;
	connection->queued = false;
	g_queue_unlink(&connection->varlink->ready, &connection->ready_link);
}

void srv_stranger_charge(struct srv_varlink *varlink, uid_t uid, int64_t used, int64_t now)
{
	srv_budget_charge(varlink->strangers.each, uid, used, now);
	srv_budget_charge(varlink->strangers.together, SRV_ALL, used, now);
}

int64_t srv_stranger_wait(struct srv_varlink *varlink, uid_t uid, int64_t now)
{
	int64_t own = srv_budget_wait(varlink->strangers.each, uid, now);
	int64_t all = srv_budget_wait(varlink->strangers.together, SRV_ALL, now);

	return MAX(own, all);
}

/* Those held are looked at at that time, or before. */
static void resume_by(struct srv_varlink *varlink, int64_t time)
{
	if (varlink->resume_at && varlink->resume_at <= time)
		return;
	varlink->resume_at = time;
	srv_varlink_arm(varlink);
}

void srv_connection_charge(struct srv_connection *connection, int64_t us)
{
	struct srv_varlink *varlink = connection->varlink;
	uid_t uid = connection->peer->uid;
	int64_t now, before;

	if (!connection->stranger)
		return;
	now = g_get_monotonic_time();
	before = srv_stranger_wait(varlink, uid, now);
	srv_stranger_charge(varlink, uid, us, now);
	/* What is given back may be enough for others. */
	if (us < 0 && before && varlink->held.length > 0)
		resume_by(varlink, srv_stranger_wait(varlink, uid, now) ?: now);
}

/*
 * Held, if its user, or all together, have used up the time for strangers: what it has sent waits
 * in the socket, calls under way are answered. Who hangs up meanwhile is forgotten.
 */
static void hold(struct srv_connection *connection)
{
	struct srv_varlink *varlink = connection->varlink;
	int64_t again = srv_stranger_wait(varlink, connection->peer->uid, g_get_monotonic_time());

	if (!again || connection->held)
		return;
	unqueue(connection);
	connection->held = true;
	g_queue_push_tail_link(&varlink->held, &connection->ready_link);
	resume_by(varlink, again);
}

static void unhold(struct srv_connection *connection)
{
	if (!connection->held)
		return;
	connection->held = false;
	g_queue_unlink(&connection->varlink->held, &connection->ready_link);
}

void srv_connection_resume(struct srv_connection *connection)
{
	unhold(connection);
	hold(connection);
	if (!connection->held)
		srv_connection_turn(connection, 0);
}

void srv_connection_close(struct srv_connection *connection)
{
	struct srv_varlink *varlink = connection->varlink;
	struct srv_call *call = connection->call;

	unqueue(connection);
	unhold(connection);
	g_queue_unlink(&varlink->connections, &connection->link);
	count_uid(varlink, connection->peer->uid, -1);
	close(connection->fd); /* takes it out of the epoll set too: nobody has a duplicate */
	srv_frame_reader_free(connection->reader);
	srv_peer_unref(connection->peer);
	sriov_error_free(connection->refusal);
	if (connection->out)
		g_string_free(connection->out, TRUE);
	g_free(connection);

	/* Last, because the handler may do anything now. */
	if (call)
		srv_call_gone(call, true);
}

struct srv_varlink *srv_connection_varlink(const struct srv_connection *connection)
{
	return connection->varlink;
}

struct srv_peer *srv_connection_peer(const struct srv_connection *connection)
{
	return connection->peer;
}

bool srv_connection_is_gone(const struct srv_connection *connection)
{
	return connection->gone;
}

void srv_connection_set_call(struct srv_connection *connection, struct srv_call *call)
{
	connection->call = call;
}

GString *srv_connection_output(struct srv_connection *connection)
{
	if (!connection->out)
		connection->out = g_string_sized_new(1024);
	return connection->out;
}

size_t srv_connection_unsent(const struct srv_connection *connection)
{
	return connection->out ? connection->out->len - connection->out_sent : 0;
}

static void drop_output(struct srv_connection *connection)
{
	connection->out_sent = 0;
	if (!connection->out)
		return;
	if (connection->out->allocated_len <= IDLE_SIZE) {
		g_string_truncate(connection->out, 0);
		return;
	}
	g_string_free(connection->out, TRUE);
	connection->out = NULL;
}

/*
 * EPOLLHUP cannot be switched off, so a connection that is not read to its end at once must leave
 * the set, or the main loop would spin.
 */
static void hang_up(struct srv_connection *connection)
{
	connection->gone = true;
	drop_output(connection);
	if (connection->watched)
		(void)epoll_ctl(connection->varlink->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
	connection->watched = false;
	queue(connection);
}

void srv_connection_cut(struct srv_connection *connection)
{
	connection->cut = true;
	hang_up(connection);
}

static void send_output(struct srv_connection *connection)
{
	while (srv_connection_unsent(connection) > 0) {
		ssize_t n = send(connection->fd, connection->out->str + connection->out_sent,
				 srv_connection_unsent(connection), MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n >= 0) {
			connection->out_sent += (size_t)n;
		} else if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM) {
			return;
		} else if (errno != EINTR) {
			hang_up(connection);
			return;
		}
	}
	drop_output(connection);
}

/* May more be read from the socket, as far as limits go. */
static bool has_room(const struct srv_connection *connection)
{
	size_t bytes, calls = srv_frame_reader_whole(connection->reader, &bytes);

	if (calls == 0)
		return true;
	return bytes < SRV_READ_SIZE && calls < connection->varlink->limits->calls_per_connection;
}

static bool wants_input(const struct srv_connection *connection)
{
	return !connection->input_ended && !connection->closing && !connection->refusal &&
	       !connection->cut && !connection->held &&
	       srv_connection_unsent(connection) <= OUTPUT_LOW && has_room(connection);
}

static bool can_start(const struct srv_connection *connection)
{
	return !connection->call && !connection->closing && !connection->cut && !connection->held &&
	       srv_connection_unsent(connection) <= OUTPUT_LOW &&
	       srv_frame_reader_whole(connection->reader, NULL) > 0;
}

static bool is_finished(const struct srv_connection *connection)
{
	bool sent = srv_connection_unsent(connection) == 0;

	if (connection->cut)
		return true;
	if (connection->closing)
		return sent;
	if (srv_frame_reader_whole(connection->reader, NULL) > 0)
		return false;
	/* A call under way ends without a connection then. */
	if (connection->gone)
		return connection->input_ended || connection->refusal;
	return connection->input_ended && !connection->refusal && !connection->call && sent;
}

static bool can_refuse(const struct srv_connection *connection)
{
	return connection->refusal && !connection->closing && !connection->call &&
	       srv_frame_reader_whole(connection->reader, NULL) == 0;
}

static void update_events(struct srv_connection *connection)
{
	struct epoll_event event = { .data.ptr = connection };

	if (wants_input(connection))
		event.events |= EPOLLIN;
	if (srv_connection_unsent(connection) > 0)
		event.events |= EPOLLOUT;
	if (!connection->watched || event.events == connection->events)
		return;
	connection->events = event.events;
	(void)epoll_ctl(connection->varlink->epoll_fd, EPOLL_CTL_MOD, connection->fd, &event);
}

void srv_connection_push(struct srv_connection *connection)
{
	/* A handler may stream much in one go: that is not for one write. */
	if (connection->corked && srv_connection_unsent(connection) <= OUTPUT_LOW)
		return;
	send_output(connection);
	if (connection->corked)
		return;
	if (can_start(connection) || can_refuse(connection) || is_finished(connection) ||
	    (connection->gone && wants_input(connection)))
		queue(connection);
	update_events(connection);
}

static void read_some(struct srv_connection *connection)
{
	char *buf = connection->varlink->buf;
	ssize_t n = recv(connection->fd, buf, SRV_READ_SIZE, MSG_DONTWAIT);

	if (n > 0) {
		(void)srv_frame_reader_feed(connection->reader, buf, (size_t)n,
					    &connection->refusal);
		return;
	}
	if (n < 0 && (errno == EINTR || (errno == EAGAIN && !connection->gone)))
		return;
	connection->input_ended = true;
	if (n < 0 && !connection->gone)
		hang_up(connection);
}

void srv_connection_refuse(struct srv_connection *connection, const struct sriov_error *error)
{
	json_t *parameters = srv_error_to_json(error);

	srv_varlink_write(srv_connection_output(connection), srv_error_name(error->code),
			  parameters, false);
	json_decref(parameters);
	connection->closing = true;
}

static void start_calls(struct srv_connection *connection)
{
	/* Of a stranger one, so that not more than that goes beyond what it has. */
	int calls = connection->stranger ? 1 : CALLS_PER_TURN;

	for (int i = 0; i < calls && can_start(connection); i++) {
		sriov_autoerror err = NULL;
		json_t *message;

		if (srv_frame_reader_next(connection->reader, &message, &err) < 0)
			srv_connection_refuse(connection, err);
		else
			srv_call_start(connection, message);
	}
	if (can_refuse(connection))
		srv_connection_refuse(connection, connection->refusal);
}

static void take_turn(struct srv_connection *connection, uint32_t events)
{
	connection->corked = true;
	if ((events & (EPOLLHUP | EPOLLERR)) && !connection->gone)
		hang_up(connection);
	if (((events & EPOLLIN) || connection->gone) && wants_input(connection))
		read_some(connection);
	if (connection->gone && connection->call)
		srv_call_gone(connection->call, false);
	/* Nothing of it is done later: it would count among its user's connections until then. */
	if (connection->gone && connection->held)
		connection->cut = true;
	start_calls(connection);
	connection->corked = false;
	if (connection->gone)
		drop_output(connection);
	srv_connection_push(connection);
}

/* What is done for those who have nothing left is due to their coming and going: the door pays. */
static void charge_turn(struct srv_connection *connection, bool held, int64_t began)
{
	int64_t now = g_get_monotonic_time();
	struct srv_varlink *varlink = connection->varlink;

	srv_stranger_charge(varlink, connection->peer->uid, now - began, now);
	if (held)
		srv_budget_charge(varlink->strangers.door, SRV_ALL, now - began, now);
}

void srv_connection_turn(struct srv_connection *connection, uint32_t events)
{
	int64_t began = connection->stranger ? g_get_monotonic_time() : 0;
	bool held;

	unqueue(connection);
	if (connection->stranger)
		hold(connection);
	held = connection->held;
	take_turn(connection, events);
	if (connection->stranger)
		charge_turn(connection, held, began);
	if (is_finished(connection))
		srv_connection_close(connection);
}
