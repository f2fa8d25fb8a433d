// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>

#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

static json_t *parameters(struct ctl *ctl, const char *domain)
{
	const char *priority = ctl_value(ctl, "priority");
	json_t *json = json_pack("{s:s, s:s, s:s*, s:s*, s:s*}", "domain", domain, "network",
				 ctl_value(ctl, "network"), "id", ctl_value(ctl, "id"), "mode",
				 ctl_value(ctl, "mode"), "mac", ctl_value(ctl, "mac"));

	if (priority)
		json_object_set_new(json, "priority", json_integer(strtol(priority, NULL, 10)));
	if (ctl_flag(ctl, "add-port"))
		json_object_set_new(json, "addPort", json_true());
	if (ctl_flag(ctl, "now"))
		json_object_set_new(json, "now", json_true());
	return json;
}

/* With --now sriovd begins a job, unless the domain does not run. */
static const char *when(struct ctl *ctl, const json_t *reply)
{
	if (json_is_integer(json_object_get(reply, "job")))
		return "";
	return ctl_flag(ctl, "now")
		       ? "; the domain is not running and has it from its next start on"
		       : "; the domain has it from its next start on";
}

static void print(struct ctl *ctl, const char *domain, const json_t *reply)
{
	ctl_line(ctl->writer, 0, CTL_PLAIN, "nic %s/%s added, MAC %s%s", domain,
		 ctl_str(reply, "id") ?: "?", ctl_str(reply, "mac") ?: "?", when(ctl, reply));
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	json_t *reply = NULL;
	int r = ctl_call(ctl, "AddNic", parameters(ctl, args[0]), &reply, err);

	if (r == 0 && ctl->json)
		ctl_json(ctl->writer, reply);
	else if (r == 0)
		print(ctl, args[0], reply);
	if (r == 0)
		r = ctl_follow_reply(ctl, reply, err);
	json_decref(reply);
	return r;
}

const struct ctl_command ctl_nic_add = {
	.name = "nic add",
	.summary = "Gives a domain a nic, from its next start on or now",
	.text = "The nic is written into the domain's metadata, so it travels with its definition.\n\n"
		"Modes: exclusive (the default) has a VF when one is free and virtio otherwise, "
		"required has a VF or the domain does not start, failover has virtio always and a VF "
		"whenever one is to be had.",
	.example = "sriovctl nic add web1 --network tenant-a\n"
		   "sriovctl nic add web1 --network tenant-b --mode failover --now",
	.arguments = { { "DOMAIN", false, ctl_check_owner } },
	.options = {
		{ "network", "NETWORK", "network of the configuration", true, ctl_check_name },
		{ "id", "ID", "its name within the domain; default: the next of net0, net1, ...",
		  false, ctl_check_name },
		{ "mode", "MODE", "required, exclusive or failover", false, ctl_check_mode },
		{ "mac", "MAC", "MAC address; default: made from the domain's UUID and ID", false,
		  ctl_check_mac },
		{ "priority", "N", "0 to 1000: the higher goes first when VFs are short", false,
		  ctl_check_priority },
		{ "add-port", NULL,
		  "failover: add the PCIe root ports that the domain lacks, for its next start",
		  false, NULL },
		{ "now", NULL, "attach it to the running domain too", false, NULL },
		CTL_NO_WAIT_OPTION,
	},
	.run = run,
};
