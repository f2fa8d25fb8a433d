// SPDX-License-Identifier: GPL-2.0-or-later
/* PFs that are drained and resized on the simulated host, by force as well, and interrupted. */
#include "tests/unit/test.h"

#include <string.h>

#include "srv/sriovd/reconcile.h"
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

#define CASE(name) cmocka_unit_test_setup_teardown(name, failover_set_up, failover_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(drain_takes_all_and_undrain_brings_them_back),
		CASE(drain_that_would_interrupt_somebody_is_refused),
		CASE(drain_of_a_claimed_vf_is_refused_always),
		CASE(drain_outlives_the_daemon),
		CASE(resize_makes_the_vfs_anew_and_promotes_again),
		CASE(resize_goes_on_after_a_restart),
		CASE(resize_is_undone_by_undrain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
