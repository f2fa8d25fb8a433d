/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <net/if.h>

#include "pci/inventory.h"

/*
 * The netdevs of a PCI function: the directory "net" below it. It only shows those of the network
 * namespace that this sysfs was mounted in.
 */

/* The name of a VF's netdev into name. 0 or a negative errno; -ENOENT when there is none. */
int spci_netdev_of_vf(int dirfd, const char *net, char name[IFNAMSIZ]);

/* The netdev of a PF's physical port into name, of all that its "net" holds. As above. */
int spci_netdev_of_pf(int pf, char name[IFNAMSIZ]);

/*
 * Fills in what sysfs tells about a PF's netdev: name, ifindex, MAC, link, speed, MTU, type.
 * What cannot be read stays at its "unknown" value.
 *
 * May wait for the RTNL lock, which another driver may hold for seconds: the kernel's show
 * functions of carrier, speed and phys_port_name need it (net/core/net-sysfs.c).
 */
void spci_netdev_read(int pf_dir, const char *name, struct spci_pf *pf);

/* IFF_UP of the netdev at "net/NAME" below a function. False when it cannot be read. */
bool spci_netdev_is_up(int dirfd, const char *net, const char *name);
