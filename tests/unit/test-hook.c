// SPDX-License-Identifier: GPL-2.0-or-later
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

static char *tests_dir(void)
{
	const char *build = g_getenv("SRIOVD_TEST_BUILD") ?: "build/release";

	return g_build_filename(build, "tests/hook", NULL);
}

/* Reads one message; NULL when the client is gone. */
static json_t *read_message(int fd)
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

static bool stopped(struct fake_daemon *daemon, int wait_ms)
{
	struct pollfd pfd = { .fd = daemon->stop[0], .events = POLLIN };

	return poll(&pfd, 1, wait_ms) > 0;
}

static void answer(struct fake_daemon *daemon, int fd)
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

static void *serve(void *data)
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

static int unix_socket(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	g_strlcpy(address->sun_path, path, sizeof(address->sun_path));
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static void daemon_start(struct fake_daemon *daemon, enum behaviour behaviour, const char *reply)
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
static void daemon_stop(struct fake_daemon *daemon)
{
	if (daemon->thread) {
		assert_int_equal(write(daemon->stop[1], "", 1), 1);
		g_thread_join(daemon->thread);
		daemon->thread = NULL;
	}
}

static void daemon_free(struct fake_daemon *daemon)
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

static void *write_all(void *data)
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

static char *read_all(int fd)
{
	GString *text = g_string_new(NULL);
	char buf[4096];
	ssize_t n;

	while ((n = read(fd, buf, sizeof(buf))) > 0)
		g_string_append_len(text, buf, n);
	close(fd);
	return g_string_free(text, FALSE);
}

static char **hook_environment(const char *socket)
{
	char **env = g_get_environ();

	env = g_environ_setenv(env, "SRIOVD_SOCKET", socket, TRUE);
	return env;
}

/* argv and pipes as libvirt gives them. xml NULL: stdin stays open and nothing ever comes. */
static void run_program(const char *program, const char *const *args, const char *socket,
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

static void outcome_free(struct outcome *outcome)
{
	g_free(outcome->out);
	g_free(outcome->err);
}

static void run_hook(struct fake_daemon *daemon, const char *name, const char *operation,
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
static double expect_text(struct fake_daemon *daemon, const char *name, const char *operation,
			  const char *xml, size_t len, int status, const char *err)
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

static double expect(struct fake_daemon *daemon, const char *operation, const char *xml, int status,
		     const char *err)
{
	return expect_text(daemon, "qemu-hook", operation, xml, strlen(xml), status, err);
}

static void expect_calls(struct fake_daemon *daemon, guint n)
{
	daemon_stop(daemon);
	assert_int_equal(daemon->calls->len, n);
}

static void expect_call(const struct fake_daemon *daemon, guint i, const char *operation,
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

/* ---- guests that are none of ours ---- */

/* FAULTS row 8: state directory missing or read-only */
static void foreign_guest_passes_without_contact(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, EXHAUSTED);
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++)
		expect(&daemon, operations[i].name, foreign, 0, "");
	expect(&daemon, "prepare", "", 0, "");
	expect(&daemon, "prepare", "not XML", 0, "");
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

/* The very program that is installed, not the tests' build of it. */
static void installed_hook_lets_foreign_guest_pass(void **state)
{
	g_autofree char *dir = tests_dir();
	g_autofree char *program = g_build_filename(dir, "../../qemu-hook", NULL);
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, EXHAUSTED);
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
		const char *const args[] = { "web1", operations[i].name, operations[i].sub, "-",
					     NULL };
		struct outcome outcome;

		run_program(program, args, daemon.path, foreign, strlen(foreign), &outcome);
		assert_string_equal(outcome.out, "");
		assert_string_equal(outcome.err, "");
		assert_int_equal(outcome.status, 0);
		outcome_free(&outcome);
	}
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

static void foreign_guest_passes_with_daemon_dead(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_DEAD, NULL);
	expect(&daemon, "prepare", foreign, 0, "");
	daemon_free(&daemon);
}

static void namespace_in_a_description_is_no_request(void **state)
{
	static const char xml[] =
		"<domain><name>web1</name><uuid>" UUID "</uuid>"
		"<description>https://sriovd.io/xmlns/nics/1</description></domain>";
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, EXHAUSTED);
	expect(&daemon, "prepare", xml, 0, "");
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

static void huge_foreign_guest_passes(void **state)
{
	g_autofree char *filler = g_strnfill(20 * 1024 * 1024, 'x');
	g_autofree char *xml = g_strdup_printf(GUEST("<!--%s-->"), filler);
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, EXHAUSTED);
	expect(&daemon, "prepare", xml, 0, "");
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

static void other_operations_pass_without_reading(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, EXHAUSTED);
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
		if (operations[i].told)
			continue;
		/* 2 s is what it would wait for XML. */
		assert_true(expect_text(&daemon, "qemu-hook", operations[i].name, NULL, 0, 0, "") <
			    1.5);
		expect(&daemon, operations[i].name, required, 0, "");
		expect_text(&daemon, "sriovd-hook", operations[i].name, required, strlen(required),
			    0, "");
	}
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

