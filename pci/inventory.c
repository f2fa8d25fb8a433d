// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The snapshot of all PFs.
 *
 * libpci lists the functions of the host; each that is not a VF we already know costs two system
 * calls: its IOMMU group, which tells whether a VF shares its group, and whether it has VFs. A VF's
 * routing ID is above its PF's (PCIe 9.2.1.2), so going through them in order of address, the PF
 * comes first and tells which functions are its VFs.
 */
#include "pci/inventory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sysfs.h"
#include "pci/access.h"
#include "pci/device.h"
#include "pci/pf.h"

/* Looks at one function that is not a VF known by now. */
static void visit(struct spci_reader *reader, struct sriov_bdf bdf, bool *is_vf, GPtrArray *pfs)
{
	char text[SRIOV_BDF_STRLEN];
	char path[64];
	struct spci_pf *pf;

	sriov_bdf_format(bdf, text);
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/iommu_group", text);
	spci_group_count(reader->groups, spci_device_iommu_group(reader->sysroot, path));
	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/sriov_totalvfs", text);
	if (faccessat(reader->sysroot, path, F_OK, 0) < 0)
		return;
	if (spci_pf_load(reader, bdf, &pf) < 0)
		return;
	for (size_t i = 0; i < pf->n_vfs; i++) {
		int at = spci_function_find(reader->functions, pf->vfs[i].bdf);

		if (at >= 0)
			is_vf[at] = true;
	}
	g_ptr_array_add(pfs, pf);
}

static void read_pfs(struct spci_reader *reader, GPtrArray *pfs)
{
	/* Which of the functions are VFs that were read with their PF. */
	g_autofree bool *is_vf = g_new0(bool, reader->functions->len);

	for (guint i = 0; i < reader->functions->len; i++)
		if (!is_vf[i])
			visit(reader, g_array_index(reader->functions, struct sriov_bdf, i), is_vf,
			      pfs);
	for (guint i = 0; i < pfs->len; i++)
		spci_pf_mark_shared(pfs->pdata[i], reader->groups);
}

static bool read_flag(int sysroot, const char *path)
{
	char text[8];

	return sriov_sysfs_read(sysroot, path, text, sizeof(text)) > 0 && text[0] == 'Y';
}

struct group_search {
	int sysroot;
	bool found;
};

static bool is_real_group(const char *group, void *data)
{
	struct group_search *search = data;
	char path[80];

	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%.32s", group);
	search->found = !spci_device_group_is_noiommu(search->sysroot, path);
	return !search->found;
}

