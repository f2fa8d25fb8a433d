// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovctl/show.h"

#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "srv/protocol/errors.h"

const char *ctl_str(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

json_int_t ctl_int(const json_t *json, const char *key)
{
	return json_integer_value(json_object_get(json, key));
}

bool ctl_bool(const json_t *json, const char *key)
{
	return json_is_true(json_object_get(json, key));
}

bool ctl_is(const json_t *json, const char *key, const char *text)
{
	return g_strcmp0(ctl_str(json, key), text) == 0;
}

char *ctl_nic_name(const json_t *nic)
{
	return g_strdup_printf("%s/%s", ctl_str(json_object_get(nic, "owner"), "name") ?: "?",
			       ctl_str(nic, "id") ?: "?");
}

char *ctl_nic_backing(const json_t *nic)
{
	const char *vf = ctl_str(nic, "vf"), *uplink = ctl_str(nic, "uplink");

	if (ctl_is(nic, "backing", "vf"))
		return g_strdup_printf("VF %s", vf ?: "?");
	if (!ctl_is(nic, "backing", "virtio"))
		return g_strdup("none");
	/* vhost is what it should be; without it every packet goes through QEMU. */
	return g_strdup_printf("virtio%s%s%s", uplink ? " on " : "", uplink ?: "",
			       ctl_is(nic, "backend", "qemu") ? " without vhost" : "");
}

char *ctl_pf_name(const json_t *pf)
{
	return g_strdup(ctl_str(pf, "netdev") ?: ctl_str(pf, "address"));
}

char *ctl_vf_owner(const json_t *vf)
{
	const json_t *owner = json_object_get(vf, "owner");
	const char *name = ctl_str(owner, "name"), *nic = ctl_str(vf, "nic");

	return name ? g_strdup_printf("%s%s%s", name, nic ? "/" : "", nic ?: "") : NULL;
}

char *ctl_speed(json_int_t mbits)
{
	if (mbits <= 0)
		return NULL;
	if (mbits < 1000)
		return g_strdup_printf("%d Mbit/s", (int)mbits);
	return g_strdup_printf("%g Gbit/s", (double)mbits / 1000);
}

char *ctl_duration(json_int_t seconds)
{
	int s = (int)CLAMP(seconds, 0, G_MAXINT);
	int m = s / 60, h = m / 60, d = h / 24;

	if (s < 60)
		return g_strdup_printf("%ds", s);
	if (m < 60)
		return g_strdup_printf("%dm", m);
	if (h < 24)
		return g_strdup_printf("%dh%02dm", h, m % 60);
	if (d < 10)
		return g_strdup_printf("%dd%02dh", d, h % 24);
	return g_strdup_printf("%dd", d);
}

char *ctl_since(struct ctl *ctl, json_int_t then)
{
	return then > 0 ? ctl_duration(ctl->env->now - then) : NULL;
}

char *ctl_time(json_int_t time)
{
	g_autoptr(GDateTime) when = g_date_time_new_from_unix_local(time);

	return when ? g_date_time_format(when, "%F %T") : g_strdup("?");
}

enum ctl_style ctl_nic_style(const json_t *nic)
{
	if (ctl_is(nic, "state", "failed"))
		return CTL_BAD;
	if (ctl_is(nic, "state", "idle"))
		return CTL_DIM;
	return ctl_is(nic, "state", "attached") ? CTL_PLAIN : CTL_WARN;
}

enum ctl_style ctl_backing_style(const json_t *nic)
{
	if (ctl_is(nic, "backing", "vf"))
		return CTL_GOOD;
	return ctl_is(nic, "backing", "virtio") ? CTL_WARN : CTL_DIM;
}

enum ctl_style ctl_vf_style(const json_t *vf)
{
	if (ctl_is(vf, "state", "free"))
		return CTL_GOOD;
	if (ctl_is(vf, "state", "quarantined") || ctl_is(vf, "state", "unusable"))
		return CTL_BAD;
	if (ctl_is(vf, "state", "dirty"))
		return CTL_WARN;
	return ctl_is(vf, "state", "unmanaged") ? CTL_DIM : CTL_PLAIN;
}

const char *ctl_pf_state(const json_t *pf)
{
	if (ctl_is(pf, "state", "ready") && json_is_true(json_object_get(pf, "drained")))
		return "drained";
	return ctl_str(pf, "state");
}

enum ctl_style ctl_pf_style(const json_t *pf)
{
	if (json_is_true(json_object_get(pf, "drained")))
		return CTL_WARN;
	if (ctl_is(pf, "state", "ready"))
		return CTL_GOOD;
	if (ctl_is(pf, "state", "configuring"))
		return CTL_WARN;
	return ctl_is(pf, "state", "unmanaged") ? CTL_DIM : CTL_BAD;
}

enum ctl_style ctl_link_style(const json_t *pf)
{
	/* Of what nobody uses, a link that is down is no news. */
	if (ctl_is(pf, "link", "down"))
		return ctl_is(pf, "state", "unmanaged") ? CTL_DIM : CTL_BAD;
	return CTL_PLAIN;
}

size_t ctl_count_errors(const json_t *problems)
{
	size_t errors = 0, i;
	json_t *problem;

	json_array_foreach (problems, i, problem)
		errors += ctl_is(problem, "severity", "error");
	return errors;
}

int ctl_show_check(struct ctl *ctl, json_t *reply,
		   void (*print)(struct ctl *ctl, const json_t *problems),
		   enum sriov_error_code failed)
{
	const json_t *problems = json_object_get(reply, "problems");
	int r = ctl_count_errors(problems) ? srv_error_exit_code(failed) : 0;

	if (ctl->json)
		ctl_json(ctl->writer, reply);
	else
		print(ctl, problems);
	json_decref(reply);
	return r;
}

char *ctl_count_problems(const json_t *problems)
{
	size_t errors = ctl_count_errors(problems);
	size_t warnings = json_array_size(problems) - errors;
	GString *text = g_string_new(NULL);

	if (errors)
		g_string_append_printf(text, "%zu error%s", errors, errors == 1 ? "" : "s");
	if (warnings)
		g_string_append_printf(text, "%s%zu warning%s", errors ? ", " : "", warnings,
				       warnings == 1 ? "" : "s");
	return g_string_free(text, text->len == 0);
}

static void add_problem(struct ctl_table *table, const json_t *problem)
{
	bool error = ctl_is(problem, "severity", "error");

	ctl_table_text(table, error ? CTL_BAD : CTL_WARN, error ? "error" : "warning");
	ctl_table_text(table, CTL_BOLD, ctl_str(problem, "subject"));
	ctl_table_text(table, CTL_PLAIN, ctl_str(problem, "message"));
}

static struct ctl_table *problem_table(struct ctl *ctl)
{
	struct ctl_table *table = ctl_table_new(ctl->writer, 2);

	ctl_table_column(table, NULL, CTL_LEFT);
	ctl_table_column(table, NULL, CTL_LEFT);
	ctl_table_column(table, NULL, CTL_SENTENCE);
	return table;
}

size_t ctl_show_problems(struct ctl *ctl, const json_t *problems)
{
	struct ctl_table *table = problem_table(ctl);
	json_t *problem;
	size_t i;

	json_array_foreach (problems, i, problem)
		if (ctl_is(problem, "severity", "error"))
			add_problem(table, problem);
	json_array_foreach (problems, i, problem)
		if (!ctl_is(problem, "severity", "error"))
			add_problem(table, problem);
	ctl_table_end(table);
	return ctl_count_errors(problems);
}

/* "FILE:LINE:COLUMN", as sriovd says where in a file something is. */
struct place {
	const json_t *problem;
	char *file; /* NULL: it has no place */
	uint64_t line, column;
	size_t index;
};

static void find_place(const json_t *problem, size_t index, struct place *ret)
{
	const char *subject = ctl_str(problem, "subject");
	const char *column = subject ? strrchr(subject, ':') : NULL;
	const char *line = column ? g_strrstr_len(subject, column - subject, ":") : NULL;
	g_autofree char *number = line ? g_strndup(line + 1, (gsize)(column - line - 1)) : NULL;

	*ret = (struct place){ .problem = problem, .index = index };
	if (line && sriov_parse_u64(number, 10, UINT32_MAX, &ret->line) == 0 &&
	    sriov_parse_u64(column + 1, 10, UINT32_MAX, &ret->column) == 0)
		ret->file = g_strndup(subject, (gsize)(line - subject));
}

static int compare_numbers(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static gint compare_places(gconstpointer a, gconstpointer b)
{
	const struct place *x = a, *y = b;
	int r = (x->file == NULL) - (y->file == NULL);

	if (r == 0 && x->file)
		r = strcmp(x->file, y->file);
	if (r == 0)
		r = compare_numbers(x->line, y->line);
	if (r == 0)
		r = compare_numbers(x->column, y->column);
	return r ?: compare_numbers(x->index, y->index);
}

void ctl_show_problems_by_place(struct ctl *ctl, const json_t *problems)
{
	size_t n = json_array_size(problems);
	g_autofree struct place *places = g_new0(struct place, n + 1);
	struct ctl_table *table = problem_table(ctl);

	for (size_t i = 0; i < n; i++)
		find_place(json_array_get(problems, i), i, &places[i]);
	qsort(places, n, sizeof(*places), compare_places);
	for (size_t i = 0; i < n; i++) {
		add_problem(table, places[i].problem);
		g_free(places[i].file);
	}
	ctl_table_end(table);
}
