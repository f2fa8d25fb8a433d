// SPDX-License-Identifier: GPL-2.0-or-later
/* Generated hosts: any number of PFs and VFs, laid out as the kernel does. */
#include <string.h>

#include <glib.h>

#include "tests/support/tree.h"

#define VF_OFFSET  0x10
#define VF_STRIDE  1
#define VFS_PER_PF 250

/* A path or value made with printf, freed at the end of the statement's scope. */
static void put_file(const char *root, const char *dir, const char *name, const char *fmt, ...)
	G_GNUC_PRINTF(4, 5);

static void put_file(const char *root, const char *dir, const char *name, const char *fmt, ...)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	g_autofree char *value = NULL;
	va_list ap;

	va_start(ap, fmt);
	value = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	tree_file(root, path, value);
}

static void put_link(const char *root, const char *dir, const char *name, const char *fmt, ...)
	G_GNUC_PRINTF(4, 5);

static void put_link(const char *root, const char *dir, const char *name, const char *fmt, ...)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	g_autofree char *target = NULL;
	va_list ap;

	va_start(ap, fmt);
	target = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	tree_link(root, path, target);
}

static char *bdf_text(uint32_t domain, uint32_t rid)
{
	return g_strdup_printf("%04x:%02x:%02x.%x", domain, rid >> 8, rid >> 3 & 0x1f, rid & 7);
}

/* Makes a function's directory, its link in bus/pci/devices and its group; returns the directory.
 */
static char *add_function(const char *root, const char *bdf, uint32_t group)
{
	char *dir = g_strdup_printf("sys/devices/pci0000:00/%s", bdf);
	g_autofree char *members = g_strdup_printf("sys/kernel/iommu_groups/%u/devices", group);

	tree_dir(root, dir);
	put_link(root, "sys/bus/pci/devices", bdf, "../../../devices/pci0000:00/%s", bdf);
	put_link(root, dir, "iommu_group", "../../../kernel/iommu_groups/%u", group);
	put_link(root, members, bdf, "../../../../devices/pci0000:00/%s", bdf);
	return dir;
}

static void add_driver(const char *root, const char *dir, const char *driver)
{
	g_autofree char *path = g_strdup_printf("sys/bus/pci/drivers/%s", driver);

	tree_dir(root, path);
	put_link(root, dir, "driver", "../../../bus/pci/drivers/%s", driver);
}

static void add_netdev(const char *root, const char *dir, const char *netdev, uint32_t ifindex)
{
	g_autofree char *net = g_build_filename(dir, "net", netdev, NULL);

	put_file(root, net, "ifindex", "%u", ifindex);
	put_file(root, net, "flags", "0x1003");
	put_file(root, net, "carrier", "1");
	put_file(root, net, "operstate", "up");
	put_file(root, net, "speed", "25000");
	put_file(root, net, "mtu", "1500");
	put_file(root, net, "type", "1");
	put_file(root, net, "dev_port", "0");
	put_file(root, net, "address", "02:00:00:%02x:%02x:%02x", ifindex >> 16 & 0xff,
		 ifindex >> 8 & 0xff, ifindex & 0xff);
}

static void put16(char *bytes, int at, uint32_t value)
{
	bytes[at] = (char)value;
	bytes[at + 1] = (char)(value >> 8);
}

/* Configuration space: a PCI Express capability at 0x40 and SR-IOV at 0x100. */
static void add_config(const char *root, const char *dir, const struct tree_pf *pf)
{
	g_autofree char *path = g_build_filename(root, dir, "config", NULL);
	char bytes[4096] = { 0 };

	put16(bytes, 0x06, 0x0010); /* Status: Capabilities List */
	bytes[0x34] = 0x40;
	put16(bytes, 0x40, 0x0010); /* PCI Express, the last one */
	put16(bytes, 0x100, 0x0010);
	put16(bytes, 0x102, 0x0001); /* SR-IOV, version 1, the last one */
	put16(bytes, 0x108, pf->num ? 0x0019 : 0x0010);
	put16(bytes, 0x10e, pf->total);
	put16(bytes, 0x110, pf->num);
	put16(bytes, 0x114, VF_OFFSET);
	put16(bytes, 0x116, VF_STRIDE);
	put16(bytes, 0x11a, 0x1889);
	g_file_set_contents(path, bytes, sizeof(bytes), NULL);
}

