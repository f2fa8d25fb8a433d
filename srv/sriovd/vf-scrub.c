// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Scrubbing VFs after their owners, in batches: who still holds one, reset, attributes; then the
 * ledger is told, and only then may somebody get one of them.
 */
#include <errno.h>

#include "netlink/link.h"
#include "pci/sriov.h"
#include "srv/helper/protocol.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/fault.h"
#include "srv/sriovd/gate.h"
#include "srv/sriovd/helper.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/pf-call.h"
#include "srv/sriovd/scrub-ask.h"
#include "srv/sriovd/serial.h"
#include "srv/sriovd/vf-work-internal.h"
#include "srv/sriovd/vf-work.h"

#define SCRUB_BATCH 8 /* between two batches others get their turn with the PF */

struct scrub_vf {
	struct srv_vf *vf;
	uint32_t index;
	struct sriov_bdf bdf;
	int iommu_group;
	bool fresh, vfio;
	bool held;		   /* by a process: not now */
	bool gone;		   /* the kernel does not have it any more */
	struct sriov_error *error; /* why it is quarantined */
};

struct scrub {
	struct srv_daemon *daemon;
	struct srv_pf *pf;
	GArray *vfs; /* of struct scrub_vf */
	uint32_t ifindex;
	struct sriov_error *error; /* of the PF: none of them could be tried */
	bool also_stuck;	   /* reset_gone() has it too; whoever is second frees it */
};

#define scrub_at(scrub, i) (&g_array_index((scrub)->vfs, struct scrub_vf, (i)))

static void scrub_free(struct scrub *scrub)
{
	if (scrub->also_stuck) {
		scrub->also_stuck = false;
		return;
	}
	for (guint i = 0; i < scrub->vfs->len; i++)
		sriov_error_free(scrub_at(scrub, i)->error);
	g_array_unref(scrub->vfs);
	sriov_error_free(scrub->error);
	g_free(scrub);
}

static void scrub_collect(struct scrub *scrub)
{
	for (guint i = 0; i < scrub->pf->vfs->len && scrub->vfs->len < SCRUB_BATCH; i++) {
		struct srv_vf *vf = scrub->pf->vfs->pdata[i];
		struct scrub_vf work = { .vf = vf };

		if (srv_vf_state(vf, NULL) != SRV_VF_STATE_DIRTY || vf->scrubbing || vf->held)
			continue;
		work.index = vf->ref.index;
		work.bdf = vf->facts->bdf;
		work.iommu_group = vf->facts->iommu_group;
		work.vfio = g_strcmp0(vf->facts->driver, "vfio-pci") == 0;
		work.fresh = vf->fresh;
		vf->scrubbing = true;
		g_array_append_val(scrub->vfs, work);
	}
	scrub->ifindex = scrub->pf->facts ? scrub->pf->facts->ifindex : 0;
}

static void scrub_end(struct scrub *scrub, bool go_on);

/* Why a scrub is tried once more: the process that held a VF is usually on its way out; a disk that
 * is full takes longer. */
enum again { AGAIN_HELD, AGAIN_LEDGER };

static const unsigned again_seconds[] = { [AGAIN_HELD] = 1, [AGAIN_LEDGER] = 5 };

struct retry {
	struct srv_daemon *daemon;
	struct srv_pf *pf;
	enum again why;
};

static gboolean scrub_again(gpointer data)
{
	struct retry *retry = data;
	struct srv_pf *pf = retry->pf;

	pf->scrub_source[retry->why] = 0;
	for (guint i = 0; i < pf->vfs->len; i++)
		((struct srv_vf *)pf->vfs->pdata[i])->held = false;
	srv_pf_scrub(retry->daemon, pf);
	return G_SOURCE_REMOVE;
}

