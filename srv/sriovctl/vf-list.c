// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

static void print(struct ctl *ctl, const json_t *reply)
{
	const json_t *vfs = json_object_get(reply, "vfs");

	if (json_array_size(vfs) == 0)
		ctl_line(ctl->writer, 0, CTL_PLAIN, "There are no VFs.");
	ctl_show_vfs(ctl, vfs);
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	return ctl_show(ctl, "ListVFs", json_pack("{s:s*}", "pf", args[0]), print, err);
}

const struct ctl_command ctl_vf_list = {
	.name = "vf list",
	.summary = "Lists VFs, of one PF or of all, and whose they are",
	.text = "MAC and VLAN are what the kernel says that the VF has now.",
	.arguments = { { "PF", true, ctl_check_pf } },
	.is_default = true,
	.run = run,
};
