/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bdf.h"
#include "base/error.h"

/*
 * One PCI function's directory in sysfs: opening, locking, and the few facts that all of pci/ asks
 * for. Paths given are relative to such a directory, e.g. "driver" or "virtfn3/driver".
 */

/*
 * Opens sys/bus/pci/devices/BDF under a root that sriov_sysroot_open() gave. A descriptor that the
 * caller closes, or a negative errno.
 */
int spci_device_open(int sysroot, struct sriov_bdf bdf);

/* The same, with NOT_FOUND in err when there is no such function. */
int spci_device_get(int sysroot, struct sriov_bdf bdf, struct sriov_error **err);

/* The name of the driver that a link points to, interned; NULL when there is no link. */
const char *spci_device_driver(int dirfd, const char *path);

/* The number of the group that a link points to; -1 when there is no link. */
int spci_device_iommu_group(int dirfd, const char *path);

/*
 * Is the IOMMU group whose directory path is one of VFIO's own, without an IOMMU? They are made up
 * so that its interface stays the same (drivers/vfio/group.c vfio_noiommu_group_alloc()), when a
 * function is bound to it in its mode without an IOMMU, and outlive the mode. One system call for
 * a real group, which has no name.
 */
bool spci_device_group_is_noiommu(int dirfd, const char *path);

/* The function that a link such as "physfn" or "virtfn3" points to. 0 or a negative errno. */
int spci_device_link(int dirfd, const char *path, struct sriov_bdf *ret);

/*
 * Calls each() with the names in a directory, except those that start with a dot, until it returns
 * false.
 *
 * few: one system call is enough to read it. True of a small directory in sysfs, which gives
 * everything that fits into the buffer at once (fs/kernfs/dir.c kernfs_fop_readdir()). 0 or a
 * negative errno.
 */
int spci_device_list(int dirfd, const char *path, bool few,
		     bool (*each)(const char *name, void *data), void *data);

enum spci_lock {
	SPCI_LOCK_SHARED,    /* an operation on one VF, for its PF */
	SPCI_LOCK_EXCLUSIVE, /* an operation on this function */
};

/*
 * Locks a function's directory (flock(2)) against other processes of ours, until fd is closed: a
 * daemon that was killed and started again must not work on a function where a helper of its
 * predecessor is still in the kernel. Waits up to two seconds, then BUSY.
 *
 * fd: of spci_device_open()
 */
int spci_device_lock(int fd, enum spci_lock how, struct sriov_bdf bdf, struct sriov_error **err);
