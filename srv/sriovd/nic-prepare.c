// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The start of a domain, in libvirt's prepare hook: rows for the nics it asks for, a VF reserved
 * for each that can have one, all in one transaction, and only then the answer that lets the domain
 * start.
 */
#include <errno.h>
#include <string.h>

#include "srv/sriovd/daemon.h"
#include "srv/sriovd/decide.h"
#include "srv/sriovd/failover.h"
#include "srv/sriovd/gate.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/vf-work.h"

struct prepare {
	struct srv_daemon *daemon;
	char *uuid;
	char *name;
	GPtrArray *requests; /* of struct srv_nic_request */
	GPtrArray *links;    /* of char: VLAN links that its configuration names; NULL: none */
	GPtrArray *reserved; /* of char: ids of the nics that this try has reserved for */
	void (*done)(const struct sriov_error *error, void *data);
	void *data;
};

static void prepare_free(struct prepare *prepare)
{
	g_ptr_array_unref(prepare->requests);
	g_clear_pointer(&prepare->links, g_ptr_array_unref);
	g_ptr_array_unref(prepare->reserved);
	g_free(prepare->uuid);
	g_free(prepare->name);
	g_free(prepare);
}

/* Rows */

static char *request_subject(const char *name, const struct srv_nic_request *request)
{
	return g_strdup_printf("nic %s/%s", name, request->id);
}

static int check_request(struct srv_daemon *daemon, const struct srv_owner *owner,
			 const struct srv_nic_request *request, struct sriov_error **err)
{
	const struct srv_network *network = srv_config_network(daemon->model->config,
							       request->network);
	g_autofree char *subject = request_subject(owner->name, request);
	const struct srv_nic *own = srv_model_nic(daemon->model, owner, request->id);
	const struct srv_nic *holder;

	if (!network)
		return srv_config_no_network(daemon->model->config, request->network, subject, err);
	if (request->mode == SRV_MODE_FAILOVER && network->fallback.type == SRV_FALLBACK_NONE)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, subject,
				       "mode \"failover\" wants a virtio NIC that is always there, "
				       "and network %s has the fallback \"none\"",
				       request->network);
	if (!request->has_mac)
		return 0;
	holder = srv_model_nic_by_mac(daemon->model, request->mac);
	if (holder && holder != own) {
		g_autofree char *other = srv_nic_subject(holder);
		char mac[SRIOV_MAC_STRLEN];

		return sriov_error_set(err, SRIOV_ERROR_EXISTS, EADDRINUSE, subject,
				       "the MAC %s belongs to %s; give it another, or none, and "
				       "sriovd chooses one",
				       sriov_mac_format(request->mac, mac), other);
	}
	return 0;
}

