// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	return ctl_call_job(ctl, "StartDomain", json_pack("{s:s}", "domain", args[0]), err);
}

const struct ctl_command ctl_start = {
	.name = "start",
	.summary = "Starts a domain paused, attaches its nics, then lets it run",
	.text = "After 'virsh start' a domain's nics come while it boots; after this they are "
		"there before its first instruction. A domain without nics of ours is started as "
		"'virsh start' does it.",
	.example = "sriovctl start web1",
	.arguments = { { "DOMAIN", false, ctl_check_owner } },
	.options = { CTL_NO_WAIT_OPTION },
	.run = run,
};
