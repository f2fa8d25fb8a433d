// SPDX-License-Identifier: GPL-2.0-or-later
/* Jobs and events: what comes while sriovctl waits. */
#include "tests/unit/test.h"

#include <string.h>

#include <glib.h>

#include "tests/support/ctl-run.h"

static json_t *step(int n, int of, const char *text)
{
	json_t *json = json_pack("{s:{s:i, s:i, s:s, s:s}}", "step", "job", 7, "step", n, "text",
				 text, "state", "running");

	if (of)
		json_object_set_new(json_object_get(json, "step"), "of", json_integer(of));
	return json;
}

static json_t *done_step(int n, const char *text)
{
	return json_pack("{s:{s:i, s:i, s:s, s:s}}", "step", "job", 7, "step", n, "text", text,
			 "state", "done");
}

static json_t *failed_step(int n)
{
	return json_pack("{s:{s:i, s:i, s:s, s:s, s:s, s:s}}", "step", "job", 7, "step", n, "text",
			 "nic web1/net0: no VF is left", "state", "failed", "error",
			 "io.sriovd.Exhausted", "message", "nic web1/net0: no VF is left");
}

static void answer_release(struct canned_daemon *daemon)
{
	canned_reply(daemon, "Release", json_pack("{s:i}", "job", 7));
	canned_reply(daemon, "WatchJob", step(1, 2, "releasing"));
	canned_reply(daemon, "WatchJob", step(2, 2, "released, scrubbing"));
	canned_reply(daemon, "WatchJob", done_step(3, "released and scrubbed"));
}

static void job_is_followed_a_line_for_each_step(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "vf release dpdk1 net0" };

	answer_release(daemon);
	ctl_run_it(daemon, &run);
	assert_string_equal(run.out, "[1/2] releasing\n"
				     "[2/2] released, scrubbing\n"
				     "released and scrubbed\n");
	assert_string_equal(run.err, "");
	assert_string_equal(daemon->calls->str, "Release {\"owner\":\"dpdk1\",\"id\":\"net0\"}\n"
						"WatchJob {\"job\":7}\n");
	assert_int_equal(run.status, 0);
	ctl_run_clear(&run);
	canned_daemon_free(daemon);
}

static void note_stays_on_a_terminal(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "vf release dpdk1 --no-color", .width = 80 };
	json_t *note = step(2, 3, "it hurts web1");

	json_object_set_new(json_object_get(note, "step"), "note", json_true());
	canned_reply(daemon, "Release", json_pack("{s:i}", "job", 7));
	canned_reply(daemon, "WatchJob", step(1, 3, "begins"));
	canned_reply(daemon, "WatchJob", note);
	canned_reply(daemon, "WatchJob", step(3, 3, "goes on"));
	canned_reply(daemon, "WatchJob", done_step(4, "done"));
	ctl_run_it(daemon, &run);
	assert_string_equal(run.out, "[1/3] begins"
				     "\r\033[K[2/3] it hurts web1\n"
				     "[3/3] goes on"
				     "\r\033[Kdone\n");
	ctl_run_clear(&run);
	canned_daemon_free(daemon);
}

static void job_on_a_terminal_is_followed_in_place(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "vf release dpdk1 --no-color", .width = 80 };

	answer_release(daemon);
	ctl_run_it(daemon, &run);
	assert_string_equal(run.out, "[1/2] releasing"
				     "\r\033[K[2/2] released, scrubbing"
				     "\r\033[Kreleased and scrubbed\n");
	assert_int_equal(run.status, 0);
	ctl_run_clear(&run);
	canned_daemon_free(daemon);
}

static void job_with_json_prints_the_reply_and_waits(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "--json vf release dpdk1", .width = 80 };

	answer_release(daemon);
	ctl_run_it(daemon, &run);
	assert_string_equal(run.out, "{\n  \"job\": 7\n}\n");
	assert_string_equal(daemon->calls->str, "Release {\"owner\":\"dpdk1\"}\n"
						"WatchJob {\"job\":7}\n");
	assert_int_equal(run.status, 0);
	ctl_run_clear(&run);
	canned_daemon_free(daemon);
}

static void job_that_is_not_waited_for_is_named(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "vf release dpdk1 --no-wait" };
	struct ctl_run_of json = { .args = "vf release dpdk1 --no-wait --json" };

	answer_release(daemon);
	ctl_run_it(daemon, &run);
	assert_string_equal(run.out, "job 7 has begun; to watch it: sriovctl watch 7\n");
	assert_string_equal(daemon->calls->str, "Release {\"owner\":\"dpdk1\"}\n");
	ctl_run_it(daemon, &json);
	assert_string_equal(json.out, "{\n  \"job\": 7\n}\n");
	ctl_run_clear(&run);
	ctl_run_clear(&json);
	canned_daemon_free(daemon);
}

/* The failure of the job is the command's, whatever it printed before. */
static void job_that_fails_is_an_error(void **state)
{
	static const struct {
		const char *args, *out;
		unsigned width;
	} cases[] = {
		{ "start web1", "[1/3] starting web1, paused\n", 0 },
		{ "start web1 --no-color", "[1/3] starting web1, paused\r\033[K", 80 },
		{ "start web1 --json", "{\n  \"job\": 7\n}\n", 0 },
	};
	struct canned_daemon *daemon = canned_daemon_new();

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct ctl_run_of run = { .args = cases[i].args, .width = cases[i].width };

		canned_reset(daemon);
		canned_reply(daemon, "StartDomain", json_pack("{s:i}", "job", 7));
		canned_reply(daemon, "WatchJob", step(1, 3, "starting web1, paused"));
		canned_reply(daemon, "WatchJob", failed_step(2));
		ctl_run_it(daemon, &run);
		assert_string_equal(run.out, cases[i].out);
		assert_string_equal(run.err, "sriovctl: nic web1/net0: no VF is left\n");
		assert_int_equal(run.status, 7);
		ctl_run_clear(&run);
	}
	canned_daemon_free(daemon);
}