int srv_nic_check_requests(struct srv_daemon *daemon, const char *uuid, const char *name,
			   const GPtrArray *requests, struct sriov_error **err)
{
	const struct srv_owner owner = { SRV_OWNER_LIBVIRT, (char *)uuid, (char *)name };

	for (guint i = 0; i < requests->len; i++) {
		int r = check_request(daemon, &owner, requests->pdata[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

static struct sriov_mac free_mac(struct srv_model *model, const char *owner, const char *id)
{
	uint32_t attempt = 0;
	struct sriov_mac mac;

	do
		mac = sriov_mac_derive(owner, id, attempt++);
	while (srv_model_nic_by_mac(model, mac));
	return mac;
}

static void change_mac(struct srv_model *model, struct srv_nic *nic, struct sriov_mac mac)
{
	g_hash_table_remove(model->nics_by_mac, &nic->row.mac);
	nic->row.mac = mac;
	g_hash_table_replace(model->nics_by_mac, &nic->row.mac, nic);
}

/* Its guest may have it: with the MAC and the network of then, to the next start. */
static bool is_live(const struct srv_nic *nic)
{
	switch (nic->row.state) {
	case SRV_NIC_ATTACHING:
	case SRV_NIC_ATTACHED:
	case SRV_NIC_DETACHING:
		return true;
	case SRV_NIC_IDLE:
	case SRV_NIC_RESERVED:
	case SRV_NIC_FAILED:
		return nic->busy;
	}
	g_assert_not_reached();
}

static void sync_network(struct srv_model *model, struct srv_nic *nic,
			 const struct srv_nic_request *request)
{
	if (request->has_mac && !sriov_mac_equal(nic->row.mac, request->mac))
		change_mac(model, nic, request->mac);
	if (g_str_equal(nic->row.network, request->network))
		return;
	g_free(nic->row.network);
	nic->row.network = g_strdup(request->network);
}

static struct srv_nic *sync_row(struct srv_daemon *daemon, const struct srv_owner *owner,
				const struct srv_nic_request *request)
{
	struct srv_nic *nic = srv_model_nic(daemon->model, owner, request->id);

	if (!nic) {
		struct srv_nic_row row = {
			.owner = *owner,
			.id = request->id,
			.network = request->network,
			.mac = request->has_mac ? request->mac
						: free_mac(daemon->model, owner->key, request->id),
			.state = SRV_NIC_IDLE,
			.since = g_get_real_time() / G_USEC_PER_SEC
		};

		nic = srv_model_add_nic(daemon->model, &row);
	}
	/* With virtio and a VF, or with one of them, it runs on as it was started. */
	if (!is_live(nic) ||
	    (nic->row.mode == SRV_MODE_FAILOVER) == (request->mode == SRV_MODE_FAILOVER))
		nic->row.mode = request->mode;
	nic->row.priority = request->priority;
	if (!is_live(nic))
		sync_network(daemon->model, nic, request);
	if (!g_str_equal(nic->row.owner.name, owner->name)) {
		g_free(nic->row.owner.name);
		nic->row.owner.name = g_strdup(owner->name);
	}
	return nic;
}

static const struct srv_nic_request *find_request(const GPtrArray *requests, const char *id)
{
	for (guint i = 0; i < requests->len; i++) {
		const struct srv_nic_request *request = requests->pdata[i];

		if (g_str_equal(request->id, id))
			return request;
	}
	return NULL;
}

/*
 * Idle ones that are not asked for any more, in a transaction of their own: nobody can bring them
 * back should the caller's fail.
 */
static void drop_rows(struct srv_daemon *daemon, const char *uuid, const GPtrArray *requests)
{
	g_autoptr(GPtrArray) old = srv_model_nics_of_domain(daemon->model, uuid);
	struct srv_ledger_txn *txn = NULL;

	for (guint i = 0; i < old->len; i++) {
		struct srv_nic *nic = old->pdata[i];

		if (nic->busy || nic->vf || find_request(requests, nic->row.id) ||
		    nic->row.state != SRV_NIC_IDLE)
			continue;
		if (!txn)
			txn = srv_ledger_begin(daemon->ledger);
		srv_ledger_delete_nic(txn, &nic->row.owner, nic->row.id);
		srv_failover_forget(daemon, nic);
		srv_model_remove_nic(daemon->model, nic);
	}
	if (txn)
		srv_ledger_commit(txn, NULL, NULL);
}

int srv_nic_sync_rows(struct srv_daemon *daemon, struct srv_ledger_txn *txn, const char *uuid,
		      const char *name, const GPtrArray *requests, struct sriov_error **err)
{
	const struct srv_owner owner = { SRV_OWNER_LIBVIRT, (char *)uuid, (char *)name };
	int r = srv_nic_check_requests(daemon, uuid, name, requests, err);

	if (r < 0)
		return r;
	drop_rows(daemon, uuid, requests);
	for (guint i = 0; i < requests->len; i++)
		srv_daemon_put_nic(txn, sync_row(daemon, &owner, requests->pdata[i]));
	return 0;
}

void srv_nic_sync_good_rows(struct srv_daemon *daemon, struct srv_ledger_txn *txn, const char *uuid,
			    const char *name, const GPtrArray *requests,
			    void (*told)(const struct sriov_error *error, void *data), void *data)
{
	const struct srv_owner owner = { SRV_OWNER_LIBVIRT, (char *)uuid, (char *)name };

	drop_rows(daemon, uuid, requests);
	for (guint i = 0; i < requests->len; i++) {
		sriov_autoerror err = NULL;

		if (check_request(daemon, &owner, requests->pdata[i], &err) < 0)
			told(err, data);
		else
			srv_daemon_put_nic(txn, sync_row(daemon, &owner, requests->pdata[i]));
	}
}

/* Deciding */

static void record(struct srv_nic *nic, const struct srv_decision *decision, const char *summary)
{
	json_t *json = srv_decision_to_json(decision, nic->row.backing, summary);

	g_free(nic->row.decision);
	nic->row.decision = json_dumps(json, JSON_COMPACT);
	json_decref(json);
}

static int reserve_virtio(struct srv_daemon *daemon, struct srv_nic *nic,
			  const struct srv_network *network, const char *summary,
			  struct sriov_error **err)
{
	g_autofree char *subject = srv_nic_subject(nic);
	struct srv_pf *pf;
	const char *why;
	g_autofree char *uplink = srv_decide_uplink(daemon->model, network, &pf, &why);

	if (!uplink)
		return sriov_error_set(err, SRIOV_ERROR_EXHAUSTED, ENOSPC, subject,
				       "%s, and there is no virtio instead: %s", summary, why);
	srv_model_set_backing(nic, SRV_BACKING_VIRTIO, NULL);
	g_free(nic->row.uplink);
	nic->row.uplink = g_steal_pointer(&uplink);
	srv_model_waits(daemon->model, nic);
	srv_model_set_nic_state(nic, SRV_NIC_RESERVED, summary);
	return 0;
}

int srv_nic_reserve(struct srv_daemon *daemon, struct srv_nic *nic, bool *ret_pending,
		    struct sriov_error **err)
{
	const struct srv_network *network = srv_config_network(daemon->model->config,
							       nic->row.network);
	g_autofree char *subject = srv_nic_subject(nic);
	g_autofree char *summary = NULL;
	struct srv_decision *decision;
	int r = 0;

	*ret_pending = false;
	if (nic->row.mode == SRV_MODE_FAILOVER)
		return srv_failover_reserve(daemon, nic, err);
	if (!network)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, subject,
				       "its network \"%s\" is not in the configuration any more",
				       nic->row.network);
	decision = srv_decide(daemon->model, network,
			      srv_daemon_numa_node(daemon, nic->row.owner.key));
	summary = srv_decision_summary(decision, network);
	*ret_pending = !decision->vf &&
		       (decision->scrub_pending || srv_failover_make_room(daemon, nic));
	if (decision->vf) {
		srv_model_set_backing(nic, SRV_BACKING_VF, decision->vf);
		srv_model_set_nic_state(nic, SRV_NIC_RESERVED, NULL);
		nic->untouched = true;
		srv_model_waits_no_more(nic);
	} else if (nic->row.mode == SRV_MODE_REQUIRED) {
		r = sriov_error_set(err, SRIOV_ERROR_EXHAUSTED, ENOSPC, subject,
				    "it requires a VF, and %s; %s%s", summary,
				    decision->candidates->len ? "free one"
							      : "see sriovctl config check",
				    nic->row.owner.kind == SRV_OWNER_MANUAL
					    ? ""
					    : ", or give the nic mode \"exclusive\"");
	} else {
		r = reserve_virtio(daemon, nic, network, summary, err);
	}
	record(nic, decision, summary);
	srv_decision_free(decision);
	return r;
}

/* One start */

static void put_all(struct prepare *prepare, struct srv_ledger_txn *txn)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(prepare->daemon->model, prepare->uuid);

	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];

		srv_daemon_put_nic(txn, nic);
		if (nic->vf)
			srv_daemon_put_vf(txn, nic->vf);
	}
}

