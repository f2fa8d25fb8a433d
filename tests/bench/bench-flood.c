// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench-flood SRIOVD [VFS]
 *
 * How much slower a flooding stranger makes others: a real sriovd on a generated host of VFS
 * (default 1000) VFs is asked by root, on one connection and on a new one for each call, while a
 * stranger (uid 65534) floods it in several ways. Turn about with rounds of quiet, so that whatever
 * else the machine does hits both; medians, 99th percentiles, and their ratio to those of quiet.
 *
 * The flooder has a processor of its own, the last one, and sriovd and who asks it the first one:
 * what is measured is what the daemon does for the flooder, not that he uses up the machine. The
 * round "spins" shows what is left of that, with a stranger who does not even connect. Needs root
 * and two processors.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "tests/support/tree.h"

#define STRANGER     65534
#define CONNECTIONS  64
#define ROUNDS	     8
#define CALLS	     200 /* of each kind in a round */
#define STATUS_EVERY 10	 /* but for GetStatus, which reads the whole host */
#define SAMPLES	     (ROUNDS * CALLS)

static const char status[] = "{\"method\":\"io.sriovd.GetStatus\"}";
static const char info[] = "{\"method\":\"org.varlink.service.GetInfo\"}";

static char *socket_path;

static void die(const char *what)
{
	fprintf(stderr, "bench-flood: %s: %s\n", what, g_strerror(errno));
	exit(2);
}

static void pin_to(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		die("sched_setaffinity");
}

static int connect_to(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_strlcpy(address.sun_path, socket_path, sizeof(address.sun_path));
	if (fd < 0)
		die("socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
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
			fds[i] = connect_to();
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
		int fd = connect_to();

		if (fd >= 0)
			close(fd);
	}
}

static void flood_talks_garbage(void)
{
	for (;;) {
		int fd = connect_to();

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

static const char *const kinds[] = { "GetStatus", "GetInfo", "GetInfo, connecting anew" };

struct samples {
	gint64 us[KINDS][SAMPLES];
	int n[KINDS];
};

static gint64 call_once(enum kind kind, int fd)
{
	gint64 began = g_get_monotonic_time();

	if (kind == ANEW)
		fd = connect_to();
	if (!ask(fd, kind == STATUS ? status : info,
		 kind == STATUS ? sizeof(status) : sizeof(info)))
		die("the daemon does not answer");
	if (kind == ANEW)
		close(fd);
	return g_get_monotonic_time() - began;
}

static void measure(struct samples *samples, int fd)
{
	for (int i = 0; i < CALLS; i++) {
		for (enum kind kind = 0; kind < KINDS; kind++) {
			if (kind == STATUS && i % STATUS_EVERY)
				continue;
			samples->us[kind][samples->n[kind]++] = call_once(kind, fd);
		}
	}
}

static int compare(const void *a, const void *b)
{
	gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

	return x < y ? -1 : x > y;
}

static gint64 at(const struct samples *samples, enum kind kind, int percent)
{
	return samples->us[kind][samples->n[kind] * percent / 100];
}

static void print(const char *name, struct samples *quiet, struct samples *flooded)
{
	printf("a stranger who %s:\n", name);
	for (enum kind kind = 0; kind < KINDS; kind++) {
		qsort(quiet->us[kind], (size_t)quiet->n[kind], sizeof(gint64), compare);
		qsort(flooded->us[kind], (size_t)flooded->n[kind], sizeof(gint64), compare);
		printf("  %-24s median %6ld us, quiet %6ld us: %+6.1f %%; 99th %6ld us, quiet %6ld "
		       "us\n",
		       kinds[kind], (long)at(flooded, kind, 50), (long)at(quiet, kind, 50),
		       100.0 * (double)at(flooded, kind, 50) / (double)at(quiet, kind, 50) - 100,
		       (long)at(flooded, kind, 99), (long)at(quiet, kind, 99));
	}
	fflush(stdout);
}

static void bench(const char *name, void (*flood)(void), int fd)
{
	g_autofree struct samples *quiet = g_new0(struct samples, 1);
	g_autofree struct samples *flooded = g_new0(struct samples, 1);

	for (int round = 0; round < ROUNDS; round++) {
		pid_t pid;

		measure(quiet, fd);
		pid = start_flood(flood);
		/* Past what the stranger has saved up. */
		g_usleep(1500 * 1000);
		measure(flooded, fd);
		stop(pid, SIGKILL);
		g_usleep(200 * 1000);
	}
	print(name, quiet, flooded);
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

int main(int argc, char **argv)
{
	char *root;
	pid_t daemon;
	int fd;

	if (argc < 2 || geteuid() != 0 || sysconf(_SC_NPROCESSORS_ONLN) < 2) {
		fprintf(stderr, "usage: bench-flood SRIOVD [VFS], as root, on two processors\n");
		return 2;
	}
	pin_to(0);
	root = tree_generate(argc > 2 ? (uint32_t)atoi(argv[2]) : 1000, "vfio-pci");
	/* The stranger has to get to the socket. */
	if (chmod(root, 0755) < 0)
		die(root);
	tree_dir(root, "plugins");
	tree_dir(root, "state");
	socket_path = g_build_filename(root, "sock", NULL);
	daemon = start_daemon(argv[1], root);
	for (int i = 0; i < 200 && (fd = connect_to()) < 0; i++)
		g_usleep(50 * 1000);
	if (fd < 0)
		die("sriovd did not come up");
	for (size_t i = 0; i < G_N_ELEMENTS(floods); i++)
		bench(floods[i].name, floods[i].flood, fd);
	stop(daemon, SIGTERM);
	tree_remove(root);
	return 0;
}
