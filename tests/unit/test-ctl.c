// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of sriovctl: what is understood, what is refused and how, and the help. */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "srv/protocol/errors.h"
#include "srv/sriovctl/ctl.h"
#include "tests/support/ctl-run.h"

/* No daemon: what is wrong with a command line is said before anybody is called. */
static void assert_usage(const char *args, const char *expected)
{
	struct ctl_run_of run = { .args = args };
	g_autofree char *first = NULL;

	ctl_run_it(NULL, &run);
	first = g_strndup(run.err, strcspn(run.err, "\n"));
	assert_string_equal(first, expected);
	assert_string_equal(run.out, "");
	assert_int_equal(run.status, 2);
	ctl_run_clear(&run);
}

static void mistakes_are_refused_with_what_was_meant(void **state)
{
	static const struct {
		const char *args, *err;
	} cases[] = {
		{ "statsu", "sriovctl: unknown command \"statsu\"; did you mean \"status\"?" },
		{ "stat", "sriovctl: unknown command \"stat\"; did you mean \"status\"?" },
		{ "frobnicate", "sriovctl: unknown command \"frobnicate\"" },
		{ "nci list", "sriovctl: unknown command \"nci\"; did you mean \"nic\"?" },
		{ "nic lsit",
		  "sriovctl: unknown command \"nic lsit\"; did you mean \"nic list\"?" },
		{ "pf enp1s0", "sriovctl: unknown command \"pf enp1s0\"; pf has: list, show" },
		{ "ledger", "sriovctl: ledger what? It has: check, rebuild" },
		{ "--jsn", "sriovctl: unknown option --jsn; did you mean --json?" },
		{ "-x", "sriovctl: unknown option -x" },
		{ "vf list --scoket=/x",
		  "sriovctl: vf list: unknown option --scoket=/x; did you mean --socket?" },
		{ "vf claim x --netwrok y",
		  "sriovctl: vf claim: unknown option --netwrok; did you mean --network?" },
		{ "vf list --network y", "sriovctl: vf list: unknown option --network" },
		{ "vf claim", "sriovctl: vf claim: --network is missing" },
		{ "vf claim --network a", "sriovctl: vf claim: OWNER is missing" },
		{ "vf claim x --network", "sriovctl: vf claim: missing argument for --network" },
		{ "vf claim x y --network a", "sriovctl: vf claim: \"y\" is an argument too many" },
		{ "reload now", "sriovctl: reload: \"now\" is an argument too many" },
		{ "nic show", "sriovctl: nic show: OWNER is missing" },
		{ "nic remove web1",
		  "sriovctl: nic remove: ID is missing; sriovctl nic list web1 shows them" },
		{ "ledger rebuild",
		  "sriovctl: ledger rebuild: away from a terminal it wants --yes" },
		{ "pf list --socket", "sriovctl: missing argument for --socket" },
		{ "pf show '\033[2J'",
		  "sriovctl: pf show: PF \"?[2J\": a PF is named by its network interface, such as "
		  "enp1s0, or its PCI address, such as 0000:01:00.0" },
		{ "pf show \xff", "sriovctl: \"\xef\xbf\xbd\" is not UTF-8" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_usage(cases[i].args, cases[i].err);
}

static void arguments_are_checked_before_the_call(void **state)
{
	static const struct {
		const char *args, *err;
	} cases[] = {
		{ "vf claim 'a b' --network x",
		  "sriovctl: vf claim: OWNER \"a b\": a name has 1 to 64 letters, digits, '.', '_' "
		  "or '-', and begins with a letter or digit" },
		{ "vf claim a --network -- x/y",
		  "sriovctl: vf claim: missing argument for --network" },
		{ "vf claim a --network x --mac 52:54:00:aa:00",
		  "sriovctl: vf claim: --mac \"52:54:00:aa:00\": a MAC address is written like "
		  "52:54:00:aa:00:11" },
		{ "vf claim a --network x --mac 01:00:5e:00:00:01",
		  "sriovctl: vf claim: --mac \"01:00:5e:00:00:01\": a port's MAC address cannot be "
		  "all zero or a multicast address" },
		{ "nic add web1 --network x --mode requird",
		  "sriovctl: nic add: --mode \"requird\": did you mean \"required\"?" },
		{ "nic add web1 --network x --mode fast",
		  "sriovctl: nic add: --mode \"fast\": a mode is exclusive, required or failover" },
		{ "nic add web1 --network x --priority 1001",
		  "sriovctl: nic add: --priority \"1001\": a priority is a number from 0 to 1000" },
		{ "nic add web1 --network x --priority -1",
		  "sriovctl: nic add: --priority \"-1\": a priority is a number from 0 to 1000" },
		{ "nic add '' --network x", "sriovctl: nic add: DOMAIN \"\": it cannot be empty" },
		{ "vf show enp1s0",
		  "sriovctl: vf show: VF \"enp1s0\": a VF is named by its PF and index, such as "
		  "enp1s0/3, or its PCI address, such as 0000:01:10.6" },
		{ "vf show enp1s0/65535",
		  "sriovctl: vf show: VF \"enp1s0/65535\": a VF is named by its PF and index, such "
		  "as enp1s0/3, or its PCI address, such as 0000:01:10.6" },
		{ "pf show 0000:01:00",
		  "sriovctl: pf show: PF \"0000:01:00\": a PF is named by its network interface, "
		  "such as enp1s0, or its PCI address, such as 0000:01:00.0" },
		{ "watch seven", "sriovctl: watch: JOB \"seven\": a job is named by its number" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		assert_usage(cases[i].args, cases[i].err);
}

static void usage_error_ends_with_the_usage(void **state)
{
	struct ctl_run_of run = { .args = "vf claim dpdk1" };

	ctl_run_it(NULL, &run);
	assert_string_equal(
		run.err,
		"sriovctl: vf claim: --network is missing\n"
		"usage: sriovctl vf claim OWNER --network NETWORK [--id ID] [--mac MAC]\n");
	ctl_run_clear(&run);
}

static void names_of_all_kinds_are_accepted(void **state)
{
	static const char *const args[] = {
		"vf show enp1s0f0np0/0",	  "vf show 01:10.6",	  "vf show 0000:01:00.0/3",
		"vf show 10000:01:10.6",	  "vf show enp1s0/65534", "vf show -- enp1s0/3",
		"vf show --json -- \xc3\xa4th/0",
	};
	struct canned_daemon *daemon = canned_daemon_new();

	canned_reply_file(daemon, "GetVF", "vf-show");
	for (size_t i = 0; i < G_N_ELEMENTS(args); i++) {
		struct ctl_run_of run = { .args = args[i] };

		ctl_run_it(daemon, &run);
		assert_string_equal(run.err, "");
		assert_int_equal(run.status, 0);
		ctl_run_clear(&run);
	}
	canned_daemon_free(daemon);
}

static void arguments_after_two_dashes_are_no_options(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "nic list -- --json" };

	canned_reply(daemon, "ListNics", json_pack("{s:[]}", "nics"));
	ctl_run_it(daemon, &run);
	assert_string_equal(daemon->calls->str, "ListNics {\"owner\":\"--json\"}\n");
	assert_int_equal(run.status, 0);
	ctl_run_clear(&run);
	canned_daemon_free(daemon);
}

static void errors_of_the_daemon_become_a_sentence_and_a_status(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();

	for (int code = 0; code < SRIOV_ERROR_CODES; code++) {
		struct ctl_run_of run = { .args = code % 2 ? "vf list" : "vf list --json" };

		canned_reset(daemon);
		canned_error(daemon, "ListVFs", (enum sriov_error_code)code, code ? "enp1s0" : NULL,
			     "the driver says \033[31mno");
		ctl_run_it(daemon, &run);
		assert_string_equal(run.out, "");
		assert_string_equal(run.err, code ? "sriovctl: enp1s0: the driver says ?[31mno\n"
						  : "sriovctl: the driver says ?[31mno\n");
		assert_int_equal(run.status, srv_error_exit_code((enum sriov_error_code)code));
		ctl_run_clear(&run);
	}
	canned_daemon_free(daemon);
}

/* In the words of the command, not of the API's method. */
static void stranger_is_told_who_may(void **state)
{
	static const char *const commands[][2] = {
		{ "vf claim x --network a", "vf claim" },
		{ "nic add web1 --network a", "nic add" },
		{ "", "status" },
		{ "vf release dpdk1", "vf release" },
		{ "events", "events" },
	};
	struct canned_daemon *daemon = canned_daemon_new();

	daemon->denies = true;
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
		struct ctl_run_of run = { .args = commands[i][0] };
		g_autofree char *expected = g_strdup_printf(
			"sriovctl: %s: only root and members of the group sriovd may do this\n",
			commands[i][1]);

		ctl_run_it(daemon, &run);
		assert_string_equal(run.err, expected);
		assert_int_equal(run.status, 9);
		ctl_run_clear(&run);
	}
	canned_daemon_free(daemon);
}

static void daemon_that_is_not_there_tells_what_to_do(void **state)
{
	static const char *const args[] = {
		"", "--json", "events", "watch 3", "vf claim x --network a", "config check"
	};

	for (size_t i = 0; i < G_N_ELEMENTS(args); i++) {
		struct ctl_run_of run = { .args = args[i] };

		ctl_run_it(NULL, &run);
		assert_string_equal(
			run.err,
			"sriovctl: sriovd is not running (there is no socket at "
			"/nonexistent/sriovd.sock); start it with: systemctl start sriovd, "
			"and see why it does not run with: systemctl status sriovd\n");
		assert_string_equal(run.out, "");
		assert_int_equal(run.status, 10);
		ctl_run_clear(&run);
	}
}

/* ---- help ---- */

static void help_lists_every_command(void **state)
{
	static const char *const args[] = { "--help", "-h", "help", "help --json" };

	for (size_t i = 0; i < G_N_ELEMENTS(args); i++) {
		struct ctl_run_of run = { .args = args[i] };
		g_autofree char *expected = canned_fixture("help.txt");

		ctl_run_it(NULL, &run);
		assert_string_equal(run.out, expected);
		assert_int_equal(run.status, 0);
		ctl_run_clear(&run);
	}
}

static void help_of_a_group_lists_its_commands(void **state)
{
	struct ctl_run_of run = { .args = "vf --help" };
	g_autofree char *expected = canned_fixture("help-vf.txt");

	ctl_run_it(NULL, &run);
	assert_string_equal(run.out, expected);
	ctl_run_clear(&run);
}

static void help_of_a_command_shows_options_and_example(void **state)
{
	static const char *const args[] = { "vf claim --help", "--help vf claim", "help vf claim",
					    "vf claim x --network y -h" };
	g_autofree char *expected = canned_fixture("help-vf-claim.txt");

	for (size_t i = 0; i < G_N_ELEMENTS(args); i++) {
		struct ctl_run_of run = { .args = args[i] };

		ctl_run_it(NULL, &run);
		assert_string_equal(run.out, expected);
		assert_int_equal(run.status, 0);
		ctl_run_clear(&run);
	}
}

static void assert_lines_fit(const char *text, size_t width)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line; line++)
		assert_in_range(strlen(*line), 0, width);
}

