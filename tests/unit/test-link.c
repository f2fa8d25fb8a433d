// SPDX-License-Identifier: GPL-2.0-or-later
/* Links of a real kernel, in a network namespace of the test's own. */
#include "tests/unit/test.h"

#include <linux/if_ether.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "netlink/link-internal.h"
#include "netlink/link-message.h"
#include "netlink/link.h"
#include "netlink/socket.h"
#include "tests/unit/netns.h"

#include <netlink/attr.h>
#include <netlink/route/link/vlan.h>

static const struct sriov_mac mac_a = { { 0x52, 0x54, 0, 0xaa, 0, 0x11 } };
static const struct sriov_mac mac_b = { { 0x52, 0x54, 0, 0xaa, 0, 0x12 } };

static void assert_link_equal(const struct snl_link *a, const struct snl_link *b)
{
	assert_int_equal(a->ifindex, b->ifindex);
	assert_string_equal(a->name, b->name);
	assert_string_equal(a->kind, b->kind);
	assert_string_equal(a->alias, b->alias);
	assert_int_equal(a->parent, b->parent);
	assert_int_equal(a->master, b->master);
	assert_int_equal(a->vlan, b->vlan);
	assert_int_equal(a->vlan_proto, b->vlan_proto);
	assert_int_equal(a->num_vfs, b->num_vfs);
	assert_int_equal(a->mtu, b->mtu);
	assert_memory_equal(&a->mac, &b->mac, sizeof(a->mac));
	assert_int_equal(a->admin_up, b->admin_up);
	assert_int_equal(a->carrier, b->carrier);
}

static void link_get_loopback_is_whole(void **state)
{
	const struct snl_link lo = { .ifindex = 1, .name = "lo", .mtu = 65536 };
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	struct snl_link link;

	assert_ok(snl_link_get(nl, "lo", &link, &err), err);
	assert_link_equal(&link, &lo);
	assert_ok(snl_link_get_index(nl, 1, &link, &err), err);
	assert_link_equal(&link, &lo);
}

static void link_get_missing_is_not_found(void **state)
{
	static const char *const names[] = { "nosuch", "a name of more than fifteen characters",
					     "" };
	struct snl *nl = netns_enter();
	struct snl_link link = { .ifindex = 77 };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		sriov_autoerror err = NULL;

		assert_int_equal(snl_link_get(nl, names[i], &link, &err), -ENODEV);
		assert_int_equal(err->code, SRIOV_ERROR_NOT_FOUND);
		assert_string_equal(err->subject, names[i]);
	}
	for (uint32_t index = 0; index < 100; index += 99) {
		sriov_autoerror err = NULL;

		assert_int_equal(snl_link_get_index(nl, index, &link, &err), -ENODEV);
		assert_int_equal(err->code, SRIOV_ERROR_NOT_FOUND);
	}
	assert_int_equal(link.ifindex, 77);
	/* The socket goes on after errors. */
	assert_int_equal(snl_link_get(nl, "lo", &link, NULL), 0);
}

static void link_set_up_and_down_changes_flags_and_carrier(void **state)
{
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	uint32_t a = netns_add_veth("va", "vb"), b = if_nametoindex("vb");
	struct snl_link link;

	assert_ok(snl_link_get_index(nl, a, &link, &err), err);
	assert_string_equal(link.kind, "veth");
	assert_int_equal(link.parent, b);
	assert_int_equal(link.mtu, 1500);
	assert_false(link.admin_up);
	assert_ok(snl_link_set_up(nl, a, true, &err), err);
	assert_ok(snl_link_get_index(nl, a, &link, &err), err);
	assert_true(link.admin_up);
	assert_false(link.carrier);
	assert_ok(snl_link_set_up(nl, b, true, &err), err);
	assert_ok(snl_link_get_index(nl, a, &link, &err), err);
	assert_true(link.carrier);
	assert_ok(snl_link_set_up(nl, a, false, &err), err);
	assert_ok(snl_link_get_index(nl, a, &link, &err), err);
	assert_false(link.admin_up);
	assert_int_equal(snl_link_set_up(nl, 99, true, &err), -ENODEV);
	assert_int_equal(err->code, SRIOV_ERROR_NOT_FOUND);
}

