// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Netlink that does not come back, other than in a PF's own attributes, on the simulated host:
 * links, macvtaps, forwarding entries. Whoever asked is told, everybody is, and others go on.
 */
#include "tests/unit/test.h"

#include <string.h>

#include "srv/sriovd/api.h"
#include "srv/sriovd/failover.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/net-call.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/sweep.h"
#include "tests/unit/sim-host.h"

#define TOLD "did not come back from the kernel"

static void links_hang(bool hang)
{
	__atomic_store_n(&sim_world->faults.hang_links, hang, __ATOMIC_SEQ_CST);
}

/* A period of reconciliation, and what follows from it. */
static void next_period(void)
{
	sim_run((sim_daemon->model->config->reconcile_seconds + 1) * 1000);
	sim_settle();
}

static void take_all(void)
{
	for (unsigned i = 0; i < 7; i++) {
		g_autofree char *id = g_strdup_printf("p%u", i);

		sim_assert_done(sim_claim_vf("dpdk", id, "n"));
	}
}

static const struct srv_nic *nic_of(const char *owner)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of(sim_daemon->model, owner);

	assert_int_equal(nics->len, 1);
	return nics->pdata[0];
}

static void assert_failed_for_it(const char *owner)
{
	const struct srv_nic *nic = nic_of(owner);

	assert_int_equal(nic->row.state, SRV_NIC_FAILED);
	assert_false(nic->busy);
	assert_non_null(strstr(nic->row.reason, TOLD));
}

/* Does GetStatus say so? */
static bool status_tells(const char *part)
{
	json_t *problems = srv_api_problems(sim_daemon);
	g_autofree char *text = json_dumps(problems, 0);

	json_decref(problems);
	return strstr(text, part) != NULL;
}

/* FAULTS row 20: a reset or sysfs write that never returns */
static void guest_whose_vlan_link_hangs_is_told_and_gets_it_later(void **state)
{
	take_all();
	links_hang(true);
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)));
	sim_run(50 * 1000);
	assert_int_equal(nic_of("web1")->row.state, SRV_NIC_ATTACHING);
	sim_run(20 * 1000);
	assert_failed_for_it("web1");
	assert_true(status_tells("does not come back from the kernel"));
	/* The next try is not waited for as long, nor the one after it. */
	next_period();
	next_period();
	assert_failed_for_it("web1");
	links_hang(false);
	sim_settle();
	next_period();
	assert_false(status_tells("does not come back from the kernel"));
	assert_int_equal(sim_daemon->late_calls->len, 0);
	assert_int_equal(nic_of("web1")->row.state, SRV_NIC_ATTACHED);
	assert_string_equal(nic_of("web1")->row.uplink, "enp1s0.100");
	sim_assert_rules();
}

/* FAULTS row 20: ditto, of the sweep, which is not to remove what it stands on meanwhile. */
static void guest_behind_a_sweep_that_hangs_is_told_and_served_later(void **state)
{
	take_all();
	links_hang(true);
	sim_lock();
	sim_link_add_vlan("enp1s0.200");
	sim_unlock();
	srv_sweep(sim_daemon);
	sim_run(1000);
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)));
	sim_run(70 * 1000);
	assert_failed_for_it("web1");
	links_hang(false);
	sim_settle();
	next_period();
	assert_int_equal(nic_of("web1")->row.state, SRV_NIC_ATTACHED);
	sim_assert_rules();
}

/* Nothing is attached behind the back of who was told that it is not. */
static void attach_that_was_given_up_is_not_made_when_the_kernel_comes_back(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	uint32_t attaches;

	take_all();
	links_hang(true);
	sim_assert_done(sim_boot(web));
	sim_run(70 * 1000);
	assert_failed_for_it("web1");
	/* The guest ends, and whatever comes back finds nobody. */
	sim_vanish(web);
	attaches = sim_world->attaches;
	links_hang(false);
	sim_settle();
	next_period();
	assert_int_equal(sim_world->attaches, attaches);
	assert_null(sim_link_by_name("enp1s0.100"));
	sim_assert_rules();
}

