// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In steps: who is the domain (libvirt), may it be so and with which MAC (the model), read its
 * metadata, change it and write it (libvirt), rows (ledger).
 */
#include "srv/sriovd/nic-edit.h"

#include <errno.h>

#include "srv/sriovd/attach-work.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/failover-edit.h"
#include "srv/sriovd/failover-internal.h"
#include "srv/sriovd/net-call.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"

#define TRIES_MAX 8 /* for an id of ours to be free */

struct work {
	struct srv_daemon *daemon;
	struct srv_nic_edit *edit;
	bool chosen_id, chosen_mac, promised;
	struct sriov_mac promise; /* the edit may come to have another MAC than it was promised */
	bool left_over;		  /* the nic's virtio NIC is in the stored configuration */
	bool marked; /* the nic counts as one that is being detached, and is busy for us */
	guint tries;
	/* of struct srv_nic_request: what the domain asks for from its next start on, and what it
	 * asks for now while it runs (else NULL): when looked at, and as written */
	GPtrArray *before, *before_live;
	GPtrArray *after, *after_live;
	struct srv_attach_work *virtio; /* of a failover nic: what its configuration gets */
	struct sriov_error *error;
	void (*done)(const struct sriov_error *error, void *data);
	void *data;
};

void srv_nic_edit_free(struct srv_nic_edit *edit)
{
	if (!edit)
		return;
	g_free(edit->domain);
	srv_nic_request_free(edit->request);
	g_free(edit->remove);
	g_free(edit->uuid);
	g_free(edit->name);
	g_free(edit);
}

/* A MAC that is written into metadata, and not yet in a row where all can see it. */
static void promise_mac(struct work *work)
{
	struct sriov_mac *mac = g_memdup2(&work->edit->request->mac, sizeof(*mac));

	g_hash_table_add(work->daemon->macs_in_use, mac);
	work->promise = *mac;
	work->promised = true;
}

static void take_promise_back(struct work *work)
{
	if (work->promised)
		g_hash_table_remove(work->daemon->macs_in_use, &work->promise);
	work->promised = false;
}

static struct srv_nic *find_removed(const struct work *work)
{
	const struct srv_owner owner = { SRV_OWNER_LIBVIRT, work->edit->uuid, work->edit->name };

	return srv_model_nic(work->daemon->model, &owner, work->edit->remove);
}

/* The removal goes on, or nothing came of it; when nobody can tell, the next pass sees which. */
static void unmark(struct work *work, const struct sriov_error *error)
{
	struct srv_daemon *daemon = work->daemon;
	struct srv_nic *nic = find_removed(work);
	g_autofree char *uuid = g_strdup(work->edit->uuid);
	bool gone, restarted;

	work->marked = false;
	if (!nic)
		return;
	gone = nic->owner_gone;
	restarted = nic->restarted;
	nic->busy = nic->owner_gone = nic->restarted = false;
	if (error && error->code != SRIOV_ERROR_UNAVAILABLE && error->code != SRIOV_ERROR_TIMEOUT) {
		srv_model_set_nic_state(nic, SRV_NIC_ATTACHED, NULL);
		srv_failover_record(daemon, nic, nic->vf, NULL, NULL);
	}
	srv_nic_settled(nic);
	if (gone)
		srv_nic_owner_gone(daemon, uuid);
	if (restarted)
		srv_reconcile_soon(daemon);
}

static void tell(struct work *work, const struct sriov_error *error)
{
	if (work->marked)
		unmark(work, error);
	take_promise_back(work);
	work->done(error, work->data);
}

static void work_free(void *data)
{
	struct work *work = data;

	g_clear_pointer(&work->before, g_ptr_array_unref);
	g_clear_pointer(&work->before_live, g_ptr_array_unref);
	g_clear_pointer(&work->after, g_ptr_array_unref);
	g_clear_pointer(&work->after_live, g_ptr_array_unref);
	srv_attach_work_free(work->virtio);
	sriov_error_free(work->error);
	g_free(work);
}

static void finish(struct work *work, const struct sriov_error *error)
{
	tell(work, error);
	work_free(work);
}

