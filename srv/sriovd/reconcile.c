// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/reconcile.h"

#include <string.h>

#include "srv/sriovd/daemon.h"
#include "srv/sriovd/decide.h"
#include "srv/sriovd/drain.h"
#include "srv/sriovd/failover.h"
#include "srv/sriovd/fdb-keep.h"
#include "srv/sriovd/gate.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/start.h"
#include "srv/sriovd/sweep.h"
#include "srv/sriovd/verify.h"
#include "srv/sriovd/vf-work.h"

/* A start that was prepared and of which nothing was heard since: it failed, libvirt says so by
 * now. */
#define PREPARED_SECONDS 90

struct reconcile {
	struct srv_daemon *daemon;
	int64_t began;	    /* g_get_monotonic_time(): what changed since is newer than the list */
	GPtrArray *domains; /* of struct srv_virt_domain */
	GPtrArray *waiters; /* of struct srv_waiter: who asked before it began */
	struct sriov_error *error;
};

static const struct srv_virt_domain *find_domain(const GPtrArray *domains, const char *uuid)
{
	for (guint i = 0; i < domains->len; i++) {
		const struct srv_virt_domain *domain = domains->pdata[i];

		if (g_str_equal(domain->uuid, uuid))
			return domain;
	}
	return NULL;
}

static const struct srv_domain_iface *find_iface(const struct srv_virt_domain *domain,
						 const struct srv_nic *nic)
{
	g_autofree char *alias = srv_nic_alias(nic->row.id);

	for (guint i = 0; domain->live && i < domain->live->ifaces->len; i++) {
		const struct srv_domain_iface *iface = domain->live->ifaces->pdata[i];

		if (g_strcmp0(iface->alias, alias) == 0)
			return iface;
	}
	return NULL;
}

static void put(struct srv_daemon *daemon, const struct srv_nic *nic)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(daemon->ledger);

	srv_daemon_put_nic(txn, nic);
	if (nic->vf)
		srv_daemon_put_vf(txn, nic->vf);
	srv_ledger_commit(txn, NULL, NULL);
}

/* The guest has a device of ours: the ledger follows what is there. */
static void adopt(struct srv_daemon *daemon, struct srv_nic *nic,
		  const struct srv_domain_iface *iface)
{
	g_autofree char *subject = srv_nic_subject(nic);
	struct srv_vf *vf = iface->has_vf ? srv_model_vf_by_address(daemon->model, iface->vf)
					  : NULL;

	if (iface->has_vf && (!vf || (vf->nic && vf->nic != nic))) {
		srv_event(daemon->events, LOG_ERR, "nic", subject,
			  "the guest runs on a VF that is %s; shut it down and look at "
			  "sriovctl vf list",
			  vf ? "another's in the ledger" : "not among the host's");
		return;
	}
	if (vf && nic->vf != vf)
		srv_model_set_backing(nic, SRV_BACKING_VF, vf);
	if (!vf && nic->row.backing != SRV_BACKING_VIRTIO) {
		srv_model_set_backing(nic, SRV_BACKING_VIRTIO, NULL);
		srv_model_waits(daemon->model, nic);
	}
	if (!vf && iface->source && g_strcmp0(nic->row.uplink, iface->source) != 0) {
		g_free(nic->row.uplink);
		nic->row.uplink = g_strdup(iface->source);
	}
	nic->untouched = nic->doubtful = false;
	srv_model_set_nic_state(nic, SRV_NIC_ATTACHED, vf ? NULL : nic->row.reason);
	srv_event(daemon->events, LOG_NOTICE, "nic", subject, "found attached, adopted");
	put(daemon, nic);
	/* libvirt sets only a part of them. */
	srv_nic_restore(daemon, nic);
}

/* How long a nic whose guest runs already waits for VFs that are being made or scrubbed. */
#define SUPPLY_SECONDS 12

/*
 * Shall it wait for a VF that comes free soon, instead of taking what there is now? After a start
 * of ours the PFs are looked at only while the first pass runs.
 */
