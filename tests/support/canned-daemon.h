/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "base/error.h"

/*
 * A daemon for the tests of its clients: it listens on a socket of its own, speaks io.sriovd, and
 * answers each method with what a test has put there. Calls and answers are checked against
 * conf/io.sriovd.varlink, so a test cannot be right about an API that does not exist. It runs only
 * while a function of varlink-server.h waits.
 */
struct canned_daemon {
	char *dir, *path;
	struct srv_interface *interface;
	struct srv_varlink *varlink;
	GHashTable *answers; /* method → struct canned_answer */
	GPtrArray *held;     /* of struct srv_call: calls whose answer has no end */
	GString *calls;	     /* 'Method {"its":"parameters"}' and a line feed, for each call */
	bool denies;	     /* every call: the client is a stranger */
};

struct canned_daemon *canned_daemon_new(void);
void canned_daemon_free(struct canned_daemon *daemon);

/* Adds a reply to the answer of a method; of several all but the last continue. json is stolen. */
void canned_reply(struct canned_daemon *daemon, const char *method, json_t *json);

/* The same with tests/fixtures/ctl/NAME.json. */
void canned_reply_file(struct canned_daemon *daemon, const char *method, const char *name);

/* After its replies, the method ends in an error. */
void canned_error(struct canned_daemon *daemon, const char *method, enum sriov_error_code code,
		  const char *subject, const char *message);

/* After its replies, the method says nothing any more. */
void canned_open_end(struct canned_daemon *daemon, const char *method);

/* Forgets answers and calls. */
void canned_reset(struct canned_daemon *daemon);

/* Contents of tests/fixtures/ctl/NAME; the caller owns it. */
char *canned_fixture(const char *name);
