// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "srv/sriovctl/show.h"

/* A column of a list of things of the API. */
struct show_column {
	const char *title;
	unsigned flags;
	bool brief; /* shown at a glance too */
	void (*cell)(struct ctl *ctl, struct ctl_table *table, const json_t *thing);
};

static void show_list(struct ctl *ctl, const json_t *things, const struct show_column *columns,
		      size_t n, bool brief)
{
	struct ctl_table *table = ctl_table_new(ctl->writer, 0);
	json_t *thing;
	size_t i;

	for (size_t c = 0; c < n; c++)
		if (columns[c].brief || !brief)
			ctl_table_column(table, columns[c].title, columns[c].flags);
	json_array_foreach (things, i, thing)
		for (size_t c = 0; c < n; c++)
			if (columns[c].brief || !brief)
				columns[c].cell(ctl, table, thing);
	ctl_table_end(table);
}

/* A cell that is a member of the thing, or of an object in it, as it is. */
#define TEXT_CELL(function, object, key)                                                    \
	static void function(struct ctl *ctl, struct ctl_table *table, const json_t *thing) \
	{                                                                                   \
		ctl_table_text(table, CTL_PLAIN, ctl_str(object, key));                     \
	}

TEXT_CELL(address_cell, thing, "address")
TEXT_CELL(driver_cell, thing, "driver")
TEXT_CELL(pool_cell, thing, "pool")
TEXT_CELL(netdev_cell, thing, "netdev")
TEXT_CELL(network_cell, thing, "network")
TEXT_CELL(mode_cell, thing, "mode")
TEXT_CELL(mac_cell, thing, "mac")
TEXT_CELL(vf_mac_cell, json_object_get(thing, "attributes"), "mac")
TEXT_CELL(reason_cell, thing, "reason")

/* Empty for what is not said. */
static void integer_cell(struct ctl_table *table, const json_t *value)
{
	if (json_is_integer(value))
		ctl_table_format(table, CTL_PLAIN, "%" JSON_INTEGER_FORMAT,
				 json_integer_value(value));
	else
		ctl_table_text(table, CTL_PLAIN, NULL);
}

/* Empty for 0. */
static void count_cell(struct ctl_table *table, json_int_t n, enum ctl_style style)
{
	if (n)
		ctl_table_format(table, style, "%" JSON_INTEGER_FORMAT, n);
	else
		ctl_table_text(table, CTL_PLAIN, NULL);
}

/* ---- PFs ---- */

static void pf_name_cell(struct ctl *ctl, struct ctl_table *table, const json_t *pf)
{
	g_autofree char *name = ctl_pf_name(pf);

	ctl_table_text(table, CTL_BOLD, name);
}

static void numa_cell(struct ctl *ctl, struct ctl_table *table, const json_t *pf)
{
	integer_cell(table, json_object_get(pf, "numaNode"));
}

static void link_cell(struct ctl *ctl, struct ctl_table *table, const json_t *pf)
{
	g_autofree char *speed = ctl_is(pf, "link", "up") ? ctl_speed(ctl_int(pf, "speed")) : NULL;

	ctl_table_format(table, ctl_link_style(pf), "%s%s%s", ctl_str(pf, "link") ?: "?",
			 speed ? " " : "", speed ?: "");
}

static void pf_state_cell(struct ctl *ctl, struct ctl_table *table, const json_t *pf)
{
	ctl_table_text(table, ctl_pf_style(pf), ctl_pf_state(pf));
}

/* How many VFs a PF has, and how many it should have where that is something else. */
static void vfs_cell(struct ctl *ctl, struct ctl_table *table, const json_t *pf)
{
	const json_t *wanted = json_object_get(pf, "wantedVfs");
	json_int_t vfs = ctl_int(pf, "numVfs");

	if (json_is_integer(wanted) && json_integer_value(wanted) != vfs)
		ctl_table_format(table, CTL_WARN,
				 "%" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT, vfs,
				 json_integer_value(wanted));
	else
		ctl_table_format(table, CTL_PLAIN, "%" JSON_INTEGER_FORMAT, vfs);
}

static void owned_cell(struct ctl *ctl, struct ctl_table *table, const json_t *pf)
{
	integer_cell(table, ctl_is(pf, "state", "unmanaged") ? NULL : json_object_get(pf, "owned"));
}

/* A PF without a free VF is worth a look; of unmanaged ones nothing is free for us. */
static void free_cell(struct ctl *ctl, struct ctl_table *table, const json_t *pf)
{
	if (ctl_is(pf, "state", "unmanaged"))
		ctl_table_text(table, CTL_PLAIN, NULL);
	else
		ctl_table_format(table, ctl_int(pf, "free") ? CTL_GOOD : CTL_WARN,
				 "%" JSON_INTEGER_FORMAT, ctl_int(pf, "free"));
}

static void dirty_cell(struct ctl *ctl, struct ctl_table *table, const json_t *pf)
{
	count_cell(table, ctl_int(pf, "dirty"), CTL_WARN);
}

static void quarantined_cell(struct ctl *ctl, struct ctl_table *table, const json_t *pf)
{
	count_cell(table, ctl_int(pf, "quarantined"), CTL_BAD);
}

static void unusable_cell(struct ctl *ctl, struct ctl_table *table, const json_t *pf)
{
	count_cell(table, ctl_int(pf, "unusable"), CTL_BAD);
}

