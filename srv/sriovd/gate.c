// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/gate.h"

#include <errno.h>

#include "srv/sriovd/daemon.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"

/* How long libvirt is waited for before it counts as one that cannot be asked now. */
#define PATIENCE_SECONDS 5
#define LOOK_MS		 50
/* How long a call waits for a pass that is under way. */
#define CALL_SECONDS 10

struct gate_waiter {
	struct srv_daemon *daemon;
	guint source;
	void (*done)(const struct sriov_error *error, void *data);
	void *data;
};

bool srv_gate_is_open(const struct srv_daemon *daemon)
{
	return daemon->gate_open;
}

static bool is_patient(const struct srv_daemon *daemon)
{
	return g_get_monotonic_time() < daemon->gate_patience;
}

bool srv_gate_holds_starts(const struct srv_daemon *daemon)
{
	return !daemon->gate_open && is_patient(daemon) && !daemon->stopping &&
	       !srv_daemon_refusal(daemon);
}

/* One of whom the ledger says that it may have something. */
static const struct srv_nic *find_guest(const struct srv_daemon *daemon)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, daemon->model->nics);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct srv_nic *nic = value;

		if (nic->row.owner.kind == SRV_OWNER_LIBVIRT &&
		    (nic->row.state != SRV_NIC_IDLE || nic->vf))
			return nic;
	}
	return NULL;
}

int srv_gate_refusal(const struct srv_daemon *daemon, struct sriov_error **err)
{
	const struct srv_nic *guest = find_guest(daemon);
	const char *name = guest ? guest->row.owner.name : "some";

	if (!daemon->looked)
		return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, EAGAIN, "host",
				       "its devices are still being looked at, and nothing is "
				       "changed before; should that take long, a driver holds it "
				       "up: see the kernel's messages, journalctl -k");
	if (daemon->virt && srv_virt_connected(daemon->virt))
		return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, EAGAIN, "libvirt",
				       "it has been asked which guests run, and has not answered "
				       "yet; nothing is changed before: try again in a moment");
	return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, ENOTCONN, "libvirt",
			       "it could not be asked yet which guests run, and by the ledger "
			       "there may be some that have VFs (%s); nothing is changed before: "
			       "is its daemon running (systemctl status virtqemud libvirtd)?",
			       name);
}

/* Those who wait */

static void answer(struct gate_waiter *waiter, const struct sriov_error *error)
{
	if (waiter->source)
		g_source_remove(waiter->source);
	waiter->done(error, waiter->data);
	g_free(waiter);
}

static void answer_all(struct srv_daemon *daemon, const struct sriov_error *error)
{
	g_autoptr(GPtrArray) waiters = daemon->gate_waiters;

	daemon->gate_waiters = g_ptr_array_new();
	for (guint i = 0; i < waiters->len; i++)
		answer(waiters->pdata[i], error);
}

static void refuse(struct gate_waiter *waiter)
{
	sriov_autoerror err = NULL;

	srv_gate_refusal(waiter->daemon, &err);
	answer(waiter, err);
}

static gboolean on_deadline(gpointer data)
{
	struct gate_waiter *waiter = data;

	waiter->source = 0;
	g_ptr_array_remove(waiter->daemon->gate_waiters, waiter);
	refuse(waiter);
	return G_SOURCE_REMOVE;
}

/* One that is asked this moment will answer; of another that has had its time it is not known. */
static bool is_worth_waiting(const struct srv_daemon *daemon)
{
	return is_patient(daemon) || (daemon->virt && srv_virt_connected(daemon->virt));
}

void srv_gate_then(struct srv_daemon *daemon,
		   void (*done)(const struct sriov_error *error, void *data), void *data)
{
	struct gate_waiter *waiter;

	if (daemon->gate_open) {
		done(NULL, data);
		return;
	}
	waiter = g_new(struct gate_waiter, 1);
	*waiter = (struct gate_waiter){ daemon, 0, done, data };
	if (!is_worth_waiting(daemon)) {
		refuse(waiter);
		return;
	}
	waiter->source = g_timeout_add_seconds(CALL_SECONDS, on_deadline, waiter);
	g_ptr_array_add(daemon->gate_waiters, waiter);
}

/* Opening and closing */

static void stop_looking(struct srv_daemon *daemon)
{
	if (daemon->gate_source)
		g_source_remove(daemon->gate_source);
	daemon->gate_source = 0;
}

void srv_gate_open(struct srv_daemon *daemon)
{
	if (daemon->gate_open || !srv_daemon_may_work(daemon))
		return;
	daemon->gate_open = true;
	stop_looking(daemon);
	srv_host_provision(daemon);
	srv_reconcile_claims(daemon, NULL);
	srv_host_restore(daemon);
	srv_nic_serve_waiting(daemon);
	answer_all(daemon, NULL);
}

void srv_gate_look(struct srv_daemon *daemon)
{
	bool connected = daemon->virt && srv_virt_connected(daemon->virt);

	if (daemon->gate_open || !srv_daemon_may_work(daemon) || find_guest(daemon))
		return;
	/* One that does not answer may do so in a moment. */
	if (is_patient(daemon) && (connected || !srv_virt_has_failed(daemon->virt)))
		return;
	srv_gate_open(daemon);
}

static gboolean on_look(gpointer data)
{
	struct srv_daemon *daemon = data;
	bool patient = is_patient(daemon);

	srv_gate_look(daemon);
	if (daemon->gate_open)
		return G_SOURCE_REMOVE;
	if (patient)
		return G_SOURCE_CONTINUE;
	daemon->gate_source = 0;
	/* Guests are not kept from starting by a libvirt that cannot be asked. */
	srv_nic_serve_waiting(daemon);
	return G_SOURCE_REMOVE;
}

void srv_gate_close(struct srv_daemon *daemon)
{
	daemon->gate_open = false;
	daemon->gate_patience = g_get_monotonic_time() + PATIENCE_SECONDS * G_USEC_PER_SEC;
	if (!daemon->gate_source)
		daemon->gate_source = g_timeout_add(LOOK_MS, on_look, daemon);
}

void srv_gate_end(struct srv_daemon *daemon, const struct sriov_error *error)
{
	stop_looking(daemon);
	answer_all(daemon, error);
}
