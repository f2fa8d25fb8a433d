// SPDX-License-Identifier: GPL-2.0-or-later
/* The ledger seen from outside; test-ledger-writer has its thread, test-ledger-damage bad files. */
#include "tests/unit/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "srv/sriovd/ledger-row.h"
#include "srv/sriovd/ledger-schema.h"
#include "srv/sriovd/ledger-sql.h"
#include "srv/sriovd/ledger.h"
#include "tests/support/ledger-rows.h"
#include "tests/support/tree.h"

static int set_up(void **state)
{
	*state = tree_new();
	return 0;
}

static int tear_down(void **state)
{
	tree_remove(*state);
	return 0;
}

static struct srv_ledger *open_ledger(const char *dir)
{
	struct srv_ledger *ledger;
	sriov_autoerror err = NULL;

	assert_ok(srv_ledger_open(dir, &ledger, &err), err);
	return ledger;
}

/* Opening must fail: the error's text, which is the caller's, code and subject checked. */
static char *refusal(const char *dir, int errnum)
{
	struct srv_ledger *ledger = NULL;
	sriov_autoerror err = NULL;

	assert_int_equal(srv_ledger_open(dir, &ledger, &err), -errnum);
	assert_null(ledger);
	assert_int_equal(err->code, SRIOV_ERROR_LEDGER);
	assert_non_null(err->subject);
	return sriov_error_text(err);
}

static void commit(struct srv_ledger_txn *txn)
{
	sriov_autoerror err = NULL;

	assert_ok(test_commit(txn, &err), err);
}

static void fill(struct srv_ledger *ledger, uint32_t first, uint32_t n)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(ledger);

	for (uint32_t i = first; i < first + n; i++)
		test_put(txn, i);
	commit(txn);
}

static char *expected(uint32_t first, uint32_t n, const char *boot_id)
{
	struct srv_ledger_image *image = srv_ledger_image_new();
	char *text;

	for (uint32_t i = first; i < first + n; i++) {
		g_ptr_array_add(image->nics, test_nic_row(i));
		g_ptr_array_add(image->vfs, test_vf_row(i));
	}
	image->boot_id = g_strdup(boot_id);
	text = test_describe_image(image);
	srv_ledger_image_free(image);
	return text;
}

static void assert_contains(struct srv_ledger *ledger, const char *text)
{
	g_autofree char *found = test_describe_ledger(ledger);

	assert_string_equal(found, text);
}

static char *read_file(const char *dir, const char *name, gsize *ret_n)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	char *bytes;

	if (!g_file_get_contents(path, &bytes, ret_n, NULL))
		fail_msg("cannot read %s", path);
	return bytes;
}

static void run_sql(const char *dir, const char *sql)
{
	g_autofree char *path = g_build_filename(dir, "ledger.sqlite", NULL);
	sqlite3 *handle;

	assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
	assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(handle);
}

/* What there is */

static void open_missing_directory_makes_it_private_and_empty(void **state)
{
	g_autofree char *dir = g_build_filename(*state, "state", NULL);
	g_autofree char *file = g_build_filename(dir, "ledger.sqlite", NULL);
	g_autofree char *nothing = expected(0, 0, "");
	struct srv_ledger *ledger = open_ledger(dir);
	struct stat st;

	assert_contains(ledger, nothing);
	assert_null(srv_ledger_error(ledger));
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	srv_ledger_close(ledger);
}

static void rows_of_every_kind_come_back_as_they_were(void **state)
{
	g_autofree char *all = expected(0, 500, "b0071d");
	struct srv_ledger *ledger = open_ledger(*state);
	struct srv_ledger_txn *txn = srv_ledger_begin(ledger);

	srv_ledger_put_boot_id(txn, "b0071d");
	commit(txn);
	fill(ledger, 0, 500);
	assert_contains(ledger, all);
	srv_ledger_close(ledger);
	ledger = open_ledger(*state);
	assert_contains(ledger, all);
	/* The first time it is what opening has read, the second time it is read again. */
	assert_contains(ledger, all);
	srv_ledger_close(ledger);
}

