// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/fault.h"

#include "srv/sriovd/daemon.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/vf-work.h"

#define TICK_SECONDS	 1
#define WATCH_SECONDS	 60	       /* after the scrub, before anybody gets it */
#define MEMORY_SECONDS	 INT64_C(3600) /* another error within that is one too many */
#define RECOVERY_SECONDS 60 /* the kernel says of some that fail nothing of each function */

struct srv_faults {
	struct srv_daemon *daemon;
	struct srv_queue *queue; /* reads counters: nothing there can hang */
	guint tick_source;
	uint64_t looks; /* how many were begun */
	bool looking, again, stopping;
};

struct srv_faults *srv_faults_new(struct srv_daemon *daemon)
{
	struct srv_faults *faults = g_new0(struct srv_faults, 1);

	faults->daemon = daemon;
	faults->queue = srv_queue_new("errors");
	return faults;
}

void srv_faults_stop(struct srv_faults *faults)
{
	faults->stopping = true;
	if (faults->tick_source)
		g_source_remove(faults->tick_source);
	faults->tick_source = 0;
}

void srv_faults_free(struct srv_faults *faults)
{
	srv_queue_unref(faults->queue);
	g_free(faults);
}

/* Judging */

enum severity {
	UNSURE, /* it may have been another function's */
	CERTAIN,
	FINAL, /* it does not work any more */
};

static void arm_tick(struct srv_faults *faults);

/* A failover nic is demoted within a second, by failover.c. */
static void tell_owner(struct srv_daemon *daemon, const struct srv_vf *vf)
{
	g_autofree char *subject = srv_nic_subject(vf->nic);
	g_autofree char *name = srv_vf_name(vf);

	if (vf->nic->row.mode != SRV_MODE_FAILOVER)
		srv_event(daemon->events, LOG_ERR, "nic", subject,
			  "it keeps VF %s, as it has nothing else, though %s", name,
			  vf->health.fault);
}

/* Of a VF that nobody has: another scrub, or none and a quarantine, on disk. */
static void set_aside(struct srv_daemon *daemon, struct srv_vf *vf)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(daemon->ledger);
	g_autofree char *name = srv_vf_name(vf);
	bool condemned = vf->health.condemned;

	if (condemned)
		srv_event(daemon->events, LOG_ERR, "vf", name, "quarantined: %s", vf->health.fault);
	srv_model_mark_vf(vf, condemned ? SRV_VF_QUARANTINED : SRV_VF_DIRTY,
			  condemned ? vf->health.fault : NULL);
	srv_daemon_put_vf(txn, vf);
	srv_ledger_commit(txn, NULL, NULL);
}

static void strike(struct srv_daemon *daemon, struct srv_vf *vf, enum severity severity,
		   const char *what)
{
	struct srv_health *health = &vf->health;
	int64_t now = g_get_monotonic_time();
	bool again = health->fault_at && now - health->fault_at < MEMORY_SECONDS * G_USEC_PER_SEC;
	bool is_free = !vf->nic && vf->pool && vf->mark == SRV_VF_CLEAN;
	g_autofree char *fault = g_strdup_printf(
		"%s%s", what, again ? ", not for the first time within an hour" : "");
	g_autofree char *name = srv_vf_name(vf);

	health->fault_at = now;
	health->watched_until = 0;
	/*
	 * Of one that still waits for its scrub it may be the last owner's: who is killed leaves
	 * requests under way that the IOMMU then refuses.
	 */
	health->condemned |= severity == FINAL || (severity == CERTAIN && (again || is_free));
	srv_health_set_fault(health, fault);
	srv_event(daemon->events, LOG_ERR, "vf", name, "%s", fault);
	if (vf->nic)
		tell_owner(daemon, vf);
	else if (is_free)
		set_aside(daemon, vf);
	srv_pf_recount(vf->pf);
	srv_pf_scrub(daemon, vf->pf);
	arm_tick(daemon->faults);
}

static char *describe(uint32_t fatal, uint32_t nonfatal)
{
	const char *s = fatal + nonfatal == 1 ? "" : "s";

	if (!nonfatal)
		return g_strdup_printf("it had %u fatal PCIe error%s", fatal, s);
	if (!fatal)
		return g_strdup_printf("it had %u PCIe error%s, not fatal", nonfatal, s);
	return g_strdup_printf("it had %u PCIe errors, %u of them fatal", fatal + nonfatal, fatal);
}

