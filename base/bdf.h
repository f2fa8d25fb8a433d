/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * A PCI address: domain:bus:device.function, PCIe Base Specification 2.2.4.2 (routing ID) plus
 * Linux' domain. Domains above 0xffff exist (Hyper-V, VMD), so 32 bits are kept.
 */
struct sriov_bdf {
	uint32_t domain;
	uint8_t bus;
	uint8_t device;	  /* [0, 31] */
	uint8_t function; /* [0, 7] */
};

/* "0000:01:10.6", at most "ffffffff:ff:1f.7" */
#define SRIOV_BDF_STRLEN 17

/*
 * Parses "DDDD:BB:DD.F" (domain of 4 to 8 hex digits) or "BB:DD.F" (domain 0), whole string.
 * Returns 0 or -EINVAL; *ret is set only on success.
 */
int sriov_bdf_parse(const char *text, struct sriov_bdf *ret);

/* Writes the canonical form into buf, [SRIOV_BDF_STRLEN], and returns buf. */
const char *sriov_bdf_format(struct sriov_bdf bdf, char buf[SRIOV_BDF_STRLEN]);

/* One number that orders and identifies an address: domain << 16 | bus << 8 | device << 3 |
 * function. */
static inline uint64_t sriov_bdf_key(struct sriov_bdf bdf)
{
	return (uint64_t)bdf.domain << 16 | (uint64_t)bdf.bus << 8 | (uint64_t)bdf.device << 3 |
	       bdf.function;
}

/* The inverse of sriov_bdf_key(). */
static inline struct sriov_bdf sriov_bdf_from_key(uint64_t key)
{
	return (struct sriov_bdf){ (uint32_t)(key >> 16), (uint8_t)(key >> 8),
				   (uint8_t)(key >> 3 & 0x1f), (uint8_t)(key & 7) };
}

static inline bool sriov_bdf_equal(struct sriov_bdf a, struct sriov_bdf b)
{
	return sriov_bdf_key(a) == sriov_bdf_key(b);
}
