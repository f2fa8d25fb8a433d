// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "srv/protocol/errors.h"
#include "srv/protocol/interface.h"

static struct srv_interface *load_interface(void)
{
	g_autofree char *path = TEST_SOURCE("conf/io.sriovd.varlink");
	struct srv_interface *interface = NULL;
	sriov_autoerror err = NULL;
	g_autofree char *text = NULL;

	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	assert_ok(srv_interface_parse(text, &interface, &err), err);
	return interface;
}

static void every_code_has_a_name_and_exit_code_of_its_own(void **state)
{
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GHashTable) exits = g_hash_table_new(NULL, NULL);

	for (int code = 0; code < SRIOV_ERROR_CODES; code++) {
		const char *name = srv_error_name(code);
		int exit_code = srv_error_exit_code(code);

		assert_non_null(name);
		assert_true(g_hash_table_add(names, (gpointer)name));
		/* 0 to 2 are taken; from 126 on the shell means something else. */
		assert_in_range(exit_code, 3, 125);
		assert_true(g_hash_table_add(exits, GINT_TO_POINTER(exit_code)));
	}
}

static void every_code_is_described_by_the_interface(void **state)
{
	struct srv_interface *interface = load_interface();

	for (int code = 0; code < SRIOV_ERROR_CODES; code++) {
		sriov_autoerror error = NULL;
		sriov_autoerror wrong = NULL;
		json_t *json;

		sriov_error_set(&error, code, ENOENT, code % 2 ? "enp1s0/3" : NULL, "it is gone");
		json = srv_error_to_json(error);
		assert_true(g_str_has_prefix(srv_error_name(code), SRV_INTERFACE "."));
		assert_ok(srv_interface_check_error(
				  interface, srv_error_name(code) + strlen(SRV_INTERFACE "."), json,
				  NULL, &wrong),
			  wrong);
		json_decref(json);
	}
	srv_interface_free(interface);
}

static void json_roundtrip_gives_the_same_error(void **state)
{
	for (int code = 0; code < SRIOV_ERROR_CODES; code++) {
		const char *subject = code % 2 ? "nic web1/net0" : NULL;
		sriov_autoerror error = NULL;
		sriov_autoerror back = NULL;
		json_t *json;

		sriov_error_set(&error, code, 1 + code, subject, "sentence %d", code);
		json = srv_error_to_json(error);
		back = srv_error_from_reply(srv_error_name(code), json);
		json_decref(json);
		assert_int_equal(back->code, error->code);
		assert_int_equal(back->err, error->err);
		assert_string_equal(back->message, error->message);
		if (subject)
			assert_string_equal(back->subject, subject);
		else
			assert_null(back->subject);
	}
}

static void to_json_bytes_that_are_no_utf8_become_marks(void **state)
{
	sriov_autoerror error = NULL;
	json_t *json;

	sriov_error_set(&error, SRIOV_ERROR_INVALID, EINVAL, "a\xff", "file \xc3 is bad");
	json = srv_error_to_json(error);
	assert_string_equal(json_string_value(json_object_get(json, "subject")), "a\xef\xbf\xbd");
	assert_string_equal(json_string_value(json_object_get(json, "message")),
			    "file \xef\xbf\xbd is bad");
	json_decref(json);
}

static void from_reply_standard_errors_are_understood(void **state)
{
	static const struct {
		const char *name;
		const char *key, *value;
		enum sriov_error_code code;
	} cases[] = {
		{ "org.varlink.service.InterfaceNotFound", "interface", "a.b",
		  SRIOV_ERROR_NOT_SUPPORTED },
		{ "org.varlink.service.MethodNotFound", "method", "a.b.C",
		  SRIOV_ERROR_NOT_SUPPORTED },
		{ "org.varlink.service.MethodNotImplemented", "method", "a.b.C",
		  SRIOV_ERROR_NOT_SUPPORTED },
		{ "org.varlink.service.InvalidParameter", "parameter", "mac", SRIOV_ERROR_INVALID },
		{ "org.varlink.service.PermissionDenied", NULL, NULL, SRIOV_ERROR_DENIED },
		{ "org.varlink.service.ExpectedMore", NULL, NULL, SRIOV_ERROR_INVALID },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		sriov_autoerror error = NULL;
		json_t *json = json_object();

		if (cases[i].key)
			json_object_set_new(json, cases[i].key, json_string(cases[i].value));
		error = srv_error_from_reply(cases[i].name, json);
		json_decref(json);
		assert_int_equal(error->code, cases[i].code);
		assert_true(error->err > 0);
		assert_non_null(error->message);
		if (cases[i].value)
			assert_string_equal(error->subject, cases[i].value);
		else
			assert_null(error->subject);
	}
}

static void from_reply_prefers_the_daemon_s_sentence(void **state)
{
	json_t *json = json_pack("{s:s,s:s}", "parameter", "mac", "message", "must be a string");
	sriov_autoerror error = srv_error_from_reply("org.varlink.service.InvalidParameter", json);

	json_decref(json);
	assert_string_equal(error->subject, "mac");
	assert_string_equal(error->message, "must be a string");
}

static void from_reply_strange_answers_give_an_error_all_the_same(void **state)
{
	json_t *odd = json_pack("{s:i,s:[],s:i}", "message", 1, "subject", "errno", -7);
	sriov_autoerror own = srv_error_from_reply("io.sriovd.Busy", odd);
	sriov_autoerror none = srv_error_from_reply("io.sriovd.Busy", NULL);
	sriov_autoerror unknown = srv_error_from_reply("com.example.Odd", odd);

	json_decref(odd);
	assert_int_equal(own->code, SRIOV_ERROR_BUSY);
	assert_int_equal(own->err, EIO);
	assert_null(own->subject);
	assert_string_equal(own->message, "io.sriovd.Busy");
	assert_int_equal(none->code, SRIOV_ERROR_BUSY);
	assert_int_equal(unknown->code, SRIOV_ERROR_INTERNAL);
	assert_non_null(strstr(unknown->message, "com.example.Odd"));
}

static void quote_is_short_valid_and_without_control_characters(void **state)
{
	static const char *const cases[][2] = {
		{ "", "" },
		{ "abcdefgh", "abcdefgh" },
		{ "abcdefghi", "abcdefgh…" },
		{ "a\n\033[2J", "a??[2J" },
		{ "abcdef\xc3\xa4", "abcdef\xc3\xa4" },
		{ "abcdefg\xc3\xa4", "abcdefg…" },
		{ "abcdef\xe2\x82\xac", "abcdef…" },
		{ "a\xff", "a\xef\xbf\xbd" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *quote = srv_error_quote(cases[i][0], 8);

		assert_string_equal(quote, cases[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_a_name_and_exit_code_of_its_own),
		cmocka_unit_test(every_code_is_described_by_the_interface),
		cmocka_unit_test(json_roundtrip_gives_the_same_error),
		cmocka_unit_test(to_json_bytes_that_are_no_utf8_become_marks),
		cmocka_unit_test(from_reply_standard_errors_are_understood),
		cmocka_unit_test(from_reply_prefers_the_daemon_s_sentence),
		cmocka_unit_test(quote_is_short_valid_and_without_control_characters),
		cmocka_unit_test(from_reply_strange_answers_give_an_error_all_the_same),
	};

	return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
