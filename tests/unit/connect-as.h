/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Who else may connect to a socket: asked of the kernel by a child process. Needs root. */
#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#define STRANGER_UID 65534
#define STRANGER_GID 65534

static inline int connect_errno(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int r;

	g_assert(fd >= 0 && strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	r = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? errno : 0;
	close(fd);
	return r;
}

/*
 * 0 or the errno that a user who is nobody otherwise gets.
 *
 * group: supplementary; 0: none
 */
static inline int connect_as_stranger(const char *path, gid_t group)
{
	pid_t pid = fork();
	int status;

	g_assert(pid >= 0);
	if (pid == 0) {
		if (setgroups(group ? 1 : 0, &group) < 0 || setgid(STRANGER_GID) < 0 ||
		    setuid(STRANGER_UID) < 0)
			_exit(255);
		_exit(connect_errno(path));
	}
	g_assert(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}