/* A VF that was reserved and never touched is as clean as it was; one of the last run is not. */
static void give_up(struct srv_daemon *daemon, struct srv_nic *nic)
{
	struct srv_vf *vf = nic->vf;

	srv_model_set_backing(nic, SRV_BACKING_NONE, NULL);
	if (vf && nic->untouched)
		srv_model_mark_vf(vf, SRV_VF_CLEAN, NULL);
	else if (vf)
		srv_pf_scrub(daemon, vf->pf);
	nic->untouched = false;
	srv_model_set_nic_state(nic, SRV_NIC_IDLE, NULL);
}

/*
 * What this call has reserved and nobody has touched since is given up; not what the nics had
 * before, be it of their last run or of the same hook, called twice.
 */
static void undo(struct prepare *prepare)
{
	const struct srv_owner owner = { SRV_OWNER_LIBVIRT, prepare->uuid, prepare->name };

	for (guint i = 0; i < prepare->reserved->len; i++) {
		struct srv_nic *nic = srv_model_nic(prepare->daemon->model, &owner,
						    prepare->reserved->pdata[i]);

		if (nic && !nic->busy && nic->row.state == SRV_NIC_RESERVED)
			give_up(prepare->daemon, nic);
	}
	g_ptr_array_set_size(prepare->reserved, 0);
}

