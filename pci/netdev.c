// SPDX-License-Identifier: GPL-2.0-or-later
#include "pci/netdev.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_arp.h>
#include <stdio.h>
#include <string.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/sysfs.h"
#include "pci/device.h"

/*
 * Which netdev is the port's?
 *
 * Usually there is one. In switchdev mode the directory also holds a representor of each VF and
 * sub-function, and configuring a pool by a representor's name, or taking its link for the port's,
 * would be wrong: the port is the one that has no phys_port_name (legacy mode) or one of a physical
 * port, "p0" or "p0s1" after a split (net/devlink __devlink_port_phys_port_name_get()).
 * Representors are called "pf0vf1", "pf0sf88", "c1pf0vf3", ice before 6.9 "pf0vfr1", and mlx5
 * before 4.19 plainly "1". A function with two ports (mlx4) has two such netdevs: the lower
 * dev_port wins. An IPoIB child stands beside its parent and shares its dev_port: the older one
 * wins, which has the lower ifindex.
 */
enum port_rank {
	PORT_PHYSICAL,
	PORT_OTHER, /* a name we do not know, such as "n0": better than nothing */
	PORT_REPRESENTOR,
};

static enum port_rank rank_of(const char *port)
{
	if (*port == '\0')
		return PORT_PHYSICAL;
	if (port[0] == 'p' && g_ascii_isdigit(port[1]))
		return PORT_PHYSICAL;
	if (strstr(port, "vf") || strstr(port, "sf") || g_ascii_isdigit(port[0]))
		return PORT_REPRESENTOR;
	return PORT_OTHER;
}

struct candidate {
	char name[IFNAMSIZ];
	enum port_rank rank;
	uint64_t dev_port;
	uint64_t ifindex;
};

struct search {
	int net; /* descriptor of the directory */
	struct candidate best;
	bool found;
};

static uint64_t read_number(int dirfd, const char *name, const char *attribute)
{
	char path[IFNAMSIZ + 32];
	uint64_t value;

	snprintf(path, sizeof(path), "%s/%s", name, attribute);
	return sriov_sysfs_read_u64(dirfd, path, &value) < 0 ? 0 : value;
}

static bool is_better(const struct candidate *a, const struct candidate *b)
{
	if (a->rank != b->rank)
		return a->rank < b->rank;
	if (a->dev_port != b->dev_port)
		return a->dev_port < b->dev_port;
	return a->ifindex < b->ifindex;
}

static bool consider(const char *name, void *data)
{
	struct search *search = data;
	struct candidate candidate = { 0 };
	char path[IFNAMSIZ + 32];
	char port[64] = "";

	if (g_strlcpy(candidate.name, name, sizeof(candidate.name)) >= sizeof(candidate.name))
		return true;
	snprintf(path, sizeof(path), "%s/phys_port_name", name);
	/* EOPNOTSUPP: the driver gives its port no name, so it has only the one. */
	if (sriov_sysfs_read(search->net, path, port, sizeof(port)) < 0)
		port[0] = '\0';
	candidate.rank = rank_of(port);
	if (candidate.rank == PORT_REPRESENTOR)
		return true;
	candidate.dev_port = read_number(search->net, name, "dev_port");
	candidate.ifindex = read_number(search->net, name, "ifindex");
	if (!search->found || is_better(&candidate, &search->best))
		search->best = candidate;
	search->found = true;
	return true;
}

int spci_netdev_of_pf(int pf, char name[IFNAMSIZ])
{
	sriov_autofd int net = openat(pf, "net", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct search search = { .net = net };
	int r;

	if (net < 0)
		return -errno;
	r = spci_device_list(net, ".", false, consider, &search);
	if (r < 0)
		return r;
	if (!search.found)
		return -ENOENT;
	g_strlcpy(name, search.best.name, IFNAMSIZ);
	return 0;
}

static bool take_first(const char *name, void *data)
{
	/* A longer name is none that a netdev can have: look on. */
	if (strlen(name) >= IFNAMSIZ)
		return true;
	g_strlcpy(data, name, IFNAMSIZ);
	return false;
}

int spci_netdev_of_vf(int dirfd, const char *net, char name[IFNAMSIZ])
{
	int r;

	name[0] = '\0';
	r = spci_device_list(dirfd, net, true, take_first, name);
	if (r < 0)
		return r;
	return name[0] ? 0 : -ENOENT;
}

static enum spci_link read_link(int netdev, bool admin_up)
{
	char operstate[32];
	uint64_t carrier;

	/* Reading the carrier of a link that is administratively down gives EINVAL. */
	if (!admin_up)
		return SPCI_LINK_DOWN;
	if (sriov_sysfs_read_u64(netdev, "carrier", &carrier) < 0)
		return SPCI_LINK_UNKNOWN;
	if (carrier == 0)
		return SPCI_LINK_DOWN;
	/* A driver that never reports its carrier has one from the start, and stays "unknown". */
	if (sriov_sysfs_read(netdev, "operstate", operstate, sizeof(operstate)) < 0 ||
	    strcmp(operstate, "unknown") == 0)
		return SPCI_LINK_UNKNOWN;
	return SPCI_LINK_UP;
}

static const char *link_type(uint64_t arphrd)
{
	switch (arphrd) {
	case ARPHRD_ETHER:
		return "ether";
	case ARPHRD_INFINIBAND:
		return "infiniband";
	default: /* an open set: linux/if_arp.h */
		return NULL;
	}
}

void spci_netdev_read(int pf_dir, const char *name, struct spci_pf *pf)
{
	char path[IFNAMSIZ + 8];
	char address[64];
	sriov_autofd int netdev = -1;
	uint64_t value;
	int speed;

	snprintf(path, sizeof(path), "net/%s", name);
	netdev = openat(pf_dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (netdev < 0)
		return;
	pf->netdev = g_strdup(name);
	if (sriov_sysfs_read_u64(netdev, "ifindex", &value) == 0 && value <= INT32_MAX)
		pf->ifindex = (uint32_t)value;
	if (sriov_sysfs_read_u64(netdev, "mtu", &value) == 0 && value <= INT32_MAX)
		pf->mtu = (uint32_t)value;
	if (sriov_sysfs_read_u64(netdev, "type", &value) == 0)
		pf->link_type = link_type(value);
	/* InfiniBand has 20 octets, which are no MAC. */
	if (sriov_sysfs_read(netdev, "address", address, sizeof(address)) > 0)
		sriov_mac_parse(address, &pf->mac);
	pf->admin_up = spci_netdev_is_up(pf_dir, "net", name);
	pf->link = read_link(netdev, pf->admin_up);
	/* -1, or 4294967295 from some drivers, when unknown; EINVAL when down. */
	if (sriov_sysfs_read_int(netdev, "speed", &speed) == 0 && speed > 0)
		pf->speed = (uint32_t)speed;
}

bool spci_netdev_is_up(int dirfd, const char *net, const char *name)
{
	char path[IFNAMSIZ + 64];
	uint64_t flags;

	if (snprintf(path, sizeof(path), "%s/%s/flags", net, name) >= (int)sizeof(path))
		return false;
	return sriov_sysfs_read_u64(dirfd, path, &flags) == 0 && (flags & IFF_UP);
}
