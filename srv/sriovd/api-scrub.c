// SPDX-License-Identifier: GPL-2.0-or-later
/* ScrubVF: an operator has looked after a VF. */
#include <errno.h>

#include "srv/sriovd/api-json.h"
#include "srv/sriovd/api.h"
#include "srv/sriovd/scrub-ask.h"

struct scrub_call {
	struct srv_call *call;
	const struct srv_vf *vf;
};

static void scrubbed(const struct sriov_error *error, void *data)
{
	g_autofree struct scrub_call *scrub = data;

	if (error)
		srv_call_error(scrub->call, error);
	else
		srv_call_reply(scrub->call,
			       json_pack("{s:o}", "vf", srv_vf_to_json(scrub->vf, NULL)));
}

void srv_api_scrub_vf(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	const char *name = srv_api_string(parameters, "vf");
	sriov_autoerror err = NULL;
	struct scrub_call *scrub;
	struct srv_vf *vf;

	if (srv_api_waits(daemon, call, parameters, srv_api_scrub_vf) ||
	    !srv_api_may_change(daemon, call))
		return;
	vf = srv_model_find_vf(daemon->model, name);
	if (!vf) {
		sriov_error_set(&err, SRIOV_ERROR_NOT_FOUND, ENOENT, name,
				"there is no such VF on this host; sriovctl vf list shows what "
				"there is");
		srv_call_error(call, err);
		return;
	}
	scrub = g_new(struct scrub_call, 1);
	*scrub = (struct scrub_call){ call, vf };
	srv_scrub_ask(daemon, vf, scrubbed, scrub);
}
