// SPDX-License-Identifier: GPL-2.0-or-later
/* A disk that fails, a ledger that cannot be had, a clock that jumps (tests/FAULTS.md). */
#include <errno.h>

#include "srv/sriovd/nic.h"
#include "tests/unit/api-client.h"
#include "tests/unit/sim-host.h"

#define NEUTRAL "00:00:00:00:00:00 vlan 0 qos 0 rate 0-0 spoofchk"

/*
 * FAULTS row 8: a file where its directory should be, which refuses even root. What the hook makes
 * of the answer is test-hook's: daemon_that_cannot_serve_refuses_required_only().
 */
static int set_up_without_state(void **state)
{
	sim_new(SIM_CONFIG_ONE_PF);
	tree_file(sim_root, "state", "");
	sim_start();
	api_serve();
	return 0;
}

static void state_that_cannot_be_had_refuses_claims_and_starts(void **state)
{
	uint32_t changes = sim_world->changes;

	api_assert_error("Claim", "{'owner':'dpdk','network':'a'}", "Ledger", "state");
	api_assert_error("DomainHook",
			 "{'operation':'prepare','subOperation':'begin','uuid':'0d0d0d0d-0000-4000-"
			 "8000-000000000001',"
			 "'name':'web1','nics':[{'id':'net0','network':'a'}]}",
			 "Unavailable", "state");
	sim_appear(sim_guest(2, "a", SRV_MODE_EXCLUSIVE));
	sim_run(200 * 1000);
	assert_int_equal(sim_world->changes, changes);
	json_decref(api_call("GetStatus", NULL));
}

/* FAULTS row 31: forth and back, while a guest runs, one starts, and one waits for a scrub. */
static void clock_that_jumps_lets_nothing_expire(void **state)
{
	static const int64_t years[] = { 1, -2, 30, 0 };
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);
	struct sim_domain *starting = sim_guest(2, "a", SRV_MODE_REQUIRED);
	gint64 before = g_get_real_time();
	uint32_t changes;

	sim_clock_set_wall(365 * 24 * 3600);
	assert_true(g_get_real_time() - before >= 365 * 24 * 3600 * (gint64)G_USEC_PER_SEC);
	sim_clock_set_wall(0);
	sim_assert_done(sim_boot(web));
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_settle();
	sim_assert_done(sim_hook_prepare(starting));
	changes = sim_world->changes;
	for (size_t i = 0; i < G_N_ELEMENTS(years); i++) {
		sim_clock_set_wall(years[i] * 365 * 24 * 3600);
		sim_run(15 * 1000);
	}
	sim_settle();
	sim_assert_nics("dpdk/p0 attached vf enp1s0/1\nweb1/net0 attached vf enp1s0/0\n"
			"web2/net0 reserved vf enp1s0/2\n");
	assert_int_equal(sim_world->changes, changes);
	sim_appear(starting);
	sim_hook_started(starting);
	sim_settle();
	sim_clock_set_wall(-365 * 24 * 3600);
	sim_stop();
	sim_start();
	sim_assert_nics("dpdk/p0 attached vf enp1s0/1\nweb1/net0 attached vf enp1s0/0\n"
			"web2/net0 attached vf enp1s0/2\n");
	sim_clock_set_wall(0);
	sim_assert_rules();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(state_that_cannot_be_had_refuses_claims_and_starts,
						set_up_without_state, sim_tear_down),
		sim_test(clock_that_jumps_lets_nothing_expire),
	};

	return run_group_as_root(tests);
}
