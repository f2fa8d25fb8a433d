// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Binding a function to a driver.
 *
 * A VF is probed by the kernel only if its PF's sriov_drivers_autoprobe is on or the VF has a
 * driver_override (drivers/pci/pci-driver.c pci_device_can_probe()); otherwise even writing to a
 * driver's "bind" gives ENODEV. For vfio-pci the override opens that gate, stays, and makes every
 * later probe come to the same result. For "the driver the kernel would choose" there is no name to
 * put into the override (no driver's id table can be seen in sysfs), so autoprobe is switched on
 * just around the probe. In between, another VF without a driver could be taken only if its
 * driver's module were loaded or somebody probed it in the same instant; and if this process is
 * killed there, autoprobe stays on until the next creation of VFs, which switches it off
 * (spci_create_vfs()).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/sysfs.h"
#include "pci/device.h"
#include "pci/kernel.h"
#include "pci/sriov.h"
#include "pci/target.h"
#include "pci/usage.h"

#define PROBE "sys/bus/pci/drivers_probe"
#define CLEAR "\n" /* as a driver_override: none */

static int fail(const struct spci_target *target, int r, struct sriov_error **err, const char *what)
{
	return sriov_error_set(err,
			       r == -EACCES || r == -EPERM || r == -EROFS ? SRIOV_ERROR_DENIED
									  : SRIOV_ERROR_DEVICE,
			       -r, target->text, "%s: %s", what, g_strerror(-r));
}

static bool is_vfio(const char *driver)
{
	return driver && strstr(driver, "vfio");
}

static int check_driver(const struct spci_target *target, const char *driver,
			struct sriov_error **err)
{
	char path[128];

	if (!*driver || strlen(driver) > 64 ||
	    strspn(driver, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") !=
		    strlen(driver))
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, target->text,
				       "not the name of a driver");
	snprintf(path, sizeof(path), "sys/bus/pci/drivers/%s", driver);
	if (faccessat(target->sysroot, path, F_OK, 0) < 0)
		return sriov_error_set(err, SRIOV_ERROR_NOT_SUPPORTED, ENOENT, target->text,
				       "the driver %s is not loaded; modprobe %s", driver, driver);
	return 0;
}

static int set_override(const struct spci_target *target, const char *driver,
			struct sriov_error **err)
{
	char text[256];
	int r = spci_kernel_write(target->device, "driver_override", driver);

	if (r < 0)
		return fail(target, r, err, "cannot write driver_override");
	r = sriov_sysfs_read(target->device, "driver_override", text, sizeof(text));
	if (r < 0)
		return fail(target, r, err, "cannot read driver_override back");
	/* Without one it reads "(null)". */
	if (strcmp(driver, CLEAR) != 0 && strcmp(text, driver) != 0)
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, target->text,
				       "driver_override reads \"%s\" after \"%s\" was written",
				       text, driver);
	return 0;
}

int spci_target_unbind(const struct spci_target *target, const char *driver,
		       struct sriov_error **err)
{
	int r = spci_kernel_write(target->device, "driver/unbind", target->text);

	/* ENOENT, ENODEV: it lost its driver on its own meanwhile. */
	if (r < 0 && r != -ENOENT && r != -ENODEV)
		return fail(target, r, err, "cannot unbind it from its driver");
	if (spci_device_driver(target->device, "driver") == NULL)
		return 0;
	return sriov_error_set(err, SRIOV_ERROR_DEVICE, EBUSY, target->text,
			       "still bound to %s after unbinding", driver);
}

/* Probes a function that has an override, or is no VF. */
static int probe(const struct spci_target *target)
{
	return spci_kernel_write(target->sysroot, PROBE, target->text);
}

/* Probes a function without an override; see the top of this file. */
static int probe_by_itself(const struct spci_target *target)
{
	static const char switch_file[] = "sriov_drivers_autoprobe";
	uint64_t autoprobe = 1;
	int r, restored;

	if (target->pf >= 0 && sriov_sysfs_read_u64(target->pf, switch_file, &autoprobe) < 0)
		autoprobe = 1; /* before Linux 4.12 always on */
	if (autoprobe)
		return probe(target);
	r = spci_kernel_write(target->pf, switch_file, "1");
	if (r < 0)
		return r;
	r = probe(target);
	restored = spci_kernel_write(target->pf, switch_file, "0");
	return restored < 0 ? restored : r;
}

