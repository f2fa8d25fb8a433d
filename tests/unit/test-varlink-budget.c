// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "srv/protocol/client.h"
#include "srv/sriovd/varlink-internal.h"
#include "tests/support/varlink-server.h"

#define TEST "org.example.test"

/* The counting alone, with a clock of its own: 2 % of the time, at most 100 ms. */

static void budget_unused_nobody_waits_and_nothing_is_kept(void **state)
{
	struct srv_budget *budget = srv_budget_new(20, 100000, 50000);

	assert_int_equal(srv_budget_wait(budget, 1000, 5), 0);
	assert_int_equal(srv_budget_size(budget), 0);
	srv_budget_free(budget);
}

static void budget_used_up_waits_until_a_little_is_there_again(void **state)
{
	struct srv_budget *budget = srv_budget_new(20, 100000, 50000);
	int64_t now = 1000000, again;

	srv_budget_charge(budget, 1000, 99999, now);
	assert_int_equal(srv_budget_wait(budget, 1000, now), 0);
	srv_budget_charge(budget, 1000, 8001, now);
	/* 8 ms too much and the 2 ms to begin with are there after half a second. */
	again = srv_budget_wait(budget, 1000, now);
	assert_in_range(again - now, 499900, 500100);
	assert_true(srv_budget_wait(budget, 1000, again - 1000) > 0);
	assert_int_equal(srv_budget_wait(budget, 1000, again), 0);
	/* Another user has his own. */
	assert_int_equal(srv_budget_wait(budget, 1001, now), 0);
	srv_budget_free(budget);
}

static void budget_saves_no_more_than_the_burst(void **state)
{
	struct srv_budget *budget = srv_budget_new(20, 100000, 50000);
	int64_t later = (int64_t)365 * 24 * 3600 * 1000000;

	srv_budget_charge(budget, 1000, 50000, 0);
	srv_budget_charge(budget, 1000, 100001, later);
	assert_true(srv_budget_wait(budget, 1000, later) > 0);
	/* A clock that stands still or goes back gives nothing. */
	assert_true(srv_budget_wait(budget, 1000, 0) > 0);
	srv_budget_free(budget);
}

static void budget_of_many_users_keeps_those_who_used_it(void **state)
{
	struct srv_budget *budget = srv_budget_new(20, 100000, 50000);

	srv_budget_charge(budget, 7, 200000, 0);
	for (uid_t uid = 1000; uid < 2000; uid++)
		srv_budget_charge(budget, uid, 20, (int64_t)uid * 1000);
	assert_in_range(srv_budget_size(budget), 1, 70);
	assert_true(srv_budget_wait(budget, 7, 2000000) > 0);
	srv_budget_free(budget);
}

static void budget_gives_back_no_more_than_the_burst(void **state)
{
	struct srv_budget *budget = srv_budget_new(20, 100000, 50000);

	srv_budget_charge(budget, 1000, 110000, 0);
	assert_true(srv_budget_wait(budget, 1000, 0) > 0);
	srv_budget_charge(budget, 1000, -20000, 0);
	assert_int_equal(srv_budget_wait(budget, 1000, 0), 0);
	srv_budget_charge(budget, 1000, -500000, 0);
	srv_budget_charge(budget, 1000, 100001, 0);
	assert_true(srv_budget_wait(budget, 1000, 0) > 0);
	srv_budget_free(budget);
}

/* Whatever he has cost: not longer than 50 ms, and the 2 ms to begin with, take to fill up. */
static void budget_debt_has_a_bound(void **state)
{
	struct srv_budget *budget = srv_budget_new(20, 100000, 50000);

	for (int i = 0; i < 64; i++)
		srv_budget_charge(budget, 1000, 20000, 1000000);
	assert_in_range(srv_budget_wait(budget, 1000, 1000000) - 1000000, 2599900, 2600100);
	srv_budget_free(budget);
}

/* In the server: 1 % of the time, at most 0.1 ms, which any call of Big uses up. */

static const struct srv_varlink_limits tight = {
	.connections = 512,
	.connections_per_uid = 64,
	.calls_per_connection = 64,
	.message_bytes = SRV_MESSAGE_MAX,
	.output_bytes = 4 * 1024 * 1024,
	.stranger_permille = 10,
	.stranger_burst_us = 100,
};