static void help_of_every_command_is_whole(void **state)
{
	for (size_t i = 0; ctl_commands[i]; i++) {
		const struct ctl_command *command = ctl_commands[i];
		g_autofree char *args = g_strdup_printf("%s --help", command->name);
		g_autofree char *start = g_strdup_printf("usage: sriovctl %s", command->name);
		g_autofree char *summary = g_strdup_printf("\n\n%s.\n", command->summary);
		struct ctl_run_of run = { .args = args };

		/* Where there is no terminal it is 80 columns wide, but for the usage line. */
		ctl_run_it(NULL, &run);
		assert_lines_fit(strchr(run.out, '\n'), 80);
		ctl_run_clear(&run);
		run.width = 1000;
		ctl_run_it(NULL, &run);
		assert_true(g_str_has_prefix(run.out, start));
		assert_non_null(strstr(run.out, summary));
		for (const struct ctl_option *option = command->options; option->name; option++)
			assert_non_null(strstr(run.out, option->help));
		assert_int_equal(run.status, 0);
		/* Summaries are for the list of commands, on a terminal of 80. */
		assert_in_range(strlen(command->summary), 8, 80 - 18);
		assert_true(command->example || !command->arguments[0].name ||
			    command->arguments[0].optional);
		ctl_run_clear(&run);
	}
}

