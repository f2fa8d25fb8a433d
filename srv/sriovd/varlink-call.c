// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/varlink-internal.h"

#include <errno.h>

#include "srv/protocol/errors.h"

static int append_bytes(const char *bytes, size_t n, void *data)
{
	g_string_append_len(data, bytes, (gssize)n);
	return 0;
}

/* Written by hand around the parameters, so that no second object has to be built. */
static void begin_message(GString *out, const char *error)
{
	g_string_append_c(out, '{');
	if (error)
		g_string_append_printf(out, "\"error\":\"%s\",", error);
	g_string_append(out, "\"parameters\":");
}

/* False: a string that is no UTF-8 got past jansson's checks (json_string_nocheck()). */
static bool append_json(GString *out, const json_t *json)
{
	return json_dump_callback(json, append_bytes, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0;
}

static void end_message(GString *out, bool continues)
{
	if (continues)
		g_string_append(out, ",\"continues\":true");
	g_string_append_c(out, '}');
	g_string_append_c(out, '\0');
}

/* In the place of what was begun at before. */
static void write_unwritable(GString *out, gsize before)
{
	g_string_truncate(out, before);
	begin_message(out, srv_error_name(SRIOV_ERROR_INTERNAL));
	g_string_append_printf(
		out, "{\"message\":\"the answer could not be written as JSON\",\"errno\":%d}",
		EILSEQ);
	end_message(out, false);
}

void srv_varlink_write(GString *out, const char *error, const json_t *parameters, bool continues)
{
	gsize before = out->len;

	begin_message(out, error);
	if (!parameters)
		g_string_append(out, "{}");
	else if (!append_json(out, parameters)) {
		write_unwritable(out, before);
		return;
	}
	end_message(out, continues);
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

static bool has_to_be_checked(const struct srv_call *call)
{
	return !call->defect && call->connection && call->method &&
	       call->varlink->handler->check_replies;
}

/* With check_replies: what a handler answers has to be what the interface promises. */
static void check_reply(struct srv_call *call, const json_t *parameters)
{
	if (!has_to_be_checked(call))
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

/* Each item as the only one of its list: what is wrong with one is wrong with the list. */
static void check_item(struct srv_call *call, const char *key, json_t *item)
{
	json_t *parameters;

	if (!has_to_be_checked(call))
		return;
	parameters = json_pack("{s:[O]}", key, item);
	check_reply(call, parameters);
	json_decref(parameters);
}

/* False: what was written is no JSON. */
static bool write_items(struct srv_call *call, const char *key, json_t *(*next)(void *data),
			void *data)
{
	GString *out = srv_connection_output(call->connection);
	bool is_json = true;
	json_t *item;

	g_string_append_printf(out, "{\"%s\":[", key);
	for (bool first = true; is_json && !call->defect && (item = next(data)); first = false) {
		check_item(call, key, item);
		if (!first)
			g_string_append_c(out, ',');
		is_json = append_json(out, item);
		json_decref(item);
	}
	g_string_append(out, "]}");
	return is_json;
}

void srv_call_reply_list(struct srv_call *call, const char *key, json_t *(*next)(void *data),
			 void *data)
{
	if (!call->defect && has_listener(call)) {
		GString *out = srv_connection_output(call->connection);
		gsize before = out->len;

		begin_message(out, NULL);
		if (write_items(call, key, next, data))
			end_message(out, false);
		else
			write_unwritable(out, before);
		if (call->defect)
			g_string_truncate(out, before);
	}
	if (call->defect)
		srv_call_error(call, call->defect);
	else
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