static bool waits_for_vf(struct srv_daemon *daemon, struct srv_nic *nic)
{
	const struct srv_network *network = srv_config_network(daemon->model->config,
							       nic->row.network);
	struct srv_decision *decision;
	bool waits;

	if (!network)
		return false;
	decision = srv_decide(daemon->model, network, -1);
	waits = !decision->vf && decision->scrub_pending;
	srv_decision_free(decision);
	if (!waits) {
		nic->supply_since = 0;
		return false;
	}
	if (!nic->supply_since)
		nic->supply_since = g_get_monotonic_time();
	return g_get_monotonic_time() - nic->supply_since < SUPPLY_SECONDS * G_USEC_PER_SEC;
}

/* Its hook was heard a moment ago, or libvirt says so: what it has not got yet is on its way. */
static bool is_starting(const struct srv_nic *nic, const struct srv_virt_domain *domain)
{
	return domain->starting ||
	       (nic->row.state == SRV_NIC_RESERVED && !nic->doubtful && nic->changed &&
		g_get_monotonic_time() - nic->changed < PREPARED_SECONDS * G_USEC_PER_SEC);
}

/* The guest runs and has no device of ours for this nic: it gets one now. */
static void supply(struct srv_daemon *daemon, struct srv_nic *nic,
		   const struct srv_virt_domain *domain)
{
	g_autofree char *subject = srv_nic_subject(nic);
	bool starting = is_starting(nic, domain);
	sriov_autoerror err = NULL;
	bool pending;

	nic->doubtful = false;
	if (nic->vf && nic->row.state != SRV_NIC_RESERVED)
		srv_model_set_nic_state(nic, SRV_NIC_RESERVED, NULL);
	if (!nic->vf && waits_for_vf(daemon, nic)) {
		srv_reconcile_soon(daemon);
		return;
	}
	if (!nic->vf) {
		srv_model_set_backing(nic, SRV_BACKING_NONE, NULL);
		if (srv_nic_reserve(daemon, nic, &pending, &err) < 0) {
			if (nic->row.state == SRV_NIC_FAILED)
				return;
			srv_model_set_nic_state(nic, SRV_NIC_FAILED, err->message);
			srv_event(daemon->events, LOG_ERR, "nic", subject, "%s", err->message);
			put(daemon, nic);
			return;
		}
	}
	if (!starting)
		srv_event(daemon->events, LOG_NOTICE, "nic", subject,
			  "its guest runs without it; it is attached now");
	srv_nic_put_and_attach(daemon, nic, NULL, NULL);
}

static bool asks_for(const GPtrArray *requests, const char *id)
{
	for (guint i = 0; i < requests->len; i++) {
		if (g_str_equal(((const struct srv_nic_request *)requests->pdata[i])->id, id))
			return true;
	}
	return false;
}

/*
 * nic remove --now was cut short after the domain's metadata: by our end, or libvirt's. What only
 * the metadata say, somebody else may have changed, is no reason to take a guest's device.
 */
static bool is_being_removed(const struct srv_nic *nic, const struct srv_virt_domain *domain)
{
	return !domain->bad && !asks_for(domain->live->nics, nic->row.id) &&
	       (nic->row.state == SRV_NIC_DETACHING || nic->row.state == SRV_NIC_ATTACHING);
}

static void take_out(struct srv_nic *nic, void *data)
{
	if (nic->row.state == SRV_NIC_ATTACHED)
		srv_nic_detach(data, nic, NULL, NULL);
}

/* The guest has it, and nobody asks for it any more: the removal is finished. */
static void finish_removal(struct srv_daemon *daemon, struct srv_nic *nic)
{
	g_autofree char *subject = srv_nic_subject(nic);

	srv_event(daemon->events, LOG_NOTICE, "nic", subject,
		  "it was being removed from its running guest, which is gone on with");
	/* A failover nic may be giving up its VF. */
	srv_nic_when_settled(nic, take_out, daemon);
}

