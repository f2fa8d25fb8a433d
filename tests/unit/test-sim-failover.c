// SPDX-License-Identifier: GPL-2.0-or-later
/* Failover nics on the simulated host: promoted, demoted, drained, and found again after a crash.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "srv/sriovd/daemon-config.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/steer.h"
#include "tests/sim/netlink.h"
#include "tests/unit/sim-failover.h"

/* Adding */

static void add_writes_virtio_into_the_domains_own_configuration(void **state)
{
	struct sim_domain *web = guest(1, 0);

	assert_string_equal(web->stored[0].alias, "ua-sriov-net0");
	assert_string_equal(web->stored[0].type, "direct");
	assert_string_equal(web->stored[0].source, "enp1s0.100");
	assert_non_null(sim_link_by_name("enp1s0.100"));
	sim_assert_nics("web1/net0 idle none enp1s0.100\n");
	/* With sriovd not even there. */
	sim_stop();
	sim_assert_done(sim_boot(web));
	assert_string_equal(web->device[0].type, "direct");
	sim_shut_down(web);
	sim_start();
	sim_assert_rules();
	assert_non_null(sim_link_by_name("enp1s0.100"));
}

static void add_without_a_free_port_is_refused_or_adds_one(void **state)
{
	struct sim_domain *web = sim_define(1, "web1");

	web->ports = 1;
	sim_assert_refused(add_nic(web, 0, false, false), "--add-port");
	assert_false(web->stored[0].exists);
	assert_int_equal(web->n_nics, 0);
	sim_assert_done(add_nic(web, 0, false, true));
	assert_int_equal(web->ports, 2);
	assert_true(web->stored[0].exists);
}

static void add_on_a_network_without_fallback_is_refused(void **state)
{
	struct sim_domain *web = sim_guest(1, "n", SRV_MODE_FAILOVER);

	sim_assert_refused(sim_boot(web), "wants a virtio NIC");
}

/* Metadata edited by hand while it runs: what it has is what it was started with. */
static void guest_that_runs_keeps_the_mode_that_it_was_started_with(void **state)
{
	struct sim_domain *plain = sim_guest(1, "a", SRV_MODE_EXCLUSIVE), *team = running(2, 0);

	sim_assert_done(sim_boot(plain));
	sim_settle();
	plain->nic[0].mode = SRV_MODE_FAILOVER;
	team->nic[0].mode = SRV_MODE_EXCLUSIVE;
	sim_run(1);
	srv_reconcile(sim_daemon);
	sim_settle();
	sim_run(100000);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/1\n"
			"web2/net0 attached vf enp1s0/0 enp1s0.100\n");
	sim_assert_counts("enp1s0", "2 owned");
}

/* Promotion */

static void guest_that_negotiated_is_promoted(void **state)
{
	struct sim_domain *web = guest(1, 0);
	struct sriov_mac parked;

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	sim_assert_rules();
	sim_virt_negotiated(web->uuid, "ua-sriov-net0");
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n");
	assert_string_equal(web->device[1].alias, "ua-sriov-net0_v");
	parked = srv_steer_parked_mac(nic_of(web)->row.mac);
	assert_memory_equal(tap_of(web)->mac, parked.octet, 6);
	sim_assert_rules();
	sim_shut_down(web);
	sim_settle();
	sim_assert_nics("web1/net0 idle none enp1s0.100\n");
	sim_assert_counts("enp1s0", "2 free");
	sim_assert_rules();
}

/* FAULTS row 30 */
static void guest_that_does_not_use_its_vf_loses_it(void **state)
{
	struct sim_domain *web = guest(1, 0);

	web->uses_vfs = false;
	boot(web);
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n");
	sim_assert_rules();
	sim_run(70000);
	sim_settle();
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	assert_string_equal(nic_of(web)->row.reason, "its guest has not used the VF for 60 s");
	sim_assert_counts("enp1s0", "2 free");
	sim_assert_rules();
}

static void guest_without_failover_gets_no_vf(void **state)
{
	struct sim_domain *web = guest(1, 0);

	sim_assert_done(sim_boot(web));
	sim_run(600000);
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	sim_assert_counts("enp1s0", "2 free");
}

