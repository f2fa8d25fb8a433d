// SPDX-License-Identifier: GPL-2.0-or-later
/* The ledger on disks that are full or fail, and in processes that are killed. */
#include "tests/unit/fake-disk.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* The first is at its sync when the others come, so these are one group. */
#define GROUP 6

/*
 * A group on a disk that fails as disk_fails() says: all of it is told, and nothing is there, not
 * even after a crash right then; or nobody is told, and it is all there. Then the disk works again,
 * and so does the ledger. Returns the errno that was told.
 */
static int fail_group(const char *dir, struct srv_ledger *ledger, uint32_t first, int writes_left,
		      int write_errno, int syncs_to_fail)
{
	g_autofree char *after = NULL, *again = NULL;
	struct many many = { 0 };
	int errnum;

	/* So that the log has been begun, which takes a sync of its own. */
	put(ledger, first + GROUP);
	disk_shut();
	for (uint32_t i = 0; i < GROUP; i++) {
		struct srv_ledger_txn *txn = srv_ledger_begin(ledger);

		test_put(txn, first + i);
		commit_as(&many, i, txn);
		if (i == 0)
			disk_wait();
	}
	disk_fails(writes_left, write_errno, syncs_to_fail);
	disk_open();
	wait_for(&many, GROUP);
	/* When the disk could do that, the log's being cut off is on it, and survives a power cut.
	 */
	if (syncs_to_fail < 2)
		assert_false(disk.cut);
	disk_works();
	assert_in_order(&many, GROUP);
	assert_int_equal(many.errors[0], 0);
	errnum = many.errors[1];
	for (uint32_t i = 2; i < GROUP; i++)
		assert_int_equal(many.errors[i], errnum);
	after = test_describe_ledger(ledger);
	assert_contains(ledger, dir, after);
	for (uint32_t i = 0; i < GROUP; i++) {
		struct srv_nic_row *row = test_nic_row(first + i);
		g_autofree char *name = g_strdup_printf("%s (%s) %s ", row->owner.key,
							row->owner.name, row->id);

		assert_int_equal(strstr(after, name) != NULL, i == 0 || errnum == 0);
		srv_nic_row_free(row);
	}
	put(ledger, first + GROUP + 1);
	again = test_describe_ledger(ledger);
	assert_contains(ledger, dir, again);
	return errnum;
}

/* At the first write, the second and so on, until there are enough for the group. */
static void fail_at_every_write(const char *dir, int write_errno, int errnum)
{
	struct srv_ledger *ledger = open_ledger(dir);
	g_autofree char *text = NULL;
	int writes = 0;

	while (fail_group(dir, ledger, (uint32_t)writes * 10, writes, write_errno, 0) == errnum)
		writes++;
	/* A page of nics, one of VFs and the head at least. */
	assert_in_range(writes, 3, 100);
	text = test_describe_ledger(ledger);
	srv_ledger_close(ledger);
	ledger = open_ledger(dir);
	assert_contains(ledger, dir, text);
	srv_ledger_close(ledger);
}

/* FAULTS row 6: disk full */
static void full_disk_fails_the_group_and_the_next_commit_works(void **state)
{
	fail_at_every_write(*state, ENOSPC, ENOSPC);
}

/* FAULTS row 7: I/O error at commit */
static void failing_write_fails_the_group_and_the_next_commit_works(void **state)
{
	fail_at_every_write(*state, EIO, EIO);
}

/* Its pages may all be in the log by then: after a crash they must not count. */
/* FAULTS row 7: I/O error at commit */
static void failing_sync_fails_the_group_for_good(void **state)
{
	struct srv_ledger *ledger = open_ledger(*state);

	assert_int_equal(fail_group(*state, ledger, 0, -1, 0, 1), EIO);
	assert_int_equal(fail_group(*state, ledger, 10, -1, 0, 2), EIO);
	assert_int_equal(fail_group(*state, ledger, 20, -1, 0, 1000), EIO);
	srv_ledger_close(ledger);
}

/* Neither can the log's pages be brought home then. */
static void failing_sync_on_a_full_disk_fails_the_group_for_good(void **state)
{
	struct srv_ledger *ledger = open_ledger(*state);
	uint32_t n = 0;

	for (int writes = 3; writes < 40; writes++, n += 10) {
		int errnum = fail_group(*state, ledger, n, writes, ENOSPC, 1000);

		assert_true(errnum == EIO || errnum == ENOSPC);
	}
	srv_ledger_close(ledger);
}

/* In a child: the limit cannot be taken back from a process that is not root. */
static int outgrow_limit(const char *dir)
{
	struct rlimit limit = { .rlim_max = RLIM_INFINITY };
	struct srv_ledger *ledger = open_ledger(dir);
	sriov_autoerror err = NULL;
	uint32_t n = 0;
	int r;

	signal(SIGXFSZ, SIG_IGN);
	limit.rlim_cur = 100000;
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 1;
	do {
		struct srv_ledger_txn *txn = srv_ledger_begin(ledger);

		test_put(txn, n);
		r = test_commit(txn, &err);
		n += r == 0;
	} while (r == 0 && n < 10000);
	if (r == 0 || n < 2 || err->code != SRIOV_ERROR_LEDGER)
		return 2;
	limit.rlim_cur = RLIM_INFINITY;
	if (setrlimit(RLIMIT_FSIZE, &limit) < 0)
		return 3;
	put(ledger, n++);
	srv_ledger_close(ledger);
	return (int)n + 10;
}

