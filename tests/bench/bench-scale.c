// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench-scale SRIOVD [VFS...]
 *
 * What a real sriovd takes on generated hosts of so many VFs (default 0 256 1000 10000): its memory
 * (PSS, RSS) once it serves and after each call was made several times; the time from its start to
 * the first answer, beside that of reading the inventory alone; the medians of the calls that show
 * things, and how they grow from one host to the next. All VFs are in one pool and clean. That
 * they are is not asked of a kernel here, nor are attributes: there are no such netdevs.
 *
 * The floor of its memory is a program that does nothing but keep a connection to libvirt
 * (libvirt-alone), for libvirt's client library is most of it. What of that is charged to whom
 * (PSS) depends on who else has it loaded, as libvirtd has on every host that sriovd is for: so
 * sriovd is measured alone, and beside that program.
 *
 * DESIGN.md's goals: at most 8 MiB with 256 VFs and 24 MiB with 10,000 (PSS); serving at most 250
 * ms after the inventory is read.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "pci/inventory.h"
#include "srv/sriovd/ledger.h"
#include "tests/bench/bench.h"
#include "tests/support/tree.h"

#define ROUNDS	     9
#define REST_SECONDS 3 /* it gives back memory when it is quiet */
#define URI	     "test:///default"

static const char *const methods[] = { "GetStatus", "ListPFs", "ListVFs", "ListNics" };

struct answer {
	gint64 us;
	size_t bytes;
};

static struct answer ask(int fd, const char *method)
{
	static char buf[1 << 20];
	g_autofree char *message = g_strdup_printf(
		"{\"method\":\"io.sriovd.%s\",\"parameters\":{}}", method);
	struct answer answer = { 0 };
	gint64 began = g_get_monotonic_time();
	ssize_t got;

	if (send(fd, message, strlen(message) + 1, MSG_NOSIGNAL) < 0)
		die("send");
	do {
		got = recv(fd, buf, sizeof(buf), 0);
		if (got <= 0)
			die("the daemon does not answer");
		answer.bytes += (size_t)got;
	} while (buf[got - 1] != '\0');
	if (memmem(buf, (size_t)got, "\"error\"", 7) && answer.bytes < 300) {
		fprintf(stderr, "bench-scale: %s: %s\n", method, buf);
		exit(2);
	}
	answer.us = g_get_monotonic_time() - began;
	return answer;
}

static int compare(const void *a, const void *b)
{
	gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

	return x < y ? -1 : x > y;
}

static gint64 median(gint64 *took)
{
	qsort(took, ROUNDS, sizeof(*took), compare);
	return took[ROUNDS / 2];
}

/* A line "Pss:  1234 kB" of the process's smaps_rollup, in KiB. */
static long memory_of(pid_t pid, const char *key)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/smaps_rollup", pid);
	g_autofree char *text = NULL;
	const char *line;

	if (!g_file_get_contents(path, &text, NULL, NULL))
		die(path);
	line = strstr(text, key);
	return line ? strtol(line + strlen(key), NULL, 10) : -1;
}

static gint64 time_of_inventory(const char *root)
{
	gint64 took[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		gint64 began = g_get_monotonic_time();
		struct spci_inventory *inventory;
		sriov_autoerror err = NULL;

		if (spci_inventory_read(root, &inventory, &err) < 0) {
			fprintf(stderr, "bench-scale: %s\n", err->message);
			exit(2);
		}
		took[i] = g_get_monotonic_time() - began;
		spci_inventory_free(inventory);
	}
	return median(took);
}

/* Its state directory, as a run before has left it: every VF is clean, so there is nothing to
 * scrub. */
static void make_ledger(const char *root)
{
	g_autofree char *state = g_build_filename(root, "state", NULL);
	struct spci_inventory *inventory;
	struct srv_ledger_txn *txn;
	struct srv_ledger *ledger = NULL;

	if (spci_inventory_read(root, &inventory, NULL) < 0 ||
	    srv_ledger_open(state, &ledger, NULL) < 0)
		die(state);
	txn = srv_ledger_begin(ledger);
	for (guint i = 0; i < inventory->pfs->len; i++) {
		const struct spci_pf *pf = inventory->pfs->pdata[i];

		for (size_t j = 0; j < pf->n_vfs; j++) {
			const struct srv_vf_row row = { { pf->bdf, pf->vfs[j].index },
							SRV_VF_CLEAN,
							NULL };

			srv_ledger_put_vf(txn, &row);
		}
	}
	srv_ledger_commit(txn, NULL, NULL);
	srv_ledger_close(ledger);
	spci_inventory_free(inventory);
}

