/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include <glib.h>
#include <sqlite3.h>

/*
 * Checksums of rows. SQLite keeps none of its pages: a bit that flips inside a value would be read
 * as if it had been written so. So every row carries the first 64 bits of the SHA-256 of its
 * table's name and its other columns, in the table's order; the sum (modulo 2^64) of all of them
 * stands in the ledger's head and tells when a row has vanished, come twice or come back.
 */
struct srv_sum;

/* A column's value, TEXT when text is set, NULL when is_null, else INTEGER. Text is borrowed. */
struct srv_sql_value {
	const char *text;
	int64_t integer;
	gboolean is_null;
};

struct srv_sum *srv_sum_new(void);
void srv_sum_free(struct srv_sum *sum);

/* Of values about to be bound, [n] in the table's column order without its checksum. */
int64_t srv_sum_values(struct srv_sum *sum, const char *table, const struct srv_sql_value *values,
		       int n);

/* Of the row a statement stands on, leaving out column `skip` (-1: none). */
int64_t srv_sum_columns(struct srv_sum *sum, const char *table, sqlite3_stmt *stmt, int skip);

/*
 * Makes row_sum(TABLE, COLUMN...) known to a connection, for migrations. sum: borrowed, outlives
 * the connection. Returns what sqlite3_create_function() returns.
 */
int srv_sum_register(struct srv_sum *sum, sqlite3 *handle);