static gpointer copy_request(gconstpointer request, gpointer data)
{
	return srv_nic_request_copy(request);
}

static GPtrArray *copy_requests(const GPtrArray *requests)
{
	GPtrArray *copy = g_ptr_array_copy((GPtrArray *)requests, copy_request, NULL);

	g_ptr_array_set_free_func(copy, (GDestroyNotify)srv_nic_request_free);
	return copy;
}

static struct srv_nic_request *find(const GPtrArray *requests, const char *id)
{
	for (guint i = 0; i < requests->len; i++) {
		struct srv_nic_request *request = requests->pdata[i];

		if (g_str_equal(request->id, id))
			return request;
	}
	return NULL;
}

static bool has_alias(const struct srv_domain *domain, const char *id)
{
	g_autofree char *alias = srv_nic_alias(id);

	for (guint i = 0; i < domain->ifaces->len; i++) {
		const struct srv_domain_iface *iface = domain->ifaces->pdata[i];

		if (g_strcmp0(iface->alias, alias) == 0)
			return true;
	}
	return false;
}

/*
 * Blocks. *ret_nics is of its stored configuration, which is what the next start asks for; of a
 * running domain that has none stored, of its live one. *ret_live is NULL where there is not both.
 */
static int read_domain(struct work *work, const char *domain, GPtrArray **ret_nics,
		       GPtrArray **ret_live)
{
	const char *id = work->edit->remove ?: work->edit->request->id;
	struct srv_nic_edit *edit = work->edit;
	const struct sriov_error *bad;
	struct srv_virt_domain *found;
	int r = srv_virt_get(work->daemon->virt, domain, &found, &work->error);

	if (r < 0)
		return r;
	bad = found->bad ?: found->stored_bad;
	g_free(edit->uuid);
	g_free(edit->name);
	edit->uuid = g_strdup(found->uuid);
	edit->name = g_strdup(found->name);
	edit->active = found->active;
	if (bad)
		r = sriov_error_set(
			&work->error, SRIOV_ERROR_INVALID, EINVAL, found->name,
			"its metadata cannot be read, so nothing is written over it: %s "
			"(correct it with: virsh edit %s)",
			bad->message, found->name);
	else
		*ret_nics = copy_requests((found->stored ?: found->live)->nics);
	work->left_over = r == 0 && found->stored && id && has_alias(found->stored, id);
	if (r == 0)
		*ret_live = found->stored && found->live ? copy_requests(found->live->nics) : NULL;
	srv_virt_domain_free(found);
	return r;
}

/* The write, in one item of the domain's queue */

static bool same(const struct srv_nic_request *a, const struct srv_nic_request *b, bool any_mac)
{
	return g_str_equal(a->network, b->network) && a->mode == b->mode &&
	       a->priority == b->priority &&
	       (any_mac || (a->has_mac == b->has_mac && sriov_mac_equal(a->mac, b->mac)));
}

/* The live configuration that is to be changed as well; NULL: none, or not now. */
static GPtrArray *live_too(const struct work *work)
{
	return work->edit->now ? work->after_live : NULL;
}

/*
 * What was added for the next start may be asked for now, and what was removed from it may stay
 * after all. 1: it is the same, and request has its MAC.
 */
static int find_same(struct work *work, const GPtrArray *requests)
{
	struct srv_nic_request *request = work->edit->request;
	const struct srv_nic_request *old = requests ? find(requests, request->id) : NULL;

	if (!old)
		return 0;
	if (work->chosen_id || !work->edit->now || !same(old, request, work->chosen_mac))
		return sriov_error_set(&work->error, SRIOV_ERROR_EXISTS, EEXIST, work->edit->name,
				       "it has a nic \"%s\" already; take another id, or remove it "
				       "first",
				       request->id);
	request->has_mac = old->has_mac;
	request->mac = old->mac;
	return 1;
}

static int append(struct work *work, GPtrArray *requests)
{
	if (requests->len >= SRV_NICS_PER_OWNER_MAX)
		return sriov_error_set(&work->error, SRIOV_ERROR_LIMIT, E2BIG, work->edit->name,
				       "it has %d nics, and more it cannot have",
				       SRV_NICS_PER_OWNER_MAX);
	g_ptr_array_add(requests, srv_nic_request_copy(work->edit->request));
	return 0;
}

