// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ledger's writer: order, groups, failing disks, killed processes. The disk is in this file's
 * hands: fdatasync() is its own, and SQLite's writes go through fake_write().
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "srv/sriovd/ledger-row.h"
#include "srv/sriovd/ledger.h"
#include "tests/support/ledger-rows.h"
#include "tests/support/tree.h"

/* The disk */

static struct {
	GMutex lock;
	GCond changed;
	bool shut;	      /* fdatasync() waits */
	unsigned int waiting; /* in it */
	unsigned int delay;   /* microseconds that fdatasync() takes */
	unsigned int syncs;   /* fdatasync() calls */
	int syncs_to_fail;    /* how many of the next fdatasync() calls give EIO */
	int writes_left;      /* until every write gives write_errno; -1: they do not */
	int write_errno;
} disk = { .writes_left = -1 };

/* Takes the place of libc's, also for SQLite. */
int fdatasync(int fd)
{
	bool fails;

	g_mutex_lock(&disk.lock);
	fails = disk.syncs_to_fail > 0;
	disk.syncs_to_fail -= fails;
	disk.syncs++;
	disk.waiting++;
	g_cond_broadcast(&disk.changed);
	while (disk.shut)
		g_cond_wait(&disk.changed, &disk.lock);
	disk.waiting--;
	g_mutex_unlock(&disk.lock);
	if (disk.delay)
		g_usleep(disk.delay);
	if (fails) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static bool disk_refuses(void)
{
	bool refuses;

	g_mutex_lock(&disk.lock);
	refuses = disk.writes_left == 0;
	if (disk.writes_left > 0)
		disk.writes_left--;
	g_mutex_unlock(&disk.lock);
	if (refuses)
		errno = disk.write_errno;
	return refuses;
}

static ssize_t fake_write(int fd, const void *bytes, size_t n)
{
	return disk_refuses() ? -1 : write(fd, bytes, n);
}

static ssize_t fake_pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	return disk_refuses() ? -1 : pwrite(fd, bytes, n, at);
}

/* SQLite's own door for tests: which of them it goes through depends on how it was built. */
static void take_sqlites_writes(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	vfs->xSetSystemCall(vfs, "write", (sqlite3_syscall_ptr)fake_write);
	vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)fake_pwrite);
	vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)fake_pwrite);
}

static void disk_fails(int writes_left, int write_errno, int syncs_to_fail)
{
	g_mutex_lock(&disk.lock);
	disk.writes_left = writes_left;
	disk.write_errno = write_errno;
	disk.syncs_to_fail = syncs_to_fail;
	g_mutex_unlock(&disk.lock);
}

static void disk_works(void)
{
	disk_fails(-1, 0, 0);
}

static void disk_shut(void)
{
	g_mutex_lock(&disk.lock);
	disk.shut = true;
	g_mutex_unlock(&disk.lock);
}

/* Until the writer's thread stands in fdatasync(). */
static void disk_wait(void)
{
	g_mutex_lock(&disk.lock);
	while (!disk.waiting)
		g_cond_wait(&disk.changed, &disk.lock);
	g_mutex_unlock(&disk.lock);
}

static void disk_open(void)
{
	g_mutex_lock(&disk.lock);
	disk.shut = false;
	g_cond_broadcast(&disk.changed);
	g_mutex_unlock(&disk.lock);
}

/* Ledgers */

static int set_up(void **state)
{
	*state = tree_new();
	return 0;
}

static int tear_down(void **state)
{
	disk_works();
	disk_open();
	disk.delay = 0;
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

static void put(struct srv_ledger *ledger, uint32_t n)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(ledger);
	sriov_autoerror err = NULL;

	test_put(txn, n);
	assert_ok(test_commit(txn, &err), err);
}

/* What a start after a crash at this moment would find. */
static char *after_a_crash(const char *dir)
{
	static const char *const files[] = { "ledger.sqlite", "ledger.sqlite-wal" };
	char *copy = tree_new(), *text;
	struct srv_ledger *ledger;

	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *from = g_build_filename(dir, files[i], NULL);
		g_autofree char *to = g_build_filename(copy, files[i], NULL);
		g_autofree char *bytes = NULL;
		gsize n;

		if (g_file_get_contents(from, &bytes, &n, NULL))
			assert_true(g_file_set_contents(to, bytes, (gssize)n, NULL));
	}
	ledger = open_ledger(copy);
	text = test_describe_ledger(ledger);
	srv_ledger_close(ledger);
	tree_remove(copy);
	return text;
}

static void assert_contains(struct srv_ledger *ledger, const char *dir, const char *text)
{
	g_autofree char *now = test_describe_ledger(ledger);
	g_autofree char *crashed = after_a_crash(dir);

	assert_string_equal(now, text);
	assert_string_equal(crashed, text);
}

/* Several transactions, and what became of them. */
#define MANY 64
struct many {
	unsigned int called;
	unsigned int at[MANY]; /* in the order of the calls */
	int errors[MANY];      /* 0: on disk */
	struct one {
		struct many *many;
		unsigned int n;
	} ones[MANY];
};

static void called(const struct sriov_error *error, void *data)
{
	struct one *one = data;

	if (error)
		assert_int_equal(error->code, SRIOV_ERROR_LEDGER);
	one->many->at[one->many->called++] = one->n;
	one->many->errors[one->n] = error ? error->err : 0;
}

static void commit_as(struct many *many, unsigned int n, struct srv_ledger_txn *txn)
{
	many->ones[n] = (struct one){ many, n };
	srv_ledger_commit(txn, called, &many->ones[n]);
}

static void commit_row(struct many *many, unsigned int n, struct srv_ledger *ledger)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(ledger);

	test_put(txn, n);
	commit_as(many, n, txn);
}

static void wait_for(const struct many *many, unsigned int n)
{
	while (many->called < n)
		g_main_context_iteration(NULL, TRUE);
}

static void assert_in_order(const struct many *many, unsigned int n)
{
	assert_int_equal(many->called, n);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(many->at[i], i);
}

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

/* Failing disks */

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

static void full_disk_fails_the_group_and_the_next_commit_works(void **state)
{
	fail_at_every_write(*state, ENOSPC, ENOSPC);
}

static void failing_write_fails_the_group_and_the_next_commit_works(void **state)
{
	fail_at_every_write(*state, EIO, EIO);
}

/* Its pages may all be in the log by then: after a crash they must not count. */
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
		CASE(full_disk_fails_the_group_and_the_next_commit_works),
		CASE(failing_write_fails_the_group_and_the_next_commit_works),
		CASE(failing_sync_fails_the_group_for_good),
		CASE(failing_sync_on_a_full_disk_fails_the_group_for_good),
		CASE(a_file_that_may_not_grow_fails_commits_until_it_may),
		CASE(what_was_acknowledged_survives_kill_at_any_moment),
		CASE(close_finishes_and_calls_back_all_that_was_committed),
		CASE(close_waits_for_what_callbacks_commit),
		CASE(empty_transaction_is_called_back_in_its_turn_and_costs_nothing),
	};

	take_sqlites_writes();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
