/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bdf.h"

/*
 * The errors of one PCI function that the kernel has counted since it found it: Advanced Error
 * Reporting (PCIe Base Specification 6.2, 7.8.4). Those that the hardware corrects are no errors
 * here. A VF need not have the capability (9.4.2: its errors may be its PF's then), and some
 * firmware keeps all of it to itself.
 */
struct spci_aer {
	bool known; /* the kernel counts them */
	/* Both stay at UINT32_MAX when there were more. */
	uint32_t fatal;
	uint32_t nonfatal;
};

/*
 * Reads the counters of n functions. Blocks for the duration of some reads from memory, three
 * system calls each: the kernel takes no lock for them and asks no driver and no device
 * (drivers/pci/pcie/aer.c aer_stats_dev_attr()), so that they can be had of a function that hangs.
 *
 * root: path under which sys/ is found
 * bdfs: [n]
 * ret:  [n], .known false of a function whose errors are not counted, or which is not there
 *
 * Source: Documentation/ABI/testing/sysfs-bus-pci-devices-aer_stats, Linux 4.19
 */
void spci_aer_read(const char *root, const struct sriov_bdf *bdfs, size_t n, struct spci_aer *ret);

/*
 * The total of such a file, "Undefined 0\n…\nTOTAL_ERR_FATAL 3": 0, or -EINVAL when there is none.
 *
 * what: "TOTAL_ERR_FATAL", "TOTAL_ERR_NONFATAL"
 */
int spci_aer_parse(const char *text, const char *what, uint32_t *ret);
