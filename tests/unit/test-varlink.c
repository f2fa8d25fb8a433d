// SPDX-License-Identifier: GPL-2.0-or-later
/* What a well-behaved client sees; test-varlink-hostile has the others. */
#include "tests/unit/test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/varlink-server.h"

#define SERVICE "org.varlink.service"
#define TEST	"org.example.test"

/* Sends a message and compares the answer. */
static void assert_answer(struct test_client *client, const char *message, const char *expected)
{
	g_autofree char *answer = NULL;

	test_client_call(client, message);
	answer = test_client_receive(client);
	assert_non_null(answer);
	assert_string_equal(answer, expected);
}

static void assert_receives(struct test_client *client, const char *expected)
{
	g_autofree char *answer = test_client_receive(client);

	if (!expected) {
		assert_null(answer);
		return;
	}
	assert_non_null(answer);
	assert_string_equal(answer, expected);
}

static void call_answered_on_one_connection_again_and_again(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);

	for (int i = 0; i < 3; i++)
		assert_answer(client,
			      "{\"method\":\"" TEST ".Echo\",\"parameters\":{\"text\":\"hi\"}}",
			      "{\"parameters\":{\"text\":\"{\\\"text\\\":\\\"hi\\\"}\"}}");
	assert_int_equal(server->runs, 3);
	assert_int_equal(server->peer.pid, getpid());
	assert_int_equal(server->peer.uid, geteuid());
	assert_int_equal(server->peer.gid, getegid());
	test_client_free(client);
	test_server_free(server);
}

static void call_without_parameters_or_with_null_ones(void **state)
{
	static const char *const calls[] = {
		"{\"method\":\"" TEST ".Fail\"}",
		"{\"method\":\"" TEST ".Fail\",\"parameters\":null}",
		"{\"parameters\":{},\"more\":null,\"method\":\"" TEST ".Fail\",\"oneway\":false}",
	};
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);

	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++)
		assert_answer(client, calls[i],
			      "{\"error\":\"io.sriovd.Exhausted\",\"parameters\":{\"subject\":"
			      "\"pool fast\",\"message\":\"no VF is left\",\"errno\":28}}");
	test_client_free(client);
	test_server_free(server);
}

static void call_null_members_do_not_reach_the_handler(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);

	assert_answer(client,
		      "{\"method\":\"" TEST ".Echo\",\"parameters\":{\"text\":\"\",\"number\":null,"
		      "\"deep\":{\"list\":[],\"inner\":{\"flag\":null}}}}",
		      "{\"parameters\":{\"text\":\"{\\\"text\\\":\\\"\\\",\\\"deep\\\":"
		      "{\\\"list\\\":[],\\\"inner\\\":{}}}\"}}");
	test_client_free(client);
	test_server_free(server);
}

static void call_wrong_parameters_name_the_place_and_the_handler_does_not_run(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);

	assert_answer(client,
		      "{\"method\":\"" TEST ".Echo\",\"parameters\":{\"text\":\"\",\"deep\":"
		      "{\"list\":[\"a\",1]}}}",
		      "{\"error\":\"" SERVICE ".InvalidParameter\",\"parameters\":{\"parameter\":"
		      "\"deep.list[1]\",\"message\":\"must be a string, not an integer\"}}");
	assert_answer(client, "{\"method\":\"" TEST ".Echo\"}",
		      "{\"error\":\"" SERVICE ".InvalidParameter\",\"parameters\":{\"parameter\":"
		      "\"text\",\"message\":\"is missing; Echo needs it: a string\"}}");
	assert_int_equal(server->runs, 0);
	test_client_free(client);
	test_server_free(server);
}

static void call_unknown_things_get_the_standard_errors(void **state)
{
	static const char *const cases[][3] = {
		{ "a.b.C", "InterfaceNotFound", "\"interface\":\"a.b\"" },
		{ TEST ".Erase", "MethodNotFound", "\"method\":\"" TEST ".Erase\"" },
		{ TEST ".Missing", "MethodNotImplemented", "\"method\":\"" TEST ".Missing\"" },
		{ SERVICE ".Erase", "MethodNotFound", "\"method\":\"" SERVICE ".Erase\"" },
		{ "Echo", "MethodNotFound", "\"method\":\"Echo\"" },
		{ "", "MethodNotFound", "\"method\":\"\"" },
	};
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *call = g_strdup_printf("{\"method\":\"%s\"}", cases[i][0]);
		g_autofree char *answer = g_strdup_printf("{\"error\":\"" SERVICE
							  ".%s\",\"parameters\":{%s}}",
							  cases[i][1], cases[i][2]);

		assert_answer(client, call, answer);
	}
	test_client_free(client);
	test_server_free(server);
}