static void settle_nic(struct srv_daemon *daemon, struct srv_nic *nic,
		       const struct srv_virt_domain *domain, int64_t began)
{
	const struct srv_domain_iface *iface = find_iface(domain, nic);
	bool removed = is_being_removed(nic, domain);
	bool same;

	if (nic->busy || nic->changed >= began)
		return;
	if (nic->row.mode == SRV_MODE_FAILOVER ? !srv_failover_settle(daemon, nic, domain)
					       : !iface) {
		/* Whether it is to have it, nobody can tell. */
		if (domain->bad)
			return;
		/*
		 * What only its stored configuration asks for comes with its next start; what was
		 * removed and the guest has let go is not wanted any more.
		 */
		if (asks_for(domain->live->nics, nic->row.id))
			supply(daemon, nic, domain);
		else
			srv_nic_release(daemon, nic);
		return;
	}
	if (nic->row.mode == SRV_MODE_FAILOVER) {
		if (removed)
			finish_removal(daemon, nic);
		return;
	}
	same = nic->vf ? iface->has_vf && nic->vf->facts &&
				 sriov_bdf_equal(nic->vf->facts->bdf, iface->vf)
		       : !iface->has_vf && nic->row.backing == SRV_BACKING_VIRTIO;
	if (nic->row.state != SRV_NIC_ATTACHED || !same)
		adopt(daemon, nic, iface);
	if (removed)
		finish_removal(daemon, nic);
}

/* What a running domain asks for now, and what it asks for from its next start on. Borrowing. */
static GPtrArray *all_requests(const struct srv_virt_domain *domain)
{
	GPtrArray *requests = g_ptr_array_new();

	for (guint i = 0; i < domain->live->nics->len; i++)
		g_ptr_array_add(requests, domain->live->nics->pdata[i]);
	for (guint i = 0; domain->stored && i < domain->stored->nics->len; i++) {
		struct srv_nic_request *request = domain->stored->nics->pdata[i];

		if (!asks_for(domain->live->nics, request->id))
			g_ptr_array_add(requests, request);
	}
	return requests;
}

struct complaint {
	struct srv_daemon *daemon;
	const char *domain;
};

static void complain(const struct sriov_error *error, void *data)
{
	const struct complaint *complaint = data;
	g_autofree char *why = sriov_error_text(error);

	srv_event(complaint->daemon->events, LOG_WARNING, "nic", complaint->domain, "%s", why);
}

/* The rows of a running domain follow what it asks for. */
static void follow(struct srv_daemon *daemon, const struct srv_virt_domain *domain)
{
	struct complaint complaint = { daemon, domain->name };
	g_autoptr(GPtrArray) requests = NULL;
	struct srv_ledger_txn *txn;

	if (domain->bad) {
		srv_event(daemon->events, LOG_WARNING, "nic", domain->name,
			  "its metadata cannot be read: %s", domain->bad->message);
		return;
	}
	requests = all_requests(domain);
	txn = srv_ledger_begin(daemon->ledger);
	srv_nic_sync_good_rows(daemon, txn, domain->uuid, domain->name, requests, complain,
			       &complaint);
	srv_ledger_commit(txn, NULL, NULL);
}

/* What it has it has, whatever is wrong with what it asks for. */
static void settle_running(struct srv_daemon *daemon, const struct srv_virt_domain *domain,
			   int64_t began)
{
	g_autoptr(GPtrArray) nics = NULL;

	follow(daemon, domain);
	nics = srv_model_nics_of_domain(daemon->model, domain->uuid);
	if (nics->len)
		srv_daemon_set_numa_node(daemon, domain->uuid, domain->live->numa_node);
	for (guint i = 0; i < nics->len; i++)
		settle_nic(daemon, nics->pdata[i], domain, began);
}

/* Shut off: nothing of its last run stays; and its rows follow its stored configuration. */
static void settle_stopped(struct srv_daemon *daemon, const struct srv_virt_domain *domain,
			   int64_t began)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(daemon->model, domain->uuid);
	struct srv_ledger_txn *txn;

	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];

		/* Its start may be under way this moment, or have happened since the list was read.
		 */
		if (nic->changed >= began ||
		    (nic->row.state == SRV_NIC_RESERVED && nic->changed &&
		     g_get_monotonic_time() - nic->changed < PREPARED_SECONDS * G_USEC_PER_SEC))
			return;
	}
	srv_nic_release_owner(daemon, domain->uuid);
	if (!domain->stored || domain->bad)
		return;
	txn = srv_ledger_begin(daemon->ledger);
	if (srv_nic_sync_rows(daemon, txn, domain->uuid, domain->name, domain->stored->nics, NULL) <
	    0)
		srv_ledger_abandon(txn);
	else
		srv_ledger_commit(txn, NULL, NULL);
}

