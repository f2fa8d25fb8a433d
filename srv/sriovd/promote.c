// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plugging a VF in as the second half of a failover nic, and pulling it out again. Each step is in
 * the ledger before it is done, so that whoever comes after a crash knows what may have happened
 * and asks libvirt what has. steer.h has the order of what happens to the MAC, and why.
 */
#include <errno.h>

#include "srv/sriovd/attach-work.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/failover-internal.h"
#include "srv/sriovd/net-call.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/vf-work.h"

/* A domain that is just busy (it starts, it migrates) is tried again sooner. */
#define BUSY_SECONDS 10

#define DEMOTE_STEPS 4

struct move {
	struct srv_daemon *daemon;
	struct srv_nic *nic; /* busy meanwhile, so it stays */
	struct srv_job *job; /* that tells of each step; NULL */
	struct srv_attach_work *work;
	struct snl_vf_attrs attrs;
	struct sriov_error *error;
	void (*done)(const struct sriov_error *error, void *data);
	void *data;
};

static struct move *move_new(struct srv_daemon *daemon, struct srv_nic *nic,
			     void (*done)(const struct sriov_error *error, void *data), void *data)
{
	struct move *move = g_new0(struct move, 1);

	move->daemon = daemon;
	move->nic = nic;
	move->done = done;
	move->data = data;
	nic->busy = true;
	return move;
}

static void move_free(void *data)
{
	struct move *move = data;

	srv_attach_work_free(move->work);
	sriov_error_free(move->error);
	g_free(move);
}

/* On the domain's queue, where others of its nics may hang; what is done is for people. */
static void call(struct move *move, const char *what, void (*run)(void *data),
		 void (*done)(const struct sriov_error *late, void *data))
{
	g_autofree char *subject = srv_nic_subject(move->nic);

	srv_net_call(move->daemon, srv_daemon_domain_queue(move->daemon, move->nic->row.owner.key),
		     subject, what, run, done, move_free, move);
}

/* Goes on without the thread, as in nic-attach.c. */
static struct move *part(struct move *move, const struct sriov_error *late)
{
	struct move *rest;

	if (!late)
		return move;
	rest = g_new0(struct move, 1);
	*rest = (struct move){ .daemon = move->daemon,
			       .nic = move->nic,
			       .attrs = move->attrs,
			       .error = sriov_error_copy(late),
			       .done = move->done,
			       .data = move->data };
	return rest;
}

static void finish(struct move *move)
{
	struct srv_daemon *daemon = move->daemon;
	struct srv_nic *nic = move->nic;
	bool gone = nic->owner_gone, restarted = nic->restarted;
	g_autofree char *uuid = g_strdup(nic->row.owner.key);

	nic->busy = false;
	nic->owner_gone = nic->restarted = false;
	if (move->done)
		move->done(move->error, move->data);
	srv_nic_settled(nic);
	if (gone)
		srv_nic_owner_gone(daemon, uuid);
	/* What it has now it got for the run before. */
	if (restarted)
		srv_reconcile_soon(daemon);
	move_free(move);
	srv_failover_steer(daemon);
	/* Also its owner's next start, and last of all who waits for a promotion. */
	srv_nic_serve_waiting(daemon);
}

static void finish_recorded(const struct sriov_error *error, void *data)
{
	finish(data);
}

/* What has become of it is so, whether the ledger can be written now or later. */
static void record_end(struct move *move, const struct srv_vf *vf,
		       void (*done)(const struct sriov_error *error, void *data))
{
	struct srv_ledger_txn *txn = srv_ledger_begin(move->daemon->ledger);

	srv_daemon_put_nic(txn, move->nic);
	srv_daemon_put_vf(txn, vf);
	srv_ledger_keep(txn);
	srv_ledger_commit(txn, done, move);
}

/* The model without the VF; the ledger is the caller's to tell. */
static struct srv_vf *drop_vf(struct srv_daemon *daemon, struct srv_nic *nic, const char *reason)
{
	const struct srv_failover_settings *settings = &daemon->model->config->failover;
	int64_t rest = settings->promote_seconds * G_USEC_PER_SEC;
	struct srv_vf *vf = nic->vf;

