/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "srv/sriovd/model.h"

struct srv_daemon;

/*
 * Compares the VFs of a PF that count as clean with what the kernel says of them, on the PF's
 * thread; of its line of operations it is a part. One that differs was changed past us, or made
 * anew while nobody looked: it is dirty from then on, and so says the ledger.
 *
 * done: called once on the main thread
 */
void srv_pf_verify_clean(struct srv_daemon *daemon, struct srv_pf *pf, void (*done)(void *data),
			 void *data);
