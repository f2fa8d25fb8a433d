// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/ledger-sum.h"

#include <string.h>

/*
 * What is hashed, per value: one byte for its type, the length of what follows as 64 bits, and its
 * bytes, integers as 64 bits, all little-endian. So no two rows have the same bytes, and a NULL is
 * not an empty text.
 */
struct srv_sum {
	GChecksum *checksum;
	GByteArray *bytes; /* reused from row to row */
};

struct srv_sum *srv_sum_new(void)
{
	struct srv_sum *sum = g_new(struct srv_sum, 1);

	sum->checksum = g_checksum_new(G_CHECKSUM_SHA256);
	sum->bytes = g_byte_array_new();
	return sum;
}

void srv_sum_free(struct srv_sum *sum)
{
	if (!sum)
		return;
	g_checksum_free(sum->checksum);
	g_byte_array_unref(sum->bytes);
	g_free(sum);
}

static void add(struct srv_sum *sum, char type, const void *bytes, size_t n)
{
	uint64_t length = GUINT64_TO_LE((uint64_t)n);

	g_byte_array_append(sum->bytes, (const guint8 *)&type, 1);
	g_byte_array_append(sum->bytes, (const guint8 *)&length, sizeof(length));
	if (n)
		g_byte_array_append(sum->bytes, bytes, (guint)n);
}

static void add_text(struct srv_sum *sum, const char *text)
{
	add(sum, 't', text, strlen(text));
}

static void add_integer(struct srv_sum *sum, int64_t integer)
{
	int64_t le = GINT64_TO_LE(integer);

	add(sum, 'i', &le, sizeof(le));
}

static void begin(struct srv_sum *sum, const char *table)
{
	g_byte_array_set_size(sum->bytes, 0);
	add_text(sum, table);
}

static int64_t end(struct srv_sum *sum)
{
	guint8 digest[32];
	gsize n = sizeof(digest);
	int64_t first;

	g_checksum_reset(sum->checksum);
	g_checksum_update(sum->checksum, sum->bytes->data, (gssize)sum->bytes->len);
	g_checksum_get_digest(sum->checksum, digest, &n);
	memcpy(&first, digest, sizeof(first));
	return GINT64_FROM_LE(first);
}

int64_t srv_sum_values(struct srv_sum *sum, const char *table, const struct srv_sql_value *values,
		       int n)
{
	begin(sum, table);
	for (int i = 0; i < n; i++) {
		if (values[i].text)
			add_text(sum, values[i].text);
		else if (values[i].is_null)
			add(sum, 'n', NULL, 0);
		else
			add_integer(sum, values[i].integer);
	}
	return end(sum);
}

/* A value as SQLite has it, with all its bytes (a text of ours has no NUL in it). */
static void add_typed(struct srv_sum *sum, int type, int64_t integer, const void *bytes, int n)
{
	if (type == SQLITE_INTEGER)
		add_integer(sum, integer);
	else if (type == SQLITE_NULL)
		add(sum, 'n', NULL, 0);
	else /* a blob or a floating-point number is none of ours, and gets a letter of its own */
		add(sum, type == SQLITE_TEXT ? 't' : 'x', bytes, (size_t)n);
}

static void add_column(struct srv_sum *sum, sqlite3_stmt *stmt, int i)
{
	int type = sqlite3_column_type(stmt, i);
	int64_t integer = type == SQLITE_INTEGER ? sqlite3_column_int64(stmt, i) : 0;
	const void *bytes = type == SQLITE_INTEGER ? NULL : sqlite3_column_blob(stmt, i);

	add_typed(sum, type, integer, bytes, bytes ? sqlite3_column_bytes(stmt, i) : 0);
}

static void add_value(struct srv_sum *sum, sqlite3_value *value)
{
	int type = sqlite3_value_type(value);
	int64_t integer = type == SQLITE_INTEGER ? sqlite3_value_int64(value) : 0;
	const void *bytes = type == SQLITE_INTEGER ? NULL : sqlite3_value_blob(value);

	add_typed(sum, type, integer, bytes, bytes ? sqlite3_value_bytes(value) : 0);
}

int64_t srv_sum_columns(struct srv_sum *sum, const char *table, sqlite3_stmt *stmt, int skip)
{
	begin(sum, table);
	for (int i = 0; i < sqlite3_column_count(stmt); i++) {
		if (i != skip)
			add_column(sum, stmt, i);
	}
	return end(sum);
}

static void row_sum(sqlite3_context *context, int n, sqlite3_value **values)
{
	struct srv_sum *sum = sqlite3_user_data(context);
	const char *table = n > 0 ? (const char *)sqlite3_value_text(values[0]) : NULL;

	if (!table) {
		sqlite3_result_error(context, "row_sum() wants the table's name first", -1);
		return;
	}
	begin(sum, table);
	for (int i = 1; i < n; i++)
		add_value(sum, values[i]);
	sqlite3_result_int64(context, end(sum));
}

int srv_sum_register(struct srv_sum *sum, sqlite3 *handle)
{
	return sqlite3_create_function(handle, "row_sum", -1,
				       SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, sum,
				       row_sum, NULL, NULL);
}