/*
 * Probing again for a while, which all functions of this process together do no longer than 2 s:
 *
 * udev loads the module of a VF's own driver when it hears of the first VF, which is while we are
 * here already, and nothing binds a VF then. The module may not exist, though.
 *
 * And while that module's driver goes over all functions, the VF is its driver's for a moment,
 * until the kernel finds that it may not be (really_probe(), pci_device_can_probe()); whoever
 * writes to drivers_probe in that moment gets success, and nothing was probed
 * (drivers/base/bus.c bus_rescan_devices_helper() asks for dev->driver without the device's lock).
 */
static bool may_probe_again(void)
{
	static unsigned polls = 40;

	if (polls == 0)
		return false;
	polls--;
	g_usleep(50 * 1000);
	return true;
}

static int probe_until_loaded(const struct spci_target *target)
{
	int r = probe_by_itself(target);

	while (spci_device_driver(target->device, "driver") == NULL && may_probe_again())
		r = probe_by_itself(target);
	return r;
}

static int probe_until_bound(const struct spci_target *target, const char *driver)
{
	int r = probe(target);

	while (g_strcmp0(spci_device_driver(target->device, "driver"), driver) != 0 &&
	       may_probe_again())
		r = probe(target);
	return r;
}

/* Why did the driver not take it? probed is what writing to drivers_probe gave. */
static int explain(const struct spci_target *target, const char *driver, int probed,
		   struct sriov_error **err)
{
	int errnum = probed < 0 ? -probed : ENODEV;
	const char *now = spci_device_driver(target->device, "driver");

	if (now)
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, errnum, target->text,
				       "%s took it instead of %s", now,
				       driver ? driver : "its own driver");
	if (is_vfio(driver) && spci_device_iommu_group(target->device, "iommu_group") < 0)
		return sriov_error_set(
			err, SRIOV_ERROR_DEVICE, errnum, target->text,
			"%s did not take it: the function is in no IOMMU group; "
			"switch VT-d or AMD-Vi on in the firmware's setup and boot with "
			"intel_iommu=on",
			driver);
	if (driver)
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, errnum, target->text,
				       "%s did not take it (%s); dmesg may say why", driver,
				       g_strerror(errnum));
	return sriov_error_set(err, SRIOV_ERROR_DEVICE, errnum, target->text,
			       "no driver took it: the module for it is not loaded, or its probe "
			       "failed; dmesg may say why");
}

int spci_target_bind_again(const struct spci_target *target, const char *driver,
			   struct sriov_error **err)
{
	char override[256] = "";
	int r;

	sriov_sysfs_read(target->device, "driver_override", override, sizeof(override));
	r = strcmp(override, driver) == 0 ? probe_until_bound(target, driver)
					  : probe_by_itself(target);
	if (g_strcmp0(spci_device_driver(target->device, "driver"), driver) == 0)
		return 0;
	return explain(target, driver, r, err);
}

/* Is it as asked for? NULL: any driver but vfio, and no override. */
static bool is_bound(const struct spci_target *target, const char *driver)
{
	const char *now = spci_device_driver(target->device, "driver");
	char override[256] = "";

	sriov_sysfs_read(target->device, "driver_override", override, sizeof(override));
	if (driver)
		return g_strcmp0(now, driver) == 0 && strcmp(override, driver) == 0;
	return now && !is_vfio(now) && (!*override || strcmp(override, "(null)") == 0);
}

static int rebind(const struct spci_target *target, const char *driver, struct sriov_error **err)
{
	const char *now = spci_device_driver(target->device, "driver");
	int r = set_override(target, driver ? driver : CLEAR, err);

	if (r < 0)
		return r;
	if (driver && g_strcmp0(now, driver) == 0)
		return 0;
	r = now ? spci_target_unbind(target, now, err) : 0;
	if (r < 0)
		return r;
	r = driver ? probe_until_bound(target, driver) : probe_until_loaded(target);
	return is_bound(target, driver) ? 0 : explain(target, driver, r, err);
}

int spci_bind(const char *root, struct sriov_bdf bdf, const char *driver, struct sriov_error **err)
{
	spci_autotarget target;
	const char *now;
	int r = spci_target_open(root, bdf, &target, err);

	if (r == 0 && driver)
		r = check_driver(&target, driver, err);
	if (r < 0 || is_bound(&target, driver))
		return r;
	/* Taking a function from vfio-pci while it is open waits until it is closed, maybe for
	 * ever. */
	now = spci_device_driver(target.device, "driver");
	if (now && g_strcmp0(now, driver) != 0)
		r = spci_usage_check(target.sysroot, target.device, bdf, SPCI_REBIND, err);
	if (r < 0)
		return r;
	r = rebind(&target, driver, err);
	if (r < 0)
		spci_kernel_write(target.device, "driver_override", CLEAR);
	return r;
}
