/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include <glib.h>
#include <sqlite3.h>

#include "srv/sriovd/ledger-sum.h"
#include "srv/sriovd/ledger.h"

/*
 * The file's versions. PRAGMA user_version counts the steps that made it: step i takes a ledger
 * from version i to i + 1, and a new one goes through all of them, in one transaction.
 *
 * Each table's last column is row_sum (ledger-sum.h); in a step, row_sum(TABLE, COLUMN...) gives a
 * row's. The head's are seen to after the steps. A step makes new tables and copies rather than
 * ALTER them: a table's text is compared with what the steps give, and what ALTER makes of it may
 * depend on SQLite's version.
 */
#define SRV_LEDGER_APPLICATION_ID 0x53524956 /* "SRIV" */

struct srv_ledger_schema {
	const char *const *steps; /* SQL */
	int version;		  /* how many: what this program writes */
};

/* The one in use; tests open with others. */
extern const struct srv_ledger_schema srv_ledger_schema;

/* srv_ledger_open(), and srv_ledger_check(), with another schema. */
int srv_ledger_open_schema(const char *dir, const struct srv_ledger_schema *schema,
			   struct srv_ledger **ret, struct sriov_error **err);

/*
 * Runs the steps from version `from` on, sets the version and the head's sums. Inside the caller's
 * transaction, with row_sum() known to the connection.
 */
int srv_ledger_schema_run(const struct srv_ledger_schema *schema, sqlite3 *handle, int from,
			  const char *path, struct sriov_error **err);

/* Makes an empty ledger at SRV_LEDGER_FILE in dir, whole or not at all. */
int srv_ledger_create(const char *dir, const struct srv_ledger_schema *schema,
		      struct sriov_error **err);

/*
 * Brings a ledger, checked before, from its version to the schema's. A copy of the old one is left
 * beside it first. On an error the ledger is as it was.
 */
int srv_ledger_migrate(const char *dir, const struct srv_ledger_schema *schema, int from,
		       struct sriov_error **err);

/*
 * Is what is in the file what the first `version` steps make? Adds a sentence to problems (of
 * char *) when not. Returns a result code of SQLite.
 */
int srv_ledger_schema_compare(const struct srv_ledger_schema *schema, int version, sqlite3 *handle,
			      GPtrArray *problems);
