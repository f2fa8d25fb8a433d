/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "netlink/vf.h"
#include "srv/sriovd/model.h"

struct srv_daemon;

/*
 * What is shown to a person is read from the kernel for that: PFs with their VFs, VF attributes,
 * and what carries a virtio nic. Each PF is read on a thread of its own, which is not the one that
 * works on it: nobody has to wait for a scrub to see something. One that does not answer in time is
 * shown as it was read last, and that is said. What it answers later is what the next view has.
 */

/*
 * How long a view waits for a kernel that is silent; a person takes 100 ms for at once. One that
 * has many VFs to tell of is not silent: for each that is read it has the time that DESIGN.md
 * grants for one.
 */
#define SRV_VIEW_PATIENCE_MS 40
#define SRV_VIEW_VF_US	     60

struct srv_pf_view {
	struct srv_pf *pf;
	const struct snl_vf_attrs
		*attrs; /* [n_attrs] by index; NULL when not asked for or not had */
	size_t n_attrs;
	const char *problem; /* what could not be read, and why; NULL */
	/*
	 * It did not answer in time: seconds since the epoch at which what is shown was read. 0:
	 * for this view
	 */
	int64_t stale;
};

struct srv_view {
	GPtrArray *pfs;	      /* of struct srv_pf_view, in the model's order */
	GHashTable *backends; /* domain's name → "vhost" or "qemu" (static) */
};

struct srv_view_want {
	struct srv_pf *pf;    /* this one */
	bool pfs;	      /* all of them */
	bool attrs;	      /* with the attributes of their VFs */
	bool helper;	      /* can it be run? daemon->helper_error says so then */
	const char *backends; /* of the virtio nics of this owner's; "" for all owners; NULL */
};

/*
 * Reads what is wanted; equal reads that wait are made once. The model has the new facts when done
 * is called (on the main thread), the view is borrowed for the call.
 */
void srv_view_read(struct srv_daemon *daemon, const struct srv_view_want *want,
		   void (*done)(const struct srv_view *view, void *data), void *data);

/* For srv_daemon: what was read of each PF last. */
GHashTable *srv_view_seen_new(void);

/* The view of a PF, or NULL. */
const struct srv_pf_view *srv_view_find(const struct srv_view *view, const struct srv_pf *pf);
