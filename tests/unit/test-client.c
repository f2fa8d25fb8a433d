// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "srv/protocol/client.h"
#include "tests/support/varlink-server.h"

#define TEST "org.example.test"

/* One connection's work, in a thread of its own; what it found out is looked at afterwards. */
struct job {
	const char *path;
	int timeout_ms;
	const char *method;
	json_t *parameters; /* stolen */
	bool more;
	int stop_after; /* replies; 0: never */
	int calls;	/* on the same connection; 0: 1 */
	/* results */
	int r, replies, continued;
	json_t *reply;
	struct sriov_error *err;
};

static bool collect(json_t *reply, bool continues, void *data)
{
	struct job *job = data;

	job->replies++;
	job->continued += continues ? 1 : 0;
	json_decref(job->reply);
	job->reply = json_incref(reply);
	return job->stop_after == 0 || job->replies < job->stop_after;
}

static int call_once(struct srv_client *client, struct job *job)
{
	json_t *parameters = json_incref(job->parameters);

	if (job->more)
		return srv_client_call_more(client, job->method, parameters, collect, job,
					    &job->err);
	json_decref(job->reply);
	job->reply = NULL;
	return srv_client_call(client, job->method, parameters, &job->reply, &job->err);
}

static void *work(void *data)
{
	struct job *job = data;
	struct srv_client *client;

	job->r = srv_client_connect(job->path, job->timeout_ms ?: 5000, &client, &job->err);
	if (job->r < 0)
		return NULL;
	for (int i = 0; i < MAX(job->calls, 1) && job->r == 0; i++)
		job->r = call_once(client, job);
	srv_client_free(client);
	return NULL;
}

static void clear(struct job *job)
{
	json_decref(job->parameters);
	json_decref(job->reply);
	sriov_error_clear(&job->err);
}

static void run(struct test_server *server, struct job *job)
{
	job->path = server->path;
	test_in_thread(work, job);
}

static void call_gives_the_reply_s_parameters(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct job job = { .method = TEST ".Echo",
			   .parameters = json_pack("{s:s}", "text", "\xc3\xa4"),
			   .calls = 3 };

	run(server, &job);
	assert_ok(job.r, job.err);
	assert_int_equal(server->runs, 3);
	assert_string_equal(json_string_value(json_object_get(job.reply, "text")),
			    "{\"text\":\"\xc3\xa4\"}");
	clear(&job);
	test_server_free(server);
}

static void call_reply_of_many_reads_is_put_together(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct job job = { .method = TEST ".Big",
			   .parameters = json_pack("{s:i}", "size", 3000000) };

	run(server, &job);
	assert_ok(job.r, job.err);
	assert_int_equal(json_string_length(json_object_get(job.reply, "text")), 3000000);
	clear(&job);
	test_server_free(server);
}

static void call_error_of_the_daemon_comes_back_whole(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct job job = { .method = TEST ".Fail" };
	struct job invalid = { .method = TEST ".Echo" };

	run(server, &job);
	assert_int_equal(job.r, -ENOSPC);
	assert_int_equal(job.err->code, SRIOV_ERROR_EXHAUSTED);
	assert_int_equal(job.err->err, ENOSPC);
	assert_string_equal(job.err->subject, "pool fast");
	assert_string_equal(job.err->message, "no VF is left");
	clear(&job);

	run(server, &invalid);
	assert_int_equal(invalid.r, -EINVAL);
	assert_int_equal(invalid.err->code, SRIOV_ERROR_INVALID);
	assert_string_equal(invalid.err->subject, "text");
	assert_string_equal(invalid.err->message, "is missing; Echo needs it: a string");
	clear(&invalid);
	test_server_free(server);
}

static void call_more_gives_every_reply(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct job job = { .method = TEST ".Count",
			   .parameters = json_pack("{s:i}", "to", 500),
			   .more = true,
			   .calls = 2 };

	run(server, &job);
	assert_ok(job.r, job.err);
	assert_int_equal(job.replies, 1000);
	assert_int_equal(job.continued, 998);
	assert_int_equal(json_integer_value(json_object_get(job.reply, "n")), 500);
	clear(&job);
	test_server_free(server);
}

