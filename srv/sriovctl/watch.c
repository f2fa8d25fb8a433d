// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "srv/sriovctl/commands.h"

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	return ctl_follow_job(ctl, strtoll(args[0], NULL, 10), err);
}

const struct ctl_command ctl_watch = {
	.name = "watch",
	.summary = "Follows a job to its end, and fails if it does",
	.text = "With --json one object a line. A job that has ended is remembered for a while, "
		"but not "
		"over a restart of sriovd.",
	.example = "sriovctl watch 17",
	.arguments = { { "JOB", false, ctl_check_job } },
	.run = run,
};
