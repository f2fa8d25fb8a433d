// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/files.h"
#include "srv/sriovctl/show.h"

static void print(struct ctl *ctl, const json_t *problems)
{
	g_autofree char *count = ctl_count_problems(problems);

	if (!count)
		ctl_line(ctl->writer, 0, CTL_GOOD, "no mistakes");
	ctl_show_problems_by_place(ctl, problems);
	if (count)
		ctl_line(ctl->writer, 0, CTL_BOLD, "%s", count);
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	json_t *files = NULL, *reply = NULL;
	int r = args[0] ? ctl_config_files(args, ctl->env->in, &files, err) : 0;

	if (r == 0)
		r = ctl_call(ctl, "CheckConfig", json_pack("{s:o*}", "files", files), &reply, err);
	return r < 0 ? r : ctl_show_check(ctl, reply, print, SRIOV_ERROR_INVALID);
}

const struct ctl_command ctl_config_check = {
	.name = "config check",
	.summary = "Finds the mistakes of a configuration before a reload does",
	.text = "Without files: of what is on disk where sriovd reads it. A directory stands for "
		"its "
		"sriovd.json and conf.d/*.json, and - for what comes in on standard input. The "
		"check is against this host too: whether its "
		"PFs "
		"are there, and have as many VFs as wanted. It is sriovd that checks, so that has "
		"to run.\n\n"
		"Exits with 3 when there is an error; warnings alone are no failure.",
	.example = "sriovctl config check\nsriovctl config check ./sriovd.json conf.d/*.json\n"
		   "jq .sriovd inventory.json | sriovctl config check -",
	.arguments = { { "DIR-OR-FILE", true, NULL } },
	.many = true,
	.run = run,
};
