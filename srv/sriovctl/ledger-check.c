// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

static void print(struct ctl *ctl, const json_t *problems)
{
	g_autofree char *count = ctl_count_problems(problems);

	if (count)
		ctl_line(ctl->writer, 0, CTL_BOLD, "%s", count);
	else
		ctl_line(ctl->writer, 0, CTL_GOOD, "the ledger is whole");
	ctl_show_problems(ctl, problems);
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	json_t *reply = NULL;
	int r = ctl_call(ctl, "CheckLedger", NULL, &reply, err);

	return r < 0 ? r : ctl_show_check(ctl, reply, print, SRIOV_ERROR_LEDGER);
}

const struct ctl_command ctl_ledger_check = {
	.name = "ledger check",
	.summary = "Reads the whole ledger and says what is wrong with it",
	.text = "Exits with 13 when something is. It changes nothing.",
	.run = run,
};
