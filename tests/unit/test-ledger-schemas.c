// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ledgers of every schema that there was, as this project's daemons wrote them: what stands in
 * tests/fixtures/ledger does not change when the program does. schema-N.sql is what "sqlite3
 * ledger.sqlite .dump" gave, schema-N.rows what was in it.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "srv/sriovd/ledger-schema.h"
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

static char *read_fixture(const char *name)
{
	g_autofree char *relative = g_build_filename("tests/fixtures/ledger", name, NULL);
	g_autofree char *path = TEST_SOURCE(relative);
	char *text;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		fail_msg("there is no %s: every schema has its ledger there", path);
	return text;
}

/* The state directory of a daemon of then. */
static void lay_down(const char *dir, const char *fixture, int version)
{
	g_autofree char *path = g_build_filename(dir, "ledger.sqlite", NULL);
	g_autofree char *dump = read_fixture(fixture);
	g_autofree char *head = g_strdup_printf("PRAGMA journal_mode = WAL;"
						"PRAGMA application_id = %d;"
						"PRAGMA user_version = %d",
						SRV_LEDGER_APPLICATION_ID, version);
	sqlite3 *handle;

	assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
	assert_int_equal(sqlite3_exec(handle, head, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(handle, dump, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(handle);
	assert_int_equal(chmod(path, 0600), 0);
}

static void assert_opens_with(const char *dir, const char *rows)
{
	g_autofree char *found = NULL;
	sriov_autoerror err = NULL;
	struct srv_ledger *ledger;

	assert_ok(srv_ledger_open(dir, &ledger, &err), err);
	found = test_describe_ledger(ledger);
	srv_ledger_close(ledger);
	assert_string_equal(found, rows);
}

/* FAULTS row 34: a newer ledger, an older one */
static void ledger_of_every_schema_opens_with_all_its_rows(void **state)
{
	for (int version = 1; version <= srv_ledger_schema.version; version++) {
		g_autofree char *name = g_strdup_printf("schema-%d", version);
		g_autofree char *sql = g_strconcat(name, ".sql", NULL);
		g_autofree char *rows = g_strconcat(name, ".rows", NULL);
		g_autofree char *dir = g_build_filename(*state, name, NULL);
		g_autofree char *text = read_fixture(rows);

		assert_int_equal(mkdir(dir, 0700), 0);
		lay_down(dir, sql, version);
		assert_opens_with(dir, text);
		/* And again, what is there now being of today's schema. */
		assert_opens_with(dir, text);
	}
}

/* FAULTS row 34: a newer ledger, an older one */
static void ledger_of_the_next_schema_is_refused(void **state)
{
	int next = srv_ledger_schema.version + 1;
	g_autofree char *words = g_strdup_printf("schema %d", next);
	g_autofree char *sql = g_strdup_printf("schema-%d.sql", srv_ledger_schema.version);
	struct srv_ledger *ledger = NULL;
	sriov_autoerror err = NULL;

	lay_down(*state, sql, next);
	assert_int_equal(srv_ledger_open(*state, &ledger, &err), -EPROTONOSUPPORT);
	assert_int_equal(err->code, SRIOV_ERROR_LEDGER);
	assert_non_null(strstr(err->message, words));
}

/*
 * Before the first release schema 1 was without the table of PFs for a day. Nobody has such a
 * ledger, and one that looks like it is damaged: it is not taken for an empty table.
 */
static void ledger_without_a_table_of_its_schema_is_refused(void **state)
{
	g_autofree char *path = g_build_filename(*state, "ledger.sqlite", NULL);
	struct srv_ledger *ledger = NULL;
	sriov_autoerror err = NULL;
	sqlite3 *handle;

	lay_down(*state, "schema-1.sql", 1);
	assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
	assert_int_equal(sqlite3_exec(handle, "DROP TABLE pf", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(handle);
	assert_true(srv_ledger_open(*state, &ledger, &err) < 0);
	assert_int_equal(err->code, SRIOV_ERROR_LEDGER);
	assert_non_null(strstr(err->message, "its tables are not those of schema 1"));
}

#define schema_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		schema_test(ledger_of_every_schema_opens_with_all_its_rows),
		schema_test(ledger_of_the_next_schema_is_refused),
		schema_test(ledger_without_a_table_of_its_schema_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