	srv_model_set_backing(nic, SRV_BACKING_VIRTIO, NULL);
	srv_model_set_nic_state(nic, SRV_NIC_ATTACHED, reason);
	/* After a promotion that failed it is where it was. */
	srv_model_waits(daemon->model, nic);
	nic->team.plugged = false;
	nic->team.in_use = false;
	nic->team.leaving = false;
	nic->team.not_before = MAX(nic->team.not_before, g_get_monotonic_time() + rest);
	return vf;
}

/* Promotion */

static void promote_failed(struct move *move)
{
	struct srv_daemon *daemon = move->daemon;
	struct srv_nic *nic = move->nic;
	const struct srv_failover_settings *settings = &daemon->model->config->failover;
	bool busy = move->error->code == SRIOV_ERROR_TIMEOUT ||
		    move->error->code == SRIOV_ERROR_BUSY ||
		    move->error->code == SRIOV_ERROR_UNAVAILABLE;
	g_autofree char *subject = srv_nic_subject(nic);
	g_autofree char *text = sriov_error_text(move->error);
	g_autofree char *why = g_strdup_printf(SRV_NOT_PROMOTED ": %s", text);
	bool untouched = nic->untouched;
	struct srv_vf *vf = drop_vf(daemon, nic, why);

	nic->untouched = false;
	if (untouched)
		srv_model_mark_vf(vf, SRV_VF_CLEAN, NULL);
	nic->team.not_before = g_get_monotonic_time() +
			       (busy ? BUSY_SECONDS : settings->retry_seconds) * G_USEC_PER_SEC;
	srv_event(daemon->events, LOG_WARNING, "nic", subject, "not promoted: %s", text);
	record_end(move, vf, finish_recorded);
	srv_pf_scrub(daemon, vf->pf);
}

/* libvirt may be back already, and the pass of that have found the nic busy. */
static void put_off_recorded(const struct sriov_error *error, void *data)
{
	struct srv_daemon *daemon = ((struct move *)data)->daemon;

	finish(data);
	srv_reconcile_soon(daemon);
}

/*
 * libvirt went away in the midst, and it can be that the guest has the VF, or gets it yet: it stays
 * the nic's until libvirt can be asked, which reconciliation does as soon as it is back. Whether
 * the guest uses it the kernel tells meanwhile, and frames go by that.
 */
static void put_off(struct move *move)
{
	struct srv_nic *nic = move->nic;
	g_autofree char *subject = srv_nic_subject(nic);
	g_autofree char *why = sriov_error_text(move->error);

	nic->team.plugged = true;
	nic->team.in_use = false;
	nic->team.idle_since = g_get_monotonic_time();
	srv_model_set_nic_state(nic, SRV_NIC_ATTACHING, why);
	srv_event(move->daemon->events, LOG_WARNING, "nic", subject,
		  "not known whether it has its VF, looked at when libvirt is back: %s", why);
	record_end(move, nic->vf, put_off_recorded);
}

/* The VF is in the guest without the network's attributes: it does not stay there. */
static void withdraw(const struct sriov_error *error, void *data)
{
	struct move *move = data;
	struct srv_daemon *daemon = move->daemon;
	struct srv_nic *nic = move->nic;
	const struct srv_failover_settings *settings = &daemon->model->config->failover;
	g_autofree char *why = g_strdup(nic->row.reason);

	nic->team.not_before = g_get_monotonic_time() + settings->retry_seconds * G_USEC_PER_SEC;
	finish(move);
	srv_demote(daemon, nic, why, NULL, NULL);
}

static void restored(const struct sriov_error *error, void *data)
{
	struct move *move = data;
	struct srv_daemon *daemon = move->daemon;
	struct srv_nic *nic = move->nic;
	g_autofree char *subject = srv_nic_subject(nic);
	g_autofree char *name = srv_vf_name(nic->vf);
	g_autofree char *why = error ? sriov_error_text(error) : NULL;

	srv_model_set_nic_state(nic, SRV_NIC_ATTACHED, why);
	if (!error)
		srv_model_waits_no_more(nic);
	if (error)
		srv_event(daemon->events, LOG_ERR, "nic", subject,
			  "the VF has not the attributes that it should have: %s", why);
	else
		srv_event(daemon->events, LOG_INFO, "nic", subject, "promoted, VF %s", name);
	record_end(move, nic->vf, error ? withdraw : finish_recorded);
}

