// SPDX-License-Identifier: GPL-2.0-or-later
/* VF attributes as values: named, compared, printed, checked, put in order. Nothing here is sent.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include "netlink/vf-message.h"
#include "netlink/vf.h"

#define VLAN_MAX 4094
#define QOS_MAX	 7

const char *snl_vf_attr_name(enum snl_vf_attr attr)
{
	switch (attr) {
	case SNL_VF_MAC:
		return "mac";
	case SNL_VF_VLAN:
		return "vlan";
	case SNL_VF_RATE:
		return "rate";
	case SNL_VF_SPOOFCHK:
		return "spoofchk";
	case SNL_VF_TRUST:
		return "trust";
	case SNL_VF_LINK_STATE:
		return "link state";
	}
	return "unknown attribute";
}

struct snl_vf_attrs snl_vf_attrs_neutral(void)
{
	return (struct snl_vf_attrs){
		.mask = SNL_VF_ALL,
		.vlan_proto = ETH_P_8021Q,
		.spoofchk = true,
		.trust = false,
		.link_state = SNL_VF_LINK_AUTO,
	};
}

struct sriov_mac snl_vf_placeholder_mac(struct sriov_mac pf_mac, uint32_t vf)
{
	struct sriov_mac mac = { { 0x02 } };
	uint8_t index[4] = { (uint8_t)vf, (uint8_t)(vf >> 8), (uint8_t)(vf >> 16),
			     (uint8_t)(vf >> 24) };
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	uint8_t digest[32];
	gsize len = sizeof(digest);

	g_checksum_update(sum, pf_mac.octet, sizeof(pf_mac.octet));
	g_checksum_update(sum, index, sizeof(index));
	g_checksum_get_digest(sum, digest, &len);
	memcpy(mac.octet + 1, digest, sizeof(mac.octet) - 1);
	return mac;
}

static bool mac_differs(const struct snl_vf_attrs *want, const struct snl_vf_attrs *have)
{
	if (sriov_mac_is_zero(want->mac) && have->mac_placeholder)
		return false;
	return !sriov_mac_equal(want->mac, have->mac);
}

static bool vlan_differs(const struct snl_vf_attrs *want, const struct snl_vf_attrs *have)
{
	if (want->vlan != have->vlan || want->qos != have->qos)
		return true;
	/* Without a VLAN its protocol means nothing, and some drivers keep the last one. */
	return want->vlan != 0 && want->vlan_proto != have->vlan_proto;
}

static bool attr_differs(enum snl_vf_attr attr, const struct snl_vf_attrs *want,
			 const struct snl_vf_attrs *have)
{
	switch (attr) {
	case SNL_VF_MAC:
		return mac_differs(want, have);
	case SNL_VF_VLAN:
		return vlan_differs(want, have);
	case SNL_VF_RATE:
		return want->min_tx_rate != have->min_tx_rate ||
		       want->max_tx_rate != have->max_tx_rate;
	case SNL_VF_SPOOFCHK:
		return want->spoofchk != have->spoofchk;
	case SNL_VF_TRUST:
		return want->trust != have->trust;
	case SNL_VF_LINK_STATE:
		return want->link_state != have->link_state;
	}
	return true;
}

uint32_t snl_vf_attrs_diff(const struct snl_vf_attrs *want, const struct snl_vf_attrs *have)
{
	uint32_t diff = 0;

	for (uint32_t attr = 1; attr <= SNL_VF_ALL; attr <<= 1) {
		if (!(want->mask & attr))
			continue;
		if (!(have->mask & attr) || attr_differs(attr, want, have))
			diff |= attr;
	}
	return diff;
}

static const char *link_state_name(enum snl_vf_link_state state)
{
	switch (state) {
	case SNL_VF_LINK_AUTO:
		return "auto";
	case SNL_VF_LINK_ENABLE:
		return "enable";
	case SNL_VF_LINK_DISABLE:
		return "disable";
	}
	return "unknown";
}

static void format_vlan(GString *text, const struct snl_vf_attrs *attrs)
{
	g_string_append_printf(text, "vlan %u", attrs->vlan);
	if (attrs->qos)
		g_string_append_printf(text, " qos %u", attrs->qos);
	if (attrs->vlan && attrs->vlan_proto == ETH_P_8021AD)
		g_string_append(text, " proto 802.1ad");
	else if (attrs->vlan && attrs->vlan_proto != ETH_P_8021Q)
		g_string_append_printf(text, " proto 0x%04x", attrs->vlan_proto);
}

static void format_rate(GString *text, const struct snl_vf_attrs *attrs)
{
	if (attrs->min_tx_rate)
		g_string_append_printf(text, "min rate %u Mbit/s, ", attrs->min_tx_rate);
	if (attrs->max_tx_rate)
		g_string_append_printf(text, "max rate %u Mbit/s", attrs->max_tx_rate);
	else
		g_string_append(text, "max rate unlimited");
}

