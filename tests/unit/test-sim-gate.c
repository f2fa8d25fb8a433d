// SPDX-License-Identifier: GPL-2.0-or-later
/* Between the daemon's start and its first reconcile pass: reads are answered, and nothing is
 * changed (srv/sriovd/gate.h). */
#include "srv/sriovd/nic.h"
#include "tests/unit/api-client.h"
#include "tests/unit/sim-host.h"

static void start_serving(void)
{
	sim_start();
	api_serve();
}

/* The daemon starts, and libvirt cannot be asked; a guest with a VF was there before. */
static struct sim_domain *start_without_libvirt(void)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_stop();
	sim_world->faults.virt_down = true;
	start_serving();
	return web;
}

static void changes_are_refused_while_guests_may_run(void **state)
{
	uint32_t changes;

	start_without_libvirt();
	changes = sim_world->changes;
	api_assert_error("Claim", "{'owner':'dpdk','network':'a'}", "Unavailable",
			 "(web1); nothing is changed before");
	api_assert_error("Release", "{'owner':'dpdk'}", "Unavailable", "nothing is changed before");
	api_assert_error("AddNic", "{'domain':'web1','network':'a'}", "Unavailable",
			 "nothing is changed before");
	api_assert_error("RemoveNic", "{'domain':'web1','id':'net0'}", "Unavailable",
			 "nothing is changed before");
	api_assert_error("Drain", "{'pf':'enp1s0'}", "Unavailable", "nothing is changed before");
	api_assert_error("Undrain", "{'pf':'enp1s0'}", "Unavailable", "nothing is changed before");
	api_assert_error("Resize", "{'pf':'enp1s0','numVfs':3}", "Unavailable",
			 "nothing is changed before");
	sim_run(150 * 1000);
	assert_int_equal(sim_world->changes, changes);
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_virt_connect(true);
	sim_settle();
	json_decref(api_call("Claim", "{'owner':'dpdk','network':'a'}"));
	sim_assert_nics("dpdk/net0 attached vf enp1s0/1\nweb1/net0 attached vf enp1s0/0\n");
}

/* The problem says so from when libvirt has had its time. */
static void status_says_that_nothing_is_changed_yet(void **state)
{
	g_autofree char *text = NULL;

	start_without_libvirt();
	text = api_text("GetStatus", NULL);
	assert_non_null(strstr(text, "nothing is changed before"));
	assert_non_null(strstr(text, "'reconciled':false"));
}

static void host_without_libvirt_gives_claims(void **state)
{
	sim_world->faults.virt_down = true;
	start_serving();
	sim_assert_counts("enp1s0", "7 free");
	json_decref(api_call("Claim", "{'owner':'dpdk','network':'a'}"));
	sim_assert_nics("dpdk/net0 attached vf enp1s0/0\n");
	sim_stop();
	start_serving();
	json_decref(api_call("Release", "{'owner':'dpdk'}"));
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* Guests that were there are gone with the boot, and so there is nobody to ask for. */
static void booted_host_gives_claims_without_libvirt(void **state)
{
	sim_start();
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)));
	sim_settle();
	sim_stop();
	sim_reboot();
	sim_world->faults.virt_down = true;
	start_serving();
	json_decref(api_call("Claim", "{'owner':'dpdk','network':'a'}"));
	sim_assert_nics("dpdk/net0 attached vf enp1s0/0\nweb1/net0 idle none\n");
}

static void begin_with_a_libvirt_that_hangs(void)
{
	sim_world->faults.hang_list = true;
	sim_begin();
	api_serve();
	sim_run(200);
	assert_true(sim_daemon->reconciling);
}

static void reads_are_answered_and_claims_wait_while_libvirt_hangs(void **state)
{
	struct api_client *client;
	json_t *answer;

	sim_start();
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)));
	sim_settle();
	sim_stop();
	begin_with_a_libvirt_that_hangs();
	client = api_connect();
	api_send(client, "Claim", "{'owner':'dpdk','network':'a'}", false);
	answer = api_call("GetStatus", NULL);
	assert_true(json_is_false(json_object_get(answer, "reconciled")));
	json_decref(answer);
	json_decref(api_call("GetVF", "{'vf':'enp1s0/0'}"));
	assert_true(sim_daemon->reconciling);
	assert_int_equal(sim_daemon->gate_waiters->len, 1);
	sim_world->faults.hang_list = false;
	answer = api_receive(client);
	assert_null(json_object_get(answer, "error"));
	json_decref(answer);
	api_disconnect(client);
	sim_assert_nics("dpdk/net0 attached vf enp1s0/1\nweb1/net0 attached vf enp1s0/0\n");
}

static void claim_does_not_wait_for_ever_for_a_libvirt_that_hangs(void **state)
{
	sim_start();
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)));
	sim_settle();
	sim_stop();
	begin_with_a_libvirt_that_hangs();
	api_assert_error("Claim", "{'owner':'dpdk','network':'a'}", "Unavailable",
			 "has not answered yet");
	sim_world->faults.hang_list = false;
}

