// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rows of FAULTS.md on the simulated host: what PFs, VFs and their drivers do to us. Each test says
 * its row. For the rest see test-sim-faults-software.c.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "netlink/vf.h"
#include "srv/sriovd/decide.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/nic.h"
#include "tests/sim/netlink.h"
#include "tests/unit/sim-faults.h"

static int bit_of(enum snl_vf_attr attr)
{
	return __builtin_ctz(attr);
}

static void refuse_attribute(enum snl_vf_attr attr, int errnum, const char *words)
{
	int bit = bit_of(attr);

	sim_world->faults.attr[bit].err = errnum;
	sim_world->faults.attr[bit].times = 1; /* then the driver has come to its senses */
	g_strlcpy(sim_world->faults.attr[bit].words, words,
		  sizeof(sim_world->faults.attr[bit].words));
}

static void fail_file(const char *file, int errnum, uint8_t function)
{
	g_strlcpy(sim_world->faults.fail_file, file, sizeof(sim_world->faults.fail_file));
	sim_world->faults.fail_errno = errnum;
	sim_world->faults.fail_function = (uint8_t)(function + 1);
}

/* FAULTS row 10: netlink refuses one attribute of several */
static void row_10_refused_attribute_is_rolled_back_and_named(void **state)
{
	static const struct {
		enum snl_vf_attr attr;
		int errnum;
		const char *name;
	} cases[] = { { SNL_VF_VLAN, EOPNOTSUPP, "vlan" },
		      { SNL_VF_MAC, EBUSY, "mac" },
		      { SNL_VF_RATE, EPERM, "rate" } };

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct sim_domain *web = sim_guest((unsigned)i + 1, "a", SRV_MODE_EXCLUSIVE);

		refuse_attribute(cases[i].attr, cases[i].errnum, "the driver's own words");
		sim_assert_done(sim_boot(web));
		sim_run(30 * 1000);
		no_faults();
		reconcile();
		assert_says(reason_of(web->name, "net0"), cases[i].name);
		assert_says(reason_of(web->name, "net0"), "the driver's own words");
		assert_string_equal(web->device[0].type, "direct");
		sim_assert_counts("enp1s0", "7 free");
		sim_assert_attrs(1, 0, NEUTRAL);
		sim_assert_rules();
	}
}

