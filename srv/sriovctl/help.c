// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "srv/sriovctl/ctl.h"

static void append_argument(GString *line, const struct ctl_argument *argument, bool many)
{
	const char *dots = many ? "..." : "";

	if (argument->optional)
		g_string_append_printf(line, " [%s%s]", argument->name, dots);
	else
		g_string_append_printf(line, " %s%s", argument->name, dots);
}

static void append_option(GString *line, const struct ctl_option *option)
{
	const char *space = option->argument ? " " : "", *argument = option->argument ?: "";

	if (option->required)
		g_string_append_printf(line, " --%s%s%s", option->name, space, argument);
	else
		g_string_append_printf(line, " [--%s%s%s]", option->name, space, argument);
}

char *ctl_usage_line(const struct ctl_command *command)
{
	GString *line = g_string_new("sriovctl ");

	g_string_append(line, command->name);
	for (const struct ctl_argument *argument = command->arguments; argument->name; argument++)
		append_argument(line, argument, command->many && !argument[1].name);
	for (const struct ctl_option *option = command->options; option->name; option++)
		append_option(line, option);
	return g_string_free(line, FALSE);
}

static void list_options(struct ctl_table *table, const struct ctl_option *options)
{
	for (; options->name; options++) {
		ctl_table_format(table, CTL_PLAIN, "--%s%s%s", options->name,
				 options->argument ? " " : "", options->argument ?: "");
		ctl_table_text(table, CTL_PLAIN, options->help);
	}
}

static struct ctl_table *two_columns(struct ctl *ctl)
{
	struct ctl_table *table = ctl_table_new(ctl->writer, 2);

	ctl_table_column(table, NULL, CTL_LEFT);
	ctl_table_column(table, NULL, CTL_SENTENCE);
	return table;
}

static void list_commands(struct ctl *ctl, const char *group)
{
	struct ctl_table *table = two_columns(ctl);
	size_t len = group ? strlen(group) : 0;

	for (size_t i = 0; ctl_commands[i]; i++) {
		const struct ctl_command *command = ctl_commands[i];

		if (group && (strncmp(command->name, group, len) != 0 || command->name[len] != ' '))
			continue;
		ctl_table_text(table, CTL_BOLD, command->name);
		ctl_table_text(table, CTL_PLAIN, command->summary);
	}
	ctl_table_end(table);
}

static void list_common_options(struct ctl *ctl)
{
	struct ctl_table *table = two_columns(ctl);

	ctl_gap(ctl->writer);
	ctl_line(ctl->writer, 0, CTL_BOLD, "Options of every command");
	list_options(table, ctl_common_options);
	ctl_table_end(table);
}

void ctl_help_program(struct ctl *ctl)
{
	ctl_writer_set_prose(ctl->writer);
	ctl_line(ctl->writer, 0, CTL_PLAIN, "usage: sriovctl [COMMAND [ARGUMENT...]]");
	ctl_gap(ctl->writer);
	ctl_line(ctl->writer, 0, CTL_PLAIN,
		 "Shows and manages the SR-IOV network ports that sriovd gives to the guests of "
		 "this host.");
	ctl_gap(ctl->writer);
	ctl_line(ctl->writer, 0, CTL_BOLD, "Commands");
	list_commands(ctl, NULL);
	list_common_options(ctl);
	ctl_gap(ctl->writer);
	ctl_line(ctl->writer, 0, CTL_PLAIN,
		 "sriovctl COMMAND --help tells more of one; sriovctl(1) of all.");
}

void ctl_help_group(struct ctl *ctl, const char *group)
{
	ctl_writer_set_prose(ctl->writer);
	ctl_line(ctl->writer, 0, CTL_PLAIN, "usage: sriovctl %s COMMAND [ARGUMENT...]", group);
	ctl_gap(ctl->writer);
	ctl_line(ctl->writer, 0, CTL_BOLD, "Commands");
	list_commands(ctl, group);
	list_common_options(ctl);
}

/* Paragraphs are broken into the terminal's width one by one. */
static void print_text(struct ctl *ctl, const char *text)
{
	g_auto(GStrv) paragraphs = g_strsplit(text, "\n\n", -1);

	for (char **paragraph = paragraphs; *paragraph; paragraph++) {
		ctl_gap(ctl->writer);
		ctl_line(ctl->writer, 0, CTL_PLAIN, "%s", *paragraph);
	}
}

static void print_example(struct ctl *ctl, const char *example)
{
	g_auto(GStrv) lines = g_strsplit(example, "\n", -1);

	ctl_gap(ctl->writer);
	ctl_line(ctl->writer, 0, CTL_BOLD, lines[1] ? "Examples" : "Example");
	for (char **line = lines; *line; line++)
		ctl_line(ctl->writer, 2, CTL_PLAIN, "%s", *line);
}

void ctl_help_command(struct ctl *ctl, const struct ctl_command *command)
{
	g_autofree char *usage = ctl_usage_line(command);

	ctl_writer_set_prose(ctl->writer);
	ctl_line(ctl->writer, 0, CTL_PLAIN, "usage: %s", usage);
	ctl_gap(ctl->writer);
	ctl_line(ctl->writer, 0, CTL_PLAIN, "%s.", command->summary);
	if (command->text)
		print_text(ctl, command->text);
	if (command->options[0].name) {
		struct ctl_table *table = two_columns(ctl);

		ctl_gap(ctl->writer);
		ctl_line(ctl->writer, 0, CTL_BOLD, "Options");
		list_options(table, command->options);
		ctl_table_end(table);
	}
	list_common_options(ctl);
	if (command->example)
		print_example(ctl, command->example);
}
