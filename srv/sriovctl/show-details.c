// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "srv/sriovctl/show.h"

/* "vfio-pci, IOMMU group 23" */
static char *driver_and_group(const json_t *vf)
{
	const json_t *group = json_object_get(vf, "iommuGroup");
	const char *driver = ctl_str(vf, "driver") ?: "none";

	if (!json_is_integer(group))
		return g_strdup(driver);
	return g_strdup_printf("%s, IOMMU group %" JSON_INTEGER_FORMAT, driver,
			       json_integer_value(group));
}

static char *with_reason(const json_t *json)
{
	const char *reason = ctl_str(json, "reason");

	return g_strdup_printf("%s%s%s", ctl_str(json, "state") ?: "?", reason ? ": " : "",
			       reason ?: "");
}

static void vlan_field(struct ctl_table *table, const json_t *attributes)
{
	json_int_t vlan = ctl_int(attributes, "vlan"), qos = ctl_int(attributes, "qos");
	g_autofree char *priority = qos ? g_strdup_printf(", priority %d", (int)qos) : NULL;
	const char *proto = ctl_str(attributes, "vlanProto");

	if (!vlan)
		return;
	ctl_field_format(table, "VLAN", CTL_PLAIN, "%d%s%s", (int)vlan,
			 g_strcmp0(proto, "802.1ad") == 0 ? " (802.1ad)" : "", priority ?: "");
}

static void attribute_fields(struct ctl_table *table, const json_t *attributes)
{
	g_autofree char *min = ctl_speed(ctl_int(attributes, "minTxRate"));
	g_autofree char *max = ctl_speed(ctl_int(attributes, "maxTxRate"));
	const json_t *spoofchk = json_object_get(attributes, "spoofchk");
	const json_t *trust = json_object_get(attributes, "trust");

	ctl_field(table, "MAC", CTL_PLAIN, ctl_str(attributes, "mac"));
	vlan_field(table, attributes);
	ctl_field(table, "min rate", CTL_PLAIN, min);
	if (json_is_integer(json_object_get(attributes, "maxTxRate")))
		ctl_field(table, "max rate", CTL_PLAIN, max ?: "no limit");
	if (json_is_boolean(spoofchk))
		ctl_field(table, "spoofchk", CTL_PLAIN, json_is_true(spoofchk) ? "on" : "off");
	if (json_is_boolean(trust))
		ctl_field(table, "trust", json_is_true(trust) ? CTL_WARN : CTL_PLAIN,
			  json_is_true(trust) ? "on" : "off");
	ctl_field(table, "link state", CTL_PLAIN, ctl_str(attributes, "linkState"));
}

void ctl_error_fields(struct ctl_table *table, const json_t *json)
{
	const json_t *errors = json_object_get(json, "pcieErrors");
	json_int_t fatal = ctl_int(errors, "fatal"), nonfatal = ctl_int(errors, "nonfatal");

	if (errors)
		ctl_field_format(table, "PCIe errors", fatal || nonfatal ? CTL_WARN : CTL_PLAIN,
				 "%" JSON_INTEGER_FORMAT " fatal, %" JSON_INTEGER_FORMAT " not",
				 fatal, nonfatal);
	ctl_field(table, "fault", CTL_BAD, ctl_str(json, "fault"));
}

void ctl_show_vf(struct ctl *ctl, const json_t *vf)
{
	g_autofree char *owner = ctl_vf_owner(vf), *state = with_reason(vf);
	g_autofree char *driver = driver_and_group(vf);
	struct ctl_table *table;

	ctl_line(ctl->writer, 0, CTL_BOLD, "VF %s", ctl_str(vf, "name") ?: "?");
	table = ctl_fields_new(ctl->writer, 2);
	ctl_field(table, "state", ctl_vf_style(vf), state);
	ctl_field(table, "owner", CTL_PLAIN, owner);
	ctl_field(table, "address", CTL_PLAIN, ctl_str(vf, "address"));
	ctl_field(table, "PF", CTL_PLAIN, ctl_str(vf, "pf"));
	ctl_field(table, "pool", CTL_PLAIN, ctl_str(vf, "pool"));
	ctl_field(table, "driver", CTL_PLAIN, driver);
	ctl_field(table, "netdev", CTL_PLAIN, ctl_str(vf, "netdev"));
	ctl_error_fields(table, vf);
	attribute_fields(table, json_object_get(vf, "attributes"));
	ctl_table_end(table);
}

void ctl_show_nic(struct ctl *ctl, const json_t *nic)
{
	const json_t *owner = json_object_get(nic, "owner");
	g_autofree char *name = ctl_nic_name(nic), *backing = ctl_nic_backing(nic);
	g_autofree char *state = with_reason(nic), *since = ctl_since(ctl, ctl_int(nic, "since"));
	const char *uuid = ctl_str(owner, "uuid");
	struct ctl_table *table;

	ctl_line(ctl->writer, 0, CTL_BOLD, "nic %s", name);
	table = ctl_fields_new(ctl->writer, 2);
	ctl_field(table, "state", ctl_nic_style(nic), state);
	ctl_field(table, "since", CTL_PLAIN, since);
	ctl_field(table, "backing", ctl_backing_style(nic), backing);
	ctl_field(table, "address", CTL_PLAIN, ctl_str(nic, "address"));
	ctl_field(table, "network", CTL_PLAIN, ctl_str(nic, "network"));
	ctl_field(table, "mode", CTL_PLAIN, ctl_str(nic, "mode"));
	ctl_field(table, "MAC", CTL_PLAIN, ctl_str(nic, "mac"));
	ctl_field_format(table, "priority", CTL_PLAIN, "%d", (int)ctl_int(nic, "priority"));
	ctl_field_format(table, "owner", CTL_PLAIN, "%s, %s%s%s", ctl_str(owner, "name") ?: "?",
			 ctl_str(owner, "kind") ?: "?", uuid ? " " : "", uuid ?: "");
	ctl_table_end(table);
}