/*
 * The new errors of a function, in words (the caller's); NULL: none. A counter that went back is
 * another function's, which has taken its place: then they count from there.
 */
static char *take(struct srv_health *health, const struct spci_aer *now)
{
	struct spci_aer was = health->seen;
	uint32_t fatal = 0, nonfatal = 0;

	health->seen = *now;
	if (!was.known || !now->known)
		return NULL;
	if (now->fatal > was.fatal)
		fatal = now->fatal - was.fatal;
	if (now->nonfatal > was.nonfatal)
		nonfatal = now->nonfatal - was.nonfatal;
	return fatal || nonfatal ? describe(fatal, nonfatal) : NULL;
}

static void judge_vf(struct srv_daemon *daemon, struct srv_vf *vf, const struct spci_aer *now)
{
	g_autofree char *what = take(&vf->health, now);
	bool unjudged = vf->health.unjudged;

	vf->health.unjudged = false;
	if (what)
		strike(daemon, vf, CERTAIN, what);
	else if (unjudged && !now->known)
		strike(daemon, vf, UNSURE,
		       "the kernel had to recover it from a PCIe error, its own or that of another "
		       "function near it, whose errors are not counted");
}

/* Its own: the VFs have counters of theirs, and work as long as it does. */
static void judge_pf(struct srv_daemon *daemon, struct srv_pf *pf, const struct spci_aer *now)
{
	g_autofree char *what = take(&pf->health, now);

	if (!what)
		return;
	pf->health.fault_at = g_get_monotonic_time();
	srv_health_set_fault(&pf->health, what);
	srv_event(daemon->events, LOG_ERR, "pf", pf->name, "%s", what);
	arm_tick(daemon->faults);
}

/* Looking */

uint64_t srv_fault_number(struct srv_daemon *daemon)
{
	return ++daemon->faults->looks;
}

struct srv_fault_look {
	uint64_t number;
	struct sriov_bdf pf;
	size_t n;
	struct sriov_bdf *bdfs; /* [n]: the PF, then VFs */
	uint32_t *index;	/* [n]: of the VF; of the PF unused */
	struct spci_aer *found; /* [n] */
};

struct srv_fault_look *srv_fault_look_new(const struct spci_pf *facts, uint64_t number)
{
	struct srv_fault_look *look = g_new0(struct srv_fault_look, 1);

	look->number = number;
	look->pf = facts->bdf;
	look->n = 1 + facts->n_vfs;
	look->bdfs = g_new(struct sriov_bdf, look->n);
	look->index = g_new0(uint32_t, look->n);
	look->found = g_new0(struct spci_aer, look->n);
	look->bdfs[0] = facts->bdf;
	for (size_t i = 0; i < facts->n_vfs; i++) {
		look->bdfs[1 + i] = facts->vfs[i].bdf;
		look->index[1 + i] = facts->vfs[i].index;
	}
	return look;
}

void srv_fault_look_run(struct srv_fault_look *look, const char *root)
{
	spci_aer_read(root, look->bdfs, look->n, look->found);
}

void srv_fault_look_take(struct srv_daemon *daemon, struct srv_fault_look *look)
{
	struct srv_pf *pf = srv_model_pf(daemon->model, look->pf);

	/* What one that began later has read must not seem to come once more. */
	bool late = !pf || look->number < pf->looked;

	if (pf && !late)
		pf->looked = look->number;
	late |= daemon->faults->stopping;
	if (!late && pf->facts)
		judge_pf(daemon, pf, &look->found[0]);
	for (size_t i = 1; i < look->n && !late; i++) {
		const struct srv_vf_ref ref = { look->pf, look->index[i] };
		struct srv_vf *vf = srv_model_vf(daemon->model, ref);

		if (vf && vf->facts && sriov_bdf_equal(vf->facts->bdf, look->bdfs[i]))
			judge_vf(daemon, vf, &look->found[i]);
	}
	g_free(look->bdfs);
	g_free(look->index);
	g_free(look->found);
	g_free(look);
}

struct looks {
	struct srv_daemon *daemon;
	GPtrArray *all; /* of struct srv_fault_look */
};

static void looks_run(void *data)
{
	struct looks *looks = data;

	for (guint i = 0; i < looks->all->len; i++)
		srv_fault_look_run(looks->all->pdata[i], looks->daemon->root);
}

