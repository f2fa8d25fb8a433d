// SPDX-License-Identifier: GPL-2.0-or-later
/* snl_vf_get() and snl_vf_set() against drivers that misbehave as real ones do. */
#include "tests/unit/test.h"

#include <sched.h>

#include "tests/unit/fake-rtnl.h"

static const struct sriov_mac mac_a = { { 0x52, 0x54, 0, 0xaa, 0, 0x11 } };
static const struct sriov_mac perm = { { 0, 0x1b, 0x21, 1, 2, 3 } };

static struct snl_vf_attrs tenant(void)
{
	return (struct snl_vf_attrs){ .mask = SNL_VF_ALL,
				      .mac = mac_a,
				      .vlan = 100,
				      .qos = 3,
				      .vlan_proto = ETH_P_8021Q,
				      .max_tx_rate = 1000,
				      .spoofchk = true,
				      .trust = true,
				      .link_state = SNL_VF_LINK_ENABLE };
}

static void assert_vf(const struct fake_vf *have, const struct fake_vf *want)
{
	assert_memory_equal(have->mac.octet, want->mac.octet, 6);
	assert_int_equal(have->vlan, want->vlan);
	assert_int_equal(have->qos, want->qos);
	assert_int_equal(have->min, want->min);
	assert_int_equal(have->max, want->max);
	assert_int_equal(have->spoofchk, want->spoofchk);
	assert_int_equal(have->trust, want->trust);
	assert_int_equal(have->link_state, want->link_state);
}

/* A VF that differs from tenant() and from neutral in everything. */
static struct fake_vf used(void)
{
	return (struct fake_vf){ .mac = { { 2, 2, 2, 2, 2, 2 } },
				 .vlan = 7,
				 .proto = ETH_P_8021Q,
				 .max = 55,
				 .spoofchk = 0,
				 .trust = 0,
				 .link_state = SNL_VF_LINK_DISABLE };
}

static void assert_fails(struct snl *nl, const struct snl_vf_attrs *want, uint32_t *supported,
			 enum sriov_error_code code, int errnum, const char *message)
{
	sriov_autoerror err = NULL;

	assert_int_equal(snl_vf_set(nl, FAKE_IFINDEX, 0, want, supported, &err), -errnum);
	assert_non_null(err);
	assert_string_equal(err->message, message);
	assert_int_equal(err->code, code);
	assert_int_equal(err->err, errnum);
}

static void vf_set_all_applied_in_one_send_and_order(void **state)
{
	struct fake_vf done = { .mac = mac_a,
				.vlan = 100,
				.qos = 3,
				.max = 1000,
				.spoofchk = 1,
				.trust = 1,
				.link_state = SNL_VF_LINK_ENABLE };
	struct snl_vf_attrs want = tenant();
	sriov_autoerror err = NULL;
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 2);

	assert_ok(snl_vf_set(nl, FAKE_IFINDEX, 0, &want, NULL, &err), err);
	assert_vf(&fake.vf[0], &done);
	assert_int_equal(fake.sends, 1);
	assert_string_equal(fake.log->str, "mac vlan rate spoofchk trust link state");
	/* The neighbour was not touched. */
	assert_vf(&fake.vf[1], &(struct fake_vf){ .spoofchk = 1 });

	/* Back: the privilege goes first. */
	g_string_truncate(fake.log, 0);
	want = snl_vf_attrs_neutral();
	assert_ok(snl_vf_set(nl, FAKE_IFINDEX, 0, &want, NULL, &err), err);
	assert_string_equal(fake.log->str, "trust mac vlan rate spoofchk link state");
	assert_vf(&fake.vf[0], &(struct fake_vf){ .spoofchk = 1 });
	fake_stop(&fake, nl);
}

/* FAULTS row 10: netlink refuses one attribute of several */
static void vf_set_unsupported_rolled_back_and_named(void **state)
{
	struct snl_vf_attrs want = tenant();
	struct fake_vf before = used();
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	fake.vf[0] = before;
	fake.quirk[fake_bit(SNL_VF_RATE)] = (struct fake_quirk){ .err = EOPNOTSUPP,
								 .words = "use \033devlink\n" };
	assert_fails(
		nl, &want, NULL, SRIOV_ERROR_NOT_SUPPORTED, EOPNOTSUPP,
		"cannot set max rate 1000 Mbit/s: Operation not supported (the kernel says: use  "
		"devlink); the VF is as it was");
	/* Those after the failing one had been applied too. */
	assert_vf(&fake.vf[0], &before);
	assert_string_equal(fake.log->str, "mac vlan rate spoofchk trust link state "
					   "trust mac vlan spoofchk link state");
	fake_stop(&fake, nl);
}

