// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/promote-policy.h"

#include <string.h>

#include "srv/sriovd/decide.h"

enum srv_wait srv_promote_wait(const struct srv_nic *nic, int64_t now)
{
	if (nic->vf)
		return SRV_WAIT_HAS_VF;
	if (nic->busy)
		return SRV_WAIT_BUSY;
	if (nic->row.state != SRV_NIC_ATTACHED || nic->row.backing != SRV_BACKING_VIRTIO)
		return SRV_WAIT_NOT_RUNNING;
	if (nic->team.misplaced)
		return SRV_WAIT_MISPLACED;
	if (nic->team.negotiated == SRV_NEGOTIATED_NO)
		return SRV_WAIT_NOT_NEGOTIATED;
	return now < nic->team.not_before ? SRV_WAIT_RESTING : SRV_WAIT_READY;
}

static const struct srv_pool *pool_of(struct srv_model *model, const struct srv_nic *nic)
{
	const struct srv_network *network = srv_config_network(model->config, nic->row.network);

	return network ? srv_config_pool(model->config, network->pool) : NULL;
}

struct order {
	int64_t now;
	bool preempt;
};

static gint compare(gconstpointer a, gconstpointer b, gpointer data)
{
	const struct srv_nic *x = *(const struct srv_nic *const *)a;
	const struct srv_nic *y = *(const struct srv_nic *const *)b;
	const struct order *order = data;
	bool x_ready = srv_promote_wait(x, order->now) == SRV_WAIT_READY;
	bool y_ready = srv_promote_wait(y, order->now) == SRV_WAIT_READY;
	bool x_can = x->team.negotiated == SRV_NEGOTIATED_YES;
	bool y_can = y->team.negotiated == SRV_NEGOTIATED_YES;
	int by_name;

	if (x_ready != y_ready)
		return x_ready ? -1 : 1;
	/* A VF that was taken from a guest that uses it is not for one that may not. */
	if (order->preempt && x_can != y_can)
		return x_can ? -1 : 1;
	if (x->row.priority != y->row.priority)
		return x->row.priority > y->row.priority ? -1 : 1;
	/* Who has said that it can use one, before who may have said so when nobody listened. */
	if (x_can != y_can)
		return x_can ? -1 : 1;
	if (x->row.waiting_place != y->row.waiting_place)
		return x->row.waiting_place < y->row.waiting_place ? -1 : 1;
	by_name = strcmp(x->row.owner.name, y->row.owner.name);
	return by_name ? by_name : strcmp(x->row.id, y->row.id);
}

GPtrArray *srv_promote_queue(struct srv_model *model, const struct srv_pool *pool, int64_t now)
{
	GPtrArray *queue = g_ptr_array_new();
	struct order order = { now, model->config->failover.preempt };
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, model->nics);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct srv_nic *nic = value;
		const struct srv_pool *its;

		if (nic->row.mode != SRV_MODE_FAILOVER || nic->vf ||
		    nic->row.state != SRV_NIC_ATTACHED)
			continue;
		its = pool_of(model, nic);
		if (its && (!pool || its == pool))
			g_ptr_array_add(queue, nic);
	}
	g_ptr_array_sort_with_data(queue, compare, &order);
	return queue;
}

struct srv_pf *srv_promote_uplink_pf(struct srv_model *model, const struct srv_nic *nic)
{
	for (guint i = 0; i < model->pfs->len; i++) {
		struct srv_pf *pf = model->pfs->pdata[i];

		if (srv_nic_stands_on(nic, pf))
			return pf;
	}
	return NULL;
}

/* Promotions that are under way on a PF. */
static uint32_t under_way(struct srv_model *model, const struct srv_pf *pf)
{
	GHashTableIter iter;
	gpointer value;
	uint32_t n = 0;

	g_hash_table_iter_init(&iter, model->nics);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct srv_nic *nic = value;

		n += nic->row.mode == SRV_MODE_FAILOVER && nic->vf && nic->vf->pf == pf &&
		     nic->row.state == SRV_NIC_ATTACHING;
	}
	return n;
}

static bool may_promote(struct srv_model *model, const struct srv_candidate *candidate, int64_t now)
{
	const struct srv_failover_settings *settings = &model->config->failover;
	const struct srv_pf *pf = candidate->pf;

	if (candidate->verdict != SRV_VERDICT_CHOSEN && candidate->verdict != SRV_VERDICT_OUTRANKED)
		return false;
	/* A flapping link moves nobody back and forth. */
	if (pf->link_since && now - pf->link_since < settings->promote_seconds * G_USEC_PER_SEC)
		return false;
	return under_way(model, pf) < settings->promotions;
}

