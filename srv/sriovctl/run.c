// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "srv/protocol/errors.h"
#include "srv/sriovctl/options.h"
#include "srv/sriovctl/text.h"

/* A sentence on stderr, cleaned: what a stranger named may be in it. */
static void complain(const struct ctl *ctl, const char *subject, const char *message)
{
	g_autofree char *text = g_strdup_printf("%s%s%s", subject ?: "", subject ? ": " : "",
						message);
	g_autofree char *clean = ctl_text_clean(text);

	fflush(ctl->env->out);
	fprintf(ctl->env->err, "sriovctl: %s\n", clean);
}

int ctl_usage_error(struct ctl *ctl, const char *fmt, ...)
{
	g_autofree char *text = NULL, *usage = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	complain(ctl, ctl->command ? ctl->command->name : NULL, text);
	usage = ctl->command ? ctl_usage_line(ctl->command)
			     : g_strdup("sriovctl COMMAND [ARGUMENT…]; see sriovctl --help");
	fprintf(ctl->env->err, "usage: %s\n", usage);
	return CTL_USAGE;
}

/* Does name ("vf claim", "status") begin with the word, as a whole word. */
static bool begins_with(const char *name, const char *word)
{
	size_t len = strlen(word);

	return strncmp(name, word, len) == 0 && (name[len] == '\0' || name[len] == ' ');
}

static bool is_group(const char *word)
{
	for (size_t i = 0; ctl_commands[i]; i++)
		if (strchr(ctl_commands[i]->name, ' ') && begins_with(ctl_commands[i]->name, word))
			return true;
	return false;
}

/* A group's default command, when second is no word of a command. */
static const struct ctl_command *find_command(const char *first, const char *second,
					      bool *ret_two_words)
{
	for (size_t i = 0; ctl_commands[i]; i++) {
		const struct ctl_command *command = ctl_commands[i];
		const char *space = strchr(command->name, ' ');

		*ret_two_words = space != NULL;
		if (!begins_with(command->name, first))
			continue;
		if (!space || (second && strcmp(space + 1, second) == 0))
			return command;
		*ret_two_words = false;
		if (command->is_default && !second)
			return command;
	}
	return NULL;
}

/* The word of each command, or each second word of a group's commands, once. */
static GPtrArray *words_of(const char *group)
{
	GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

	for (size_t i = 0; ctl_commands[i]; i++) {
		g_auto(GStrv) parts = g_strsplit(ctl_commands[i]->name, " ", 2);
		const char *word = group ? parts[1] : parts[0];

		if (group && strcmp(parts[0], group) != 0)
			continue;
		if (!words->len || strcmp(words->pdata[words->len - 1], word) != 0)
			g_ptr_array_add(words, g_strdup(word));
	}
	return words;
}

static int unknown_command(struct ctl *ctl, const char *group, const char *word)
{
	g_autoptr(GPtrArray) words = words_of(group);
	const char *meant = sriov_nearest(word ?: "", (const char *const *)words->pdata,
					  words->len);
	g_autofree char *list = NULL;

	if (meant)
		return ctl_usage_error(ctl, "unknown command \"%s%s%s\"; did you mean \"%s%s%s\"?",
				       group ?: "", group ? " " : "", word, group ?: "",
				       group ? " " : "", meant);
	if (!group)
		return ctl_usage_error(ctl, "unknown command \"%s\"", word);
	g_ptr_array_add(words, NULL);
	list = g_strjoinv(", ", (char **)words->pdata);
	if (!word)
		return ctl_usage_error(ctl, "%s what? It has: %s", group, list);
	return ctl_usage_error(ctl, "unknown command \"%s %s\"; %s has: %s", group, word, group,
			       list);
}

static int bad_value(struct ctl *ctl, const char *what, const char *text, const char *why)
{
	return ctl_usage_error(ctl, "%s \"%s\": %s", what, text, why);
}