static void vf_set_partly_done_failure_undone(void **state)
{
	struct snl_vf_attrs want = tenant();
	struct fake_vf before = used();
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	fake.vf[0] = before;
	fake.quirk[fake_bit(SNL_VF_VLAN)] =
		(struct fake_quirk){ .err = EIO, .err_times = 1, .apply_failing = true };
	assert_fails(nl, &want, NULL, SRIOV_ERROR_DEVICE, EIO,
		     "cannot set vlan 100 qos 3: Input/output error; the VF is as it was");
	assert_vf(&fake.vf[0], &before);
	fake_stop(&fake, nl);
}

static void vf_set_rollback_failing_is_said(void **state)
{
	struct snl_vf_attrs want = tenant();
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	/* Does what it refuses, and refuses to undo it. */
	fake.vf[0] = used();
	fake.quirk[fake_bit(SNL_VF_MAC)] = (struct fake_quirk){ .err = EBUSY,
								.apply_failing = true };
	want.mask = SNL_VF_MAC | SNL_VF_VLAN;
	assert_fails(nl, &want, NULL, SRIOV_ERROR_DEVICE, EBUSY,
		     "cannot set mac 52:54:00:aa:00:11: Device or resource busy; and rolling back "
		     "failed: cannot set back mac: Device or resource busy");
	assert_int_equal(fake.vf[0].vlan, used().vlan);
	fake_stop(&fake, nl);
}

static void vf_set_ignored_by_driver_is_device_error(void **state)
{
	struct snl_vf_attrs want = tenant();
	struct fake_vf before = used();
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	fake.vf[0] = before;
	fake.quirk[fake_bit(SNL_VF_LINK_STATE)].ignore = true;
	assert_fails(
		nl, &want, NULL, SRIOV_ERROR_DEVICE, EIO,
		"the driver accepted link state enable, but the VF has link state disable; the VF "
		"is as it was");
	assert_vf(&fake.vf[0], &before);
	fake_stop(&fake, nl);
}

static void vf_set_neutral_unsupported_skipped_and_told(void **state)
{
	struct snl_vf_attrs want = tenant();
	struct fake_vf done = {
		.mac = mac_a, .vlan = 100, .qos = 3, .max = 1000, .spoofchk = 1, .trust = UINT32_MAX
	};
	uint32_t supported = 0;
	sriov_autoerror err = NULL;
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	fake.vf[0].trust = UINT32_MAX;
	want.trust = false;
	want.link_state = SNL_VF_LINK_AUTO;
	fake.quirk[fake_bit(SNL_VF_TRUST)].err = 524; /* ENOTSUPP, as bnxt leaks it */
	fake.quirk[fake_bit(SNL_VF_LINK_STATE)].err = EOPNOTSUPP;
	assert_ok(snl_vf_set(nl, FAKE_IFINDEX, 0, &want, &supported, &err), err);
	assert_int_equal(supported, SNL_VF_MAC | SNL_VF_VLAN | SNL_VF_RATE | SNL_VF_SPOOFCHK);
	assert_vf(&fake.vf[0], &done);

	/* Without asking what is supported, the same is a failure. */
	assert_fails(nl, &want, NULL, SRIOV_ERROR_NOT_SUPPORTED, 524,
		     "cannot set trust off: Operation not supported; the VF is as it was");
	fake_stop(&fake, nl);
}

static void vf_set_unsupported_but_not_neutral_fails(void **state)
{
	struct snl_vf_attrs want = tenant();
	uint32_t supported = 99;
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	fake.quirk[fake_bit(SNL_VF_LINK_STATE)].err = EOPNOTSUPP;
	assert_fails(nl, &want, &supported, SRIOV_ERROR_NOT_SUPPORTED, EOPNOTSUPP,
		     "cannot set link state enable: Operation not supported; the VF is as it was");
	assert_int_equal(supported, 99);

	/* Neutral, but the kernel reports something else that cannot be taken away. */
	want.link_state = SNL_VF_LINK_AUTO;
	fake.vf[0].link_state = SNL_VF_LINK_DISABLE;
	assert_fails(nl, &want, &supported, SRIOV_ERROR_NOT_SUPPORTED, EOPNOTSUPP,
		     "cannot set link state auto: Operation not supported; the VF is as it was");
	fake_stop(&fake, nl);
}

