// SPDX-License-Identifier: GPL-2.0-or-later
#include "pci/sriov.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/sysfs.h"
#include "pci/device.h"
#include "pci/kernel.h"
#include "pci/usage.h"

/* A PF that is opened and locked. */
struct pf {
	int sysroot;
	int fd;
	struct sriov_bdf bdf;
	char text[SRIOV_BDF_STRLEN];
};

static void close_pf(struct pf *pf)
{
	sriov_close_fd(&pf->fd);
	sriov_close_fd(&pf->sysroot);
}
#define autopf __attribute__((cleanup(close_pf))) struct pf

static int open_pf(const char *root, struct sriov_bdf bdf, struct pf *pf, struct sriov_error **err)
{
	pf->bdf = bdf;
	sriov_bdf_format(bdf, pf->text);
	pf->sysroot = sriov_sysroot_open(root);
	if (pf->sysroot < 0)
		return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, -pf->sysroot, root,
				       "cannot open it: %s", g_strerror(-pf->sysroot));
	pf->fd = spci_device_get(pf->sysroot, bdf, err);
	if (pf->fd < 0)
		return pf->fd;
	return spci_device_lock(pf->fd, SPCI_LOCK_EXCLUSIVE, bdf, err);
}

static int read_value(const struct pf *pf, const char *name, uint32_t *ret,
		      struct sriov_error **err)
{
	uint64_t value;
	int r = sriov_sysfs_read_u64(pf->fd, name, &value);

	if (r == 0 && value > UINT16_MAX)
		r = -ERANGE;
	if (r < 0)
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, -r, pf->text, "cannot read %s: %s",
				       name, g_strerror(-r));
	*ret = (uint32_t)value;
	return 0;
}

/* What the errno of a write to sriov_numvfs means, and what to do. */
struct refusal {
	int errnum;
	enum sriov_error_code code;
	const char *why;
};

static const struct refusal refusals[] = {
	{ ENOENT, SRIOV_ERROR_NOT_SUPPORTED,
	  "no driver is bound to the PF, or its driver cannot create VFs (iov.c "
	  "sriov_numvfs_store()); "
	  "bind the NIC's own driver" },
	{ ENOMEM, SRIOV_ERROR_DEVICE,
	  "no room for the VFs' BARs or bus numbers, dmesg says which; enable SR-IOV and ARI in "
	  "the "
	  "firmware's setup, boot with pci=realloc (or pci=assign-busses), or ask for fewer" },
	{ ENOSPC, SRIOV_ERROR_DEVICE,
	  "the NIC has not enough queues or interrupt vectors left; ask for fewer" },
	{ EIO, SRIOV_ERROR_DEVICE,
	  "the PF's SR-IOV capability contradicts itself; SR-IOV is probably disabled in the NIC's "
	  "firmware (mlxconfig, bnxtnvm, …)" },
	{ EBUSY, SRIOV_ERROR_BUSY,
	  "the PF has VFs already, or its driver is being reset or reconfigured; try again" },
	{ EAGAIN, SRIOV_ERROR_BUSY, "the driver is resetting the PF; try again" },
	{ ERANGE, SRIOV_ERROR_INVALID, "more than the driver offers (sriov_totalvfs)" },
	{ EINVAL, SRIOV_ERROR_INVALID,
	  "the driver does not accept this number; dmesg may say why" },
	{ EPERM, SRIOV_ERROR_DENIED,
	  "the driver forbids it while XDP, DCB, RSS pools or another feature takes the queues, or "
	  "VFs are assigned; or this process lacks the right" },
	{ EACCES, SRIOV_ERROR_DENIED, "this process may not write to sysfs" },
	{ EROFS, SRIOV_ERROR_DENIED, "sysfs is mounted read-only here" },
	{ EOPNOTSUPP, SRIOV_ERROR_NOT_SUPPORTED,
	  "the driver cannot do it in its present mode (safe mode, eswitch mode, …)" },
	{ ENOSYS, SRIOV_ERROR_NOT_SUPPORTED, "the kernel or the driver is built without SR-IOV" },
	{ ENODEV, SRIOV_ERROR_NOT_FOUND, "the PF has just gone" },
	{ ETIMEDOUT, SRIOV_ERROR_DEVICE, "the NIC's firmware did not answer in time" },
};

static int explain(const struct pf *pf, const char *what, int errnum, struct sriov_error **err)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++)
		if (refusals[i].errnum == errnum)
			return sriov_error_set(err, refusals[i].code, errnum, pf->text,
					       "%s was refused (%s): %s", what, g_strerror(errnum),
					       refusals[i].why);
	return sriov_error_set(err, SRIOV_ERROR_DEVICE, errnum, pf->text,
			       "%s was refused (%s); dmesg may say why", what, g_strerror(errnum));
}