static void service_tells_about_itself(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);
	static const char *const names[] = { TEST, SERVICE };

	assert_answer(client, "{\"method\":\"" SERVICE ".GetInfo\"}",
		      "{\"parameters\":{\"vendor\":\"vendor of test\",\"product\":\"product of "
		      "test\",\"version\":\"1.2.3\",\"url\":\"https://example.org\",\"interfaces\":"
		      "[\"" TEST "\",\"" SERVICE "\"]}}");
	assert_answer(client,
		      "{\"method\":\"" SERVICE ".GetInterfaceDescription\",\"parameters\":"
		      "{\"interface\":\"a.b\"}}",
		      "{\"error\":\"" SERVICE ".InterfaceNotFound\",\"parameters\":{\"interface\":"
		      "\"a.b\"}}");
	assert_answer(client, "{\"method\":\"" SERVICE ".GetInterfaceDescription\"}",
		      "{\"error\":\"" SERVICE ".InvalidParameter\",\"parameters\":{\"parameter\":"
		      "\"interface\",\"message\":\"is missing; GetInterfaceDescription needs it: a "
		      "string\"}}");
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *call = g_strdup_printf("{\"method\":\"" SERVICE
							".GetInterfaceDescription\","
							"\"parameters\":{\"interface\":\"%s\"}}",
							names[i]);
		g_autofree char *answer = NULL;
		struct srv_interface *interface = NULL;
		sriov_autoerror err = NULL;
		json_t *json;

		test_client_call(client, call);
		answer = test_client_receive(client);
		json = json_loads(answer, 0, NULL);
		assert_ok(srv_interface_parse(
				  json_string_value(json_object_get(
					  json_object_get(json, "parameters"), "description")),
				  &interface, &err),
			  err);
		assert_string_equal(srv_interface_name(interface), names[i]);
		srv_interface_free(interface);
		json_decref(json);
	}
	test_client_free(client);
	test_server_free(server);
}

static void authorize_denied_call_does_not_run(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);

	/* run_change() would end the program. */
	assert_answer(client, "{\"method\":\"" TEST ".Change\"}",
		      "{\"error\":\"io.sriovd.Denied\",\"parameters\":{\"message\":\"only the "
		      "admin group may\",\"errno\":13}}");
	test_client_free(client);
	test_server_free(server);
}

static void more_streams_replies_and_one_without_it(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);

	test_client_call(client, "{\"method\":\"" TEST ".Count\",\"parameters\":{\"to\":3},"
				 "\"more\":true}");
	assert_receives(client, "{\"parameters\":{\"n\":1},\"continues\":true}");
	assert_receives(client, "{\"parameters\":{\"n\":2},\"continues\":true}");
	assert_receives(client, "{\"parameters\":{\"n\":3}}");
	assert_answer(client, "{\"method\":\"" TEST ".Count\",\"parameters\":{\"to\":3}}",
		      "{\"parameters\":{\"n\":3}}");
	test_client_free(client);
	test_server_free(server);
}

static void oneway_runs_in_order_and_is_not_answered(void **state)
{
	static const char messages[] =
		"{\"method\":\"" TEST ".Note\",\"parameters\":{\"text\":\"a\"},\"oneway\":true}\0"
		"{\"method\":\"" TEST ".Note\",\"parameters\":{\"text\":7},\"oneway\":true}\0"
		"{\"method\":\"" TEST ".Change\",\"oneway\":true}\0"
		"{\"method\":\"" TEST ".Nonsense\",\"oneway\":true}\0"
		"{\"method\":\"" TEST ".Note\",\"parameters\":{\"text\":\"b\"},\"oneway\":true}\0"
		"{\"method\":\"" TEST ".Note\",\"parameters\":{\"text\":\"c\"}}";
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);

	assert_int_equal(test_client_send(client, messages, sizeof(messages)), sizeof(messages));
	assert_receives(client, "{\"parameters\":{}}");
	assert_string_equal(server->notes->str, "a b c ");
	assert_true(test_client_is_silent(client, 20));
	test_client_free(client);
	test_server_free(server);
}

