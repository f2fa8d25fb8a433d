// SPDX-License-Identifier: GPL-2.0-or-later
/* The program itself: how it starts, tells systemd, reloads, ends, and refuses to. */
#include "tests/unit/test.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/fd.h"
#include "srv/protocol/client.h"
#include "srv/sriovd/varlink.h"
#include "tests/support/tree.h"
#include "tests/unit/connect-as.h"

#define DEADLINE_MS 60000 /* only what hangs takes so long */

struct program {
	char *dir, *socket, *notify_path;
	int notify;	/* where systemd listens */
	GPid pid;	/* 0: none runs */
	int listen_fd;	/* given as systemd does; -1: none */
	char *watchdog; /* WATCHDOG_USEC */
};

static char *in_dir(const struct program *program, const char *name)
{
	return g_build_filename(program->dir, name, NULL);
}

static int notify_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	g_assert(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	g_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	return fd;
}

static int set_up(void **state)
{
	struct program *program = g_new0(struct program, 1);

	program->dir = tree_new();
	program->socket = in_dir(program, "run/socket");
	program->notify_path = in_dir(program, "notify");
	program->notify = notify_socket(program->notify_path);
	program->listen_fd = -1;
	tree_dir(program->dir, "etc");
	tree_dir(program->dir, "plugins");
	/* A host with PCI and without NICs. */
	tree_dir(program->dir, "root/sys/bus/pci/devices");
	tree_file(program->dir, "root/proc/sys/kernel/random/boot_id", "one");
	*state = program;
	return 0;
}

static int tear_down(void **state)
{
	struct program *program = *state;

	if (program->pid) {
		kill(program->pid, SIGKILL);
		waitpid(program->pid, NULL, 0);
	}
	if (program->listen_fd >= 0)
		close(program->listen_fd);
	close(program->notify);
	tree_remove(program->dir);
	g_free(program->socket);
	g_free(program->notify_path);
	g_free(program->watchdog);
	g_free(program);
	return 0;
}

/* Runs in the child. */
static void become(const struct program *program, char **argv)
{
	g_autofree char *pid = g_strdup_printf("%d", getpid());

	g_setenv("NOTIFY_SOCKET", program->notify_path, TRUE);
	if (program->watchdog)
		g_setenv("WATCHDOG_USEC", program->watchdog, TRUE);
	if (program->listen_fd >= 0) {
		g_assert(dup2(program->listen_fd, 3) == 3);
		g_setenv("LISTEN_FDS", "1", TRUE);
		g_setenv("LISTEN_PID", pid, TRUE);
	}
	execv(argv[0], argv);
	_exit(127);
}

static GPid run(const struct program *program, const char *state_dir, const char *socket,
		const char *err_path)
{
	const char *build = g_getenv("SRIOVD_TEST_BUILD") ?: "build/release";
	g_autofree char *sriovd = g_build_filename(build, "sriovd", NULL);
	g_autofree char *config = in_dir(program, "etc"), *root = in_dir(program, "root");
	g_autofree char *plugins = in_dir(program, "plugins");
	g_autofree char *state = in_dir(program, state_dir);
	char *argv[] = { sriovd,
			 (char *)"--config-dir",
			 config,
			 (char *)"--state-dir",
			 state,
			 (char *)"--plugins",
			 plugins,
			 (char *)"--root",
			 root,
			 (char *)"--uri",
			 (char *)"test:///none",
			 (char *)"--socket",
			 (char *)socket,
			 NULL };
	GPid pid = fork();

	g_assert(pid >= 0);
	if (pid == 0) {
		if (err_path && !freopen(err_path, "w", stderr))
			_exit(126);
		become(program, argv);
	}
	return pid;
}

static void start(struct program *program)
{
	g_autofree char *log = in_dir(program, "log");

	program->pid = run(program, "state", program->socket, log);
}

/* The next thing that systemd is told and that begins with word; the caller's. */
static char *notified(const struct program *program, const char *word)
{
	struct pollfd pfd = { program->notify, POLLIN, 0 };
	char text[4096];

	while (poll(&pfd, 1, DEADLINE_MS) == 1) {
		ssize_t n = recv(program->notify, text, sizeof(text) - 1, 0);

		g_assert(n > 0);
		text[n] = '\0';
		if (g_str_has_prefix(text, word))
			return g_strdup(text);
	}
	fail_msg("systemd is not told %s", word);
	return NULL;
}