static void a_file_that_may_not_grow_fails_commits_until_it_may(void **state)
{
	g_autofree char *text = NULL, *expected = NULL;
	struct srv_ledger_image *image = srv_ledger_image_new();
	struct srv_ledger *ledger;
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(outgrow_limit(*state));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) > 12);
	for (uint32_t i = 0; i + 10 < (uint32_t)WEXITSTATUS(status); i++) {
		g_ptr_array_add(image->nics, test_nic_row(i));
		g_ptr_array_add(image->vfs, test_vf_row(i));
	}
	image->boot_id = g_strdup("");
	expected = test_describe_image(image);
	ledger = open_ledger(*state);
	text = test_describe_ledger(ledger);
	assert_string_equal(text, expected);
	srv_ledger_close(ledger);
	srv_ledger_image_free(image);
}

/* Killed */

#define ROUNDS	  20
#define IN_FLIGHT 16

struct killed {
	struct srv_ledger *ledger;
	uint32_t next;
	int acks; /* a pipe: of uint32_t, what was acknowledged */
};

static void commit_next(struct killed *killed);

static void acknowledge(const struct sriov_error *error, void *data)
{
	static uint32_t acked;
	struct killed *killed = data;

	if (error)
		_exit(1);
	/* Callbacks come in order, so counting is enough to know which one it is. */
	acked = acked ? acked + 1 : killed->next - IN_FLIGHT + 1;
	if (write(killed->acks, &acked, sizeof(acked)) != sizeof(acked))
		_exit(1);
	commit_next(killed);
}

/* Rows n, and n as the boot_id. */
static void commit_next(struct killed *killed)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(killed->ledger);
	g_autofree char *boot_id = g_strdup_printf("%u", killed->next);

	test_put(txn, killed->next++);
	srv_ledger_put_boot_id(txn, boot_id);
	srv_ledger_commit(txn, acknowledge, killed);
}

static void work_until_killed(const char *dir, uint32_t next, int acks)
{
	struct killed killed = { .ledger = open_ledger(dir), .next = next, .acks = acks };

	for (int i = 0; i < IN_FLIGHT; i++)
		commit_next(&killed);
	for (;;)
		g_main_context_iteration(NULL, TRUE);
}

/* How many were acknowledged in all, after a child was killed at some moment of its work. */
static uint32_t run_and_kill(const char *dir, uint32_t next, gulong us)
{
	uint32_t acked = next, ack;
	int acks[2], status;
	pid_t pid;

	assert_int_equal(pipe(acks), 0);
	pid = fork();
	if (pid == 0)
		work_until_killed(dir, next, acks[1]);
	close(acks[1]);
	/* From its first acknowledgement on, so that there is always something to lose. */
	assert_int_equal(read(acks[0], &ack, sizeof(ack)), sizeof(ack));
	g_usleep(us);
	kill(pid, SIGKILL);
	do
		acked = ack;
	while (read(acks[0], &ack, sizeof(ack)) == sizeof(ack));
	close(acks[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	return acked;
}

/* Rows 0 … n - 1 and nothing else, n being what the boot_id says: whole transactions, in order. */
static uint32_t assert_whole(const char *dir)
{
	struct srv_ledger *ledger = open_ledger(dir);
	struct srv_ledger_image *image = srv_ledger_image_new(), *found;
	g_autofree char *text = NULL, *expected = NULL;
	sriov_autoerror err = NULL;
	uint32_t n;

	assert_ok(srv_ledger_load(ledger, &found, &err), err);
	n = (uint32_t)atoi(found->boot_id) + 1;
	for (uint32_t i = 0; i < n; i++) {
		g_ptr_array_add(image->nics, test_nic_row(i));
		g_ptr_array_add(image->vfs, test_vf_row(i));
	}
	image->boot_id = g_strdup(found->boot_id);
	text = test_describe_image(found);
	expected = test_describe_image(image);
	assert_string_equal(text, expected);
	srv_ledger_image_free(image);
	srv_ledger_image_free(found);
	srv_ledger_close(ledger);
	return n;
}

/* FAULTS row 1: kill -9 at every step of a claim */
static void what_was_acknowledged_survives_kill_at_any_moment(void **state)
{
	g_autoptr(GRand) rand = g_rand_new_with_seed(42);
	uint32_t n = 0;

	for (int i = 0; i < ROUNDS; i++) {
		gulong us = (gulong)g_rand_int_range(rand, 0, 5000);
		uint32_t acked = run_and_kill(*state, n, us);

		n = assert_whole(*state);
		assert_true(n >= acked);
	}
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(full_disk_fails_the_group_and_the_next_commit_works),
		CASE(failing_write_fails_the_group_and_the_next_commit_works),
		CASE(failing_sync_fails_the_group_for_good),
		CASE(failing_sync_on_a_full_disk_fails_the_group_for_good),
		CASE(a_file_that_may_not_grow_fails_commits_until_it_may),
		CASE(what_was_acknowledged_survives_kill_at_any_moment),
	};

	take_sqlites_writes();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
