// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/failover.h"

#include <errno.h>

#include "srv/sriovd/daemon.h"
#include "srv/sriovd/drain-internal.h"
#include "srv/sriovd/failover-internal.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/promote-policy.h"
#include "srv/sriovd/vf-work.h"

#define TICK_SECONDS 1

struct srv_failover *srv_failover_get(struct srv_daemon *daemon)
{
	struct srv_failover *failover = daemon->failover;

	if (failover)
		return failover;
	failover = g_new0(struct srv_failover, 1);
	failover->daemon = daemon;
	failover->queue = srv_queue_new("failover");
	failover->steer_waiters = g_ptr_array_new_with_free_func(g_free);
	failover->drains = g_hash_table_new(NULL, NULL);
	failover->returns = g_hash_table_new(NULL, NULL);
	failover->awaited = srv_failover_awaited_new();
	daemon->failover = failover;
	return failover;
}

bool srv_failover_stop(struct srv_daemon *daemon)
{
	struct srv_failover *failover = daemon->failover;

	if (!failover)
		return true;
	failover->stopping = true;
	if (failover->tick_source)
		g_source_remove(failover->tick_source);
	failover->tick_source = 0;
	srv_drain_stop_all(failover->drains);
	return srv_failover_steer_stop(failover);
}

void srv_failover_free(struct srv_daemon *daemon)
{
	struct srv_failover *failover = g_steal_pointer(&daemon->failover);

	if (!failover)
		return;
	srv_drain_forget_all(failover->drains);
	srv_drain_forget_returns(failover->returns);
	g_ptr_array_unref(failover->steer_waiters);
	g_hash_table_unref(failover->drains);
	g_hash_table_unref(failover->returns);
	g_array_unref(failover->awaited);
	srv_queue_unref(failover->queue);
	g_free(failover);
}

void srv_failover_record(struct srv_daemon *daemon, const struct srv_nic *nic,
			 const struct srv_vf *vf,
			 void (*done)(const struct sriov_error *error, void *data), void *data)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(daemon->ledger);

	srv_daemon_put_nic(txn, nic);
	if (vf)
		srv_daemon_put_vf(txn, vf);
	srv_ledger_commit(txn, done, data);
}

/* Starts */

void srv_failover_begin(struct srv_daemon *daemon, struct srv_nic *nic)
{
	struct srv_vf *vf = nic->vf;

	/* Should the guest run all the same, the hook being late: its VF is held, and not scrubbed,
	 * until a reconciliation finds it with the guest. */
	srv_model_set_backing(nic, SRV_BACKING_NONE, NULL);
	if (vf)
		srv_pf_scrub(daemon, vf->pf);
	srv_team_reset(&nic->team);
	nic->team.negotiated = SRV_NEGOTIATED_NO;
	nic->untouched = nic->doubtful = false;
	srv_model_waits_no_more(nic);
	nic->row.negotiated = false;
	srv_model_set_nic_state(nic, SRV_NIC_IDLE, NULL);
}

int srv_failover_reserve(struct srv_daemon *daemon, struct srv_nic *nic, struct sriov_error **err)
{
	const struct srv_network *network = srv_config_network(daemon->model->config,
							       nic->row.network);
	g_autofree char *subject = srv_nic_subject(nic);

	if (!network)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, subject,
				       "its network \"%s\" is not in the configuration any more",
				       nic->row.network);
	if (nic->stored_uplink && g_strcmp0(nic->row.uplink, nic->stored_uplink) != 0) {
		g_autofree char *old = g_steal_pointer(&nic->row.uplink);

		nic->row.uplink = g_strdup(nic->stored_uplink);
		srv_failover_drop_link(daemon, NULL, old);
	}
	if (!nic->row.uplink) {
		sriov_autoerror error = NULL;
		char *uplink = srv_failover_place(daemon, nic, network, &error);

		if (!uplink)
			return sriov_error_propagate(err, g_steal_pointer(&error));
		nic->row.uplink = uplink;
	}
	srv_model_set_backing(nic, SRV_BACKING_VIRTIO, NULL);
	srv_model_set_nic_state(nic, SRV_NIC_RESERVED, NULL);
	return 0;
}

/* Its owner runs */