static void vf_set_rate_without_link_stands_if_equal(void **state)
{
	struct snl_vf_attrs want = snl_vf_attrs_neutral();
	uint32_t supported = 0;
	sriov_autoerror err = NULL;
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	fake.quirk[fake_bit(SNL_VF_RATE)].err = EINVAL; /* igb while the PF has no link */
	assert_ok(snl_vf_set(nl, FAKE_IFINDEX, 0, &want, &supported, &err), err);
	assert_int_equal(supported, SNL_VF_ALL);

	fake.vf[0].max = 500;
	assert_fails(
		nl, &want, &supported, SRIOV_ERROR_INVALID, EINVAL,
		"cannot set max rate unlimited: Invalid argument: drivers refuse a rate while the "
		"PF has no link, above the link's speed, or a min rate that they cannot keep; the "
		"VF is as it was");
	assert_int_equal(fake.vf[0].max, 500);
	fake_stop(&fake, nl);
}

static void vf_set_zero_mac_refused_takes_placeholder(void **state)
{
	struct snl_vf_attrs want = snl_vf_attrs_neutral(), have;
	struct fake_vf done = { .mac = snl_vf_placeholder_mac(perm, 0), .spoofchk = 1 };
	sriov_autoerror err = NULL;
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	fake.vf[0] = used();
	fake.refuse_zero_mac = true;
	assert_ok(snl_vf_set(nl, FAKE_IFINDEX, 0, &want, NULL, &err), err);
	assert_vf(&fake.vf[0], &done);

	assert_ok(snl_vf_get(nl, FAKE_IFINDEX, 0, &have, &err), err);
	assert_true(have.mac_placeholder);
	assert_int_equal(snl_vf_attrs_diff(&want, &have), 0);
	/* Exactly that one: another VF's is not it. */
	fake.vf[0].mac = snl_vf_placeholder_mac(perm, 1);
	assert_ok(snl_vf_get(nl, FAKE_IFINDEX, 0, &have, &err), err);
	assert_int_equal(snl_vf_attrs_diff(&want, &have), SNL_VF_MAC);
	fake_stop(&fake, nl);
}

static void vf_set_spoofchk_without_mac_refused_takes_placeholder(void **state)
{
	struct snl_vf_attrs want = snl_vf_attrs_neutral();
	struct fake_vf done = { .mac = snl_vf_placeholder_mac(perm, 0), .spoofchk = 1 };
	sriov_autoerror err = NULL;
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	fake.vf[0] = used();
	fake.spoofchk_needs_mac = true;
	assert_ok(snl_vf_set(nl, FAKE_IFINDEX, 0, &want, NULL, &err), err);
	assert_vf(&fake.vf[0], &done);
	fake_stop(&fake, nl);
}

static void vf_set_zero_mac_kept_by_driver_takes_placeholder(void **state)
{
	struct snl_vf_attrs want = snl_vf_attrs_neutral();
	struct sriov_mac placeholder = snl_vf_placeholder_mac(perm, 0);
	sriov_autoerror err = NULL;
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	fake.vf[0] = used();
	fake.keep_mac_on_zero = true;
	assert_ok(snl_vf_set(nl, FAKE_IFINDEX, 0, &want, NULL, &err), err);
	assert_memory_equal(fake.vf[0].mac.octet, placeholder.octet, 6);
	fake_stop(&fake, nl);
}

static void vf_set_again_is_tried_again(void **state)
{
	struct snl_vf_attrs want = tenant();
	sriov_autoerror err = NULL;
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	fake.quirk[fake_bit(SNL_VF_SPOOFCHK)] = (struct fake_quirk){ .err = EAGAIN,
								     .err_times = 3 };
	assert_ok(snl_vf_set(nl, FAKE_IFINDEX, 0, &want, NULL, &err), err);
	assert_int_equal(fake.vf[0].spoofchk, 1);
	assert_string_equal(fake.log->str,
			    "mac vlan rate spoofchk trust link state spoofchk spoofchk spoofchk");
	fake_stop(&fake, nl);
}