static void call_more_stopped_early_closes_the_connection(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct job job = { .method = TEST ".Count",
			   .parameters = json_pack("{s:i}", "to", 500),
			   .more = true,
			   .stop_after = 3,
			   .calls = 2 };

	run(server, &job);
	assert_int_equal(job.replies, 3);
	/* The second call found it closed, rather than take the rest for its answer. */
	assert_int_equal(job.r, -ENOTCONN);
	assert_int_equal(job.err->code, SRIOV_ERROR_UNAVAILABLE);
	clear(&job);
	test_server_free(server);
}

static void call_more_error_ends_it(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct job job = { .method = TEST ".Change", .more = true };

	run(server, &job);
	assert_int_equal(job.r, -EACCES);
	assert_int_equal(job.err->code, SRIOV_ERROR_DENIED);
	assert_int_equal(job.replies, 0);
	clear(&job);
	test_server_free(server);
}

static void call_without_an_answer_times_out(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct job job = { .method = TEST ".Hold", .timeout_ms = 100 };
	gint64 start = g_get_monotonic_time();

	run(server, &job);
	assert_int_equal(job.r, -ETIMEDOUT);
	assert_int_equal(job.err->code, SRIOV_ERROR_TIMEOUT);
	assert_non_null(strstr(job.err->message, "did not answer within 0.1 s"));
	assert_true(g_get_monotonic_time() - start >= 100 * 1000);
	clear(&job);
	test_server_free(server);
}

static void connect_refused_by_a_limit_tells_the_reason(void **state)
{
	struct srv_varlink_limits limits = srv_varlink_limits_default;
	struct test_server *server;
	struct job job = { .method = TEST ".Hold" };

	limits.connections = 0;
	server = test_server_new(&limits);
	run(server, &job);
	assert_int_equal(job.r, -EUSERS);
	assert_int_equal(job.err->code, SRIOV_ERROR_LIMIT);
	assert_non_null(strstr(job.err->message, "clients are connected already"));
	clear(&job);
	test_server_free(server);
}

static gboolean stop_server(gpointer data)
{
	struct test_server *server = data;

	if (server->held->len == 0)
		return G_SOURCE_CONTINUE;
	srv_varlink_free(server->varlink);
	server->varlink = NULL;
	return G_SOURCE_REMOVE;
}

static void call_daemon_that_goes_away_is_unavailable(void **state)
{
	struct test_server *server = test_server_new(NULL);
	struct job job = { .method = TEST ".Hold" };

	g_timeout_add(5, stop_server, server);
	run(server, &job);
	assert_int_equal(job.r, -ECONNRESET);
	assert_int_equal(job.err->code, SRIOV_ERROR_UNAVAILABLE);
	assert_non_null(strstr(job.err->message, "was lost before it answered"));
	clear(&job);
	test_server_free(server);
}