void srv_failover_attached(struct srv_daemon *daemon, struct srv_nic *nic, const char *tap,
			   bool fresh)
{
	bool is_new = g_strcmp0(nic->team.tap, tap) != 0;

	if (is_new) {
		g_free(nic->team.tap);
		nic->team.tap = g_strdup(tap);
		/* As libvirt has just made it, it receives; what an earlier sriovd did is not
		 * known. */
		nic->team.steered = fresh ? SRV_STEER_VIRTIO : SRV_STEER_UNKNOWN;
		nic->team.steer_failed = false;
	}
	if (!nic->vf)
		srv_model_waits(daemon->model, nic);
	srv_failover_steer(daemon);
	srv_failover_serve(daemon);
}

static const struct srv_domain_iface *find_iface(const struct srv_domain *domain, const char *alias)
{
	for (guint i = 0; domain && i < domain->ifaces->len; i++) {
		const struct srv_domain_iface *iface = domain->ifaces->pdata[i];

		if (g_strcmp0(iface->alias, alias) == 0)
			return iface;
	}
	return NULL;
}

const struct srv_domain_iface *srv_failover_iface(const struct srv_domain *domain,
						  const struct srv_nic *nic)
{
	g_autofree char *alias = srv_nic_alias(nic->row.id);

	return nic->row.mode == SRV_MODE_FAILOVER ? find_iface(domain, alias) : NULL;
}

const char *srv_failover_source(const struct srv_domain *domain, const struct srv_nic *nic)
{
	const struct srv_domain_iface *iface = srv_failover_iface(domain, nic);

	return iface ? iface->source : NULL;
}

/* The guest has a VF: the ledger follows. */
static void settle_plugged(struct srv_daemon *daemon, struct srv_nic *nic,
			   const struct srv_domain_iface *iface)
{
	struct srv_vf *vf = srv_model_vf_by_address(daemon->model, iface->vf);
	bool resume = nic->row.state == SRV_NIC_DETACHING && nic->vf == vf;
	bool begins = !nic->team.plugged || nic->row.state == SRV_NIC_ATTACHING;
	g_autofree char *subject = srv_nic_subject(nic);
	g_autofree char *why = g_strdup(nic->row.reason);

	if (!vf || (vf->nic && vf->nic != nic)) {
		srv_event(daemon->events, LOG_ERR, "nic", subject,
			  "the guest has a VF that is %s; sriovctl vf list shows it",
			  vf ? "another's in the ledger" : "not among the host's");
		return;
	}
	nic->team.plugged = true;
	if (begins)
		nic->team.idle_since = g_get_monotonic_time();
	if (nic->vf == vf && nic->row.state == SRV_NIC_ATTACHED)
		return;
	srv_model_set_backing(nic, SRV_BACKING_VF, vf);
	nic->untouched = false;
	srv_model_waits_no_more(nic);
	srv_model_set_nic_state(nic, SRV_NIC_ATTACHED, NULL);
	srv_event(daemon->events, LOG_NOTICE, "nic", subject, "found with its VF, adopted");
	srv_failover_record(daemon, nic, vf, NULL, NULL);
	/* A demotion that the last sriovd had begun goes on. */
	if (resume)
		srv_demote(daemon, nic, why ? why : "begun before sriovd was restarted", NULL,
			   NULL);
	else
		/* libvirt sets only a part of them. */
		srv_nic_restore(daemon, nic);
}

/*
 * The guest has not the VF that the ledger gives it. Of a promotion or demotion that was cut short
 * libvirt may still have the attach to do: a detach stands behind it in the domain's line, so when
 * that is answered the VF is nobody's.
 */
static void settle_unplugged(struct srv_daemon *daemon, struct srv_nic *nic)
{
	g_autofree char *why = g_strdup(nic->row.reason);

	if (nic->row.state == SRV_NIC_DETACHING)
		srv_demote(daemon, nic, why ? why : "begun before sriovd was restarted", NULL,
			   NULL);
	else if (nic->row.state == SRV_NIC_ATTACHING)
		srv_demote(daemon, nic, "it was being given one, and that was cut short", NULL,
			   NULL);
	else
		srv_demoted(daemon, nic, "the guest was found without its VF");
}

