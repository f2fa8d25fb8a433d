// SPDX-License-Identifier: GPL-2.0-or-later
/* What befalls a host while failover nics run: they carry on, and come back to a VF. */
#include "tests/unit/sim-failover-guest.h"
#include "tests/unit/sim-host.h"

/* Two PFs of two VFs; the virtio halves stand on a bridge, so that no PF takes one with it. */
#define CONFIG_TWO_PFS                                                        \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\"," \
	"\"enp2s0\"]},\"numVfs\":2}],\"networks\":[{\"name\":\"a\",\"pool\":" \
	"\"fast\",\"fallback\":{\"type\":\"bridge\",\"bridge\":\"br0\"}}]}"

static int set_up(void **state)
{
	sim_new(SIM_CONFIG_FAILOVER("\"enp1s0\"", "2"));
	sim_start();
	return 0;
}

static int set_up_two(void **state)
{
	sim_new(CONFIG_TWO_PFS);
	sim_start();
	return 0;
}

/* The virtio half is as it was at the start, and receives while there is no VF. */
static void assert_carries_on(const struct sim_domain *domain)
{
	const struct srv_nic *nic = sim_nic_of(domain);

	assert_true(domain->active);
	assert_string_equal(domain->device[0].alias, "ua-sriov-net0");
	assert_non_null(sim_link_by_index(domain->device[0].link));
	assert_int_equal(nic->row.state, SRV_NIC_ATTACHED);
	if (!nic->vf)
		assert_int_equal(nic->team.steered, SRV_STEER_VIRTIO);
}

/* Everybody who has a VF of enp1s0 when it dies. */
static void start_on_enp1s0(struct sim_domain *guests[2])
{
	set_link("enp2s0", true, false, true);
	for (unsigned i = 0; i < 2; i++)
		guests[i] = sim_failover_guest(i + 1);
	sim_assert_vf(guests[0], "enp1s0/0");
	sim_assert_vf(guests[1], "enp1s0/1");
	set_link("enp2s0", true, true, true);
	sim_run(20000);
	sim_settle();
	/* Nobody is moved without need. */
	sim_assert_vf(guests[0], "enp1s0/0");
	sim_assert_vf(guests[1], "enp1s0/1");
}

static void assert_on_enp2s0(struct sim_domain *const guests[2])
{
	for (unsigned i = 0; i < 2; i++) {
		const struct srv_nic *nic = sim_nic_of(guests[i]);

		assert_non_null(nic->vf);
		assert_string_equal(nic->vf->pf->name, "enp2s0");
		assert_true(nic->team.plugged && nic->team.in_use);
		assert_carries_on(guests[i]);
	}
	sim_assert_rules();
}

/* FAULTS row 15 */
static void row_15_failover_nics_carry_on_when_somebody_destroys_vfs(void **state)
{
	struct sim_domain *web = sim_failover_guest(1), *mail = sim_failover_guest(2);

	sim_assert_vf(web, "enp1s0/0");
	sim_assert_vf(mail, "enp1s0/1");
	sim_destroy_vfs(1);
	/* They receive over virtio before anything else is done. */
	sim_run(3000);
	assert_carries_on(web);
	assert_carries_on(mail);
	sim_run(20000);
	sim_settle();
	assert_non_null(sim_nic_of(web)->vf);
	assert_non_null(sim_nic_of(mail)->vf);
	assert_true(sim_nic_of(web)->team.in_use && sim_nic_of(mail)->team.in_use);
	sim_assert_counts("enp1s0", "2 owned");
	sim_assert_rules();
}

/* FAULTS row 16 */
static void row_16_driver_gone_moves_failover_nics_to_virtio_and_back(void **state)
{
	struct sim_domain *guests[2];

	start_on_enp1s0(guests);
	set_link("enp2s0", true, false, true);
	pf_unbind(1);
	sim_run(20000);
	sim_settle();
	for (unsigned i = 0; i < 2; i++) {
		assert_null(sim_nic_of(guests[i])->vf);
		assert_carries_on(guests[i]);
	}
	sim_assert_rules();
	pf_bind(1, "enp1s0");
	sim_run(30000);
	sim_settle();
	for (unsigned i = 0; i < 2; i++) {
		assert_non_null(sim_nic_of(guests[i])->vf);
		assert_carries_on(guests[i]);
	}
	sim_assert_counts("enp1s0", "2 owned");
	sim_assert_rules();
}