/* A domain that libvirt does not know any more takes its rows with it. */
static void forget_missing(struct srv_daemon *daemon, const GPtrArray *domains, int64_t began)
{
	g_autoptr(GPtrArray) nics = srv_model_nics(daemon->model);
	struct srv_ledger_txn *txn = srv_ledger_begin(daemon->ledger);

	for (guint i = 0; i < nics->len; i++) {
		struct srv_nic *nic = nics->pdata[i];

		if (nic->row.owner.kind != SRV_OWNER_LIBVIRT ||
		    find_domain(domains, nic->row.owner.key) || nic->busy || nic->changed >= began)
			continue;
		if (nic->row.state != SRV_NIC_IDLE || nic->vf) {
			/* Released first; the row goes with the next pass. */
			srv_nic_release_owner(daemon, nic->row.owner.key);
			daemon->reconcile_again = true;
			continue;
		}
		srv_daemon_set_numa_node(daemon, nic->row.owner.key, -1);
		srv_ledger_delete_nic(txn, &nic->row.owner, nic->row.id);
		srv_failover_forget(daemon, nic);
		srv_model_remove_nic(daemon->model, nic);
	}
	srv_ledger_commit(txn, NULL, NULL);
}

/*
 * Where the configurations of domains that are shut off have the virtio halves of their failover
 * nics: what they stand on must be there when they start, sriovd or not.
 */
static void note_uplinks(struct srv_daemon *daemon, const struct srv_virt_domain *domain)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(daemon->model, domain->uuid);

	for (guint i = 0; i < nics->len; i++) {
		struct srv_nic *nic = nics->pdata[i];
		const char *source = srv_failover_source(domain->stored, nic);

		if (!source || nic->busy || g_strcmp0(nic->row.uplink, source) == 0)
			continue;
		g_free(nic->row.uplink);
		nic->row.uplink = g_strdup(source);
		put(daemon, nic);
	}
}

static void add_holder(GHashTable *holders, uint64_t key, const char *domain)
{
	g_hash_table_replace(holders, g_memdup2(&key, sizeof(key)),
			     g_strdup_printf("domain %s has it past sriovd", domain));
}

/* Which PCI functions running domains have: address → what to say of it. */
static GHashTable *find_holders(const GPtrArray *domains)
{
	GHashTable *holders = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);

	for (guint i = 0; i < domains->len; i++) {
		const struct srv_virt_domain *domain = domains->pdata[i];
		const struct srv_domain *live = domain->live;

		for (guint j = 0; live && j < live->hostdevs->len; j++)
			add_holder(holders, g_array_index(live->hostdevs, uint64_t, j),
				   domain->name);
		for (guint j = 0; live && j < live->ifaces->len; j++) {
			const struct srv_domain_iface *iface = live->ifaces->pdata[j];

			if (iface->has_vf)
				add_holder(holders, sriov_bdf_key(iface->vf), domain->name);
		}
	}
	return holders;
}

/* True when it is dirty from now on, and the ledger has yet to learn that. */
static bool mark_vf(struct srv_vf *vf, GHashTable *holders)
{
	uint64_t key = vf->facts ? sriov_bdf_key(vf->facts->bdf) : 0;
	const char *holder = vf->facts && !vf->nic ? g_hash_table_lookup(holders, &key) : NULL;

	if (g_strcmp0(vf->foreign, holder) == 0)
		return false;
	srv_model_set_foreign(vf, holder);
	if (vf->nic || vf->mark != SRV_VF_CLEAN)
		return false;
	srv_model_mark_vf(vf, SRV_VF_DIRTY, NULL);
	return true;
}

/*
 * VFs that guests hold past us are not handed out. That one was held is written down: we may not
 * run when it is given back.
 */
