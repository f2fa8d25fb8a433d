/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

#include "srv/sriovd/failover.h"

/* What the parts of the failover operations share. Internal to failover*.c and promote.c. */

struct srv_failover {
	struct srv_daemon *daemon;
	struct srv_queue *queue; /* netlink for steering and VLAN links; never waits for libvirt */
	GHashTable *drains;	 /* struct srv_pf → struct srv_drain (drain.c) */
	GHashTable *returns;	 /* of struct srv_return (drain-return.c) */
	GArray *awaited;	 /* VLAN links (failover-links.c) */
	guint tick_source;
	bool stopping;
	/* steering */
	guint steer_source;
	bool steering;
	bool steer_stopped;	  /* the last one is through */
	bool steer_hangs;	  /* ditto, and does not come back: nobody waits for it */
	GPtrArray *steer_waiters; /* of struct steer_waiter: those of the next pass */
	GPtrArray *steer_served;  /* ditto: of the pass under way */
};

/* How the reason of a nic begins whose promotion has failed. */
#define SRV_NOT_PROMOTED "it could not be given a VF"

/* Made when it is first needed. */
struct srv_failover *srv_failover_get(struct srv_daemon *daemon);

/* Is it running: attached, with or without a VF. */
static inline bool srv_failover_runs(const struct srv_nic *nic)
{
	return nic->row.mode == SRV_MODE_FAILOVER && nic->team.tap;
}

/* failover-place.c */

/*
 * Where the virtio half of a nic without one is to be put: a name that will be the same after the
 * next boot, since it goes into its domain's configuration. The caller's; NULL: there is nothing.
 */
char *srv_failover_place(struct srv_daemon *daemon, const struct srv_nic *nic,
			 const struct srv_network *network, struct sriov_error **err);

/* Compares a running nic's virtio half, as libvirt has it, with what it should be. */
void srv_failover_compare_place(struct srv_daemon *daemon, struct srv_nic *nic,
				const struct srv_domain_iface *iface);

/* Which of those that run are not where their networks say (team.misplaced); tells what changes. */
void srv_failover_judge_places(struct srv_daemon *daemon);

/* The virtio half of the nic in a domain's configuration; borrowed; NULL: none. */
const struct srv_domain_iface *srv_failover_iface(const struct srv_domain *domain,
						  const struct srv_nic *nic);

/* failover-links.c */

/*
 * Something is about to stand on a VLAN link of that name: until the end of that, or for 90 s, it
 * is not removed. Whoever does so twice ends it twice.
 */
void srv_failover_await_link(struct srv_daemon *daemon, const char *name);
void srv_failover_unawait_link(struct srv_daemon *daemon, const char *name);
GArray *srv_failover_awaited_new(void);

/* Those that somebody names or awaits, but for the rows of one nic (NULL: none): of char, the
 * caller's. */
GPtrArray *srv_failover_named_links(struct srv_daemon *daemon, const struct srv_nic *but);

/* Removes a VLAN link that no nic but this one (NULL: none at all) names; uplink may be NULL. */
void srv_failover_drop_link(struct srv_daemon *daemon, const struct srv_nic *but,
			    const char *uplink);

/* A nic's row, and its VF's, to the ledger. done may be NULL. */
void srv_failover_record(struct srv_daemon *daemon, const struct srv_nic *nic,
			 const struct srv_vf *vf,
			 void (*done)(const struct sriov_error *error, void *data), void *data);

/* As srv_failover_stop(). */
bool srv_failover_steer_stop(struct srv_failover *failover);
