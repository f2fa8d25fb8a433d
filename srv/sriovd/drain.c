// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/drain-internal.h"

#include <errno.h>

#include "srv/sriovd/daemon.h"
#include "srv/sriovd/failover-internal.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/nic.h"

#define LOOK_MS	     100
#define LOOK_SLOW_MS 5000 /* while nobody watches and somebody does not let go */

struct srv_drain *srv_drain_find(struct srv_daemon *daemon, const struct srv_pf *pf)
{
	return daemon->failover ? g_hash_table_lookup(daemon->failover->drains, pf) : NULL;
}

struct srv_orders srv_orders_of(const struct srv_pf *pf)
{
	return (struct srv_orders){ pf->drained, pf->resizing, pf->forced, pf->resize_vfs };
}

void srv_orders_put_back(struct srv_pf *pf, const struct srv_orders *orders)
{
	pf->drained = orders->drained;
	pf->resizing = orders->resizing;
	pf->forced = orders->forced;
	if (pf->resize_vfs == orders->resize_vfs)
		return;
	/* How many VFs it wants follows from it, and the next provisioning would make them. */
	pf->resize_vfs = orders->resize_vfs;
	srv_model_set_config(pf->model, pf->model->config);
}

static bool is_guests(const struct srv_nic *nic)
{
	return nic->row.owner.kind == SRV_OWNER_LIBVIRT;
}

/* Its life */

static void forget(struct srv_drain *drain)
{
	if (drain->source)
		g_source_remove(drain->source);
	g_hash_table_unref(drain->refusing);
	g_hash_table_unref(drain->forced);
	g_ptr_array_unref(drain->promoted);
	sriov_error_free(drain->error);
	g_free(drain);
}

static void drain_free(struct srv_drain *drain)
{
	g_hash_table_remove(srv_failover_get(drain->daemon)->drains, drain->pf);
	forget(drain);
}

void srv_drain_replace(struct srv_drain *drain)
{
	if (drain)
		drain_free(drain);
}

void srv_drain_forget_all(GHashTable *drains)
{
	GHashTableIter iter;
	gpointer drain;

	g_hash_table_iter_init(&iter, drains);
	while (g_hash_table_iter_next(&iter, NULL, &drain)) {
		g_hash_table_iter_remove(&iter);
		forget(drain);
	}
}

void srv_drain_stop_all(GHashTable *drains)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, drains);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct srv_drain *drain = value;

		g_clear_handle_id(&drain->source, g_source_remove);
	}
}

unsigned srv_drain_steps(const struct srv_drain *drain)
{
	return drain->total + (drain->resize_vfs ? 4 + drain->promoted->len : 1);
}

void srv_drain_end(struct srv_drain *drain, const struct sriov_error *error, const char *text)
{
	struct srv_daemon *daemon = drain->daemon;
	struct srv_pf *pf = drain->pf;

	if (error) {
		g_autofree char *why = sriov_error_text(error);

		srv_event(daemon->events, LOG_WARNING, "pf", pf->name, "%s", why);
		srv_job_failed(drain->job, error);
	} else {
		srv_event(daemon->events, LOG_NOTICE, "pf", pf->name, "%s", text);
		srv_job_done(drain->job, "%s", text);
	}
	drain_free(drain);
}

void srv_drain_later(struct srv_drain *drain, guint ms, GSourceFunc look)
{
	g_clear_handle_id(&drain->source, g_source_remove);
	if (!srv_failover_get(drain->daemon)->stopping)
		drain->source = g_timeout_add(ms, look, drain);
}

/* Exclusive and required nics, with force: the device leaves the guest, and another may come. */

struct forced {
	struct srv_daemon *daemon;
	struct srv_nic_key *key;
};

static void forced_free(struct forced *forced)
{
	srv_nic_key_free(forced->key);
	g_free(forced);
}

static gboolean supply(gpointer data)
{
	struct forced *forced = data;
	struct srv_nic *nic = srv_nic_of_key(forced->daemon->model, forced->key);
	sriov_autoerror err = NULL;
	bool pending;

	if (nic && !nic->busy && nic->row.backing == SRV_BACKING_NONE) {
		if (srv_nic_reserve(forced->daemon, nic, &pending, &err) < 0)
			srv_model_set_nic_state(nic, SRV_NIC_FAILED, err->message);
		srv_nic_put_and_attach(forced->daemon, nic, NULL, NULL);
	}
	forced_free(forced);
	return G_SOURCE_REMOVE;
}

