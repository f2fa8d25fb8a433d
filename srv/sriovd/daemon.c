// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/daemon-internal.h"

#include <errno.h>

#include "netlink/monitor.h"
#include "netlink/uevent.h"
#include "srv/sriovd/api.h"
#include "srv/sriovd/door.h"
#include "srv/sriovd/failover.h"
#include "srv/sriovd/fault.h"
#include "srv/sriovd/gate.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/log.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/scrub-ask.h"
#include "srv/sriovd/serial.h"
#include "srv/sriovd/sweep.h"
#include "srv/sriovd/view.h"

/* How long what is under way at the end is waited for; the unit's TimeoutStopSec is above it. */
#define END_SECONDS 15

/* How long the first look at the host is waited for before anybody is answered. */
#define FIRST_LOOK_MS 1000

/* What the operations share */

/* Above this many, queues that have nothing to do are given up. */
#define DOMAIN_QUEUES_MIN 64

static gboolean is_idle(gpointer key, gpointer queue, gpointer data)
{
	return srv_queue_length(queue) == 0;
}

struct srv_queue *srv_daemon_domain_queue(struct srv_daemon *daemon, const char *uuid)
{
	struct srv_queue *queue = g_hash_table_lookup(daemon->domain_queues, uuid);

	if (queue)
		return queue;
	if (g_hash_table_size(daemon->domain_queues) >= daemon->domain_queues_max) {
		g_hash_table_foreach_remove(daemon->domain_queues, is_idle, NULL);
		daemon->domain_queues_max = MAX(DOMAIN_QUEUES_MIN,
						2 * g_hash_table_size(daemon->domain_queues));
	}
	queue = srv_queue_new(uuid);
	g_hash_table_insert(daemon->domain_queues, g_strdup(uuid), queue);
	return queue;
}

int srv_daemon_numa_node(const struct srv_daemon *daemon, const char *uuid)
{
	return GPOINTER_TO_INT(g_hash_table_lookup(daemon->numa_nodes, uuid)) - 1;
}

void srv_daemon_set_numa_node(struct srv_daemon *daemon, const char *uuid, int node)
{
	if (node < 0)
		g_hash_table_remove(daemon->numa_nodes, uuid);
	else
		g_hash_table_replace(daemon->numa_nodes, g_strdup(uuid), GINT_TO_POINTER(node + 1));
}

void srv_daemon_put_nic(struct srv_ledger_txn *txn, const struct srv_nic *nic)
{
	srv_ledger_put_nic(txn, &nic->row);
}

/*
 * The transaction by which an owner gave it up may have failed. Whatever is written of the VF now,
 * be it that it is clean or whose it is next, comes with that. A claim by hand never goes from one
 * VF to another: one that is there again has been written down by itself, and may be on its way out
 * of the ledger this moment, where its row must not come back.
 */
static void put_ex_owner(struct srv_ledger_txn *txn, const struct srv_vf *vf,
			 const struct srv_nic_key *key)
{
	const struct srv_nic *ex = srv_nic_of_key(vf->pf->model, key);

	if (!ex)
		srv_ledger_delete_nic(txn, &key->owner, key->id);
	else if (ex->vf != vf && ex->row.owner.kind != SRV_OWNER_MANUAL)
		srv_ledger_put_nic(txn, &ex->row);
}

void srv_daemon_put_vf(struct srv_ledger_txn *txn, const struct srv_vf *vf)
{
	const struct srv_vf_row row = { vf->ref, vf->mark, vf->reason };

	for (guint i = 0; vf->ex_owners && i < vf->ex_owners->len; i++)
		put_ex_owner(txn, vf, vf->ex_owners->pdata[i]);
	srv_ledger_put_vf(txn, &row);
}

