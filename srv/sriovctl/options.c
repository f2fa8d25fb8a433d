// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line: options of every command anywhere on it, the words of the command, its own
 * options and its arguments, in any order, and "--" before arguments that begin with '-'.
 */
#include "srv/sriovctl/options.h"

#include <string.h>

#include "base/nearest.h"

const struct ctl_option ctl_common_options[] = {
	{ "json", NULL, "print what sriovd answers, as JSON", false, NULL },
	{ "no-color", NULL, "no colours (nor with NO_COLOR set, or away from a terminal)", false,
	  NULL },
	{ "socket", "PATH", "where sriovd listens", false, NULL },
	{ "help", NULL, "this help", false, NULL },
	{ "version", NULL, "the version of this program", false, NULL },
	{ 0 },
};

/* Takes the options of entries out of *args, and leaves those it does not know. */
static bool take(const GOptionEntry *entries, char ***args, char **ret_why)
{
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;

	g_option_context_set_help_enabled(context, FALSE);
	g_option_context_set_ignore_unknown_options(context, TRUE);
	g_option_context_add_main_entries(context, entries, NULL);
	if (g_option_context_parse_strv(context, args, &error))
		return true;
	*ret_why = g_strdup(error->message);
	(*ret_why)[0] = g_ascii_tolower((*ret_why)[0]);
	return false;
}

bool ctl_options_take_common(struct ctl_common *common, char ***args, char **ret_why)
{
	const GOptionEntry entries[] = {
		{ "json", 0, 0, G_OPTION_ARG_NONE, &common->json, NULL, NULL },
		{ "no-color", 0, 0, G_OPTION_ARG_NONE, &common->no_color, NULL, NULL },
		{ "socket", 0, 0, G_OPTION_ARG_STRING, &common->socket, NULL, NULL },
		{ "help", 'h', 0, G_OPTION_ARG_NONE, &common->help, NULL, NULL },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &common->version, NULL, NULL },
		{ 0 },
	};

	return take(entries, args, ret_why);
}

bool ctl_options_take(struct ctl *ctl, char ***args, char **ret_why)
{
	const struct ctl_option *options = ctl->command->options;
	GOptionEntry entries[CTL_OPTIONS_MAX + 1] = { 0 };

	for (size_t i = 0; options[i].name; i++) {
		entries[i].long_name = options[i].name;
		entries[i].arg = options[i].argument ? G_OPTION_ARG_STRING : G_OPTION_ARG_NONE;
		entries[i].arg_data = options[i].argument ? (gpointer)&ctl->values[i]
							  : (gpointer)&ctl->flags[i];
	}
	return take(entries, args, ret_why);
}

static size_t add_names(const struct ctl_option *options, const char **names)
{
	size_t n = 0;

	for (; options[n].name; n++)
		names[n] = options[n].name;
	return n;
}

char *ctl_options_unknown(const struct ctl_command *command, const char *arg)
{
	const char *names[G_N_ELEMENTS(ctl_common_options) + CTL_OPTIONS_MAX];
	size_t n = add_names(ctl_common_options, names);
	g_autofree char *name = g_strdup(arg + strspn(arg, "-"));
	const char *meant;

	name[strcspn(name, "=")] = '\0';
	if (command)
		n += add_names(command->options, names + n);
	meant = sriov_nearest(name, names, n);
	if (meant)
		return g_strdup_printf("unknown option %s; did you mean --%s?", arg, meant);
	return g_strdup_printf("unknown option %s", arg);
}

static int index_of(const struct ctl *ctl, const char *option)
{
	for (int i = 0; ctl->command->options[i].name; i++)
		if (strcmp(ctl->command->options[i].name, option) == 0)
			return i;
	g_assert_not_reached();
}

const char *ctl_value(const struct ctl *ctl, const char *option)
{
	return ctl->values[index_of(ctl, option)];
}

bool ctl_flag(const struct ctl *ctl, const char *option)
{
	return ctl->flags[index_of(ctl, option)];
}
