// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * PFs that get another name while no daemon runs, on the simulated host: by udev at a boot, or by
 * hand. What is known of a PF belongs to its PCI address.
 */
#include "tests/unit/test.h"

#include <errno.h>

#include "srv/sriovd/decide.h"
#include "srv/sriovd/promote-policy.h"
#include "srv/sriovd/reconcile.h"
#include "tests/sim/netlink.h"
#include "tests/unit/sim-host.h"

#define CONFIG                                                                                   \
	"{\"pools\":["                                                                           \
	"{\"name\":\"one\",\"select\":{\"rootDevices\":[\"0000:01:00.0\"]},\"numVfs\":2},"       \
	"{\"name\":\"two\",\"select\":{\"rootDevices\":[\"0000:02:00.0\"]},\"numVfs\":1}],"      \
	"\"networks\":[{\"name\":\"a\",\"pool\":\"one\",\"vlan\":100},"                          \
	"{\"name\":\"plain\",\"pool\":\"one\"},{\"name\":\"other\",\"pool\":\"two\"},"           \
	"{\"name\":\"bridged\",\"pool\":\"one\",\"fallback\":{\"type\":\"bridge\",\"bridge\":\"" \
	"enp1s0\"}}]}"

static int set_up(void **state)
{
	sim_new(CONFIG);
	sim_start();
	return 0;
}

static const struct srv_nic *nic_of(unsigned guest)
{
	g_autofree char *owner = g_strdup_printf("web%u", guest);
	g_autoptr(GPtrArray) nics = srv_model_nics_of(sim_daemon->model, owner);

	assert_int_equal(nics->len, 1);
	return nics->pdata[0];
}

static bool stands_on(unsigned guest, const char *pf)
{
	return srv_nic_stands_on(nic_of(guest), model_pf(pf));
}

/* No VF is left in pool one. */
static void take_all(void)
{
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_done(sim_claim_vf("dpdk", "p1", "a"));
}

static void renamed_meanwhile(uint8_t bus, const char *netdev)
{
	sim_stop();
	sim_rename_pf(bus, netdev);
	sim_start();
}

/* FAULTS row 35: PF renamed, moved to another namespace */
static void vfs_of_a_pf_renamed_meanwhile_stay_their_owners(void **state)
{
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_REQUIRED)));
	sim_settle();
	renamed_meanwhile(1, "lan0");
	sim_assert_nics("dpdk/p0 attached vf lan0/0\nweb1/net0 attached vf lan0/1\n");
	sim_assert_counts("lan0", "2 owned");
	sim_assert_rules();
}

/* FAULTS row 35: PF renamed, moved to another namespace */
static void uplinks_follow_a_pf_renamed_meanwhile(void **state)
{
	take_all();
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)));
	sim_assert_done(sim_boot(sim_guest(2, "plain", SRV_MODE_EXCLUSIVE)));
	sim_settle();
	renamed_meanwhile(1, "lan0");
	sim_assert_nics("dpdk/p0 attached vf lan0/0\ndpdk/p1 attached vf lan0/1\n"
			"web1/net0 attached virtio enp1s0.100\nweb2/net0 attached virtio lan0\n");
	assert_true(stands_on(1, "lan0") && stands_on(2, "lan0"));
	assert_false(stands_on(1, "enp2s0") || stands_on(2, "enp2s0"));
	/* And the next run knows the name that the VLAN link has it from, after another one. */
	renamed_meanwhile(1, "wan0");
	sim_stop();
	sim_start();
	sim_assert_nics("dpdk/p0 attached vf wan0/0\ndpdk/p1 attached vf wan0/1\n"
			"web1/net0 attached virtio enp1s0.100\nweb2/net0 attached virtio wan0\n");
	assert_true(stands_on(1, "wan0") && stands_on(2, "wan0"));
	sim_assert_rules();
}

/* It is removed with the guest that needed it, whatever its parent is called. */
static void vlan_link_on_a_pf_renamed_meanwhile_goes_with_its_guest(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	take_all();
	sim_assert_done(sim_boot(web));
	sim_settle();
	renamed_meanwhile(1, "lan0");
	assert_non_null(sim_link_by_name("enp1s0.100"));
	sim_shut_down(web);
	sim_settle();
	assert_null(sim_link_by_name("enp1s0.100"));
	/* The next one stands on a link of the new name. */
	sim_assert_done(sim_boot(web));
	sim_settle();
	assert_non_null(sim_link_by_name("lan0.100"));
	assert_true(stands_on(1, "lan0"));
	sim_assert_rules();
}

/* FAULTS row 35: PF renamed, moved to another namespace */
static void uplinks_follow_two_pfs_that_have_exchanged_their_names(void **state)
{
	take_all();
	sim_assert_done(sim_claim_vf("dpdk", "p2", "other"));
	sim_assert_done(sim_boot(sim_guest(1, "plain", SRV_MODE_EXCLUSIVE)));
	sim_assert_done(sim_boot(sim_guest(2, "other", SRV_MODE_EXCLUSIVE)));
	sim_settle();
	assert_true(stands_on(1, "0000:01:00.0") && stands_on(2, "0000:02:00.0"));
	sim_stop();
	sim_rename_pf(1, "between");
	sim_rename_pf(2, "enp1s0");
	sim_rename_pf(1, "enp2s0");
	sim_start();
	sim_assert_nics("dpdk/p0 attached vf enp2s0/0\ndpdk/p1 attached vf enp2s0/1\n"
			"dpdk/p2 attached vf enp1s0/0\nweb1/net0 attached virtio enp2s0\n"
			"web2/net0 attached virtio enp1s0\n");
	assert_true(stands_on(1, "0000:01:00.0") && stands_on(2, "0000:02:00.0"));
	assert_false(stands_on(1, "0000:02:00.0") || stands_on(2, "0000:01:00.0"));
	sim_assert_rules();
}

