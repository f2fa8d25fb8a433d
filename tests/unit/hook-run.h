/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Runs the two halves of the libvirt hook as libvirt does, with the XML in a pipe on stdin and
 * pipes on stdout and stderr, against a daemon that is a thread here and answers what a case wants.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>
#include <jansson.h>

extern char **environ;

#define UUID		"57883551-e96d-4a71-ac43-7cde003b6744"
#define OURS		"<sriov:nics xmlns:sriov=\"https://sriovd.io/xmlns/nics/1\">\n"
#define ENDS		"</sriov:nics>\n"
#define GUEST_HEAD	"<domain type='kvm'>\n<name>web1</name>\n<uuid>" UUID "</uuid>\n<metadata>\n"
#define GUEST_TAIL	"</metadata>\n<devices/>\n</domain>\n"
#define GUEST(metadata) GUEST_HEAD metadata GUEST_TAIL

static const char exclusive[] = GUEST(
	OURS "<sriov:nic id=\"net0\" network=\"tenant-a\" mode=\"exclusive\" "
	     "mac=\"52:54:00:aa:00:11\" priority=\"10\"/>\n"
	     "<sriov:nic id=\"net1\" network=\"b\" mode=\"failover\"/>\n" ENDS);
static const char required[] = GUEST(
	OURS "<sriov:nic id=\"net0\" network=\"a\"/>\n"
	     "<sriov:nic id=\"net1\" network=\"a\" mode=\"required\"/>\n" ENDS);
static const char foreign[] = GUEST("<a:b xmlns:a=\"http://a/\" mode=\"required\"/>\n");
static const char bad[] = GUEST(OURS "<sriov:nic id=\"net0\" network=\"a\" mode=\"x\"/>\n" ENDS);

/* What libvirt calls, and which of it the daemon hears of. */
static const struct {
	const char *name, *sub;
	bool told;
} operations[] = {
	{ "prepare", "begin", true },  { "start", "begin", false },
	{ "started", "begin", true },  { "stopped", "end", true },
	{ "release", "end", true },    { "reconnect", "begin", false },
	{ "migrate", "begin", false }, { "restore", "begin", false },
	{ "attach", "begin", false },
};

/* ---- the daemon ---- */

enum behaviour {
	DAEMON_ANSWERS,	 /* with reply */
	DAEMON_SILENT,	 /* takes the call, never answers */
	DAEMON_TRICKLES, /* never comes to the end of its answer */
	DAEMON_CLOSES,	 /* takes the call, then dies */
	DAEMON_DEAF,	 /* listens, accepts nobody, and its queue is full */
	DAEMON_DEAD,	 /* left its socket behind */
};

struct fake_daemon {
	enum behaviour behaviour;
	const char *reply;
	char *dir, *path;
	int listener, stop[2];
	int filler; /* fills the queue of a deaf one */
	GThread *thread;
	GPtrArray *calls; /* of json_t */
};

static inline char *tests_dir(void)
{
	const char *build = g_getenv("SRIOVD_TEST_BUILD") ?: "build/release";

	return g_build_filename(build, "tests/hook", NULL);
}

/* Reads one message; NULL when the client is gone. */
static inline json_t *read_message(int fd)
{
	g_autoptr(GByteArray) bytes = g_byte_array_new();
	json_error_t why;
	guint8 byte;

	while (read(fd, &byte, 1) == 1) {
		if (byte == '\0')
			return json_loadb((const char *)bytes->data, bytes->len, 0, &why);
		g_byte_array_append(bytes, &byte, 1);
	}
	return NULL;
}

static inline bool stopped(struct fake_daemon *daemon, int wait_ms)
{
	struct pollfd pfd = { .fd = daemon->stop[0], .events = POLLIN };

	return poll(&pfd, 1, wait_ms) > 0;
}

static inline void answer(struct fake_daemon *daemon, int fd)
{
	size_t len;

	switch (daemon->behaviour) {
	case DAEMON_ANSWERS:
		len = strlen(daemon->reply) + 1;
		if (write(fd, daemon->reply, len) != (ssize_t)len)
			g_printerr("the hook went before its answer\n");
		break;
	case DAEMON_TRICKLES:
		while (!stopped(daemon, 50) && send(fd, " ", 1, MSG_NOSIGNAL) == 1)
			;
		break;
	case DAEMON_SILENT:
		stopped(daemon, -1);
		break;
	case DAEMON_CLOSES:
	case DAEMON_DEAF:
	case DAEMON_DEAD:
		break;
	}
}

