// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/varlink-internal.h"

#include <errno.h>

#include "srv/protocol/errors.h"

static int append_bytes(const char *bytes, size_t n, void *data)
{
	g_string_append_len(data, bytes, (gssize)n);
	return 0;
}

void srv_varlink_write(GString *out, const char *error, const json_t *parameters, bool continues)
{
	gsize before = out->len;

	/* Written by hand around the parameters, so that no second object has to be built. */
	g_string_append_c(out, '{');
	if (error)
		g_string_append_printf(out, "\"error\":\"%s\",", error);
	g_string_append(out, "\"parameters\":");
	if (!parameters) {
		g_string_append(out, "{}");
	} else if (json_dump_callback(parameters, append_bytes, out, JSON_COMPACT) < 0) {
		/* A string that is no UTF-8 got past jansson's checks (json_string_nocheck()). */
		g_string_truncate(out, before);
		g_string_append_printf(out,
				       "{\"error\":\"%s\",\"parameters\":{\"message\":\"the answer "
				       "could not be written as JSON\",\"errno\":%d}}",
				       srv_error_name(SRIOV_ERROR_INTERNAL), EILSEQ);
		g_string_append_c(out, '\0');
		return;
	}
	if (continues)
		g_string_append(out, ",\"continues\":true");
	g_string_append_c(out, '}');
	g_string_append_c(out, '\0');
}

/* Is there anybody to answer. */
static bool has_listener(const struct srv_call *call)
{
	return call->connection && !call->oneway && !srv_connection_is_gone(call->connection);
}

static void write_message(struct srv_call *call, const char *error, const json_t *parameters,
			  bool continues)
{
	if (has_listener(call))
		srv_varlink_write(srv_connection_output(call->connection), error, parameters,
				  continues);
}

void srv_call_free(struct srv_call *call)
{
	json_decref(call->message);
	srv_peer_unref(call->peer);
	sriov_error_free(call->defect);
	g_free(call);
}

static void end(struct srv_call *call)
{
	struct srv_connection *connection = call->connection;
	gint64 took = g_get_monotonic_time() - call->began;

	srv_call_free(call);
	if (!connection)
		return;
	srv_connection_charge(connection, MIN(took, SRV_CALL_US_MAX) - SRV_CALL_US_MAX);
	srv_connection_set_call(connection, NULL);
	srv_connection_push(connection);
}

void srv_call_error_named(struct srv_call *call, const char *name, json_t *parameters)
{
	write_message(call, name, parameters, false);
	json_decref(parameters);
	end(call);
}

void srv_call_error(struct srv_call *call, const struct sriov_error *error)
{
	srv_call_error_named(call, srv_error_name(error->code), srv_error_to_json(error));
}

/* With check_replies: what a handler answers has to be what the interface promises. */
static void check_reply(struct srv_call *call, const json_t *parameters)
{
	if (call->defect || !call->connection || !call->method ||
	    !call->varlink->handler->check_replies)
		return;
	if (srv_interface_check_reply(call->varlink->interface, call->method->name, parameters,
				      NULL, &call->defect) == 0)
		return;
	call->defect->code = SRIOV_ERROR_INTERNAL;
	sriov_error_wrap(&call->defect, "the answer of %s does not fit the interface",
			 call->method->name);
}

void srv_call_reply(struct srv_call *call, json_t *parameters)
{
	check_reply(call, parameters);
	if (call->defect) {
		json_decref(parameters);
		srv_call_error(call, call->defect);
		return;
	}
	write_message(call, NULL, parameters, false);
	json_decref(parameters);
	end(call);
}

bool srv_call_reply_more(struct srv_call *call, json_t *parameters)
{
	g_assert(call->more);
	check_reply(call, parameters);
	if (call->defect || !has_listener(call)) {
		json_decref(parameters);
		return false;
	}
	if (srv_connection_unsent(call->connection) > call->varlink->limits->output_bytes) {
		json_decref(parameters);
		srv_connection_cut(call->connection);
		return false;
	}
	write_message(call, NULL, parameters, true);
	json_decref(parameters);
	srv_connection_push(call->connection);
	return has_listener(call);
}

void srv_call_on_gone(struct srv_call *call, void (*fn)(struct srv_call *call, void *data),
		      void *data)
{
	call->gone_fn = fn;
	call->gone_data = data;
}

void srv_call_gone(struct srv_call *call, bool detach)
{
	void (*fn)(struct srv_call *, void *) = call->gone_fn;

	if (detach)
		call->connection = NULL;
	/* Who wants no reply is not missed. */
	if (call->gone || call->oneway)
		return;
	call->gone = true;
	call->gone_fn = NULL;
	if (fn)
		fn(call, call->gone_data);
}

const struct srv_peer *srv_call_peer(const struct srv_call *call)
{
	return call->peer;
}

bool srv_call_wants_more(const struct srv_call *call)
{
	return call->more;
}
