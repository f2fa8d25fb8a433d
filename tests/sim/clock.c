// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sim/clock.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include "srv/sriovd/ledger.h"
#include "srv/sriovd/queue.h"
#include "tests/sim/world.h"

/* Nothing that works takes this long: it hangs, and the test with it. */
#define REAL_SECONDS_MAX 60

static int64_t wall_offset; /* seconds */
static gint64 skew;	    /* nanoseconds that the clock is ahead of the real one */
static gint commits_open;

int clock_gettime(clockid_t clock, struct timespec *ret)
{
	int r = (int)syscall(SYS_clock_gettime, clock, ret);
	gint64 ahead;

	if (r == 0 && clock == CLOCK_MONOTONIC) {
		ahead = __atomic_load_n(&skew, __ATOMIC_SEQ_CST) + ret->tv_nsec;
		ret->tv_sec += ahead / 1000000000;
		ret->tv_nsec = ahead % 1000000000;
	}
	if (r == 0 && clock == CLOCK_REALTIME)
		ret->tv_sec += __atomic_load_n(&wall_offset, __ATOMIC_SEQ_CST);
	return r;
}

/* GLib asks it for g_get_real_time(), where it does not ask clock_gettime(). */
int gettimeofday(struct timeval *restrict ret, void *restrict zone)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*ret = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
	return 0;
}

void sim_clock_set_wall(int64_t seconds)
{
	__atomic_store_n(&wall_offset, seconds, __ATOMIC_SEQ_CST);
}

/* Commits whose callback has not come yet */

struct commit {
	void (*done)(const struct sriov_error *error, void *data);
	void *data;
};

void __real_srv_ledger_commit(struct srv_ledger_txn *txn,
			      void (*done)(const struct sriov_error *error, void *data),
			      void *data);
void __wrap_srv_ledger_commit(struct srv_ledger_txn *txn,
			      void (*done)(const struct sriov_error *error, void *data),
			      void *data);

static void commit_done(const struct sriov_error *error, void *data)
{
	struct commit *commit = data;

	g_atomic_int_add(&commits_open, -1);
	if (commit->done)
		commit->done(error, commit->data);
	g_free(commit);
}

void __wrap_srv_ledger_commit(struct srv_ledger_txn *txn,
			      void (*done)(const struct sriov_error *error, void *data), void *data)
{
	struct commit *commit = g_new(struct commit, 1);

	*commit = (struct commit){ done, data };
	if (!done)
		srv_ledger_keep(txn);
	g_atomic_int_inc(&commits_open);
	__real_srv_ledger_commit(txn, commit_done, commit);
}

/* Its place among those that hang in a driver; -1 when it does not. */
static int hangs(pid_t pid)
{
	for (size_t i = 0; *sim_world->faults.hang_file && i < G_N_ELEMENTS(sim_world->hanging);
	     i++) {
		if (pid == sim_world->hanging[i])
			return (int)i;
	}
	return -1;
}

/* Who hangs in the kernel does not die of it before it comes out. */
int kill(pid_t pid, int sig)
{
	int slot = sim_world && pid > 0 && sig == SIGKILL ? hangs(pid) : -1;

	if (slot < 0)
		return (int)syscall(SYS_kill, pid, sig);
	sim_world->killed[slot] = true;
	return 0;
}

/*
 * Children whose end has not been told yet. That they are at work is not enough: GLib has a thread
 * that reaps them, and tells the main thread a moment later.
 */
struct watch {
	pid_t pid;
	GChildWatchFunc done;
	gpointer data;
	struct watch *next;
};

static struct watch *watches; /* main thread */

guint __real_g_child_watch_add(GPid pid, GChildWatchFunc done, gpointer data);
guint __wrap_g_child_watch_add(GPid pid, GChildWatchFunc done, gpointer data);

static void child_done(GPid pid, gint status, gpointer data)
{
	struct watch *watch = data;

	for (struct watch **at = &watches; *at; at = &(*at)->next) {
		if (*at != watch)
			continue;
		*at = watch->next;
		break;
	}
	watch->done(pid, status, watch->data);
	g_free(watch);
}

guint __wrap_g_child_watch_add(GPid pid, GChildWatchFunc done, gpointer data)
{
	struct watch *watch = g_new(struct watch, 1);

	*watch = (struct watch){ pid, done, data, watches };
	watches = watch;
	return __real_g_child_watch_add(pid, child_done, watch);
}

void sim_clock_forget_children(void)
{
	watches = NULL;
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid;
}

/* Not those that hang in a driver. */
static bool has_children(void)
{
	for (const struct watch *watch = watches; watch; watch = watch->next) {
		if (hangs(watch->pid) < 0 || has_ended(watch->pid))
			return true;
	}
	return false;
}

/* Of threads that hang nothing is to be expected, nor of what stands behind them. */
static bool has_running(void)
{
	return srv_queue_active_all() >
	       __atomic_load_n(&sim_world->hanging_threads, __ATOMIC_SEQ_CST);
}

static bool has_items(void)
{
	if (__atomic_load_n(&sim_world->hanging_threads, __ATOMIC_SEQ_CST) == 0)
		return !srv_queue_drain_all(0);
	if (has_running())
		return true;
	/* Those whose fault has just ended are given a moment to see that. */
	g_usleep(3000);
	return has_running();
}

bool sim_is_busy(void)
{
	return g_atomic_int_get(&commits_open) > 0 || has_items() || has_children();
}

static gint real_poll(GPollFD *fds, guint n, gint timeout)
{
	return poll((struct pollfd *)fds, n, timeout);
}

static gint sim_poll(GPollFD *fds, guint n, gint timeout)
{
	for (int tries = 0; tries < REAL_SECONDS_MAX * 1000; tries++) {
		gint r = real_poll(fds, n, 0);

		if (r != 0 || timeout == 0)
			return r;
		if (sim_is_busy()) {
			r = real_poll(fds, n, 1);
			if (r != 0)
				return r;
			continue;
		}
		/* What ended meanwhile has woken us, or is done for. */
		r = real_poll(fds, n, 0);
		if (r != 0)
			return r;
		if (timeout > 0) {
			__atomic_add_fetch(&skew, (gint64)timeout * 1000000, __ATOMIC_SEQ_CST);
			return 0;
		}
		real_poll(fds, n, 1);
	}
	if (g_getenv("SIM_STAY"))
		pause(); /* for a debugger */
	g_error("the simulation hangs (%d commits, %s, %s)", g_atomic_int_get(&commits_open),
		srv_queue_drain_all(0) ? "idle" : "threads",
		has_children() ? "a child" : "no child");
}

void sim_clock_install(void)
{
	g_main_context_set_poll_func(NULL, sim_poll);
}

static gboolean on_limit(gpointer data)
{
	*(bool *)data = true;
	return G_SOURCE_REMOVE;
}

static bool never(void *data)
{
	return false;
}

bool sim_run_until(bool (*cond)(void *data), void *data, unsigned ms)
{
	bool late = false;
	guint source;

	if (cond(data))
		return true;
	source = g_timeout_add(ms, on_limit, &late);
	while (!late) {
		g_main_context_iteration(NULL, TRUE);
		if (cond(data)) {
			if (!late)
				g_source_remove(source);
			return true;
		}
	}
	return cond(data);
}

void sim_run(unsigned ms)
{
	sim_run_until(never, NULL, ms);
}
