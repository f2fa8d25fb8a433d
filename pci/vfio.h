/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * As spci_vfio_group_in_use() in pci/sriov.h, with the difference that a group without a node in
 * dev/vfio is -ENOENT.
 *
 * sysroot: of sriov_sysroot_open()
 */
int spci_vfio_group_probe(int sysroot, int iommu_group);