static void put_again_replaces_the_row(void **state)
{
	struct srv_ledger *ledger = open_ledger(*state);
	struct srv_nic_row *nic = test_nic_row(3);
	struct srv_ledger_image *image = srv_ledger_image_new();
	struct srv_ledger_txn *txn;
	g_autofree char *text = NULL;

	fill(ledger, 3, 1);
	/* Everything but the key changes, and then once more within one transaction. */
	for (uint32_t i = 4; i < 12; i++) {
		struct srv_nic_row *other = test_nic_row(i);

		other->owner.kind = nic->owner.kind;
		g_free(other->owner.key);
		other->owner.key = g_strdup(nic->owner.key);
		g_free(other->id);
		other->id = g_strdup(nic->id);
		srv_nic_row_free(nic);
		nic = other;
		txn = srv_ledger_begin(ledger);
		srv_ledger_put_nic(txn, nic);
		g_free(nic->owner.name);
		nic->owner.name = g_strdup_printf("renamed%u", i);
		srv_ledger_put_nic(txn, nic);
		commit(txn);
	}
	g_ptr_array_add(image->nics, nic);
	g_ptr_array_add(image->vfs, test_vf_row(3));
	image->boot_id = g_strdup("");
	text = test_describe_image(image);
	assert_contains(ledger, text);
	srv_ledger_close(ledger);
	ledger = open_ledger(*state);
	assert_contains(ledger, text);
	srv_ledger_close(ledger);
	srv_ledger_image_free(image);
}

static void delete_takes_the_row_and_what_is_not_there_is_no_error(void **state)
{
	g_autofree char *rest = expected(1, 9, "");
	struct srv_ledger *ledger = open_ledger(*state);
	struct srv_nic_row *nic = test_nic_row(0);
	struct srv_vf_row *vf = test_vf_row(0);

	fill(ledger, 0, 10);
	for (int i = 0; i < 2; i++) {
		struct srv_ledger_txn *txn = srv_ledger_begin(ledger);

		srv_ledger_delete_nic(txn, &nic->owner, nic->id);
		srv_ledger_delete_vf(txn, vf->ref);
		commit(txn);
		assert_contains(ledger, rest);
	}
	srv_ledger_close(ledger);
	ledger = open_ledger(*state);
	assert_contains(ledger, rest);
	srv_ledger_close(ledger);
	srv_nic_row_free(nic);
	srv_vf_row_free(vf);
}

static void abandon_changes_nothing(void **state)
{
	g_autofree char *nothing = expected(0, 0, "");
	struct srv_ledger *ledger = open_ledger(*state);
	struct srv_ledger_txn *txn = srv_ledger_begin(ledger);

	test_put(txn, 1);
	srv_ledger_put_boot_id(txn, "x");
	srv_ledger_abandon(txn);
	fill(ledger, 0, 0);
	assert_contains(ledger, nothing);
	srv_ledger_close(ledger);
}

/* Owners */

static void put_nic_on_an_owned_vf_fails_and_names_both(void **state)
{
	struct srv_ledger *ledger = open_ledger(*state);
	struct srv_nic_row *first = test_nic_on_vf(1), *second = test_nic_on_vf(2);
	struct srv_ledger_txn *txn = srv_ledger_begin(ledger);
	g_autofree char *before = NULL;
	sriov_autoerror err = NULL;

	srv_ledger_put_nic(txn, first);
	commit(txn);
	before = test_describe_ledger(ledger);
	second->vf = first->vf;
	txn = srv_ledger_begin(ledger);
	test_put(txn, 40);
	srv_ledger_put_nic(txn, second);
	assert_int_equal(test_commit(txn, &err), -EEXIST);
	assert_int_equal(err->code, SRIOV_ERROR_LEDGER);
	assert_non_null(strstr(err->message, "web1/net0"));
	assert_non_null(strstr(err->message, "web2/net0"));
	assert_non_null(strstr(err->message, "0000:01:00.0/1"));
	assert_contains(ledger, before);
	srv_ledger_close(ledger);
	srv_nic_row_free(first);
	srv_nic_row_free(second);
}

