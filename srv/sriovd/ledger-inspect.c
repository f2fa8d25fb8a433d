// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SQLite is asked whether the file is built right, and then every row is held against its checksum
 * and all of them against the head's. Nothing is guessed: what is wrong in one place makes the
 * whole ledger one that is not used.
 */
#include "srv/sriovd/ledger-inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "srv/sriovd/ledger-file.h"
#include "srv/sriovd/ledger-row.h"
#include "srv/sriovd/ledger-sql.h"
#include "srv/sriovd/ledger-wal.h"

#define PROBLEMS_MAX 100

struct inspect {
	struct srv_ledger_inspection *result;
	const struct srv_ledger_schema *schema;
	const char *path;
	sqlite3 *handle;
	struct srv_sum *sum;
	uint64_t total;
};

static G_GNUC_PRINTF(2, 3) void problem(struct inspect *inspect, const char *fmt, ...)
{
	GPtrArray *problems = inspect->result->problems;
	g_autofree char *text = NULL;
	va_list ap;

	if (problems->len == PROBLEMS_MAX)
		g_ptr_array_add(problems, g_strdup("and more"));
	if (problems->len > PROBLEMS_MAX)
		return;
	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	/* There may be parts of the file in it. */
	g_ptr_array_add(problems, srv_sql_shown(text));
}

/* What SQLite cannot read is damage, what the disk or the kernel refuses is an error. */
static int sqlite_problem(struct inspect *inspect, int rc, const char *what,
			  struct sriov_error **err)
{
	g_autofree char *says = srv_sql_says(inspect->handle, rc);

	switch (rc & 0xff) { /* SQLite's primary code */
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR:
	case SQLITE_FORMAT:
	case SQLITE_TOOBIG:
	case SQLITE_SCHEMA:
		problem(inspect, "cannot %s%s", what, says);
		return 0;
	}
	/* A page that the file ends before. */
	if (rc == SQLITE_IOERR_SHORT_READ) {
		problem(inspect, "cannot %s: the file is too short", what);
		return 0;
	}
	return srv_sql_error(inspect->handle, rc, inspect->path, what, err);
}

/* Rows */

typedef void (*row_fn)(struct inspect *inspect, sqlite3_stmt *stmt);

static void take_head(struct inspect *inspect, sqlite3_stmt *stmt)
{
	const char *boot_id = srv_sql_text(stmt, 1);

	if (sqlite3_column_int64(stmt, 0) != 1 || !srv_sql_is_text(boot_id)) {
		problem(inspect, "its head is malformed");
		return;
	}
	g_free(inspect->result->image->boot_id);
	inspect->result->image->boot_id = g_strdup(boot_id);
}

static char *column_text(sqlite3_stmt *stmt, int column)
{
	const char *text = srv_sql_text(stmt, column);

	return g_strdup(text ? text : "?");
}

static void take_nic(struct inspect *inspect, sqlite3_stmt *stmt)
{
	struct srv_nic_row *row;
	g_autofree char *why = srv_sql_read_nic(stmt, &row);

	if (why) {
		g_autofree char *owner = column_text(stmt, SRV_SQL_NIC_NAME);
		g_autofree char *id = column_text(stmt, SRV_SQL_NIC_ID);

		problem(inspect, "nic %s/%s %s", owner, id, why);
		return;
	}
	g_ptr_array_add(inspect->result->image->nics, row);
}

static void take_vf(struct inspect *inspect, sqlite3_stmt *stmt)
{
	struct srv_vf_row *row;
	g_autofree char *why = srv_sql_read_vf(stmt, &row);

	if (why) {
		g_autofree char *pf = column_text(stmt, SRV_SQL_VF_PF);
		g_autofree char *index = column_text(stmt, SRV_SQL_VF_INDEX);

		problem(inspect, "VF %s/%s %s", pf, index, why);
		return;
	}
	g_ptr_array_add(inspect->result->image->vfs, row);
}

