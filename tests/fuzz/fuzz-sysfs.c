// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What sysfs files say, right or wrong, must never do more to the inventory than leave fields
 * unknown.
 *
 * The input is the contents of the files below, in this order, separated by NUL bytes; what comes
 * after them is the configuration space. They are put into a tree with one PF, which is then read
 * both ways.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/sysfs.h"
#include "pci/aer.h"
#include "pci/inventory.h"
#include "pci/vector.h"
#include "tests/support/tree.h"

#define PF "sys/devices/pci0000:00/0000:01:00.0/"

static const char *const files[] = {
	PF "class",
	PF "vendor",
	PF "device",
	PF "numa_node",
	PF "sriov_totalvfs",
	PF "sriov_numvfs",
	PF "sriov_offset",
	PF "sriov_stride",
	PF "sriov_vf_device",
	PF "sriov_drivers_autoprobe",
	PF "net/ens1/phys_port_name",
	PF "net/ens1/ifindex",
	PF "net/ens1/flags",
	PF "net/ens1/carrier",
	PF "net/ens1/operstate",
	PF "net/ens1/speed",
	PF "net/ens1/mtu",
	PF "net/ens1/type",
	PF "net/ens1/address",
	"sys/module/vfio/parameters/enable_unsafe_noiommu_mode",
	"sys/kernel/iommu_groups/10/name",
	PF "aer_dev_fatal",
	PF "aer_dev_nonfatal",
	"sys/kernel/irq/40/actions",
};

static char *root;
static int root_fd;

static void remove_tree(void)
{
	close(root_fd);
	tree_remove(root);
}

static void make_tree(void)
{
	root = tree_new();
	tree_add_pf(root, &(struct tree_pf){ .bus = 1,
					     .total = 4,
					     .num = 2,
					     .netdev = "ens1",
					     .ifindex = 2,
					     .vf_driver = "iavf",
					     .first_group = 10 });
	tree_dir(root, "sys/module/vfio/parameters");
	tree_dir(root, "sys/kernel/irq/40");
	tree_file(root, PF "msi_irqs/40", "msix");
	tree_file(root, PF "msi_irqs/x", "msix");
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	atexit(remove_tree);
}

static void put(const char *path, const uint8_t *data, size_t size)
{
	int fd = openat(root_fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	close(fd);
}

/* Whatever was read keeps what the header promises. */
static void check(const struct spci_pf *pf)
{
	if (pf->n_vfs > pf->num_vfs || pf->num_vfs > UINT16_MAX || pf->total_vfs > UINT16_MAX)
		abort();
	if (!pf->netdev && (pf->ifindex || pf->mtu || pf->link != SPCI_LINK_UNKNOWN))
		abort();
	for (size_t i = 0; i < pf->n_vfs; i++)
		if (pf->vfs[i].index >= pf->num_vfs ||
		    (i && pf->vfs[i].index <= pf->vfs[i - 1].index))
			abort();
}

static void read_parsers(void)
{
	char small[4];
	uint64_t value;
	int number;

	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		int n = sriov_sysfs_read(root_fd, files[i], small, sizeof(small));

		if (n >= 0 && strlen(small) > (size_t)n)
			abort();
		sriov_sysfs_read_u64(root_fd, files[i], &value);
		sriov_sysfs_read_int(root_fd, files[i], &number);
	}
}

static void read_others(void)
{
	const struct sriov_bdf bdf = { .bus = 1 };
	struct spci_aer aer;
	int vectors = spci_vectors_in_use(root, bdf);

	if (vectors < 0 || vectors > 1)
		abort();
	spci_aer_read(root, &bdf, 1, &aer);
	/* What is not known says nothing that somebody could take for a number. */
	if (!aer.known && aer.nonfatal)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct spci_inventory *inventory;
	struct spci_pf *pf;

	if (!root)
		make_tree();
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		const uint8_t *end = size ? memchr(data, 0, size) : NULL;
		size_t len = end ? (size_t)(end - data) : size;

		put(files[i], data, len);
		data += end ? len + 1 : len;
		size -= end ? len + 1 : len;
	}
	put(PF "config", data, size);
	read_parsers();
	read_others();
	if (spci_inventory_read(root, &inventory, NULL) == 0) {
		for (guint i = 0; i < inventory->pfs->len; i++)
			check(inventory->pfs->pdata[i]);
		spci_inventory_free(inventory);
	}
	if (spci_pf_read(root, (struct sriov_bdf){ .bus = 1 }, &pf, NULL) == 0) {
		check(pf);
		spci_pf_free(pf);
	}
	return 0;
}
