// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "srv/protocol/interface.h"

static const char text[] = "# A comment.\n"
			   "interface org.example.a-b.c1\n"
			   "\n"
			   "type Colour (red, green, # and\n dark_blue)\n"
			   "type Point (x: int, y: ?float, next: ?Point)\n"
			   "method Nothing()->()\n"
			   "method Draw(\n"
			   "  # where\n"
			   "  points: []Point,\n"
			   "  colour: Colour,\n"
			   "  pen: ?(thin, thick),\n"
			   "  options: ?[string]bool,\n"
			   "  foreign: ?object,\n"
			   "  box: ?(low: Point, high: Point),\n"
			   "  rows: ?[]?[]string\n"
			   ") -> (id: int, done: bool)\n"
			   "error NoInk (colour: Colour)\n";

static struct srv_interface *parse(const char *description)
{
	struct srv_interface *interface = NULL;
	sriov_autoerror err = NULL;

	assert_ok(srv_interface_parse(description, &interface, &err), err);
	return interface;
}

static void parse_names_text_and_methods_are_kept(void **state)
{
	struct srv_interface *interface = parse(text);
	const char *const *methods = srv_interface_methods(interface);

	assert_string_equal(srv_interface_name(interface), "org.example.a-b.c1");
	assert_string_equal(srv_interface_text(interface), text);
	assert_string_equal(methods[0], "Nothing");
	assert_string_equal(methods[1], "Draw");
	assert_null(methods[2]);
	srv_interface_free(interface);
}

