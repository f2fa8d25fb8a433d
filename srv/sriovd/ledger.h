/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/bdf.h"
#include "base/error.h"
#include "base/mac.h"
#include "srv/domain/metadata.h"

/*
 * The ledger: the durable record of which nic belongs to whom, what carries it, and which VF is
 * clean, in one SQLite file (WAL, synchronous=FULL). Runtime facts are not in it.
 *
 * One writer thread commits; transactions that are waiting when it comes round share one commit
 * (and so one fdatasync). A transaction's callback runs on the main context after it is on disk, so
 * whoever answers a client from the callback never acknowledges what a power cut could take back.
 */
struct srv_ledger;
struct srv_ledger_txn;

enum srv_owner_kind {
	SRV_OWNER_LIBVIRT,
	SRV_OWNER_CONTAINER,
	SRV_OWNER_MANUAL,
};

struct srv_owner {
	enum srv_owner_kind kind;
	char *key;  /* what identifies it: a domain's UUID, else its name */
	char *name; /* for people; a domain's may change */
};

enum srv_nic_state {
	SRV_NIC_IDLE,	   /* its owner is shut off; backing none */
	SRV_NIC_RESERVED,  /* its owner starts; the VF is its, nothing is attached yet */
	SRV_NIC_ATTACHING, /* the attach may have begun */
	SRV_NIC_ATTACHED,
	SRV_NIC_DETACHING, /* the detach may have begun */
	SRV_NIC_FAILED,	   /* its owner runs without it; see reason */
};

enum srv_backing {
	SRV_BACKING_NONE,
	SRV_BACKING_VF,
	SRV_BACKING_VIRTIO,
};

/* Identifies a VF: by PF address and index, which survive renames and rebinds. */
struct srv_vf_ref {
	struct sriov_bdf pf;
	uint32_t index;
};

/* A nic as it is on disk. Strings belong to the row. */
struct srv_nic_row {
	struct srv_owner owner;
	char *id;
	char *network;
	enum srv_mode mode;
	struct sriov_mac mac;
	uint32_t priority;
	enum srv_nic_state state;
	enum srv_backing backing;
	struct srv_vf_ref vf;  /* when backing is VF */
	char *uplink;	       /* when backing is virtio: netdev, bridge or libvirt network */
	char *reason;	       /* why failed, or why not what was wished; NULL */
	char *decision;	       /* JSON of type Decision (io.sriovd.varlink); NULL */
	int64_t since;	       /* seconds since the epoch: state entered */
	int64_t waiting_since; /* ditto: wants a VF and has none; 0: does not wait. To be shown */
	/* Its place among those that wait: who has the lower one came first. 0: does not wait */
	int64_t waiting_place;
	bool negotiated; /* its guest has said, in the run that it is in, that it joins the halves
			  */
};

enum srv_vf_mark {
	SRV_VF_CLEAN, /* scrubbed, and the scrub verified */
	SRV_VF_DIRTY, /* had an owner, or its history is unknown: to be scrubbed */
	SRV_VF_QUARANTINED,
};

/* A VF as it is on disk. A VF without a row counts as dirty. Whose it is, is in the nic's row. */
struct srv_vf_row {
	struct srv_vf_ref ref;
	enum srv_vf_mark mark;
	char *reason; /* of a quarantine; NULL */
};

#define SRV_PF_NETDEVS_STRLEN 128 /* eight names, and what is between them */

/*
 * Which NIC a PF is, what was ordered of it and outlives the daemon, and how it was called, by
 * which uplinks of nics are known. A PF without a row serves as configured.
 */
struct srv_pf_row {
	struct sriov_bdf pf;
	uint16_t vendor, device; /* PCI ids; 0: not known */
	bool drained;		 /* gives no VFs */
	bool resizing;		 /* drained only until it has want_vfs VFs */
	bool forced;		 /* and guests may be interrupted for it */
	uint32_t want_vfs;	 /* in the place of the pools' numVfs; 0: none was ordered */
	/* The names that its netdev had, a space between them, the last one seen at the end */
	char netdevs[SRV_PF_NETDEVS_STRLEN];
};

struct srv_ledger_image {
	GPtrArray *nics; /* of struct srv_nic_row */
	GPtrArray *vfs;	 /* of struct srv_vf_row */
	GArray *pfs;	 /* of struct srv_pf_row */
	/*
	 * The kernel's boot_id when it was last written, "" at first. Another one means that every
	 * VF and every guest of then is gone.
	 */
	char *boot_id;
};

/*
 * Opens or creates the ledger and checks it. Blocks on the disk: at start only.
 *
 * dir: state directory, made with mode 0700 when missing; the file is ledger.sqlite in it
 * Errors, all LEDGER, nothing being changed: damaged (says what to do), written by a newer sriovd
 * (both versions), held by another daemon, unwritable. An older one is migrated (a copy is kept
 * beside it).
 */
int srv_ledger_open(const char *dir, struct srv_ledger **ret, struct sriov_error **err);

/* Finishes what was handed over, calls the callbacks not yet called, closes. NULL is a no-op. */
void srv_ledger_close(struct srv_ledger *ledger);

