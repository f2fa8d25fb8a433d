// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bad files. Whatever happens to the ledger's file, it is refused with a sentence that says what to
 * do, and left as it is; or it does not matter, and then what is read is what was written. What a
 * flipped bit may do to the log's last commit is said in srv/sriovd/ledger-wal.h.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "srv/sriovd/ledger-row.h"
#include "srv/sriovd/ledger-sum.h"
#include "srv/sriovd/ledger-wal.h"
#include "srv/sriovd/ledger.h"
#include "tests/support/ledger-rows.h"
#include "tests/support/tree.h"

#define ROWS	16
#define COMMITS 6 /* in the log */
#define FLIPS	700
#define REBUILD "\"sriovctl ledger rebuild\""

/* A ledger's files, and what is in it. */
struct sample {
	GBytes *file, *log; /* log: NULL when there is none */
	char *text;
	char *before; /* what was in it before the last commit in the log */
};

struct fixture {
	char *dir;
	struct sample closed, open; /* shut down in order; as a crash leaves it */
};

static struct srv_ledger *open_ledger(const char *dir)
{
	struct srv_ledger *ledger;
	sriov_autoerror err = NULL;

	assert_ok(srv_ledger_open(dir, &ledger, &err), err);
	return ledger;
}

static void put(struct srv_ledger *ledger, uint32_t first, uint32_t n)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(ledger);
	sriov_autoerror err = NULL;

	for (uint32_t i = first; i < first + n; i++)
		test_put(txn, i);
	assert_ok(test_commit(txn, &err), err);
}

static GBytes *read_file(const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	char *bytes;
	gsize n;

	return g_file_get_contents(path, &bytes, &n, NULL) ? g_bytes_new_take(bytes, n) : NULL;
}

static void write_file(const char *dir, const char *name, const void *bytes, gsize n)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);

	assert_true(g_file_set_contents_full(path, bytes, (gssize)n, G_FILE_SET_CONTENTS_CONSISTENT,
					     0600, NULL));
}

/* The directory with these files and no others. */
static void lay_out(const char *dir, const void *file, gsize file_n, const void *log, gsize log_n)
{
	tree_delete(dir, "ledger.sqlite-shm");
	tree_delete(dir, "ledger.sqlite-wal");
	write_file(dir, "ledger.sqlite", file, file_n);
	if (log)
		write_file(dir, "ledger.sqlite-wal", log, log_n);
}

static void lay_out_sample(const char *dir, const struct sample *sample)
{
	gsize n, m = 0;
	const void *file = g_bytes_get_data(sample->file, &n);
	const void *log = sample->log ? g_bytes_get_data(sample->log, &m) : NULL;

	lay_out(dir, file, n, log, m);
}

static void take_sample(struct srv_ledger *ledger, const char *dir, struct sample *ret)
{
	ret->text = test_describe_ledger(ledger);
	ret->file = read_file(dir, "ledger.sqlite");
	ret->log = read_file(dir, "ledger.sqlite-wal");
}

static void sample_clear(struct sample *sample)
{
	g_clear_pointer(&sample->file, g_bytes_unref);
	g_clear_pointer(&sample->log, g_bytes_unref);
	g_clear_pointer(&sample->text, g_free);
	g_clear_pointer(&sample->before, g_free);
}

static int make_samples(void **state)
{
	struct fixture *fixture = g_new0(struct fixture, 1);
	struct srv_ledger *ledger;

	fixture->dir = tree_new();
	ledger = open_ledger(fixture->dir);
	put(ledger, 0, ROWS);
	srv_ledger_close(ledger);
	ledger = open_ledger(fixture->dir);
	take_sample(ledger, fixture->dir, &fixture->closed);
	g_clear_pointer(&fixture->closed.log, g_bytes_unref);
	for (uint32_t i = 0; i < COMMITS; i++) {
		g_free(fixture->open.before);
		fixture->open.before = test_describe_ledger(ledger);
		put(ledger, ROWS + i, 1);
	}
	take_sample(ledger, fixture->dir, &fixture->open);
	srv_ledger_close(ledger);
	*state = fixture;
	return 0;
}

