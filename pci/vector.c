// SPDX-License-Identifier: GPL-2.0-or-later
#include "pci/vector.h"

#include <errno.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/sysfs.h"
#include "pci/device.h"

struct count {
	int sysroot;
	int used;
};

/*
 * "actions" lists who requested the interrupt, comma separated, and is empty for one that is only
 * allocated. A kernel without CONFIG_SPARSE_IRQ has no such file: then an allocated one counts.
 */
static bool count_one(const char *name, void *data)
{
	struct count *count = data;
	char path[64], actions[SRIOV_SYSFS_LINE_MAX];
	uint64_t irq;
	int r;

	if (sriov_parse_u64(name, 10, UINT32_MAX, &irq) < 0)
		return true;
	snprintf(path, sizeof(path), "sys/kernel/irq/%u/actions", (unsigned)irq);
	r = sriov_sysfs_read(count->sysroot, path, actions, sizeof(actions));
	if (r > 0 || r == -EOVERFLOW || r == -ENOENT)
		count->used++;
	return true;
}

int spci_vectors_in_use(const char *root, struct sriov_bdf bdf)
{
	sriov_autofd int sysroot = sriov_sysroot_open(root);
	struct count count = { .sysroot = sysroot };
	int r;

	if (sysroot < 0)
		return sysroot;
	sriov_autofd int device = spci_device_open(sysroot, bdf);

	if (device < 0)
		return device == -ENOENT ? 0 : device;
	r = spci_device_list(device, "msi_irqs", true, count_one, &count);
	if (r == -ENOENT || r == -ENODEV)
		return 0;
	return r < 0 ? r : count.used;
}
