// SPDX-License-Identifier: GPL-2.0-or-later
/* Clients that break the protocol or want too much: what they get, and that others don't feel it.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "srv/protocol/frame.h"
#include "tests/support/varlink-server.h"

#define TEST   "org.example.test"
#define NOBODY 65534

static const char note[] = "{\"method\":\"" TEST ".Note\",\"parameters\":{\"text\":\"x\"}}";

/* Some other client gets its answer. */
static void assert_serves(struct test_server *server)
{
	struct test_client *client = test_client_new(server);
	g_autofree char *answer = NULL;

	test_client_call(client, note);
	answer = test_client_receive(client);
	assert_non_null(answer);
	assert_string_equal(answer, "{\"parameters\":{}}");
	test_client_free(client);
}

/* The client is told error with part in its sentence, and the connection is closed. */
static void assert_refused(struct test_client *client, const char *error, const char *part)
{
	g_autofree char *answer = test_client_receive(client);
	g_autofree char *rest = NULL;
	json_t *json;

	assert_non_null(answer);
	json = json_loads(answer, 0, NULL);
	assert_non_null(json);
	assert_string_equal(json_string_value(json_object_get(json, "error")), error);
	if (!strstr(answer, part))
		fail_msg("%s: %s", part, answer);
	json_decref(json);
	rest = test_client_receive(client);
	assert_null(rest);
}

static void malformed_message_refused_and_connection_closed(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"method\":\"a.B\"", "byte 15" },
		{ "hello", "line 1, column" },
		{ "[]", "not a JSON object" },
		{ "{}", "\\\"method\\\" must be there" },
		{ "{\"method\":7}", "\\\"method\\\" must be there" },
		{ "{\"method\":\"a.B\",\"parameters\":[]}",
		  "\\\"parameters\\\" must be an object" },
		{ "{\"method\":\"a.B\",\"parameters\":\"\"}", "\\\"parameters\\\" must be" },
		{ "{\"method\":\"a.B\",\"oneway\":1}", "\\\"oneway\\\" must be true or false" },
		{ "{\"method\":\"a.B\",\"more\":\"yes\"}", "\\\"more\\\" must be true or false" },
		{ "{\"method\":\"a.B\",\"oneway\":true,\"more\":true}", "contradicts" },
		{ "{\"method\":\"a.B\",\"colour\":1}", "\\\"colour\\\" is not known" },
		{ "{\"method\":\"a.B\",\"method\":\"a.B\"}", "duplicate" },
	};
	struct test_server *server = test_server_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct test_client *client = test_client_new(server);

		test_client_call(client, cases[i][0]);
		assert_refused(client, "io.sriovd.Invalid", cases[i][1]);
		test_client_free(client);
	}
	assert_serves(server);
	test_server_free(server);
}

static void upgrade_refused(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);

	test_client_call(client, "{\"method\":\"" TEST ".Hold\",\"upgrade\":true}");
	assert_refused(client, "io.sriovd.NotSupported", "upgrades");
	test_client_free(client);
	test_server_free(server);
}

static void calls_before_a_malformed_message_are_answered_first(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);
	g_autofree char *first = NULL;

	test_client_call(client, "{\"method\":\"" TEST ".Hold\"}");
	test_client_call(client, "}");
	test_client_call(client, note);
	assert_true(test_client_is_silent(client, 20));
	test_server_release(server);
	first = test_client_receive(client);
	assert_string_equal(first, "{\"parameters\":{}}");
	assert_refused(client, "io.sriovd.Invalid", "line 1, column 1");
	/* Nothing after it was begun. */
	assert_string_equal(server->notes->str, "");
	test_client_free(client);
	test_server_free(server);
}

/* FAULTS row 33: hostile clients */
static void deep_message_refused(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);
	g_autoptr(GString) text = g_string_new("{\"method\":");

	for (int i = 0; i < 100; i++)
		g_string_append_c(text, '[');
	test_client_call(client, text->str);
	assert_refused(client, "io.sriovd.Limit", "deeper than 16 levels at byte 25");
	test_client_free(client);
	assert_serves(server);
	test_server_free(server);
}