void srv_daemon_put_pf(struct srv_ledger_txn *txn, const struct srv_pf *pf)
{
	struct srv_pf_row row = {
		.pf = pf->bdf,
		.vendor = pf->vendor,
		.device = pf->device,
		.drained = pf->drained,
		.resizing = pf->resizing,
		.forced = pf->forced,
		.want_vfs = pf->resize_vfs,
	};

	for (guint i = 0; i < pf->netdevs->len; i++) {
		if (*row.netdevs)
			g_strlcat(row.netdevs, " ", sizeof(row.netdevs));
		g_strlcat(row.netdevs, pf->netdevs->pdata[i], sizeof(row.netdevs));
	}
	srv_ledger_put_pf(txn, &row);
}

char *srv_nic_subject(const struct srv_nic *nic)
{
	return g_strdup_printf("nic %s/%s", nic->row.owner.name, nic->row.id);
}

/* What libvirt tells */

static void on_connection(bool connected, void *data)
{
	struct srv_daemon *daemon = data;

	srv_event(daemon->events, connected ? LOG_INFO : LOG_WARNING, "libvirt", "libvirt", "%s",
		  connected ? "connected" : "not connected, trying again");
	srv_failover_connection(daemon, connected);
	if (connected)
		srv_reconcile(daemon);
	else
		daemon->reconciled = false;
}

static void on_domain(const char *uuid, const char *name, enum srv_virt_event event, void *data)
{
	struct srv_daemon *daemon = data;

	if (!srv_daemon_may_work(daemon))
		return;
	switch (event) {
	case SRV_VIRT_STARTED:
	case SRV_VIRT_RESUMED:
		srv_nic_attach_owner(daemon, uuid);
		return;
	case SRV_VIRT_STOPPED:
		srv_nic_owner_gone(daemon, uuid);
		return;
	case SRV_VIRT_DEFINED:
	case SRV_VIRT_UNDEFINED:
		srv_reconcile(daemon);
		return;
	}
	g_assert_not_reached();
}

static void on_device_removed(const char *uuid, const char *alias, void *data)
{
	struct srv_daemon *daemon = data;
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(daemon->model, uuid);

	srv_failover_device_removed(daemon, uuid, alias);
	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];
		g_autofree char *own = srv_nic_alias(nic->row.id);

		/* One that we detach ourselves is busy; this one the guest or somebody else took
		 * out. */
		if (g_str_equal(own, alias) && !nic->busy) {
			srv_reconcile(daemon);
			return;
		}
	}
}

static void on_negotiated(const char *uuid, const char *alias, void *data)
{
	srv_failover_negotiated(data, uuid, alias);
}

/* Making and starting one */

static void queue_unref(gpointer queue)
{
	srv_queue_unref(queue);
}

static guint mac_hash(gconstpointer key)
{
	const struct sriov_mac *mac = key;

	return (guint)mac->octet[3] << 16 | (guint)mac->octet[4] << 8 | mac->octet[5];
}

static gboolean mac_equal(gconstpointer a, gconstpointer b)
{
	return sriov_mac_equal(*(const struct sriov_mac *)a, *(const struct sriov_mac *)b);
}

static GPtrArray *new_problems(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)srv_problem_free);
}

static struct srv_daemon *create(const struct srv_daemon_options *options)
{
	struct srv_daemon *daemon = g_new0(struct srv_daemon, 1);

	daemon->root = g_strdup(options->root);
	daemon->config_dir = g_strdup(options->config_dir);
	daemon->state_dir = g_strdup(options->state_dir);
	daemon->check_replies = options->check_replies;
	daemon->begun = options->begun;
	daemon->model = srv_model_new();
	daemon->events = srv_events_new();
	daemon->jobs = srv_jobs_new();
	daemon->faults = srv_faults_new(daemon);
	daemon->domain_queues = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, queue_unref);
	daemon->domain_queues_max = DOMAIN_QUEUES_MIN;
	daemon->numa_nodes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	daemon->waiting = g_ptr_array_new();
	daemon->gate_waiters = g_ptr_array_new();
	daemon->reconcile_waiters = g_ptr_array_new_with_free_func(g_free);
	daemon->scrub_askers = g_ptr_array_new();
	daemon->config_problems = new_problems();
	daemon->plugin_problems = new_problems();
	daemon->macs_in_use = g_hash_table_new_full(mac_hash, mac_equal, g_free, NULL);
	daemon->pf_readers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	daemon->pfs_seen = srv_view_seen_new();
	daemon->view_patience_ms = SRV_VIEW_PATIENCE_MS;
	daemon->view_vf_us = SRV_VIEW_VF_US;
	daemon->host_queue = srv_queue_new("host");
	daemon->config_queue = srv_queue_new("config");
	daemon->net_queue = srv_queue_new("net");
	daemon->late_calls = g_ptr_array_new();
	daemon->libvirt_queue = srv_queue_new("libvirt");
	return daemon;
}

