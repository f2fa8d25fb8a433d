// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a message to a handler that runs: is it a call, of what, may this client, are the parameters
 * what the interface says.
 */
#include "srv/sriovd/varlink-internal.h"

#include <errno.h>
#include <string.h>

#include "srv/protocol/errors.h"

/* A missing member and null mean the same in Varlink: handlers only have to know the first. */
static void remove_nulls(json_t *json)
{
	const char *key;
	json_t *value;
	void *next;
	size_t i;

	if (json_is_array(json))
		json_array_foreach (json, i, value)
			remove_nulls(value);
	if (!json_is_object(json))
		return;
	json_object_foreach_safe(json, next, key, value)
	{
		if (json_is_null(value))
			json_object_del(json, key);
		else
			remove_nulls(value);
	}
}

/*
 * The standard's error for a wrong parameter names the parameter; people want to be told what is
 * wrong with it as well.
 */
static void answer_invalid_parameter(struct srv_call *call, const char *path,
				     const struct sriov_error *error)
{
	json_t *parameters = json_object();

	json_object_set_new(parameters, "parameter", json_string(path));
	json_object_set_new(parameters, "message", json_string(error->message));
	srv_call_error_named(call, SRV_SERVICE_INTERFACE ".InvalidParameter", parameters);
}

static void answer_not_found(struct srv_call *call, const char *error, const char *key,
			     const char *name)
{
	json_t *parameters = json_object();

	json_object_set_new(parameters, key, json_string(name));
	srv_call_error_named(call, error, parameters);
}

/* What to say of a method that nobody here runs. */
static void answer_unknown(struct srv_call *call, const char *name)
{
	const struct srv_interface *interface = call->varlink->interface;
	const char *dot = strrchr(name, '.');
	g_autofree char *prefix = NULL;

	if (!dot) {
		answer_not_found(call, SRV_SERVICE_INTERFACE ".MethodNotFound", "method", name);
		return;
	}
	prefix = g_strndup(name, (gsize)(dot - name));
	if (strcmp(prefix, SRV_SERVICE_INTERFACE) != 0 &&
	    strcmp(prefix, srv_interface_name(interface)) != 0)
		answer_not_found(call, SRV_SERVICE_INTERFACE ".InterfaceNotFound", "interface",
				 prefix);
	else if (g_strv_contains(srv_interface_methods(interface), dot + 1))
		answer_not_found(call, SRV_SERVICE_INTERFACE ".MethodNotImplemented", "method",
				 name);
	else
		answer_not_found(call, SRV_SERVICE_INTERFACE ".MethodNotFound", "method", name);
}

/* The member's name if name is one of org.varlink.service, or NULL. */
static const char *service_member(const struct srv_varlink *varlink, const char *name)
{
	const char *member;

	if (!g_str_has_prefix(name, SRV_SERVICE_INTERFACE "."))
		return NULL;
	member = name + strlen(SRV_SERVICE_INTERFACE ".");
	return g_strv_contains(srv_interface_methods(varlink->service), member) ? member : NULL;
}

static void run(struct srv_call *call, const char *name)
{
	const struct srv_varlink *varlink = call->varlink;
	const struct srv_interface *interface = varlink->interface;
	const char *member = service_member(varlink, name);
	sriov_autoerror err = NULL;
	g_autofree char *path = NULL;

	if (member) {
		interface = varlink->service;
	} else {
		call->method = g_hash_table_lookup(varlink->methods, name);
		if (!call->method) {
			answer_unknown(call, name);
			return;
		}
		member = call->method->name;
		if (varlink->handler->authorize(call->peer, call->method, varlink->data, &err) <
		    0) {
			srv_call_error(call, err);
			return;
		}
	}
	if (srv_interface_check_call(interface, member, call->parameters, &path, &err) < 0) {
		answer_invalid_parameter(call, path, err);
		return;
	}
	remove_nulls(call->parameters);
	if (call->method)
		call->method->run(call, call->parameters, varlink->data);
	else
		srv_service_call(call, varlink, member, call->parameters);
}

static int bad_message(struct sriov_error **err, const char *key, const char *must)
{
	g_autofree char *shown = srv_error_quote(key, 64);

	return sriov_error_set(err, SRIOV_ERROR_INVALID, EBADMSG, NULL,
			       "the message is no Varlink call: its member \"%s\" %s", shown, must);
}

static int read_flag(const char *key, const json_t *value, bool *ret, struct sriov_error **err)
{
	if (!json_is_boolean(value) && !json_is_null(value))
		return bad_message(err, key, "must be true or false");
	*ret = json_is_true(value);
	return 0;
}

static int read_message(struct srv_call *call, const char **ret_name, struct sriov_error **err)
{
	const char *name = NULL, *key;
	bool upgrade = false;
	json_t *value;
	int r = 0;

	json_object_foreach (call->message, key, value) {
		if (strcmp(key, "method") == 0)
			name = json_string_value(value);
		else if (strcmp(key, "parameters") == 0)
			call->parameters = json_is_null(value) ? NULL : value;
		else if (strcmp(key, "oneway") == 0)
			r = read_flag(key, value, &call->oneway, err);
		else if (strcmp(key, "more") == 0)
			r = read_flag(key, value, &call->more, err);
		else if (strcmp(key, "upgrade") == 0)
			r = read_flag(key, value, &upgrade, err);
		else
			r = bad_message(err, key, "is not known");
		if (r < 0)
			return r;
	}
	if (!name)
		return bad_message(err, "method", "must be there and be a string");
	if (call->parameters && !json_is_object(call->parameters))
		return bad_message(err, "parameters", "must be an object");
	if (call->oneway && call->more)
		return bad_message(err, "more", "contradicts \"oneway\"");
	if (upgrade)
		return sriov_error_set(err, SRIOV_ERROR_NOT_SUPPORTED, EOPNOTSUPP, NULL,
				       "no method of this service upgrades the connection");
	if (!call->parameters) {
		call->parameters = json_object();
		json_object_set_new(call->message, "parameters", call->parameters);
	}
	*ret_name = name;
	return 0;
}

void srv_call_start(struct srv_connection *connection, json_t *message)
{
	struct srv_call *call = g_new0(struct srv_call, 1);
	sriov_autoerror err = NULL;
	const char *name = NULL;

	call->connection = connection;
	call->began = g_get_monotonic_time();
	call->peer = g_rc_box_acquire(srv_connection_peer(connection));
	call->varlink = srv_connection_varlink(connection);
	call->message = message;

	if (read_message(call, &name, &err) < 0) {
		srv_connection_refuse(connection, err);
		srv_call_free(call);
		return;
	}
	if (srv_connection_is_gone(connection) && !call->oneway) {
		srv_call_free(call);
		return;
	}
	srv_connection_set_call(connection, call);
	srv_connection_charge(connection, SRV_CALL_US_MAX);
	/* The handler may end the call and still look at its parameters. */
	json_incref(message);
	run(call, name);
	json_decref(message);
}
