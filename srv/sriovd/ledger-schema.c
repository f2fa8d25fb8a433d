// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/ledger-schema.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "srv/sriovd/ledger-file.h"
#include "srv/sriovd/ledger-sql.h"

/*
 * nic has a rowid, not its key, as the order on disk: rows are rewritten often, and made and
 * deleted in bursts; so new ones fill one page after the other, and a rewritten one touches no
 * index.
 */
static const char *const steps[] = {
	"CREATE TABLE head (id INTEGER PRIMARY KEY, boot_id TEXT NOT NULL, total INTEGER NOT NULL, "
	"row_sum INTEGER NOT NULL) STRICT;"
	"CREATE TABLE pf (pf TEXT NOT NULL, drained INTEGER NOT NULL, resizing INTEGER NOT NULL, "
	"want_vfs INTEGER NOT NULL, row_sum INTEGER NOT NULL, PRIMARY KEY (pf)) "
	"STRICT, WITHOUT ROWID;"
	"CREATE TABLE nic (owner_kind TEXT NOT NULL, owner_key TEXT NOT NULL, id TEXT NOT NULL, "
	"owner_name TEXT NOT NULL, network TEXT NOT NULL, mode TEXT NOT NULL, mac TEXT NOT NULL, "
	"priority INTEGER NOT NULL, state TEXT NOT NULL, backing TEXT NOT NULL, vf_pf TEXT, "
	"vf_index INTEGER, uplink TEXT, reason TEXT, decision TEXT, since INTEGER NOT NULL, "
	"waiting_since INTEGER NOT NULL, row_sum INTEGER NOT NULL, "
	"UNIQUE (owner_kind, owner_key, id)) STRICT;"
	"CREATE INDEX nic_vf ON nic (vf_pf, vf_index) WHERE vf_pf IS NOT NULL;"
	"CREATE TABLE vf (pf TEXT NOT NULL, vf_index INTEGER NOT NULL, mark TEXT NOT NULL, "
	"reason TEXT, row_sum INTEGER NOT NULL, PRIMARY KEY (pf, vf_index)) STRICT, WITHOUT ROWID;"
	"INSERT INTO head VALUES (1, '', 0, 0);",

	/*
	 * 2: which NIC a PF is, how it was called (whatever is known of one by name must find it
	 * after a rename), and whether what was ordered of it may interrupt guests; of a nic
	 * its place among those that wait, which no clock that is set changes, and whether its
	 * guest has said that it joins the halves. The time was the place until now.
	 */
	"CREATE TABLE pf_1 AS SELECT * FROM pf;"
	"DROP TABLE pf;"
	"CREATE TABLE pf (pf TEXT NOT NULL, vendor INTEGER NOT NULL, device INTEGER NOT NULL, "
	"drained INTEGER NOT NULL, resizing INTEGER NOT NULL, forced INTEGER NOT NULL, "
	"want_vfs INTEGER NOT NULL, netdevs TEXT NOT NULL, row_sum INTEGER NOT NULL, "
	"PRIMARY KEY (pf)) STRICT, WITHOUT ROWID;"
	"INSERT INTO pf SELECT pf, 0, 0, drained, resizing, 0, want_vfs, '', "
	"row_sum('pf', pf, 0, 0, drained, resizing, 0, want_vfs, '') FROM pf_1;"
	"DROP TABLE pf_1;"
	"CREATE TABLE nic_1 AS SELECT * FROM nic;"
	"DROP TABLE nic;"
	"CREATE TABLE nic (owner_kind TEXT NOT NULL, owner_key TEXT NOT NULL, id TEXT NOT NULL, "
	"owner_name TEXT NOT NULL, network TEXT NOT NULL, mode TEXT NOT NULL, mac TEXT NOT NULL, "
	"priority INTEGER NOT NULL, state TEXT NOT NULL, backing TEXT NOT NULL, vf_pf TEXT, "
	"vf_index INTEGER, uplink TEXT, reason TEXT, decision TEXT, since INTEGER NOT NULL, "
	"waiting_since INTEGER NOT NULL, waiting_place INTEGER NOT NULL, "
	"negotiated INTEGER NOT NULL, row_sum INTEGER NOT NULL, "
	"UNIQUE (owner_kind, owner_key, id)) STRICT;"
	"CREATE INDEX nic_vf ON nic (vf_pf, vf_index) WHERE vf_pf IS NOT NULL;"
	"INSERT INTO nic SELECT owner_kind, owner_key, id, owner_name, network, mode, mac, "
	"priority, state, backing, vf_pf, vf_index, uplink, reason, decision, since, "
	"waiting_since, waiting_since, 0, row_sum('nic', owner_kind, owner_key, id, owner_name, "
	"network, mode, mac, priority, state, backing, vf_pf, vf_index, uplink, reason, decision, "
	"since, waiting_since, waiting_since, 0) FROM nic_1 ORDER BY rowid;"
	"DROP TABLE nic_1;",
};

