// SPDX-License-Identifier: GPL-2.0-or-later
#include "netlink/uplink.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include <glib.h>

#include "base/parse.h"
#include "netlink/link.h"

char *snl_uplink_name(const char *parent, uint16_t vlan)
{
	char *name = vlan ? g_strdup_printf("%s.%u", parent, vlan) : g_strdup(parent);

	if (strlen(name) < IFNAMSIZ)
		return name;
	g_free(name);
	return NULL;
}

char *snl_uplink_split(const char *name, uint16_t *ret_vlan)
{
	const char *dot = strrchr(name, '.');
	uint64_t vlan;

	/* "enp1s0.007" would not come back as it is. */
	if (!dot || dot == name || dot[1] == '0' || sriov_parse_u64(dot + 1, 10, 4094, &vlan) < 0)
		return NULL;
	*ret_vlan = (uint16_t)vlan;
	return g_strndup(name, (size_t)(dot - name));
}

static int make(struct snl *nl, const char *name, const char *parent, uint16_t vlan, uint16_t proto,
		struct sriov_error **err)
{
	struct snl_link on, link;
	int r = snl_link_get(nl, parent, &on, err);

	if (r == 0 && !on.admin_up)
		r = snl_link_set_up(nl, on.ifindex, true, err);
	if (r == 0)
		r = snl_vlan_ensure(nl, on.ifindex, vlan, proto, &link, err);
	if (r == 0 && strcmp(link.name, name) != 0)
		r = sriov_error_set(err, SRIOV_ERROR_EXISTS, EEXIST, name,
				    "VLAN %u of %s has a link already, and it is called %s: rename "
				    "it, or name it as the source in the domain's configuration",
				    vlan, parent, link.name);
	return r;
}

int snl_uplink_ensure(const char *name, uint16_t vlan_proto, struct sriov_error **err)
{
	uint16_t vlan = 0;
	g_autofree char *parent = snl_uplink_split(name, &vlan);
	sriov_autoerror missing = NULL;
	struct snl_link link;
	struct snl *nl;
	int r = snl_new(&nl, err);

	if (r < 0)
		return r;
	r = snl_link_get(nl, name, &link, &missing);
	if (r < 0 && parent && missing->code == SRIOV_ERROR_NOT_FOUND)
		r = make(nl, name, parent, vlan, vlan_proto, err);
	else if (r < 0)
		r = sriov_error_propagate(err, g_steal_pointer(&missing));
	snl_free(nl);
	return r;
}

static const char *proto_name(uint16_t proto)
{
	return proto == ETH_P_8021AD ? "802.1ad" : "802.1Q";
}

char *snl_uplink_differs(const char *name, uint16_t vlan, uint16_t vlan_proto)
{
	struct snl_link link;
	struct snl *nl;
	int r = snl_new(&nl, NULL);

	if (r < 0)
		return NULL;
	r = snl_link_get(nl, name, &link, NULL);
	snl_free(nl);
	if (r < 0)
		return NULL;
	if (strcmp(link.kind, "vlan") != 0)
		return vlan ? g_strdup_printf("%s, which has no VLAN, not %u", name, vlan) : NULL;
	if (link.vlan == vlan && link.vlan_proto == vlan_proto)
		return NULL;
	if (!vlan)
		return g_strdup_printf("%s, in VLAN %u, not in none", name, link.vlan);
	return g_strdup_printf("%s, in VLAN %u (%s), not in VLAN %u (%s)", name, link.vlan,
			       proto_name(link.vlan_proto), vlan, proto_name(vlan_proto));
}

void snl_uplink_remove_unused(const char *name)
{
	struct snl_link link;
	struct snl *nl;

	if (snl_new(&nl, NULL) < 0)
		return;
	if (snl_link_get(nl, name, &link, NULL) == 0 && strcmp(link.kind, "vlan") == 0)
		snl_vlan_remove_unused(nl, link.ifindex, NULL);
	snl_free(nl);
}
