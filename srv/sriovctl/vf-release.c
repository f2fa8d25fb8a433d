// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	ctl_split_nic(args);
	return ctl_call_job(ctl, "Release",
			    json_pack("{s:s, s:s*}", "owner", args[0], "id", args[1]), err);
}

const struct ctl_command ctl_vf_release = {
	.name = "vf release",
	.summary = "Gives back what an owner claimed by hand",
	.text = "Without ID: all of it. The VF has no owner any more as soon as sriovd has "
		"answered. Then it is scrubbed, "
		"and "
		"only afterwards it is free for the next one; the command waits for that.",
	.example = "sriovctl vf release dpdk1\nsriovctl vf release dpdk1 net1",
	.arguments = { { "OWNER", false, ctl_check_owner }, { "ID", true, ctl_check_name } },
	.options = { CTL_NO_WAIT_OPTION },
	.run = run,
};
