// SPDX-License-Identifier: GPL-2.0-or-later
/* VF attributes as values, and their messages as bytes. */
#include "tests/unit/test.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include <netlink/attr.h>

#include "netlink/link-message.h"
#include "netlink/vf-message.h"
#include "netlink/vf.h"

static const struct snl_vf_attrs tenant = {
	.mask = SNL_VF_ALL,
	.mac = { { 0x52, 0x54, 0, 0xaa, 0, 0x11 } },
	.vlan = 100,
	.qos = 3,
	.vlan_proto = ETH_P_8021AD,
	.min_tx_rate = 10,
	.max_tx_rate = 1000,
	.spoofchk = true,
	.trust = true,
	.link_state = SNL_VF_LINK_ENABLE,
};

static void attrs_diff_each_attribute_alone(void **state)
{
	struct snl_vf_attrs have[9];

	for (size_t i = 0; i < G_N_ELEMENTS(have); i++)
		have[i] = tenant;
	have[0].mac.octet[5]++;
	have[1].vlan++;
	have[2].qos++;
	have[3].vlan_proto = ETH_P_8021Q;
	have[4].min_tx_rate++;
	have[5].max_tx_rate++;
	have[6].spoofchk = false;
	have[7].trust = false;
	have[8].link_state = SNL_VF_LINK_DISABLE;
	assert_int_equal(snl_vf_attrs_diff(&tenant, &tenant), 0);
	for (size_t i = 0; i < G_N_ELEMENTS(have); i++) {
		static const uint32_t want[] = { SNL_VF_MAC,	  SNL_VF_VLAN,	SNL_VF_VLAN,
						 SNL_VF_VLAN,	  SNL_VF_RATE,	SNL_VF_RATE,
						 SNL_VF_SPOOFCHK, SNL_VF_TRUST, SNL_VF_LINK_STATE };

		assert_int_equal(snl_vf_attrs_diff(&tenant, &have[i]), want[i]);
		/* What is not wanted does not differ. */
		have[i].mask = SNL_VF_ALL & ~want[i];
		assert_int_equal(snl_vf_attrs_diff(&have[i], &tenant), 0);
		/* What is wanted and not reported does. */
		assert_int_equal(snl_vf_attrs_diff(&tenant, &have[i]), want[i]);
	}
}

static void attrs_diff_protocol_without_vlan_is_nothing(void **state)
{
	struct snl_vf_attrs want = snl_vf_attrs_neutral(), have = want;

	have.vlan_proto = ETH_P_8021AD;
	assert_int_equal(snl_vf_attrs_diff(&want, &have), 0);
	want.vlan = have.vlan = 1;
	assert_int_equal(snl_vf_attrs_diff(&want, &have), SNL_VF_VLAN);
}

static void attrs_diff_placeholder_stands_for_zero_only(void **state)
{
	struct snl_vf_attrs want = snl_vf_attrs_neutral(), have = want;

	have.mac = snl_vf_placeholder_mac(tenant.mac, 0);
	assert_int_equal(snl_vf_attrs_diff(&want, &have), SNL_VF_MAC);
	have.mac_placeholder = true;
	assert_int_equal(snl_vf_attrs_diff(&want, &have), 0);
	want.mac = tenant.mac;
	assert_int_equal(snl_vf_attrs_diff(&want, &have), SNL_VF_MAC);
}

static void attrs_neutral_is_the_safe_state(void **state)
{
	struct snl_vf_attrs neutral = snl_vf_attrs_neutral();
	g_autofree char *text = snl_vf_attrs_format(&neutral, SNL_VF_ALL);

	assert_string_equal(text, "mac 00:00:00:00:00:00, vlan 0, max rate unlimited, spoofchk on, "
				  "trust off, link state auto");
	assert_int_equal(neutral.mask, SNL_VF_ALL);
	assert_int_equal(neutral.vlan_proto, ETH_P_8021Q);
}

static void attrs_format_only_what_is_asked(void **state)
{
	g_autofree char *all = snl_vf_attrs_format(&tenant, SNL_VF_ALL);
	g_autofree char *one = snl_vf_attrs_format(&tenant, SNL_VF_VLAN);
	g_autofree char *none = snl_vf_attrs_format(&tenant, 0);

	assert_string_equal(all, "mac 52:54:00:aa:00:11, vlan 100 qos 3 proto 802.1ad, min rate 10 "
				 "Mbit/s, max rate 1000 Mbit/s, spoofchk on, trust on, link state "
				 "enable");
	assert_string_equal(one, "vlan 100 qos 3 proto 802.1ad");
	assert_string_equal(none, "");
}

