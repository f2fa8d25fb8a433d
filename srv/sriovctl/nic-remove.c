// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

static json_t *parameters(struct ctl *ctl, char **args)
{
	json_t *json = json_pack("{s:s, s:s}", "domain", args[0], "id", args[1]);

	if (ctl_flag(ctl, "now"))
		json_object_set_new(json, "now", json_true());
	return json;
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	json_t *reply = NULL;
	int r;

	ctl_split_nic(args);
	if (!args[1])
		return ctl_usage_error(ctl, "ID is missing; sriovctl nic list %s shows them",
				       args[0]);
	r = ctl_call(ctl, "RemoveNic", parameters(ctl, args), &reply, err);
	if (r == 0 && ctl->json)
		ctl_json(ctl->writer, reply);
	else if (r == 0)
		ctl_line(ctl->writer, 0, CTL_PLAIN, "nic %s/%s removed%s", args[0], args[1],
			 ctl_flag(ctl, "now") ? "" : "; a running domain has it until it stops");
	if (r == 0)
		r = ctl_follow_reply(ctl, reply, err);
	json_decref(reply);
	return r;
}

const struct ctl_command ctl_nic_remove = {
	.name = "nic remove",
	.summary = "Takes a nic from a domain, from its next start on or now",
	.example = "sriovctl nic remove web1 net0 --now",
	.arguments = { { "DOMAIN", false, ctl_check_owner }, { "ID", true, ctl_check_name } },
	.options = {
		{ "now", NULL, "detach it from the running domain too", false, NULL },
		CTL_NO_WAIT_OPTION,
	},
	.run = run,
};