/* libvirt holds the lock of a domain whose hook waits, and the pass may wait for just that. */
static void start_waits_for_the_pass_and_not_for_ever(void **state)
{
	struct sim_domain *web2;
	gint64 began;

	sim_start();
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)));
	sim_settle();
	sim_stop();
	web2 = sim_guest(2, "a", SRV_MODE_REQUIRED);
	begin_with_a_libvirt_that_hangs();
	began = g_get_monotonic_time();
	sim_assert_done(sim_hook_prepare(web2));
	assert_true(sim_daemon->reconciling);
	assert_in_range(g_get_monotonic_time() - began, 3 * G_USEC_PER_SEC, 8 * G_USEC_PER_SEC);
	sim_world->faults.hang_list = false;
	sim_appear(web2);
	sim_hook_started(web2);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\nweb2/net0 attached vf enp1s0/1\n");
	sim_assert_rules();
}

static void start_in_the_first_moments_is_answered_after_the_pass(void **state)
{
	struct sim_domain *web2;

	sim_start();
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)));
	sim_settle();
	sim_stop();
	web2 = sim_guest(2, "a", SRV_MODE_REQUIRED);
	begin_with_a_libvirt_that_hangs();
	sim_begin_boot(web2);
	sim_run(1000);
	assert_int_equal(sim_daemon->waiting->len, 1);
	assert_false(web2->active);
	sim_world->faults.hang_list = false;
	sim_settle();
	assert_true(web2->active);
	sim_assert_nics("web1/net0 attached vf enp1s0/0\nweb2/net0 attached vf enp1s0/1\n");
	sim_assert_rules();
}

/* VFs are made, and dirty ones scrubbed, when it is known who has what. */
static void provisioning_waits_for_the_first_pass(void **state)
{
	uint32_t changes;

	sim_start();
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)));
	sim_settle();
	sim_stop();
	sim_destroy_vfs(1);
	sim_world->faults.virt_down = true;
	changes = sim_world->changes;
	sim_start();
	sim_run(150 * 1000);
	assert_int_equal(sim_world->changes, changes);
	assert_int_equal(model_pf("enp1s0")->state, SRV_PF_CONFIGURING);
	assert_non_null(strstr(model_pf("enp1s0")->reason, "nothing is changed before"));
	sim_virt_connect(true);
	sim_settle();
	sim_run(60 * 1000);
	sim_settle();
	assert_int_equal(model_pf("enp1s0")->state, SRV_PF_READY);
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

static void scrub_waits_for_the_first_pass(void **state)
{
	sim_start();
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)));
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_settle();
	set_link("enp1s0", false, true, true);
	sim_assert_done(sim_release_vf("dpdk", "p0"));
	sim_run(90 * 1000);
	sim_settle();
	sim_stop();
	set_link("enp1s0", true, true, false);
	sim_world->faults.virt_down = true;
	sim_start();
	sim_run(150 * 1000);
	sim_assert_counts("enp1s0", "5 free, 1 owned, 1 dirty");
	sim_virt_connect(true);
	sim_settle();
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_assert_rules();
}

/* A driver has the RTNL lock, as the daemon starts on a host with a guest that has a VF. */
static struct sim_domain *start_while_the_look_hangs(void)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	sim_start();
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_stop();
	sim_world->faults.hang_host = true;
	sim_begin();
	api_serve();
	sim_daemon->view_patience_ms = 40;
	return web;
}

static void look_comes_back(void)
{
	__atomic_store_n(&sim_world->faults.hang_host, false, __ATOMIC_SEQ_CST);
	sim_daemon->view_patience_ms = 10000;
	sim_settle();
}

static void assert_status_has(const char *part, bool has)
{
	g_autofree char *text = api_text("GetStatus", NULL);

	assert_int_equal(strstr(text, part) != NULL, has);
}

/* FAULTS row 20: a driver call that never returns */
static void row_20_reads_are_answered_while_the_first_look_at_the_host_hangs(void **state)
{
	uint32_t changes;

	start_while_the_look_hangs();
	changes = sim_world->changes;
	assert_false(sim_daemon->looked);
	assert_status_has("still being looked at", true);
	assert_status_has("no such device", false);
	json_decref(api_call("ListPFs", NULL));
	json_decref(api_call("ListVFs", NULL));
	json_decref(api_call("ListNics", NULL));
	json_decref(api_call("GetVF", "{'vf':'0000:01:00.0/0'}"));
	json_decref(api_call("CheckConfig", NULL));
	json_decref(api_call("Reload", NULL));
	api_assert_error("Claim", "{'owner':'dpdk','network':'a'}", "Unavailable",
			 "still being looked at");
	sim_run(150 * 1000);
	assert_status_has("reading its devices does not come back", true);
	assert_int_equal(sim_world->changes, changes);
	sim_assert_nics("web1/net0 attached vf 0000:01:00.0/0\n");
	look_comes_back();
	assert_status_has("still being looked at", false);
	assert_status_has("does not come back", false);
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_rules();
}

