// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

static void print(struct ctl *ctl, const json_t *reply)
{
	const json_t *nics = json_object_get(reply, "nics");

	if (json_array_size(nics) == 0)
		ctl_line(ctl->writer, 0, CTL_PLAIN,
			 "There are no nics; 'sriovctl nic add' gives a domain one.");
	ctl_show_nics(ctl, nics, false);
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	return ctl_show(ctl, "ListNics", json_pack("{s:s*}", "owner", args[0]), print, err);
}

const struct ctl_command ctl_nic_list = {
	.name = "nic list",
	.summary = "Lists nics, of one owner or of all, and what carries them",
	.text = "OWNER is a domain's name or UUID, or the name of who claimed by hand. SINCE is "
		"for how "
		"long the nic has been in its state.",
	.arguments = { { "OWNER", true, ctl_check_owner } },
	.is_default = true,
	.run = run,
};