static void help_of_an_unknown_command_is_a_mistake(void **state)
{
	assert_usage("help frobnicate", "sriovctl: unknown command \"frobnicate\"");
	assert_usage("vf clam --help",
		     "sriovctl: unknown command \"vf clam\"; did you mean \"vf claim\"?");
}

static void version_is_printed(void **state)
{
	struct ctl_run_of run = { .args = "--version" };

	ctl_run_it(NULL, &run);
	assert_string_equal(run.out, "sriovctl " SRIOVD_VERSION "\n");
	assert_int_equal(run.status, 0);
	ctl_run_clear(&run);
}

/* What is in the program must be in what describes it. */
static void every_command_is_in_manual_and_completion(void **state)
{
	g_autofree char *man_path = TEST_SOURCE("conf/man/sriovctl.1");
	g_autofree char *completion_path = TEST_SOURCE("conf/completions/sriovctl.bash");
	g_autofree char *man = NULL, *completion = NULL;

	assert_true(g_file_get_contents(man_path, &man, NULL, NULL));
	assert_true(g_file_get_contents(completion_path, &completion, NULL, NULL));
	for (size_t i = 0; ctl_commands[i]; i++) {
		const struct ctl_command *command = ctl_commands[i];
		g_autofree char *item = g_strdup_printf("\n.It Cm %s", command->name);
		g_autofree char *long_item = g_strdup_printf("\n.It Xo\n.Cm %s", command->name);
		g_auto(GStrv) words = g_strsplit(command->name, " ", 2);

		if (!strstr(man, item) && !strstr(man, long_item))
			fail_msg("%s is not in the manual", command->name);
		for (char **word = words; *word; word++)
			assert_non_null(strstr(completion, *word));
		for (const struct ctl_option *option = command->options; option->name; option++) {
			g_autofree char *in_man = g_strdup_printf("Fl -%s", option->name);
			g_autofree char *in_bash = g_strdup_printf("--%s", option->name);

			if (!strstr(man, in_man) || !strstr(completion, in_bash))
				fail_msg("--%s is missing", option->name);
		}
	}
}

