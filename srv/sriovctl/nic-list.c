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

/* Of one owner: an empty list says how it gets a nic. */
static void print_of(struct ctl *ctl, const char *owner, const json_t *nics)
{
	if (json_array_size(nics) == 0)
		ctl_line(ctl->writer, 0, CTL_PLAIN,
			 "%s: " CTL_NO_NICS "; to give a domain one: sriovctl nic add DOMAIN "
			 "--network NETWORK",
			 owner);
	ctl_show_nics(ctl, nics, false);
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	json_t *reply = NULL;
	int r;

	if (!args[0])
		return ctl_show(ctl, "ListNics", NULL, print, err);
	r = ctl_call(ctl, "ListNics", json_pack("{s:s}", "owner", args[0]), &reply, err);
	if (r < 0)
		return r;
	if (ctl->json)
		ctl_json(ctl->writer, reply);
	else
		print_of(ctl, args[0], json_object_get(reply, "nics"));
	json_decref(reply);
	return CTL_SUCCESS;
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