/* Can a nic start again with the VF of its last run? */
static bool suits(const struct srv_daemon *daemon, const struct srv_nic *nic,
		  const struct srv_nic_request *request)
{
	const struct srv_config *config = daemon->model->config;
	const struct srv_network *network = srv_config_network(config, request->network);

	return nic->vf && nic->vf->facts && network &&
	       nic->vf->pool == srv_config_pool(config, network->pool);
}

/* What was attached may be so still, should the hook be late and the guest run. */
static void keep(struct srv_nic *nic)
{
	nic->doubtful |= nic->row.state == SRV_NIC_ATTACHED;
	srv_model_set_nic_state(nic, SRV_NIC_RESERVED, NULL);
}

/*
 * It starts, so it does not run, whatever was not heard of the end of its last run: of that it
 * keeps the VFs that suit what it asks for now, what was attached, until libvirt has been looked
 * at, and what an operation is under way on.
 */
static void begin_anew(struct prepare *prepare)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(prepare->daemon->model, prepare->uuid);

	for (guint i = 0; i < nics->len; i++) {
		struct srv_nic *nic = nics->pdata[i];
		const struct srv_nic_request *request = find_request(prepare->requests,
								     nic->row.id);

		nic->generation++;
		if (nic->busy)
			nic->restarted = true;
		else if (nic->row.mode == SRV_MODE_FAILOVER)
			srv_failover_begin(prepare->daemon, nic);
		else if (request && (suits(prepare->daemon, nic, request) ||
				     (nic->row.state == SRV_NIC_ATTACHED && !nic->vf)))
			keep(nic);
		else if (nic->row.state != SRV_NIC_IDLE || nic->vf)
			give_up(prepare->daemon, nic);
	}
}

static void answer(const struct sriov_error *error, struct prepare *prepare)
{
	prepare->done(error, prepare->data);
	prepare_free(prepare);
}

/*
 * It does not start. The nics also have given up what they had of their last run, which is so all
 * the same.
 */
static void take_back(struct prepare *prepare)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(prepare->daemon->ledger);

	undo(prepare);
	put_all(prepare, txn);
	srv_ledger_commit(txn, NULL, NULL);
}

/*
 * A link that cannot be made is no reason of ours to refuse the start: libvirt does, with its own
 * words, when it finds none there. Of a kernel that hangs the hook is told, as of a daemon that
 * does (hook.c).
 */
static void linked(const struct sriov_error *error, void *data)
{
	struct prepare *prepare = data;
	g_autofree char *why = error ? sriov_error_text(error) : NULL;

	if (error && error->code != SRIOV_ERROR_TIMEOUT)
		srv_event(prepare->daemon->events, LOG_WARNING, "nic", prepare->name,
			  "a VLAN link that its configuration names cannot be made: %s", why);
	if (error && error->code == SRIOV_ERROR_TIMEOUT)
		take_back(prepare);
	answer(error && error->code == SRIOV_ERROR_TIMEOUT ? error : NULL, prepare);
}

/* Nothing of it is in the ledger. UNAVAILABLE: the hook lets those through that can do without. */
static void not_recorded(struct prepare *prepare, const struct sriov_error *error)
{
	sriov_autoerror err = NULL;

	take_back(prepare);
	sriov_error_set(&err, SRIOV_ERROR_UNAVAILABLE, error->err, error->subject, "%s",
			error->message);
	answer(err, prepare);
}

static void committed(const struct sriov_error *error, void *data)
{
	struct prepare *prepare = data;

	/* libvirt looks for the links under failover nics as soon as it is let go. */
	if (error)
		not_recorded(prepare, error);
	else
		srv_failover_links(prepare->daemon, prepare->uuid, prepare->links, linked, prepare);
}