int srv_daemon_new(const struct srv_daemon_options *options, struct srv_daemon **ret,
		   struct sriov_error **err)
{
	struct srv_daemon *daemon = create(options);
	int r = srv_daemon_open_ledger(daemon, err);

	if (r < 0) {
		srv_daemon_free(daemon);
		return r;
	}
	srv_daemon_read_config(daemon);
	r = srv_plugins_load(options->plugin_dir, &daemon->plugins, daemon->plugin_problems, err);
	if (r < 0) {
		srv_daemon_free(daemon);
		return r;
	}
	for (guint i = 0; i < daemon->plugin_problems->len; i++) {
		const struct srv_problem *problem = daemon->plugin_problems->pdata[i];

		srv_log(problem->is_error ? LOG_ERR : LOG_WARNING, NULL, "%s: %s", problem->subject,
			problem->message);
	}
	*ret = daemon;
	return 0;
}

static gboolean on_first_deadline(gpointer data)
{
	*(guint *)data = 0;
	return G_SOURCE_REMOVE;
}

/* What cannot be waited for comes later: see srv_daemon_begin(). */
static void wait_for_first_look(const struct srv_daemon *daemon)
{
	guint deadline = g_timeout_add(FIRST_LOOK_MS, on_first_deadline, &deadline);

	while (deadline && !(daemon->looked && daemon->groups_known))
		g_main_context_iteration(NULL, TRUE);
	if (deadline)
		g_source_remove(deadline);
}

void srv_daemon_begin(struct srv_daemon *daemon)
{
	if (!daemon->serving || !daemon->looked)
		return;
	srv_gate_close(daemon);
	srv_host_follow_names(daemon);
	srv_fault_look(daemon);
	srv_sweep(daemon);
	srv_host_provision(daemon);
	srv_reconcile_schedule(daemon);
}

int srv_daemon_start(struct srv_daemon *daemon, const char *uri, int listen_fd,
		     struct sriov_error **err)
{
	static const struct srv_virt_handler handler = { on_connection, on_domain,
							 on_device_removed, on_negotiated };
	int r = srv_host_watch(daemon, err);

	if (r < 0)
		return r;
	srv_host_look(daemon);
	srv_daemon_find_groups(daemon);
	wait_for_first_look(daemon);
	daemon->virt = srv_virt_new(uri, &handler, daemon);
	if (listen_fd >= 0) {
		r = srv_api_listen(daemon, listen_fd, err);
		if (r < 0)
			return r;
	}
	daemon->serving = true;
	srv_gate_close(daemon);
	srv_daemon_begin(daemon);
	return 0;
}

/* The end */

void srv_daemon_set_stopping(struct sriov_error **err)
{
	sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, ESHUTDOWN, NULL,
			"sriovd is ending; try again when it runs");
}

static bool serials_are_idle(const struct srv_daemon *daemon)
{
	for (guint i = 0; i < daemon->model->pfs->len; i++) {
		const struct srv_pf *pf = daemon->model->pfs->pdata[i];

		/* What hangs in the kernel is not waited for. */
		if (pf->state != SRV_PF_STUCK && srv_serial_length(pf->serial))
			return false;
	}
	return true;
}