static void guest_whose_driver_stops_receives_on_virtio(void **state)
{
	struct sim_domain *web = running(1, 0);

	sim_guest_uses_vfs(web, false);
	sim_run(1000);
	sim_settle();
	assert_memory_equal(tap_of(web)->mac, nic_of(web)->row.mac.octet, 6);
	sim_guest_uses_vfs(web, true);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n");
	sim_assert_rules();
}

static void vf_that_comes_free_goes_to_the_first_in_the_queue(void **state)
{
	struct sim_domain *holder = running(1, 0), *other = running(2, 0);
	struct sim_domain *low = running(3, 1), *high = running(4, 7);

	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\nweb2/net0 attached vf enp1s0/1 "
			"enp1s0.100\n"
			"web3/net0 attached virtio enp1s0.100\n"
			"web4/net0 attached virtio enp1s0.100\n");
	sim_shut_down(holder);
	sim_settle();
	assert_non_null(nic_of(high)->vf);
	assert_null(nic_of(low)->vf);
	sim_shut_down(other);
	sim_settle();
	assert_non_null(nic_of(low)->vf);
	sim_assert_rules();
}

static void promotion_that_libvirt_refuses_leaves_virtio(void **state)
{
	struct sim_domain *web = guest(1, 0);

	g_strlcpy(sim_world->faults.attach_words, "no", sizeof(sim_world->faults.attach_words));
	boot(web);
	assert_null(nic_of(web)->vf);
	assert_non_null(strstr(nic_of(web)->row.reason, "libvirt says: no"));
	sim_assert_counts("enp1s0", "2 free");
	sim_assert_rules();
	sim_world->faults.attach_words[0] = '\0';
	sim_run(310000);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n");
}

/* Demotion */

static void demoted_guest_goes_on_over_virtio_and_comes_back(void **state)
{
	struct sim_domain *web = running(1, 0);
	g_autofree char *why = demote(web);

	assert_null(why);
	sim_run(100);
	assert_null(nic_of(web)->vf);
	sim_assert_rules();
	sim_run(10000);
	sim_settle();
	assert_non_null(nic_of(web)->vf);
	sim_assert_rules();
}

/* FAULTS row 29 */
static void guest_that_ignores_the_unplug_keeps_the_vf(void **state)
{
	struct sim_domain *web = running(1, 0);
	g_autofree char *why = NULL;

	sim_world->faults.deaf_guest = true;
	why = demote(web);
	assert_non_null(strstr(why, "did not let the device go"));
	sim_settle();
	sim_assert_counts("enp1s0", "1 free, 1 owned");
	assert_non_null(strstr(nic_of(web)->row.reason, "keeps it"));
	sim_assert_rules();
}

static void guest_that_lets_go_late_is_demoted_then(void **state)
{
	struct sim_domain *web = running(1, 0);
	struct sim_device *vf = &web->device[1];
	g_autofree char *why = NULL;

	sim_world->faults.deaf_guest = true;
	why = demote(web);
	assert_non_null(why);
	sim_lock();
	sim_device_leave(vf);
	sim_unlock();
	sim_virt_device_removed(web->uuid, "ua-sriov-net0_v");
	sim_run(100);
	assert_null(nic_of(web)->vf);
	sim_run(2000);
	sim_assert_counts("enp1s0", "2 free");
	sim_assert_rules();
}

static void higher_priority_takes_the_vf_of_the_lowest(void **state)
{
	struct sim_domain *low, *middle, *high;

	sim_configure(FAILOVER_CONFIG("\"preempt\":true"));
	srv_daemon_reload(sim_daemon, NULL, NULL);
	sim_settle();
	low = running(1, 1);
	middle = running(2, 2);
	high = running(3, 3);
	sim_settle();
	assert_null(nic_of(low)->vf);
	assert_non_null(nic_of(middle)->vf);
	assert_non_null(nic_of(high)->vf);
	assert_non_null(strstr(nic_of(low)->row.reason, "priority 3 wants its VF"));
	/* And stays: nobody goes back and forth. */
	sim_run(120000);
	assert_null(nic_of(low)->vf);
	sim_assert_rules();
}