static void vf_set_again_for_ever_is_busy(void **state)
{
	struct snl_vf_attrs want = tenant();
	struct fake_vf before = used();
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	fake.vf[0] = before;
	fake.quirk[fake_bit(SNL_VF_SPOOFCHK)].err = EAGAIN;
	assert_fails(
		nl, &want, NULL, SRIOV_ERROR_BUSY, EAGAIN,
		"cannot set spoofchk on: Resource temporarily unavailable: the VF or its PF is in "
		"reset; the VF is as it was");
	assert_vf(&fake.vf[0], &before);
	fake_stop(&fake, nl);
}

static void vf_set_unreported_cannot_be_rolled_back_and_is_said(void **state)
{
	struct snl_vf_attrs want = tenant();
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	fake.vf[0] = used();
	fake.vf[0].trust = UINT32_MAX;
	fake.quirk[fake_bit(SNL_VF_MAC)].err = EINVAL;
	assert_fails(nl, &want, NULL, SRIOV_ERROR_DEVICE, EINVAL,
		     "cannot set mac 52:54:00:aa:00:11: Invalid argument; and rolling back failed: "
		     "trust on stays, for the driver did not tell what was there before");
	fake_stop(&fake, nl);
}

static void vf_set_out_of_range_refused_before_sending(void **state)
{
	static const struct {
		struct snl_vf_attrs want;
		const char *message;
	} cases[] = {
		{ { .mask = SNL_VF_VLAN, .vlan = 4095, .vlan_proto = ETH_P_8021Q },
		  "vlan 4095 is not in the range 0 to 4094" },
		{ { .mask = SNL_VF_VLAN, .vlan = 1, .qos = 8, .vlan_proto = ETH_P_8021Q },
		  "qos 8 is not in the range 0 to 7" },
		{ { .mask = SNL_VF_VLAN, .qos = 3, .vlan_proto = ETH_P_8021Q },
		  "qos 3 needs a vlan: without a tag there is no priority" },
		{ { .mask = SNL_VF_VLAN, .vlan = 1, .vlan_proto = 0x0800 },
		  "0x0800 is not a vlan protocol: it is 0x8100 (802.1Q) or 0x88a8 (802.1ad)" },
		{ { .mask = SNL_VF_RATE, .min_tx_rate = 20, .max_tx_rate = 10 },
		  "the min rate of 20 Mbit/s is above the max rate of 10 Mbit/s" },
		{ { .mask = SNL_VF_RATE, .max_tx_rate = UINT32_MAX },
		  "a rate is at most 2147483647 Mbit/s" },
		{ { .mask = SNL_VF_MAC, .mac = { { 1, 0, 0x5e, 0, 0, 1 } } },
		  "01:00:5e:00:00:01 is a multicast address, which no VF can have" },
		{ { .mask = SNL_VF_LINK_STATE, .link_state = 3 },
		  "link state 3 is not auto (0), enable (1) or disable (2)" },
		{ { .mask = 1 << 6 }, "0x40 names VF attributes that do not exist" },
	};
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_fails(nl, &cases[i].want, NULL, SRIOV_ERROR_INVALID, EINVAL,
			     cases[i].message);
	assert_int_equal(fake.sends, 0);
	fake_stop(&fake, nl);
}

static void vf_set_min_rate_without_max_is_valid(void **state)
{
	struct snl_vf_attrs want = { .mask = SNL_VF_RATE, .min_tx_rate = 10 };
	sriov_autoerror err = NULL;
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	assert_ok(snl_vf_set(nl, FAKE_IFINDEX, 0, &want, NULL, &err), err);
	assert_int_equal(fake.vf[0].min, 10);
	fake_stop(&fake, nl);
}

static void vf_set_of_no_such_vf_is_not_found(void **state)
{
	struct snl_vf_attrs want = tenant();
	sriov_autoerror err = NULL;
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 2);

	assert_int_equal(snl_vf_set(nl, FAKE_IFINDEX, 2, &want, NULL, &err), -ENOENT);
	assert_int_equal(err->code, SRIOV_ERROR_NOT_FOUND);
	assert_string_equal(err->subject, "enp1s0/2");
	assert_string_equal(err->message, "there is no such VF: enp1s0 has 0 to 1");
	sriov_error_clear(&err);
	assert_int_equal(snl_vf_set(nl, 99, 0, &want, NULL, &err), -ENODEV);
	assert_int_equal(err->code, SRIOV_ERROR_NOT_FOUND);
	assert_int_equal(fake.sends, 0);
	fake_stop(&fake, nl);
}

