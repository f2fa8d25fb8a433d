// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One PF and its VFs.
 *
 * Cost: some 85 system calls for the PF; for each VF two (driver, iommu_group), one more (the
 * group's name) when vfio-pci holds it, three more (its "net" directory) when a network driver
 * does, and one (virtfnN) when nobody has listed the host's functions.
 *
 * The number of VFs, First VF Offset and VF Stride come out of the SR-IOV capability; where that
 * cannot be read (without CAP_SYS_ADMIN, which the service has not), the VFs' links are counted and
 * the rest comes out of sysfs. sriov_numvfs is not read: the kernel takes the PF's device lock to
 * show it (drivers/pci/iov.c sriov_numvfs_show()), the lock that writing it holds all along, so
 * reading it would hang behind the very PF whose driver hangs. The other files take no lock.
 * TotalVFs comes out of sysfs always: a driver may offer fewer than the register says
 * (pci_sriov_set_totalvfs(): igb 7 of 8).
 */
#include "pci/pf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/sysfs.h"
#include "pci/device.h"
#include "pci/netdev.h"

#define CLASS_NETWORK 0x02 /* base class, PCI Code and ID Assignment 1.3 */

static int read_u16(int fd, const char *name, int base, uint32_t *ret)
{
	char text[32];
	uint64_t value;
	int r = sriov_sysfs_read(fd, name, text, sizeof(text));

	if (r >= 0)
		r = sriov_parse_u64(text, base, UINT16_MAX, &value);
	if (r < 0)
		return r;
	*ret = (uint32_t)value;
	return 0;
}

static bool count_link(const char *name, void *data)
{
	uint32_t *count = data;
	uint64_t index;

	if (g_str_has_prefix(name, "virtfn") &&
	    sriov_parse_u64(name + strlen("virtfn"), 10, UINT16_MAX - 1, &index) == 0)
		*count = MAX(*count, (uint32_t)index + 1);
	return true;
}

/* Until its last VF is there, and while they vanish, the links say fewer than NumVFs will. */
static uint32_t count_links(int fd)
{
	uint32_t count = 0;

	return spci_device_list(fd, ".", false, count_link, &count) < 0 ? 0 : count;
}

static void read_capability(struct spci_reader *reader, int fd, struct spci_pf *pf)
{
	struct spci_capability capability;
	uint32_t vf_device = 0;

	if (spci_access_capability(reader->access, pf->bdf, &capability) == 0) {
		pf->num_vfs = capability.num_vfs;
		pf->vf_offset = capability.offset;
		pf->vf_stride = capability.stride;
		pf->vf_device = capability.vf_device;
	} else {
		pf->num_vfs = count_links(fd);
		/* Since Linux 4.15; the last one is hexadecimal without "0x". */
		read_u16(fd, "sriov_offset", 10, &pf->vf_offset);
		read_u16(fd, "sriov_stride", 10, &pf->vf_stride);
		if (read_u16(fd, "sriov_vf_device", 16, &vf_device) == 0)
			pf->vf_device = (uint16_t)vf_device;
	}
	/* Both depend on NumVFs and mean nothing while it is 0 (PCIe 9.3.3.9, 9.3.3.10). */
	if (pf->num_vfs == 0)
		pf->vf_offset = pf->vf_stride = 0;
}

/* A driver whose devices have no netdev; any other costs a look into "net". */
static bool is_vfio(const char *driver)
{
	return strstr(driver, "vfio") != NULL;
}

int spci_function_find(const GArray *functions, struct sriov_bdf bdf)
{
	guint low = 0, high = functions->len;

	while (low < high) {
		guint middle = low + (high - low) / 2;
		struct sriov_bdf found = g_array_index(functions, struct sriov_bdf, middle);

		if (sriov_bdf_equal(found, bdf))
			return (int)middle;
		if (sriov_bdf_key(found) < sriov_bdf_key(bdf))
			low = middle + 1;
		else
			high = middle;
	}
	return -1;
}

/*
 * Where is VF index? The link virtfnN says it, for one system call. It can be had for nothing: the
 * kernel itself computes the address from offset and stride (drivers/pci/iov.c
 * pci_iov_virtfn_bus()), and whether there is a function is known from the list.
 */
static int find_vf(struct spci_reader *reader, int fd, const struct spci_pf *pf, uint32_t index,
		   struct sriov_bdf *ret)
{
	uint64_t key = sriov_bdf_key(pf->bdf) + pf->vf_offset + (uint64_t)pf->vf_stride * index;
	struct sriov_bdf bdf = sriov_bdf_from_key(key);
	char link[24];

	/* Never the next domain: routing IDs have 16 bits. */
	if (reader->functions && pf->vf_offset && bdf.domain == pf->bdf.domain) {
		if (spci_function_find(reader->functions, bdf) >= 0) {
			*ret = bdf;
			return 0;
		}
	}
	snprintf(link, sizeof(link), "virtfn%u", index);
	return spci_device_link(fd, link, ret);
}

static int read_vf(struct spci_reader *reader, int fd, const struct spci_pf *pf, uint32_t index,
		   struct spci_vf *vf)
{
	char path[48];
	char netdev[IFNAMSIZ];
	int r;

	vf->index = index;
	r = find_vf(reader, fd, pf, index, &vf->bdf);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "virtfn%u/driver", index);
	vf->driver = spci_device_driver(fd, path);
	snprintf(path, sizeof(path), "virtfn%u/iommu_group", index);
	vf->iommu_group = spci_device_iommu_group(fd, path);
	if (!vf->driver)
		return 0;
	if (is_vfio(vf->driver)) {
		vf->noiommu = vf->iommu_group >= 0 && spci_device_group_is_noiommu(fd, path);
		return 0;
	}
	snprintf(path, sizeof(path), "virtfn%u/net", index);
	if (spci_netdev_of_vf(fd, path, netdev) == 0)
		vf->netdev = g_strdup(netdev);
	return 0;
}