/*
 * The PF of the virtio half is preferred: there the NIC itself hands frames from one half to the
 * other, while a VF of another PF moves the MAC to another port of the switch outside.
 */
static struct srv_vf *choose(struct srv_model *model, const struct srv_nic *nic, int64_t now)
{
	const struct srv_network *network = srv_config_network(model->config, nic->row.network);
	const struct srv_pf *home = srv_promote_uplink_pf(model, nic);
	const struct srv_candidate *best = NULL;
	struct srv_decision *decision;
	struct srv_vf *vf;

	if (!network)
		return NULL;
	decision = srv_decide(model, network, -1);
	for (guint i = 0; i < decision->candidates->len; i++) {
		const struct srv_candidate *candidate = &g_array_index(decision->candidates,
								       struct srv_candidate, i);

		if (!may_promote(model, candidate, now))
			continue;
		if (!best || (candidate->pf == home && best->pf != home) ||
		    ((candidate->pf == home) == (best->pf == home) &&
		     candidate->counts[SRV_VF_OWNED] < best->counts[SRV_VF_OWNED]))
			best = candidate;
	}
	vf = best ? best->vf : NULL;
	srv_decision_free(decision);
	return vf;
}

bool srv_promote_next(struct srv_model *model, int64_t now, struct srv_promotion *ret)
{
	g_autoptr(GPtrArray) queue = srv_promote_queue(model, NULL, now);

	for (guint i = 0; i < queue->len; i++) {
		struct srv_nic *nic = queue->pdata[i];
		struct srv_vf *vf;

		if (srv_promote_wait(nic, now) != SRV_WAIT_READY)
			break;
		vf = choose(model, nic, now);
		if (!vf)
			continue;
		*ret = (struct srv_promotion){ nic, vf };
		return true;
	}
	return false;
}

/* Would its VF, once it is given up, go to who asks? */
static bool is_usable(const struct srv_vf *vf, const struct srv_pool *pool)
{
	return vf->pool == pool && vf->facts && vf->pf->state == SRV_PF_READY && !vf->pf->drained &&
	       vf->pf->facts && vf->pf->facts->link != SPCI_LINK_DOWN;
}

static bool is_better_victim(const struct srv_nic *a, const struct srv_nic *b)
{
	if (a->row.priority != b->row.priority)
		return a->row.priority < b->row.priority;
	if (a->row.since != b->row.since)
		return a->row.since > b->row.since;
	return strcmp(a->row.owner.name, b->row.owner.name) > 0;
}

struct srv_nic *srv_promote_victim(struct srv_model *model, const struct srv_nic *nic, int64_t now)
{
	const struct srv_pool *pool = pool_of(model, nic);
	struct srv_nic *best = NULL;
	GHashTableIter iter;
	gpointer value;

	if (!model->config->failover.preempt || !pool)
		return NULL;
	g_hash_table_iter_init(&iter, model->nics);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct srv_nic *other = value;

		if (other->row.mode != SRV_MODE_FAILOVER || !other->vf ||
		    !is_usable(other->vf, pool))
			continue;
		if (other->row.state == SRV_NIC_DETACHING)
			return NULL;
		if (other->busy || other->row.state != SRV_NIC_ATTACHED ||
		    other->row.priority >= nic->row.priority || now < other->team.ask_again)
			continue;
		if (!best || is_better_victim(other, best))
			best = other;
	}
	return best;
}

/* A VF that is being scrubbed will do for the first in the queue. */
static bool something_comes(struct srv_model *model, const struct srv_nic *nic)
{
	const struct srv_network *network = srv_config_network(model->config, nic->row.network);
	struct srv_decision *decision = srv_decide(model, network, -1);
	bool comes = decision->vf || decision->scrub_pending;

	srv_decision_free(decision);
	return comes;
}

bool srv_promote_may_preempt(const struct srv_nic *nic)
{
	return nic->row.mode != SRV_MODE_FAILOVER || nic->team.negotiated == SRV_NEGOTIATED_YES;
}

struct srv_nic *srv_promote_next_victim(struct srv_model *model, int64_t now,
					const struct srv_nic **ret_for)
{
	g_autoptr(GPtrArray) queue = NULL;

	if (!model->config->failover.preempt)
		return NULL;
	queue = srv_promote_queue(model, NULL, now);
	for (guint i = 0; i < queue->len; i++) {
		struct srv_nic *nic = queue->pdata[i], *victim;

		if (srv_promote_wait(nic, now) != SRV_WAIT_READY)
			break;
		victim = srv_promote_may_preempt(nic) ? srv_promote_victim(model, nic, now) : NULL;
		if (!victim || something_comes(model, nic))
			continue;
		*ret_for = nic;
		return victim;
	}
	return NULL;
}
