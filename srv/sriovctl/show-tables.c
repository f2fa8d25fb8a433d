// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "srv/sriovctl/show.h"

static void count_cell(struct ctl_table *table, json_int_t n, enum ctl_style style)
{
	if (n)
		ctl_table_format(table, style, "%" JSON_INTEGER_FORMAT, n);
	else
		ctl_table_text(table, CTL_PLAIN, NULL);
}

/* How many VFs a PF has, and how many it should have where that is something else. */
static void vfs_cell(struct ctl_table *table, const json_t *pf)
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

static void link_cell(struct ctl_table *table, const json_t *pf)
{
	g_autofree char *speed = ctl_is(pf, "link", "up") ? ctl_speed(ctl_int(pf, "speed")) : NULL;

	ctl_table_format(table, ctl_link_style(pf), "%s%s%s", ctl_str(pf, "link") ?: "?",
			 speed ? " " : "", speed ?: "");
}

/* A pool without a free VF is worth a look; of unmanaged PFs nothing is free for us. */
static void free_cell(struct ctl_table *table, const json_t *pf)
{
	bool none = ctl_int(pf, "free") == 0;

	if (ctl_is(pf, "state", "unmanaged"))
		ctl_table_text(table, CTL_PLAIN, NULL);
	else
		ctl_table_format(table, none ? CTL_WARN : CTL_GOOD, "%" JSON_INTEGER_FORMAT,
				 ctl_int(pf, "free"));
}

static void owned_cell(struct ctl_table *table, const json_t *pf)
{
	if (ctl_is(pf, "state", "unmanaged"))
		ctl_table_text(table, CTL_PLAIN, NULL);
	else
		ctl_table_format(table, CTL_PLAIN, "%" JSON_INTEGER_FORMAT, ctl_int(pf, "owned"));
}

static void pf_row(struct ctl_table *table, const json_t *pf)
{
	const json_t *numa = json_object_get(pf, "numaNode");
	g_autofree char *name = ctl_pf_name(pf);

	ctl_table_text(table, CTL_BOLD, name);
	ctl_table_text(table, CTL_PLAIN, ctl_str(pf, "address"));
	ctl_table_text(table, CTL_PLAIN, ctl_str(pf, "driver"));
	if (json_is_integer(numa))
		ctl_table_format(table, CTL_PLAIN, "%" JSON_INTEGER_FORMAT,
				 json_integer_value(numa));
	else
		ctl_table_text(table, CTL_PLAIN, NULL);
	link_cell(table, pf);
	ctl_table_text(table, CTL_PLAIN, ctl_str(pf, "pool"));
	ctl_table_text(table, ctl_pf_style(pf), ctl_str(pf, "state"));
	vfs_cell(table, pf);
	owned_cell(table, pf);
	free_cell(table, pf);
	count_cell(table, ctl_int(pf, "dirty"), CTL_WARN);
	count_cell(table, ctl_int(pf, "quarantined"), CTL_BAD);
	count_cell(table, ctl_int(pf, "unusable"), CTL_BAD);
	ctl_table_text(table, CTL_PLAIN, ctl_str(pf, "reason"));
}

void ctl_show_pfs(struct ctl *ctl, const json_t *pfs)
{
	static const struct {
		const char *title;
		unsigned flags;
	} columns[] = {
		{ "PF", CTL_LEFT },
		{ "ADDRESS", CTL_LEFT },
		{ "DRIVER", CTL_OPTIONAL },
		{ "NUMA", CTL_RIGHT | CTL_OPTIONAL },
		{ "LINK", CTL_LEFT },
		{ "POOL", CTL_OPTIONAL },
		{ "STATE", CTL_LEFT },
		{ "VFS", CTL_RIGHT },
		{ "OWNED", CTL_RIGHT | CTL_OPTIONAL },
		{ "FREE", CTL_RIGHT | CTL_OPTIONAL },
		{ "DIRTY", CTL_RIGHT | CTL_OPTIONAL },
		{ "QUARANTINED", CTL_RIGHT | CTL_OPTIONAL },
		{ "UNUSABLE", CTL_RIGHT | CTL_OPTIONAL },
		{ "REASON", CTL_OPTIONAL },
	};
	struct ctl_table *table = ctl_table_new(ctl->writer, 0);
	json_t *pf;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(columns); i++)
		ctl_table_column(table, columns[i].title, columns[i].flags);
	json_array_foreach (pfs, i, pf)
		pf_row(table, pf);
	ctl_table_end(table);
}

static void integer_cell(struct ctl_table *table, const json_t *value)
{
	if (json_is_integer(value))
		ctl_table_format(table, CTL_PLAIN, "%" JSON_INTEGER_FORMAT,
				 json_integer_value(value));
	else
		ctl_table_text(table, CTL_PLAIN, NULL);
}

