// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/varlink-server.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "srv/protocol/client.h"

#define WAIT_US (10 * G_USEC_PER_SEC)

static const char description[] =
	"interface org.example.test\n"
	"method Echo(text: string, number: ?int,\n"
	"            deep: ?(list: []string, inner: ?(flag: ?bool))) -> (text: string)\n"
	"method Count(to: int) -> (n: int)\n"
	"method Flood(size: int) -> (text: string)\n"
	"method Hold() -> ()\n"
	"method Note(text: string) -> ()\n"
	"method Big(size: int) -> (text: string)\n"
	"method Fail() -> ()\n"
	"method Change() -> ()\n"
	"method Wrong(more: bool) -> (n: int)\n"
	"method List(to: int, second: ?string) -> (items: []string)\n"
	"method Missing() -> ()\n";

static json_int_t int_of(json_t *parameters, const char *key)
{
	return json_integer_value(json_object_get(parameters, key));
}

static void run_echo(struct srv_call *call, json_t *parameters, void *data)
{
	struct test_server *server = data;
	char *text = json_dumps(parameters, JSON_COMPACT);

	server->runs++;
	srv_call_reply(call, json_pack("{s:s}", "text", text));
	free(text);
}

static void run_count(struct srv_call *call, json_t *parameters, void *data)
{
	json_int_t to = int_of(parameters, "to");

	for (json_int_t n = 1; srv_call_wants_more(call) && n < to; n++)
		if (!srv_call_reply_more(call, json_pack("{s:I}", "n", n)))
			break;
	srv_call_reply(call, json_pack("{s:I}", "n", to));
}

static json_t *text_of_size(json_int_t size)
{
	g_autofree char *text = g_strnfill((gsize)size, 'x');

	return json_pack("{s:s}", "text", text);
}

static void run_flood(struct srv_call *call, json_t *parameters, void *data)
{
	struct test_server *server = data;

	while (srv_call_reply_more(call, text_of_size(int_of(parameters, "size"))))
		server->flood++;
	srv_call_reply(call, text_of_size(0));
}

static void hold_gone(struct srv_call *call, void *data)
{
	struct test_server *server = data;

	server->gone++;
}

static void run_hold(struct srv_call *call, json_t *parameters, void *data)
{
	struct test_server *server = data;

	g_ptr_array_add(server->held, call);
	srv_call_on_gone(call, hold_gone, server);
}

static void run_note(struct srv_call *call, json_t *parameters, void *data)
{
	struct test_server *server = data;

	g_string_append_printf(server->notes, "%s ",
			       json_string_value(json_object_get(parameters, "text")));
	srv_call_reply(call, NULL);
}

static void run_big(struct srv_call *call, json_t *parameters, void *data)
{
	struct test_server *server = data;

	server->runs++;
	srv_call_reply(call, text_of_size(int_of(parameters, "size")));
}

static void run_fail(struct srv_call *call, json_t *parameters, void *data)
{
	sriov_autoerror err = NULL;

	sriov_error_set(&err, SRIOV_ERROR_EXHAUSTED, ENOSPC, "pool fast", "no VF is left");
	srv_call_error(call, err);
}

static void run_wrong(struct srv_call *call, json_t *parameters, void *data)
{
	if (json_is_true(json_object_get(parameters, "more")))
		(void)srv_call_reply_more(call, json_pack("{s:s}", "n", "one"));
	srv_call_reply(call, json_pack("{s:s}", "n", "one"));
}

struct list {
	json_int_t n, to;
	const char *second; /* "number", "not UTF-8"; NULL: as it should be */
};

static json_t *next_item(void *data)
{
	struct list *list = data;
	g_autofree char *text = NULL;

	if (list->n == list->to)
		return NULL;
	if (++list->n == 2 && g_strcmp0(list->second, "number") == 0)
		return json_integer(2);
	if (list->n == 2 && g_strcmp0(list->second, "not UTF-8") == 0)
		return json_string_nocheck("\xff");
	text = g_strdup_printf("%" JSON_INTEGER_FORMAT, list->n);
	return json_string(text);
}

static void run_list(struct srv_call *call, json_t *parameters, void *data)
{
	struct list list = { .to = int_of(parameters, "to") };

	list.second = json_string_value(json_object_get(parameters, "second"));
	srv_call_reply_list(call, "items", next_item, &list);
}

static void run_change(struct srv_call *call, json_t *parameters, void *data)
{
	g_error("a call that was denied ran");
}

static int authorize(const struct srv_peer *peer, const struct srv_method *method, void *data,
		     struct sriov_error **err)
{
	struct test_server *server = data;

	server->peer = *peer;
	server->peer.groups = NULL;
	if (!method->change)
		return 0;
	return sriov_error_set(err, SRIOV_ERROR_DENIED, EACCES, NULL, "only the admin group may");
}

static bool is_stranger(const struct srv_peer *peer, void *data)
{
	struct test_server *server = data;

	server->asked++;
	return server->strangers;
}

static const struct srv_method methods[] = {
	{ "Echo", false, run_echo }, { "Count", false, run_count },  { "Flood", false, run_flood },
	{ "Hold", false, run_hold }, { "Note", false, run_note },    { "Big", false, run_big },
	{ "Fail", false, run_fail }, { "Change", true, run_change }, { "Wrong", false, run_wrong },
	{ "List", false, run_list },
};

static const struct srv_varlink_handler handler = {
	.methods = methods,
	.n_methods = G_N_ELEMENTS(methods),
	.authorize = authorize,
	.is_stranger = is_stranger,
	.vendor = "vendor of test",
	.product = "product of test",
	.version = "1.2.3",
	.url = "https://example.org",
	.check_replies = true,
};

