// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Giving a running domain what was reserved for its nic, and taking it away. The VF is configured
 * first, on its PF's line; then libvirt attaches it, on the domain's queue; then the ledger is
 * told. When a VF cannot be had after all, an exclusive nic gets virtio.
 */
#include <errno.h>

#include "srv/sriovd/attach-work.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/decide.h"
#include "srv/sriovd/failover-internal.h"
#include "srv/sriovd/failover.h"
#include "srv/sriovd/gate.h"
#include "srv/sriovd/net-call.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/vf-work.h"

struct attach {
	struct srv_daemon *daemon;
	struct srv_nic *nic; /* busy meanwhile, so it stays */
	struct srv_attach_work *work;
	struct sriov_error *error;
	struct sriov_error *withdraw_error;
	bool look; /* it may be there already */
	void (*done)(const struct sriov_error *error, void *data);
	void *data;
};

static void attach_begin(struct attach *attach);

static void attach_free(struct attach *attach)
{
	srv_attach_work_free(attach->work);
	sriov_error_free(attach->error);
	sriov_error_free(attach->withdraw_error);
	g_free(attach);
}

static void attach_gone(void *data)
{
	attach_free(data);
}

/* On the domain's queue; what is done is for people. */
static void call(struct attach *attach, const char *what, void (*run)(void *data),
		 void (*done)(const struct sriov_error *late, void *data))
{
	g_autofree char *subject = srv_nic_subject(attach->nic);

	srv_net_call(attach->daemon,
		     srv_daemon_domain_queue(attach->daemon, attach->nic->row.owner.key), subject,
		     what, run, done, attach_gone, attach);
}

/*
 * Goes on without the thread, which has what it works with until it comes back; of it nothing is
 * known then. With late NULL it is the same one.
 */
static struct attach *part(struct attach *attach, const struct sriov_error *late)
{
	struct attach *rest;

	if (!late)
		return attach;
	rest = g_new0(struct attach, 1);
	*rest = (struct attach){ .daemon = attach->daemon,
				 .nic = attach->nic,
				 .error = sriov_error_copy(late),
				 .done = attach->done,
				 .data = attach->data };
	return rest;
}

struct waiter {
	void (*done)(struct srv_nic *nic, void *data);
	void *data;
};

void srv_nic_when_settled(struct srv_nic *nic, void (*done)(struct srv_nic *nic, void *data),
			  void *data)
{
	const struct waiter waiter = { done, data };

	if (!nic->busy) {
		done(nic, data);
		return;
	}
	if (!nic->waiters)
		nic->waiters = g_array_new(FALSE, FALSE, sizeof(struct waiter));
	g_array_append_val(nic->waiters, waiter);
}

/* One of them may begin the next operation; the others then wait for that as well. */
void srv_nic_settled(struct srv_nic *nic)
{
	g_autoptr(GArray) waiters = g_steal_pointer(&nic->waiters);

	for (guint i = 0; waiters && i < waiters->len; i++) {
		const struct waiter *waiter = &g_array_index(waiters, struct waiter, i);

		srv_nic_when_settled(nic, waiter->done, waiter->data);
	}
}

static void finish(struct attach *attach, const struct sriov_error *error)
{
	struct srv_daemon *daemon = attach->daemon;
	struct srv_nic *nic = attach->nic;

	bool gone = nic->owner_gone, restarted = nic->restarted;
	g_autofree char *uuid = g_strdup(nic->row.owner.key);

	nic->busy = false;
	nic->owner_gone = nic->restarted = false;
	if (nic->row.mode == SRV_MODE_FAILOVER && nic->row.state == SRV_NIC_ATTACHED &&
	    attach->work)
		srv_failover_attached(daemon, nic, srv_attach_work_tap(attach->work), true);
	if (attach->done)
		attach->done(error, attach->data);
	srv_nic_settled(nic);
	if (gone)
		srv_nic_owner_gone(daemon, uuid);
	/* What it has now it got for the run before. */
	if (restarted)
		srv_reconcile_soon(daemon);
	attach_free(attach);
	/* Its owner's next start may wait for just this. */
	srv_nic_serve_waiting(daemon);
}