static void oneway_runs_although_the_client_closes_at_once(void **state)
{
	static const char messages[] = "{\"method\":\"" TEST ".Hold\",\"oneway\":true}\0"
				       "{\"method\":\"" TEST
				       ".Note\",\"parameters\":{\"text\":\"a\"},\"oneway\":true}\0"
				       "{\"method\":\"" TEST
				       ".Note\",\"parameters\":{\"text\":\"no\"}}\0"
				       "{\"method\":\"" TEST
				       ".Note\",\"parameters\":{\"text\":\"b\"},\"oneway\":true}";
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);

	/* Not through test_client_send(): nothing has been read when the client is gone. */
	assert_int_equal(send(client->fd, messages, sizeof(messages), 0), sizeof(messages));
	test_client_free(client);
	test_server_run(20);
	assert_string_equal(server->notes->str, "");
	assert_int_equal(server->held->len, 1);
	test_server_release(server);
	test_server_run(20);
	assert_string_equal(server->notes->str, "a b ");
	assert_int_equal(server->gone, 0);
	test_server_free(server);
}

static void oneway_calls_of_many_reads_run_after_the_client_has_closed(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);
	g_autofree char *text = g_strnfill(100000, 'a');
	g_autoptr(GString) calls = g_string_new(NULL);

	/* The first is longer than one read, the others are more than one turn starts. */
	for (int i = 0; i < 500; i++) {
		g_string_append_printf(calls,
				       "{\"method\":\"" TEST ".Note\",\"parameters\":{\"text\":"
				       "\"%s\"},\"oneway\":true}",
				       i == 0 ? text : "b");
		g_string_append_c(calls, '\0');
	}
	assert_int_equal(send(client->fd, calls->str, calls->len, 0), calls->len);
	test_client_free(client);
	test_server_run(50);
	assert_int_equal(server->notes->len, 100000 + 1 + 499 * strlen("b "));
	test_server_free(server);
}

static void pipelined_calls_are_answered_one_after_the_other(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);
	g_autoptr(GString) calls = g_string_new("{\"method\":\"" TEST ".Hold\"}");

	/* More than is read at once, and than one turn starts. */
	for (int i = 0; i < 2000; i++) {
		g_string_append_c(calls, '\0');
		g_string_append_printf(
			calls, "{\"method\":\"" TEST ".Count\",\"parameters\":{\"to\":%d}}", i);
	}
	assert_int_equal(test_client_send(client, calls->str, calls->len + 1), calls->len + 1);
	assert_true(test_client_is_silent(client, 20));
	test_server_release(server);
	assert_receives(client, "{\"parameters\":{}}");
	for (int i = 0; i < 2000; i++) {
		g_autofree char *answer = g_strdup_printf("{\"parameters\":{\"n\":%d}}", i);

		assert_receives(client, answer);
	}
	test_client_free(client);
	test_server_free(server);
}

static void half_closed_client_gets_its_answers_and_the_end(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);

	test_client_call(client, "{\"method\":\"" TEST ".Hold\"}");
	test_client_call(client, "{\"method\":\"" TEST ".Count\",\"parameters\":{\"to\":5}}");
	assert_int_equal(shutdown(client->fd, SHUT_WR), 0);
	assert_true(test_client_is_silent(client, 20));
	assert_int_equal(server->gone, 0);
	test_server_release(server);
	assert_receives(client, "{\"parameters\":{}}");
	assert_receives(client, "{\"parameters\":{\"n\":5}}");
	assert_receives(client, NULL);
	test_client_free(client);
	test_server_free(server);
}

static bool is_gone_once(void *data)
{
	return ((struct test_server *)data)->gone == 1;
}

static void gone_client_is_told_once_and_the_call_can_still_be_ended(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);

	test_client_call(client, "{\"method\":\"" TEST ".Hold\"}");
	test_client_call(client, "{\"method\":\"" TEST ".Note\",\"parameters\":{\"text\":\"no\"}}");
	test_server_run(10);
	test_client_free(client);
	assert_true(test_server_wait(is_gone_once, server));
	test_server_run(20);
	assert_int_equal(server->gone, 1);
	assert_int_equal(srv_call_peer(g_ptr_array_index(server->held, 0))->pid, getpid());
	test_server_release(server);
	test_server_run(20);
	/* What nobody waits for any more was not begun. */
	assert_string_equal(server->notes->str, "");
	test_server_free(server);
}