/* FAULTS row 10: netlink refuses one attribute of several */
static void row_10_guest_that_requires_a_vf_is_without_and_told_why(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	refuse_attribute(SNL_VF_VLAN, EOPNOTSUPP, "no VLAN here");
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_assert_nics("web1/net0 failed none\n");
	assert_says(reason_of("web1", "net0"), "no VLAN here");
	no_faults();
	reconcile();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

/* FAULTS row 11: lost netlink events */
static void row_11_lost_events_lead_to_a_full_resync(void **state)
{
	struct sim_link *pf = sim_link_by_name("enp1s0");

	pf->carrier = false;
	sim_show_link(pf);
	sim_settle();
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a")); /* nothing told us */
	sim_link_overrun();
	sim_settle();
	sim_assert_refused(sim_claim_vf("dpdk", "p1", "a"), "link down");
	sim_assert_rules();
}

/* FAULTS row 12: PF down while configuring */
static void row_12_pf_that_is_down_is_an_error_and_no_silent_no_op(void **state)
{
	struct sim_link *pf = sim_link_by_name("enp1s0");

	pf->up = false; /* in the very moment: nobody has been told */
	sim_assert_refused(sim_claim_vf("dpdk", "p0", "a"), "is down");
	sim_show_link(pf);
	sim_link_event(pf->ifindex);
	sim_settle();
	sim_assert_nics("");
	pf->up = true;
	sim_show_link(pf);
	sim_link_event(pf->ifindex);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_rules();
}

static int set_up_limited(void **state)
{
	sim_new(SIM_CONFIG_ONE_PF);
	sim_world->faults.vf_limit = 3;
	sim_start();
	return 0;
}

/* FAULTS row 14: sriov_numvfs refused, or fewer VFs than asked */
static void row_14_fewer_vfs_than_asked_are_accepted(void **state)
{
	sim_assert_counts("enp1s0", "3 free");
	for (unsigned i = 1; i <= 4; i++)
		sim_assert_done(sim_boot(sim_guest(i, "a", SRV_MODE_EXCLUSIVE)));
	sim_settle();
	sim_assert_counts("enp1s0", "3 owned");
	sim_assert_rules();
}

static int set_up_refusing(void **state)
{
	sim_new(SIM_CONFIG_ONE_PF);
	g_strlcpy(sim_world->faults.fail_file, "sriov_numvfs", sizeof(sim_world->faults.fail_file));
	sim_world->faults.fail_errno = ENOMEM;
	sim_start();
	return 0;
}

/* FAULTS row 14: sriov_numvfs refused, or fewer VFs than asked */
static void row_14_refused_sriov_numvfs_is_reported(void **state)
{
	const struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp1s0");

	assert_int_equal(pf->state, SRV_PF_FAILED);
	assert_says(pf->reason, "no room for the VFs' BARs");
	sim_assert_refused(sim_claim_vf("dpdk", "p0", "a"), "it is failed");
	sim_assert_rules();
}

/* FAULTS row 15: somebody else writes sriov_numvfs=0 */
static void row_15_vfs_that_somebody_destroys_are_made_again(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	sim_assert_done(sim_boot(web));
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_settle();
	sim_destroy_vfs(1);
	srv_host_refresh(sim_daemon);
	sim_settle();
	reconcile();
	sim_assert_counts("enp1s0", "5 free, 2 owned");
	sim_assert_nics("dpdk/p0 attached vf enp1s0/1\nweb1/net0 attached vf enp1s0/0\n");
	assert_true(web->device[0].exists);
	sim_assert_rules();
}

/* FAULTS row 16: PF driver unbound and bound again */
static void row_16_driver_unbound_and_bound_again(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_unbind_pf(1);
	sim_link_event(7);
	sim_settle();
	assert_int_not_equal(srv_model_find_pf(sim_daemon->model, "0000:01:00.0")->state,
			     SRV_PF_READY);
	sim_bind_pf(1, "eth5", 70);
	sim_link_event(70);
	sim_settle();
	/* The pool knows it by its old name only. */
	assert_int_equal(srv_model_find_pf(sim_daemon->model, "eth5")->state, SRV_PF_UNMANAGED);
	sim_unbind_pf(1);
	sim_link_event(70);
	sim_settle();
	sim_bind_pf(1, "enp1s0", 71);
	sim_link_event(71);
	sim_settle();
	reconcile();
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	assert_true(web->device[0].exists);
	sim_assert_rules();
}

/* FAULTS row 17: PF unplugged and plugged back */
static void row_17_pf_unplugged_and_plugged_back(void **state)
{
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_settle();
	sim_unplug_pf(1);
	sim_link_event(7);
	sim_settle();
	assert_int_equal(srv_model_find_pf(sim_daemon->model, "0000:01:00.0")->state, SRV_PF_GONE);
	sim_assert_nics("dpdk/p0 attached vf 0000:01:00.0/0\n");
	sim_assert_refused(sim_claim_vf("dpdk", "p1", "a"), "none of the host's PFs is in it");
	sim_plug_pf(1);
	sim_link_event(7);
	sim_settle();
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\n");
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_assert_rules();
}

/* FAULTS row 18: link of a PF down, up, flapping */
static void row_18_no_new_claims_on_a_pf_without_link(void **state)
{
	struct sim_link *pf = sim_link_by_name("enp1s0");

	pf->carrier = false;
	sim_show_link(pf);
	sim_link_event(pf->ifindex);
	sim_settle();
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_nics("dpdk/p0 attached vf enp2s0/0\n");
	sim_link_by_name("enp2s0")->carrier = false;
	sim_show_link(sim_link_by_name("enp2s0"));
	sim_link_event(8);
	sim_settle();
	sim_assert_refused(sim_claim_vf("dpdk", "p1", "a"), "link down");
	sim_assert_rules();
}

/* FAULTS row 19: a VF that does not survive its error */
static void row_19_vf_that_cannot_be_reset_is_quarantined(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);
	const struct srv_vf *vf;
	const char *reason;

	sim_assert_done(sim_boot(web));
	sim_settle();
	fail_file("reset", ENOTTY, 0);
	sim_shut_down(web);
	sim_settle();
	sim_assert_counts("enp1s0", "6 free, 1 quarantined");
	vf = srv_model_find_vf(sim_daemon->model, "enp1s0/0");
	assert_int_equal(srv_vf_state(vf, &reason), SRV_VF_STATE_QUARANTINED);
	assert_says(reason, "no reset method worked");
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/1\n");
	/* It is remembered. */
	sim_stop();
	sim_start();
	sim_assert_counts("enp1s0", "5 free, 1 owned, 1 quarantined");
	sim_assert_rules();
}