/* A bridge that is called as the PF was is no PF. */
static void bridge_named_like_the_pf_is_left_alone(void **state)
{
	take_all();
	sim_assert_done(sim_boot(sim_guest(1, "bridged", SRV_MODE_EXCLUSIVE)));
	sim_settle();
	renamed_meanwhile(1, "lan0");
	assert_string_equal(nic_of(1)->row.uplink, "enp1s0");
}

static void orders_of_a_pf_renamed_meanwhile_hold(void **state)
{
	struct srv_pf *pf = (struct srv_pf *)model_pf("enp1s0");
	struct srv_ledger_txn *txn = srv_ledger_begin(sim_daemon->ledger);

	pf->drained = true;
	pf->resize_vfs = 5;
	srv_daemon_put_pf(txn, pf);
	srv_ledger_commit(txn, NULL, NULL);
	sim_settle();
	renamed_meanwhile(1, "lan0");
	assert_true(model_pf("lan0")->drained);
	assert_int_equal(model_pf("lan0")->resize_vfs, 5);
	assert_false(model_pf("enp2s0")->drained);
	/* Nor does an order taken back take the names with it. */
	pf = (struct srv_pf *)model_pf("lan0");
	txn = srv_ledger_begin(sim_daemon->ledger);
	pf->drained = false;
	pf->resize_vfs = 0;
	srv_daemon_put_pf(txn, pf);
	srv_ledger_commit(txn, NULL, NULL);
	sim_settle();
	renamed_meanwhile(1, "wan0");
	assert_false(model_pf("wan0")->drained);
	assert_int_equal(model_pf("wan0")->netdevs->len, 3);
}

static void quarantine_on_a_pf_renamed_meanwhile_holds(void **state)
{
	struct srv_vf *vf = srv_model_find_vf(sim_daemon->model, "enp1s0/1");
	struct srv_ledger_txn *txn = srv_ledger_begin(sim_daemon->ledger);

	srv_model_mark_vf(vf, SRV_VF_QUARANTINED, "it smells");
	srv_daemon_put_vf(txn, vf);
	srv_ledger_commit(txn, NULL, NULL);
	sim_settle();
	renamed_meanwhile(1, "lan0");
	sim_assert_counts("lan0", "1 free, 1 quarantined");
	assert_string_equal(srv_model_find_vf(sim_daemon->model, "lan0/1")->reason, "it smells");
}

/* Its domain's configuration says the old name, and that is its owner's to change. */
static void failover_nic_on_a_pf_renamed_meanwhile_stands_on_it(void **state)
{
	struct sim_domain *web = sim_define(1, "web1");
	const struct sim_failover nic = { .network = "a" };

	web->ports = 4;
	sim_assert_done(sim_add_failover(web, &nic));
	sim_assert_done(sim_boot(web));
	sim_settle();
	assert_string_equal(nic_of(1)->row.uplink, "enp1s0.100");
	renamed_meanwhile(1, "lan0");
	assert_ptr_equal(srv_promote_uplink_pf(sim_daemon->model, nic_of(1)), model_pf("lan0"));
	assert_string_equal(nic_of(1)->row.uplink, "enp1s0.100");
	sim_assert_rules();
}

/* A disk that is full when the name is news does not keep it from being known later. */
static void name_that_could_not_be_recorded_is_recorded_later(void **state)
{
	take_all();
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)));
	sim_settle();
	sim_world->faults.write_errno = ENOSPC;
	sim_rename_pf(1, "lan0");
	sim_link_event(sim_pf_by_bus(1)->ifindex);
	sim_run(5000);
	sim_world->faults.write_errno = 0;
	sim_run(61 * 1000);
	sim_settle();
	renamed_meanwhile(1, "wan0");
	assert_int_equal(model_pf("wan0")->netdevs->len, 3);
	assert_true(stands_on(1, "wan0"));
	sim_assert_rules();
}

#define rename_test(name) sim_test_of(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		rename_test(vfs_of_a_pf_renamed_meanwhile_stay_their_owners),
		rename_test(uplinks_follow_a_pf_renamed_meanwhile),
		rename_test(vlan_link_on_a_pf_renamed_meanwhile_goes_with_its_guest),
		rename_test(uplinks_follow_two_pfs_that_have_exchanged_their_names),
		rename_test(bridge_named_like_the_pf_is_left_alone),
		rename_test(orders_of_a_pf_renamed_meanwhile_hold),
		rename_test(quarantine_on_a_pf_renamed_meanwhile_holds),
		rename_test(failover_nic_on_a_pf_renamed_meanwhile_stands_on_it),
		rename_test(name_that_could_not_be_recorded_is_recorded_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