/*
 * What the daemon runs with when its ledger cannot be opened, so that it still shows things and
 * changes nothing: it takes transactions and fails every one with `why` (copied), by the callback
 * as any other; srv_ledger_load() fails with it too. Nothing is locked. Never fails.
 */
struct srv_ledger *srv_ledger_unusable(const struct sriov_error *why);

/* Why it is unusable, borrowed; NULL for one that works. */
const struct sriov_error *srv_ledger_error(const struct srv_ledger *ledger);

/* Everything in it; blocks, at start only. *ret is the caller's. Errors, LEDGER: as opening. */
int srv_ledger_load(struct srv_ledger *ledger, struct srv_ledger_image **ret,
		    struct sriov_error **err);

/* Changes are collected in a transaction; rows are copied. Nothing happens before the commit. */
struct srv_ledger_txn *srv_ledger_begin(struct srv_ledger *ledger);
void srv_ledger_put_nic(struct srv_ledger_txn *txn, const struct srv_nic_row *row);
void srv_ledger_delete_nic(struct srv_ledger_txn *txn, const struct srv_owner *owner,
			   const char *id);
void srv_ledger_put_vf(struct srv_ledger_txn *txn, const struct srv_vf_row *row);
void srv_ledger_delete_vf(struct srv_ledger_txn *txn, struct srv_vf_ref ref);
/* One that knows no NIC and orders nothing takes the row away. */
void srv_ledger_put_pf(struct srv_ledger_txn *txn, const struct srv_pf_row *row);
void srv_ledger_put_boot_id(struct srv_ledger_txn *txn, const char *boot_id);

/*
 * The transaction records what is so already, whether the ledger can be written or not: should its
 * commit fail, its changes are kept in memory and written, before any later ones, as soon as they
 * can be. So the ledger is never left with an owner who is gone. done() is told of the failure all
 * the same.
 */
void srv_ledger_keep(struct srv_ledger_txn *txn);

/*
 * Hands the transaction over (it is gone for the caller) and returns at once. Transactions take
 * effect in the order of their commits.
 *
 * done: called once from the default main context; error is NULL when it is on disk, else LEDGER
 * (disk full, I/O error, …), borrowed, and then nothing of the transaction is on disk. May be NULL:
 * then nobody can undo what it says, and it is kept (srv_ledger_keep()).
 */
void srv_ledger_commit(struct srv_ledger_txn *txn,
		       void (*done)(const struct sriov_error *error, void *data), void *data);

/*
 * The transaction takes something new on: it fails (LEDGER, ENOSPC) when the ledger's file system
 * is full, for what is reserved of it is for giving back. That is looked at when it is its turn.
 */
void srv_ledger_needs_room(struct srv_ledger_txn *txn);

/* Has a transaction been handed over whose done() has not been called yet? */
bool srv_ledger_is_busy(struct srv_ledger *ledger);

/* Throws a transaction away. */
void srv_ledger_abandon(struct srv_ledger_txn *txn);

/*
 * For metrics and tests, since it was opened: transactions that are on disk, and the group commits
 * that it took.
 */
void srv_ledger_counts(struct srv_ledger *ledger, uint64_t *ret_txns, uint64_t *ret_commits);

/*
 * Looks at a ledger without changing it, and adds a sentence to problems (of char *, the caller's)
 * for everything that is wrong; none: it is sound. Another process may have it open. Blocks on the
 * disk, for the time that opening takes.
 *
 * Errors, LEDGER: there is none, or it cannot be read at all.
 */
int srv_ledger_check(const char *dir, GPtrArray *problems, struct sriov_error **err);

/*
 * Gives the ledger's files another name beside, with the date in it, so that the next
 * srv_ledger_open() makes a new one. Blocks on the disk.
 *
 * ret_path: what the file is called now, the caller's; NULL when there was none
 * Errors, LEDGER: a daemon has it open (be it this one); a file cannot be renamed, and then the
 * ledger is as it was, or refused as damaged until this has been done again.
 */
int srv_ledger_set_aside(const char *dir, char **ret_path, struct sriov_error **err);

/* NULL for a number that is none of the enum's */
const char *srv_nic_state_name(enum srv_nic_state state);
const char *srv_backing_name(enum srv_backing backing);
const char *srv_owner_kind_name(enum srv_owner_kind kind);

struct srv_nic_row *srv_nic_row_copy(const struct srv_nic_row *row);
void srv_nic_row_free(struct srv_nic_row *row);
void srv_vf_row_free(struct srv_vf_row *row);
void srv_ledger_image_free(struct srv_ledger_image *image);

/* A ledger in the place of one that cannot be used: every transaction fails with why (copied). */
struct srv_ledger *srv_ledger_unusable(const struct sriov_error *why);
/* Why it cannot be used; NULL when it can. Borrowed. */
const struct sriov_error *srv_ledger_error(const struct srv_ledger *ledger);
/* Checks the file, read-only; problems: of char *, appended to. Blocks. */
int srv_ledger_check(const char *dir, GPtrArray *problems, struct sriov_error **err);
/* Moves the files aside; *ret_path is the caller's, NULL when there was none. Blocks. */
int srv_ledger_set_aside(const char *dir, char **ret_path, struct sriov_error **err);
