// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/ledger-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <glib.h>

#include "base/fd.h"
#include "base/parse.h"
#include "srv/sriovd/ledger.h"

/* Bytes to be free, or nothing new is taken on: what is left is for giving back. */
#define ROOM_MIN ((uint64_t)1024 * 1024)

/* What SQLite keeps beside a database. */
static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };

static int file_error(int errnum, const char *path, const char *what, struct sriov_error **err)
{
	const char *remedy = errnum == EACCES || errnum == EPERM || errnum == EROFS
				     ? "; make it writable for sriovd (StateDirectory= of its unit)"
			     : errnum == ENOSPC ? "; free some space on its file system"
			     : errnum == ENOENT ? "; make the directory it is to be in"
						: "";

	return sriov_error_set(err, SRIOV_ERROR_LEDGER, errnum, path, "cannot %s: %s%s", what,
			       g_strerror(errnum), remedy);
}

int srv_ledger_dir_make(const char *dir, struct sriov_error **err)
{
	struct stat st;

	if (mkdir(dir, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return file_error(errno, dir, "make the state directory", err);
	if (stat(dir, &st) < 0)
		return file_error(errno, dir, "use the state directory", err);
	if (!S_ISDIR(st.st_mode))
		return file_error(ENOTDIR, dir, "use the state directory", err);
	return 0;
}

/* Who wrote its PID into the lock's file: "process 1234 (sriovd)", or what is known. */
static char *holder_of(int fd)
{
	g_autofree char *comm = NULL, *path = NULL;
	char text[32] = "";
	uint64_t pid;

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0 ||
	    sriov_parse_u64(g_strstrip(text), 10, INT32_MAX, &pid) < 0)
		return g_strdup("a process that has not said which it is");
	path = g_strdup_printf("/proc/%u/comm", (unsigned int)pid);
	if (!g_file_get_contents(path, &comm, NULL, NULL))
		return g_strdup_printf("process %u", (unsigned int)pid);
	return g_strdup_printf("process %u (%s)", (unsigned int)pid, g_strstrip(comm));
}

/* For the next one's message only: that it could not be written (disk full) does no harm. */
static void write_holder(int fd)
{
	g_autofree char *text = g_strdup_printf("%d\n", (int)getpid());
	size_t n = strlen(text);

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, n, 0) != (ssize_t)n)
		return;
}

int srv_ledger_lock(const char *dir, struct sriov_error **err)
{
	g_autofree char *path = g_build_filename(dir, SRV_LEDGER_LOCK, NULL);
	g_autofree char *holder = NULL;
	sriov_autofd int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return file_error(errno, path, "open the ledger's lock", err);
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		write_holder(fd);
		return sriov_steal_fd(&fd);
	}
	if (errno != EWOULDBLOCK)
		return file_error(errno, path, "lock the ledger", err);
	holder = holder_of(fd);
	return sriov_error_set(err, SRIOV_ERROR_LEDGER, EBUSY, path,
			       "the ledger is in use by %s; only one sriovd may work on a state "
			       "directory: stop that one first",
			       holder);
}

int srv_ledger_lock_shared(const char *dir, int *ret)
{
	g_autofree char *path = g_build_filename(dir, SRV_LEDGER_LOCK, NULL);
	sriov_autofd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0)
		return -EBUSY;
	*ret = sriov_steal_fd(&fd);
	return 0;
}

static int sync_path(const char *path, int flags, struct sriov_error **err)
{
	sriov_autofd int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0 || fsync(fd) < 0)
		return file_error(errno, path, "flush it to the disk", err);
	return 0;
}

int srv_ledger_dir_sync(const char *dir, struct sriov_error **err)
{
	return sync_path(dir, O_RDONLY | O_DIRECTORY, err);
}

int srv_ledger_publish(const char *dir, const char *from, const char *to, struct sriov_error **err)
{
	int r = sync_path(from, O_RDWR, err);

	if (r < 0)
		return r;
	if (rename(from, to) < 0)
		return file_error(errno, to, "give the file its name", err);
	return srv_ledger_dir_sync(dir, err);
}

void srv_ledger_remove(const char *path)
{
	for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
		g_autofree char *file = g_strconcat(path, suffixes[i], NULL);

		unlink(file);
	}
}

int64_t srv_ledger_size(const char *path, const char *suffix)
{
	g_autofree char *file = g_strconcat(path, suffix, NULL);
	struct stat st;

	return stat(file, &st) < 0 ? -errno : st.st_size;
}

void srv_ledger_reserve(const char *path, int64_t bytes)
{
	g_autofree char *log = g_strconcat(path, "-wal", NULL);
	sriov_autofd int fd = open(log, O_WRONLY | O_CLOEXEC);

	/* Whatever the file system says to it: without it there is just no reserve. */
	if (fd < 0 || fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, bytes) < 0)
		return;
}

int srv_ledger_dir_check_room(const char *dir, struct sriov_error **err)
{
	struct statvfs st;

	if (statvfs(dir, &st) < 0 || (uint64_t)st.f_bavail * st.f_frsize >= ROOM_MIN)
		return 0;
	return sriov_error_set(err, SRIOV_ERROR_LEDGER, ENOSPC, dir,
			       "its file system is full, so nothing new is taken on; what is "
			       "given back still is: free some space");
}

/* Setting aside */

/* A name that nothing has yet: "ledger-20250131T235959Z.sqlite", then "…Z-2.sqlite". */
static char *aside_name(const char *dir)
{
	g_autoptr(GDateTime) now = g_date_time_new_now_utc();
	g_autofree char *date = g_date_time_format(now, "%Y%m%dT%H%M%SZ");

	for (int n = 1;; n++) {
		g_autofree char *more = n > 1 ? g_strdup_printf("-%d", n) : g_strdup("");
		g_autofree char *path = g_strdup_printf("%s/ledger-%s%s.sqlite", dir, date, more);
		bool taken = false;

		for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++)
			taken = taken || srv_ledger_size(path, suffixes[i]) != -ENOENT;
		if (!taken)
			return g_steal_pointer(&path);
	}
}

/*
 * The database first: should this end half-way, the rest stands there without a database, which
 * opening refuses. The other way round a database without its log would be read as if it were all.
 */
static int move_all(const char *dir, const char *from, const char *to, bool *ret_any,
		    struct sriov_error **err)
{
	for (size_t i = 0; i < G_N_ELEMENTS(suffixes); i++) {
		g_autofree char *old = g_strconcat(from, suffixes[i], NULL);
		g_autofree char *new = g_strconcat(to, suffixes[i], NULL);

		int r;

		if (rename(old, new) == 0)
			*ret_any = true;
		else if (errno != ENOENT)
			return file_error(errno, old, "set the ledger aside", err);
		/* One by one, for the order to hold in a power cut too. */
		r = srv_ledger_dir_sync(dir, err);
		if (r < 0)
			return r;
	}
	return 0;
}

int srv_ledger_set_aside(const char *dir, char **ret_path, struct sriov_error **err)
{
	g_autofree char *path = g_build_filename(dir, SRV_LEDGER_FILE, NULL);
	g_autofree char *aside = NULL;
	sriov_autofd int lock = srv_ledger_lock(dir, err);
	bool any = false;
	int r;

	if (lock < 0)
		return lock;
	aside = aside_name(dir);
	r = move_all(dir, path, aside, &any, err);
	if (r < 0)
		return r;
	*ret_path = any ? g_steal_pointer(&aside) : NULL;
	return 0;
}
