// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/config-reader.h"

#include <string.h>

#include "base/nearest.h"
#include "srv/sriovd/config.h"

/* What a stranger wrote is shown up to here. */
#define SHOWN_MAX 64

static const struct srv_position *position(const struct srv_reader *reader, uint32_t node)
{
	g_assert(node < reader->positions->len);
	return &g_array_index(reader->positions, struct srv_position, node);
}

static char *format_place(const struct srv_reader *reader, struct srv_place place)
{
	return g_strdup_printf("%s:%u:%u", reader->file, place.line, place.column);
}

char *srv_reader_where(const struct srv_reader *reader, uint32_t node)
{
	return format_place(reader, position(reader, node)->value);
}

/* Does child, the node of a value within another, hold node too? */
static bool holds(const struct srv_reader *reader, uint32_t child, uint32_t node)
{
	return node >= child && node < srv_reader_next(reader, child);
}

/* The nodes are in the order of the text, as are an object's members with jansson. */
static json_t *step_into(const struct srv_reader *reader, json_t *value, uint32_t *child,
			 uint32_t node, GString *path)
{
	const char *name;
	json_t *inner;
	size_t i;

	json_array_foreach (value, i, inner) {
		if (holds(reader, *child, node)) {
			g_string_append_printf(path, "[%zu]", i);
			return inner;
		}
		*child = srv_reader_next(reader, *child);
	}
	json_object_foreach (value, name, inner) {
		if (holds(reader, *child, node)) {
			g_string_append_printf(path, "%s%s", path->len ? "." : "", name);
			return inner;
		}
		*child = srv_reader_next(reader, *child);
	}
	return NULL;
}

char *srv_reader_path(const struct srv_reader *reader, uint32_t node)
{
	GString *path = g_string_new(NULL);
	json_t *value = reader->root;
	uint32_t at = 0;

	while (value && at != node) {
		at++;
		value = step_into(reader, value, &at, node, path);
	}
	return g_string_free(path, FALSE);
}

uint32_t srv_reader_next(const struct srv_reader *reader, uint32_t node)
{
	return position(reader, node)->next;
}

void srv_config_note(GPtrArray *problems, bool is_error, const char *subject, const char *fmt, ...)
{
	g_autofree char *message = NULL;
	va_list ap;

	if (problems->len < SRV_CONFIG_PROBLEMS_MAX) {
		va_start(ap, fmt);
		message = g_strdup_vprintf(fmt, ap);
		va_end(ap);
		srv_problem_add(problems, is_error, subject, "%s", message);
	} else if (is_error && problems->len == SRV_CONFIG_PROBLEMS_MAX) {
		srv_problem_add(problems, true, subject,
				"here and behind it are more mistakes, which are not shown");
	}
}

G_GNUC_PRINTF(4, 0)
static void note(struct srv_reader *reader, bool is_error, struct srv_place place, const char *fmt,
		 va_list ap)
{
	g_autofree char *where = format_place(reader, place);
	g_autofree char *message = g_strdup_vprintf(fmt, ap);

	srv_config_note(reader->problems, is_error, where, "%s", message);
}

void srv_reader_error(struct srv_reader *reader, uint32_t node, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(reader, true, position(reader, node)->value, fmt, ap);
	va_end(ap);
}

void srv_reader_key_error(struct srv_reader *reader, uint32_t node, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(reader, true, position(reader, node)->key, fmt, ap);
	va_end(ap);
}

void srv_reader_warning(struct srv_reader *reader, uint32_t node, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(reader, false, position(reader, node)->value, fmt, ap);
	va_end(ap);
}

char *srv_text_clean(const char *text, size_t max)
{
	g_autofree char *valid = g_utf8_make_valid(text, (gssize)strnlen(text, max));
	GString *clean = g_string_new(NULL);

	for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		g_string_append_unichar(clean, g_unichar_isprint(c) ? c : '?');
	}
	return g_string_free(clean, FALSE);
}