static int drop_samples(void **state)
{
	struct fixture *fixture = *state;

	sample_clear(&fixture->closed);
	sample_clear(&fixture->open);
	tree_remove(fixture->dir);
	g_free(fixture);
	return 0;
}

static void assert_same_bytes(const char *dir, const char *name, const void *bytes, gsize n)
{
	g_autoptr(GBytes) found = read_file(dir, name);

	assert_non_null(found);
	assert_int_equal(g_bytes_get_size(found), n);
	assert_memory_equal(g_bytes_get_data(found, NULL), bytes, n);
}

#define SAYS " [SQLite: "

/* What SQLite says comes last, once, in brackets; what a sentence begins with is ours. */
static void assert_our_words_first(const char *text)
{
	const char *says = strstr(text, SAYS);

	if (strstr(text, "SQLite") &&
	    (!says || strstr(says + 1, "SQLite") != says + 2 ||
	     strstr(says + strlen(SAYS), "SQLite") || !g_str_has_suffix(says, "]")))
		fail_msg("SQLite has not the last word, or more than that: %s", text);
	if (strstr(text, "malformed") && says)
		assert_true(strstr(text, "malformed") > says);
}

/* Opens what is laid out. NULL: it was refused as it should be, text being the sentence. */
static struct srv_ledger *try_open(const char *dir, char **ret_text)
{
	struct srv_ledger *ledger = NULL;
	sriov_autoerror err = NULL;

	*ret_text = NULL;
	if (srv_ledger_open(dir, &ledger, &err) == 0)
		return ledger;
	assert_null(ledger);
	assert_int_equal(err->code, SRIOV_ERROR_LEDGER);
	*ret_text = sriov_error_text(err);
	if (!strstr(*ret_text, REBUILD) && !strstr(*ret_text, "newer sriovd"))
		fail_msg("says not what to do: %s", *ret_text);
	assert_our_words_first(*ret_text);
	return NULL;
}

/* What is laid out must be refused with its first problem, these words be among all of them, and
 * nothing be changed. */
static void assert_refused(const char *dir, const char *words)
{
	g_autoptr(GBytes) before = read_file(dir, "ledger.sqlite");
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *text = NULL, *all = NULL, *words_of_first = NULL;
	struct srv_ledger *ledger = try_open(dir, &text);
	sriov_autoerror err = NULL;

	assert_null(ledger);
	if (before)
		assert_same_bytes(dir, "ledger.sqlite", g_bytes_get_data(before, NULL),
				  g_bytes_get_size(before));
	assert_ok(srv_ledger_check(dir, problems, &err), err);
	assert_true(problems->len > 0);
	for (guint i = 0; i < problems->len; i++)
		assert_our_words_first(problems->pdata[i]);
	words_of_first = g_strndup(problems->pdata[0], strcspn(problems->pdata[0], "["));
	assert_non_null(strstr(text, g_strchomp(words_of_first)));
	g_ptr_array_add(problems, NULL);
	all = g_strjoinv("\n", (char **)problems->pdata);
	if (!strstr(all, words))
		fail_msg("\"%s\" is not in: %s", words, all);
}

/* Bits */

struct tally {
	unsigned int refused, harmless, older;
};

/* A sound ledger goes on being one when it is written to. */
static void assert_goes_on(const char *dir, struct srv_ledger *ledger)
{
	g_autofree char *text = NULL, *again = NULL;

	put(ledger, 0, ROWS + COMMITS + 2);
	text = test_describe_ledger(ledger);
	srv_ledger_close(ledger);
	ledger = open_ledger(dir);
	again = test_describe_ledger(ledger);
	assert_string_equal(again, text);
	srv_ledger_close(ledger);
}

/* Opens what is laid out, and judges. */
static void judge(const char *dir, const struct sample *sample, struct tally *tally)
{
	g_autofree char *why = NULL, *text = NULL;
	struct srv_ledger *ledger = try_open(dir, &why);

	if (!ledger) {
		tally->refused++;
		return;
	}
	text = test_describe_ledger(ledger);
	if (sample->before && strcmp(text, sample->before) == 0) {
		tally->older++;
	} else {
		assert_string_equal(text, sample->text);
		tally->harmless++;
	}
	assert_goes_on(dir, ledger);
}

