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

static DIR *open_dir(int rootfd, const char *path)
{
	sriov_autofd int fd = openat(rootfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (dir)
		sriov_steal_fd(&fd);
	return dir;
}

/* 1: one of the tasks of a directory of /proc has that name, 0: none, or a negative errno. */
static int find_task(int rootfd, const char *path, const char *name)
{
	const struct dirent *entry;
	DIR *dir = open_dir(rootfd, path);
	int found = 0;

	if (!dir)
		return -errno;
	while (!found && (entry = readdir(dir))) {
		g_autofree char *comm = g_strconcat(entry->d_name, "/comm", NULL);
		char text[32];

		if (g_ascii_isdigit(entry->d_name[0]) &&
		    sriov_sysfs_read(dirfd(dir), comm, text, sizeof(text)) > 0)
			found = strcmp(text, name) == 0;
	}
	closedir(dir);
	return found;
}

/*
 * What can be had without CAP_SYS_PTRACE: vhost works in threads called "vhost-PID" after who
 * opened it (drivers/vhost/vhost.c vhost_worker_create()), tasks of QEMU since Linux 6.4, of the
 * kernel before. A vsock device has one too.
 */
static const char *backend_by_threads(int rootfd, uint64_t pid)
{
	g_autofree char *tasks = g_strdup_printf("proc/%" PRIu64 "/task", pid);
	g_autofree char *name = g_strdup_printf("vhost-%" PRIu64, pid);
	int r = find_task(rootfd, tasks, name);

	if (r == 0)
		r = find_task(rootfd, "proc", name);
	if (r < 0)
		return NULL;
	return r ? "vhost" : "qemu";
}

const char *srv_virt_backend_at(int rootfd, const char *name)
{
	g_autofree char *fds = NULL;
	const char *backend = "qemu";
	const struct dirent *entry;
	bool denied = false;
	uint64_t pid;
	DIR *dir;

	if (rootfd < 0 || read_pid(rootfd, name, &pid) < 0)
		return NULL;
	fds = g_strdup_printf("proc/%" PRIu64 "/fd", pid);
	dir = open_dir(rootfd, fds);
	if (!dir)
		return errno == EACCES || errno == EPERM ? backend_by_threads(rootfd, pid) : NULL;
	while ((entry = readdir(dir))) {
		char target[sizeof(VHOST_DEVICE) + 1];
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target));

		if (n == (ssize_t)strlen(VHOST_DEVICE) &&
		    memcmp(target, VHOST_DEVICE, (size_t)n) == 0) {
			backend = "vhost";
			break;
		}
		/* Without CAP_SYS_PTRACE over QEMU the list can be had and what is in it not. */
		denied |= n < 0 && (errno == EACCES || errno == EPERM);
	}
	closedir(dir);
	return denied ? backend_by_threads(rootfd, pid) : backend;
}

const char *srv_virt_backend(struct srv_virt *virt, const char *name)
{
	return srv_virt_backend_at(virt->rootfd, name);
}