/* FAULTS row 18 */
static void pf_without_link_moves_its_nics_to_virtio_and_back(void **state)
{
	struct sim_domain *web = running(1, 0);
	struct sim_link *pf = sim_link_by_name("enp1s0");

	pf->carrier = false;
	sim_show_link(pf);
	sim_link_event(pf->ifindex);
	sim_run(1000);
	assert_non_null(nic_of(web)->vf);
	sim_run(4000);
	sim_settle();
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	assert_string_equal(nic_of(web)->row.reason, "the link of enp1s0 is down");
	sim_assert_rules();
	pf->carrier = true;
	sim_show_link(pf);
	sim_link_event(pf->ifindex);
	sim_run(8000);
	sim_settle();
	assert_non_null(nic_of(web)->vf);
	sim_assert_rules();
}

/* Restarts */

/* FAULTS row 7: a demotion that cannot be recorded is not begun, and made up for. */
static void demotion_that_cannot_be_recorded_is_put_off(void **state)
{
	struct sim_domain *web = running(1, 1);
	struct answer answer = { 0 };

	assert_non_null(nic_of(web)->vf);
	sim_world->faults.write_errno = EIO;
	srv_demote(sim_daemon, nic_of(web), "a test", answered, &answer);
	assert_true(sim_run_until(is_answered, &answer, 60000));
	assert_non_null(answer.text);
	g_free(answer.text);
	assert_non_null(nic_of(web)->vf);
	assert_int_equal(nic_of(web)->row.state, SRV_NIC_ATTACHED);
	assert_true(web->device[1].exists);
	sim_world->faults.write_errno = 0;
	answer = (struct answer){ 0 };
	srv_demote(sim_daemon, nic_of(web), "a test", answered, &answer);
	assert_true(sim_run_until(is_answered, &answer, 60000));
	assert_null(answer.text);
	sim_settle();
	sim_assert_rules();
}

static void restart_touches_no_promoted_guest(void **state)
{
	struct sim_domain *web = running(1, 0);
	uint32_t changes;

	sim_stop();
	/* In between the virtio half receives too, should the VF be lost. */
	assert_memory_equal(tap_of(web)->mac, web->device[0].mac, 6);
	changes = sim_world->changes;
	sim_start();
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n");
	/* Its macvtap is parked again, and that is all. */
	assert_int_equal(sim_world->changes, changes + 1);
	sim_assert_rules();
}

static void vf_lost_while_nobody_watched_is_noticed(void **state)
{
	struct sim_domain *web = running(1, 0);

	sim_stop();
	sim_lock();
	sim_device_leave(&web->device[1]);
	sim_unlock();
	sim_start();
	sim_run(20000);
	sim_settle();
	/* The guest's driver is known to nobody now: it is tried. */
	assert_non_null(nic_of(web)->vf);
	sim_assert_rules();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, failover_set_up, failover_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(add_writes_virtio_into_the_domains_own_configuration),
		CASE(add_without_a_free_port_is_refused_or_adds_one),
		CASE(add_on_a_network_without_fallback_is_refused),
		CASE(guest_that_runs_keeps_the_mode_that_it_was_started_with),
		CASE(guest_that_negotiated_is_promoted),
		CASE(guest_that_does_not_use_its_vf_loses_it),
		CASE(guest_without_failover_gets_no_vf),
		CASE(guest_whose_driver_stops_receives_on_virtio),
		CASE(vf_that_comes_free_goes_to_the_first_in_the_queue),
		CASE(promotion_that_libvirt_refuses_leaves_virtio),
		CASE(demoted_guest_goes_on_over_virtio_and_comes_back),
		CASE(guest_that_ignores_the_unplug_keeps_the_vf),
		CASE(guest_that_lets_go_late_is_demoted_then),
		CASE(higher_priority_takes_the_vf_of_the_lowest),
		CASE(pf_without_link_moves_its_nics_to_virtio_and_back),
		CASE(restart_touches_no_promoted_guest),
		CASE(demotion_that_cannot_be_recorded_is_put_off),
		CASE(vf_lost_while_nobody_watched_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