/* ---- configuration files ---- */

struct tree {
	char *dir;
};

static void write_file(const struct tree *tree, const char *name, const char *text, gssize len)
{
	g_autofree char *path = g_build_filename(tree->dir, name, NULL);
	g_autofree char *dir = g_path_get_dirname(path);

	assert_int_equal(g_mkdir_with_parents(dir, 0700), 0);
	assert_true(g_file_set_contents(path, text, len, NULL));
}

static void tree_new(struct tree *tree)
{
	tree->dir = g_dir_make_tmp("test-ctl-XXXXXX", NULL);
	write_file(tree, "sriovd.json", "{}\n", -1);
	write_file(tree, "conf.d/20-b.json", "{\"b\":2}", -1);
	write_file(tree, "conf.d/10-a.json", "{\"a\":\"\xc3\xa4\"}", -1);
	write_file(tree, "conf.d/.hidden.json", "{", -1);
	write_file(tree, "conf.d/10-a.json.bak", "{", -1);
}

static void tree_free(struct tree *tree)
{
	static const char *const names[] = { "sriovd.json",
					     "conf.d/20-b.json",
					     "conf.d/10-a.json",
					     "conf.d/.hidden.json",
					     "conf.d/10-a.json.bak",
					     "other.json",
					     "conf.d",
					     "" };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(tree->dir, names[i], NULL);

		(void)g_remove(path);
	}
	g_free(tree->dir);
}