/* Whichever is put first. */
static void two_nics_swap_their_vfs_in_one_transaction(void **state)
{
	struct srv_ledger *ledger = open_ledger(*state);
	struct srv_ledger_image *image = srv_ledger_image_new();
	struct srv_ledger_txn *txn = srv_ledger_begin(ledger);
	struct srv_nic_row *nics[2] = { test_nic_on_vf(1), test_nic_on_vf(2) };
	g_autofree char *text = NULL;

	srv_ledger_put_nic(txn, nics[0]);
	srv_ledger_put_nic(txn, nics[1]);
	commit(txn);
	nics[0]->vf.index = 2;
	nics[1]->vf.index = 1;
	txn = srv_ledger_begin(ledger);
	srv_ledger_put_nic(txn, nics[0]);
	srv_ledger_put_nic(txn, nics[1]);
	commit(txn);
	for (int i = 0; i < 2; i++)
		g_ptr_array_add(image->nics, nics[i]);
	image->boot_id = g_strdup("");
	text = test_describe_image(image);
	assert_contains(ledger, text);
	srv_ledger_close(ledger);
	srv_ledger_image_free(image);
}

/* What could not be read again is not written. */
static void put_of_a_row_that_is_none_fails(void **state)
{
	struct srv_ledger *ledger = open_ledger(*state);
	g_autofree char *nothing = expected(0, 0, "");

	for (int i = 0; i < 6; i++) {
		struct srv_ledger_txn *txn = srv_ledger_begin(ledger);
		struct srv_nic_row *nic = test_nic_on_vf(1);
		struct srv_vf_row *vf = test_vf_row(1);
		sriov_autoerror err = NULL;

		if (i == 0)
			g_clear_pointer(&nic->network, g_free);
		else if (i == 1)
			nic->state = (enum srv_nic_state)17;
		else if (i == 2)
			nic->mode = (enum srv_mode)17;
		else if (i == 3)
			nic->reason = g_strdup("\xff");
		else if (i == 4)
			vf->mark = (enum srv_vf_mark)17;
		else
			srv_ledger_put_boot_id(txn, "\xc3(");
		srv_ledger_put_nic(txn, nic);
		srv_ledger_put_vf(txn, vf);
		assert_int_equal(test_commit(txn, &err), -EINVAL);
		assert_int_equal(err->code, SRIOV_ERROR_LEDGER);
		srv_nic_row_free(nic);
		srv_vf_row_free(vf);
	}
	assert_contains(ledger, nothing);
	srv_ledger_close(ledger);
}

/* Who may */

/* FAULTS row 32: two daemons started */
static void open_twice_is_refused_with_the_holders_pid(void **state)
{
	struct srv_ledger *ledger = open_ledger(*state);
	g_autofree char *pid = g_strdup_printf("process %d ", (int)getpid());
	g_autofree char *text = refusal(*state, EBUSY);

	assert_non_null(strstr(text, pid));
	assert_non_null(strstr(text, "stop that one"));
	srv_ledger_close(ledger);
	srv_ledger_close(open_ledger(*state));
}