/* FAULTS row 19: a VF that does not survive its error */
static void row_19_quarantined_vf_does_not_hear_its_owners_frames(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	sim_assert_done(sim_boot(web));
	sim_settle();
	g_strlcpy(sim_world->faults.fail_file, "reset", sizeof(sim_world->faults.fail_file));
	sim_world->faults.fail_errno = ENOTTY;
	sim_world->faults.fail_function = 1;
	sim_shut_down(web);
	sim_settle();
	sim_assert_counts("enp1s0", "6 free, 1 quarantined");
	no_faults();
	/* With the same MAC, on another VF. */
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/1\n");
	assert_true(sim_attrs_are_neutral(&sim_pf_by_bus(1)->vf[0].attrs));
	sim_assert_rules();
}

/* Nor does one of which the driver did not take one of the neutral values: the MAC is another one.
 */
static void row_10_vf_whose_scrub_is_refused_does_not_hear_its_owners_frames(void **state)
{
	const struct sim_attrs *attrs = &sim_pf_by_bus(1)->vf[0].attrs;
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_world->faults.attr[1].err = EBUSY; /* SNL_VF_VLAN */
	sim_shut_down(web);
	sim_settle();
	sim_assert_counts("enp1s0", "6 free, 1 quarantined");
	assert_int_equal(attrs->vlan, 100);
	assert_true(sim_mac_is_zero(attrs->mac));
	assert_int_equal(attrs->max, 0);
	no_faults();
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/1\n");
	sim_assert_rules();
}

/* Whatever a pool says by then. */
static void assert_scrubbed_though_unmanaged(const char *config, const char *counts)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	const struct sim_vf *vf = sim_pf_by_bus(1)->vf;

	sim_assert_done(sim_boot(web));
	sim_settle();
	assert_false(sim_attrs_are_neutral(&vf[0].attrs));
	sim_configure(config);
	srv_daemon_reload(sim_daemon, NULL, NULL);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_shut_down(web);
	sim_settle();
	assert_true(sim_attrs_are_neutral(&vf[0].attrs));
	assert_true(sim_mac_is_zero(vf[0].user));
	sim_assert_counts("enp1s0", counts);
	sim_assert_rules();
}

static void vf_that_is_in_no_pool_any_more_is_scrubbed_after_its_owner(void **state)
{
	assert_scrubbed_though_unmanaged(
		"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0#3-6\"]},"
		"\"numVfs\":7}],\"networks\":[{\"name\":\"a\",\"pool\":\"fast\",\"vlan\":100}]}",
		"4 free, 3 unmanaged");
}

static void vf_of_a_pf_that_is_in_no_pool_any_more_is_scrubbed_after_its_owner(void **state)
{
	assert_scrubbed_though_unmanaged(
		"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp2s0\"]}}],"
		"\"networks\":[{\"name\":\"a\",\"pool\":\"fast\",\"vlan\":100}]}",
		"7 unmanaged");
}

