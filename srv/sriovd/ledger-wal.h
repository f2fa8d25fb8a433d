/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * SQLite takes a write-ahead log up to its first frame whose checksum is wrong, and drops the rest
 * without a word: that is how the half-written commit of a power cut goes away. A bit that flips
 * further up takes commits with it that were acknowledged, and what is left is consistent, older.
 * So the log is looked at before SQLite does.
 *
 * The two are told apart by what comes after the bad frame: the next commit is begun only when the
 * one before is on disk, so behind a commit that a power cut tore there is nothing of a later one.
 * What cannot be told: whether the last commit of all was torn or has gone bad afterwards.
 *
 * log: the file, n bytes
 * Returns NULL, or what is wrong with it.
 */
const char *srv_ledger_wal_problem(const uint8_t *log, size_t n);