static void recorded(const struct sriov_error *error, void *data)
{
	struct attach *attach = data;

	finish(attach, attach->error ? attach->error : error);
}

/* libvirt may be back already, and the pass of that have found the nic busy. */
static void unknown_recorded(const struct sriov_error *error, void *data)
{
	struct srv_daemon *daemon = ((struct attach *)data)->daemon;

	recorded(error, data);
	srv_reconcile_soon(daemon);
}

static void record_then(struct attach *attach,
			void (*done)(const struct sriov_error *error, void *data))
{
	struct srv_ledger_txn *txn = srv_ledger_begin(attach->daemon->ledger);

	srv_daemon_put_nic(txn, attach->nic);
	srv_ledger_keep(txn);
	srv_ledger_commit(txn, done, attach);
}

static void record(struct attach *attach)
{
	record_then(attach, recorded);
}

static void succeeded(struct attach *attach)
{
	struct srv_nic *nic = attach->nic;
	g_autofree char *subject = srv_nic_subject(nic);
	g_autofree char *reason = g_strdup(nic->row.reason);
	const char *uplink = srv_attach_work_uplink(attach->work);

	if (nic->vf) {
		g_autofree char *vf = srv_vf_name(nic->vf);

		srv_model_set_nic_state(nic, SRV_NIC_ATTACHED, NULL);
		srv_event(attach->daemon->events, LOG_INFO, "nic", subject, "attached, VF %s", vf);
	} else {
		g_free(nic->row.uplink);
		nic->row.uplink = g_strdup(uplink);
		srv_model_set_nic_state(nic, SRV_NIC_ATTACHED, reason);
		if (nic->row.mode == SRV_MODE_FAILOVER)
			srv_model_waits(attach->daemon->model, nic);
		srv_event(attach->daemon->events, LOG_INFO, "nic", subject,
			  "attached, virtio on %s: %s", uplink, reason ? reason : "");
	}
	record(attach);
}

/* Its backing goes back; a VF that was touched is scrubbed. */
static void give_back(struct attach *attach)
{
	struct srv_nic *nic = attach->nic;
	struct srv_pf *pf = nic->vf ? nic->vf->pf : NULL;

	srv_model_set_backing(nic, SRV_BACKING_NONE, NULL);
	if (pf)
		srv_pf_scrub(attach->daemon, pf);
}

static void virtio_recorded(const struct sriov_error *error, void *data)
{
	struct attach *attach = data;
	g_autofree char *why = NULL;

	if (!error) {
		attach_begin(attach);
		return;
	}
	/* The next reconciliation finds the guest without it. */
	attach->error = sriov_error_copy(error);
	why = sriov_error_text(error);
	srv_model_set_backing(attach->nic, SRV_BACKING_NONE, NULL);
	srv_model_set_nic_state(attach->nic, SRV_NIC_FAILED, why);
	record(attach);
}

/* The VF may have its next owner before libvirt has attached what comes in its place. */
static void put_and_begin(struct attach *attach)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(attach->daemon->ledger);

	srv_daemon_put_nic(txn, attach->nic);
	srv_ledger_keep(txn);
	srv_ledger_commit(txn, virtio_recorded, attach);
}

static bool try_virtio(struct attach *attach)
{
	struct srv_nic *nic = attach->nic;
	const struct srv_network *network = srv_config_network(attach->daemon->model->config,
							       nic->row.network);
	g_autofree char *why = sriov_error_text(attach->error);
	g_autofree char *uplink = NULL;
	struct srv_pf *pf;
	const char *why_none;

	if (!nic->vf || nic->row.mode != SRV_MODE_EXCLUSIVE || !network || nic->owner_gone)
		return false;
	uplink = srv_decide_uplink(attach->daemon->model, network, &pf, &why_none);
	if (!uplink)
		return false;
	give_back(attach);
	srv_model_set_backing(nic, SRV_BACKING_VIRTIO, NULL);
	nic->row.uplink = g_steal_pointer(&uplink);
	srv_model_waits(attach->daemon->model, nic);
	srv_model_set_nic_state(nic, SRV_NIC_ATTACHING, why);
	g_clear_pointer(&attach->error, sriov_error_free);
	g_clear_pointer(&attach->work, srv_attach_work_free);
	put_and_begin(attach);
	return true;
}