/* Later, in a fresh batch; not when the PF is gone by then. */
static void retry(const struct scrub *scrub, enum again why)
{
	struct retry *retry;

	if (scrub->pf->scrub_source[why] || scrub->daemon->stopping)
		return;
	retry = g_new(struct retry, 1);
	*retry = (struct retry){ scrub->daemon, scrub->pf, why };
	scrub->pf->scrub_source[why] = g_timeout_add_seconds_full(
		G_PRIORITY_DEFAULT, again_seconds[why], scrub_again, retry, g_free);
}

/* Who asked for the scrub of a VF is told how it went; ledger: why that was not recorded. */
static void tell_askers(const struct scrub *scrub, const struct scrub_vf *work,
			const struct sriov_error *ledger)
{
	g_autofree char *why = work->error ? sriov_error_text(work->error) : NULL;
	g_autofree char *name = srv_vf_name(work->vf);
	sriov_autoerror err = NULL;

	if (work->held)
		sriov_error_set(&err, SRIOV_ERROR_BUSY, EBUSY, name,
				"a process still has it open (see which: fuser -v /dev/vfio/%d); "
				"it is scrubbed by itself as soon as that lets go of it",
				work->iommu_group);
	else if (work->gone)
		sriov_error_set(&err, SRIOV_ERROR_NOT_FOUND, ENODEV, name,
				"the kernel does not have it any more");
	else if (work->error && !scrub->error)
		sriov_error_set(&err, SRIOV_ERROR_DEVICE, work->error->err, name,
				"it is quarantined: %s", why);
	srv_scrub_told(scrub->daemon, work->vf, err ?: scrub->error ?: ledger);
}

static void scrub_recorded(const struct sriov_error *error, void *data)
{
	struct scrub *scrub = data;
	bool held = false, gone = false;

	for (guint i = 0; i < scrub->vfs->len; i++) {
		struct scrub_vf *work = scrub_at(scrub, i);
		g_autofree char *name = srv_vf_name(work->vf);

		held |= work->held;
		gone |= work->gone;
		tell_askers(scrub, work, error);
		if (work->held || work->gone || scrub->error)
			continue;
		if (!error)
			srv_model_forget_ex_owners(work->vf);
		if (work->error) {
			g_autofree char *why = sriov_error_text(work->error);

			srv_event(scrub->daemon->events, LOG_ERR, "vf", name, "quarantined: %s",
				  why);
		} else if (error) {
			/* Not recorded, so not clean: it is scrubbed again when the ledger works.
			 */
			srv_model_mark_vf(work->vf, SRV_VF_DIRTY, NULL);
			work->vf->left = true;
		} else {
			srv_event(scrub->daemon->events, LOG_INFO, "vf", name, "scrubbed, %s",
				  work->vf->pool ? "free" : "and in no pool any more");
			srv_fault_scrubbed(scrub->daemon, work->vf);
		}
	}
	if (held)
		retry(scrub, AGAIN_HELD);
	if (gone)
		srv_host_refresh(scrub->daemon);
	if (error && !scrub->error)
		retry(scrub, AGAIN_LEDGER);
	scrub_end(scrub, !error && !gone && !scrub->error);
}

/*
 * Only now, with the ledger told, may somebody get one of them.
 *
 * go_on: with the next batch; not when what stopped this one would stop that as well
 */
static void scrub_end(struct scrub *scrub, bool go_on)
{
	struct srv_daemon *daemon = scrub->daemon;
	struct srv_pf *pf = scrub->pf;

	for (guint i = 0; i < scrub->vfs->len; i++)
		scrub_at(scrub, i)->vf->scrubbing = false;
	srv_pf_recount(pf);
	srv_serial_next(pf->serial);
	scrub_free(scrub);
	srv_nic_serve_waiting(daemon);
	if (go_on)
		srv_pf_scrub(daemon, pf);
}