static const char big[] = "{\"method\":\"" TEST ".Big\",\"parameters\":{\"size\":500000}}";
static const char echo[] = "{\"method\":\"" TEST ".Echo\",\"parameters\":{\"text\":\"hi\"}}";

/* Whatever strangers have used up at the public door, it is open again. */
static void open_door(struct test_server *server)
{
	struct srv_varlink *varlink = server->varlink;
	gint64 now = g_get_monotonic_time();

	srv_budget_charge(varlink->strangers.door, SRV_ALL, -G_USEC_PER_SEC, now);
	if (varlink->public.again)
		varlink->public.again = now;
	srv_varlink_arm(varlink);
}

static bool was_asked(void *data)
{
	return ((struct test_server *)data)->asked > 0;
}

static struct test_client *stranger_new(struct test_server *server)
{
	struct test_client *client;

	open_door(server);
	server->strangers = true;
	server->asked = 0;
	client = test_client_new(server);
	/* It is asked who is there when the server accepts. */
	assert_true(test_server_wait(was_asked, server));
	server->strangers = false;
	return client;
}

static void assert_answered(struct test_client *client)
{
	g_autofree char *answer = test_client_receive(client);

	assert_non_null(answer);
	assert_true(g_str_has_prefix(answer, "{\"parameters\""));
}

/* FAULTS row 33: hostile clients */
static void stranger_over_his_time_waits_and_others_do_not(void **state)
{
	struct test_server *server = test_server_new(&tight);
	struct test_client *stranger = stranger_new(server), *member = test_client_new(server);

	for (int i = 0; i < 8; i++)
		test_client_send(stranger, big, sizeof(big));
	for (int i = 0; i < 20; i++) {
		test_client_call(member, echo);
		assert_answered(member);
	}
	/* Of his eight calls not all have been run while twenty others were. */
	assert_in_range(server->runs, 21, 27);
	for (int i = 0; i < 8; i++)
		assert_answered(stranger);
	assert_int_equal(server->runs, 28);
	test_client_free(member);
	test_client_free(stranger);
	test_server_free(server);
}

static void stranger_who_connects_anew_has_used_his_time_all_the_same(void **state)
{
	struct test_server *server = test_server_new(&tight);
	struct test_client *stranger = stranger_new(server);
	unsigned int runs;

	test_client_call(stranger, big);
	assert_answered(stranger);
	test_client_free(stranger);
	stranger = stranger_new(server);
	runs = server->runs;
	test_client_call(stranger, echo);
	assert_true(test_client_is_silent(stranger, 10));
	assert_int_equal(server->runs, runs);
	assert_answered(stranger);
	test_client_free(stranger);
	test_server_free(server);
}

/* How often the main loop has something to do within ms. */
static unsigned int dispatches(unsigned int ms)
{
	gint64 end = g_get_monotonic_time() + ms * G_GINT64_CONSTANT(1000);
	unsigned int n = 0;

	while (g_get_monotonic_time() < end)
		n += g_main_context_iteration(NULL, FALSE);
	return n;
}

/* EPOLLHUP cannot be masked: who is held and hangs up must not keep the main loop awake. */
static void stranger_who_hangs_up_while_held_wakes_nobody_and_is_forgotten(void **state)
{
	struct test_server *server = test_server_new(&tight);
	struct test_client *strangers[8];

	for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++)
		strangers[i] = stranger_new(server);
	for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++) {
		test_client_send(strangers[i], big, sizeof(big));
		test_client_free(strangers[i]);
	}
	/* A main loop that spins makes many thousands. */
	assert_in_range(dispatches(200), 1, 200);
	assert_int_equal(server->varlink->connections.length, 0);
	assert_int_equal(server->varlink->held.length, 0);
	test_server_free(server);
}

/* What a call has begun is told to its client also while that is held. */
static void stranger_held_gets_the_answer_of_a_call_under_way(void **state)
{
	struct test_server *server = test_server_new(&tight);
	struct test_client *waiting = stranger_new(server), *spender = stranger_new(server);

	test_client_call(waiting, "{\"method\":\"" TEST ".Hold\"}");
	test_server_run(5);
	assert_int_equal(server->held->len, 1);
	test_client_call(spender, big);
	assert_answered(spender);
	test_server_release(server);
	assert_answered(waiting);
	test_client_free(waiting);
	test_client_free(spender);
	test_server_free(server);
}

