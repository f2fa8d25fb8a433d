/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include <glib.h>

/*
 * A small imitation of what the kernel does when sysfs is written, on a tree of
 * tests/support/tree.h: it takes the place of pci/kernel.c in every test that uses something from
 * here.
 *
 * sriov_numvfs makes and removes VFs (drivers/pci/iov.c sriov_numvfs_store()). driver_override,
 * driver/unbind and drivers_probe bind and unbind (drivers/base, drivers/pci/pci-driver.c), with
 * the rule that a VF is probed only with an override or sriov_drivers_autoprobe. Opening dev/vfio/N
 * gives EBUSY while somebody has it open (drivers/vfio/group.c).
 *
 * Everything that is written is recorded in order. Not for use by several threads.
 */
struct fake_kernel {
	const char *root;
	/* What the host can do */
	const char *vf_driver; /* what takes a VF that has no override; NULL: nothing is loaded */
	uint32_t vf_limit;     /* VFs that the driver makes at most, silently; 0: as asked */
	uint32_t next_group;   /* IOMMU group of the next VF; 0: there is no IOMMU */
	int busy_group;	       /* a process has it open; 0: none */
	/* What goes wrong */
	const char *fail_file; /* writing to this file (base name) … */
	int fail_errno;	       /* … gives this errno */
	const char *deaf_file; /* writing to it succeeds and changes nothing */
	const char *refuses;   /* this driver's probe fails */
	unsigned deaf_probes;  /* as many probes do nothing: another driver just tries the device */
	/* What happened: "0000:01:00.0/sriov_numvfs=7\n" … */
	GString *writes;
};

extern struct fake_kernel fake_kernel;

/* Forgets everything and works on this tree from now on. */
void fake_kernel_reset(const char *root);
