// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	json_t *reply = NULL;
	int r = ctl_call(ctl, "Undrain", json_pack("{s:s}", "pf", args[0]), &reply, err);

	if (r == 0 && ctl->json)
		ctl_json(ctl->writer, reply);
	else if (r == 0)
		ctl_line(ctl->writer, 0, CTL_GOOD, "%s gives VFs again", args[0]);
	json_decref(reply);
	return r;
}

const struct ctl_command ctl_undrain = {
	.name = "undrain",
	.summary = "Puts a drained PF back into service, or ends a resize",
	.text = "Nics that wait for a VF get one of it.",
	.example = "sriovctl undrain enp1s0",
	.arguments = { { "PF", false, ctl_check_pf } },
	.run = run,
};
