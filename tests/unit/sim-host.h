/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What befalls the PFs of the simulated host (tests/sim/sim.h), with the kernel's word of it. */
#include "tests/sim/netlink.h"
#include "tests/support/tree.h"
#include "tests/unit/sim-assert.h"

/* A file of the PF's directory in sysfs; the caller's. */
static inline char *pf_path(uint8_t bus, const char *name)
{
	return g_strdup_printf("sys/devices/pci0000:00/0000:%02x:00.0/%s", bus, name);
}

static inline void pf_unbind(uint8_t bus)
{
	uint32_t ifindex = sim_pf_by_bus(bus)->ifindex;

	sim_unbind_pf(bus);
	sim_link_event(ifindex);
}

static inline void pf_unplug(uint8_t bus)
{
	uint32_t ifindex = sim_pf_by_bus(bus)->ifindex;

	sim_unplug_pf(bus);
	sim_link_event(ifindex);
}

/* With a netdev that was never there before. */
static inline void pf_bind(uint8_t bus, const char *netdev)
{
	uint32_t ifindex = sim_world->next_ifindex++;

	sim_bind_pf(bus, netdev, ifindex);
	sim_link_event(ifindex);
}

/* Its netdev is no more in this network namespace, and is again, with a number of its own. */
static inline void netdev_leaves(uint8_t bus)
{
	uint32_t ifindex = sim_pf_by_bus(bus)->ifindex;
	g_autofree char *net = pf_path(bus, "net");

	tree_delete(sim_root, net);
	sim_link_by_index(ifindex)->ifindex = 0;
	sim_pf_by_bus(bus)->ifindex = 0;
	sim_link_event(ifindex);
}

static inline void netdev_comes(uint8_t bus, const char *netdev)
{
	struct sim_link *link = sim_link_add(netdev, "");
	g_autofree char *number = g_strdup_printf("%u", link->ifindex);
	g_autofree char *name = g_strdup_printf("net/%s/ifindex", netdev);
	g_autofree char *path = pf_path(bus, name);

	sim_pf_by_bus(bus)->ifindex = link->ifindex;
	link->up = true;
	tree_file(sim_root, path, number);
	sim_show_link(link);
	sim_link_event(link->ifindex);
}

/* The cable, or the administrator; told or not. */
static inline void set_link(const char *name, bool up, bool carrier, bool told)
{
	struct sim_link *link = sim_link_by_name(name);

	link->up = up;
	link->carrier = carrier;
	sim_show_link(link);
	if (told)
		sim_link_event(link->ifindex);
}

static inline const struct srv_pf *model_pf(const char *name)
{
	const struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, name);

	assert_non_null(pf);
	return pf;
}

/* Two PFs, whatever they are called. */
#define SIM_CONFIG_BY_ADDRESS                                                \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"rootDevices\":"        \
	"[\"0000:01:00.0\",\"0000:02:00.0\"]},\"numVfs\":7}],\"networks\":[" \
	"{\"name\":\"a\",\"pool\":\"fast\",\"vlan\":100,\"maxTxRate\":1000}]}"

static inline int set_up_by_address(void **state)
{
	sim_new(SIM_CONFIG_BY_ADDRESS);
	sim_start();
	return 0;
}

#define sim_test_of(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, sim_tear_down)
