/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "srv/protocol/frame.h"
#include "srv/sriovd/varlink-budget.h"
#include "srv/sriovd/varlink.h"

/*
 * What the files of the Varlink server share:
 *
 *   varlink.c             the main loop's source
 *   varlink-accept.c      the listeners, limits on connections
 *   varlink-connection.c  one client's bytes: reading, calls one after the other, writing
 *   varlink-budget.c      how much time users have used
 *   varlink-request.c     from a message to a handler that runs
 *   varlink-call.c        one call's replies and its end
 *   varlink-service.c     the interface that every Varlink service has, org.varlink.service
 *   varlink-peer.c        who a client is
 *   varlink-listen.c      making the socket
 *
 * Only a turn (srv_connection_turn()) closes a connection, and turns are taken only by the source.
 * So nothing that a handler calls makes a connection or a call vanish under it.
 */
struct srv_connection;

/* How much is read from one client before the others have their turn. */
#define SRV_READ_SIZE (64 * 1024)

struct srv_listener {
	int fd;	      /* -1: none */
	gint64 again; /* when to accept again, or 0: it does */
};

/*
 * What strangers may take of the time. A user can be many: /etc/subuid gives him 65536 numbers. So
 * there is a bound for all of them together, too.
 */
struct srv_strangers {
	struct srv_budget *each; /* by uid; NULL: no bound, and the others are not there either */
	struct srv_budget *together; /* one bucket, SRV_ALL */
	struct srv_budget *door;     /* ditto, for coming and going at the public door */
};
#define SRV_ALL 0

struct srv_varlink {
	struct srv_listener public, members;
	int epoll_fd;
	int spare_fd;	  /* given up for a moment to tell a client that there are no more; or -1 */
	gint64 resume_at; /* when some of the held may have something to spend again, or 0 */
	struct srv_strangers strangers;
	GSource *source;
	const struct srv_interface *interface;
	struct srv_interface *service; /* org.varlink.service */
	const struct srv_varlink_handler *handler;
	const struct srv_varlink_limits *limits;
	void *data;
	GHashTable *methods; /* "io.sriovd.Claim" -> const struct srv_method * */
	GHashTable *uids;    /* uid -> number of connections */
	GQueue connections;
	GQueue ready; /* connections with something to do that epoll does not know of */
	GQueue held;  /* those of strangers who have used up their time */
	char buf[SRV_READ_SIZE];
};

/* fd and peer are stolen; the connection joins varlink. 0, or a negative errno of epoll. */
int srv_connection_add(struct srv_varlink *varlink, int fd, struct srv_peer *peer, bool stranger);

/* As srv_budget_charge() and srv_budget_wait(), for one stranger and for all of them. */
void srv_stranger_charge(struct srv_varlink *varlink, uid_t uid, int64_t used, int64_t now);
int64_t srv_stranger_wait(struct srv_varlink *varlink, uid_t uid, int64_t now);

/* Accepts some of those who wait there, or lets it rest. */
void srv_listener_accept(struct srv_varlink *varlink, struct srv_listener *listener);

/* Listens again, if it is time to. */
void srv_listener_resume(struct srv_varlink *varlink, struct srv_listener *listener);

/* Puts it into the epoll set. Errors: UNAVAILABLE */
int srv_listener_watch(struct srv_varlink *varlink, struct srv_listener *listener,
		       struct sriov_error **err);

/*
 * The held one gets a turn, or goes to the end of the queue of those held if there is nothing to
 * spend for it. May close it.
 */
void srv_connection_resume(struct srv_connection *connection);

/*
 * The connection has cost so much beyond its turns; negative: what was charged too much.
 *
 * Of a call that is its time under way, at most SRV_CALL_US_MAX: what threads and the kernel do for
 * it is not seen here, and others wait for it; a call that waits for something to happen costs no
 * more than that. So much is charged when it begins, and what is left of it given back at its end:
 * who has little left cannot have many under way.
 */
void srv_connection_charge(struct srv_connection *connection, int64_t us);
#define SRV_CALL_US_MAX (20 * 1000)

/* Lets the main loop come back when a listener or one who is held has to be looked at. */
void srv_varlink_arm(struct srv_varlink *varlink);

/*
 * Does what one client wants, as far as that is little. May close the connection.
 *
 * events: EPOLLIN and so on; 0 when it was in the ready queue
 */
void srv_connection_turn(struct srv_connection *connection, uint32_t events);
void srv_connection_close(struct srv_connection *connection);

struct srv_varlink *srv_connection_varlink(const struct srv_connection *connection);
struct srv_peer *srv_connection_peer(const struct srv_connection *connection);

/* The client went away; replies have no reader. */
bool srv_connection_is_gone(const struct srv_connection *connection);

/* Says error to the client, reads nothing more from it, and closes when that was sent. */
void srv_connection_refuse(struct srv_connection *connection, const struct sriov_error *error);

/* The call under way, or NULL when there is none any more: the next one may start. */
void srv_connection_set_call(struct srv_connection *connection, struct srv_call *call);

/* Where replies are written; srv_connection_push() sends them. */
GString *srv_connection_output(struct srv_connection *connection);
size_t srv_connection_unsent(const struct srv_connection *connection);
void srv_connection_push(struct srv_connection *connection);

/* Gives up on a client that does not read its replies. */
void srv_connection_cut(struct srv_connection *connection);

struct srv_call {
	struct srv_connection *connection; /* NULL when that is closed */
	struct srv_peer *peer;
	const struct srv_varlink *varlink; /* valid as long as connection is */
	const struct srv_method *method;   /* of our interface; NULL: org.varlink.service */
	json_t *message;
	json_t *parameters; /* in message, or NULL */
	bool oneway, more, gone;
	gint64 began;
	struct sriov_error *defect; /* of a reply before the last (check_replies) */
	void (*gone_fn)(struct srv_call *call, void *data);
	void *gone_data;
};

/* Of one connection and its calls, reference counted (g_rc_box). */
struct srv_peer *srv_peer_new(int fd, struct sriov_error **err);
void srv_peer_unref(struct srv_peer *peer);

/* Runs the call that message is, stolen, as the connection's call under way. */
void srv_call_start(struct srv_connection *connection, json_t *message);

/* The client went away: tells the handler, once. detach: the connection is going away as well. */
void srv_call_gone(struct srv_call *call, bool detach);

/* Frees a call that is over, or that was never begun. */
void srv_call_free(struct srv_call *call);

/* Ends the call with an error that is not of our interface. parameters is stolen. */
void srv_call_error_named(struct srv_call *call, const char *name, json_t *parameters);

/* Writes one message; parameters (NULL for {}) is borrowed. error: a name, or NULL. */
void srv_varlink_write(GString *out, const char *error, const json_t *parameters, bool continues);

#define SRV_SERVICE_INTERFACE "org.varlink.service"
extern const char srv_service_text[];

/* Answers a call of org.varlink.service; parameters have been checked. */
void srv_service_call(struct srv_call *call, const struct srv_varlink *varlink, const char *member,
		      const json_t *parameters);
