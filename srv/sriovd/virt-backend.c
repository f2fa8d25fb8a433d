// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/sysfs.h"
#include "srv/sriovd/virt-internal.h"

#define VHOST_DEVICE "/dev/vhost-net"

/*
 * The process of a domain's QEMU. libvirt's QEMU driver writes it down while the domain runs
 * (qemuProcessInit(): virPidFileBuildPath() of the state directory and the domain's name).
 */
static int read_pid(int rootfd, const char *name, uint64_t *ret)
{
	g_autofree char *path = g_strdup_printf("run/libvirt/qemu/%s.pid", name);
	char text[32];
	int r;

	/* A name is no path; libvirt's QEMU driver allows none with a slash either. */
	if (*name == '\0' || strchr(name, '/'))
		return -EINVAL;
	r = sriov_sysfs_read(rootfd, path, text, sizeof(text));
	return r < 0 ? r : sriov_parse_u64(text, 10, INT32_MAX, ret);
}

static DIR *open_fds(int rootfd, uint64_t pid)
{
	g_autofree char *path = g_strdup_printf("proc/%" PRIu64 "/fd", pid);
	sriov_autofd int fd = openat(rootfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir)
		sriov_steal_fd(&fd);
	return dir;
}

const char *srv_virt_backend_at(int rootfd, const char *name)
{
	const char *backend = "qemu";
	const struct dirent *entry;
	uint64_t pid;
	DIR *dir;

	if (rootfd < 0 || read_pid(rootfd, name, &pid) < 0)
		return NULL;
	dir = open_fds(rootfd, pid);
	if (!dir)
		return NULL;
	while ((entry = readdir(dir))) {
		char target[sizeof(VHOST_DEVICE) + 1];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target));

		if (n == (ssize_t)strlen(VHOST_DEVICE) &&
		    memcmp(target, VHOST_DEVICE, (size_t)n) == 0) {
			backend = "vhost";
			break;
		}
		/* Without CAP_SYS_PTRACE over QEMU the list can be had and what is in it not. */
		if (n < 0 && (errno == EACCES || errno == EPERM))
			backend = NULL;
	}
	closedir(dir);
	return backend;
}

const char *srv_virt_backend(struct srv_virt *virt, const char *name)
{
	return srv_virt_backend_at(virt->rootfd, name);
}
