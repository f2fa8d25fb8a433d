// SPDX-License-Identifier: GPL-2.0-or-later
/* Another NIC in a PF's place: what was ordered of the old one, or belongs to somebody, is not its.
 */
#include "tests/unit/test.h"

#include <string.h>

#include "srv/sriovd/drain.h"
#include "srv/sriovd/host.h"
#include "tests/support/tree.h"
#include "tests/unit/api-client.h"
#include "tests/unit/sim-host.h"

#define OLD "0x1592"
#define NEW "0x1572"

static struct srv_pf *the_pf(void)
{
	struct sriov_bdf bdf = { .bus = 1 };

	return srv_model_pf(sim_daemon->model, bdf);
}

static void put_in(const char *device)
{
	g_autofree char *path = pf_path(1, "device");

	tree_file(sim_root, path, device);
}

/* The host is switched off, and somebody changes the card. */
static void swap_while_off(const char *device)
{
	sim_stop();
	sim_reboot();
	put_in(device);
	sim_start();
	sim_settle();
}

static void order_drain(void)
{
	sriov_autoerror err = NULL;
	struct srv_job *job;

	assert_ok(srv_pf_drain(sim_daemon, the_pf(), false, &job, &err), err);
	sim_settle();
}

static void undrain(void)
{
	srv_pf_undrain(sim_daemon, the_pf(), sim_ignore, NULL);
	sim_settle();
	sim_run(1000);
	sim_settle();
}

static void another_nic_inherits_no_drain(void **state)
{
	order_drain();
	swap_while_off(NEW);
	assert_int_equal(the_pf()->state, SRV_PF_GONE);
	assert_non_null(strstr(the_pf()->reason, "another NIC is in its place: 8086:1572"));
	assert_non_null(strstr(the_pf()->reason, "where the ledger knows 8086:1592"));
	assert_non_null(strstr(the_pf()->reason, "(that it is drained)"));
	/* Nothing was done to it. */
	assert_int_equal(sim_world->pf[0].vf[0].exists, false);
	sim_assert_refused(sim_claim_vf("dpdk", "p0", "a"), "no VF");
	undrain();
	assert_int_equal(the_pf()->state, SRV_PF_READY);
	sim_assert_counts("enp1s0", "7 free");
	/* From now on this one is meant. */
	order_drain();
	sim_stop();
	sim_start();
	assert_null(the_pf()->stranger);
	assert_true(the_pf()->drained);
}

static void old_nic_put_back_has_its_orders_still(void **state)
{
	order_drain();
	swap_while_off(NEW);
	assert_non_null(the_pf()->stranger);
	swap_while_off(OLD);
	assert_null(the_pf()->stranger);
	assert_int_equal(the_pf()->state, SRV_PF_READY);
	assert_true(the_pf()->drained);
	sim_assert_counts("enp1s0", "7 free");
}

static void another_nic_inherits_no_number_of_vfs(void **state)
{
	sriov_autoerror err = NULL;
	struct srv_job *job;

	assert_ok(srv_pf_resize(sim_daemon, the_pf(), 3, false, &job, &err), err);
	sim_run(10000);
	sim_settle();
	sim_assert_counts("enp1s0", "3 free");
	swap_while_off(NEW);
	assert_non_null(strstr(the_pf()->reason, "(that it has 3 VFs)"));
	undrain();
	sim_assert_counts("enp1s0", "7 free");
}

static void another_nic_inherits_no_claim(void **state)
{
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	swap_while_off(NEW);
	assert_non_null(strstr(the_pf()->reason, "(who has 1 of its VFs)"));
	assert_false(sim_world->pf[0].vf[0].exists);
	api_serve();
	{
		json_t *status = api_call("GetStatus", NULL);
		g_autofree char *text = json_dumps(status, 0);

		assert_non_null(strstr(text, "another NIC is in its place"));
		json_decref(status);
	}
	sim_assert_done(sim_release_vf("dpdk", NULL));
	srv_host_refresh(sim_daemon);
	sim_run(1000);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* Nothing was ordered and nobody has anything: it is just another NIC. */
static void another_nic_without_a_past_is_used(void **state)
{
	swap_while_off(NEW);
	assert_null(the_pf()->stranger);
	sim_assert_counts("enp1s0", "7 free");
	assert_int_equal(the_pf()->device, 0x1572);
	/* And that is on disk. */
	order_drain();
	swap_while_off(OLD);
	assert_non_null(strstr(the_pf()->reason, "where the ledger knows 8086:1572"));
}

/* Hot-plugged, the host running all the time. */
static void another_nic_plugged_in_while_it_runs_is_told_apart(void **state)
{
	order_drain();
	pf_unplug(1);
	sim_run(1000);
	sim_settle();
	put_in(NEW);
	sim_plug_pf(1);
	put_in(NEW);
	srv_host_refresh(sim_daemon);
	sim_run(1000);
	sim_settle();
	assert_non_null(the_pf()->stranger);
	assert_int_equal(the_pf()->state, SRV_PF_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(another_nic_inherits_no_drain),
		sim_test(old_nic_put_back_has_its_orders_still),
		sim_test(another_nic_inherits_no_number_of_vfs),
		sim_test(another_nic_inherits_no_claim),
		sim_test(another_nic_without_a_past_is_used),
		sim_test(another_nic_plugged_in_while_it_runs_is_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
