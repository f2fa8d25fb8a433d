// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is shipped for people who write configurations, held against the parser: the schema names
 * the keys, ranges, words and defaults that the parser has, and the example works.
 */
#include "tests/unit/test.h"

#include <jansson.h>
#include <string.h>

#include "srv/sriovd/config-parse.h"
#include "tests/unit/config-format.h"

static char *read_source(const char *path)
{
	g_autofree char *full = TEST_SOURCE(path);
	char *text = NULL;

	if (!g_file_get_contents(full, &text, NULL, NULL))
		fail_msg("cannot read %s", full);
	return text;
}

static json_t *load_schema(void)
{
	g_autofree char *text = read_source("conf/sriovd.schema.json");
	json_error_t error;
	json_t *schema = json_loads(text, JSON_REJECT_DUPLICATES, &error);

	if (!schema)
		fail_msg("%d:%d: %s", error.line, error.column, error.text);
	return schema;
}

/* Follows "$ref": "#/$defs/…", of which the schema has no other kind. */
static json_t *resolve(json_t *schema, json_t *node)
{
	const char *ref = json_string_value(json_object_get(node, "$ref"));

	if (!ref)
		return node;
	assert_true(g_str_has_prefix(ref, "#/$defs/"));
	node = json_object_get(json_object_get(schema, "$defs"), ref + strlen("#/$defs/"));
	assert_non_null(node);
	return node;
}

static json_int_t integer(json_t *node, const char *key, json_int_t otherwise)
{
	json_t *value = json_object_get(node, key);

	return value ? json_integer_value(value) : otherwise;
}

static void compare_choices(const struct srv_key *key, json_t *words)
{
	size_t n = 0;

	while (key->choices[n]) {
		assert_string_equal(json_string_value(json_array_get(words, n)), key->choices[n]);
		n++;
	}
	assert_int_equal(json_array_size(words), n);
}

static void compare_object(json_t *schema, json_t *node, const struct srv_key *table);

static void compare_list(json_t *schema, json_t *node, const struct srv_key *key)
{
	assert_int_equal(integer(node, "maxItems", -1), key->max);
	assert_int_equal(integer(node, "minItems", 0), key->min);
	if (key->members)
		compare_object(schema, resolve(schema, json_object_get(node, "items")),
			       key->members);
}

static void compare_key(json_t *schema, json_t *node, const struct srv_key *key)
{
	const char *type = json_string_value(json_object_get(resolve(schema, node), "type"));
	json_t *one_of = json_object_get(node, "oneOf");

	assert_non_null(json_object_get(
		json_object_get(node, "title") ? node : resolve(schema, node), "title"));
	assert_non_null(
		json_object_get(json_object_get(node, "description") ? node : resolve(schema, node),
				"description"));
	if (one_of) { /* one object or a list of them */
		compare_object(schema, resolve(schema, json_array_get(one_of, 0)), key->members);
		compare_list(schema, json_array_get(one_of, 1), key);
	} else if (strcmp(type, "object") == 0) {
		compare_object(schema, resolve(schema, node), key->members);
	} else if (strcmp(type, "array") == 0) {
		compare_list(schema, node, key);
	} else if (strcmp(type, "integer") == 0) {
		assert_int_equal(integer(node, "minimum", -1), key->min);
		assert_int_equal(integer(node, "maximum", -1), key->max);
	} else if (strcmp(type, "boolean") == 0) {
		assert_ptr_equal(key->read, srv_key_bool);
	} else {
		assert_string_equal(type, "string");
		assert_int_equal(key->choices != NULL, json_object_get(node, "enum") != NULL);
		if (key->choices)
			compare_choices(key, json_object_get(node, "enum"));
	}
}

static bool list_has(json_t *list, const char *word)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item) {
		if (strcmp(json_string_value(item), word) == 0)
			return true;
	}
	return false;
}

static void compare_object(json_t *schema, json_t *node, const struct srv_key *table)
{
	json_t *properties = json_object_get(node, "properties");
	json_t *required = json_object_get(node, "required");
	size_t n_keys = 0, n_required = 0;

	assert_true(json_is_false(json_object_get(node, "additionalProperties")));
	for (; table[n_keys].name; n_keys++) {
		const struct srv_key *key = &table[n_keys];
		json_t *property = json_object_get(properties, key->name);

		if (!property)
			fail_msg("the schema lacks \"%s\"", key->name);
		assert_int_equal(list_has(required, key->name), key->required);
		n_required += key->required;
		compare_key(schema, property, key);
	}
	/* What the parser has is in the schema; so equal numbers mean that the schema has no more.
	 */
	assert_int_equal(json_object_size(properties), n_keys);
	assert_int_equal(json_array_size(required), n_required);
}

