// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/config-position.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct scan {
	const char *p;
	struct srv_place at;
	GArray *nodes; /* of struct srv_position */
};

/* Passes one byte. The bytes after the first of a UTF-8 sequence are no further characters. */
static void step(struct scan *scan)
{
	char c = *scan->p;

	if (c == '\0')
		return;
	scan->p++;
	if (c == '\n') {
		scan->at.line++;
		scan->at.column = 1;
	} else if (((unsigned char)*scan->p & 0xc0) != 0x80) {
		scan->at.column++;
	}
}

static void skip_space(struct scan *scan)
{
	while (*scan->p && strchr(" \t\r\n", *scan->p))
		step(scan);
}

static void skip_string(struct scan *scan)
{
	step(scan);
	while (*scan->p && *scan->p != '"') {
		if (*scan->p == '\\')
			step(scan);
		step(scan);
	}
	step(scan);
}

/* A number, true, false or null. */
static void skip_word(struct scan *scan)
{
	while (*scan->p && !strchr(",:]}[{\" \t\r\n", *scan->p))
		step(scan);
}

static int scan_value(struct scan *scan, guint node, unsigned depth);

static int scan_child(struct scan *scan, bool member, unsigned depth)
{
	struct srv_position child = { .key = scan->at, .value = scan->at };
	guint node = scan->nodes->len;

	g_array_append_val(scan->nodes, child);
	if (member) {
		if (*scan->p == '"')
			skip_string(scan);
		skip_space(scan);
		if (*scan->p == ':')
			step(scan);
		skip_space(scan);
		g_array_index(scan->nodes, struct srv_position, node).value = scan->at;
	}
	return scan_value(scan, node, depth);
}

/* The inside of an object or an array, from its opening bracket to behind the closing one. */
static int scan_children(struct scan *scan, unsigned depth)
{
	bool member = *scan->p == '{';
	char close = member ? '}' : ']';

	if (depth >= SRV_POSITION_DEPTH_MAX)
		return -E2BIG;
	step(scan);
	skip_space(scan);
	while (*scan->p && *scan->p != close) {
		const char *before = scan->p;
		int r = scan_child(scan, member, depth + 1);

		if (r < 0)
			return r;
		skip_space(scan);
		if (*scan->p == ',')
			step(scan);
		skip_space(scan);
		if (scan->p == before) /* no JSON after all: never stand still */
			step(scan);
	}
	step(scan);
	return 0;
}

static int scan_value(struct scan *scan, guint node, unsigned depth)
{
	int r = 0;

	switch (*scan->p) {
	case '{':
	case '[':
		r = scan_children(scan, depth);
		break;
	case '"':
		skip_string(scan);
		break;
	default:
		skip_word(scan);
	}
	g_array_index(scan->nodes, struct srv_position, node).next = scan->nodes->len;
	return r;
}

int srv_positions_scan(const char *text, GArray **ret, struct srv_place *ret_place,
		       struct sriov_error **err)
{
	g_autoptr(GArray) nodes = g_array_new(FALSE, FALSE, sizeof(struct srv_position));
	struct scan scan = { .p = text, .at = { 1, 1 }, .nodes = nodes };
	int r;

	skip_space(&scan);
	r = scan_child(&scan, false, 0);
	if (r < 0) {
		*ret_place = scan.at;
		return sriov_error_set(err, SRIOV_ERROR_LIMIT, -r, NULL,
				       "nested deeper than %d levels", SRV_POSITION_DEPTH_MAX);
	}
	*ret = g_steal_pointer(&nodes);
	return 0;
}