static inline void *serve(void *data)
{
	struct fake_daemon *daemon = data;
	struct pollfd pfds[] = { { .fd = daemon->stop[0], .events = POLLIN },
				 { .fd = daemon->listener, .events = POLLIN } };

	while (poll(pfds, 2, -1) > 0 && !pfds[0].revents) {
		int fd = accept4(daemon->listener, NULL, NULL, SOCK_CLOEXEC);
		json_t *call = read_message(fd);

		if (call) {
			g_ptr_array_add(daemon->calls, call);
			answer(daemon, fd);
		}
		close(fd);
	}
	return NULL;
}

static inline int unix_socket(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	g_strlcpy(address->sun_path, path, sizeof(address->sun_path));
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static inline void daemon_start(struct fake_daemon *daemon, enum behaviour behaviour,
				const char *reply)
{
	struct sockaddr_un address;

	*daemon = (struct fake_daemon){ .behaviour = behaviour, .reply = reply, .filler = -1 };
	daemon->dir = g_dir_make_tmp("test-hook-XXXXXX", NULL);
	daemon->path = g_build_filename(daemon->dir, "socket", NULL);
	daemon->calls = g_ptr_array_new_with_free_func((GDestroyNotify)json_decref);
	assert_int_equal(pipe2(daemon->stop, O_CLOEXEC), 0);
	daemon->listener = unix_socket(daemon->path, &address);
	assert_int_equal(bind(daemon->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	if (behaviour == DAEMON_DEAD)
		return;
	assert_int_equal(listen(daemon->listener, behaviour == DAEMON_DEAF ? 0 : 16), 0);
	if (behaviour == DAEMON_DEAF) {
		daemon->filler = unix_socket(daemon->path, &address);
		assert_int_equal(
			connect(daemon->filler, (struct sockaddr *)&address, sizeof(address)), 0);
		return;
	}
	daemon->thread = g_thread_new("fake-daemon", serve, daemon);
}

/* Ends it; afterwards ->calls is what it heard. */
static inline void daemon_stop(struct fake_daemon *daemon)
{
	if (daemon->thread) {
		assert_int_equal(write(daemon->stop[1], "", 1), 1);
		g_thread_join(daemon->thread);
		daemon->thread = NULL;
	}
}

static inline void daemon_free(struct fake_daemon *daemon)
{
	daemon_stop(daemon);
	close(daemon->stop[0]);
	close(daemon->stop[1]);
	close(daemon->listener);
	if (daemon->filler >= 0)
		close(daemon->filler);
	g_unlink(daemon->path);
	g_rmdir(daemon->dir);
	g_free(daemon->path);
	g_free(daemon->dir);
	g_ptr_array_unref(daemon->calls);
}

/* ---- the hook ---- */

struct outcome {
	int status; /* exit status; -signal */
	char *out, *err;
	double seconds;
};

struct writer {
	int fd;
	const char *text;
	size_t len;
};

static inline void *write_all(void *data)
{
	struct writer *writer = data;

	for (size_t done = 0; done < writer->len;) {
		ssize_t n = write(writer->fd, writer->text + done, writer->len - done);

		if (n < 0)
			break; /* the hook does not want more, as libvirt allows */
		done += (size_t)n;
	}
	close(writer->fd);
	return NULL;
}

static inline char *read_all(int fd)
{
	GString *text = g_string_new(NULL);
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		g_string_append_len(text, buf, n);
	close(fd);
	return g_string_free(text, FALSE);
}

static inline char **hook_environment(const char *socket)
{
	char **env = g_get_environ();

	env = g_environ_setenv(env, "SRIOVD_SOCKET", socket, TRUE);
	return env;
}

/* argv and pipes as libvirt gives them. xml NULL: stdin stays open and nothing ever comes. */
static inline void run_program(const char *program, const char *const *args, const char *socket,
			       const char *xml, size_t len, struct outcome *ret)
{
	const char *argv[8] = { program };
	int in[2], out[2], err[2], status;
	posix_spawn_file_actions_t actions;
	g_auto(GStrv) env = hook_environment(socket);
	gint64 before = g_get_monotonic_time();
	GThread *thread = NULL;
	struct writer writer;
	pid_t pid;

	for (int i = 0; args[i]; i++)
		argv[i + 1] = args[i];
	assert_true(!pipe2(in, O_CLOEXEC) && !pipe2(out, O_CLOEXEC) && !pipe2(err, O_CLOEXEC));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
	assert_int_equal(posix_spawn(&pid, program, &actions, NULL, (char **)argv, env), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	writer = (struct writer){ in[1], xml, len };
	if (xml)
		thread = g_thread_new("writer", write_all, &writer);
	ret->out = read_all(out[0]);
	ret->err = read_all(err[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	ret->status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
	ret->seconds = (double)(g_get_monotonic_time() - before) / G_USEC_PER_SEC;
	if (thread)
		g_thread_join(thread);
	else
		close(in[1]);
}

static inline void outcome_free(struct outcome *outcome)
{
	g_free(outcome->out);
	g_free(outcome->err);
}

static inline void run_hook(struct fake_daemon *daemon, const char *name, const char *operation,
			    const char *sub, const char *xml, size_t len, struct outcome *ret)
{
	g_autofree char *dir = tests_dir(), *program = g_build_filename(dir, name, NULL);
	const char *const args[] = { "web1", operation, sub, "-", NULL };

	run_program(program, args, daemon->path, xml, len, ret);
}

/*
 * One run of the hook: its exit status, its stderr (err ends in "…": only the beginning; "*":
 * any), and that stdout is empty.
 */
static inline double expect_text(struct fake_daemon *daemon, const char *name,
				 const char *operation, const char *xml, size_t len, int status,
				 const char *err)
{
	bool end = strcmp(operation, "stopped") == 0 || strcmp(operation, "release") == 0;
	struct outcome outcome;
	double seconds;

	run_hook(daemon, name, operation, end ? "end" : "begin", xml, len, &outcome);
	if (g_str_has_suffix(err, "…")) {
		size_t n = strlen(err) - strlen("…");

		outcome.err[MIN(n, strlen(outcome.err))] = '\0';
		assert_memory_equal(outcome.err, err, MIN(n, strlen(outcome.err) + 1));
	} else {
		assert_string_equal(outcome.err, err);
	}
	assert_string_equal(outcome.out, "");
	assert_int_equal(outcome.status, status);
	seconds = outcome.seconds;
	outcome_free(&outcome);
	return seconds;
}

static inline double expect(struct fake_daemon *daemon, const char *operation, const char *xml,
			    int status, const char *err)
{
	return expect_text(daemon, "qemu-hook", operation, xml, strlen(xml), status, err);
}

static inline void expect_calls(struct fake_daemon *daemon, guint n)
{
	daemon_stop(daemon);
	assert_int_equal(daemon->calls->len, n);
}

static inline void expect_call(const struct fake_daemon *daemon, guint i, const char *operation,
			       const char *sub, const char *nics)
{
	g_autofree char *expected = g_strdup_printf(
		"{\"method\":\"io.sriovd.DomainHook\",\"parameters\":{\"operation\":\"%s\","
		"\"subOperation\":\"%s\",\"uuid\":\"" UUID "\",\"name\":\"web1\",\"nics\":[%s]}}",
		operation, sub, nics);
	json_t *wanted = json_loads(expected, 0, NULL);
	char *actual;

	assert_non_null(wanted);
	assert_true(i < daemon->calls->len);
	if (!json_equal(wanted, daemon->calls->pdata[i])) {
		actual = json_dumps(daemon->calls->pdata[i], JSON_COMPACT);
		print_error("expected %s\n     got %s\n", expected, actual);
		free(actual);
		fail();
	}
	json_decref(wanted);
}

#define NICS_EXCLUSIVE                                                                 \
	"{\"id\":\"net0\",\"network\":\"tenant-a\",\"mode\":\"exclusive\","            \
	"\"mac\":\"52:54:00:aa:00:11\",\"priority\":10},{\"id\":\"net1\",\"network\":" \
	"\"b\",\"mode\":\"failover\",\"priority\":0}"
#define OK "{\"parameters\":{}}"
#define EXHAUSTED                                                                             \
	"{\"error\":\"io.sriovd.Exhausted\",\"parameters\":{\"subject\":\"nic web1/net1\","   \
	"\"message\":\"no VF of pool fast is free; stop a guest or raise numVfs\",\"errno\":" \
	"28}}"
#define UNAVAILABLE                                                                          \
	"{\"error\":\"io.sriovd.Unavailable\",\"parameters\":{\"message\":\"libvirt is not " \
	"connected\",\"errno\":107}}"
