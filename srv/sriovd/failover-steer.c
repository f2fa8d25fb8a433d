// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The loop that steers: looks whether the guests use their VFs, and sets each virtio half to what
 * follows (steer.h). One pass looks at all; quickly while a VF comes or goes, else slowly, and not
 * at all while nobody has a VF. It works on the failover queue's thread, so that a domain that
 * hangs in libvirt, as it does while a guest is asked to let go, delays nobody's steering.
 */
#include <string.h>

#include "pci/vector.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/failover-internal.h"
#include "srv/sriovd/net-call.h"
#include "srv/sriovd/steer.h"

/*
 * While a VF comes or goes, frames from other macvtaps of the PF are lost from the guest's change
 * of halves until it is seen here.
 */
#define QUICK_MS 10
#define SLOW_MS	 500
/* How long the end waits for it. */
#define STOP_SECONDS 3

struct steer_waiter {
	void (*done)(void *data);
	void *data;
};

struct steer_item {
	struct srv_owner owner;
	char *id;
	struct srv_steer_port port;
	struct sriov_bdf vf;
	bool plugged, leaving;
	enum srv_steer steered;
	/* what the pass found out */
	bool in_use;
	bool tried; /* to steer: error says what came of it */
	enum srv_steer want;
	struct sriov_error *error;
};

struct steer_pass {
	struct srv_failover *failover;
	char *root;
	GPtrArray *items; /* of struct steer_item */
	GArray *pfs;
};

static void item_free(gpointer data)
{
	struct steer_item *item = data;

	g_free(item->owner.key);
	g_free(item->id);
	sriov_error_free(item->error);
	g_free(item);
}

static void pass_free(struct steer_pass *pass)
{
	g_ptr_array_unref(pass->items);
	g_array_unref(pass->pfs);
	g_free(pass->root);
	g_free(pass);
}

static void add_item(struct steer_pass *pass, const struct srv_nic *nic)
{
	struct steer_item *item = g_new0(struct steer_item, 1);

	item->owner.kind = nic->row.owner.kind;
	item->owner.key = g_strdup(nic->row.owner.key);
	item->id = g_strdup(nic->row.id);
	g_strlcpy(item->port.tap, nic->team.tap, sizeof(item->port.tap));
	item->port.mac = nic->row.mac;
	item->port.pfs = pass->pfs;
	item->plugged = nic->team.plugged && nic->vf && nic->vf->facts;
	if (item->plugged)
		item->vf = nic->vf->facts->bdf;
	item->leaving = nic->team.leaving;
	item->steered = nic->team.steered;
	g_ptr_array_add(pass->items, item);
}

static struct steer_pass *collect(struct srv_failover *failover)
{
	struct srv_model *model = failover->daemon->model;
	struct steer_pass *pass = g_new0(struct steer_pass, 1);
	GHashTableIter iter;
	gpointer value;

	pass->failover = failover;
	pass->root = g_strdup(failover->daemon->root);
	pass->items = g_ptr_array_new_with_free_func(item_free);
	pass->pfs = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (guint i = 0; i < model->pfs->len; i++) {
		const struct srv_pf *pf = model->pfs->pdata[i];

		if (pf->facts && pf->facts->ifindex)
			g_array_append_val(pass->pfs, pf->facts->ifindex);
	}
	g_hash_table_iter_init(&iter, model->nics);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct srv_nic *nic = value;

		if (srv_failover_runs(nic) &&
		    (nic->team.plugged || nic->team.steered != SRV_STEER_VIRTIO))
			add_item(pass, nic);
	}
	return pass;
}

static void pass_run(void *data)
{
	struct steer_pass *pass = data;

	for (guint i = 0; i < pass->items->len; i++) {
		struct steer_item *item = pass->items->pdata[i];

		item->in_use = item->plugged && spci_vectors_in_use(pass->root, item->vf) > 0;
		item->want = srv_steer_want(item->plugged, item->in_use, item->leaving);
		if (item->want == item->steered)
			continue;
		srv_net_enter();
		srv_steer_apply(&item->port, item->want, &item->error);
		/* The rest is looked at anew, by what is so then. */
		if (srv_net_leave(NULL) < 0)
			return;
		item->tried = true;
	}
}

