// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include "tests/sim/sim.h"

static void start_makes_vfs_and_scrubs_them(void **state)
{
	g_autofree char *counts = NULL, *broken = NULL;

	sim_start();
	counts = sim_counts("enp1s0");
	assert_string_equal(counts, "7 free");
	broken = sim_check_rules();
	assert_null(broken);
	sim_stop();
}

static int set_up(void **state)
{
	sim_new(SIM_CONFIG_ONE_PF);
	return 0;
}

static int tear_down(void **state)
{
	sim_free();
	return 0;
}
#define sim_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(start_makes_vfs_and_scrubs_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