/* Another guest's, which stands on something that is there. */
static void guest_beside_one_whose_link_hangs_is_served(void **state)
{
	take_all();
	links_hang(true);
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)));
	sim_run(1000);
	sim_assert_done(sim_release_vf("dpdk", "p0"));
	sim_run(5000);
	sim_assert_done(sim_boot(sim_guest(2, "n", SRV_MODE_REQUIRED)));
	sim_run(5000);
	assert_int_equal(nic_of("web2")->row.state, SRV_NIC_ATTACHED);
	links_hang(false);
	sim_settle();
	next_period();
	sim_assert_rules();
}

/* Attached already when it hangs: what is in the guest is adopted when the kernel is back. */
static void guest_whose_forwarding_entry_hangs_has_its_device_in_the_end(void **state)
{
	uint32_t attaches;

	sim_lock();
	sim_link_by_name("enp1s0")->master = sim_link_by_name("br0")->ifindex;
	sim_unlock();
	take_all();
	links_hang(true);
	sim_assert_done(sim_boot(sim_guest(1, "b", SRV_MODE_EXCLUSIVE)));
	sim_run(70 * 1000);
	assert_true(status_tells("nic web1/net0"));
	attaches = sim_world->attaches;
	links_hang(false);
	sim_settle();
	next_period();
	assert_int_equal(nic_of("web1")->row.state, SRV_NIC_ATTACHED);
	assert_int_equal(sim_world->attaches, attaches);
	sim_assert_rules();
}

/* The guest has let it go, and nobody knows yet: it does not count as one that it keeps. */
static void detach_whose_forwarding_entry_hangs_is_no_device_that_the_guest_has(void **state)
{
	sim_lock();
	sim_link_by_name("enp1s0")->master = sim_link_by_name("br0")->ifindex;
	sim_unlock();
	take_all();
	sim_assert_done(sim_boot(sim_guest(1, "b", SRV_MODE_EXCLUSIVE)));
	sim_settle();
	links_hang(true);
	srv_nic_detach(sim_daemon, (struct srv_nic *)nic_of("web1"), NULL, NULL);
	sim_run(70 * 1000);
	assert_false(nic_of("web1")->row.state == SRV_NIC_ATTACHED);
	links_hang(false);
	sim_settle();
	next_period();
	/* It is asked for as ever, and the guest gets it again. */
	assert_int_equal(nic_of("web1")->row.state, SRV_NIC_ATTACHED);
	sim_assert_rules();
}

static struct sim_domain *failover_guest(void)
{
	struct sim_domain *web = sim_define(1, "web1");
	const struct sim_failover nic = { .network = "a" };

	web->ports = 4;
	web->uses_vfs = true;
	sim_assert_done(sim_add_failover(web, &nic));
	return web;
}

/* Its configuration is the client's to have changed or not: it is told that it is not. */
static void failover_nic_whose_link_hangs_is_refused(void **state)
{
	struct sim_domain *web = sim_define(1, "web1");
	const struct sim_failover nic = { .network = "a" };

	web->ports = 4;
	links_hang(true);
	sim_assert_refused(sim_add_failover(web, &nic), TOLD);
	links_hang(false);
	sim_settle();
	sim_assert_done(sim_add_failover(web, &nic));
	sim_assert_rules();
}

static void start_whose_link_hangs_is_refused_and_not_held(void **state)
{
	struct sim_domain *web = failover_guest();

	/* Somebody has removed it. */
	sim_link_by_name("enp1s0.100")->ifindex = 0;
	links_hang(true);
	sim_assert_refused(sim_boot(web), TOLD);
	assert_true(status_tells("making the VLAN links"));
	links_hang(false);
	sim_settle();
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_assert_rules();
}