bool srv_failover_settle(struct srv_daemon *daemon, struct srv_nic *nic,
			 const struct srv_virt_domain *domain)
{
	g_autofree char *alias = srv_nic_alias(nic->row.id);
	g_autofree char *alias_vf = srv_nic_alias_vf(nic->row.id);
	const struct srv_domain_iface *virtio = find_iface(domain->live, alias);
	const struct srv_domain_iface *vf = find_iface(domain->live, alias_vf);

	if (!virtio)
		return false;
	if (virtio->source && g_strcmp0(nic->row.uplink, virtio->source) != 0) {
		g_free(nic->row.uplink);
		nic->row.uplink = g_strdup(virtio->source);
		g_clear_pointer(&nic->team.off_vlan, g_free);
		srv_failover_record(daemon, nic, NULL, NULL, NULL);
	}
	srv_failover_compare_place(daemon, nic, virtio);
	if (vf && vf->has_vf) {
		settle_plugged(daemon, nic, vf);
	} else if (nic->vf) {
		settle_unplugged(daemon, nic);
	} else if (nic->row.state != SRV_NIC_ATTACHED || nic->row.backing != SRV_BACKING_VIRTIO) {
		srv_model_set_backing(nic, SRV_BACKING_VIRTIO, NULL);
		srv_model_set_nic_state(nic, SRV_NIC_ATTACHED, NULL);
		srv_model_waits(daemon->model, nic);
		srv_failover_record(daemon, nic, NULL, NULL, NULL);
	}
	srv_failover_attached(daemon, nic, virtio->target, false);
	return true;
}

/* Events */

static struct srv_nic *find_by_alias(struct srv_daemon *daemon, const char *uuid, const char *alias,
				     char *(*alias_of)(const char *id))
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(daemon->model, uuid);

	for (guint i = 0; i < nics->len; i++) {
		struct srv_nic *nic = nics->pdata[i];
		g_autofree char *its = alias_of(nic->row.id);

		if (nic->row.mode == SRV_MODE_FAILOVER && g_str_equal(its, alias))
			return nic;
	}
	return NULL;
}

void srv_failover_negotiated(struct srv_daemon *daemon, const char *uuid, const char *alias)
{
	struct srv_nic *nic = find_by_alias(daemon, uuid, alias, srv_nic_alias);
	g_autofree char *subject = NULL;

	if (!nic)
		return;
	subject = srv_nic_subject(nic);
	srv_event(daemon->events, LOG_INFO, "nic", subject, "its guest can join a VF to it");
	nic->team.negotiated = SRV_NEGOTIATED_YES;
	/* It is said once in a run, and a sriovd that is started anew must know. */
	nic->row.negotiated = true;
	srv_failover_record(daemon, nic, NULL, NULL, NULL);
	srv_failover_serve(daemon);
}

void srv_failover_device_removed(struct srv_daemon *daemon, const char *uuid, const char *alias)
{
	struct srv_nic *nic = find_by_alias(daemon, uuid, alias, srv_nic_alias_vf);

	/* During a demotion the demotion itself sees it. */
	if (nic && nic->vf && !nic->busy && nic->team.plugged)
		srv_demoted(daemon, nic, "its guest let go of the VF");
}

void srv_failover_connection(struct srv_daemon *daemon, bool connected)
{
	GHashTableIter iter;
	gpointer value;

	if (connected)
		return;
	g_hash_table_iter_init(&iter, daemon->model->nics);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct srv_nic *nic = value;

		if (nic->team.negotiated == SRV_NEGOTIATED_NO)
			nic->team.negotiated = SRV_NEGOTIATED_UNKNOWN;
	}
}

/* Watching */

static bool may_demote(const struct srv_nic *nic, int64_t now)
{
	return srv_failover_runs(nic) && nic->vf && !nic->busy && nic->team.plugged &&
	       nic->row.state == SRV_NIC_ATTACHED && now >= nic->team.ask_again;
}

/* Why a nic should not have its VF any longer; NULL: it should. */
static char *reason_to_demote(struct srv_daemon *daemon, const struct srv_nic *nic, int64_t now)
{
	const struct srv_failover_settings *settings = &daemon->model->config->failover;
	const struct srv_pf *pf = nic->vf->pf;

	if (pf->drained)
		return g_strdup_printf("%s is drained", pf->name);
	if (nic->team.misplaced)
		return g_strdup(nic->team.misplaced);
	if (pf->facts && pf->facts->link == SPCI_LINK_DOWN &&
	    now - pf->link_since >= settings->link_down_seconds * G_USEC_PER_SEC)
		return g_strdup_printf("the link of %s is down", pf->name);
	if (nic->vf->health.fault)
		return g_strdup_printf("of its VF %s/%u: %s", pf->name, nic->vf->ref.index,
				       nic->vf->health.fault);
	if (!nic->team.in_use &&
	    now - nic->team.idle_since >= settings->negotiate_seconds * G_USEC_PER_SEC)
		return g_strdup_printf("its guest has not used the VF for %u s",
				       settings->negotiate_seconds);
	return NULL;
}

