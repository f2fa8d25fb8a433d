// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

static void print(struct ctl *ctl, const json_t *reply)
{
	ctl_show_nic(ctl, json_object_get(reply, "nic"));
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	ctl_split_nic(args);
	if (!args[1])
		return ctl_usage_error(ctl, "ID is missing");
	return ctl_show(ctl, "GetNic", json_pack("{s:s, s:s}", "owner", args[0], "id", args[1]),
			print, err);
}

const struct ctl_command ctl_nic_show = {
	.name = "nic show",
	.summary = "Shows one nic",
	.example = "sriovctl nic show web1 net0\nsriovctl nic show web1/net0",
	.arguments = { { "OWNER", false, ctl_check_owner }, { "ID", true, ctl_check_name } },
	.run = run,
};