static void attr_name_of_each(void **state)
{
	static const char *const names[] = { "mac",	 "vlan",  "rate",
					     "spoofchk", "trust", "link state" };

	for (uint32_t i = 0; i < G_N_ELEMENTS(names); i++)
		assert_string_equal(snl_vf_attr_name(1u << i), names[i]);
}

static void placeholder_mac_is_stable_local_and_unique(void **state)
{
	const struct sriov_mac pf = { { 0, 0x1b, 0x21, 1, 2, 3 } },
			       next = { { 0, 0x1b, 0x21, 1, 2, 4 } };
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	char text[SRIOV_MAC_STRLEN];

	/* Written down: it must be the same in the next release. */
	assert_string_equal(sriov_mac_format(snl_vf_placeholder_mac(pf, 0), text),
			    "02:b9:fa:ef:95:76");
	/* The two ports of one NIC have neighbouring addresses. */
	for (uint32_t vf = 0; vf < 256; vf++) {
		struct sriov_mac a = snl_vf_placeholder_mac(pf, vf),
				 b = snl_vf_placeholder_mac(next, vf);

		assert_true(sriov_mac_is_valid(a));
		assert_int_equal(a.octet[0], 0x02);
		g_hash_table_add(seen, g_strdup(sriov_mac_format(a, text)));
		g_hash_table_add(seen, g_strdup(sriov_mac_format(b, text)));
	}
	assert_int_equal(g_hash_table_size(seen), 512);
}

static void attrs_order_drops_privileges_first_and_grants_them_last(void **state)
{
	enum snl_vf_attr order[SNL_VF_ATTR_COUNT];
	const enum snl_vf_attr grant[] = { SNL_VF_MAC,	    SNL_VF_VLAN,  SNL_VF_RATE,
					   SNL_VF_SPOOFCHK, SNL_VF_TRUST, SNL_VF_LINK_STATE };
	const enum snl_vf_attr drop[] = { SNL_VF_TRUST, SNL_VF_MAC,	 SNL_VF_VLAN,
					  SNL_VF_RATE,	SNL_VF_SPOOFCHK, SNL_VF_LINK_STATE };
	struct snl_vf_attrs neutral = snl_vf_attrs_neutral();

	assert_int_equal(snl_vf_attrs_order(&tenant, SNL_VF_ALL, order), 6);
	assert_memory_equal(order, grant, sizeof(grant));
	assert_int_equal(snl_vf_attrs_order(&neutral, SNL_VF_ALL, order), 6);
	assert_memory_equal(order, drop, sizeof(drop));
	assert_int_equal(snl_vf_attrs_order(&tenant, SNL_VF_LINK_STATE | SNL_VF_MAC, order), 2);
	assert_int_equal(order[0], SNL_VF_MAC);
	assert_int_equal(order[1], SNL_VF_LINK_STATE);
}

/* The attributes after the two headers, byte by byte, by the structs of
 * include/uapi/linux/if_link.h. */
