// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/helper.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib-unix.h>

#include "srv/helper/protocol.h"

#define OUTPUT_MAX (256 * 1024) /* a line for 256 functions, with long sentences, is far below */

struct run {
	GPid pid;
	int fd; /* its stdout; -1 when closed */
	guint fd_source, child_source, deadline_source;
	GString *output;
	bool reaped, answered;
	unsigned seconds;
	char *what;
	void (*done)(const struct spci_outcome *outcome, const struct sriov_error *error,
		     void *data);
	void (*gone)(void *data);
	void *data;
};

static char *program;

void srv_helper_set_program(const char *path)
{
	g_free(program);
	program = g_strdup(path);
}

const char *srv_helper_program(void)
{
	return program ?: SRIOVD_LIBEXECDIR "/" SRV_HELPER_PROGRAM;
}

int srv_helper_check(const char *path, struct sriov_error **err)
{
	if (g_file_test(path, G_FILE_TEST_IS_REGULAR) && access(path, X_OK) == 0)
		return 0;
	return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, ENOEXEC, path,
			       "sriovd's helper is not there, or is no program that may be run, so "
			       "no VF can be made, bound or reset; install sriovd again");
}

static void run_free(struct run *run)
{
	g_string_free(run->output, TRUE);
	g_free(run->what);
	g_free(run);
}

static void stop_reading(struct run *run)
{
	if (run->fd_source)
		g_source_remove(run->fd_source);
	run->fd_source = 0;
	if (run->fd >= 0)
		close(run->fd);
	run->fd = -1;
}

static void answer(struct run *run, const struct spci_outcome *outcome,
		   const struct sriov_error *error)
{
	run->answered = true;
	if (run->deadline_source)
		g_source_remove(run->deadline_source);
	run->deadline_source = 0;
	run->done(outcome, error, run->data);
}

/* Both the end of its output and its exit status are needed, in whatever order they come. */
static void ended(struct run *run)
{
	struct spci_outcome *outcome = NULL;
	sriov_autoerror err = NULL;

	if (!run->reaped || run->fd >= 0)
		return;
	if (run->answered) {
		if (run->gone)
			run->gone(run->data);
		run_free(run);
		return;
	}
	if (spci_outcome_parse(run->output->str, run->output->len, &outcome, &err) < 0)
		sriov_error_wrap(&err, "%s", run->what);
	answer(run, outcome, err);
	if (outcome)
		spci_outcome_free(outcome);
	run_free(run);
}

static gboolean on_output(gint fd, GIOCondition condition, gpointer data)
{
	struct run *run = data;
	char bytes[4096];
	ssize_t n = read(fd, bytes, sizeof(bytes));

	if (n > 0 && run->output->len < OUTPUT_MAX) {
		g_string_append_len(run->output, bytes, n);
		return G_SOURCE_CONTINUE;
	}
	if (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)))
		return G_SOURCE_CONTINUE;
	run->fd_source = 0;
	close(run->fd);
	run->fd = -1;
	ended(run);
	return G_SOURCE_REMOVE;
}

static void on_exit_status(GPid pid, gint status, gpointer data)
{
	struct run *run = data;

	run->child_source = 0;
	run->reaped = true;
	ended(run);
}

static gboolean on_deadline(gpointer data)
{
	struct run *run = data;
	sriov_autoerror err = NULL;

	run->deadline_source = 0;
	/* A process that hangs in the kernel does not die of this now, but when it comes out. */
	kill(run->pid, SIGKILL);
	stop_reading(run);
	sriov_error_set(&err, SRIOV_ERROR_TIMEOUT, ETIMEDOUT, NULL,
			"%s did not come back from the kernel within %u s", run->what,
			run->seconds);
	answer(run, NULL, err);
	return G_SOURCE_REMOVE;
}

static GPtrArray *command_line(const char *const *argv, const char *root)
{
	GPtrArray *line = g_ptr_array_new();

	g_ptr_array_add(line, (char *)srv_helper_program());
	g_ptr_array_add(line, (char *)"--root");
	g_ptr_array_add(line, (char *)root);
	for (; *argv; argv++)
		g_ptr_array_add(line, (char *)*argv);
	g_ptr_array_add(line, NULL);
	return line;
}

void srv_helper_run(const char *const *argv, const char *root, unsigned seconds,
		    void (*done)(const struct spci_outcome *outcome,
				 const struct sriov_error *error, void *data),
		    void (*gone)(void *data), void *data)
{
	g_autoptr(GPtrArray) line = command_line(argv, root);
	g_autoptr(GError) gerror = NULL;
	struct run *run = g_new0(struct run, 1);

	run->output = g_string_new(NULL);
	run->what = g_strjoinv(" ", (char **)argv);
	run->seconds = seconds;
	run->done = done;
	run->gone = gone;
	run->data = data;
	/* From the main thread: the child dies with the thread that made it (PR_SET_PDEATHSIG). */
	if (!g_spawn_async_with_pipes(NULL, (char **)line->pdata, NULL,
				      G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDERR_TO_DEV_NULL, NULL,
				      NULL, &run->pid, NULL, &run->fd, NULL, &gerror)) {
		sriov_autoerror err = NULL;

		sriov_error_set(&err, SRIOV_ERROR_UNAVAILABLE, ENOEXEC, line->pdata[0],
				"cannot be started: %s; is sriovd installed whole?",
				gerror->message);
		done(NULL, err, data);
		run_free(run);
		return;
	}
	g_unix_set_fd_nonblocking(run->fd, TRUE, NULL);
	run->fd_source = g_unix_fd_add(run->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_output, run);
	run->child_source = g_child_watch_add(run->pid, on_exit_status, run);
	run->deadline_source = g_timeout_add_seconds(seconds, on_deadline, run);
}
