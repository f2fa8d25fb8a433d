// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/varlink.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fd.h"

static int fail(struct sriov_error **err, const char *path, const char *what)
{
	return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, errno, path, "%s: %s", what,
			       g_strerror(errno));
}

static int make_address(const char *path, struct sockaddr_un *ret, struct sriov_error **err)
{
	if (strlen(path) >= sizeof(ret->sun_path))
		return sriov_error_set(err, SRIOV_ERROR_INVALID, ENAMETOOLONG, path,
				       "the path of a socket has at most %zu characters",
				       sizeof(ret->sun_path) - 1);
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(ret->sun_path, path);
	return 0;
}

/* 0 when nobody answers at path, so that it may be replaced. */
static int check_dead(const char *path, struct sriov_error **err)
{
	struct sockaddr_un address;
	sriov_autofd int fd = -1;
	struct stat st;
	int r;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : fail(err, path, "cannot look at the socket");
	/* connect() answers ECONNREFUSED for a file too; somebody's file is not ours to replace. */
	if (!S_ISSOCK(st.st_mode))
		return sriov_error_set(err, SRIOV_ERROR_EXISTS, EEXIST, path,
				       "there is something else than a socket here; remove it");
	r = make_address(path, &address, err);
	if (r < 0)
		return r;
	/* Non-blocking: a living daemon's queue may be full, which says EAGAIN. */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(err, path, "cannot make a socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		if (errno == ECONNREFUSED || errno == ENOENT)
			return 0;
		if (errno != EAGAIN)
			return fail(err, path, "cannot find out who listens");
	}
	return sriov_error_set(
		err, SRIOV_ERROR_BUSY, EADDRINUSE, path,
		"another sriovd answers here already; stop it first, or give this one "
		"a socket of its own");
}

/* Held: the file at path is the one that was locked, and not a new one in its place. */
static bool is_at(const char *path, int fd)
{
	struct stat here, ours;

	return fstat(fd, &ours) == 0 && lstat(path, &here) == 0 && here.st_ino == ours.st_ino &&
	       here.st_dev == ours.st_dev;
}

/*
 * Without the lock, two daemons could both find a dead socket, and the second unseat the first. Who
 * holds it takes its file away in the end (unlock()), so that one who has just opened it may lock a
 * file that nobody else will find: then again.
 */
static int lock_path(const char *path, const char *lock, struct sriov_error **err)
{
	for (;;) {
		sriov_autofd int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

		if (fd < 0)
			return fail(err, lock, "cannot open the lock");
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			if (errno != EWOULDBLOCK)
				return fail(err, lock, "cannot take the lock");
			return sriov_error_set(err, SRIOV_ERROR_BUSY, EADDRINUSE, path,
					       "another sriovd is just starting here");
		}
		if (is_at(lock, fd))
			return sriov_steal_fd(&fd);
	}
}

/* The file goes while it is locked, so it is never somebody else's. */
static void unlock(const char *lock, int fd)
{
	(void)unlink(lock);
	close(fd);
}

/* Bound and listening under another name; only then does it get its own, with its mode. */
static int listen_at(const char *path, const char *temporary, mode_t mode, int *ret_fd,
		     struct sriov_error **err)
{
	struct sockaddr_un address;
	sriov_autofd int fd = -1;
	int r;

	r = make_address(temporary, &address, err);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(err, path, "cannot make a socket");
	(void)unlink(temporary);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(err, temporary, "cannot make the socket");
	if (chmod(temporary, mode) < 0 || listen(fd, SRV_VARLINK_BACKLOG) < 0 ||
	    rename(temporary, path) < 0) {
		r = fail(err, path, "cannot put the socket in its place");
		(void)unlink(temporary);
		return r;
	}
	*ret_fd = sriov_steal_fd(&fd);
	return 0;
}

int srv_varlink_listen(const char *path, mode_t mode, int *ret_fd, struct sriov_error **err)
{
	/* Only who holds the lock uses this name, so what a crash left under it can go. */
	g_autofree char *temporary = g_strconcat(path, ".new", NULL);
	g_autofree char *lock = g_strconcat(path, ".lock", NULL);
	struct sockaddr_un address;
	int r, fd;

	r = make_address(temporary, &address, err);
	if (r < 0)
		return r;
	fd = lock_path(path, lock, err);
	if (fd < 0)
		return fd;
	r = check_dead(path, err);
	if (r == 0)
		r = listen_at(path, temporary, mode, ret_fd, err);
	unlock(lock, fd);
	return r;
}
