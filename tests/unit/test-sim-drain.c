// SPDX-License-Identifier: GPL-2.0-or-later
/* PFs that are drained and resized on the simulated host, by force as well, and interrupted. */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "srv/sriovd/drain-internal.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/reconcile.h"
#include "tests/unit/api-client.h"
#include "tests/unit/sim-failover.h"

static void drain_takes_all_and_undrain_brings_them_back(void **state)
{
	struct sim_domain *one = running(1, 0), *two = running(2, 0);

	sim_assert_done(drain(false));
	sim_settle();
	assert_null(nic_of(one)->vf);
	assert_null(nic_of(two)->vf);
	sim_assert_counts("enp1s0", "2 free");
	sim_run(60000);
	assert_null(nic_of(one)->vf);
	sim_assert_rules();
	sim_assert_done(undrain());
	sim_settle();
	assert_non_null(nic_of(one)->vf);
	assert_non_null(nic_of(two)->vf);
	sim_assert_rules();
}

static void drain_that_would_interrupt_somebody_is_refused(void **state)
{
	struct sim_domain *exclusive = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	sim_assert_done(sim_boot(exclusive));
	sim_settle();
	sim_assert_refused(drain(false), "nic web1/net0 (exclusive)");
	sim_assert_done(drain(true));
	sim_settle();
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	assert_non_null(strstr(nic_of(exclusive)->row.reason, "enp1s0: drained"));
	sim_assert_rules();
}

static void drain_of_a_claimed_vf_is_refused_always(void **state)
{
	sim_assert_done(sim_claim_vf("dpdk", "net0", "a"));
	sim_assert_refused(drain(false), "claimed by hand");
	sim_assert_refused(drain(true), "claimed by hand");
}

static void drain_outlives_the_daemon(void **state)
{
	struct sim_domain *web = running(1, 0);

	sim_assert_done(drain(false));
	sim_stop();
	sim_start();
	sim_run(5000);
	sim_settle();
	assert_null(nic_of(web)->vf);
	sim_run(60000);
	assert_null(nic_of(web)->vf);
	sim_assert_done(undrain());
	sim_settle();
	assert_non_null(nic_of(web)->vf);
	sim_assert_rules();
}

/* One of before a restart, which nobody watches. */
static void drain_that_is_undone_is_over_at_once(void **state)
{
	struct sim_domain *web = running(1, 0);

	sim_world->faults.deaf_guest = true;
	sim_assert_done(drain(false));
	sim_stop();
	sim_start();
	assert_non_null(nic_of(web)->vf);
	sim_assert_done(undrain());
	sim_run(10);
	sim_assert_done(resize(5));
	assert_true(srv_model_find_pf(sim_daemon->model, "enp1s0")->resizing);
	sim_assert_done(undrain());
	sim_world->faults.deaf_guest = false;
	sim_settle();
	sim_assert_rules();
}

static uint64_t transactions(void)
{
	uint64_t txns, commits;

	srv_ledger_counts(sim_daemon->ledger, &txns, &commits);
	return txns;
}

static void iterate(void)
{
	for (int i = 0; i < 200; i++) {
		g_main_context_iteration(NULL, FALSE);
		g_usleep(500);
	}
}

/* The answer to the undrain before it comes while its own record is under way. */
static void drain_right_after_an_undrain_begins_when_it_is_recorded(void **state)
{
	struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp1s0");
	struct srv_job *job;
	uint64_t before;

	sim_assert_done(drain(false));
	sim_settle();
	before = transactions();
	srv_pf_undrain(sim_daemon, pf, sim_ignore, NULL);
	while (transactions() == before)
		g_usleep(1000);
	sim_world->faults.hang_disk = true;
	assert_int_equal(srv_pf_drain(sim_daemon, pf, false, &job, NULL), 0);
	iterate();
	assert_non_null(srv_drain_find(sim_daemon, pf));
	sim_world->faults.hang_disk = false;
	sim_settle();
	assert_null(srv_drain_find(sim_daemon, pf));
	assert_true(pf->drained);
	sim_assert_rules();
}

