// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Asking is marking a VF dirty, in the ledger first; scrubbing what is dirty is done already
 * (vf-scrub.c), for every reason there is, and says of each VF how it went. What it does not say
 * anything of, because it never comes to it, is looked out for here.
 */
#include "srv/sriovd/scrub-ask.h"

#include <errno.h>

#include "srv/sriovd/daemon-internal.h"
#include "srv/sriovd/fault.h"
#include "srv/sriovd/pf-call.h"
#include "srv/sriovd/vf-work.h"

#define LOOK_MS 250
/*
 * Each step has its own deadline, and the PF may have other things to do first; this one is for who
 * waits (sriovctl for two minutes).
 */
#define PATIENCE_SECONDS 100

struct asker {
	struct srv_daemon *daemon;
	struct srv_vf *vf;
	guint source;
	int64_t deadline; /* g_get_monotonic_time() */
	/* While the ledger has yet to learn that it is dirty */
	bool recording;
	enum srv_vf_mark mark; /* that it had */
	char *reason;	       /* of the quarantine that it was in */
	uint64_t taken;	       /* its PF's then: its facts are the same as long as that is */
	bool told;
	struct sriov_error *error; /* of one that is told */
	void (*done)(const struct sriov_error *error, void *data);
	void *data;
};

/* Answering */

static void answer(struct asker *asker, const struct sriov_error *error)
{
	g_ptr_array_remove_fast(asker->daemon->scrub_askers, asker);
	if (asker->source)
		g_source_remove(asker->source);
	asker->done(error, asker->data);
	sriov_error_free(asker->error);
	g_free(asker->reason);
	g_free(asker);
}

static gboolean answer_told(gpointer data)
{
	struct asker *asker = data;

	asker->source = 0;
	answer(asker, asker->error);
	return G_SOURCE_REMOVE;
}

/* Not at once: whoever is answered may ask again, and the scrub has not yet let go of the VF. */
void srv_scrub_told(struct srv_daemon *daemon, const struct srv_vf *vf,
		    const struct sriov_error *error)
{
	for (guint i = 0; i < daemon->scrub_askers->len; i++) {
		struct asker *asker = daemon->scrub_askers->pdata[i];

		if (asker->vf != vf || asker->recording || asker->told)
			continue;
		asker->told = true;
		asker->error = error ? sriov_error_copy(error) : NULL;
		if (asker->source)
			g_source_remove(asker->source);
		asker->source = g_idle_add(answer_told, asker);
	}
}

/* One that is being recorded is answered when the ledger has: that comes before it is closed. */
void srv_scrub_end(struct srv_daemon *daemon, const struct sriov_error *error)
{
	g_autoptr(GPtrArray) askers = g_ptr_array_copy(daemon->scrub_askers, NULL, NULL);

	for (guint i = 0; i < askers->len; i++) {
		struct asker *asker = askers->pdata[i];

		if (!asker->recording)
			answer(asker, asker->told ? asker->error : error);
	}
}

/* What stands against it */

static int check_owner(const struct srv_vf *vf, const char *name, struct sriov_error **err)
{
	g_autofree char *subject = vf->nic ? srv_nic_subject(vf->nic) : NULL;
	const struct srv_nic_row *row = vf->nic ? &vf->nic->row : NULL;

	if (!row)
		return 0;
	if (row->owner.kind == SRV_OWNER_MANUAL)
		return sriov_error_set(err, SRIOV_ERROR_BUSY, EBUSY, name,
				       "%s has it; it is scrubbed when it is given back: sriovctl "
				       "vf release %s %s",
				       subject, row->owner.name, row->id);
	if (row->mode == SRV_MODE_FAILOVER)
		return sriov_error_set(err, SRIOV_ERROR_BUSY, EBUSY, name,
				       "%s has it; it is scrubbed when it is taken from that: "
				       "sriovctl demote %s %s",
				       subject, row->owner.name, row->id);
	return sriov_error_set(err, SRIOV_ERROR_BUSY, EBUSY, name,
			       "%s has it; it is scrubbed when its guest has been shut down",
			       subject);
}

/* Whether anything can be scrubbed there, now or soon. */
static int check_pf(const struct srv_pf *pf, struct sriov_error **err)
{
	switch (pf->state) {
	case SRV_PF_READY:
	case SRV_PF_CONFIGURING:
		return srv_pf_call_refuse(pf, err);
	case SRV_PF_UNMANAGED:
		return sriov_error_set(err, SRIOV_ERROR_NOT_SUPPORTED, EOPNOTSUPP, pf->name,
				       "it is in no pool of the configuration, so its VFs are not "
				       "sriovd's to scrub");
	case SRV_PF_STUCK:
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, pf->name,
				       "it is stuck, so that none of its VFs can be scrubbed: %s",
				       pf->reason ?: "its driver does not come back");
	case SRV_PF_GONE:
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, ENODEV, pf->name,
				       "it is gone, and its VFs with it (%s); those that it has "
				       "when it is back are scrubbed by themselves",
				       pf->reason ?: "the kernel has no such device now");
	case SRV_PF_FAILED:
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, pf->name,
				       "it failed, so that none of its VFs can be scrubbed: %s; "
				       "sriovctl status says what to do",
				       pf->reason ?: "for no known reason");
	}
	g_assert_not_reached();
}