/* Flips bit number `bit` of the file or the log, and judges. */
static void flip(const char *dir, const struct sample *sample, bool in_log, guint64 bit,
		 struct tally *tally)
{
	gsize n, m = 0;
	const void *file = g_bytes_get_data(sample->file, &n);
	const void *log = sample->log ? g_bytes_get_data(sample->log, &m) : NULL;
	g_autofree guint8 *file_copy = g_memdup2(file, n);
	g_autofree guint8 *log_copy = g_memdup2(log, m);
	unsigned int refused = tally->refused;

	(in_log ? log_copy : file_copy)[bit / 8] ^= (guint8)(1U << bit % 8);
	lay_out(dir, file_copy, n, log_copy, m);
	judge(dir, sample, tally);
	if (tally->refused == refused)
		return;
	/* Refused, and so untouched. */
	assert_same_bytes(dir, "ledger.sqlite", file_copy, n);
	if (log)
		assert_same_bytes(dir, "ledger.sqlite-wal", log_copy, m);
}

static void flip_many(const struct fixture *fixture, const struct sample *sample, bool in_log,
		      struct tally *tally)
{
	gsize bytes = g_bytes_get_size(in_log ? sample->log : sample->file);
	/* Always the same places: a failure can be looked at again. */
	g_autoptr(GRand) rand = g_rand_new_with_seed(4711);

	for (int i = 0; i < FLIPS; i++) {
		guint64 at = (guint64)g_rand_int_range(rand, 0, (gint32)bytes);

		flip(fixture->dir, sample, in_log, at * 8 + (guint64)g_rand_int_range(rand, 0, 8),
		     tally);
	}
}

/* FAULTS row 5: bit flips, a torn tail */
static void a_flipped_bit_in_the_file_is_refused_or_harmless(void **state)
{
	const struct fixture *fixture = *state;
	struct tally tally = { 0 };

	for (guint64 bit = 0; bit < (guint64)100 * 8; bit++) /* SQLite's header */
		flip(fixture->dir, &fixture->closed, false, bit, &tally);
	flip_many(fixture, &fixture->closed, false, &tally);
	/* The test can tell: rows and pages were hit, and empty space. */
	assert_true(tally.refused > FLIPS / 20);
	assert_true(tally.harmless > FLIPS / 20);
	assert_int_equal(tally.older, 0);
}

/* Pages that stand in the log too are read from there, others from the file. */
static void a_flipped_bit_in_the_file_under_a_log_is_refused_or_harmless(void **state)
{
	const struct fixture *fixture = *state;
	struct sample sample = fixture->open;
	struct tally tally = { 0 };

	sample.before = NULL;
	flip_many(fixture, &sample, false, &tally);
	assert_true(tally.harmless > FLIPS / 20);
}

/* FAULTS row 5: bit flips, a torn tail */
static void a_flipped_bit_in_the_log_never_undoes_more_than_the_last_commit(void **state)
{
	const struct fixture *fixture = *state;
	struct tally tally = { 0 };

	for (guint64 bit = 0; bit < (guint64)(32 + 24) * 8;
	     bit++) /* the log's head and a frame's */
		flip(fixture->dir, &fixture->open, true, bit, &tally);
	flip_many(fixture, &fixture->open, true, &tally);
	assert_true(tally.refused > FLIPS / 2);
	assert_true(tally.older < FLIPS / 3);
}

/* FAULTS row 5: bit flips, a torn tail */
static void a_truncated_file_is_refused(void **state)
{
	const struct fixture *fixture = *state;
	gsize n;
	const void *file = g_bytes_get_data(fixture->closed.file, &n);

	for (gsize size = 0; size < n; size += size % 4096 == 0 ? 1 : 97) {
		lay_out(fixture->dir, file, size, NULL, 0);

		assert_refused(fixture->dir, "");
	}
}

#define FRAME (24 + 4096)