/* As tight, and so slow to fill up that a test sees nothing of it. */
static struct srv_varlink_limits slow(void)
{
	struct srv_varlink_limits limits = tight;

	limits.stranger_permille = 1;
	return limits;
}

static bool holds_one(void *data)
{
	return ((struct test_server *)data)->held->len == 1;
}

static bool holds_some(void *data)
{
	return ((struct test_server *)data)->held->len > 0;
}

/* Calls that wait for something cost 20 ms each: so many at once would be a debt of a second. */
static void stranger_with_little_left_has_one_call_under_way(void **state)
{
	struct srv_varlink_limits limits = slow();
	struct test_server *server = test_server_new(&limits);
	struct test_client *strangers[8];

	for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++)
		strangers[i] = stranger_new(server);
	/* What their coming has cost. */
	srv_stranger_charge(server->varlink, geteuid(), -1000, g_get_monotonic_time());
	for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++)
		test_client_call(strangers[i], "{\"method\":\"" TEST ".Hold\"}");
	test_server_run(50);
	assert_int_equal(server->held->len, 1);
	for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++)
		test_client_free(strangers[i]);
	test_server_free(server);
}

/* What a call did not use of its 20 ms is given back at its end. */
static void stranger_s_quick_call_costs_little(void **state)
{
	struct srv_varlink_limits limits = slow();
	struct test_server *server = test_server_new(&limits);
	struct test_client *stranger = stranger_new(server);
	gint64 now = g_get_monotonic_time();
	int64_t all;

	/* From a bucket that is full. */
	srv_stranger_charge(server->varlink, geteuid(), -1000, now);
	test_client_call(stranger, "{\"method\":\"" TEST ".Hold\"}");
	assert_true(test_server_wait(holds_one, server));
	all = srv_stranger_wait(server->varlink, geteuid(), g_get_monotonic_time());
	test_server_release(server);
	now = g_get_monotonic_time() - now;
	if (now < SRV_CALL_US_MAX)
		assert_true(srv_stranger_wait(server->varlink, geteuid(), g_get_monotonic_time()) <
			    all);
	assert_answered(stranger);
	test_client_free(stranger);
	test_server_free(server);
}

static void stranger_s_calls_go_on_when_there_is_something_again(void **state)
{
	struct srv_varlink_limits limits = tight;
	struct test_client *strangers[8];
	struct test_server *server;

	limits.stranger_permille = 1000;
	server = test_server_new(&limits);
	for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++)
		strangers[i] = stranger_new(server);
	for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++)
		test_client_call(strangers[i], "{\"method\":\"" TEST ".Hold\"}");
	for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++) {
		assert_true(test_server_wait(holds_some, server));
		test_server_release(server);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++) {
		assert_answered(strangers[i]);
		test_client_free(strangers[i]);
	}
	test_server_free(server);
}

/* By /etc/subuid one user has 65536 numbers, each with something saved up. */
static void strangers_of_many_names_have_a_bound_together(void **state)
{
	struct srv_varlink_limits limits = slow();
	struct test_server *server;
	struct test_client *strangers[8];

	if (geteuid() != 0)
		skip_because("needs root");
	server = test_server_new(&limits);
	for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++) {
		assert_int_equal(seteuid(64000 + (uid_t)i), 0);
		strangers[i] = stranger_new(server);
		assert_int_equal(seteuid(0), 0);
	}
	/* What their coming has cost. */
	for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++)
		srv_stranger_charge(server->varlink, 64000 + (uid_t)i, -1000,
				    g_get_monotonic_time());
	for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++)
		test_client_call(strangers[i], "{\"method\":\"" TEST ".Hold\"}");
	test_server_run(50);
	assert_int_equal(server->held->len, 1);
	for (size_t i = 0; i < G_N_ELEMENTS(strangers); i++)
		test_client_free(strangers[i]);
	test_server_free(server);
}

/* The doors */

static bool rests(void *data)
{
	return ((struct test_server *)data)->varlink->public.again != 0;
}