static void take_pf(struct inspect *inspect, sqlite3_stmt *stmt)
{
	struct srv_pf_row row;
	g_autofree char *why = srv_sql_read_pf(stmt, &row);

	if (why) {
		g_autofree char *pf = column_text(stmt, SRV_SQL_PF_PF);

		problem(inspect, "PF %s %s", pf, why);
		return;
	}
	g_array_append_val(inspect->result->image->pfs, row);
}

static row_fn taker_of(const struct inspect *inspect, const char *table)
{
	/* An older version's rows have other columns: only their checksums count. */
	if (inspect->result->version != inspect->schema->version)
		return NULL;
	return strcmp(table, "head") == 0  ? take_head
	       : strcmp(table, "nic") == 0 ? take_nic
	       : strcmp(table, "vf") == 0  ? take_vf
	       : strcmp(table, "pf") == 0  ? take_pf
					   : NULL;
}

/* row_sum is the last column of every table. */
static void check_row(struct inspect *inspect, const char *table, sqlite3_stmt *stmt, row_fn take)
{
	int last = sqlite3_column_count(stmt) - 1;
	int64_t stored = sqlite3_column_int64(stmt, last);

	/* Not both: a row with a wrong checksum is wrong, whatever it says. */
	if (sqlite3_column_type(stmt, last) != SQLITE_INTEGER ||
	    srv_sum_columns(inspect->sum, table, stmt, last) != stored) {
		g_autofree char *first = column_text(stmt, 0);
		g_autofree char *second = column_text(stmt, 1);
		g_autofree char *third = last > 2 ? column_text(stmt, 2) : g_strdup("");

		problem(inspect, "a row of table %s (%s %s %s) does not have its checksum", table,
			first, second, third);
		return;
	}
	if (strcmp(table, "head") != 0)
		inspect->total += (uint64_t)stored;
	if (take)
		take(inspect, stmt);
}

static int check_table(struct inspect *inspect, const char *table, struct sriov_error **err)
{
	g_autofree char *what = g_strdup_printf("read table %s", table);
	char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", table);
	row_fn take = taker_of(inspect, table);
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(inspect->handle, sql, -1, &stmt, NULL);

	sqlite3_free(sql);
	if (rc != SQLITE_OK)
		return sqlite_problem(inspect, rc, what, err);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		check_row(inspect, table, stmt, take);
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? 0 : sqlite_problem(inspect, rc, what, err);
}

static int table_names(struct inspect *inspect, GPtrArray *names)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(inspect->handle,
				    "SELECT name FROM sqlite_schema WHERE type = 'table'", -1,
				    &stmt, NULL);

	if (rc != SQLITE_OK)
		return rc;
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		const char *name = srv_sql_text(stmt, 0);

		if (name)
			g_ptr_array_add(names, g_strdup(name));
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int check_head(struct inspect *inspect, struct sriov_error **err)
{
	static const char sql[] = "SELECT total FROM head WHERE id = 1";
	int64_t total = 0;
	int rc = srv_sql_integer(inspect->handle, sql, &total);

	if (rc == SQLITE_DONE)
		problem(inspect, "its head is missing");
	else if (rc != SQLITE_OK)
		return sqlite_problem(inspect, rc, "read the head", err);
	else if ((uint64_t)total != inspect->total)
		problem(inspect, "rows are missing, or there are some that do not belong: their "
				 "checksums do not add up to the head's");
	return 0;
}