static void schema_has_the_keys_of_the_parser(void **state)
{
	json_t *schema = load_schema();

	compare_object(schema, schema, srv_config_keys_root);
	json_decref(schema);
}

/* Sets each property of an object that has a default, to that default. */
static void set_defaults(json_t *schema, const char *definition, json_t *object)
{
	json_t *node = json_object_get(json_object_get(schema, "$defs"), definition);
	json_t *properties = json_object_get(definition ? node : schema, "properties");
	const char *name;
	json_t *property;

	json_object_foreach (properties, name, property) {
		json_t *value = json_object_get(property, "default");

		if (value)
			json_object_set(object, name, value);
	}
}

static struct srv_config *parse_json(const json_t *root)
{
	char *text = json_dumps(root, 0);
	const char *name = "x.json", *texts = text;
	struct srv_config *config = NULL;
	sriov_autoerror err = NULL;

	assert_ok(srv_config_parse(&name, &texts, 1, &config, NULL, &err), err);
	free(text);
	return config;
}

/* The places of a configuration depend on how it is written. */
static char *format_without_places(const struct srv_config *config)
{
	g_autofree char *text = format_config(config);
	g_autoptr(GRegex) place = g_regex_new("x\\.json:\\d+:\\d+", 0, 0, NULL);

	return g_regex_replace_literal(place, text, -1, 0, "HERE", 0, NULL);
}

static void schema_has_the_defaults_of_the_parser(void **state)
{
	json_t *schema = load_schema();
	json_t *pool = json_pack("{s:s, s:{s:[s]}}", "name", "p", "select", "drivers", "igb");
	json_t *network = json_pack("{s:s, s:s}", "name", "n", "pool", "p");
	json_t *root = json_pack("{s:[O], s:[O]}", "pools", pool, "networks", network);
	json_t *fallback = json_object(), *access = json_object(), *failover = json_object();
	json_t *vfio = json_object();
	struct srv_config *brief = parse_json(root), *full;
	g_autofree char *brief_text = format_without_places(brief);
	g_autofree char *full_text = NULL;

	set_defaults(schema, "pool", pool);
	set_defaults(schema, "network", network);
	set_defaults(schema, "fallback", fallback);
	set_defaults(schema, "access", access);
	set_defaults(schema, "failover", failover);
	set_defaults(schema, "vfio", vfio);
	set_defaults(schema, NULL, root);
	/* Were none found, the test would hold of anything. */
	assert_int_equal(json_object_size(pool), 2 + 2);
	assert_int_equal(json_object_size(network), 2 + 8);
	assert_int_equal(json_object_size(fallback), 2);
	assert_int_equal(json_object_size(access), 1);
	assert_int_equal(json_object_size(failover), 7);
	assert_int_equal(json_object_size(vfio), 2);
	assert_int_equal(json_object_size(root), 2 + 1);
	json_object_set_new(network, "fallback", fallback);
	json_object_set_new(root, "access", access);
	json_object_set_new(root, "failover", failover);
	json_object_set_new(root, "vfio", vfio);
	full = parse_json(root);
	full_text = format_without_places(full);
	assert_string_equal(full_text, brief_text);

	srv_config_unref(brief);
	srv_config_unref(full);
	json_decref(pool);
	json_decref(network);
	json_decref(root);
	json_decref(schema);
}

static void example_is_right(void **state)
{
	g_autofree char *text = read_source("conf/sriovd.json.example");
	const char *name = "x.json", *texts = text;
	g_autoptr(GPtrArray) problems = NULL;
	struct srv_config *config = NULL;
	sriov_autoerror err = NULL;
	g_autofree char *formatted = NULL;

	assert_ok(srv_config_parse(&name, &texts, 1, &config, &problems, &err), err);
	assert_int_equal(problems->len, 0);
	formatted = format_without_places(config);
	assert_string_equal(
		formatted,
		"pool fast at HERE: 1 selectors, numVfs 7, 0, 0\n"
		"pool containers at HERE: 1 selectors, numVfs 7, 1, 0\n"
		"network tenant-a of fast at HERE: mask 3e, vlan 100, max rate 1000 Mbit/s, "
		"spoofchk on, trust off, link state auto; fallback 1 - 2\n"
		"network tenant-b of fast at HERE: mask 3e, vlan 200 qos 3, min rate 100 Mbit/s, "
		"max rate 1000 Mbit/s, spoofchk on, trust off, link state auto; fallback 2 br200 "
		"1\n"
		"network pods of containers at HERE: mask 3e, vlan 0, max rate unlimited, "
		"spoofchk on, trust off, link state auto; fallback 0 - 1\n"
		"admin sriovd, read -, reconcile 60\n");
	srv_config_unref(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schema_has_the_keys_of_the_parser),
		cmocka_unit_test(schema_has_the_defaults_of_the_parser),
		cmocka_unit_test(example_is_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
