// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/decide.h"

#include <string.h>

const char *srv_verdict_text(enum srv_verdict verdict)
{
	switch (verdict) {
	case SRV_VERDICT_CHOSEN:
		return "chosen";
	case SRV_VERDICT_OUTRANKED:
		return "another PF is preferred";
	case SRV_VERDICT_NO_FREE_VF:
		return "no free VF";
	case SRV_VERDICT_LINK_DOWN:
		return "link down";
	case SRV_VERDICT_DRAINED:
		return "drained";
	case SRV_VERDICT_NOT_READY:
		return "not ready";
	}
	g_assert_not_reached();
}

/* One that a process holds, or whose PF is down, is not going to be free in a moment. */
static bool may_come_free(const struct srv_vf *vf, enum srv_vf_state state)
{
	/* Its guest has most likely just ended. */
	if (state == SRV_VF_OWNED)
		return vf->nic->leaving > 0 || vf->nic->owner_gone;
	return state == SRV_VF_STATE_DIRTY && (vf->scrubbing || (!vf->held && !vf->stalled));
}

/* Counts the pool's VFs of a PF and finds the lowest free one. False when it has none of the pool.
 */
static bool look_at(const struct srv_pf *pf, const struct srv_pool *pool, int numa_node,
		    struct srv_candidate *candidate)
{
	bool ready = pf->state == SRV_PF_READY;
	bool any = false;

	*candidate = (struct srv_candidate){ .pf = pf, .verdict = SRV_VERDICT_NOT_READY };
	for (guint i = 0; i < pf->vfs->len; i++) {
		struct srv_vf *vf = pf->vfs->pdata[i];
		enum srv_vf_state state;
		const char *reason;

		if (vf->pool != pool || (!vf->facts && !vf->nic))
			continue;
		any = true;
		state = srv_vf_state(vf, &reason);
		candidate->counts[state]++;
		candidate->pending |= ready && may_come_free(vf, state);
		if (state == SRV_VF_UNUSABLE && !candidate->unusable)
			candidate->unusable = reason;
		if (state == SRV_VF_FREE && !candidate->vf)
			candidate->vf = vf;
	}
	candidate->link_up = pf->facts && pf->facts->link != SPCI_LINK_DOWN;
	candidate->numa_local = pf->facts && numa_node >= 0 && pf->facts->numa_node == numa_node;
	if (pf->drained) {
		candidate->verdict = SRV_VERDICT_DRAINED;
		candidate->pending = false;
	} else {
		candidate->pending |= pf->state == SRV_PF_CONFIGURING;
	}
	/* Without a netdev its VFs cannot be configured: it is in another network namespace. */
	if (!ready || !pf->facts || !pf->facts->ifindex || pf->drained)
		candidate->vf = NULL;
	else if (!candidate->vf)
		candidate->verdict = SRV_VERDICT_NO_FREE_VF;
	else
		candidate->verdict = candidate->link_up ? SRV_VERDICT_OUTRANKED
							: SRV_VERDICT_LINK_DOWN;
	/* Just brought up, at the host's boot for one: its link comes while the guests start. */
	candidate->pending |= candidate->vf && srv_pf_is_settling(pf);
	return any;
}

/* A PF whose VFs are still to be made belongs to its pool already, though no VF says so. */
static bool will_have(const struct srv_pf *pf, const struct srv_pool *pool)
{
	g_autoptr(GArray) ranges = NULL;

	return pf->facts && pf->state != SRV_PF_UNMANAGED &&
	       srv_pool_selects(pool, pf->facts, &ranges);
}

/* Is a better than b: both have a free VF and their link up. Ties go to the lower address. */
static bool better(const struct srv_candidate *a, const struct srv_candidate *b)
{
	if (a->numa_local != b->numa_local)
		return a->numa_local;
	return a->counts[SRV_VF_OWNED] < b->counts[SRV_VF_OWNED];
}

