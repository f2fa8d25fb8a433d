// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/host.h"

#include <errno.h>

#include "netlink/link.h"
#include "netlink/monitor.h"
#include "netlink/uevent.h"
#include "pci/inventory.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/decide.h"
#include "srv/sriovd/gate.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/provision.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/vf-work.h"

#define REFRESH_DELAY_MS 200 /* one PF's coming or going makes a burst of events */

/*
 * A clean VF that the kernel does not have any more may come back, made by somebody else, while we
 * do not run: that nothing is known of it then is written down.
 */
static void record_vanished(struct srv_daemon *daemon)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(daemon->ledger);
	bool any = false;

	for (guint i = 0; i < daemon->model->pfs->len; i++) {
		const struct srv_pf *pf = daemon->model->pfs->pdata[i];

		for (guint j = 0; j < pf->vfs->len; j++) {
			struct srv_vf *vf = pf->vfs->pdata[j];

			if (!vf->vanished)
				continue;
			vf->vanished = false;
			srv_daemon_put_vf(txn, vf);
			any = true;
		}
	}
	if (any)
		srv_ledger_commit(txn, NULL, NULL);
	else
		srv_ledger_abandon(txn);
}

int srv_host_read(struct srv_daemon *daemon, struct sriov_error **err)
{
	struct spci_inventory *inventory;
	int r = spci_inventory_read(daemon->root, &inventory, err);

	if (r < 0)
		return r;
	srv_model_set_inventory(daemon->model, inventory);
	spci_inventory_free(inventory);
	record_vanished(daemon);
	return 0;
}

/* Reading it again */

struct refresh {
	struct srv_daemon *daemon;
	uint64_t since; /* the model's takes when it began */
	struct spci_inventory *inventory;
	struct sriov_error *error;
};

static void refresh_run(void *data)
{
	struct refresh *refresh = data;

	spci_inventory_read(refresh->daemon->root, &refresh->inventory, &refresh->error);
}

/* What owners lost, told once: a VF that they had and the kernel has no more. */
static void tell_losses(struct srv_daemon *daemon, GHashTable *present_before)
{
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, present_before);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		const struct srv_vf *vf = key;
		g_autofree char *subject = NULL;
		g_autofree char *name = NULL;

		if (vf->facts || !vf->nic)
			continue;
		subject = srv_nic_subject(vf->nic);
		name = srv_vf_name(vf);
		srv_event(daemon->events, LOG_ERR, "nic", subject,
			  "its VF %s is gone: somebody destroyed it, or the PF was removed", name);
		/* Its guest gets it again, or virtio, without waiting for the next period. */
		srv_reconcile_soon(daemon);
	}
}

static void collect_owned(const struct srv_pf *pf, GHashTable *present)
{
	for (guint i = 0; i < pf->vfs->len; i++) {
		struct srv_vf *vf = pf->vfs->pdata[i];

		if (vf->nic && vf->facts)
			g_hash_table_add(present, vf);
	}
}

/*
 * What stands on the PF itself goes on standing on it, by its name of now. A VLAN link has its own
 * name, which it keeps. A failover nic's stands in its domain's configuration as well, and that is
 * its owner's to change: somebody may be about to rename the PF back.
 */
static void follow_name(struct srv_daemon *daemon, struct srv_pf *pf)
{
	const char *was = pf->netdevs->pdata[pf->netdevs->len - 2];
	g_autoptr(GPtrArray) nics = srv_model_nics(daemon->model);
	struct srv_ledger_txn *txn = srv_ledger_begin(daemon->ledger);

	for (guint i = 0; i < nics->len; i++) {
		struct srv_nic *nic = nics->pdata[i];
		const struct srv_network *network = srv_config_network(daemon->model->config,
								       nic->row.network);
		g_autofree char *subject = srv_nic_subject(nic);

		if (!srv_nic_stands_on(nic, pf) ||
		    (network && network->fallback.type != SRV_FALLBACK_MACVTAP))
			continue;
		if (nic->row.mode == SRV_MODE_FAILOVER) {
			srv_event(daemon->events, LOG_WARNING, "nic", subject,
				  "its domain's configuration has it on %s, and %s is called %s "
				  "now: it will not start before one of them is changed "
				  "(virsh edit %s)",
				  nic->row.uplink, was, pf->name, nic->row.owner.name);
		} else if (g_str_equal(nic->row.uplink, was)) {
			g_free(nic->row.uplink);
			nic->row.uplink = g_strdup(pf->name);
			srv_daemon_put_nic(txn, nic);
		}
	}
	srv_ledger_commit(txn, NULL, NULL);
	srv_event(daemon->events, LOG_NOTICE, "pf", pf->name, "was called %s before", was);
}

