// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	json_t *parameters = json_pack("{s:s}", "pf", args[0]);

	if (ctl_flag(ctl, "force"))
		json_object_set_new(parameters, "force", json_true());
	return ctl_call_job(ctl, "Drain", parameters, err);
}

const struct ctl_command ctl_drain = {
	.name = "drain",
	.summary = "Takes a PF out of service: its failover nics go on over virtio",
	.text = "The PF gives no VF any more, also after a restart, until: sriovctl undrain PF. "
		"While nics of mode exclusive or required have VFs of it, the command refuses and "
		"says which; with --force exclusive ones go on over virtio after an interruption, "
		"and required ones stand without a network.",
	.example = "sriovctl drain enp1s0",
	.arguments = { { "PF", false, ctl_check_pf } },
	.options = { { "force", NULL, "also where that interrupts a guest's network", false, NULL },
		     CTL_NO_WAIT_OPTION },
	.run = run,
};
