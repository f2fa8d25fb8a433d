// SPDX-License-Identifier: GPL-2.0-or-later
#include "pci/target.h"

#include <errno.h>

#include <glib.h>

#include "base/fd.h"
#include "base/sysfs.h"
#include "pci/device.h"

/* The PF first, then the VF: everybody in this order, so that nobody waits in a circle. */
static int lock_pf(struct spci_target *target, struct sriov_error **err)
{
	struct sriov_bdf pf;

	if (spci_device_link(target->device, "physfn", &pf) < 0)
		return 0;
	target->pf = spci_device_get(target->sysroot, pf, err);
	if (target->pf < 0)
		return target->pf;
	return spci_device_lock(target->pf, SPCI_LOCK_SHARED, pf, err);
}

int spci_target_open(const char *root, struct sriov_bdf bdf, struct spci_target *ret,
		     struct sriov_error **err)
{
	uint64_t num_vfs;
	int r;

	*ret = (struct spci_target){ -1, -1, -1, .bdf = bdf };
	sriov_bdf_format(bdf, ret->text);
	ret->sysroot = sriov_sysroot_open(root);
	if (ret->sysroot < 0)
		return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, -ret->sysroot, root,
				       "cannot open it: %s", g_strerror(-ret->sysroot));
	ret->device = spci_device_get(ret->sysroot, bdf, err);
	if (ret->device < 0)
		return ret->device;
	r = lock_pf(ret, err);
	if (r == 0)
		r = spci_device_lock(ret->device, SPCI_LOCK_EXCLUSIVE, bdf, err);
	if (r < 0)
		return r;
	if (sriov_sysfs_read_u64(ret->device, "sriov_numvfs", &num_vfs) == 0 && num_vfs > 0)
		return sriov_error_set(err, SRIOV_ERROR_BUSY, EBUSY, ret->text,
				       "a PF with %u VFs, which would be lost; destroy them first",
				       (unsigned int)num_vfs);
	return 0;
}

void spci_target_close(struct spci_target *target)
{
	sriov_close_fd(&target->device);
	sriov_close_fd(&target->pf);
	sriov_close_fd(&target->sysroot);
}
