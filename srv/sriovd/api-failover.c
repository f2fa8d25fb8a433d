// SPDX-License-Identifier: GPL-2.0-or-later
/* Demote, Drain, Undrain, Resize: what an operator does to failover nics and their PFs by hand. */
#include <errno.h>

#include "srv/sriovd/api.h"
#include "srv/sriovd/drain.h"
#include "srv/sriovd/failover.h"
#include "srv/sriovd/nic.h"

/* Demote */

struct demote {
	struct srv_daemon *daemon;
	struct srv_job *job;
};

static void demoted(const struct sriov_error *error, void *data)
{
	g_autofree struct demote *demote = data;

	if (error)
		srv_job_failed(demote->job, error);
	else
		srv_job_done(demote->job, "its guest goes on over virtio");
}

static void demote_begin(struct srv_nic *nic, void *data)
{
	struct demote *demote = data;

	srv_demote_watched(demote->daemon, nic, "sriovctl demote", demote->job, demoted, demote);
}

static int check_demote(const struct srv_nic *nic, struct sriov_error **err)
{
	g_autofree char *subject = srv_nic_subject(nic);

	if (nic->row.mode != SRV_MODE_FAILOVER)
		return sriov_error_set(
			err, SRIOV_ERROR_INVALID, EINVAL, subject,
			"only a nic of mode failover can be demoted, and this one is "
			"%s: its guest would lose it",
			srv_mode_name(nic->row.mode));
	if (!nic->vf)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EALREADY, subject,
				       "it has no VF now");
	return 0;
}

void srv_api_demote(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	sriov_autoerror err = NULL;
	struct demote *demote;
	struct srv_nic *nic;

	if (srv_api_waits(daemon, call, parameters, srv_api_demote))
		return;
	/* Without the ledger no nic is known. */
	if (!srv_api_may_change(daemon, call))
		return;
	nic = srv_api_find_nic(daemon, srv_api_string(parameters, "owner"),
			       srv_api_string(parameters, "id"), &err);
	if (!nic || check_demote(nic, &err) < 0) {
		srv_call_error(call, err);
		return;
	}
	if (!srv_api_has_libvirt(daemon, call))
		return;
	demote = g_new0(struct demote, 1);
	demote->daemon = daemon;
	demote->job = srv_job_new(daemon->jobs);
	srv_job_step(demote->job, 0, "its VF is to be taken, %s",
		     nic->busy ? "as soon as what is under way on it has ended" : "now");
	srv_call_reply(call, json_pack("{s:i}", "job", (int)srv_job_id(demote->job)));
	srv_nic_when_settled(nic, demote_begin, demote);
}

/* PFs */

/* The one that was named; otherwise NULL, and the call is answered. */
static struct srv_pf *find_pf(struct srv_daemon *daemon, struct srv_call *call,
			      const json_t *parameters)
{
	const char *name = srv_api_string(parameters, "pf");
	struct srv_pf *pf = srv_model_find_pf(daemon->model, name);
	sriov_autoerror err = NULL;

	if (pf)
		return pf;
	sriov_error_set(&err, SRIOV_ERROR_NOT_FOUND, ENODEV, name,
			"there is no such PF; sriovctl pf list shows them");
	srv_call_error(call, err);
	return NULL;
}

/* First of all the PF: a name that was mistyped has nothing to do with libvirt or the ledger. */
static struct srv_pf *pf_to_change(struct srv_daemon *daemon, struct srv_call *call,
				   json_t *parameters,
				   void (*run)(struct srv_call *call, json_t *parameters,
					       void *data))
{
	struct srv_pf *pf = find_pf(daemon, call, parameters);

	if (!pf || srv_api_waits(daemon, call, parameters, run))
		return NULL;
	return srv_api_has_libvirt(daemon, call) ? pf : NULL;
}

static void reply_job(struct srv_call *call, int r, const struct srv_job *job,
		      const struct sriov_error *error)
{
	if (r < 0)
		srv_call_error(call, error);
	else
		srv_call_reply(call, json_pack("{s:i}", "job", (int)srv_job_id(job)));
}

void srv_api_drain(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	sriov_autoerror err = NULL;
	struct srv_job *job = NULL;
	struct srv_pf *pf = pf_to_change(daemon, call, parameters, srv_api_drain);
	int r;

	if (!pf)
		return;
	r = srv_pf_drain(daemon, pf, json_is_true(json_object_get(parameters, "force")), &job,
			 &err);
	reply_job(call, r, job, err);
}

void srv_api_resize(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	json_int_t count = json_integer_value(json_object_get(parameters, "numVfs"));
	sriov_autoerror err = NULL;
	struct srv_job *job = NULL;
	struct srv_pf *pf = pf_to_change(daemon, call, parameters, srv_api_resize);
	int r;

	if (!pf)
		return;
	r = srv_pf_resize(daemon, pf, (uint32_t)CLAMP(count, 0, UINT32_MAX - 1),
			  json_is_true(json_object_get(parameters, "force")), &job, &err);
	reply_job(call, r, job, err);
}

static void undrained(const struct sriov_error *error, void *data)
{
	if (error)
		srv_call_error(data, error);
	else
		srv_call_reply(data, NULL);
}

void srv_api_undrain(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	struct srv_pf *pf = find_pf(daemon, call, parameters);

	if (pf && !srv_api_waits(daemon, call, parameters, srv_api_undrain) &&
	    srv_api_may_change(daemon, call))
		srv_pf_undrain(daemon, pf, undrained, call);
}
