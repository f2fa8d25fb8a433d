/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "netlink/link.h"

/*
 * Inside netlink/ only: the links of one kind (NULL: all), in our namespace or in the one that ours
 * knows by this id (-1: ours). *ret is a GArray of struct snl_link, the caller's.
 */
int snl_link_dump(struct snl *nl, const char *kind, int netnsid, GArray **ret,
		  struct sriov_error **err);

/*
 * Does another link stand on this one (IFLA_LINK), or is this one somebody's port, seen from the
 * namespace of the link itself and from every namespace that it knows by an id? Returns 1, 0 or a
 * negative errno. *ret_name, an array of IFNAMSIZ, receives the first one found.
 */
int snl_link_in_use(struct snl *nl, const struct snl_link *link, char *ret_name,
		    struct sriov_error **err);
