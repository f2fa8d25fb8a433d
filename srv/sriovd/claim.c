// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/claim.h"

#include <errno.h>

#include "base/parse.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/gate.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/vf-work.h"

struct claim {
	struct srv_daemon *daemon;
	struct srv_claim_request request; /* a copy, which also outlives a wait */
	struct srv_nic *nic;
	bool is_new;
	struct sriov_error *error;
	void (*done)(const struct srv_nic *nic, const struct sriov_error *error, void *data);
	void *data;
};

static void claim_free(struct claim *claim)
{
	g_free((char *)claim->request.owner);
	g_free((char *)claim->request.network);
	g_free((char *)claim->request.id);
	sriov_error_free(claim->error);
	g_free(claim);
}

static void claim_finish(struct claim *claim, const struct sriov_error *error)
{
	if (claim->nic)
		claim->nic->busy = false;
	claim->done(error ? NULL : claim->nic, error, claim->data);
	claim_free(claim);
}

/* The VF that was to be claimed was destroyed meanwhile, and the ledger has not heard of that. */
static void forget_vf(struct srv_daemon *daemon, const struct srv_vf *vf)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(daemon->ledger);

	srv_daemon_put_vf(txn, vf);
	srv_ledger_keep(txn);
	srv_ledger_commit(txn, NULL, NULL);
	srv_pf_scrub(daemon, vf->pf);
}

/* The claim did not come about; the VF is as it was. Nothing of it is in the ledger. */
static void forget(struct claim *claim)
{
	struct srv_nic *nic = g_steal_pointer(&claim->nic);
	struct srv_vf *vf = nic->vf;
	bool untouched = nic->untouched;

	srv_model_set_backing(nic, SRV_BACKING_NONE, NULL);
	srv_model_remove_nic(claim->daemon->model, nic);
	if (untouched)
		srv_model_mark_vf(vf, SRV_VF_CLEAN, NULL);
	else
		forget_vf(claim->daemon, vf);
}

static void taken_back(const struct sriov_error *error, void *data)
{
	struct claim *claim = data;
	struct srv_nic *nic = claim->nic;
	struct srv_vf *vf = nic->vf;

	if (error) {
		/* It is in the ledger still, so it is claimed still: to be released, or claimed
		 * again. */
		srv_model_set_nic_state(nic, SRV_NIC_FAILED, claim->error->message);
	} else {
		claim->nic = NULL;
		srv_model_set_backing(nic, SRV_BACKING_NONE, NULL);
		srv_model_forget_ex_owners(vf);
		srv_model_remove_nic(claim->daemon->model, nic);
		srv_pf_scrub(claim->daemon, vf->pf);
	}
	claim_finish(claim, claim->error);
}

/* The VF cannot be set up. The client is told when the ledger does not say any more that it has it.
 */
static void take_back(struct claim *claim, const struct sriov_error *error)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(claim->daemon->ledger);
	const struct srv_nic_row *row = &claim->nic->row;

	claim->error = sriov_error_copy(error);
	srv_ledger_delete_nic(txn, &row->owner, row->id);
	srv_daemon_put_vf(txn, claim->nic->vf);
	srv_ledger_commit(txn, taken_back, claim);
}

static void configured(const struct sriov_error *error, void *data)
{
	struct claim *claim = data;

	if (error && claim->is_new) {
		take_back(claim, error);
		return;
	}
	if (!error)
		srv_model_set_nic_state(claim->nic, SRV_NIC_ATTACHED, NULL);
	claim_finish(claim, error);
}

static const struct srv_network *find_network(struct srv_daemon *daemon, const struct srv_nic *nic)
{
	return srv_config_network(daemon->model->config, nic->row.network);
}

/* The configuration can be another one by now. */
static int fail_network(const char *owner, struct sriov_error **err)
{
	return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, owner,
			       "its network is not in the configuration any more");
}

static void configure(struct claim *claim, const struct srv_network *network)
{
	struct snl_vf_attrs attrs = srv_nic_attrs(claim->nic, network);

	/* One that is there already may be in use: a driver acts on what it has already, too. */
	if (!claim->is_new && claim->nic->vf->pool &&
	    claim->nic->vf->pool->device_type == SRV_DEVICE_VFIO)
		srv_vf_restore(claim->daemon, claim->nic->vf, &attrs, configured, claim);
	else
		srv_vf_configure(claim->daemon, claim->nic->vf, &attrs, configured, claim);
}