static void config_check_of_a_directory_sends_what_sriovd_reads(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct tree tree;
	g_autofree char *args = NULL;
	struct ctl_run_of run = { 0 };

	tree_new(&tree);
	args = g_strdup_printf("config check %s", tree.dir);
	run.args = args;
	canned_reply_file(daemon, "CheckConfig", "no-problems");
	ctl_run_it(daemon, &run);
	assert_string_equal(
		daemon->calls->str,
		"CheckConfig {\"files\":[{\"name\":\"sriovd.json\",\"text\":\"{}\\n\"},"
		"{\"name\":\"conf.d/10-a.json\",\"text\":\"{\\\"a\\\":\\\"\xc3\xa4\\\"}\"},"
		"{\"name\":\"conf.d/20-b.json\",\"text\":\"{\\\"b\\\":2}\"}]}\n");
	assert_string_equal(run.out, "no mistakes\n");
	assert_int_equal(run.status, 0);
	ctl_run_clear(&run);
	tree_free(&tree);
	canned_daemon_free(daemon);
}

static void config_check_of_files_sends_them_in_their_order(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct tree tree;
	g_autofree char *args = NULL, *expected = NULL;
	struct ctl_run_of run = { 0 };

	tree_new(&tree);
	args = g_strdup_printf("config check %s/conf.d/20-b.json %s/sriovd.json", tree.dir,
			       tree.dir);
	expected = g_strdup_printf("CheckConfig {\"files\":[{\"name\":\"%s/conf.d/20-b.json\","
				   "\"text\":\"{\\\"b\\\":2}\"},{\"name\":\"%s/sriovd.json\","
				   "\"text\":\"{}\\n\"}]}\n",
				   tree.dir, tree.dir);
	run.args = args;
	canned_reply_file(daemon, "CheckConfig", "config-check");
	ctl_run_it(daemon, &run);
	assert_string_equal(daemon->calls->str, expected);
	assert_int_equal(run.status, 3);
	ctl_run_clear(&run);
	tree_free(&tree);
	canned_daemon_free(daemon);
}

static void config_check_of_a_dash_sends_what_comes_in(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "config check -", .in = "{\"pools\":[]}" };

	canned_reply_file(daemon, "CheckConfig", "no-problems");
	ctl_run_it(daemon, &run);
	assert_string_equal(daemon->calls->str,
			    "CheckConfig {\"files\":[{\"name\":\"standard input\","
			    "\"text\":\"{\\\"pools\\\":[]}\"}]}\n");
	assert_int_equal(run.status, 0);
	ctl_run_clear(&run);
	canned_daemon_free(daemon);
}

/* sriovd starts with one, but who names it here has most likely named another than he meant. */
static void config_check_of_an_empty_directory_is_refused(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct tree tree;
	g_autofree char *path = NULL, *args = NULL;
	struct ctl_run_of run = { 0 };

	tree_new(&tree);
	path = g_build_filename(tree.dir, "empty", NULL);
	assert_int_equal(g_mkdir(path, 0700), 0);
	args = g_strdup_printf("config check %s", path);
	run.args = args;
	canned_reply_file(daemon, "CheckConfig", "no-problems");
	ctl_run_it(daemon, &run);
	assert_string_equal(daemon->calls->str, "");
	assert_non_null(strstr(run.err, "there is no configuration in it"));
	assert_int_not_equal(run.status, 0);
	ctl_run_clear(&run);
	g_rmdir(path);
	tree_free(&tree);
	canned_daemon_free(daemon);
}

