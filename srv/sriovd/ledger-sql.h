/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include <glib.h>
#include <sqlite3.h>

#include "base/bdf.h"
#include "base/mac.h"
#include "srv/sriovd/ledger-sum.h"
#include "srv/sriovd/ledger.h"

/* The ledger's tables, rows to values and back, and SQLite's errors as ours. */

#define SRV_SQL_NIC_COLUMNS 19 /* without row_sum, which is the last of a table */
#define SRV_SQL_VF_COLUMNS  4
#define SRV_SQL_PF_COLUMNS  8

/* Columns of table nic by number, where it matters. */
enum srv_sql_nic {
	SRV_SQL_NIC_KIND,
	SRV_SQL_NIC_KEY,
	SRV_SQL_NIC_ID,
	SRV_SQL_NIC_NAME,
	SRV_SQL_NIC_NETWORK,
	SRV_SQL_NIC_MODE,
	SRV_SQL_NIC_MAC,
	SRV_SQL_NIC_PRIORITY,
	SRV_SQL_NIC_STATE,
	SRV_SQL_NIC_BACKING,
	SRV_SQL_NIC_VF_PF,    /* NULL unless the backing is a VF */
	SRV_SQL_NIC_VF_INDEX, /* ditto */
	SRV_SQL_NIC_UPLINK,
	SRV_SQL_NIC_REASON,
	SRV_SQL_NIC_DECISION,
	SRV_SQL_NIC_SINCE,
	SRV_SQL_NIC_WAITING_SINCE,
	SRV_SQL_NIC_WAITING_PLACE,
	SRV_SQL_NIC_NEGOTIATED,
	SRV_SQL_NIC_SUM,
};

enum srv_sql_vf {
	SRV_SQL_VF_PF,
	SRV_SQL_VF_INDEX,
	SRV_SQL_VF_MARK,
	SRV_SQL_VF_REASON,
	SRV_SQL_VF_SUM,
};

enum srv_sql_pf {
	SRV_SQL_PF_PF,
	SRV_SQL_PF_VENDOR,
	SRV_SQL_PF_DEVICE,
	SRV_SQL_PF_DRAINED,
	SRV_SQL_PF_RESIZING,
	SRV_SQL_PF_FORCED,
	SRV_SQL_PF_WANT_VFS,
	SRV_SQL_PF_NETDEVS,
	SRV_SQL_PF_SUM,
};

/* A row as values. They point into the row and into the buffers. */
struct srv_sql_nic_values {
	struct srv_sql_value at[SRV_SQL_NIC_COLUMNS];
	char mac[SRIOV_MAC_STRLEN];
	char pf[SRIOV_BDF_STRLEN];
};
struct srv_sql_vf_values {
	struct srv_sql_value at[SRV_SQL_VF_COLUMNS];
	char pf[SRIOV_BDF_STRLEN];
};

struct srv_sql_pf_values {
	struct srv_sql_value at[SRV_SQL_PF_COLUMNS];
	char pf[SRIOV_BDF_STRLEN];
};

/* Sets *ret, and returns NULL; or what is wrong with the row, e.g. "has no network". */
const char *srv_sql_nic_values(const struct srv_nic_row *row, struct srv_sql_nic_values *ret);
const char *srv_sql_vf_values(const struct srv_vf_row *row, struct srv_sql_vf_values *ret);
/* Of a PF nothing can be wrong: names that are no text are left out. */
void srv_sql_pf_values(const struct srv_pf_row *row, struct srv_sql_pf_values *ret);

/*
 * The row a "SELECT * FROM" the table stands on. Returns NULL and *ret, the caller's; or what is
 * wrong with it, the caller's too.
 */
char *srv_sql_read_nic(sqlite3_stmt *stmt, struct srv_nic_row **ret);
char *srv_sql_read_vf(sqlite3_stmt *stmt, struct srv_vf_row **ret);
char *srv_sql_read_pf(sqlite3_stmt *stmt, struct srv_pf_row *ret);

/* May it be a text of the ledger's: UTF-8, for it goes into JSON. NULL may not. */
bool srv_sql_is_text(const char *text);

/*
 * A text out of a damaged file, or SQLite's message with such a one in it, so that it can be sent
 * and shown: UTF-8, and nothing that moves a terminal's cursor. NULL gives "NULL". The caller's.
 */
char *srv_sql_shown(const char *text);

/* Binds values[i] to parameter i + 1. They are not copied: valid until the statement is reset. */
void srv_sql_bind(sqlite3_stmt *stmt, const struct srv_sql_value *values, int n);

/* NULL or the text of a column that has no NUL in it; borrowed until the next step. */
const char *srv_sql_text(sqlite3_stmt *stmt, int column);

/*
 * What SQLite itself says, for who knows it: " [SQLite: …]", the end of a sentence that has said in
 * our words what it is about. handle may be NULL when rc says all. The caller owns it.
 */
#define SRV_SQL_SAYS " [SQLite: "
char *srv_sql_says(sqlite3 *handle, int rc);

/*
 * Sets an error LEDGER: "cannot WHAT: its file system is full; free some space on it [SQLite: …]".
 * handle may be NULL when rc says all.
 *
 * path: the file, the error's subject
 */
int srv_sql_error(sqlite3 *handle, int rc, const char *path, const char *what,
		  struct sriov_error **err);

/* Runs statements without results. what: as for srv_sql_error() */
int srv_sql_exec(sqlite3 *handle, const char *sql, const char *path, const char *what,
		 struct sriov_error **err);

/*
 * The first integer that a query or pragma gives. A result code of SQLite; SQLITE_DONE when it
 * gives none.
 */
int srv_sql_integer(sqlite3 *handle, const char *sql, int64_t *ret);
