// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How the ledger's files go together: ledger-file.c knows the directory, ledger-schema.c makes and
 * migrates the file, ledger-inspect.c (with ledger-wal.c) reads and checks it, ledger-store.c
 * changes it, ledger-writer.c is the thread that has it changed; ledger-row.c, ledger-sum.c and
 * ledger-sql.c serve them. This one holds them together.
 */
#include "srv/sriovd/ledger.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "srv/sriovd/ledger-file.h"
#include "srv/sriovd/ledger-inspect.h"
#include "srv/sriovd/ledger-row.h"
#include "srv/sriovd/ledger-schema.h"
#include "srv/sriovd/ledger-sql.h"
#include "srv/sriovd/ledger-writer.h"

#define REBUILD                                                                          \
	"nothing was changed, and nothing is managed until \"sriovctl ledger rebuild\" " \
	"has set it aside and made a new one from what libvirt and the kernel say"

struct srv_ledger {
	struct sriov_error *error; /* why it is unusable; NULL */
	char *dir;
	const struct srv_ledger_schema *schema;
	int lock;			/* holds the lock; -1 */
	struct srv_ledger_image *image; /* as it was when it was opened, until it is asked for */
	struct srv_ledger_writer *writer;
};

struct srv_ledger_txn {
	struct srv_ledger *ledger;
	struct srv_ledger_work *work;
};

/* Opening */

static int refuse_newer(const struct srv_ledger_inspection *found, const char *path,
			const struct srv_ledger_schema *schema, struct sriov_error **err)
{
	return sriov_error_set(
		err, SRIOV_ERROR_LEDGER, EPROTONOSUPPORT, path,
		"the ledger was written by a newer sriovd (schema %d, this one knows "
		"%d) and was left as it is; install the newer sriovd again",
		found->version, schema->version);
}

/* The first problem, and at the very end what SQLite says of it. */
static int refuse_damaged(const GPtrArray *problems, const char *path, struct sriov_error **err)
{
	const char *first = problems->pdata[0], *says = g_strrstr(first, SRV_SQL_SAYS);
	g_autofree char *words = g_strndup(first, says ? (gsize)(says - first) : strlen(first));
	g_autofree char *more =
		problems->len > 1 ? g_strdup_printf(" (and %u more problems: \"sriovctl ledger "
						    "check\")",
						    problems->len - 1)
				  : g_strdup("");

	return sriov_error_set(err, SRIOV_ERROR_LEDGER, EBADMSG, path,
			       "the ledger is damaged: %s%s; " REBUILD "%s", words, more,
			       says ?: "");
}

/* Reads it, and refuses it unless it is sound and not newer. */
static int inspect(const char *dir, const struct srv_ledger_schema *schema,
		   struct srv_ledger_inspection **ret, struct sriov_error **err)
{
	g_autofree char *path = g_build_filename(dir, SRV_LEDGER_FILE, NULL);
	struct srv_ledger_inspection *found = NULL;
	int r = srv_ledger_inspect(dir, schema, false, &found, err);

	if (r == 0 && found->newer)
		r = refuse_newer(found, path, schema, err);
	else if (r == 0 && found->problems->len)
		r = refuse_damaged(found->problems, path, err);
	if (r < 0)
		srv_ledger_inspection_free(found);
	else
		*ret = found;
	return r;
}

/* Makes or migrates it when it is not there or older, and reads it. */
static int provide(const char *dir, const struct srv_ledger_schema *schema,
		   struct srv_ledger_inspection **ret, struct sriov_error **err)
{
	struct srv_ledger_inspection *found;
	int r = inspect(dir, schema, &found, err);

	if (r < 0)
		return r;
	if (!found->absent && found->version == schema->version) {
		*ret = found;
		return 0;
	}
	r = found->absent ? srv_ledger_create(dir, schema, err)
			  : srv_ledger_migrate(dir, schema, found->version, err);
	srv_ledger_inspection_free(found);
	return r < 0 ? r : inspect(dir, schema, ret, err);
}