static void resize_makes_the_vfs_anew_and_promotes_again(void **state)
{
	struct sim_domain *one = running(1, 0), *two = running(2, 0);

	sim_assert_done(resize(5));
	sim_run(30000);
	sim_settle();
	sim_assert_counts("enp1s0", "3 free, 2 owned");
	assert_non_null(nic_of(one)->vf);
	assert_non_null(nic_of(two)->vf);
	sim_assert_rules();
	/* The number stays, restart or not. */
	sim_stop();
	sim_start();
	sim_assert_counts("enp1s0", "3 free, 2 owned");
	sim_assert_done(resize(2));
	sim_run(30000);
	sim_settle();
	sim_assert_counts("enp1s0", "2 owned");
	sim_assert_rules();
}

static void resize_goes_on_after_a_restart(void **state)
{
	struct sim_domain *web = running(1, 0);

	sim_world->faults.deaf_guest = true;
	sim_assert_done(resize(5));
	sim_run(2000);
	sim_stop();
	sim_world->faults.deaf_guest = false;
	sim_start();
	sim_run(400000);
	sim_settle();
	sim_assert_counts("enp1s0", "4 free, 1 owned");
	assert_non_null(nic_of(web)->vf);
	sim_assert_rules();
}

static struct srv_pf *the_pf(void)
{
	return srv_model_find_pf(sim_daemon->model, "enp1s0");
}

/* It has the VFs that it had, and gives them when it is told to, and not before. */
static void assert_resize_is_over(const struct sim_domain *web)
{
	sim_run(150000);
	sim_settle();
	assert_false(the_pf()->resizing);
	assert_true(the_pf()->drained);
	assert_int_equal(the_pf()->state, SRV_PF_READY);
	sim_assert_counts("enp1s0", "2 free");
	assert_null(nic_of(web)->vf);
}

static void assert_serves_after_undrain(const struct sim_domain *web)
{
	sim_assert_done(undrain());
	sim_run(10000);
	sim_settle();
	sim_assert_counts("enp1s0", "1 free, 1 owned");
	assert_non_null(nic_of(web)->vf);
	sim_assert_rules();
}

/* The driver refuses; who asked was told, and what comes later is not for him. */
static void resize_that_the_driver_refuses_is_not_begun_anew(void **state)
{
	struct sim_domain *web = running(1, 0);

	g_strlcpy(sim_world->faults.fail_file, "sriov_numvfs", sizeof(sim_world->faults.fail_file));
	sim_world->faults.fail_errno = EBUSY;
	sim_assert_done(resize(1));
	sim_run(30000);
	assert_null(srv_drain_find(sim_daemon, the_pf()));
	sim_world->faults.fail_file[0] = '\0';
	assert_resize_is_over(web);
	assert_serves_after_undrain(web);
}

/* Somebody past us has a VF; the same with a restart in between. */
static void resize_held_up_for_too_long_is_not_begun_anew(void **state)
{
	struct sim_domain *web = running(1, 0);

	sim_pf_by_bus(1)->vf[1].open = true;
	sim_assert_done(resize(1));
	sim_run(60000);
	assert_null(srv_drain_find(sim_daemon, the_pf()));
	sim_pf_by_bus(1)->vf[1].open = false;
	assert_resize_is_over(web);
	sim_stop();
	sim_start();
	assert_resize_is_over(web);
	assert_serves_after_undrain(web);
	/* Nor is the number left over for the next time that there are no VFs. */
	assert_int_equal(the_pf()->wanted_vfs, 2);
	/* It can be asked for again. */
	sim_assert_done(resize(5));
	sim_run(30000);
	sim_settle();
	sim_assert_counts("enp1s0", "4 free, 1 owned");
	sim_assert_rules();
}

/* To more: those that there were are not what its driver makes of so many. */
static void resize_to_more_that_is_held_up_for_too_long_has_failed(void **state)
{
	struct sim_domain *web = running(1, 0);

	sim_pf_by_bus(1)->vf[1].open = true;
	sim_assert_done(resize(5));
	sim_run(60000);
	assert_null(srv_drain_find(sim_daemon, the_pf()));
	sim_pf_by_bus(1)->vf[1].open = false;
	assert_resize_is_over(web);
	g_strlcpy(sim_world->faults.fail_file, "sriov_numvfs", sizeof(sim_world->faults.fail_file));
	sim_world->faults.fail_errno = EBUSY;
	sim_assert_done(resize(5));
	sim_run(60000);
	assert_null(srv_drain_find(sim_daemon, the_pf()));
	sim_world->faults.fail_file[0] = '\0';
	assert_resize_is_over(web);
	assert_serves_after_undrain(web);
}