#define assert_notified(program, word, part)                                 \
	do {                                                                 \
		g_autofree char *text_ = notified(program, word);            \
                                                                             \
		if (!strstr(text_, part))                                    \
			fail_msg("\"%s\" does not say \"%s\"", text_, part); \
	} while (0)

static int status_of(GPid pid)
{
	int status;

	g_assert(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

static void end(struct program *program, int signo)
{
	GPid pid = program->pid;

	kill(pid, signo);
	program->pid = 0;
	assert_int_equal(status_of(pid), 0);
}

/* Its answer, the caller's. */
static json_t *ask(const struct program *program, const char *method, struct sriov_error **err)
{
	struct srv_client *client;
	json_t *answer = NULL;

	if (srv_client_connect(program->socket, DEADLINE_MS, &client, err) < 0)
		return NULL;
	srv_client_call(client, method, NULL, &answer, err);
	srv_client_free(client);
	return answer;
}

static void start_serves_and_ends_in_order(void **state)
{
	struct program *program = *state;
	const int signals[] = { SIGTERM, SIGINT };

	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
		sriov_autoerror err = NULL;
		json_t *answer;

		start(program);
		assert_notified(program, "READY=1", "STATUS=0 PFs, 0 networks");
		answer = ask(program, "io.sriovd.GetStatus", &err);
		assert_non_null(answer);
		assert_string_equal(json_string_value(json_object_get(answer, "version")),
				    SRIOVD_VERSION);
		json_decref(answer);
		end(program, signals[i]);
		assert_notified(program, "STOPPING=1", "");
	}
}

static void hangup_reloads_and_tells_systemd(void **state)
{
	struct program *program = *state;

	start(program);
	assert_notified(program, "READY=1", "0 networks");
	tree_file(program->dir, "etc/sriovd.json",
		  "{\"pools\":[{\"name\":\"p\",\"select\":{\"pfNames\":[\"e0\"]}}],"
		  "\"networks\":[{\"name\":\"n\",\"pool\":\"p\"}]}");
	kill(program->pid, SIGHUP);
	assert_notified(program, "RELOADING=1", "MONOTONIC_USEC=");
	assert_notified(program, "READY=1", "STATUS=0 PFs, 1 networks");
	end(program, SIGTERM);
}

static void bad_configuration_starts_and_says_so(void **state)
{
	struct program *program = *state;

	tree_file(program->dir, "etc/sriovd.json", "{");
	start(program);
	assert_notified(program, "READY=1", "STATUS=Bad configuration: ");
	end(program, SIGTERM);
}

static void damaged_ledger_starts_and_says_so(void **state)
{
	struct program *program = *state;
	sriov_autoerror err = NULL;
	json_t *answer;

	tree_dir(program->dir, "state");
	tree_file(program->dir, "state/ledger.sqlite", "this is no SQLite file");
	start(program);
	assert_notified(program, "READY=1", "STATUS=Changes nothing: ");
	if (geteuid() != 0) {
		end(program, SIGTERM);
		skip_because("needs root, for RebuildLedger");
	}
	answer = ask(program, "io.sriovd.RebuildLedger", &err);
	assert_non_null(answer);
	assert_non_null(json_string_value(json_object_get(answer, "setAside")));
	json_decref(answer);
	assert_null(ask(program, "io.sriovd.RebuildLedger", &err));
	assert_int_equal(err->code, SRIOV_ERROR_BUSY);
	end(program, SIGTERM);
}

static char *contents(const struct program *program, const char *name)
{
	g_autofree char *path = in_dir(program, name);
	char *text = NULL;

	assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

/* FAULTS row 32: two daemons started */
static void second_one_is_refused_with_a_sentence(void **state)
{
	struct program *program = *state;
	g_autofree char *log = in_dir(program, "second"), *other = in_dir(program, "run/other");
	g_autofree char *same_socket = NULL, *same_state = NULL;

	start(program);
	g_free(notified(program, "READY=1"));
	assert_int_equal(status_of(run(program, "state2", program->socket, log)), 1);
	same_socket = contents(program, "second");
	assert_non_null(strstr(same_socket, "another sriovd answers here already"));
	assert_int_equal(status_of(run(program, "state", other, log)), 1);
	same_state = contents(program, "second");
	assert_non_null(strstr(same_state, "the ledger is in use by process"));
	assert_int_not_equal(access(other, F_OK), 0);
	assert_int_equal(access(program->socket, F_OK), 0);
	end(program, SIGTERM);
}

static void watchdog_is_fed(void **state)
{
	struct program *program = *state;

	program->watchdog = g_strdup("300000");
	start(program);
	for (int i = 0; i < 3; i++)
		g_free(notified(program, "WATCHDOG=1"));
	end(program, SIGTERM);
}

static int listen_as_systemd(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	g_assert(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	g_assert(fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	g_assert(listen(fd, SOMAXCONN) == 0);
	return fd;
}

static void socket_of_systemd_is_used(void **state)
{
	struct program *program = *state;
	g_autofree char *given = in_dir(program, "given");
	g_autofree char *door = g_strconcat(given, SRV_MEMBERS_SUFFIX, NULL);
	sriov_autoerror err = NULL;
	json_t *answer;

	program->listen_fd = listen_as_systemd(given);
	start(program);
	g_free(notified(program, "READY=1"));
	assert_int_equal(g_access(program->socket, F_OK), -1);
	/* The second one is beside it. */
	assert_int_equal(connect_errno(door), 0);
	/* By the one that was passed. */
	assert_int_equal(g_unlink(door), 0);
	g_free(program->socket);
	program->socket = g_steal_pointer(&given);
	answer = ask(program, "io.sriovd.ListPFs", &err);
	assert_non_null(answer);
	json_decref(answer);
	end(program, SIGTERM);
}

/* The members' door: one after the other, groups that every host has. */

static void configure_group(const struct program *program, const char *key, gid_t gid)
{
	const struct group *group = getgrgid(gid);
	g_autofree char *text = NULL;

	if (!group)
		skip_because("there is no group %u on this host", (unsigned int)gid);
	text = g_strdup_printf("{\"access\":{\"%s\":\"%s\"}}", key, group->gr_name);
	tree_file(program->dir, "etc/sriovd.json", text);
}

static void reload(const struct program *program)
{
	kill(program->pid, SIGHUP);
	g_free(notified(program, "RELOADING=1"));
	g_free(notified(program, "READY=1"));
}

static void members_door_lets_in_whom_the_configuration_names(void **state)
{
	struct program *program = *state;
	g_autofree char *door = g_strconcat(program->socket, SRV_MEMBERS_SUFFIX, NULL);
	g_autofree char *log = NULL;

	if (geteuid() != 0)
		skip_because("needs root");
	assert_int_equal(g_chmod(program->dir, 0755), 0);
	configure_group(program, "adminGroup", 1);
	start(program);
	g_free(notified(program, "READY=1"));
	log = contents(program, "log");
	if (strstr(log, "no access control lists"))
		skip_because("the file system of %s has no access control lists", program->dir);
	assert_int_equal(connect_as_stranger(door, 0), EACCES);
	assert_int_equal(connect_as_stranger(program->socket, 0), 0);
	assert_int_equal(connect_as_stranger(door, 1), 0);
	assert_int_equal(connect_as_stranger(door, 2), EACCES);
	/* Another one is read, and who was let in before is not any more. */
	configure_group(program, "readGroup", 2);
	reload(program);
	assert_int_equal(connect_as_stranger(door, 2), 0);
	assert_int_equal(connect_as_stranger(door, 1), EACCES);
	/* A bad one changes nothing. */
	tree_file(program->dir, "etc/sriovd.json", "{");
	reload(program);
	assert_int_equal(connect_as_stranger(door, 2), 0);
	assert_int_equal(connect_as_stranger(door, 0), EACCES);
	end(program, SIGTERM);
}

static void members_door_is_there_as_long_as_the_daemon(void **state)
{
	struct program *program = *state;
	g_autofree char *door = g_strconcat(program->socket, SRV_MEMBERS_SUFFIX, NULL);
	struct stat st;

	start(program);
	g_free(notified(program, "READY=1"));
	assert_int_equal(stat(door, &st), 0);
	assert_int_equal(st.st_mode & (S_IFMT | S_IRWXO), S_IFSOCK);
	assert_int_equal(connect_errno(door), 0);
	/* One that is dead is replaced. */
	kill(program->pid, SIGKILL);
	waitpid(program->pid, NULL, 0);
	assert_int_equal(connect_errno(door), ECONNREFUSED);
	start(program);
	g_free(notified(program, "READY=1"));
	assert_int_equal(connect_errno(door), 0);
	end(program, SIGTERM);
	assert_int_equal(connect_errno(door), ENOENT);
}

/* Whatever is in its place: then there is the public one. */
static void members_door_that_cannot_be_made_keeps_nothing_from_starting(void **state)
{
	struct program *program = *state;
	g_autofree char *log = NULL;
	sriov_autoerror err = NULL;
	json_t *answer;

	tree_file(program->dir, "run/socket" SRV_MEMBERS_SUFFIX, "precious");
	start(program);
	g_free(notified(program, "READY=1"));
	log = contents(program, "log");
	assert_non_null(strstr(log, "no socket for members alone: "));
	answer = ask(program, "io.sriovd.ListPFs", &err);
	assert_non_null(answer);
	json_decref(answer);
	end(program, SIGTERM);
	g_free(log);
	log = contents(program, "run/socket" SRV_MEMBERS_SUFFIX);
	assert_string_equal(log, "precious\n");
}

/* Whatever the locale: its tests run in C. */
static void help_has_usage_options_files_and_where_to_read_on(void **state)
{
	const char *build = g_getenv("SRIOVD_TEST_BUILD") ?: "build/release";
	g_autofree char *sriovd = g_build_filename(build, "sriovd", NULL);
	static const char *const parts[] = { "Usage:\n  sriovd [OPTION...]\n",
					     "--config-dir=DIR",
					     "--help",
					     "\nFiles:\n",
					     "/sriovd.json, conf.d/",
					     "/sriovd.json.example",
					     "/ledger.sqlite",
					     "\nSee also: sriovd(8), " };
	char *argv[] = { sriovd, (char *)"--help", NULL };
	g_auto(GStrv) env = g_environ_setenv(g_get_environ(), "LC_ALL", "C", TRUE);
	g_autofree char *text = NULL, *complaint = NULL;
	const char *at;
	int status;

	assert_true(g_spawn_sync(NULL, argv, env, G_SPAWN_DEFAULT, NULL, NULL, &text, &complaint,
				 &status, NULL));
	assert_int_equal(status, 0);
	assert_string_equal(complaint, "");
	at = text;
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		at = strstr(at, parts[i]);
		if (!at)
			fail_msg("\"%s\" is missing, or out of order, in:\n%s", parts[i], text);
	}
}

static void bad_options_are_refused(void **state)
{
	const char *build = g_getenv("SRIOVD_TEST_BUILD") ?: "build/release";
	g_autofree char *sriovd = g_build_filename(build, "sriovd", NULL);
	const char *bad[] = { "--nope", "extra", "--log-level=loud" };

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		char *argv[] = { sriovd, (char *)bad[i], NULL };
		g_autofree char *text = NULL;
		int status;

		assert_true(g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, NULL, &text,
					 &status, NULL));
		assert_int_equal(WEXITSTATUS(status), 2);
		assert_true(g_str_has_prefix(text, "sriovd: "));
	}
}

#define program_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		program_test(start_serves_and_ends_in_order),
		program_test(hangup_reloads_and_tells_systemd),
		program_test(bad_configuration_starts_and_says_so),
		program_test(damaged_ledger_starts_and_says_so),
		program_test(second_one_is_refused_with_a_sentence),
		program_test(watchdog_is_fed),
		program_test(socket_of_systemd_is_used),
		program_test(members_door_lets_in_whom_the_configuration_names),
		program_test(members_door_is_there_as_long_as_the_daemon),
		program_test(members_door_that_cannot_be_made_keeps_nothing_from_starting),
		cmocka_unit_test(help_has_usage_options_files_and_where_to_read_on),
		cmocka_unit_test(bad_options_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