/* A holder that is killed leaves nothing behind that keeps the next one out. */
static void open_after_the_holder_was_killed_works(void **state)
{
	g_autofree char *all = expected(0, 20, "");
	struct srv_ledger *ledger;
	int ready[2], status;
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		ledger = open_ledger(*state);
		fill(ledger, 0, 20);
		if (write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	g_free(refusal(*state, EBUSY));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	ledger = open_ledger(*state);
	assert_contains(ledger, all);
	srv_ledger_close(ledger);
	close(ready[0]);
	close(ready[1]);
}

static void open_with_a_missing_parent_says_what_to_do(void **state)
{
	g_autofree char *dir = g_build_filename(*state, "none", "state", NULL);
	g_autofree char *text = refusal(dir, ENOENT);

	assert_non_null(strstr(text, "make the directory it is to be in"));
}

static void open_on_a_file_says_so(void **state)
{
	g_autofree char *dir = g_build_filename(*state, "file", NULL);
	g_autofree char *text = NULL;

	tree_file(*state, "file", "x");
	text = refusal(dir, ENOTDIR);
	assert_non_null(strstr(text, "state directory"));
}

/* In a child that is nobody, for root may write everywhere. */
/* FAULTS row 8: state directory missing or read-only */
static void open_in_an_unwritable_directory_is_refused(void **state)
{
	g_autofree char *dir = g_build_filename(*state, "state", NULL);
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip_because("needs root, to leave somebody else files of root");
	srv_ledger_close(open_ledger(dir));
	assert_int_equal(chmod(*state, 0755), 0);
	assert_int_equal(chmod(dir, 0555), 0);
	pid = fork();
	if (pid == 0) {
		struct srv_ledger *ledger;
		sriov_autoerror err = NULL;

		if (geteuid() == 0 && setuid(65534) < 0)
			_exit(2);
		_exit(srv_ledger_open(dir, &ledger, &err) == -EACCES &&
				      err->code == SRIOV_ERROR_LEDGER &&
				      strstr(err->message, "make it writable for sriovd")
			      ? 0
			      : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(chmod(dir, 0755), 0);
}

/* Versions */

/* FAULTS row 34: a newer ledger, an older one */
static void open_a_newer_ledger_leaves_every_byte(void **state)
{
	g_autofree char *before = NULL, *after = NULL, *text = NULL;
	struct srv_ledger *ledger = open_ledger(*state);
	gsize n, m;

	fill(ledger, 0, 5);
	srv_ledger_close(ledger);
	run_sql(*state, "ALTER TABLE nic ADD COLUMN new TEXT; PRAGMA user_version = 77");
	before = read_file(*state, "ledger.sqlite", &n);
	text = refusal(*state, EPROTONOSUPPORT);
	assert_non_null(strstr(text, "schema 77"));
	assert_non_null(strstr(text, "this one knows 2"));
	after = read_file(*state, "ledger.sqlite", &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
}

#define TODAYS_STEPS srv_ledger_schema.steps[0], srv_ledger_schema.steps[1]

/* Steps as they may come: one that changes what is in rows, and one that fails. */
#define MOVE                                                                                       \
	"UPDATE nic SET network = 'moved-' || network;"                                            \
	"UPDATE nic SET row_sum = row_sum('nic', owner_kind, owner_key, id, owner_name, network, " \
	"mode, mac, priority, state, backing, vf_pf, vf_index, uplink, reason, decision, since, "  \
	"waiting_since, waiting_place, negotiated);"

/* FAULTS row 34: a newer ledger, an older one */
static void open_an_older_ledger_migrates_it_and_keeps_a_copy(void **state)
{
	const char *const steps[] = { TODAYS_STEPS, MOVE };
	const struct srv_ledger_schema schema = { steps, G_N_ELEMENTS(steps) };
	g_autofree char *copy = g_build_filename(*state, "copy", NULL);
	g_autofree char *in_copy = g_build_filename(copy, "ledger.sqlite", NULL);
	g_autofree char *kept = g_build_filename(*state, "ledger.sqlite.schema-2", NULL);
	g_autofree char *before = expected(0, 50, ""), *after = NULL;
	struct srv_ledger *ledger = open_ledger(*state);
	sriov_autoerror err = NULL;
	g_auto(GStrv) parts = NULL;
	struct stat st;

	fill(ledger, 0, 50);
	srv_ledger_close(ledger);
	assert_ok(srv_ledger_open_schema(*state, &schema, &ledger, &err), err);
	parts = g_strsplit(before, "net=tenant-", -1);
	after = g_strjoinv("net=moved-tenant-", parts);
	assert_contains(ledger, after);
	srv_ledger_close(ledger);
	/* Now it is a newer one for a program that knows today's schema only. */
	g_free(refusal(*state, EPROTONOSUPPORT));
	assert_int_equal(stat(kept, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(mkdir(copy, 0700), 0);
	assert_int_equal(rename(kept, in_copy), 0);
	ledger = open_ledger(copy);
	assert_contains(ledger, before);
	srv_ledger_close(ledger);
}

static void a_migration_that_fails_leaves_the_older_ledger(void **state)
{
	const char *const steps[] = { TODAYS_STEPS, MOVE, "CREATE TABLE nic (x)" };
	const struct srv_ledger_schema schema = { steps, G_N_ELEMENTS(steps) };
	g_autofree char *before = expected(0, 50, "");
	struct srv_ledger *ledger = open_ledger(*state);
	sriov_autoerror err = NULL;

	fill(ledger, 0, 50);
	srv_ledger_close(ledger);
	assert_true(srv_ledger_open_schema(*state, &schema, &ledger, &err) < 0);
	assert_int_equal(err->code, SRIOV_ERROR_LEDGER);
	assert_non_null(strstr(err->message, "schema 2"));
	assert_non_null(strstr(err->message, "schema 4"));
	ledger = open_ledger(*state);
	assert_contains(ledger, before);
	srv_ledger_close(ledger);
}

/* A step that forgets the rows' checksums is found out at once. */
static void a_migration_without_checksums_is_refused(void **state)
{
	const char *const steps[] = { TODAYS_STEPS, "UPDATE nic SET network = 'moved'" };
	const struct srv_ledger_schema schema = { steps, G_N_ELEMENTS(steps) };
	struct srv_ledger *ledger = open_ledger(*state);
	sriov_autoerror err = NULL;

	fill(ledger, 0, 5);
	srv_ledger_close(ledger);
	assert_int_equal(srv_ledger_open_schema(*state, &schema, &ledger, &err), -EBADMSG);
}

/* Without one */

static void unusable_fails_every_transaction_with_its_reason(void **state)
{
	sriov_autoerror why = NULL;
	sriov_autoerror err = NULL;
	struct srv_ledger_image *image;
	struct srv_ledger *ledger;
	uint64_t txns, commits;

	sriov_error_set(&why, SRIOV_ERROR_LEDGER, EBADMSG, "here", "it is damaged");
	ledger = srv_ledger_unusable(why);
	for (int i = 0; i < 3; i++) {
		struct srv_ledger_txn *txn = srv_ledger_begin(ledger);

		test_put(txn, 1);
		assert_int_equal(test_commit(txn, &err), -EBADMSG);
		assert_string_equal(err->message, "it is damaged");
		assert_string_equal(err->subject, "here");
		sriov_error_clear(&err);
	}
	assert_string_equal(srv_ledger_error(ledger)->message, "it is damaged");
	assert_int_equal(srv_ledger_load(ledger, &image, &err), -EBADMSG);
	srv_ledger_counts(ledger, &txns, &commits);
	assert_int_equal(txns, 0);
	assert_int_equal(commits, 0);
	srv_ledger_close(ledger);
}

static void count_failure(const struct sriov_error *error, void *data)
{
	*(int *)data += error != NULL;
}

static void close_of_an_unusable_one_calls_back_what_is_open(void **state)
{
	struct srv_ledger *ledger;
	sriov_autoerror why = NULL;
	int failures = 0;

	sriov_error_set(&why, SRIOV_ERROR_LEDGER, EBADMSG, "here", "it is damaged");
	ledger = srv_ledger_unusable(why);
	for (int i = 0; i < 3; i++)
		srv_ledger_commit(srv_ledger_begin(ledger), count_failure, &failures);
	assert_int_equal(failures, 0);
	srv_ledger_close(ledger);
	assert_int_equal(failures, 3);
}

/* Checking and setting aside */

static GPtrArray *check(const char *dir)
{
	GPtrArray *problems = g_ptr_array_new_with_free_func(g_free);
	sriov_autoerror err = NULL;

	assert_ok(srv_ledger_check(dir, problems, &err), err);
	return problems;
}

static void check_of_a_sound_ledger_finds_nothing_be_it_open_or_not(void **state)
{
	struct srv_ledger *ledger = open_ledger(*state);

	fill(ledger, 0, 100);
	for (int i = 0; i < 2; i++) {
		g_autoptr(GPtrArray) problems = check(*state);

		assert_int_equal(problems->len, 0);
		srv_ledger_close(i ? NULL : ledger);
	}
}

static void check_of_a_newer_ledger_says_both_versions(void **state)
{
	g_autoptr(GPtrArray) problems = NULL;

	srv_ledger_close(open_ledger(*state));
	run_sql(*state, "PRAGMA user_version = 77");
	problems = check(*state);
	assert_int_equal(problems->len, 1);
	assert_string_equal(problems->pdata[0],
			    "it was written by a newer sriovd: it has schema 77, "
			    "this one knows 2");
}

static void check_without_a_ledger_says_so(void **state)
{
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	sriov_autoerror err = NULL;

	assert_int_equal(srv_ledger_check(*state, problems, &err), -ENOENT);
	assert_int_equal(err->code, SRIOV_ERROR_LEDGER);
}

static void set_aside_moves_all_and_the_next_open_begins_anew(void **state)
{
	g_autofree char *nothing = expected(0, 0, "");
	struct srv_ledger *ledger;
	g_autofree char *first = NULL, *second = NULL, *bytes = NULL;
	sriov_autoerror err = NULL;
	gsize n;

	for (int i = 0; i < 2; i++) {
		char **name = i ? &second : &first;

		tree_file(*state, "ledger.sqlite", i ? "two" : "one");
		tree_file(*state, "ledger.sqlite-wal", "log");
		tree_file(*state, "ledger.sqlite-shm", "shm");
		g_free(refusal(*state, EBADMSG));
		assert_ok(srv_ledger_set_aside(*state, name, &err), err);
		assert_true(g_str_has_prefix(*name, *state));
		assert_true(g_str_has_suffix(*name, ".sqlite"));
		ledger = open_ledger(*state);
		assert_contains(ledger, nothing);
		srv_ledger_close(ledger);
		tree_delete(*state, "ledger.sqlite");
	}
	assert_string_not_equal(first, second);
	bytes = read_file("", first, &n);
	assert_string_equal(bytes, "one\n");
	g_free(bytes);
	bytes = read_file("", second, &n);
	assert_string_equal(bytes, "two\n");
}

static void set_aside_of_nothing_is_no_error(void **state)
{
	char *name = (char *)"?";
	sriov_autoerror err = NULL;

	assert_ok(srv_ledger_set_aside(*state, &name, &err), err);
	assert_null(name);
}

static void set_aside_of_an_open_ledger_is_refused(void **state)
{
	g_autofree char *all = expected(0, 3, "");
	struct srv_ledger *ledger = open_ledger(*state);
	sriov_autoerror err = NULL;
	char *name = NULL;

	fill(ledger, 0, 3);
	assert_int_equal(srv_ledger_set_aside(*state, &name, &err), -EBUSY);
	assert_int_equal(err->code, SRIOV_ERROR_LEDGER);
	assert_null(name);
	assert_contains(ledger, all);
	srv_ledger_close(ledger);
}

/* Names */

static void names_and_numbers_go_both_ways(void **state)
{
	enum srv_nic_state nic_state;
	enum srv_backing backing;
	enum srv_owner_kind kind;
	enum srv_vf_mark mark;

	for (int i = 0; srv_nic_state_name((enum srv_nic_state)i); i++) {
		assert_int_equal(
			srv_nic_state_parse(srv_nic_state_name((enum srv_nic_state)i), &nic_state),
			0);
		assert_int_equal(nic_state, i);
	}
	for (int i = 0; srv_backing_name((enum srv_backing)i); i++) {
		assert_int_equal(srv_backing_parse(srv_backing_name((enum srv_backing)i), &backing),
				 0);
		assert_int_equal(backing, i);
	}
	for (int i = 0; srv_owner_kind_name((enum srv_owner_kind)i); i++) {
		assert_int_equal(
			srv_owner_kind_parse(srv_owner_kind_name((enum srv_owner_kind)i), &kind),
			0);
		assert_int_equal(kind, i);
	}
	for (int i = 0; srv_vf_mark_name((enum srv_vf_mark)i); i++) {
		assert_int_equal(srv_vf_mark_parse(srv_vf_mark_name((enum srv_vf_mark)i), &mark),
				 0);
		assert_int_equal(mark, i);
	}
	assert_int_equal(nic_state, SRV_NIC_FAILED);
	assert_int_equal(backing, SRV_BACKING_VIRTIO);
	assert_int_equal(kind, SRV_OWNER_MANUAL);
	assert_int_equal(mark, SRV_VF_QUARANTINED);
	assert_int_equal(srv_nic_state_parse("Idle", &nic_state), -EINVAL);
	assert_int_equal(srv_nic_state_parse(NULL, &nic_state), -EINVAL);
	assert_int_equal(srv_backing_parse("", &backing), -EINVAL);
	assert_int_equal(srv_owner_kind_parse("libvirtd", &kind), -EINVAL);
	assert_int_equal(srv_vf_mark_parse("clea", &mark), -EINVAL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* For everybody first, for who knows SQLite last. */
static void sql_error_says_what_failed_and_what_to_do_before_sqlites_words(void **state)
{
	static const struct {
		int rc, errnum;
		const char *message;
	} errors[] = {
		{ SQLITE_FULL, ENOSPC,
		  "cannot write the ledger: its file system is full; free some space on it "
		  "[SQLite: database or disk is full]" },
		{ SQLITE_READONLY, EROFS,
		  "cannot write the ledger: the file may not be written; make the state directory "
		  "writable for sriovd [SQLite: attempt to write a readonly database]" },
		{ SQLITE_CORRUPT, EBADMSG,
		  "cannot write the ledger: the file is damaged; see \"sriovctl ledger check\" and "
		  "\"sriovctl ledger rebuild\" [SQLite: database disk image is malformed]" },
		{ SQLITE_IOERR, EIO,
		  "cannot write the ledger: Input/output error; see the kernel's messages about "
		  "the "
		  "disk it is on [SQLite: disk I/O error]" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(errors); i++) {
		sriov_autoerror err = NULL;

		assert_int_equal(srv_sql_error(NULL, errors[i].rc, "/l", "write the ledger", &err),
				 -errors[i].errnum);
		assert_string_equal(err->message, errors[i].message);
		assert_string_equal(err->subject, "/l");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(open_missing_directory_makes_it_private_and_empty),
		CASE(rows_of_every_kind_come_back_as_they_were),
		CASE(put_again_replaces_the_row),
		CASE(delete_takes_the_row_and_what_is_not_there_is_no_error),
		CASE(abandon_changes_nothing),
		CASE(put_nic_on_an_owned_vf_fails_and_names_both),
		CASE(two_nics_swap_their_vfs_in_one_transaction),
		CASE(put_of_a_row_that_is_none_fails),
		CASE(open_twice_is_refused_with_the_holders_pid),
		CASE(open_after_the_holder_was_killed_works),
		CASE(open_with_a_missing_parent_says_what_to_do),
		CASE(open_on_a_file_says_so),
		CASE(open_in_an_unwritable_directory_is_refused),
		CASE(open_a_newer_ledger_leaves_every_byte),
		CASE(open_an_older_ledger_migrates_it_and_keeps_a_copy),
		CASE(a_migration_that_fails_leaves_the_older_ledger),
		CASE(a_migration_without_checksums_is_refused),
		CASE(unusable_fails_every_transaction_with_its_reason),
		CASE(close_of_an_unusable_one_calls_back_what_is_open),
		CASE(check_of_a_sound_ledger_finds_nothing_be_it_open_or_not),
		CASE(check_of_a_newer_ledger_says_both_versions),
		CASE(check_without_a_ledger_says_so),
		CASE(set_aside_moves_all_and_the_next_open_begins_anew),
		CASE(set_aside_of_nothing_is_no_error),
		CASE(set_aside_of_an_open_ledger_is_refused),
		CASE(names_and_numbers_go_both_ways),
		cmocka_unit_test(sql_error_says_what_failed_and_what_to_do_before_sqlites_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