static int add(struct work *work)
{
	GPtrArray *live = live_too(work);
	int stored_has = find_same(work, work->after);
	int live_has = stored_has < 0 ? 0 : find_same(work, live);
	int r = MIN(stored_has, live_has);

	if (r >= 0 && !stored_has)
		r = append(work, work->after);
	if (r >= 0 && live && !live_has)
		r = append(work, live);
	work->edit->existed = stored_has > 0;
	return MIN(r, 0);
}

static int take_out(struct work *work)
{
	const struct srv_nic_edit *edit = work->edit;
	GPtrArray *live = live_too(work);
	struct srv_nic_request *stored = find(work->after, edit->remove);
	struct srv_nic_request *now = live ? find(live, edit->remove) : NULL;

	/* Of a removal that was cut short after the metadata, the rest is still to be done. */
	if (!stored && !now && work->left_over)
		return 0;
	if (!stored && !now)
		return sriov_error_set(&work->error, SRIOV_ERROR_NOT_FOUND, ENOENT, edit->name,
				       "it has no nic \"%s\" in its metadata", edit->remove);
	if (stored)
		g_ptr_array_remove(work->after, stored);
	if (now)
		g_ptr_array_remove(live, now);
	return 0;
}

/*
 * The two can differ in what others put there for the next start, and stay different in that. Not
 * in one go then: should the second fail, the first is taken back. *ret_as_before: that was done.
 */
static int write_nics(struct work *work, const char *uuid, const GPtrArray *stored_before,
		      bool *ret_as_before)
{
	struct srv_virt *virt = work->daemon->virt;
	const GPtrArray *live = live_too(work);
	int r = srv_virt_set_nics(virt, uuid, work->after, work->edit->now && !live, &work->error);

	*ret_as_before = r < 0 && work->error->code != SRIOV_ERROR_UNAVAILABLE;
	if (r < 0 || !live)
		return r;
	r = srv_virt_set_live_nics(virt, uuid, live, &work->error);
	if (r < 0)
		*ret_as_before = srv_virt_set_nics(virt, uuid, stored_before, false, NULL) == 0;
	return r;
}

static bool is_failover(const struct srv_nic_request *request)
{
	return request && request->mode == SRV_MODE_FAILOVER;
}

/*
 * The domain's own virtio NIC comes before the request for a VF beside it, and goes after it: what
 * is left of an edit that ends half-way is a NIC that works.
 */
static int write_virtio(struct work *work)
{
	struct srv_nic_edit *edit = work->edit;
	int r = 0;

	if (!work->virtio)
		return 0;
	if (!edit->existed)
		r = srv_failover_edit_ports(work->daemon->virt, edit->uuid,
					    edit->now && edit->active, edit->add_port,
					    &work->error);
	return r < 0 ? r : srv_attach_work_store(work->virtio, &work->error);
}

static void remove_virtio(struct work *work, const char *uuid, const char *id)
{
	g_autofree char *alias = srv_nic_alias(id);
	sriov_autoerror err = NULL;

	if (srv_virt_detach_stored(work->daemon->virt, uuid, alias, &err) < 0 &&
	    err->code != SRIOV_ERROR_NOT_FOUND && err->code != SRIOV_ERROR_INVALID && !work->error)
		sriov_error_propagate(&work->error, g_steal_pointer(&err));
}

static void write_run(void *data)
{
	struct work *work = data;
	struct srv_nic_edit *edit = work->edit;
	g_autofree char *uuid = g_strdup(edit->uuid);
	g_autoptr(GPtrArray) stored = NULL;
	bool as_before;

	g_clear_pointer(&work->after, g_ptr_array_unref);
	g_clear_pointer(&work->after_live, g_ptr_array_unref);
	if (read_domain(work, uuid, &work->after, &work->after_live) < 0)
		return;
	stored = copy_requests(work->after);
	if ((edit->request ? add(work) : take_out(work)) < 0)
		return;
	/* A removal of a failover nic of that id was cut short: its device has the alias. */
	if (edit->request && !edit->existed && !work->virtio && work->left_over)
		remove_virtio(work, uuid, edit->request->id);
	if (work->error || write_virtio(work) < 0)
		return;
	if (write_nics(work, uuid, stored, &as_before) < 0) {
		/* Whoever is asked for, and not known to be not, keeps his NIC. */
		if (work->virtio && !edit->existed && as_before)
			remove_virtio(work, uuid, edit->request->id);
	} else if (edit->remove && work->left_over) {
		remove_virtio(work, uuid, edit->remove);
	}
}