/* What was reserved for it is given up, also in the ledger. */
static void start_whose_link_hangs_is_not_reserved_for_in_the_ledger(void **state)
{
	struct sim_domain *web = failover_guest();
	g_autofree char *dir = g_build_filename(sim_root, "state", NULL);
	struct srv_ledger_image *image;
	struct srv_ledger *ledger;
	sriov_autoerror err = NULL;

	sim_add_nic(web, "net1", "a", SRV_MODE_EXCLUSIVE);
	sim_link_by_name("enp1s0.100")->ifindex = 0;
	links_hang(true);
	sim_assert_refused(sim_boot(web), TOLD);
	links_hang(false);
	sim_run(1000);
	sim_stop();
	assert_ok(srv_ledger_open(dir, &ledger, &err), err);
	assert_ok(srv_ledger_load(ledger, &image, &err), err);
	for (guint i = 0; i < image->nics->len; i++)
		assert_int_equal(((struct srv_nic_row *)image->nics->pdata[i])->state,
				 SRV_NIC_IDLE);
	srv_ledger_image_free(image);
	srv_ledger_close(ledger);
	sim_start();
	sim_assert_rules();
}

static void on_demoted(const struct sriov_error *error, void *data)
{
	*(bool *)data = true;
}

static void demotion_whose_steering_hangs_comes_to_its_end(void **state)
{
	struct sim_domain *web = failover_guest();
	bool done = false;

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_virt_negotiated(web->uuid, "ua-sriov-net0");
	sim_settle();
	assert_non_null(nic_of("web1")->vf);
	links_hang(true);
	srv_demote(sim_daemon, (struct srv_nic *)nic_of("web1"), "test", on_demoted, &done);
	sim_run(55 * 1000);
	assert_false(done);
	sim_run(20 * 1000);
	assert_true(done);
	assert_true(status_tells("steering frames"));
	links_hang(false);
	sim_settle();
	next_period();
	sim_assert_rules();
}

/* What an earlier run has left is looked for at the start: nothing else waits for that for ever. */
static void start_of_the_daemon_whose_sweep_hangs_goes_on(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	take_all();
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_stop();
	sim_vanish(web);
	links_hang(true);
	sim_start();
	sim_run(70 * 1000);
	assert_true(sim_daemon->swept && sim_daemon->reconciled);
	assert_true(status_tells("does not come back from the kernel"));
	/* Neither a reload nor a look at the host stands behind it. */
	srv_host_refresh(sim_daemon);
	sim_run(5000);
	assert_false(sim_daemon->refreshing);
	assert_int_equal(nic_of("web1")->row.state, SRV_NIC_IDLE);
	links_hang(false);
	sim_settle();
	next_period();
	assert_null(sim_link_by_name("enp1s0.100"));
	sim_assert_rules();
}

static bool hangs(void *data)
{
	return __atomic_load_n(&sim_world->hanging_threads, __ATOMIC_SEQ_CST) > 0;
}

/* What a thread still looks at that hangs is not freed: it is no leak. */
static const struct srv_daemon *volatile left_behind;

/* The main thread does not hang with it, the ledger is closed, and the next one goes on. */
static void end_of_the_daemon_whose_steering_hangs_comes(void **state)
{
	struct sim_domain *web = failover_guest();

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_virt_negotiated(web->uuid, "ua-sriov-net0");
	sim_settle();
	assert_int_equal(nic_of("web1")->team.steered, SRV_STEER_VF);
	links_hang(true);
	left_behind = sim_daemon;
	sim_stop();
	assert_true(hangs(NULL));
	links_hang(false);
	sim_start();
	assert_non_null(nic_of("web1")->vf);
	sim_assert_rules();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(guest_whose_vlan_link_hangs_is_told_and_gets_it_later),
		sim_test(guest_behind_a_sweep_that_hangs_is_told_and_served_later),
		sim_test(attach_that_was_given_up_is_not_made_when_the_kernel_comes_back),
		sim_test(guest_beside_one_whose_link_hangs_is_served),
		sim_test(guest_whose_forwarding_entry_hangs_has_its_device_in_the_end),
		sim_test(detach_whose_forwarding_entry_hangs_is_no_device_that_the_guest_has),
		sim_test(failover_nic_whose_link_hangs_is_refused),
		sim_test(start_whose_link_hangs_is_refused_and_not_held),
		sim_test(start_whose_link_hangs_is_not_reserved_for_in_the_ledger),
		sim_test(demotion_whose_steering_hangs_comes_to_its_end),
		sim_test(start_of_the_daemon_whose_sweep_hangs_goes_on),
		sim_test(end_of_the_daemon_whose_steering_hangs_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
