// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <string.h>

#include "netlink/fdb.h"
#include "netlink/socket.h"
#include "netlink/uplink.h"
#include "srv/sriovd/steer.h"
#include "tests/unit/netns.h"

#include <netlink/route/neighbour.h>

static const struct sriov_mac mac_a = { { 0x52, 0x54, 0, 0xaa, 0, 0x11 } };

static void want_follows_the_guest(void **state)
{
	assert_int_equal(srv_steer_want(false, false, false), SRV_STEER_VIRTIO);
	/* Vectors of somebody who has the VF now, and is not this guest. */
	assert_int_equal(srv_steer_want(false, true, false), SRV_STEER_VIRTIO);
	assert_int_equal(srv_steer_want(true, false, false), SRV_STEER_VIRTIO);
	assert_int_equal(srv_steer_want(true, false, true), SRV_STEER_VIRTIO);
	assert_int_equal(srv_steer_want(true, true, true), SRV_STEER_BOTH);
	assert_int_equal(srv_steer_want(true, true, false), SRV_STEER_VF);
}

static void parked_mac_is_local_unicast_and_another(void **state)
{
	const struct sriov_mac own[] = { mac_a, { { 0xfe, 1, 2, 3, 4, 5 } } };

	for (size_t i = 0; i < 2; i++) {
		struct sriov_mac parked = srv_steer_parked_mac(own[i]);

		assert_true(sriov_mac_is_valid(parked));
		assert_true(parked.octet[0] & 2);
		assert_false(sriov_mac_equal(parked, own[i]));
		assert_memory_equal(parked.octet + 1, own[i].octet + 1, 5);
	}
}

static void uplink_names_there_and_back(void **state)
{
	static const char *const others[] = { "enp1s0",	   ".100",	 "enp1s0.",    "enp1s0.0",
					      "enp1s0.1x", "enp1s0.007", "enp1s0.4095" };
	g_autofree char *plain = snl_uplink_name("enp1s0", 0);
	g_autofree char *tagged = snl_uplink_name("enp1s0", 100);
	uint16_t vlan = 0;
	g_autofree char *parent = snl_uplink_split("enp1s0.100", &vlan);

	assert_string_equal(plain, "enp1s0");
	assert_string_equal(tagged, "enp1s0.100");
	assert_string_equal(parent, "enp1s0");
	assert_int_equal(vlan, 100);
	assert_null(snl_uplink_name("enp193s0f1np1", 100));
	for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
		assert_null(snl_uplink_split(others[i], &vlan));
}

/* The mode of a macvtap, which netlink/link.h does not read. */
static uint32_t mode_of(uint32_t ifindex)
{
	struct nl_sock *sock = netns_socket();
	struct rtnl_link *link = NULL;
	uint32_t mode;

	assert_int_equal(rtnl_link_get_kernel(sock, (int)ifindex, NULL, &link), 0);
	mode = rtnl_link_macvtap_get_mode(link);
	rtnl_link_put(link);
	nl_socket_free(sock);
	return mode;
}

static void assert_macvtap(struct snl *nl, uint32_t ifindex, const char *mode, struct sriov_mac mac)
{
	sriov_autoerror err = NULL;
	struct snl_link link;

	assert_ok(snl_link_get_index(nl, ifindex, &link, &err), err);
	assert_memory_equal(link.mac.octet, mac.octet, 6);
	assert_int_equal(mode_of(ifindex), rtnl_link_macvtap_str2mode(mode));
	assert_true(link.admin_up);
}

static bool filter_has(struct snl *nl, uint32_t ifindex, struct sriov_mac mac)
{
	g_autoptr(GArray) macs = NULL;
	sriov_autoerror err = NULL;
	bool has = false;

	assert_ok(snl_fdb_list(nl, ifindex, &macs, &err), err);
	for (guint i = 0; i < macs->len; i++)
		has |= sriov_mac_equal(g_array_index(macs, struct sriov_mac, i), mac);
	return has;
}