static void failed(struct attach *attach)
{
	g_autofree char *subject = srv_nic_subject(attach->nic);
	g_autofree char *why = sriov_error_text(attach->error);

	srv_event(attach->daemon->events, LOG_ERR, "nic", subject, "cannot be attached: %s", why);
	if (try_virtio(attach))
		return;
	give_back(attach);
	srv_model_set_nic_state(attach->nic, SRV_NIC_FAILED, why);
	record(attach);
}

/*
 * libvirt went away in the midst, and it can be that the guest has the device: it keeps what it was
 * given until libvirt can be asked, which reconciliation does as soon as it is back.
 */
static void put_off(struct attach *attach)
{
	struct srv_nic *nic = attach->nic;
	g_autofree char *subject = srv_nic_subject(nic);
	g_autofree char *why = sriov_error_text(attach->error);

	srv_model_set_nic_state(nic, SRV_NIC_ATTACHING, why);
	srv_event(attach->daemon->events, LOG_WARNING, "nic", subject,
		  "not known whether it is attached, looked at when libvirt is back: %s", why);
	record_then(attach, unknown_recorded);
}

static void attach_run(void *data)
{
	struct attach *attach = data;
	bool there = false;

	/* The virtio half of a failover nic is in the domain's own configuration, if it is right.
	 */
	if (attach->look && srv_attach_work_look(attach->work, &there, &attach->error) < 0)
		return;
	if (!there)
		srv_attach_work_run(attach->work, &attach->error);
}

/* The VF is in the guest without the network's attributes: it does not stay there. */
static void withdraw_run(void *data)
{
	struct attach *attach = data;

	srv_detach_work_run(attach->work, &attach->withdraw_error);
}

static void withdrawn(const struct sriov_error *late, void *data)
{
	struct attach *attach = part(data, late);
	g_autofree char *subject = NULL;
	g_autofree char *why = NULL;

	if (late)
		attach->withdraw_error = sriov_error_copy(late);

	if (!attach->withdraw_error) {
		failed(attach);
		return;
	}
	/* The guest has it still, so it keeps it. */
	sriov_error_wrap(&attach->error, "%s", attach->withdraw_error->message);
	why = sriov_error_text(attach->error);
	srv_model_set_nic_state(attach->nic, SRV_NIC_ATTACHED, why);
	subject = srv_nic_subject(attach->nic);
	srv_event(attach->daemon->events, LOG_ERR, "nic", subject,
		  "has not all attributes of its network, and cannot be taken back: %s", why);
	record(attach);
}

static void restored(const struct sriov_error *error, void *data)
{
	struct attach *attach = data;

	if (!error) {
		succeeded(attach);
		return;
	}
	attach->error = sriov_error_copy(error);
	call(attach, "taking its VF back", withdraw_run, withdrawn);
}

static void attach_ran(const struct sriov_error *late, void *data)
{
	struct attach *attach = part(data, late);
	const struct srv_network *network = srv_config_network(attach->daemon->model->config,
							       attach->nic->row.network);
	struct snl_vf_attrs attrs;

	/* Not once more when it is busy: srv_virt_attach() has waited for minutes, reconciliation
	 * goes on. */
	if (attach->error && attach->error->code == SRIOV_ERROR_UNAVAILABLE) {
		put_off(attach);
	} else if (attach->error) {
		failed(attach);
	} else if (attach->nic->vf && network) {
		attrs = srv_nic_attrs(attach->nic, network);
		srv_vf_restore(attach->daemon, attach->nic->vf, &attrs, restored, attach);
	} else {
		succeeded(attach);
	}
}