static const struct show_column pf_columns[] = {
	{ "PF", CTL_LEFT, true, pf_name_cell },
	{ "ADDRESS", CTL_LEFT, false, address_cell },
	{ "DRIVER", CTL_OPTIONAL, false, driver_cell },
	{ "NUMA", CTL_RIGHT | CTL_OPTIONAL, false, numa_cell },
	{ "LINK", CTL_LEFT, true, link_cell },
	{ "POOL", CTL_OPTIONAL, true, pool_cell },
	{ "STATE", CTL_LEFT, true, pf_state_cell },
	{ "VFS", CTL_RIGHT, true, vfs_cell },
	{ "OWNED", CTL_RIGHT | CTL_OPTIONAL, true, owned_cell },
	{ "FREE", CTL_RIGHT | CTL_OPTIONAL, true, free_cell },
	{ "DIRTY", CTL_RIGHT | CTL_OPTIONAL, true, dirty_cell },
	{ "QUARANTINED", CTL_RIGHT | CTL_OPTIONAL, true, quarantined_cell },
	{ "UNUSABLE", CTL_RIGHT | CTL_OPTIONAL, true, unusable_cell },
	{ "REASON", CTL_OPTIONAL | CTL_SENTENCE, true, reason_cell },
};

void ctl_show_pfs(struct ctl *ctl, const json_t *pfs, bool brief)
{
	show_list(ctl, pfs, pf_columns, G_N_ELEMENTS(pf_columns), brief);
}

/* ---- VFs ---- */

static void vf_name_cell(struct ctl *ctl, struct ctl_table *table, const json_t *vf)
{
	ctl_table_text(table, CTL_BOLD, ctl_str(vf, "name"));
}

static void vf_state_cell(struct ctl *ctl, struct ctl_table *table, const json_t *vf)
{
	ctl_table_text(table, ctl_vf_style(vf), ctl_str(vf, "state"));
}

static void vf_owner_cell(struct ctl *ctl, struct ctl_table *table, const json_t *vf)
{
	g_autofree char *owner = ctl_vf_owner(vf);

	ctl_table_text(table, CTL_PLAIN, owner);
}

static void vlan_cell(struct ctl *ctl, struct ctl_table *table, const json_t *vf)
{
	count_cell(table, ctl_int(json_object_get(vf, "attributes"), "vlan"), CTL_PLAIN);
}

static void group_cell(struct ctl *ctl, struct ctl_table *table, const json_t *vf)
{
	integer_cell(table, json_object_get(vf, "iommuGroup"));
}

static const struct show_column vf_columns[] = {
	{ "VF", CTL_LEFT, true, vf_name_cell },
	{ "ADDRESS", CTL_LEFT, true, address_cell },
	{ "POOL", CTL_OPTIONAL, true, pool_cell },
	{ "STATE", CTL_LEFT, true, vf_state_cell },
	{ "OWNER", CTL_OPTIONAL, true, vf_owner_cell },
	{ "MAC", CTL_OPTIONAL, true, vf_mac_cell },
	{ "VLAN", CTL_RIGHT | CTL_OPTIONAL, true, vlan_cell },
	{ "DRIVER", CTL_OPTIONAL, true, driver_cell },
	{ "GROUP", CTL_RIGHT | CTL_OPTIONAL, true, group_cell },
	{ "NETDEV", CTL_OPTIONAL, true, netdev_cell },
	{ "REASON", CTL_OPTIONAL | CTL_SENTENCE, true, reason_cell },
};

void ctl_show_vfs(struct ctl *ctl, const json_t *vfs)
{
	show_list(ctl, vfs, vf_columns, G_N_ELEMENTS(vf_columns), false);
}

/* ---- nics ---- */

static void nic_name_cell(struct ctl *ctl, struct ctl_table *table, const json_t *nic)
{
	g_autofree char *name = ctl_nic_name(nic);

	ctl_table_text(table, CTL_BOLD, name);
}

/* Nearly all owners are domains: that is not said. */
static void kind_cell(struct ctl *ctl, struct ctl_table *table, const json_t *nic)
{
	const json_t *owner = json_object_get(nic, "owner");

	ctl_table_text(table, CTL_PLAIN,
		       ctl_is(owner, "kind", "libvirt") ? NULL : ctl_str(owner, "kind"));
}

static void priority_cell(struct ctl *ctl, struct ctl_table *table, const json_t *nic)
{
	count_cell(table, ctl_int(nic, "priority"), CTL_PLAIN);
}

static void nic_state_cell(struct ctl *ctl, struct ctl_table *table, const json_t *nic)
{
	ctl_table_text(table, ctl_nic_style(nic), ctl_str(nic, "state"));
}

static void since_cell(struct ctl *ctl, struct ctl_table *table, const json_t *nic)
{
	g_autofree char *since = ctl_since(ctl, ctl_int(nic, "since"));

	ctl_table_text(table, CTL_PLAIN, since);
}

static void backing_cell(struct ctl *ctl, struct ctl_table *table, const json_t *nic)
{
	g_autofree char *backing = ctl_nic_backing(nic);

	ctl_table_text(table, ctl_backing_style(nic), backing);
}

static const struct show_column nic_columns[] = {
	{ "NIC", CTL_LEFT, true, nic_name_cell },
	{ "KIND", CTL_OPTIONAL, false, kind_cell },
	{ "NETWORK", CTL_LEFT, true, network_cell },
	{ "MODE", CTL_LEFT, true, mode_cell },
	{ "PRIORITY", CTL_RIGHT | CTL_OPTIONAL, false, priority_cell },
	{ "MAC", CTL_LEFT, false, mac_cell },
	{ "STATE", CTL_LEFT, true, nic_state_cell },
	{ "SINCE", CTL_RIGHT, true, since_cell },
	{ "BACKING", CTL_LEFT, true, backing_cell },
	{ "REASON", CTL_OPTIONAL | CTL_SENTENCE, true, reason_cell },
};

void ctl_show_nics(struct ctl *ctl, const json_t *nics, bool brief)
{
	show_list(ctl, nics, nic_columns, G_N_ELEMENTS(nic_columns), brief);
}
