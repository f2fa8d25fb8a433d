/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * Files of one line, as sysfs has them (Documentation/filesystems/sysfs.rst).
 *
 * Every path is relative to a directory descriptor: the root of the file system (see
 * sriov_sysroot_open()) or a device's directory. So tests read recorded and generated trees, and no
 * path is ever pasted together from something a stranger wrote.
 */

/* The longest line sysfs gives: one page. */
#define SRIOV_SYSFS_LINE_MAX 4096

/*
 * Opens the directory under which "sys/…" and "dev/…" are looked up: "/" on a host, a fixture in
 * tests. Returns a descriptor that the caller closes, or a negative errno.
 */
int sriov_sysroot_open(const char *path);

/*
 * Reads a file into buf, [size], without its trailing white space and with a final NUL.
 * Returns the length or a negative errno; -EOVERFLOW when it does not fit. Blocks as long as the
 * driver's show function does.
 */
int sriov_sysfs_read(int dirfd, const char *path, char *buf, size_t size);

/* Reads a number ("7", "0x8086"). 0, or a negative errno; *ret is set only on success. */
int sriov_sysfs_read_u64(int dirfd, const char *path, uint64_t *ret);

/* Reads a number that may be negative, such as numa_node. 0 or a negative errno. */
int sriov_sysfs_read_int(int dirfd, const char *path, int *ret);

/*
 * The last component of the target of a symbolic link, such as a driver's name, into buf, [size].
 * Returns its length or a negative errno; -ENOENT when there is no such link.
 */
int sriov_sysfs_link_name(int dirfd, const char *path, char *buf, size_t size);

/*
 * Writes text in one write(2), as sysfs wants it. Returns 0 or a negative errno.
 * Blocks as long as the driver's store function does, which can be for ever: only for the helper
 * (srv/helper) and for tests, never for a thread of the daemon.
 */
int sriov_sysfs_write(int dirfd, const char *path, const char *text);
