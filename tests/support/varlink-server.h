/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "srv/sriovd/varlink.h"

/*
 * A Varlink server of a small interface of its own on a socket in a temporary directory, and
 * clients for it: a raw one that sends and reads bytes as it likes, and our library's, in a thread.
 * The server runs only while one of these functions waits. Whatever must not go wrong here ends the
 * program.
 *
 *   Echo(text: string, number: ?int, deep: ?(list: []string, inner: ?(flag: ?bool)))
 *                   -> the same without nulls, in "text" as JSON
 *   Count(to: int)  -> n from 1 to "to", streamed (one reply at once with "more", else the last)
 *   Flood(size: int) -> streams texts of that size until nobody listens any more
 *   Hold()          -> not answered before test_server_release()
 *   Note(text: string)  kept in notes
 *   Big(size: int)  -> a text of that size
 *   Fail()          -> an error with all its parts
 *   Change()        -> authorize() denies it
 *   Wrong(more: bool) -> something else than it promises
 *   Missing()       -> described, but nobody runs it
 */
struct test_server {
	char *dir, *path;
	struct srv_interface *interface;
	struct srv_varlink *varlink;
	struct srv_varlink_limits limits;
	GString *notes;	      /* texts of Note, each followed by ' ' */
	GPtrArray *held;      /* struct srv_call * of Hold, oldest first */
	unsigned int runs;    /* of Echo and Big */
	unsigned int gone;    /* calls of Hold whose client went away */
	unsigned int asked;   /* clients of whom it was asked whether they are strangers */
	bool strangers;	      /* who connects now is one */
	unsigned int flood;   /* replies of Flood that were taken */
	struct srv_peer peer; /* of the last call authorized; no groups */
};

/* limits: NULL for the default ones */
struct test_server *test_server_new(const struct srv_varlink_limits *limits);
void test_server_free(struct test_server *server);

/* Opens its members' door, at path and SRV_MEMBERS_SUFFIX; on that, mode is what the kernel checks.
 */
void test_server_open_members_door(struct test_server *server, unsigned int mode);

/* Answers the oldest call of Hold. */
void test_server_release(struct test_server *server);

/* Runs the server until cond is true; false when it is not within ten seconds. */
bool test_server_wait(bool (*cond)(void *data), void *data);

/* Runs the server until it has nothing to do, for at least ms milliseconds. */
void test_server_run(unsigned int ms);

struct test_client {
	int fd;
	GByteArray *in;
};

struct test_client *test_client_new(const struct test_server *server);
struct test_client *test_client_new_at(const char *path);
void test_client_free(struct test_client *client);

/* Sends all of it while the server runs, as far as the server takes it; returns the bytes sent. */
size_t test_client_send(struct test_client *client, const void *bytes, size_t n);

/* Sends a text with its NUL. */
void test_client_call(struct test_client *client, const char *message);

/* The next message, the caller's, or NULL at the end of the stream. */
char *test_client_receive(struct test_client *client);

/* Waits ms: true when nothing came. */
bool test_client_is_silent(struct test_client *client, unsigned int ms);

/* Runs fn in a thread while the server runs, and returns what it returns. */
void *test_in_thread(void *(*fn)(void *data), void *data);
