// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * make crash: the daemon is killed before every call that changes something outside it, in every
 * workload of workloads.c; enumerated, not sampled. After each kill another daemon starts on what
 * was left, and the rules of DESIGN.md section 3 must hold: at rest, and when everybody has gone.
 *
 * Then the power is cut at every flush of the ledger in each workload: the host boots again with
 * nothing but what the disk could have, and libvirt's configurations, and the same must hold.
 *
 *	CRASH_EVERY=n	only every n-th point, and every n-th cut (1)
 *	CRASH_ONLY=name	only that workload
 *	CRASH_POINT=k	only that point, with the daemon's log
 *	CRASH_JOBS=n	so many at a time (the number of CPUs)
 *
 * This process never starts a thread, so that it can fork; every daemon lives in a child.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "srv/sriovd/reconcile.h"
#include "tests/sim/disk.h"
#include "tests/sim/sim.h"
#include "tests/sim/workloads.h"
#include "tests/support/tree.h"

#define TALE_MAX 8 /* violations that are told in full */

/* What all jobs add to. */
struct score {
	unsigned points, cuts, violations, told;
};

static struct score *score;
static unsigned every, jobs;

/* Copies of the host's directory */

static const char *copy_from, *copy_to;

static int copy_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	g_autofree char *to = g_strconcat(copy_to, path + strlen(copy_from), NULL);
	g_autofree char *bytes = NULL;
	char target[PATH_MAX];
	ssize_t n;
	gsize len;

	switch (type) {
	case FTW_D:
		return mkdir(to, 0700) < 0 && errno != EEXIST ? -1 : 0;
	case FTW_SL:
		n = readlink(path, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		return symlink(target, to);
	default: /* a regular file, or the API's socket, which nobody listens on any more */
		if (S_ISSOCK(st->st_mode))
			return 0;
		if (!g_file_get_contents(path, &bytes, &len, NULL))
			return -1;
		n = open(to, O_CREAT | O_WRONLY | O_EXCL | O_CLOEXEC, 0600);
		if (n < 0 || write((int)n, bytes, len) != (ssize_t)len)
			return -1;
		close((int)n);
		return 0;
	}
}

/* A new directory with what another has. */
static char *copy_tree(const char *from)
{
	char *to = tree_new();

	copy_from = from;
	copy_to = to;
	if (nftw(from, copy_entry, 32, FTW_PHYS) != 0)
		g_error("%s: cannot be copied: %s", from, g_strerror(errno));
	return to;
}

/* Processes */

static void reap_orphans(void)
{
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
}

/*
 * Runs fn on the host in a process group of its own, to be killed at that point (0: not). Returns
 * its wait status; the host is free of processes then.
 */