/* FAULTS row 33: hostile clients */
static void giant_message_refused_after_its_first_mebibyte(void **state)
{
	const size_t giant = 1024 * 1024 * 1024;
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);
	g_autofree char *chunk = g_strnfill(256 * 1024, ' ');
	size_t sent = 0, n;

	test_client_send(client, "{", 1);
	do {
		n = test_client_send(client, chunk, strlen(chunk));
		sent += n;
	} while (n == strlen(chunk) && sent < giant);
	/* What was read, and what fits into the socket. */
	assert_in_range(sent, SRV_MESSAGE_MAX, SRV_MESSAGE_MAX + 1024 * 1024);
	assert_refused(client, "io.sriovd.Limit", "longer than 1048576 bytes");
	test_client_free(client);
	assert_serves(server);
	test_server_free(server);
}

static void giant_message_behind_a_call_waits_for_its_answer(void **state)
{
	struct srv_varlink_limits limits = srv_varlink_limits_default;
	g_autofree char *giant = g_strnfill(5000, ' ');
	struct test_server *server;
	struct test_client *client;
	g_autofree char *first = NULL;

	limits.message_bytes = 4096;
	server = test_server_new(&limits);
	client = test_client_new(server);
	test_client_call(client, "{\"method\":\"" TEST ".Hold\"}");
	test_client_send(client, giant, 5000);
	assert_true(test_client_is_silent(client, 20));
	test_server_release(server);
	first = test_client_receive(client);
	assert_string_equal(first, "{\"parameters\":{}}");
	assert_refused(client, "io.sriovd.Limit", "longer than 4096 bytes");
	test_client_free(client);
	test_server_free(server);
}

/* FAULTS row 33: hostile clients */
static void half_message_hurts_nobody_and_may_be_finished(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);
	g_autofree char *answer = NULL;

	for (size_t i = 0; i < sizeof(note); i++) {
		if (i % 20 == 10)
			assert_serves(server);
		assert_true(test_client_is_silent(client, 0));
		assert_int_equal(test_client_send(client, note + i, 1), 1);
	}
	answer = test_client_receive(client);
	assert_string_equal(answer, "{\"parameters\":{}}");
	test_client_free(client);

	client = test_client_new(server);
	test_client_send(client, note, 20);
	test_client_free(client);
	assert_serves(server);
	test_server_free(server);
}

/* FAULTS row 33: hostile clients */
static void connections_above_the_limit_are_told_and_closed(void **state)
{
	struct srv_varlink_limits limits = srv_varlink_limits_default;
	struct test_server *server;
	struct test_client *held[10];

	if (geteuid() != 0)
		skip_because("needs root");
	limits.connections = G_N_ELEMENTS(held);
	server = test_server_new(&limits);
	for (size_t i = 0; i < G_N_ELEMENTS(held); i++)
		held[i] = test_client_new(server);
	/* Ten thousand in all, which the server must not remember. */
	for (int i = 0; i < 10000; i++) {
		struct test_client *client = test_client_new(server);

		assert_refused(client, "io.sriovd.Limit", "10 clients are connected already");
		test_client_free(client);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(held); i++) {
		g_autofree char *answer = NULL;

		test_client_call(held[i], note);
		answer = test_client_receive(held[i]);
		assert_non_null(answer);
	}
	test_client_free(held[3]);
	test_server_run(20);
	assert_serves(server);
	for (size_t i = 0; i < G_N_ELEMENTS(held); i++)
		if (i != 3)
			test_client_free(held[i]);
	test_server_free(server);
}

static void users_are_limited_each_and_leave_room_for_root(void **state)
{
	struct srv_varlink_limits limits = srv_varlink_limits_default;
	struct test_client *held[7] = { NULL }, *client;
	struct test_server *server;

	if (geteuid() != 0)
		skip_because("needs root");
	limits.connections = 8;
	limits.connections_per_uid = 5;
	server = test_server_new(&limits);
	assert_int_equal(seteuid(NOBODY), 0);
	for (size_t i = 0; i < 5; i++)
		held[i] = test_client_new(server);
	client = test_client_new(server);
	assert_int_equal(seteuid(0), 0);
	assert_refused(client, "io.sriovd.Limit", "user 65534 has 5 connections already");
	test_client_free(client);

	/* Two more users take the seventh place, but not the eighth. */
	for (size_t i = 5; i < 7; i++) {
		assert_int_equal(seteuid(NOBODY - 1), 0);
		held[i] = test_client_new(server);
		assert_int_equal(seteuid(0), 0);
	}
	assert_int_equal(seteuid(NOBODY - 2), 0);
	client = test_client_new(server);
	assert_int_equal(seteuid(0), 0);
	assert_refused(client, "io.sriovd.Limit", "7 clients are connected already");
	test_client_free(client);
	assert_serves(server);
	for (size_t i = 0; i < G_N_ELEMENTS(held); i++)
		test_client_free(held[i]);

	/* What was counted is forgotten again. */
	test_server_run(20);
	assert_int_equal(seteuid(NOBODY), 0);
	client = test_client_new(server);
	assert_int_equal(seteuid(0), 0);
	test_client_call(client, note);
	g_free(test_client_receive(client));
	assert_int_equal(server->peer.uid, NOBODY);
	test_client_free(client);
	test_server_free(server);
}

