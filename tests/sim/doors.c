// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The C library's calls through which the daemon's process changes what is outside it, defined here
 * so that SQLite, GLib and the daemon itself go through the simulation: each is a door
 * (tests/sim/world.h), the ledger's disk can fail, and what it is told can be watched.
 */
#include "tests/sim/doors.h"
#include "tests/sim/clock.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/sim/netlink.h"
#include "tests/sim/sim.h"
#include "tests/sim/world.h"

void (*sim_disk_watch)(const struct sim_disk_event *event);

/* What the headers of hardened builds may have made macros of. */
#undef write
#undef pwrite
#undef send

static bool is_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static void path_of(int fd, char path[PATH_MAX])
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, PATH_MAX - 1);
	path[n > 0 ? n : 0] = '\0';
}

/* Tells the watcher, who then knows what is where; only of files. */
static void tell(enum sim_disk_op op, int fd, const void *data, size_t len, off_t at)
{
	struct sim_disk_event event = { .op = op, .data = data, .len = len, .at = at };
	char path[PATH_MAX];

	if (!sim_disk_watch)
		return;
	path_of(fd, path);
	event.path = path;
	sim_disk_watch(&event);
}

static void hang(void)
{
	if (sim_world)
		sim_hang((const uint8_t *)&sim_world->faults.hang_disk, true);
}

static bool fails(int errnum)
{
	if (errnum)
		errno = errnum;
	return errnum != 0;
}

/* A full disk takes what overwrites, or goes where blocks have been reserved. */
static bool write_fails(int fd, size_t n, off_t at)
{
	int errnum = sim_world ? sim_world->faults.write_errno : 0;
	struct stat st;

	if (errnum == ENOSPC && fstat(fd, &st) == 0 &&
	    (at + (off_t)n <= st.st_size || at + (off_t)n <= st.st_blocks * 512))
		return false;
	return fails(errnum);
}

ssize_t write(int fd, const void *bytes, size_t n)
{
	if (!is_file(fd))
		return syscall(SYS_write, fd, bytes, n);
	sim_door("write");
	if (write_fails(fd, n, lseek(fd, 0, SEEK_CUR)))
		return -1;
	tell(SIM_DISK_WRITE, fd, bytes, n, lseek(fd, 0, SEEK_CUR));
	return syscall(SYS_write, fd, bytes, n);
}

ssize_t pwrite64(int fd, const void *bytes, size_t n, off64_t at)
{
	sim_door("pwrite");
	hang();
	if (write_fails(fd, n, at))
		return -1;
	tell(SIM_DISK_WRITE, fd, bytes, n, at);
	return syscall(SYS_pwrite64, fd, bytes, n, at);
}

ssize_t pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	return pwrite64(fd, bytes, n, at);
}

static int sync_file(long call, int fd)
{
	sim_door("sync");
	hang();
	if (sim_world && fails(sim_world->faults.sync_errno))
		return -1;
	if (syscall(call, fd) < 0)
		return -1;
	tell(SIM_DISK_SYNC, fd, NULL, 0, 0);
	return 0;
}

int fsync(int fd)
{
	return sync_file(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return sync_file(SYS_fdatasync, fd);
}

int ftruncate64(int fd, off64_t length)
{
	sim_door("ftruncate");
	tell(SIM_DISK_TRUNCATE, fd, NULL, 0, length);
	return (int)syscall(SYS_ftruncate, fd, length);
}

int ftruncate(int fd, off_t length)
{
	return ftruncate64(fd, length);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t len)
{
	sim_door("fallocate");
	if (sim_world && fails(sim_world->faults.write_errno))
		return -1;
	return (int)syscall(SYS_fallocate, fd, mode, offset, len);
}

int fallocate(int fd, int mode, off_t offset, off_t len)
{
	return fallocate64(fd, mode, offset, len);
}

int statvfs(const char *path, struct statvfs *st)
{
	static __typeof__(statvfs) *real;
	int r;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "statvfs");
	hang();
	r = real(path, st);
	if (r == 0 && sim_world && sim_world->faults.write_errno == ENOSPC)
		st->f_bavail = st->f_bfree = 0;
	return r;
}

static void tell_names(enum sim_disk_op op, const char *from, const char *to)
{
	struct sim_disk_event event = { .op = op, .path = from, .to = to };

	if (sim_disk_watch)
		sim_disk_watch(&event);
}

int rename(const char *from, const char *to)
{
	sim_door("rename");
	tell_names(SIM_DISK_RENAME, from, to);
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path)
{
	sim_door("unlink");
	tell_names(SIM_DISK_UNLINK, path, NULL);
	return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int mkdir(const char *path, mode_t mode)
{
	sim_door("mkdir");
	return (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

ssize_t send(int fd, const void *bytes, size_t n, int flags)
{
	if (sim_netlink_send(fd, bytes, n))
		return (ssize_t)n;
	sim_door("send");
	return syscall(SYS_sendto, fd, bytes, n, flags, NULL, 0);
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	sim_door("sendmsg");
	return syscall(SYS_sendmsg, fd, msg, flags);
}

/* The file system that a program is on. */
static bool exec_hangs(void)
{
	return sim_world && strcmp(sim_world->faults.hang_file, SIM_EXEC) == 0;
}

int execv(const char *path, char *const argv[])
{
	size_t slot;

	if (exec_hangs()) {
		sim_lock();
		slot = sim_world->hung++ % (sizeof(sim_world->hanging) / sizeof(pid_t));
		sim_world->hanging[slot] = getpid();
		sim_world->killed[slot] = false;
		sim_unlock();
		while (exec_hangs())
			usleep(1000);
		if (sim_world->killed[slot])
			raise(SIGKILL);
	}
	return execve(path, argv, environ);
}

pid_t fork(void)
{
	static pid_t (*real)(void);
	pid_t pid;

	sim_door("fork");
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fork");
	pid = real();
	if (pid == 0)
		sim_clock_forget_children();
	return pid;
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	static __typeof__(posix_spawn) *real;

	sim_door("spawn");
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "posix_spawn");
	return real(pid, path, actions, attr, argv, envp);
}
