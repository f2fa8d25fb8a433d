// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/ctl-run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "srv/sriovctl/ctl.h"
#include "tests/support/varlink-server.h"

struct thread {
	struct ctl_env env;
	char **argv;
	int status;
};

static void *run_thread(void *data)
{
	struct thread *thread = data;

	thread->status = ctl_run((int)g_strv_length(thread->argv), thread->argv, &thread->env);
	return NULL;
}

static char **command_line(const struct canned_daemon *daemon, const char *args)
{
	g_autofree char *line = g_strdup_printf("sriovctl --socket %s %s",
						daemon ? daemon->path : "/nonexistent/sriovd.sock",
						args);
	char **argv = NULL;

	if (!g_shell_parse_argv(line, NULL, &argv, NULL))
		g_error("not a command line: %s", line);
	return argv;
}

/* free() is what memstreams want, g_free() what tests use. */
static char *take(FILE *stream, char **buf)
{
	char *copy;

	fclose(stream);
	copy = g_strdup(*buf);
	free(*buf);
	return copy;
}

void ctl_run_it(struct canned_daemon *daemon, struct ctl_run_of *run)
{
	char *out = NULL, *err = NULL;
	size_t out_len, err_len;
	struct thread thread = { .argv = command_line(daemon, run->args) };

	g_setenv("TZ", "UTC", TRUE);
	ctl_run_clear(run);
	thread.env = (struct ctl_env){
		.in = run->in ? fmemopen((char *)run->in, strlen(run->in), "r")
			      : fopen("/dev/null", "r"),
		.out = open_memstream(&out, &out_len),
		.err = open_memstream(&err, &err_len),
		.terminal = run->width > 0,
		.can_ask = run->in != NULL,
		.width = run->width,
		.now = CTL_NOW,
		.read_ms = run->read_ms,
		.reply_ms = run->reply_ms,
	};
	test_in_thread(run_thread, &thread);
	run->status = thread.status;
	run->out = take(thread.env.out, &out);
	run->err = take(thread.env.err, &err);
	fclose(thread.env.in);
	g_strfreev(thread.argv);
}

void ctl_run_clear(struct ctl_run_of *run)
{
	g_clear_pointer(&run->out, g_free);
	g_clear_pointer(&run->err, g_free);
}
