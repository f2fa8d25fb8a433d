// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sriovd-sysfs: one blocking operation on PCI functions, then one line of JSON. See protocol.h.
 *
 * It takes addresses, a number and one of two driver names, and nothing else: no path, no file
 * name, no text that ends up in sysfs as it came.
 */
#include "srv/helper/protocol.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/parse.h"
#include "pci/outcome.h"
#include "pci/sriov.h"

struct request {
	const char *root;
	const char *driver; /* NULL: the kernel's choice */
	uint32_t count;
	struct sriov_bdf *bdfs;
	int n_bdfs;
};

struct operation {
	const char *name;
	int min_args; /* after the name */
	int max_args;
	int (*parse)(char **args, int n, struct request *request);
	void (*run)(const struct request *request, struct spci_outcome *outcome);
};

static int parse_bdfs(char **args, int n, struct request *request)
{
	request->bdfs = g_new0(struct sriov_bdf, (gsize)n);
	for (int i = 0; i < n; i++)
		if (sriov_bdf_parse(args[i], &request->bdfs[i]) < 0)
			return -EINVAL;
	request->n_bdfs = n;
	return 0;
}

static int parse_create(char **args, int n, struct request *request)
{
	uint64_t count;

	if (sriov_parse_u64(args[1], 10, UINT16_MAX, &count) < 0 || count == 0)
		return -EINVAL;
	request->count = (uint32_t)count;
	return parse_bdfs(args, 1, request);
}

static int parse_bind(char **args, int n, struct request *request)
{
	if (strcmp(args[0], SRV_HELPER_DRIVER_VFIO) == 0)
		request->driver = SRV_HELPER_DRIVER_VFIO;
	else if (strcmp(args[0], SRV_HELPER_DRIVER_DEFAULT) != 0)
		return -EINVAL;
	return parse_bdfs(args + 1, n - 1, request);
}

static void run_create(const struct request *request, struct spci_outcome *outcome)
{
	spci_create_vfs(request->root, request->bdfs[0], request->count, &outcome->num,
			&outcome->error);
}

static void run_destroy(const struct request *request, struct spci_outcome *outcome)
{
	spci_destroy_vfs(request->root, request->bdfs[0], &outcome->error);
}

static void run_bind(const struct request *request, struct spci_outcome *outcome)
{
	for (int i = 0; i < request->n_bdfs; i++) {
		struct sriov_error *error = NULL;

		spci_bind(request->root, request->bdfs[i], request->driver, &error);
		spci_outcome_add(outcome, request->bdfs[i], error);
	}
}

static void run_reset(const struct request *request, struct spci_outcome *outcome)
{
	for (int i = 0; i < request->n_bdfs; i++) {
		struct sriov_error *error = NULL;

		spci_reset(request->root, request->bdfs[i], &error);
		spci_outcome_add(outcome, request->bdfs[i], error);
	}
}

/* As many as a PCI segment has functions. */
#define MANY 65536

static const struct operation operations[] = {
	{ SRV_HELPER_CREATE, 2, 2, parse_create, run_create },
	{ SRV_HELPER_DESTROY, 1, 1, parse_bdfs, run_destroy },
	{ SRV_HELPER_BIND, 2, MANY, parse_bind, run_bind },
	{ SRV_HELPER_RESET, 1, MANY, parse_bdfs, run_reset },
};

static const struct operation *find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++)
		if (strcmp(operations[i].name, name) == 0)
			return &operations[i];
	return NULL;
}

static int usage(void)
{
	fputs("usage: " SRV_HELPER_PROGRAM " [--root DIR] create PF COUNT | destroy PF | "
	      "bind vfio-pci|- BDF... | reset BDF...\n",
	      stderr);
	return SRV_HELPER_USAGE;
}

static int run(const struct operation *operation, const struct request *request)
{
	struct spci_outcome *outcome = spci_outcome_new();
	g_autofree char *line = NULL;
	bool failed;

	operation->run(request, outcome);
	line = spci_outcome_format(outcome);
	failed = outcome->error != NULL;
	spci_outcome_free(outcome);
	/* A daemon that cannot read the answer reads the kernel instead; the status is for people.
	 */
	if (puts(line) < 0 || fflush(stdout) != 0)
		return SRV_HELPER_FAILED;
	return failed ? SRV_HELPER_FAILED : SRV_HELPER_OK;
}

int main(int argc, char **argv)
{
	struct request request = { .root = "/" };
	const struct operation *operation;
	char **args = argv + 1;
	int n = argc - 1;
	int r;

	/*
	 * Nobody waits for the answer of a daemon that is gone, and its successor would find
	 * somebody at work whom it does not know. A thread that is inside the kernel dies only when
	 * it comes out; until then its locks keep the successor's helper away from the same
	 * function.
	 */
	prctl(PR_SET_PDEATHSIG, SIGKILL);

	if (n >= 2 && strcmp(args[0], "--root") == 0) {
		request.root = args[1];
		args += 2;
		n -= 2;
	}
	operation = n > 0 ? find(args[0]) : NULL;
	if (!operation || n - 1 < operation->min_args || n - 1 > operation->max_args)
		return usage();
	r = operation->parse(args + 1, n - 1, &request);
	r = r < 0 ? usage() : run(operation, &request);
	g_free(request.bdfs);
	return r;
}