char *srv_reader_quote(const char *text)
{
	glong length = g_utf8_strlen(text, -1);
	g_autofree char *head = g_utf8_substring(text, 0, MIN(length, SHOWN_MAX));
	json_t *string = json_string_nocheck(head);
	char *dump = json_dumps(string, JSON_ENCODE_ANY);
	g_autofree char *clean = srv_text_clean(dump ? dump : "\"?\"", SIZE_MAX);

	free(dump);
	json_decref(string);
	return g_strdup_printf("%s%s", clean, length > SHOWN_MAX ? "…" : "");
}

char *srv_reader_show(const json_t *value)
{
	char *dump, *copy;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return g_strdup("an object");
	case JSON_ARRAY:
		return g_strdup("a list");
	case JSON_STRING:
		return srv_reader_quote(json_string_value(value));
	case JSON_INTEGER:
	case JSON_REAL:
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		break;
	}
	dump = json_dumps(value, JSON_ENCODE_ANY);
	copy = g_strdup(dump ? dump : "?");
	free(dump);
	return copy;
}

char *srv_reader_suggest(const char *text, const char *const *names, size_t n)
{
	const char *meant = sriov_nearest(text, names, n);

	return meant ? g_strdup_printf("; did you mean \"%s\"?", meant) : g_strdup("");
}

static size_t table_length(const struct srv_key *table)
{
	size_t n = 0;

	while (table[n].name)
		n++;
	g_assert(n <= SRV_KEYS_MAX);
	return n;
}

static void unknown_key(struct srv_reader *reader, const struct srv_key *table, const char *name,
			uint32_t node)
{
	size_t n = table_length(table);
	const char *names[SRV_KEYS_MAX];
	g_autofree char *quoted = srv_reader_quote(name);
	g_autofree char *suggestion = NULL;
	g_autofree char *known = NULL;
	g_autoptr(GString) list = g_string_new(NULL);

	for (size_t i = 0; i < n; i++) {
		names[i] = table[i].name;
		g_string_append_printf(list, "%s\"%s\"", i ? ", " : "", names[i]);
	}
	suggestion = srv_reader_suggest(name, names, n);
	known = *suggestion ? g_strdup("") : g_strdup_printf("; known here are %s", list->str);
	srv_reader_key_error(reader, node, "unknown key %s%s%s", quoted, suggestion, known);
}

static void read_member(struct srv_reader *reader, const struct srv_key *table, const char *name,
			struct srv_json at, void *target, uint32_t nodes[SRV_KEYS_MAX])
{
	for (size_t i = 0; table[i].name; i++) {
		if (strcmp(table[i].name, name) != 0)
			continue;
		nodes[i] = at.node;
		table[i].read(reader, &table[i], at, (char *)target + table[i].offset);
		return;
	}
	unknown_key(reader, table, name, at.node);
}

static const char *example_of(const struct srv_key *table)
{
	return table[table_length(table)].form;
}

static void no_object(struct srv_reader *reader, const struct srv_key *table, struct srv_json at)
{
	g_autofree char *path = srv_reader_path(reader, at.node);
	g_autofree char *shown = srv_reader_show(at.value);

	srv_reader_error(reader, at.node, "%s: must be an object, for example %s, not %s",
			 *path ? path : "the file", example_of(table), shown);
}

static void missing_key(struct srv_reader *reader, const struct srv_key *key, uint32_t node)
{
	g_autofree char *path = srv_reader_path(reader, node);

	srv_reader_error(reader, node, "%s: \"%s\" is missing", path, key->name);
}

bool srv_reader_object(struct srv_reader *reader, const struct srv_key *table, struct srv_json at,
		       void *target, uint32_t nodes[SRV_KEYS_MAX])
{
	struct srv_json member = { .node = at.node + 1 };
	const char *name;

	memset(nodes, 0, SRV_KEYS_MAX * sizeof(nodes[0]));
	if (!json_is_object(at.value)) {
		no_object(reader, table, at);
		return false;
	}
	json_object_foreach (at.value, name, member.value) {
		read_member(reader, table, name, member, target, nodes);
		member.node = srv_reader_next(reader, member.node);
	}
	for (size_t i = 0; table[i].name; i++) {
		if (table[i].required && !nodes[i])
			missing_key(reader, &table[i], at.node);
	}
	return true;
}