static void tell_failure(struct srv_daemon *daemon, struct srv_nic *nic,
			 const struct steer_item *item)
{
	g_autofree char *subject = srv_nic_subject(nic);
	g_autofree char *why = sriov_error_text(item->error);

	if (!nic->team.steer_failed)
		srv_event(daemon->events, LOG_WARNING, "nic", subject,
			  "%s cannot be set to receive as \"%s\": %s", item->port.tap,
			  srv_steer_name(item->want), why);
	nic->team.steer_failed = true;
	/* Not known any more, so that it is tried again, slowly. */
	nic->team.steered = SRV_STEER_UNKNOWN;
}

static void take(struct srv_daemon *daemon, struct srv_nic *nic, const struct steer_item *item)
{
	struct srv_team *team = &nic->team;
	g_autofree char *subject = srv_nic_subject(nic);

	if (item->error) {
		tell_failure(daemon, nic, item);
	} else if (!item->tried && item->want != item->steered) {
		/* Given up, and it may have come about. */
		team->steered = SRV_STEER_UNKNOWN;
	} else if (item->want != team->steered) {
		team->steer_failed = false;
		team->steered = item->want;
		srv_event(daemon->events, LOG_DEBUG, "nic", subject, "%s receives as \"%s\"",
			  item->port.tap, srv_steer_name(item->want));
	}
	if (!team->plugged || !item->plugged || team->in_use == item->in_use)
		return;
	team->in_use = item->in_use;
	team->idle_since = g_get_monotonic_time();
	if (team->in_use) {
		team->negotiated = SRV_NEGOTIATED_YES;
		nic->row.negotiated = true;
	}
	srv_event(daemon->events, LOG_INFO, "nic", subject,
		  team->in_use ? "its guest uses the VF" : "its guest has stopped using the VF");
}

static bool is_moving(const struct srv_daemon *daemon, const struct srv_nic *nic, int64_t now)
{
	const struct srv_team *team = &nic->team;
	int64_t patience = daemon->model->config->failover.negotiate_seconds * G_USEC_PER_SEC;

	if (team->steer_failed)
		return false;
	return team->leaving || team->steered == SRV_STEER_UNKNOWN ||
	       (!team->plugged && team->steered != SRV_STEER_VIRTIO) ||
	       (team->plugged && !team->in_use && now - team->idle_since < patience);
}

static gboolean on_timer(gpointer data);

static void schedule(struct srv_failover *failover)
{
	int64_t now = g_get_monotonic_time();
	GHashTableIter iter;
	gpointer value;
	guint wait = 0;

	g_hash_table_iter_init(&iter, failover->daemon->model->nics);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct srv_nic *nic = value;

		if (!srv_failover_runs(nic) ||
		    (!nic->team.plugged && nic->team.steered == SRV_STEER_VIRTIO))
			continue;
		if (is_moving(failover->daemon, nic, now))
			wait = QUICK_MS;
		else if (!wait)
			wait = SLOW_MS;
	}
	if (failover->steer_source)
		g_source_remove(failover->steer_source);
	failover->steer_source = wait ? g_timeout_add(wait, on_timer, failover) : 0;
}

static void start_pass(struct srv_failover *failover);

/* They go on without it, as they do when it fails. */
static void serve_waiters(GPtrArray *waiters)
{
	g_autoptr(GPtrArray) served = waiters;

	for (guint i = 0; served && i < served->len; i++) {
		struct steer_waiter *waiter = served->pdata[i];

		waiter->done(waiter->data);
	}
}