static void vf_row(struct ctl_table *table, const json_t *vf)
{
	const json_t *attributes = json_object_get(vf, "attributes");
	g_autofree char *owner = ctl_vf_owner(vf);

	ctl_table_text(table, CTL_BOLD, ctl_str(vf, "name"));
	ctl_table_text(table, CTL_PLAIN, ctl_str(vf, "address"));
	ctl_table_text(table, CTL_PLAIN, ctl_str(vf, "pool"));
	ctl_table_text(table, ctl_vf_style(vf), ctl_str(vf, "state"));
	ctl_table_text(table, CTL_PLAIN, owner);
	ctl_table_text(table, CTL_PLAIN, ctl_str(attributes, "mac"));
	count_cell(table, ctl_int(attributes, "vlan"), CTL_PLAIN);
	ctl_table_text(table, CTL_PLAIN, ctl_str(vf, "driver"));
	integer_cell(table, json_object_get(vf, "iommuGroup"));
	ctl_table_text(table, CTL_PLAIN, ctl_str(vf, "netdev"));
	ctl_table_text(table, CTL_PLAIN, ctl_str(vf, "reason"));
}

void ctl_show_vfs(struct ctl *ctl, const json_t *vfs)
{
	static const struct {
		const char *title;
		unsigned flags;
	} columns[] = {
		{ "VF", CTL_LEFT },
		{ "ADDRESS", CTL_LEFT },
		{ "POOL", CTL_OPTIONAL },
		{ "STATE", CTL_LEFT },
		{ "OWNER", CTL_OPTIONAL },
		{ "MAC", CTL_OPTIONAL },
		{ "VLAN", CTL_RIGHT | CTL_OPTIONAL },
		{ "DRIVER", CTL_OPTIONAL },
		{ "IOMMU", CTL_RIGHT | CTL_OPTIONAL },
		{ "NETDEV", CTL_OPTIONAL },
		{ "REASON", CTL_OPTIONAL },
	};
	struct ctl_table *table = ctl_table_new(ctl->writer, 0);
	json_t *vf;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(columns); i++)
		ctl_table_column(table, columns[i].title, columns[i].flags);
	json_array_foreach (vfs, i, vf)
		vf_row(table, vf);
	ctl_table_end(table);
}

static void nic_row(struct ctl *ctl, struct ctl_table *table, const json_t *nic)
{
	const json_t *owner = json_object_get(nic, "owner");
	g_autofree char *name = ctl_nic_name(nic), *backing = ctl_nic_backing(nic);
	g_autofree char *since = ctl_since(ctl, ctl_int(nic, "since"));

	ctl_table_text(table, CTL_BOLD, name);
	/* Nearly all owners are domains: that is not said. */
	ctl_table_text(table, CTL_PLAIN,
		       ctl_is(owner, "kind", "libvirt") ? NULL : ctl_str(owner, "kind"));
	ctl_table_text(table, CTL_PLAIN, ctl_str(nic, "network"));
	ctl_table_text(table, CTL_PLAIN, ctl_str(nic, "mode"));
	count_cell(table, ctl_int(nic, "priority"), CTL_PLAIN);
	ctl_table_text(table, CTL_PLAIN, ctl_str(nic, "mac"));
	ctl_table_text(table, ctl_nic_style(nic), ctl_str(nic, "state"));
	ctl_table_text(table, CTL_PLAIN, since);
	ctl_table_text(table, ctl_backing_style(nic), backing);
	ctl_table_text(table, CTL_PLAIN, ctl_str(nic, "reason"));
}

void ctl_show_nics(struct ctl *ctl, const json_t *nics)
{
	static const struct {
		const char *title;
		unsigned flags;
	} columns[] = {
		{ "NIC", CTL_LEFT },
		{ "OWNER", CTL_OPTIONAL },
		{ "NETWORK", CTL_LEFT },
		{ "MODE", CTL_LEFT },
		{ "PRIORITY", CTL_RIGHT | CTL_OPTIONAL },
		{ "MAC", CTL_LEFT },
		{ "STATE", CTL_LEFT },
		{ "SINCE", CTL_RIGHT },
		{ "BACKING", CTL_LEFT },
		{ "REASON", CTL_OPTIONAL },
	};
	struct ctl_table *table = ctl_table_new(ctl->writer, 0);
	json_t *nic;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(columns); i++)
		ctl_table_column(table, columns[i].title, columns[i].flags);
	json_array_foreach (nics, i, nic)
		nic_row(ctl, table, nic);
	ctl_table_end(table);
}
