// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VLAN links that a daemon finds: somebody's, whom only libvirt knows, of a start that it was told
 * of this moment, or nobody's.
 */
#include "tests/unit/test.h"

#include "srv/sriovd/failover-internal.h"
#include "srv/sriovd/sweep.h"
#include "tests/support/tree.h"
#include "tests/unit/sim-host.h"

static uint32_t link_before;

static uint32_t ifindex_of(const char *name)
{
	const struct sim_link *link = sim_link_by_name(name);

	return link ? link->ifindex : 0;
}

/* A failover nic was added to a guest that is shut off, and the ledger has heard nothing of it. */
static int set_up(void **state)
{
	const struct sim_failover nic = { .network = "a" };
	struct sim_domain *web;

	sim_new(SIM_CONFIG_ONE_PF);
	sim_start();
	web = sim_define(1, "web1");
	web->ports = 2;
	sim_assert_done(sim_add_failover(web, &nic));
	sim_settle();
	sim_stop();
	tree_delete(sim_root, "state");
	link_before = ifindex_of("enp1s0.100");
	assert_int_not_equal(link_before, 0);
	return 0;
}

static void link_that_only_a_configuration_names_outlives_our_start(void **state)
{
	sim_world->faults.virt_down = true;
	sim_start();
	assert_int_equal(ifindex_of("enp1s0.100"), link_before);
	sim_virt_connect(true);
	sim_settle();
	assert_int_equal(ifindex_of("enp1s0.100"), link_before);
	sim_assert_rules();
}

static void link_that_nobody_names_goes_with_the_first_pass(void **state)
{
	sim_world->domain[0].uuid[0] = '\0';
	sim_start();
	assert_int_equal(ifindex_of("enp1s0.100"), 0);
	sim_assert_rules();
}

/* Its removal was cut short: the request is gone, and its virtio half is not. */
static struct sim_domain *leave_half_of_it(void)
{
	struct sim_domain *web = &sim_world->domain[0];

	web->n_nics = 0;
	sim_start();
	assert_int_equal(ifindex_of("enp1s0.100"), 0);
	return web;
}

static void link_under_what_a_removal_has_left_is_made_for_a_start(void **state)
{
	struct sim_domain *web = leave_half_of_it();

	sim_assert_done(sim_boot(web));
	assert_true(web->active);
	assert_int_equal(sim_world->violations, 0);
}

static void sweep_leaves_the_link_of_a_start_alone_until_that_must_be_over(void **state)
{
	struct sim_domain *web = leave_half_of_it();

	sim_assert_done(sim_hook_prepare(web));
	srv_sweep(sim_daemon);
	sim_settle();
	assert_int_not_equal(ifindex_of("enp1s0.100"), 0);
	sim_run(100 * 1000);
	srv_sweep(sim_daemon);
	sim_settle();
	assert_int_equal(ifindex_of("enp1s0.100"), 0);
}

/* Between making it and naming it. */
static void link_that_is_about_to_be_named_is_left_alone(void **state)
{
	leave_half_of_it();
	srv_failover_await_link(sim_daemon, "enp1s0.100");
	sim_lock();
	sim_link_add_vlan("enp1s0.100");
	sim_unlock();
	srv_sweep(sim_daemon);
	srv_failover_drop_link(sim_daemon, NULL, "enp1s0.100");
	sim_settle();
	assert_int_not_equal(ifindex_of("enp1s0.100"), 0);
	srv_failover_unawait_link(sim_daemon, "enp1s0.100");
	srv_failover_drop_link(sim_daemon, NULL, "enp1s0.100");
	sim_settle();
	assert_int_equal(ifindex_of("enp1s0.100"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test_of(link_that_only_a_configuration_names_outlives_our_start, set_up),
		sim_test_of(link_that_nobody_names_goes_with_the_first_pass, set_up),
		sim_test_of(link_under_what_a_removal_has_left_is_made_for_a_start, set_up),
		sim_test_of(sweep_leaves_the_link_of_a_start_alone_until_that_must_be_over, set_up),
		sim_test_of(link_that_is_about_to_be_named_is_left_alone, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
