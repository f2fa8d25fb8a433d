// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "srv/sriovd/job.h"
#include "tests/unit/fake-call.h"

static char *watched(struct srv_jobs *jobs, unsigned id, bool more)
{
	struct srv_call *call = fake_call_new(more);
	char *log;

	srv_jobs_watch(jobs, id, call);
	log = g_strdup(call->log->str);
	fake_call_free(call);
	return log;
}

static void assert_watched(struct srv_jobs *jobs, unsigned id, bool more, const char *expected)
{
	g_autofree char *log = watched(jobs, id, more);

	assert_string_equal(log, expected);
}

static void job_tells_its_watcher_each_step_and_the_end(void **state)
{
	struct srv_jobs *jobs = srv_jobs_new();
	struct srv_job *job = srv_job_new(jobs);
	struct srv_call *call = fake_call_new(true);

	assert_int_equal(srv_job_id(job), 1);
	srv_job_step(job, 0, "begins");
	srv_jobs_watch(jobs, 1, call);
	srv_job_step(job, 3, "VF %d", 2);
	srv_job_done(job, "all %s", "well");
	assert_string_equal(
		call->log->str,
		"more {\"step\":{\"job\":1,\"state\":\"running\",\"step\":1,\"text\":\"begins\"}}\n"
		"more {\"step\":{\"job\":1,\"of\":3,\"state\":\"running\",\"step\":2,"
		"\"text\":\"VF 2\"}}\n"
		"reply {\"step\":{\"job\":1,\"state\":\"done\",\"step\":3,"
		"\"text\":\"all well\"}}\n");
	assert_null(call->gone);
	srv_jobs_free(jobs);
	fake_call_free(call);
}

static void job_that_fails_tells_the_error(void **state)
{
	struct srv_jobs *jobs = srv_jobs_new();
	struct srv_job *job = srv_job_new(jobs);
	struct srv_call *call = fake_call_new(true);
	sriov_autoerror err = NULL;

	sriov_error_set(&err, SRIOV_ERROR_BUSY, EBUSY, "enp1s0/3", "a process has it open");
	srv_job_step(job, 1, "begins");
	srv_jobs_watch(jobs, 1, call);
	srv_job_failed(job, err);
	assert_string_equal(
		call->log->str,
		"more {\"step\":{\"job\":1,\"of\":1,\"state\":\"running\",\"step\":1,"
		"\"text\":\"begins\"}}\n"
		"reply {\"step\":{\"error\":\"io.sriovd.Busy\",\"job\":1,"
		"\"message\":\"enp1s0/3: a process has it open\",\"state\":\"failed\",\"step\":2,"
		"\"text\":\"enp1s0/3: a process has it open\"}}\n");
	srv_jobs_free(jobs);
	fake_call_free(call);
}

static void watch_without_more_tells_how_far_it_is(void **state)
{
	struct srv_jobs *jobs = srv_jobs_new();
	struct srv_job *job = srv_job_new(jobs);

	srv_job_step(job, 2, "one");
	assert_watched(jobs, 1, false,
		       "reply {\"step\":{\"job\":1,\"of\":2,\"state\":\"running\",\"step\":1,"
		       "\"text\":\"one\"}}\n");
	srv_job_done(job, "two");
	assert_watched(jobs, 1, false,
		       "reply {\"step\":{\"job\":1,\"state\":\"done\",\"step\":2,"
		       "\"text\":\"two\"}}\n");
	/* One that comes late learns what there was, and the end. */
	assert_watched(jobs, 1, true,
		       "more {\"step\":{\"job\":1,\"of\":2,\"state\":\"running\",\"step\":1,"
		       "\"text\":\"one\"}}\n"
		       "reply {\"step\":{\"job\":1,\"state\":\"done\",\"step\":2,"
		       "\"text\":\"two\"}}\n");
	srv_jobs_free(jobs);
}

static void note_is_marked_and_told_to_who_comes_later(void **state)
{
	struct srv_jobs *jobs = srv_jobs_new();
	struct srv_job *job = srv_job_new(jobs);
	g_autofree char *log = NULL;

	srv_job_note(job, 0, "hurts web1");
	for (int i = 0; i < 100; i++)
		srv_job_step(job, 0, "step %d", i);
	srv_job_done(job, "ended");
	log = watched(jobs, 1, true);
	assert_true(g_str_has_prefix(log, "more {\"step\":{\"job\":1,\"note\":true,"
					  "\"state\":\"running\",\"step\":1,"
					  "\"text\":\"hurts web1\"}}\n"));
	/* Not without bounds. */
	assert_null(strstr(log, "step 50"));
	assert_non_null(strstr(log, "step 99"));
	assert_non_null(strstr(log, "ended"));
	srv_jobs_free(jobs);
}

static void watcher_that_leaves_does_not_disturb_the_job(void **state)
{
	struct srv_jobs *jobs = srv_jobs_new();
	struct srv_job *job = srv_job_new(jobs);
	struct srv_call *call = fake_call_new(true);

	srv_job_step(job, 0, "begins");
	srv_jobs_watch(jobs, 1, call);
	fake_call_leave(call);
	srv_job_done(job, "ended");
	assert_string_equal(call->log->str,
			    "more {\"step\":{\"job\":1,\"state\":\"running\",\"step\":1,"
			    "\"text\":\"begins\"}}\n"
			    "reply {}\n");
	srv_jobs_free(jobs);
	fake_call_free(call);
}

static void only_ended_jobs_are_forgotten_and_the_oldest_first(void **state)
{
	struct srv_jobs *jobs = srv_jobs_new();
	struct srv_job *running = srv_job_new(jobs);

	srv_job_step(running, 0, "takes its time");
	for (int i = 0; i < 1000; i++)
		srv_job_done(srv_job_new(jobs), "ended");
	assert_watched(jobs, 1, false,
		       "reply {\"step\":{\"job\":1,\"state\":\"running\",\"step\":1,"
		       "\"text\":\"takes its time\"}}\n");
	assert_watched(jobs, 2, false,
		       "error io.sriovd.NotFound: there is no job 2 (it ended long ago, or sriovd "
		       "was restarted)\n");
	assert_watched(jobs, 900, false,
		       "reply {\"step\":{\"job\":900,\"state\":\"done\",\"step\":1,"
		       "\"text\":\"ended\"}}\n");
	assert_watched(jobs, 1002, false,
		       "error io.sriovd.NotFound: there is no job 1002 (it ended long ago, or "
		       "sriovd was restarted)\n");
	srv_jobs_free(jobs);
}

static void steps_of_no_job_are_nothing(void **state)
{
	srv_job_step(NULL, 1, "x");
	srv_job_done(NULL, "x");
	srv_job_failed(NULL, NULL);
	srv_jobs_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(job_tells_its_watcher_each_step_and_the_end),
		cmocka_unit_test(job_that_fails_tells_the_error),
		cmocka_unit_test(watch_without_more_tells_how_far_it_is),
		cmocka_unit_test(note_is_marked_and_told_to_who_comes_later),
		cmocka_unit_test(watcher_that_leaves_does_not_disturb_the_job),
		cmocka_unit_test(only_ended_jobs_are_forgotten_and_the_oldest_first),
		cmocka_unit_test(steps_of_no_job_are_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