static void scrub_record(struct scrub *scrub)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(scrub->daemon->ledger);

	for (guint i = 0; i < scrub->vfs->len; i++) {
		struct scrub_vf *work = scrub_at(scrub, i);
		g_autofree char *why = work->error ? sriov_error_text(work->error) : NULL;

		work->vf->held = work->held;
		work->vf->stalled = scrub->error || work->gone;
		if (work->held || work->gone || scrub->error)
			continue;
		work->vf->fresh = false;
		/* An error came meanwhile, be it of the reset itself. */
		if (work->vf->health.condemned && !work->error) {
			why = g_strdup(work->vf->health.fault);
			sriov_error_set(&work->error, SRIOV_ERROR_DEVICE, EIO, NULL, "%s", why);
		}
		srv_model_mark_vf(work->vf, work->error ? SRV_VF_QUARANTINED : SRV_VF_CLEAN, why);
		srv_daemon_put_vf(txn, work->vf);
	}
	srv_ledger_commit(txn, scrub_recorded, scrub);
}

/*
 * Nobody gets one that could not be scrubbed; but with the MAC of its last owner it would go on
 * hearing that one's frames, who may have another VF of this PF by then. As far as it can be done:
 * each attribute alone, since of several all or none are set.
 */
static void silence(struct snl *nl, const struct scrub *scrub, const struct scrub_vf *work)
{
	for (uint32_t attr = 1; attr & SNL_VF_ALL; attr <<= 1) {
		struct snl_vf_attrs one = snl_vf_attrs_neutral();
		sriov_autoerror refused = NULL;
		uint32_t supported;

		one.mask = attr;
		snl_vf_set(nl, scrub->ifindex, work->index, &one, &supported, &refused);
	}
}

/* Step 3, on the PF's thread: the attributes, read back. */
static void scrub_attributes(void *data)
{
	struct scrub *scrub = data;
	struct snl_vf_attrs neutral = snl_vf_attrs_neutral();
	struct snl *nl;

	if (srv_vf_open_pf(scrub->ifindex, NULL, &nl, &scrub->error) < 0)
		return;
	for (guint i = 0; i < scrub->vfs->len; i++) {
		struct scrub_vf *work = scrub_at(scrub, i);
		uint32_t supported;

		if (work->held || work->gone)
			continue;
		if (work->error) {
			silence(nl, scrub, work);
			continue;
		}
		snl_vf_set(nl, scrub->ifindex, work->index, &neutral, &supported, &work->error);
		if (work->error && work->error->code == SRIOV_ERROR_NOT_FOUND) {
			work->gone = true;
			sriov_error_clear(&work->error);
		} else if (work->error) {
			silence(nl, scrub, work);
		}
	}
	snl_free(nl);
}

static void scrub_gone(void *data)
{
	scrub_free(data);
}

/* They stay dirty, until the PF is looked at anew. */
static void scrub_late(const struct scrub *scrub, const struct sriov_error *late)
{
	for (guint i = 0; i < scrub->vfs->len; i++) {
		srv_scrub_told(scrub->daemon, scrub_at(scrub, i)->vf, late);
		scrub_at(scrub, i)->vf->scrubbing = false;
		scrub_at(scrub, i)->vf->stalled = true;
	}
	srv_pf_recount(scrub->pf);
	srv_serial_next(scrub->pf->serial);
	srv_nic_serve_waiting(scrub->daemon);
}

static void call_scrub(struct scrub *scrub, void (*run)(void *data),
		       void (*done)(const struct sriov_error *late, void *data))
{
	srv_pf_call(scrub->daemon, scrub->pf, "scrubbing its VFs", run, done, scrub_gone, scrub);
}

static void scrub_attributes_done(const struct sriov_error *late, void *data)
{
	struct scrub *scrub = data;

	if (late) {
		scrub_late(scrub, late);
		return;
	}
	if (scrub->error) {
		g_autofree char *why = sriov_error_text(scrub->error);

		srv_event(scrub->daemon->events, LOG_WARNING, "pf", scrub->pf->name,
			  "its VFs cannot be scrubbed now: %s", why);
	}
	scrub_record(scrub);
}