static int check_options(struct ctl *ctl)
{
	const struct ctl_option *options = ctl->command->options;

	for (size_t i = 0; options[i].name; i++) {
		g_autofree char *why = NULL;
		g_autofree char *name = g_strdup_printf("--%s", options[i].name);

		if (options[i].required && !ctl->values[i])
			return ctl_usage_error(ctl, "%s is missing", name);
		if (options[i].check && ctl->values[i])
			why = options[i].check(ctl->values[i]);
		if (why)
			return bad_value(ctl, name, ctl->values[i], why);
	}
	return CTL_SUCCESS;
}

static int check_arguments(struct ctl *ctl, char **args)
{
	const struct ctl_argument *wanted = ctl->command->arguments;

	for (char **arg = args; *arg; arg++) {
		g_autofree char *why = NULL;

		if (!wanted->name)
			return ctl_usage_error(ctl, "\"%s\" is an argument too many", *arg);
		if (wanted->check)
			why = wanted->check(*arg);
		if (why)
			return bad_value(ctl, wanted->name, *arg, why);
		if (wanted[1].name || !ctl->command->many)
			wanted++;
	}
	if (wanted->name && !wanted->optional)
		return ctl_usage_error(ctl, "%s is missing", wanted->name);
	return CTL_SUCCESS;
}

/* Who types commands knows no methods: an error about the call itself is about the command. */
static const char *subject_of(const struct ctl *ctl, const struct sriov_error *error)
{
	const char *subject = error->subject;

	if (subject && g_str_has_prefix(subject, SRV_INTERFACE "."))
		subject += strlen(SRV_INTERFACE ".");
	if (ctl->method && g_strcmp0(subject, ctl->method) == 0)
		return ctl->command->name;
	return error->subject;
}

static int report(struct ctl *ctl, const struct sriov_error *error)
{
	complain(ctl, subject_of(ctl, error), error->message);
	return srv_error_exit_code(error->code);
}

static int run_command(struct ctl *ctl, char **args)
{
	sriov_autoerror err = NULL;
	int status = ctl->command->run(ctl, args, &err);

	if (status < 0)
		return report(ctl, err);
	return status;
}

/* rest: what follows "--", NULL-terminated; args: what came before, without the command's words. */
static int parse_and_run(struct ctl *ctl, char ***args, char **rest)
{
	g_autoptr(GPtrArray) arguments = g_ptr_array_new();
	g_autofree char *why = NULL;
	int status;

	if (!ctl_options_take(ctl, args, &why))
		return ctl_usage_error(ctl, "%s", why);
	for (char **arg = *args + 1; *arg; arg++) {
		if ((*arg)[0] == '-' && (*arg)[1]) {
			why = ctl_options_unknown(ctl->command, *arg);
			return ctl_usage_error(ctl, "%s", why);
		}
		g_ptr_array_add(arguments, *arg);
	}
	for (char **arg = rest; *arg; arg++)
		g_ptr_array_add(arguments, *arg);
	/* With room for ctl_split_nic(). */
	g_ptr_array_add(arguments, NULL);
	g_ptr_array_add(arguments, NULL);
	status = check_options(ctl);
	if (!status)
		status = check_arguments(ctl, (char **)arguments->pdata);
	return status ? status : run_command(ctl, (char **)arguments->pdata);
}

static void remove_words(char **args, int n)
{
	for (int i = 1; i <= n; i++)
		g_free(args[i]);
	memmove(args + 1, args + 1 + n, (g_strv_length(args + 1 + n) + 1) * sizeof(*args));
}

static bool is_word(const char *arg)
{
	return arg && arg[0] != '-';
}

