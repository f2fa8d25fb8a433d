// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	ctl_split_nic(args);
	return ctl_call_job(ctl, "Demote",
			    json_pack("{s:s, s:s*}", "owner", args[0], "id", args[1]), err);
}

const struct ctl_command ctl_demote = {
	.name = "demote",
	.summary = "Takes the VF from a failover nic, leaving it virtio",
	.text = "The nic then waits for a VF like the others; a while later it may have one again. "
		"To keep a PF free of guests, see: sriovctl drain. A guest that does not let go of "
		"its VF keeps it.",
	.example = "sriovctl demote web1\nsriovctl demote web1 net1",
	.arguments = { { "DOMAIN", false, ctl_check_owner }, { "ID", true, ctl_check_name } },
	.options = { CTL_NO_WAIT_OPTION },
	.run = run,
};