/* What a stranger at the other end may answer: text, without its NUL, then it closes. */
static int answer_of(const char *text, struct sriov_error **err)
{
	g_autofree char *dir = g_dir_make_tmp("sriovd-client-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "socket", NULL);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct srv_client *client;
	json_t *reply = NULL;
	int fd, peer, r;

	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_ok(srv_client_connect(path, 1000, &client, err), *err);
	peer = accept(fd, NULL, NULL);
	assert_int_equal(write(peer, text, strlen(text) + 1), strlen(text) + 1);
	close(peer);
	r = srv_client_call(client, "a.B", NULL, &reply, err);
	json_decref(reply);
	srv_client_free(client);
	close(fd);
	g_unlink(path);
	g_rmdir(dir);
	return r;
}

static void call_answers_that_are_no_replies_are_errors(void **state)
{
	static const struct {
		const char *text;
		int r;
		const char *part;
	} cases[] = {
		{ "{\"parameters\":{}}", 0, NULL },
		{ "{\"parameters\":null}", 0, NULL },
		{ "{}", 0, NULL },
		{ "{\"error\":null}", 0, NULL },
		{ "{\"parameters\":[]}", -EPROTO, "no Varlink reply" },
		{ "{\"error\":7}", -EPROTO, "no Varlink reply" },
		{ "{", -EBADMSG, "sriovd's answer cannot be read: the message is not valid JSON" },
		{ "{\"error\":\"io.sriovd.Busy\"}", -EIO, "io.sriovd.Busy" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		sriov_autoerror err = NULL;

		assert_int_equal(answer_of(cases[i].text, &err), cases[i].r);
		if (cases[i].part)
			assert_non_null(strstr(err->message, cases[i].part));
	}
}

static int try_connect(const char *path, int timeout_ms, struct sriov_error **err)
{
	struct srv_client *client;
	int r = srv_client_connect(path, timeout_ms, &client, err);

	if (r == 0)
		srv_client_free(client);
	return r;
}

static void connect_without_a_socket_says_how_to_start_the_daemon(void **state)
{
	sriov_autoerror none = NULL;
	sriov_autoerror dead = NULL;
	struct test_server *server = test_server_new(NULL);

	assert_int_equal(try_connect("/nonexistent/sriovd.sock", 1000, &none), -ENOENT);
	assert_int_equal(none->code, SRIOV_ERROR_UNAVAILABLE);
	assert_string_equal(none->message,
			    "sriovd is not running (there is no socket at "
			    "/nonexistent/sriovd.sock); start it with: systemctl start sriovd");

	srv_varlink_free(server->varlink);
	server->varlink = NULL;
	assert_int_equal(try_connect(server->path, 1000, &dead), -ECONNREFUSED);
	assert_int_equal(dead->code, SRIOV_ERROR_UNAVAILABLE);
	assert_non_null(strstr(dead->message, "systemctl start sriovd"));
	test_server_free(server);
}

static void connect_path_from_the_environment(void **state)
{
	struct test_server *server = test_server_new(NULL);
	sriov_autoerror err = NULL;

	g_setenv("SRIOVD_SOCKET", server->path, TRUE);
	assert_ok(try_connect(NULL, 1000, &err), err);
	g_setenv("SRIOVD_SOCKET", "/nonexistent/from-environment", TRUE);
	assert_int_equal(try_connect(NULL, 1000, &err), -ENOENT);
	assert_non_null(strstr(err->message, "/nonexistent/from-environment"));
	g_unsetenv("SRIOVD_SOCKET");
	test_server_free(server);
}

static void connect_path_too_long_refused(void **state)
{
	g_autofree char *path = g_strnfill(108, 'a');
	sriov_autoerror err = NULL;

	assert_int_equal(try_connect(path, 1000, &err), -ENAMETOOLONG);
	assert_int_equal(err->code, SRIOV_ERROR_INVALID);
}

static void connect_without_the_right_says_who_has_it(void **state)
{
	struct test_server *server;
	sriov_autoerror root = NULL;
	sriov_autoerror group = NULL;

	if (geteuid() != 0)
		skip_because("needs root");
	server = test_server_new(NULL);
	assert_int_equal(g_chmod(server->path, 0600), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(try_connect(server->path, 1000, &root), -EACCES);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(root->code, SRIOV_ERROR_DENIED);
	assert_non_null(strstr(root->message, ": only root may"));

	assert_int_equal(g_chmod(server->path, 0660), 0);
	assert_int_equal(chown(server->path, 0, 1), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(try_connect(server->path, 1000, &group), -EACCES);
	assert_int_equal(seteuid(0), 0);
	assert_non_null(strstr(group->message, "only root and members of the group "));
	test_server_free(server);
}

/* Does somebody answer at the public path given, be it at the members' door. */
static int ask(struct test_server *server, struct sriov_error **err)
{
	struct job job = { .path = server->path,
			   .method = "org.varlink.service.GetInfo",
			   .timeout_ms = 2000 };

	test_in_thread(work, &job);
	if (job.r < 0)
		sriov_error_propagate(err, g_steal_pointer(&job.err));
	clear(&job);
	return job.r;
}

static void connect_takes_the_members_door_when_there_is_one(void **state)
{
	struct test_server *server = test_server_new(NULL);
	sriov_autoerror err = NULL;

	test_server_open_members_door(server, 0600);
	assert_int_equal(g_unlink(server->path), 0);
	assert_ok(ask(server, &err), err);
	test_server_free(server);
}

/* As a daemon that was killed leaves it. */
static void connect_with_a_dead_members_door_takes_the_public_one(void **state)
{
	struct test_server *server = test_server_new(NULL);
	g_autofree char *path = g_strconcat(server->path, SRV_MEMBERS_SUFFIX, NULL);
	sriov_autoerror err = NULL;
	int fd = -1;

	assert_ok(srv_varlink_listen(path, 0600, &fd, &err), err);
	close(fd);
	assert_ok(ask(server, &err), err);
	test_server_free(server);
}

static void connect_with_a_members_door_for_others_takes_the_public_one(void **state)
{
	struct test_server *server;
	sriov_autoerror err = NULL;

	if (geteuid() != 0)
		skip_because("needs root");
	server = test_server_new(NULL);
	test_server_open_members_door(server, 0600);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(try_connect(server->path, 1000, &err), 0);
	assert_int_equal(seteuid(0), 0);
	test_server_free(server);
}

/* Somebody else's socket in a directory where anybody may make one; he would never answer. */
static void connect_does_not_trust_a_members_door_of_somebody_else(void **state)
{
	struct test_server *server;
	g_autofree char *path = NULL;
	sriov_autoerror err = NULL;
	int fd = -1;

	if (geteuid() != 0)
		skip_because("needs root");
	server = test_server_new(NULL);
	path = g_strconcat(server->path, SRV_MEMBERS_SUFFIX, NULL);
	assert_int_equal(g_chmod(server->dir, 0777), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(srv_varlink_listen(path, 0666, &fd, NULL), 0);
	assert_int_equal(seteuid(0), 0);
	assert_ok(ask(server, &err), err);
	close(fd);
	/* Nor a way to one. */
	assert_int_equal(g_unlink(path), 0);
	assert_int_equal(symlink("/nonexistent", path), 0);
	assert_ok(ask(server, &err), err);
	test_server_free(server);
}

/* The longest path that a public socket can have leaves no room for the other's. */
static void connect_path_too_long_for_a_members_door_takes_the_public_one(void **state)
{
	g_autofree char *dir = g_dir_make_tmp("sriovd-client-XXXXXX", NULL);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_autofree char *name = g_strnfill(sizeof(address.sun_path) - 2 - strlen(dir), 'a');
	g_autofree char *path = g_build_filename(dir, name, NULL);
	sriov_autoerror err = NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_ok(try_connect(path, 1000, &err), err);
	close(fd);
	g_unlink(path);
	g_rmdir(dir);
}

static void connect_to_a_full_queue_times_out(void **state)
{
	g_autofree char *dir = g_dir_make_tmp("sriovd-client-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "socket", NULL);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct srv_client *first;
	sriov_autoerror err = NULL;
	int fd;

	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_ok(srv_client_connect(path, 1000, &first, &err), err);
	assert_int_equal(try_connect(path, 100, &err), -ETIMEDOUT);
	assert_int_equal(err->code, SRIOV_ERROR_TIMEOUT);
	srv_client_free(first);
	close(fd);
	g_unlink(path);
	g_rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_gives_the_reply_s_parameters),
		cmocka_unit_test(call_reply_of_many_reads_is_put_together),
		cmocka_unit_test(call_error_of_the_daemon_comes_back_whole),
		cmocka_unit_test(call_more_gives_every_reply),
		cmocka_unit_test(call_more_stopped_early_closes_the_connection),
		cmocka_unit_test(call_more_error_ends_it),
		cmocka_unit_test(call_without_an_answer_times_out),
		cmocka_unit_test(connect_refused_by_a_limit_tells_the_reason),
		cmocka_unit_test(call_daemon_that_goes_away_is_unavailable),
		cmocka_unit_test(call_answers_that_are_no_replies_are_errors),
		cmocka_unit_test(connect_without_a_socket_says_how_to_start_the_daemon),
		cmocka_unit_test(connect_path_from_the_environment),
		cmocka_unit_test(connect_path_too_long_refused),
		cmocka_unit_test(connect_without_the_right_says_who_has_it),
		cmocka_unit_test(connect_takes_the_members_door_when_there_is_one),
		cmocka_unit_test(connect_with_a_dead_members_door_takes_the_public_one),
		cmocka_unit_test(connect_with_a_members_door_for_others_takes_the_public_one),
		cmocka_unit_test(connect_does_not_trust_a_members_door_of_somebody_else),
		cmocka_unit_test(connect_path_too_long_for_a_members_door_takes_the_public_one),
		cmocka_unit_test(connect_to_a_full_queue_times_out),
	};

	return cmocka_run_group_tests_name("client", tests, NULL, NULL);
}