/* FAULTS row 17 */
static void row_17_failover_nics_of_an_unplugged_pf_get_vfs_of_the_other(void **state)
{
	struct sim_domain *guests[2];

	start_on_enp1s0(guests);
	pf_unplug(1);
	sim_run(20000);
	sim_settle();
	assert_on_enp2s0(guests);
	/* Plugged back it takes nobody away from where he is. */
	sim_plug_pf(1);
	sim_link_event(7);
	sim_run(30000);
	sim_settle();
	assert_on_enp2s0(guests);
	sim_assert_counts("enp1s0", "2 free");
}

/* FAULTS row 18 */
static void row_18_failover_nics_of_a_pf_without_link_get_vfs_of_the_other(void **state)
{
	struct sim_domain *guests[2];

	start_on_enp1s0(guests);
	set_link("enp1s0", true, false, true);
	sim_run(20000);
	sim_settle();
	assert_on_enp2s0(guests);
	sim_assert_counts("enp1s0", "2 free");
	sim_assert_counts("enp2s0", "2 owned");
}

static void flap(unsigned times, uint32_t down_ms, uint32_t up_ms)
{
	for (unsigned i = 0; i < times; i++) {
		set_link("enp1s0", true, false, true);
		sim_run(down_ms);
		set_link("enp1s0", true, true, true);
		sim_run(up_ms);
	}
}

/* FAULTS row 18: flapping, with linkDownSeconds 2 and promoteAfterSeconds 5 */
static void row_18_flapping_link_moves_nobody_back_and_forth(void **state)
{
	struct sim_domain *web = sim_failover_guest(1);
	uint32_t attaches = sim_world->attaches;

	/* Short gaps are borne. */
	flap(20, 1000, 1000);
	sim_settle();
	sim_assert_vf(web, "enp1s0/0");
	assert_int_equal(sim_world->attaches, attaches);
	/* With longer ones it is moved once, and not back as long as they come. */
	flap(20, 4000, 3000);
	assert_null(sim_nic_of(web)->vf);
	assert_int_equal(sim_world->attaches, attaches);
	assert_carries_on(web);
	sim_assert_rules();
	sim_run(20000);
	sim_settle();
	sim_assert_vf(web, "enp1s0/0");
	assert_int_equal(sim_world->attaches, attaches + 1);
	sim_assert_rules();
}

/* FAULTS row 23 */
static void row_23_failover_nics_stay_as_they_are_while_libvirt_is_away(void **state)
{
	struct sim_domain *web = sim_failover_guest(1), *mail = sim_failover_guest(2);
	struct sim_domain *waits = sim_failover_guest(3);
	uint32_t changes = sim_world->changes, attaches = sim_world->attaches;

	sim_world->faults.virt_down = true;
	sim_virt_connect(false);
	sim_run(180000);
	sim_assert_vf(web, "enp1s0/0");
	sim_assert_vf(mail, "enp1s0/1");
	assert_null(sim_nic_of(waits)->vf);
	assert_carries_on(waits);
	assert_int_equal(sim_world->changes, changes);
	/* Who the VF does not serve any more receives over virtio without libvirt, too. */
	sim_guest_uses_vfs(web, false);
	sim_run(2000);
	assert_int_equal(sim_nic_of(web)->team.steered, SRV_STEER_VIRTIO);
	sim_guest_uses_vfs(web, true);
	sim_run(2000);
	sim_world->faults.virt_down = false;
	sim_virt_connect(true);
	sim_run(30000);
	sim_settle();
	sim_assert_vf(web, "enp1s0/0");
	sim_assert_vf(mail, "enp1s0/1");
	assert_null(sim_nic_of(waits)->vf);
	assert_int_equal(sim_world->attaches, attaches);
	sim_assert_rules();
}

#define CASE(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, sim_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(row_15_failover_nics_carry_on_when_somebody_destroys_vfs, set_up),
		CASE(row_16_driver_gone_moves_failover_nics_to_virtio_and_back, set_up_two),
		CASE(row_17_failover_nics_of_an_unplugged_pf_get_vfs_of_the_other, set_up_two),
		CASE(row_18_failover_nics_of_a_pf_without_link_get_vfs_of_the_other, set_up_two),
		CASE(row_18_flapping_link_moves_nobody_back_and_forth, set_up),
		CASE(row_23_failover_nics_stay_as_they_are_while_libvirt_is_away, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