static void link_set_mac_changes_it_and_refuses_a_multicast_one(void **state)
{
	const struct sriov_mac mac = { { 0x52, 0x54, 0, 0xaa, 0, 0x11 } };
	const struct sriov_mac multicast = { { 0x53, 0x54, 0, 0xaa, 0, 0x11 } };
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	uint32_t a = netns_add_veth("va", "vb");
	struct snl_link link;

	assert_ok(snl_link_set_mac(nl, a, mac, &err), err);
	assert_ok(snl_link_get_index(nl, a, &link, &err), err);
	assert_true(sriov_mac_equal(link.mac, mac));
	assert_ok(snl_link_set_mac(nl, a, mac, &err), err);
	assert_int_equal(snl_link_set_mac(nl, a, multicast, &err), -EADDRNOTAVAIL);
	assert_non_null(strstr(err->message, "set the MAC 53:54:00:aa:00:11"));
	sriov_error_clear(&err);
	assert_ok(snl_link_get_index(nl, a, &link, &err), err);
	assert_true(sriov_mac_equal(link.mac, mac));
	assert_int_equal(snl_link_set_mac(nl, 99, mac, &err), -ENODEV);
	assert_int_equal(err->code, SRIOV_ERROR_NOT_FOUND);
}

static void link_list_of_300_is_whole(void **state)
{
	g_autoptr(GArray) links = NULL;
	g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	uint32_t bridge = netns_add_kind("bridge", "br0");

	for (int i = 0; i < 150; i++) {
		g_autofree char *a = g_strdup_printf("a%d", i), *b = g_strdup_printf("b%d", i);

		netns_enslave(netns_add_veth(a, b), bridge);
	}
	assert_ok(snl_link_list(nl, &links, &err), err);
	assert_int_equal(links->len, 302); /* lo, br0, 150 pairs */
	for (guint i = 0; i < links->len; i++) {
		struct snl_link *link = &g_array_index(links, struct snl_link, i);

		g_hash_table_add(names, link->name);
		assert_int_equal(link->ifindex, if_nametoindex(link->name));
		assert_int_equal(link->master, link->name[0] == 'a' ? bridge : 0);
	}
	assert_int_equal(g_hash_table_size(names), 302);
}

static void link_dump_of_unknown_kind_is_empty(void **state)
{
	g_autoptr(GArray) links = NULL;
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();

	/* The kernel lists all links when it does not know the kind. */
	netns_add_veth("va", "vb");
	assert_ok(snl_link_dump(nl, "nosuchkind", -1, &links, &err), err);
	assert_int_equal(links->len, 0);
}

static void macvtap_find_by_mac(void **state)
{
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	uint32_t parent = netns_add_veth("va", "vb");
	uint32_t tap = netns_add_macvtap("macvtap0", parent, mac_a);
	struct snl_link link;

	assert_ok(snl_macvtap_find(nl, mac_a, &link, &err), err);
	assert_int_equal(link.ifindex, tap);
	assert_int_equal(link.parent, parent);
	assert_string_equal(link.kind, "macvtap");
	assert_int_equal(snl_macvtap_find(nl, mac_b, &link, &err), -ENODEV);
	assert_int_equal(err->code, SRIOV_ERROR_NOT_FOUND);
	assert_string_equal(err->subject, "52:54:00:aa:00:12");
}

static void macvtap_find_other_kind_with_mac_is_not_found(void **state)
{
	struct snl *nl = netns_enter();
	struct snl_link link;

	netns_add_veth("va", "vb");
	assert_int_equal(snl_link_get(nl, "va", &link, NULL), 0);
	assert_int_equal(snl_macvtap_find(nl, link.mac, &link, NULL), -ENODEV);
}

static void link_in_use_by_macvtap_or_bridge(void **state)
{
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	uint32_t lower = netns_add_kind("ifb", "ifb9");
	char name[IFNAMSIZ];
	struct snl_link link;

	assert_ok(snl_link_get_index(nl, lower, &link, &err), err);
	assert_int_equal(snl_link_in_use(nl, &link, name, &err), 0);
	netns_add_macvtap("macvtap0", lower, mac_a);
	assert_int_equal(snl_link_in_use(nl, &link, name, &err), 1);
	assert_string_equal(name, "macvtap0");
	netns_del("macvtap0");
	assert_int_equal(snl_link_in_use(nl, &link, name, &err), 0);
	netns_enslave(lower, netns_add_kind("bridge", "br0"));
	assert_ok(snl_link_get_index(nl, lower, &link, &err), err);
	assert_int_equal(snl_link_in_use(nl, &link, name, &err), 1);
	assert_string_equal(name, "br0");
}