static void parse_malformed_refused_with_line_and_column(void **state)
{
	static const struct {
		const char *text;
		const char *subject;
		const char *part;
	} cases[] = {
		{ "", "interface:1:1", "the text ends here" },
		{ "interfaces a.b\n", "interface:1:1", "expected \"interface\"" },
		{ "interface ab\n", "interface:1:11", "an interface's name" },
		{ "interface a..b\n", "interface:1:11", "an interface's name" },
		{ "interface a.b-\n", "interface:1:11", "an interface's name" },
		{ "interface 1.b\n", "interface:1:11", "an interface's name" },
		{ "interface a.b.\n", "interface:1:11", "an interface's name" },
		{ "interface", "interface:1:10", "the text ends here" },
		{ "interface a.b\nfoo", "interface:2:1", "type, method or error, not \"foo\"" },
		{ "interface a.b\ntype foo (a: int)", "interface:2:6", "the first a capital" },
		{ "interface a.b\ntype F_o (a: int)", "interface:2:6", "the first a capital" },
		{ "interface a.b\ntype Foo a: int)", "interface:2:10", "expected '('" },
		{ "interface a.b\ntype Foo ()", "interface:2:11", "not \")\"" },
		{ "interface a.b\ntype Foo (a: int", "interface:2:17", "',' or ')'" },
		{ "interface a.b\ntype Foo (a: int,)", "interface:2:18", "a name" },
		{ "interface a.b\ntype Foo (a, b: int)", "interface:2:15", "',' or ')'" },
		{ "interface a.b\ntype Foo (a: int, b)", "interface:2:20", "':'" },
		{ "interface a.b\ntype Foo (a__b: int)", "interface:2:11", "single '_'" },
		{ "interface a.b\ntype Foo (_a: int)", "interface:2:11", "single '_'" },
		{ "interface a.b\ntype Foo (a_: int)", "interface:2:11", "single '_'" },
		{ "interface a.b\ntype Foo (1a: int)", "interface:2:11", "single '_'" },
		{ "interface a.b\ntype Foo (a: ??int)", "interface:2:15", "a type" },
		{ "interface a.b\ntype Foo (a: [int]int)", "interface:2:14", "a type" },
		{ "interface a.b\ntype Foo (a: foo)", "interface:2:14", "a type" },
		{ "interface a.b\ntype Foo (a: ())", "interface:2:15", "a name" },
		{ "interface a.b\ntype Foo (a: int,\n a: int)", "interface:3:2", "twice" },
		{ "interface a.b\ntype Foo (a, b, a)", "interface:2:17", "twice" },
		{ "interface a.b\ntype Foo (a: int)\nerror Foo ()", "interface:3:7",
		  "Foo is described twice" },
		{ "interface a.b\ntype Foo (a: Bar)", "interface:2:14", "there is no type Bar" },
		{ "interface a.b\nerror Bar ()\ntype Foo (a: []?Bar)", "interface:3:17",
		  "there is no type Bar" },
		{ "interface a.b\nmethod Foo() ()", "interface:2:14", "'->'" },
		{ "interface a.b\nmethod Foo() -> (a, b)", "interface:2:11", "not an enum" },
		{ "interface a.b\nmethod Foo(a) -> ()", "interface:2:11", "not an enum" },
		{ "interface a.b\nerror Foo (a)", "interface:2:11", "not an enum" },
		{ "interface a.b\n# \xc3\xa4\n\xc3\xa4", "interface:3:1", "not \"\xc3\xa4\"" },
		{ "interface a.b\ntype Foo (a: \xc3\xa4, b: +)", "interface:2:14", "a type" },
		{ "interface a.b # \xff", "interface", "UTF-8" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct srv_interface *interface = NULL;
		sriov_autoerror err = NULL;

		assert_int_equal(srv_interface_parse(cases[i].text, &interface, &err), -EINVAL);
		assert_null(interface);
		assert_int_equal(err->code, SRIOV_ERROR_INVALID);
		if (strcmp(err->subject, cases[i].subject) != 0 ||
		    !strstr(err->message, cases[i].part))
			fail_msg("%s\ngives %s: %s", cases[i].text, err->subject, err->message);
	}
}

static void parse_nesting_is_limited(void **state)
{
	static const char *const opens[] = { "[]", "(a: " };
	static const char *const closes[] = { "", ")" };

	for (size_t k = 0; k < G_N_ELEMENTS(opens); k++) {
		for (int depth = 8; depth <= 100000; depth *= 100) {
			g_autoptr(GString) description = g_string_new("interface a.b\ntype A (a: ");
			struct srv_interface *interface = NULL;

			for (int i = 0; i < depth; i++)
				g_string_append(description, opens[k]);
			g_string_append(description, "int");
			for (int i = 0; i < depth; i++)
				g_string_append(description, closes[k]);
			g_string_append_c(description, ')');
			assert_int_equal(srv_interface_parse(description->str, &interface, NULL),
					 depth == 8 ? 0 : -EINVAL);
			srv_interface_free(interface);
		}
	}
}

static void check_call_right_parameters_accepted(void **state)
{
	static const char *const good[] = {
		"{\"points\":[],\"colour\":\"red\"}",
		"{\"points\":[{\"x\":1}],\"colour\":\"dark_blue\",\"pen\":\"thin\"}",
		"{\"points\":[{\"x\":1,\"y\":2,\"next\":{\"x\":-3,\"y\":0.5,\"next\":null}}],"
		"\"colour\":\"red\",\"pen\":null,\"options\":null,\"foreign\":null,\"box\":null,"
		"\"rows\":null}",
		"{\"points\":[],\"colour\":\"red\",\"options\":{\"a b\":true,\"\":false},"
		"\"foreign\":{\"anything\":[1]},\"box\":{\"high\":{\"x\":1},\"low\":{\"x\":0}},"
		"\"rows\":[null,[],[\"a\"]]}",
	};
	struct srv_interface *interface = parse(text);

	for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
		sriov_autoerror err = NULL;
		json_t *json = json_loads(good[i], 0, NULL);

		assert_non_null(json);
		assert_ok(srv_interface_check_call(interface, "Draw", json, NULL, &err), err);
		json_decref(json);
	}
	assert_int_equal(srv_interface_check_call(interface, "Nothing", NULL, NULL, NULL), 0);
	srv_interface_free(interface);
}