static void demote_unfit(struct srv_daemon *daemon)
{
	const struct srv_failover_settings *settings = &daemon->model->config->failover;
	g_autoptr(GPtrArray) nics = srv_model_nics(daemon->model);
	int64_t now = g_get_monotonic_time();

	for (guint i = 0; i < nics->len; i++) {
		struct srv_nic *nic = nics->pdata[i];
		g_autofree char *why = may_demote(nic, now) ? reason_to_demote(daemon, nic, now)
							    : NULL;

		if (!why)
			continue;
		/* One that never said it could is not asked again before it does. */
		if (!nic->team.in_use && nic->team.negotiated == SRV_NEGOTIATED_UNKNOWN)
			nic->team.negotiated = SRV_NEGOTIATED_NO;
		if (!nic->team.in_use)
			nic->team.not_before = now + settings->retry_seconds * G_USEC_PER_SEC;
		srv_demote(daemon, nic, why, NULL, NULL);
	}
}

static gboolean on_tick(gpointer data)
{
	struct srv_failover *failover = data;

	failover->tick_source = 0;
	demote_unfit(failover->daemon);
	srv_failover_serve(failover->daemon);
	return G_SOURCE_REMOVE;
}

/* It ticks while there is a failover nic that runs. */
static void arm_tick(struct srv_failover *failover)
{
	GHashTableIter iter;
	gpointer value;

	if (failover->tick_source || failover->stopping)
		return;
	g_hash_table_iter_init(&iter, failover->daemon->model->nics);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		if (!srv_failover_runs(value))
			continue;
		failover->tick_source = g_timeout_add_seconds(TICK_SECONDS, on_tick, failover);
		return;
	}
}

void srv_failover_serve(struct srv_daemon *daemon)
{
	struct srv_failover *failover = daemon->failover;
	int64_t now = g_get_monotonic_time();
	struct srv_promotion promotion;
	const struct srv_nic *wants;
	struct srv_nic *victim;

	/* No such nic has ever run; and before libvirt was compared nobody knows which VFs are
	 * taken. */
	if (!failover || failover->stopping || !daemon->reconciled || !srv_daemon_may_work(daemon))
		return;
	arm_tick(failover);
	srv_failover_judge_places(daemon);
	while (srv_promote_next(daemon->model, now, &promotion))
		srv_promote(daemon, promotion.nic, promotion.vf);
	victim = srv_promote_next_victim(daemon->model, now, &wants);
	if (victim) {
		g_autofree char *winner = srv_nic_subject(wants);
		g_autofree char *why = g_strdup_printf("%s of priority %u wants its VF", winner,
						       wants->row.priority);

		srv_demote(daemon, victim, why, NULL, NULL);
	}
}

static bool one_is_leaving(struct srv_daemon *daemon, const struct srv_pool *pool)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, daemon->model->nics);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct srv_nic *nic = value;

		if (nic->row.mode == SRV_MODE_FAILOVER && nic->vf && nic->vf->pool == pool &&
		    nic->row.state == SRV_NIC_DETACHING && !nic->vf->pf->drained)
			return true;
	}
	return false;
}

bool srv_failover_make_room(struct srv_daemon *daemon, const struct srv_nic *nic)
{
	const struct srv_network *network = srv_config_network(daemon->model->config,
							       nic->row.network);
	struct srv_nic *victim = srv_promote_victim(daemon->model, nic, g_get_monotonic_time());
	g_autofree char *subject = NULL;
	g_autofree char *why = NULL;

	if (!victim)
		return network && daemon->model->config->failover.preempt &&
		       one_is_leaving(daemon,
				      srv_config_pool(daemon->model->config, network->pool));
	subject = srv_nic_subject(nic);
	why = g_strdup_printf("%s of priority %u starts and wants its VF", subject,
			      nic->row.priority);
	srv_demote(daemon, victim, why, NULL, NULL);
	return true;
}
