/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

#include "srv/sriovd/drain.h"

/* What is ordered of a PF, to be put back when it does not become durable. */
struct srv_orders {
	bool drained, resizing, forced;
	uint32_t resize_vfs;
};

struct srv_orders srv_orders_of(const struct srv_pf *pf);
void srv_orders_put_back(struct srv_pf *pf, const struct srv_orders *orders);

/* One drain under way. Internal to drain*.c and resize.c. */
struct srv_drain {
	struct srv_daemon *daemon;
	struct srv_pf *pf;
	struct srv_job *job; /* NULL: nobody watches any more */
	struct srv_orders before;
	bool force;
	bool begun; /* that it is wanted is durable; before that, nothing is looked at */
	guint source;
	guint total;	      /* nics there were to begin with */
	guint left;	      /* that have not left yet */
	GHashTable *refusing; /* subject → why: those who did not let go, or could not be moved */
	/* subject → g_get_monotonic_time(), gint64: exclusive and required nics that were to be
	 * taken out, and when that is tried again */
	GHashTable *forced;
	GPtrArray *promoted; /* of struct srv_nic_key: the failover nics that had a VF of it */
	uint32_t resize_vfs; /* 0: a drain only */
	bool making;	     /* of a resize: the VFs are being made anew */
	guint tries;
	struct sriov_error *error; /* why it failed, while that is written down; NULL */
	void (*drained)(struct srv_drain *drain); /* when nobody has a VF of it any more */
};

/* The one of a PF; NULL. */
struct srv_drain *srv_drain_find(struct srv_daemon *daemon, const struct srv_pf *pf);

/* Whom it would hurt (drain-who.c): 0, or BUSY. */
int srv_drain_check(struct srv_daemon *daemon, struct srv_pf *pf, bool force,
		    struct sriov_error **err);

/* What will become of each nic that has a VF of the drained PF, a sentence; the caller's. */
char *srv_drain_plan(struct srv_daemon *daemon, const struct srv_pf *pf);

/*
 * Begins one, whose PF is marked already, once that is durable. job may be NULL.
 *
 * before: what was ordered of the PF before; NULL: goes on with what is durable
 */
void srv_drain_begin(struct srv_daemon *daemon, struct srv_pf *pf, const struct srv_orders *before,
		     struct srv_job *job, void (*drained)(struct srv_drain *drain));

/* One that nobody watches gives way to the same again. */
void srv_drain_replace(struct srv_drain *drain);

/* Steps in all, for the job. */
unsigned srv_drain_steps(const struct srv_drain *drain);

/* Ends it with its job. error is borrowed. */
void srv_drain_end(struct srv_drain *drain, const struct sriov_error *error, const char *text);

/* The daemon ends: they begin nothing any more. */
void srv_drain_stop_all(GHashTable *drains);

/* The daemon ends: forgets those under way. What they were about is in the ledger. */
void srv_drain_forget_all(GHashTable *drains);

/* Looks again after so many ms. */
void srv_drain_later(struct srv_drain *drain, guint ms, GSourceFunc look);

/* The PF is not to have another number of VFs any more; the ledger is the caller's to tell. */
void srv_resize_forget(struct srv_daemon *daemon, struct srv_pf *pf);

/* Goes on with a resize that is under way according to the ledger. */
void srv_resize_resume(struct srv_daemon *daemon, struct srv_pf *pf);

/*
 * A resize is over: its job goes on until the failover nics that had a VF have one again, or it is
 * known who has none and why; bounded. text: how the resize ended
 */
void srv_drain_return(struct srv_drain *drain, const char *text);
void srv_drain_forget_returns(GHashTable *returns);