uint32_t srv_reader_node_of(const struct srv_key *table, const uint32_t nodes[SRV_KEYS_MAX],
			    const char *name)
{
	for (size_t i = 0; table[i].name; i++) {
		if (strcmp(table[i].name, name) == 0)
			return nodes[i];
	}
	g_assert_not_reached();
}

static bool list_is_sound(struct srv_reader *reader, const struct srv_key *key,
			  struct srv_json list)
{
	size_t n = json_array_size(list.value);

	if (!json_is_array(list.value)) {
		g_autofree char *shown = srv_reader_show(list.value);

		srv_reader_error(reader, list.node, "\"%s\" must be a list […], not %s", key->name,
				 shown);
		return false;
	}
	if (n == 0 && key->min > 0) {
		srv_reader_error(reader, list.node, "\"%s\" is empty and would match nothing%s",
				 key->name, key->required ? "" : "; leave the key out");
		return false;
	}
	if (n > key->max) {
		srv_reader_error(reader, list.node, "\"%s\" has %zu entries; at most %u are taken",
				 key->name, n, key->max);
		return false;
	}
	return true;
}

bool srv_reader_item(struct srv_reader *reader, const struct srv_key *key, struct srv_json list,
		     size_t *i, struct srv_json *item)
{
	if (*i == 0 && !list_is_sound(reader, key, list))
		return false;
	if (*i >= json_array_size(list.value))
		return false;
	item->node = *i == 0 ? list.node + 1 : srv_reader_next(reader, item->node);
	item->value = json_array_get(list.value, (*i)++);
	return true;
}

void srv_key_uint(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
		  void *field)
{
	json_int_t value = json_integer_value(at.value);
	g_autofree char *shown = NULL;

	if (json_is_integer(at.value) && value >= key->min && value <= key->max) {
		*(uint32_t *)field = (uint32_t)value;
		return;
	}
	shown = srv_reader_show(at.value);
	srv_reader_error(reader, at.node, "\"%s\" must be a whole number from %u to %u%s%s, not %s",
			 key->name, key->min, key->max, key->form ? " " : "",
			 key->form ? key->form : "", shown);
}

void srv_key_bool(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
		  void *field)
{
	g_autofree char *shown = NULL;

	if (json_is_boolean(at.value)) {
		*(bool *)field = json_is_true(at.value);
		return;
	}
	shown = srv_reader_show(at.value);
	srv_reader_error(reader, at.node, "\"%s\" must be true or false, not %s", key->name, shown);
}

void srv_key_text(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
		  void *field)
{
	const char *text = json_string_value(at.value);
	g_autofree char *shown = NULL;

	if (text && key->is_valid(text)) {
		g_free(*(char **)field);
		*(char **)field = g_strdup(text);
		return;
	}
	shown = srv_reader_show(at.value);
	srv_reader_error(reader, at.node, "\"%s\" must be %s, not %s", key->name, key->form, shown);
}

void srv_key_choice(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
		    void *field)
{
	const char *text = json_string_value(at.value);
	g_autoptr(GString) list = g_string_new(NULL);
	g_autofree char *shown = NULL;

	for (unsigned i = 0; key->choices[i]; i++) {
		if (text && strcmp(text, key->choices[i]) == 0) {
			*(unsigned *)field = i;
			return;
		}
		g_string_append_printf(list, "%s\"%s\"",
				       i == 0		     ? ""
				       : key->choices[i + 1] ? ", "
							     : " or ",
				       key->choices[i]);
	}
	shown = srv_reader_show(at.value);
	srv_reader_error(reader, at.node, "\"%s\" must be %s, not %s", key->name, list->str, shown);
}
