/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <glib.h>
#include <jansson.h>

#include "base/error.h"
#include "srv/protocol/interface.h"

/*
 * The Varlink server: accepts connections, frames and checks messages, answers org.varlink.service
 * by itself, and hands calls of our interface to their handlers, all on the default main context
 * and without ever blocking. It knows nothing of SR-IOV.
 *
 * One client's calls are answered in their order, as Varlink wants: the next one is started when
 * the one before has been answered whole.
 */
struct srv_varlink;
struct srv_call;

struct srv_peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	gid_t *groups; /* supplementary (SO_PEERGROUPS), [n_groups] */
	size_t n_groups;
};

struct srv_method {
	const char *name; /* without the interface's, e.g. "Claim" */
	bool change;	  /* handed to authorize(): does it change anything */
	/*
	 * Runs one call. The handler answers now or later, exactly once with reply or error, before
	 * that any number of srv_call_reply_more().
	 *
	 * parameters: borrowed until run() has returned and the call has been ended; an object,
	 * checked against the interface. Members that were null have been taken out, at any depth:
	 * what is optional is there, with its type, or is not.
	 */
	void (*run)(struct srv_call *call, json_t *parameters, void *data);
};

struct srv_varlink_limits {
	/*
	 * In all, an eighth of them for root alone (the hook gets in when users have taken the
	 * rest); above: accepted, told Limit and closed.
	 */
	uint32_t connections;
	uint32_t connections_per_uid; /* of one user other than root */
	/* Pipelined calls read ahead of the one under way; the rest waits in the socket. */
	uint32_t calls_per_connection;
	size_t message_bytes;
	/*
	 * Unsent bytes above which a stream ("more") is given up and its connection closed. Single
	 * replies may be longer: while one is unsent, no other call of the connection is started.
	 */
	size_t output_bytes;
	/*
	 * Of the daemon's time, for each user who is a stranger (srv_varlink_handler): a share in
	 * permille, and the most that is saved up, in microseconds. Above, its calls wait, and
	 * nobody else's. What counts is the main thread's time, and that of its calls under way
	 * (SRV_CALL_US_MAX). All of them together have half as much again for their calls, and as
	 * much for coming and going at the public door, which is shut for a while above that. 0: no
	 * bound.
	 */
	uint32_t stranger_permille;
	int64_t stranger_burst_us;
};
extern const struct srv_varlink_limits srv_varlink_limits_default;

struct srv_varlink_handler {
	const struct srv_method *methods; /* [n_methods] */
	size_t n_methods;
	/*
	 * May peer call method? 0, or DENIED with what is missing. Called before run().
	 */
	int (*authorize)(const struct srv_peer *peer, const struct srv_method *method, void *data,
			 struct sriov_error **err);
	/*
	 * Is peer somebody whom the configuration does not know? Asked once, when it connects.
	 * NULL: nobody is.
	 */
	bool (*is_stranger)(const struct srv_peer *peer, void *data);
	const char *vendor, *product, *version, *url; /* for org.varlink.service.GetInfo */
	/*
	 * Check what handlers answer against the interface too, and answer Internal instead when it
	 * does not fit: for tests and debugging, it costs as much as checking calls.
	 */
	bool check_replies;
};

/*
 * listen_fd: a listening AF_UNIX stream socket, stolen
 * interface, handler, limits: borrowed, must outlive the server
 */
int srv_varlink_new(int listen_fd, const struct srv_interface *interface,
		    const struct srv_varlink_handler *handler,
		    const struct srv_varlink_limits *limits, void *data, struct srv_varlink **ret,
		    struct sriov_error **err);

/*
 * A second socket to serve, stolen, at which only those come who are known: connecting there is not
 * held up by what strangers do. Rights are the same at both. At most once.
 * Errors: UNAVAILABLE.
 */
int srv_varlink_add_members_door(struct srv_varlink *varlink, int listen_fd,
				 struct sriov_error **err);

/*
 * Closes all connections. Calls still under way stay valid and are answered into nothing; their
 * srv_call_on_gone() functions are called here. Not from within run() or such a function.
 */
void srv_varlink_free(struct srv_varlink *varlink);

/*
 * What listen() is asked for: who comes next stands behind at most as many, also behind somebody
 * who connects in a loop; above, connect() waits its turn.
 */
#define SRV_VARLINK_BACKLOG 128

/*
 * Makes a listening socket at path, replacing a dead one (nobody answers there), without a moment
 * at which there is none. Two daemons that start at once are kept apart by a lock on path.lock.
 *
 * mode: of the socket; connecting takes the right to write
 * Errors: BUSY (a daemon answers there, or is just starting), EXISTS (path is something else than
 * a socket), INVALID (path too long), UNAVAILABLE (anything else the kernel says).
 */
int srv_varlink_listen(const char *path, mode_t mode, int *ret_fd, struct sriov_error **err);

const struct srv_peer *srv_call_peer(const struct srv_call *call);
/* The client asked for more than one reply. */
bool srv_call_wants_more(const struct srv_call *call);

/* Ends the call. parameters is stolen; NULL for {}. call is gone afterwards. */
void srv_call_reply(struct srv_call *call, json_t *parameters);
/*
 * The same with {key: [...]}, for lists that can be long: of what next returns, which is the
 * caller's, until that is NULL. Each item is written and freed before the next one is made. next
 * must not touch calls, and is not called when nobody listens any more.
 */
void srv_call_reply_list(struct srv_call *call, const char *key, json_t *(*next)(void *data),
			 void *data);
/* Ends the call with an error. error is borrowed. */
void srv_call_error(struct srv_call *call, const struct sriov_error *error);

/*
 * Sends a reply that others follow ("continues"). Returns false when nobody listens any more; the
 * call must then still be ended. Only when srv_call_wants_more().
 */
bool srv_call_reply_more(struct srv_call *call, json_t *parameters);

/*
 * fn is called once when the client goes away before the call was ended, from the main loop, never
 * from within another function of this header but srv_varlink_free(). The call must still be ended,
 * by fn or later. Not called for calls that want no reply ("oneway"). NULL takes it back.
 */
void srv_call_on_gone(struct srv_call *call, void (*fn)(struct srv_call *call, void *data),
		      void *data);
