/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include "tests/sim/world.h"

/*
 * What the ledger's directory was told, in order, and what a power cut at any moment of it could
 * have left: of what was flushed everything, of the rest nothing, all, or any part down to a
 * sector.
 */

/*
 * Begins to record what is written below a directory, where what there is already has been flushed;
 * ends it.
 */
void sim_disk_record(const char *dir);
void sim_disk_stop(void);
void sim_disk_forget(void);

/* Moments: before the n-th call. With what the clients had been told by then, [SIM_CLAIMS]. */
size_t sim_disk_moments(void);
const struct sim_claim *sim_disk_claims(size_t moment);
/* The whole world then, of a moment of interest; NULL of others. */
const struct sim_world *sim_disk_world(size_t moment);
/* Is it one of interest: a flush comes next, or has just been? */
bool sim_disk_at_flush(size_t moment);

enum sim_disk_rest {
	SIM_DISK_NONE,	/* only what was flushed */
	SIM_DISK_ALL,	/* all that was written */
	SIM_DISK_NAMES, /* files have the names they were given, and not what was written to them */
	SIM_DISK_SOME,	/* some sectors and names, by seed */
};

/* Makes the directory as it could be found after a power cut at that moment. */
void sim_disk_restore(size_t moment, enum sim_disk_rest rest, unsigned seed, const char *dir);
