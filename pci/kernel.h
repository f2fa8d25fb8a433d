/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The two doors through which pci/ does more than read: everything that makes a driver act goes
 * through them. They sit in a file of their own so that a unit test can bring its own pair, a small
 * imitation of the kernel that reacts to writes as sysfs does (tests/support/fake-kernel.c); the
 * linker then never takes these two out of the archive.
 */

/* As sriov_sysfs_write(). */
int spci_kernel_write(int dirfd, const char *path, const char *text);

/* As openat(2) for reading and writing: a descriptor that the caller closes, or a negative errno.
 */
int spci_kernel_open(int dirfd, const char *path);