struct srv_decision *srv_decide(struct srv_model *model, const struct srv_network *network,
				int numa_node)
{
	const struct srv_pool *pool = srv_config_pool(model->config, network->pool);
	struct srv_decision *decision = g_new0(struct srv_decision, 1);
	struct srv_candidate *best = NULL;

	decision->candidates = g_array_new(FALSE, FALSE, sizeof(struct srv_candidate));
	for (guint i = 0; i < model->pfs->len; i++) {
		const struct srv_pf *pf = model->pfs->pdata[i];
		struct srv_candidate candidate;

		if (!look_at(pf, pool, numa_node, &candidate) && !will_have(pf, pool))
			continue;
		decision->scrub_pending |= candidate.pending;
		g_array_append_val(decision->candidates, candidate);
	}
	for (guint i = 0; i < decision->candidates->len; i++) {
		struct srv_candidate *candidate = &g_array_index(decision->candidates,
								 struct srv_candidate, i);

		if (candidate->verdict == SRV_VERDICT_OUTRANKED &&
		    (!best || better(candidate, best)))
			best = candidate;
	}
	if (best) {
		best->verdict = SRV_VERDICT_CHOSEN;
		decision->vf = best->vf;
	}
	return decision;
}

void srv_decision_free(struct srv_decision *decision)
{
	if (!decision)
		return;
	g_array_unref(decision->candidates);
	g_free(decision);
}

bool srv_uplink_is_on(const char *uplink, const char *pf)
{
	size_t len = strlen(pf);

	return strncmp(uplink, pf, len) == 0 && (uplink[len] == '\0' || uplink[len] == '.');
}

bool srv_nic_stands_on(const struct srv_nic *nic, const struct srv_pf *pf)
{
	const char *uplink = nic->row.uplink;

	if (!uplink)
		return false;
	if (srv_uplink_is_on(uplink, pf->name))
		return true;
	/* By a name that it had, and that nobody else has now. */
	for (guint i = 0; i < pf->netdevs->len; i++) {
		if (srv_uplink_is_on(uplink, pf->netdevs->pdata[i]) &&
		    !srv_model_find_pf(pf->model, pf->netdevs->pdata[i]))
			return true;
	}
	return false;
}

static guint virtio_nics_on(struct srv_model *model, const struct srv_pf *pf)
{
	GHashTableIter iter;
	gpointer value;
	guint n = 0;

	g_hash_table_iter_init(&iter, model->nics);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		n += srv_nic_stands_on(value, pf);
	return n;
}

static struct srv_pf *least_used_uplink(struct srv_model *model, const struct srv_pool *pool)
{
	struct srv_pf *best = NULL;
	guint best_nics = 0;

	for (guint i = 0; i < model->pfs->len; i++) {
		struct srv_pf *pf = model->pfs->pdata[i];
		g_autoptr(GArray) ranges = NULL;
		guint nics;

		if (!pf->facts || !pf->facts->netdev || !srv_pool_selects(pool, pf->facts, &ranges))
			continue;
		nics = virtio_nics_on(model, pf);
		/* One whose link is down only when there is no other: it may come back. */
		if (best && best->facts->link == SPCI_LINK_UP && pf->facts->link != SPCI_LINK_UP)
			continue;
		if (!best || nics < best_nics ||
		    (best->facts->link != SPCI_LINK_UP && pf->facts->link == SPCI_LINK_UP)) {
			best = pf;
			best_nics = nics;
		}
	}
	return best;
}

char *srv_decide_uplink(struct srv_model *model, const struct srv_network *network,
			struct srv_pf **ret_pf, const char **ret_why)
{
	const struct srv_pool *pool = srv_config_pool(model->config, network->pool);
	const char *source = network->fallback.source;

	*ret_pf = NULL;
	*ret_why = NULL;
	switch (network->fallback.type) {
	case SRV_FALLBACK_NONE:
		*ret_why = "the network's fallback is \"none\"";
		return NULL;
	case SRV_FALLBACK_BRIDGE:
	case SRV_FALLBACK_NETWORK:
		return g_strdup(source);
	case SRV_FALLBACK_MACVTAP:
		*ret_pf = source ? srv_model_find_pf(model, source)
				 : least_used_uplink(model, pool);
		if (source)
			return g_strdup(source);
		if (!*ret_pf)
			*ret_why = "no PF of its pool has a netdev to put a macvtap on";
		return *ret_pf ? g_strdup((*ret_pf)->name) : NULL;
	}
	g_assert_not_reached();
}

