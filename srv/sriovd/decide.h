/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "srv/sriovd/model.h"

/*
 * Who gets which VF, and why: a pure function of the model. It changes nothing; the caller carries
 * it out and records it.
 *
 * A PF of the network's pool is preferred, in this order: link up; on the owner's NUMA node; the
 * least used; the lowest address. On it: the lowest free index.
 */

enum srv_verdict {
	SRV_VERDICT_CHOSEN,
	SRV_VERDICT_OUTRANKED, /* has a free VF, but another PF is better */
	SRV_VERDICT_NO_FREE_VF,
	SRV_VERDICT_LINK_DOWN, /* has a free VF, but its link is down, and so none is handed out */
	SRV_VERDICT_DRAINED,   /* kept free, see sriovctl drain */
	SRV_VERDICT_NOT_READY, /* see the PF's state */
};

struct srv_candidate {
	const struct srv_pf *pf;
	enum srv_verdict verdict;
	uint32_t counts[SRV_VF_STATES]; /* of the pool's VFs on this PF */
	bool link_up;
	bool numa_local;
	struct srv_vf *vf;    /* its best free VF; NULL */
	bool pending;	      /* one of them is being scrubbed or made */
	const char *unusable; /* why the first unusable one is; NULL */
};

struct srv_decision {
	struct srv_vf *vf;  /* NULL: none is to be had */
	GArray *candidates; /* of struct srv_candidate: every PF of the pool */
	bool scrub_pending; /* a VF of the pool is being scrubbed or made: waiting a little may help
			     */
};

/*
 * numa_node: the owner's; -1: it has none
 */
struct srv_decision *srv_decide(struct srv_model *model, const struct srv_network *network,
				int numa_node);
void srv_decision_free(struct srv_decision *decision);

/* By their names: is an uplink this netdev itself, or a VLAN link "NETDEV.VLAN" on it? */
bool srv_uplink_is_on(const char *uplink, const char *netdev);

/*
 * Where a virtio nic of this network is put: the fallback's uplink, or a PF of the pool with its
 * link up that carries the fewest virtio nics.
 *
 * ret_pf: that PF, when it is one
 * Returns the name of a netdev, bridge or libvirt network (the caller's), or NULL with ret_why.
 */
char *srv_decide_uplink(struct srv_model *model, const struct srv_network *network,
			struct srv_pf **ret_pf, const char **ret_why);

/* One sentence: "no free VF in pool fast: enp1s0 has 2 owned, …"; the caller owns it. */
char *srv_decision_summary(const struct srv_decision *decision, const struct srv_network *network);

/* Type Decision of io.sriovd.varlink; the caller owns it. */
json_t *srv_decision_to_json(const struct srv_decision *decision, enum srv_backing backing,
			     const char *summary);

const char *srv_verdict_text(enum srv_verdict verdict);

/* Does its virtio device stand on the PF, or on a VLAN link of it? */
bool srv_nic_stands_on(const struct srv_nic *nic, const struct srv_pf *pf);
