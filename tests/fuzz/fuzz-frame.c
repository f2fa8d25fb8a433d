// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A stream from a stranger, cut into pieces as the input's first byte says. Beyond not crashing:
 * where it is cut makes no difference, the limits hold, and what is taken is taken again when we
 * send it.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "srv/protocol/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MESSAGE_LIMIT 512

static size_t depth_of(const json_t *json)
{
	const char *key;
	json_t *value;
	size_t i, depth = 0;

	json_array_foreach (json, i, value)
		depth = MAX(depth, depth_of(value));
	json_object_foreach ((json_t *)json, key, value)
		depth = MAX(depth, depth_of(value));
	return depth + (json_is_array(json) || json_is_object(json) ? 1 : 0);
}

static void check_again(const json_t *message)
{
	struct srv_frame_reader *reader = srv_frame_reader_new(SRV_MESSAGE_MAX);
	g_autoptr(GBytes) bytes = srv_frame_encode(message);
	json_t *again = NULL;
	gsize n;
	const void *text = g_bytes_get_data(bytes, &n);

	g_assert(srv_frame_reader_feed(reader, text, n, NULL) == 0);
	g_assert(srv_frame_reader_next(reader, &again, NULL) == 1);
	g_assert(json_equal(message, again));
	json_decref(again);
	srv_frame_reader_free(reader);
}

static void check_error(int r, const struct sriov_error *err)
{
	g_assert(err && r == -err->err);
	g_assert(err->code == SRIOV_ERROR_INVALID || err->code == SRIOV_ERROR_LIMIT);
	g_assert(!strchr(err->message, '\n') && g_utf8_validate(err->message, -1, NULL));
}

/* Takes all whole messages; log gets a line for each. */
static void drain(struct srv_frame_reader *reader, GString *log)
{
	size_t whole;

	while ((whole = srv_frame_reader_whole(reader, NULL)) > 0) {
		sriov_autoerror err = NULL;
		json_t *message = NULL;
		int r = srv_frame_reader_next(reader, &message, &err);

		g_assert(srv_frame_reader_whole(reader, NULL) == whole - 1);
		if (r < 0) {
			check_error(r, err);
			g_string_append_printf(log, "%s\n", err->message);
			continue;
		}
		g_assert(r == 1 && json_is_object(message));
		g_assert(depth_of(message) <= SRV_MESSAGE_DEPTH);
		g_string_append(log, "message\n");
		check_again(message);
		json_decref(message);
	}
	g_assert(srv_frame_reader_next(reader, NULL, NULL) == 0);
}

static GString *read_in_pieces(const uint8_t *data, size_t size, size_t piece)
{
	struct srv_frame_reader *reader = srv_frame_reader_new(MESSAGE_LIMIT);
	GString *log = g_string_new(NULL);

	for (size_t i = 0; i < size; i += piece) {
		sriov_autoerror err = NULL;
		int r = srv_frame_reader_feed(reader, data + i, MIN(piece, size - i), &err);
		size_t held;

		drain(reader, log);
		srv_frame_reader_whole(reader, &held);
		g_assert(held <= MESSAGE_LIMIT);
		if (r < 0) {
			check_error(r, err);
			g_string_append_printf(log, "%s\n", err->message);
			break;
		}
	}
	srv_frame_reader_free(reader);
	return log;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GString) pieces = NULL;
	g_autoptr(GString) whole = NULL;

	if (size < 2)
		return 0;
	pieces = read_in_pieces(data + 1, size - 1, (size_t)data[0] + 1);
	whole = read_in_pieces(data + 1, size - 1, size - 1);
	g_assert_cmpstr(pieces->str, ==, whole->str);
	return 0;
}
