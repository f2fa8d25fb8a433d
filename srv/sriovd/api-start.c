// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * StartDomain: paused, so that the nics are there before the guest's first instruction. libvirt
 * calls the hook meanwhile, which reserves; the attaches then stand behind the start on the
 * domain's queue. That it is we who will resume it is written down before (start-mark.h). One
 * without nics of ours is simply started.
 */
#include "srv/sriovd/api.h"

#include <errno.h>

#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/start-mark.h"
#include "srv/sriovd/start.h"

#define STEPS 3
/* Passes, a second apart, in which one that was cut short may find its nics not there yet. */
#define TRIES 60

/* A start that was cut short, between two tries. */
struct cut {
	char *uuid;
	struct srv_job *job; /* NULL: it has none */
	unsigned tries;	     /* so far */
};

static void cut_free(gpointer data)
{
	struct cut *cut = data;

	g_free(cut->uuid);
	g_free(cut);
}

static GPtrArray *cuts_new(void)
{
	return g_ptr_array_new_with_free_func(cut_free);
}

static void add_cut(struct srv_daemon *daemon, const char *uuid, struct srv_job *job,
		    unsigned tries)
{
	struct cut *cut = g_new(struct cut, 1);

	*cut = (struct cut){ g_strdup(uuid), job, tries };
	if (!daemon->cut_starts)
		daemon->cut_starts = cuts_new();
	g_ptr_array_add(daemon->cut_starts, cut);
}

struct start {
	struct srv_daemon *daemon;
	struct srv_call *call;
	struct srv_job *job;
	char *domain, *uuid, *name;
	bool active;
	bool paused;	/* it has nics of ours */
	unsigned tries; /* those of one that was cut short, with this one; 0: it was not */
	guint waiting;	/* nics not yet settled */
	struct sriov_error *error;
};

static void start_free(struct start *start)
{
	g_free(start->domain);
	g_free(start->uuid);
	g_free(start->name);
	sriov_error_free(start->error);
	g_free(start);
}

static void start_failed(struct start *start)
{
	srv_job_failed(start->job, start->error);
	start_free(start);
}

/* The last step */

static void resume_run(void *data)
{
	struct start *start = data;

	/* Somebody who suspends it from now on is not overruled, but by a kill just in between. */
	if (srv_virt_resume(start->daemon->virt, start->uuid, &start->error) == 0)
		srv_start_mark_remove(start->daemon->state_dir, start->uuid);
}

static void unmark_run(void *data)
{
	const struct start *start = data;

	srv_start_mark_remove(start->daemon->state_dir, start->uuid);
}

static void unmark_done(void *data)
{
	start_failed(data);
}

/* It stays as it is, and whoever asked is told so: it is his now. */
static void leave_paused(struct start *start)
{
	srv_queue_push(srv_daemon_domain_queue(start->daemon, start->uuid), unmark_run, unmark_done,
		       start);
}

/* libvirt went away: it is gone on with when libvirt is back. */
static bool is_cut(const struct start *start)
{
	return start->paused && start->error && start->error->code == SRIOV_ERROR_UNAVAILABLE;
}

static void keep_cut(struct start *start)
{
	add_cut(start->daemon, start->uuid, NULL, 0);
	start_failed(start);
}

static void resume_done(void *data)
{
	struct start *start = data;

	if (start->error) {
		sriov_error_wrap(&start->error, "%s is started and paused", start->name);
		if (is_cut(start))
			keep_cut(start);
		else
			leave_paused(start);
		return;
	}
	srv_job_done(start->job, "%s runs", start->name);
	start_free(start);
}

/* The first nic without which the guest must not run, and has not got. */
static const struct srv_nic *find_missing(const struct start *start)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(start->daemon->model, start->uuid);

	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];

		if (nic->row.owner.kind == SRV_OWNER_LIBVIRT &&
		    nic->row.mode == SRV_MODE_REQUIRED && nic->row.state != SRV_NIC_ATTACHED)
			return nic;
	}
	return NULL;
}