/* What else there is only when one is asked, since it hinders nobody's scrub but an operator's. */
static int check_service(const struct srv_pf *pf, struct sriov_error **err)
{
	if (pf->drained)
		return sriov_error_set(err, SRIOV_ERROR_BUSY, EBUSY, pf->name,
				       "it is out of service (%s); put it back first: sriovctl "
				       "undrain %s",
				       pf->resizing ? "resized" : "drained", pf->name);
	if (pf->state == SRV_PF_CONFIGURING)
		return sriov_error_set(err, SRIOV_ERROR_BUSY, EAGAIN, pf->name,
				       "its VFs are being made or looked at%s%s; try again when it "
				       "is ready (sriovctl pf list)",
				       pf->reason ? ": " : "", pf->reason ?: "");
	if (pf->facts && pf->facts->ifindex && !pf->facts->admin_up)
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, ENETDOWN, pf->name,
				       "it is down, and its driver would not keep what is set on a "
				       "VF; bring it up: ip link set %s up",
				       pf->name);
	return 0;
}

/* After its error it has been scrubbed, or needed none, and stands the test of time. */
static bool is_watched(const struct srv_vf *vf)
{
	return vf->health.watched_until ||
	       (vf->health.fault && !vf->health.condemned && vf->mark == SRV_VF_CLEAN);
}

/* Would a scrub come to it, were it dirty? */
static int check_vf(const struct srv_vf *vf, const char *name, struct sriov_error **err)
{
	struct srv_vf dirty = *vf;
	const char *reason;

	if (!vf->facts)
		return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENODEV, name,
				       "the kernel does not have it now; sriovctl vf list shows "
				       "what there is");
	if (!vf->pool)
		return sriov_error_set(err, SRIOV_ERROR_NOT_SUPPORTED, EOPNOTSUPP, name,
				       "no pool of the configuration has it, so it is not sriovd's "
				       "to scrub");
	if (vf->foreign)
		return sriov_error_set(err, SRIOV_ERROR_BUSY, EBUSY, name,
				       "%s; it is scrubbed by itself when that has let go of it",
				       vf->foreign);
	if (vf->health.recovering_since)
		return sriov_error_set(err, SRIOV_ERROR_BUSY, EAGAIN, name,
				       "the kernel is recovering it from a PCIe error; try again "
				       "in a minute");
	if (is_watched(vf))
		return sriov_error_set(err, SRIOV_ERROR_BUSY, EAGAIN, name,
				       "%s; it is free by itself when that minute is over",
				       vf->health.fault);
	dirty.mark = SRV_VF_DIRTY;
	if (srv_vf_state(&dirty, &reason) == SRV_VF_UNUSABLE)
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, name,
				       "scrubbed or not it is unusable: %s", reason);
	return 0;
}

static int check(const struct srv_vf *vf, struct sriov_error **err)
{
	g_autofree char *name = srv_vf_name(vf);
	int r = check_owner(vf, name, err);

	if (r == 0)
		r = check_pf(vf->pf, err);
	if (r == 0)
		r = check_service(vf->pf, err);
	/* One that is being scrubbed may have no driver for the moment. */
	if (r == 0 && !vf->scrubbing)
		r = check_vf(vf, name, err);
	return r;
}

/* Looking out */

static int check_quarantine(const struct srv_vf *vf, const char *name, struct sriov_error **err)
{
	const char *reason;

	if (srv_vf_state(vf, &reason) != SRV_VF_STATE_QUARANTINED)
		return 0;
	return sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, name, "%s",
			       reason ?: "quarantined, for a reason that was lost");
}

/* What became of a VF that no scrub is under way for: 1 it is free, or somebody's already. */
static int look_at(const struct asker *asker, struct sriov_error **err)
{
	const struct sriov_error *refusal = srv_daemon_refusal(asker->daemon);
	g_autofree char *name = srv_vf_name(asker->vf);
	int r;

	if (refusal) {
		*err = sriov_error_copy(refusal);
		return -EIO;
	}
	if (asker->vf->nic || srv_vf_state(asker->vf, NULL) == SRV_VF_FREE)
		return 1;
	r = check_pf(asker->vf->pf, err);
	if (r == 0)
		r = check_quarantine(asker->vf, name, err);
	/* While its PF is looked at anew it may have been unbound for the moment. */
	if (r == 0 && asker->vf->pf->state == SRV_PF_READY)
		r = check_vf(asker->vf, name, err);
	return r;
}