/* Where in the log the last commit's first frame is. */
static gsize last_commit_at(const guint8 *log, gsize n)
{
	gsize at = n - FRAME;

	while (at > 32 && memcmp(log + at - FRAME + 4, "\0\0\0\0", 4) == 0)
		at -= FRAME;
	return at;
}

/* As a power cut leaves it in the midst of a commit: that one is gone, all others are there. */
/* FAULTS row 4: a power cut: a torn tail */
static void a_torn_last_commit_is_not_there_and_all_before_are(void **state)
{
	const struct fixture *fixture = *state;
	gsize n, m;
	const void *file = g_bytes_get_data(fixture->open.file, &n);
	const guint8 *log = g_bytes_get_data(fixture->open.log, &m);
	gsize last = last_commit_at(log, m);
	struct tally tally = { 0 };
	unsigned int torn = 0;

	for (gsize cut = 1; cut < m - last; cut += 131, torn++) {
		lay_out(fixture->dir, file, n, log, m - cut);
		judge(fixture->dir, &fixture->open, &tally);
	}
	/* And blocks that did not make it while those behind them did. */
	for (gsize at = last; at < m; at += 512, torn++) {
		g_autofree guint8 *copy = g_memdup2(log, m);

		memset(copy + at, 0, MIN(m - at, 512));
		lay_out(fixture->dir, file, n, copy, m);
		judge(fixture->dir, &fixture->open, &tally);
	}
	assert_int_equal(tally.refused, 0);
	/* A block that was zero already tears nothing. */
	assert_true(tally.older > torn / 2);
}

static void a_log_without_its_file_is_refused(void **state)
{
	const struct fixture *fixture = *state;
	gsize n;
	const void *log = g_bytes_get_data(fixture->open.log, &n);

	lay_out(fixture->dir, "", 0, log, n);
	tree_delete(fixture->dir, "ledger.sqlite");
	assert_refused(fixture->dir, "its file is gone");
}

static void garbage_is_refused(void **state)
{
	const struct fixture *fixture = *state;
	static const char *const texts[] = { "", "x", "SQLite format 3", "{\"nics\":[]}" };
	guint8 noise[10000];
	g_autoptr(GRand) rand = g_rand_new_with_seed(1);

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		lay_out(fixture->dir, texts[i], strlen(texts[i]), NULL, 0);
		assert_refused(fixture->dir, "");
	}
	for (size_t i = 0; i < sizeof(noise); i++)
		noise[i] = (guint8)g_rand_int(rand);
	lay_out(fixture->dir, noise, sizeof(noise), NULL, 0);
	assert_refused(fixture->dir, "");
	memcpy(noise, "SQLite format 3", 16);
	lay_out(fixture->dir, noise, sizeof(noise), NULL, 0);
	assert_refused(fixture->dir, "");
}

/* Statements: what a wrong program or a curious hand may leave, well-formed for SQLite */

static void run_sql(const char *dir, const char *sql)
{
	g_autofree char *path = g_build_filename(dir, "ledger.sqlite", NULL);
	struct srv_sum *sum = srv_sum_new();
	char *message = NULL;
	sqlite3 *handle;

	assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
	assert_int_equal(srv_sum_register(sum, handle), SQLITE_OK);
	if (sqlite3_exec(handle, sql, NULL, NULL, &message) != SQLITE_OK)
		fail_msg("%s: %s", sql, message);
	sqlite3_close(handle);
	srv_sum_free(sum);
}

/* Sums that fit again, as whoever forges a row would make them. */
#define FORGE_NIC                                                                                 \
	";UPDATE nic SET row_sum = row_sum('nic', owner_kind, owner_key, id, owner_name, "        \
	"network, "                                                                               \
	"mode, mac, priority, state, backing, vf_pf, vf_index, uplink, reason, decision, since, " \
	"waiting_since, waiting_place, negotiated)"
#define FORGE_VF ";UPDATE vf SET row_sum = row_sum('vf', pf, vf_index, mark, reason)"

