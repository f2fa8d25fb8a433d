// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ledger's own health. A rebuilt one begins empty: what guests have is adopted from libvirt,
 * what VFs are from the kernel; every VF that nobody holds is scrubbed before it is free. What was
 * claimed by hand cannot be known: those VFs stay untouched as long as a process holds them.
 */
#include "srv/sriovd/api.h"

#include <errno.h>

#include "srv/sriovd/api-json.h"
#include "srv/sriovd/reconcile.h"

struct ledger_call {
	struct srv_daemon *daemon;
	struct srv_call *call;
	GPtrArray *problems; /* of char */
	char *set_aside;
	struct srv_ledger *ledger;
	struct sriov_error *error;
};

static struct ledger_call *ledger_call_new(struct srv_daemon *daemon, struct srv_call *call)
{
	struct ledger_call *work = g_new0(struct ledger_call, 1);

	work->daemon = daemon;
	work->call = call;
	work->problems = g_ptr_array_new_with_free_func(g_free);
	return work;
}

static void ledger_call_free(struct ledger_call *work)
{
	g_ptr_array_unref(work->problems);
	g_free(work->set_aside);
	sriov_error_free(work->error);
	g_free(work);
}

static json_t *problems_to_json(const struct ledger_call *work)
{
	json_t *problems = json_array();

	for (guint i = 0; i < work->problems->len; i++)
		srv_problem_append(problems, true, "ledger", work->problems->pdata[i]);
	return problems;
}

/* CheckLedger */

static void check_run(void *data)
{
	struct ledger_call *work = data;

	srv_ledger_check(work->daemon->state_dir, work->problems, &work->error);
}

static void check_done(void *data)
{
	struct ledger_call *work = data;
	const struct sriov_error *refusal = srv_daemon_refusal(work->daemon);
	json_t *problems = problems_to_json(work);

	/* What keeps the daemon from using it may be something else than its contents. */
	if (refusal && !json_array_size(problems))
		srv_problem_append(problems, true, refusal->subject ?: "ledger", refusal->message);
	if (work->error && !refusal) {
		json_decref(problems);
		srv_call_error(work->call, work->error);
	} else {
		srv_call_reply(work->call, json_pack("{s:o}", "problems", problems));
	}
	ledger_call_free(work);
}

void srv_api_check_ledger(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	struct srv_queue *queue = srv_queue_new("ledger");

	srv_queue_push(queue, check_run, check_done, ledger_call_new(daemon, call));
	srv_queue_unref(queue);
}

/* RebuildLedger */

static void rebuild_run(void *data)
{
	struct ledger_call *work = data;
	const char *dir = work->daemon->state_dir;

	if (srv_ledger_set_aside(dir, &work->set_aside, &work->error) == 0)
		srv_ledger_open(dir, &work->ledger, &work->error);
}

static void rebuild_reconciled(void *data)
{
	struct ledger_call *work = data;
	struct srv_daemon *daemon = work->daemon;
	json_t *reply = json_pack("{s:s*, s:i, s:o}", "setAside", work->set_aside, "nics",
				  (int)g_hash_table_size(daemon->model->nics), "problems",
				  problems_to_json(work));

	daemon->rebuilding = false;
	if (!daemon->reconciled)
		srv_problem_append(json_object_get(reply, "problems"), false, "libvirt",
				   "it does not answer now; the nics of running guests are adopted "
				   "as soon as it does");
	srv_call_reply(work->call, reply);
	ledger_call_free(work);
}

static void rebuild_done(void *data)
{
	struct ledger_call *work = data;
	struct srv_daemon *daemon = work->daemon;

	if (!work->ledger) {
		daemon->rebuilding = false;
		srv_call_error(work->call, work->error);
		ledger_call_free(work);
		return;
	}
	srv_event(daemon->events, LOG_WARNING, "reconcile", "ledger",
		  "rebuilt from what libvirt and the kernel say; the old one is kept as %s",
		  work->set_aside ?: "(there was none)");
	srv_daemon_set_ledger(daemon, work->ledger);
	srv_reconcile_then(daemon, rebuild_reconciled, work);
}

void srv_api_rebuild_ledger(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	sriov_autoerror err = NULL;

	if (daemon->rebuilding || !srv_daemon_refusal(daemon)) {
		sriov_error_set(&err, SRIOV_ERROR_BUSY, EBUSY, "ledger", "%s",
				daemon->rebuilding
					? "it is being rebuilt already"
					: "it is sound and in use, so there is nothing to "
					  "rebuild");
		srv_call_error(call, err);
		return;
	}
	daemon->rebuilding = true;
	srv_queue_push(daemon->host_queue, rebuild_run, rebuild_done,
		       ledger_call_new(daemon, call));
}
