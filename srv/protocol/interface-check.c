// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/protocol/interface-internal.h"

#include <errno.h>

#include "srv/protocol/errors.h"

/*
 * Where the check stands, as a chain up the stack, so that a call that is right (nearly all are)
 * allocates nothing for it.
 */
struct place {
	const struct place *parent;
	const char *key; /* NULL: index */
	size_t index;
};

struct check {
	const char *member;
	char *path; /* of the first offence */
	char *message;
};

/* Strangers choose keys and values: quote this much of them, in bytes. */
#define QUOTE_MAX 64

static bool check_value(struct check *check, const struct srv_type *type, const json_t *value,
			const struct place *place);

static void write_place(const struct place *place, GString *text)
{
	if (place->parent)
		write_place(place->parent, text);
	if (place->key) {
		g_autofree char *key = srv_error_quote(place->key, QUOTE_MAX);

		g_string_append_printf(text, "%s%s", text->len > 0 ? "." : "", key);
	} else if (place->parent) {
		g_string_append_printf(text, "[%zu]", place->index);
	}
}

static bool offence(struct check *check, const struct place *place, char *message)
{
	GString *text = g_string_new(NULL);

	write_place(place, text);
	check->path = g_string_free(text, FALSE);
	check->message = message;
	return false;
}

static char *list_names(const struct srv_type *type)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < type->names->len; i++)
		g_string_append_printf(text, "%s%s", i > 0 ? ", " : "",
				       (const char *)g_ptr_array_index(type->names, i));
	return g_string_free(text, FALSE);
}

/* The words for a type after "must be". The caller owns them. */
static char *describe_type(const struct srv_type *type)
{
	g_autofree char *names = NULL;

	switch (type->kind) {
	case SRV_TYPE_BOOL:
		return g_strdup("true or false");
	case SRV_TYPE_INT:
		return g_strdup("an integer");
	case SRV_TYPE_FLOAT:
		return g_strdup("a number");
	case SRV_TYPE_STRING:
		return g_strdup("a string");
	case SRV_TYPE_ENUM:
		names = list_names(type);
		return g_strdup_printf("one of %s", names);
	case SRV_TYPE_OBJECT:
	case SRV_TYPE_STRUCT:
	case SRV_TYPE_MAP:
		return g_strdup("an object");
	case SRV_TYPE_NAMED:
		return describe_type(type->target);
	case SRV_TYPE_ARRAY:
		return g_strdup("an array");
	}
	g_assert_not_reached();
}

static char *describe_value(const json_t *value)
{
	g_autofree char *text = NULL;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return g_strdup("an object");
	case JSON_ARRAY:
		return g_strdup("an array");
	case JSON_STRING:
		text = srv_error_quote(json_string_value(value), QUOTE_MAX);
		return g_strdup_printf("the string \"%s\"", text);
	case JSON_INTEGER:
		return g_strdup("an integer");
	case JSON_REAL:
		return g_strdup("a number with a fraction");
	case JSON_TRUE:
		return g_strdup("true");
	case JSON_FALSE:
		return g_strdup("false");
	case JSON_NULL:
		return g_strdup("null");
	}
	g_assert_not_reached();
}

static bool wrong_type(struct check *check, const struct srv_type *type, const json_t *value,
		       const struct place *place)
{
	g_autofree char *must = describe_type(type);
	g_autofree char *is = describe_value(value);

	return offence(check, place, g_strdup_printf("must be %s, not %s", must, is));
}

static bool missing(struct check *check, const struct srv_type *type, const struct place *place)
{
	g_autofree char *must = describe_type(type);

	return offence(check, place,
		       g_strdup_printf("is missing; %s needs it: %s", check->member, must));
}

static bool unknown(struct check *check, const struct srv_type *type, const struct place *place)
{
	g_autofree char *names = list_names(type);

	if (names[0] == '\0')
		return offence(
			check, place,
			g_strdup_printf("is not known: %s takes nothing here", check->member));
	return offence(check, place,
		       g_strdup_printf("is not known: %s takes %s here", check->member, names));
}

static bool check_struct(struct check *check, const struct srv_type *type, const json_t *value,
			 const struct place *place)
{
	const char *key;
	json_t *member;

	/* jansson's iteration does not change the object, but its API wants it writable. */
	json_object_foreach ((json_t *)value, key, member) {
		const struct place here = { .parent = place, .key = key };
		const struct srv_type *field = g_hash_table_lookup(type->fields, key);

		if (!field)
			return unknown(check, type, &here);
		if (!check_value(check, field, member, &here))
			return false;
	}
	if (json_object_size(value) == type->names->len)
		return true; /* keys are unique, and all are known */

	for (guint i = 0; i < type->names->len; i++) {
		const char *name = g_ptr_array_index(type->names, i);
		const struct srv_type *field = g_hash_table_lookup(type->fields, name);
		const struct place here = { .parent = place, .key = name };

		if (!field->nullable && !json_object_get(value, name))
			return missing(check, field, &here);
	}
	return true;
}

