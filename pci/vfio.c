// SPDX-License-Identifier: GPL-2.0-or-later
#include "pci/vfio.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sysfs.h"
#include "pci/kernel.h"
#include "pci/sriov.h"

/*
 * Opening a group only to close it again has a price: whoever opens it in those microseconds gets
 * EBUSY, and a guest that was about to start does not. There is no other way to ask the kernel
 * (looking through /proc/PID/fd misses what containers hide), so it is only asked for functions
 * that are to be reset, bound or destroyed, which no guest should be starting with anyway.
 */
int spci_vfio_group_probe(int sysroot, int iommu_group)
{
	static const char *const formats[] = { "dev/vfio/%d", "dev/vfio/noiommu-%d" };
	int r = -ENOENT;

	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats) && r == -ENOENT; i++) {
		char path[48];

		snprintf(path, sizeof(path), formats[i], iommu_group);
		r = spci_kernel_open(sysroot, path);
	}
	if (r >= 0) {
		close(r);
		return 0;
	}
	/*
	 * EBUSY also when a device of the group is open through its own node (/dev/vfio/devices,
	 * since Linux 6.6). ENODEV: the last VFIO driver has just left the group.
	 */
	if (r == -EBUSY)
		return 1;
	return r == -ENODEV || r == -ENXIO ? 0 : r;
}

int spci_vfio_group_in_use(const char *root, int iommu_group)
{
	sriov_autofd int sysroot = sriov_sysroot_open(root);
	int r;

	if (sysroot < 0)
		return sysroot;
	r = spci_vfio_group_probe(sysroot, iommu_group);
	return r == -ENOENT ? 0 : r;
}
