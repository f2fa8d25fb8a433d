/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

#include "srv/sriovd/drain.h"

/* One drain under way. Internal to drain.c and resize.c. */
struct srv_drain {
	struct srv_daemon *daemon;
	struct srv_pf *pf;
	struct srv_job *job; /* NULL: nobody watches any more */
	bool force;
	guint source;
	guint total;	      /* nics there were to begin with */
	guint left;	      /* that have not left yet */
	GHashTable *refusing; /* subject → why: those who did not let go, or could not be moved */
	GHashTable *forced;   /* subjects of exclusive and required nics that were taken out */
	uint32_t resize_vfs;  /* 0: a drain only */
	bool making;	      /* of a resize: the VFs are being made anew */
	guint tries;
	void (*drained)(struct srv_drain *drain); /* when nobody has a VF of it any more */
};

/* The one of a PF; NULL. */
struct srv_drain *srv_drain_find(struct srv_daemon *daemon, const struct srv_pf *pf);

/* Whom it would hurt: 0, or BUSY. */
int srv_drain_check(struct srv_daemon *daemon, struct srv_pf *pf, bool force,
		    struct sriov_error **err);

/* Begins one, whose PF is marked already, once that is durable. job may be NULL. */
void srv_drain_begin(struct srv_daemon *daemon, struct srv_pf *pf, bool force, uint32_t resize_vfs,
		     struct srv_job *job, void (*drained)(struct srv_drain *drain));

/* Steps in all, for the job. */
unsigned srv_drain_steps(const struct srv_drain *drain);

/* Ends it with its job. error is borrowed. */
void srv_drain_end(struct srv_drain *drain, const struct sriov_error *error, const char *text);

/* The daemon ends: forgets those under way. What they were about is in the ledger. */
void srv_drain_forget_all(GHashTable *drains);

/* Looks again after so many ms. */
void srv_drain_later(struct srv_drain *drain, guint ms, GSourceFunc look);