static void follow_names(struct srv_daemon *daemon)
{
	for (guint i = 0; i < daemon->model->pfs->len; i++) {
		struct srv_pf *pf = daemon->model->pfs->pdata[i];

		if (pf->renamed)
			follow_name(daemon, pf);
		pf->renamed = false;
	}
}

void srv_host_set_pf(struct srv_daemon *daemon, struct srv_pf *pf, struct spci_pf *facts,
		     uint64_t since)
{
	g_autoptr(GHashTable) before = g_hash_table_new(NULL, NULL);

	collect_owned(pf, before);
	srv_model_set_pf(daemon->model, pf, facts, since);
	follow_names(daemon);
	record_vanished(daemon);
	tell_losses(daemon, before);
}

static void refresh_done(void *data)
{
	struct refresh *refresh = data;
	struct srv_daemon *daemon = refresh->daemon;

	daemon->refreshing = false;
	if (refresh->error) {
		g_autofree char *why = sriov_error_text(refresh->error);

		srv_event(daemon->events, LOG_ERR, "pf", "host", "cannot be read: %s", why);
		sriov_error_free(refresh->error);
	} else {
		g_autoptr(GHashTable) before = g_hash_table_new(NULL, NULL);

		for (guint i = 0; i < daemon->model->pfs->len; i++)
			collect_owned(daemon->model->pfs->pdata[i], before);
		g_clear_pointer(&daemon->host_error, sriov_error_free);
		srv_model_set_inventory_since(daemon->model, refresh->inventory, refresh->since);
		spci_inventory_free(refresh->inventory);
		follow_names(daemon);
		record_vanished(daemon);
		tell_losses(daemon, before);
		srv_host_provision(daemon);
	}
	g_free(refresh);
}

static gboolean refresh_start(gpointer data)
{
	struct srv_daemon *daemon = data;
	struct refresh *refresh;

	if (daemon->refreshing)
		return G_SOURCE_CONTINUE;
	daemon->refresh_source = 0;
	daemon->refreshing = true;
	refresh = g_new0(struct refresh, 1);
	refresh->daemon = daemon;
	refresh->since = daemon->model->takes;
	srv_queue_push(daemon->host_queue, refresh_run, refresh_done, refresh);
	return G_SOURCE_REMOVE;
}

void srv_host_refresh(struct srv_daemon *daemon)
{
	if (!daemon->refresh_source && !daemon->stopping)
		daemon->refresh_source = g_timeout_add(REFRESH_DELAY_MS, refresh_start, daemon);
}

/* Events */

static void link_changed(struct srv_daemon *daemon, struct srv_pf *pf, enum spci_link link)
{
	static const char *const names[] = { "unknown", "down", "up" };

	srv_event(daemon->events, LOG_NOTICE, "pf", pf->name, "link %s", names[link]);
	if (link != SPCI_LINK_UP)
		return;
	srv_pf_scrub(daemon, pf);
	srv_nic_serve_waiting(daemon);
}

/* Drivers forget attributes, or apply them wrongly, when their PF goes down and up. */
static void restore_vfs(struct srv_daemon *daemon, struct srv_pf *pf)
{
	if (!srv_gate_is_open(daemon))
		return;
	pf->was_down = false;
	if (!srv_daemon_may_work(daemon))
		return;
	for (guint i = 0; i < pf->vfs->len; i++) {
		const struct srv_vf *vf = pf->vfs->pdata[i];

		if (vf->nic && vf->nic->row.owner.kind == SRV_OWNER_LIBVIRT)
			srv_nic_restore(daemon, vf->nic);
	}
	srv_reconcile_claims(daemon, pf);
}