static void resize_to_more_than_the_driver_makes_gets_what_it_makes(void **state)
{
	running(1, 0);
	sim_world->faults.vf_limit = 3;
	sim_assert_done(resize(5));
	sim_run(60000);
	sim_settle();
	assert_false(the_pf()->drained);
	sim_assert_counts("enp1s0", "2 free, 1 owned");
	sim_assert_rules();
}

static void resize_is_undone_by_undrain(void **state)
{
	struct sim_domain *web = running(1, 0);

	sim_world->faults.deaf_guest = true;
	sim_assert_done(resize(5));
	sim_run(2000);
	sim_assert_done(undrain());
	sim_world->faults.deaf_guest = false;
	sim_run(400000);
	sim_settle();
	sim_assert_counts("enp1s0", "1 free, 1 owned");
	assert_non_null(nic_of(web)->vf);
	sim_assert_rules();
}

/* Jobs */

/* Every step of the job that a client is told, the last one with its state: lines, the caller's. */
static char *steps_of(json_int_t job)
{
	g_autofree char *parameters = g_strdup_printf("{'job':%" JSON_INTEGER_FORMAT "}", job);
	struct api_client *client = api_connect();
	GString *text = g_string_new(NULL);
	bool continues = true;

	api_send(client, "WatchJob", parameters, true);
	while (continues) {
		json_t *message = api_receive(client);
		const json_t *step = json_object_get(json_object_get(message, "parameters"),
						     "step");

		continues = json_is_true(json_object_get(message, "continues"));
		g_string_append_printf(
			text, "%s%s%s\n",
			continues ? "" : json_string_value(json_object_get(step, "state")),
			continues ? "" : ": ", json_string_value(json_object_get(step, "text")));
		json_decref(message);
	}
	api_disconnect(client);
	return g_string_free(text, FALSE);
}

/* The job of a call that is not refused. */
static json_int_t begin(const char *method, const char *parameters)
{
	json_t *answer = api_call(method, parameters);
	const json_t *job = json_object_get(answer, "job");
	json_int_t number = json_integer_value(job);

	if (!job)
		fail_msg("%s: %s", method, json_string_value(json_object_get(answer, "message")));
	json_decref(answer);
	return number;
}

static struct sim_domain *exclusive(unsigned n)
{
	struct sim_domain *domain = sim_guest(n, "a", SRV_MODE_EXCLUSIVE);

	sim_assert_done(sim_boot(domain));
	sim_settle();
	return domain;
}

static void resize_that_cannot_be_recorded_changes_nothing(void **state)
{
	struct srv_pf *pf = the_pf();

	sim_world->faults.write_errno = EIO;
	sim_assert_done(resize_with(5, true));
	sim_settle();
	sim_world->faults.write_errno = 0;
	assert_false(pf->drained || pf->resizing || pf->forced);
	assert_int_equal(pf->resize_vfs, 0);
	assert_int_equal(pf->wanted_vfs, 2);
	srv_pf_provision(sim_daemon, pf);
	sim_settle();
	sim_assert_counts("enp1s0", "2 free");
	/* It is as if nobody had asked. */
	sim_assert_done(resize(3));
	sim_run(10000);
	sim_settle();
	sim_assert_counts("enp1s0", "3 free");
}

static void undrain_that_cannot_be_recorded_leaves_it_going_on(void **state)
{
	struct sim_domain *web = running(1, 0);

	sim_world->faults.deaf_guest = true;
	sim_assert_done(resize(5));
	sim_run(2000);
	sim_world->faults.write_errno = EIO;
	sim_assert_refused(undrain(), "cannot write the ledger");
	sim_world->faults.write_errno = 0;
	sim_world->faults.deaf_guest = false;
	assert_true(the_pf()->drained && the_pf()->resizing);
	sim_run(400000);
	sim_settle();
	sim_assert_counts("enp1s0", "4 free, 1 owned");
	assert_non_null(nic_of(web)->vf);
}

/* By force */

static void forced_drain_goes_on_after_a_restart(void **state)
{
	struct sim_domain *web = exclusive(1);

	sim_world->faults.deaf_guest = true;
	sim_assert_done(drain(true));
	sim_run(2000);
	sim_stop();
	sim_start();
	sim_run(2000);
	assert_non_null(nic_of(web)->vf);
	sim_world->faults.deaf_guest = false;
	sim_run(400000);
	sim_settle();
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	sim_assert_counts("enp1s0", "2 free");
	sim_assert_rules();
	/* And it does so by itself no more when it is over. */
	sim_assert_done(undrain());
	sim_stop();
	sim_start();
	assert_false(the_pf()->drained || the_pf()->forced);
}

