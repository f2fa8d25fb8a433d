/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "srv/sriovd/ledger-store.h"

/*
 * The writer's thread: takes everything that waits when it comes round, makes one commit of it, and
 * has the callbacks called on the default main context.
 */
struct srv_ledger_writer;

/* One transaction. Its maker fills it in, then it is the writer's. */
struct srv_ledger_work {
	GArray *changes; /* of struct srv_ledger_change */
	void (*done)(const struct sriov_error *error, void *data);
	void *data;
	bool keep;		   /* when it cannot be written now, it is later */
	bool needs_room;	   /* not into what is reserved of the disk */
	struct sriov_error *error; /* the writer's */
};

struct srv_ledger_work *srv_ledger_work_new(void);
void srv_ledger_work_free(struct srv_ledger_work *work);

/*
 * store: the writer's from now on; NULL: there is none, and every transaction fails with `why`
 * (copied), without a thread
 */
struct srv_ledger_writer *srv_ledger_writer_new(struct srv_ledger_store *store,
						const struct sriov_error *why);

/* Main thread, as push() too: waits for all there is to do, also by callbacks, calls them, and ends
 * the thread. */
void srv_ledger_writer_free(struct srv_ledger_writer *writer);

void srv_ledger_writer_push(struct srv_ledger_writer *writer, struct srv_ledger_work *work);

/* As srv_ledger_is_busy(). */
bool srv_ledger_writer_is_busy(struct srv_ledger_writer *writer);

/* As srv_ledger_counts(). */
void srv_ledger_writer_counts(struct srv_ledger_writer *writer, uint64_t *ret_txns,
			      uint64_t *ret_commits);