static void looks_done(void *data)
{
	struct looks *looks = data;
	struct srv_daemon *daemon = looks->daemon;

	daemon->faults->looking = false;
	for (guint i = 0; i < looks->all->len; i++)
		srv_fault_look_take(daemon, looks->all->pdata[i]);
	g_ptr_array_unref(looks->all);
	g_free(looks);
	if (daemon->faults->again)
		srv_fault_look(daemon);
}

void srv_fault_look(struct srv_daemon *daemon)
{
	struct srv_faults *faults = daemon->faults;
	struct looks *looks;
	uint64_t number;

	faults->again = faults->looking && !faults->stopping;
	if (faults->looking || faults->stopping)
		return;
	faults->looking = true;
	number = srv_fault_number(daemon);
	looks = g_new(struct looks, 1);
	*looks = (struct looks){ daemon, g_ptr_array_new() };
	for (guint i = 0; i < daemon->model->pfs->len; i++) {
		const struct srv_pf *pf = daemon->model->pfs->pdata[i];

		if (pf->facts && pf->state != SRV_PF_UNMANAGED)
			g_ptr_array_add(looks->all, srv_fault_look_new(pf->facts, number));
	}
	srv_queue_push(faults->queue, looks_run, looks_done, looks);
}

/* Recovery */

static void begun(struct srv_daemon *daemon, struct srv_vf *vf)
{
	vf->health.recovering_since = g_get_monotonic_time();
	vf->health.unjudged = true;
	srv_pf_recount(vf->pf);
	arm_tick(daemon->faults);
}

static void recovered(struct srv_daemon *daemon, struct srv_vf *vf)
{
	vf->health.recovering_since = 0;
	srv_pf_recount(vf->pf);
	srv_pf_scrub(daemon, vf->pf);
	srv_nic_serve_waiting(daemon);
}

static void failed(struct srv_daemon *daemon, struct srv_vf *vf, const char *what)
{
	vf->health.recovering_since = 0;
	vf->health.unjudged = false;
	strike(daemon, vf, FINAL, what);
}

static void vf_event(struct srv_daemon *daemon, struct srv_vf *vf, enum snl_uevent what)
{
	if (what == SNL_UEVENT_RECOVERY_BEGUN)
		begun(daemon, vf);
	else if (what == SNL_UEVENT_RECOVERY_FAILED)
		failed(daemon, vf, "the kernel could not recover it from a PCIe error");
	else
		recovered(daemon, vf);
}

/* With it goes what hangs on it. */
static void pf_event(struct srv_daemon *daemon, struct srv_pf *pf, enum snl_uevent what)
{
	static const char fault[] = "the kernel could not recover it from a PCIe error";

	if (what != SNL_UEVENT_RECOVERY_FAILED) {
		srv_event(daemon->events, LOG_NOTICE, "pf", pf->name, "%s",
			  what == SNL_UEVENT_RECOVERY_BEGUN
				  ? "the kernel recovers it from a PCIe error"
				  : "the kernel has recovered it from a PCIe error");
		return;
	}
	pf->health.fault_at = g_get_monotonic_time();
	srv_health_set_fault(&pf->health, fault);
	srv_event(daemon->events, LOG_ERR, "pf", pf->name, "%s", fault);
	for (guint i = 0; i < pf->vfs->len; i++) {
		struct srv_vf *vf = pf->vfs->pdata[i];

		if (vf->facts && !vf->health.condemned)
			failed(daemon, vf, "the kernel could not recover its PF from a PCIe error");
	}
	arm_tick(daemon->faults);
}

void srv_fault_event(struct srv_daemon *daemon, struct sriov_bdf bdf, enum snl_uevent what)
{
	struct srv_pf *pf = srv_model_pf(daemon->model, bdf);
	struct srv_vf *vf = pf ? NULL : srv_model_vf_by_address(daemon->model, bdf);

	if ((!pf && !vf) || (pf ?: vf->pf)->state == SRV_PF_UNMANAGED)
		return;
	if (pf)
		pf_event(daemon, pf, what);
	else
		vf_event(daemon, vf, what);
	srv_fault_look(daemon);
}

static void each_vf(struct srv_daemon *daemon, void (*each)(struct srv_vf *vf, void *data),
		    void *data)
{
	for (guint i = 0; i < daemon->model->pfs->len; i++) {
		const struct srv_pf *pf = daemon->model->pfs->pdata[i];

		for (guint j = 0; j < pf->vfs->len; j++)
			each(pf->vfs->pdata[j], data);
	}
}

