/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/mac.h"

/* What a network interface of a domain is, and stands on. */
struct srv_iface_place {
	const char *type;   /* "direct", "bridge" or "network" */
	const char *source; /* a netdev, a bridge, a libvirt network */
	struct sriov_mac mac;
};

/*
 * The domain's XML with another place, and MAC, of the interface that has this alias; all else
 * stays as it is. Takes what libvirt gives (VIR_DOMAIN_XML_INACTIVE | SECURE), and is for being
 * defined anew. *ret is the caller's (g_free).
 *
 * Errors: NOT_FOUND (no interface with this alias), INVALID (not well-formed), LIMIT (too large).
 */
int srv_domain_place_iface(const char *xml, size_t len, const char *alias,
			   const struct srv_iface_place *place, char **ret,
			   struct sriov_error **err);