static void stdin_that_never_ends_lets_pass(void **state)
{
	struct fake_daemon daemon;
	double seconds;

	daemon_start(&daemon, DAEMON_ANSWERS, EXHAUSTED);
	seconds = expect_text(&daemon, "qemu-hook", "prepare", NULL, 0, 0, "");
	assert_true(seconds > 1 && seconds < 8);
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

/* Whoever runs the second half by itself; this is its alarm at work. */
static void helper_with_stdin_that_never_ends_lets_pass(void **state)
{
	struct fake_daemon daemon;
	double seconds;

	daemon_start(&daemon, DAEMON_ANSWERS, EXHAUSTED);
	seconds = expect_text(&daemon, "sriovd-hook", "prepare", NULL, 0, 0, "");
	assert_true(seconds > 2 && seconds < 12);
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

static void few_arguments_let_pass_or_explain(void **state)
{
	static const char *const args[] = { "web1", NULL };
	g_autofree char *dir = tests_dir();
	g_autofree char *filter = g_build_filename(dir, "qemu-hook", NULL);
	g_autofree char *hook = g_build_filename(dir, "sriovd-hook", NULL);
	struct outcome outcome;

	run_program(filter, args, "/none", required, strlen(required), &outcome);
	assert_int_equal(outcome.status, 0);
	assert_string_equal(outcome.err, "");
	outcome_free(&outcome);
	run_program(hook, args, "/none", required, strlen(required), &outcome);
	assert_int_equal(outcome.status, 2);
	assert_true(g_str_has_prefix(outcome.err, "usage: "));
	outcome_free(&outcome);
}

/* ---- guests of ours ---- */

static void daemon_hears_of_every_operation_it_wants(void **state)
{
	struct fake_daemon daemon;
	guint n = 0;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++)
		expect(&daemon, operations[i].name, exclusive, 0, "");
	daemon_stop(&daemon);
	for (size_t i = 0; i < G_N_ELEMENTS(operations); i++) {
		if (operations[i].told)
			expect_call(&daemon, n++, operations[i].name, operations[i].sub,
				    NICS_EXCLUSIVE);
	}
	assert_int_equal(daemon.calls->len, n);
	daemon_free(&daemon);
}

static void daemon_hears_of_an_empty_element(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	expect(&daemon, "prepare", GUEST(OURS ENDS), 0, "");
	expect_calls(&daemon, 1);
	expect_call(&daemon, 0, "prepare", "begin", "");
	daemon_free(&daemon);
}

static void recorded_xml_of_libvirt_is_understood(void **state)
{
	g_autofree char *file = TEST_SOURCE("tests/fixtures/domain/prepare.xml"), *xml = NULL;
	struct fake_daemon daemon;
	json_t *parameters;

	assert_true(g_file_get_contents(file, &xml, NULL, NULL));
	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	expect(&daemon, "prepare", xml, 0, "");
	expect_calls(&daemon, 1);
	parameters = json_object_get(daemon.calls->pdata[0], "parameters");
	assert_int_equal(json_array_size(json_object_get(parameters, "nics")), 1);
	daemon_free(&daemon);
}

static void numa_node_of_the_guest_is_told(void **state)
{
	struct fake_daemon daemon;
	json_t *parameters;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	expect(&daemon, "prepare",
	       GUEST_HEAD OURS ENDS "</metadata>\n<numatune><memory mode='strict' nodeset='1'/>"
				    "</numatune>\n<devices/>\n</domain>\n",
	       0, "");
	expect(&daemon, "prepare", GUEST(OURS ENDS), 0, "");
	expect_calls(&daemon, 2);
	parameters = json_object_get(daemon.calls->pdata[0], "parameters");
	assert_int_equal(json_integer_value(json_object_get(parameters, "numaNode")), 1);
	parameters = json_object_get(daemon.calls->pdata[1], "parameters");
	assert_null(json_object_get(parameters, "numaNode"));
	daemon_free(&daemon);
}

static void refusal_of_the_daemon_fails_prepare_only(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, EXHAUSTED);
	expect(&daemon, "prepare", exclusive, 1,
	       "sriovd: nic web1/net1: no VF of pool fast is free; stop a guest or raise numVfs");
	expect(&daemon, "started", required, 0, "");
	expect(&daemon, "stopped", required, 0, "");
	expect(&daemon, "release", required, 0, "");
	expect_calls(&daemon, 4);
	daemon_free(&daemon);
}

