// SPDX-License-Identifier: GPL-2.0-or-later
/* Whom the hook lets through, and what the daemon hears of whom it does not. */
#include "tests/unit/hook-run.h"

/* ---- guests that are none of ours ---- */

/* FAULTS row 8: state directory missing or read-only */
static void foreign_guest_passes_without_contact(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, EXHAUSTED);
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++)
		expect(&daemon, operations[i].name, foreign, 0, "");
	expect(&daemon, "prepare", "", 0, "");
	expect(&daemon, "prepare", "not XML", 0, "");
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

/* The very program that is installed, not the tests' build of it. */
static void installed_hook_lets_foreign_guest_pass(void **state)
{
	g_autofree char *dir = tests_dir();
	g_autofree char *program = g_build_filename(dir, "../../qemu-hook", NULL);
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, EXHAUSTED);
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
		const char *const args[] = { "web1", operations[i].name, operations[i].sub, "-",
					     NULL };
		struct outcome outcome;

		run_program(program, args, daemon.path, foreign, strlen(foreign), &outcome);
		assert_string_equal(outcome.out, "");
		assert_string_equal(outcome.err, "");
		assert_int_equal(outcome.status, 0);
		outcome_free(&outcome);
	}
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

static void foreign_guest_passes_with_daemon_dead(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_DEAD, NULL);
	expect(&daemon, "prepare", foreign, 0, "");
	daemon_free(&daemon);
}

static void namespace_in_a_description_is_no_request(void **state)
{
	static const char xml[] =
		"<domain><name>web1</name><uuid>" UUID "</uuid>"
		"<description>https://sriovd.io/xmlns/nics/1</description></domain>";
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, EXHAUSTED);
	expect(&daemon, "prepare", xml, 0, "");
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

static void huge_foreign_guest_passes(void **state)
{
	g_autofree char *filler = g_strnfill(20 * 1024 * 1024, 'x');
	g_autofree char *xml = g_strdup_printf(GUEST("<!--%s-->"), filler);
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, EXHAUSTED);
	expect(&daemon, "prepare", xml, 0, "");
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

static void other_operations_pass_without_reading(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, EXHAUSTED);
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
		if (operations[i].told)
			continue;
		/* 2 s is what it would wait for XML. */
		assert_true(expect_text(&daemon, "qemu-hook", operations[i].name, NULL, 0, 0, "") <
			    1.5);
		expect(&daemon, operations[i].name, required, 0, "");
		expect_text(&daemon, "sriovd-hook", operations[i].name, required, strlen(required),
			    0, "");
	}
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

static void stdin_that_never_ends_lets_pass(void **state)
{
	struct fake_daemon daemon;
	double seconds;

	daemon_start(&daemon, DAEMON_ANSWERS, EXHAUSTED);
	seconds = expect_text(&daemon, "qemu-hook", "prepare", NULL, 0, 0, "");
	assert_true(seconds > 1 && seconds < 8);
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

/* Whoever runs the second half by itself; this is its alarm at work. */
static void helper_with_stdin_that_never_ends_lets_pass(void **state)
{
	struct fake_daemon daemon;
	double seconds;

	daemon_start(&daemon, DAEMON_ANSWERS, EXHAUSTED);
	seconds = expect_text(&daemon, "sriovd-hook", "prepare", NULL, 0, 0, "");
	assert_true(seconds > 2 && seconds < 12);
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

static void few_arguments_let_pass_or_explain(void **state)
{
	static const char *const args[] = { "web1", NULL };
	g_autofree char *dir = tests_dir();
	g_autofree char *filter = g_build_filename(dir, "qemu-hook", NULL);
	g_autofree char *hook = g_build_filename(dir, "sriovd-hook", NULL);
	struct outcome outcome;

	run_program(filter, args, "/none", required, strlen(required), &outcome);
	assert_int_equal(outcome.status, 0);
	assert_string_equal(outcome.err, "");
	outcome_free(&outcome);
	run_program(hook, args, "/none", required, strlen(required), &outcome);
	assert_int_equal(outcome.status, 2);
	assert_true(g_str_has_prefix(outcome.err, "usage: "));
	outcome_free(&outcome);
}

/* ---- guests of ours ---- */

static void daemon_hears_of_every_operation_it_wants(void **state)
{
	struct fake_daemon daemon;
	guint n = 0;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++)
		expect(&daemon, operations[i].name, exclusive, 0, "");
	daemon_stop(&daemon);
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
		if (operations[i].told)
			expect_call(&daemon, n++, operations[i].name, operations[i].sub,
				    NICS_EXCLUSIVE);
	}
	assert_int_equal(daemon.calls->len, n);
	daemon_free(&daemon);
}

static void daemon_hears_of_an_empty_element(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	expect(&daemon, "prepare", GUEST(OURS ENDS), 0, "");
	expect_calls(&daemon, 1);
	expect_call(&daemon, 0, "prepare", "begin", "");
	daemon_free(&daemon);
}

