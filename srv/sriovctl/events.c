// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

static bool on_event(json_t *reply, bool continues, void *data)
{
	const json_t *event = json_object_get(reply, "event");
	g_autofree char *time = ctl_time(ctl_int(event, "time"));
	struct ctl *ctl = data;

	if (ctl->json)
		ctl_json_line(ctl->writer, reply);
	else
		ctl_line(ctl->writer, 0, CTL_PLAIN, "%s  %-9s  %-16s  %s", time,
			 ctl_str(event, "kind") ?: "?", ctl_str(event, "subject") ?: "",
			 ctl_str(event, "text") ?: "");
	return ctl_writer_flush(ctl->writer) == 0;
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	return ctl_call_more(ctl, "Watch", NULL, on_event, ctl, err);
}

const struct ctl_command ctl_events = {
	.name = "events",
	.summary = "Prints what changes, as it happens, until interrupted",
	.text = "With --json one object a line. What was before is in the journal: "
		"journalctl -u sriovd.",
	.run = run,
};
