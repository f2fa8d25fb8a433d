// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/host.h"

#include <errno.h>

#include "netlink/link.h"
#include "netlink/monitor.h"
#include "netlink/uevent.h"
#include "pci/inventory.h"
#include "srv/sriovd/daemon-internal.h"
#include "srv/sriovd/decide.h"
#include "srv/sriovd/fault.h"
#include "srv/sriovd/gate.h"
#include "srv/sriovd/memory.h"
#include "srv/sriovd/net-call.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/provision.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/vf-work.h"

#define REFRESH_DELAY_MS 200 /* one PF's coming or going makes a burst of events */

/*
 * A clean VF that the kernel does not have any more may come back, made by somebody else, while we
 * do not run: that nothing is known of it then is written down.
 */
static bool put_vanished(struct srv_ledger_txn *txn, const struct srv_pf *pf)
{
	bool any = false;

	for (guint i = 0; i < pf->vfs->len; i++) {
		struct srv_vf *vf = pf->vfs->pdata[i];

		if (!vf->vanished)
			continue;
		vf->vanished = false;
		srv_daemon_put_vf(txn, vf);
		any = true;
	}
	return any;
}

/* only: of this PF; NULL: of all */
static void record_vanished(struct srv_daemon *daemon, const struct srv_pf *only)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(daemon->ledger);
	bool any = only && put_vanished(txn, only);

	for (guint i = 0; !only && i < daemon->model->pfs->len; i++)
		any |= put_vanished(txn, daemon->model->pfs->pdata[i]);
	if (any)
		srv_ledger_commit(txn, NULL, NULL);
	else
		srv_ledger_abandon(txn);
}

/* Once each. */
static void tell_strangers(struct srv_daemon *daemon)
{
	for (guint i = 0; i < daemon->model->pfs->len; i++) {
		struct srv_pf *pf = daemon->model->pfs->pdata[i];

		if (!pf->stranger || pf->stranger_told)
			continue;
		pf->stranger_told = true;
		srv_event(daemon->events, LOG_ERR, "pf", pf->name, "%s", pf->stranger);
	}
}

/* Reading it */

struct refresh {
	struct srv_daemon *daemon;
	uint64_t since; /* the model's takes when it began */
	struct spci_inventory *inventory;
	struct sriov_error *error;
};

