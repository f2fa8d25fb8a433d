// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

static void print(struct ctl *ctl, const json_t *reply)
{
	const json_t *pfs = json_object_get(reply, "pfs");

	if (json_array_size(pfs) == 0)
		ctl_line(ctl->writer, 0, CTL_PLAIN, "This host has no NIC with SR-IOV.");
	ctl_show_pfs(ctl, pfs, false);
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	return ctl_show(ctl, "ListPFs", NULL, print, err);
}

const struct ctl_command ctl_pf_list = {
	.name = "pf list",
	.summary = "Lists the PFs of the host and what their VFs are doing",
	.text = "OWNED VFs have an owner, FREE ones are scrubbed and ready. DIRTY ones wait for "
		"their "
		"scrub, QUARANTINED ones could not be scrubbed or had a PCIe error, UNUSABLE ones "
		"cannot be given to a "
		"guest: 'sriovctl vf list' says why. VFS says \"4 of 7\" where the configuration "
		"wants another number than there are.",
	.is_default = true,
	.run = run,
};
