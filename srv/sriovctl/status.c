// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "srv/sriovctl/commands.h"
#include "srv/sriovctl/show.h"

/* More nics than this are not "at a glance": then only those that want attention are listed. */
#define NICS_MAX 40

struct counts {
	int owners, vf, virtio, idle, failed, underway;
};

/* Two nics of one owner follow each other, as the API lists them. */
static struct counts count_nics(const json_t *nics)
{
	struct counts counts = { 0 };
	const char *owner = NULL;
	json_t *nic;
	size_t i;

	json_array_foreach (nics, i, nic) {
		const char *name = ctl_str(json_object_get(nic, "owner"), "name");

		counts.owners += g_strcmp0(name, owner) != 0;
		owner = name;
		if (ctl_is(nic, "state", "failed"))
			counts.failed++;
		else if (ctl_is(nic, "state", "idle"))
			counts.idle++;
		else if (!ctl_is(nic, "state", "attached"))
			counts.underway++;
		else if (ctl_is(nic, "backing", "vf"))
			counts.vf++;
		else
			counts.virtio++;
	}
	return counts;
}

static void append_count(GString *text, int n, const char *what)
{
	if (n)
		g_string_append_printf(text, "%s%d %s", text->len ? ", " : "", n, what);
}

static void nics_field(struct ctl_table *table, const json_t *nics)
{
	struct counts counts = count_nics(nics);
	g_autoptr(GString) how = g_string_new(NULL);
	int n = (int)json_array_size(nics);

	append_count(how, counts.vf, "on a VF");
	append_count(how, counts.virtio, "on virtio");
	append_count(how, counts.underway, "on the way");
	append_count(how, counts.idle, "idle");
	append_count(how, counts.failed, "failed");
	if (n)
		ctl_field_format(table, "nics", counts.failed ? CTL_BAD : CTL_PLAIN,
				 "%d, of %d owner%s: %s", n, counts.owners,
				 counts.owners == 1 ? "" : "s", how->str);
	else
		ctl_field(table, "nics", CTL_PLAIN, "none");
}

static void vfs_field(struct ctl_table *table, const json_t *pfs)
{
	int vfs = 0, owned = 0, free_vfs = 0, n = 0;
	json_t *pf;
	size_t i;

	json_array_foreach (pfs, i, pf) {
		if (ctl_is(pf, "state", "unmanaged"))
			continue;
		n++;
		vfs += (int)ctl_int(pf, "numVfs");
		owned += (int)ctl_int(pf, "owned");
		free_vfs += (int)ctl_int(pf, "free");
	}
	if (n)
		ctl_field_format(table, "VFs", free_vfs ? CTL_PLAIN : CTL_WARN,
				 "%d on %d PF%s: %d owned, %d free", vfs, n, n == 1 ? "" : "s",
				 owned, free_vfs);
}

/* Why a configuration was refused is among the problems. */
static const char *describe_configuration(const json_t *status)
{
	bool configured = ctl_bool(status, "configured");

	if (ctl_str(status, "refused"))
		return configured ? ", with an older configuration: the one on disk was refused"
				  : ", its configuration was refused: it manages nothing";
	return configured ? "" : ", no configuration: it manages nothing";
}

static void print_host(struct ctl *ctl, const json_t *status)
{
	bool libvirt = ctl_bool(status, "libvirt"), iommu = ctl_bool(status, "iommu");
	bool reconciled = ctl_bool(status, "reconciled");
	const char *configuration = describe_configuration(status);
	struct ctl_table *table;

	ctl_line(ctl->writer, 0, CTL_BOLD, "%s", ctl_str(status, "hostname") ?: "?");
	table = ctl_fields_new(ctl->writer, 2);
	ctl_field_format(table, "sriovd", *configuration || !reconciled ? CTL_WARN : CTL_PLAIN,
			 "%s%s%s", ctl_str(status, "version") ?: "?", configuration,
			 reconciled ? "" : ", not yet compared with libvirt");
	ctl_field(table, "libvirt", libvirt ? CTL_GOOD : CTL_BAD,
		  libvirt ? "connected" : "not connected");
	ctl_field(table, "IOMMU", iommu ? CTL_GOOD : CTL_BAD,
		  iommu ? "on" : "off: no VF can be given to a guest");
	vfs_field(table, json_object_get(status, "pfs"));
	nics_field(table, json_object_get(status, "nics"));
	ctl_table_end(table);
}

static bool host_is_known(const json_t *problems)
{
	const json_t *problem;
	size_t i;

	json_array_foreach (problems, i, problem) {
		if (ctl_is(problem, "subject", "host") && ctl_is(problem, "severity", "error"))
			return false;
	}
	return true;
}

static void print_pfs(struct ctl *ctl, const json_t *pfs, const json_t *problems)
{
	ctl_gap(ctl->writer);
	if (json_array_size(pfs))
		ctl_show_pfs(ctl, pfs, true);
	else if (!host_is_known(problems))
		ctl_line(ctl->writer, 0, CTL_PLAIN,
			 "What NICs this host has is not known: see below.");
	else
		ctl_line(ctl->writer, 0, CTL_PLAIN, "This host has no NIC with SR-IOV.");
}

static bool wants_attention(const json_t *nic)
{
	return ctl_str(nic, "reason") ||
	       (!ctl_is(nic, "state", "attached") && !ctl_is(nic, "state", "idle"));
}

/* All nics, or of very many the first that want attention. The caller owns it. */
static json_t *select_nics(json_t *nics)
{
	json_t *selected, *nic;
	size_t i;

	if (json_array_size(nics) <= NICS_MAX)
		return json_incref(nics);
	selected = json_array();
	json_array_foreach (nics, i, nic)
		if (wants_attention(nic) && json_array_size(selected) < NICS_MAX)
			json_array_append(selected, nic);
	return selected;
}

static void print_nics(struct ctl *ctl, json_t *nics)
{
	json_t *selected = select_nics(nics);
	size_t others = json_array_size(nics) - json_array_size(selected);

	if (json_array_size(nics))
		ctl_gap(ctl->writer);
	ctl_show_nics(ctl, selected, true);
	if (others)
		ctl_line(ctl->writer, 0, CTL_DIM, "%zu more nics: sriovctl nic list", others);
	json_decref(selected);
}

static void print(struct ctl *ctl, const json_t *reply)
{
	const json_t *problems = json_object_get(reply, "problems");
	g_autofree char *count = ctl_count_problems(problems);

	print_host(ctl, reply);
	print_pfs(ctl, json_object_get(reply, "pfs"), problems);
	print_nics(ctl, json_object_get(reply, "nics"));
	ctl_gap(ctl->writer);
	if (count)
		ctl_line(ctl->writer, 0, CTL_BOLD, "%s", count);
	else
		ctl_line(ctl->writer, 0, CTL_GOOD, "no problems");
	ctl_show_problems(ctl, problems);
}

static int run(struct ctl *ctl, char **args, struct sriov_error **err)
{
	return ctl_show(ctl, "GetStatus", NULL, print, err);
}

const struct ctl_command ctl_status = {
	.name = "status",
	.summary = "Shows the host, its PFs, its nics and what is wrong",
	.text = "Meant when no command is given. On a host with very many nics only those are "
		"listed "
		"that want attention.",
	.run = run,
};