static void refresh_run(void *data)
{
	struct refresh *refresh = data;

	/* Some files of a netdev in sysfs are read under the RTNL lock. */
	srv_net_enter();
	spci_inventory_read(refresh->daemon->root, &refresh->inventory, &refresh->error);
	srv_net_leave(NULL);
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

/* The PF that an uplink stands on by the name that it had until now. */
static const struct srv_pf *find_renamed(const struct srv_model *model, const char *uplink)
{
	for (guint i = 0; i < model->pfs->len; i++) {
		const struct srv_pf *pf = model->pfs->pdata[i];

		if (pf->was && srv_uplink_is_on(uplink, pf->was))
			return pf;
	}
	return NULL;
}

/*
 * What stands on the PF itself goes on standing on it, by its name of now. A VLAN link has its own
 * name, which it keeps. A failover nic's stands in its domain's configuration as well, and that is
 * its owner's to change: somebody may be about to rename the PF back.
 *
 * Each nic once: two PFs may have changed names with each other.
 */
static void follow_name(struct srv_daemon *daemon, struct srv_ledger_txn *txn, struct srv_nic *nic)
{
	const struct srv_pf *pf = nic->row.uplink ? find_renamed(daemon->model, nic->row.uplink)
						  : NULL;
	const struct srv_network *network = srv_config_network(daemon->model->config,
							       nic->row.network);
	g_autofree char *subject = NULL;

	if (!pf || (network && network->fallback.type != SRV_FALLBACK_MACVTAP))
		return;
	if (nic->row.mode == SRV_MODE_FAILOVER) {
		subject = srv_nic_subject(nic);
		srv_event(
			daemon->events, LOG_WARNING, "nic", subject,
			"its domain's configuration has it on %s, and %s is called %s now: it will "
			"not start before one of them is changed (virsh edit %s)",
			nic->row.uplink, pf->was, pf->name, nic->row.owner.name);
		return;
	}
	if (!g_str_equal(nic->row.uplink, pf->was))
		return;
	g_free(nic->row.uplink);
	nic->row.uplink = g_strdup(pf->name);
	srv_daemon_put_nic(txn, nic);
}

/* They are written again with the next look at the host. */
static void names_recorded(const struct sriov_error *error, void *data)
{
	const struct srv_daemon *daemon = data;

	for (guint i = 0; error && i < daemon->model->pfs->len; i++)
		((struct srv_pf *)daemon->model->pfs->pdata[i])->netdevs_news = true;
}

void srv_host_follow_names(struct srv_daemon *daemon)
{
	g_autoptr(GPtrArray) nics = NULL;
	bool any = false, renamed = false;
	struct srv_ledger_txn *txn;

	for (guint i = 0; i < daemon->model->pfs->len; i++) {
		const struct srv_pf *pf = daemon->model->pfs->pdata[i];

		any |= pf->netdevs_news;
		renamed |= pf->was != NULL;
	}
	if (!any)
		return;
	txn = srv_ledger_begin(daemon->ledger);
	nics = renamed ? srv_model_nics(daemon->model) : g_ptr_array_new();
	for (guint i = 0; i < nics->len; i++)
		follow_name(daemon, txn, nics->pdata[i]);
	for (guint i = 0; i < daemon->model->pfs->len; i++) {
		struct srv_pf *pf = daemon->model->pfs->pdata[i];

		if (pf->was)
			srv_event(daemon->events, LOG_NOTICE, "pf", pf->name,
				  "was called %s before", pf->was);
		g_clear_pointer(&pf->was, g_free);
		if (pf->netdevs_news)
			srv_daemon_put_pf(txn, pf);
		pf->netdevs_news = false;
	}
	srv_ledger_commit(txn, names_recorded, daemon);
}

void srv_host_set_pf(struct srv_daemon *daemon, struct srv_pf *pf, struct spci_pf *facts,
		     uint64_t since)
{
	g_autoptr(GHashTable) before = g_hash_table_new(NULL, NULL);

	collect_owned(pf, before);
	srv_model_set_pf(daemon->model, pf, facts, since);
	tell_strangers(daemon);
	srv_host_follow_names(daemon);
	record_vanished(daemon, pf);
	tell_losses(daemon, before);
}

static void take(struct srv_daemon *daemon, struct refresh *refresh)
{
	g_autoptr(GHashTable) before = g_hash_table_new(NULL, NULL);

	for (guint i = 0; i < daemon->model->pfs->len; i++)
		collect_owned(daemon->model->pfs->pdata[i], before);
	srv_model_set_inventory_since(daemon->model, refresh->inventory, refresh->since);
	if (!daemon->looked)
		srv_model_forget_missing(daemon->model);
	record_vanished(daemon, NULL);
	tell_strangers(daemon);
	tell_losses(daemon, before);
}

/* What follows from it has to wait for the configuration's being checked against it. */
static void first_look_ended(struct srv_daemon *daemon)
{
	daemon->looked = true;
	srv_daemon_check_config(daemon);
	srv_daemon_begin(daemon);
	if (daemon->serving && daemon->begun)
		daemon->begun(daemon);
}

static void follow(struct srv_daemon *daemon)
{
	srv_host_follow_names(daemon);
	srv_fault_look(daemon);
	srv_host_provision(daemon);
}

static void refresh_ended(void *data)
{
	struct refresh *refresh = data;
	struct srv_daemon *daemon = refresh->daemon;

	daemon->refreshing = false;
	g_clear_pointer(&daemon->host_error, sriov_error_free);
	if (refresh->error) {
		g_autofree char *why = sriov_error_text(refresh->error);

		srv_event(daemon->events, LOG_ERR, "pf", "host", "cannot be read: %s", why);
		daemon->host_error = refresh->error;
	} else {
		take(daemon, refresh);
		spci_inventory_free(refresh->inventory);
	}
	if (!daemon->looked)
		first_look_ended(daemon);
	else if (!refresh->error)
		follow(daemon);
	g_free(refresh);
	srv_memory_give_back();
}

/* The next look waits for this one: before it comes back, that one would not either. */
static void refresh_done(const struct sriov_error *late, void *data)
{
	if (!late)
		refresh_ended(data);
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
	srv_net_call(daemon, daemon->host_queue, "host", "reading its devices", refresh_run,
		     refresh_done, refresh_ended, refresh);
	return G_SOURCE_REMOVE;
}

void srv_host_look(struct srv_daemon *daemon)
{
	refresh_start(daemon);
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

static void on_devices_overrun(void *data)
{
	srv_host_refresh(data);
	srv_fault_events_lost(data);
}

static void on_pci_error(struct sriov_bdf bdf, enum snl_uevent what, void *data)
{
	struct srv_daemon *daemon = data;
	struct srv_pf *pf = srv_model_pf(daemon->model, bdf);

	srv_fault_event(daemon, bdf, what);
	/* Its driver has most likely set it up anew. */
	if (pf && pf->facts && what == SNL_UEVENT_RECOVERED)
		restore_vfs(daemon, pf);
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
							    .pci_error = on_pci_error,
							    .overrun = on_devices_overrun };
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