static void recorded_xml_of_libvirt_is_understood(void **state)
{
	g_autofree char *file = TEST_SOURCE("tests/fixtures/domain/prepare.xml"), *xml = NULL;
	struct fake_daemon daemon;
	json_t *parameters;

	assert_true(g_file_get_contents(file, &xml, NULL, NULL));
	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	expect(&daemon, "prepare", xml, 0, "");
	expect_calls(&daemon, 1);
	parameters = json_object_get(daemon.calls->pdata[0], "parameters");
	assert_int_equal(json_array_size(json_object_get(parameters, "nics")), 1);
	daemon_free(&daemon);
}

static void numa_node_of_the_guest_is_told(void **state)
{
	struct fake_daemon daemon;
	json_t *parameters;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	expect(&daemon, "prepare",
	       GUEST_HEAD OURS ENDS "</metadata>\n<numatune><memory mode='strict' nodeset='1'/>"
				    "</numatune>\n<devices/>\n</domain>\n",
	       0, "");
	expect(&daemon, "prepare", GUEST(OURS ENDS), 0, "");
	expect_calls(&daemon, 2);
	parameters = json_object_get(daemon.calls->pdata[0], "parameters");
	assert_int_equal(json_integer_value(json_object_get(parameters, "numaNode")), 1);
	parameters = json_object_get(daemon.calls->pdata[1], "parameters");
	assert_null(json_object_get(parameters, "numaNode"));
	daemon_free(&daemon);
}

static void links_of_a_starting_guest_are_told(void **state)
{
	static const char xml[] = GUEST_HEAD OURS ENDS
		"</metadata>\n<devices><interface type='direct'><mac address='52:54:00:aa:00:11'/>"
		"<source dev='enp1s0.100'/><alias name='ua-sriov-net0'/></interface></devices>\n"
		"</domain>\n";
	struct fake_daemon daemon;
	const json_t *links;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	expect(&daemon, "prepare", xml, 0, "");
	expect(&daemon, "started", xml, 0, "");
	expect_calls(&daemon, 2);
	links = json_object_get(json_object_get(daemon.calls->pdata[0], "parameters"), "links");
	assert_int_equal(json_array_size(links), 1);
	assert_string_equal(json_string_value(json_array_get(links, 0)), "enp1s0.100");
	assert_null(
		json_object_get(json_object_get(daemon.calls->pdata[1], "parameters"), "links"));
	daemon_free(&daemon);
}

/* A descriptor that leaked into libvirt's child must not be held while the hook waits. */
static void inherited_descriptors_are_closed(void **state)
{
	g_autofree char *dir = tests_dir(), *program = g_build_filename(dir, "sriovd-hook", NULL);
	g_auto(GStrv) env = NULL;
	posix_spawn_file_actions_t actions;
	const char *argv[] = { program, "web1", "prepare", "begin", "-", NULL };
	int leak[2], in[2], status;
	struct fake_daemon daemon;
	struct pollfd pfd;
	gint64 before;
	pid_t pid;

	daemon_start(&daemon, DAEMON_SILENT, NULL);
	env = hook_environment(daemon.path);
	assert_true(!pipe2(leak, O_CLOEXEC) && !pipe2(in, O_CLOEXEC));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, leak[1], 100);
	assert_int_equal(posix_spawn(&pid, program, &actions, NULL, (char **)argv, env), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(leak[1]);
	close(in[0]);
	assert_int_equal(write(in[1], exclusive, strlen(exclusive)), strlen(exclusive));
	close(in[1]);

	/* The end of file comes long before the 3 s for which it waits for the daemon. */
	pfd = (struct pollfd){ .fd = leak[0], .events = POLLIN };
	assert_int_equal(poll(&pfd, 1, 10000), 1);
	assert_int_equal(pfd.revents, POLLHUP);
	before = g_get_monotonic_time();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(g_get_monotonic_time() - before > G_USEC_PER_SEC);
	assert_int_equal(status, 0);
	close(leak[0]);
	daemon_free(&daemon);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_guest_passes_without_contact),
		cmocka_unit_test(installed_hook_lets_foreign_guest_pass),
		cmocka_unit_test(foreign_guest_passes_with_daemon_dead),
		cmocka_unit_test(namespace_in_a_description_is_no_request),
		cmocka_unit_test(huge_foreign_guest_passes),
		cmocka_unit_test(other_operations_pass_without_reading),
		cmocka_unit_test(stdin_that_never_ends_lets_pass),
		cmocka_unit_test(helper_with_stdin_that_never_ends_lets_pass),
		cmocka_unit_test(few_arguments_let_pass_or_explain),
		cmocka_unit_test(daemon_hears_of_every_operation_it_wants),
		cmocka_unit_test(daemon_hears_of_an_empty_element),
		cmocka_unit_test(recorded_xml_of_libvirt_is_understood),
		cmocka_unit_test(numa_node_of_the_guest_is_told),
		cmocka_unit_test(links_of_a_starting_guest_are_told),
		cmocka_unit_test(inherited_descriptors_are_closed),
	};

	/* A hook that stops reading early must not end the test. */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
