// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/mac.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>

int sriov_mac_parse(const char *text, struct sriov_mac *ret)
{
	struct sriov_mac mac;

	if (strlen(text) != SRIOV_MAC_STRLEN - 1 || (text[2] != ':' && text[2] != '-'))
		return -EINVAL;
	for (int i = 0; i < 6; i++) {
		const char *p = text + 3 * i;

		if (!g_ascii_isxdigit(p[0]) || !g_ascii_isxdigit(p[1]))
			return -EINVAL;
		if (p[2] != (i < 5 ? text[2] : '\0'))
			return -EINVAL;
		mac.octet[i] = (uint8_t)(g_ascii_xdigit_value(p[0]) << 4 |
					 g_ascii_xdigit_value(p[1]));
	}
	*ret = mac;
	return 0;
}

const char *sriov_mac_format(struct sriov_mac mac, char buf[SRIOV_MAC_STRLEN])
{
	const uint8_t *o = mac.octet;

	snprintf(buf, SRIOV_MAC_STRLEN, "%02x:%02x:%02x:%02x:%02x:%02x", o[0], o[1], o[2], o[3],
		 o[4], o[5]);
	return buf;
}

bool sriov_mac_equal(struct sriov_mac a, struct sriov_mac b)
{
	return memcmp(a.octet, b.octet, sizeof(a.octet)) == 0;
}

bool sriov_mac_is_zero(struct sriov_mac mac)
{
	return sriov_mac_equal(mac, (struct sriov_mac){ { 0 } });
}

bool sriov_mac_is_multicast(struct sriov_mac mac)
{
	return mac.octet[0] & 1;
}

bool sriov_mac_is_valid(struct sriov_mac mac)
{
	return !sriov_mac_is_zero(mac) && !sriov_mac_is_multicast(mac);
}

struct sriov_mac sriov_mac_derive(const char *owner, const char *nic, uint32_t attempt)
{
	struct sriov_mac mac = { { 0x52, 0x54, 0x00 } };
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	uint8_t digest[32];
	gsize len = sizeof(digest);

	g_checksum_update(sum, (const guchar *)owner, -1);
	g_checksum_update(sum, (const guchar *)"/", 1);
	g_checksum_update(sum, (const guchar *)nic, -1);
	g_checksum_update(sum, (const guchar *)&attempt, sizeof(attempt));
	g_checksum_get_digest(sum, digest, &len);
	memcpy(mac.octet + 3, digest, 3);
	return mac;
}