static void attach_device(struct attach *attach)
{
	const struct srv_vf *vf = attach->nic->vf;

	/* Meanwhile: then it has no address any more. */
	if (vf && !vf->facts) {
		g_autofree char *name = srv_vf_name(vf);

		sriov_error_set(&attach->error, SRIOV_ERROR_DEVICE, ENODEV, NULL,
				"VF %s is gone: somebody destroyed it, or the PF was removed",
				name);
		failed(attach);
		return;
	}
	attach->work = srv_attach_work_new(attach->daemon, attach->nic, &attach->error);
	attach->look = attach->nic->row.mode == SRV_MODE_FAILOVER;
	if (!attach->work) {
		failed(attach);
		return;
	}
	call(attach, "attaching it", attach_run, attach_ran);
}

static void configured(const struct sriov_error *error, void *data)
{
	struct attach *attach = data;

	if (error) {
		attach->error = sriov_error_copy(error);
		failed(attach);
		return;
	}
	attach_device(attach);
}

static void attach_begin(struct attach *attach)
{
	struct srv_nic *nic = attach->nic;
	const struct srv_network *network = srv_config_network(attach->daemon->model->config,
							       nic->row.network);
	struct snl_vf_attrs attrs;

	if (!nic->vf || !network) {
		attach_device(attach);
		return;
	}
	attrs = srv_nic_attrs(nic, network);
	nic->untouched = false;
	srv_vf_configure(attach->daemon, nic->vf, &attrs, configured, attach);
}

void srv_nic_attach(struct srv_daemon *daemon, struct srv_nic *nic,
		    void (*done)(const struct sriov_error *error, void *data), void *data)
{
	struct attach *attach;

	if (nic->busy || nic->row.state != SRV_NIC_RESERVED) {
		if (done)
			done(NULL, data);
		return;
	}
	attach = g_new0(struct attach, 1);
	attach->daemon = daemon;
	attach->nic = nic;
	attach->done = done;
	attach->data = data;
	nic->busy = true;
	srv_model_set_nic_state(nic, SRV_NIC_ATTACHING, nic->row.reason);
	attach_begin(attach);
}

struct putting {
	struct srv_daemon *daemon;
	struct srv_nic_key *key;
	void (*done)(struct srv_nic *nic, const struct sriov_error *error, void *data);
	void *data;
};

static void put_done(const struct sriov_error *error, void *data)
{
	struct putting *putting = data;
	struct srv_nic *nic = srv_nic_of_key(putting->daemon->model, putting->key);

	if (!error && nic) {
		srv_nic_attach(putting->daemon, nic, NULL, NULL);
	} else if (nic && !putting->done) {
		g_autofree char *subject = srv_nic_subject(nic);
		g_autofree char *why = sriov_error_text(error);

		srv_event(putting->daemon->events, LOG_WARNING, "nic", subject,
			  "not attached yet, as that cannot be written down: %s", why);
	}
	if (putting->done)
		putting->done(nic, error, putting->data);
	srv_nic_key_free(putting->key);
	g_free(putting);
}

void srv_nic_put_and_attach(struct srv_daemon *daemon, struct srv_nic *nic,
			    void (*done)(struct srv_nic *nic, const struct sriov_error *error,
					 void *data),
			    void *data)
{
	struct putting *putting = g_new(struct putting, 1);
	struct srv_ledger_txn *txn = srv_ledger_begin(daemon->ledger);

	*putting = (struct putting){ daemon, srv_nic_key_of(nic), done, data };
	srv_daemon_put_nic(txn, nic);
	if (nic->vf)
		srv_daemon_put_vf(txn, nic->vf);
	srv_ledger_commit(txn, put_done, putting);
}