int srv_ledger_open_schema(const char *dir, const struct srv_ledger_schema *schema,
			   struct srv_ledger **ret, struct sriov_error **err)
{
	g_autofree char *path = g_build_filename(dir, SRV_LEDGER_FILE, NULL);
	struct srv_ledger_inspection *found = NULL;
	struct srv_ledger_store *store;
	struct srv_ledger *ledger;
	sriov_autofd int lock = -1;
	int r = srv_ledger_dir_make(dir, err);

	if (r == 0)
		r = lock = srv_ledger_lock(dir, err);
	if (r >= 0)
		r = provide(dir, schema, &found, err);
	if (r == 0)
		r = srv_ledger_store_open(path, found->total, found->image->boot_id, &store, err);
	if (r == 0) {
		ledger = g_new0(struct srv_ledger, 1);
		ledger->dir = g_strdup(dir);
		ledger->schema = schema;
		ledger->lock = sriov_steal_fd(&lock);
		ledger->image = g_steal_pointer(&found->image);
		ledger->writer = srv_ledger_writer_new(store, NULL);
		*ret = ledger;
	}
	srv_ledger_inspection_free(found);
	return r;
}

int srv_ledger_open(const char *dir, struct srv_ledger **ret, struct sriov_error **err)
{
	return srv_ledger_open_schema(dir, &srv_ledger_schema, ret, err);
}

struct srv_ledger *srv_ledger_unusable(const struct sriov_error *why)
{
	struct srv_ledger *ledger = g_new0(struct srv_ledger, 1);

	ledger->error = sriov_error_copy(why);
	ledger->lock = -1;
	ledger->writer = srv_ledger_writer_new(NULL, why);
	return ledger;
}

const struct sriov_error *srv_ledger_error(const struct srv_ledger *ledger)
{
	return ledger->error;
}

void srv_ledger_close(struct srv_ledger *ledger)
{
	if (!ledger)
		return;
	srv_ledger_writer_free(ledger->writer);
	srv_ledger_image_free(ledger->image);
	/* Last: the next one must find the file closed. */
	if (ledger->lock >= 0)
		close(ledger->lock);
	sriov_error_free(ledger->error);
	g_free(ledger->dir);
	g_free(ledger);
}

/* Reading */

int srv_ledger_load(struct srv_ledger *ledger, struct srv_ledger_image **ret,
		    struct sriov_error **err)
{
	struct srv_ledger_inspection *found;
	int r;

	if (ledger->error)
		return sriov_error_propagate(err, sriov_error_copy(ledger->error));
	/* Opening has read it all; a commit since then has thrown that away. */
	if (ledger->image) {
		*ret = g_steal_pointer(&ledger->image);
		return 0;
	}
	r = srv_ledger_inspect(ledger->dir, ledger->schema, true, &found, err);
	if (r < 0)
		return r;
	if (found->problems->len || found->absent || found->newer) {
		g_autofree char *path = g_build_filename(ledger->dir, SRV_LEDGER_FILE, NULL);

		if (!found->problems->len)
			g_ptr_array_add(found->problems, g_strdup("it has been replaced"));
		r = refuse_damaged(found->problems, path, err);
	} else {
		*ret = g_steal_pointer(&found->image);
	}
	srv_ledger_inspection_free(found);
	return r;
}

