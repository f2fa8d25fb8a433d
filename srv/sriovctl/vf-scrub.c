// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

static void print(struct ctl *ctl, const json_t *reply)
{
	const json_t *vf = json_object_get(reply, "vf");
	g_autofree char *owner = ctl_vf_owner(vf);
	const char *name = ctl_str(vf, "name") ?: "?", *reason = ctl_str(vf, "reason");

	/* Whoever waited for one has it by now. */
	if (owner)
		ctl_line(ctl->writer, 0, CTL_GOOD, "%s was scrubbed, and %s has got it", name,
			 owner);
	else
		ctl_line(ctl->writer, 0, CTL_GOOD, "%s was scrubbed and is %s%s%s", name,
			 ctl_str(vf, "state") ?: "?", reason ? ": " : "", reason ?: "");
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	return ctl_show(ctl, "ScrubVF", json_pack("{s:s}", "vf", args[0]), print, err);
}

const struct ctl_command ctl_vf_scrub = {
	.name = "vf scrub",
	.summary = "Scrubs a VF that nobody has again, and ends its quarantine",
	.text = "For a VF whose trouble was looked after: it is reset, its attributes are set back "
		"and read back, and when all that succeeds it is free. The PCIe errors that it had "
		"are forgotten. When it fails the VF is quarantined, again, and the command says "
		"why.\n\n"
		"One that has an owner is left alone. Nobody else's VF is touched.",
	.example = "sriovctl vf scrub enp1s0/3\nsriovctl vf scrub 0000:01:10.6",
	.arguments = { { "VF", false, ctl_check_vf } },
	.run = run,
};
