/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "netlink/vf.h"
#include "srv/sriovd/model.h"

struct srv_daemon;

/*
 * What is shown to a person is read from the kernel for that: PFs with their VFs, VF attributes,
 * and what carries a virtio nic. Each PF is read on its own thread; one that does not answer in
 * time is shown as it was known before, and says so.
 */

struct srv_pf_view {
	struct srv_pf *pf;
	const struct snl_vf_attrs
		*attrs; /* [n_attrs] by index; NULL when not asked for or not had */
	size_t n_attrs;
	const char *problem; /* what could not be read, and why; NULL */
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

/* The view of a PF, or NULL. */
const struct srv_pf_view *srv_view_find(const struct srv_view *view, const struct srv_pf *pf);