static void free_tells_calls_under_way(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);

	test_client_call(client, "{\"method\":\"" TEST ".Hold\"}");
	test_server_run(10);
	assert_int_equal(server->held->len, 1);
	srv_varlink_free(server->varlink);
	server->varlink = NULL;
	assert_int_equal(server->gone, 1);
	assert_receives(client, NULL);
	test_client_free(client);
	test_server_free(server);
}

static void reply_that_breaks_the_promise_becomes_internal(void **state)
{
	static const char internal[] =
		"{\"error\":\"io.sriovd.Internal\",\"parameters\":{\"subject\":\"n\",\"message\":"
		"\"the answer of Wrong does not fit the interface: must be an integer, not the "
		"string \\\"one\\\"\",\"errno\":22}}";
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);

	assert_answer(client, "{\"method\":\"" TEST ".Wrong\",\"parameters\":{\"more\":false}}",
		      internal);
	assert_answer(client,
		      "{\"method\":\"" TEST ".Wrong\",\"parameters\":{\"more\":true},"
		      "\"more\":true}",
		      internal);
	test_client_free(client);
	test_server_free(server);
}

#define LIST(parameters) "{\"method\":\"" TEST ".List\",\"parameters\":{" parameters "}}"

static void reply_list_is_one_message(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);

	assert_answer(client, LIST("\"to\":0"), "{\"parameters\":{\"items\":[]}}");
	assert_answer(client, LIST("\"to\":1"), "{\"parameters\":{\"items\":[\"1\"]}}");
	assert_answer(client, LIST("\"to\":3"), "{\"parameters\":{\"items\":[\"1\",\"2\",\"3\"]}}");
	test_client_free(client);
	test_server_free(server);
}

/* Nothing of what was written before it is sent, and the connection goes on. */
static void reply_list_with_a_wrong_item_becomes_internal(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);

	assert_answer(
		client, LIST("\"to\":3,\"second\":\"number\""),
		"{\"error\":\"io.sriovd.Internal\",\"parameters\":{\"subject\":\"items[0]\","
		"\"message\":\"the answer of List does not fit the interface: must be a string, "
		"not an integer\",\"errno\":22}}");
	assert_answer(client, LIST("\"to\":3,\"second\":\"not UTF-8\""),
		      "{\"error\":\"io.sriovd.Internal\",\"parameters\":{\"message\":\"the answer "
		      "could not be written as JSON\",\"errno\":84}}");
	assert_answer(client, LIST("\"to\":1"), "{\"parameters\":{\"items\":[\"1\"]}}");
	test_client_free(client);
	test_server_free(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_answered_on_one_connection_again_and_again),
		cmocka_unit_test(call_without_parameters_or_with_null_ones),
		cmocka_unit_test(call_null_members_do_not_reach_the_handler),
		cmocka_unit_test(call_wrong_parameters_name_the_place_and_the_handler_does_not_run),
		cmocka_unit_test(call_unknown_things_get_the_standard_errors),
		cmocka_unit_test(service_tells_about_itself),
		cmocka_unit_test(authorize_denied_call_does_not_run),
		cmocka_unit_test(more_streams_replies_and_one_without_it),
		cmocka_unit_test(oneway_runs_in_order_and_is_not_answered),
		cmocka_unit_test(oneway_runs_although_the_client_closes_at_once),
		cmocka_unit_test(oneway_calls_of_many_reads_run_after_the_client_has_closed),
		cmocka_unit_test(pipelined_calls_are_answered_one_after_the_other),
		cmocka_unit_test(half_closed_client_gets_its_answers_and_the_end),
		cmocka_unit_test(gone_client_is_told_once_and_the_call_can_still_be_ended),
		cmocka_unit_test(free_tells_calls_under_way),
		cmocka_unit_test(reply_that_breaks_the_promise_becomes_internal),
		cmocka_unit_test(reply_list_is_one_message),
		cmocka_unit_test(reply_list_with_a_wrong_item_becomes_internal),
	};

	return cmocka_run_group_tests_name("varlink", tests, NULL, NULL);
}