static void vf_set_pf_vanishing_is_not_found(void **state)
{
	struct snl_vf_attrs want = tenant();
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	fake.gone_after_set = true;
	assert_fails(nl, &want, NULL, SRIOV_ERROR_NOT_FOUND, ENODEV,
		     "cannot set vlan 100 qos 3: No such device; and the VF is gone");
	fake_stop(&fake, nl);
}

static void vf_set_lost_ack_times_out_and_socket_is_replaced(void **state)
{
	struct snl_vf_attrs want = tenant();
	sriov_autoerror err = NULL;
	struct snl_link lo = { 0 };
	struct fake_rtnl fake;
	struct snl *nl;

	/* The new socket must not meet a link of this machine. */
	if (unshare(CLONE_NEWNET) < 0)
		skip_because("no right to make a network namespace: %s", g_strerror(errno));
	nl = fake_start(&fake, 1);
	fake.mute = true;
	nl->timeout_ms = 50;
	assert_int_equal(snl_vf_set(nl, FAKE_IFINDEX, 0, &want, NULL, &err), -ETIMEDOUT);
	/* The roll-back asked the real kernel over a new socket; the fake's late acks meet nobody.
	 */
	assert_false(nl->stale);
	assert_non_null(nl->sock);
	sriov_error_clear(&err);
	assert_ok(snl_link_get(nl, "lo", &lo, &err), err);
	assert_int_equal(lo.ifindex, 1);
	fake_stop(&fake, nl);
}

static void vf_get_left_out_vf_is_waited_for(void **state)
{
	struct snl_vf_attrs have;
	sriov_autoerror err = NULL;
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 2);

	fake.leave_out = 3;
	fake.vf[0].vlan = 9;
	assert_ok(snl_vf_get(nl, FAKE_IFINDEX, 0, &have, &err), err);
	assert_int_equal(have.vlan, 9);
	assert_int_equal(fake.leave_out, 0);
	fake.leave_out = INT32_MAX;
	assert_int_equal(snl_vf_get(nl, FAKE_IFINDEX, 0, &have, &err), -EAGAIN);
	assert_int_equal(err->code, SRIOV_ERROR_BUSY);
	/* Its neighbour is there all the same. */
	sriov_error_clear(&err);
	assert_ok(snl_vf_get(nl, FAKE_IFINDEX, 1, &have, &err), err);
	fake_stop(&fake, nl);
}

static void vf_get_driver_without_list_is_not_supported(void **state)
{
	struct snl_vf_attrs have, *all = NULL;
	sriov_autoerror err = NULL;
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 2);
	size_t n = 77;

	fake.no_list = true;
	assert_int_equal(snl_vf_get(nl, FAKE_IFINDEX, 0, &have, &err), -EOPNOTSUPP);
	assert_int_equal(err->code, SRIOV_ERROR_NOT_SUPPORTED);
	sriov_error_clear(&err);
	assert_int_equal(snl_vf_get_all(nl, FAKE_IFINDEX, &all, &n, &err), -EOPNOTSUPP);
	assert_null(all);
	assert_int_equal(n, 77);
	fake_stop(&fake, nl);
}

/* FAULTS row 13: more VFs than a netlink answer can hold */
static void vf_get_all_of_wrapped_list_is_whole(void **state)
{
	/* 196 bytes each: 335 do not fit 16 bits any more; 700 wrap twice. */
	static const uint32_t counts[] = { 0, 1, 333, 334, 335, 336, 500, 668, 669, 700, 2000 };

	for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
		g_autofree struct snl_vf_attrs *all = NULL;
		sriov_autoerror err = NULL;
		struct fake_rtnl fake;
		struct snl_link link;
		struct snl *nl;
		size_t n = 77;

		if (counts[i] > 700 && geteuid() != 0)
			skip_because("needs root, to send as much as %u VFs at once", counts[i]);
		nl = fake_start(&fake, counts[i]);
		for (uint32_t vf = 0; vf < counts[i]; vf++)
			fake.vf[vf].vlan = vf;
		assert_ok(snl_vf_get_all(nl, FAKE_IFINDEX, &all, &n, &err), err);
		assert_int_equal(n, counts[i]);
		for (uint32_t vf = 0; vf < counts[i]; vf++) {
			assert_int_equal(all[vf].vlan, (uint16_t)vf);
			assert_int_equal(all[vf].mask, SNL_VF_ALL);
		}
		/* What stands behind the list is found as well. */
		assert_ok(snl_link_get_index(nl, FAKE_IFINDEX, &link, &err), err);
		assert_string_equal(link.alias, "after the list");
		assert_int_equal(link.num_vfs, counts[i]);
		fake_stop(&fake, nl);
	}
}