void srv_nic_attach_owner(struct srv_daemon *daemon, const char *uuid)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(daemon->model, uuid);
	bool unprepared = false, look = false;

	for (guint i = 0; i < nics->len; i++) {
		struct srv_nic *nic = nics->pdata[i];

		if (nic->doubtful && nic->row.state == SRV_NIC_RESERVED) {
			look = true;
			continue;
		}
		/* Reserved by a sriovd before this one: what became of it the first pass finds. */
		if (!srv_gate_is_open(daemon) && !nic->changed)
			continue;
		unprepared |= !nic->busy &&
			      (nic->row.state == SRV_NIC_IDLE || nic->row.state == SRV_NIC_FAILED);
		srv_nic_attach(daemon, nic, NULL, NULL);
	}
	if (look)
		srv_reconcile(daemon);
	/* Its hook was lost, or came while the nic was busy. */
	if (unprepared)
		srv_reconcile_soon(daemon);
}

/* What the VF of a running guest must have */

static void attributes_restored(const struct sriov_error *error, void *data)
{
	struct attach *attach = data;
	g_autofree char *subject = srv_nic_subject(attach->nic);
	g_autofree char *why = error ? sriov_error_text(error) : NULL;

	if (why)
		srv_event(attach->daemon->events, LOG_ERR, "nic", subject,
			  "may not have the attributes of its network: %s", why);
	srv_model_set_nic_state(attach->nic, SRV_NIC_ATTACHED, why);
	record(attach);
}

void srv_nic_restore(struct srv_daemon *daemon, struct srv_nic *nic)
{
	const struct srv_network *network = srv_config_network(daemon->model->config,
							       nic->row.network);
	struct snl_vf_attrs attrs;
	struct attach *attach;

	if (nic->busy || nic->row.state != SRV_NIC_ATTACHED || !nic->vf || !nic->vf->facts ||
	    !network)
		return;
	attach = g_new0(struct attach, 1);
	attach->daemon = daemon;
	attach->nic = nic;
	nic->busy = true;
	attrs = srv_nic_attrs(nic, network);
	srv_vf_restore(daemon, nic->vf, &attrs, attributes_restored, attach);
}

/* What the PF must know of a running guest's device behind a bridge */

struct fdb {
	struct srv_daemon *daemon;
	struct srv_nic *nic; /* busy meanwhile, so it stays */
	struct srv_attach_work *work;
	char *tap;
	struct sriov_error *error;
};

static void fdb_run(void *data)
{
	struct fdb *fdb = data;

	srv_attach_work_add_fdb(fdb->work, fdb->tap, &fdb->error);
}

static void fdb_gone(void *data)
{
	struct fdb *fdb = data;

	srv_attach_work_free(fdb->work);
	sriov_error_free(fdb->error);
	g_free(fdb->tap);
	g_free(fdb);
}

static void fdb_ran(const struct sriov_error *late, void *data)
{
	struct fdb *fdb = data;
	const struct sriov_error *error = late ?: fdb->error;
	g_autofree char *subject = srv_nic_subject(fdb->nic);
	g_autofree char *why = error ? sriov_error_text(error) : NULL;
	struct attach *attach = g_new0(struct attach, 1);

	if (why)
		srv_event(fdb->daemon->events, LOG_ERR, "nic", subject,
			  "somebody removed its MAC from its PF's filter, and it cannot be put "
			  "back, so VFs of that PF do not reach it: %s",
			  why);
	else
		srv_event(fdb->daemon->events, LOG_WARNING, "nic", subject,
			  "somebody removed its MAC from its PF's filter; it is there again");
	attach->daemon = fdb->daemon;
	attach->nic = fdb->nic;
	if (!late)
		fdb_gone(fdb);
	finish(attach, NULL);
}

