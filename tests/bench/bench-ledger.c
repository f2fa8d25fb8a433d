// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench-ledger [DIR [SECONDS]]
 *
 * Durable transactions on the file system of DIR (default: the working directory), each of one nic
 * and one VF as a claim writes them, into a ledger of 1,000 nics:
 *
 * - one at a time: the time from commit to callback, against the floor, which is writing 4 KiB to
 *   the end of a file and fdatasync(2). Turn about, so that whatever else the disk does hits both;
 *   medians, and their ratio
 * - 64 in flight, for SECONDS (default 3): each callback commits the next; transactions a second,
 *   and group commits (one fdatasync each) for every one of them. Fails above the 0.1, and below
 * the 15,000 a second, that it must reach
 * - opening and loading 10,000 nics
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "srv/sriovd/ledger.h"
#include "tests/support/ledger-rows.h"
#include "tests/support/tree.h"

#define NICS	     1000
#define NICS_TO_LOAD 10000
#define ROUNDS	     1000
#define IN_FLIGHT    64
#define BLOCK	     4096
#define RATE_MIN     15000
#define SYNCS_MAX    0.1

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench-ledger: %s: %s\n", what, why);
	exit(2);
}

static struct srv_ledger *open_ledger(const char *dir)
{
	struct srv_ledger *ledger;
	sriov_autoerror err = NULL;

	if (srv_ledger_open(dir, &ledger, &err) < 0)
		die("cannot open the ledger", err->message);
	return ledger;
}

static void fill(struct srv_ledger *ledger, uint32_t n)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(ledger);
	sriov_autoerror err = NULL;

	for (uint32_t i = 0; i < n; i++)
		test_put(txn, i);
	if (test_commit(txn, &err) < 0)
		die("cannot fill the ledger", err->message);
}

static int compare(const void *a, const void *b)
{
	gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

	return x < y ? -1 : x > y;
}

static gint64 median(gint64 *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), compare);
	return values[n / 2];
}

static gint64 write_and_sync(int fd)
{
	static const char block[BLOCK];
	gint64 start = g_get_monotonic_time();

	if (write(fd, block, sizeof(block)) != sizeof(block) || fdatasync(fd) < 0)
		die("cannot write", strerror(errno));
	return g_get_monotonic_time() - start;
}

static gint64 commit_one(struct srv_ledger *ledger, uint32_t n)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(ledger);
	sriov_autoerror err = NULL;
	gint64 start;

	test_put(txn, n % NICS);
	start = g_get_monotonic_time();
	if (test_commit(txn, &err) < 0)
		die("cannot commit", err->message);
	return g_get_monotonic_time() - start;
}

static void bench_single(struct srv_ledger *ledger, const char *dir)
{
	g_autofree char *path = g_build_filename(dir, "floor", NULL);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	gint64 floors[ROUNDS], commits[ROUNDS];

	if (fd < 0)
		die(path, strerror(errno));
	for (int i = -10; i < ROUNDS; i++) {
		gint64 a = write_and_sync(fd), b = commit_one(ledger, (uint32_t)(i + 10) * 37);

		if (i < 0)
			continue; /* warms the caches */
		floors[i] = a;
		commits[i] = b;
	}
	close(fd);
	printf("one at a time   write + fdatasync %5ld us  commit %5ld us  ratio %.2f\n",
	       (long)median(floors, ROUNDS), (long)median(commits, ROUNDS),
	       (double)median(commits, ROUNDS) / (double)median(floors, ROUNDS));
}

struct flight {
	struct srv_ledger *ledger;
	uint32_t next;
	unsigned int open;
	gint64 until;
};

static void next(struct flight *flight);

static void landed(const struct sriov_error *error, void *data)
{
	struct flight *flight = data;

	if (error)
		die("cannot commit", error->message);
	flight->open--;
	if (g_get_monotonic_time() < flight->until)
		next(flight);
}

static void next(struct flight *flight)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(flight->ledger);

	test_put(txn, flight->next++ * 37 % NICS);
	flight->open++;
	srv_ledger_commit(txn, landed, flight);
}

/* False when it misses what it must reach. */
static bool bench_in_flight(struct srv_ledger *ledger, int seconds)
{
	gint64 start = g_get_monotonic_time();
	struct flight flight = { .ledger = ledger, .until = start + seconds * G_USEC_PER_SEC };
	uint64_t txns_before, commits_before, txns, commits;
	double rate, syncs;
	bool ok;

	srv_ledger_counts(ledger, &txns_before, &commits_before);
	for (int i = 0; i < IN_FLIGHT; i++)
		next(&flight);
	while (flight.open)
		g_main_context_iteration(NULL, TRUE);
	srv_ledger_counts(ledger, &txns, &commits);
	rate = (double)(txns - txns_before) * G_USEC_PER_SEC /
	       (double)(g_get_monotonic_time() - start);
	syncs = (double)(commits - commits_before) / (double)(txns - txns_before);
	ok = rate >= RATE_MIN && syncs <= SYNCS_MAX;
	printf("%d in flight    %.0f durable transactions a second, %.3f commits each, must be "
	       ">= %d and <= %.1f: %s\n",
	       IN_FLIGHT, rate, syncs, RATE_MIN, SYNCS_MAX, ok ? "ok" : "MISSED");
	return ok;
}

static void bench_load(const char *dir)
{
	struct srv_ledger *ledger = open_ledger(dir);
	struct srv_ledger_image *image;
	sriov_autoerror err = NULL;
	gint64 start;

	fill(ledger, NICS_TO_LOAD);
	srv_ledger_close(ledger);
	start = g_get_monotonic_time();
	ledger = open_ledger(dir);
	if (srv_ledger_load(ledger, &image, &err) < 0)
		die("cannot load the ledger", err->message);
	printf("%u nics      opened, checked and loaded in %.1f ms\n", image->nics->len,
	       (double)(g_get_monotonic_time() - start) / 1000);
	srv_ledger_image_free(image);
	srv_ledger_close(ledger);
}

int main(int argc, char **argv)
{
	char *dir = g_build_filename(argc > 1 ? argv[1] : ".", "bench-ledger-XXXXXX", NULL);
	int seconds = argc > 2 ? atoi(argv[2]) : 3;
	g_autofree char *small = NULL, *big = NULL;
	struct srv_ledger *ledger;
	bool ok;

	if (seconds < 1 || !g_mkdtemp(dir))
		die(dir, seconds < 1 ? "that is no time" : strerror(errno));
	small = g_build_filename(dir, "small", NULL);
	big = g_build_filename(dir, "big", NULL);
	ledger = open_ledger(small);
	fill(ledger, NICS);
	bench_single(ledger, dir);
	ok = bench_in_flight(ledger, seconds);
	srv_ledger_close(ledger);
	bench_load(big);
	tree_remove(dir);
	return ok ? 0 : 1;
}
