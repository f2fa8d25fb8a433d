// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/fd.h"
#include "base/parse.h"

int sriov_sysroot_open(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int sriov_sysfs_read(int dirfd, const char *path, char *buf, size_t size)
{
	sriov_autofd int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = read(fd, buf, size);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n == size)
		return -EOVERFLOW;
	while (n > 0 && g_ascii_isspace(buf[n - 1]))
		n--;
	buf[n] = '\0';
	return (int)n;
}

int sriov_sysfs_read_u64(int dirfd, const char *path, uint64_t *ret)
{
	char text[32];
	int r = sriov_sysfs_read(dirfd, path, text, sizeof(text));

	if (r < 0)
		return r;
	return sriov_parse_u64(text, 0, UINT64_MAX, ret);
}

int sriov_sysfs_read_int(int dirfd, const char *path, int *ret)
{
	char text[32];
	bool negative;
	uint64_t value;
	int r = sriov_sysfs_read(dirfd, path, text, sizeof(text));

	if (r < 0)
		return r;
	negative = text[0] == '-';
	r = sriov_parse_u64(text + negative, 10, INT32_MAX, &value);
	if (r < 0)
		return r;
	*ret = negative ? -(int)value : (int)value;
	return 0;
}

int sriov_sysfs_link_name(int dirfd, const char *path, char *buf, size_t size)
{
	char target[SRIOV_SYSFS_LINE_MAX];
	ssize_t n = readlinkat(dirfd, path, target, sizeof(target));
	const char *name;

	if (n < 0)
		return -errno;
	if ((size_t)n == sizeof(target))
		return -EOVERFLOW;
	target[n] = '\0';
	name = strrchr(target, '/');
	name = name ? name + 1 : target;
	if (g_strlcpy(buf, name, size) >= size)
		return -EOVERFLOW;
	return (int)strlen(buf);
}

int sriov_sysfs_write(int dirfd, const char *path, const char *text)
{
	sriov_autofd int fd = openat(dirfd, path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do
		n = write(fd, text, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EIO;
}
