/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "srv/sriovd/ledger.h"

/* Rows for tests of the ledger. The strings of a made row are the caller's, as of any row. */

/*
 * Nic number n. Every kind, mode, state and backing comes up as n grows, and so do optional texts
 * that are there and that are not; a VF has one owner among all n.
 */
struct srv_nic_row *test_nic_row(uint32_t n);
struct srv_vf_row *test_vf_row(uint32_t n);

/* A nic of a domain in its simplest form: "web<n>"/net0, attached to VF n of 0000:01:00.0. */
struct srv_nic_row *test_nic_on_vf(uint32_t n);

/* Puts nic and VF number n into a transaction. */
void test_put(struct srv_ledger_txn *txn, uint32_t n);

/* All of it as text, one row on a line, sorted; the caller owns the string. */
char *test_describe_image(const struct srv_ledger_image *image);

/* What is in the ledger now, described. */
char *test_describe_ledger(struct srv_ledger *ledger);

/* Commits and runs the main loop until the callback has come: 0, or the error's -errno and *err. */
int test_commit(struct srv_ledger_txn *txn, struct sriov_error **err);
