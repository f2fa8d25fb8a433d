// SPDX-License-Identifier: GPL-2.0-or-later
#include "pci/device.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include <glib.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/sysfs.h"

#define DEVICES	     "sys/bus/pci/devices/"
#define LOCK_WAIT_MS 2000
#define LOCK_STEP_MS 10

int spci_device_open(int sysroot, struct sriov_bdf bdf)
{
	char path[sizeof(DEVICES) + SRIOV_BDF_STRLEN];
	char text[SRIOV_BDF_STRLEN];
	int fd;

	snprintf(path, sizeof(path), DEVICES "%s", sriov_bdf_format(bdf, text));
	/* Not O_PATH, which flock(2) and getdents64(2) refuse. */
	fd = openat(sysroot, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int spci_device_get(int sysroot, struct sriov_bdf bdf, struct sriov_error **err)
{
	char text[SRIOV_BDF_STRLEN];
	int fd = spci_device_open(sysroot, bdf);

	if (fd >= 0)
		return fd;
	return sriov_error_set(err, sriov_error_code_from_errno(-fd), -fd,
			       sriov_bdf_format(bdf, text), "no such PCI function: %s",
			       g_strerror(-fd));
}

const char *spci_device_driver(int dirfd, const char *path)
{
	char name[256];

	/* Interned: a handful of names, held by 10,000 VFs. */
	if (sriov_sysfs_link_name(dirfd, path, name, sizeof(name)) <= 0)
		return NULL;
	return g_intern_string(name);
}

int spci_device_iommu_group(int dirfd, const char *path)
{
	char name[16];
	uint64_t group;

	if (sriov_sysfs_link_name(dirfd, path, name, sizeof(name)) <= 0 ||
	    sriov_parse_u64(name, 10, INT32_MAX, &group) < 0)
		return -1;
	return (int)group;
}

bool spci_device_group_is_noiommu(int dirfd, const char *path)
{
	char file[96];
	char name[32];

	snprintf(file, sizeof(file), "%s/name", path);
	return sriov_sysfs_read(dirfd, file, name, sizeof(name)) > 0 &&
	       strcmp(name, "vfio-noiommu") == 0;
}

int spci_device_link(int dirfd, const char *path, struct sriov_bdf *ret)
{
	char name[32];
	int r = sriov_sysfs_link_name(dirfd, path, name, sizeof(name));

	return r < 0 ? r : sriov_bdf_parse(name, ret);
}

int spci_device_list(int dirfd, const char *path, bool few,
		     bool (*each)(const char *name, void *data), void *data)
{
	_Alignas(struct dirent64) char buf[8192];
	sriov_autofd int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	/* Not opendir(3): it costs three more system calls and 32 KiB of heap for each of 10,000
	 * VFs. */
	while ((n = getdents64(fd, buf, sizeof(buf))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *entry = (const struct dirent64 *)(buf + at);

			if (entry->d_name[0] != '.' && !each(entry->d_name, data))
				return 0;
			at += entry->d_reclen;
		}
		if (few)
			return 0;
	}
	return n < 0 ? -errno : 0;
}

int spci_device_lock(int fd, enum spci_lock how, struct sriov_bdf bdf, struct sriov_error **err)
{
	int operation = (how == SPCI_LOCK_SHARED ? LOCK_SH : LOCK_EX) | LOCK_NB;
	char text[SRIOV_BDF_STRLEN];

	for (int waited = 0; flock(fd, operation) < 0; waited += LOCK_STEP_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return sriov_error_set(
				err, SRIOV_ERROR_INTERNAL, errno, sriov_bdf_format(bdf, text),
				"cannot lock its directory in sysfs: %s", g_strerror(errno));
		if (waited >= LOCK_WAIT_MS)
			return sriov_error_set(err, SRIOV_ERROR_BUSY, EBUSY,
					       sriov_bdf_format(bdf, text),
					       "an earlier operation on it has not come back from "
					       "the kernel yet");
		g_usleep(LOCK_STEP_MS * 1000);
	}
	return 0;
}