static void job_of_steps_without_a_number_is_followed(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "nic add web1 --network tenant-a --now" };

	canned_reply(
		daemon, "AddNic",
		json_pack("{s:s, s:s, s:i}", "id", "net1", "mac", "52:54:00:aa:00:42", "job", 7));
	canned_reply(daemon, "WatchJob", step(1, 0, "attaching to the running guest"));
	canned_reply(daemon, "WatchJob", done_step(2, "attached, vf"));
	ctl_run_it(daemon, &run);
	assert_string_equal(run.out, "nic web1/net1 added, MAC 52:54:00:aa:00:42\n"
				     "attaching to the running guest\n"
				     "attached, vf\n");
	assert_int_equal(run.status, 0);
	ctl_run_clear(&run);
	canned_daemon_free(daemon);
}

static void nic_removed_from_a_running_domain_is_followed(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "nic remove web1/net1 --now" };

	canned_reply(daemon, "RemoveNic", json_pack("{s:i}", "job", 7));
	canned_reply(daemon, "WatchJob", done_step(1, "detached and removed"));
	ctl_run_it(daemon, &run);
	assert_string_equal(run.out, "nic web1/net1 removed\n"
				     "detached and removed\n");
	assert_string_equal(daemon->calls->str,
			    "RemoveNic {\"domain\":\"web1\",\"id\":\"net1\",\"now\":true}\n"
			    "WatchJob {\"job\":7}\n");
	ctl_run_clear(&run);
	canned_daemon_free(daemon);
}

static void watch_with_json_prints_an_object_a_line(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "watch 7 --json" };

	canned_reply(daemon, "WatchJob", step(1, 2, "releasing"));
	canned_reply(daemon, "WatchJob", failed_step(2));
	ctl_run_it(daemon, &run);
	assert_string_equal(
		run.out,
		"{\"step\":{\"job\":7,\"step\":1,\"text\":\"releasing\",\"state\":\"running\","
		"\"of\":2}}\n"
		"{\"step\":{\"job\":7,\"step\":2,\"text\":\"nic web1/net0: no VF is left\","
		"\"state\":\"failed\",\"error\":\"io.sriovd.Exhausted\","
		"\"message\":\"nic web1/net0: no VF is left\"}}\n");
	assert_int_equal(run.status, 7);
	ctl_run_clear(&run);
	canned_daemon_free(daemon);
}

static void watch_of_a_job_that_is_not_there_is_an_error(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "watch 99" };

	canned_error(daemon, "WatchJob", SRIOV_ERROR_NOT_FOUND, NULL, "there is no job 99");
	ctl_run_it(daemon, &run);
	assert_string_equal(run.out, "");
	assert_string_equal(run.err, "sriovctl: there is no job 99\n");
	assert_int_equal(run.status, 4);
	ctl_run_clear(&run);
	canned_daemon_free(daemon);
}

static json_t *event(int second, const char *kind, const char *subject, const char *text)
{
	return json_pack("{s:{s:I, s:s, s:s, s:s}}", "event", "time", (json_int_t)CTL_NOW + second,
			 "kind", kind, "subject", subject, "text", text);
}

static void answer_events(struct canned_daemon *daemon)
{
	canned_reply(daemon, "Watch", event(0, "nic", "nic web1/net0", "attached, VF enp1s0/3"));
	canned_reply(daemon, "Watch", event(1, "reconcile", "libvirt", "a\nb"));
	canned_error(daemon, "Watch", SRIOV_ERROR_UNAVAILABLE, NULL, "sriovd is ending");
}

static void events_are_printed_until_they_end(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "events" }, json = { .args = "events --json" };

	answer_events(daemon);
	ctl_run_it(daemon, &run);
	assert_string_equal(
		run.out, "2026-11-23 14:00:00  nic        nic web1/net0     attached, VF enp1s0/3\n"
			 "2026-11-23 14:00:01  reconcile  libvirt           a?b\n");
	assert_string_equal(run.err, "sriovctl: sriovd is ending\n");
	assert_int_equal(run.status, 10);
	ctl_run_it(daemon, &json);
	assert_string_equal(
		json.out,
		"{\"event\":{\"time\":1795442400,\"kind\":\"nic\",\"subject\":\"nic web1/net0\","
		"\"text\":\"attached, VF enp1s0/3\"}}\n"
		"{\"event\":{\"time\":1795442401,\"kind\":\"reconcile\",\"subject\":\"libvirt\","
		"\"text\":\"a\\nb\"}}\n");
	ctl_run_clear(&run);
	ctl_run_clear(&json);
	canned_daemon_free(daemon);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(job_is_followed_a_line_for_each_step),
		cmocka_unit_test(job_on_a_terminal_is_followed_in_place),
		cmocka_unit_test(note_stays_on_a_terminal),
		cmocka_unit_test(job_with_json_prints_the_reply_and_waits),
		cmocka_unit_test(job_that_is_not_waited_for_is_named),
		cmocka_unit_test(job_that_fails_is_an_error),
		cmocka_unit_test(job_of_steps_without_a_number_is_followed),
		cmocka_unit_test(nic_removed_from_a_running_domain_is_followed),
		cmocka_unit_test(watch_with_json_prints_an_object_a_line),
		cmocka_unit_test(watch_of_a_job_that_is_not_there_is_an_error),
		cmocka_unit_test(events_are_printed_until_they_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
