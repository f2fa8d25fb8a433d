// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/fake-kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bdf.h"
#include "base/sysfs.h"
#include "pci/kernel.h"
#include "tests/support/tree.h"

struct fake_kernel fake_kernel;

void fake_kernel_reset(const char *root)
{
	if (fake_kernel.writes)
		g_string_free(fake_kernel.writes, TRUE);
	fake_kernel = (struct fake_kernel){ .root = root, .writes = g_string_new(NULL) };
}

static bool exists(const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(fake_kernel.root, dir, name, NULL);

	return access(path, F_OK) == 0;
}

static char *read_line(const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(fake_kernel.root, dir, name, NULL);
	char buf[256] = "";

	sriov_sysfs_read(AT_FDCWD, path, buf, sizeof(buf));
	return g_strdup(buf);
}

static uint32_t read_number(const char *dir, const char *name)
{
	g_autofree char *text = read_line(dir, name);

	return (uint32_t)strtoul(text, NULL, 0);
}

static void put(const char *dir, const char *name, const char *value)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);

	tree_file(fake_kernel.root, path, value);
}

static void put_link(const char *dir, const char *name, const char *target)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);

	tree_link(fake_kernel.root, path, target);
}

static void drop(const char *dir, const char *name)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);

	tree_delete(fake_kernel.root, path);
}

/* The directory of a descriptor, relative to the root; the caller's. */
static char *directory_of(int fd)
{
	g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
	g_autofree char *path = realpath(link, NULL);
	g_autofree char *top = realpath(fake_kernel.root, NULL);

	g_assert(g_str_has_prefix(path, top));
	return g_strdup(path + strlen(top));
}

static int attach(const char *dev, const char *driver)
{
	g_autofree char *target = g_strdup_printf("../../../bus/pci/drivers/%s", driver);

	if (!exists("sys/bus/pci/drivers", driver) || g_strcmp0(fake_kernel.refuses, driver) == 0)
		return -ENODEV;
	put_link(dev, "driver", target);
	if (!strstr(driver, "vfio"))
		put(dev, "net/eth9/flags", "0x1002");
	return 0;
}

/* device_attach(); as in Linux 6.12 the writer of drivers_probe does not learn of a failed probe.
 */
static void probe(const char *dev)
{
	g_autofree char *override = read_line(dev, "driver_override");

	if (exists(dev, "driver"))
		return;
	if (*override && strcmp(override, "(null)") != 0) {
		attach(dev, override);
		return;
	}
	/* pci_device_can_probe() */
	if (exists(dev, "physfn") && read_number(dev, "physfn/sriov_drivers_autoprobe") == 0)
		return;
	if (fake_kernel.vf_driver)
		attach(dev, fake_kernel.vf_driver);
}

static void add_vf(const char *pf, uint32_t i)
{
	g_autofree char *parent = g_path_get_dirname(pf);
	g_autofree char *pf_name = g_path_get_basename(pf);
	g_autofree char *virtfn = g_strdup_printf("virtfn%u", i);
	g_autofree char *dev = NULL, *link = NULL, *physfn = NULL, *up = NULL;
	char name[SRIOV_BDF_STRLEN];
	struct sriov_bdf bdf;

	g_assert(sriov_bdf_parse(pf_name, &bdf) == 0);
	bdf = sriov_bdf_from_key(sriov_bdf_key(bdf) + read_number(pf, "sriov_offset") +
				 i * read_number(pf, "sriov_stride"));
	sriov_bdf_format(bdf, name);
	dev = g_build_filename(parent, name, NULL);
	put(dev, "driver_override", "(null)");
	put(dev, "reset", "");
	up = g_strdup_printf("../%s", name);
	physfn = g_strdup_printf("../%s", pf_name);
	link = g_strdup_printf("../../..%s", dev + strlen("/sys"));
	put_link(pf, virtfn, up);
	put_link(dev, "physfn", physfn);
	put_link("sys/bus/pci/devices", name, link);
	if (fake_kernel.next_group) {
		g_autofree char *group = g_strdup_printf("../../../kernel/iommu_groups/%u",
							 fake_kernel.next_group++);

		put_link(dev, "iommu_group", group);
	}
	probe(dev);
}