static void committed(const struct sriov_error *error, void *data)
{
	struct claim *claim = data;
	const struct srv_network *network = find_network(claim->daemon, claim->nic);
	sriov_autoerror err = NULL;

	if (error) {
		forget(claim);
		claim_finish(claim, error);
	} else if (network) {
		configure(claim, network);
	} else {
		fail_network(claim->nic->row.owner.key, &err);
		take_back(claim, err);
	}
}

static int check(struct srv_daemon *daemon, const struct srv_claim_request *request,
		 const struct srv_network **ret_network, struct sriov_error **err)
{
	const struct srv_nic *holder;

	if (!sriov_name_is_valid(request->owner) || !sriov_name_is_valid(request->id))
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL,
				       sriov_name_is_valid(request->owner) ? "id" : "owner",
				       "a name has 1 to 64 letters, digits, '.', '_' or '-', and "
				       "begins with a letter or digit");
	*ret_network = srv_config_network(daemon->model->config, request->network);
	if (!*ret_network)
		return srv_config_no_network(daemon->model->config, request->network, "network",
					     err);
	if (!request->has_mac)
		return 0;
	if (!sriov_mac_is_valid(request->mac))
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, "mac",
				       "a port's MAC cannot be all zero or a multicast address");
	holder = srv_model_nic_by_mac(daemon->model, request->mac);
	if (holder) {
		g_autofree char *other = srv_nic_subject(holder);

		return sriov_error_set(err, SRIOV_ERROR_EXISTS, EADDRINUSE, "mac",
				       "this MAC belongs to %s", other);
	}
	return 0;
}

/* The claim that is there already: 1 when it is the same one, an error when it is another. */
static int same_claim(const struct srv_nic *nic, const struct srv_claim_request *request,
		      struct sriov_error **err)
{
	g_autofree char *subject = srv_nic_subject(nic);

	if (nic->busy)
		return sriov_error_set(err, SRIOV_ERROR_BUSY, EBUSY, subject,
				       "another call is working on it; try again");
	if (!g_str_equal(nic->row.network, request->network) ||
	    (request->has_mac && !sriov_mac_equal(nic->row.mac, request->mac)))
		return sriov_error_set(err, SRIOV_ERROR_EXISTS, EEXIST, subject,
				       "it is claimed already, on network %s with another MAC or "
				       "network than asked for; release it first",
				       nic->row.network);
	return 1;
}

static struct srv_nic *add_nic(struct srv_daemon *daemon, const struct srv_owner *owner,
			       const struct srv_claim_request *request)
{
	struct srv_nic_row row = { .owner = *owner,
				   .id = (char *)request->id,
				   .network = (char *)request->network,
				   .mode = SRV_MODE_REQUIRED,
				   .mac = request->mac,
				   .state = SRV_NIC_RESERVED,
				   .since = g_get_real_time() / G_USEC_PER_SEC };

	for (uint32_t attempt = 0; !request->has_mac; attempt++) {
		row.mac = sriov_mac_derive(owner->key, request->id, attempt);
		if (!srv_model_nic_by_mac(daemon->model, row.mac))
			break;
	}
	return srv_model_add_nic(daemon->model, &row);
}

/* ret_pending: with an error, that a VF comes free soon */
static int claim_new(struct claim *claim, const struct srv_owner *owner, bool *ret_pending,
		     struct sriov_error **err)
{
	const struct srv_claim_request *request = &claim->request;
	struct srv_daemon *daemon = claim->daemon;
	const struct srv_network *network;
	struct srv_ledger_txn *txn;
	int r = check(daemon, request, &network, err);

	if (r < 0)
		return r;
	claim->nic = add_nic(daemon, owner, request);
	r = srv_nic_reserve(daemon, claim->nic, ret_pending, err);
	if (r < 0) {
		srv_model_remove_nic(daemon->model, claim->nic);
		claim->nic = NULL;
		return r;
	}
	claim->is_new = true;
	claim->nic->busy = true;
	/* Durable as it will be: one commit. A restart configures what it finds claimed again. */
	srv_model_set_nic_state(claim->nic, SRV_NIC_ATTACHED, NULL);
	txn = srv_ledger_begin(daemon->ledger);
	srv_ledger_needs_room(txn);
	srv_daemon_put_nic(txn, claim->nic);
	srv_daemon_put_vf(txn, claim->nic->vf);
	srv_ledger_commit(txn, committed, claim);
	return 0;
}

