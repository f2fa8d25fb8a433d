/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

#include "pci/access.h"
#include "pci/inventory.h"

/* What reading functions needs, and what it gathers. */
struct spci_reader {
	int sysroot; /* of sriov_sysroot_open() */
	struct spci_access *access;
	/* All functions of the host, struct sriov_bdf by address; NULL when nobody has looked */
	const GArray *functions;
	/* IOMMU group -> number of functions seen in it (GINT_TO_POINTER) */
	GHashTable *groups;
};

/*
 * Reads one PF with its VFs, and counts the VFs' groups into reader->groups; group_shared is not
 * set yet. 0, -ENOENT when it is not a network controller with VFs to offer, or another negative
 * errno.
 */
int spci_pf_load(struct spci_reader *reader, struct sriov_bdf bdf, struct spci_pf **ret);

/* The index of a function in an array ordered by address, or -1. */
int spci_function_find(const GArray *functions, struct sriov_bdf bdf);

/* Counts one more function in a group; -1 is no group. */
void spci_group_count(GHashTable *groups, int group);

/* Sets group_shared of all VFs out of the counts. */
void spci_pf_mark_shared(struct spci_pf *pf, GHashTable *groups);