static void check_call_wrong_parameters_refused_with_path(void **state)
{
	static const struct {
		const char *json;
		const char *path;
		const char *message;
	} cases[] = {
		{ "{}", "points", "is missing; Draw needs it: an array" },
		{ "{\"points\":[]}", "colour",
		  "is missing; Draw needs it: one of red, green, dark_blue" },
		{ "{\"points\":{},\"colour\":\"red\"}", "points",
		  "must be an array, not an object" },
		{ "{\"points\":null,\"colour\":\"red\"}", "points", "must be an array, not null" },
		{ "{\"points\":[{\"x\":1},{\"x\":1.5}],\"colour\":\"red\"}", "points[1].x",
		  "must be an integer, not a number with a fraction" },
		{ "{\"points\":[{\"y\":1}],\"colour\":\"red\"}", "points[0].x",
		  "is missing; Draw needs it: an integer" },
		{ "{\"points\":[{\"x\":1,\"next\":{\"x\":1,\"z\":1}}],\"colour\":\"red\"}",
		  "points[0].next.z", "is not known: Draw takes x, y, next here" },
		{ "{\"points\":[null],\"colour\":\"red\"}", "points[0]",
		  "must be an object, not null" },
		{ "{\"points\":[],\"colour\":\"mauve\"}", "colour",
		  "must be one of red, green, dark_blue, not the string \"mauve\"" },
		{ "{\"points\":[],\"colour\":3}", "colour",
		  "must be one of red, green, dark_blue, not an integer" },
		{ "{\"points\":[],\"colour\":\"red\",\"pen\":true}", "pen",
		  "must be one of thin, thick, not true" },
		{ "{\"points\":[],\"colour\":\"red\",\"options\":{\"a\":\"yes\"}}", "options.a",
		  "must be true or false, not the string \"yes\"" },
		{ "{\"points\":[],\"colour\":\"red\",\"foreign\":[]}", "foreign",
		  "must be an object, not an array" },
		{ "{\"points\":[],\"colour\":\"red\",\"box\":{\"low\":{\"x\":0}}}", "box.high",
		  "is missing; Draw needs it: an object" },
		{ "{\"points\":[],\"colour\":\"red\",\"rows\":[[\"a\"],[\"b\",false]]}",
		  "rows[1][1]", "must be a string, not false" },
		{ "{\"points\":[],\"colour\":\"red\",\"color\":\"red\"}", "color",
		  "is not known: Draw takes points, colour, pen, options, foreign, box, rows "
		  "here" },
		{ "[]", "parameters", "must be an object, not an array" },
	};
	struct srv_interface *interface = parse(text);

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		json_t *json = json_loads(cases[i].json, 0, NULL);
		sriov_autoerror err = NULL;
		g_autofree char *path = NULL;

		assert_non_null(json);
		assert_int_equal(srv_interface_check_call(interface, "Draw", json, &path, &err),
				 -EINVAL);
		json_decref(json);
		assert_int_equal(err->code, SRIOV_ERROR_INVALID);
		assert_string_equal(path, cases[i].path);
		assert_string_equal(err->subject, cases[i].path);
		assert_string_equal(err->message, cases[i].message);
	}
	srv_interface_free(interface);
}

static void check_call_long_strings_are_quoted_short(void **state)
{
	struct srv_interface *interface = parse(text);
	g_autoptr(GString) monster = g_string_new(NULL);
	sriov_autoerror key = NULL;
	sriov_autoerror value = NULL;
	json_t *json;

	for (int i = 0; i < 50000; i++)
		g_string_append(monster, "\xc3\xa4");
	json = json_pack("{s:[],s:s}", "points", "colour", monster->str);
	assert_int_equal(srv_interface_check_call(interface, "Draw", json, NULL, &value), -EINVAL);
	json_decref(json);
	json = json_pack("{s:i}", monster->str, 1);
	assert_int_equal(srv_interface_check_call(interface, "Draw", json, NULL, &key), -EINVAL);
	json_decref(json);
	assert_true(strlen(value->message) < 200);
	assert_true(strlen(key->subject) < 100);
	assert_true(g_utf8_validate(value->message, -1, NULL));
	assert_true(g_utf8_validate(key->subject, -1, NULL));
	srv_interface_free(interface);
}