static int claim_again(struct claim *claim, struct srv_nic *nic, struct sriov_error **err)
{
	const struct srv_network *network = find_network(claim->daemon, nic);
	int r = same_claim(nic, &claim->request, err);

	if (r < 0)
		return r;
	if (!nic->vf || !network)
		return fail_network(claim->request.owner, err);
	claim->nic = nic;
	nic->busy = true;
	configure(claim, network);
	return 0;
}

/* It was so when the call came, and may be otherwise after a wait. */
static int check_daemon(const struct claim *claim, bool *ret_pending, struct sriov_error **err)
{
	const struct sriov_error *refusal = srv_daemon_refusal(claim->daemon);

	if (refusal)
		return sriov_error_propagate(err, sriov_error_copy(refusal));
	if (claim->request.is_wanted && !claim->request.is_wanted(claim->data))
		return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, ECONNRESET,
				       claim->request.owner,
				       "who claimed for it did not wait for a VF to come free");
	if (srv_gate_is_open(claim->daemon))
		return 0;
	*ret_pending = true;
	return srv_gate_refusal(claim->daemon, err);
}

/* 0 when it is under way, or done: it may be gone then. */
static int begin(struct claim *claim, bool *ret_pending, struct sriov_error **err)
{
	char *name = (char *)claim->request.owner;
	const struct srv_owner owner = { SRV_OWNER_MANUAL, name, name };
	struct srv_nic *nic;
	int r = check_daemon(claim, ret_pending, err);

	if (r < 0)
		return r;
	nic = srv_model_nic(claim->daemon->model, &owner, claim->request.id);
	return nic ? claim_again(claim, nic, err) : claim_new(claim, &owner, ret_pending, err);
}

static void refuse(const struct sriov_error *error, void *data)
{
	claim_finish(data, error);
}

static bool try(bool last, void *data)
{
	sriov_autoerror err = NULL;
	bool pending = false;

	if (begin(data, &pending, &err) == 0)
		return true;
	if (pending && !last)
		return false;
	refuse(err, data);
	return true;
}

void srv_claim(struct srv_daemon *daemon, const struct srv_claim_request *request,
	       void (*done)(const struct srv_nic *nic, const struct sriov_error *error, void *data),
	       void *data)
{
	struct claim *claim = g_new0(struct claim, 1);

	claim->daemon = daemon;
	claim->request = *request;
	claim->request.owner = g_strdup(request->owner);
	claim->request.network = g_strdup(request->network);
	claim->request.id = g_strdup(request->id);
	claim->done = done;
	claim->data = data;
	srv_nic_wait(daemon, try, refuse, claim);
}

/* Releasing */

struct release {
	struct srv_daemon *daemon;
	struct srv_job *job;
	GPtrArray *nics; /* of struct srv_nic: busy until the release is on disk */
	GPtrArray *vfs;	 /* of struct srv_vf: to be scrubbed */
	guint tries;
	void (*done)(const struct sriov_error *error, void *data);
	void *data;
};

static void release_free(struct release *release)
{
	g_ptr_array_unref(release->nics);
	g_ptr_array_unref(release->vfs);
	g_free(release);
}

#define SCRUB_POLL_MS	 100
#define SCRUB_POLLS_MAX	 600
#define DRIVER_POLLS_MAX 50