static void drain_without_force_does_not_become_one_by_a_restart(void **state)
{
	struct sim_domain *web;

	sim_assert_done(drain(false));
	sim_settle();
	/* Past the daemon it gets a VF nevertheless. */
	the_pf()->drained = false;
	web = exclusive(1);
	the_pf()->drained = true;
	sim_stop();
	sim_start();
	sim_run(400000);
	assert_non_null(nic_of(web)->vf);
}

static void forced_resize_asks_a_deaf_guest_again(void **state)
{
	exclusive(1);
	sim_world->faults.deaf_guest = true;
	sim_assert_done(resize_with(5, true));
	sim_run(60000);
	sim_assert_counts("enp1s0", "1 free, 1 owned");
	sim_world->faults.deaf_guest = false;
	sim_run(310000);
	sim_settle();
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	sim_assert_counts("enp1s0", "5 free");
	sim_assert_rules();
}

static bool is_taken_out(void *data)
{
	const struct srv_nic *nic = data;

	return !nic->busy && nic->row.backing == SRV_BACKING_NONE;
}

static void forced_drain_gives_no_device_that_is_not_recorded(void **state)
{
	struct sim_domain *web = exclusive(1);
	uint32_t attaches = sim_world->attaches;

	sim_assert_done(drain(true));
	/* Before it is given something else. */
	assert_true(sim_run_until(is_taken_out, nic_of(web), 60000));
	assert_int_equal(nic_of(web)->row.state, SRV_NIC_IDLE);
	sim_world->faults.write_errno = EIO;
	sim_run(3000);
	assert_int_equal(sim_world->attaches, attaches);
	sim_world->faults.write_errno = 0;
	sim_run(120000);
	sim_settle();
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	sim_assert_rules();
}

static void forced_drain_says_first_whom_it_hurts_and_how(void **state)
{
	struct sim_domain *required = sim_guest(2, "n", SRV_MODE_REQUIRED);
	g_autofree char *steps = NULL;

	exclusive(1);
	sim_assert_done(sim_boot(required));
	sim_settle();
	api_serve();
	steps = steps_of(begin("Drain", "{'pf':'enp1s0','force':true}"));
	assert_true(g_str_has_prefix(
		steps,
		"enp1s0 gives no VFs any more; 2 nics have one; nic web1/net0 (exclusive) is "
		"interrupted, and its guest gets another device, virtio on enp1s0 until its next "
		"start; nic web2/net0 (required) loses its network: there is nothing to put in the "
		"VF's place\n"));
	assert_true(g_str_has_suffix(steps, "done: enp1s0 is drained: nobody has a VF of it\n"));
}

static void drain_says_first_who_goes_on_without_an_interruption(void **state)
{
	g_autofree char *steps = NULL;

	running(1, 0);
	api_serve();
	steps = steps_of(begin("Drain", "{'pf':'enp1s0'}"));
	assert_true(g_str_has_prefix(steps, "enp1s0 gives no VFs any more; 1 nics have one; over "
					    "virtio, without an interruption, go on: nic web1/net0 "
					    "(failover)\n"));
}

/* Interrupted */

/* Ctrl-C of sriovctl ends sriovctl. */
static void drain_goes_on_when_its_watcher_leaves(void **state)
{
	struct sim_domain *web = running(1, 0);
	g_autofree char *parameters = NULL, *steps = NULL;
	struct api_client *client;
	json_int_t job;

	sim_world->faults.deaf_guest = true;
	api_serve();
	job = begin("Drain", "{'pf':'enp1s0'}");
	parameters = g_strdup_printf("{'job':%" JSON_INTEGER_FORMAT "}", job);
	client = api_connect();
	api_send(client, "WatchJob", parameters, true);
	json_decref(api_receive(client));
	api_disconnect(client);
	assert_non_null(nic_of(web)->vf);
	sim_world->faults.deaf_guest = false;
	steps = steps_of(job);
	assert_non_null(strstr(steps, "nic web1/net0: its guest is asked to let go\n"));
	sim_run(400000);
	sim_settle();
	assert_null(nic_of(web)->vf);
	sim_assert_counts("enp1s0", "2 free");
	sim_assert_rules();
}

