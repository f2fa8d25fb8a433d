/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/bdf.h"

/*
 * How many interrupt vectors of a function somebody has asked the kernel for and not given back.
 *
 * A guest that merely has a VF plugged in takes none: vfio-pci requests a host interrupt when the
 * guest's driver enables MSI-X and unmasks a vector, which network drivers do when their NIC is
 * opened, and frees them when the driver disables MSI-X, which is when it lets go of the device. So
 * this tells from outside, for every guest, whether its driver works with the VF.
 *
 * root: path under which sys/ is found
 * Returns the number, 0 when the function has no vectors (or is not there), or a negative errno.
 * Does not block: no driver code runs.
 * Source: Documentation/ABI/testing/sysfs-bus-pci (msi_irqs), sysfs-kernel-irq (actions),
 * drivers/vfio/pci/vfio_pci_intrs.c vfio_msi_set_vector_signal()
 */
int spci_vectors_in_use(const char *root, struct sriov_bdf bdf);