static void taken_out(const struct sriov_error *error, void *data)
{
	/* The detach is still looking at the nic. */
	if (error)
		forced_free(data);
	else
		g_idle_add(supply, data);
}

static void take_out(struct srv_drain *drain, struct srv_nic *nic)
{
	struct forced *forced = g_new0(struct forced, 1);

	forced->daemon = drain->daemon;
	forced->key = srv_nic_key_of(nic);
	srv_nic_detach(drain->daemon, nic, taken_out, forced);
}

/* One look at all of them */

static void refuses(struct srv_drain *drain, const char *subject, const char *why)
{
	if (g_hash_table_contains(drain->refusing, subject))
		return;
	g_hash_table_insert(drain->refusing, g_strdup(subject), g_strdup(why));
	srv_job_step(drain->job, srv_drain_steps(drain), "%s: %s", subject, why);
}

static void look_at_failover(struct srv_drain *drain, struct srv_nic *nic, const char *subject)
{
	g_autofree char *why = g_strdup_printf("drain of %s", drain->pf->name);

	if (nic->busy || nic->row.state != SRV_NIC_ATTACHED)
		return;
	if (g_get_monotonic_time() < nic->team.ask_again) {
		refuses(drain, subject, nic->row.reason ?: "its guest does not let go of its VF");
		return;
	}
	g_hash_table_remove(drain->refusing, subject);
	srv_job_step(drain->job, srv_drain_steps(drain), "%s: its guest is asked to let go",
		     subject);
	srv_demote(drain->daemon, nic, why, NULL, NULL);
}

/* May it be taken out now; then it may not for the next while. */
static bool may_take_out(struct srv_drain *drain, const char *subject)
{
	guint retry = drain->daemon->model->config->failover.retry_seconds;
	const gint64 *again = g_hash_table_lookup(drain->forced, subject);
	gint64 now = g_get_monotonic_time(), next = now + retry * G_USEC_PER_SEC;

	if (again && now < *again)
		return false;
	g_hash_table_replace(drain->forced, g_strdup(subject), g_memdup2(&next, sizeof(next)));
	return true;
}

static void look_at_other(struct srv_drain *drain, struct srv_nic *nic, const char *subject)
{
	if (nic->busy || nic->row.state == SRV_NIC_RESERVED)
		return;
	if (!drain->force || !is_guests(nic)) {
		refuses(drain, subject, "it has a VF that cannot be taken from it without --force");
	} else if (!may_take_out(drain, subject)) {
		refuses(drain, subject, nic->row.reason ?: "its guest does not let go of its VF");
	} else {
		g_hash_table_remove(drain->refusing, subject);
		srv_job_step(drain->job, srv_drain_steps(drain), "%s: taken out of its guest",
			     subject);
		take_out(drain, nic);
	}
}

static gboolean is_absent(gpointer subject, gpointer why, gpointer present)
{
	return !g_hash_table_contains(present, subject);
}

/* How many still have a VF of the PF. */
static guint look_at_all(struct srv_drain *drain)
{
	g_autoptr(GHashTable)
		present = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < drain->pf->vfs->len; i++) {
		const struct srv_vf *vf = drain->pf->vfs->pdata[i];
		g_autofree char *subject = vf->nic ? srv_nic_subject(vf->nic) : NULL;

		if (!vf->nic)
			continue;
		g_hash_table_add(present, g_strdup(subject));
		if (vf->nic->row.mode == SRV_MODE_FAILOVER && is_guests(vf->nic))
			look_at_failover(drain, vf->nic, subject);
		else
			look_at_other(drain, vf->nic, subject);
	}
	/* Who refused and has left since, in whatever way, refuses no more. */
	g_hash_table_foreach_remove(drain->refusing, is_absent, present);
	return g_hash_table_size(present);
}

static void tell_progress(struct srv_drain *drain, guint left)
{
	if (left > drain->total)
		drain->total = left;
	if (left < drain->left)
		srv_job_step(drain->job, srv_drain_steps(drain), "%u of %u nics have left %s",
			     drain->total - left, drain->total, drain->pf->name);
	drain->left = left;
}