static void describe_candidate(GString *text, const struct srv_candidate *candidate)
{
	static const enum srv_vf_state states[] = { SRV_VF_FREE, SRV_VF_OWNED, SRV_VF_STATE_DIRTY,
						    SRV_VF_STATE_QUARANTINED, SRV_VF_UNUSABLE };
	const char *separator = " (";

	g_string_append_printf(text, "%s: %s", candidate->pf->name,
			       srv_verdict_text(candidate->verdict));
	if (candidate->verdict == SRV_VERDICT_NOT_READY && candidate->pf->state == SRV_PF_READY)
		g_string_append(text, ", it has no netdev in the host's network namespace");
	else if (candidate->verdict == SRV_VERDICT_NOT_READY)
		g_string_append_printf(text, ", it is %s", srv_pf_state_name(candidate->pf->state));
	for (size_t i = 0; i < G_N_ELEMENTS(states); i++) {
		if (!candidate->counts[states[i]])
			continue;
		g_string_append_printf(text, "%s%u %s", separator, candidate->counts[states[i]],
				       srv_vf_state_name(states[i]));
		separator = ", ";
	}
	if (candidate->unusable)
		g_string_append_printf(text, ": %s", candidate->unusable);
	if (separator[0] == ',')
		g_string_append_c(text, ')');
}

char *srv_decision_summary(const struct srv_decision *decision, const struct srv_network *network)
{
	GString *text = g_string_new(NULL);

	if (decision->vf) {
		g_autofree char *name = srv_vf_name(decision->vf);

		g_string_printf(text, "VF %s of pool %s", name, network->pool);
		return g_string_free(text, FALSE);
	}
	g_string_printf(text, "pool %s has no VF to give: ", network->pool);
	for (guint i = 0; i < decision->candidates->len; i++) {
		if (i)
			g_string_append(text, "; ");
		describe_candidate(text,
				   &g_array_index(decision->candidates, struct srv_candidate, i));
	}
	if (!decision->candidates->len)
		g_string_append(text, "none of the host's PFs is in it");
	return g_string_free(text, FALSE);
}

static json_t *candidate_to_json(const struct srv_candidate *candidate)
{
	const struct srv_pf *pf = candidate->pf;
	char address[SRIOV_BDF_STRLEN];
	json_t *json;

	json = json_pack(
		"{s:s, s:s?, s:b, s:s, s:i, s:i, s:i, s:i, s:i, s:b, s:b}", "pf",
		sriov_bdf_format(pf->bdf, address), "netdev", pf->facts ? pf->facts->netdev : NULL,
		"chosen", candidate->verdict == SRV_VERDICT_CHOSEN, "verdict",
		srv_verdict_text(candidate->verdict), "free", (int)candidate->counts[SRV_VF_FREE],
		"owned", (int)candidate->counts[SRV_VF_OWNED], "dirty",
		(int)candidate->counts[SRV_VF_STATE_DIRTY], "quarantined",
		(int)candidate->counts[SRV_VF_STATE_QUARANTINED], "unusable",
		(int)candidate->counts[SRV_VF_UNUSABLE], "linkUp", candidate->link_up, "numaLocal",
		candidate->numa_local);
	if (candidate->vf)
		json_object_set_new(json, "vf", json_integer(candidate->vf->ref.index));
	return json;
}

json_t *srv_decision_to_json(const struct srv_decision *decision, enum srv_backing backing,
			     const char *summary)
{
	json_t *candidates = json_array();

	for (guint i = 0; i < decision->candidates->len; i++)
		json_array_append_new(candidates,
				      candidate_to_json(&g_array_index(decision->candidates,
								       struct srv_candidate, i)));
	return json_pack("{s:I, s:s, s:s, s:o}", "time",
			 (json_int_t)(g_get_real_time() / G_USEC_PER_SEC), "backing",
			 srv_backing_name(backing), "summary", summary, "candidates", candidates);
}