static void message_set_each_attribute_byte_by_byte(void **state)
{
#define NEST(list, info, kind) list, 0, 0x16, 0x80, info, 0, 1, 0x80, kind, 0
	static const uint8_t mac[] = { NEST(48, 44, 40),
				       1,
				       0, /* IFLA_VF_MAC */
				       5,
				       0,
				       0,
				       0,
				       0x52,
				       0x54,
				       0,
				       0xaa,
				       0,
				       0x11 };
	static const uint8_t vlan[] = { NEST(32, 28, 24),
					12,
					0x80, /* IFLA_VF_VLAN_LIST */
					20,
					0,
					1,
					0, /* IFLA_VF_VLAN_INFO */
					5,
					0,
					0,
					0,
					100,
					0,
					0,
					0,
					3,
					0,
					0,
					0,
					0x88,
					0xa8,
					0,
					0 }; /* the protocol is big-endian */
	static const uint8_t rate[] = {
		NEST(24, 20, 16), 6, 0, 5, 0, 0, 0, 10, 0, 0, 0, 0xe8, 3, 0, 0
	};
	static const uint8_t spoofchk[] = { NEST(20, 16, 12), 4, 0, 5, 0, 0, 0, 1, 0, 0, 0 };
	static const uint8_t trust[] = { NEST(20, 16, 12), 9, 0, 5, 0, 0, 0, 1, 0, 0, 0 };
	static const uint8_t link_state[] = { NEST(20, 16, 12), 5, 0, 5, 0, 0, 0, 1, 0, 0, 0 };
	static const struct {
		const uint8_t *bytes;
		size_t given, len; /* the rest is zero */
	} want[] = { { mac, sizeof(mac), 48 },	   { vlan, sizeof(vlan), 32 },
		     { rate, sizeof(rate), 24 },   { spoofchk, sizeof(spoofchk), 20 },
		     { trust, sizeof(trust), 20 }, { link_state, sizeof(link_state), 20 } };

	for (uint32_t i = 0; i < G_N_ELEMENTS(want); i++) {
		struct nl_msg *msg = snl_vf_message_set(2, 5, 1u << i, &tenant);
		struct nlmsghdr *h = nlmsg_hdr(msg);
		const struct ifinfomsg *info = nlmsg_data(h);
		uint8_t all[64] = { 0 };

		memcpy(all, want[i].bytes, want[i].given);
		assert_int_equal(h->nlmsg_type, RTM_SETLINK);
		assert_int_equal(info->ifi_index, 2);
		assert_int_equal(info->ifi_change, 0);
		assert_int_equal(nlmsg_attrlen(h, sizeof(*info)), want[i].len);
		assert_memory_equal(nlmsg_attrdata(h, sizeof(*info)), all, want[i].len);
		nlmsg_free(msg);
	}
}

/* A message as the kernel sends it; to be filled and freed. */
static struct nl_msg *reply(uint32_t num_vfs)
{
	struct nl_msg *msg = nlmsg_alloc_size(256 * 1024);
	struct ifinfomsg info = { .ifi_index = 2 };

	nlmsg_put(msg, 0, 1, RTM_NEWLINK, 0, 0);
	nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO);
	nla_put_string(msg, IFLA_IFNAME, "enp1s0");
	nla_put_u32(msg, IFLA_NUM_VF, num_vfs);
	return msg;
}

static void put_vf(struct nl_msg *msg, uint32_t vf, size_t mac_size)
{
	struct nlattr *info = nla_nest_start(msg, IFLA_VF_INFO);
	struct ifla_vf_mac mac = { .vf = vf, .mac = { 2, 0, 0, 0, 0, (uint8_t)vf } };

	nla_put(msg, IFLA_VF_MAC, (int)mac_size, &mac);
	nla_nest_end(msg, info);
}

static void assert_malformed(struct nl_msg *msg)
{
	struct snl_vf_report report = { .num_vfs = 99 };

	assert_int_equal(snl_vf_report_parse(nlmsg_hdr(msg), SNL_VF_EVERY, &report), -EBADMSG);
	assert_int_equal(report.num_vfs, 99);
	nlmsg_free(msg);
}

static void report_parse_vf_twice_or_beyond_refused(void **state)
{
	struct nl_msg *twice = reply(2), *beyond = reply(2), *many = reply(65536),
		      *nameless = reply(2);
	struct nlattr *list = nla_nest_start(twice, IFLA_VFINFO_LIST);

	put_vf(twice, 1, sizeof(struct ifla_vf_mac));
	put_vf(twice, 1, sizeof(struct ifla_vf_mac));
	nla_nest_end(twice, list);
	assert_malformed(twice);
	list = nla_nest_start(beyond, IFLA_VFINFO_LIST);
	put_vf(beyond, 2, sizeof(struct ifla_vf_mac));
	nla_nest_end(beyond, list);
	assert_malformed(beyond);
	assert_malformed(many);
	list = nla_nest_start(nameless, IFLA_VFINFO_LIST);
	put_vf(nameless, 0, 3);
	nla_nest_end(nameless, list);
	assert_malformed(nameless);
}

