// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench-flood SRIOVD [VFS [PAIRS]]
 *
 * How much slower a flooding stranger makes others: a real sriovd on a generated host of VFS
 * (default 1000) VFs is asked by root at the members' door, on one connection and on a new one for
 * each call, while a stranger (uid 65534) floods the public one in several ways.
 *
 * Machines are noisier than what is looked for, so it is measured in pairs (default 30) of short
 * phases right after each other, one with the flood and one with a stranger who only spins on the
 * same processor, and only phases of one pair are compared: the figure is the median of the pairs'
 * ratios, with the interval in which it is with 95 % (of ordered ratios, hence of no assumption
 * about the noise). Of each phase the median and the mean are compared; the mean is what a flood
 * costs in all, also when it comes in bursts. The kind "spins" compares spinning with spinning: how
 * far its figures are from 0 is what the machine adds.
 *
 * The flooder has a processor of its own, the last one, and sriovd and who asks it the first one:
 * what is measured is what the daemon does for the flooder, not that he uses up the machine. Before
 * it is measured he has used up what strangers save, and in each phase what came together
 * meanwhile. Needs root and two processors.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include "srv/protocol/client.h"
#include "tests/bench/bench.h"
#include "tests/support/tree.h"

#define STRANGER    65534
#define CONNECTIONS 64
#define PAIRS_MAX   1000

#define BURN_MS	  4000 /* until what is saved up is used */
#define WARM_MS	  100  /* the same in each phase */
#define PHASE_MS  200
#define ALONE_MS  2000
#define SETTLE_MS 150 /* until the daemon has forgotten the flooder */

#define INFOS	  5	/* of the quick calls for one of GetStatus, which reads the whole host */
#define CALLS_MAX 20000 /* of a kind in a phase */

static const char status[] = "{\"method\":\"io.sriovd.GetStatus\"}";
static const char info[] = "{\"method\":\"org.varlink.service.GetInfo\"}";

static char *socket_path, *members_path;

static void pin_to(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("sched_setaffinity");
}

/* false when the connection is at its end. */
static bool ask(int fd, const char *message, size_t n)
{
	char buf[65536];
	ssize_t got;

	if (send(fd, message, n, MSG_NOSIGNAL) != (ssize_t)n)
		return false;
	do {
		got = recv(fd, buf, sizeof(buf), 0);
	} while (got > 0 && buf[got - 1] != '\0');
	return got > 0;
}

/* The stranger */

static void flood_spins(void)
{
	for (;;)
		;
}

static void open_all(int *fds)
{
	for (int i = 0; i < CONNECTIONS; i++) {
		if (fds[i] < 0)
			fds[i] = connect_to(socket_path);
	}
}

/* Sends what the sockets take, and reads the answers or does not. */
static void flood_calls(bool reads)
{
	char buf[65536];
	int fds[CONNECTIONS];

	memset(fds, -1, sizeof(fds));
	for (;;) {
		open_all(fds);
		for (int i = 0; i < CONNECTIONS; i++) {
			ssize_t n = fds[i] < 0 ? 0
					       : send(fds[i], status, sizeof(status),
						      MSG_NOSIGNAL | MSG_DONTWAIT);

			if (fds[i] >= 0 && n < 0 && errno != EAGAIN) {
				close(fds[i]);
				fds[i] = -1;
			}
			while (reads && fds[i] >= 0 &&
			       recv(fds[i], buf, sizeof(buf), MSG_DONTWAIT) > 0)
				;
		}
	}
}

static void flood_asks(void)
{
	flood_calls(true);
}

static void flood_is_deaf(void)
{
	flood_calls(false);
}

static void flood_comes_and_goes(void)
{
	for (;;) {
		int fd = connect_to(socket_path);

		if (fd >= 0)
			close(fd);
	}
}

static void flood_talks_garbage(void)
{
	for (;;) {
		int fd = connect_to(socket_path);

		if (fd < 0)
			continue;
		(void)!send(fd, "{]garbage", 10, MSG_NOSIGNAL);
		close(fd);
	}
}

static const struct {
	const char *name;
	void (*flood)(void);
} floods[] = {
	{ "spins, does not connect", flood_spins },
	{ "asks on 64 connections", flood_asks },
	{ "asks and never reads", flood_is_deaf },
	{ "connects and goes", flood_comes_and_goes },
	{ "connects, talks garbage", flood_talks_garbage },
};

static pid_t start_flood(void (*flood)(void))
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pin_to((int)sysconf(_SC_NPROCESSORS_ONLN) - 1);
	if (setgid(STRANGER) < 0 || setuid(STRANGER) < 0)
		die("setuid; root is needed");
	flood();
	_exit(0);
}

static void stop(pid_t pid, int with)
{
	kill(pid, with);
	waitpid(pid, NULL, 0);
}

/* The member */

enum kind { STATUS, INFO, ANEW, KINDS };