static void drain_is_undone_in_the_middle_by_undrain(void **state)
{
	struct sim_domain *one = running(1, 0), *two = running(2, 0);
	g_autofree char *steps = NULL;
	json_int_t job;

	sim_world->faults.deaf_guest = true;
	api_serve();
	/* Something is under way on one of them, so it waits for that. */
	nic_of(two)->busy = true;
	job = begin("Drain", "{'pf':'enp1s0'}");
	sim_run(500);
	json_decref(api_call("Undrain", "{'pf':'enp1s0'}"));
	sim_world->faults.deaf_guest = false;
	steps = steps_of(job);
	nic_of(two)->busy = false;
	assert_true(g_str_has_suffix(
		steps, "failed: enp1s0: interrupted: it serves again (sriovctl undrain)\n"));
	sim_run(400000);
	sim_settle();
	assert_non_null(nic_of(one)->vf);
	assert_non_null(nic_of(two)->vf);
	assert_false(the_pf()->drained);
	sim_assert_counts("enp1s0", "2 owned");
	sim_assert_rules();
	/* Nothing of it comes back. */
	sim_stop();
	sim_start();
	sim_run(10000);
	assert_false(the_pf()->drained);
	assert_non_null(nic_of(one)->vf);
}

static void drain_that_nobody_watches_is_watched_by_who_asks_again(void **state)
{
	struct sim_domain *web = running(1, 0);
	g_autofree char *first = NULL, *second = NULL;
	json_int_t job;

	sim_world->faults.deaf_guest = true;
	api_serve();
	first = steps_of(begin("Drain", "{'pf':'enp1s0'}"));
	assert_non_null(strstr(first, "failed: enp1s0: it gives no VFs any more, and nic web1/net0 "
				      "still has one: its guest is asked again every 300 s, and "
				      "the drain goes on by itself then"));
	sim_world->faults.deaf_guest = false;
	nic_of(web)->team.ask_again = 0;
	job = begin("Drain", "{'pf':'enp1s0'}");
	second = steps_of(job);
	assert_true(g_str_has_suffix(second, "done: enp1s0 is drained: nobody has a VF of it\n"));
}

/* One that refused and has left since does not stand for one that is still being asked. */
static void drain_counts_only_those_who_refuse_now(void **state)
{
	struct sim_domain *deaf = running(1, 0), *slow = running(2, 0);
	g_autofree char *steps = NULL;
	json_int_t job;

	api_serve();
	nic_of(slow)->busy = true;
	sim_world->faults.deaf_guest = true;
	job = begin("Drain", "{'pf':'enp1s0'}");
	sim_run(40000);
	sim_shut_down(deaf);
	sim_run(5000);
	sim_world->faults.deaf_guest = false;
	nic_of(slow)->busy = false;
	steps = steps_of(job);
	assert_true(g_str_has_suffix(steps, "done: enp1s0 is drained: nobody has a VF of it\n"));
}

/* What a resize leaves behind */

static void resize_tells_of_each_promotion_back(void **state)
{
	g_autofree char *steps = NULL;

	running(1, 0);
	running(2, 0);
	api_serve();
	steps = steps_of(begin("Resize", "{'pf':'enp1s0','numVfs':5}"));
	assert_non_null(strstr(steps, "enp1s0 has 5 VFs, and gives them again; 2 nics get a VF "
				      "again\n"));
	assert_non_null(strstr(steps, "nic web1/net0 has VF enp1s0/"));
	assert_non_null(strstr(steps, "nic web2/net0 has VF enp1s0/"));
	assert_true(g_str_has_suffix(steps,
				     "done: enp1s0 has 5 VFs, and gives them again; 2 of 2 nics "
				     "that had a VF of it have one again\n"));
	sim_run(2000);
	sim_settle();
	sim_assert_rules();
}

static void resize_names_whom_it_could_not_promote_back(void **state)
{
	g_autofree char *steps = NULL;

	running(1, 1);
	running(2, 0);
	api_serve();
	steps = steps_of(begin("Resize", "{'pf':'enp1s0','numVfs':1}"));
	assert_non_null(strstr(steps, "nic web1/net0 has VF enp1s0/0\n"));
	assert_true(g_str_has_suffix(
		steps, "done: enp1s0 has 1 VFs, and gives them again; 1 of 2 nics "
		       "that had a VF of it have one again; nic web2/net0 has none: "
		       "pool fast has no VF to give: enp1s0: no free VF (1 owned)\n"));
	sim_run(2000);
	sim_settle();
	sim_assert_rules();
}

