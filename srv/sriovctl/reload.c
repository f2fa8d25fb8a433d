// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

static void print(struct ctl *ctl, const json_t *reply)
{
	const json_t *problems = json_object_get(reply, "problems");
	g_autofree char *count = ctl_count_problems(problems);

	ctl_line(ctl->writer, 0, count ? CTL_WARN : CTL_GOOD, "configuration in force%s%s",
		 count ? ", with " : "", count ?: "");
	ctl_show_problems(ctl, problems);
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	return ctl_show(ctl, "Reload", NULL, print, err);
}

const struct ctl_command ctl_reload = {
	.name = "reload",
	.summary = "Makes sriovd read its configuration again",
	.text = "A configuration with an error changes nothing; 'sriovctl config check' shows all "
		"of "
		"them.",
	.run = run,
};
