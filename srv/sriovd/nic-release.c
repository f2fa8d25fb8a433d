// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The end of a domain. A hook or an event is only a hint (late, doubled, about the run before):
 * libvirt is asked, and a start that has begun meanwhile counts more than the hint.
 */
#include "srv/sriovd/attach-work.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/net-call.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/vf-work.h"

static bool of_domain(const struct srv_nic *nic)
{
	return nic->row.owner.kind == SRV_OWNER_LIBVIRT;
}

/* Cleaning up what stood under a virtio nic: on the domain's queue, before a next start's attach.
 */

static void clean_run(void *data)
{
	srv_attach_work_clean_uplink(data);
}

static void clean_gone(void *data)
{
	srv_attach_work_free(data);
}

static void clean_done(const struct sriov_error *late, void *data)
{
	if (!late)
		clean_gone(data);
}

static void clean_uplink(struct srv_daemon *daemon, const struct srv_nic *nic)
{
	g_autofree char *subject = srv_nic_subject(nic);
	struct srv_attach_work *work;

	if (nic->row.backing != SRV_BACKING_VIRTIO)
		return;
	work = srv_detach_work_new(daemon, nic, NULL);
	if (work)
		srv_net_call(daemon, srv_daemon_domain_queue(daemon, nic->row.owner.key), subject,
			     "removing what it stood on", clean_run, clean_done, clean_gone, work);
}

static void release_nic(struct srv_daemon *daemon, struct srv_nic *nic, struct srv_ledger_txn *txn)
{
	struct srv_vf *vf = nic->vf;

	if (nic->busy) {
		nic->owner_gone = true;
		return;
	}
	clean_uplink(daemon, nic);
	srv_model_set_backing(nic, SRV_BACKING_NONE, NULL);
	if (vf && nic->untouched)
		srv_model_mark_vf(vf, SRV_VF_CLEAN, NULL);
	nic->untouched = nic->doubtful = false;
	srv_team_reset(&nic->team);
	srv_model_waits_no_more(nic);
	nic->row.negotiated = false;
	srv_model_set_nic_state(nic, SRV_NIC_IDLE, NULL);
	srv_daemon_put_nic(txn, nic);
	if (vf)
		srv_daemon_put_vf(txn, vf);
}

static void released(const struct sriov_error *error, void *data)
{
	struct srv_daemon *daemon = data;

	/*
	 * Should the ledger not have taken it yet, it still says that the VF is owned: after a
	 * restart the reconciliation finds the owner gone and releases again. Before that the VF is
	 * not clean in the ledger either, so nobody gets it.
	 */
	for (guint i = 0; i < daemon->model->pfs->len; i++)
		srv_pf_scrub(daemon, daemon->model->pfs->pdata[i]);
	srv_nic_serve_waiting(daemon);
}

/* Those of nics (of struct srv_nic) that have anything. */
static void release_nics(struct srv_daemon *daemon, const GPtrArray *nics)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(daemon->ledger);
	bool any = false;

	for (guint i = 0; i < nics->len; i++) {
		struct srv_nic *nic = nics->pdata[i];

		if (!of_domain(nic) || (nic->row.state == SRV_NIC_IDLE && !nic->vf))
			continue;
		any = true;
		release_nic(daemon, nic, txn);
	}
	if (!any) {
		srv_ledger_abandon(txn);
		return;
	}
	srv_ledger_keep(txn);
	srv_ledger_commit(txn, released, daemon);
}

void srv_nic_release_owner(struct srv_daemon *daemon, const char *uuid)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(daemon->model, uuid);

	release_nics(daemon, nics);
}

void srv_nic_release(struct srv_daemon *daemon, struct srv_nic *nic)
{
	g_autoptr(GPtrArray) nics = g_ptr_array_new();

	g_ptr_array_add(nics, nic);
	release_nics(daemon, nics);
}

/* Asking libvirt */

struct ask {
	struct srv_daemon *daemon;
	char *uuid;
	uint32_t generations; /* of its nics, summed: has it been started meanwhile? */
	struct srv_virt_domain *domain;
	struct sriov_error *error;
};

static uint32_t generations(struct srv_daemon *daemon, const char *uuid)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(daemon->model, uuid);
	uint32_t sum = 0;

	for (guint i = 0; i < nics->len; i++)
		sum += ((const struct srv_nic *)nics->pdata[i])->generation;
	return sum;
}

static void ask_run(void *data)
{
	struct ask *ask = data;

	srv_virt_get(ask->daemon->virt, ask->uuid, &ask->domain, &ask->error);
}

/* By it, other starts know that VFs may come free in a moment. */
static void count_leaving(struct srv_daemon *daemon, const char *uuid, int by)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(daemon->model, uuid);

	for (guint i = 0; i < nics->len; i++) {
		struct srv_nic *nic = nics->pdata[i];

		/* A row may have been made meanwhile. */
		if (by > 0 || nic->leaving > 0)
			nic->leaving += (unsigned)by;
	}
}

static void ask_done(void *data)
{
	struct ask *ask = data;
	bool gone = ask->domain ? !ask->domain->active : ask->error->code == SRIOV_ERROR_NOT_FOUND;

	count_leaving(ask->daemon, ask->uuid, -1);
	/* Without an answer nothing is taken away; the next reconciliation asks again. */
	if (gone && generations(ask->daemon, ask->uuid) == ask->generations)
		srv_nic_release_owner(ask->daemon, ask->uuid);
	else
		srv_nic_serve_waiting(ask->daemon);
	if (ask->domain)
		srv_virt_domain_free(ask->domain);
	sriov_error_free(ask->error);
	g_free(ask->uuid);
	g_free(ask);
}

void srv_nic_owner_gone(struct srv_daemon *daemon, const char *uuid)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(daemon->model, uuid);
	bool any = false;
	struct ask *ask;

	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];

		any |= of_domain(nic) && (nic->row.state != SRV_NIC_IDLE || nic->vf);
	}
	if (!any)
		return;
	ask = g_new0(struct ask, 1);
	ask->daemon = daemon;
	ask->uuid = g_strdup(uuid);
	ask->generations = generations(daemon, uuid);
	count_leaving(daemon, uuid, 1);
	srv_queue_push(srv_daemon_domain_queue(daemon, uuid), ask_run, ask_done, ask);
}