static void scrub_reset_done(const struct spci_outcome *outcome, const struct sriov_error *error,
			     void *data)
{
	struct scrub *scrub = data;

	if (!outcome) {
		scrub->error = sriov_error_copy(error);
		scrub->also_stuck = error->code == SRIOV_ERROR_TIMEOUT;
		if (scrub->also_stuck)
			srv_pf_stuck(scrub->daemon, scrub->pf, error);
		scrub_record(scrub);
		return;
	}
	for (guint i = 0; i < outcome->results->len; i++) {
		const struct spci_result *result = outcome->results->pdata[i];

		for (guint j = 0; j < scrub->vfs->len; j++) {
			struct scrub_vf *work = scrub_at(scrub, j);

			if (!result->error || !sriov_bdf_equal(work->bdf, result->bdf))
				continue;
			if (result->error->code == SRIOV_ERROR_BUSY)
				work->held = true;
			else if (result->error->code == SRIOV_ERROR_NOT_FOUND)
				work->gone = true;
			else
				work->error = sriov_error_copy(result->error);
		}
	}
	call_scrub(scrub, scrub_attributes, scrub_attributes_done);
}

/* The reset that did not come back has come back after all. */
static void reset_gone(void *data)
{
	struct scrub *scrub = data;

	srv_pf_unstick(scrub->daemon, scrub->pf);
	scrub_free(scrub);
}

/*
 * Step 2: function-level reset. Not of a VF that was just created: setting VF Enable resets every
 * VF (PCIe 9.3.3.3.1), and nobody has had it since.
 */
static void scrub_reset(struct scrub *scrub)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(argv, g_strdup(SRV_HELPER_RESET));
	for (guint i = 0; i < scrub->vfs->len; i++) {
		char address[SRIOV_BDF_STRLEN];

		if (!scrub_at(scrub, i)->held && !scrub_at(scrub, i)->fresh)
			g_ptr_array_add(
				argv, g_strdup(sriov_bdf_format(scrub_at(scrub, i)->bdf, address)));
	}
	if (argv->len == 1) {
		call_scrub(scrub, scrub_attributes, scrub_attributes_done);
		return;
	}
	g_ptr_array_add(argv, NULL);
	srv_helper_run((const char *const *)argv->pdata, scrub->daemon->root,
		       SRV_VF_RESET_SECONDS(argv->len), scrub_reset_done, reset_gone, scrub);
}

/* Step 1, on the PF's thread: who still holds one? */
static void scrub_look(void *data)
{
	struct scrub *scrub = data;

	for (guint i = 0; i < scrub->vfs->len; i++) {
		struct scrub_vf *work = scrub_at(scrub, i);

		work->held = work->vfio &&
			     spci_vfio_group_in_use(scrub->daemon->root, work->iommu_group) > 0;
	}
}

static void scrub_looked(const struct sriov_error *late, void *data)
{
	if (late)
		scrub_late(data, late);
	else
		scrub_reset(data);
}

static void scrub_start(void *data)
{
	struct scrub *scrub = data;

	if (!scrub->pf->hanging)
		scrub_collect(scrub);
	if (!scrub->vfs->len) {
		srv_serial_next(scrub->pf->serial);
		scrub_free(scrub);
		return;
	}
	call_scrub(scrub, scrub_look, scrub_looked);
}

void srv_pf_scrub(struct srv_daemon *daemon, struct srv_pf *pf)
{
	struct scrub *scrub;
	bool any = false;

	if ((pf->state != SRV_PF_READY && pf->state != SRV_PF_UNMANAGED) ||
	    !srv_daemon_may_work(daemon) || !srv_gate_is_open(daemon))
		return;
	for (guint i = 0; i < pf->vfs->len && !any; i++) {
		const struct srv_vf *vf = pf->vfs->pdata[i];

		any = srv_vf_state(vf, NULL) == SRV_VF_STATE_DIRTY && !vf->scrubbing && !vf->held;
	}
	if (!any)
		return;
	scrub = g_new0(struct scrub, 1);
	scrub->daemon = daemon;
	scrub->pf = pf;
	scrub->vfs = g_array_new(FALSE, TRUE, sizeof(struct scrub_vf));
	srv_serial_push(pf->serial, scrub_start, scrub);
}
