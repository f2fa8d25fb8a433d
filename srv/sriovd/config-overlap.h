/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include <glib.h>

#include "base/parse.h"
#include "srv/sriovd/config.h"

/*
 * Pools that get into each other's way: two that select the same VF, or that want different things
 * of the same PF. Internal to config-*.c.
 */

/* That a pool selects VFs of a PF. */
struct srv_pool_claim {
	struct sriov_range range;
	const struct srv_pool *pool;
	guint order; /* of the pool in the configuration: the later one is complained about */
};

/*
 * Appends an error for each two pools that meet on one PF. Sorts claims, an array of struct
 * srv_pool_claim; n log n.
 *
 * pf: as the messages name it; "enp1s0" gives "enp1s0/3" for a VF
 */
void srv_config_check_claims(GArray *claims, const char *pf, GPtrArray *problems);

/*
 * What can be said without a host: selectors that name PFs and nothing else ("pfNames" alone,
 * "rootDevices" alone) select them on every host that has them.
 */
void srv_config_check_overlap(const struct srv_config *config, GPtrArray *problems);