static void attach_run(void *data)
{
	struct move *move = data;

	srv_attach_work_run(move->work, &move->error);
}

static void attach_ran(const struct sriov_error *late, void *data)
{
	struct move *move = part(data, late);
	struct srv_nic *nic = move->nic;

	if (move->error && move->error->code == SRIOV_ERROR_UNAVAILABLE) {
		put_off(move);
		return;
	}
	if (move->error) {
		promote_failed(move);
		return;
	}
	nic->team.plugged = true;
	nic->team.in_use = false;
	nic->team.idle_since = g_get_monotonic_time();
	srv_failover_steer(move->daemon);
	srv_vf_restore(move->daemon, nic->vf, &move->attrs, restored, move);
}

static void configured(const struct sriov_error *error, void *data)
{
	struct move *move = data;

	if (error)
		move->error = sriov_error_copy(error);
	else
		move->work = srv_attach_work_new(move->daemon, move->nic, &move->error);
	if (!move->work) {
		promote_failed(move);
		return;
	}
	call(move, "giving it a VF", attach_run, attach_ran);
}

static void reserved(const struct sriov_error *error, void *data)
{
	struct move *move = data;
	struct srv_nic *nic = move->nic;
	const struct srv_network *network = srv_config_network(move->daemon->model->config,
							       nic->row.network);

	if (error)
		move->error = sriov_error_copy(error);
	else if (!network)
		sriov_error_set(&move->error, SRIOV_ERROR_INVALID, EINVAL, NULL,
				"its network \"%s\" is not in the configuration any more",
				nic->row.network);
	else if (nic->owner_gone)
		sriov_error_set(&move->error, SRIOV_ERROR_NOT_FOUND, ENOENT, NULL,
				"its domain has been shut off");
	if (move->error) {
		promote_failed(move);
		return;
	}
	nic->untouched = false;
	move->attrs = srv_nic_attrs(nic, network);
	srv_vf_configure(move->daemon, nic->vf, &move->attrs, configured, move);
}

void srv_promote(struct srv_daemon *daemon, struct srv_nic *nic, struct srv_vf *vf)
{
	struct move *move = move_new(daemon, nic, NULL, NULL);
	g_autofree char *subject = srv_nic_subject(nic);
	g_autofree char *name = srv_vf_name(vf);

	srv_model_set_backing(nic, SRV_BACKING_VF, vf);
	nic->untouched = true;
	srv_model_set_nic_state(nic, SRV_NIC_ATTACHING, NULL);
	srv_event(daemon->events, LOG_INFO, "nic", subject, "is given VF %s", name);
	srv_failover_record(daemon, nic, vf, reserved, move);
}

/* Demotion */

void srv_demoted(struct srv_daemon *daemon, struct srv_nic *nic, const char *why)
{
	g_autofree char *subject = srv_nic_subject(nic);
	g_autofree char *reason = g_strdup(why);
	struct srv_vf *vf = drop_vf(daemon, nic, reason);

	srv_event(daemon->events, LOG_INFO, "nic", subject, "demoted to virtio: %s", reason);
	srv_failover_record(daemon, nic, vf, NULL, NULL);
	srv_failover_steer(daemon);
	srv_pf_scrub(daemon, vf->pf);
}

static void detach_run(void *data)
{
	struct move *move = data;

	srv_detach_work_run(move->work, &move->error);
}