/* One VF, one owner. Written so it never was: the writer looks (ledger-store.c). */
static int check_owners(struct inspect *inspect, struct sriov_error **err)
{
	static const char sql[] = "SELECT vf_pf, vf_index FROM nic WHERE vf_pf IS NOT NULL "
				  "GROUP BY vf_pf, vf_index HAVING count(*) > 1";
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(inspect->handle, sql, -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return sqlite_problem(inspect, rc, "look for VFs with two owners", err);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		g_autofree char *pf = column_text(stmt, 0);
		g_autofree char *index = column_text(stmt, 1);

		problem(inspect, "VF %s/%s has more than one owner", pf, index);
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? 0
				 : sqlite_problem(inspect, rc, "look for VFs with two owners", err);
}

static int check_rows(struct inspect *inspect, struct sriov_error **err)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	int rc = table_names(inspect, names), r = 0;

	if (rc != SQLITE_OK)
		return sqlite_problem(inspect, rc, "list its tables", err);
	for (guint i = 0; i < names->len && r == 0; i++)
		r = check_table(inspect, names->pdata[i], err);
	if (r == 0 && inspect->result->problems->len == 0)
		r = check_head(inspect, err);
	if (r == 0 && inspect->result->version == inspect->schema->version)
		r = check_owners(inspect, err);
	inspect->result->total = (int64_t)inspect->total;
	return r;
}

/* The file */

/* More than quick_check: an index that lost an entry would hide a row from the writer. */
static int check_pages(struct inspect *inspect, struct sriov_error **err)
{
	sqlite3_stmt *stmt;
	int rc = sqlite3_prepare_v2(inspect->handle, "PRAGMA integrity_check(20)", -1, &stmt, NULL);

	if (rc != SQLITE_OK)
		return sqlite_problem(inspect, rc, "check its pages", err);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		g_autofree char *text = column_text(stmt, 0);

		if (strcmp(text, "ok") != 0)
			problem(inspect, "its pages do not fit together" SRV_SQL_SAYS "%s]",
				g_strdelimit(text, "\n", ' '));
	}
	sqlite3_finalize(stmt);
	return rc == SQLITE_DONE ? 0 : sqlite_problem(inspect, rc, "check its pages", err);
}

