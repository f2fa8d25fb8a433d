// SPDX-License-Identifier: GPL-2.0-or-later
/* VLAN links that a daemon finds when it starts: somebody's, whom only libvirt knows, or nobody's.
 */
#include "tests/unit/test.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test_of(link_that_only_a_configuration_names_outlives_our_start, set_up),
		sim_test_of(link_that_nobody_names_goes_with_the_first_pass, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
