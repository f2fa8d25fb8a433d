/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

/*
 * Parses an unsigned number, whole string, no sign and no spaces.
 *
 * base: 10, 16 ("0x" allowed), or 0 for C's rules
 * max:  the largest value accepted
 * Returns 0, -EINVAL (not a number) or -ERANGE (above max); *ret is set only on success.
 */
int sriov_parse_u64(const char *text, int base, uint64_t max, uint64_t *ret);

/* [first, last], both included */
struct sriov_range {
	uint32_t first;
	uint32_t last;
};

/*
 * Parses "0-3,5" (the words of the SR-IOV device plugin's selectors) into a sorted, merged array.
 *
 * max: the largest index accepted
 * Returns 0, -EINVAL or -ERANGE; *ret, an array of struct sriov_range, is the caller's.
 */
int sriov_ranges_parse(const char *text, uint32_t max, GArray **ret);

/* Sorts an array of struct sriov_range and joins what touches or overlaps. */
void sriov_ranges_normalize(GArray *ranges);

/* Is value in one of the ranges; a NULL array means every value. */
bool sriov_ranges_contain(const GArray *ranges, uint32_t value);

/* The first value that both hold, NULL meaning all values: true and *ret, or false. */
bool sriov_ranges_overlap(const GArray *a, const GArray *b, uint32_t *ret);

/* "0-3,5"; the caller owns the string. */
char *sriov_ranges_format(const GArray *ranges);

/*
 * May text name an object of ours (pool, network, nic id, manual owner): 1 to 64 characters out of
 * letters, digits, '.', '_' and '-', the first a letter or digit.
 */
bool sriov_name_is_valid(const char *text);
