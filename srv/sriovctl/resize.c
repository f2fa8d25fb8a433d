// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "base/parse.h"
#include "srv/sriovctl/commands.h"

/* TotalVFs has 16 bits. */
#define NUM_VFS_MAX 65535

static char *check_count(const char *text)
{
	uint64_t count;

	if (sriov_parse_u64(text, 10, NUM_VFS_MAX, &count) == 0 && count > 0)
		return NULL;
	return g_strdup("the number of VFs is at least 1; sriovctl pf show says how many a PF can "
			"have");
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	json_t *parameters = json_pack("{s:s, s:I}", "pf", args[0], "numVfs",
				       (json_int_t)strtol(args[1], NULL, 10));

	if (ctl_flag(ctl, "force"))
		json_object_set_new(parameters, "force", json_true());
	return ctl_call_job(ctl, "Resize", parameters, err);
}

const struct ctl_command ctl_resize = {
	.name = "resize",
	.summary = "Gives a PF another number of VFs, while guests run",
	.text = "The PF is drained, as by sriovctl drain, its VFs are made anew, and its guests "
		"get VFs again. A number other than the configuration's stays until the PF is "
		"resized to that. What has begun goes on after a restart of sriovd; sriovctl "
		"undrain interrupts it.",
	.example = "sriovctl resize enp1s0 4",
	.arguments = { { "PF", false, ctl_check_pf }, { "N", false, check_count } },
	.options = { { "force", NULL, "also where that interrupts a guest's network", false, NULL },
		     CTL_NO_WAIT_OPTION },
	.run = run,
};
