/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * A stand-in for the server's side of one Varlink call (srv/sriovd/varlink.h): writes down what was
 * answered. For tests of what answers calls and needs no connection.
 */
#include <stdbool.h>

#include <glib.h>
#include <jansson.h>

#include "base/error.h"
#include "srv/protocol/errors.h"
#include "srv/sriovd/varlink.h"

struct srv_call {
	bool wants_more;
	GString *log; /* one line an answer: "more JSON", "reply JSON", "error NAME: TEXT" */
	bool ended;
	void (*gone)(struct srv_call *call, void *data);
	void *gone_data;
};

static void fake_call_log(struct srv_call *call, const char *what, json_t *parameters)
{
	g_autofree char *text = NULL;

	g_assert(!call->ended);
	/* Times are not the test's business. */
	if (json_object_get(parameters, "event"))
		json_object_del(json_object_get(parameters, "event"), "time");
	text = parameters ? json_dumps(parameters, JSON_COMPACT | JSON_SORT_KEYS) : g_strdup("{}");
	g_string_append_printf(call->log, "%s %s\n", what, text);
	json_decref(parameters);
}

bool srv_call_wants_more(const struct srv_call *call)
{
	return call->wants_more;
}

bool srv_call_reply_more(struct srv_call *call, json_t *parameters)
{
	g_assert(call->wants_more);
	fake_call_log(call, "more", parameters);
	return true;
}

void srv_call_reply(struct srv_call *call, json_t *parameters)
{
	fake_call_log(call, "reply", parameters);
	call->ended = true;
}

void srv_call_error(struct srv_call *call, const struct sriov_error *error)
{
	g_autofree char *text = sriov_error_text(error);

	g_assert(!call->ended);
	g_string_append_printf(call->log, "error %s: %s\n", srv_error_name(error->code), text);
	call->ended = true;
}

void srv_call_on_gone(struct srv_call *call, void (*fn)(struct srv_call *call, void *data),
		      void *data)
{
	call->gone = fn;
	call->gone_data = data;
}

static struct srv_call *fake_call_new(bool wants_more)
{
	struct srv_call *call = g_new0(struct srv_call, 1);

	call->wants_more = wants_more;
	call->log = g_string_new(NULL);
	return call;
}

/* The client goes away. */
static inline void fake_call_leave(struct srv_call *call)
{
	void (*gone)(struct srv_call * call, void *data) = call->gone;

	g_assert(gone && !call->ended);
	call->gone = NULL;
	gone(call, call->gone_data);
}

static void fake_call_free(struct srv_call *call)
{
	g_string_free(call->log, TRUE);
	g_free(call);
}
