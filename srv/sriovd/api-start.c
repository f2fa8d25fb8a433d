// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * StartDomain: paused, so that the nics are there before the guest's first instruction. libvirt
 * calls the hook meanwhile, which reserves; the attaches then stand behind the start on the
 * domain's queue.
 */
#include "srv/sriovd/api.h"

#include <errno.h>

#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"

#define STEPS 3

struct start {
	struct srv_daemon *daemon;
	struct srv_call *call;
	struct srv_job *job;
	char *domain, *uuid, *name;
	bool active;
	guint waiting; /* nics not yet settled */
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

	srv_virt_resume(start->daemon->virt, start->uuid, &start->error);
}

static void resume_done(void *data)
{
	struct start *start = data;

	if (start->error) {
		sriov_error_wrap(&start->error, "%s is started and paused", start->name);
		start_failed(start);
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

	if (missing) {
		g_autofree char *subject = srv_nic_subject(missing);

		sriov_error_set(&start->error, SRIOV_ERROR_DEVICE, EIO, subject,
				"it is required and could not be attached, so %s stays paused: %s; "
				"let it run with: virsh resume %s",
				start->name, missing->row.reason ?: "for no known reason",
				start->name);
		start_failed(start);
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

	srv_virt_start_paused(start->daemon->virt, start->uuid, &start->error);
}

static void start_done(void *data)
{
	struct start *start = data;

	if (start->error) {
		start_failed(start);
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
	srv_job_step(start->job, STEPS, "starting %s, paused", start->name);
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