static void check_reply_and_error_have_types_of_their_own(void **state)
{
	struct srv_interface *interface = parse(text);
	json_t *reply = json_pack("{s:i,s:b}", "id", 1, "done", 1);
	json_t *error = json_pack("{s:s}", "colour", "green");

	assert_int_equal(srv_interface_check_reply(interface, "Draw", reply, NULL, NULL), 0);
	assert_int_equal(srv_interface_check_reply(interface, "Draw", error, NULL, NULL), -EINVAL);
	assert_int_equal(srv_interface_check_error(interface, "NoInk", error, NULL, NULL), 0);
	assert_int_equal(srv_interface_check_error(interface, "NoInk", reply, NULL, NULL), -EINVAL);
	assert_int_equal(srv_interface_check_error(interface, "NoInk", NULL, NULL, NULL), -EINVAL);
	json_decref(reply);
	json_decref(error);
	srv_interface_free(interface);
}

static void check_unknown_member_is_not_found(void **state)
{
	static const char *const names[] = { "Erase", "NoInk", "Point", "draw", "" };
	struct srv_interface *interface = parse(text);

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		sriov_autoerror err = NULL;

		assert_int_equal(srv_interface_check_call(interface, names[i], NULL, NULL, &err),
				 -ENOENT);
		assert_int_equal(err->code, SRIOV_ERROR_NOT_FOUND);
	}
	assert_int_equal(srv_interface_check_error(interface, "Draw", NULL, NULL, NULL), -ENOENT);
	srv_interface_free(interface);
}

static void our_description_parses_and_checks(void **state)
{
	g_autofree char *path = TEST_SOURCE("conf/io.sriovd.varlink");
	struct srv_interface *interface;
	g_autofree char *description = NULL, *where = NULL;
	sriov_autoerror err = NULL;
	json_t *good, *bad;

	assert_true(g_file_get_contents(path, &description, NULL, NULL));
	interface = parse(description);
	assert_string_equal(srv_interface_name(interface), "io.sriovd");
	assert_true(g_strv_contains(srv_interface_methods(interface), "Claim"));
	assert_true(g_strv_contains(srv_interface_methods(interface), "DomainHook"));

	good = json_pack("{s:s,s:s}", "owner", "dpdk1", "network", "tenant-a");
	assert_ok(srv_interface_check_call(interface, "Claim", good, NULL, &err), err);
	bad = json_pack("{s:s,s:s,s:s,s:s,s:[{s:s,s:s},{s:s,s:s,s:i}]}", "operation", "prepare",
			"subOperation", "begin", "uuid", "u", "name", "n", "nics", "id", "a",
			"network", "b", "id", "c", "network", "d", "mac", 7);
	assert_int_equal(srv_interface_check_call(interface, "DomainHook", bad, &where, &err),
			 -EINVAL);
	assert_string_equal(where, "nics[1].mac");
	json_decref(good);
	json_decref(bad);
	srv_interface_free(interface);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_names_text_and_methods_are_kept),
		cmocka_unit_test(parse_malformed_refused_with_line_and_column),
		cmocka_unit_test(parse_nesting_is_limited),
		cmocka_unit_test(check_call_right_parameters_accepted),
		cmocka_unit_test(check_call_wrong_parameters_refused_with_path),
		cmocka_unit_test(check_call_long_strings_are_quoted_short),
		cmocka_unit_test(check_reply_and_error_have_types_of_their_own),
		cmocka_unit_test(check_unknown_member_is_not_found),
		cmocka_unit_test(our_description_parses_and_checks),
	};

	return cmocka_run_group_tests_name("interface", tests, NULL, NULL);
}