/* A child in a network namespace of its own, until its end of the pipe is closed. */
static pid_t other_namespace(int *ret_fd)
{
	int ready[2], done[2];
	char c = 0;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	assert_int_equal(pipe(done), 0);
	pid = fork();
	if (pid == 0) {
		close(done[1]);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(read(done[0], &c, 1) != 0);
	}
	close(done[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	*ret_fd = done[1];
	return pid;
}

static void link_in_use_from_another_namespace(void **state)
{
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	uint32_t lower = netns_add_kind("ifb", "ifb9");
	uint32_t tap = netns_add_macvtap("mv0", lower, mac_a);
	snl_automsg msg = snl_link_message_new(RTM_SETLINK, 0, tap);
	snl_autoack ack = { 0 };
	char name[IFNAMSIZ];
	struct snl_link link;
	int fd;
	pid_t pid = other_namespace(&fd);

	nla_put_u32(msg, IFLA_NET_NS_PID, (uint32_t)pid);
	assert_ok(snl_batch(nl, &msg, 1, &ack, &err), err);
	assert_int_equal(ack.err, 0);
	assert_int_equal(snl_link_get_index(nl, tap, &link, NULL), -ENODEV);

	assert_ok(snl_link_get_index(nl, lower, &link, &err), err);
	assert_int_equal(snl_link_in_use(nl, &link, name, &err), 1);
	assert_string_equal(name, "mv0");
	/* Gone with its namespace: the kernel takes a moment for that. */
	close(fd);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	for (int i = 0; i < 500 && snl_link_in_use(nl, &link, name, &err) == 1; i++)
		g_usleep(10000);
	assert_int_equal(snl_link_in_use(nl, &link, name, &err), 0);
}

static void vlan_ensure_bad_arguments_refused(void **state)
{
	struct snl *nl = netns_enter();
	sriov_autoerror err = NULL;
	struct snl_link link;

	assert_int_equal(snl_vlan_ensure(nl, 1, 0, ETH_P_8021Q, &link, &err), -EINVAL);
	assert_int_equal(err->code, SRIOV_ERROR_INVALID);
	sriov_error_clear(&err);
	assert_int_equal(snl_vlan_ensure(nl, 1, 4095, ETH_P_8021Q, &link, &err), -EINVAL);
	sriov_error_clear(&err);
	assert_int_equal(snl_vlan_ensure(nl, 1, 100, 0x0800, &link, &err), -EINVAL);
	sriov_error_clear(&err);
	assert_int_equal(snl_vlan_ensure(nl, 99, 100, ETH_P_8021Q, &link, &err), -ENODEV);
	assert_int_equal(err->code, SRIOV_ERROR_NOT_FOUND);
}

static void skip_without_vlan(void)
{
	netns_add_veth("probe", "eborp");
	{
		struct rtnl_link *link = rtnl_link_alloc();

		rtnl_link_set_type(link, "vlan");
		rtnl_link_set_name(link, "probe.1");
		rtnl_link_set_link(link, (int)if_nametoindex("probe"));
		rtnl_link_vlan_set_id(link, 1);
		netns_add(link);
	}
	netns_del("probe");
}

static void vlan_ensure_creates_once_and_removes_when_unused(void **state)
{
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	uint32_t parent;
	struct snl_link link, again;

	skip_without_vlan();
	parent = netns_add_veth("enp1s0", "peer");
	assert_ok(snl_link_set_up(nl, parent, true, &err), err);
	assert_ok(snl_vlan_ensure(nl, parent, 100, ETH_P_8021Q, &link, &err), err);
	assert_string_equal(link.name, "enp1s0.100");
	assert_string_equal(link.alias, "sriovd");
	assert_string_equal(link.kind, "vlan");
	assert_int_equal(link.parent, parent);
	assert_int_equal(link.vlan, 100);
	assert_int_equal(link.vlan_proto, ETH_P_8021Q);
	assert_true(link.admin_up);
	assert_ok(snl_vlan_ensure(nl, parent, 100, ETH_P_8021Q, &again, &err), err);
	assert_link_equal(&link, &again);

	netns_add_macvtap("macvtap0", link.ifindex, mac_a);
	assert_int_equal(snl_vlan_remove_unused(nl, link.ifindex, &err), 0);
	assert_int_equal(if_nametoindex("enp1s0.100"), link.ifindex);
	netns_del("macvtap0");
	assert_int_equal(snl_vlan_remove_unused(nl, link.ifindex, &err), 1);
	assert_int_equal(if_nametoindex("enp1s0.100"), 0);
	assert_int_equal(snl_vlan_remove_unused(nl, link.ifindex, &err), 0);
	/* What is no VLAN link of ours stays. */
	assert_int_equal(snl_vlan_remove_unused(nl, parent, &err), 0);
	assert_int_equal(if_nametoindex("enp1s0"), parent);
}

static void vlan_ensure_host_takes_no_part(void **state)
{
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	g_autofree char *ipv6 = NULL;
	struct ifreq req = { .ifr_name = "enp1s0.100" };
	int fd;
	struct snl_link link;
	uint32_t parent;

	skip_without_vlan();
	parent = netns_add_veth("enp1s0", "peer");
	assert_ok(snl_link_set_up(nl, parent, true, &err), err);
	assert_ok(snl_vlan_ensure(nl, parent, 100, ETH_P_8021Q, &link, &err), err);
	if (g_file_get_contents("/proc/sys/net/ipv6/conf/enp1s0.100/disable_ipv6", &ipv6, NULL,
				NULL))
		assert_string_equal(ipv6, "1\n");
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(ioctl(fd, SIOCGIFFLAGS, &req), 0);
	assert_true(req.ifr_flags & IFF_NOARP);
	close(fd);
}

static void vlan_ensure_names_that_are_taken_or_too_long(void **state)
{
	g_autofree char *fallback = NULL;
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	struct snl_link link;
	uint32_t parent, other;

	skip_without_vlan();
	parent = netns_add_veth("enp129s0f0np0", "peer");
	assert_ok(snl_link_set_up(nl, parent, true, &err), err);
	fallback = g_strdup_printf("sriov%u.4094", parent);
	assert_ok(snl_vlan_ensure(nl, parent, 4094, ETH_P_8021Q, &link, &err), err);
	assert_string_equal(link.name, fallback);

	other = netns_add_veth("eth0", "eth0.5");
	assert_ok(snl_link_set_up(nl, other, true, &err), err);
	assert_ok(snl_vlan_ensure(nl, other, 5, ETH_P_8021AD, &link, &err), err);
	assert_int_equal(link.parent, other);
	assert_int_equal(link.vlan_proto, ETH_P_8021AD);
	assert_memory_equal(link.name, "sriov", 5);
	/* Both its names are taken now. */
	assert_int_equal(snl_vlan_ensure(nl, other, 5, ETH_P_8021Q, &link, &err), -EEXIST);
	assert_int_equal(err->code, SRIOV_ERROR_EXISTS);
}

static void vlan_ensure_parent_down_leaves_nothing(void **state)
{
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	struct snl_link link;

	skip_without_vlan();
	assert_int_equal(snl_vlan_ensure(nl, netns_add_veth("enp1s0", "peer"), 100, ETH_P_8021Q,
					 &link, &err),
			 -ENETDOWN);
	assert_string_equal(err->message,
			    "cannot set the VLAN link up while enp1s0 is down: set that up "
			    "first");
	assert_int_equal(if_nametoindex("enp1s0.100"), 0);
}

static void vlan_ensure_somebody_elses_used_and_kept(void **state)
{
	struct rtnl_link *theirs;
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	struct snl_link link;
	uint32_t parent;

	skip_without_vlan();
	parent = netns_add_veth("enp1s0", "peer");
	theirs = rtnl_link_alloc();
	rtnl_link_set_type(theirs, "vlan");
	rtnl_link_set_name(theirs, "blue");
	rtnl_link_set_link(theirs, (int)parent);
	rtnl_link_vlan_set_id(theirs, 100);
	netns_add(theirs);
	assert_ok(snl_vlan_ensure(nl, parent, 100, ETH_P_8021Q, &link, &err), err);
	assert_string_equal(link.name, "blue");
	assert_false(link.admin_up);
	assert_int_equal(snl_vlan_remove_unused(nl, link.ifindex, &err), 0);
	assert_int_equal(if_nametoindex("blue"), link.ifindex);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link_get_loopback_is_whole),
		cmocka_unit_test(link_get_missing_is_not_found),
		cmocka_unit_test(link_set_up_and_down_changes_flags_and_carrier),
		cmocka_unit_test(link_set_mac_changes_it_and_refuses_a_multicast_one),
		cmocka_unit_test(link_list_of_300_is_whole),
		cmocka_unit_test(link_dump_of_unknown_kind_is_empty),
		cmocka_unit_test(macvtap_find_by_mac),
		cmocka_unit_test(macvtap_find_other_kind_with_mac_is_not_found),
		cmocka_unit_test(link_in_use_by_macvtap_or_bridge),
		cmocka_unit_test(link_in_use_from_another_namespace),
		cmocka_unit_test(vlan_ensure_bad_arguments_refused),
		cmocka_unit_test(vlan_ensure_creates_once_and_removes_when_unused),
		cmocka_unit_test(vlan_ensure_host_takes_no_part),
		cmocka_unit_test(vlan_ensure_names_that_are_taken_or_too_long),
		cmocka_unit_test(vlan_ensure_parent_down_leaves_nothing),
		cmocka_unit_test(vlan_ensure_somebody_elses_used_and_kept),
	};

	return cmocka_run_group_tests(tests, NULL, netns_leave);
}
