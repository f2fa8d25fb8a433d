// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "base/bdf.h"
#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

/* args[0] as the API writes it: a PCI address may have been given without its domain. */
static char *canonical(const char *name)
{
	char text[SRIOV_BDF_STRLEN];
	struct sriov_bdf bdf;

	if (sriov_bdf_parse(name, &bdf) < 0)
		return g_strdup(name);
	return g_strdup(sriov_bdf_format(bdf, text));
}

/* Of the reply of ListPFs only the PF that is meant, by the VFs' word for it or by its name. */
static void keep_one(json_t *pfs, const json_t *vfs, const char *name)
{
	g_autofree char *meant = canonical(name);
	const char *pf = ctl_str(json_array_get(vfs, 0), "pf");
	size_t i = 0;

	while (i < json_array_size(pfs)) {
		const json_t *entry = json_array_get(pfs, i);

		if (ctl_is(entry, "address", meant) || ctl_is(entry, "netdev", meant) ||
		    (pf && (ctl_is(entry, "address", pf) || ctl_is(entry, "netdev", pf))))
			i++;
		else
			json_array_remove(pfs, i);
	}
}

static char *vfs_text(const json_t *pf)
{
	const json_t *wanted = json_object_get(pf, "wantedVfs");
	g_autofree char *want = NULL;

	if (json_is_integer(wanted) && json_integer_value(wanted) != ctl_int(pf, "numVfs"))
		want = g_strdup_printf(", the configuration wants %d",
				       (int)json_integer_value(wanted));
	return g_strdup_printf("%d of at most %d%s", (int)ctl_int(pf, "numVfs"),
			       (int)ctl_int(pf, "totalVfs"), want ?: "");
}

static void print_pf(struct ctl *ctl, const json_t *pf)
{
	const char *reason = ctl_str(pf, "reason"), *model = ctl_str(pf, "model");
	g_autofree char *name = ctl_pf_name(pf), *vfs = vfs_text(pf);
	g_autofree char *speed = ctl_speed(ctl_int(pf, "speed"));
	const json_t *numa = json_object_get(pf, "numaNode");
	struct ctl_table *table = ctl_fields_new(ctl->writer, 2);

	ctl_line(ctl->writer, 0, CTL_BOLD, "PF %s", name);
	ctl_field_format(table, "state", ctl_pf_style(pf), "%s%s%s", ctl_pf_state(pf) ?: "?",
			 reason ? ": " : "", reason ?: "");
	ctl_field_format(table, "link", ctl_link_style(pf), "%s%s%s", ctl_str(pf, "link") ?: "?",
			 speed ? ", " : "", speed ?: "");
	ctl_field(table, "address", CTL_PLAIN, ctl_str(pf, "address"));
	ctl_field_format(table, "device", CTL_PLAIN, "%s%s%s:%s%s", model ?: "", model ? " (" : "",
			 ctl_str(pf, "vendor") ?: "?", ctl_str(pf, "device") ?: "?",
			 model ? ")" : "");
	ctl_field(table, "driver", CTL_PLAIN, ctl_str(pf, "driver"));
	if (json_is_integer(numa) && json_integer_value(numa) >= 0)
		ctl_field_format(table, "NUMA node", CTL_PLAIN, "%d",
				 (int)json_integer_value(numa));
	ctl_field(table, "pool", CTL_PLAIN, ctl_str(pf, "pool"));
	ctl_field(table, "VFs", CTL_PLAIN, vfs);
	ctl_error_fields(table, pf);
	ctl_table_end(table);
}

static int get(struct ctl *ctl, const char *name, json_t **ret_pfs, json_t **ret_vfs,
	       struct sriov_error **err)
{
	int r = ctl_call(ctl, "ListVFs", json_pack("{s:s}", "pf", name), ret_vfs, err);

	if (r == 0)
		r = ctl_call(ctl, "ListPFs", NULL, ret_pfs, err);
	if (r == 0)
		keep_one(json_object_get(*ret_pfs, "pfs"), json_object_get(*ret_vfs, "vfs"), name);
	return r;
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	json_t *pfs = NULL, *vfs = NULL, *pf;
	int r = get(ctl, args[0], &pfs, &vfs, err);
	size_t i;

	if (r == 0 && ctl->json) {
		json_object_update(pfs, vfs);
		ctl_json(ctl->writer, pfs);
	} else if (r == 0) {
		json_array_foreach (json_object_get(pfs, "pfs"), i, pf)
			print_pf(ctl, pf);
		if (json_array_size(json_object_get(vfs, "vfs")))
			ctl_gap(ctl->writer);
		ctl_show_vfs(ctl, json_object_get(vfs, "vfs"));
	}
	json_decref(pfs);
	json_decref(vfs);
	return r;
}

const struct ctl_command ctl_pf_show = {
	.name = "pf show",
	.summary = "Shows one PF and its VFs",
	.text = "With --json: \"pfs\" with the one PF, and \"vfs\" with its VFs.",
	.example = "sriovctl pf show enp1s0\nsriovctl pf show 0000:01:00.0",
	.arguments = { { "PF", false, ctl_check_pf } },
	.run = run,
};