static void all_settled(struct start *start)
{
	const struct srv_nic *missing = find_missing(start);

	/* After our own start its PF may have to be made ready first. */
	if (missing && start->tries && start->tries < TRIES) {
		add_cut(start->daemon, start->uuid, start->job, start->tries);
		srv_reconcile_soon(start->daemon);
		start_free(start);
		return;
	}
	if (missing) {
		g_autofree char *subject = srv_nic_subject(missing);

		sriov_error_set(&start->error, SRIOV_ERROR_DEVICE, EIO, subject,
				"it is required and could not be attached, so %s stays paused: %s; "
				"let it run with: virsh resume %s",
				start->name, missing->row.reason ?: "for no known reason",
				start->name);
		leave_paused(start);
		return;
	}
	srv_job_step(start->job, STEPS, "letting it run");
	srv_queue_push(srv_daemon_domain_queue(start->daemon, start->uuid), resume_run, resume_done,
		       start);
}

/* Waiting for the nics */

static void one_settled(struct srv_nic *nic, void *data)
{
	struct start *start = data;

	if (--start->waiting == 0)
		all_settled(start);
}

static void wait_for_nics(void *data)
{
	struct start *start = data;
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(start->daemon->model, start->uuid);

	/* One more, so that it cannot be over before all of them are waited for. */
	start->waiting = nics->len + 1;
	for (guint i = 0; i < nics->len; i++)
		srv_nic_when_settled(nics->pdata[i], one_settled, start);
	one_settled(NULL, start);
}

/* Without a hook, or with one whose call was lost, nothing is reserved: libvirt is looked at. */
static bool all_under_way(const struct start *start)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(start->daemon->model, start->uuid);

	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];

		if (!nic->busy && nic->row.state != SRV_NIC_ATTACHED &&
		    nic->row.state != SRV_NIC_FAILED)
			return false;
	}
	return nics->len > 0;
}

static void start_run(void *data)
{
	struct start *start = data;
	const struct srv_daemon *daemon = start->daemon;
	/* Of another call, which is about to resume it, or of one that was cut short. */
	bool marked = start->paused && srv_start_mark_is_there(daemon->state_dir, start->uuid);

	if (start->paused && !marked &&
	    srv_start_mark_put(daemon->state_dir, start->uuid, daemon->boot_id, &start->error) < 0)
		return;
	if (srv_virt_start(daemon->virt, start->uuid, start->paused, &start->error) < 0 &&
	    !marked && !is_cut(start))
		srv_start_mark_remove(daemon->state_dir, start->uuid);
}

static void start_done(void *data)
{
	struct start *start = data;

	if (is_cut(start)) {
		keep_cut(start);
		return;
	}
	if (start->error) {
		start_failed(start);
		return;
	}
	if (!start->paused) {
		srv_job_done(start->job, "%s runs", start->name);
		start_free(start);
		return;
	}
	srv_job_step(start->job, STEPS, "attaching its nics");
	srv_nic_attach_owner(start->daemon, start->uuid);
	if (all_under_way(start))
		wait_for_nics(start);
	else
		srv_reconcile_then(start->daemon, wait_for_nics, start);
}

/* The domain */

static void find_run(void *data)
{
	struct start *start = data;
	struct srv_virt_domain *domain;

	if (srv_virt_get(start->daemon->virt, start->domain, &domain, &start->error) < 0)
		return;
	start->uuid = g_strdup(domain->uuid);
	start->name = g_strdup(domain->name);
	start->active = domain->active;
	start->paused = domain->stored && domain->stored->nics->len;
	srv_virt_domain_free(domain);
}

static void find_done(void *data)
{
	struct start *start = data;

	if (start->active)
		sriov_error_set(&start->error, SRIOV_ERROR_EXISTS, EALREADY, start->name,
				"it runs already");
	if (start->error) {
		srv_call_error(start->call, start->error);
		start_free(start);
		return;
	}
	start->job = srv_job_new(start->daemon->jobs);
	srv_job_step(start->job, STEPS, "starting %s%s", start->name,
		     start->paused ? ", paused" : "");
	srv_call_reply(start->call, json_pack("{s:i}", "job", (int)srv_job_id(start->job)));
	srv_queue_push(srv_daemon_domain_queue(start->daemon, start->uuid), start_run, start_done,
		       start);
}

