// SPDX-License-Identifier: GPL-2.0-or-later
/* The program sriovctl itself, on a terminal and in a shell's completion. */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "tests/support/canned-daemon.h"
#include "tests/support/varlink-server.h"

static char *build_path(const char *name)
{
	return g_build_filename(g_getenv("SRIOVD_TEST_BUILD") ?: "build/release", name, NULL);
}

/* A child whose output is read while the daemon serves it. */
struct child {
	pid_t pid;
	int fd; /* non-blocking */
	GString *out;
	const char *until; /* what is waited for in out; NULL: its end */
	bool ended;
};

static void child_on_terminal(struct child *child, const struct canned_daemon *daemon,
			      const char *const *argv, unsigned short columns)
{
	struct winsize size = { .ws_row = 40, .ws_col = columns };
	g_autofree char *program = build_path("sriovctl");

	*child = (struct child){ .out = g_string_new(NULL) };
	g_setenv("SRIOVD_SOCKET", daemon->path, TRUE);
	g_setenv("TERM", "xterm", TRUE);
	g_unsetenv("NO_COLOR");
	child->pid = forkpty(&child->fd, NULL, NULL, &size);
	if (child->pid == 0) {
		execv(program, (char *const *)argv);
		_exit(127);
	}
	assert_true(child->pid > 0);
	fcntl(child->fd, F_SETFL, O_NONBLOCK);
}

