/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* An Ethernet address in network byte order. */
struct sriov_mac {
	uint8_t octet[6];
};

#define SRIOV_MAC_STRLEN 18

/* Parses "52:54:00:aa:00:11" (or with '-'), whole string. 0 or -EINVAL; *ret only on success. */
int sriov_mac_parse(const char *text, struct sriov_mac *ret);

/* Lower case, colons. buf is [SRIOV_MAC_STRLEN]; returns buf. */
const char *sriov_mac_format(struct sriov_mac mac, char buf[SRIOV_MAC_STRLEN]);

bool sriov_mac_equal(struct sriov_mac a, struct sriov_mac b);
bool sriov_mac_is_zero(struct sriov_mac mac);

/* The I/G bit of IEEE 802: a group address, never a port's own. */
bool sriov_mac_is_multicast(struct sriov_mac mac);

/* May it be a port's address: neither zero nor a group address (is_valid_ether_addr()). */
bool sriov_mac_is_valid(struct sriov_mac mac);

/*
 * A stable address in QEMU's and KVM's range 52:54:00 for a port whose owner named none.
 *
 * owner, nic: what identifies the port, e.g. the domain's UUID and the nic's id
 * attempt:    0 first; the caller counts up while the address is taken
 */
struct sriov_mac sriov_mac_derive(const char *owner, const char *nic, uint32_t attempt);
