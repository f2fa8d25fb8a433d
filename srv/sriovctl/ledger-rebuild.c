// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

static const char warning[] = "This sets the ledger aside and begins a new one, out of what "
			      "libvirt says of its domains and\n"
			      "the kernel of the VFs. Running guests are not touched. Claims made "
			      "by hand are not in the new\n"
			      "one: make them again.\n"
			      "Rebuild it? [y/N] ";

static bool confirmed(struct ctl *ctl)
{
	char answer[16] = "";

	fputs(warning, ctl->env->err);
	fflush(ctl->env->err);
	if (!fgets(answer, sizeof(answer), ctl->env->in))
		return false;
	g_strchomp(answer);
	return g_ascii_strcasecmp(answer, "y") == 0 || g_ascii_strcasecmp(answer, "yes") == 0;
}

static void print(struct ctl *ctl, const json_t *reply)
{
	const json_t *problems = json_object_get(reply, "problems");
	const char *aside = ctl_str(reply, "setAside");
	json_int_t nics = ctl_int(reply, "nics");

	ctl_line(ctl->writer, 0, CTL_GOOD, "the ledger is new, with %" JSON_INTEGER_FORMAT " nic%s",
		 nics, nics == 1 ? "" : "s");
	if (aside)
		ctl_line(ctl->writer, 0, CTL_PLAIN, "the old one is %s", aside);
	ctl_show_problems(ctl, problems);
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	if (!ctl_flag(ctl, "yes") && !ctl->env->can_ask)
		return ctl_usage_error(ctl, "away from a terminal it wants --yes");
	if (!ctl_flag(ctl, "yes") && !confirmed(ctl)) {
		fputs("sriovctl: nothing was changed\n", ctl->env->err);
		return CTL_UNSPECIFIC;
	}
	return ctl_show(ctl, "RebuildLedger", NULL, print, err);
}

const struct ctl_command ctl_ledger_rebuild = {
	.name = "ledger rebuild",
	.summary = "Makes a new ledger from what libvirt and the kernel say",
	.text = "For a ledger that sriovd cannot use: damaged, or written by a newer sriovd; one "
		"that "
		"can be used is left alone. The old one is kept beside the new one. Running guests "
		"are "
		"not touched. Claims made by hand are known to the ledger alone: make them again.",
	.options = { { "yes", NULL, "do not ask", false, NULL } },
	.run = run,
};