static void mark_foreign(struct srv_daemon *daemon, const GPtrArray *domains)
{
	g_autoptr(GHashTable) holders = find_holders(domains);
	struct srv_ledger_txn *txn = srv_ledger_begin(daemon->ledger);
	bool any = false;

	for (guint i = 0; i < daemon->model->pfs->len; i++) {
		struct srv_pf *pf = daemon->model->pfs->pdata[i];

		for (guint j = 0; j < pf->vfs->len; j++) {
			if (!mark_vf(pf->vfs->pdata[j], holders))
				continue;
			srv_daemon_put_vf(txn, pf->vfs->pdata[j]);
			any = true;
		}
	}
	if (any)
		srv_ledger_commit(txn, NULL, NULL);
	else
		srv_ledger_abandon(txn);
}

static void links_made(const struct sriov_error *error, void *data)
{
	struct srv_daemon *daemon = data;
	g_autofree char *why = error ? sriov_error_text(error) : NULL;

	if (error)
		srv_event(daemon->events, LOG_WARNING, "reconcile", "links",
			  "a VLAN link that a domain's configuration names cannot be made: %s",
			  why);
}

static void compare(struct srv_daemon *daemon, const GPtrArray *domains, int64_t began)
{
	for (guint i = 0; i < domains->len; i++) {
		const struct srv_virt_domain *domain = domains->pdata[i];

		if (domain->active && domain->live)
			settle_running(daemon, domain, began);
		else if (!domain->active)
			settle_stopped(daemon, domain, began);
		if (!domain->active && domain->stored)
			note_uplinks(daemon, domain);
		srv_failover_mend(daemon, domain);
	}
	forget_missing(daemon, domains, began);
	mark_foreign(daemon, domains);
	srv_failover_links(daemon, NULL, NULL, links_made, daemon);
	srv_fdb_keep(daemon, domains, began);
	for (guint i = 0; i < daemon->model->pfs->len; i++) {
		struct srv_pf *pf = daemon->model->pfs->pdata[i];

		for (guint j = 0; j < pf->vfs->len; j++)
			((struct srv_vf *)pf->vfs->pdata[j])->held = false;
		srv_pf_scrub(daemon, pf);
	}
}

/* Those of a pass; others may come meanwhile. */
static void tell_waiters(struct srv_daemon *daemon, GPtrArray *waiters)
{
	if (!daemon->reconcile_waiters)
		daemon->reconcile_waiters = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < waiters->len; i++) {
		const struct srv_waiter *waiter = waiters->pdata[i];

		waiter->done(waiter->data);
	}
	g_ptr_array_unref(waiters);
}

static void watch_pfs(void *data)
{
	struct srv_daemon *daemon = data;

	for (guint i = 0; srv_gate_is_open(daemon) && i < daemon->model->pfs->len; i++)
		srv_pf_watch(daemon, daemon->model->pfs->pdata[i]);
}

static void reconcile_run(void *data)
{
	struct reconcile *reconcile = data;

	srv_virt_list(reconcile->daemon->virt, &reconcile->domains, &reconcile->error);
}

static void reconcile_done(void *data)
{
	struct reconcile *reconcile = data;
	struct srv_daemon *daemon = reconcile->daemon;
	bool first;

	daemon->reconciling = false;
	if (reconcile->error) {
		g_autofree char *why = sriov_error_text(reconcile->error);

		srv_event(daemon->events, LOG_WARNING, "reconcile", "libvirt",
			  "cannot be asked for its domains: %s", why);
		sriov_error_free(reconcile->error);
	} else {
		/* By the rows as they were. */
		srv_start_resume(daemon, reconcile->domains, reconcile->began);
		compare(daemon, reconcile->domains, reconcile->began);
		g_ptr_array_unref(reconcile->domains);
		first = !daemon->reconciled;
		daemon->reconciled = true;
		srv_gate_open(daemon);
		/*
		 * We may have ended between the attach of a VF and what libvirt's own setting of
		 * it had left to be put right: the ledger does not tell.
		 */
		if (first) {
			watch_pfs(daemon);
			srv_sweep(daemon);
		}
		srv_drain_resume(daemon);
		srv_failover_serve(daemon);
	}
	tell_waiters(daemon, reconcile->waiters);
	g_free(reconcile);
	if (daemon->reconcile_again)
		srv_reconcile(daemon);
}

/* Not before the sweep, which would take away what a pass has just had made for a guest. */
static bool can_reconcile(const struct srv_daemon *daemon)
{
	return daemon->swept && daemon->virt && srv_virt_connected(daemon->virt) &&
	       srv_daemon_may_work(daemon);
}

