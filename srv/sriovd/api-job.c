// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/api.h"

#include <errno.h>

void srv_api_watch_job(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	json_int_t id = json_integer_value(json_object_get(parameters, "job"));
	sriov_autoerror err = NULL;

	if (id >= 1 && id <= UINT_MAX) {
		srv_jobs_watch(daemon->jobs, (unsigned)id, call);
		return;
	}
	sriov_error_set(&err, SRIOV_ERROR_NOT_FOUND, ENOENT, "job",
			"no job has such a number; the first is 1");
	srv_call_error(call, err);
}

void srv_api_watch(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;

	srv_events_watch(daemon->events, call);
}
