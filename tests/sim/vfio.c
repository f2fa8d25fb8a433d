// SPDX-License-Identifier: GPL-2.0-or-later
/* Whether a VFIO group is open: asked by the daemon and by its helper, known by the world. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "pci/kernel.h"
#include "tests/sim/world.h"

int __wrap_spci_kernel_open(int dirfd, const char *path);

static bool is_open(uint32_t group)
{
	for (int i = 0; i < SIM_PFS; i++) {
		const struct sim_pf *pf = &sim_world->pf[i];

		for (uint8_t j = 0; j < SIM_VFS; j++) {
			const struct sim_vf *vf = &pf->vf[j];

			if (vf->exists && vf->group == group)
				return vf->open || sim_function_holder(pf->bus, 2, j);
		}
	}
	return false;
}

int __wrap_spci_kernel_open(int dirfd, const char *path)
{
	unsigned group;
	bool open = false;
	int fd;

	if (sscanf(path, "dev/vfio/%u", &group) == 1) {
		sim_lock();
		open = is_open(group);
		sim_unlock();
	}
	if (open)
		return -EBUSY;
	fd = openat(dirfd, path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
