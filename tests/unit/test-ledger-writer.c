// SPDX-License-Identifier: GPL-2.0-or-later
/* The ledger's writer: order, groups, closing; test-ledger-disk has disks that fail. */
#include "tests/unit/fake-disk.h"

#include <limits.h>

/* Order */

static void callbacks_come_in_the_order_of_commits_with_all_on_disk(void **state)
{
	struct srv_ledger *ledger = open_ledger(*state);
	struct many many = { 0 };
	g_autofree char *text = NULL;

	for (unsigned int i = 0; i < MANY; i++)
		commit_row(&many, i, ledger);
	assert_int_equal(many.called, 0); /* never from within */
	wait_for(&many, MANY);
	assert_in_order(&many, MANY);
	for (unsigned int i = 0; i < MANY; i++)
		assert_int_equal(many.errors[i], 0);
	text = test_describe_ledger(ledger);
	assert_non_null(strstr(text, "web31"));
	assert_contains(ledger, *state, text);
	srv_ledger_close(ledger);
}

/* The last one wins, in one group too. */
static void transactions_take_effect_in_the_order_of_commits(void **state)
{
	struct srv_ledger *ledger = open_ledger(*state);
	struct srv_nic_row *nic = test_nic_on_vf(1);
	g_autofree char *text = NULL;
	struct many many = { 0 };

	for (unsigned int i = 0; i < MANY; i++) {
		struct srv_ledger_txn *txn = srv_ledger_begin(ledger);

		g_free(nic->network);
		nic->network = g_strdup_printf("version-%u", i);
		srv_ledger_put_nic(txn, nic);
		if (i % 3 == 0)
			srv_ledger_delete_nic(txn, &nic->owner, nic->id);
		commit_as(&many, i, txn);
	}
	wait_for(&many, MANY);
	/* 63 is a multiple of three. */
	text = test_describe_ledger(ledger);
	assert_string_equal(text, "boot_id \n");
	assert_contains(ledger, *state, text);
	srv_ledger_close(ledger);
	srv_nic_row_free(nic);
}

struct threads {
	GThread *expected;
	bool right;
};

static void note_thread(const struct sriov_error *error, void *data)
{
	struct threads *threads = data;

	threads->right = g_thread_self() == threads->expected;
}

/* Nobody runs the main loop here for a while: its thread could be taken for any. */
static void callbacks_run_on_the_main_thread_also_when_its_loop_rests(void **state)
{
	struct srv_ledger *ledger = open_ledger(*state);
	struct threads threads = { .expected = g_thread_self() };
	struct srv_ledger_txn *txn = srv_ledger_begin(ledger);
	uint64_t txns = 0, commits;

	test_put(txn, 1);
	srv_ledger_commit(txn, note_thread, &threads);
	while (!txns)
		srv_ledger_counts(ledger, &txns, &commits);
	assert_false(threads.right);
	while (!threads.right)
		g_main_context_iteration(NULL, TRUE);
	srv_ledger_close(ledger);
}

/* Groups */

static void what_waits_shares_one_commit(void **state)
{
	uint64_t txns, commits, txns_before, commits_before;
	struct srv_ledger *ledger = open_ledger(*state);
	struct many many = { 0 };

	srv_ledger_counts(ledger, &txns_before, &commits_before);
	disk_shut();
	commit_row(&many, 0, ledger);
	disk_wait();
	for (unsigned int i = 1; i < MANY; i++)
		commit_row(&many, i, ledger);
	disk_open();
	wait_for(&many, MANY);
	srv_ledger_counts(ledger, &txns, &commits);
	assert_int_equal(txns - txns_before, MANY);
	assert_int_equal(commits - commits_before, 2);
	srv_ledger_close(ledger);
}

struct flight {
	struct srv_ledger *ledger;
	uint32_t next, open, limit;
};

static void fly(struct flight *flight);

static void landed(const struct sriov_error *error, void *data)
{
	struct flight *flight = data;

	assert_null(error);
	flight->open--;
	if (flight->next < flight->limit)
		fly(flight);
}

static void fly(struct flight *flight)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(flight->ledger);

	test_put(txn, flight->next++ % 500);
	flight->open++;
	srv_ledger_commit(txn, landed, flight);
}

static void sixty_four_in_flight_take_a_tenth_of_a_sync_each(void **state)
{
	struct flight flight = { .ledger = open_ledger(*state), .limit = 5000 };
	uint64_t txns, commits;

	disk.delay = 1000; /* memory is no disk */
	disk.syncs = 0;
	for (int i = 0; i < 64; i++)
		fly(&flight);
	while (flight.open)
		g_main_context_iteration(NULL, TRUE);
	srv_ledger_counts(flight.ledger, &txns, &commits);
	assert_int_equal(txns, 5000);
	/* Each commit is on disk by a sync of its own. */
	assert_true(disk.syncs >= commits);
	assert_true((double)disk.syncs / (double)txns <= 0.1);
	srv_ledger_close(flight.ledger);
}

/* One at a time and for ever: the log does not grow with it. */
static void the_log_is_brought_home_now_and_then(void **state)
{
	g_autofree char *log = g_build_filename(*state, "ledger.sqlite-wal", NULL);
	struct srv_ledger *ledger = open_ledger(*state);
	g_autofree char *text = NULL, *bytes = NULL;
	gsize n;

	for (uint32_t i = 0; i < 3000; i++)
		put(ledger, i % 100);
	assert_true(g_file_get_contents(log, &bytes, &n, NULL));
	assert_in_range(n, 4096, 2100 * 4120);
	text = test_describe_ledger(ledger);
	assert_contains(ledger, *state, text);
	srv_ledger_close(ledger);
}