/* Lets no further descriptor be opened; *ret_old is what to restore. */
static void exhaust_descriptors(struct rlimit *ret_old)
{
	struct rlimit limit;
	int lowest = dup(STDIN_FILENO);

	assert_true(lowest >= 0);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, ret_old), 0);
	limit = *ret_old;
	limit.rlim_cur = (rlim_t)lowest;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* FAULTS row 9: out of file descriptors */
static void out_of_descriptors_clients_are_told_and_the_server_lives(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *clients[3];
	struct rlimit old;

	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++)
		clients[i] = test_client_new(server);
	exhaust_descriptors(&old);
	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++)
		assert_refused(clients[i], "io.sriovd.Limit", "no file descriptors left");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++)
		test_client_free(clients[i]);
	assert_serves(server);
	test_server_free(server);
}

static bool flood_is_over(void *data)
{
	const struct test_server *server = data;

	return server->flood > 0;
}

static void stream_that_is_not_read_is_cut_off(void **state)
{
	struct srv_varlink_limits limits = srv_varlink_limits_default;
	struct test_server *server;
	struct test_client *client;
	unsigned int received = 0;
	char *answer;

	limits.output_bytes = 256 * 1024;
	server = test_server_new(&limits);
	client = test_client_new(server);
	/* The handler streams in one go, for ever if it is not told that nobody listens. */
	test_client_call(client, "{\"method\":\"" TEST ".Flood\",\"parameters\":{\"size\":1000},"
				 "\"more\":true}");
	assert_true(test_server_wait(flood_is_over, server));
	/* The limit, and what fits into the socket. */
	assert_in_range(server->flood, 256, 2000);
	assert_serves(server);
	while ((answer = test_client_receive(client))) {
		g_free(answer);
		received++;
	}
	assert_in_range(received, 1, server->flood);
	test_client_free(client);
	test_server_free(server);
}

static void one_reply_may_be_longer_than_the_limit_of_streams(void **state)
{
	struct srv_varlink_limits limits = srv_varlink_limits_default;
	struct test_server *server;
	struct test_client *client;
	g_autofree char *answer = NULL;

	limits.output_bytes = 64 * 1024;
	server = test_server_new(&limits);
	client = test_client_new(server);
	test_client_call(client, "{\"method\":\"" TEST ".Big\",\"parameters\":{\"size\":5000000}}");
	answer = test_client_receive(client);
	assert_non_null(answer);
	assert_int_equal(strlen(answer), 5000000 + strlen("{\"parameters\":{\"text\":\"\"}}"));
	test_client_free(client);
	test_server_free(server);
}

static void calls_wait_until_replies_are_read(void **state)
{
	static const char call[] = "{\"method\":\"" TEST ".Big\",\"parameters\":{\"size\":100000}}";
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);
	g_autoptr(GString) calls = g_string_new(NULL);

	/* In one go: all of them are read before the first is answered. */
	for (int i = 0; i < 100; i++)
		g_string_append_len(calls, call, sizeof(call));
	assert_int_equal(send(client->fd, calls->str, calls->len, 0), calls->len);
	test_server_run(50);
	/* The socket takes two or three; not all hundred, 10 MB, lie here. */
	assert_in_range(server->runs, 1, 10);
	assert_serves(server);
	for (int i = 0; i < 100; i++) {
		g_autofree char *answer = test_client_receive(client);

		assert_non_null(answer);
	}
	assert_int_equal(server->runs, 100);
	test_client_free(client);
	test_server_free(server);
}