static void give_up(struct srv_drain *drain)
{
	g_autoptr(GString) names = g_string_new(NULL);
	sriov_autoerror err = NULL;
	GHashTableIter iter;
	gpointer name;

	g_hash_table_iter_init(&iter, drain->refusing);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		g_string_append_printf(names, "%s%s", names->len ? ", " : "", (char *)name);
	sriov_error_set(&err, SRIOV_ERROR_BUSY, EBUSY, drain->pf->name,
			"it gives no VFs any more, and %s still has one: its guest is asked again "
			"every %u s, and the %s goes on by itself then; sriovctl undrain %s takes "
			"it all back",
			names->str, drain->daemon->model->config->failover.retry_seconds,
			drain->resize_vfs ? "resize" : "drain", drain->pf->name);
	srv_job_failed(g_steal_pointer(&drain->job), err);
}

static gboolean look(gpointer data)
{
	struct srv_drain *drain = data;
	sriov_autoerror err = NULL;
	guint left;

	drain->source = 0;
	if (!drain->pf->drained) {
		sriov_error_set(&err, SRIOV_ERROR_BUSY, ECANCELED, drain->pf->name,
				"interrupted: it serves again (sriovctl undrain)");
		srv_drain_end(drain, err, NULL);
		return G_SOURCE_REMOVE;
	}
	left = look_at_all(drain);
	tell_progress(drain, left);
	if (!left) {
		drain->drained(drain);
		return G_SOURCE_REMOVE;
	}
	if (g_hash_table_size(drain->refusing) >= left && drain->job)
		give_up(drain);
	srv_drain_later(drain, drain->job ? LOOK_MS : LOOK_SLOW_MS, look);
	return G_SOURCE_REMOVE;
}

static void recorded(const struct sriov_error *error, void *data)
{
	struct srv_drain *drain = data;

	if (error) {
		srv_orders_put_back(drain->pf, &drain->before);
		srv_drain_end(drain, error, NULL);
		return;
	}
	drain->begun = true;
	srv_drain_later(drain, 0, look);
}

static struct srv_drain *drain_new(struct srv_daemon *daemon, struct srv_pf *pf,
				   struct srv_job *job)
{
	struct srv_drain *drain = g_new0(struct srv_drain, 1);

	drain->daemon = daemon;
	drain->pf = pf;
	drain->job = job;
	drain->force = pf->forced;
	drain->resize_vfs = pf->resizing ? pf->resize_vfs : 0;
	drain->refusing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	drain->forced = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	drain->promoted = g_ptr_array_new_with_free_func((GDestroyNotify)srv_nic_key_free);
	for (guint i = 0; i < pf->vfs->len; i++) {
		const struct srv_nic *nic = ((const struct srv_vf *)pf->vfs->pdata[i])->nic;

		drain->total += nic != NULL;
		if (nic && is_guests(nic) && nic->row.mode == SRV_MODE_FAILOVER)
			g_ptr_array_add(drain->promoted, srv_nic_key_of(nic));
	}
	drain->left = drain->total;
	return drain;
}

void srv_drain_begin(struct srv_daemon *daemon, struct srv_pf *pf, const struct srv_orders *before,
		     struct srv_job *job, void (*drained)(struct srv_drain *drain))
{
	struct srv_drain *drain = drain_new(daemon, pf, job);
	g_autofree char *plan = srv_drain_plan(daemon, pf);
	struct srv_ledger_txn *txn;

	drain->drained = drained;
	g_hash_table_insert(srv_failover_get(daemon)->drains, pf, drain);
	srv_job_note(job, srv_drain_steps(drain), "%s gives no VFs any more; %u nics have one%s",
		     pf->name, drain->total, plan);
	if (!before) {
		drain->begun = true;
		srv_drain_later(drain, 0, look);
		return;
	}
	drain->before = *before;
	txn = srv_ledger_begin(daemon->ledger);
	srv_daemon_put_pf(txn, pf);
	srv_ledger_commit(txn, recorded, drain);
}

/* The calls */

static void drained(struct srv_drain *drain)
{
	g_autofree char *text = g_strdup_printf("%s is drained: nobody has a VF of it",
						drain->pf->name);

	srv_drain_end(drain, NULL, text);
}

