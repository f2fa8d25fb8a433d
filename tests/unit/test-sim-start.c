// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * StartDomain that is cut short, on the simulated host: a guest that we started paused is let run
 * after all, and one that somebody else wants paused stays so.
 */
#include <signal.h>
#include <sys/wait.h>

#include "srv/sriovd/start-mark.h"
#include "tests/sim/doors.h"
#include "tests/unit/api-client.h"
#include "tests/unit/sim-host.h"

#define POINTS_MAX 400 /* there are fewer in a start */

static char *state_dir(void)
{
	return g_build_filename(sim_root, "state", NULL);
}

static guint count_marks(void)
{
	g_autofree char *dir = state_dir();
	g_autoptr(GDir) open = g_dir_open(dir, 0, NULL);
	const char *name;
	guint n = 0;

	while (open && (name = g_dir_read_name(open)))
		n += g_str_has_prefix(name, "start-");
	return n;
}

static void mark(const struct sim_domain *domain, const char *boot_id)
{
	g_autofree char *dir = state_dir();
	sriov_autoerror err = NULL;

	assert_ok(srv_start_mark_put(dir, domain->uuid, boot_id, &err), err);
}

/* In a process of its own, which is killed at that door (0: not), or runs to its end. */
static bool live(uint32_t kill_at, void (*fn)(uint32_t kill_at))
{
	pid_t pid = fork();
	int status;

	g_assert(pid >= 0);
	if (pid == 0) {
		sim_world_renew_lock();
		alarm(120);
		fn(kill_at);
		_exit(0);
	}
	g_assert(waitpid(pid, &status, 0) == pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		return true;
	assert_int_equal(status, 0);
	return false;
}

static void start_domain(uint32_t kill_at)
{
	sim_start();
	api_serve();
	sim_live(kill_at);
	g_free(api_job(api_call("StartDomain", "{'domain':'web1'}")));
	sim_stop();
}

static void recover(uint32_t kill_at)
{
	g_autofree char *broken = NULL;

	sim_world->kill_at = 0;
	sim_start();
	sim_settle();
	broken = sim_check_rules();
	if (broken || count_marks()) {
		fprintf(stderr, "after the kill: %s\n", broken ?: "a mark is left");
		_exit(1);
	}
	sim_stop();
}

/* The first of all tests: no thread of a daemon has run in this process that forks. */
static void start_killed_at_any_point_leaves_no_guest_paused(void **state)
{
	unsigned started = 0;
	bool killed = true;

	for (uint32_t k = 1; killed; k++) {
		const struct sim_domain *web;

		assert_true(k < POINTS_MAX);
		sim_new(SIM_CONFIG_ONE_PF);
		web = sim_guest(1, "a", SRV_MODE_REQUIRED);
		killed = live(k, start_domain);
		live(0, recover);
		started += killed && web->active;
		if (web->active && web->paused)
			fail_msg("killed at %u (%s), it stays paused", k, sim_world->killed_at);
		sim_free();
	}
	assert_true(started > 0);
}

/* As a kill leaves it after libvirt's start: its hook was heard, and it is paused. */
static struct sim_domain *start_paused(void)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	sim_assert_done(sim_hook_prepare(web));
	sim_appear(web);
	web->paused = true;
	return web;
}

static void guest_that_somebody_started_paused_stays_so(void **state)
{
	struct sim_domain *web = start_paused();

	sim_stop();
	sim_start();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	assert_true(web->paused);
	sim_assert_rules();
}

/* We were killed before libvirt was asked; then somebody started it, and we did not run. */
static void mark_of_a_start_that_was_not_begun_resumes_nobody(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	mark(web, sim_daemon->boot_id);
	sim_stop();
	sim_appear(web);
	web->paused = true;
	sim_start();
	assert_true(web->paused);
	assert_int_equal(count_marks(), 0);
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
}

static void mark_of_another_boot_resumes_nobody(void **state)
{
	struct sim_domain *web = start_paused();

	mark(web, "another");
	sim_stop();
	sim_start();
	assert_true(web->paused);
	assert_int_equal(count_marks(), 0);
}

static void guest_that_runs_by_now_is_left_alone(void **state)
{
	struct sim_domain *web = start_paused();

	mark(web, sim_daemon->boot_id);
	sim_stop();
	web->paused = false;
	sim_start();
	assert_int_equal(count_marks(), 0);
	web->paused = true;
	sim_stop();
	sim_start();
	assert_true(web->paused);
}

static void guest_without_its_required_vf_stays_paused_over_a_restart(void **state)
{
	struct sim_domain *web = sim_guest(1, "n", SRV_MODE_REQUIRED);

	api_serve();
	g_strlcpy(sim_world->faults.attach_words, "internal error: no such thing", 96);
	sim_assert_refused(api_job(api_call("StartDomain", "{'domain':'web1'}")),
			   "so web1 stays paused");
	assert_int_equal(count_marks(), 0);
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
	sim_stop();
	sim_start();
	assert_true(web->paused);
}

/* It stands paused, and marked as ours, until libvirt is back. */
static void assert_is_gone_on_with(const struct sim_domain *web)
{
	assert_true(web->paused);
	assert_int_equal(count_marks(), 1);
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
	sim_virt_connect(true);
	sim_settle();
	assert_true(web->active && !web->paused);
	assert_int_equal(count_marks(), 0);
	sim_assert_rules();
}

/* libvirt goes away in the midst of it, and comes back. */
static void start_that_lost_libvirt_is_gone_on_with(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	api_serve();
	sim_world->faults.lose_resume = true;
	sim_assert_refused(api_job(api_call("StartDomain", "{'domain':'web1'}")), "paused");
	assert_is_gone_on_with(web);
}

/* The second one would take away the mark of the first. */
static void second_start_of_a_domain_leaves_the_first_alone(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	struct api_client *first, *second;
	json_t *answer;

	api_serve();
	first = api_connect();
	second = api_connect();
	sim_world->faults.lose_resume = true;
	api_send(first, "StartDomain", "{'domain':'web1'}", false);
	api_send(second, "StartDomain", "{'domain':'web1'}", false);
	answer = api_receive(second);
	assert_string_equal(json_string_value(json_object_get(answer, "error")),
			    "io.sriovd.Exists");
	json_decref(answer);
	answer = api_receive(first);
	sim_assert_refused(api_job(json_incref(json_object_get(answer, "parameters"))), "paused");
	json_decref(answer);
	assert_is_gone_on_with(web);
	api_disconnect(first);
	api_disconnect(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_killed_at_any_point_leaves_no_guest_paused),
		sim_test(guest_that_somebody_started_paused_stays_so),
		sim_test(mark_of_a_start_that_was_not_begun_resumes_nobody),
		sim_test(mark_of_another_boot_resumes_nobody),
		sim_test(guest_that_runs_by_now_is_left_alone),
		sim_test(guest_without_its_required_vf_stays_paused_over_a_restart),
		sim_test(start_that_lost_libvirt_is_gone_on_with),
		sim_test(second_start_of_a_domain_leaves_the_first_alone),
	};

	return run_group_as_root(tests);
}
