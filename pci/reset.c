// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <glib.h>

#include "pci/kernel.h"
#include "pci/sriov.h"
#include "pci/target.h"
#include "pci/usage.h"

int spci_reset(const char *root, struct sriov_bdf bdf, struct sriov_error **err)
{
	spci_autotarget target;
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
	r = spci_kernel_write(target.device, "reset", "1");
	if (r == 0)
		return 0;
	/* Not "unsupported": a method was there, and the device did not come back from it in time.
	 */
	if (r == -ENOTTY)
		return sriov_error_set(
			err, SRIOV_ERROR_DEVICE, ENOTTY, target.text,
			"no reset method worked; the function does not answer, dmesg "
			"says more");
	if (r == -EAGAIN || r == -EBUSY)
		return sriov_error_set(err, SRIOV_ERROR_BUSY, -r, target.text,
				       "cannot be reset now (%s); try again", g_strerror(-r));
	return sriov_error_set(
		err, r == -EACCES || r == -EPERM ? SRIOV_ERROR_DENIED : SRIOV_ERROR_DEVICE, -r,
		target.text, "the reset failed: %s", g_strerror(-r));
}