static void statements_that_change_a_row_are_found_out(void **state)
{
	static const struct {
		const char *sql, *words;
	} cases[] = {
		{ "UPDATE nic SET network = 'other' WHERE rowid = 3",
		  "does not have its checksum" },
		{ "UPDATE nic SET since = since + 1 WHERE rowid = 3",
		  "does not have its checksum" },
		{ "UPDATE nic SET reason = '' WHERE reason IS NULL", "does not have its checksum" },
		{ "UPDATE vf SET mark = 'clean' WHERE mark = 'dirty'",
		  "does not have its checksum" },
		{ "UPDATE head SET boot_id = 'x'", "does not have its checksum" },
		{ "UPDATE head SET total = total + 1", "does not have its checksum" },
		{ "UPDATE head SET total = total + 1;"
		  "UPDATE head SET row_sum = row_sum('head', id, boot_id, total)",
		  "rows are missing" },
		{ "UPDATE nic SET network = 'other' WHERE rowid = 3" FORGE_NIC,
		  "rows are missing" },
		{ "DELETE FROM nic WHERE rowid = 3", "rows are missing" },
		{ "DELETE FROM vf", "rows are missing" },
		{ "INSERT INTO vf SELECT '0000:7f:00.0', vf_index, mark, reason, 0 FROM "
		  "vf" FORGE_VF,
		  "rows are missing" },
		{ "DELETE FROM head", "its head is missing" },
		{ "INSERT INTO head VALUES (2, '', 0, row_sum('head', 2, '', 0))",
		  "its head is malformed" },
		{ "UPDATE nic SET state = 'floating' WHERE rowid = 3" FORGE_NIC,
		  "web1/net0 has an unknown state \"floating\"" },
		{ "UPDATE nic SET owner_kind = 'xen' WHERE rowid = 3" FORGE_NIC,
		  "unknown kind of owner \"xen\"" },
		{ "UPDATE nic SET mode = '' WHERE rowid = 3" FORGE_NIC, "unknown mode \"\"" },
		{ "UPDATE nic SET backing = 'vfx' WHERE rowid = 3" FORGE_NIC,
		  "unknown backing \"vfx\"" },
		{ "UPDATE nic SET mac = '52:54:00' WHERE rowid = 3" FORGE_NIC, "malformed MAC" },
		{ "UPDATE nic SET priority = -1 WHERE rowid = 3" FORGE_NIC,
		  "priority out of range" },
		{ "UPDATE nic SET vf_pf = NULL WHERE backing = 'vf'" FORGE_NIC, "malformed VF" },
		{ "UPDATE nic SET network = 'a' || char(0) || 'b' WHERE rowid = 3" FORGE_NIC,
		  "has no network" },
		{ "UPDATE vf SET mark = 'spotless' WHERE vf_index = 3" FORGE_VF,
		  "VF 0000:00:00.0/3 has an unknown mark \"spotless\"" },
		{ "UPDATE vf SET vf_index = -1 WHERE vf_index = 3" FORGE_VF, "malformed address" },
		{ "UPDATE nic SET backing = 'vf', vf_pf = '0000:01:00.0', vf_index = 0" FORGE_NIC,
		  "VF 0000:01:00.0/0 has more than one owner" },
		{ "CREATE TABLE more (x)", "not those of schema 2" },
		{ "CREATE TRIGGER t AFTER INSERT ON nic BEGIN DELETE FROM vf; END",
		  "not those of schema 2" },
		{ "DROP INDEX nic_vf", "not those of schema 2" },
		{ "PRAGMA application_id = 1", "another program's" },
		{ "PRAGMA user_version = 0", "schema 0" },
		{ "PRAGMA user_version = -1", "schema -1" },
	};
	const struct fixture *fixture = *state;

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		lay_out_sample(fixture->dir, &fixture->closed);
		run_sql(fixture->dir, cases[i].sql);
		assert_refused(fixture->dir, cases[i].words);
	}
}

