// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/ledger-store.h"

#include <errno.h>
#include <stdbool.h>

#include "srv/sriovd/ledger-file.h"
#include "srv/sriovd/ledger-row.h"
#include "srv/sriovd/ledger-sql.h"

/*
 * Pages in the log before they are moved into the file: 8 MiB. Moving them costs two fsyncs and
 * writes a page that was written often but once, so seldom is better; recovery after a crash reads
 * the log at some GB/s.
 */
#define LOG_PAGES_MAX 2000

/*
 * Bytes of the disk that the log has before it needs them, for giving back when the disk is full.
 * When they are used up, the commit that fails has the log brought home, and they are free again.
 */
#define LOG_RESERVE (1024 * 1024)

#define WAL_HEADER	 32
#define WAL_FRAME_HEADER 24

#define NIC_SET                                                                                    \
	"owner_name = ?4, network = ?5, mode = ?6, mac = ?7, priority = ?8, state = ?9, "          \
	"backing = ?10, uplink = ?13, reason = ?14, decision = ?15, since = ?16, waiting_since = " \
	"?17, waiting_place = ?18, negotiated = ?19, row_sum = ?20"

enum stmt {
	BEGIN,
	COMMIT,
	ROLLBACK,
	SAVEPOINT,
	RELEASE,
	UNDO,
	HEAD_UPDATE,
	NIC_FIND,
	NIC_INSERT,
	NIC_UPDATE,
	NIC_UPDATE_VF,
	NIC_DELETE,
	NIC_OF_VF,
	VF_FIND,
	VF_PUT,
	VF_DELETE,
	PF_FIND,
	PF_PUT,
	PF_DELETE,
};
#define STMTS (PF_DELETE + 1)

static const char *const sql[STMTS] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[SAVEPOINT] = "SAVEPOINT txn",
	[RELEASE] = "RELEASE txn",
	[UNDO] = "ROLLBACK TO txn",
	[HEAD_UPDATE] = "UPDATE head SET boot_id = ?2, total = ?3, row_sum = ?4 WHERE id = ?1",
	[NIC_FIND] = "SELECT rowid, row_sum, vf_pf, vf_index FROM nic "
		     "WHERE owner_kind = ?1 AND owner_key = ?2 AND id = ?3",
	[NIC_INSERT] = "INSERT INTO nic VALUES "
		       "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
		       "?17, ?18, ?19, ?20)",
	/* Two of them: naming an index's columns writes the index, be they the same. */
	[NIC_UPDATE] = "UPDATE nic SET " NIC_SET " WHERE rowid = ?21",
	[NIC_UPDATE_VF] = "UPDATE nic SET vf_pf = ?11, vf_index = ?12, " NIC_SET
			  " WHERE rowid = ?21",
	[NIC_DELETE] = "DELETE FROM nic WHERE rowid = ?1",
	[NIC_OF_VF] = "SELECT owner_name, id FROM nic WHERE vf_pf = ?1 AND vf_index = ?2",
	[VF_FIND] = "SELECT row_sum FROM vf WHERE pf = ?1 AND vf_index = ?2",
	[VF_PUT] = "INSERT OR REPLACE INTO vf VALUES (?1, ?2, ?3, ?4, ?5)",
	[VF_DELETE] = "DELETE FROM vf WHERE pf = ?1 AND vf_index = ?2",
	[PF_FIND] = "SELECT row_sum FROM pf WHERE pf = ?1",
	[PF_PUT] = "INSERT OR REPLACE INTO pf VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	[PF_DELETE] = "DELETE FROM pf WHERE pf = ?1",
};

/* What stands in the head. */
struct head {
	uint64_t total;
	char *boot_id;
};

struct srv_ledger_store {
	char *path;
	sqlite3 *handle;
	sqlite3_stmt *stmts[STMTS];
	struct srv_sum *sum;
	struct head head;  /* with the group under way */
	struct head saved; /* as on disk */
	bool changed;	   /* something was written in the group under way */
	int page_size;
	int log_pages; /* in the log after the last commit; 0: all are in the file, or unknown */
	int log_limit; /* move them from so many on */
	bool tail_bad; /* see cut_tail() */
};

