// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

/* What the program that will use the VF wants to be told. */
static void print(struct ctl *ctl, const json_t *reply)
{
	const json_t *vf = json_object_get(reply, "vf"), *nic = json_object_get(reply, "nic");
	const json_t *group = json_object_get(vf, "iommuGroup");
	g_autofree char *name = ctl_nic_name(nic);
	struct ctl_table *table;

	ctl_line(ctl->writer, 0, CTL_GOOD, "%s has VF %s", name, ctl_str(vf, "name") ?: "?");
	table = ctl_fields_new(ctl->writer, 2);
	ctl_field(table, "PCI address", CTL_BOLD, ctl_str(vf, "address"));
	if (json_is_integer(group))
		ctl_field_format(table, "IOMMU group", CTL_PLAIN, "%" JSON_INTEGER_FORMAT,
				 json_integer_value(group));
	if (json_is_integer(group) && ctl_is(vf, "driver", "vfio-pci"))
		ctl_field_format(table, "VFIO device", CTL_PLAIN, "/dev/vfio/%" JSON_INTEGER_FORMAT,
				 json_integer_value(group));
	ctl_field(table, "driver", CTL_PLAIN, ctl_str(vf, "driver"));
	ctl_field(table, "netdev", CTL_PLAIN, ctl_str(vf, "netdev"));
	ctl_field(table, "MAC", CTL_PLAIN, ctl_str(nic, "mac"));
	ctl_field(table, "network", CTL_PLAIN, ctl_str(nic, "network"));
	ctl_table_end(table);
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	json_t *parameters = json_pack("{s:s, s:s, s:s*, s:s*}", "owner", args[0], "network",
				       ctl_value(ctl, "network"), "id", ctl_value(ctl, "id"), "mac",
				       ctl_value(ctl, "mac"));

	return ctl_show(ctl, "Claim", parameters, print, err);
}

const struct ctl_command ctl_vf_claim = {
	.name = "vf claim",
	.summary = "Claims a VF for an owner that is no guest: a DPDK process",
	.text = "When it returns, the claim is on disk and the VF has the attributes of the network. "
		"The same claim again finds the VF that it got before. It waits some seconds for a VF that "
		"is being made or scrubbed, or whose PF has its link in a moment. It lasts, over restarts of "
		"sriovd too, until 'sriovctl vf release'.",
	.example = "sriovctl vf claim dpdk1 --network tenant-a\n"
		   "sriovctl vf claim dpdk1 --network tenant-b --id net1 --json",
	.arguments = { { "OWNER", false, ctl_check_name } },
	.options = {
		{ "network", "NETWORK", "network of the configuration", true, ctl_check_name },
		{ "id", "ID", "which of the owner's nics it is; default net0", false,
		  ctl_check_name },
		{ "mac", "MAC", "MAC address; default: made from OWNER and ID", false,
		  ctl_check_mac },
	},
	.run = run,
};
