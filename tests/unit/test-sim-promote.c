// SPDX-License-Identifier: GPL-2.0-or-later
/* Promotions of which it is not known what became of them, on the simulated host. */
#include "tests/unit/test.h"

#include <string.h>

#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/steer.h"
#include "tests/unit/sim-failover.h"

static bool is_connected(void *data)
{
	return srv_virt_connected(sim_daemon->virt);
}

static bool is_lost(void *data)
{
	return !is_connected(data);
}

/* Its guest can join a VF; the connection to libvirt is lost during the attach that follows. */
static void lose_promotion(struct sim_domain *web, bool *fault)
{
	sim_assert_done(sim_boot(web));
	sim_settle();
	*fault = true;
	sim_virt_negotiated(web->uuid, "ua-sriov-net0");
	assert_true(sim_run_until(is_lost, NULL, 30000));
	sim_run(1000);
	*fault = false;
}

/* FAULTS row 23: libvirtd restarted or stopped */
static void vf_stays_when_the_answer_to_its_promotion_is_lost(void **state)
{
	struct sim_domain *web = guest(1, 0);
	struct sim_vf *vf = &sim_pf_by_bus(1)->vf[0];
	struct sriov_mac parked;
	uint32_t resets;

	lose_promotion(web, &sim_world->faults.lose_attach);
	resets = vf->resets;
	assert_true(web->device[1].exists);
	sim_run(120000);
	sim_assert_nics("web1/net0 attaching vf enp1s0/0 enp1s0.100\n");
	sim_assert_counts("enp1s0", "1 free, 1 owned");
	/* The guest uses it, and is not without network while libvirt is away. */
	parked = srv_steer_parked_mac(nic_of(web)->row.mac);
	assert_memory_equal(tap_of(web)->mac, parked.octet, 6);
	sim_virt_connect(true);
	sim_run(100);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n");
	assert_null(nic_of(web)->row.reason);
	assert_int_equal(vf->resets, resets);
	sim_assert_rules();
}

/* A guest that does not use it has the whole time for that, counted from when libvirt is back. */
static void vf_whose_promotion_was_lost_is_not_taken_at_once(void **state)
{
	struct sim_domain *web = guest(1, 0);

	web->uses_vfs = false;
	lose_promotion(web, &sim_world->faults.lose_attach);
	sim_run(120000);
	sim_virt_connect(true);
	sim_run(30000);
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n");
	sim_run(40000);
	sim_settle();
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	sim_assert_rules();
}

static bool is_reset(void *data)
{
	return sim_pf_by_bus(1)->vf[0].resets > *(const uint32_t *)data;
}

/* FAULTS row 23: libvirtd restarted or stopped */
static void vf_is_not_scrubbed_while_libvirt_may_attach_it_yet(void **state)
{
	struct sim_domain *web = guest(1, 0);
	uint32_t resets = sim_pf_by_bus(1)->vf[0].resets;

	lose_promotion(web, &sim_world->faults.late_attach);
	assert_false(web->device[1].exists);
	sim_virt_connect(true);
	assert_true(sim_run_until(is_reset, &resets, 60000));
	assert_false(sim_virt_has_late_attach());
	assert_false(web->device[1].exists);
	sim_run(20000);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n");
	sim_assert_rules();
}

/* The same with a sriovd that was started meanwhile. */
static void vf_is_not_scrubbed_before_an_attach_of_the_last_sriovd_is_over(void **state)
{
	struct sim_domain *web = guest(1, 0);
	uint32_t resets = sim_pf_by_bus(1)->vf[0].resets;

	lose_promotion(web, &sim_world->faults.late_attach);
	sim_stop();
	sim_world->faults.virt_down = false;
	sim_begin();
	assert_true(sim_run_until(is_reset, &resets, 60000));
	assert_false(sim_virt_has_late_attach());
	sim_run(20000);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n");
	sim_assert_rules();
}

/* libvirt's own setting of the VF is only a part of what its network says. */
static void vf_that_is_found_with_the_guest_is_set_up_whole(void **state)
{
	struct sim_domain *web = running(1, 0);
	struct sim_vf *vf = &sim_pf_by_bus(1)->vf[0];

	srv_model_set_nic_state(nic_of(web), SRV_NIC_ATTACHING, NULL);
	vf->attrs.max = 0;
	sim_run(10);
	srv_reconcile(sim_daemon);
	sim_run(5000);
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n");
	assert_int_equal(vf->attrs.max, 1000);
	sim_assert_rules();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, failover_set_up, failover_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(vf_stays_when_the_answer_to_its_promotion_is_lost),
		CASE(vf_whose_promotion_was_lost_is_not_taken_at_once),
		CASE(vf_is_not_scrubbed_while_libvirt_may_attach_it_yet),
		CASE(vf_is_not_scrubbed_before_an_attach_of_the_last_sriovd_is_over),
		CASE(vf_that_is_found_with_the_guest_is_set_up_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