static void config_check_of_a_bad_file_tells_which(void **state)
{
	static const struct {
		const char *name, *text;
		gssize len;
		const char *message;
		int status;
	} cases[] = {
		{ "missing.json", NULL, 0, "cannot be read: No such file or directory", 4 },
		{ "other.json", "\xff\xfe{", 3, "is no text in UTF-8", 3 },
	};
	struct tree tree;

	tree_new(&tree);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *args = g_strdup_printf("config check %s/%s", tree.dir,
							cases[i].name);
		g_autofree char *expected = g_strdup_printf("sriovctl: %s/%s: %s\n", tree.dir,
							    cases[i].name, cases[i].message);
		struct ctl_run_of run = { .args = args };

		if (cases[i].text)
			write_file(&tree, cases[i].name, cases[i].text, cases[i].len);
		ctl_run_it(NULL, &run);
		assert_string_equal(run.err, expected);
		assert_int_equal(run.status, cases[i].status);
		ctl_run_clear(&run);
	}
	tree_free(&tree);
}

static void config_check_of_a_file_too_long_is_refused(void **state)
{
	g_autofree char *text = g_strnfill(1024 * 1024 + 1, ' ');
	g_autofree char *args = NULL;
	struct ctl_run_of run = { 0 };
	struct tree tree;

	tree_new(&tree);
	write_file(&tree, "other.json", text, -1);
	args = g_strdup_printf("config check %s/other.json", tree.dir);
	run.args = args;
	ctl_run_it(NULL, &run);
	assert_non_null(strstr(run.err, "is longer than 1 MiB"));
	assert_int_equal(run.status, 14);
	ctl_run_clear(&run);
	tree_free(&tree);
}

/* ---- the ledger ---- */

static void ledger_rebuild_asks_first(void **state)
{
	static const struct {
		const char *answer;
		int status;
	} cases[] = { { "y\n", 0 }, { "YES\n", 0 }, { "n\n", 1 }, { "\n", 1 }, { "yellow\n", 1 } };
	struct canned_daemon *daemon = canned_daemon_new();

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct ctl_run_of run = { .args = "ledger rebuild", .in = cases[i].answer };

		canned_reset(daemon);
		canned_reply_file(daemon, "RebuildLedger", "ledger-rebuild");
		ctl_run_it(daemon, &run);
		assert_non_null(strstr(run.err, "Rebuild it? [y/N] "));
		assert_string_equal(daemon->calls->str,
				    cases[i].status ? "" : "RebuildLedger {}\n");
		if (cases[i].status)
			assert_true(g_str_has_suffix(run.err, "sriovctl: nothing was changed\n"));
		assert_int_equal(run.status, cases[i].status);
		ctl_run_clear(&run);
	}
	canned_daemon_free(daemon);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_refused_with_what_was_meant),
		cmocka_unit_test(arguments_are_checked_before_the_call),
		cmocka_unit_test(usage_error_ends_with_the_usage),
		cmocka_unit_test(names_of_all_kinds_are_accepted),
		cmocka_unit_test(arguments_after_two_dashes_are_no_options),
		cmocka_unit_test(errors_of_the_daemon_become_a_sentence_and_a_status),
		cmocka_unit_test(stranger_is_told_who_may),
		cmocka_unit_test(daemon_that_is_not_there_tells_what_to_do),
		cmocka_unit_test(help_lists_every_command),
		cmocka_unit_test(help_of_a_group_lists_its_commands),
		cmocka_unit_test(help_of_a_command_shows_options_and_example),
		cmocka_unit_test(help_of_every_command_is_whole),
		cmocka_unit_test(help_of_an_unknown_command_is_a_mistake),
		cmocka_unit_test(version_is_printed),
		cmocka_unit_test(every_command_is_in_manual_and_completion),
		cmocka_unit_test(config_check_of_a_directory_sends_what_sriovd_reads),
		cmocka_unit_test(config_check_of_files_sends_them_in_their_order),
		cmocka_unit_test(config_check_of_a_dash_sends_what_comes_in),
		cmocka_unit_test(config_check_of_an_empty_directory_is_refused),
		cmocka_unit_test(config_check_of_a_bad_file_tells_which),
		cmocka_unit_test(config_check_of_a_file_too_long_is_refused),
		cmocka_unit_test(ledger_rebuild_asks_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