/* The job's end: every VF free, or one that could not be scrubbed. */
static gboolean follow_scrub(gpointer data)
{
	struct release *release = data;
	sriov_autoerror err = NULL;

	for (guint i = 0; i < release->vfs->len; i++) {
		const struct srv_vf *vf = release->vfs->pdata[i];
		g_autofree char *name = srv_vf_name(vf);
		const char *reason;

		switch (srv_vf_state(vf, &reason)) {
		case SRV_VF_STATE_DIRTY:
			if (++release->tries < SCRUB_POLLS_MAX)
				return G_SOURCE_CONTINUE;
			sriov_error_set(&err, SRIOV_ERROR_TIMEOUT, ETIMEDOUT, name,
					"it is released, and its scrub goes on: %s",
					vf->held ? "a process still has it open"
						 : "its PF is busy");
			break;
		case SRV_VF_UNUSABLE:
			/* A network driver is taken away for the reset and comes back after it. */
			if (vf->scrubbing || ++release->tries < DRIVER_POLLS_MAX)
				return G_SOURCE_CONTINUE;
			G_GNUC_FALLTHROUGH;
		case SRV_VF_STATE_QUARANTINED:
			if (!err)
				sriov_error_set(&err, SRIOV_ERROR_DEVICE, EIO, name, "%s", reason);
			break;
		case SRV_VF_FREE:
		case SRV_VF_OWNED: /* somebody else has it already */
		case SRV_VF_UNMANAGED:
			break;
		}
	}
	if (err)
		srv_job_failed(release->job, err);
	else
		srv_job_done(release->job, "released and scrubbed");
	release_free(release);
	return G_SOURCE_REMOVE;
}

/* Only now, for a release that is not on disk has not happened. */
static void let_go(struct release *release)
{
	for (guint i = 0; i < release->nics->len; i++) {
		struct srv_nic *nic = release->nics->pdata[i];
		struct srv_vf *vf = nic->vf;

		srv_model_set_backing(nic, SRV_BACKING_NONE, NULL);
		srv_model_remove_nic(release->daemon->model, nic);
		if (!vf)
			continue;
		srv_model_forget_ex_owners(vf);
		g_ptr_array_add(release->vfs, vf);
	}
	g_ptr_array_set_size(release->nics, 0);
}

static void release_committed(const struct sriov_error *error, void *data)
{
	struct release *release = data;

	for (guint i = 0; i < release->nics->len; i++)
		((struct srv_nic *)release->nics->pdata[i])->busy = false;
	if (!error)
		let_go(release);
	release->done(error, release->data);
	if (error) {
		srv_job_failed(release->job, error);
		release_free(release);
		return;
	}
	for (guint i = 0; i < release->vfs->len; i++)
		srv_pf_scrub(release->daemon, ((struct srv_vf *)release->vfs->pdata[i])->pf);
	srv_job_step(release->job, 2, "released, scrubbing");
	g_timeout_add(SCRUB_POLL_MS, follow_scrub, release);
}

static int find_claims(struct srv_daemon *daemon, const char *owner, const char *id, GPtrArray *ret,
		       struct sriov_error **err)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of(daemon->model, owner);

	for (guint i = 0; i < nics->len; i++) {
		struct srv_nic *nic = nics->pdata[i];
		g_autofree char *subject = srv_nic_subject(nic);

		if (nic->row.owner.kind != SRV_OWNER_MANUAL ||
		    (id && !g_str_equal(nic->row.id, id)))
			continue;
		if (nic->busy)
			return sriov_error_set(err, SRIOV_ERROR_BUSY, EBUSY, subject,
					       "another call is working on it; try again");
		g_ptr_array_add(ret, nic);
	}
	if (!ret->len)
		return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENOENT, owner,
				       "has no claim%s%s to release; sriovctl nic list shows them",
				       id ? " " : "", id ? id : "");
	return 0;
}

void srv_claim_release(struct srv_daemon *daemon, const char *owner, const char *id,
		       struct srv_job *job,
		       void (*done)(const struct sriov_error *error, void *data), void *data)
{
	g_autoptr(GPtrArray) nics = g_ptr_array_new();
	struct srv_ledger_txn *txn;
	struct release *release;
	sriov_autoerror err = NULL;

	if (find_claims(daemon, owner, id, nics, &err) < 0) {
		srv_job_failed(job, err);
		done(err, data);
		return;
	}
	release = g_new0(struct release, 1);
	release->daemon = daemon;
	release->job = job;
	release->nics = g_steal_pointer(&nics);
	release->vfs = g_ptr_array_new();
	release->done = done;
	release->data = data;
	srv_job_step(job, 2, "releasing");
	txn = srv_ledger_begin(daemon->ledger);
	for (guint i = 0; i < release->nics->len; i++) {
		struct srv_nic *nic = release->nics->pdata[i];

		nic->busy = true;
		srv_ledger_delete_nic(txn, &nic->row.owner, nic->row.id);
		if (nic->vf)
			srv_daemon_put_vf(txn, nic->vf);
	}
	srv_ledger_commit(txn, release_committed, release);
}