/* One that kept even the MAC loses it before its owner gets another VF, or he gets none. */
static void row_10_vf_that_kept_its_owners_mac_loses_it_before_he_gets_another(void **state)
{
	const struct sim_vf *vf = sim_pf_by_bus(1)->vf;
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	uint8_t mac[6];

	sim_assert_done(sim_boot(web));
	sim_settle();
	memcpy(mac, vf[0].attrs.mac, sizeof(mac));
	sim_world->faults.attr[0].err = EBUSY; /* SNL_VF_MAC */
	sim_shut_down(web);
	sim_settle();
	sim_assert_counts("enp1s0", "6 free, 1 quarantined");
	assert_memory_equal(vf[0].attrs.mac, mac, sizeof(mac));
	sim_world->faults.attr[0].times = 1; /* refused once more */
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	assert_says(reason_of(web->uuid, "net0"), "VF 0, which nobody has, has the same MAC still");
	sim_shut_down(web);
	sim_settle();
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/1\n");
	assert_true(sim_mac_is_zero(vf[0].attrs.mac));
	sim_assert_rules();
}

static bool is_stuck(void *name)
{
	return srv_model_find_pf(sim_daemon->model, name)->state == SRV_PF_STUCK;
}

/* One that hang_file says. */
static void hang_in_a_scrub(const char *where)
{
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	g_strlcpy(sim_world->faults.hang_file, where, sizeof(sim_world->faults.hang_file));
	sim_assert_done(sim_release_vf("dpdk", "p0"));
	sim_assert_done(sim_claim_vf("dpdk", "p1", "a"));
	sim_assert_done(sim_claim_vf("dpdk", "p2", "a"));
	assert_true(sim_run_until(is_stuck, (void *)"enp1s0", 60 * 1000));
	assert_int_equal(srv_model_find_pf(sim_daemon->model, "enp2s0")->state, SRV_PF_READY);
	sim_assert_done(sim_claim_vf("dpdk", "p3", "a"));
	sim_assert_rules();
	no_faults();
	sim_settle();
	/* The killed child came out of the kernel. */
	assert_int_equal(srv_model_find_pf(sim_daemon->model, "enp1s0")->state, SRV_PF_READY);
	sim_assert_done(sim_release_vf("dpdk", NULL));
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_counts("enp2s0", "7 free");
	sim_assert_rules();
}

/* FAULTS row 20: a driver call that never returns */
static void row_20_reset_that_never_returns_costs_its_pf_only(void **state)
{
	hang_in_a_scrub("reset");
}

/* FAULTS row 20: nor does the start of the program that was to make it */
static void row_20_helper_that_cannot_be_read_costs_its_pf_only(void **state)
{
	hang_in_a_scrub(SIM_EXEC);
}

static int set_up_without_vfio(void **state)
{
	sim_new(SIM_CONFIG_ONE_PF);
	g_strlcpy(sim_world->faults.refuses, "vfio-pci", sizeof(sim_world->faults.refuses));
	sim_start();
	return 0;
}

