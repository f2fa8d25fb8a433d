/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <unistd.h>

/* A file descriptor that closes itself at the end of its scope: `sriov_autofd int fd = open(…);` */
static inline void sriov_close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}
#define sriov_autofd __attribute__((cleanup(sriov_close_fd)))

/* Takes the descriptor out of *fd, so that the scope's cleanup leaves it open. */
static inline int sriov_steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}
