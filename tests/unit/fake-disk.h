/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What the tests of the ledger's writer share: a disk that is in the test's hands (fdatasync() is
 * this file's, for SQLite too, and SQLite's writes go through fake_write()), and transactions with
 * what became of them. For one test program to include, once.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
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
	bool cut; /* a file was made shorter, and that is not synced yet */
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
	disk.cut = disk.cut && fails;
	g_mutex_unlock(&disk.lock);
	if (disk.delay)
		g_usleep(disk.delay);
	if (fails) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

static inline bool disk_refuses(void)
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

static inline ssize_t fake_write(int fd, const void *bytes, size_t n)
{
	return disk_refuses() ? -1 : write(fd, bytes, n);
}

static inline ssize_t fake_pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	return disk_refuses() ? -1 : pwrite(fd, bytes, n, at);
}

static inline int fake_ftruncate(int fd, off_t size)
{
	g_mutex_lock(&disk.lock);
	disk.cut = true;
	g_mutex_unlock(&disk.lock);
	return ftruncate(fd, size);
}

/* SQLite's own door for tests: which of them it goes through depends on how it was built. */
static inline void take_sqlites_writes(void)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

	vfs->xSetSystemCall(vfs, "write", (sqlite3_syscall_ptr)fake_write);
	vfs->xSetSystemCall(vfs, "pwrite", (sqlite3_syscall_ptr)fake_pwrite);
	vfs->xSetSystemCall(vfs, "pwrite64", (sqlite3_syscall_ptr)fake_pwrite);
	vfs->xSetSystemCall(vfs, "ftruncate", (sqlite3_syscall_ptr)fake_ftruncate);
}

static inline void disk_fails(int writes_left, int write_errno, int syncs_to_fail)
{
	g_mutex_lock(&disk.lock);
	disk.writes_left = writes_left;
	disk.write_errno = write_errno;
	disk.syncs_to_fail = syncs_to_fail;
	g_mutex_unlock(&disk.lock);
}

static inline void disk_works(void)
{
	disk_fails(-1, 0, 0);
}

static inline void disk_shut(void)
{
	g_mutex_lock(&disk.lock);
	disk.shut = true;
	g_mutex_unlock(&disk.lock);
}

/* Until the writer's thread stands in fdatasync(). */
static inline void disk_wait(void)
{
	g_mutex_lock(&disk.lock);
	while (!disk.waiting)
		g_cond_wait(&disk.changed, &disk.lock);
	g_mutex_unlock(&disk.lock);
}

static inline void disk_open(void)
{
	g_mutex_lock(&disk.lock);
	disk.shut = false;
	g_cond_broadcast(&disk.changed);
	g_mutex_unlock(&disk.lock);
}

/* Ledgers */

static inline int set_up(void **state)
{
	*state = tree_new();
	return 0;
}

static inline int tear_down(void **state)
{
	disk_works();
	disk_open();
	disk.delay = 0;
	tree_remove(*state);
	return 0;
}

static inline struct srv_ledger *open_ledger(const char *dir)
{
	struct srv_ledger *ledger;
	sriov_autoerror err = NULL;

	assert_ok(srv_ledger_open(dir, &ledger, &err), err);
	return ledger;
}

static inline void put(struct srv_ledger *ledger, uint32_t n)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(ledger);
	sriov_autoerror err = NULL;

	test_put(txn, n);
	assert_ok(test_commit(txn, &err), err);
}

/* What a start after a crash at this moment would find. */
static inline char *after_a_crash(const char *dir)
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

static inline void assert_contains(struct srv_ledger *ledger, const char *dir, const char *text)
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

static inline void called(const struct sriov_error *error, void *data)
{
	struct one *one = data;

	if (error)
		assert_int_equal(error->code, SRIOV_ERROR_LEDGER);
	one->many->at[one->many->called++] = one->n;
	one->many->errors[one->n] = error ? error->err : 0;
}

static inline void commit_as(struct many *many, unsigned int n, struct srv_ledger_txn *txn)
{
	many->ones[n] = (struct one){ many, n };
	srv_ledger_commit(txn, called, &many->ones[n]);
}

static inline void commit_row(struct many *many, unsigned int n, struct srv_ledger *ledger)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(ledger);

	test_put(txn, n);
	commit_as(many, n, txn);
}

static inline void wait_for(const struct many *many, unsigned int n)
{
	while (many->called < n)
		g_main_context_iteration(NULL, TRUE);
}

static inline void assert_in_order(const struct many *many, unsigned int n)
{
	assert_int_equal(many->called, n);
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(many->at[i], i);
}