static void remove_vf(const char *pf, uint32_t i)
{
	g_autofree char *virtfn = g_strdup_printf("virtfn%u", i);
	g_autofree char *path = g_build_filename(fake_kernel.root, pf, virtfn, NULL);
	g_autofree char *dev = realpath(path, NULL);
	g_autofree char *top = realpath(fake_kernel.root, NULL);
	g_autofree char *name = NULL;

	if (!dev)
		return;
	name = g_path_get_basename(dev);
	drop("sys/bus/pci/devices", name);
	drop(pf, virtfn);
	tree_delete(fake_kernel.root, dev + strlen(top));
}

static int store_numvfs(const char *pf, const char *text)
{
	uint32_t asked = (uint32_t)strtoul(text, NULL, 10);
	uint32_t now = read_number(pf, "sriov_numvfs");
	g_autofree char *value = NULL;

	if (asked > read_number(pf, "sriov_totalvfs"))
		return -ERANGE;
	if (asked == now)
		return 0;
	if (!exists(pf, "driver"))
		return -ENOENT;
	if (asked && now)
		return -EBUSY;
	if (fake_kernel.vf_limit)
		asked = MIN(asked, fake_kernel.vf_limit);
	for (uint32_t i = 0; i < now; i++)
		remove_vf(pf, i);
	for (uint32_t i = 0; i < asked; i++)
		add_vf(pf, i);
	value = g_strdup_printf("%u", asked);
	put(pf, "sriov_numvfs", value);
	return 0;
}

static int store(const char *dir, const char *path, const char *text)
{
	g_autofree char *file = g_path_get_basename(path);

	if (strcmp(file, "sriov_numvfs") == 0)
		return store_numvfs(dir, text);
	if (strcmp(file, "unbind") == 0) {
		if (!exists(dir, "driver"))
			return -ENOENT;
		drop(dir, "driver");
		drop(dir, "net");
	} else if (strcmp(file, "drivers_probe") == 0) {
		g_autofree char *link = g_build_filename(fake_kernel.root, "sys/bus/pci/devices",
							 text, NULL);
		g_autofree char *dev = realpath(link, NULL);
		g_autofree char *top = realpath(fake_kernel.root, NULL);

		if (!dev)
			return -ENODEV;
		if (fake_kernel.deaf_probes > 0)
			fake_kernel.deaf_probes--;
		else
			probe(dev + strlen(top));
	} else if (strcmp(file, "driver_override") == 0) {
		put(dir, file, strcmp(text, "\n") == 0 ? "(null)" : text);
	} else if (strcmp(file, "reset") != 0) {
		if (!exists(dir, path))
			return -ENOENT;
		put(dir, path, text);
	}
	return 0;
}

int spci_kernel_write(int dirfd, const char *path, const char *text)
{
	g_autofree char *dir = directory_of(dirfd);
	g_autofree char *device = g_path_get_basename(dir);
	g_autofree char *file = g_path_get_basename(path);
	g_autofree char *shown = g_strescape(text, NULL);

	/* As the test wants to read it: the host's own files without a device before them. */
	g_string_append_printf(fake_kernel.writes, "%s%s%s=%s\n", *dir ? device : "",
			       *dir ? "/" : "", *dir ? path : file, shown);
	if (g_strcmp0(fake_kernel.fail_file, file) == 0)
		return -fake_kernel.fail_errno;
	if (g_strcmp0(fake_kernel.deaf_file, file) == 0)
		return 0;
	return store(dir, path, text);
}

int spci_kernel_open(int dirfd, const char *path)
{
	g_autofree char *busy = g_strdup_printf("dev/vfio/%d", fake_kernel.busy_group);
	int fd;

	if (fake_kernel.busy_group && strcmp(path, busy) == 0)
		return -EBUSY;
	fd = openat(dirfd, path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