static void read_host(int sysroot, struct spci_inventory *inventory)
{
	struct group_search search = { .sysroot = sysroot };

	inventory->vfio = faccessat(sysroot, "sys/bus/pci/drivers/vfio-pci", F_OK, 0) == 0;
	/* A device's DMA is set up by one of the two: iommufd is the younger one. */
	inventory->unsafe_interrupts =
		read_flag(sysroot,
			  "sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts") ||
		read_flag(sysroot, "sys/module/iommufd/parameters/allow_unsafe_interrupts");
	inventory->noiommu = read_flag(sysroot,
				       "sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
	spci_device_list(sysroot, "sys/kernel/iommu_groups", false, is_real_group, &search);
	inventory->iommu = search.found;
}

static bool add_function(const char *name, void *data)
{
	struct sriov_bdf bdf;

	if (sriov_bdf_parse(name, &bdf) == 0)
		g_array_append_val((GArray *)data, bdf);
	return true;
}

static gint compare_bdfs(gconstpointer a, gconstpointer b)
{
	uint64_t x = sriov_bdf_key(*(const struct sriov_bdf *)a);
	uint64_t y = sriov_bdf_key(*(const struct sriov_bdf *)b);

	return x < y ? -1 : x > y;
}

/* The functions of the host by address, struct sriov_bdf. 0 or a negative errno. */
static int list_functions(int sysroot, GArray *functions)
{
	int r = spci_device_list(sysroot, "sys/bus/pci/devices", false, add_function, functions);

	g_array_sort(functions, compare_bdfs);
	return r;
}

static struct spci_inventory *inventory_new(void)
{
	struct spci_inventory *inventory = g_new0(struct spci_inventory, 1);

	inventory->pfs = g_ptr_array_new_with_free_func((GDestroyNotify)spci_pf_free);
	return inventory;
}

struct spci_inventory *spci_inventory_read_host(const char *root)
{
	struct spci_inventory *inventory = inventory_new();
	sriov_autofd int sysroot = sriov_sysroot_open(root);

	if (sysroot >= 0)
		read_host(sysroot, inventory);
	return inventory;
}

int spci_inventory_read(const char *root, struct spci_inventory **ret, struct sriov_error **err)
{
	g_autoptr(GArray) functions = g_array_new(FALSE, FALSE, sizeof(struct sriov_bdf));
	sriov_autofd int sysroot = sriov_sysroot_open(root);
	int r = sysroot < 0 ? sysroot : list_functions(sysroot, functions);
	g_autoptr(GHashTable) groups = NULL;
	spci_autoaccess access = NULL;
	struct spci_reader reader;
	struct spci_inventory *inventory;

	if (r < 0)
		return sriov_error_set(
			err, SRIOV_ERROR_UNAVAILABLE, -r, root,
			"cannot list sys/bus/pci/devices (%s): is sysfs mounted, and "
			"has the host a PCI bus?",
			g_strerror(-r));
	access = spci_access_new(root);
	groups = g_hash_table_new(NULL, NULL);
	reader = (struct spci_reader){ sysroot, access, functions, groups };

	inventory = inventory_new();
	read_pfs(&reader, inventory->pfs);
	read_host(sysroot, inventory);
	*ret = inventory;
	return 0;
}

static bool count_member(const char *name, void *data)
{
	(*(int *)data)++;
	return true;
}

/*
 * Who else is in the groups of one PF's VFs? Only sysfs' list of members can tell without looking
 * at every function of the host: three system calls for each VF.
 */
static void count_groups(int sysroot, const struct spci_pf *pf, GHashTable *groups)
{
	for (size_t i = 0; i < pf->n_vfs; i++) {
		int group = pf->vfs[i].iommu_group;
		char path[64];
		int members = 0;

		if (group < 0)
			continue;
		snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%d/devices", group);
		/* One buffer holds some 200 names, and two are enough to know. */
		if (spci_device_list(sysroot, path, true, count_member, &members) == 0)
			g_hash_table_insert(groups, GINT_TO_POINTER(group),
					    GINT_TO_POINTER(members));
	}
}

int spci_pf_read(const char *root, struct sriov_bdf bdf, struct spci_pf **ret,
		 struct sriov_error **err)
{
	sriov_autofd int sysroot = sriov_sysroot_open(root);
	spci_autoaccess access = NULL;
	g_autoptr(GHashTable) groups = NULL;
	char text[SRIOV_BDF_STRLEN];
	struct spci_reader reader;
	int r = sysroot;

	if (sysroot >= 0) {
		access = spci_access_new(root);
		groups = g_hash_table_new(NULL, NULL);
		reader = (struct spci_reader){ sysroot, access, NULL, groups };
		r = spci_pf_load(&reader, bdf, ret);
	}
	if (r < 0)
		return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, -r, sriov_bdf_format(bdf, text),
				       "there is no SR-IOV network controller at this address");
	count_groups(sysroot, *ret, groups);
	spci_pf_mark_shared(*ret, groups);
	return 0;
}

const struct spci_pf *spci_inventory_find(const struct spci_inventory *inventory,
					  struct sriov_bdf pf)
{
	guint low = 0, high = inventory->pfs->len;

	while (low < high) {
		guint middle = low + (high - low) / 2;
		const struct spci_pf *found = inventory->pfs->pdata[middle];

		if (sriov_bdf_equal(found->bdf, pf))
			return found;
		if (sriov_bdf_key(found->bdf) < sriov_bdf_key(pf))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct spci_pf *spci_inventory_find_netdev(const struct spci_inventory *inventory,
						 const char *netdev)
{
	for (guint i = 0; i < inventory->pfs->len; i++) {
		const struct spci_pf *pf = inventory->pfs->pdata[i];

		if (g_strcmp0(pf->netdev, netdev) == 0)
			return pf;
	}
	return NULL;
}

void spci_inventory_free(struct spci_inventory *inventory)
{
	if (!inventory)
		return;
	g_ptr_array_unref(inventory->pfs);
	g_free(inventory);
}
