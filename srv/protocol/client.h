/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"

/*
 * A blocking Varlink client, for sriovctl and the hook: one connection, one call at a time.
 */
struct srv_client;

#define SRV_SOCKET_PATH SRIOVD_RUNDIR "/sriovd.sock"

/*
 * Behind the path of the daemon's socket: that of its second one, for root and the members of the
 * configuration's groups alone (srv/sriovd/door.h), where a flood of others does not hold them up.
 */
#define SRV_MEMBERS_SUFFIX ".members"

/*
 * Connects at the members' door, and at the public one where that is not there or not for us.
 *
 * path:       the public socket; NULL for $SRIOVD_SOCKET or SRV_SOCKET_PATH
 * timeout_ms: for connecting and for each reply; -1: wait for ever
 * Errors: UNAVAILABLE (nobody listens: says how to start the daemon), DENIED (no right to connect)
 */
int srv_client_connect(const char *path, int timeout_ms, struct srv_client **ret,
		       struct sriov_error **err);
void srv_client_free(struct srv_client *client);

/* Another timeout for each reply from now on, such as -1 for a stream that may be silent long. */
void srv_client_set_timeout(struct srv_client *client, int timeout_ms);

/* What the error of a reply that does not come in time ends with: what that means for who called,
 * and what to do. A constant; at first that what was asked for may still happen. */
void srv_client_set_late(struct srv_client *client, const char *text);

/*
 * Calls a method and waits for its one reply.
 *
 * method:     full name, "io.sriovd.Claim"
 * parameters: stolen; NULL for {}
 * ret:        the reply's parameters, the caller's; may be NULL
 * Errors: what the daemon answered (srv_error_from_reply()), TIMEOUT, UNAVAILABLE (connection
 * lost).
 */
int srv_client_call(struct srv_client *client, const char *method, json_t *parameters, json_t **ret,
		    struct sriov_error **err);

/*
 * Calls with "more" and gives each reply to fn until the last one, or until fn returns false.
 * parameters is stolen; reply is borrowed.
 */
int srv_client_call_more(struct srv_client *client, const char *method, json_t *parameters,
			 bool (*fn)(json_t *reply, bool continues, void *data), void *data,
			 struct sriov_error **err);
