// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Another number of VFs. The kernel has every VF destroyed first (a new number can only be written
 * over 0), so nobody may have one: that is the drain's part. Making them is provisioning's.
 */
#include <errno.h>

#include "srv/sriovd/daemon.h"
#include "srv/sriovd/decide.h"
#include "srv/sriovd/drain-internal.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/serial.h"

#define LOOK_MS 200
/* A VF that a process was just about to let go of holds provisioning up. */
#define TRIES_MAX 20
#define AGAIN_MS  1000

uint32_t srv_pf_configured_vfs(struct srv_daemon *daemon, struct srv_pf *pf)
{
	uint32_t ordered = pf->resize_vfs, configured;

	pf->resize_vfs = 0;
	srv_model_set_config(daemon->model, daemon->model->config);
	configured = pf->wanted_vfs;
	pf->resize_vfs = ordered;
	srv_model_set_config(daemon->model, daemon->model->config);
	return configured;
}

static void served_again(const struct sriov_error *error, void *data)
{
	struct srv_drain *drain = data;
	struct srv_daemon *daemon = drain->daemon;
	g_autofree char *text = g_strdup_printf(
		"%s has %u VFs%s, and gives them again", drain->pf->name,
		drain->pf->facts ? drain->pf->facts->num_vfs : 0,
		drain->pf->facts && drain->pf->facts->num_vfs != drain->resize_vfs
			? ", as many as its driver makes"
			: "");

	if (!error && drain->job && drain->promoted->len)
		srv_drain_return(drain, text);
	srv_drain_end(drain, error, text);
	srv_nic_serve_waiting(daemon);
}

static void serve_again(struct srv_drain *drain)
{
	struct srv_daemon *daemon = drain->daemon;
	struct srv_pf *pf = drain->pf;
	struct srv_ledger_txn *txn = srv_ledger_begin(daemon->ledger);

	if (pf->resize_vfs == srv_pf_configured_vfs(daemon, pf))
		pf->resize_vfs = 0;
	pf->drained = pf->resizing = pf->forced = false;
	srv_daemon_put_pf(txn, pf);
	srv_ledger_keep(txn);
	srv_ledger_commit(txn, served_again, drain);
}

void srv_resize_forget(struct srv_daemon *daemon, struct srv_pf *pf)
{
	uint32_t now = pf->facts ? pf->facts->num_vfs : 0;

	/* It stays as it is; without any VF it becomes what is configured. */
	pf->resize_vfs = now == srv_pf_configured_vfs(daemon, pf) ? 0 : now;
	pf->resizing = pf->forced = false;
	srv_model_set_config(daemon->model, daemon->model->config);
}

static void failed(const struct sriov_error *error, void *data)
{
	struct srv_drain *drain = data;

	srv_drain_end(drain, drain->error, NULL);
}

/*
 * The number that was asked for is not tried again, by no pass and by no later sriovd: who asked
 * has been told that it failed. What is left of it is a drain.
 */
static void fail(struct srv_drain *drain, const char *why)
{
	struct srv_daemon *daemon = drain->daemon;
	struct srv_pf *pf = drain->pf;
	struct srv_ledger_txn *txn;

	sriov_error_set(&drain->error, SRIOV_ERROR_DEVICE, EIO, pf->name,
			"it could not be given %u VFs: %s; it gives none until sriovctl undrain %s",
			drain->resize_vfs, why, pf->name);
	/* What failed only because we end is gone on with at the next start. */
	if (daemon->stopping) {
		srv_drain_end(drain, drain->error, NULL);
		return;
	}
	srv_resize_forget(daemon, pf);
	txn = srv_ledger_begin(daemon->ledger);
	srv_daemon_put_pf(txn, pf);
	srv_ledger_keep(txn);
	srv_ledger_commit(txn, failed, drain);
}

static gboolean look(gpointer data)
{
	struct srv_drain *drain = data;
	struct srv_pf *pf = drain->pf;

	drain->source = 0;
	if (srv_serial_length(pf->serial) || pf->state == SRV_PF_CONFIGURING) {
		srv_drain_later(drain, LOOK_MS, look);
		return G_SOURCE_REMOVE;
	}
	if (pf->state != SRV_PF_READY || !pf->facts) {
		fail(drain, pf->reason ?: srv_pf_state_name(pf->state));
		return G_SOURCE_REMOVE;
	}
	/* Its driver may make fewer than it was asked for. */
	if (pf->facts->num_vfs == drain->resize_vfs ||
	    (pf->facts->num_vfs && pf->asked_vfs == drain->resize_vfs)) {
		serve_again(drain);
		return G_SOURCE_REMOVE;
	}
	if (++drain->tries > TRIES_MAX) {
		fail(drain, pf->reason ?: "a VF is still in use");
		return G_SOURCE_REMOVE;
	}
	srv_pf_provision(drain->daemon, pf);
	srv_drain_later(drain, AGAIN_MS, look);
	return G_SOURCE_REMOVE;
}