static const char *const kinds[] = { "GetStatus", "GetInfo", "GetInfo, new connection" };

/* Of one phase. */
struct samples {
	gint64 ns[KINDS][CALLS_MAX];
	size_t n[KINDS];
};

/* In microseconds. */
enum figure { MEDIAN, MEAN, NINETY_NINTH, FIGURES };

struct result {
	double flooded[KINDS][FIGURES][PAIRS_MAX], spinning[KINDS][FIGURES][PAIRS_MAX];
	size_t n;
};

static gint64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * G_GINT64_CONSTANT(1000000000) + now.tv_nsec;
}

static gint64 call_once(enum kind kind, int fd)
{
	gint64 began = now_ns();

	if (kind == ANEW)
		fd = connect_to(members_path);
	if (!ask(fd, kind == STATUS ? status : info,
		 kind == STATUS ? sizeof(status) : sizeof(info)))
		die("the daemon does not answer");
	if (kind == ANEW)
		close(fd);
	return now_ns() - began;
}

static void call_often(struct samples *samples, int fd)
{
	gint64 end = g_get_monotonic_time() + PHASE_MS * 1000;

	memset(samples->n, 0, sizeof(samples->n));
	while (g_get_monotonic_time() < end) {
		for (int i = 0; i < 1 + 2 * INFOS; i++) {
			enum kind kind = i == 0 ? STATUS : i % 2 ? INFO : ANEW;

			if (samples->n[kind] == CALLS_MAX)
				return;
			samples->ns[kind][samples->n[kind]++] = call_once(kind, fd);
		}
	}
}

static int compare_ns(const void *a, const void *b)
{
	gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

	return x < y ? -1 : x > y;
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void take_figures(struct samples *samples, double to[KINDS][FIGURES][PAIRS_MAX], size_t pair)
{
	for (enum kind kind = 0; kind < KINDS; kind++) {
		size_t n = samples->n[kind];
		double sum = 0;

		qsort(samples->ns[kind], n, sizeof(gint64), compare_ns);
		for (size_t i = 0; i < n; i++)
			sum += (double)samples->ns[kind][i] / 1000;
		to[kind][MEDIAN][pair] = (double)samples->ns[kind][n / 2] / 1000;
		to[kind][MEAN][pair] = sum / (double)n;
		to[kind][NINETY_NINTH][pair] = (double)samples->ns[kind][n * 99 / 100] / 1000;
	}
}

static void measure(void (*flood)(void), int fd, struct samples *samples,
		    double to[KINDS][FIGURES][PAIRS_MAX], size_t pair)
{
	pid_t pid = start_flood(flood);

	g_usleep(WARM_MS * 1000);
	call_often(samples, fd);
	stop(pid, SIGKILL);
	g_usleep(SETTLE_MS * 1000);
	take_figures(samples, to, pair);
}

/* Sorts values. */
static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare_double);
	return values[n / 2];
}

/* How much more, and from where to where: the order statistics n/2 +- sqrt(n), of the sign test. */
static void print_ratio(const char *name, const double *flooded, const double *spinning, size_t n)
{
	double ratios[PAIRS_MAX];
	size_t from = 0;

	while ((from + 1) * 2 < n && (n - 2 * (from + 1)) * (n - 2 * (from + 1)) > 4 * n)
		from++;
	for (size_t i = 0; i < n; i++)
		ratios[i] = 100 * (flooded[i] / spinning[i] - 1);
	qsort(ratios, n, sizeof(*ratios), compare_double);
	printf("%s %+5.1f %% (%+.1f to %+.1f); ", name, ratios[n / 2], ratios[from],
	       ratios[n - 1 - from]);
}

static void print(const char *name, struct result *result)
{
	printf("a stranger who %s:\n", name);
	for (enum kind kind = 0; kind < KINDS; kind++) {
		double(*flooded)[PAIRS_MAX] = result->flooded[kind];
		double(*spinning)[PAIRS_MAX] = result->spinning[kind];

		printf("  %-24s", kinds[kind]);
		print_ratio("median", flooded[MEDIAN], spinning[MEDIAN], result->n);
		print_ratio("mean", flooded[MEAN], spinning[MEAN], result->n);
		printf("median %.1f us, spinning %.1f; 99th %.0f, spinning %.0f\n",
		       median(flooded[MEDIAN], result->n), median(spinning[MEDIAN], result->n),
		       median(flooded[NINETY_NINTH], result->n),
		       median(spinning[NINETY_NINTH], result->n));
	}
	fflush(stdout);
}

/* Nanoseconds that a thread has run (Documentation/scheduler/sched-stats.rst). */
static double ran_ns(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/task/%d/schedstat", pid, pid);
	g_autofree char *text = NULL;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		die(path);
	return g_ascii_strtod(text, NULL);
}

/*
 * Of the time of the thread that serves all, what the flood alone takes when nobody else asks: the
 * one figure that the rest of the machine hardly touches.
 */
