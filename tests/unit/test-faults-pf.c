// SPDX-License-Identifier: GPL-2.0-or-later
/* Faults of whole PFs (tests/FAULTS.md): what is there comes, goes, hangs, and changes its name. */
#include "tests/unit/api-client.h"
#include "tests/unit/sim-host.h"

/* Receives events until one whose sentence has this in it. */
static void assert_told(struct api_client *watch, const char *subject, const char *part)
{
	bool found = false;

	while (!found) {
		json_t *message = api_receive(watch);
		json_t *event = json_object_get(json_object_get(message, "parameters"), "event");

		found = g_strcmp0(json_string_value(json_object_get(event, "subject")), subject) ==
				0 &&
			strstr(json_string_value(json_object_get(event, "text")), part);
		json_decref(message);
	}
}

/* FAULTS row 15: told at once, made again, and both owners have theirs again. */
static void vfs_destroyed_by_a_stranger_are_made_again_for_their_owners(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	struct api_client *watch[2];

	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\nweb1/net0 attached vf enp2s0/0\n");
	api_serve();
	for (int i = 0; i < 2; i++) {
		watch[i] = api_connect();
		api_send(watch[i], "Watch", NULL, true);
	}
	json_decref(api_call("ListNics", NULL));
	sim_destroy_vfs(1);
	sim_destroy_vfs(2);
	assert_told(watch[0], "nic dpdk/p0", "its VF enp1s0/0 is gone");
	assert_told(watch[1], "nic web1/net0", "its VF enp2s0/0 is gone");
	api_disconnect(watch[0]);
	api_disconnect(watch[1]);
	sim_run(5000);
	sim_settle();
	assert_int_equal(model_pf("enp1s0")->facts->num_vfs, 7);
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\nweb1/net0 attached vf enp2s0/0\n");
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_assert_counts("enp2s0", "6 free, 1 owned");
	assert_true(web->device[0].exists);
	sim_assert_rules();
}

/* FAULTS row 16: the same device with another name; its VFs are made and set up anew. */
static void pf_unbound_and_bound_again_is_known_by_its_address(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_done(sim_boot(web));
	sim_settle();
	pf_unbind(1);
	sim_settle();
	assert_null(model_pf("0000:01:00.0")->facts->driver);
	sim_assert_refused(sim_claim_vf("dpdk", "p0", "a"),
			   "VF 0000:01:00.0/0 cannot be configured");
	pf_bind(1, "eth7");
	sim_settle();
	sim_assert_nics("dpdk/p0 attached vf eth7/0\nweb1/net0 attached vf enp2s0/0\n");
	sim_assert_counts("eth7", "6 free, 1 owned");
	sim_assert_rules();
	sim_assert_done(sim_release_vf("dpdk", "p0"));
	sim_settle();
	sim_assert_counts("eth7", "7 free");
	sim_assert_rules();
}

/* FAULTS row 17: an exclusive nic goes on with virtio, a claim has its VF back with the device. */
static void pf_unplugged_leaves_virtio_and_plugged_back_recovers(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	sim_assert_done(sim_boot(web));
	sim_assert_done(sim_boot(sim_guest(2, "a", SRV_MODE_REQUIRED)));
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_settle();
	sim_assert_nics("dpdk/p0 attached vf enp1s0/1\nweb1/net0 attached vf enp1s0/0\n"
			"web2/net0 attached vf enp2s0/0\n");
	pf_unplug(1);
	sim_run(5000);
	sim_settle();
	assert_int_equal(model_pf("0000:01:00.0")->state, SRV_PF_GONE);
	sim_assert_nics("dpdk/p0 attached vf 0000:01:00.0/1\n"
			"web1/net0 attached virtio enp2s0.100\n"
			"web2/net0 attached vf enp2s0/0\n");
	assert_string_equal(web->device[0].type, "direct");
	sim_assert_done(sim_claim_vf("dpdk", "p1", "a"));
	pf_bind(1, "enp1s0");
	sim_settle();
	sim_assert_nics("dpdk/p0 attached vf enp1s0/1\ndpdk/p1 attached vf enp2s0/1\n"
			"web1/net0 attached virtio enp2s0.100\n"
			"web2/net0 attached vf enp2s0/0\n");
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_assert_rules();
}

/* FAULTS row 17: a restart meanwhile forgets nobody. */
static void pf_that_comes_back_after_a_restart_has_its_owners(void **state)
{
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	pf_unplug(1);
	sim_settle();
	sim_stop();
	sim_start();
	assert_int_equal(model_pf("0000:01:00.0")->state, SRV_PF_GONE);
	sim_assert_nics("dpdk/p0 attached vf 0000:01:00.0/0\n");
	pf_bind(1, "enp1s0");
	sim_settle();
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_assert_rules();
}

/* FAULTS row 18: no new claims there; who has one keeps it. */
static void link_down_gets_no_claims_until_it_is_up(void **state)
{
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	set_link("enp1s0", true, false, true);
	sim_assert_done(sim_claim_vf("dpdk", "p1", "a"));
	sim_assert_done(sim_claim_vf("dpdk", "p2", "a"));
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\ndpdk/p1 attached vf enp2s0/0\n"
			"dpdk/p2 attached vf enp2s0/1\n");
	set_link("enp2s0", true, false, true);
	sim_assert_refused(sim_claim_vf("dpdk", "p3", "a"), "link down");
	for (int i = 0; i < 50; i++) {
		set_link("enp1s0", true, i % 2, true);
		sim_run(20);
	}
	sim_settle();
	sim_assert_done(sim_claim_vf("dpdk", "p3", "a"));
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\ndpdk/p1 attached vf enp2s0/0\n"
			"dpdk/p2 attached vf enp2s0/1\ndpdk/p3 attached vf enp1s0/1\n");
	sim_assert_rules();
}

/* FAULTS row 35: without a netdev here its VFs cannot be set up, so that nobody gets one. */
static void pf_whose_netdev_left_the_namespace_gets_no_claims(void **state)
{
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	netdev_leaves(1);
	sim_settle();
	sim_assert_done(sim_claim_vf("dpdk", "p1", "a"));
	sim_assert_done(sim_claim_vf("dpdk", "p2", "a"));
	sim_assert_nics("dpdk/p0 attached vf 0000:01:00.0/0\ndpdk/p1 attached vf enp2s0/0\n"
			"dpdk/p2 attached vf enp2s0/1\n");
	sim_assert_done(sim_release_vf("dpdk", "p0"));
	sim_settle();
	sim_assert_counts("0000:01:00.0", "6 free, 1 dirty");
	netdev_comes(1, "enp1s0");
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test_two(vfs_destroyed_by_a_stranger_are_made_again_for_their_owners),
		sim_test_of(pf_unbound_and_bound_again_is_known_by_its_address, set_up_by_address),
		sim_test_of(pf_unplugged_leaves_virtio_and_plugged_back_recovers,
			    set_up_by_address),
		sim_test_of(pf_that_comes_back_after_a_restart_has_its_owners, set_up_by_address),
		sim_test_two(link_down_gets_no_claims_until_it_is_up),
		sim_test_of(pf_whose_netdev_left_the_namespace_gets_no_claims, set_up_by_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