static int fail_busy(const struct srv_nic *nic, struct sriov_error **err)
{
	g_autofree char *subject = srv_nic_subject(nic);

	return sriov_error_set(err, SRIOV_ERROR_BUSY, EBUSY, subject,
			       "it requires a VF, and something of its last run is still under "
			       "way; try again in a moment");
}

/* Reserves for all its nics: 0, or the error of the first that cannot have what it needs. */
static int reserve_all(struct prepare *prepare, bool *ret_pending, struct sriov_error **err)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(prepare->daemon->model, prepare->uuid);
	bool any_pending = false;

	for (guint i = 0; i < nics->len; i++) {
		struct srv_nic *nic = nics->pdata[i];
		bool pending;
		int r;

		if (nic->vf || (nic->busy && nic->row.mode != SRV_MODE_REQUIRED))
			continue;
		/* Whether it is there still, libvirt is asked when the guest runs. */
		if (nic->doubtful && nic->row.state == SRV_NIC_RESERVED)
			continue;
		if (nic->busy)
			return fail_busy(nic, err);
		r = srv_nic_reserve(prepare->daemon, nic, &pending, err);
		any_pending |= pending;
		if (r < 0) {
			*ret_pending = any_pending;
			return r;
		}
		g_ptr_array_add(prepare->reserved, g_strdup(nic->row.id));
	}
	*ret_pending = any_pending;
	return 0;
}

static void refuse(const struct sriov_error *error, void *data)
{
	struct prepare *prepare = data;

	prepare->done(error, prepare->data);
	prepare_free(prepare);
}

/* Which VFs there are is not known: who can do without one is let through. */
static void refuse_unlooked(struct prepare *prepare)
{
	sriov_autoerror err = NULL;

	srv_gate_refusal(prepare->daemon, &err);
	refuse(err, prepare);
}

static bool try(bool last, void *data)
{
	struct prepare *prepare = data;
	struct srv_daemon *daemon = prepare->daemon;
	sriov_autoerror err = NULL;
	struct srv_ledger_txn *txn;
	bool pending = false;

	if (!daemon->looked) {
		refuse_unlooked(prepare);
		return true;
	}
	txn = srv_ledger_begin(daemon->ledger);
	begin_anew(prepare);
	if (srv_nic_sync_rows(daemon, txn, prepare->uuid, prepare->name, prepare->requests, &err) ==
	    0) {
		int r = reserve_all(prepare, &pending, &err);

		if (pending && !last) {
			undo(prepare);
			put_all(prepare, txn);
			srv_ledger_commit(txn, NULL, NULL);
			return false;
		}
		if (r == 0) {
			put_all(prepare, txn);
			srv_ledger_needs_room(txn);
			srv_ledger_commit(txn, committed, prepare);
			return true;
		}
		undo(prepare);
		put_all(prepare, txn);
	}
	srv_ledger_commit(txn, NULL, NULL);
	refuse(err, prepare);
	return true;
}

static gpointer copy_request(gconstpointer request, gpointer data)
{
	return srv_nic_request_copy(request);
}

static gpointer copy_name(gconstpointer name, gpointer data)
{
	return g_strdup(name);
}

void srv_nic_prepare(struct srv_daemon *daemon, const char *uuid, const char *name,
		     const GPtrArray *requests, const GPtrArray *links,
		     void (*done)(const struct sriov_error *error, void *data), void *data)
{
	struct prepare *prepare = g_new0(struct prepare, 1);

	prepare->daemon = daemon;
	prepare->uuid = g_strdup(uuid);
	prepare->name = g_strdup(name);
	prepare->requests = g_ptr_array_copy((GPtrArray *)requests, copy_request, NULL);
	g_ptr_array_set_free_func(prepare->requests, (GDestroyNotify)srv_nic_request_free);
	if (links) {
		prepare->links = g_ptr_array_copy((GPtrArray *)links, copy_name, NULL);
		g_ptr_array_set_free_func(prepare->links, g_free);
	}
	prepare->reserved = g_ptr_array_new_with_free_func(g_free);
	prepare->done = done;
	prepare->data = data;
	srv_nic_wait(daemon, try, refuse, prepare);
}