void srv_nic_restore_fdb(struct srv_daemon *daemon, struct srv_nic *nic, const char *tap)
{
	struct srv_attach_work *work = srv_attach_work_new(daemon, nic, NULL);
	g_autofree char *subject = srv_nic_subject(nic);
	struct fdb *fdb;

	if (!work)
		return;
	fdb = g_new0(struct fdb, 1);
	*fdb = (struct fdb){ daemon, nic, work, g_strdup(tap), NULL };
	nic->busy = true;
	srv_net_call(daemon, srv_daemon_domain_queue(daemon, nic->row.owner.key), subject,
		     "putting its MAC into its PF's filter", fdb_run, fdb_ran, fdb_gone, fdb);
}

/* Detaching */

static void detach_run(void *data)
{
	struct attach *attach = data;

	srv_detach_work_run(attach->work, &attach->error);
}

static void detach_ran(const struct sriov_error *late, void *data)
{
	struct attach *attach = part(data, late);
	struct srv_nic *nic = attach->nic;
	g_autofree char *subject = srv_nic_subject(nic);

	if (attach->error) {
		g_autofree char *why = sriov_error_text(attach->error);
		bool unknown = late || attach->error->code == SRIOV_ERROR_UNAVAILABLE;

		/*
		 * The guest has it still, so it keeps it. Without libvirt, or while the thread may
		 * yet do it, nobody knows: looked at when they are back.
		 */
		srv_model_set_nic_state(nic, unknown ? SRV_NIC_DETACHING : SRV_NIC_ATTACHED, why);
		srv_event(attach->daemon->events, LOG_WARNING, "nic", subject,
			  "cannot be detached: %s", why);
	} else {
		give_back(attach);
		srv_team_reset(&nic->team);
		srv_model_set_nic_state(nic, SRV_NIC_IDLE, NULL);
		srv_model_waits_no_more(nic);
		nic->row.negotiated = false;
		srv_event(attach->daemon->events, LOG_INFO, "nic", subject, "detached");
	}
	record(attach);
}

/* Not in the ledger, so not done. */
static void detach_recorded(const struct sriov_error *error, void *data)
{
	struct attach *attach = data;
	struct srv_nic *nic = attach->nic;

	if (error) {
		g_autofree char *why = sriov_error_text(error);

		srv_model_set_nic_state(nic, SRV_NIC_ATTACHED, why);
		finish(attach, error);
		return;
	}
	call(attach, "detaching it", detach_run, detach_ran);
}

/* The VF half of a failover nic goes first, and only then the half that the guest talks by. */

struct detach_team {
	struct srv_daemon *daemon;
	struct srv_nic *nic;
	void (*done)(const struct sriov_error *error, void *data);
	void *data;
};

static void demoted(const struct sriov_error *error, void *data)
{
	g_autofree struct detach_team *team = data;

	if (!error)
		srv_nic_detach(team->daemon, team->nic, team->done, team->data);
	else if (team->done)
		team->done(error, team->data);
}

static void detach_team(struct srv_daemon *daemon, struct srv_nic *nic,
			void (*done)(const struct sriov_error *error, void *data), void *data)
{
	struct detach_team *team = g_new0(struct detach_team, 1);

	team->daemon = daemon;
	team->nic = nic;
	team->done = done;
	team->data = data;
	srv_demote(daemon, nic, "the nic is removed", demoted, team);
}

void srv_nic_detach(struct srv_daemon *daemon, struct srv_nic *nic,
		    void (*done)(const struct sriov_error *error, void *data), void *data)
{
	struct attach *attach;

	g_assert(!nic->busy);
	if (nic->row.mode == SRV_MODE_FAILOVER && nic->vf) {
		detach_team(daemon, nic, done, data);
		return;
	}
	attach = g_new0(struct attach, 1);
	attach->daemon = daemon;
	attach->nic = nic;
	attach->done = done;
	attach->data = data;
	nic->busy = true;
	attach->work = srv_detach_work_new(daemon, nic, &attach->error);
	if (!attach->work) {
		recorded(NULL, attach);
		return;
	}
	srv_model_set_nic_state(nic, SRV_NIC_DETACHING, NULL);
	srv_failover_record(daemon, nic, nic->vf, detach_recorded, attach);
}
