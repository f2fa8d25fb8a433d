// SPDX-License-Identifier: GPL-2.0-or-later
#include "pci/kernel.h"

#include <errno.h>
#include <fcntl.h>

#include "base/sysfs.h"

int spci_kernel_write(int dirfd, const char *path, const char *text)
{
	return sriov_sysfs_write(dirfd, path, text);
}

int spci_kernel_open(int dirfd, const char *path)
{
	int fd = openat(dirfd, path, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}
