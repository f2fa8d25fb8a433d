/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "srv/sriovd/model.h"

struct srv_daemon;

/*
 * A scrub that somebody asks for, of a VF that nobody has: also of one that is quarantined, which
 * thereby gets another chance, and for which its PCIe errors are forgotten. That it is dirty is in
 * the ledger before anything is done to it. What fails again is quarantined again.
 *
 * done: called once, on the main thread, never from within this call but with a refusal. error is
 *       NULL when it was scrubbed and read back and the ledger says so, or borrowed: BUSY (it has
 * an owner, a process has it open, its PF is drained), DEVICE (it cannot be scrubbed, or its PF is
 * not in a state to), NOT_FOUND (the kernel does not have it), NOT_SUPPORTED (no pool has it),
 * LEDGER, TIMEOUT (it goes on), UNAVAILABLE (the daemon ends)
 */
void srv_scrub_ask(struct srv_daemon *daemon, struct srv_vf *vf,
		   void (*done)(const struct sriov_error *error, void *data), void *data);

/*
 * A try to scrub a VF is over, be it nobody's or anybody's: tells who asked, once the main loop
 * turns. error: why it is not free, borrowed; NULL: it is
 */
void srv_scrub_told(struct srv_daemon *daemon, const struct srv_vf *vf,
		    const struct sriov_error *error);

/* The daemon ends: those who wait are told so. error is borrowed. */
void srv_scrub_end(struct srv_daemon *daemon, const struct sriov_error *error);
