/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "srv/sriovd/model.h"

struct srv_daemon;

/*
 * Compares the free VFs of a PF with what the kernel says of them, on the PF's thread; of its line
 * of operations it is a part. One that is not as a scrub leaves it was changed past us, or made
 * anew while nobody looked: it is dirty from then on, and so says the ledger.
 *
 * done: called once on the main thread
 */
void srv_pf_verify_free(struct srv_daemon *daemon, struct srv_pf *pf, void (*done)(void *data),
			void *data);

/*
 * The same as an operation of its own, then the scrub of what was found dirty; and VFs in use get
 * back what their network says. Periodically, after reconciliation, which passes over nics that are
 * being worked on. Does nothing when the PF is not ready, or is down: then what its driver reports
 * may not be what holds.
 */
void srv_pf_watch(struct srv_daemon *daemon, struct srv_pf *pf);