static void read_vfs(struct spci_reader *reader, int fd, struct spci_pf *pf)
{
	if (pf->num_vfs == 0)
		return;
	pf->vfs = g_new0(struct spci_vf, pf->num_vfs);
	for (uint32_t i = 0; i < pf->num_vfs; i++) {
		struct spci_vf *vf = &pf->vfs[pf->n_vfs];

		/* While VFs appear or vanish some links are not there. */
		if (read_vf(reader, fd, pf, i, vf) < 0)
			continue;
		spci_group_count(reader->groups, vf->iommu_group);
		pf->n_vfs++;
	}
}

static void read_ports(int fd, struct spci_pf *pf)
{
	char netdev[IFNAMSIZ];

	if (spci_netdev_of_pf(fd, netdev) == 0)
		spci_netdev_read(fd, netdev, pf);
}

static void read_names(struct spci_reader *reader, struct spci_pf *pf)
{
	const char *vendor, *device;

	spci_access_names(reader->access, pf->vendor, pf->device, &vendor, &device);
	pf->vendor_name = g_strdup(vendor);
	pf->device_name = g_strdup(device);
}

int spci_pf_load(struct spci_reader *reader, struct sriov_bdf bdf, struct spci_pf **ret)
{
	sriov_autofd int fd = spci_device_open(reader->sysroot, bdf);
	struct spci_ident ident;
	struct spci_pf *pf;
	uint32_t total, autoprobe;

	if (fd < 0)
		return fd;
	/* A function without the capability has no such file; firmware may leave it 0 VFs. */
	if (read_u16(fd, "sriov_totalvfs", 10, &total) < 0 || total == 0)
		return -ENOENT;
	if (spci_access_ident(reader->access, bdf, &ident) < 0 || ident.class >> 8 != CLASS_NETWORK)
		return -ENOENT;
	pf = g_new0(struct spci_pf, 1);
	pf->bdf = bdf;
	pf->total_vfs = total;
	pf->vendor = ident.vendor;
	pf->device = ident.device;
	pf->driver = spci_device_driver(fd, "driver");
	pf->iommu_group = spci_device_iommu_group(fd, "iommu_group");
	if (sriov_sysfs_read_int(fd, "numa_node", &pf->numa_node) < 0)
		pf->numa_node = -1;
	/* Since Linux 4.12; before, VFs were always probed. */
	pf->drivers_autoprobe = read_u16(fd, "sriov_drivers_autoprobe", 10, &autoprobe) < 0 ||
				autoprobe;
	read_names(reader, pf);
	read_ports(fd, pf);
	read_capability(reader, fd, pf);
	read_vfs(reader, fd, pf);
	*ret = pf;
	return 0;
}

void spci_group_count(GHashTable *groups, int group)
{
	gpointer key = GINT_TO_POINTER(group);
	int count = GPOINTER_TO_INT(g_hash_table_lookup(groups, key));

	if (group >= 0)
		g_hash_table_insert(groups, key, GINT_TO_POINTER(count + 1));
}

void spci_pf_mark_shared(struct spci_pf *pf, GHashTable *groups)
{
	for (size_t i = 0; i < pf->n_vfs; i++) {
		struct spci_vf *vf = &pf->vfs[i];
		gpointer key = GINT_TO_POINTER(vf->iommu_group);

		vf->group_shared = vf->iommu_group >= 0 &&
				   GPOINTER_TO_INT(g_hash_table_lookup(groups, key)) > 1;
	}
}

void spci_pf_free(struct spci_pf *pf)
{
	if (!pf)
		return;
	for (size_t i = 0; i < pf->n_vfs; i++)
		g_free(pf->vfs[i].netdev);
	g_free(pf->vfs);
	g_free(pf->vendor_name);
	g_free(pf->device_name);
	g_free(pf->netdev);
	g_free(pf);
}