static void apply_macvtap_and_its_parents_filter(void **state)
{
	struct snl *nl = netns_enter();
	uint32_t parent = netns_add_veth("va", "vb");
	uint32_t tap = netns_add_macvtap("tap0", parent, mac_a);
	struct srv_steer_port port = { .tap = "tap0", .mac = mac_a };
	struct sriov_mac parked = srv_steer_parked_mac(mac_a);
	sriov_autoerror err = NULL;

	assert_ok(snl_link_set_up(nl, parent, true, &err), err);
	assert_ok(snl_link_set_up(nl, tap, true, &err), err);
	assert_true(filter_has(nl, parent, mac_a));
	for (int round = 0; round < 2; round++) {
		/* Twice each: doing it again changes nothing. */
		for (int i = 0; i < 2; i++)
			assert_ok(srv_steer_apply(&port, SRV_STEER_VF, &err), err);
		assert_macvtap(nl, tap, "bridge", parked);
		assert_false(filter_has(nl, parent, mac_a));
		for (int i = 0; i < 2; i++)
			assert_ok(srv_steer_apply(&port, SRV_STEER_BOTH, &err), err);
		assert_macvtap(nl, tap, "vepa", mac_a);
		assert_true(filter_has(nl, parent, mac_a));
		assert_ok(srv_steer_apply(&port, SRV_STEER_VIRTIO, &err), err);
		assert_macvtap(nl, tap, "bridge", mac_a);
		assert_true(filter_has(nl, parent, mac_a));
		assert_false(filter_has(nl, parent, parked));
	}
}

static void apply_missing_or_strange_tap_is_an_error(void **state)
{
	struct snl *nl = netns_enter();
	struct srv_steer_port port = { .tap = "tap0", .mac = mac_a };
	sriov_autoerror gone = NULL;
	sriov_autoerror taken = NULL;
	sriov_autoerror err = NULL;
	uint32_t parent = netns_add_veth("va", "vb");
	uint32_t tap, other;

	assert_int_equal(srv_steer_apply(&port, SRV_STEER_VF, &gone), -ENODEV);
	assert_int_equal(gone->code, SRIOV_ERROR_NOT_FOUND);
	/* The address that it would be parked with is another's: it stays as it was. */
	tap = netns_add_macvtap("tap0", parent, mac_a);
	other = netns_add_macvtap("tap1", parent, srv_steer_parked_mac(mac_a));
	assert_ok(snl_link_set_up(nl, parent, true, &err), err);
	assert_ok(snl_link_set_up(nl, tap, true, &err), err);
	assert_ok(snl_link_set_up(nl, other, true, &err), err);
	assert_true(srv_steer_apply(&port, SRV_STEER_VF, &taken) < 0);
	assert_macvtap(nl, tap, "bridge", mac_a);
}

/* Where the bridge sends frames to mac: the ifindex of a port, or 0. */
static uint32_t bridge_sends_to(struct sriov_mac mac)
{
	struct nl_sock *sock = netns_socket();
	struct nl_cache *cache = NULL;
	uint32_t port = 0;

	assert_int_equal(rtnl_neigh_alloc_cache_flags(sock, &cache, NL_CACHE_AF_ITER), 0);
	for (struct nl_object *at = nl_cache_get_first(cache); at; at = nl_cache_get_next(at)) {
		struct rtnl_neigh *neigh = (struct rtnl_neigh *)at;
		const struct nl_addr *addr = rtnl_neigh_get_lladdr(neigh);

		if (rtnl_neigh_get_family(neigh) == AF_BRIDGE && addr &&
		    nl_addr_get_len(addr) == 6 &&
		    memcmp(nl_addr_get_binary_addr(addr), mac.octet, 6) == 0 &&
		    rtnl_neigh_get_state(neigh) == NUD_NOARP)
			port = (uint32_t)rtnl_neigh_get_ifindex(neigh);
	}
	nl_cache_free(cache);
	nl_socket_free(sock);
	return port;
}