static void call(struct work *work, const char *domain, void (*run)(void *data),
		 void (*done)(const struct sriov_error *late, void *data))
{
	g_autofree char *subject = g_strdup_printf("domain %s", work->edit->domain);

	srv_net_call(work->daemon, srv_daemon_domain_queue(work->daemon, domain), subject,
		     "editing its nics", run, done, work_free, work);
}

/* What the domain asks for now, and what it asks for from its next start on. Borrowing. */
static GPtrArray *all_requests(GPtrArray *live, GPtrArray *stored)
{
	GPtrArray *all = g_ptr_array_new();

	for (guint i = 0; live && i < live->len; i++)
		g_ptr_array_add(all, live->pdata[i]);
	for (guint i = 0; i < stored->len; i++) {
		struct srv_nic_request *request = stored->pdata[i];

		if (!live || !find(live, request->id))
			g_ptr_array_add(all, request);
	}
	return all;
}

static void look(struct work *work);

static void rows_written(const struct sriov_error *error, void *data)
{
	finish(data, error);
}

/* The link that the configuration names now is kept from here on. */
static void note_uplink(struct work *work, struct srv_ledger_txn *txn)
{
	const struct srv_owner owner = { SRV_OWNER_LIBVIRT, work->edit->uuid, work->edit->name };
	const char *uplink = work->virtio ? srv_attach_work_uplink(work->virtio) : NULL;
	struct srv_nic *nic =
		uplink ? srv_model_nic(work->daemon->model, &owner, work->edit->request->id) : NULL;

	if (!nic)
		return;
	g_free(nic->stored_uplink);
	nic->stored_uplink = g_strdup(uplink);
	/* What it runs on is what it was started on. */
	if (nic->busy || (nic->row.uplink && nic->row.state != SRV_NIC_IDLE))
		return;
	g_free(nic->row.uplink);
	nic->row.uplink = g_strdup(uplink);
	srv_daemon_put_nic(txn, nic);
}

static void write_done(const struct sriov_error *late, void *data)
{
	struct work *work = data;
	struct srv_daemon *daemon = work->daemon;
	g_autoptr(GPtrArray) requests = NULL;
	struct srv_ledger_txn *txn;

	/* The thread has no use for the edit any more: the kernel it may be in comes last. */
	if (late) {
		tell(work, late);
		return;
	}
	/* Somebody else has taken the id that was free a moment ago: another one. */
	if (work->error && work->error->code == SRIOV_ERROR_EXISTS && work->chosen_id &&
	    ++work->tries < TRIES_MAX) {
		g_clear_pointer(&work->error, sriov_error_free);
		look(work);
		return;
	}
	if (work->error) {
		finish(work, work->error);
		return;
	}
	requests = all_requests(work->after_live, work->after);
	txn = srv_ledger_begin(daemon->ledger);
	if (srv_nic_sync_rows(daemon, txn, work->edit->uuid, work->edit->name, requests,
			      &work->error) < 0) {
		srv_ledger_abandon(txn);
		finish(work, work->error);
		return;
	}
	srv_ledger_keep(txn);
	note_uplink(work, txn);
	/* Nobody knew until now that it is needed: its removal may have been under way. */
	if (work->virtio)
		srv_failover_links(daemon, work->edit->uuid, NULL, NULL, NULL);
	srv_ledger_commit(txn, rows_written, work);
}

/* May it be so */

static void choose_id(struct work *work)
{
	struct srv_nic_request *request = work->edit->request;
	guint n = 0;

	do {
		g_free(request->id);
		request->id = g_strdup_printf("net%u", n++);
	} while (find(work->before, request->id) ||
		 (work->before_live && find(work->before_live, request->id)));
}

