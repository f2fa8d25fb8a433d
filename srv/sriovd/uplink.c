// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/uplink.h"

#include <errno.h>
#include <string.h>

#include <glib.h>

#include "netlink/link.h"

char *srv_uplink_name(const char *parent, uint16_t vlan)
{
	char *name = vlan ? g_strdup_printf("%s.%u", parent, vlan) : g_strdup(parent);

	if (strlen(name) < IFNAMSIZ)
		return name;
	g_free(name);
	return NULL;
}

char *srv_uplink_parent(const char *name, uint16_t vlan)
{
	g_autofree char *suffix = g_strdup_printf(".%u", vlan);
	size_t len = strlen(name), suffix_len = strlen(suffix);

	if (!vlan || len <= suffix_len || !g_str_has_suffix(name, suffix))
		return NULL;
	return g_strndup(name, len - suffix_len);
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

int srv_uplink_ensure(const char *name, uint16_t vlan, uint16_t vlan_proto,
		      struct sriov_error **err)
{
	g_autofree char *parent = srv_uplink_parent(name, vlan);
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

void srv_uplink_remove_unused(const char *name)
{
	struct snl_link link;
	struct snl *nl;

	if (snl_new(&nl, NULL) < 0)
		return;
	if (snl_link_get(nl, name, &link, NULL) == 0 && strcmp(link.kind, "vlan") == 0)
		snl_vlan_remove_unused(nl, link.ifindex, NULL);
	snl_free(nl);
}