/* FAULTS row 8: state directory missing or read-only */
static void daemon_that_cannot_serve_refuses_required_only(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, UNAVAILABLE);
	expect(&daemon, "prepare", exclusive, 0, "");
	expect(&daemon, "prepare", required, 1,
	       "sriovd: nic net1 of web1 requires a VF, but none can be had: libvirt is not "
	       "connected");
	daemon_free(&daemon);
}

/* FAULTS row 26: daemon dead when a hook runs */
static void dead_daemon_refuses_required_only(void **state)
{
	struct fake_daemon daemon;
	g_autofree char *sentence = NULL;

	daemon_start(&daemon, DAEMON_DEAD, NULL);
	sentence = g_strdup_printf("sriovd: nic net1 of web1 requires a VF, but none can be had: "
				   "sriovd is not running (nobody listens at %s); start it with: "
				   "systemctl start sriovd",
				   daemon.path);
	expect(&daemon, "prepare", exclusive, 0, "");
	expect(&daemon, "prepare", required, 1, sentence);
	expect(&daemon, "started", required, 0, "");
	expect(&daemon, "stopped", required, 0, "");
	expect(&daemon, "release", required, 0, "");
	daemon_free(&daemon);
}

static void missing_socket_refuses_required_only(void **state)
{
	struct fake_daemon daemon;
	g_autofree char *sentence = NULL;

	daemon_start(&daemon, DAEMON_DEAD, NULL);
	g_unlink(daemon.path);
	sentence = g_strdup_printf("sriovd: nic net1 of web1 requires a VF, but none can be had: "
				   "sriovd is not running (there is no socket at %s); start it "
				   "with: systemctl start sriovd",
				   daemon.path);
	expect(&daemon, "prepare", exclusive, 0, "");
	expect(&daemon, "prepare", required, 1, sentence);
	expect(&daemon, "release", required, 0, "");
	daemon_free(&daemon);
}

static void dying_daemon_refuses_required_only(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_CLOSES, NULL);
	expect(&daemon, "prepare", exclusive, 0, "");
	expect(&daemon, "prepare", required, 1,
	       "sriovd: nic net1 of web1 requires a VF, but none can be had: the connection to "
	       "sriovd…");
	expect(&daemon, "release", required, 0, "");
	daemon_free(&daemon);
}

/* Each way to hang, one run: the tests' hook waits 3 s at prepare, 2 s otherwise, and 2 s on top.
 */
static void expect_in_time(enum behaviour behaviour, const char *operation, const char *xml,
			   int status, const char *err)
{
	struct fake_daemon daemon;
	double seconds;

	daemon_start(&daemon, behaviour, NULL);
	seconds = expect(&daemon, operation, xml, status, err);
	assert_true(seconds > 1.5);
	assert_true(seconds < 12);
	daemon_free(&daemon);
}

