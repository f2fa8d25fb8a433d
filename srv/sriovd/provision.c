// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bringing one PF to what its pools want, as a line of steps: up (igbvf and bnxt want that before
 * there are VFs), create, bind, read again. Each step looks at fresh facts; nothing is remembered
 * from before.
 */
#include "srv/sriovd/provision.h"

#include <errno.h>

#include "netlink/link.h"
#include "srv/helper/protocol.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/fault.h"
#include "srv/sriovd/gate.h"
#include "srv/sriovd/helper.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/pf-call.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/serial.h"
#include "srv/sriovd/verify.h"
#include "srv/sriovd/vf-work.h"

/* i40e takes 22 s for 64 VFs, some firmware two minutes for one: only what never ends is stuck. */
#define CREATE_SECONDS	300
#define BIND_SECONDS(n) (30 + 2 * (n))

struct provision {
	struct srv_daemon *daemon;
	struct srv_pf *pf;
	uint32_t ifindex;
	uint64_t since; /* the model's takes when its facts began to be read */
	bool set_up;	/* the PF's netdev is ours to bring up */
	bool created;	/* the VFs there are, are ours and new */
	bool made;	/* ditto, until the end */
	bool destroyed; /* tried once to get rid of VFs in the wrong number */
	bool hangs;	/* the helper or the PF's thread has not come back, and frees it next */
	struct spci_pf *facts;
	struct sriov_error *error;
	char *note;    /* what people should know of a PF that is ready */
	GArray *bound; /* of uint64_t: tried to bind already, so not twice */
};

static bool wants_bind(const struct srv_vf *vf)
{
	bool vfio = vf->facts && g_strcmp0(vf->facts->driver, "vfio-pci") == 0;

	if (!vf->facts || !vf->pool || vf->foreign)
		return false;
	/*
	 * Of those that have an owner only such as nobody can hold: just made, or without a driver,
	 * which a crash between making and binding them leaves.
	 */
	if (vf->nic && !vf->fresh && vf->facts->driver)
		return false;
	return vf->pool->device_type == SRV_DEVICE_VFIO ? !vfio : vfio || !vf->facts->driver;
}

bool srv_provision_needed(const struct srv_pf *pf)
{
	if (!pf->facts || pf->external || pf->state == SRV_PF_STUCK ||
	    pf->state == SRV_PF_UNMANAGED)
		return pf->external && pf->state == SRV_PF_CONFIGURING;
	if (pf->state == SRV_PF_CONFIGURING)
		return true;
	if (pf->state == SRV_PF_FAILED)
		return pf->retry;
	if (pf->wanted_vfs != SRV_NUM_VFS_KEEP && pf->facts->num_vfs == 0)
		return true;
	for (guint i = 0; i < pf->vfs->len; i++) {
		if (wants_bind(pf->vfs->pdata[i]))
			return true;
	}
	return false;
}

static bool wants_up(const struct srv_pf *pf)
{
	return !pf->external && pf->facts && !pf->facts->admin_up;
}

static bool any_owned(const struct srv_pf *pf)
{
	for (guint i = 0; i < pf->vfs->len; i++) {
		const struct srv_vf *vf = pf->vfs->pdata[i];

		if (vf->nic || vf->foreign)
			return true;
	}
	return false;
}

static void step_next(struct provision *work);

static void provision_free(void *data)
{
	struct provision *work = data;

	if (work->facts)
		spci_pf_free(work->facts);
	sriov_error_free(work->error);
	g_free(work->note);
	g_array_unref(work->bound);
	g_free(work);
}

static void finish(struct provision *work, enum srv_pf_state state, const char *reason)
{
	struct srv_daemon *daemon = work->daemon;
	struct srv_pf *pf = work->pf;
	bool is_news = pf->state != state || g_strcmp0(pf->reason, reason) != 0;

	srv_model_set_pf_state(pf, state, reason);
	if (state == SRV_PF_FAILED && is_news)
		srv_event(daemon->events, LOG_ERR, "pf", pf->name, "%s", reason);
	else if (state == SRV_PF_READY)
		srv_event(daemon->events, LOG_INFO, "pf", pf->name, "ready, %u VFs%s%s",
			  pf->facts ? pf->facts->num_vfs : 0, reason ? "; " : "",
			  reason ? reason : "");
	/* From here on its VFs' errors count. */
	if (state == SRV_PF_READY)
		srv_fault_look(daemon);
	if (work->made)
		srv_reconcile_claims(daemon, pf);
	srv_serial_next(pf->serial);
	if (!work->hangs)
		provision_free(work);
	srv_pf_scrub(daemon, pf);
	srv_nic_serve_waiting(daemon);
}

