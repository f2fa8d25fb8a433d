// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/api.h"

#include <errno.h>

#include "base/parse.h"
#include "srv/sriovd/failover.h"
#include "srv/sriovd/nic-edit.h"
#include "srv/sriovd/nic.h"

struct nic_call {
	struct srv_daemon *daemon;
	struct srv_call *call;
	struct srv_nic_edit *edit;
	struct srv_job *job;
};

static struct nic_call *nic_call_new(struct srv_daemon *daemon, struct srv_call *call,
				     const json_t *parameters)
{
	struct nic_call *work = g_new0(struct nic_call, 1);

	work->daemon = daemon;
	work->call = call;
	work->edit = g_new0(struct srv_nic_edit, 1);
	work->edit->domain = g_strdup(srv_api_string(parameters, "domain"));
	work->edit->now = json_is_true(json_object_get(parameters, "now"));
	return work;
}

static void nic_call_free(struct nic_call *work)
{
	srv_nic_edit_free(work->edit);
	g_free(work);
}

static void nic_call_fail(struct nic_call *work, const struct sriov_error *error)
{
	srv_call_error(work->call, error);
	nic_call_free(work);
}

static struct srv_nic *edited_nic(const struct nic_call *work, const char *id)
{
	const struct srv_owner owner = { SRV_OWNER_LIBVIRT, work->edit->uuid, work->edit->name };

	return srv_model_nic(work->daemon->model, &owner, id);
}

/* Adding */

/* What became of it, whoever attached it: we, or a reconciliation that came before us. */
static void added_settled(struct srv_nic *nic, void *data)
{
	struct nic_call *work = data;
	g_autofree char *subject = srv_nic_subject(nic);
	sriov_autoerror err = NULL;

	if (nic->row.state == SRV_NIC_ATTACHED) {
		srv_job_done(work->job, "attached, %s%s%s", srv_backing_name(nic->row.backing),
			     nic->row.reason ? ": " : "", nic->row.reason ?: "");
	} else {
		sriov_error_set(&err, SRIOV_ERROR_DEVICE, EIO, subject,
				"it is in the domain's metadata, and not attached: %s",
				nic->row.reason ?: "its guest has been shut off meanwhile");
		srv_job_failed(work->job, err);
	}
	nic_call_free(work);
}

static void add_recorded(struct srv_nic *nic, const struct sriov_error *error, void *data)
{
	struct nic_call *work = data;
	sriov_autoerror gone = NULL;

	if (!error && nic) {
		srv_nic_when_settled(nic, added_settled, work);
		return;
	}
	if (!error)
		sriov_error_set(&gone, SRIOV_ERROR_NOT_FOUND, ENOENT, work->edit->name,
				"the nic was removed meanwhile");
	srv_job_failed(work->job, error ?: gone);
	nic_call_free(work);
}

/* Nothing is under way on it now: it is attached already, or it is for us to do. */
static void add_begin(struct srv_nic *nic, void *data)
{
	struct nic_call *work = data;
	struct srv_daemon *daemon = work->daemon;
	sriov_autoerror err = NULL;
	bool pending;

	if (nic->row.state == SRV_NIC_ATTACHED) {
		added_settled(nic, work);
		return;
	}
	if (nic->row.backing == SRV_BACKING_NONE &&
	    srv_nic_reserve(daemon, nic, &pending, &err) < 0)
		srv_model_set_nic_state(nic, SRV_NIC_FAILED, err->message);
	srv_nic_put_and_attach(daemon, nic, add_recorded, work);
}

static void added(const struct sriov_error *error, void *data)
{
	struct nic_call *work = data;
	const struct srv_nic_request *request = work->edit->request;
	struct srv_nic *nic;
	char mac[SRIOV_MAC_STRLEN];
	json_t *reply;

	if (error) {
		nic_call_fail(work, error);
		return;
	}
	reply = json_pack("{s:s, s:s}", "id", request->id, "mac",
			  sriov_mac_format(request->mac, mac));
	nic = work->edit->now && work->edit->active ? edited_nic(work, request->id) : NULL;
	if (!nic) {
		srv_call_reply(work->call, reply);
		nic_call_free(work);
		return;
	}
	work->job = srv_job_new(work->daemon->jobs);
	srv_job_step(work->job, 0, "attaching to the running guest");
	json_object_set_new(reply, "job", json_integer(srv_job_id(work->job)));
	srv_call_reply(work->call, reply);
	srv_nic_when_settled(nic, add_begin, work);
}

static int parse_request(const json_t *parameters, struct srv_nic_request **ret,
			 struct sriov_error **err)
{
	const char *id = srv_api_string(parameters, "id");
	const char *network = srv_api_string(parameters, "network");
	json_int_t priority = json_integer_value(json_object_get(parameters, "priority"));
	struct srv_nic_request request = { 0 };
	int r;

