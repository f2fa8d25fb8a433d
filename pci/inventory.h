/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/bdf.h"
#include "base/error.h"
#include "base/mac.h"

/*
 * One snapshot of the host's SR-IOV NICs: every PCI function of class 02 (network controller) that
 * has an SR-IOV capability (PCIe Base Specification 9.3.3; Linux shows it as sriov_totalvfs), and
 * the VFs that exist now. Read from libpci (ids, names, configuration space) and sysfs
 * (Documentation/ABI/testing/sysfs-bus-pci, sysfs-class-net); nothing in it is remembered from
 * before.
 */

enum spci_link {
	SPCI_LINK_UNKNOWN, /* no netdev, or the driver does not tell */
	SPCI_LINK_DOWN,	   /* administratively down or no carrier */
	SPCI_LINK_UP,
};

struct spci_vf {
	struct sriov_bdf bdf;
	uint32_t index;	    /* [0, TotalVFs) */
	const char *driver; /* bound driver, e.g. "vfio-pci"; NULL when none. Interned
			       (g_intern_string) */
	int iommu_group;    /* -1 without an IOMMU */
	/* The group is one that VFIO made up, without an IOMMU behind it: it protects nothing. */
	bool noiommu;
	/* Another device than this VF is in its group: it cannot be given away alone. */
	bool group_shared;
	char *netdev; /* the first netdev of a VF that a network driver holds; NULL when none */
};

struct spci_pf {
	struct sriov_bdf bdf;
	uint16_t vendor; /* PCI ids */
	uint16_t device;
	uint16_t vf_device; /* device id of its VFs (SR-IOV capability 0x1a); 0 when not readable */
	char *vendor_name;  /* from pci.ids; NULL when unknown */
	char *device_name;  /* ditto */
	const char *driver; /* NULL when unbound; interned */
	char *netdev;	    /* the first netdev; NULL when none, e.g. moved to another namespace */
	uint32_t ifindex;   /* of netdev; 0 when none */
	struct sriov_mac mac; /* of netdev; all zero when none */
	enum spci_link link;
	bool admin_up;	/* IFF_UP */
	uint32_t speed; /* Mbit/s; 0 when unknown */
	uint32_t mtu;
	const char *link_type; /* "ether", "infiniband", or NULL when unknown (ARPHRD_*) */
	int numa_node;	       /* -1 when the host does not tell */
	int iommu_group;       /* -1 without an IOMMU */
	uint32_t total_vfs;
	uint32_t num_vfs;	/* as the kernel says now */
	uint32_t vf_offset;	/* First VF Offset, PCIe 9.3.3.9; 0 when no VFs are enabled */
	uint32_t vf_stride;	/* VF Stride, PCIe 9.3.3.10 */
	bool drivers_autoprobe; /* sriov_drivers_autoprobe */
	struct spci_vf *vfs;	/* [n_vfs], by index */
	size_t n_vfs;		/* may be below num_vfs while VFs appear or vanish */
};

struct spci_inventory {
	GPtrArray *pfs; /* of struct spci_pf, ordered by address */
	bool iommu;	/* the kernel runs an IOMMU: /sys/kernel/iommu_groups is not empty */
	bool vfio;	/* vfio-pci is loaded: /sys/bus/pci/drivers/vfio-pci exists */
	bool unsafe_interrupts; /* allow_unsafe_interrupts=Y of vfio_iommu_type1 or iommufd */
	bool noiommu;		/* vfio.enable_unsafe_noiommu_mode=Y */
};

/*
 * Reads the snapshot.
 *
 * root: path under which sys/ is found: "/" on a host
 * Errors: UNAVAILABLE when there is no sys/bus/pci there. A single device that cannot be read whole
 * (it may vanish meanwhile) is left out or has its unknown fields at their "unknown" value.
 * Blocks for the duration of the sysfs reads: at most 6 system calls and some 60 µs a VF. A PF
 * whose driver hangs while it creates or destroys VFs does not hold it up. A driver that hangs with
 * the RTNL lock held does (net/core/net-sysfs.c: speed, carrier, phys_port_name), as it holds up
 * all of netlink: not for the main thread.
 */
int spci_inventory_read(const char *root, struct spci_inventory **ret, struct sriov_error **err);

/*
 * The same of the host alone, whose PFs are left out: takes no lock of the kernel's, and no longer
 * than a look at each IOMMU group, so never long. Never fails; what cannot be read is "no".
 */
struct spci_inventory *spci_inventory_read_host(const char *root);

/*
 * Reads one PF again, without a look at the rest of the bus; names that do not change are not read
 * from pci.ids again. NOT_FOUND when there is no such SR-IOV device.
 * Blocks as spci_inventory_read(), with up to four more system calls a VF: nothing is known of the
 * other functions, so where a VF is and who shares its IOMMU group has to be asked for each.
 */
int spci_pf_read(const char *root, struct sriov_bdf bdf, struct spci_pf **ret,
		 struct sriov_error **err);

/* Lookups; borrowed, NULL when there is none. */
const struct spci_pf *spci_inventory_find(const struct spci_inventory *inventory,
					  struct sriov_bdf pf);
const struct spci_pf *spci_inventory_find_netdev(const struct spci_inventory *inventory,
						 const char *netdev);

void spci_pf_free(struct spci_pf *pf);
void spci_inventory_free(struct spci_inventory *inventory);
