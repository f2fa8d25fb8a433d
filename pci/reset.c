// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "pci/device.h"
#include "pci/kernel.h"
#include "pci/sriov.h"
#include "pci/target.h"
#include "pci/usage.h"

static int write_reset(const struct spci_target *target, struct sriov_error **err)
{
	int r = spci_kernel_write(target->device, "reset", "1");

	if (r == 0)
		return 0;
	/* Not "unsupported": a method was there, and the device did not come back from it in time.
	 */
	if (r == -ENOTTY)
		return sriov_error_set(
			err, SRIOV_ERROR_DEVICE, ENOTTY, target->text,
			"no reset method worked; the function does not answer, dmesg "
			"says more");
	if (r == -EAGAIN || r == -EBUSY)
		return sriov_error_set(err, SRIOV_ERROR_BUSY, -r, target->text,
				       "cannot be reset now (%s); try again", g_strerror(-r));
	return sriov_error_set(
		err, r == -EACCES || r == -EPERM ? SRIOV_ERROR_DENIED : SRIOV_ERROR_DEVICE, -r,
		target->text, "the reset failed: %s", g_strerror(-r));
}

/*
 * Without its network driver meanwhile: igbvf takes its queues down before a reset, whether they
 * are up or not, and when they are not it waits for them for ever (Linux 6.12, igbvf_io_prepare()).
 * And a driver learns only when it is bound what was set on the VF through the PF.
 */
static int reset_unbound(const struct spci_target *target, const char *driver,
			 struct sriov_error **err)
{
	sriov_autoerror second = NULL;
	int r = spci_target_unbind(target, driver, err);

	if (r < 0)
		return r;
	r = write_reset(target, err);
	if (r < 0)
		spci_target_bind_again(target, driver, &second);
	else
		r = spci_target_bind_again(target, driver, err);
	return r;
}

int spci_reset(const char *root, struct sriov_bdf bdf, struct sriov_error **err)
{
	spci_autotarget target;
	const char *driver;
	int r = spci_target_open(root, bdf, &target, err);

	/* The kernel resets a function under its user's feet: neither vfio-pci nor a VF driver is
	 * asked. */
	if (r == 0)
		r = spci_usage_check(target.sysroot, target.device, bdf, SPCI_REBIND, err);
	if (r < 0)
		return r;
	if (faccessat(target.device, "reset", F_OK, 0) < 0)
		return sriov_error_set(err, SRIOV_ERROR_NOT_SUPPORTED, EOPNOTSUPP, target.text,
				       "the function offers no reset (no FLR, no other method)");
	driver = spci_device_driver(target.device, "driver");
	if (target.pf >= 0 && driver && !strstr(driver, "vfio"))
		return reset_unbound(&target, driver, err);
	return write_reset(&target, err);
}
