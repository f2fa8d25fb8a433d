// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/protocol/errors.h"

#include <errno.h>
#include <string.h>

/*
 * Exit codes start behind the ones that the shell and getopt made everybody's: 1 (unspecific) and 2
 * (usage). They are part of the command line's interface: never renumber, only append.
 */
static const struct {
	const char *name;
	int exit_code;
} errors[SRIOV_ERROR_CODES] = {
	[SRIOV_ERROR_INVALID] = { SRV_INTERFACE ".Invalid", 3 },
	[SRIOV_ERROR_NOT_FOUND] = { SRV_INTERFACE ".NotFound", 4 },
	[SRIOV_ERROR_EXISTS] = { SRV_INTERFACE ".Exists", 5 },
	[SRIOV_ERROR_BUSY] = { SRV_INTERFACE ".Busy", 6 },
	[SRIOV_ERROR_EXHAUSTED] = { SRV_INTERFACE ".Exhausted", 7 },
	[SRIOV_ERROR_NOT_SUPPORTED] = { SRV_INTERFACE ".NotSupported", 8 },
	[SRIOV_ERROR_DENIED] = { SRV_INTERFACE ".Denied", 9 },
	[SRIOV_ERROR_UNAVAILABLE] = { SRV_INTERFACE ".Unavailable", 10 },
	[SRIOV_ERROR_TIMEOUT] = { SRV_INTERFACE ".Timeout", 11 },
	[SRIOV_ERROR_DEVICE] = { SRV_INTERFACE ".Device", 12 },
	[SRIOV_ERROR_LEDGER] = { SRV_INTERFACE ".Ledger", 13 },
	[SRIOV_ERROR_LIMIT] = { SRV_INTERFACE ".Limit", 14 },
	[SRIOV_ERROR_INTERNAL] = { SRV_INTERFACE ".Internal", 15 },
};

/*
 * The errors of org.varlink.service, which a Varlink server answers without asking its methods.
 * member: the parameter that says what it is about.
 */
static const struct {
	const char *name;
	enum sriov_error_code code;
	int err;
	const char *member;
	const char *message;
} service_errors[] = {
	{ "org.varlink.service.InterfaceNotFound", SRIOV_ERROR_NOT_SUPPORTED, EOPNOTSUPP,
	  "interface", "the daemon does not have this interface" },
	{ "org.varlink.service.MethodNotFound", SRIOV_ERROR_NOT_SUPPORTED, EOPNOTSUPP, "method",
	  "the daemon does not know this method; is it older than this program" },
	{ "org.varlink.service.MethodNotImplemented", SRIOV_ERROR_NOT_SUPPORTED, ENOSYS, "method",
	  "this build of the daemon does not implement the method" },
	{ "org.varlink.service.InvalidParameter", SRIOV_ERROR_INVALID, EINVAL, "parameter",
	  "the parameter is not valid" },
	{ "org.varlink.service.PermissionDenied", SRIOV_ERROR_DENIED, EACCES, NULL,
	  "the daemon does not permit it" },
	{ "org.varlink.service.ExpectedMore", SRIOV_ERROR_INVALID, EINVAL, NULL,
	  "the method has to be called with \"more\"" },
};

char *srv_error_how_to_join(const char *group)
{
	return g_strdup_printf("to join %s: usermod -aG %s USER, and log in again", group, group);
}

const char *srv_error_name(enum sriov_error_code code)
{
	return errors[code].name;
}

int srv_error_exit_code(enum sriov_error_code code)
{
	return errors[code].exit_code;
}

/*
 * Messages quote what drivers, files and clients said, which may be any bytes; JSON is UTF-8, and a
 * reply must not fail because of the name of a file.
 */
static json_t *json_from_text(const char *text)
{
	json_t *string = json_string(text);
	g_autofree char *valid = NULL;

	if (string)
		return string;
	valid = g_utf8_make_valid(text, -1);
	return json_string(valid);
}

json_t *srv_error_to_json(const struct sriov_error *error)
{
	json_t *json = json_object();

	if (error->subject)
		json_object_set_new(json, "subject", json_from_text(error->subject));
	json_object_set_new(json, "message", json_from_text(error->message));
	json_object_set_new(json, "errno", json_integer(error->err));
	return json;
}

static struct sriov_error *make(enum sriov_error_code code, int err, const char *subject,
				const char *message)
{
	struct sriov_error *error = NULL;

	sriov_error_set(&error, code, err, subject, "%s", message);
	return error;
}

static const char *text_member(const json_t *parameters, const char *key)
{
	return json_string_value(json_object_get(parameters, key));
}

static struct sriov_error *from_own(enum sriov_error_code code, const json_t *parameters)
{
	const char *message = text_member(parameters, "message");
	json_int_t err = json_integer_value(json_object_get(parameters, "errno"));

	/* The kernel's MAX_ERRNO; anything else did not come from our daemon. */
	if (err < 0 || err > 4095)
		err = 0;
	return make(code, (int)err, text_member(parameters, "subject"),
		    message ?: srv_error_name(code));
}

struct sriov_error *srv_error_from_reply(const char *name, const json_t *parameters)
{
	g_autofree char *unknown = NULL;

	for (size_t code = 0; code < G_N_ELEMENTS(errors); code++)
		if (strcmp(name, errors[code].name) == 0)
			return from_own(code, parameters);

	for (size_t i = 0; i < G_N_ELEMENTS(service_errors); i++) {
		const char *subject = NULL;

		if (strcmp(name, service_errors[i].name) != 0)
			continue;
		if (service_errors[i].member)
			subject = text_member(parameters, service_errors[i].member);
		return make(service_errors[i].code, service_errors[i].err, subject,
			    text_member(parameters, "message") ?: service_errors[i].message);
	}

	unknown = g_strdup_printf("the daemon answered with the error %s, which this program does "
				  "not know; it is older than the daemon",
				  name);
	return make(SRIOV_ERROR_INTERNAL, EPROTO, NULL, unknown);
}

char *srv_error_quote(const char *text, size_t max)
{
	size_t all = strlen(text);
	g_autofree char *part = g_strndup(text, max);
	g_autofree char *valid = NULL;
	const char *end;

	/* A cut in the middle of a character leaves bytes that are none; there was one. */
	if (all > max && !g_utf8_validate(part, -1, &end) && part + strlen(part) - end < 4)
		part[end - part] = '\0';
	valid = g_utf8_make_valid(part, -1);
	for (char *p = valid; *p; p++)
		if (g_ascii_iscntrl(*p))
			*p = '?';
	return g_strconcat(valid, all > max ? "…" : "", NULL);
}
