/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "base/error.h"

/*
 * The state directory and the files in it:
 *
 *	ledger.sqlite, -wal, -shm	the ledger
 *	ledger.lock			whoever has it open holds a flock(2) on this, and its PID is
 *					in it
 *	ledger.sqlite.new		a ledger being made; it gets its name when it is whole
 *	ledger.sqlite.schema-N		the copy made before a migration from schema N
 *	ledger-DATE.sqlite, …		set aside
 *
 * Everything here blocks on the disk.
 */
#define SRV_LEDGER_FILE "ledger.sqlite"
#define SRV_LEDGER_LOCK "ledger.lock"

/* Makes the directory, with mode 0700, when it is missing (its parent must be there). */
int srv_ledger_dir_make(const char *dir, struct sriov_error **err);

/*
 * Takes the lock. Returns a descriptor, which holds it until it is closed or the process ends in
 * whatever way, or a negative errno: -EBUSY when another process has it (err says which).
 */
int srv_ledger_lock(const char *dir, struct sriov_error **err);

/*
 * Keeps everybody else from taking it, for a look at the files. 0, or -EBUSY: somebody has it. When
 * there is none to hold *ret stays -1: nobody ever took it.
 */
int srv_ledger_lock_shared(const char *dir, int *ret);

/* Flushes the directory: what was made, renamed and removed in it. */
int srv_ledger_dir_sync(const char *dir, struct sriov_error **err);

/* Flushes a file, then gives it its name (replacing another) and flushes the directory. */
int srv_ledger_publish(const char *dir, const char *from, const char *to, struct sriov_error **err);

/* Removes a database that was not finished, with what SQLite left beside it. */
void srv_ledger_remove(const char *path);

/* Size of "PATH" + suffix ("" for the file itself) in bytes; -ENOENT or another negative errno. */
int64_t srv_ledger_size(const char *path, const char *suffix);

/*
 * Has the log of the database at path use of so many bytes of the disk before it needs them, so
 * that a disk that gets full does not keep anybody from giving back what he has. Does what the file
 * system can.
 */
void srv_ledger_reserve(const char *path, int64_t bytes);

/* Is there room on the file system for something new? 0 or LEDGER with ENOSPC. */
int srv_ledger_dir_check_room(const char *dir, struct sriov_error **err);