static void apply_bridge_moves_filter_and_table(void **state)
{
	struct snl *nl = netns_enter();
	uint32_t pf = netns_add_veth("pf", "wire"), tap = netns_add_veth("tap0", "guest");
	uint32_t bridge = netns_add_kind("bridge", "br0");
	g_autoptr(GArray) pfs = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	struct srv_steer_port port = { .tap = "tap0", .mac = mac_a, .pfs = pfs };
	sriov_autoerror err = NULL;

	g_array_append_val(pfs, pf);
	netns_enslave(pf, bridge);
	netns_enslave(tap, bridge);
	for (int round = 0; round < 2; round++) {
		assert_ok(srv_steer_apply(&port, SRV_STEER_VIRTIO, &err), err);
		assert_true(filter_has(nl, pf, mac_a));
		assert_int_equal(bridge_sends_to(mac_a), 0);
		assert_ok(srv_steer_apply(&port, SRV_STEER_VF, &err), err);
		assert_false(filter_has(nl, pf, mac_a));
		assert_int_equal(bridge_sends_to(mac_a), pf);
		assert_ok(srv_steer_apply(&port, SRV_STEER_BOTH, &err), err);
		assert_true(filter_has(nl, pf, mac_a));
		assert_int_equal(bridge_sends_to(mac_a), 0);
	}
}

static void assert_differs(const char *name, uint16_t vlan, uint16_t proto, const char *expected)
{
	g_autofree char *text = snl_uplink_differs(name, vlan, proto);

	assert_non_null(text);
	assert_string_equal(text, expected);
}

static void ensure_vlan_link_made_once(void **state)
{
	struct snl *nl = netns_enter();
	sriov_autoerror err = NULL;
	sriov_autoerror missing = NULL;
	struct snl_link link;

	assert_int_equal(snl_uplink_ensure("va.100", 0x8100, &missing), -ENODEV);
	netns_add_veth("va", "vb");
	assert_ok(snl_uplink_ensure("va", 0x8100, &err), err);
	if (snl_uplink_ensure("va.100", 0x8100, &err) == -EOPNOTSUPP) {
		sriov_error_clear(&err);
		sriov_error_clear(&missing);
		skip_because("this kernel has no links of kind vlan");
	}
	assert_ok(err ? -err->err : 0, err);
	assert_ok(snl_uplink_ensure("va.100", 0x8100, &err), err);
	assert_ok(snl_link_get(nl, "va.100", &link, &err), err);
	assert_int_equal(link.vlan, 100);
	assert_true(link.admin_up);
	assert_null(snl_uplink_differs("va.100", 100, 0x8100));
	assert_null(snl_uplink_differs("va", 0, 0x8100));
	assert_null(snl_uplink_differs("vc", 100, 0x8100));
	assert_differs("va.100", 200, 0x8100,
		       "va.100, in VLAN 100 (802.1Q), not in VLAN 200 (802.1Q)");
	assert_differs("va.100", 100, 0x88a8,
		       "va.100, in VLAN 100 (802.1Q), not in VLAN 100 (802.1ad)");
	assert_differs("va.100", 0, 0x8100, "va.100, in VLAN 100, not in none");
	assert_differs("va", 100, 0x8100, "va, which has no VLAN, not 100");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(want_follows_the_guest),
		cmocka_unit_test(parked_mac_is_local_unicast_and_another),
		cmocka_unit_test(uplink_names_there_and_back),
		cmocka_unit_test(apply_macvtap_and_its_parents_filter),
		cmocka_unit_test(apply_missing_or_strange_tap_is_an_error),
		cmocka_unit_test(apply_bridge_moves_filter_and_table),
		cmocka_unit_test(ensure_vlan_link_made_once),
	};

	return cmocka_run_group_tests(tests, NULL, netns_leave);
}
