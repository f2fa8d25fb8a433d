// SPDX-License-Identifier: GPL-2.0-or-later
#include "pci/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "pci/device.h"
#include "pci/netdev.h"
#include "pci/vfio.h"

struct subject {
	int sysroot;
	int device;
	const char *driver;
	char bdf[SRIOV_BDF_STRLEN];
};

static int refuse(const struct subject *s, struct sriov_error **err, const char *fmt, ...)
	G_GNUC_PRINTF(3, 4);

static int refuse(const struct subject *s, struct sriov_error **err, const char *fmt, ...)
{
	g_autofree char *why = NULL;
	va_list ap;

	va_start(ap, fmt);
	why = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	return sriov_error_set(err, SRIOV_ERROR_BUSY, EBUSY, s->bdf, "in use: %s", why);
}

static int check_vfio(const struct subject *s, struct sriov_error **err)
{
	bool is_vfio = s->driver && strstr(s->driver, "vfio");
	int group = spci_device_iommu_group(s->device, "iommu_group");
	int r = group < 0 ? -ENOENT : spci_vfio_group_probe(s->sysroot, group);

	if (r > 0)
		return refuse(s, err, "a guest or a DPDK process holds VFIO group %d open", group);
	/*
	 * No node but a VFIO driver: a service's sandbox that hides /dev, or a kernel without
	 * CONFIG_VFIO_GROUP. Either way a user could be there and we would not see it.
	 */
	if (r == -ENOENT && is_vfio)
		return refuse(
			s, err,
			"%s holds it, but /dev/vfio/%d is not there, which would tell whether "
			"somebody uses it",
			s->driver, group);
	if (r < 0 && r != -ENOENT)
		return sriov_error_set(err, sriov_error_code_from_errno(-r), -r, s->bdf,
				       "cannot tell whether it is in use: opening /dev/vfio/%d: %s",
				       group, g_strerror(-r));
	return 0;
}

static int check_netdev(const struct subject *s, enum spci_interruption what,
			struct sriov_error **err)
{
	char netdev[IFNAMSIZ];
	int r = spci_netdev_of_vf(s->device, "net", netdev);

	if (r == 0 && what == SPCI_DESTROY && spci_netdev_is_up(s->device, "net", netdev))
		return refuse(s, err, "its netdev %s is up; set it down first", netdev);
	/*
	 * The directory stays when the netdev moves to another namespace, only its entry goes from
	 * view (sysfs tags entries of class net by namespace). Without a netdev there is no
	 * directory at all.
	 */
	if (r == -ENOENT && faccessat(s->device, "net", F_OK, 0) == 0)
		return refuse(s, err,
			      "its netdev (driver %s) is in another network namespace, most likely "
			      "a container's",
			      s->driver);
	return 0;
}

int spci_usage_check(int sysroot, int device, struct sriov_bdf bdf, enum spci_interruption what,
		     struct sriov_error **err)
{
	struct subject s = { .sysroot = sysroot, .device = device };
	int r;

	sriov_bdf_format(bdf, s.bdf);
	s.driver = spci_device_driver(device, "driver");
	r = check_vfio(&s, err);
	if (r == 0 && s.driver)
		r = check_netdev(&s, what, err);
	/* Any number of processes can open /dev/uioN, and the kernel does not say whether one has.
	 */
	if (r == 0 && s.driver && faccessat(device, "uio", F_OK, 0) == 0)
		r = refuse(&s, err,
			   "bound to %s, which does not tell whether a process uses it; "
			   "unbind it first",
			   s.driver);
	return r;
}