static void forget_recovery(struct srv_vf *vf, void *data)
{
	if (vf->health.recovering_since)
		recovered(data, vf);
}

void srv_fault_events_lost(struct srv_daemon *daemon)
{
	each_vf(daemon, forget_recovery, daemon);
	srv_fault_look(daemon);
}

void srv_fault_forget(struct srv_vf *vf)
{
	struct srv_health *health = &vf->health;

	health->condemned = false;
	health->fault_at = health->watched_until = 0;
	srv_health_set_fault(health, NULL);
	srv_pf_recount(vf->pf);
}

/* Time */

void srv_fault_scrubbed(struct srv_daemon *daemon, struct srv_vf *vf)
{
	g_autofree char *name = srv_vf_name(vf);
	g_autofree char *text = NULL;

	if (!vf->health.fault || vf->health.condemned || vf->health.watched_until)
		return;
	text = g_strdup_printf("%s; it is scrubbed, and watched for %d s before anybody gets it",
			       vf->health.fault, WATCH_SECONDS);
	vf->health.watched_until = g_get_monotonic_time() + WATCH_SECONDS * G_USEC_PER_SEC;
	srv_health_set_fault(&vf->health, text);
	srv_event(daemon->events, LOG_NOTICE, "vf", name, "%s", text);
	srv_pf_recount(vf->pf);
	arm_tick(daemon->faults);
}

static void watched(struct srv_daemon *daemon, struct srv_vf *vf)
{
	g_autofree char *name = srv_vf_name(vf);

	vf->health.watched_until = 0;
	srv_health_set_fault(&vf->health, NULL);
	srv_event(daemon->events, LOG_NOTICE, "vf", name,
		  "it had no PCIe error since it was scrubbed after one");
	srv_pf_recount(vf->pf);
	srv_pf_scrub(daemon, vf->pf);
	srv_nic_serve_waiting(daemon);
}

struct tick {
	struct srv_daemon *daemon;
	int64_t now;
	bool more;
};

static void tick_vf(struct srv_vf *vf, void *data)
{
	struct tick *tick = data;
	struct srv_health *health = &vf->health;

	if (health->recovering_since &&
	    tick->now - health->recovering_since >= RECOVERY_SECONDS * G_USEC_PER_SEC)
		failed(tick->daemon, vf,
		       "the kernel began to recover it from a PCIe error and never said that it "
		       "had");
	if (health->watched_until && tick->now >= health->watched_until)
		watched(tick->daemon, vf);
	if (health->fault && !vf->nic && vf->pool && !vf->scrubbing) {
		/* One that is dirty has the MAC of its last owner: the scrub takes it away first.
		 */
		if (health->condemned && vf->mark == SRV_VF_CLEAN)
			set_aside(tick->daemon, vf);
		/* Its owner gave it up as he got it. */
		else if (vf->mark == SRV_VF_CLEAN)
			srv_fault_scrubbed(tick->daemon, vf);
	}
	tick->more |= health->recovering_since || (health->fault && vf->mark != SRV_VF_QUARANTINED);
}

static gboolean on_tick(gpointer data)
{
	struct srv_faults *faults = data;
	struct tick tick = { faults->daemon, g_get_monotonic_time(), false };

	faults->tick_source = 0;
	if (srv_daemon_may_work(tick.daemon))
		each_vf(tick.daemon, tick_vf, &tick);
	else
		tick.more = true;
	for (guint i = 0; i < tick.daemon->model->pfs->len; i++) {
		struct srv_pf *pf = tick.daemon->model->pfs->pdata[i];
		bool old = tick.now - pf->health.fault_at >= MEMORY_SECONDS * G_USEC_PER_SEC;

		if (pf->health.fault && old)
			srv_health_set_fault(&pf->health, NULL);
		tick.more |= pf->health.fault != NULL;
	}
	if (tick.more)
		arm_tick(faults);
	return G_SOURCE_REMOVE;
}

/* It ticks while there is something to come to its end. */
static void arm_tick(struct srv_faults *faults)
{
	if (!faults->tick_source && !faults->stopping)
		faults->tick_source = g_timeout_add_seconds(TICK_SECONDS, on_tick, faults);
}