/* Also when it comes too late: what it has done counts, and is not what is wanted now. */
static void pass_ended(void *data)
{
	struct steer_pass *pass = data;
	struct srv_failover *failover = pass->failover;
	GPtrArray *served = g_steal_pointer(&failover->steer_served);

	failover->steering = failover->steer_hangs = false;
	for (guint i = 0; i < pass->items->len; i++) {
		const struct steer_item *item = pass->items->pdata[i];
		struct srv_nic *nic = srv_model_nic(failover->daemon->model, &item->owner,
						    item->id);

		/* It may have been shut off and started again meanwhile. */
		if (nic && nic->team.tap && g_str_equal(nic->team.tap, item->port.tap))
			take(failover->daemon, nic, item);
	}
	pass_free(pass);
	serve_waiters(served);
	if (failover->stopping)
		return;
	if (failover->steer_waiters->len)
		start_pass(failover);
	else
		schedule(failover);
}

static void pass_done(const struct sriov_error *late, void *data)
{
	const struct steer_pass *pass = data;
	struct srv_failover *failover = pass->failover;
	GPtrArray *next;

	if (!late) {
		pass_ended(data);
		return;
	}
	failover->steer_hangs = true;
	next = failover->steer_waiters;
	failover->steer_waiters = g_ptr_array_new_with_free_func(g_free);
	serve_waiters(g_steal_pointer(&failover->steer_served));
	serve_waiters(next);
}

static void start_pass(struct srv_failover *failover)
{
	if (failover->steering || failover->stopping)
		return;
	if (failover->steer_source)
		g_source_remove(failover->steer_source);
	failover->steer_source = 0;
	failover->steering = true;
	failover->steer_served = failover->steer_waiters;
	failover->steer_waiters = g_ptr_array_new_with_free_func(g_free);
	srv_net_call(failover->daemon, failover->queue, "host",
		     "steering frames to the halves of failover nics", pass_run, pass_done,
		     pass_ended, collect(failover));
}

static gboolean on_timer(gpointer data)
{
	struct srv_failover *failover = data;

	failover->steer_source = 0;
	start_pass(failover);
	return G_SOURCE_REMOVE;
}

void srv_failover_steer(struct srv_daemon *daemon)
{
	struct srv_failover *failover = srv_failover_get(daemon);

	if (!failover->steering && !failover->stopping)
		schedule(failover);
}

void srv_failover_steer_now(struct srv_daemon *daemon, void (*done)(void *data), void *data)
{
	struct srv_failover *failover = srv_failover_get(daemon);
	struct steer_waiter *waiter;

	if (failover->steer_hangs) {
		done(data);
		return;
	}
	waiter = g_new0(struct steer_waiter, 1);
	waiter->done = done;
	waiter->data = data;
	g_ptr_array_add(failover->steer_waiters, waiter);
	start_pass(failover);
}

static void stop_run(void *data)
{
	const struct steer_pass *pass = data;

	for (guint i = 0; i < pass->items->len; i++) {
		struct steer_item *item = pass->items->pdata[i];

		if (item->steered == SRV_STEER_VF)
			srv_steer_apply(&item->port, SRV_STEER_BOTH, NULL);
	}
}

static void stop_done(void *data)
{
	struct steer_pass *pass = data;

	pass->failover->steer_stopped = true;
	pass_free(pass);
}

static gboolean on_stop_deadline(gpointer data)
{
	*(guint *)data = 0;
	return G_SOURCE_REMOVE;
}

bool srv_failover_steer_stop(struct srv_failover *failover)
{
	guint deadline;

	if (failover->steer_source)
		g_source_remove(failover->steer_source);
	failover->steer_source = 0;
	/* It would not come back any more than that one. */
	if (failover->steer_hangs)
		return false;
	srv_queue_push(failover->queue, stop_run, stop_done, collect(failover));
	deadline = g_timeout_add_seconds(STOP_SECONDS, on_stop_deadline, &deadline);
	while (!failover->steer_stopped && deadline)
		g_main_context_iteration(NULL, TRUE);
	if (deadline)
		g_source_remove(deadline);
	return failover->steer_stopped;
}
