/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include <glib.h>

#include "srv/sriovd/ledger.h"

/*
 * The ledger's file as its one writer sees it: statements prepared once, and groups of transactions
 * in one commit. Used by one thread at a time. Everything but the changes' making blocks on the
 * disk.
 */
struct srv_ledger_store;

enum srv_ledger_change_kind {
	SRV_LEDGER_PUT_NIC,
	SRV_LEDGER_DELETE_NIC,
	SRV_LEDGER_PUT_VF,
	SRV_LEDGER_DELETE_VF,
	SRV_LEDGER_PUT_PF,
	SRV_LEDGER_PUT_BOOT_ID,
};

struct srv_ledger_change {
	enum srv_ledger_change_kind kind;
	union {
		struct srv_nic_row *nic; /* of DELETE_NIC only owner.kind, owner.key and id count */
		struct srv_vf_row *vf;
		struct srv_vf_ref ref;
		struct srv_pf_row pf;
		char *boot_id;
	};
};

void srv_ledger_change_clear(struct srv_ledger_change *change);

/*
 * Opens a ledger that has been checked.
 *
 * total, boot_id: what the check has found
 */
int srv_ledger_store_open(const char *path, int64_t total, const char *boot_id,
			  struct srv_ledger_store **ret, struct sriov_error **err);

/* Brings the log home into the file, as far as the disk lets it. NULL is a no-op. */
void srv_ledger_store_close(struct srv_ledger_store *store);

/* As srv_ledger_dir_check_room(), of the directory that it is in. */
int srv_ledger_store_check_room(const struct srv_ledger_store *store, struct sriov_error **err);

/* Begins a group. */
int srv_ledger_store_begin(struct srv_ledger_store *store, struct sriov_error **err);

/*
 * Adds a transaction to the group: all its changes (of struct srv_ledger_change), or none and an
 * error. -ESTALE: the whole group is lost by it, and ended; else the group goes on.
 */
int srv_ledger_store_apply(struct srv_ledger_store *store, const GArray *changes,
			   struct sriov_error **err);

/*
 * Ends a group: all of it is on disk, or nothing is.
 *
 * ret_written: was there anything to write?
 */
int srv_ledger_store_commit(struct srv_ledger_store *store, bool *ret_written,
			    struct sriov_error **err);

/* Ends a group: nothing of it is on disk. */
void srv_ledger_store_abandon(struct srv_ledger_store *store);

/* Between groups: moves the log's pages into the file when there are many. */
void srv_ledger_store_tidy(struct srv_ledger_store *store);
