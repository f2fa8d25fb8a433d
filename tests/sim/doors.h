/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <fcntl.h>
#include <stddef.h>
#include <sys/types.h>

/* What the disk is told, in order, for replaying it up to any point. */
enum sim_disk_op {
	SIM_DISK_WRITE,
	SIM_DISK_TRUNCATE,
	SIM_DISK_SYNC, /* the file's bytes are on the disk; of a directory: its names */
	SIM_DISK_RENAME,
	SIM_DISK_UNLINK,
};

struct sim_disk_event {
	enum sim_disk_op op;
	const char *path;
	const char *to; /* of a rename */
	const void *data;
	size_t len;
	off_t at; /* of a write: where; of a truncation: the new length */
};

/* Called before a write and after a sync, on whatever thread; NULL: nobody watches. */
extern void (*sim_disk_watch)(const struct sim_disk_event *event);