const struct srv_ledger_schema srv_ledger_schema = { steps, G_N_ELEMENTS(steps) };

static int add_table(sqlite3 *handle, const char *table, uint64_t *total)
{
	char *sql = sqlite3_mprintf("SELECT row_sum FROM \"%w\"", table);
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL);

	sqlite3_free(sql);
	if (rc != SQLITE_OK)
		return rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		*total += (uint64_t)sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* Not in SQL, whose sum() does not overflow but fails. */
static int add_all(sqlite3 *handle, uint64_t *total)
{
	static const char sql[] = "SELECT name FROM sqlite_schema WHERE type = 'table' AND "
				  "name <> 'head'";
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(handle, sql, -1, &stmt, NULL);

	while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW)
		rc = add_table(handle, (const char *)sqlite3_column_text(stmt, 0), total);
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int finish(sqlite3 *handle, int version, const char *path, struct sriov_error **err)
{
	g_autofree char *sql = NULL;
	uint64_t total = 0;
	int rc = add_all(handle, &total);

	if (rc != SQLITE_OK)
		return srv_sql_error(handle, rc, path, "add up the ledger's rows", err);
	sql = g_strdup_printf("UPDATE head SET total = %" PRId64 ";"
			      "UPDATE head SET row_sum = row_sum('head', id, boot_id, total);"
			      "PRAGMA user_version = %d",
			      (int64_t)total, version);
	return srv_sql_exec(handle, sql, path, "set the ledger's version", err);
}

int srv_ledger_schema_run(const struct srv_ledger_schema *schema, sqlite3 *handle, int from,
			  const char *path, struct sriov_error **err)
{
	for (int i = from; i < schema->version; i++) {
		g_autofree char *what = g_strdup_printf("bring the ledger to schema %d", i + 1);
		int r = srv_sql_exec(handle, schema->steps[i], path, what, err);

		if (r < 0)
			return r;
	}
	return finish(handle, schema->version, path, err);
}

/* In one transaction, so that the file has the old version or the new one. */
static int run_in_transaction(const struct srv_ledger_schema *schema, sqlite3 *handle, int from,
			      const char *path, struct sriov_error **err)
{
	struct srv_sum *sum = srv_sum_new();
	int r = srv_sql_exec(handle, "BEGIN IMMEDIATE", path, "write the ledger", err);

	srv_sum_register(sum, handle);
	if (r == 0)
		r = srv_ledger_schema_run(schema, handle, from, path, err);
	if (r == 0)
		r = srv_sql_exec(handle, "COMMIT", path, "write the ledger", err);
	if (r < 0)
		sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
	/* The function goes before its data. */
	sqlite3_create_function(handle, "row_sum", -1, SQLITE_UTF8, NULL, NULL, NULL, NULL);
	srv_sum_free(sum);
	return r;
}

static int open_handle(const char *path, int flags, sqlite3 **ret, struct sriov_error **err)
{
	int rc = sqlite3_open_v2(path, ret, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
				 NULL);

	if (rc == SQLITE_OK)
		return 0;
	srv_sql_error(*ret, rc, path, "open the ledger", err);
	sqlite3_close(*ret);
	*ret = NULL;
	return -EIO;
}

/* Creating */

static int make_file(const char *path, struct sriov_error **err)
{
	/* Here, not by SQLite, which would make it readable for everybody. */
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return sriov_error_set(err, SRIOV_ERROR_LEDGER, errno, path,
				       "cannot make the ledger: %s", g_strerror(errno));
	close(fd);
	return 0;
}

static int fill(const char *path, const struct srv_ledger_schema *schema, struct sriov_error **err)
{
	g_autofree char *setup = g_strdup_printf("PRAGMA journal_mode = WAL;"
						 "PRAGMA synchronous = FULL;"
						 "PRAGMA application_id = %d",
						 SRV_LEDGER_APPLICATION_ID);
	sqlite3 *handle;
	int r = open_handle(path, SQLITE_OPEN_READWRITE, &handle, err);

	if (r < 0)
		return r;
	r = srv_sql_exec(handle, setup, path, "make the ledger", err);
	if (r == 0)
		r = run_in_transaction(schema, handle, 0, path, err);
	/* Without the pages of what the steps took away again: what is cut off is then missed. */
	if (r == 0)
		r = srv_sql_exec(handle, "VACUUM", path, "make the ledger", err);
	/* Into the file itself, whose log stays behind when it is renamed. */
	if (r == 0)
		r = srv_sql_exec(handle, "PRAGMA wal_checkpoint(TRUNCATE)", path, "make the ledger",
				 err);
	sqlite3_close(handle);
	return r;
}

