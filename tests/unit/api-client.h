/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * Clients of the API of a daemon on the simulated host (tests/sim/sim.h), over its socket. The
 * daemon runs while one of these functions waits. Answers are checked against the interface by the
 * server (check_replies).
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "srv/protocol/frame.h"
#include "srv/sriovd/api.h"
#include "tests/sim/sim.h"
#include "tests/unit/test.h"

struct api_client {
	int fd;
	struct srv_frame_reader *reader;
	json_t *message;
};

static inline char *api_socket(void)
{
	return g_build_filename(sim_root, "socket", NULL);
}

/* Makes the running daemon serve. */
static inline void api_serve(void)
{
	g_autofree char *path = api_socket();
	sriov_autoerror err = NULL;
	int fd;

	sim_daemon->check_replies = true;
	assert_ok(srv_varlink_listen(path, 0600, &fd, &err), err);
	assert_ok(srv_api_listen(sim_daemon, fd, &err), err);
}

static inline struct api_client *api_connect(void)
{
	struct api_client *client = g_new0(struct api_client, 1);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	g_autofree char *path = api_socket();

	g_assert(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert(connect(client->fd, (struct sockaddr *)&address, sizeof(address)) == 0);
	client->reader = srv_frame_reader_new(SRV_MESSAGE_MAX);
	return client;
}

static inline void api_disconnect(struct api_client *client)
{
	close(client->fd);
	srv_frame_reader_free(client->reader);
	g_free(client);
}

/* parameters: JSON with ' for " */
static inline void api_send(struct api_client *client, const char *method, const char *parameters,
			    bool more)
{
	g_autofree char *text = g_strdup_printf(
		"{\"method\":\"io.sriovd.%s\",\"parameters\":%s,\"more\":%s}", method,
		parameters ?: "{}", more ? "true" : "false");
	size_t size;

	g_strdelimit(text, "'", '"');
	size = strlen(text) + 1;
	g_assert(send(client->fd, text, size, MSG_NOSIGNAL) == (ssize_t)size);
}

static inline bool api_has_message(void *data)
{
	struct api_client *client = data;
	char bytes[4096];
	ssize_t n;

	while ((n = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		g_assert(srv_frame_reader_feed(client->reader, bytes, (size_t)n, NULL) == 0);
	return srv_frame_reader_next(client->reader, &client->message, NULL) > 0;
}

/* The next message, the caller's. */
static inline json_t *api_receive(struct api_client *client)
{
	if (!sim_run_until(api_has_message, client, 120000))
		g_error("a call was not answered within two minutes");
	return g_steal_pointer(&client->message);
}

/* Parameters of the answer, or of the error under "error"; the caller's. */
static inline json_t *api_call(const char *method, const char *parameters)
{
	struct api_client *client = api_connect();
	json_t *message, *answer;

	api_send(client, method, parameters, false);
	message = api_receive(client);
	answer = json_incref(json_object_get(message, "parameters"));
	if (json_object_get(message, "error"))
		json_object_set(answer, "error", json_object_get(message, "error"));
	json_decref(message);
	api_disconnect(client);
	return answer;
}

/* Times are not a test's business. */
static inline void api_drop_times(json_t *json)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_array(json))
		json_array_foreach (json, i, value)
			api_drop_times(value);
	if (!json_is_object(json))
		return;
	json_object_del(json, "since");
	json_object_del(json, "time");
	json_object_foreach (json, key, value)
		api_drop_times(value);
}

/* The answer as text, with ' for ", members in order, without times; the caller's. */
static inline char *api_text(const char *method, const char *parameters)
{
	json_t *answer = api_call(method, parameters);
	char *text;

	api_drop_times(answer);
	text = json_dumps(answer, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(answer);
	return g_strdelimit(text, "\"", '\'');
}

#define api_assert(method, parameters, expected)                                    \
	do {                                                                        \
		g_autofree char *answer_ = api_text(method, parameters);            \
                                                                                    \
		if (strcmp(answer_, expected) != 0)                                 \
			fail_msg("%s:\n%s\nis not\n%s", method, answer_, expected); \
	} while (0)

/* The answer is that error of the interface, and its message holds part. */
#define api_assert_error(method, parameters, name, part)                                       \
	do {                                                                                   \
		json_t *answer_ = api_call(method, parameters);                                \
		g_autofree char *error_ = g_strdup(                                            \
			json_string_value(json_object_get(answer_, "error")));                 \
		g_autofree char *message_ = g_strdup(                                          \
			json_string_value(json_object_get(answer_, "message")));               \
                                                                                               \
		json_decref(answer_);                                                          \
		if (g_strcmp0(error_, "io.sriovd." name) != 0 || !strstr(message_, part))      \
			fail_msg("%s: %s, \"%s\" is not %s, \"%s\"", method, error_ ?: "done", \
				 message_ ?: "", name, part);                                  \
	} while (0)

/* The last step of the job that an answer names: "done: TEXT" or "failed: TEXT"; the caller's. */
static inline char *api_job(json_t *answer)
{
	struct api_client *client = api_connect();
	g_autofree char *parameters = g_strdup_printf(
		"{'job':%" JSON_INTEGER_FORMAT "}",
		json_integer_value(json_object_get(answer, "job")));
	char *text = NULL;

	api_send(client, "WatchJob", parameters, true);
	while (!text) {
		json_t *message = api_receive(client);
		const json_t *step = json_object_get(json_object_get(message, "parameters"),
						     "step");

		g_assert(step);
		if (!json_is_true(json_object_get(message, "continues")))
			text = g_strdup_printf("%s: %s",
					       json_string_value(json_object_get(step, "state")),
					       json_string_value(json_object_get(step, "text")));
		json_decref(message);
	}
	json_decref(answer);
	api_disconnect(client);
	return text;
}

#define api_assert_job(answer, expected)                 \
	do {                                             \
		g_autofree char *job_ = api_job(answer); \
                                                         \
		assert_string_equal(job_, expected);     \
	} while (0)

static inline int api_set_up(void **state)
{
	sim_new(SIM_CONFIG_ONE_PF);
	sim_start();
	api_serve();
	return 0;
}

static inline int api_tear_down(void **state)
{
	sim_stop();
	sim_free();
	return 0;
}
#define api_test(name) cmocka_unit_test_setup_teardown(name, api_set_up, api_tear_down)
