// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib-unix.h>

#include "base/fd.h"
#include "srv/helper/protocol.h"

#define OUTPUT_MAX (256 * 1024) /* a line for 256 functions, with long sentences, is far below */
/* Exit status of a child that did not become the helper, which has none so high. */
#define NOT_STARTED 127

struct run {
	GPid pid;
	int fd; /* its stdout; -1 when closed */
	guint fd_source, child_source, deadline_source;
	GString *output;
	bool reaped, answered;
	int status; /* when reaped */
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

static int not_started(const char *path, int errnum, struct sriov_error **err)
{
	return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, ENOEXEC, path,
			       "cannot be started: %s; is sriovd installed whole?",
			       g_strerror(errnum));
}

/* What it has written, as an outcome. */
static int read_outcome(const struct run *run, struct spci_outcome **ret, struct sriov_error **err)
{
	int errnum = 0;

	if (!WIFEXITED(run->status) || WEXITSTATUS(run->status) != NOT_STARTED)
		return spci_outcome_parse(run->output->str, run->output->len, ret, err);
	if (run->output->len == sizeof(errnum))
		memcpy(&errnum, run->output->str, sizeof(errnum));
	return not_started(srv_helper_program(), errnum, err);
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
	if (read_outcome(run, &outcome, &err) < 0)
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
	run->status = status;
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

/*
 * In the child: only what may be called between fork() and execve() in a process with threads. All
 * other descriptors are closed by execve().
 */
static void __attribute__((noreturn)) become(char **line, int null, int out)
{
	int errnum;

	if (dup2(null, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
	    dup2(null, STDERR_FILENO) >= 0)
		execv(line[0], line);
	errnum = errno;
	if (write(STDOUT_FILENO, &errnum, sizeof(errnum)) < 0)
		_exit(NOT_STARTED + 1);
	_exit(NOT_STARTED);
}

/*
 * posix_spawn(), and what GLib makes of it, come back when the child has its program: a file system
 * that hangs would hold up this thread, and with it everybody. This one does not wait; the child's
 * deadline is for that as well.
 *
 * From the main thread: the child dies with the thread that made it (PR_SET_PDEATHSIG).
 *
 * line: ends with NULL
 * Returns the child, or a negative errno. *ret_fd: of what it writes, the caller's.
 */
static pid_t start(char **line, int *ret_fd)
{
	sriov_autofd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int fds[2];
	pid_t pid;

	if (null < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		become(line, null, fds[1]);
	if (pid < 0)
		pid = -errno;
	close(fds[1]);
	if (pid < 0)
		close(fds[0]);
	else
		*ret_fd = fds[0];
	return pid;
}

void srv_helper_run(const char *const *argv, const char *root, unsigned seconds,
		    void (*done)(const struct spci_outcome *outcome,
				 const struct sriov_error *error, void *data),
		    void (*gone)(void *data), void *data)
{
	g_autoptr(GPtrArray) line = command_line(argv, root);
	struct run *run = g_new0(struct run, 1);

	run->output = g_string_new(NULL);
	run->what = g_strjoinv(" ", (char **)argv);
	run->seconds = seconds;
	run->done = done;
	run->gone = gone;
	run->data = data;
	run->pid = start((char **)line->pdata, &run->fd);
	if (run->pid < 0) {
		sriov_autoerror err = NULL;

		not_started(line->pdata[0], -run->pid, &err);
		done(NULL, err, data);
		run_free(run);
		return;
	}
	g_unix_set_fd_nonblocking(run->fd, TRUE, NULL);
	run->fd_source = g_unix_fd_add(run->fd, G_IO_IN | G_IO_HUP | G_IO_ERR, on_output, run);
	run->child_source = g_child_watch_add(run->pid, on_exit_status, run);
	run->deadline_source = g_timeout_add_seconds(seconds, on_deadline, run);
}