static bool mac_is_free(struct work *work, struct sriov_mac mac)
{
	const struct srv_owner owner = { SRV_OWNER_LIBVIRT, work->edit->uuid, work->edit->name };
	struct srv_model *model = work->daemon->model;
	const struct srv_nic *holder = srv_model_nic_by_mac(model, mac);

	if (g_hash_table_contains(work->daemon->macs_in_use, &mac))
		return false;
	return !holder || holder == srv_model_nic(model, &owner, work->edit->request->id);
}

static void choose_mac(struct work *work)
{
	struct srv_nic_request *request = work->edit->request;
	uint32_t attempt = 0;

	do
		request->mac = sriov_mac_derive(work->edit->uuid, request->id, attempt++);
	while (!mac_is_free(work, request->mac));
	request->has_mac = true;
}

static int check(struct work *work)
{
	struct srv_nic_edit *edit = work->edit;
	g_autoptr(GPtrArray) requests = g_ptr_array_new();
	char mac[SRIOV_MAC_STRLEN];

	if (work->chosen_id)
		choose_id(work);
	if (work->chosen_mac)
		choose_mac(work);
	g_ptr_array_add(requests, edit->request);
	if (srv_nic_check_requests(work->daemon, edit->uuid, edit->name, requests, &work->error) <
	    0)
		return -work->error->err;
	if (g_hash_table_contains(work->daemon->macs_in_use, &edit->request->mac))
		return sriov_error_set(&work->error, SRIOV_ERROR_EXISTS, EADDRINUSE, edit->name,
				       "the MAC %s is being given to another nic this moment",
				       sriov_mac_format(edit->request->mac, mac));
	return 0;
}

static void write_begin(struct work *work)
{
	call(work, work->edit->uuid, write_run, write_done);
}

static void marked(const struct sriov_error *error, void *data)
{
	struct work *work = data;

	if (error)
		finish(work, error);
	else
		write_begin(work);
}

/*
 * That the nic of a running guest is to go is on disk before its metadata say so: whoever finds it
 * there afterwards, and nobody asking for it, knows that it is not there by mistake.
 */
static void mark(struct work *work)
{
	struct srv_nic *nic = find_removed(work);

	/* One that is being attached says itself that it may be withdrawn. */
	if (!nic || nic->busy || nic->row.state != SRV_NIC_ATTACHED) {
		write_begin(work);
		return;
	}
	work->marked = nic->busy = true;
	srv_model_set_nic_state(nic, SRV_NIC_DETACHING, "it is being removed");
	srv_failover_record(work->daemon, nic, nic->vf, marked, work);
}

static void look_run(void *data)
{
	struct work *work = data;

	g_clear_pointer(&work->before, g_ptr_array_unref);
	g_clear_pointer(&work->before_live, g_ptr_array_unref);
	read_domain(work, work->edit->domain, &work->before, &work->before_live);
}

static void look_done(const struct sriov_error *late, void *data)
{
	struct work *work = data;

	if (late) {
		tell(work, late);
		return;
	}
	take_promise_back(work);
	if (!work->error && work->edit->request && check(work) == 0)
		promise_mac(work);
	g_clear_pointer(&work->virtio, srv_attach_work_free);
	if (!work->error && is_failover(work->edit->request))
		work->virtio = srv_failover_edit_new(work->daemon, work->edit->uuid,
						     work->edit->name, work->edit->request,
						     &work->error);
	if (work->error) {
		finish(work, work->error);
		return;
	}
	if (work->edit->remove && work->edit->now && work->edit->active)
		mark(work);
	else
		write_begin(work);
}

static void look(struct work *work)
{
	call(work, work->edit->domain, look_run, look_done);
}

void srv_nic_edit_run(struct srv_daemon *daemon, struct srv_nic_edit *edit,
		      void (*done)(const struct sriov_error *error, void *data), void *data)
{
	struct work *work = g_new0(struct work, 1);

	work->daemon = daemon;
	work->edit = edit;
	work->done = done;
	work->data = data;
	work->chosen_id = edit->request && !edit->request->id;
	work->chosen_mac = edit->request && !edit->request->has_mac;
	look(work);
}
