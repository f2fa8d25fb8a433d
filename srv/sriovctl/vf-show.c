// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

static void print(struct ctl *ctl, const json_t *reply)
{
	const json_t *vf = json_object_get(reply, "vf");

	ctl_show_vf(ctl, vf);
	if (!ctl_is(vf, "state", "quarantined"))
		return;
	ctl_gap(ctl->writer);
	ctl_line(ctl->writer, 0, CTL_PLAIN,
		 "Nobody gets it until it was looked after, and: sriovctl vf scrub %s",
		 ctl_str(vf, "name") ?: "VF");
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	return ctl_show(ctl, "GetVF", json_pack("{s:s}", "vf", args[0]), print, err);
}

const struct ctl_command ctl_vf_show = {
	.name = "vf show",
	.summary = "Shows one VF, with its attributes as the kernel has them",
	.example = "sriovctl vf show enp1s0/3\nsriovctl vf show 0000:01:10.6",
	.arguments = { { "VF", false, ctl_check_vf } },
	.run = run,
};
