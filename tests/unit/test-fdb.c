// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>

#include "netlink/fdb-message.h"
#include "netlink/fdb.h"
#include "netlink/socket.h"
#include "tests/unit/netns.h"

#include <netlink/attr.h>

static const struct sriov_mac mac_a = { { 0x52, 0x54, 0, 0xaa, 0, 0x11 } };
static const struct sriov_mac mac_b = { { 0x52, 0x54, 0, 0xaa, 0, 0x12 } };

/* The entries of a link are exactly these, in any order. */
static void assert_fdb(struct snl *nl, uint32_t ifindex, const struct sriov_mac *macs, size_t n)
{
	g_autoptr(GArray) list = NULL;
	sriov_autoerror err = NULL;

	assert_ok(snl_fdb_list(nl, ifindex, &list, &err), err);
	assert_int_equal(list->len, n);
	for (size_t i = 0; i < n; i++) {
		bool found = false;

		for (guint j = 0; j < list->len; j++)
			found |= sriov_mac_equal(macs[i], g_array_index(list, struct sriov_mac, j));
		assert_true(found);
	}
}

static void fdb_add_and_del_are_idempotent(void **state)
{
	const struct sriov_mac both[] = { mac_a, mac_b };
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	uint32_t a = netns_add_veth("va", "vb"), b = if_nametoindex("vb");

	assert_fdb(nl, a, NULL, 0);
	assert_ok(snl_fdb_add(nl, a, mac_a, &err), err);
	assert_ok(snl_fdb_add(nl, a, mac_b, &err), err);
	assert_ok(snl_fdb_add(nl, a, mac_b, &err), err);
	assert_fdb(nl, a, both, 2);
	assert_fdb(nl, b, NULL, 0);
	assert_ok(snl_fdb_del(nl, a, mac_b, &err), err);
	assert_ok(snl_fdb_del(nl, a, mac_b, &err), err);
	assert_fdb(nl, a, both, 1);
}

static void fdb_list_of_a_bridge_port_is_the_ports_own(void **state)
{
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	uint32_t port = netns_add_veth("va", "vb");

	/* The bridge has entries of its own for the port, among them the port's address. */
	netns_enslave(port, netns_add_kind("bridge", "br0"));
	assert_ok(snl_fdb_add(nl, port, mac_a, &err), err);
	assert_fdb(nl, port, &mac_a, 1);
}

static void fdb_list_of_many_is_whole(void **state)
{
	struct sriov_mac macs[600];
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	uint32_t a = netns_add_veth("va", "vb");

	for (size_t i = 0; i < G_N_ELEMENTS(macs); i++) {
		macs[i] = (struct sriov_mac){ { 2, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i } };
		assert_ok(snl_fdb_add(nl, a, macs[i], &err), err);
	}
	assert_fdb(nl, a, macs, G_N_ELEMENTS(macs));
}

static void fdb_bad_address_or_link_refused(void **state)
{
	static const struct sriov_mac bad[] = { { { 1, 0, 0x5e, 0, 0, 1 } }, { { 0 } } };
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	uint32_t a = netns_add_veth("va", "vb");
	GArray *list = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		assert_int_equal(snl_fdb_add(nl, a, bad[i], &err), -EINVAL);
		assert_int_equal(err->code, SRIOV_ERROR_INVALID);
		sriov_error_clear(&err);
	}
	assert_int_equal(snl_fdb_add(nl, 99, mac_a, &err), -ENODEV);
	assert_int_equal(err->code, SRIOV_ERROR_NOT_FOUND);
	assert_string_equal(err->message,
			    "cannot add forwarding entry 52:54:00:aa:00:11: No such device "
			    "(the kernel says: unknown ifindex)");
	sriov_error_clear(&err);
	assert_int_equal(snl_fdb_del(nl, 99, mac_a, &err), -ENODEV);
	sriov_error_clear(&err);
	assert_int_equal(snl_fdb_list(nl, 99, &list, &err), -ENODEV);
	assert_null(list);
	sriov_error_clear(&err);
	/* The loopback is no Ethernet device. */
	assert_int_equal(snl_fdb_add(nl, 1, mac_a, &err), -EINVAL);
	assert_string_equal(err->subject, "lo");
}

static struct nl_msg *entry(int type, int family, int flags, const void *lladdr, int len)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, 0);
	struct ndmsg body = { .ndm_family = (uint8_t)family,
			      .ndm_ifindex = 5,
			      .ndm_flags = (uint8_t)flags };

	nlmsg_append(msg, &body, sizeof(body), NLMSG_ALIGNTO);
	if (lladdr)
		nla_put(msg, NDA_LLADDR, len, lladdr);
	return msg;
}

static void fdb_parse_takes_only_own_unicast_entries(void **state)
{
	const struct sriov_mac multicast = { { 0x33, 0x33, 0, 0, 0, 1 } };
	const struct {
		struct nl_msg *msg;
		int r;
	} cases[] = {
		{ entry(RTM_NEWNEIGH, AF_BRIDGE, NTF_SELF, &mac_a, 6), 1 },
		{ entry(RTM_NEWNEIGH, AF_BRIDGE, NTF_MASTER, &mac_a, 6), 0 },
		{ entry(RTM_NEWNEIGH, AF_INET, NTF_SELF, &mac_a, 6), 0 },
		{ entry(RTM_DELNEIGH, AF_BRIDGE, NTF_SELF, &mac_a, 6), 0 },
		{ entry(RTM_NEWNEIGH, AF_BRIDGE, NTF_SELF, &multicast, 6), 0 },
		{ entry(RTM_NEWNEIGH, AF_BRIDGE, NTF_SELF, &mac_a, 5), 0 },
		{ entry(RTM_NEWNEIGH, AF_BRIDGE, NTF_SELF, NULL, 0), 0 },
		{ nlmsg_alloc_simple(RTM_NEWNEIGH, 0), -EBADMSG },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct snl_fdb_row row = { 0 };

		assert_int_equal(snl_fdb_parse(nlmsg_hdr(cases[i].msg), &row), cases[i].r);
		assert_int_equal(row.ifindex, cases[i].r == 1 ? 5 : 0);
		assert_int_equal(sriov_mac_equal(row.mac, mac_a), cases[i].r == 1);
		nlmsg_free(cases[i].msg);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fdb_add_and_del_are_idempotent),
		cmocka_unit_test(fdb_list_of_a_bridge_port_is_the_ports_own),
		cmocka_unit_test(fdb_list_of_many_is_whole),
		cmocka_unit_test(fdb_bad_address_or_link_refused),
		cmocka_unit_test(fdb_parse_takes_only_own_unicast_entries),
	};

	return cmocka_run_group_tests(tests, NULL, netns_leave);
}
