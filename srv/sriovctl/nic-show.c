// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

static void print(struct ctl *ctl, const json_t *reply)
{
	ctl_show_nic(ctl, json_object_get(reply, "nic"));
}

static void print_all(struct ctl *ctl, const json_t *nics)
{
	json_t *nic;
	size_t i;

	json_array_foreach (nics, i, nic) {
		if (i)
			ctl_gap(ctl->writer);
		ctl_show_nic(ctl, nic);
	}
}

/* Without an id it is whatever the owner has, be it one or several. */
static int show_all(struct ctl *ctl, const char *owner, struct sriov_error **err)
{
	const json_t *nics;
	json_t *reply = NULL;
	int r = ctl_call(ctl, "ListNics", json_pack("{s:s}", "owner", owner), &reply, err);

	if (r < 0)
		return r;
	nics = json_object_get(reply, "nics");
	if (json_array_size(nics) == 0)
		r = sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENOENT, owner,
				    CTL_NO_NICS "; sriovctl nic list shows all");
	else if (ctl->json)
		ctl_json(ctl->writer, reply);
	else
		print_all(ctl, nics);
	json_decref(reply);
	return r;
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	ctl_split_nic(args);
	if (!args[1])
		return show_all(ctl, args[0], err);
	return ctl_show(ctl, "GetNic", json_pack("{s:s, s:s}", "owner", args[0], "id", args[1]),
			print, err);
}

const struct ctl_command ctl_nic_show = {
	.name = "nic show",
	.summary = "Shows one nic, or all of one owner",
	.example =
		"sriovctl nic show web1\nsriovctl nic show web1 net0\nsriovctl nic show web1/net0",
	.arguments = { { "OWNER", false, ctl_check_owner }, { "ID", true, ctl_check_name } },
	.run = run,
};