static void add_vf(const char *root, const char *pf_dir, const struct tree_pf *pf, uint32_t i)
{
	g_autofree char *pf_bdf = bdf_text(pf->domain, (uint32_t)pf->bus << 8);
	g_autofree char *bdf = bdf_text(pf->domain,
					((uint32_t)pf->bus << 8) + VF_OFFSET + VF_STRIDE * i);
	g_autofree char *dir = add_function(root, bdf, pf->first_group + 1 + i);
	g_autofree char *virtfn = g_strdup_printf("virtfn%u", i);

	put_link(root, pf_dir, virtfn, "../%s", bdf);
	put_link(root, dir, "physfn", "../%s", pf_bdf);
	put_file(root, dir, "class", "0x020000");
	put_file(root, dir, "vendor", "0x8086");
	put_file(root, dir, "device", "0x1889");
	put_file(root, dir, "driver_override", "%s", "(null)");
	if (!pf->vf_driver)
		return;
	add_driver(root, dir, pf->vf_driver);
	if (!strstr(pf->vf_driver, "vfio")) {
		g_autofree char *netdev = g_strdup_printf("%sv%u", pf->netdev, i);

		add_netdev(root, dir, netdev, pf->ifindex + 1 + i);
	}
}

void tree_add_pf(const char *root, const struct tree_pf *pf)
{
	g_autofree char *bdf = bdf_text(pf->domain, (uint32_t)pf->bus << 8);
	g_autofree char *dir = add_function(root, bdf, pf->first_group);

	put_file(root, dir, "class", "0x020000");
	put_file(root, dir, "vendor", "0x8086");
	put_file(root, dir, "device", "0x1592");
	put_file(root, dir, "numa_node", "%u", pf->domain % 2);
	put_file(root, dir, "sriov_totalvfs", "%u", pf->total);
	put_file(root, dir, "sriov_numvfs", "%u", pf->num);
	put_file(root, dir, "sriov_offset", "%u", VF_OFFSET);
	put_file(root, dir, "sriov_stride", "%u", VF_STRIDE);
	put_file(root, dir, "sriov_vf_device", "1889");
	put_file(root, dir, "sriov_drivers_autoprobe", "0");
	put_file(root, dir, "driver_override", "%s", "(null)");
	add_driver(root, dir, "ice");
	add_netdev(root, dir, pf->netdev, pf->ifindex);
	if (pf->config)
		add_config(root, dir, pf);
	for (uint32_t i = 0; i < pf->num; i++)
		add_vf(root, dir, pf, i);
}

char *tree_generate(uint32_t total, const char *vf_driver)
{
	char *root = tree_new();

	/* What a server has besides: bridges, storage, the CPU's own functions. */
	for (uint32_t i = 0; i < 100; i++) {
		g_autofree char *bdf = bdf_text(0, i << 3);
		g_autofree char *dir = add_function(root, bdf, i);

		put_file(root, dir, "class", "0x060400");
	}
	for (uint32_t done = 0, n = 0; done < total; n++) {
		g_autofree char *netdev = g_strdup_printf("ens%u", n);
		struct tree_pf pf = {
			.domain = 1 + n / 32,
			.bus = (uint8_t)(n % 32 * 4),
			.total = 256,
			.num = MIN(VFS_PER_PF, total - done),
			.netdev = netdev,
			.ifindex = 2 + n * 300,
			.vf_driver = vf_driver,
			.first_group = 1000 + n * 300,
			.config = true,
		};

		tree_add_pf(root, &pf);
		done += pf.num;
	}
	return root;
}