/* The guest has it still, so it keeps it, and nobody else gets it. */
static void demote_failed(struct move *move)
{
	struct srv_daemon *daemon = move->daemon;
	struct srv_nic *nic = move->nic;
	const struct srv_failover_settings *settings = &daemon->model->config->failover;
	g_autofree char *subject = srv_nic_subject(nic);
	g_autofree char *text = sriov_error_text(move->error);
	g_autofree char *why = g_strdup_printf("it was to give up its VF (%s), and keeps it: %s",
					       nic->row.reason ? nic->row.reason : "no reason",
					       text);

	nic->team.leaving = false;
	nic->team.ask_again = g_get_monotonic_time() + settings->retry_seconds * G_USEC_PER_SEC;
	srv_model_set_nic_state(nic, SRV_NIC_ATTACHED, why);
	srv_event(daemon->events, LOG_WARNING, "nic", subject, "not demoted: %s", text);
	record_end(move, nic->vf, finish_recorded);
}

static void detach_ran(const struct sriov_error *late, void *data)
{
	struct move *move = part(data, late);
	struct srv_daemon *daemon = move->daemon;
	struct srv_nic *nic = move->nic;
	g_autofree char *subject = srv_nic_subject(nic);
	g_autofree char *why = g_strdup(nic->row.reason);
	struct srv_vf *vf;

	if (move->error) {
		demote_failed(move);
		return;
	}
	vf = drop_vf(daemon, nic, why);
	srv_job_step(move->job, DEMOTE_STEPS, "its guest has let go, the VF is scrubbed");
	srv_event(daemon->events, LOG_INFO, "nic", subject, "demoted to virtio: %s", why);
	record_end(move, vf, finish_recorded);
	srv_failover_steer(daemon);
	srv_pf_scrub(daemon, vf->pf);
}

/* The virtio half receives: now the guest may be asked. */
static void steered(void *data)
{
	struct move *move = data;
	g_autofree char *name = srv_vf_name(move->nic->vf);

	srv_job_step(move->job, DEMOTE_STEPS,
		     "the virtio half receives; the guest is asked to let go of VF %s", name);
	move->work = srv_detach_work_new(move->daemon, move->nic, &move->error);
	if (!move->work) {
		demote_failed(move);
		return;
	}
	call(move, "taking its VF back", detach_run, detach_ran);
}

static void demote_recorded(const struct sriov_error *error, void *data)
{
	struct move *move = data;
	struct srv_nic *nic = move->nic;

	if (error) {
		g_autofree char *why = sriov_error_text(error);

		/* Not in the ledger, so not done: soon once more. */
		move->error = sriov_error_copy(error);
		nic->team.leaving = false;
		nic->team.ask_again = g_get_monotonic_time() + BUSY_SECONDS * G_USEC_PER_SEC;
		srv_model_set_nic_state(nic, SRV_NIC_ATTACHED, why);
		finish(move);
		return;
	}
	srv_failover_steer_now(move->daemon, steered, move);
}

void srv_demote(struct srv_daemon *daemon, struct srv_nic *nic, const char *why,
		void (*done)(const struct sriov_error *error, void *data), void *data)
{
	srv_demote_watched(daemon, nic, why, NULL, done, data);
}

void srv_demote_watched(struct srv_daemon *daemon, struct srv_nic *nic, const char *why,
			struct srv_job *job,
			void (*done)(const struct sriov_error *error, void *data), void *data)
{
	g_autofree char *subject = srv_nic_subject(nic);
	g_autofree char *name = NULL;
	struct move *move;

	if (nic->busy || !nic->vf) {
		sriov_autoerror err = NULL;

		if (nic->busy)
			sriov_error_set(&err, SRIOV_ERROR_BUSY, EBUSY, subject,
					"an operation on it is under way; try again");
		if (done)
			done(err, data);
		return;
	}
	move = move_new(daemon, nic, done, data);
	move->job = job;
	name = srv_vf_name(nic->vf);
	srv_job_step(job, DEMOTE_STEPS,
		     "it is to give up VF %s: the virtio half is made to receive", name);
	srv_model_set_nic_state(nic, SRV_NIC_DETACHING, why);
	nic->team.leaving = true;
	srv_event(daemon->events, LOG_INFO, "nic", subject, "is to give up VF %s: %s", name,
		  nic->row.reason);
	srv_failover_record(daemon, nic, nic->vf, demote_recorded, move);
}