int srv_ledger_check(const char *dir, GPtrArray *problems, struct sriov_error **err)
{
	g_autofree char *path = g_build_filename(dir, SRV_LEDGER_FILE, NULL);
	struct srv_ledger_inspection *found;
	sriov_autofd int lock = -1;
	bool live = srv_ledger_lock_shared(dir, &lock) == -EBUSY;
	int r = srv_ledger_inspect(dir, &srv_ledger_schema, live, &found, err);

	if (r < 0)
		return r;
	if (found->absent)
		r = sriov_error_set(err, SRIOV_ERROR_LEDGER, ENOENT, path,
				    "there is no ledger; sriovd makes one when it starts");
	if (found->newer)
		g_ptr_array_add(problems,
				g_strdup_printf("it was written by a newer sriovd: it has schema "
						"%d, this one knows %d",
						found->version, srv_ledger_schema.version));
	for (guint i = 0; i < found->problems->len; i++)
		g_ptr_array_add(problems, g_strdup(found->problems->pdata[i]));
	srv_ledger_inspection_free(found);
	return r;
}

/* Transactions */

struct srv_ledger_txn *srv_ledger_begin(struct srv_ledger *ledger)
{
	struct srv_ledger_txn *txn = g_new(struct srv_ledger_txn, 1);

	txn->ledger = ledger;
	txn->work = srv_ledger_work_new();
	return txn;
}

static void add(struct srv_ledger_txn *txn, struct srv_ledger_change change)
{
	g_array_append_val(txn->work->changes, change);
}

void srv_ledger_put_nic(struct srv_ledger_txn *txn, const struct srv_nic_row *row)
{
	add(txn,
	    (struct srv_ledger_change){ .kind = SRV_LEDGER_PUT_NIC, .nic = srv_nic_row_copy(row) });
}

void srv_ledger_delete_nic(struct srv_ledger_txn *txn, const struct srv_owner *owner,
			   const char *id)
{
	const struct srv_nic_row row = { .owner = *owner, .id = (char *)id };

	add(txn, (struct srv_ledger_change){ .kind = SRV_LEDGER_DELETE_NIC,
					     .nic = srv_nic_row_copy(&row) });
}

void srv_ledger_put_vf(struct srv_ledger_txn *txn, const struct srv_vf_row *row)
{
	add(txn,
	    (struct srv_ledger_change){ .kind = SRV_LEDGER_PUT_VF, .vf = srv_vf_row_copy(row) });
}

void srv_ledger_delete_vf(struct srv_ledger_txn *txn, struct srv_vf_ref ref)
{
	add(txn, (struct srv_ledger_change){ .kind = SRV_LEDGER_DELETE_VF, .ref = ref });
}

void srv_ledger_put_pf(struct srv_ledger_txn *txn, const struct srv_pf_row *row)
{
	add(txn, (struct srv_ledger_change){ .kind = SRV_LEDGER_PUT_PF, .pf = *row });
}

void srv_ledger_put_boot_id(struct srv_ledger_txn *txn, const char *boot_id)
{
	add(txn, (struct srv_ledger_change){ .kind = SRV_LEDGER_PUT_BOOT_ID,
					     .boot_id = g_strdup(boot_id) });
}

void srv_ledger_keep(struct srv_ledger_txn *txn)
{
	txn->work->keep = true;
}

void srv_ledger_needs_room(struct srv_ledger_txn *txn)
{
	txn->work->needs_room = true;
}

void srv_ledger_commit(struct srv_ledger_txn *txn,
		       void (*done)(const struct sriov_error *error, void *data), void *data)
{
	struct srv_ledger *ledger = txn->ledger;

	txn->work->done = done;
	txn->work->data = data;
	txn->work->keep |= !done;
	g_clear_pointer(&ledger->image, srv_ledger_image_free);
	srv_ledger_writer_push(ledger->writer, txn->work);
	g_free(txn);
}

bool srv_ledger_is_busy(struct srv_ledger *ledger)
{
	return srv_ledger_writer_is_busy(ledger->writer);
}

void srv_ledger_abandon(struct srv_ledger_txn *txn)
{
	srv_ledger_work_free(txn->work);
	g_free(txn);
}

void srv_ledger_counts(struct srv_ledger *ledger, uint64_t *ret_txns, uint64_t *ret_commits)
{
	srv_ledger_writer_counts(ledger->writer, ret_txns, ret_commits);
}