	if ((id && !sriov_name_is_valid(id)) || !sriov_name_is_valid(network))
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL,
				       sriov_name_is_valid(network) ? "id" : "network",
				       "a name has 1 to 64 letters, digits, '.', '_' or '-', and "
				       "begins with a letter or digit");
	if (priority < 0 || priority > SRV_PRIORITY_MAX)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, ERANGE, "priority",
				       "it is a number from 0 to %d", SRV_PRIORITY_MAX);
	r = srv_api_mac(parameters, "mac", &request.has_mac, &request.mac, err);
	if (r < 0)
		return r;
	srv_mode_parse(srv_api_string(parameters, "mode") ?: "exclusive", &request.mode);
	request.priority = (uint32_t)priority;
	request.id = (char *)id;
	request.network = (char *)network;
	*ret = srv_nic_request_copy(&request);
	return 0;
}

void srv_api_add_nic(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	struct srv_nic_request *request = NULL;
	sriov_autoerror err = NULL;
	struct nic_call *work;

	if (srv_api_waits(daemon, call, parameters, srv_api_add_nic))
		return;
	if (!srv_api_has_libvirt(daemon, call))
		return;
	if (parse_request(parameters, &request, &err) < 0) {
		srv_call_error(call, err);
		return;
	}
	work = nic_call_new(daemon, call, parameters);
	work->edit->request = request;
	work->edit->add_port = json_is_true(json_object_get(parameters, "addPort"));
	srv_nic_edit_run(daemon, work->edit, added, work);
}

/* Removing */

static void row_gone(const struct sriov_error *error, void *data)
{
	struct nic_call *work = data;

	if (error)
		srv_job_failed(work->job, error);
	else
		srv_job_done(work->job, "detached and removed");
	nic_call_free(work);
}

/* Takes away what it still has, and the row: id and MAC are free again. */
static void forget(struct nic_call *work, struct srv_nic *nic)
{
	struct srv_daemon *daemon = work->daemon;
	struct srv_ledger_txn *txn = srv_ledger_begin(daemon->ledger);
	struct srv_vf *vf = nic->vf;

	srv_model_set_backing(nic, SRV_BACKING_NONE, NULL);
	if (vf && nic->untouched)
		srv_model_mark_vf(vf, SRV_VF_CLEAN, NULL);
	srv_ledger_delete_nic(txn, &nic->row.owner, nic->row.id);
	if (vf)
		srv_daemon_put_vf(txn, vf);
	srv_failover_forget(daemon, nic);
	srv_model_remove_nic(daemon->model, nic);
	srv_ledger_keep(txn);
	srv_ledger_commit(txn, row_gone, work);
}

static gboolean forget_later(gpointer data)
{
	struct nic_call *work = data;
	struct srv_nic *nic = edited_nic(work, work->edit->remove);

	/* A reconciliation may have taken the row already, or begun something with it. */
	if (nic && !nic->busy)
		forget(work, nic);
	else
		row_gone(NULL, work);
	return G_SOURCE_REMOVE;
}

static void detached(const struct sriov_error *error, void *data)
{
	struct nic_call *work = data;

	if (error) {
		srv_job_failed(work->job, error);
		nic_call_free(work);
		return;
	}
	/* The detach is still looking at the nic. */
	g_idle_add_full(G_PRIORITY_DEFAULT, forget_later, work, NULL);
}

/* Not known for certain of one whose operation was cut short. */
static bool may_be_there(const struct srv_nic *nic)
{
	return nic->row.state == SRV_NIC_ATTACHED || nic->row.state == SRV_NIC_ATTACHING ||
	       nic->row.state == SRV_NIC_DETACHING;
}

static void remove_begin(struct srv_nic *nic, void *data)
{
	struct nic_call *work = data;

	if (may_be_there(nic))
		srv_nic_detach(work->daemon, nic, detached, work);
	else
		detached(NULL, work);
}

static void removed(const struct sriov_error *error, void *data)
{
	struct nic_call *work = data;
	struct srv_nic *nic;

	if (error) {
		nic_call_fail(work, error);
		return;
	}
	nic = work->edit->now && work->edit->active ? edited_nic(work, work->edit->remove) : NULL;
	if (!nic) {
		srv_call_reply(work->call, NULL);
		nic_call_free(work);
		return;
	}
	work->job = srv_job_new(work->daemon->jobs);
	srv_job_step(work->job, 0, "detaching from the running guest");
	srv_call_reply(work->call, json_pack("{s:i}", "job", (int)srv_job_id(work->job)));
	srv_nic_when_settled(nic, remove_begin, work);
}

void srv_api_remove_nic(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	struct nic_call *work;

	if (srv_api_waits(daemon, call, parameters, srv_api_remove_nic))
		return;
	if (!srv_api_has_libvirt(daemon, call))
		return;
	work = nic_call_new(daemon, call, parameters);
	work->edit->remove = g_strdup(srv_api_string(parameters, "id"));
	srv_nic_edit_run(daemon, work->edit, removed, work);
}