static int check_patience(const struct asker *asker, struct sriov_error **err)
{
	g_autofree char *name = srv_vf_name(asker->vf);

	if (g_get_monotonic_time() < asker->deadline)
		return 0;
	return sriov_error_set(err, SRIOV_ERROR_TIMEOUT, ETIMEDOUT, name,
			       "its scrub is not over after %d s, because its PF is busy; it goes "
			       "on by itself: sriovctl vf show %s",
			       PATIENCE_SECONDS, name);
}

static gboolean look(gpointer data)
{
	struct asker *asker = data;
	sriov_autoerror err = NULL;
	int r = asker->vf->scrubbing ? 0 : look_at(asker, &err);

	if (r == 0)
		r = check_patience(asker, &err);
	if (r == 0)
		return G_SOURCE_CONTINUE;
	asker->source = 0;
	answer(asker, err);
	return G_SOURCE_REMOVE;
}

static void wait_for_scrub(struct asker *asker)
{
	asker->recording = false;
	asker->source = g_timeout_add(LOOK_MS, look, asker);
	srv_pf_scrub(asker->daemon, asker->vf->pf);
}

/* Asking */

/*
 * Nothing was done to it, and what the ledger says of it holds, unless it became another VF
 * meanwhile: then it is dirty for that.
 */
static void take_back(const struct asker *asker)
{
	struct srv_vf *vf = asker->vf;

	if (vf->mark == SRV_VF_DIRTY && vf->facts && vf->pf->taken == asker->taken)
		srv_model_mark_vf(vf, asker->mark, asker->reason);
}

static void recorded(const struct sriov_error *error, void *data)
{
	struct asker *asker = data;
	struct srv_daemon *daemon = asker->daemon;
	struct srv_vf *vf = asker->vf;
	sriov_autoerror err = NULL;

	vf->scrubbing = false;
	if (error) {
		take_back(asker);
		srv_pf_recount(vf->pf);
		/* Those who asked meanwhile. */
		srv_scrub_told(daemon, vf, error);
		answer(asker, error);
	} else if (daemon->stopping) {
		srv_daemon_set_stopping(&err);
		answer(asker, err);
	} else {
		wait_for_scrub(asker);
	}
}

/* Until that is on disk nobody scrubs it, nor does anybody get it. */
static void record(struct asker *asker)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(asker->daemon->ledger);
	g_autofree char *name = srv_vf_name(asker->vf);
	struct srv_vf *vf = asker->vf;
	const char *reason;
	bool quarantined = srv_vf_state(vf, &reason) == SRV_VF_STATE_QUARANTINED;

	asker->recording = true;
	asker->mark = quarantined ? SRV_VF_QUARANTINED : vf->mark;
	asker->reason = g_strdup(quarantined ? reason : NULL);
	asker->taken = vf->pf->taken;
	if (quarantined)
		srv_event(asker->daemon->events, LOG_NOTICE, "vf", name,
			  "to be scrubbed by order, which ends its quarantine (%s) if it succeeds",
			  asker->reason ?: "for a reason that was lost");
	else
		srv_event(asker->daemon->events, LOG_NOTICE, "vf", name,
			  "to be scrubbed again, by order");
	srv_fault_forget(vf);
	vf->scrubbing = true;
	srv_model_mark_vf(vf, SRV_VF_DIRTY, NULL);
	/* Also when its pool goes meanwhile: its last owner's MAC may still be on it. */
	vf->left = true;
	srv_daemon_put_vf(txn, vf);
	srv_ledger_commit(txn, recorded, asker);
}

void srv_scrub_ask(struct srv_daemon *daemon, struct srv_vf *vf,
		   void (*done)(const struct sriov_error *error, void *data), void *data)
{
	sriov_autoerror err = NULL;
	struct asker *asker;

	if (check(vf, &err) < 0) {
		done(err, data);
		return;
	}
	asker = g_new0(struct asker, 1);
	asker->daemon = daemon;
	asker->vf = vf;
	asker->deadline = g_get_monotonic_time() + PATIENCE_SECONDS * G_USEC_PER_SEC;
	asker->done = done;
	asker->data = data;
	g_ptr_array_add(daemon->scrub_askers, asker);
	if (vf->scrubbing || vf->mark == SRV_VF_DIRTY)
		wait_for_scrub(asker);
	else
		record(asker);
}