static int run_child(char *root, uint32_t kill_at, void (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		g_error("fork: %s", g_strerror(errno));
	if (pid == 0) {
		sim_root = root;
		sim_world_open(root);
		sim_world_renew_lock();
		sim_live(kill_at);
		alarm(120); /* only what hangs */
		fn();
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		g_error("waitpid: %s", g_strerror(errno));
	reap_orphans();
	return status;
}

static bool was_killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* Judging */

static void found(const char *when, const char *broken)
{
	sim_lock();
	if (broken && strcmp(broken, sim_world->violation) != 0)
		sim_broken("%s: %s", when, broken);
	sim_unlock();
}

static void judge(const char *when)
{
	g_autofree char *broken = sim_check_rules() ?: sim_check_mended();

	found(when, broken);
}

static void judge_end(void)
{
	g_autofree char *broken = NULL;

	judge("at the end");
	broken = sim_check_empty();
	found("at the end", broken);
}

static const struct sim_workload *at_work;

static void recover(void)
{
	/* What failed before the kill works again. */
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
	if (g_getenv("SIM_LOG"))
		fprintf(stderr, "-- killed at %u (%s)\n", sim_world->doors, sim_world->killed_at);
	sim_start();
	sim_virt_event(sim_stranger()->uuid, SRV_VIRT_STARTED);
	sim_virt_event(sim_stranger()->uuid, SRV_VIRT_DEFINED);
	if (sim_mend_host()) {
		/* What was in vain without the PF is tried again with the next pass. */
		sim_settle();
		srv_reconcile(sim_daemon);
	}
	sim_settle();
	sim_settle_orders();
	if (at_work->run == sim_run_remove_failover)
		sim_remove_again();
	judge("after recovery");
	if (g_getenv("SIM_LOG"))
		fprintf(stderr, "-- recovered\n");
	sim_end_everything();
	sim_settle_errors();
	judge_end();
	sim_stop();
}

static void recover_only(void)
{
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
	sim_start();
	sim_stop();
}

static void tell(const struct sim_workload *workload, const char *what, const char *when)
{
	__atomic_add_fetch(&score->violations, 1, __ATOMIC_SEQ_CST);
	if (__atomic_add_fetch(&score->told, 1, __ATOMIC_SEQ_CST) <= TALE_MAX)
		fprintf(stderr, "VIOLATION %s, %s (%s): %s\n", workload->name, when,
			sim_world->killed_at, what);
}

/* Recovers on the host and counts what is wrong; the host is gone afterwards. */
static void settle_with(const struct sim_workload *workload, char *root, const char *when,
			void (*how)(void), unsigned *count)
{
	int status = run_child(root, 0, how);

	sim_world_open(root);
	__atomic_add_fetch(count, 1, __ATOMIC_SEQ_CST);
	if (sim_world->violations)
		tell(workload, sim_world->violation, when);
	else if (status != 0)
		tell(workload, "the daemon does not come up again", when);
	sim_world_close();
	if (status != 0 && g_getenv("CRASH_KEEP"))
		fprintf(stderr, "kept: %s\n", root);
	else
		tree_remove(root);
}

static void settle_score(const struct sim_workload *workload, char *root, const char *when)
{
	settle_with(workload, root, when, recover, &score->points);
}

/* Kills in the recovery from one kill, at every point of it. */
/* FAULTS row 3: kill -9 during recovery */
static void kill_recovery(const struct sim_workload *workload, const char *killed, uint32_t first)
{
	for (uint32_t k = 1 + (first * 7) % every;; k += every) {
		char *root = copy_tree(killed);
		g_autofree char *when = g_strdup_printf("killed at %u and in recovery at %u", first,
							k);

		if (!was_killed(run_child(root, k, recover_only))) {
			tree_remove(root);
			return;
		}
		settle_score(workload, root, when);
	}
}

/* One job's share of a workload's points. Returns the number of points there are. */
static uint32_t run_points(const struct sim_workload *workload, const char *prepared, unsigned job)
{
	uint32_t k;

	for (k = 1 + job * every;; k += jobs * every) {
		char *root = copy_tree(prepared);
		g_autofree char *when = g_strdup_printf("killed at %u", k);
		int status = run_child(root, k, workload->run);

		if (!was_killed(status)) {
			if (status != 0)
				g_error("%s: without a kill it ends with status %x", workload->name,
					(unsigned)status);
			tree_remove(root);
			return k;
		}
		settle_score(workload, root, when);
	}
}

static void run_recoveries(const struct sim_workload *workload, const char *prepared, uint32_t n,
			   unsigned job)
{
	for (int i = (int)job; i < workload->recoveries; i += (int)jobs) {
		uint32_t k = 1 + n * (uint32_t)i / (uint32_t)workload->recoveries;
		char *root = copy_tree(prepared);

		if (was_killed(run_child(root, k, workload->run)))
			kill_recovery(workload, root, k);
		tree_remove(root);
	}
}

/* Power cuts */

static const enum sim_disk_rest rests[] = { SIM_DISK_NONE, SIM_DISK_ALL, SIM_DISK_SOME };

static char *cut_dir(const char *root, unsigned n)
{
	return g_strdup_printf("%s/cuts/%u", root, n);
}

/* The host as it is found after the cut: a folder of its own in the one that was recorded. */
static void write_cut(size_t moment, enum sim_disk_rest rest, unsigned n)
{
	g_autofree char *dir = cut_dir(sim_root, n);
	g_autofree char *state = g_build_filename(dir, "state", NULL);
	g_autofree char *world = g_build_filename(dir, "world", NULL);
	g_autofree char *config = g_build_filename(sim_root, "config/sriovd.json", NULL);
	g_autofree char *text = NULL;

	tree_dir(dir, "state");
	sim_disk_restore(moment, rest, (unsigned)moment, state);
	g_file_get_contents(config, &text, NULL, NULL);
	tree_file(dir, "config/sriovd.json", text);
	if (!g_file_set_contents(world, (const char *)sim_disk_world(moment), sizeof(*sim_world),
				 NULL))
		g_error("%s: cannot be written", world);
}

static void write_cuts(void)
{
	unsigned n = 0, seen = 0;

	for (size_t moment = 0; moment < sim_disk_moments(); moment++) {
		for (size_t i = 0; sim_disk_world(moment) && i < G_N_ELEMENTS(rests); i++) {
			if (seen++ % every == 0)
				write_cut(moment, rests[i], n++);
		}
	}
}

static void (*recorded)(void);

static void run_recorded(void)
{
	g_autofree char *state = g_build_filename(sim_root, "state", NULL);

	sim_disk_record(state);
	recorded();
	sim_disk_stop();
	sim_doors_off();
	write_cuts();
}

/* The host boots: its guests start by themselves, as they did before. */
static void recover_from_cut(void)
{
	bool ran[SIM_DOMAINS];

	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
	memset(sim_world->hanging, 0, sizeof(sim_world->hanging));
	g_strlcpy(sim_world->killed_at, "power cut", sizeof(sim_world->killed_at));
	for (int i = 0; i < SIM_DOMAINS; i++)
		ran[i] = sim_world->domain[i].active && !sim_world->domain[i].stranger;
	sim_reboot();
	sim_start();
	sim_settle_orders();
	judge("after a boot");
	for (int i = 0; i < SIM_DOMAINS; i++) {
		if (ran[i] && *sim_world->domain[i].uuid)
			g_free(sim_boot(&sim_world->domain[i]));
	}
	sim_settle();
	sim_settle_orders();
	judge("with its guests");
	sim_end_everything();
	sim_settle_errors();
	judge_end();
	sim_stop();
}

/* FAULTS row 4: power cut of the host VM at any flush */
static void run_cuts(const struct sim_workload *workload, const char *recording, unsigned job)
{
	for (unsigned n = job;; n += jobs) {
		g_autofree char *dir = cut_dir(recording, n);
		g_autofree char *when = g_strdup_printf("power cut %u", n * every);

		if (!g_file_test(dir, G_FILE_TEST_IS_DIR))
			return;
		settle_with(workload, g_steal_pointer(&dir), when, recover_from_cut, &score->cuts);
	}
}

static char *record(const struct sim_workload *workload, const char *prepared)
{
	char *root = copy_tree(prepared);

	recorded = workload->run;
	if (run_child(root, 0, run_recorded) != 0)
		g_error("%s cannot be recorded", workload->name);
	return root;
}

static char *prepare(const struct sim_workload *workload)
{
	char *root;

	at_work = workload;
	sim_new(workload->config);
	root = g_strdup(sim_root);
	sim_world_close();
	if (workload->prepare && run_child(root, 0, workload->prepare) != 0)
		g_error("%s cannot be prepared", workload->name);
	return root;
}

static void run_one_point(const struct sim_workload *workload, uint32_t k)
{
	char *root = prepare(workload);
	g_autofree char *when = g_strdup_printf("killed at %u", k);

	g_setenv("SIM_LOG", "1", TRUE);
	if (was_killed(run_child(root, k, workload->run)))
		settle_score(workload, root, when);
	else
		tree_remove(root);
}

static void run_workload(const struct sim_workload *workload)
{
	char *prepared = prepare(workload);
	char *recording = record(workload, prepared);
	unsigned before = score->points, cuts = score->cuts;

	for (unsigned job = 0; job < jobs; job++) {
		pid_t pid = fork();

		if (pid < 0)
			g_error("fork: %s", g_strerror(errno));
		if (pid == 0) {
			/* What its daemons leave behind comes to it. */
			prctl(PR_SET_CHILD_SUBREAPER, 1);
			run_recoveries(workload, prepared, run_points(workload, prepared, job),
				       job);
			run_cuts(workload, recording, job);
			_exit(0);
		}
	}
	for (unsigned job = 0; job < jobs; job++) {
		int status;

		if (wait(&status) < 0 || status != 0) {
			fprintf(stderr, "%s: a job failed (status %x)\n", workload->name,
				(unsigned)status);
			score->violations++;
		}
	}
	printf("%s: %u points, %u power cuts\n", workload->name, score->points - before,
	       score->cuts - cuts);
	fflush(stdout);
	tree_remove(recording);
	tree_remove(prepared);
}

static unsigned number(const char *name, unsigned fallback)
{
	const char *text = g_getenv(name);

	return text && *text ? (unsigned)MAX(strtoul(text, NULL, 10), 1) : fallback;
}

int main(void)
{
	const char *only = g_getenv("CRASH_ONLY");

	every = number("CRASH_EVERY", 1);
	jobs = number("CRASH_JOBS", (unsigned)sysconf(_SC_NPROCESSORS_ONLN));
	score = mmap(NULL, sizeof(*score), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		     0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	for (const struct sim_workload *workload = sim_workloads; workload->name; workload++) {
		if (only && strcmp(only, workload->name) != 0)
			continue;
		if (g_getenv("CRASH_POINT"))
			run_one_point(workload, number("CRASH_POINT", 1));
		else
			run_workload(workload);
	}
	printf("kill points: %u, power cuts: %u, violations: %u\n", score->points, score->cuts,
	       score->violations);
	return score->violations != 0 || score->points == 0;
}