static pid_t start_daemon(const char *program, const char *root, const char *socket_path)
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
	      "--plugins", plugins, "--socket", socket_path, "--log-level", "error", "--uri", URI,
	      (char *)NULL);
	die(program);
	return -1;
}

static void print_memory(const char *when, pid_t pid)
{
	printf("  memory %-24s PSS %6.1f MiB, RSS %6.1f MiB, its own %6.1f MiB\n", when,
	       (double)memory_of(pid, "\nPss:") / 1024, (double)memory_of(pid, "\nRss:") / 1024,
	       (double)memory_of(pid, "\nPrivate_Dirty:") / 1024);
}

struct floor {
	GPid pid;
	int input, output;
};

/* Returns once it is connected. */
static struct floor start_floor(const char *program)
{
	const char *const args[] = { program, URI, NULL };
	g_autoptr(GError) error = NULL;
	struct floor floor;
	char line[16];

	if (!g_spawn_async_with_pipes(NULL, (char **)args, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL,
				      NULL, &floor.pid, &floor.input, &floor.output, NULL,
				      &error) ||
	    read(floor.output, line, sizeof(line)) <= 0) {
		fprintf(stderr, "bench-scale: %s: %s\n", program,
			error ? error->message : "it does not connect");
		exit(2);
	}
	return floor;
}

static void end_floor(const struct floor *floor)
{
	close(floor->input);
	close(floor->output);
	waitpid(floor->pid, NULL, 0);
}

static void print_floor(const char *program)
{
	struct floor floor = start_floor(program);

	printf("nothing but a connection to libvirt:\n");
	print_memory("alone:", floor.pid);
	end_floor(&floor);
}

/* With another program that has libvirt's client library loaded. */
static void print_memory_beside(const char *program, pid_t pid)
{
	struct floor floor = start_floor(program);

	print_memory("beside another client:", pid);
	end_floor(&floor);
}

static void bench_calls(int fd)
{
	for (size_t i = 0; i < G_N_ELEMENTS(methods); i++) {
		struct answer answer = ask(fd, methods[i]);
		gint64 took[ROUNDS];

		for (int j = 0; j < ROUNDS; j++) {
			answer = ask(fd, methods[i]);
			took[j] = answer.us;
		}
		printf("  %-10s %9.2f ms, %8zu bytes\n", methods[i], (double)median(took) / 1000,
		       answer.bytes);
	}
}

static void bench(const char *program, const char *floor, uint32_t vfs)
{
	char *root = tree_generate(vfs, "vfio-pci");
	g_autofree char *socket_path = g_build_filename(root, "sock", NULL);
	gint64 inventory = time_of_inventory(root), began, served;
	int fd = -1;
	pid_t pid;

	tree_dir(root, "plugins");
	tree_dir(root, "state");
	make_ledger(root);
	tree_file(root, "config/sriovd.json",
		  "{\"pools\":[{\"name\":\"all\",\"externallyManaged\":true,\"select\":{"
		  "\"vendors\":[\"8086\"]}}],"
		  "\"networks\":[{\"name\":\"a\",\"pool\":\"all\",\"vlan\":100}]}");
	began = g_get_monotonic_time();
	pid = start_daemon(program, root, socket_path);
	for (int i = 0; i < 20000 && (fd = connect_to(socket_path)) < 0; i++)
		g_usleep(500);
	if (fd < 0)
		die("sriovd did not come up");
	ask(fd, "ListNics");
	served = g_get_monotonic_time() - began;
	printf("%u VFs: serves after %.1f ms, of which reading the inventory is %.1f ms\n", vfs,
	       (double)served / 1000, (double)inventory / 1000);
	g_usleep(REST_SECONDS * G_USEC_PER_SEC);
	print_memory("once it serves:", pid);
	bench_calls(fd);
	g_usleep(REST_SECONDS * G_USEC_PER_SEC);
	print_memory("after these calls:", pid);
	print_memory_beside(floor, pid);
	if (g_getenv("BENCH_STAY"))
		pause();
	close(fd);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	tree_remove(root);
}

int main(int argc, char **argv)
{
	static const uint32_t usual[] = { 0, 256, 1000, 10000 };
	g_autofree char *dir = g_path_get_dirname(argv[0]);
	g_autofree char *floor = g_build_filename(dir, "libvirt-alone", NULL);

	if (argc < 2) {
		fprintf(stderr, "usage: bench-scale SRIOVD [VFS...]\n");
		return 2;
	}
	print_floor(floor);
	for (size_t i = 0; argc == 2 && i < G_N_ELEMENTS(usual); i++)
		bench(argv[1], floor, usual[i]);
	for (int i = 2; i < argc; i++)
		bench(argv[1], floor, (uint32_t)atoi(argv[i]));
	return 0;
}