/* Checks that the PF can be given count VFs now. */
static int check_create(const struct pf *pf, uint32_t count, struct sriov_error **err)
{
	uint32_t total, num;
	int r;

	if (faccessat(pf->fd, "sriov_totalvfs", F_OK, 0) < 0)
		return sriov_error_set(err, SRIOV_ERROR_NOT_SUPPORTED, EOPNOTSUPP, pf->text,
				       "this function has no SR-IOV capability; if the NIC should "
				       "have one, enable it in its firmware");
	r = read_value(pf, "sriov_totalvfs", &total, err);
	if (r < 0)
		return r;
	if (count < 1 || count > total)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, ERANGE, pf->text,
				       "%u VFs asked for, but it has 1 to %u (sriov_totalvfs)",
				       count, total);
	r = read_value(pf, "sriov_numvfs", &num, err);
	if (r < 0)
		return r;
	if (num > 0)
		return sriov_error_set(err, SRIOV_ERROR_BUSY, EBUSY, pf->text,
				       "has %u VFs already, and another number would destroy them; "
				       "destroy them first",
				       num);
	return 0;
}

static int disable_autoprobe(const struct pf *pf, struct sriov_error **err)
{
	uint32_t value;
	int r = spci_kernel_write(pf->fd, "sriov_drivers_autoprobe", "0");

	if (r < 0)
		return sriov_error_set(
			err, r == -ENOENT ? SRIOV_ERROR_NOT_SUPPORTED : SRIOV_ERROR_DEVICE, -r,
			pf->text,
			"cannot switch sriov_drivers_autoprobe off (%s), without which "
			"the host's VF driver would take the VFs; it needs Linux 4.12",
			g_strerror(-r));
	r = read_value(pf, "sriov_drivers_autoprobe", &value, err);
	if (r < 0)
		return r;
	if (value != 0)
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, pf->text,
				       "sriov_drivers_autoprobe reads %u after 0 was written",
				       value);
	return 0;
}

int spci_create_vfs(const char *root, struct sriov_bdf bdf, uint32_t count, uint32_t *ret_num,
		    struct sriov_error **err)
{
	autopf pf = { .sysroot = -1, .fd = -1 };
	char number[16];
	char what[48];
	uint32_t num;
	int r = open_pf(root, bdf, &pf, err);

	if (r == 0)
		r = check_create(&pf, count, err);
	if (r == 0)
		r = disable_autoprobe(&pf, err);
	if (r < 0)
		return r;
	snprintf(number, sizeof(number), "%u", count);
	r = spci_kernel_write(pf.fd, "sriov_numvfs", number);
	if (r < 0) {
		snprintf(what, sizeof(what), "creating %u VFs", count);
		return explain(&pf, what, -r, err);
	}
	/* The kernel only logs it when a driver makes fewer than it was asked for. */
	r = read_value(&pf, "sriov_numvfs", &num, err);
	if (r < 0)
		return r;
	if (num == 0 || num > count)
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, pf.text,
				       "asked for %u VFs without an error, but it now has %u",
				       count, num);
	*ret_num = num;
	return 0;
}

/* Refuses when any VF is in use. */
static int check_vfs_unused(const struct pf *pf, uint32_t num, struct sriov_error **err)
{
	for (uint32_t i = 0; i < num; i++) {
		sriov_autofd int vf = -1;
		struct sriov_bdf bdf;
		char link[24];
		int r;

		snprintf(link, sizeof(link), "virtfn%u", i);
		/* Gone, or not there yet: then nobody uses it. */
		if (spci_device_link(pf->fd, link, &bdf) < 0)
			continue;
		vf = openat(pf->fd, link, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (vf < 0)
			continue;
		r = spci_usage_check(pf->sysroot, vf, bdf, SPCI_DESTROY, err);
		if (r < 0) {
			sriov_error_wrap(err, "not destroying the VFs of %s", pf->text);
			return r;
		}
	}
	return 0;
}

int spci_destroy_vfs(const char *root, struct sriov_bdf bdf, struct sriov_error **err)
{
	autopf pf = { .sysroot = -1, .fd = -1 };
	uint32_t num;
	int r = open_pf(root, bdf, &pf, err);

	if (r == 0)
		r = read_value(&pf, "sriov_numvfs", &num, err);
	if (r < 0 || num == 0)
		return r;
	r = check_vfs_unused(&pf, num, err);
	if (r < 0)
		return r;
	r = spci_kernel_write(pf.fd, "sriov_numvfs", "0");
	if (r < 0)
		return explain(&pf, "destroying its VFs", -r, err);
	r = read_value(&pf, "sriov_numvfs", &num, err);
	if (r < 0)
		return r;
	/* Drivers say yes and keep them when the hypervisor below marks them assigned
	 * (pci_vfs_assigned()). */
	if (num != 0)
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, pf.text,
				       "the driver accepted to destroy its VFs, but still has %u",
				       num);
	return 0;
}
