// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows of FAULTS.md on the simulated host: what the disk of the ledger, libvirt, guests and
 * processes beside us do to us. Each test says its row. For the devices see
 * test-sim-faults-devices.c.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "srv/sriovd/claim.h"
#include "srv/sriovd/nic.h"
#include "tests/unit/sim-faults.h"

/* FAULTS row 6: disk full */
static void row_06_disk_full_refuses_claims_and_touches_no_vf(void **state)
{
	uint32_t changes;

	sim_world->faults.write_errno = ENOSPC;
	changes = sim_world->changes;
	/* What the disk has reserved for releases is not for claims. */
	sim_assert_refused(sim_claim_vf("dpdk", "p0", "a"), "its file system is full");
	assert_int_equal(sim_world->changes, changes);
	sim_settle();
	sim_assert_nics("");
	sim_assert_rules();
	no_faults();
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_rules();
}

static void keep_code(const struct sriov_error *error, void *data)
{
	*(int *)data = error ? (int)error->code : -1;
}

static bool has_code(void *data)
{
	return *(int *)data != -2;
}

/*
 * FAULTS row 6: disk full. "Unavailable": the hook lets a guest start that can do without a VF. Its
 * VF of a run whose end nobody heard of is given back all the same.
 */
static void row_06_disk_full_serves_no_start(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	int code = -2;

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_vanish(web);
	sim_world->faults.write_errno = ENOSPC;
	srv_nic_prepare(sim_daemon, web->uuid, web->name, none, NULL, keep_code, &code);
	assert_true(sim_run_until(has_code, &code, 60000));
	assert_int_equal(code, SRIOV_ERROR_UNAVAILABLE);
	sim_assert_refused(sim_hook_prepare(web), "its file system is full");
	sim_settle();
	sim_assert_nics("web1/net0 idle none\n");
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
	no_faults();
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

/* FAULTS row 6: disk full */
static void row_06_disk_full_lets_guests_release(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	sim_assert_done(sim_boot(web));
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_settle();
	sim_world->faults.write_errno = ENOSPC;
	sim_shut_down(web);
	sim_assert_done(sim_release_vf("dpdk", NULL));
	sim_run(30 * 1000);
	sim_settle();
	sim_assert_nics("web1/net0 idle none\n");
	sim_assert_counts("enp1s0", "7 free");
	no_faults();
	sim_stop();
	sim_start();
	sim_assert_nics("web1/net0 idle none\n");
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* Also when the ledger takes nothing at all for a while: no VF changes hands meanwhile. */
/* FAULTS row 7: I/O error at commit */
static void row_07_io_error_is_never_reported_as_success(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_settle();
	sim_world->faults.sync_errno = EIO;
	sim_assert_refused(sim_claim_vf("dpdk", "p1", "a"), "");
	sim_assert_refused(sim_release_vf("dpdk", "p0"), "");
	sim_assert_refused(sim_boot(web), "");
	sim_settle();
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\nweb1/net0 idle none\n");
	no_faults();
	sim_stop();
	sim_start();
	sim_assert_rules();
	sim_assert_done(sim_release_vf("dpdk", "p0"));
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
}

static void write_down(void (*put)(struct srv_ledger_txn *txn))
{
	struct srv_ledger_txn *txn = srv_ledger_begin(sim_daemon->ledger);

	put(txn);
	srv_ledger_commit(txn, NULL, NULL);
	sim_settle();
}

static void put_end_of_claim(struct srv_ledger_txn *txn)
{
	const struct srv_owner owner = { SRV_OWNER_MANUAL, (char *)"dpdk", (char *)"dpdk" };

	srv_ledger_delete_nic(txn, &owner, "p0");
}

static void put_vf_of_before(struct srv_ledger_txn *txn)
{
	srv_daemon_put_vf(txn, srv_model_find_vf(sim_daemon->model, "enp1s0/0"));
}

/* On its way out, it is not written down again with a VF that the same claim had before. */
static void claim_that_ends_does_not_come_back_with_a_vf_that_it_had(void **state)
{
	sim_world->faults.write_errno = EIO;
	sim_assert_refused(sim_claim_vf("dpdk", "p0", "a"), "");
	no_faults();
	sim_assert_done(sim_claim_vf("dpdk", "p1", "a"));
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_nics("dpdk/p0 attached vf enp1s0/1\ndpdk/p1 attached vf enp1s0/0\n");
	write_down(put_end_of_claim);
	write_down(put_vf_of_before);
	sim_stop();
	sim_claim_of("dpdk", "p0")->state = SIM_UNCLAIMED;
	sim_start();
	sim_assert_nics("dpdk/p1 attached vf enp1s0/0\n");
	sim_assert_rules();
}

/* FAULTS row 23: libvirtd restarted or stopped */
static void row_23_libvirt_away_for_a_while_at_any_moment(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	struct sim_domain *ends = sim_guest(2, "a", SRV_MODE_EXCLUSIVE);

	sim_assert_done(sim_boot(ends));
	sim_settle();
	/* Between the hook and the attach. */
	sim_assert_done(sim_hook_prepare(web));
	sim_appear(web);
	sim_virt_connect(false);
	sim_hook_started(web);
	sim_vanish(ends);
	sim_hook_release(ends);
	sim_run(60 * 1000);
	assert_false(web->device[0].exists);
	sim_virt_connect(true);
	sim_settle();
	sim_run(150 * 1000);
	sim_settle();
	assert_true(web->device[0].exists);
	assert_true(web->active);
	sim_assert_rules();
}

/* FAULTS row 24: QEMU killed, no release hook */
static void row_24_vf_of_a_killed_guest_is_back_within_one_period(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_vanish(web);
	sim_run(62 * 1000); /* reconcileSeconds, and the scrub */
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* 500 starts at once would need 500 domains: claims stand for them. */
struct crowd {
	unsigned granted, exhausted, other;
};

static void on_answer(const struct srv_nic *nic, const struct sriov_error *error, void *data)
{
	struct crowd *crowd = data;

	crowd->granted += nic != NULL;
	crowd->exhausted += error && error->code == SRIOV_ERROR_EXHAUSTED;
	crowd->other += error && error->code != SRIOV_ERROR_EXHAUSTED;
}

static bool all_answered(void *data)
{
	const struct crowd *crowd = data;

	return crowd->granted + crowd->exhausted + crowd->other == 500;
}

/* FAULTS row 28: 500 claims at once for 7 VFs */
static void row_28_five_hundred_claims_for_seven_vfs(void **state)
{
	struct crowd crowd = { 0 };

	for (unsigned i = 0; i < 500; i++) {
		g_autofree char *id = g_strdup_printf("p%u", i);
		const struct srv_claim_request request = { .owner = "crowd",
							   .network = "a",
							   .id = id };

		srv_claim(sim_daemon, &request, on_answer, &crowd);
	}
	assert_true(sim_run_until(all_answered, &crowd, 10 * 1000));
	assert_int_equal(crowd.granted, 7);
	assert_int_equal(crowd.exhausted, 493);
	sim_assert_counts("enp1s0", "7 owned");
}

/* FAULTS row 28: 500 claims at once for 7 VFs */
#define FORTY 40

static void row_28_forty_starts_at_once_for_seven_vfs(void **state)
{
	unsigned vfs = 0, virtio = 0;

	for (unsigned i = 1; i <= FORTY; i++) {
		struct sim_domain *web = sim_guest(i, "a", SRV_MODE_EXCLUSIVE);
		g_autoptr(GPtrArray) requests = sim_domain_requests(web);

		srv_nic_prepare(sim_daemon, web->uuid, web->name, requests, NULL, sim_ignore, NULL);
	}
	sim_settle();
	for (unsigned i = 0; i < FORTY; i++) {
		sim_appear(&sim_world->domain[i]);
		sim_virt_event(sim_world->domain[i].uuid, SRV_VIRT_STARTED);
	}
	sim_settle();
	for (unsigned i = 0; i < FORTY; i++) {
		vfs += strcmp(sim_world->domain[i].device[0].type, "hostdev") == 0;
		virtio += strcmp(sim_world->domain[i].device[0].type, "direct") == 0;
	}
	assert_int_equal(vfs, 7);
	assert_int_equal(virtio, FORTY - 7);
	sim_assert_rules();
}

/* FAULTS row 29: guest that ignores the unplug request */
static void row_29_guest_that_ignores_the_unplug_keeps_its_vf(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);
	const struct srv_owner owner = { SRV_OWNER_LIBVIRT, web->uuid, web->name };

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_world->faults.deaf_guest = true;
	srv_nic_detach(sim_daemon, srv_model_nic(sim_daemon->model, &owner, "net0"), NULL, NULL);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	assert_says(reason_of("web1", "net0"), "did not let the device go");
	sim_assert_rules();
}

/* FAULTS row 32: two daemons started */
static void row_32_second_daemon_is_refused(void **state)
{
	g_autofree char *config = g_build_filename(sim_root, "config", NULL);
	g_autofree char *ledger = g_build_filename(sim_root, "state", NULL);
	const struct srv_daemon_options options = {
		.root = sim_root, .config_dir = config, .state_dir = ledger, .plugin_dir = sim_root
	};
	struct srv_daemon *second = NULL;
	sriov_autoerror err = NULL;

	assert_int_equal(srv_daemon_new(&options, &second, &err), -EBUSY);
	assert_says(err->message, "the ledger is in use by process");
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_rules();
}

/* Past us: a guest that was given one of our VFs by hand. */
static void vf_held_by_a_strangers_guest_is_not_handed_out(void **state)
{
	struct sim_domain *web = sim_define(1, "stranger");
	struct sim_device *device = &web->device[0];

	*device = (struct sim_device){ .exists = true, .type = "hostdev", .bus = 1, .slot = 2 };
	g_strlcpy(device->alias, "hostdev0", sizeof(device->alias));
	device->mac[0] = 0x52;
	sim_world->pf[0].vf[0].user[0] = 0x52;
	sim_appear(web);
	reconcile();
	sim_assert_counts("enp1s0", "6 free, 1 unusable");
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_nics("dpdk/p0 attached vf enp1s0/1\n");
	/* It leaves while no daemon runs: the VF is not taken for clean. */
	sim_stop();
	sim_vanish(web);
	sim_start();
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_assert_attrs(1, 0, NEUTRAL);
	sim_assert_rules();
}

/* Nor is one that a process has opened since it was scrubbed; the next one gets another. */
static void vf_held_by_a_strangers_process_is_not_handed_out(void **state)
{
	sim_world->pf[0].vf[0].open = true;
	sim_assert_refused(sim_claim_vf("dpdk", "p0", "a"), "somebody past sriovd has it open");
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_nics("dpdk/p0 attached vf enp1s0/1\n");
	sim_assert_attrs(1, 0, NEUTRAL);
	sim_world->pf[0].vf[0].open = false;
	sim_settle();
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_assert_rules();
}

/* Somebody made the VFs anew, or used one, while no daemon ran. */
static void vf_that_changed_while_no_daemon_ran_is_not_taken_for_clean(void **state)
{
	struct sim_vf *vf = &sim_world->pf[0].vf[0];

	sim_stop();
	vf->attrs.mac[0] = 0x02;
	vf->attrs.mac[5] = 0x99;
	vf->user[0] = 0x02;
	sim_start();
	assert_int_equal(vf->resets, 1);
	sim_assert_attrs(1, 0, NEUTRAL);
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* Its owner uses the VF when the same claim is made again. */
static void same_claim_again_sets_nothing(void **state)
{
	uint32_t changes;

	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_settle();
	sim_world->pf[0].vf[0].open = true;
	changes = sim_world->changes;
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	assert_int_equal(sim_world->changes, changes);
	sim_world->pf[0].vf[0].open = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(row_06_disk_full_refuses_claims_and_touches_no_vf),
		sim_test(row_06_disk_full_serves_no_start),
		sim_test(row_06_disk_full_lets_guests_release),
		sim_test(row_07_io_error_is_never_reported_as_success),
		sim_test(claim_that_ends_does_not_come_back_with_a_vf_that_it_had),
		sim_test(row_23_libvirt_away_for_a_while_at_any_moment),
		sim_test(row_24_vf_of_a_killed_guest_is_back_within_one_period),
		sim_test(row_28_five_hundred_claims_for_seven_vfs),
		sim_test(row_28_forty_starts_at_once_for_seven_vfs),
		sim_test(row_29_guest_that_ignores_the_unplug_keeps_its_vf),
		sim_test(row_32_second_daemon_is_refused),
		sim_test(vf_held_by_a_strangers_guest_is_not_handed_out),
		sim_test(vf_held_by_a_strangers_process_is_not_handed_out),
		sim_test(vf_that_changed_while_no_daemon_ran_is_not_taken_for_clean),
		sim_test(same_claim_again_sets_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
