// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/pf-call.h"

#include <errno.h>

#include "srv/sriovd/daemon.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/queue.h"

/*
 * From being asked for to its end. Drivers answer in milliseconds, but the RTNL lock may be held
 * meanwhile by one that makes its VFs (igb: some seconds) or loads firmware (i40e: half a minute).
 */
#define CALL_SECONDS 60

struct call {
	struct srv_daemon *daemon;
	struct srv_pf *pf;
	char *what;
	guint deadline_source; /* 0: it has passed */
	void (*run)(void *data);
	void (*done)(const struct sriov_error *late, void *data);
	void (*gone)(void *data);
	void *data;
};

static gboolean on_deadline(gpointer data)
{
	struct call *call = data;
	sriov_autoerror late = NULL;

	call->deadline_source = 0;
	call->pf->hanging++;
	sriov_error_set(&late, SRIOV_ERROR_TIMEOUT, ETIMEDOUT, call->pf->name,
			"%s did not come back from its driver within %d s; it gives no VFs until "
			"it does, see the kernel's messages: journalctl -k",
			call->what, CALL_SECONDS);
	if (call->pf->state != SRV_PF_STUCK)
		srv_pf_stuck(call->daemon, call->pf, late);
	call->done(late, call->data);
	return G_SOURCE_REMOVE;
}

static void call_run(void *data)
{
	struct call *call = data;

	call->run(call->data);
}

static void call_ended(void *data)
{
	struct call *call = data;

	if (call->deadline_source) {
		g_source_remove(call->deadline_source);
		call->done(NULL, call->data);
	} else {
		call->gone(call->data);
		if (--call->pf->hanging == 0)
			srv_pf_unstick(call->daemon, call->pf);
	}
	g_free(call->what);
	g_free(call);
}

void srv_pf_call(struct srv_daemon *daemon, struct srv_pf *pf, const char *what,
		 void (*run)(void *data), void (*done)(const struct sriov_error *late, void *data),
		 void (*gone)(void *data), void *data)
{
	struct call *call = g_new(struct call, 1);

	*call = (struct call){ daemon, pf, g_strdup(what), 0, run, done, gone, data };
	call->deadline_source = g_timeout_add_seconds(CALL_SECONDS, on_deadline, call);
	srv_queue_push(pf->queue, call_run, call_ended, call);
}

int srv_pf_call_refuse(const struct srv_pf *pf, struct sriov_error **err)
{
	if (!pf->hanging)
		return 0;
	return sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, pf->name, "it is stuck: %s",
			       pf->reason ?: "its driver does not come back");
}