/* The hook waits as for the first pass; then it is told what lets those through that can do
 * without. */
static void start_does_not_wait_for_ever_for_the_first_look(void **state)
{
	struct sim_domain *web2;
	gint64 began;

	start_while_the_look_hangs();
	web2 = sim_guest(2, "a", SRV_MODE_EXCLUSIVE);
	began = g_get_monotonic_time();
	sim_assert_refused(sim_hook_prepare(web2), "still being looked at");
	assert_in_range(g_get_monotonic_time() - began, 3 * G_USEC_PER_SEC, 13 * G_USEC_PER_SEC);
	sim_appear(web2);
	sim_hook_started(web2);
	sim_virt_event(web2->uuid, SRV_VIRT_STARTED);
	sim_run(5000);
	look_comes_back();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\nweb2/net0 attached vf enp1s0/1\n");
	sim_assert_rules();
}

static void start_in_time_for_the_first_look_gets_its_vf(void **state)
{
	struct sim_domain *web2;

	start_while_the_look_hangs();
	web2 = sim_guest(2, "a", SRV_MODE_REQUIRED);
	sim_begin_boot(web2);
	sim_run(1000);
	assert_int_equal(sim_daemon->waiting_starts->len, 1);
	look_comes_back();
	assert_true(web2->active);
	sim_assert_nics("web1/net0 attached vf enp1s0/0\nweb2/net0 attached vf enp1s0/1\n");
	sim_assert_rules();
}

/* Guests end and come meanwhile, and nobody was told. */
static void guest_that_ends_during_the_first_look_leaves_nothing_behind(void **state)
{
	struct sim_domain *web = start_while_the_look_hangs();

	sim_shut_down(web);
	sim_run(3000);
	look_comes_back();
	sim_assert_nics("web1/net0 idle none\n");
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

static void end_during_the_first_look_comes(void **state)
{
	start_while_the_look_hangs();
	sim_stop();
	sim_world->faults.hang_host = false;
	sim_start();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

/* More VFs than the PF can have: found out when it can be. */
static void configuration_that_does_not_fit_the_host_is_refused_when_that_is_seen(void **state)
{
	g_autofree char *text = NULL;

	sim_configure("{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\"]},"
		      "\"numVfs\":9}]}");
	start_serving();
	text = api_text("GetStatus", NULL);
	assert_non_null(strstr(text, "can have no more than 7"));
	assert_non_null(strstr(text, "nothing is managed"));
	assert_int_equal(model_pf("enp1s0")->state, SRV_PF_UNMANAGED);
	assert_int_equal(sim_world->changes, 0);
}

/* Whoever is no member of a group is served all the same. */
static void groups_that_cannot_be_had_keep_nobody_from_reading(void **state)
{
	sim_world->faults.hang_names = true;
	sim_begin();
	api_serve();
	sim_run(1000);
	assert_true(sim_daemon->ids.read_all);
	assert_false(sim_daemon->groups_known);
	json_decref(api_call("GetStatus", NULL));
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	__atomic_store_n(&sim_world->faults.hang_names, false, __ATOMIC_SEQ_CST);
	sim_settle();
	assert_true(sim_daemon->groups_known);
	sim_assert_rules();
}

static int set_up(void **state)
{
	sim_new(SIM_CONFIG_ONE_PF);
	return 0;
}

static int set_up_running(void **state)
{
	set_up(state);
	sim_start();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test_of(changes_are_refused_while_guests_may_run, set_up_running),
		sim_test_of(status_says_that_nothing_is_changed_yet, set_up_running),
		sim_test_of(host_without_libvirt_gives_claims, set_up),
		sim_test_of(booted_host_gives_claims_without_libvirt, set_up),
		sim_test_of(reads_are_answered_and_claims_wait_while_libvirt_hangs, set_up),
		sim_test_of(claim_does_not_wait_for_ever_for_a_libvirt_that_hangs, set_up),
		sim_test_of(start_waits_for_the_pass_and_not_for_ever, set_up),
		sim_test_of(start_in_the_first_moments_is_answered_after_the_pass, set_up),
		sim_test_of(provisioning_waits_for_the_first_pass, set_up),
		sim_test_of(scrub_waits_for_the_first_pass, set_up),
		sim_test_of(row_20_reads_are_answered_while_the_first_look_at_the_host_hangs,
			    set_up),
		sim_test_of(start_does_not_wait_for_ever_for_the_first_look, set_up),
		sim_test_of(start_in_time_for_the_first_look_gets_its_vf, set_up),
		sim_test_of(guest_that_ends_during_the_first_look_leaves_nothing_behind, set_up),
		sim_test_of(end_during_the_first_look_comes, set_up),
		sim_test_of(configuration_that_does_not_fit_the_host_is_refused_when_that_is_seen,
			    set_up),
		sim_test_of(groups_that_cannot_be_had_keep_nobody_from_reading, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
