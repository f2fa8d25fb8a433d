/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "srv/sriovd/config-position.h"

/*
 * Reads JSON objects by tables of their keys: one entry says a key's name, its type and range, and
 * which member of a C struct it fills. What the table does not name is a mistake, and every mistake
 * is noted with its place in the file; reading goes on behind it.
 *
 * Internal to config-*.c. The tables are the truth of what a configuration may hold; a unit test
 * holds conf/sriovd.schema.json against them.
 */

/* After so many problems the rest is not noted: a file of nothing but mistakes stays small. */
#define SRV_CONFIG_PROBLEMS_MAX 100

struct srv_reader {
	const char *file;    /* "sriovd.json", "conf.d/10-a.json" */
	json_t *root;	     /* borrowed: the whole of it, for srv_reader_path() */
	GArray *positions;   /* of struct srv_position, of this file */
	GPtrArray *problems; /* of struct srv_problem */
	void *data;	     /* of whoever reads: the configuration being built */
};

/* A value and where it stands. */
struct srv_json {
	json_t *value; /* borrowed */
	uint32_t node; /* index into positions */
};

struct srv_key;
typedef void (*srv_key_read_fn)(struct srv_reader *reader, const struct srv_key *key,
				struct srv_json at, void *field);

struct srv_key {
	const char *name;
	/* Reads the value into field, the struct's member at offset. */
	srv_key_read_fn read;
	size_t offset;
	bool required;
	uint32_t min, max;	    /* of a number; length of a list: at most max */
	const char *const *choices; /* NULL-terminated, of srv_key_choice() */
	/* What the value should look like, after "must be"; of srv_key_text() and of lists, of
	 * whose members it speaks. */
	const char *form;
	bool (*is_valid)(const char *text);
	const struct srv_key *members; /* of an object: its table; of a list: of its objects */
};

/* Ends a table; example: an object of its keys, as a message shows it. */
#define SRV_KEY_END(example)      \
	{                         \
		.form = (example) \
	}

#define SRV_KEYS_MAX 16

/* Notes a mistake at a value, at its key, or a warning at a value. Messages as in base/error.h. */
G_GNUC_PRINTF(3, 4)
void srv_reader_error(struct srv_reader *reader, uint32_t node, const char *fmt, ...);
G_GNUC_PRINTF(3, 4)
void srv_reader_key_error(struct srv_reader *reader, uint32_t node, const char *fmt, ...);
G_GNUC_PRINTF(3, 4)
void srv_reader_warning(struct srv_reader *reader, uint32_t node, const char *fmt, ...);

/*
 * Notes a problem outside of any value. What goes beyond SRV_CONFIG_PROBLEMS_MAX is counted as one
 * error that says so: a warning may get lost there, but never that there was an error.
 */
G_GNUC_PRINTF(4, 5)
void srv_config_note(GPtrArray *problems, bool is_error, const char *subject, const char *fmt, ...);

/* "networks[2].fallback" of a value, "" of the whole file; the caller owns the string. */
char *srv_reader_path(const struct srv_reader *reader, uint32_t node);

/* "sriovd.json:3:7" of a value; the caller owns the string. */
char *srv_reader_where(const struct srv_reader *reader, uint32_t node);

/* The node behind this one and all that is in it. */
uint32_t srv_reader_next(const struct srv_reader *reader, uint32_t node);

/*
 * Reads an object's members into target by their table.
 *
 * nodes: receives where each key of the table stands, in the table's order; 0 for one that is not
 *        given
 * Returns false when it is no object.
 */
bool srv_reader_object(struct srv_reader *reader, const struct srv_key *table, struct srv_json at,
		       void *target, uint32_t nodes[SRV_KEYS_MAX]);

/* The place of a key by name, out of srv_reader_object()'s nodes. */
uint32_t srv_reader_node_of(const struct srv_key *table, const uint32_t nodes[SRV_KEYS_MAX],
			    const char *name);

/*
 * Walks a list: "for (i = 0; srv_reader_item(…, &i, &item);)". Before the first item it notes when
 * the value is no array, empty, or longer than key->max, and then gives none.
 */
bool srv_reader_item(struct srv_reader *reader, const struct srv_key *key, struct srv_json list,
		     size_t *i, struct srv_json *item);

/* Readers of values; what they fill stands behind their name. */
void srv_key_uint(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
		  void *field); /* uint32_t, [min, max] */
void srv_key_bool(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
		  void *field); /* bool */
void srv_key_text(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
		  void *field); /* char *, owned */
void srv_key_choice(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
		    void *field); /* unsigned: index into choices */

/*
 * Text of a stranger for a message: UTF-8, and '?' for what does not print, so that it breaks no
 * line and moves no terminal's cursor. At most max bytes of it are looked at. The caller owns it.
 */
char *srv_text_clean(const char *text, size_t max);

/* A value as a message shows it: as JSON, cut to a sensible length. The caller owns the string. */
char *srv_reader_show(const json_t *value);
/* The same of a string. */
char *srv_reader_quote(const char *text);

/*
 * "; did you mean "pfNames"?" for the nearest of names [n], or "". The caller owns the string.
 */
char *srv_reader_suggest(const char *text, const char *const *names, size_t n);
