// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

/* Of what there is none of everywhere, the column is left out. */
static void count_cell(struct ctl_table *table, const json_t *candidate, const char *key,
		       bool always)
{
	if (ctl_int(candidate, key) || always)
		ctl_table_format(table, CTL_PLAIN, "%" JSON_INTEGER_FORMAT,
				 ctl_int(candidate, key));
	else
		ctl_table_text(table, CTL_PLAIN, NULL);
}

static void candidate_row(struct ctl_table *table, const json_t *candidate)
{
	static const char *const counts[] = { "dirty", "quarantined", "unusable" };
	g_autofree char *name = g_strdup(ctl_str(candidate, "netdev") ?: ctl_str(candidate, "pf"));
	bool chosen = ctl_bool(candidate, "chosen");

	ctl_table_text(table, CTL_BOLD, name);
	ctl_table_text(table, chosen ? CTL_GOOD : CTL_WARN, ctl_str(candidate, "verdict"));
	if (json_is_integer(json_object_get(candidate, "vf")))
		ctl_table_format(table, CTL_PLAIN, "%" JSON_INTEGER_FORMAT,
				 ctl_int(candidate, "vf"));
	else
		ctl_table_text(table, CTL_PLAIN, NULL);
	ctl_table_text(table, CTL_PLAIN, ctl_bool(candidate, "linkUp") ? "up" : "down");
	ctl_table_text(table, CTL_PLAIN, ctl_bool(candidate, "numaLocal") ? "local" : NULL);
	count_cell(table, candidate, "free", true);
	count_cell(table, candidate, "owned", true);
	for (size_t i = 0; i < G_N_ELEMENTS(counts); i++)
		count_cell(table, candidate, counts[i], false);
}

static void print_candidates(struct ctl *ctl, const json_t *candidates)
{
	static const char *const counts[] = { "DIRTY", "QUARANTINED", "UNUSABLE" };
	struct ctl_table *table = ctl_table_new(ctl->writer, 2);
	json_t *candidate;
	size_t i;

	ctl_table_column(table, "PF", CTL_LEFT);
	ctl_table_column(table, "VERDICT", CTL_LEFT);
	ctl_table_column(table, "VF", CTL_RIGHT | CTL_OPTIONAL);
	ctl_table_column(table, "LINK", CTL_LEFT);
	ctl_table_column(table, "NUMA", CTL_OPTIONAL);
	ctl_table_column(table, "FREE", CTL_RIGHT);
	ctl_table_column(table, "OWNED", CTL_RIGHT);
	for (i = 0; i < G_N_ELEMENTS(counts); i++)
		ctl_table_column(table, counts[i], CTL_RIGHT | CTL_OPTIONAL);
	json_array_foreach (candidates, i, candidate)
		candidate_row(table, candidate);
	ctl_table_end(table);
}

static void print_decision(struct ctl *ctl, const json_t *decision)
{
	g_autofree char *time = ctl_time(ctl_int(decision, "time"));

	ctl_gap(ctl->writer);
	ctl_line(ctl->writer, 0, CTL_BOLD, "Decided %s", time);
	ctl_line(ctl->writer, 2, CTL_PLAIN, "%s", ctl_str(decision, "summary") ?: "?");
	print_candidates(ctl, json_object_get(decision, "candidates"));
}

static void print(struct ctl *ctl, const json_t *reply)
{
	const json_t *nic = json_object_get(reply, "nic");
	const json_t *decision = json_object_get(reply, "decision");
	g_autofree char *name = ctl_nic_name(nic), *backing = ctl_nic_backing(nic);
	g_autofree char *since = ctl_since(ctl, ctl_int(nic, "since"));
	json_t *sentence;
	size_t i;

	ctl_line(ctl->writer, 0, CTL_BOLD, "%s: %s, backing %s%s%s", name,
		 ctl_str(nic, "state") ?: "?", backing, since ? ", for " : "", since ?: "");
	json_array_foreach (json_object_get(reply, "text"), i, sentence)
		ctl_line(ctl->writer, 2, CTL_PLAIN, "%s", json_string_value(sentence) ?: "?");
	if (json_is_object(decision))
		print_decision(ctl, decision);
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	ctl_split_nic(args);
	return ctl_show(ctl, "Explain", json_pack("{s:s, s:s*}", "owner", args[0], "id", args[1]),
			print, err);
}

const struct ctl_command ctl_explain = {
	.name = "explain",
	.summary = "Says why a nic is carried by what it is",
	.text = "It also says what would have to happen for the nic to get a VF. Below the reasons "
		"stands how the last decision was made: every PF that was looked "
		"at, "
		"and why it was taken or not. ID may be left out for an owner of one nic.",
	.example = "sriovctl explain web1 net0\nsriovctl explain web1/net0",
	.arguments = { { "OWNER", false, ctl_check_owner }, { "ID", true, ctl_check_name } },
	.run = run,
};
