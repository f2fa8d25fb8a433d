/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What befalls the PFs of the simulated host (tests/sim/sim.h), as the kernel shows and tells it.
 */
#include "tests/sim/netlink.h"
#include "tests/support/tree.h"
#include "tests/unit/sim-assert.h"

/* A file of the PF's directory in sysfs; the caller's. */
static inline char *sim_pf_path(uint8_t bus, const char *name)
{
	return g_strdup_printf("sys/devices/pci0000:00/0000:%02x:00.0/%s", bus, name);
}

static inline void sim_pf_delete(uint8_t bus, const char *name)
{
	g_autofree char *path = sim_pf_path(bus, name);

	tree_delete(sim_root, path);
}

/* Its netdev is no more in this network namespace. */
static inline void sim_netdev_leaves(uint8_t bus)
{
	uint32_t ifindex = sim_pf_by_bus(bus)->ifindex;
	struct sim_link *link = sim_link_by_index(ifindex);

	sim_doors_off();
	sim_pf_delete(bus, "net");
	sim_doors_on();
	link->ifindex = 0;
	sim_pf_by_bus(bus)->ifindex = 0;
	sim_link_event(ifindex);
}

/* Its netdev is here again, as it was made: with a number of its own. */
static inline void sim_netdev_comes(uint8_t bus, const char *netdev)
{
	struct sim_link *link = sim_link_add(netdev, "");
	g_autofree char *number = g_strdup_printf("%u", link->ifindex);
	g_autofree char *name = g_strdup_printf("net/%s/ifindex", netdev);
	g_autofree char *path = sim_pf_path(bus, name);

	sim_pf_by_bus(bus)->ifindex = link->ifindex;
	link->up = true;
	sim_doors_off();
	tree_file(sim_root, path, number);
	sim_doors_on();
	sim_show_link(link);
	sim_link_event(link->ifindex);
}

static inline void sim_netdev_is_renamed(uint8_t bus, const char *name)
{
	struct sim_link *link = sim_link_by_index(sim_pf_by_bus(bus)->ifindex);
	uint32_t ifindex = link->ifindex;
	g_autofree char *number = g_strdup_printf("%u", ifindex);
	g_autofree char *file = g_strdup_printf("net/%s/ifindex", name);
	g_autofree char *path = sim_pf_path(bus, file);

	g_strlcpy(link->name, name, sizeof(link->name));
	sim_doors_off();
	sim_pf_delete(bus, "net");
	tree_file(sim_root, path, number);
	sim_doors_on();
	sim_show_link(link);
	sim_link_event(ifindex);
}

/* The driver lets the device go: its VFs and its netdev go with it. */
static inline void sim_pf_unbind(uint8_t bus)
{
	sim_destroy_vfs(bus);
	sim_doors_off();
	sim_pf_delete(bus, "driver");
	sim_doors_on();
	sim_netdev_leaves(bus);
}

/* device_del */
static inline void sim_pf_unplug(uint8_t bus)
{
	g_autofree char *link = g_strdup_printf("sys/bus/pci/devices/0000:%02x:00.0", bus);

	sim_pf_unbind(bus);
	sim_doors_off();
	tree_delete(sim_root, link);
	sim_pf_delete(bus, "");
	sim_doors_on();
}

/* A driver takes the device, new or not: a netdev without VFs, with a name and number of its own.
 */
static inline void sim_pf_bind(uint8_t bus, const char *netdev)
{
	struct sim_link *link = sim_link_add(netdev, "");
	struct tree_pf pf = { .bus = bus,
			      .total = SIM_VFS,
			      .netdev = netdev,
			      .ifindex = link->ifindex,
			      .first_group = 10 * bus };

	sim_doors_off();
	tree_add_pf(sim_root, &pf);
	sim_doors_on();
	link->up = true;
	link->mac[0] = 2;
	link->mac[5] = bus;
	sim_pf_by_bus(bus)->ifindex = link->ifindex;
	sim_link_event(link->ifindex);
}

/* The cable, or the administrator. */
static inline void sim_set_link(const char *name, bool up, bool carrier)
{
	struct sim_link *link = sim_link_by_name(name);

	link->up = up;
	link->carrier = carrier;
	sim_show_link(link);
}

static inline void sim_change_link(const char *name, bool up, bool carrier)
{
	sim_set_link(name, up, carrier);
	sim_link_event(sim_link_by_name(name)->ifindex);
}

static inline const struct srv_pf *sim_model_pf(const char *name)
{
	const struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, name);

	assert_non_null(pf);
	return pf;
}

/* Two PFs, whatever they are called: what else the tests want follows from their addresses. */
#define SIM_CONFIG_BY_ADDRESS                                                \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"rootDevices\":"        \
	"[\"0000:01:00.0\",\"0000:02:00.0\"]},\"numVfs\":7}],\"networks\":[" \
	"{\"name\":\"a\",\"pool\":\"fast\",\"vlan\":100,\"maxTxRate\":1000}]}"

static inline int sim_set_up_by_address(void **state)
{
	sim_new(SIM_CONFIG_BY_ADDRESS);
	sim_start();
	return 0;
}

#define sim_test_by_address(name) \
	cmocka_unit_test_setup_teardown(name, sim_set_up_by_address, sim_tear_down)