void srv_reconcile(struct srv_daemon *daemon)
{
	struct reconcile *reconcile;

	if (daemon->reconciling) {
		daemon->reconcile_again = true;
		return;
	}
	if (!can_reconcile(daemon)) {
		/* Those who came while the last pass ran would wait for libvirt's return. */
		tell_waiters(daemon, g_steal_pointer(&daemon->reconcile_waiters));
		return;
	}
	daemon->reconciling = true;
	daemon->reconcile_again = false;
	reconcile = g_new0(struct reconcile, 1);
	reconcile->daemon = daemon;
	reconcile->began = g_get_monotonic_time();
	reconcile->waiters = g_steal_pointer(&daemon->reconcile_waiters);
	daemon->reconcile_waiters = g_ptr_array_new_with_free_func(g_free);
	srv_queue_push(daemon->libvirt_queue, reconcile_run, reconcile_done, reconcile);
}

static gboolean reconcile_soon(gpointer data)
{
	struct srv_daemon *daemon = data;

	daemon->reconcile_soon_source = 0;
	srv_reconcile(daemon);
	return G_SOURCE_REMOVE;
}

void srv_reconcile_soon(struct srv_daemon *daemon)
{
	if (!daemon->reconcile_soon_source && !daemon->stopping)
		daemon->reconcile_soon_source = g_timeout_add_seconds(1, reconcile_soon, daemon);
}

void srv_reconcile_then(struct srv_daemon *daemon, void (*done)(void *data), void *data)
{
	struct srv_waiter *waiter;

	if (!can_reconcile(daemon)) {
		done(data);
		return;
	}
	waiter = g_new(struct srv_waiter, 1);
	*waiter = (struct srv_waiter){ done, data };
	g_ptr_array_add(daemon->reconcile_waiters, waiter);
	srv_reconcile(daemon);
}

static void claim_configured(const struct sriov_error *error, void *data)
{
	struct srv_nic *nic = data;

	nic->busy = false;
	if (error)
		srv_model_set_nic_state(nic, SRV_NIC_FAILED, error->message);
	else if (nic->row.state != SRV_NIC_ATTACHED)
		srv_model_set_nic_state(nic, SRV_NIC_ATTACHED, NULL);
	if (nic->vf && !error)
		nic->vf->fresh = false;
}

static void configure_claims(struct srv_daemon *daemon, const struct srv_pf *pf, bool only_failed)
{
	g_autoptr(GPtrArray) nics = srv_model_nics(daemon->model);

	for (guint i = 0; i < nics->len; i++) {
		struct srv_nic *nic = nics->pdata[i];
		const struct srv_network *network = srv_config_network(daemon->model->config,
								       nic->row.network);
		struct snl_vf_attrs attrs;

		if (nic->row.owner.kind != SRV_OWNER_MANUAL || !nic->vf || !nic->vf->facts ||
		    !network || nic->busy || (pf && nic->vf->pf != pf) ||
		    (only_failed && nic->row.state != SRV_NIC_FAILED))
			continue;
		nic->busy = true;
		attrs = srv_nic_attrs(nic, network);
		srv_vf_restore(daemon, nic->vf, &attrs, claim_configured, nic);
	}
}

void srv_reconcile_claims(struct srv_daemon *daemon, const struct srv_pf *pf)
{
	configure_claims(daemon, pf, false);
}

/* VFs that vanish make no link event when vfio-pci holds them: the host is looked at as well. */
static gboolean on_period(gpointer data)
{
	struct srv_daemon *daemon = data;

	srv_host_retry_failed(daemon);
	srv_host_refresh(daemon);
	srv_reconcile_then(daemon, watch_pfs, daemon);
	srv_sweep(daemon);
	srv_gate_look(daemon);
	if (srv_gate_is_open(daemon))
		configure_claims(daemon, NULL, true);
	return G_SOURCE_CONTINUE;
}

void srv_reconcile_schedule(struct srv_daemon *daemon)
{
	if (daemon->reconcile_source)
		g_source_remove(daemon->reconcile_source);
	daemon->reconcile_source = g_timeout_add_seconds(daemon->model->config->reconcile_seconds,
							 on_period, daemon);
}