static bool check_array(struct check *check, const struct srv_type *type, const json_t *value,
			const struct place *place)
{
	size_t i;
	json_t *element;

	json_array_foreach (value, i, element) {
		const struct place here = { .parent = place, .index = i };

		if (!check_value(check, type->target, element, &here))
			return false;
	}
	return true;
}

static bool check_map(struct check *check, const struct srv_type *type, const json_t *value,
		      const struct place *place)
{
	const char *key;
	json_t *element;

	json_object_foreach ((json_t *)value, key, element) {
		const struct place here = { .parent = place, .key = key };

		if (!check_value(check, type->target, element, &here))
			return false;
	}
	return true;
}

static bool is_of_type(const struct srv_type *type, const json_t *value)
{
	switch (type->kind) {
	case SRV_TYPE_BOOL:
		return json_is_boolean(value);
	case SRV_TYPE_INT:
		return json_is_integer(value);
	case SRV_TYPE_FLOAT:
		return json_is_number(value);
	case SRV_TYPE_STRING:
		return json_is_string(value);
	case SRV_TYPE_ENUM:
		return json_is_string(value) &&
		       g_hash_table_contains(type->fields, json_string_value(value));
	case SRV_TYPE_OBJECT:
	case SRV_TYPE_STRUCT:
	case SRV_TYPE_MAP:
		return json_is_object(value);
	case SRV_TYPE_NAMED:
		return is_of_type(type->target, value);
	case SRV_TYPE_ARRAY:
		return json_is_array(value);
	}
	g_assert_not_reached();
}

static bool check_value(struct check *check, const struct srv_type *type, const json_t *value,
			const struct place *place)
{
	if (type->nullable && json_is_null(value))
		return true;
	if (!is_of_type(type, value))
		return wrong_type(check, type, value, place);
	if (type->kind == SRV_TYPE_NAMED)
		type = type->target;
	if (type->kind == SRV_TYPE_STRUCT)
		return check_struct(check, type, value, place);
	if (type->kind == SRV_TYPE_ARRAY)
		return check_array(check, type, value, place);
	if (type->kind == SRV_TYPE_MAP)
		return check_map(check, type, value, place);
	return true;
}

static int check_parameters(const char *member, const struct srv_type *type,
			    const json_t *parameters, char **ret_path, struct sriov_error **err)
{
	struct check check = { .member = member };
	static const struct place top;
	g_autofree char *message = NULL;
	g_autofree char *path = NULL;
	json_t *none = NULL;
	bool right;

	if (!parameters)
		parameters = none = json_object();
	right = check_value(&check, type, parameters, &top);
	json_decref(none);
	if (right)
		return 0;

	message = check.message;
	path = check.path;
	if (path[0] == '\0') {
		g_free(path);
		path = g_strdup("parameters");
	}
	sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, path, "%s", message);
	if (ret_path)
		*ret_path = g_steal_pointer(&path);
	return -EINVAL;
}

static const struct srv_member *find_member(const struct srv_interface *interface,
					    enum srv_member_kind kind, const char *name,
					    struct sriov_error **err)
{
	const struct srv_member *member = srv_interface_member(interface, name);

	if (member && member->kind == kind)
		return member;
	sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENOENT, NULL, "%s has no %s named %s",
			srv_interface_name(interface),
			kind == SRV_MEMBER_METHOD ? "method" : "error", name);
	return NULL;
}

int srv_interface_check_call(const struct srv_interface *interface, const char *member,
			     const json_t *parameters, char **ret_path, struct sriov_error **err)
{
	const struct srv_member *method = find_member(interface, SRV_MEMBER_METHOD, member, err);

	if (!method)
		return -ENOENT;
	return check_parameters(member, method->in, parameters, ret_path, err);
}

int srv_interface_check_reply(const struct srv_interface *interface, const char *member,
			      const json_t *parameters, char **ret_path, struct sriov_error **err)
{
	const struct srv_member *method = find_member(interface, SRV_MEMBER_METHOD, member, err);

	if (!method)
		return -ENOENT;
	return check_parameters(member, method->out, parameters, ret_path, err);
}

int srv_interface_check_error(const struct srv_interface *interface, const char *member,
			      const json_t *parameters, char **ret_path, struct sriov_error **err)
{
	const struct srv_member *error = find_member(interface, SRV_MEMBER_ERROR, member, err);

	if (!error)
		return -ENOENT;
	return check_parameters(member, error->in, parameters, ret_path, err);
}