static void must(int r, struct sriov_error *err)
{
	if (r < 0)
		g_error("%s", err->message);
}

struct test_server *test_server_new(const struct srv_varlink_limits *limits)
{
	struct test_server *server = g_new0(struct test_server, 1);
	struct sriov_error *err = NULL;
	int fd = -1;

	server->limits = limits ? *limits : srv_varlink_limits_default;
	server->dir = g_dir_make_tmp("sriovd-varlink-XXXXXX", NULL);
	g_assert(server->dir);
	/* Some tests connect as another user. */
	g_assert(g_chmod(server->dir, 0755) == 0);
	server->path = g_build_filename(server->dir, "socket", NULL);
	server->notes = g_string_new(NULL);
	server->held = g_ptr_array_new();
	must(srv_interface_parse(description, &server->interface, &err), err);
	must(srv_varlink_listen(server->path, 0666, &fd, &err), err);
	must(srv_varlink_new(fd, server->interface, &handler, &server->limits, server,
			     &server->varlink, &err),
	     err);
	return server;
}

void test_server_open_members_door(struct test_server *server, unsigned int mode)
{
	g_autofree char *path = g_strconcat(server->path, SRV_MEMBERS_SUFFIX, NULL);
	struct sriov_error *err = NULL;
	int fd = -1;

	must(srv_varlink_listen(path, (mode_t)mode, &fd, &err), err);
	must(srv_varlink_add_members_door(server->varlink, fd, &err), err);
}

void test_server_release(struct test_server *server)
{
	g_assert(server->held->len > 0);
	srv_call_reply(g_ptr_array_steal_index(server->held, 0), NULL);
}

void test_server_free(struct test_server *server)
{
	static const char members[] = "socket" SRV_MEMBERS_SUFFIX;
	const char *const files[] = { "socket", "socket.lock", members };

	srv_varlink_free(server->varlink);
	while (server->held->len > 0)
		test_server_release(server);
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *file = g_build_filename(server->dir, files[i], NULL);

		(void)g_unlink(file);
	}
	if (g_rmdir(server->dir) < 0)
		g_error("%s is not empty", server->dir);
	srv_interface_free(server->interface);
	g_ptr_array_unref(server->held);
	g_string_free(server->notes, TRUE);
	g_free(server->path);
	g_free(server->dir);
	g_free(server);
}

static void iterate(void)
{
	if (!g_main_context_iteration(NULL, FALSE))
		g_usleep(200);
}

bool test_server_wait(bool (*cond)(void *data), void *data)
{
	gint64 end = g_get_monotonic_time() + WAIT_US;

	while (!cond(data)) {
		if (g_get_monotonic_time() > end)
			return false;
		iterate();
	}
	return true;
}

void test_server_run(unsigned int ms)
{
	gint64 end = g_get_monotonic_time() + ms * G_GINT64_CONSTANT(1000);

	while (g_main_context_iteration(NULL, FALSE) || g_get_monotonic_time() < end)
		;
}

struct test_client *test_client_new(const struct test_server *server)
{
	return test_client_new_at(server->path);
}

struct test_client *test_client_new_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct test_client *client = g_new0(struct test_client, 1);

	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	client->in = g_byte_array_new();
	strcpy(address.sun_path, path);
	if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		g_error("cannot connect: %s", g_strerror(errno));
	return client;
}

void test_client_free(struct test_client *client)
{
	close(client->fd);
	g_byte_array_unref(client->in);
	g_free(client);
}

size_t test_client_send(struct test_client *client, const void *bytes, size_t n)
{
	gint64 end = g_get_monotonic_time() + WAIT_US;
	size_t sent = 0;

	while (sent < n && g_get_monotonic_time() < end) {
		ssize_t k = send(client->fd, (const char *)bytes + sent, n - sent,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (k > 0)
			sent += (size_t)k;
		else if (errno != EAGAIN)
			break;
		iterate();
	}
	return sent;
}

void test_client_call(struct test_client *client, const char *message)
{
	g_assert(test_client_send(client, message, strlen(message) + 1) == strlen(message) + 1);
}

char *test_client_receive(struct test_client *client)
{
	gint64 end = g_get_monotonic_time() + WAIT_US;

	for (;;) {
		const char *nul = client->in->len > 0
					  ? memchr(client->in->data, '\0', client->in->len)
					  : NULL;
		guint8 buf[16384];
		ssize_t n;

		if (nul) {
			char *text = g_strdup((const char *)client->in->data);

			g_byte_array_remove_range(client->in, 0, (guint)strlen(text) + 1);
			return text;
		}
		n = recv(client->fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0)
			g_byte_array_append(client->in, buf, (guint)n);
		else if (n == 0 || errno != EAGAIN)
			return NULL;
		else if (g_get_monotonic_time() > end)
			g_error("no answer");
		else
			iterate();
	}
}

bool test_client_is_silent(struct test_client *client, unsigned int ms)
{
	char byte;

	test_server_run(ms);
	return client->in->len == 0 && recv(client->fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 &&
	       errno == EAGAIN;
}

struct thread {
	void *(*fn)(void *data);
	void *data;
	gint done;
};

static gpointer run_thread(gpointer data)
{
	struct thread *thread = data;
	gpointer result = thread->fn(thread->data);

	g_atomic_int_set(&thread->done, 1);
	return result;
}

static bool thread_is_done(void *data)
{
	return g_atomic_int_get(&((struct thread *)data)->done) != 0;
}

void *test_in_thread(void *(*fn)(void *data), void *data)
{
	struct thread thread = { .fn = fn, .data = data };
	GThread *handle = g_thread_new("client", run_thread, &thread);

	if (!test_server_wait(thread_is_done, &thread))
		g_error("the client is not done");
	return g_thread_join(handle);
}