static void report_parse_wrapped_list_is_followed_only_if_it_adds_up(void **state)
{
	for (int wrong = 0; wrong < 2; wrong++) {
		struct nl_msg *msg = reply(3000);
		struct snl_vf_report report;
		size_t at = nlmsg_hdr(msg)->nlmsg_len;
		struct nlattr *list;

		nla_put(msg, IFLA_VFINFO_LIST, 0, NULL);
		for (uint32_t vf = 0; vf < 3000; vf++)
			put_vf(msg, vf, sizeof(struct ifla_vf_mac));
		list = (struct nlattr *)((char *)nlmsg_hdr(msg) + at);
		list->nla_len = (uint16_t)(nlmsg_hdr(msg)->nlmsg_len - at - (size_t)wrong * 4);
		assert_int_equal(snl_vf_report_parse(nlmsg_hdr(msg), SNL_VF_EVERY, &report), 0);
		assert_int_equal(report.num_vfs, 3000);
		assert_int_equal(report.truncated, wrong);
		assert_int_equal(report.vfs[2999].mask, wrong ? 0 : SNL_VF_MAC);
		assert_int_equal(report.vfs[2999].mac.octet[5], wrong ? 0 : 2999 % 256);
		snl_vf_report_clear(&report);
		nlmsg_free(msg);
	}
}

static void report_parse_list_shorter_than_num_vf_is_not_truncated(void **state)
{
	/* The driver left out VF 0: the list is complete nevertheless, and what follows it is
	 * found. */
	struct nl_msg *msg = reply(2);
	struct nlattr *list = nla_nest_start(msg, IFLA_VFINFO_LIST);
	struct snl_vf_report report;

	put_vf(msg, 1, sizeof(struct ifla_vf_mac));
	nla_nest_end(msg, list);
	nla_put(msg, IFLA_PERM_ADDRESS, 6, "\0\1\2\3\4\5");
	assert_int_equal(snl_vf_report_parse(nlmsg_hdr(msg), SNL_VF_EVERY, &report), 0);
	assert_false(report.truncated);
	assert_int_equal(report.vfs[0].mask, 0);
	assert_int_equal(report.vfs[1].mask, SNL_VF_MAC);
	assert_memory_equal(report.pf_mac.octet, "\0\1\2\3\4\5", 6);
	snl_vf_report_clear(&report);
	nlmsg_free(msg);
}

static void report_parse_every_prefix_is_survived(void **state)
{
	struct nl_msg *msg = reply(2);
	struct nlattr *list = nla_nest_start(msg, IFLA_VFINFO_LIST);
	struct nlmsghdr *h = nlmsg_hdr(msg);
	uint32_t whole;

	put_vf(msg, 0, sizeof(struct ifla_vf_mac));
	put_vf(msg, 1, sizeof(struct ifla_vf_mac));
	nla_nest_end(msg, list);
	whole = h->nlmsg_len;
	for (uint32_t len = NLMSG_HDRLEN; len < whole; len++) {
		/* A copy of just that size, so that a sanitizer sees a read beyond it. */
		g_autofree struct nlmsghdr *cut = g_memdup2(h, len);
		struct snl_vf_report report = { 0 };

		cut->nlmsg_len = len;
		if (snl_vf_report_parse(cut, SNL_VF_EVERY, &report) == 0)
			assert_true(!report.listed || report.truncated || report.num_vfs == 0);
		snl_vf_report_clear(&report);
	}
	nlmsg_free(msg);
}

/* What a kernel sent, from a file. */
static struct nlmsghdr *recorded(const char *name)
{
	g_autofree char *relative = g_build_filename("tests/fixtures/netlink", name, NULL);
	g_autofree char *path = TEST_SOURCE(relative);
	char *bytes = NULL;
	gsize len = 0;

	assert_true(g_file_get_contents(path, &bytes, &len, NULL));
	assert_true(nlmsg_ok((struct nlmsghdr *)bytes, (int)len));
	return (struct nlmsghdr *)bytes;
}