static void resize_names_the_error_of_a_promotion_back(void **state)
{
	g_autofree char *steps = NULL;
	json_int_t job;

	running(1, 0);
	api_serve();
	job = begin("Resize", "{'pf':'enp1s0','numVfs':3}");
	g_strlcpy(sim_world->faults.attach_words, "no", sizeof(sim_world->faults.attach_words));
	steps = steps_of(job);
	assert_non_null(strstr(steps, "0 of 1 nics that had a VF of it have one again; nic "
				      "web1/net0 has none: it could not be given a VF"));
	assert_non_null(strstr(steps, "libvirt says: no"));
}

/* A guest that is shut off meanwhile is nobody's worry. */
static void resize_waits_for_no_guest_that_is_shut_off(void **state)
{
	struct sim_domain *web = running(1, 0);
	g_autofree char *steps = NULL;
	json_int_t job;

	api_serve();
	job = begin("Resize", "{'pf':'enp1s0','numVfs':3}");
	while (nic_of(web)->vf)
		sim_run(1);
	sim_shut_down(web);
	steps = steps_of(job);
	assert_true(g_str_has_suffix(steps, "enp1s0 has 3 VFs, and gives them again\n"));
}

/* Nobody waits for promotions that the end of the daemon is in the midst of. */
static void resize_that_waits_for_promotions_ends_with_the_daemon(void **state)
{
	struct sim_domain *web = running(1, 0);

	sim_assert_done(resize(3));
	while (the_pf()->drained || !the_pf()->facts || the_pf()->facts->num_vfs != 3)
		sim_run(1);
	assert_null(nic_of(web)->vf);
	sim_stop();
	sim_start();
	sim_run(20000);
	sim_settle();
	assert_non_null(nic_of(web)->vf);
	sim_assert_rules();
}

static void demote_tells_each_step(void **state)
{
	g_autofree char *steps = NULL;

	running(1, 0);
	api_serve();
	steps = steps_of(begin("Demote", "{'owner':'web1'}"));
	assert_string_equal(steps,
			    "its VF is to be taken, now\n"
			    "it is to give up VF enp1s0/0: the virtio half is made to receive\n"
			    "the virtio half receives; the guest is asked to let go of VF "
			    "enp1s0/0\n"
			    "its guest has let go, the VF is scrubbed\n"
			    "done: its guest goes on over virtio\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, failover_set_up, failover_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(drain_takes_all_and_undrain_brings_them_back),
		CASE(drain_that_would_interrupt_somebody_is_refused),
		CASE(drain_of_a_claimed_vf_is_refused_always),
		CASE(drain_outlives_the_daemon),
		CASE(drain_that_is_undone_is_over_at_once),
		CASE(drain_right_after_an_undrain_begins_when_it_is_recorded),
		CASE(resize_makes_the_vfs_anew_and_promotes_again),
		CASE(resize_goes_on_after_a_restart),
		CASE(resize_that_the_driver_refuses_is_not_begun_anew),
		CASE(resize_held_up_for_too_long_is_not_begun_anew),
		CASE(resize_to_more_that_is_held_up_for_too_long_has_failed),
		CASE(resize_to_more_than_the_driver_makes_gets_what_it_makes),
		CASE(resize_is_undone_by_undrain),
		CASE(resize_that_cannot_be_recorded_changes_nothing),
		CASE(undrain_that_cannot_be_recorded_leaves_it_going_on),
		CASE(forced_drain_goes_on_after_a_restart),
		CASE(drain_without_force_does_not_become_one_by_a_restart),
		CASE(forced_resize_asks_a_deaf_guest_again),
		CASE(forced_drain_gives_no_device_that_is_not_recorded),
		CASE(forced_drain_says_first_whom_it_hurts_and_how),
		CASE(drain_says_first_who_goes_on_without_an_interruption),
		CASE(drain_goes_on_when_its_watcher_leaves),
		CASE(drain_is_undone_in_the_middle_by_undrain),
		CASE(drain_that_nobody_watches_is_watched_by_who_asks_again),
		CASE(drain_counts_only_those_who_refuse_now),
		CASE(resize_tells_of_each_promotion_back),
		CASE(resize_names_whom_it_could_not_promote_back),
		CASE(resize_names_the_error_of_a_promotion_back),
		CASE(resize_waits_for_no_guest_that_is_shut_off),
		CASE(resize_that_waits_for_promotions_ends_with_the_daemon),
		CASE(demote_tells_each_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
