/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/error.h"
#include "base/mac.h"

struct snl;

/*
 * Forwarding entries in a PF's own filter ("bridge fdb add MAC dev PF self"): RTM_NEWNEIGH with
 * NTF_SELF, NUD_PERMANENT (net/core/rtnetlink.c rtnl_fdb_add(), ndo_dflt_fdb_add()).
 *
 * Without one, the NIC's embedded switch does not know that a MAC behind a host bridge on the PF is
 * there, and frames of the PF's VFs to it go out on the wire and are lost.
 */

/* Adds one; an entry that is already there is success. */
int snl_fdb_add(struct snl *nl, uint32_t ifindex, struct sriov_mac mac, struct sriov_error **err);

/* Removes one; an entry that is not there is success. */
int snl_fdb_del(struct snl *nl, uint32_t ifindex, struct sriov_mac mac, struct sriov_error **err);

/* The unicast entries of a link: *ret is a GArray of struct sriov_mac, the caller's. */
int snl_fdb_list(struct snl *nl, uint32_t ifindex, GArray **ret, struct sriov_error **err);

/*
 * An entry in the table of the bridge that a link is a port of ("bridge fdb replace MAC dev PORT
 * master static sticky"): frames to mac go to that port, whatever the bridge learns meanwhile.
 */
int snl_fdb_bridge_add(struct snl *nl, uint32_t port, struct sriov_mac mac,
		       struct sriov_error **err);

/* Removes the bridge's entry of mac at that port, added or learned; none there is success. */
int snl_fdb_bridge_del(struct snl *nl, uint32_t port, struct sriov_mac mac,
		       struct sriov_error **err);