static void format_attr(GString *text, enum snl_vf_attr attr, const struct snl_vf_attrs *attrs)
{
	char mac[SRIOV_MAC_STRLEN];

	switch (attr) {
	case SNL_VF_MAC:
		g_string_append_printf(text, "mac %s", sriov_mac_format(attrs->mac, mac));
		return;
	case SNL_VF_VLAN:
		format_vlan(text, attrs);
		return;
	case SNL_VF_RATE:
		format_rate(text, attrs);
		return;
	case SNL_VF_SPOOFCHK:
		g_string_append_printf(text, "spoofchk %s", attrs->spoofchk ? "on" : "off");
		return;
	case SNL_VF_TRUST:
		g_string_append_printf(text, "trust %s", attrs->trust ? "on" : "off");
		return;
	case SNL_VF_LINK_STATE:
		g_string_append_printf(text, "link state %s", link_state_name(attrs->link_state));
		return;
	}
}

char *snl_vf_attrs_format(const struct snl_vf_attrs *attrs, uint32_t mask)
{
	GString *text = g_string_new(NULL);

	for (uint32_t attr = 1; attr <= SNL_VF_ALL; attr <<= 1) {
		if (!(mask & attr))
			continue;
		if (text->len)
			g_string_append(text, ", ");
		format_attr(text, attr, attrs);
	}
	return g_string_free(text, false);
}

static int invalid_vlan(const struct snl_vf_attrs *want, const char *subject,
			struct sriov_error **err)
{
	if (want->vlan > VLAN_MAX)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, subject,
				       "vlan %u is not in the range 0 to %d", want->vlan, VLAN_MAX);
	if (want->qos > QOS_MAX)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, subject,
				       "qos %u is not in the range 0 to %d", want->qos, QOS_MAX);
	if (want->qos && !want->vlan)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, subject,
				       "qos %u needs a vlan: without a tag there is no priority",
				       want->qos);
	if (want->vlan_proto != ETH_P_8021Q && want->vlan_proto != ETH_P_8021AD)
		return sriov_error_set(
			err, SRIOV_ERROR_INVALID, EINVAL, subject,
			"0x%04x is not a vlan protocol: it is 0x8100 (802.1Q) or 0x88a8 "
			"(802.1ad)",
			want->vlan_proto);
	return 0;
}

static int invalid_rate(const struct snl_vf_attrs *want, const char *subject,
			struct sriov_error **err)
{
	/* The drivers' functions take an int. */
	if (want->min_tx_rate > INT32_MAX || want->max_tx_rate > INT32_MAX)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, subject,
				       "a rate is at most %d Mbit/s", INT32_MAX);
	if (want->max_tx_rate && want->min_tx_rate > want->max_tx_rate)
		return sriov_error_set(
			err, SRIOV_ERROR_INVALID, EINVAL, subject,
			"the min rate of %u Mbit/s is above the max rate of %u Mbit/s",
			want->min_tx_rate, want->max_tx_rate);
	return 0;
}

int snl_vf_attrs_check(const struct snl_vf_attrs *want, const char *subject,
		       struct sriov_error **err)
{
	char mac[SRIOV_MAC_STRLEN];
	int r = 0;

	if (want->mask & ~(uint32_t)SNL_VF_ALL)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, subject,
				       "0x%x names VF attributes that do not exist", want->mask);
	if ((want->mask & SNL_VF_MAC) && sriov_mac_is_multicast(want->mac))
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, subject,
				       "%s is a multicast address, which no VF can have",
				       sriov_mac_format(want->mac, mac));
	if (want->mask & SNL_VF_VLAN)
		r = invalid_vlan(want, subject, err);
	if (r == 0 && (want->mask & SNL_VF_RATE))
		r = invalid_rate(want, subject, err);
	if (r < 0)
		return r;
	if ((want->mask & SNL_VF_LINK_STATE) &&
	    (unsigned int)want->link_state > SNL_VF_LINK_DISABLE)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, subject,
				       "link state %u is not auto (0), enable (1) or disable (2)",
				       (unsigned int)want->link_state);
	return 0;
}

size_t snl_vf_attrs_order(const struct snl_vf_attrs *want, uint32_t mask,
			  enum snl_vf_attr ret[SNL_VF_ATTR_COUNT])
{
	/*
	 * - A privilege is dropped before anything else and granted after all that it could undo: a
	 *   trusted VF may change its MAC (bnxt, ixgbe, i40e). i40e, ice and ixgbe reset a VF when
	 * its trust, MAC or VLAN changes, and apply what the PF set so far after it.
	 * - MAC and VLAN before spoofchk: mlx4 refuses spoofchk on a VF without a MAC, mlx5 builds
	 * the filter from the MAC that it has at that moment, igb and ixgbe write the anti-spoof
	 *   registers of MAC and VLAN together.
	 * - Rate after the resets: i40e sets it on the VSI that the reset has just made.
	 * - The link last, so that nobody sees a carrier before the rest is in place.
	 */
	const enum snl_vf_attr order[] = {
		want->trust ? 0 : SNL_VF_TRUST,
		SNL_VF_MAC,
		SNL_VF_VLAN,
		SNL_VF_RATE,
		SNL_VF_SPOOFCHK,
		want->trust ? SNL_VF_TRUST : 0,
		SNL_VF_LINK_STATE,
	};
	size_t n = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(order); i++)
		if (mask & order[i])
			ret[n++] = order[i];
	return n;
}
