/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "srv/sriovd/model.h"

/*
 * Which failover nic gets the next VF, and which one gives its VF up: a pure function of the model
 * and of the time. It changes nothing; the caller carries it out.
 *
 * Those that could use a VF now form a queue: higher priority first, then those whose guests are
 * known to join the halves, then who began to wait first (by the ledger's count, not by a clock,
 * which may be set), then the name. Where VFs are taken from others ("preempt") what is known of
 * the guests counts before the priority: a guest that never spoke may have nobody's VF, at no time.
 * The first one for which there is a VF gets it; one for which there is none does not hold up those
 * behind it, which may be in other pools.
 *
 * now: g_get_monotonic_time(), µs
 */

enum srv_wait {
	SRV_WAIT_READY,		 /* gets a VF as soon as there is one */
	SRV_WAIT_HAS_VF,	 /* has one, or is being given one */
	SRV_WAIT_NOT_RUNNING,	 /* its owner does not run, or the nic is not attached */
	SRV_WAIT_BUSY,		 /* an operation on it is under way */
	SRV_WAIT_NOT_NEGOTIATED, /* the guest has no driver that would join the halves */
	SRV_WAIT_MISPLACED,	 /* team.misplaced */
	SRV_WAIT_RESTING,	 /* team.not_before */
};

enum srv_wait srv_promote_wait(const struct srv_nic *nic, int64_t now);

/*
 * Those that wait for a VF of a pool (NULL: of any), in the order in which they get one; also those
 * that could not use one just now, behind the others. Of struct srv_nic, the caller's array.
 */
GPtrArray *srv_promote_queue(struct srv_model *model, const struct srv_pool *pool, int64_t now);

struct srv_promotion {
	struct srv_nic *nic;
	struct srv_vf *vf;
};

/* The next one to begin; false: none now. */
bool srv_promote_next(struct srv_model *model, int64_t now, struct srv_promotion *ret);

/*
 * The nic whose VF nic may have: of the same pool, of the lowest priority, which is below nic's,
 * and of those the one that has it for the shortest time. NULL: there is none, or one is on its
 * way out already, or the configuration has no preemption.
 */
struct srv_nic *srv_promote_victim(struct srv_model *model, const struct srv_nic *nic, int64_t now);

/*
 * May somebody lose a VF for it? Not while nobody knows whether its guest joins the halves, as of
 * all that have said nothing when sriovd or the connection to libvirt is new.
 */
bool srv_promote_may_preempt(const struct srv_nic *nic);

/* The next one to be demoted in favour of one that waits. NULL: none. */
struct srv_nic *srv_promote_next_victim(struct srv_model *model, int64_t now,
					const struct srv_nic **ret_for);

/* The PF under the virtio half: the uplink itself, or the one a VLAN link stands on. NULL: none. */
struct srv_pf *srv_promote_uplink_pf(struct srv_model *model, const struct srv_nic *nic);
