// SPDX-License-Identifier: GPL-2.0-or-later
/* Rows of FAULTS.md on the simulated host; each test says its row. */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "netlink/vf.h"
#include "srv/sriovd/claim.h"
#include "srv/sriovd/decide.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"
#include "tests/sim/netlink.h"
#include "tests/unit/sim-assert.h"

#define NEUTRAL "00:00:00:00:00:00 vlan 0 qos 0 rate 0-0 spoofchk"

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

static void no_faults(void)
{
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
}

static const char *reason_of(const char *owner, const char *id)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of(sim_daemon->model, owner);

	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];

		if (g_str_equal(nic->row.id, id))
			return nic->row.reason ? nic->row.reason : "";
	}
	return "(no such nic)";
}

static void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static void reconcile(void)
{
	srv_reconcile(sim_daemon);
	sim_settle();
}

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

#define sim_test_with(name, how) cmocka_unit_test_setup_teardown(name, how, sim_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(row_06_disk_full_refuses_claims_and_touches_no_vf),
		sim_test(row_06_disk_full_serves_no_start),
		sim_test(row_06_disk_full_lets_guests_release),
		sim_test(row_07_io_error_is_never_reported_as_success),
		sim_test(claim_that_ends_does_not_come_back_with_a_vf_that_it_had),
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
		sim_test(row_23_libvirt_away_for_a_while_at_any_moment),
		sim_test(row_24_vf_of_a_killed_guest_is_back_within_one_period),
		sim_test(row_28_five_hundred_claims_for_seven_vfs),
		sim_test(row_28_forty_starts_at_once_for_seven_vfs),
		sim_test(row_29_guest_that_ignores_the_unplug_keeps_its_vf),
		sim_test(row_32_second_daemon_is_refused),
		sim_test(row_35_renamed_pf_is_followed_by_its_address),
		sim_test_with(row_35_uplinks_follow_a_pf_that_is_renamed, set_up_to_be_renamed),
		sim_test(vf_held_by_a_strangers_guest_is_not_handed_out),
		sim_test(vf_held_by_a_strangers_process_is_not_handed_out),
		sim_test(vf_that_changed_while_no_daemon_ran_is_not_taken_for_clean),
		sim_test(same_claim_again_sets_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