/* Finds the command and goes on with the rest. */
static int dispatch(struct ctl *ctl, const struct ctl_common *common, char ***args, char **rest)
{
	const char *first = (*args)[1], *second = first ? (*args)[2] : NULL;
	g_autofree char *why = NULL;
	bool two_words = false;

	if (first && !is_word(first)) {
		why = ctl_options_unknown(NULL, first);
		return ctl_usage_error(ctl, "%s", why);
	}
	if (first && strcmp(first, "help") == 0) {
		remove_words(*args, 1);
		return dispatch(ctl, &(struct ctl_common){ .help = TRUE }, args, rest);
	}
	if (!first && common->help) {
		ctl_help_program(ctl);
		return CTL_SUCCESS;
	}
	if (!is_word(second))
		second = NULL;
	ctl->command = find_command(first ?: "status", second, &two_words);
	if (common->help && first && !second && is_group(first)) {
		ctl_help_group(ctl, first);
		return CTL_SUCCESS;
	}
	if (!ctl->command)
		return is_group(first) ? unknown_command(ctl, first, second)
				       : unknown_command(ctl, NULL, first);
	if (common->help) {
		ctl_help_command(ctl, ctl->command);
		return CTL_SUCCESS;
	}
	remove_words(*args, (first != NULL) + two_words);
	return parse_and_run(ctl, args, rest);
}

static bool wants_color(const struct ctl_env *env, const struct ctl_common *common)
{
	const char *no_color = g_getenv("NO_COLOR"), *term = g_getenv("TERM");

	/* https://no-color.org: present and not empty */
	return env->terminal && !common->no_color && !(no_color && *no_color) &&
	       !(term && strcmp(term, "dumb") == 0);
}

/* What was printed and did not arrive (a full disk) must not look like success. */
static int finish(struct ctl *ctl, int status)
{
	int r = ctl_writer_flush(ctl->writer);

	if (r == 0 || status != CTL_SUCCESS)
		return status;
	complain(ctl, "standard output", g_strerror(-r));
	return CTL_UNSPECIFIC;
}

static int run(struct ctl *ctl, struct ctl_common *common, char ***args, char **rest)
{
	g_autofree char *why = NULL;
	int status = CTL_SUCCESS;

	if (!ctl_options_take_common(common, args, &why)) {
		ctl->writer = ctl_writer_new(ctl->env->out, false, 0);
		return ctl_usage_error(ctl, "%s", why);
	}
	ctl->json = common->json;
	ctl->socket = common->socket;
	ctl->writer = ctl_writer_new(ctl->env->out, wants_color(ctl->env, common), ctl->env->width);
	if (common->version)
		ctl_line(ctl->writer, 0, CTL_PLAIN, "sriovctl %s", SRIOVD_VERSION);
	else
		status = dispatch(ctl, common, args, rest);
	return finish(ctl, status);
}

/* Nothing that is not UTF-8 can be told to the daemon. */
static const char *not_utf8(char *const *argv)
{
	for (; *argv; argv++)
		if (!g_utf8_validate(*argv, -1, NULL))
			return *argv;
	return NULL;
}

int ctl_run(int argc, char *const *argv, const struct ctl_env *env)
{
	struct ctl ctl = { .env = env };
	struct ctl_common common = { 0 };
	GPtrArray *before;
	g_auto(GStrv) rest = NULL;
	char **args;
	int status, i;

	if (not_utf8(argv))
		return ctl_usage_error(&ctl, "\"%s\" is not UTF-8", not_utf8(argv));
	before = g_ptr_array_new();
	g_ptr_array_add(before, g_strdup("sriovctl"));
	for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		g_ptr_array_add(before, g_strdup(argv[i]));
	g_ptr_array_add(before, NULL);
	args = (char **)g_ptr_array_free(before, FALSE);
	rest = g_strdupv((char **)argv + MIN(i + 1, argc));
	status = run(&ctl, &common, &args, rest);

	for (size_t value = 0; value < G_N_ELEMENTS(ctl.values); value++)
		g_free(ctl.values[value]);
	g_free(common.socket);
	ctl_writer_free(ctl.writer);
	g_strfreev(args);
	return status;
}