void srv_host_restore(struct srv_daemon *daemon)
{
	for (guint i = 0; i < daemon->model->pfs->len; i++) {
		struct srv_pf *pf = daemon->model->pfs->pdata[i];

		if (pf->was_down && pf->facts && pf->facts->admin_up)
			restore_vfs(daemon, pf);
	}
}

static void on_link(const struct snl_link *link, bool removed, void *data)
{
	struct srv_daemon *daemon = data;
	struct srv_pf *pf = srv_model_pf_by_ifindex(daemon->model, link->ifindex);
	enum spci_link now = link->admin_up && link->carrier ? SPCI_LINK_UP : SPCI_LINK_DOWN;
	bool is_news;

	if (!pf) {
		/* Hardware has no kind; a new one may be a PF's netdev that came back. */
		if (!removed && link->kind[0] == '\0')
			srv_host_refresh(daemon);
		return;
	}
	if (removed || g_strcmp0(link->name, pf->facts->netdev) != 0) {
		srv_host_refresh(daemon);
		return;
	}
	pf->was_down |= !link->admin_up || !pf->facts->admin_up;
	is_news = pf->facts->link != now;
	srv_model_set_link(pf, link->admin_up, now);
	if (pf->was_down && link->admin_up)
		restore_vfs(daemon, pf);
	if (is_news)
		link_changed(daemon, pf, now);
}

static void on_overrun(void *data)
{
	srv_host_refresh(data);
}

static void on_pci_removed(struct sriov_bdf bdf, void *data)
{
	struct srv_daemon *daemon = data;

	if (srv_model_pf(daemon->model, bdf) || srv_model_vf_by_address(daemon->model, bdf))
		srv_host_refresh(daemon);
}

int srv_host_watch(struct srv_daemon *daemon, struct sriov_error **err)
{
	static const struct snl_monitor_handler links = { .link = on_link, .overrun = on_overrun };
	static const struct snl_uevents_handler devices = { .pci_removed = on_pci_removed,
							    .overrun = on_overrun };
	sriov_autoerror why = NULL;
	int r = snl_monitor_new(NULL, &links, daemon, &daemon->monitor, err);

	if (r < 0)
		return r;
	/* Only what the periodic look finds later is lost without them. */
	if (snl_uevents_new(&devices, daemon, &daemon->uevents, &why) < 0)
		srv_event(daemon->events, LOG_WARNING, "pf", "host", "%s", why->message);
	return 0;
}

void srv_host_retry_failed(struct srv_daemon *daemon)
{
	for (guint i = 0; i < daemon->model->pfs->len; i++)
		((struct srv_pf *)daemon->model->pfs->pdata[i])->retry = true;
}

void srv_host_provision(struct srv_daemon *daemon)
{
	for (guint i = 0; i < daemon->model->pfs->len; i++) {
		struct srv_pf *pf = daemon->model->pfs->pdata[i];

		if (srv_provision_needed(pf))
			srv_pf_provision(daemon, pf);
		else
			srv_pf_scrub(daemon, pf);
	}
}

void srv_pf_stuck(struct srv_daemon *daemon, struct srv_pf *pf, const struct sriov_error *error)
{
	g_autofree char *why = sriov_error_text(error);

	srv_model_set_pf_state(pf, SRV_PF_STUCK, why);
	srv_event(daemon->events, LOG_ERR, "pf", pf->name, "stuck: %s", why);
}

void srv_pf_unstick(struct srv_daemon *daemon, struct srv_pf *pf)
{
	if (pf->state != SRV_PF_STUCK)
		return;
	srv_event(daemon->events, LOG_NOTICE, "pf", pf->name, "its driver came back");
	srv_model_set_pf_state(pf, SRV_PF_CONFIGURING, NULL);
	if (srv_daemon_may_work(daemon))
		srv_pf_provision(daemon, pf);
}