static void child_in_pipe(struct child *child, const char *const *argv)
{
	int out[2];

	*child = (struct child){ .out = g_string_new(NULL) };
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	child->pid = fork();
	if (child->pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		dup2(out[1], STDERR_FILENO);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(out[1]);
	child->fd = out[0];
	fcntl(child->fd, F_SETFL, O_NONBLOCK);
}

static bool child_has_said(void *data)
{
	struct child *child = data;
	char buf[4096];
	ssize_t n;

	while ((n = read(child->fd, buf, sizeof(buf))) > 0)
		g_string_append_len(child->out, buf, n);
	/* A terminal that everybody has closed gives EIO. */
	child->ended |= n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
	return child->ended || (child->until && strstr(child->out->str, child->until));
}

static void child_wait_for(struct child *child, const char *text)
{
	child->until = text;
	if (!test_server_wait(child_has_said, child) || (text && !strstr(child->out->str, text)))
		fail_msg("instead of \"%s\": %s", text ?: "the end", child->out->str);
}

/* Its wait status. */
static int child_end(struct child *child)
{
	int status = -1;

	child_wait_for(child, NULL);
	assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
	close(child->fd);
	return status;
}

static void assert_terminal_text(const struct child *child, const char *fixture)
{
	g_autofree char *expected = canned_fixture(fixture);
	g_auto(GStrv) lines = g_strsplit(child->out->str, "\r\n", -1);
	g_autofree char *text = g_strjoinv("\n", lines);

	assert_string_equal(text, expected);
}

static void terminal_is_recognised_with_its_width(void **state)
{
	static const char *const argv[] = { "sriovctl", "vf", "list", NULL };
	struct canned_daemon *daemon = canned_daemon_new();
	struct child child;
	int status;

	canned_reply_file(daemon, "ListVFs", "trouble-vf-list");
	child_on_terminal(&child, daemon, argv, 160);
	status = child_end(&child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_terminal_text(&child, "terminal-160-trouble-vf-list.txt");
	g_string_free(child.out, TRUE);
	canned_daemon_free(daemon);
}

static void pipe_gets_neither_colours_nor_broken_lines(void **state)
{
	g_autofree char *program = build_path("sriovctl");
	const char *argv[] = { program, "vf", "list", NULL };
	struct canned_daemon *daemon = canned_daemon_new();
	g_autofree char *expected = canned_fixture("trouble-vf-list.txt");
	struct child child;

	g_setenv("SRIOVD_SOCKET", daemon->path, TRUE);
	canned_reply_file(daemon, "ListVFs", "trouble-vf-list");
	child_in_pipe(&child, argv);
	assert_int_equal(child_end(&child), 0);
	assert_string_equal(child.out->str, expected);
	g_string_free(child.out, TRUE);
	canned_daemon_free(daemon);
}

static bool nobody_is_held(void *data)
{
	return ((struct canned_daemon *)data)->held->len == 0;
}

static void interrupt_leaves_the_job_and_says_how_to_watch_it(void **state)
{
	static const char *const argv[] = { "sriovctl", "vf", "release", "dpdk1", NULL };
	struct canned_daemon *daemon = canned_daemon_new();
	struct child child;
	int status;

	canned_reply(daemon, "Release", json_pack("{s:i}", "job", 7));
	canned_reply(daemon, "WatchJob",
		     json_pack("{s:{s:i, s:i, s:i, s:s, s:s}}", "step", "job", 7, "step", 1, "of",
			       2, "text", "releasing", "state", "running"));
	canned_open_end(daemon, "WatchJob");
	child_on_terminal(&child, daemon, argv, 80);
	child_wait_for(&child, "[1/2] releasing");
	/* What the terminal makes of Ctrl-C. */
	assert_int_equal(write(child.fd, "\003", 1), 1);
	status = child_end(&child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGINT);
	assert_non_null(strstr(child.out->str, "\r\nsriovctl: job 7 goes on; to watch it: sriovctl "
					       "watch 7\r\n"));
	assert_true(test_server_wait(nobody_is_held, daemon));
	g_string_free(child.out, TRUE);
	canned_daemon_free(daemon);
}

/* A disk that is full must not look like success. */
static void output_that_is_lost_is_a_failure(void **state)
{
	g_autofree char *program = build_path("sriovctl");
	g_autofree char *line = g_strdup_printf("exec %s --version >/dev/full", program);
	const char *argv[] = { "sh", "-c", line, NULL };
	struct child child;
	int status;

	child_in_pipe(&child, argv);
	status = child_end(&child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_string_equal(child.out->str, "sriovctl: standard output: No space left on device\n");
	g_string_free(child.out, TRUE);
}

/* What bash offers behind a line, sorted by itself: words joined by ' '. */
static char *completions(const char *line)
{
	g_autofree char *script = TEST_SOURCE("conf/completions/sriovctl.bash");
	g_autofree char *build = build_path("");
	g_autofree char *absolute = g_canonicalize_filename(build, NULL);
	g_autofree char *code = g_strdup_printf(
		"PATH=%s:$PATH; . %s; COMP_WORDS=(%s); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); "
		"_sriovctl 2>&1; echo \"${COMPREPLY[*]}\"",
		absolute, script, line);
	const char *argv[] = { "bash", "--norc", "-c", code, NULL };
	struct child child;

	child_in_pipe(&child, argv);
	assert_int_equal(child_end(&child), 0);
	return g_strchomp(g_string_free(child.out, FALSE));
}

static void completion_offers_what_there_is(void **state)
{
	static const struct {
		const char *line, *offered;
	} cases[] = {
		{ "sriovctl ''", "status explain nic pf vf start demote drain undrain resize "
				 "events watch config reload ledger help" },
		{ "sriovctl e", "explain events" },
		{ "sriovctl nic ''", "list show add remove" },
		{ "sriovctl --json vf cl", "claim" },
		{ "sriovctl vf s", "show scrub" },
		{ "sriovctl vf scrub enp1s0/6", "enp1s0/6" },
		{ "sriovctl pf show ''", "enp1s0 enp1s0f1" },
		{ "sriovctl pf show enp1s0f", "enp1s0f1" },
		{ "sriovctl vf list enp", "enp1s0 enp1s0f1" },
		{ "sriovctl vf show enp1s0/", "enp1s0/0 enp1s0/1 enp1s0/2 enp1s0/3 enp1s0/4 "
					      "enp1s0/5 enp1s0/6" },
		{ "sriovctl explain d", "db1 dpdk1" },
		{ "sriovctl nic show --no-color gr\xc3\xb6", "größenordnung" },
		{ "sriovctl vf claim x --network ''", "storage tenant-a tenant-b" },
		{ "sriovctl nic add web1 --mode e", "exclusive" },
		{ "sriovctl nic add --n", "--network --now --no-wait --no-color" },
		{ "sriovctl ledger rebuild --y", "--yes" },
		{ "sriovctl watch ''", "" },
	};
	struct canned_daemon *daemon = canned_daemon_new();

	g_setenv("SRIOVD_SOCKET", daemon->path, TRUE);
	canned_reply_file(daemon, "ListPFs", "pf-list");
	canned_reply_file(daemon, "ListVFs", "vf-list");
	canned_reply_file(daemon, "ListNics", "nic-list");
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *offered = completions(cases[i].line);

		assert_string_equal(offered, cases[i].offered);
	}
	canned_daemon_free(daemon);
}

static void completion_asks_for_the_owner_s_nics_and_where_told(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	g_autofree char *line = g_strdup_printf("sriovctl --socket %s explain db1 ''",
						daemon->path);
	g_autofree char *offered = NULL;

	g_setenv("SRIOVD_SOCKET", "/nonexistent/sriovd.sock", TRUE);
	canned_reply(daemon, "ListNics",
		     json_pack("{s:[{s:{s:s, s:s}, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:i}]}",
			       "nics", "owner", "kind", "manual", "name", "db1", "id", "net7",
			       "network", "storage", "mode", "required", "mac", "52:54:00:00:00:01",
			       "priority", 0, "state", "idle", "backing", "none", "since", 1));
	offered = completions(line);
	assert_string_equal(offered, "net7");
	assert_string_equal(daemon->calls->str, "ListNics {\"owner\":\"db1\"}\n");
	canned_daemon_free(daemon);
}

/* Whoever may define a domain must not get a command run by whoever completes its name. */
static void completion_does_not_run_what_names_say(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	g_autofree char *offered = NULL;

	g_setenv("SRIOVD_SOCKET", daemon->path, TRUE);
	canned_reply(daemon, "ListNics",
		     json_pack("{s:[{s:{s:s, s:s}, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:i}]}",
			       "nics", "owner", "kind", "manual", "name", "x$(echo run >&2)`id` *",
			       "id", "net0", "network", "storage", "mode", "required", "mac",
			       "52:54:00:00:00:01", "priority", 0, "state", "idle", "backing",
			       "none", "since", 1));
	offered = completions("sriovctl explain x");
	assert_string_equal(offered, "x\\$\\(echo\\ run\\ \\>\\&2\\)\\`id\\`\\ \\*");
	canned_daemon_free(daemon);
}

/* Nobody wants to see its errors in the middle of a line. */
static void completion_without_a_daemon_is_silent(void **state)
{
	g_autofree char *offered = NULL;

	g_setenv("SRIOVD_SOCKET", "/nonexistent/sriovd.sock", TRUE);
	offered = completions("sriovctl vf show ''");
	assert_string_equal(offered, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(terminal_is_recognised_with_its_width),
		cmocka_unit_test(pipe_gets_neither_colours_nor_broken_lines),
		cmocka_unit_test(interrupt_leaves_the_job_and_says_how_to_watch_it),
		cmocka_unit_test(output_that_is_lost_is_a_failure),
		cmocka_unit_test(completion_offers_what_there_is),
		cmocka_unit_test(completion_asks_for_the_owner_s_nics_and_where_told),
		cmocka_unit_test(completion_does_not_run_what_names_say),
		cmocka_unit_test(completion_without_a_daemon_is_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
