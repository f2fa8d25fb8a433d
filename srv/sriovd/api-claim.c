// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/api.h"

#include "srv/sriovd/api-json.h"
#include "srv/sriovd/claim.h"

struct claim_call {
	struct srv_daemon *daemon;
	struct srv_call *call;
	bool gone; /* the client is */
};

/* Exactly what was set and read back a moment ago, before the claim was answered. */
static struct snl_vf_attrs verified_attrs(struct srv_daemon *daemon, const struct srv_nic *nic)
{
	const struct srv_network *network = srv_config_network(daemon->model->config,
							       nic->row.network);
	struct snl_vf_attrs attrs = { 0 };

	if (network)
		attrs = srv_nic_attrs(nic, network);
	attrs.mask &= nic->vf->verified;
	return attrs;
}

static void claimed(const struct srv_nic *nic, const struct sriov_error *error, void *data)
{
	struct claim_call *claim = data;
	struct snl_vf_attrs attrs;

	if (error) {
		srv_call_error(claim->call, error);
	} else {
		attrs = verified_attrs(claim->daemon, nic);
		srv_call_reply(claim->call,
			       json_pack("{s:o, s:o}", "nic", srv_nic_to_json(nic, NULL), "vf",
					 srv_vf_to_json(nic->vf, &attrs)));
	}
	g_free(claim);
}

static void client_gone(struct srv_call *call, void *data)
{
	((struct claim_call *)data)->gone = true;
}

/* Who gave up waiting, and does not know, would never release it. */
static bool is_wanted(void *data)
{
	return !((const struct claim_call *)data)->gone;
}

void srv_api_claim(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	struct srv_claim_request request = { .owner = srv_api_string(parameters, "owner"),
					     .network = srv_api_string(parameters, "network"),
					     .id = srv_api_string(parameters, "id") ?: "net0",
					     .is_wanted = is_wanted };
	sriov_autoerror err = NULL;
	struct claim_call *claim;

	if (srv_api_waits(daemon, call, parameters, srv_api_claim))
		return;
	if (!srv_api_may_change(daemon, call))
		return;
	if (srv_api_mac(parameters, "mac", &request.has_mac, &request.mac, &err) < 0) {
		srv_call_error(call, err);
		return;
	}
	claim = g_new(struct claim_call, 1);
	*claim = (struct claim_call){ daemon, call, false };
	srv_call_on_gone(call, client_gone, claim);
	srv_claim(daemon, &request, claimed, claim);
}

struct release_call {
	struct srv_call *call;
	unsigned job;
};

static void released(const struct sriov_error *error, void *data)
{
	struct release_call *release = data;

	if (error)
		srv_call_error(release->call, error);
	else
		srv_call_reply(release->call, json_pack("{s:i}", "job", (int)release->job));
	g_free(release);
}

void srv_api_release(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	struct release_call *release;
	struct srv_job *job;

	if (srv_api_waits(daemon, call, parameters, srv_api_release))
		return;
	if (!srv_api_may_change(daemon, call))
		return;
	job = srv_job_new(daemon->jobs);
	release = g_new(struct release_call, 1);
	*release = (struct release_call){ call, srv_job_id(job) };
	srv_claim_release(daemon, srv_api_string(parameters, "owner"),
			  srv_api_string(parameters, "id"), job, released, release);
}