/* A row that comes back from an older copy, with the checksum it had. */
static void an_older_row_put_back_is_found_out(void **state)
{
	const struct fixture *fixture = *state;
	g_autofree char *old = g_build_filename(fixture->dir, "old.sqlite", NULL);
	g_autofree char *vacuum = g_strdup_printf("VACUUM INTO '%s'", old);
	g_autofree char *back = g_strdup_printf(
		"ATTACH '%s' AS old; DELETE FROM nic WHERE id = 'net1' AND owner_name = 'web1';"
		"INSERT INTO nic SELECT * FROM old.nic WHERE id = 'net1' AND owner_name = 'web1'",
		old);
	struct srv_nic_row *nic = test_nic_row(3);
	struct srv_ledger *ledger;
	struct srv_ledger_txn *txn;

	lay_out_sample(fixture->dir, &fixture->closed);
	run_sql(fixture->dir, vacuum);
	ledger = open_ledger(fixture->dir);
	g_free(nic->network);
	nic->network = g_strdup("changed");
	txn = srv_ledger_begin(ledger);
	srv_ledger_put_nic(txn, nic);
	assert_int_equal(test_commit(txn, NULL), 0);
	srv_ledger_close(ledger);
	run_sql(fixture->dir, back);
	tree_delete(fixture->dir, "old.sqlite");
	assert_refused(fixture->dir, "rows are missing, or there are some that do not belong");
	srv_nic_row_free(nic);
}

static void check_lists_everything_that_is_wrong(void **state)
{
	const struct fixture *fixture = *state;
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *text = NULL;
	sriov_autoerror err = NULL;

	lay_out_sample(fixture->dir, &fixture->closed);
	run_sql(fixture->dir, "UPDATE nic SET network = 'x' WHERE rowid IN (2, 5);"
			      "UPDATE vf SET mark = 'spotless' WHERE vf_index = 3");
	assert_ok(srv_ledger_check(fixture->dir, problems, &err), err);
	assert_int_equal(problems->len, 3);
	g_ptr_array_add(problems, NULL);
	text = g_strjoinv("\n", (char **)problems->pdata);
	assert_string_equal(
		text,
		"a row of table vf (0000:00:00.0 3 spotless) does not have its checksum\n"
		"a row of table nic (container 6d3c0000-0000-4000-8000-000000000000 net1) does not "
		"have its checksum\n"
		"a row of table nic (container 6d3c0000-0000-4000-8000-000000000002 net0) does not "
		"have its checksum");
}

/* The log alone */

static void wal_problem_tells_a_torn_end_from_a_bad_middle(void **state)
{
	const struct fixture *fixture = *state;
	gsize n;
	const guint8 *log = g_bytes_get_data(fixture->open.log, &n);
	g_autofree guint8 *copy = g_memdup2(log, n);

	assert_null(srv_ledger_wal_problem(log, n));
	assert_null(srv_ledger_wal_problem(log, 0));
	assert_null(srv_ledger_wal_problem(log, 20));
	for (gsize cut = 1; cut < n; cut += 509)
		assert_null(srv_ledger_wal_problem(log, n - cut));
	copy[n - 1] ^= 1;
	assert_null(srv_ledger_wal_problem(copy, n));
	copy[n - 1] ^= 1;
	copy[32 + 24] ^= 1;
	assert_string_equal(srv_ledger_wal_problem(copy, n),
			    "its write-ahead log is damaged before its end");
	copy[32 + 24] ^= 1;
	copy[16] ^= 1;
	assert_string_equal(srv_ledger_wal_problem(copy, n),
			    "the header of its write-ahead log is damaged");
	memset(copy, 0, 32);
	assert_null(srv_ledger_wal_problem(copy, n));
}

#define CASE(name) cmocka_unit_test(name)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_flipped_bit_in_the_file_is_refused_or_harmless),
		CASE(a_flipped_bit_in_the_file_under_a_log_is_refused_or_harmless),
		CASE(a_flipped_bit_in_the_log_never_undoes_more_than_the_last_commit),
		CASE(a_truncated_file_is_refused),
		CASE(a_torn_last_commit_is_not_there_and_all_before_are),
		CASE(a_log_without_its_file_is_refused),
		CASE(garbage_is_refused),
		CASE(statements_that_change_a_row_are_found_out),
		CASE(an_older_row_put_back_is_found_out),
		CASE(check_lists_everything_that_is_wrong),
		CASE(wal_problem_tells_a_torn_end_from_a_bad_middle),
	};

	return cmocka_run_group_tests(tests, make_samples, drop_samples);
}