static void fail(struct provision *work, const struct sriov_error *error)
{
	g_autofree char *why = sriov_error_text(error);

	finish(work, SRV_PF_FAILED, why);
}

/* The helper gave no answer. */
static void fail_helper(struct provision *work, const struct sriov_error *error)
{
	g_autofree char *why = sriov_error_text(error);

	work->hangs = error->code == SRIOV_ERROR_TIMEOUT;
	if (work->hangs)
		srv_pf_stuck(work->daemon, work->pf, error);
	finish(work, work->hangs ? SRV_PF_STUCK : SRV_PF_FAILED, why);
}

/* Reading the PF's facts, and bringing its netdev up, on its thread */

static void look_run(void *data)
{
	struct provision *work = data;
	struct snl *nl;

	if (work->set_up && work->ifindex && snl_new(&nl, &work->error) == 0) {
		snl_link_set_up(nl, work->ifindex, true, &work->error);
		snl_free(nl);
	}
	if (!work->error)
		spci_pf_read(work->daemon->root, work->pf->bdf, &work->facts, &work->error);
}

/* Not on disk, it is told with the next change; what must not befall another NIC is not there yet.
 */
static void identified(const struct sriov_error *error, void *data)
{
	struct provision *work = data;

	if (error)
		work->pf->vendor = work->pf->device = 0;
	step_next(work);
}

/* Which NIC it is stands in the ledger before anything else of it does. */
static void identify(struct provision *work)
{
	struct srv_pf *pf = work->pf;
	struct srv_ledger_txn *txn;

	if (pf->state == SRV_PF_UNMANAGED ||
	    (pf->vendor == pf->facts->vendor && pf->device == pf->facts->device)) {
		step_next(work);
		return;
	}
	pf->vendor = pf->facts->vendor;
	pf->device = pf->facts->device;
	txn = srv_ledger_begin(work->daemon->ledger);
	srv_daemon_put_pf(txn, pf);
	srv_ledger_commit(txn, identified, work);
}

static void look_done(const struct sriov_error *late, void *data)
{
	struct provision *work = data;

	if (late) {
		work->hangs = true;
		finish(work, SRV_PF_STUCK, work->pf->reason);
		return;
	}
	if (work->error && work->error->code == SRIOV_ERROR_NOT_FOUND) {
		srv_host_set_pf(work->daemon, work->pf, NULL, work->since);
		finish(work, SRV_PF_GONE, "the kernel has no such device now");
		return;
	}
	if (work->error) {
		fail(work, work->error);
		return;
	}
	srv_host_set_pf(work->daemon, work->pf, g_steal_pointer(&work->facts), work->since);
	if (!work->pf->facts) {
		g_autofree char *why = g_strdup(work->pf->reason);

		finish(work, SRV_PF_GONE, why);
		return;
	}
	for (guint i = 0; work->created && i < work->pf->vfs->len; i++)
		((struct srv_vf *)work->pf->vfs->pdata[i])->fresh = true;
	work->created = false;
	identify(work);
}

static void look(struct provision *work)
{
	work->ifindex = work->pf->facts ? work->pf->facts->ifindex : 0;
	work->since = work->daemon->model->takes;
	work->set_up = srv_gate_is_open(work->daemon) && wants_up(work->pf);
	srv_pf_call(work->daemon, work->pf, "bringing it up and reading it", look_run, look_done,
		    provision_free, work);
}

/* Creating */

/* The driver call that did not come back has come back after all. */
static void pf_gone(void *data)
{
	struct provision *work = data;

	srv_pf_unstick(work->daemon, work->pf);
	provision_free(work);
}

