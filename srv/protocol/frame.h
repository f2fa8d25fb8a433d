/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include <glib.h>
#include <jansson.h>

#include "base/error.h"

/*
 * Varlink's framing (varlink.org, "Wire Format"): each message is one JSON object followed by a
 * NUL. A frame reader collects bytes from a stream and hands out whole messages; limits come first,
 * so that a stranger cannot make it hold more than one message's worth.
 */

/* A message's largest size in bytes without its NUL, and its deepest nesting. */
#define SRV_MESSAGE_MAX	  (1024 * 1024)
#define SRV_MESSAGE_DEPTH 16

struct srv_frame_reader;

struct srv_frame_reader *srv_frame_reader_new(size_t message_max);
void srv_frame_reader_free(struct srv_frame_reader *reader);

/*
 * Adds bytes read from the stream. LIMIT when a message grows above message_max: what follows can
 * then not be told apart any more, but the whole messages before it are still handed out.
 */
int srv_frame_reader_feed(struct srv_frame_reader *reader, const void *bytes, size_t n,
			  struct sriov_error **err);

/*
 * The next whole message: 1 and *ret (the caller's), 0 when more bytes are needed, or INVALID (not
 * JSON, not an object, duplicate keys) or LIMIT (nested deeper than SRV_MESSAGE_DEPTH).
 */
int srv_frame_reader_next(struct srv_frame_reader *reader, json_t **ret, struct sriov_error **err);

/*
 * How many whole messages wait for srv_frame_reader_next(); *ret_bytes (may be NULL) gets the bytes
 * held in all. With it a server reads no more than it wants to hold.
 */
size_t srv_frame_reader_whole(const struct srv_frame_reader *reader, size_t *ret_bytes);

/* The bytes of a message with its NUL. */
GBytes *srv_frame_encode(const json_t *message);
