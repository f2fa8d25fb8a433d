/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bdf.h"
#include "base/error.h"

/*
 * Changes to PCI functions through sysfs. Every one of them runs driver code, takes from
 * milliseconds to for ever, and cannot be interrupted: they are called by the helper process
 * (srv/helper), which the daemon gives a deadline, and never by a thread of the daemon.
 *
 * Each holds a lock (flock(2) on the function's directory in sysfs) against other processes of
 * ours: create and destroy on the PF alone, bind and reset on the function alone and on its PF
 * shared, so that VFs of one PF are worked on side by side. BUSY when the lock is not to be had
 * within two seconds.
 *
 * root: path under which sys/ is found
 */

/*
 * Creates count VFs on a PF that has none, with sriov_drivers_autoprobe off, so that the host's VF
 * driver never touches them. The PF's netdev must be up (igbvf and bnxt need that): the caller sees
 * to it over netlink.
 *
 * count:   [1, TotalVFs]
 * ret_num: VFs that the kernel has afterwards; may be smaller than count, which is not an error
 * Errors: BUSY when the PF already has VFs (writing a new number destroys them), INVALID when count
 * is out of range, NOT_FOUND, NOT_SUPPORTED when the function or its driver has no SR-IOV, DENIED
 * when the driver or the system forbids it, DEVICE with the kernel's errno otherwise.
 * Source: drivers/pci/iov.c sriov_numvfs_store()
 */
int spci_create_vfs(const char *root, struct sriov_bdf pf, uint32_t count, uint32_t *ret_num,
		    struct sriov_error **err);

/*
 * Destroys all VFs of a PF. Refuses (BUSY, naming the first one) when any VF is in use: open
 * through vfio, or bound to a network driver whose netdev is up or sits in another namespace, or
 * where that cannot be told (uio, or vfio-pci without its node in /dev/vfio). That nobody else owns
 * one is for the caller to know.
 */
int spci_destroy_vfs(const char *root, struct sriov_bdf pf, struct sriov_error **err);

/*
 * Binds a function to a driver by driver_override and drivers_probe (never new_id, which would bind
 * every device of that id), unbinding what holds it before, and verifies by reading back.
 *
 * driver: "vfio-pci", or NULL for the driver the kernel would choose itself
 * On failure the override is cleared, so that nothing surprising happens at the next probe.
 * For NULL a VF is probed with its PF's sriov_drivers_autoprobe on for that moment (pci/bind.c).
 * Errors: NOT_SUPPORTED when the driver is not loaded; DEVICE when the bind did not take; BUSY when
 * what would have to be unbound is in use as for spci_destroy_vfs(), except that a netdev may be up
 * on this host, or is a PF with VFs.
 * Source: Documentation/ABI/testing/sysfs-bus-pci (driver_override), drivers/pci/pci-driver.c
 */
int spci_bind(const char *root, struct sriov_bdf bdf, const char *driver, struct sriov_error **err);

/*
 * Function-level reset (PCIe 6.6.2) through the sysfs file "reset". A VF with a network driver is
 * without it meanwhile, so its netdev goes and comes, under a name of the kernel's at first. BUSY
 * as for spci_bind(), NOT_SUPPORTED when the function offers no reset, DEVICE when it did not come
 * back from it.
 */
int spci_reset(const char *root, struct sriov_bdf bdf, struct sriov_error **err);

/*
 * Does a process hold the VFIO group open, i.e. has somebody the device in use? The kernel lets
 * only one file of a group be open at a time (drivers/vfio/group.c vfio_group_fops_open()), so
 * opening it tells.
 *
 * Returns 1 (in use), 0 (not, or the group has no vfio device), or a negative errno. Does not
 * block.
 */
int spci_vfio_group_in_use(const char *root, int iommu_group);
