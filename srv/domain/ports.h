/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * Where a device can be plugged into a domain while it runs: on a machine with PCI Express each
 * device needs a root port of its own, and there are as many as the domain was started with.
 */
struct srv_ports {
	bool pcie;	/* its root is pcie-root: root ports count */
	unsigned ports; /* pcie-root-port and the downstream ports of switches */
	unsigned free;	/* of them, with nothing behind */
};

/*
 * Counts the ports in a domain's XML, as libvirt gives it: with the address of every device.
 * Errors as of srv_domain_parse().
 */
int srv_ports_parse(const char *xml, size_t len, struct srv_ports *ret, struct sriov_error **err);