void srv_ledger_change_clear(struct srv_ledger_change *change)
{
	switch (change->kind) {
	case SRV_LEDGER_PUT_NIC:
	case SRV_LEDGER_DELETE_NIC:
		srv_nic_row_free(change->nic);
		break;
	case SRV_LEDGER_PUT_VF:
		srv_vf_row_free(change->vf);
		break;
	case SRV_LEDGER_PUT_BOOT_ID:
		g_free(change->boot_id);
		break;
	case SRV_LEDGER_DELETE_VF:
	case SRV_LEDGER_PUT_PF:
		break;
	}
}

static void head_set(struct head *head, uint64_t total, const char *boot_id)
{
	head->total = total;
	if (g_strcmp0(head->boot_id, boot_id) == 0)
		return;
	g_free(head->boot_id);
	head->boot_id = g_strdup(boot_id);
}

/* Statements */

/* Runs one that gives no row. What its parameters point to may go then. */
static int run(struct srv_ledger_store *store, enum stmt which)
{
	sqlite3_stmt *stmt = store->stmts[which];
	int rc = sqlite3_step(stmt);

	sqlite3_reset(stmt);
	return rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int store_error(struct srv_ledger_store *store, int rc, struct sriov_error **err)
{
	return srv_sql_error(store->handle, rc, store->path, "write the ledger", err);
}

/* The log */

static int on_commit(void *data, sqlite3 *handle, const char *name, int pages)
{
	struct srv_ledger_store *store = data;

	store->log_pages = pages;
	return SQLITE_OK;
}

/* The log's file, of which SQLite has the first log_pages pages for valid. */
static int cut_log(struct srv_ledger_store *store, sqlite3_file *file)
{
	sqlite3_int64 frame = WAL_FRAME_HEADER + store->page_size;
	int rc = sqlite3_wal_checkpoint_v2(store->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
					   NULL);

	if (rc == SQLITE_OK)
		store->log_pages = 0;
	else if (store->log_pages > 0)
		rc = file->pMethods->xTruncate(file, WAL_HEADER + store->log_pages * frame);
	return rc == SQLITE_OK ? file->pMethods->xSync(file, SQLITE_SYNC_FULL) : rc;
}

/*
 * A commit that failed, in its fsync say, may stand in the log complete. SQLite takes it for
 * nothing and will write over it; but after a crash before that, it would take it for a commit,
 * which its caller was told is none. So the log is cut off where it was good. As long as that
 * fails too it is tried again, and only the next commit that succeeds makes good.
 */
static void cut_tail(struct srv_ledger_store *store)
{
	sqlite3_file *file = NULL;

	sqlite3_file_control(store->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file);
	store->tail_bad = file && file->pMethods && cut_log(store, file) != SQLITE_OK;
	srv_ledger_reserve(store->path, LOG_RESERVE);
}

void srv_ledger_store_tidy(struct srv_ledger_store *store)
{
	int pages = 0, moved = 0, rc;

	if (store->log_pages < store->log_limit)
		return;
	rc = sqlite3_wal_checkpoint_v2(store->handle, NULL, SQLITE_CHECKPOINT_PASSIVE, &pages,
				       &moved);
	if (rc == SQLITE_OK && pages == moved) {
		store->log_pages = 0;
		store->log_limit = LOG_PAGES_MAX;
	} else {
		/* Somebody reads, or the disk is full: the log grows on meanwhile. */
		store->log_limit = store->log_pages + LOG_PAGES_MAX;
	}
}

/* Groups */

/* Back to what is on disk. */
static void end_group(struct srv_ledger_store *store)
{
	if (!sqlite3_get_autocommit(store->handle))
		run(store, ROLLBACK);
	head_set(&store->head, store->saved.total, store->saved.boot_id);
	cut_tail(store);
}

int srv_ledger_store_begin(struct srv_ledger_store *store, struct sriov_error **err)
{
	int rc;

	if (store->tail_bad)
		cut_tail(store);
	store->changed = false;
	rc = run(store, BEGIN);
	return rc == SQLITE_OK ? 0 : store_error(store, rc, err);
}

void srv_ledger_store_abandon(struct srv_ledger_store *store)
{
	end_group(store);
}

static int put_head(struct srv_ledger_store *store)
{
	const struct srv_sql_value values[3] = { { .integer = 1 },
						 { .text = store->head.boot_id },
						 { .integer = (int64_t)store->head.total } };
	sqlite3_stmt *stmt = store->stmts[HEAD_UPDATE];

	srv_sql_bind(stmt, values, 3);
	sqlite3_bind_int64(stmt, 4, srv_sum_values(store->sum, "head", values, 3));
	return run(store, HEAD_UPDATE);
}

int srv_ledger_store_commit(struct srv_ledger_store *store, bool *ret_written,
			    struct sriov_error **err)
{
	int rc, r;

	*ret_written = false;
	if (!store->changed) {
		run(store, ROLLBACK);
		return 0;
	}
	rc = put_head(store);
	if (rc == SQLITE_OK)
		rc = run(store, COMMIT);
	if (rc != SQLITE_OK) {
		r = store_error(store, rc, err);
		end_group(store);
		return r;
	}
	store->tail_bad = false;
	head_set(&store->saved, store->head.total, store->head.boot_id);
	*ret_written = true;
	return 0;
}

/* A transaction under way */

struct apply {
	struct srv_ledger_store *store;
	uint64_t total;
	bool changed;
	const char *boot_id; /* NULL: stays */
	GArray *vfs;	     /* of struct srv_vf_ref: got an owner */
};

struct old_nic {
	int64_t rowid; /* 0: there is none */
	int64_t sum;
	bool same_vf;
};

static int find_nic(struct srv_ledger_store *store, const struct srv_sql_value *key,
		    const struct srv_sql_nic_values *new, struct old_nic *ret)
{
	sqlite3_stmt *stmt = store->stmts[NIC_FIND];
	int rc;

	srv_sql_bind(stmt, key, 3);
	rc = sqlite3_step(stmt);
	*ret = (struct old_nic){ 0 };
	if (rc == SQLITE_ROW) {
		ret->rowid = sqlite3_column_int64(stmt, 0);
		ret->sum = sqlite3_column_int64(stmt, 1);
		ret->same_vf = new &&g_strcmp0(srv_sql_text(stmt, 2),
					       new->at[SRV_SQL_NIC_VF_PF].text) == 0 &&
			       sqlite3_column_int64(stmt, 3) ==
				       new->at[SRV_SQL_NIC_VF_INDEX].integer;
	}
	sqlite3_reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int put_nic(struct apply *apply, const struct srv_nic_row *row, struct sriov_error **err)
{
	struct srv_ledger_store *store = apply->store;
	struct srv_sql_nic_values values;
	const char *why = srv_sql_nic_values(row, &values);
	struct old_nic old;
	enum stmt which;
	int64_t sum;
	int rc;

	if (why)
		return sriov_error_set(err, SRIOV_ERROR_LEDGER, EINVAL, store->path,
				       "nic %s/%s %s: a defect in sriovd",
				       row->owner.name ? row->owner.name : "?",
				       row->id ? row->id : "?", why);
	sum = srv_sum_values(store->sum, "nic", values.at, SRV_SQL_NIC_COLUMNS);
	rc = find_nic(store, values.at, &values, &old);
	if (rc == SQLITE_OK) {
		which = !old.rowid ? NIC_INSERT : old.same_vf ? NIC_UPDATE : NIC_UPDATE_VF;
		srv_sql_bind(store->stmts[which], values.at, SRV_SQL_NIC_COLUMNS);
		sqlite3_bind_int64(store->stmts[which], SRV_SQL_NIC_SUM + 1, sum);
		if (old.rowid)
			sqlite3_bind_int64(store->stmts[which], SRV_SQL_NIC_SUM + 2, old.rowid);
		rc = run(store, which);
	}
	if (rc != SQLITE_OK)
		return store_error(store, rc, err);
	apply->total += (uint64_t)sum - (uint64_t)old.sum;
	apply->changed = true;
	if (row->backing == SRV_BACKING_VF && !old.same_vf)
		g_array_append_val(apply->vfs, row->vf);
	return 0;
}

static int delete_nic(struct apply *apply, const struct srv_nic_row *row, struct sriov_error **err)
{
	struct srv_ledger_store *store = apply->store;
	const struct srv_sql_value key[3] = { { .text = srv_owner_kind_name(row->owner.kind) },
					      { .text = row->owner.key },
					      { .text = row->id } };
	struct old_nic old;
	int rc = find_nic(store, key, NULL, &old);

	if (rc == SQLITE_OK && old.rowid) {
		sqlite3_bind_int64(store->stmts[NIC_DELETE], 1, old.rowid);
		rc = run(store, NIC_DELETE);
		apply->changed = true;
	}
	if (rc != SQLITE_OK)
		return store_error(store, rc, err);
	apply->total -= (uint64_t)old.sum;
	return 0;
}

/* which: of a statement for keys of n columns. *ret_sum: of the row there is; ret_found: is there
 * one */
static int find_row(struct srv_ledger_store *store, enum stmt which,
		    const struct srv_sql_value *key, int n, bool *ret_found, int64_t *ret_sum)
{
	sqlite3_stmt *stmt = store->stmts[which];
	int rc;

	srv_sql_bind(stmt, key, n);
	rc = sqlite3_step(stmt);
	*ret_found = rc == SQLITE_ROW;
	*ret_sum = rc == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_reset(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

static int put_vf(struct apply *apply, const struct srv_vf_row *row, struct sriov_error **err)
{
	struct srv_ledger_store *store = apply->store;
	sqlite3_stmt *stmt = store->stmts[VF_PUT];
	struct srv_sql_vf_values values;
	const char *why = srv_sql_vf_values(row, &values);
	int64_t sum, old;
	bool found;
	int rc;

	if (why)
		return sriov_error_set(err, SRIOV_ERROR_LEDGER, EINVAL, store->path,
				       "a VF's row %s: a defect in sriovd", why);
	sum = srv_sum_values(store->sum, "vf", values.at, SRV_SQL_VF_COLUMNS);
	rc = find_row(store, VF_FIND, values.at, 2, &found, &old);
	if (rc == SQLITE_OK) {
		srv_sql_bind(stmt, values.at, SRV_SQL_VF_COLUMNS);
		sqlite3_bind_int64(stmt, SRV_SQL_VF_SUM + 1, sum);
		rc = run(store, VF_PUT);
	}
	if (rc != SQLITE_OK)
		return store_error(store, rc, err);
	apply->total += (uint64_t)sum - (uint64_t)old;
	apply->changed = true;
	return 0;
}

static int delete_vf(struct apply *apply, struct srv_vf_ref ref, struct sriov_error **err)
{
	struct srv_ledger_store *store = apply->store;
	const struct srv_vf_row row = { .ref = ref };
	struct srv_sql_vf_values values;
	bool found;
	int64_t old;
	int rc;

	srv_sql_vf_values(&row, &values);
	rc = find_row(store, VF_FIND, values.at, 2, &found, &old);
	if (rc == SQLITE_OK && found) {
		srv_sql_bind(store->stmts[VF_DELETE], values.at, 2);
		rc = run(store, VF_DELETE);
		apply->changed = true;
	}
	if (rc != SQLITE_OK)
		return store_error(store, rc, err);
	apply->total -= (uint64_t)old;
	return 0;
}

static int put_pf(struct apply *apply, const struct srv_pf_row *row, struct sriov_error **err)
{
	struct srv_ledger_store *store = apply->store;
	bool known = row->vendor || row->drained || row->resizing || row->want_vfs || *row->netdevs;
	bool found;
	struct srv_sql_pf_values values;
	int64_t sum = 0, old;
	int rc;

	srv_sql_pf_values(row, &values);
	rc = find_row(store, PF_FIND, values.at, 1, &found, &old);
	if (rc == SQLITE_OK && known) {
		sum = srv_sum_values(store->sum, "pf", values.at, SRV_SQL_PF_COLUMNS);
		srv_sql_bind(store->stmts[PF_PUT], values.at, SRV_SQL_PF_COLUMNS);
		sqlite3_bind_int64(store->stmts[PF_PUT], SRV_SQL_PF_SUM + 1, sum);
		rc = run(store, PF_PUT);
	} else if (rc == SQLITE_OK && found) {
		srv_sql_bind(store->stmts[PF_DELETE], values.at, 1);
		rc = run(store, PF_DELETE);
	}
	if (rc != SQLITE_OK)
		return store_error(store, rc, err);
	apply->total += (uint64_t)sum - (uint64_t)old;
	apply->changed = apply->changed || known || found;
	return 0;
}

static int put_boot_id(struct apply *apply, const char *boot_id, struct sriov_error **err)
{
	if (!srv_sql_is_text(boot_id))
		return sriov_error_set(err, SRIOV_ERROR_LEDGER, EINVAL, apply->store->path,
				       "the boot_id is not UTF-8: a defect in sriovd");
	apply->boot_id = boot_id;
	apply->changed = true;
	return 0;
}

static int apply_change(struct apply *apply, const struct srv_ledger_change *change,
			struct sriov_error **err)
{
	switch (change->kind) {
	case SRV_LEDGER_PUT_NIC:
		return put_nic(apply, change->nic, err);
	case SRV_LEDGER_DELETE_NIC:
		return delete_nic(apply, change->nic, err);
	case SRV_LEDGER_PUT_VF:
		return put_vf(apply, change->vf, err);
	case SRV_LEDGER_DELETE_VF:
		return delete_vf(apply, change->ref, err);
	case SRV_LEDGER_PUT_PF:
		return put_pf(apply, &change->pf, err);
	case SRV_LEDGER_PUT_BOOT_ID:
		return put_boot_id(apply, change->boot_id, err);
	}
	g_assert_not_reached();
}

/*
 * At the end of a transaction, because in its midst a VF may have two owners: the order in which a
 * caller puts the one that loses it and the one that gets it must not matter.
 */
static int check_owner(struct srv_ledger_store *store, struct srv_vf_ref ref,
		       struct sriov_error **err)
{
	sqlite3_stmt *stmt = store->stmts[NIC_OF_VF];
	g_autoptr(GString) owners = g_string_new(NULL);
	char pf[SRIOV_BDF_STRLEN];
	unsigned int n = 0;
	int rc;

	sqlite3_bind_text(stmt, 1, sriov_bdf_format(ref.pf, pf), -1, SQLITE_STATIC);
	sqlite3_bind_int64(stmt, 2, ref.index);
	while ((rc = sqlite3_step(stmt)) == SQLITE_ROW)
		g_string_append_printf(owners, "%s%s/%s", n++ ? " and " : "",
				       sqlite3_column_text(stmt, 0), sqlite3_column_text(stmt, 1));
	sqlite3_reset(stmt);
	if (rc != SQLITE_DONE)
		return store_error(store, rc, err);
	if (n > 1)
		return sriov_error_set(err, SRIOV_ERROR_LEDGER, EEXIST, store->path,
				       "VF %s/%u would belong to nics %s at once", pf, ref.index,
				       owners->str);
	return 0;
}

static int apply_all(struct apply *apply, const GArray *changes, struct sriov_error **err)
{
	int r = 0;

	for (guint i = 0; i < changes->len && r == 0; i++)
		r = apply_change(apply, &g_array_index(changes, struct srv_ledger_change, i), err);
	for (guint i = 0; i < apply->vfs->len && r == 0; i++)
		r = check_owner(apply->store, g_array_index(apply->vfs, struct srv_vf_ref, i), err);
	return r;
}

int srv_ledger_store_apply(struct srv_ledger_store *store, const GArray *changes,
			   struct sriov_error **err)
{
	struct apply apply = { .store = store, .total = store->head.total };
	int rc, r;

	if (changes->len == 0)
		return 0;
	rc = run(store, SAVEPOINT);
	apply.vfs = g_array_new(FALSE, FALSE, sizeof(struct srv_vf_ref));
	r = rc == SQLITE_OK ? apply_all(&apply, changes, err) : store_error(store, rc, err);
	g_array_unref(apply.vfs);
	if (r == 0) {
		rc = run(store, RELEASE);
		r = rc == SQLITE_OK ? 0 : store_error(store, rc, err);
	}
	if (r == 0) {
		head_set(&store->head, apply.total,
			 apply.boot_id ? apply.boot_id : store->head.boot_id);
		store->changed = store->changed || apply.changed;
		return 0;
	}
	/* A full disk or an I/O error may have rolled everything back already. */
	if (sqlite3_get_autocommit(store->handle) || run(store, UNDO) != SQLITE_OK ||
	    run(store, RELEASE) != SQLITE_OK) {
		end_group(store);
		return -ESTALE;
	}
	return r;
}

/* Opening */

static int open_file(struct srv_ledger_store *store, struct sriov_error **err)
{
	static const char pragmas[] =
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; "
		"PRAGMA secure_delete = OFF; PRAGMA cell_size_check = ON; "
		"PRAGMA foreign_keys = OFF";
	int rc = sqlite3_open_v2(
		store->path, &store->handle,
		SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	int64_t page_size = 0;
	int r;

	if (rc != SQLITE_OK)
		return srv_sql_error(store->handle, rc, store->path, "open the ledger", err);
	sqlite3_db_config(store->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(store->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_busy_timeout(store->handle, 5000);
	sqlite3_wal_hook(store->handle, on_commit, store); /* in place of automatic checkpoints */
	rc = srv_sql_integer(store->handle, "PRAGMA page_size", &page_size);
	if (rc != SQLITE_OK)
		return srv_sql_error(store->handle, rc, store->path, "open the ledger", err);
	store->page_size = (int)page_size;
	r = srv_sql_exec(store->handle, pragmas, store->path, "open the ledger", err);
	/* SQLite opens what it may not write for reading, without a word. */
	if (r == 0 && sqlite3_db_readonly(store->handle, "main") == 1)
		r = srv_sql_error(NULL, SQLITE_READONLY, store->path, "open the ledger", err);
	return r;
}

static int prepare_all(struct srv_ledger_store *store, struct sriov_error **err)
{
	for (int i = 0; i < STMTS; i++) {
		int rc = sqlite3_prepare_v3(store->handle, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
					    &store->stmts[i], NULL);

		if (rc != SQLITE_OK)
			return srv_sql_error(store->handle, rc, store->path, "open the ledger",
					     err);
	}
	return 0;
}

int srv_ledger_store_open(const char *path, int64_t total, const char *boot_id,
			  struct srv_ledger_store **ret, struct sriov_error **err)
{
	struct srv_ledger_store *store = g_new0(struct srv_ledger_store, 1);
	int r;

	store->path = g_strdup(path);
	store->sum = srv_sum_new();
	store->log_limit = LOG_PAGES_MAX;
	head_set(&store->head, (uint64_t)total, boot_id);
	head_set(&store->saved, (uint64_t)total, boot_id);
	r = open_file(store, err);
	if (r == 0)
		r = prepare_all(store, err);
	if (r < 0) {
		srv_ledger_store_close(store);
		return r;
	}
	/* What a torn commit has left goes away. On a full disk the log stays: that does no harm.
	 */
	cut_tail(store);
	*ret = store;
	return 0;
}

int srv_ledger_store_check_room(const struct srv_ledger_store *store, struct sriov_error **err)
{
	g_autofree char *dir = g_path_get_dirname(store->path);

	return srv_ledger_dir_check_room(dir, err);
}

void srv_ledger_store_close(struct srv_ledger_store *store)
{
	if (!store)
		return;
	for (int i = 0; i < STMTS; i++)
		sqlite3_finalize(store->stmts[i]);
	sqlite3_close(store->handle);
	srv_sum_free(store->sum);
	g_free(store->head.boot_id);
	g_free(store->saved.boot_id);
	g_free(store->path);
	g_free(store);
}