/* Connects and hangs up until the kernel's queue is full; how often. */
static unsigned int fill_queue(const struct test_server *server)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	unsigned int n = 0;
	int fd, r;

	strcpy(address.sun_path, server->path);
	do {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		r = connect(fd, (struct sockaddr *)&address, sizeof(address));
		close(fd);
		n++;
	} while (r == 0);
	return n;
}

/* FAULTS row 33: hostile clients */
static void strangers_who_connect_in_a_loop_shut_the_public_door_and_no_other(void **state)
{
	struct srv_varlink_limits limits = slow();
	struct test_server *server = test_server_new(&limits);
	g_autofree char *path = g_strconcat(server->path, SRV_MEMBERS_SUFFIX, NULL);
	struct test_client *late;
	unsigned int asked;

	test_server_open_members_door(server, 0600);
	server->strangers = true;
	assert_in_range(fill_queue(server), SRV_VARLINK_BACKLOG, 2 * SRV_VARLINK_BACKLOG);
	assert_true(test_server_wait(rests, server));
	/* Not for some milliseconds, but for as long as this test takes. */
	srv_budget_charge(server->varlink->strangers.door, SRV_ALL, 60000, g_get_monotonic_time());
	server->varlink->public.again += 60 * G_USEC_PER_SEC;
	asked = server->asked;
	assert_in_range(asked, 1, SRV_VARLINK_BACKLOG);
	server->strangers = false;
	for (int i = 0; i < 20; i++) {
		struct test_client *member = test_client_new_at(path);

		test_client_call(member, echo);
		assert_answered(member);
		test_client_free(member);
	}
	assert_int_equal(server->asked, asked + 20);
	/* Who comes by the public door waits behind them: there is just room for somebody. */
	open_door(server);
	test_server_run(5);
	late = test_client_new(server);
	test_client_call(late, echo);
	assert_answered(late);
	test_client_free(late);
	test_server_free(server);
}

static void members_never_shut_the_public_door(void **state)
{
	struct srv_varlink_limits limits = slow();
	struct test_server *server = test_server_new(&limits);

	for (int i = 0; i < 200; i++) {
		struct test_client *member = test_client_new(server);

		test_client_call(member, echo);
		assert_answered(member);
		test_client_free(member);
	}
	assert_false(rests(server));
	test_server_free(server);
}

static void member_has_all_the_time_he_wants(void **state)
{
	struct test_server *server = test_server_new(&tight);
	struct test_client *member = test_client_new(server);

	for (int i = 0; i < 20; i++) {
		test_client_call(member, big);
		assert_answered(member);
	}
	assert_int_equal(srv_budget_size(server->varlink->strangers.each), 0);
	test_client_free(member);
	test_server_free(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(budget_unused_nobody_waits_and_nothing_is_kept),
		cmocka_unit_test(budget_used_up_waits_until_a_little_is_there_again),
		cmocka_unit_test(budget_saves_no_more_than_the_burst),
		cmocka_unit_test(budget_gives_back_no_more_than_the_burst),
		cmocka_unit_test(budget_debt_has_a_bound),
		cmocka_unit_test(budget_of_many_users_keeps_those_who_used_it),
		cmocka_unit_test(stranger_over_his_time_waits_and_others_do_not),
		cmocka_unit_test(stranger_who_connects_anew_has_used_his_time_all_the_same),
		cmocka_unit_test(stranger_who_hangs_up_while_held_wakes_nobody_and_is_forgotten),
		cmocka_unit_test(stranger_held_gets_the_answer_of_a_call_under_way),
		cmocka_unit_test(stranger_with_little_left_has_one_call_under_way),
		cmocka_unit_test(stranger_s_quick_call_costs_little),
		cmocka_unit_test(stranger_s_calls_go_on_when_there_is_something_again),
		cmocka_unit_test(strangers_of_many_names_have_a_bound_together),
		cmocka_unit_test(strangers_who_connect_in_a_loop_shut_the_public_door_and_no_other),
		cmocka_unit_test(members_never_shut_the_public_door),
		cmocka_unit_test(member_has_all_the_time_he_wants),
	};

	return cmocka_run_group_tests_name("varlink-budget", tests, NULL, NULL);
}