static void marked(const struct sriov_error *error, void *data)
{
	struct srv_drain *drain = data;

	/* That it is wanted is durable, so the next pass begins it again. */
	if (error) {
		sriov_autoerror err = sriov_error_copy(error);

		sriov_error_wrap(&err,
				 "%s is not resized yet; that is tried again by itself until "
				 "sriovctl undrain %s ends it",
				 drain->pf->name, drain->pf->name);
		drain->making = false;
		srv_drain_end(drain, err, NULL);
		return;
	}
	srv_pf_provision(drain->daemon, drain->pf);
	srv_drain_later(drain, LOOK_MS, look);
}

/*
 * Whose network ends for some seconds where the driver takes its own netdev down to make VFs: igb
 * and ixgbe do (igb_sriov_reinit(), ixgbe_sriov_reinit()). No driver tells beforehand. "" when
 * nobody does; the caller's.
 */
static char *who_stands_on_it(const struct srv_drain *drain)
{
	g_autoptr(GPtrArray) nics = srv_model_nics(drain->daemon->model);
	guint n = 0;

	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];

		n += nic->row.state == SRV_NIC_ATTACHED && srv_nic_stands_on(nic, drain->pf);
	}
	return n ? g_strdup_printf("; %u running virtio ports stand on %s itself and have no "
				   "network while its driver makes the VFs, some seconds with igb "
				   "and ixgbe; \"uplink\" of their network's fallback can name "
				   "another link",
				   n, drain->pf->name)
		 : g_strdup("");
}

/* What the ledger says of the old VFs must not be taken for the new ones'. */
static void drained(struct srv_drain *drain)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(drain->daemon->ledger);
	g_autofree char *who = who_stands_on_it(drain);

	drain->making = true;
	/* In this step, because a step of its own would be over before anybody can watch. */
	srv_job_step(drain->job, srv_drain_steps(drain), "nobody has a VF of %s: making %u VFs%s",
		     drain->pf->name, drain->resize_vfs, who);
	for (guint i = 0; i < drain->pf->vfs->len; i++) {
		struct srv_vf *vf = drain->pf->vfs->pdata[i];

		if (vf->mark == SRV_VF_CLEAN)
			srv_model_mark_vf(vf, SRV_VF_DIRTY, NULL);
		srv_daemon_put_vf(txn, vf);
	}
	srv_ledger_commit(txn, marked, drain);
}

static int check(struct srv_daemon *daemon, struct srv_pf *pf, uint32_t count, bool force,
		 struct sriov_error **err)
{
	const struct srv_drain *other = srv_drain_find(daemon, pf);

	/* The same again, which nobody watches any more, can be watched and forced. */
	if (pf->resizing ? count != pf->resize_vfs || (other && (other->job || other->making))
			 : other != NULL)
		return sriov_error_set(err, SRIOV_ERROR_BUSY, EALREADY, pf->name,
				       "it is being drained or resized already; sriovctl undrain "
				       "%s ends that",
				       pf->name);
	if (!pf->facts || pf->state == SRV_PF_UNMANAGED || pf->external)
		return sriov_error_set(err, SRIOV_ERROR_NOT_SUPPORTED, EOPNOTSUPP, pf->name,
				       "%s, so the number of its VFs is not sriovd's to change",
				       !pf->facts     ? "it is not there"
				       : pf->external ? "its pool is externallyManaged"
						      : "it is in no pool of the configuration");
	if (pf->state != SRV_PF_READY && pf->state != SRV_PF_FAILED)
		return sriov_error_set(err, SRIOV_ERROR_BUSY, EBUSY, pf->name, "it is %s%s%s",
				       srv_pf_state_name(pf->state), pf->reason ? ": " : "",
				       pf->reason ?: "");
	if (count < 1 || count > pf->facts->total_vfs)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, ERANGE, pf->name,
				       "it can have 1 to %u VFs", pf->facts->total_vfs);
	return pf->facts->num_vfs == count ? 0 : srv_drain_check(daemon, pf, force, err);
}

int srv_pf_resize(struct srv_daemon *daemon, struct srv_pf *pf, uint32_t count, bool force,
		  struct srv_job **ret_job, struct sriov_error **err)
{
	struct srv_orders before = srv_orders_of(pf);
	int r = check(daemon, pf, count, force, err);

	if (r < 0)
		return r;
	*ret_job = srv_job_new(daemon->jobs);
	if (pf->facts->num_vfs == count && !pf->resizing) {
		srv_job_done(*ret_job, "%s has %u VFs already", pf->name, count);
		return 0;
	}
	srv_drain_replace(srv_drain_find(daemon, pf));
	pf->drained = pf->resizing = true;
	pf->forced = force;
	pf->resize_vfs = count;
	if (pf->state == SRV_PF_FAILED)
		srv_model_set_pf_state(pf, SRV_PF_CONFIGURING, NULL);
	srv_model_set_config(daemon->model, daemon->model->config);
	srv_drain_begin(daemon, pf, &before, *ret_job, drained);
	return 0;
}

void srv_resize_resume(struct srv_daemon *daemon, struct srv_pf *pf)
{
	srv_event(daemon->events, LOG_NOTICE, "pf", pf->name, "its resize to %u VFs goes on",
		  pf->resize_vfs);
	srv_drain_begin(daemon, pf, NULL, NULL, drained);
}
