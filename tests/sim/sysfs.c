// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel under the helper: what it writes to the tree's sysfs has the effects that
 * tests/support/fake-kernel.c knows, and those on the world. Linked into a second sriovd-sysfs with
 * --wrap=spci_kernel_write; the daemon's side of it is only whether a VFIO group is open.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "pci/kernel.h"
#include "pci/outcome.h"
#include "tests/sim/sim.h"
#include "tests/sim/world.h"
#include "tests/support/fake-kernel.h"
#include "tests/support/tree.h"

char *__real_spci_outcome_format(const struct spci_outcome *outcome);
char *__wrap_spci_outcome_format(const struct spci_outcome *outcome);
int __real_spci_kernel_write(int dirfd, const char *path, const char *text);
int __wrap_spci_kernel_write(int dirfd, const char *path, const char *text);

static char *root;

/* sriovd-sysfs --root DIR …: the world is in DIR. */
static void __attribute__((constructor)) open_world(int argc, char **argv)
{
	if (argc < 3 || strcmp(argv[1], "--root") != 0)
		return;
	root = argv[2];
	sim_world_open(root);
	fake_kernel_reset(root);
}

static void prepare_faults(void)
{
	const struct sim_faults *faults = &sim_world->faults;

	fake_kernel.fail_file = *faults->fail_file ? faults->fail_file : NULL;
	fake_kernel.fail_errno = faults->fail_errno;
	fake_kernel.deaf_file = *faults->deaf_file ? faults->deaf_file : NULL;
	fake_kernel.refuses = *faults->refuses ? faults->refuses : NULL;
	fake_kernel.vf_limit = faults->vf_limit;
	fake_kernel.next_group = sim_world->next_group;
}

/* "0000:01:02.3" of the directory behind a descriptor; "" for the root of the tree. */
static void name_of(int dirfd, char *name, size_t size)
{
	char link[64], path[512];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", dirfd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n > 0 ? n : 0] = '\0';
	g_strlcpy(name, strrchr(path, '/') ? strrchr(path, '/') + 1 : "", size);
	if (strlen(name) != strlen("0000:00:00.0"))
		*name = '\0';
}

/* A VF's files that the fake kernel does not know of. */
static void furnish(uint8_t bus, uint32_t i)
{
	char *dir = g_strdup_printf("sys/devices/pci0000:00/0000:%02x:02.%u", bus, i);
	static const char *const files[][2] = { { "class", "0x020000" },
						{ "vendor", "0x8086" },
						{ "device", "0x1889" } };
	g_autofree char *from = g_build_filename(root, dir, "iommu_group", NULL);
	g_autofree char *group = g_file_read_link(from, NULL);
	g_autofree char *number = group ? g_path_get_basename(group) : NULL;
	g_autofree char *member = NULL, *target = NULL, *node = NULL;

	for (size_t j = 0; j < G_N_ELEMENTS(files); j++) {
		g_autofree char *path = g_build_filename(dir, files[j][0], NULL);

		tree_file(root, path, files[j][1]);
	}
	if (number) {
		sim_pf_by_bus(bus)->vf[i].group = (uint32_t)strtoul(number, NULL, 10);
		member = g_strdup_printf("sys/kernel/iommu_groups/%s/devices/0000:%02x:02.%u",
					 number, bus, i);
		target = g_strdup_printf("../../../../devices/pci0000:00/0000:%02x:02.%u", bus, i);
		node = g_strdup_printf("dev/vfio/%s", number);
		tree_link(root, member, target);
		tree_file(root, node, "");
	}
	g_free(dir);
}

static void made(struct sim_pf *pf, uint32_t n)
{
	for (uint32_t i = 0; i < SIM_VFS; i++) {
		struct sim_vf *vf = &pf->vf[i];

		/* VF Enable resets every VF; what the driver then sets is its own choice. */
		*vf = (struct sim_vf){ .exists = i < n, .destroyed = vf->destroyed };
		vf->attrs = sim_attrs_neutral();
		if (vf->exists)
			furnish(pf->bus, i);
	}
}