static void created(const struct spci_outcome *outcome, const struct sriov_error *error, void *data)
{
	struct provision *work = data;

	if (!outcome) {
		fail_helper(work, error);
		return;
	}
	if (outcome->error) {
		fail(work, outcome->error);
		return;
	}
	if (outcome->num < work->pf->wanted_vfs)
		srv_event(work->daemon->events, LOG_WARNING, "pf", work->pf->name,
			  "the driver made %u VFs where %u were asked for", outcome->num,
			  work->pf->wanted_vfs);
	work->pf->asked_vfs = work->pf->wanted_vfs;
	work->created = true;
	work->made = true;
	look(work);
}

/*
 * All that was known of its VFs is history as soon as there are others, and that is on disk before:
 * a clean one of then must not be taken for one of now, should we not live to see them.
 */
static void forget_vfs(struct provision *work,
		       void (*next)(const struct sriov_error *error, void *data))
{
	struct srv_ledger_txn *txn = srv_ledger_begin(work->daemon->ledger);
	bool any = false;

	work->pf->asked_vfs = 0;
	for (guint i = 0; i < work->pf->vfs->len; i++) {
		struct srv_vf *vf = work->pf->vfs->pdata[i];

		any = true;
		srv_model_mark_vf(vf, SRV_VF_DIRTY, NULL);
		srv_daemon_put_vf(txn, vf);
	}
	if (any) {
		srv_ledger_commit(txn, next, work);
		return;
	}
	srv_ledger_abandon(txn);
	next(NULL, work);
}

/* Nothing was done to the device: the next look at the host begins anew. */
static void put_off(struct provision *work, const struct sriov_error *error)
{
	g_autofree char *why = sriov_error_text(error);

	srv_event(work->daemon->events, LOG_ERR, "pf", work->pf->name,
		  "its VFs cannot be made or changed now: %s", why);
	finish(work, SRV_PF_CONFIGURING, why);
}

static void create_now(const struct sriov_error *error, void *data)
{
	struct provision *work = data;
	g_autofree char *count = g_strdup_printf("%u", work->pf->wanted_vfs);
	char address[SRIOV_BDF_STRLEN];
	const char *argv[] = { SRV_HELPER_CREATE, sriov_bdf_format(work->pf->bdf, address), count,
			       NULL };

	if (error)
		put_off(work, error);
	else
		srv_helper_run(argv, work->daemon->root, CREATE_SECONDS, created, pf_gone, work);
}

static void create(struct provision *work)
{
	if (work->pf->wanted_vfs > work->pf->facts->total_vfs) {
		sriov_error_set(&work->error, SRIOV_ERROR_INVALID, ERANGE, work->pf->name,
				"its pool wants %u VFs, and it can have %u", work->pf->wanted_vfs,
				work->pf->facts->total_vfs);
		fail(work, work->error);
		return;
	}
	forget_vfs(work, create_now);
}

static void destroyed(const struct spci_outcome *outcome, const struct sriov_error *error,
		      void *data)
{
	struct provision *work = data;

	work->destroyed = true;
	if (!outcome) {
		fail_helper(work, error);
		return;
	}
	look(work);
}

static void destroy_now(const struct sriov_error *error, void *data)
{
	struct provision *work = data;
	char address[SRIOV_BDF_STRLEN];
	const char *argv[] = { SRV_HELPER_DESTROY, sriov_bdf_format(work->pf->bdf, address), NULL };

	if (error)
		put_off(work, error);
	else
		srv_helper_run(argv, work->daemon->root, CREATE_SECONDS, destroyed, pf_gone, work);
}

/* Only where nobody owns one; the helper looks again whether one is in use, and refuses. */
static void destroy(struct provision *work)
{
	forget_vfs(work, destroy_now);
}

/* Binding */

static void bound(const struct spci_outcome *outcome, const struct sriov_error *error, void *data)
{
	struct provision *work = data;

	if (!outcome) {
		fail_helper(work, error);
		return;
	}
	if (outcome->error) {
		g_autofree char *why = sriov_error_text(outcome->error);

		/* The others go on; this VF shows as unusable, with its driver. */
		srv_event(work->daemon->events, LOG_ERR, "pf", work->pf->name,
			  "not every VF could be bound: %s", why);
	}
	look(work);
}