int srv_pf_drain(struct srv_daemon *daemon, struct srv_pf *pf, bool force, struct srv_job **ret_job,
		 struct sriov_error **err)
{
	struct srv_drain *other = srv_drain_find(daemon, pf);
	struct srv_orders before = srv_orders_of(pf);
	int r;

	if (pf->resizing || (other && (other->job || other->making)))
		return sriov_error_set(err, SRIOV_ERROR_BUSY, EALREADY, pf->name,
				       "it is being %s already; sriovctl undrain %s ends that",
				       pf->resizing ? "resized" : "drained", pf->name);
	if (pf->state == SRV_PF_UNMANAGED)
		return sriov_error_set(err, SRIOV_ERROR_NOT_SUPPORTED, EOPNOTSUPP, pf->name,
				       "it is in no pool of the configuration, and gives no VFs");
	r = srv_drain_check(daemon, pf, force, err);
	if (r < 0)
		return r;
	srv_drain_replace(other);
	pf->drained = true;
	pf->forced = force;
	*ret_job = srv_job_new(daemon->jobs);
	srv_drain_begin(daemon, pf, &before, *ret_job, drained);
	return 0;
}

static bool has_nics(const struct srv_pf *pf)
{
	for (guint i = 0; i < pf->vfs->len; i++) {
		if (((const struct srv_vf *)pf->vfs->pdata[i])->nic)
			return true;
	}
	return false;
}

void srv_drain_resume(struct srv_daemon *daemon)
{
	for (guint i = 0; i < daemon->model->pfs->len; i++) {
		struct srv_pf *pf = daemon->model->pfs->pdata[i];

		if (!pf->facts || srv_drain_find(daemon, pf))
			continue;
		if (pf->resizing) {
			srv_resize_resume(daemon, pf);
		} else if (pf->drained && has_nics(pf)) {
			srv_event(daemon->events, LOG_NOTICE, "pf", pf->name, "its drain goes on");
			srv_drain_begin(daemon, pf, NULL, NULL, drained);
		}
	}
}

struct undrain {
	struct srv_daemon *daemon;
	struct srv_pf *pf;
	struct srv_orders before;
	void (*done)(const struct sriov_error *error, void *data);
	void *data;
};

static void undrained(const struct sriov_error *error, void *data)
{
	g_autofree struct undrain *undrain = data;
	struct srv_drain *drain = srv_drain_find(undrain->daemon, undrain->pf);

	if (error) {
		srv_orders_put_back(undrain->pf, &undrain->before);
		srv_drain_resume(undrain->daemon);
	} else {
		srv_event(undrain->daemon->events, LOG_NOTICE, "pf", undrain->pf->name,
			  "gives VFs again");
		/*
		 * One that nobody watches looks seldom, and would stand in the way of the next. One
		 * that came after this is not to look before its own record.
		 */
		if (drain && drain->begun && !drain->making)
			srv_drain_later(drain, 0, look);
		if (undrain->pf->stranger)
			srv_host_refresh(undrain->daemon);
	}
	undrain->done(error, undrain->data);
	srv_nic_serve_waiting(undrain->daemon);
}

void srv_pf_undrain(struct srv_daemon *daemon, struct srv_pf *pf,
		    void (*done)(const struct sriov_error *error, void *data), void *data)
{
	struct srv_drain *drain = srv_drain_find(daemon, pf);
	struct undrain *undrain;
	struct srv_ledger_txn *txn;

	if (drain && drain->making) {
		sriov_autoerror err = NULL;

		sriov_error_set(&err, SRIOV_ERROR_BUSY, EBUSY, pf->name,
				"its VFs are being made this moment; it serves again when that is "
				"done");
		done(err, data);
		return;
	}
	undrain = g_new0(struct undrain, 1);
	*undrain = (struct undrain){ daemon, pf, srv_orders_of(pf), done, data };
	if (pf->resizing)
		srv_resize_forget(daemon, pf);
	pf->drained = pf->resizing = pf->forced = false;
	/* Of a NIC that is not there any more, no number of VFs stays either. */
	if (pf->stranger)
		pf->resize_vfs = 0;
	txn = srv_ledger_begin(daemon->ledger);
	srv_daemon_put_pf(txn, pf);
	srv_ledger_commit(txn, undrained, undrain);
}