static void check_resize(struct sim_pf *pf)
{
	for (uint8_t i = 0; i < SIM_VFS; i++) {
		const struct sim_domain *holder = sim_function_holder(pf->bus, 2, i);

		if (holder)
			sim_broken("sriov_numvfs of %02x was written while %s ran on VF %u",
				   pf->bus, holder->name, i);
		for (int j = 0; j < SIM_CLAIMS; j++) {
			const struct sim_claim *claim = &sim_world->claim[j];

			if (claim->state == SIM_CLAIMED && claim->bus == pf->bus &&
			    claim->vf == i && pf->vf[i].exists)
				sim_broken("sriov_numvfs of %02x was written while %s had VF %u",
					   pf->bus, claim->owner, i);
		}
	}
}

/* What a successful write did to the world. */
static void follow(const char *device, const char *path, const char *text)
{
	unsigned bus = 0, slot = 0, function = 0;
	struct sim_pf *pf;

	if (sscanf(device, "0000:%x:%x.%u", &bus, &slot, &function) != 3)
		return;
	pf = sim_pf_by_bus((uint8_t)bus);
	if (!pf)
		return;
	if (strcmp(path, "sriov_numvfs") == 0) {
		g_autofree char *file = g_strdup_printf("%s/sys/devices/pci0000:00/%s/sriov_numvfs",
							root, device);
		g_autofree char *value = NULL;

		g_file_get_contents(file, &value, NULL, NULL);
		made(pf, (uint32_t)strtoul(value, NULL, 10));
	} else if (strcmp(path, "reset") == 0 && slot == 2 && function < SIM_VFS) {
		const struct sim_domain *holder = sim_function_holder((uint8_t)bus, 2,
								      (uint8_t)function);

		if (holder)
			sim_broken("VF %02x/%u was reset while %s ran on it", bus, function,
				   holder->name);
		memset(pf->vf[function].user, 0, 6);
		pf->vf[function].resets++;
	}
}

static bool hits(const char *device, const char *file, const char *path)
{
	const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	uint8_t only = sim_world->faults.fail_function;

	return *file && strcmp(base, file) == 0 &&
	       (!only || (*device && device[strlen(device) - 1] == '0' + only - 1));
}

/* In the driver, for as long as the fault lasts. */
static void hang(const char *device, const char *path)
{
	size_t slot;

	if (!hits(device, sim_world->faults.hang_file, path))
		return;
	sim_lock();
	slot = sim_world->hung++ % G_N_ELEMENTS(sim_world->hanging);
	sim_world->hanging[slot] = getpid();
	sim_world->killed[slot] = false;
	sim_unlock();
	while (hits(device, sim_world->faults.hang_file, path))
		usleep(1000);
	if (sim_world->killed[slot])
		raise(SIGKILL);
}

int __wrap_spci_kernel_write(int dirfd, const char *path, const char *text)
{
	char device[32];
	int r;

	name_of(dirfd, device, sizeof(device));
	sim_door(path);
	hang(device, path);
	sim_doors_off();
	sim_lock();
	prepare_faults();
	if (strcmp(path, "sriov_numvfs") == 0 && sscanf(device, "0000:%x:", &(unsigned){ 0 }) == 1)
		check_resize(sim_pf_by_bus((uint8_t)strtoul(device + 5, NULL, 16)));
	if (fake_kernel.fail_file && !hits(device, fake_kernel.fail_file, path))
		fake_kernel.fail_file = NULL;
	r = __real_spci_kernel_write(dirfd, path, text);
	sim_world->next_group = fake_kernel.next_group;
	if (r == 0 && !hits(device, sim_world->faults.deaf_file, path))
		follow(device, path, text);
	sim_changed("sysfs %s/%s=%.*s%s", device, path, (int)strcspn(text, "\n"), text,
		    r < 0 ? " refused" : "");
	sim_unlock();
	sim_doors_on();
	return r;
}

/* The helper's answer is a write of its own. */
char *__wrap_spci_outcome_format(const struct spci_outcome *outcome)
{
	sim_door("helper answer");
	return __real_spci_outcome_format(outcome);
}