/* FAULTS row 13: more VFs than a netlink answer can hold */
static void vf_get_all_of_cut_list_is_limit(void **state)
{
	struct snl_vf_attrs have, want = snl_vf_attrs_neutral(), *all = NULL;
	sriov_autoerror err = NULL;
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 400);
	size_t n = 77;

	fake.cut = 1;
	assert_int_equal(snl_vf_get_all(nl, FAKE_IFINDEX, &all, &n, &err), -EMSGSIZE);
	assert_int_equal(err->code, SRIOV_ERROR_LIMIT);
	assert_null(all);
	assert_int_equal(n, 77);
	sriov_error_clear(&err);
	assert_int_equal(snl_vf_get(nl, FAKE_IFINDEX, 399, &have, &err), -EMSGSIZE);
	assert_int_equal(err->code, SRIOV_ERROR_LIMIT);
	sriov_error_clear(&err);
	assert_int_equal(snl_vf_set(nl, FAKE_IFINDEX, 399, &want, NULL, &err), -EMSGSIZE);
	assert_int_equal(fake.sends, 0);
	fake_stop(&fake, nl);
}

static void vf_get_unreported_is_not_in_the_mask(void **state)
{
	struct snl_vf_attrs have;
	sriov_autoerror err = NULL;
	struct fake_rtnl fake;
	struct snl *nl = fake_start(&fake, 1);

	fake.vf[0].trust = UINT32_MAX;
	fake.vf[0].spoofchk = UINT32_MAX;
	assert_ok(snl_vf_get(nl, FAKE_IFINDEX, 0, &have, &err), err);
	assert_int_equal(have.mask, SNL_VF_ALL & ~(SNL_VF_TRUST | SNL_VF_SPOOFCHK));
	assert_int_equal(have.vlan_proto, ETH_P_8021Q); /* 0, as mlx5 reports it */
	fake_stop(&fake, nl);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vf_set_all_applied_in_one_send_and_order),
		cmocka_unit_test(vf_set_unsupported_rolled_back_and_named),
		cmocka_unit_test(vf_set_partly_done_failure_undone),
		cmocka_unit_test(vf_set_rollback_failing_is_said),
		cmocka_unit_test(vf_set_ignored_by_driver_is_device_error),
		cmocka_unit_test(vf_set_neutral_unsupported_skipped_and_told),
		cmocka_unit_test(vf_set_unsupported_but_not_neutral_fails),
		cmocka_unit_test(vf_set_rate_without_link_stands_if_equal),
		cmocka_unit_test(vf_set_zero_mac_refused_takes_placeholder),
		cmocka_unit_test(vf_set_spoofchk_without_mac_refused_takes_placeholder),
		cmocka_unit_test(vf_set_zero_mac_kept_by_driver_takes_placeholder),
		cmocka_unit_test(vf_set_again_is_tried_again),
		cmocka_unit_test(vf_set_again_for_ever_is_busy),
		cmocka_unit_test(vf_set_unreported_cannot_be_rolled_back_and_is_said),
		cmocka_unit_test(vf_set_out_of_range_refused_before_sending),
		cmocka_unit_test(vf_set_min_rate_without_max_is_valid),
		cmocka_unit_test(vf_set_of_no_such_vf_is_not_found),
		cmocka_unit_test(vf_set_pf_vanishing_is_not_found),
		cmocka_unit_test(vf_set_lost_ack_times_out_and_socket_is_replaced),
		cmocka_unit_test(vf_get_left_out_vf_is_waited_for),
		cmocka_unit_test(vf_get_driver_without_list_is_not_supported),
		cmocka_unit_test(vf_get_all_of_wrapped_list_is_whole),
		cmocka_unit_test(vf_get_all_of_cut_list_is_limit),
		cmocka_unit_test(vf_get_unreported_is_not_in_the_mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