/* FAULTS row 26: daemon dead when a hook runs */
static void silent_daemon_refuses_required_in_time(void **state)
{
	expect_in_time(DAEMON_SILENT, "prepare", required, 1,
		       "sriovd: nic net1 of web1 requires a VF, but none can be had: sriovd did "
		       "not answer within 3 s…");
}

static void silent_daemon_lets_others_start_in_time(void **state)
{
	expect_in_time(DAEMON_SILENT, "prepare", exclusive, 0, "");
	expect_in_time(DAEMON_SILENT, "started", required, 0, "");
}

static void trickling_daemon_refuses_required_in_time(void **state)
{
	expect_in_time(DAEMON_TRICKLES, "prepare", required, 1,
		       "sriovd: nic net1 of web1 requires a VF, but…");
	expect_in_time(DAEMON_TRICKLES, "release", required, 0, "");
}

static void deaf_daemon_refuses_required_in_time(void **state)
{
	expect_in_time(DAEMON_DEAF, "prepare", required, 1,
		       "sriovd: nic net1 of web1 requires a VF, but…");
	expect_in_time(DAEMON_DEAF, "prepare", exclusive, 0, "");
}

/* ---- XML that is wrong ---- */

static void bad_metadata_is_refused_at_prepare(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	expect(&daemon, "prepare", bad, 1,
	       "sriovd: the nics in the <metadata> of web1 are wrong: line 6: nic net0: unknown "
	       "mode \"x\"; use exclusive, required or failover (correct them with 'virsh edit "
	       "web1')");
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

static void bad_metadata_does_not_hide_the_end_of_a_guest(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	expect(&daemon, "stopped", bad, 0, "");
	expect(&daemon, "release", bad, 0, "");
	expect_calls(&daemon, 2);
	expect_call(&daemon, 0, "stopped", "end", "");
	expect_call(&daemon, 1, "release", "end", "");
	daemon_free(&daemon);
}

static void broken_xml_is_refused_at_prepare(void **state)
{
	static const char broken[] = "<domain>\n" OURS ENDS;
	static const char doctype[] = "<!DOCTYPE d [<!ENTITY a 'b'>]><domain>" OURS ENDS;
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	expect(&daemon, "prepare", broken, 1,
	       "sriovd: the XML of web1 cannot be used: line 3: the XML is not well-formed: it "
	       "ends too early");
	expect(&daemon, "prepare", doctype, 1,
	       "sriovd: the XML of web1 cannot be used: line 1: a document type declaration is "
	       "not accepted here; take the <!DOCTYPE out");
	expect(&daemon, "release", broken, 0, "");
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

/* FAULTS row 36: hostile domain XML */
static void huge_guest_of_ours_is_refused_wherever_its_nics_stand(void **state)
{
	/* The URI lies across the border of what is kept, too. */
	static const size_t fills[] = { 4194304 - 140, 4194304 - 130, 4194304 - 120, 100000000 };
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	for (size_t i = 0; i < G_N_ELEMENTS(fills); i++) {
		g_autofree char *filler = g_strnfill(fills[i], 'x');
		g_autofree char *xml = g_strdup_printf(
			GUEST_HEAD "<!--%s-->" OURS ENDS "%s" GUEST_TAIL, filler,
			i < 3 ? "                                             " : "");

		expect(&daemon, "prepare", xml, 1,
		       "sriovd: the XML of web1 cannot be used: the XML is larger than 4 MiB; make "
		       "it smaller");
		expect(&daemon, "release", xml, 0, "");
	}
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

/* ---- an installation that is broken ---- */

static void missing_helper_refuses_required_only(void **state)
{
	g_autofree char *dir = tests_dir(), *where = g_canonicalize_filename(dir, NULL);
	g_autofree char *sentence = g_strdup_printf(
		"sriovd: web1 requires a VF, but %s/none/sriovd-hook cannot be run: No such file "
		"or directory; install sriovd again",
		where);
	static const char elsewhere[] = GUEST("<a:b xmlns:a=\"http://a/\" mode=\"required\"/>" OURS
					      "<sriov:nic id=\"required\" network=\"a\"/>" ENDS);
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	expect_text(&daemon, "qemu-hook-alone", "prepare", required, strlen(required), 1, sentence);
	expect_text(&daemon, "qemu-hook-alone", "prepare", exclusive, strlen(exclusive), 0, "");
	expect_text(&daemon, "qemu-hook-alone", "prepare", elsewhere, strlen(elsewhere), 0, "");
	expect_text(&daemon, "qemu-hook-alone", "release", required, strlen(required), 0, "");
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

/* A descriptor that leaked into libvirt's child must not be held while the hook waits. */
static void inherited_descriptors_are_closed(void **state)
{
	g_autofree char *dir = tests_dir(), *program = g_build_filename(dir, "sriovd-hook", NULL);
	g_auto(GStrv) env = NULL;
	posix_spawn_file_actions_t actions;
	const char *argv[] = { program, "web1", "prepare", "begin", "-", NULL };
	int leak[2], in[2], status;
	struct fake_daemon daemon;
	struct pollfd pfd;
	gint64 before;
	pid_t pid;

	daemon_start(&daemon, DAEMON_SILENT, NULL);
	env = hook_environment(daemon.path);
	assert_true(!pipe2(leak, O_CLOEXEC) && !pipe2(in, O_CLOEXEC));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, leak[1], 100);
	assert_int_equal(posix_spawn(&pid, program, &actions, NULL, (char **)argv, env), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(leak[1]);
	close(in[0]);
	assert_int_equal(write(in[1], exclusive, strlen(exclusive)), strlen(exclusive));
	close(in[1]);

	/* The end of file comes long before the 3 s for which it waits for the daemon. */
	pfd = (struct pollfd){ .fd = leak[0], .events = POLLIN };
	assert_int_equal(poll(&pfd, 1, 10000), 1);
	assert_int_equal(pfd.revents, POLLHUP);
	before = g_get_monotonic_time();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(g_get_monotonic_time() - before > G_USEC_PER_SEC);
	assert_int_equal(status, 0);
	close(leak[0]);
	daemon_free(&daemon);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(foreign_guest_passes_without_contact),
		cmocka_unit_test(installed_hook_lets_foreign_guest_pass),
		cmocka_unit_test(foreign_guest_passes_with_daemon_dead),
		cmocka_unit_test(namespace_in_a_description_is_no_request),
		cmocka_unit_test(huge_foreign_guest_passes),
		cmocka_unit_test(other_operations_pass_without_reading),
		cmocka_unit_test(stdin_that_never_ends_lets_pass),
		cmocka_unit_test(helper_with_stdin_that_never_ends_lets_pass),
		cmocka_unit_test(few_arguments_let_pass_or_explain),
		cmocka_unit_test(daemon_hears_of_every_operation_it_wants),
		cmocka_unit_test(daemon_hears_of_an_empty_element),
		cmocka_unit_test(recorded_xml_of_libvirt_is_understood),
		cmocka_unit_test(numa_node_of_the_guest_is_told),
		cmocka_unit_test(refusal_of_the_daemon_fails_prepare_only),
		cmocka_unit_test(daemon_that_cannot_serve_refuses_required_only),
		cmocka_unit_test(dead_daemon_refuses_required_only),
		cmocka_unit_test(missing_socket_refuses_required_only),
		cmocka_unit_test(dying_daemon_refuses_required_only),
		cmocka_unit_test(silent_daemon_refuses_required_in_time),
		cmocka_unit_test(silent_daemon_lets_others_start_in_time),
		cmocka_unit_test(trickling_daemon_refuses_required_in_time),
		cmocka_unit_test(deaf_daemon_refuses_required_in_time),
		cmocka_unit_test(bad_metadata_is_refused_at_prepare),
		cmocka_unit_test(bad_metadata_does_not_hide_the_end_of_a_guest),
		cmocka_unit_test(broken_xml_is_refused_at_prepare),
		cmocka_unit_test(huge_guest_of_ours_is_refused_wherever_its_nics_stand),
		cmocka_unit_test(missing_helper_refuses_required_only),
		cmocka_unit_test(inherited_descriptors_are_closed),
	};

	/* A hook that stops reading early must not end the test. */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
