// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * bench-inventory [VFS...]
 *	reads generated hosts of so many VFs (default 10 1000 10000), once with all VFs on vfio-pci
 *	and once with netdevs; prints time and system calls, and what each VF adds to a host without
 * bench-inventory --dump ROOT
 *	prints the snapshot of a host, "/" for this one
 * bench-inventory --read ROOT N
 *	reads it N times and prints nothing, for strace and perf
 * bench-inventory --generate N DRIVER
 *	leaves a host of N VFs behind and prints where it is
 *
 * The trees are plain directories (TMPDIR, else /dev/shm), not sysfs: what is measured is
 * our own share and the number of system calls, to which sysfs adds what its show functions take.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pci/inventory.h"
#include "tests/support/count.h"
#include "tests/support/describe.h"
#include "tests/support/tree.h"

#define ROUNDS 7

static struct spci_inventory *read_inventory(const char *root)
{
	struct spci_inventory *inventory;
	sriov_autoerror error = NULL;

	if (spci_inventory_read(root, &inventory, &error) < 0) {
		fprintf(stderr, "%s\n", error->message);
		exit(1);
	}
	return inventory;
}

static int dump(const char *root)
{
	struct spci_inventory *inventory = read_inventory(root);
	g_autofree char *text = describe_inventory(inventory);

	fputs(text, stdout);
	spci_inventory_free(inventory);
	return 0;
}

static int compare(const void *a, const void *b)
{
	gint64 x = *(const gint64 *)a, y = *(const gint64 *)b;

	return x < y ? -1 : x > y;
}

/* The median of ROUNDS, in microseconds, after one to warm the caches (dentries, pci.ids). */
static gint64 measure(const char *root)
{
	gint64 took[ROUNDS];

	spci_inventory_free(read_inventory(root));
	for (int i = 0; i < ROUNDS; i++) {
		gint64 start = g_get_monotonic_time();
		struct spci_inventory *inventory = read_inventory(root);

		took[i] = g_get_monotonic_time() - start;
		spci_inventory_free(inventory);
	}
	qsort(took, ROUNDS, sizeof(*took), compare);
	return took[ROUNDS / 2];
}

struct cost {
	gint64 us;
	long calls; /* -1: not to be had */
};

static void read_once(void *data)
{
	spci_inventory_free(read_inventory(data));
}

static struct cost cost_of(uint32_t vfs, const char *driver)
{
	char *root = tree_generate(vfs, driver);
	struct cost cost = { .us = measure(root) };

	cost.calls = count_system_calls(read_once, root);
	tree_remove(root);
	return cost;
}

static void bench(uint32_t vfs)
{
	static const char *const drivers[] = { "vfio-pci", "iavf" };

	for (size_t i = 0; i < G_N_ELEMENTS(drivers); i++) {
		struct cost none = cost_of(0, drivers[i]);
		struct cost cost = cost_of(vfs, drivers[i]);

		printf("%6u VFs on %-8s %8ld us, %6.2f us a VF; %7ld system calls, %5.2f a VF\n",
		       vfs, drivers[i], (long)cost.us, (double)(cost.us - none.us) / vfs,
		       cost.calls, (double)(cost.calls - none.calls) / vfs);
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "--dump") == 0)
		return dump(argv[2]);
	if (argc == 4 && strcmp(argv[1], "--read") == 0) {
		for (int i = 0; i < atoi(argv[3]); i++)
			spci_inventory_free(read_inventory(argv[2]));
		return 0;
	}
	if (argc == 4 && strcmp(argv[1], "--generate") == 0) {
		char *root = tree_generate((uint32_t)atoi(argv[2]), argv[3]);

		puts(root);
		g_free(root);
		return 0;
	}
	if (argc == 1) {
		bench(10);
		bench(1000);
		bench(10000);
	}
	for (int i = 1; i < argc; i++)
		bench((uint32_t)atoi(argv[i]));
	return 0;
}