/* Lets operations under way come to their end. False when one did not, in END_SECONDS. */
static bool settle(struct srv_daemon *daemon)
{
	gint64 deadline = g_get_monotonic_time() + END_SECONDS * G_USEC_PER_SEC;

	do {
		unsigned left = (unsigned)MAX((deadline - g_get_monotonic_time()) / G_USEC_PER_SEC,
					      0);

		if (!srv_queue_drain_all(left))
			return false;
		if (serials_are_idle(daemon) &&
		    (!daemon->ledger || !srv_ledger_is_busy(daemon->ledger)))
			return true;
		/* It waits for a child process or the disk. */
		g_main_context_iteration(NULL, FALSE);
		g_usleep(1000);
	} while (g_get_monotonic_time() < deadline);
	return false;
}

static void stop_sources(struct srv_daemon *daemon)
{
	if (daemon->refresh_source)
		g_source_remove(daemon->refresh_source);
	if (daemon->reconcile_source)
		g_source_remove(daemon->reconcile_source);
	if (daemon->reconcile_soon_source)
		g_source_remove(daemon->reconcile_soon_source);
	daemon->refresh_source = daemon->reconcile_source = daemon->reconcile_soon_source = 0;
	srv_faults_stop(daemon->faults);
	if (daemon->monitor)
		snl_monitor_free(daemon->monitor);
	daemon->monitor = NULL;
	g_clear_pointer(&daemon->uevents, snl_uevents_free);
}

static void release(struct srv_daemon *daemon)
{
	srv_failover_free(daemon);
	srv_faults_free(daemon->faults);
	srv_virt_free(daemon->virt);
	srv_queue_unref(daemon->host_queue);
	srv_queue_unref(daemon->config_queue);
	srv_queue_unref(daemon->net_queue);
	g_ptr_array_unref(daemon->late_calls);
	srv_queue_unref(daemon->libvirt_queue);
	g_hash_table_unref(daemon->domain_queues);
	g_hash_table_unref(daemon->pf_readers);
	g_hash_table_unref(daemon->pfs_seen);
	g_hash_table_unref(daemon->numa_nodes);
	g_hash_table_unref(daemon->macs_in_use);
	g_ptr_array_unref(daemon->waiting);
	g_clear_pointer(&daemon->starts, g_ptr_array_unref);
	g_clear_pointer(&daemon->cut_starts, g_ptr_array_unref);
	g_ptr_array_unref(daemon->gate_waiters);
	g_ptr_array_unref(daemon->reconcile_waiters);
	g_ptr_array_unref(daemon->scrub_askers);
	g_ptr_array_unref(daemon->config_problems);
	g_ptr_array_unref(daemon->plugin_problems);
	srv_plugins_free(daemon->plugins);
	srv_jobs_free(daemon->jobs);
	srv_events_free(daemon->events);
	srv_interface_free(daemon->interface);
	srv_model_free(daemon->model);
	sriov_error_free(daemon->reload_error);
	sriov_error_free(daemon->host_error);
	sriov_error_free(daemon->helper_error);
	g_free(daemon->root);
	g_free(daemon->config_dir);
	g_free(daemon->state_dir);
	g_free(daemon->boot_id);
	g_free(daemon);
}

void srv_daemon_free(struct srv_daemon *daemon)
{
	sriov_autoerror err = NULL;
	bool settled;

	if (!daemon)
		return;
	daemon->stopping = true;
	srv_door_close(daemon);
	stop_sources(daemon);
	srv_daemon_set_stopping(&err);
	srv_gate_end(daemon, err);
	srv_nic_refuse_waiting(daemon, err);
	srv_scrub_end(daemon, err);
	settled = settle(daemon);
	settled &= srv_failover_stop(daemon);
	srv_varlink_free(daemon->varlink);
	srv_ledger_close(daemon->ledger);
	/* A thread that hangs in a driver or in libvirt still looks at all this: the process ends.
	 */
	if (settled)
		release(daemon);
}
