// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/event.h"

#include <errno.h>

#include <jansson.h>

#include "srv/sriovd/log.h"
#include "srv/sriovd/varlink.h"

struct srv_events {
	GPtrArray *watchers; /* of struct srv_call */
};

struct srv_events *srv_events_new(void)
{
	struct srv_events *events = g_new0(struct srv_events, 1);

	events->watchers = g_ptr_array_new();
	return events;
}

/* The server is freed before us and has told every watcher off by then. */
void srv_events_free(struct srv_events *events)
{
	if (!events)
		return;
	g_ptr_array_unref(events->watchers);
	g_free(events);
}

static void log_event(int priority, const char *kind, const char *subject, const char *text)
{
	struct srv_log_fields fields = { 0 };

	if (g_str_equal(kind, "nic"))
		fields.nic = subject;
	else if (g_str_equal(kind, "vf"))
		fields.vf = subject;
	else if (g_str_equal(kind, "pf"))
		fields.pf = subject;
	srv_log(priority, &fields, "%s: %s", subject, text);
}

void srv_event(struct srv_events *events, int priority, const char *kind, const char *subject,
	       const char *fmt, ...)
{
	g_autofree char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	log_event(priority, kind, subject, text);
	for (guint i = 0; i < events->watchers->len; i++) {
		json_t *event = json_pack("{s:{s:I, s:s, s:s, s:s}}", "event", "time",
					  (json_int_t)(g_get_real_time() / G_USEC_PER_SEC), "kind",
					  kind, "subject", subject, "text", text);

		srv_call_reply_more(events->watchers->pdata[i], event);
	}
}

static void watcher_gone(struct srv_call *call, void *data)
{
	struct srv_events *events = data;

	g_ptr_array_remove_fast(events->watchers, call);
	srv_call_reply(call, NULL);
}

void srv_events_watch(struct srv_events *events, struct srv_call *call)
{
	sriov_autoerror err = NULL;

	if (!srv_call_wants_more(call)) {
		sriov_error_set(&err, SRIOV_ERROR_INVALID, EINVAL, "Watch",
				"it has no end: call it with \"more\"");
		srv_call_error(call, err);
		return;
	}
	g_ptr_array_add(events->watchers, call);
	srv_call_on_gone(call, watcher_gone, events);
}