/* FAULTS row 21: vfio-pci missing, or bind fails */
static void row_21_bind_that_fails_leads_to_the_fallback(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	sim_assert_counts("enp1s0", "7 unusable");
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	assert_says(reason_of("web1", "net0"), "not bound to vfio-pci");
	sim_assert_refused(sim_boot(sim_guest(2, "a", SRV_MODE_REQUIRED)), "not bound to vfio-pci");
	no_faults();
	srv_host_refresh(sim_daemon);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* FAULTS row 35: PF renamed, moved to another namespace */
static void row_35_renamed_pf_is_followed_by_its_address(void **state)
{
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_settle();
	sim_configure("{\"pools\":[{\"name\":\"fast\",\"select\":{\"rootDevices\":"
		      "[\"0000:01:00.0\"]},\"numVfs\":7}],\"networks\":["
		      "{\"name\":\"a\",\"pool\":\"fast\",\"vlan\":100,\"maxTxRate\":1000}]}");
	srv_daemon_reload(sim_daemon, NULL, NULL);
	sim_settle();
	sim_rename_pf(1, "lan0");
	sim_link_event(7);
	sim_settle();
	sim_assert_nics("dpdk/p0 attached vf lan0/0\n");
	sim_assert_counts("lan0", "6 free, 1 owned");
	sim_assert_done(sim_claim_vf("dpdk", "p1", "a"));
	sim_assert_rules();
}

#define CONFIG_OF_RENAMED                                                                 \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"rootDevices\":[\"0000:01:00.0\"]}," \
	"\"numVfs\":1}],\"networks\":[{\"name\":\"a\",\"pool\":\"fast\",\"vlan\":100},"   \
	"{\"name\":\"plain\",\"pool\":\"fast\"}]}"

static int set_up_to_be_renamed(void **state)
{
	sim_new(CONFIG_OF_RENAMED);
	sim_start();
	return 0;
}

static bool stands_on(unsigned guest, const char *pf)
{
	g_autofree char *owner = g_strdup_printf("web%u", guest);
	g_autoptr(GPtrArray) nics = srv_model_nics_of(sim_daemon->model, owner);

	return srv_nic_stands_on(nics->pdata[0], srv_model_find_pf(sim_daemon->model, pf));
}

/* FAULTS row 35: what stands on a PF that is renamed does so by its new name. */
static void row_35_uplinks_follow_a_pf_that_is_renamed(void **state)
{
	struct sim_domain *web = sim_guest(3, "plain", SRV_MODE_EXCLUSIVE);

	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_EXCLUSIVE)));
	sim_assert_done(sim_boot(sim_guest(2, "plain", SRV_MODE_EXCLUSIVE)));
	sim_settle();
	/* This one was promised the PF by its old name, and gets it by the new one. */
	sim_assert_done(sim_hook_prepare(web));
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\nweb1/net0 attached virtio enp1s0.100\n"
			"web2/net0 attached virtio enp1s0\nweb3/net0 reserved virtio enp1s0\n");
	sim_rename_pf(1, "lan0");
	sim_link_event(7);
	sim_run(1000);
	sim_appear(web);
	sim_hook_started(web);
	sim_settle();
	sim_assert_nics("dpdk/p0 attached vf lan0/0\nweb1/net0 attached virtio enp1s0.100\n"
			"web2/net0 attached virtio lan0\nweb3/net0 attached virtio lan0\n");
	assert_true(stands_on(1, "lan0") && stands_on(2, "lan0") && stands_on(3, "lan0"));
	sim_assert_rules();
	/* It is in the ledger. */
	sim_stop();
	sim_start();
	assert_true(stands_on(2, "lan0") && stands_on(3, "lan0"));
	sim_assert_rules();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(row_10_refused_attribute_is_rolled_back_and_named),
		sim_test(row_10_guest_that_requires_a_vf_is_without_and_told_why),
		sim_test(row_11_lost_events_lead_to_a_full_resync),
		sim_test(row_12_pf_that_is_down_is_an_error_and_no_silent_no_op),
		sim_test_with(row_14_fewer_vfs_than_asked_are_accepted, set_up_limited),
		sim_test_with(row_14_refused_sriov_numvfs_is_reported, set_up_refusing),
		sim_test(row_15_vfs_that_somebody_destroys_are_made_again),
		sim_test(row_16_driver_unbound_and_bound_again),
		sim_test(row_17_pf_unplugged_and_plugged_back),
		sim_test_two(row_18_no_new_claims_on_a_pf_without_link),
		sim_test(row_19_vf_that_cannot_be_reset_is_quarantined),
		sim_test(row_19_quarantined_vf_does_not_hear_its_owners_frames),
		sim_test(row_10_vf_whose_scrub_is_refused_does_not_hear_its_owners_frames),
		sim_test(vf_that_is_in_no_pool_any_more_is_scrubbed_after_its_owner),
		sim_test(vf_of_a_pf_that_is_in_no_pool_any_more_is_scrubbed_after_its_owner),
		sim_test(row_10_vf_that_kept_its_owners_mac_loses_it_before_he_gets_another),
		sim_test_two(row_20_reset_that_never_returns_costs_its_pf_only),
		sim_test_two(row_20_helper_that_cannot_be_read_costs_its_pf_only),
		sim_test_with(row_21_bind_that_fails_leads_to_the_fallback, set_up_without_vfio),
		sim_test(row_35_renamed_pf_is_followed_by_its_address),
		sim_test_with(row_35_uplinks_follow_a_pf_that_is_renamed, set_up_to_be_renamed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
