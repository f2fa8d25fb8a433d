/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "base/bdf.h"

/*
 * What libpci reads for us: the list of functions, their ids and class, names out of pci.ids, and
 * the SR-IOV capability.
 *
 * libpci reports what it cannot read by calling an error handler that must not return, by default
 * exit(). Ours jumps back to the function called here, which then returns -EIO. An access object is
 * used by one thread at a time; several threads may each have their own.
 */
struct spci_access;

/*
 * root: path under which sys/ is found
 * Never fails: libpci touches nothing before the first question.
 */
struct spci_access *spci_access_new(const char *root);
void spci_access_free(struct spci_access *access);

/* A local access object that frees itself: `spci_autoaccess access = spci_access_new(root);` */
static inline void spci_access_cleanup(struct spci_access **access)
{
	spci_access_free(*access);
}
#define spci_autoaccess __attribute__((cleanup(spci_access_cleanup))) struct spci_access *

struct spci_ident {
	uint16_t vendor;
	uint16_t device;
	uint16_t class; /* base class and sub-class, e.g. 0x0200 for Ethernet */
};

/* 9 system calls. 0 or -EIO, also when there is no such function. */
int spci_access_ident(struct spci_access *access, struct sriov_bdf bdf, struct spci_ident *ret);

/* The registers of the SR-IOV extended capability, PCIe Base Specification 9.3.3. */
struct spci_capability {
	uint16_t num_vfs;   /* NumVFs (0x10) while VF Enable is set, 0 otherwise */
	uint16_t offset;    /* First VF Offset (0x14) */
	uint16_t stride;    /* VF Stride (0x16) */
	uint16_t vf_device; /* VF Device ID (0x1a) */
};

/*
 * Reads it from configuration space: some 25 reads of a few bytes. 0; -ENOENT when the capability
 * is not there or not readable (without CAP_SYS_ADMIN sysfs gives the first 64 bytes only); -EIO.
 */
int spci_access_capability(struct spci_access *access, struct sriov_bdf bdf,
			   struct spci_capability *ret);

/*
 * Names out of pci.ids, which is read once per access object, and only for ids that no access
 * object of this process has asked for before. Borrowed for the life of the process; NULL when
 * unknown.
 */
void spci_access_names(struct spci_access *access, uint16_t vendor, uint16_t device,
		       const char **ret_vendor, const char **ret_device);