static int check_log(struct inspect *inspect, struct sriov_error **err)
{
	g_autofree char *path = g_strconcat(inspect->path, "-wal", NULL);
	g_autofree char *log = NULL;
	g_autoptr(GError) error = NULL;
	const char *why;
	gsize n;

	if (!g_file_get_contents(path, &log, &n, &error)) {
		if (g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
			return 0;
		return sriov_error_set(err, SRIOV_ERROR_LEDGER, EIO, path,
				       "cannot read the ledger's write-ahead log: %s",
				       error->message);
	}
	why = srv_ledger_wal_problem((const uint8_t *)log, n);
	if (why)
		problem(inspect, "%s", why);
	return 0;
}

/*
 * The file format's write and read version (SQLite, "Database File Format", 1.3): 2 for a database
 * with a log, as we make it, 1 for one that somebody has taken that from. SQLite reads a file with
 * a higher write version, and only then refuses to write it.
 */
static int check_format(struct inspect *inspect, struct sriov_error **err)
{
	sriov_autofd int fd = open(inspect->path, O_RDONLY | O_CLOEXEC);
	uint8_t versions[2] = { 0 };
	ssize_t n = fd < 0 ? -1 : pread(fd, versions, sizeof(versions), 18);

	if (n < 0)
		return sriov_error_set(err, SRIOV_ERROR_LEDGER, errno, inspect->path,
				       "cannot read the ledger: %s", g_strerror(errno));
	if (versions[0] != versions[1] || versions[0] < 1 || versions[0] > 2)
		problem(inspect, "its header says that it is of the file format %u/%u, not 2/2",
			versions[0], versions[1]);
	return 0;
}

/* Whose file it is, and of which version: before anything of it is trusted. */
static int check_version(struct inspect *inspect, struct sriov_error **err)
{
	int64_t id = 0, version = 0;
	int rc = srv_sql_integer(inspect->handle, "PRAGMA application_id", &id);

	if (rc == SQLITE_OK)
		rc = srv_sql_integer(inspect->handle, "PRAGMA user_version", &version);
	if (rc != SQLITE_OK)
		return sqlite_problem(inspect, rc, "read its header", err);
	inspect->result->version = (int)version;
	if (id != SRV_LEDGER_APPLICATION_ID)
		problem(inspect, "it is another program's database");
	else if (version < 1)
		problem(inspect, "it has schema %d, which there never was", (int)version);
	else
		inspect->result->newer = version > inspect->schema->version;
	return 0;
}

static int check_all(struct inspect *inspect, bool live, struct sriov_error **err)
{
	GPtrArray *problems = inspect->result->problems;
	int r = check_version(inspect, err), rc;

	if (r < 0 || problems->len || inspect->result->newer)
		return r;
	rc = srv_ledger_schema_compare(inspect->schema, inspect->result->version, inspect->handle,
				       problems);
	if (rc != SQLITE_OK)
		return sqlite_problem(inspect, rc, "read its tables", err);
	/* Nothing of another's making is run: views and triggers that are none of ours. */
	if (problems->len)
		return 0;
	r = check_format(inspect, err);
	if (r < 0)
		return r;
	/* One that is being written to now has no end to look at. */
	if (!live)
		r = check_log(inspect, err);
	if (r == 0)
		r = check_pages(inspect, err);
	if (r == 0)
		r = check_rows(inspect, err);
	return r;
}

/*
 * Without a log the file is opened as one that never changes, which makes neither log nor shared
 * memory. With one, SQLite makes the shared memory file, and leaves file and log as they are.
 */
static int open_to_read(const char *path, sqlite3 **ret)
{
	bool logged = srv_ledger_size(path, "-wal") > 0;
	g_autofree char *escaped = g_uri_escape_string(path, "/", TRUE);
	g_autofree char *uri = g_strdup_printf("file:%s?%s", escaped,
					       logged ? "cache=private" : "immutable=1");
	int rc = sqlite3_open_v2(uri, ret,
				 SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX |
					 SQLITE_OPEN_EXRESCODE,
				 NULL);

	if (rc != SQLITE_OK)
		return rc;
	sqlite3_db_config(*ret, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(*ret, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_busy_timeout(*ret, 5000);
	return sqlite3_exec(*ret, "PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY", NULL,
			    NULL, NULL);
}

static int inspect_file(struct inspect *inspect, bool live, struct sriov_error **err)
{
	int rc = open_to_read(inspect->path, &inspect->handle), r = 0;

	inspect->sum = srv_sum_new();
	/* One state from here to the end, whoever writes meanwhile. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(inspect->handle, "BEGIN", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		r = sqlite_problem(inspect, rc, "open it", err);
	else
		r = check_all(inspect, live, err);
	sqlite3_close(inspect->handle);
	srv_sum_free(inspect->sum);
	return r;
}

int srv_ledger_inspect(const char *dir, const struct srv_ledger_schema *schema, bool live,
		       struct srv_ledger_inspection **ret, struct sriov_error **err)
{
	g_autofree char *path = g_build_filename(dir, SRV_LEDGER_FILE, NULL);
	struct srv_ledger_inspection *result = g_new0(struct srv_ledger_inspection, 1);
	struct inspect inspect = { .result = result, .schema = schema, .path = path };
	int64_t size = srv_ledger_size(path, ""), log = srv_ledger_size(path, "-wal");
	int r = 0;

	result->problems = g_ptr_array_new_with_free_func(g_free);
	result->image = srv_ledger_image_new();
	if (size < 0 && size != -ENOENT)
		r = sriov_error_set(err, SRIOV_ERROR_LEDGER, (int)-size, path,
				    "cannot look at the ledger: %s", g_strerror((int)-size));
	else if (size < 0 && log > 0)
		problem(&inspect, "its file is gone, its write-ahead log is there");
	else if (size < 0)
		result->absent = true;
	else if (size == 0) /* which SQLite takes for a new one */
		problem(&inspect, "its file is empty");
	else
		r = inspect_file(&inspect, live, err);
	if (r < 0)
		srv_ledger_inspection_free(result);
	else
		*ret = result;
	return r;
}

void srv_ledger_inspection_free(struct srv_ledger_inspection *inspection)
{
	if (!inspection)
		return;
	g_ptr_array_unref(inspection->problems);
	srv_ledger_image_free(inspection->image);
	g_free(inspection);
}