void srv_api_start_domain(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	struct start *start;

	if (srv_api_waits(daemon, call, parameters, srv_api_start_domain))
		return;
	if (!srv_api_has_libvirt(daemon, call))
		return;
	start = g_new0(struct start, 1);
	start->daemon = daemon;
	start->call = call;
	start->domain = g_strdup(srv_api_string(parameters, "domain"));
	srv_queue_push(srv_daemon_domain_queue(daemon, start->domain), find_run, find_done, start);
}

/* After a cut */

static const struct srv_virt_domain *find_domain(const GPtrArray *domains, const char *uuid)
{
	for (guint i = 0; i < domains->len; i++) {
		const struct srv_virt_domain *domain = domains->pdata[i];

		if (g_str_equal(domain->uuid, uuid))
			return domain;
	}
	return NULL;
}

/* Its hook was heard, and its end was not: what runs is what we started. */
static bool hook_was_heard(const struct srv_daemon *daemon, const char *uuid)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(daemon->model, uuid);

	for (guint i = 0; i < nics->len; i++) {
		if (((const struct srv_nic *)nics->pdata[i])->row.state != SRV_NIC_IDLE)
			return true;
	}
	return false;
}

static void go_on(struct srv_daemon *daemon, const struct srv_virt_domain *domain,
		  const struct cut *cut)
{
	struct start *start = g_new0(struct start, 1);

	start->daemon = daemon;
	start->uuid = g_strdup(domain->uuid);
	start->name = g_strdup(domain->name);
	start->paused = true;
	start->tries = cut->tries + 1;
	start->job = cut->job;
	if (!start->job) {
		start->job = srv_job_new(daemon->jobs);
		srv_event(daemon->events, LOG_NOTICE, "job", domain->name,
			  "its start was cut short, and is gone on with");
		srv_job_step(start->job, STEPS, "attaching its nics");
	}
	srv_reconcile_then(daemon, wait_for_nics, start);
}

struct unmark {
	char *dir, *uuid;
};

static void forget_run(void *data)
{
	const struct unmark *unmark = data;

	srv_start_mark_remove(unmark->dir, unmark->uuid);
}

static void forget_done(void *data)
{
	struct unmark *unmark = data;

	g_free(unmark->dir);
	g_free(unmark->uuid);
	g_free(unmark);
}

static void forget(struct srv_daemon *daemon, const struct cut *cut,
		   const struct srv_virt_domain *domain)
{
	struct unmark *unmark = g_new(struct unmark, 1);

	*unmark = (struct unmark){ g_strdup(daemon->state_dir), g_strdup(cut->uuid) };
	if (cut->job)
		srv_job_done(cut->job, "nothing is left to be done");
	if (domain && domain->active && domain->paused)
		srv_event(daemon->events, LOG_WARNING, "job", domain->name,
			  "it is paused, and it cannot be told by whom; let it run with: virsh "
			  "resume %s",
			  domain->name);
	srv_queue_push(srv_daemon_domain_queue(daemon, cut->uuid), forget_run, forget_done, unmark);
}

void srv_start_load(struct srv_daemon *daemon)
{
	g_autoptr(GPtrArray) marks = srv_start_marks(daemon->state_dir, daemon->boot_id);

	for (guint i = 0; i < marks->len; i++) {
		if (hook_was_heard(daemon, marks->pdata[i]))
			add_cut(daemon, marks->pdata[i], NULL, 0);
		else
			srv_start_mark_remove(daemon->state_dir, marks->pdata[i]);
	}
}

void srv_start_resume(struct srv_daemon *daemon, const GPtrArray *domains)
{
	g_autoptr(GPtrArray) cuts = g_steal_pointer(&daemon->cut_starts);

	for (guint i = 0; cuts && i < cuts->len; i++) {
		const struct cut *cut = cuts->pdata[i];
		const struct srv_virt_domain *domain = find_domain(domains, cut->uuid);

		if (domain && domain->active && domain->held &&
		    hook_was_heard(daemon, domain->uuid))
			go_on(daemon, domain, cut);
		else
			forget(daemon, cut, domain);
	}
}
