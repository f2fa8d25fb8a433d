// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/net-call.h"

#include <errno.h>

#include "srv/sriovd/daemon.h"
#include "srv/sriovd/queue.h"
#include "srv/sriovd/reconcile.h"

#define CALL_SECONDS 60 /* as long as pf-call.c waits, and for the same reasons */

/* Since when a call is in the kernel; or one of these. */
#define NOT_THERE 0
#define LATE	  (-1) /* from then on: the main thread has given it up */
#define WAITING	  (-2) /* to be begun */

struct call {
	struct srv_daemon *daemon;
	struct srv_queue *queue;
	char *subject, *what;
	gint64 since; /* by both threads: g_get_monotonic_time() of its entry, or one of the above
		       */
	guint deadline_source; /* 0: it has passed */
	void (*run)(void *data);
	void (*done)(const struct sriov_error *late, void *data);
	void (*gone)(void *data);
	void *data;
};

static __thread struct call *current;

static bool change(struct call *call, gint64 from, gint64 to)
{
	return __atomic_compare_exchange_n(&call->since, &from, to, false, __ATOMIC_SEQ_CST,
					   __ATOMIC_SEQ_CST);
}

static gint64 since_of(struct call *call)
{
	return __atomic_load_n(&call->since, __ATOMIC_SEQ_CST);
}

void srv_net_enter(void)
{
	if (current)
		change(current, NOT_THERE, g_get_monotonic_time());
}

int srv_net_leave(struct sriov_error **err)
{
	gint64 since = current ? since_of(current) : NOT_THERE;

	if (since != LATE && (!current || change(current, since, NOT_THERE)))
		return 0;
	return sriov_error_set(err, SRIOV_ERROR_TIMEOUT, ETIMEDOUT, current->subject,
			       "%s was given up, the kernel having come back too late",
			       current->what);
}

bool srv_net_is_late(void)
{
	return current && since_of(current) == LATE;
}

static const char *kind_of(const struct call *call)
{
	return g_str_equal(call->subject, "host") ? "pf" : "nic";
}

/* When it is to be looked at again, in ms; 0: it is late. */
static guint patience(struct call *call)
{
	gint64 since = since_of(call), spent;

	/* What it stands behind does not come back? */
	if (since == WAITING && srv_queue_hanging(call->queue))
		return change(call, WAITING, LATE) ? 0 : CALL_SECONDS * 1000;
	if (since == WAITING || since == NOT_THERE)
		return CALL_SECONDS * 1000;
	spent = (g_get_monotonic_time() - since) / 1000;
	if (spent < CALL_SECONDS * 1000)
		return (guint)MAX(CALL_SECONDS * 1000 - spent, 1);
	return change(call, since, LATE) ? 0 : CALL_SECONDS * 1000;
}

static gboolean on_deadline(gpointer data)
{
	struct call *call = data;
	guint again = patience(call);
	sriov_autoerror late = NULL;

	call->deadline_source = again ? g_timeout_add(again, on_deadline, call) : 0;
	if (again)
		return G_SOURCE_REMOVE;
	sriov_error_set(
		&late, SRIOV_ERROR_TIMEOUT, ETIMEDOUT, call->subject,
		"%s did not come back from the kernel within %d s: a driver holds it up, see "
		"the kernel's messages: journalctl -k",
		call->what, CALL_SECONDS);
	srv_queue_hang(call->queue, 1);
	g_ptr_array_add(call->daemon->late_calls, call);
	srv_event(call->daemon->events, LOG_ERR, kind_of(call), call->subject, "%s", late->message);
	call->done(late, call->data);
	return G_SOURCE_REMOVE;
}

static void call_run(void *data)
{
	struct call *call = data;

	if (!change(call, WAITING, NOT_THERE))
		return;
	current = call;
	call->run(call->data);
	current = NULL;
}

static void call_ended(void *data)
{
	struct call *call = data;

	if (call->deadline_source) {
		g_source_remove(call->deadline_source);
		call->done(NULL, call->data);
	} else {
		srv_queue_hang(call->queue, -1);
		g_ptr_array_remove(call->daemon->late_calls, call);
		srv_event(call->daemon->events, LOG_NOTICE, kind_of(call), call->subject,
			  "%s has come back from the kernel after all", call->what);
		call->gone(call->data);
		/* Whatever has become of it. */
		srv_reconcile_soon(call->daemon);
	}
	srv_queue_unref(call->queue);
	g_free(call->subject);
	g_free(call->what);
	g_free(call);
}

void srv_net_call(struct srv_daemon *daemon, struct srv_queue *queue, const char *subject,
		  const char *what, void (*run)(void *data),
		  void (*done)(const struct sriov_error *late, void *data),
		  void (*gone)(void *data), void *data)
{
	struct call *call = g_new0(struct call, 1);

	*call = (struct call){ .daemon = daemon,
			       .queue = srv_queue_ref(queue),
			       .subject = g_strdup(subject),
			       .what = g_strdup(what),
			       .since = WAITING,
			       .run = run,
			       .done = done,
			       .gone = gone,
			       .data = data };
	call->deadline_source = g_timeout_add(srv_queue_hanging(queue) ? 0 : CALL_SECONDS * 1000,
					      on_deadline, call);
	srv_queue_push(queue, call_run, call_ended, call);
}

void srv_net_each_late(const struct srv_daemon *daemon,
		       void (*tell)(const char *subject, const char *what, void *data), void *data)
{
	for (guint i = 0; i < daemon->late_calls->len; i++) {
		const struct call *call = daemon->late_calls->pdata[i];

		tell(call->subject, call->what, data);
	}
}