int srv_ledger_create(const char *dir, const struct srv_ledger_schema *schema,
		      struct sriov_error **err)
{
	g_autofree char *path = g_build_filename(dir, SRV_LEDGER_FILE, NULL);
	g_autofree char *new = g_strconcat(path, ".new", NULL);
	int r;

	srv_ledger_remove(new);
	r = make_file(new, err);
	if (r == 0)
		r = fill(new, schema, err);
	if (r == 0)
		r = srv_ledger_publish(dir, new, path, err);
	if (r < 0)
		srv_ledger_remove(new);
	return r;
}

/* Migrating */

static int copy_into(sqlite3 *from, const char *path, const char *to, struct sriov_error **err)
{
	sqlite3_backup *backup;
	sqlite3 *handle;
	int rc, r;

	r = open_handle(to, SQLITE_OPEN_READWRITE, &handle, err);
	if (r < 0)
		return r;
	backup = sqlite3_backup_init(handle, "main", from, "main");
	rc = backup ? sqlite3_backup_step(backup, -1) : sqlite3_errcode(handle);
	sqlite3_backup_finish(backup);
	if (rc != SQLITE_DONE)
		r = srv_sql_error(NULL, rc, path, "copy the older ledger", err);
	sqlite3_close(handle);
	return r;
}

/* "ledger.sqlite.schema-1", made under another name, for a half one must not pass for it. */
static int keep_copy(const char *dir, sqlite3 *handle, const char *path, int version,
		     struct sriov_error **err)
{
	g_autofree char *copy = g_strdup_printf("%s.schema-%d", path, version);
	g_autofree char *new = g_strconcat(copy, ".new", NULL);
	int r;

	srv_ledger_remove(new);
	r = make_file(new, err);
	if (r == 0)
		r = copy_into(handle, path, new, err);
	if (r == 0)
		r = srv_ledger_publish(dir, new, copy, err);
	if (r < 0)
		srv_ledger_remove(new);
	return r;
}

int srv_ledger_migrate(const char *dir, const struct srv_ledger_schema *schema, int from,
		       struct sriov_error **err)
{
	g_autofree char *path = g_build_filename(dir, SRV_LEDGER_FILE, NULL);
	sqlite3 *handle;
	int r = open_handle(path, SQLITE_OPEN_READWRITE, &handle, err);

	if (r == 0) {
		r = srv_sql_exec(handle, "PRAGMA synchronous = FULL", path, "write the ledger",
				 err);
		if (r == 0)
			r = keep_copy(dir, handle, path, from, err);
		if (r == 0)
			r = run_in_transaction(schema, handle, from, path, err);
		/* As in a new one; when there is no room for it, it does without. */
		if (r == 0)
			sqlite3_exec(handle, "VACUUM", NULL, NULL, NULL);
		sqlite3_close(handle);
	}
	if (r < 0)
		sriov_error_wrap(err,
				 "the ledger, written by an older sriovd (schema %d), could not be "
				 "brought to schema %d and is as it was",
				 from, schema->version);
	return r;
}

/* Comparing */

/* What makes up the schema, one object after the other, as text. */
static int describe(sqlite3 *handle, GString *text)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(handle,
				    "SELECT type, name, tbl_name, sql FROM sqlite_schema "
				    "ORDER BY name, type",
				    -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		for (int i = 0; i < 4; i++) {
			const char *column = srv_sql_text(stmt, i);

			g_string_append_printf(text, "%s\n", column ? column : "-");
		}
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static void describe_expected(const struct srv_ledger_schema *schema, int version, GString *text)
{
	const struct srv_ledger_schema older = { schema->steps, version };
	struct srv_sum *sum = srv_sum_new();
	sqlite3 *handle;
	int r = sqlite3_open(":memory:", &handle);

	if (r == SQLITE_OK)
		r = srv_sum_register(sum, handle);
	if (r == SQLITE_OK)
		r = srv_ledger_schema_run(&older, handle, 0, "the schema", NULL);
	if (r == SQLITE_OK)
		r = describe(handle, text);
	g_assert(r == SQLITE_OK); /* nothing but this program's own text and memory is in it */
	sqlite3_close(handle);
	srv_sum_free(sum);
}

int srv_ledger_schema_compare(const struct srv_ledger_schema *schema, int version, sqlite3 *handle,
			      GPtrArray *problems)
{
	g_autoptr(GString) found = g_string_new(NULL);
	g_autoptr(GString) expected = g_string_new(NULL);
	int rc = describe(handle, found);

	if (rc != SQLITE_OK)
		return rc;
	describe_expected(schema, version, expected);
	if (!g_string_equal(found, expected))
		g_ptr_array_add(problems,
				g_strdup_printf("its tables are not those of schema %d", version));
	return SQLITE_OK;
}