static void report_parse_recorded_igb_is_whole(void **state)
{
	g_autofree struct nlmsghdr *h = recorded("igb-7-vfs.bin");
	const struct snl_vf_attrs used = { .mask = SNL_VF_ALL,
					   .mac = { { 0x52, 0x54, 0, 0xaa, 0, 0x11 } },
					   .vlan = 100,
					   .qos = 3,
					   .vlan_proto = ETH_P_8021Q,
					   .max_tx_rate = 500,
					   .spoofchk = true,
					   .trust = true };
	struct snl_vf_attrs neutral = snl_vf_attrs_neutral();
	struct snl_vf_report report;
	struct snl_link link;

	assert_int_equal(snl_vf_report_parse(h, SNL_VF_EVERY, &report), 0);
	assert_string_equal(report.pf, "enp1s0");
	assert_int_equal(report.num_vfs, 7);
	assert_true(report.listed && !report.truncated);
	for (uint32_t vf = 0; vf < 7; vf++)
		assert_int_equal(snl_vf_attrs_diff(vf == 3 ? &used : &neutral, &report.vfs[vf]), 0);
	snl_vf_report_clear(&report);

	/* Only the one asked for. */
	assert_int_equal(snl_vf_report_parse(h, 3, &report), 0);
	for (uint32_t vf = 0; vf < 7; vf++)
		assert_int_equal(report.vfs[vf].mask, vf == 3 ? SNL_VF_ALL : 0);
	snl_vf_report_clear(&report);

	assert_int_equal(snl_link_parse(h, &link), 0);
	assert_string_equal(link.name, "enp1s0");
	assert_string_equal(link.kind, "");
	assert_int_equal(link.num_vfs, 7);
	assert_true(link.admin_up);
}

static void report_parse_recorded_statistics_passed_over(void **state)
{
	g_autofree struct nlmsghdr *h = recorded("netdevsim-2-vfs-stats.bin");
	const struct snl_vf_attrs used = { .mask = SNL_VF_ALL,
					   .mac = { { 0x52, 0x54, 0, 0xaa, 0, 0x11 } },
					   .vlan = 4094,
					   .vlan_proto = ETH_P_8021AD,
					   .min_tx_rate = 10,
					   .max_tx_rate = 500,
					   .spoofchk = true,
					   .trust = true,
					   .link_state = SNL_VF_LINK_DISABLE };
	struct snl_vf_report report;

	assert_int_equal(snl_vf_report_parse(h, SNL_VF_EVERY, &report), 0);
	assert_int_equal(report.num_vfs, 2);
	assert_int_equal(snl_vf_attrs_diff(&used, &report.vfs[1]), 0);
	assert_int_equal(report.vfs[0].mask, SNL_VF_ALL);
	assert_false(report.vfs[0].spoofchk);
	snl_vf_report_clear(&report);
}

/* FAULTS row 13: more VFs than a netlink answer can hold */
static void report_parse_recorded_wrapped_list_is_whole(void **state)
{
	g_autofree struct nlmsghdr *h = recorded("netdevsim-335-vfs.bin");
	struct nlattr *list;
	struct snl_vf_report report;
	struct snl_link link;

	list = nlmsg_find_attr(h, sizeof(struct ifinfomsg), IFLA_VFINFO_LIST);
	assert_int_equal(list->nla_len, 128); /* what others take for the truth */
	assert_int_equal(snl_vf_report_parse(h, SNL_VF_EVERY, &report), 0);
	assert_int_equal(report.num_vfs, 335);
	assert_false(report.truncated);
	for (uint32_t vf = 0; vf < 335; vf++)
		assert_int_equal(report.vfs[vf].mask, SNL_VF_ALL);
	assert_int_equal(report.vfs[334].vlan, 4094);
	snl_vf_report_clear(&report);
	assert_int_equal(snl_link_parse(h, &link), 0);
	assert_string_equal(link.name, "eni1np1");
	assert_int_equal(link.num_vfs, 335);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attrs_diff_each_attribute_alone),
		cmocka_unit_test(attrs_diff_protocol_without_vlan_is_nothing),
		cmocka_unit_test(attrs_diff_placeholder_stands_for_zero_only),
		cmocka_unit_test(attrs_neutral_is_the_safe_state),
		cmocka_unit_test(attrs_format_only_what_is_asked),
		cmocka_unit_test(attr_name_of_each),
		cmocka_unit_test(placeholder_mac_is_stable_local_and_unique),
		cmocka_unit_test(attrs_order_drops_privileges_first_and_grants_them_last),
		cmocka_unit_test(message_set_each_attribute_byte_by_byte),
		cmocka_unit_test(report_parse_vf_twice_or_beyond_refused),
		cmocka_unit_test(report_parse_wrapped_list_is_followed_only_if_it_adds_up),
		cmocka_unit_test(report_parse_list_shorter_than_num_vf_is_not_truncated),
		cmocka_unit_test(report_parse_every_prefix_is_survived),
		cmocka_unit_test(report_parse_recorded_igb_is_whole),
		cmocka_unit_test(report_parse_recorded_statistics_passed_over),
		cmocka_unit_test(report_parse_recorded_wrapped_list_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
