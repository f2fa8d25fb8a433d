// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/protocol/frame.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "srv/protocol/errors.h"

/*
 * One buffer holds what came in: whole messages, each with its NUL, then the beginning of one that
 * is not there yet.
 *
 *   start                                      end
 *     | message NUL | message NUL | unfinished  |
 *                                 |<---open---->|
 */
struct srv_frame_reader {
	size_t message_max;
	char *buf;
	size_t size;
	size_t start;
	size_t end;
	size_t open;
	size_t whole; /* messages between start and end */
};

/* What an idle reader may keep: most calls fit, and a thousand idle connections cost little. */
#define IDLE_SIZE 4096

struct srv_frame_reader *srv_frame_reader_new(size_t message_max)
{
	struct srv_frame_reader *reader = g_new0(struct srv_frame_reader, 1);

	reader->message_max = message_max;
	return reader;
}

void srv_frame_reader_free(struct srv_frame_reader *reader)
{
	if (!reader)
		return;
	g_free(reader->buf);
	g_free(reader);
}

size_t srv_frame_reader_whole(const struct srv_frame_reader *reader, size_t *ret_bytes)
{
	if (ret_bytes)
		*ret_bytes = reader->end - reader->start;
	return reader->whole;
}

static void reserve(struct srv_frame_reader *reader, size_t n)
{
	size_t used = reader->end - reader->start;

	if (reader->size - reader->end >= n)
		return;
	if (reader->start > 0) {
		memmove(reader->buf, reader->buf + reader->start, used);
		reader->start = 0;
		reader->end = used;
	}
	if (reader->size - used >= n)
		return;
	reader->size = MAX(MAX(2 * reader->size, used + n), 256);
	reader->buf = g_realloc(reader->buf, reader->size);
}

static void append(struct srv_frame_reader *reader, const char *bytes, size_t n)
{
	reserve(reader, n);
	memcpy(reader->buf + reader->end, bytes, n);
	reader->end += n;
}

int srv_frame_reader_feed(struct srv_frame_reader *reader, const void *bytes, size_t n,
			  struct sriov_error **err)
{
	const char *p = bytes;

	while (n > 0) {
		const char *nul = memchr(p, '\0', n);
		size_t text = nul ? (size_t)(nul - p) : n;
		size_t all = nul ? text + 1 : text;

		if (text > reader->message_max - reader->open)
			return sriov_error_set(err, SRIOV_ERROR_LIMIT, EMSGSIZE, NULL,
					       "the message is longer than %zu bytes",
					       reader->message_max);
		append(reader, p, all);
		reader->open = nul ? 0 : reader->open + text;
		reader->whole += nul ? 1 : 0;
		p += all;
		n -= all;
	}
	return 0;
}

/*
 * jansson's own limit is 2048, and its parser recurses: with 16 the stack stays small on every
 * thread, and so does what checks and handlers have to walk. Brackets inside strings don't count;
 * where the text is no JSON, the parser finds that later, before what this function misread.
 */
static int check_depth(const char *text, size_t n, struct sriov_error **err)
{
	bool string = false;
	size_t depth = 0;

	for (size_t i = 0; i < n; i++) {
		if (string) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				string = false;
		} else if (text[i] == '"') {
			string = true;
		} else if (text[i] == '{' || text[i] == '[') {
			if (++depth > SRV_MESSAGE_DEPTH)
				return sriov_error_set(
					err, SRIOV_ERROR_LIMIT, EMSGSIZE, NULL,
					"the message is nested deeper than %d levels at byte %zu",
					SRV_MESSAGE_DEPTH, i);
		} else if ((text[i] == '}' || text[i] == ']') && depth > 0) {
			depth--;
		}
	}
	return 0;
}

static int parse(const char *text, size_t n, json_t **ret, struct sriov_error **err)
{
	json_error_t where;
	json_t *json;
	int r;

	r = check_depth(text, n, err);
	if (r < 0)
		return r;

	json = json_loadb(text, n, JSON_REJECT_DUPLICATES, &where);
	if (!json) {
		/* jansson quotes the text and cuts it anywhere, also inside a character. */
		g_autofree char *reason = srv_error_quote(where.text, sizeof(where.text));

		return sriov_error_set(
			err, SRIOV_ERROR_INVALID, EBADMSG, NULL,
			"the message is not valid JSON at line %d, column %d (byte %d): %s",
			where.line, where.column, where.position, reason);
	}
	if (!json_is_object(json)) {
		json_decref(json);
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EBADMSG, NULL,
				       "the message is not a JSON object but an array (byte 0)");
	}
	*ret = json;
	return 0;
}

/* Gives back memory that one large message needed. */
static void shrink_when_empty(struct srv_frame_reader *reader)
{
	if (reader->start < reader->end)
		return;
	reader->start = 0;
	reader->end = 0;
	if (reader->size <= IDLE_SIZE)
		return;
	g_clear_pointer(&reader->buf, g_free);
	reader->size = 0;
}

int srv_frame_reader_next(struct srv_frame_reader *reader, json_t **ret, struct sriov_error **err)
{
	const char *text;
	size_t n;
	int r;

	if (reader->whole == 0)
		return 0;

	text = reader->buf + reader->start;
	n = strlen(text);
	r = parse(text, n, ret, err);
	reader->start += n + 1;
	reader->whole--;
	shrink_when_empty(reader);
	return r < 0 ? r : 1;
}

GBytes *srv_frame_encode(const json_t *message)
{
	char *text = json_dumps(message, JSON_COMPACT);

	/* Fails only for what json_string_nocheck() and the like let in. */
	g_assert(text);
	return g_bytes_new_with_free_func(text, strlen(text) + 1, free, text);
}