static void print_share(void (*flood)(void), pid_t daemon)
{
	pid_t pid = start_flood(flood);
	gint64 began;
	double before, share;

	g_usleep(WARM_MS * 1000);
	began = g_get_monotonic_time();
	before = ran_ns(daemon);
	g_usleep(ALONE_MS * 1000);
	share = (ran_ns(daemon) - before) / 10 / (double)(g_get_monotonic_time() - began);
	stop(pid, SIGKILL);
	g_usleep(SETTLE_MS * 1000);
	printf("  (alone it takes %.1f %% of the main thread's time)\n", share);
	fflush(stdout);
}

/* What somebody meets with who comes by the public door all the same. */
static void print_public(void (*flood)(void))
{
	double us[20], middle;
	pid_t pid = start_flood(flood);

	g_usleep(WARM_MS * 1000);
	for (size_t i = 0; i < G_N_ELEMENTS(us); i++) {
		gint64 began = g_get_monotonic_time();
		int fd = connect_to(socket_path);

		if (!ask(fd, info, sizeof(info)))
			die("the daemon does not answer");
		close(fd);
		us[i] = (double)(g_get_monotonic_time() - began);
		/* Out of step with how often the door opens. */
		g_usleep(37 * 1000);
	}
	stop(pid, SIGKILL);
	g_usleep(SETTLE_MS * 1000);
	middle = median(us, G_N_ELEMENTS(us));
	printf("  (new connection at the public door: median %.1f ms, at most %.1f)\n",
	       middle / 1000, us[G_N_ELEMENTS(us) - 1] / 1000);
}

static void bench(const char *name, void (*flood)(void), int fd, size_t pairs, pid_t daemon)
{
	g_autofree struct samples *samples = g_new0(struct samples, 1);
	g_autofree struct result *result = g_new0(struct result, 1);
	pid_t pid = start_flood(flood);

	g_usleep(BURN_MS * 1000);
	stop(pid, SIGKILL);
	g_usleep(SETTLE_MS * 1000);
	for (result->n = 0; result->n < pairs; result->n++) {
		bool first = result->n % 2;

		/* Turn about, so that what follows on what does not matter. */
		if (first)
			measure(flood, fd, samples, result->flooded, result->n);
		measure(flood_spins, fd, samples, result->spinning, result->n);
		if (!first)
			measure(flood, fd, samples, result->flooded, result->n);
	}
	print(name, result);
	print_share(flood, daemon);
	print_public(flood);
}

static pid_t start_daemon(const char *program, const char *root)
{
	g_autofree char *config = g_build_filename(root, "config", NULL);
	g_autofree char *state = g_build_filename(root, "state", NULL);
	g_autofree char *plugins = g_build_filename(root, "plugins", NULL);
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl(program, program, "--root", root, "--config-dir", config, "--state-dir", state,
	      "--plugins", plugins, "--socket", socket_path, "--log-level", "error", "--uri",
	      "test:///default", (char *)NULL);
	die(program);
	return -1;
}

/* So that what else the machine does comes in between as little as may be; also for the flooder. */
static void go_first(void)
{
	pin_to(0);
	if (setpriority(PRIO_PROCESS, 0, -20) < 0)
		die("setpriority");
}

static int wait_for_daemon(void)
{
	int fd = -1;

	for (int i = 0; i < 200 && fd < 0; i++) {
		fd = connect_to(members_path);
		if (fd < 0)
			g_usleep(50 * 1000);
	}
	if (fd < 0)
		die("sriovd did not come up");
	return fd;
}

int main(int argc, char **argv)
{
	size_t pairs = argc > 3 ? (size_t)atoi(argv[3]) : 30;
	char *root;
	pid_t daemon;
	int fd;

	if (argc < 2 || geteuid() != 0 || sysconf(_SC_NPROCESSORS_ONLN) < 2 || pairs < 1 ||
	    pairs > PAIRS_MAX) {
		fprintf(stderr, "usage: bench-flood SRIOVD [VFS [PAIRS]], as root, on two "
				"processors; 1 to 1000 pairs\n");
		return 2;
	}
	go_first();
	root = tree_generate(argc > 2 ? (uint32_t)atoi(argv[2]) : 1000, "vfio-pci");
	/* The stranger has to get to the socket. */
	if (chmod(root, 0755) < 0)
		die(root);
	tree_dir(root, "plugins");
	tree_dir(root, "state");
	socket_path = g_build_filename(root, "sock", NULL);
	members_path = g_strconcat(socket_path, SRV_MEMBERS_SUFFIX, NULL);
	daemon = start_daemon(argv[1], root);
	fd = wait_for_daemon();
	for (size_t i = 0; i < G_N_ELEMENTS(floods); i++)
		bench(floods[i].name, floods[i].flood, fd, pairs, daemon);
	stop(daemon, SIGTERM);
	tree_remove(root);
	return 0;
}