/* The disk is shut over a first one, so that `several` come in one group; VF 1's are in it twice.
 */
static void one_that_fails_fails_alone_in_its_group(void **state)
{
	struct srv_ledger *ledger = open_ledger(*state);
	g_autofree char *expected = NULL;
	uint64_t txns, commits;
	struct many many = { 0 };

	put(ledger, 100);
	disk_shut();
	commit_row(&many, 0, ledger);
	disk_wait();
	for (unsigned int i = 1; i < 10; i++) {
		struct srv_ledger_txn *txn = srv_ledger_begin(ledger);
		struct srv_nic_row *nic = test_nic_on_vf(i);

		/* 4 would take VF 3, 7 says nothing that can be written. */
		if (i == 4)
			nic->vf.index = 3;
		if (i == 7)
			g_clear_pointer(&nic->network, g_free);
		test_put(txn, 100 + i);
		srv_ledger_put_nic(txn, nic);
		commit_as(&many, i, txn);
		srv_nic_row_free(nic);
	}
	disk_open();
	wait_for(&many, 10);
	assert_in_order(&many, 10);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(many.errors[i], i == 4 ? EEXIST : i == 7 ? EINVAL : 0);
	srv_ledger_counts(ledger, &txns, &commits);
	assert_int_equal(txns, 9); /* with the one at first */
	assert_int_equal(commits, 3);
	expected = test_describe_ledger(ledger);
	for (unsigned int i = 1; i < 10; i++) {
		struct srv_nic_row *row = test_nic_row(100 + i);
		g_autofree char *name = g_strdup_printf("%s (%s) %s ", row->owner.key,
							row->owner.name, row->id);

		assert_int_equal(strstr(expected, name) != NULL, i != 4 && i != 7);
		srv_nic_row_free(row);
	}
	assert_contains(ledger, *state, expected);
	srv_ledger_close(ledger);
}

/* Closing */

static void close_finishes_and_calls_back_all_that_was_committed(void **state)
{
	struct srv_ledger *ledger = open_ledger(*state);
	g_autofree char *text = NULL;
	struct many many = { 0 };

	for (unsigned int i = 0; i < MANY; i++)
		commit_row(&many, i, ledger);
	srv_ledger_close(ledger);
	assert_in_order(&many, MANY);
	ledger = open_ledger(*state);
	text = test_describe_ledger(ledger);
	for (unsigned int i = 0; i < MANY / 2; i++) {
		g_autofree char *name = g_strdup_printf("(web%u)", i);

		assert_non_null(strstr(text, name));
	}
	srv_ledger_close(ledger);
}

struct chain {
	struct srv_ledger *ledger;
	unsigned int left;
};

static void commit_another(const struct sriov_error *error, void *data)
{
	struct chain *chain = data;
	struct srv_ledger_txn *txn;

	assert_null(error);
	if (chain->left-- == 0)
		return;
	txn = srv_ledger_begin(chain->ledger);
	test_put(txn, chain->left);
	srv_ledger_commit(txn, commit_another, chain);
}

static void close_waits_for_what_callbacks_commit(void **state)
{
	struct chain chain = { open_ledger(*state), 5 };
	g_autofree char *text = NULL;

	commit_another(NULL, &chain);
	srv_ledger_close(chain.ledger);
	assert_int_equal(chain.left, UINT_MAX);
	chain.ledger = open_ledger(*state);
	text = test_describe_ledger(chain.ledger);
	for (int i = 0; i < 5; i++) {
		g_autofree char *name = g_strdup_printf("(web%d) net%d ", i / 2, i % 2);

		assert_non_null(strstr(text, name));
	}
	srv_ledger_close(chain.ledger);
}

/* An empty one says when all before it are on disk. */
static void empty_transaction_is_called_back_in_its_turn_and_costs_nothing(void **state)
{
	struct srv_ledger *ledger = open_ledger(*state);
	struct many many = { 0 };
	uint64_t txns, commits;

	commit_as(&many, 0, srv_ledger_begin(ledger));
	wait_for(&many, 1);
	assert_int_equal(many.errors[0], 0);
	srv_ledger_counts(ledger, &txns, &commits);
	assert_int_equal(txns, 1);
	assert_int_equal(commits, 0);
	commit_row(&many, 1, ledger);
	commit_as(&many, 2, srv_ledger_begin(ledger));
	wait_for(&many, 3);
	assert_in_order(&many, 3);
	srv_ledger_close(ledger);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(callbacks_come_in_the_order_of_commits_with_all_on_disk),
		CASE(transactions_take_effect_in_the_order_of_commits),
		CASE(callbacks_run_on_the_main_thread_also_when_its_loop_rests),
		CASE(what_waits_shares_one_commit),
		CASE(sixty_four_in_flight_take_a_tenth_of_a_sync_each),
		CASE(the_log_is_brought_home_now_and_then),
		CASE(one_that_fails_fails_alone_in_its_group),
		CASE(close_finishes_and_calls_back_all_that_was_committed),
		CASE(close_waits_for_what_callbacks_commit),
		CASE(empty_transaction_is_called_back_in_its_turn_and_costs_nothing),
	};

	take_sqlites_writes();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