/* Binds those that want the driver of the first one found; the rest in the next round. */
static bool bind_some(struct provision *work)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
	const struct srv_pool *pool = NULL;

	for (guint i = 0; i < work->pf->vfs->len; i++) {
		const struct srv_vf *vf = work->pf->vfs->pdata[i];
		char address[SRIOV_BDF_STRLEN];
		uint64_t key;
		bool tried = false;

		if (!wants_bind(vf) || (pool && vf->pool->device_type != pool->device_type))
			continue;
		key = sriov_bdf_key(vf->facts->bdf);
		for (guint j = 0; j < work->bound->len && !tried; j++)
			tried = g_array_index(work->bound, uint64_t, j) == key;
		if (tried)
			continue;
		g_array_append_val(work->bound, key);
		if (!pool) {
			pool = vf->pool;
			g_ptr_array_add(argv, g_strdup(SRV_HELPER_BIND));
			g_ptr_array_add(argv, g_strdup(pool->device_type == SRV_DEVICE_VFIO
							       ? SRV_HELPER_DRIVER_VFIO
							       : SRV_HELPER_DRIVER_DEFAULT));
		}
		g_ptr_array_add(argv, g_strdup(sriov_bdf_format(vf->facts->bdf, address)));
	}
	if (!pool)
		return false;
	g_ptr_array_add(argv, NULL);
	srv_helper_run((const char *const *)argv->pdata, work->daemon->root,
		       BIND_SECONDS(argv->len), bound, pf_gone, work);
	return true;
}

static void set_note(struct provision *work, char *note)
{
	g_free(work->note);
	work->note = note;
}

static void verified(void *data)
{
	struct provision *work = data;

	if (work->pf->state == SRV_PF_STUCK)
		finish(work, SRV_PF_STUCK, work->pf->reason);
	else
		finish(work, SRV_PF_READY, work->note);
}

/* Would one of the next steps change the PF or its VFs? */
static bool wants_change(const struct srv_pf *pf)
{
	if (pf->external)
		return false;
	for (guint i = 0; i < pf->vfs->len; i++) {
		if (wants_bind(pf->vfs->pdata[i]))
			return true;
	}
	return wants_up(pf) ||
	       (pf->wanted_vfs != SRV_NUM_VFS_KEEP && pf->facts->num_vfs != pf->wanted_vfs &&
		(pf->facts->num_vfs == 0 || !any_owned(pf)));
}

static void step_next(struct provision *work)
{
	struct srv_pf *pf = work->pf;

	if (pf->state == SRV_PF_UNMANAGED) {
		finish(work, SRV_PF_UNMANAGED, NULL);
		return;
	}
	if (!srv_gate_is_open(work->daemon) && wants_change(pf)) {
		sriov_autoerror why = NULL;

		srv_gate_refusal(work->daemon, &why);
		finish(work, SRV_PF_CONFIGURING, why->message);
		return;
	}
	if (!pf->external && pf->wanted_vfs != SRV_NUM_VFS_KEEP) {
		if (pf->facts->num_vfs == 0) {
			create(work);
			return;
		}
		if (pf->facts->num_vfs != pf->wanted_vfs && !any_owned(pf) && !work->destroyed) {
			destroy(work);
			return;
		}
		if (pf->facts->num_vfs != pf->wanted_vfs)
			set_note(work, g_strdup_printf("it has %u VFs and its pool wants %u; %s",
						       pf->facts->num_vfs, pf->wanted_vfs,
						       pf->asked_vfs == pf->wanted_vfs
							       ? "its driver makes no more"
							       : "the number cannot change "
								 "while a VF is in use"));
	}
	if (!pf->external && bind_some(work))
		return;
	srv_pf_verify_free(work->daemon, pf, verified, work);
}

static void provision_start(void *data)
{
	struct provision *work = data;

	work->pf->retry = false;
	if (!work->pf->facts || work->pf->state == SRV_PF_STUCK) {
		finish(work, work->pf->facts ? SRV_PF_STUCK : SRV_PF_GONE, work->pf->reason);
		return;
	}
	look(work);
}

void srv_pf_provision(struct srv_daemon *daemon, struct srv_pf *pf)
{
	struct provision *work;

	if (!srv_daemon_may_work(daemon))
		return;
	work = g_new0(struct provision, 1);
	work->daemon = daemon;
	work->pf = pf;
	work->bound = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	srv_serial_push(pf->serial, provision_start, work);
}
