// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

static void print(struct ctl *ctl, const json_t *reply)
{
	ctl_show_vf(ctl, json_object_get(reply, "vf"));
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