static void large_calls_wait_in_the_socket(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);
	g_autofree char *text = g_strnfill(300 * 1024, 'x');
	g_autofree char *call = g_strdup_printf(
		"{\"method\":\"" TEST ".Note\",\"parameters\":{\"text\":\"%s\"}}", text);
	size_t sent = 0;

	test_client_call(client, "{\"method\":\"" TEST ".Hold\"}");
	for (int quiet = 0; quiet < 20;) {
		size_t at = sent % (strlen(call) + 1);
		ssize_t n = send(client->fd, call + at, strlen(call) + 1 - at, MSG_DONTWAIT);

		sent += n > 0 ? (size_t)n : 0;
		quiet = n > 0 ? 0 : quiet + 1;
		test_server_run(1);
	}
	/* One of them, the beginning of a second, and what fits into the socket. */
	assert_in_range(sent, strlen(call), 3 * strlen(call));
	test_client_free(client);
	test_server_free(server);
}

static void one_turn_of_the_main_loop_starts_few_calls(void **state)
{
	static const char call[] = "{\"method\":\"" TEST ".Echo\",\"parameters\":{\"text\":\"\"}}";
	struct test_server *server = test_server_new(NULL);
	struct test_client *client = test_client_new(server);
	g_autoptr(GString) calls = g_string_new(NULL);
	unsigned int before;

	test_server_run(20);
	for (int i = 0; i < 1000; i++)
		g_string_append_len(calls, call, sizeof(call));
	assert_int_equal(send(client->fd, calls->str, calls->len, 0), calls->len);
	for (int i = 0; i < 10; i++) {
		before = server->runs;
		assert_true(g_main_context_iteration(NULL, FALSE));
		assert_in_range(server->runs - before, 1, 64);
	}
	test_server_run(20);
	assert_int_equal(server->runs, 1000);
	test_client_free(client);
	test_server_free(server);
}

static void idle_server_sleeps(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct test_client *silent = test_client_new(server);
	struct test_client *half = test_client_new(server);
	struct test_client *unread = test_client_new(server);
	struct test_client *waiting = test_client_new(server);
	struct test_client *closed = test_client_new(server);

	test_client_send(half, note, 20);
	test_client_call(unread, "{\"method\":\"" TEST ".Big\",\"parameters\":{\"size\":5000000}}");
	test_client_call(unread, note);
	test_client_call(waiting, "{\"method\":\"" TEST ".Hold\"}");
	test_client_call(waiting, note);
	assert_int_equal(shutdown(waiting->fd, SHUT_WR), 0);
	/* Its call under way will go on without it, and keeps a call behind it from being read. */
	test_client_call(closed, "{\"method\":\"" TEST ".Hold\"}");
	test_client_call(closed, note);
	test_client_free(closed);
	test_server_run(50);
	/* Nothing of all that makes the main loop spin. */
	for (int i = 0; i < 10; i++)
		assert_false(g_main_context_iteration(NULL, FALSE));
	test_client_free(silent);
	test_client_free(half);
	test_client_free(unread);
	test_client_free(waiting);
	test_server_free(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(malformed_message_refused_and_connection_closed),
		cmocka_unit_test(upgrade_refused),
		cmocka_unit_test(calls_before_a_malformed_message_are_answered_first),
		cmocka_unit_test(deep_message_refused),
		cmocka_unit_test(giant_message_refused_after_its_first_mebibyte),
		cmocka_unit_test(giant_message_behind_a_call_waits_for_its_answer),
		cmocka_unit_test(half_message_hurts_nobody_and_may_be_finished),
		cmocka_unit_test(connections_above_the_limit_are_told_and_closed),
		cmocka_unit_test(users_are_limited_each_and_leave_room_for_root),
		cmocka_unit_test(out_of_descriptors_clients_are_told_and_the_server_lives),
		cmocka_unit_test(stream_that_is_not_read_is_cut_off),
		cmocka_unit_test(one_reply_may_be_longer_than_the_limit_of_streams),
		cmocka_unit_test(calls_wait_until_replies_are_read),
		cmocka_unit_test(large_calls_wait_in_the_socket),
		cmocka_unit_test(one_turn_of_the_main_loop_starts_few_calls),
		cmocka_unit_test(idle_server_sleeps),
	};

	return cmocka_run_group_tests_name("varlink-hostile", tests, NULL, NULL);
}
