// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/protocol/client.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fd.h"
#include "srv/protocol/errors.h"
#include "srv/protocol/frame.h"

/*
 * Replies may be long (a host with ten thousand VFs lists them in a few MiB), and the daemon is not
 * a stranger: this only keeps a defect from eating the memory.
 */
#define REPLY_MAX (256 * 1024 * 1024)

#define READ_SIZE (64 * 1024)

struct srv_client {
	int fd; /* -1 once the stream cannot be used any more */
	char *path;
	int timeout_ms;
	const char *late;
	struct srv_frame_reader *reader;
	char buf[READ_SIZE];
};

/* Who may, in words, out of the socket's mode and group. The caller owns it. */
static char *describe_access(const char *path)
{
	g_autofree char *how = NULL;
	const struct group *group;
	struct stat st;

	/* The directory may be closed to us too. */
	if (stat(path, &st) < 0 || !(st.st_mode & S_IWGRP) || st.st_gid == 0)
		return g_strdup("only root may");
	group = getgrgid(st.st_gid);
	if (!group)
		return g_strdup_printf("only root and members of the group %u may",
				       (unsigned int)st.st_gid);
	how = srv_error_how_to_join(group->gr_name);
	return g_strdup_printf("only root and members of the group %s may; %s", group->gr_name,
			       how);
}

static int fail_connect(const char *path, int errnum, int timeout_ms, struct sriov_error **err)
{
	g_autofree char *who = NULL;

	switch (errnum) {
	case ENAMETOOLONG:
		return sriov_error_set(err, SRIOV_ERROR_INVALID, errnum, path,
				       "the path of a socket has at most %zu characters",
				       sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	case ENOENT:
		return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, errnum, NULL,
				       "sriovd is not running (there is no socket at %s); start it "
				       "with: systemctl start sriovd",
				       path);
	case ECONNREFUSED:
		return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, errnum, NULL,
				       "sriovd is not running (nobody listens at %s); start it "
				       "with: systemctl start sriovd",
				       path);
	case EACCES:
	case EPERM:
		who = describe_access(path);
		return sriov_error_set(err, SRIOV_ERROR_DENIED, errnum, NULL,
				       "you have no right to talk to sriovd at %s: %s", path, who);
	case EAGAIN: /* what a blocking connect says when SO_SNDTIMEO has passed */
		return sriov_error_set(
			err, SRIOV_ERROR_TIMEOUT, ETIMEDOUT, NULL,
			"sriovd does not accept connections at %s (waited %g s); see "
			"what it does with: systemctl status sriovd",
			path, timeout_ms / 1000.0);
	default:
		return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, errnum, NULL,
				       "cannot connect to sriovd at %s: %s", path,
				       g_strerror(errnum));
	}
}

/*
 * A unix socket's connect waits only for room in the listener's queue, and honours SO_SNDTIMEO
 * there (unix_stream_connect()); a non-blocking one would fail at once instead of waiting.
 *
 * A descriptor, or a negative errno of connect().
 */
static int try_socket(const char *path, int timeout_ms)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	sriov_autofd int fd = -1;
	int r;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (timeout_ms >= 0) {
		/* A timeout of zero would mean none. */
		struct timeval tv = { timeout_ms / 1000, MAX(timeout_ms % 1000, 1) * 1000L };

		(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	}
	do
		r = connect(fd, (struct sockaddr *)&address, sizeof(address));
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : sriov_steal_fd(&fd);
}

/*
 * Is the members' door there, and made by root, or by ourselves? In a directory like /tmp anybody
 * else could have put something beside the public socket.
 */
static bool has_members_door(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	       (st.st_uid == 0 || st.st_uid == geteuid());
}

/* What the kernel says of the members' door when it is not for us, or nobody is behind it. */
static bool is_closed(int r)
{
	return r == -ENOENT || r == -ECONNREFUSED || r == -EACCES || r == -EPERM ||
	       r == -ENAMETOOLONG;
}

static int open_socket(const char *path, int timeout_ms, struct sriov_error **err)
{
	g_autofree char *members = g_strconcat(path, SRV_MEMBERS_SUFFIX, NULL);
	int fd = has_members_door(members) ? try_socket(members, timeout_ms) : -ENOENT;

	if (is_closed(fd))
		fd = try_socket(path, timeout_ms);
	return fd < 0 ? fail_connect(path, -fd, timeout_ms, err) : fd;
}

int srv_client_connect(const char *path, int timeout_ms, struct srv_client **ret,
		       struct sriov_error **err)
{
	struct srv_client *client;
	int fd;

	if (!path)
		path = g_getenv("SRIOVD_SOCKET") ?: SRV_SOCKET_PATH;
	fd = open_socket(path, timeout_ms, err);
	if (fd < 0)
		return fd;

	client = g_new0(struct srv_client, 1);
	client->fd = fd;
	client->path = g_strdup(path);
	client->timeout_ms = timeout_ms;
	client->late = "what was asked for may still happen";
	client->reader = srv_frame_reader_new(REPLY_MAX);
	*ret = client;
	return 0;
}

static void disconnect(struct srv_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
}

void srv_client_free(struct srv_client *client)
{
	if (!client)
		return;
	disconnect(client);
	srv_frame_reader_free(client->reader);
	g_free(client->path);
	g_free(client);
}

void srv_client_set_timeout(struct srv_client *client, int timeout_ms)
{
	client->timeout_ms = timeout_ms;
}

void srv_client_set_late(struct srv_client *client, const char *text)
{
	client->late = text;
}

static int fail_lost(struct srv_client *client, int errnum, struct sriov_error **err)
{
	disconnect(client);
	return sriov_error_set(
		err, SRIOV_ERROR_UNAVAILABLE, errnum, NULL,
		"the connection to sriovd at %s was lost before it answered (%s); see "
		"what happened with: journalctl -u sriovd",
		client->path, g_strerror(errnum));
}

/* -1: never */
static gint64 deadline_from_now(const struct srv_client *client)
{
	if (client->timeout_ms < 0)
		return -1;
	return g_get_monotonic_time() + client->timeout_ms * G_GINT64_CONSTANT(1000);
}

/* Waits until the socket is ready for events or has failed. */
static int wait_for(struct srv_client *client, short events, gint64 deadline,
		    struct sriov_error **err)
{
	struct pollfd pfd = { .fd = client->fd, .events = events };

	for (;;) {
		int wait = -1, n;

		if (deadline >= 0)
			wait = (int)MAX((deadline - g_get_monotonic_time() + 999) / 1000, 0);
		n = poll(&pfd, 1, wait);
		if (n > 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail_lost(client, errno, err);
		/* A late answer would be taken for that of the next call. */
		disconnect(client);
		return sriov_error_set(err, SRIOV_ERROR_TIMEOUT, ETIMEDOUT, NULL,
				       "sriovd did not answer within %g s; %s",
				       client->timeout_ms / 1000.0, client->late);
	}
}

/*
 * A daemon that refuses a connection says why and closes it, maybe before the call was sent: then
 * sending fails, but the reason can still be read.
 */
static int send_message(struct srv_client *client, GBytes *message, gint64 deadline,
			struct sriov_error **err)
{
	gsize n;
	const char *p = g_bytes_get_data(message, &n);

	while (n > 0) {
		ssize_t sent = send(client->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		int r;

		if (sent >= 0) {
			p += sent;
			n -= (gsize)sent;
			continue;
		}
		if (errno == EPIPE || errno == ECONNRESET)
			return 0;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return fail_lost(client, errno, err);
		r = wait_for(client, POLLOUT, deadline, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Reads what is there, at least one byte. */
static int receive(struct srv_client *client, gint64 deadline, struct sriov_error **err)
{
	for (;;) {
		ssize_t n = recv(client->fd, client->buf, sizeof(client->buf), MSG_DONTWAIT);
		int r;

		if (n > 0) {
			r = srv_frame_reader_feed(client->reader, client->buf, (size_t)n, err);
			if (r < 0)
				disconnect(client);
			return r;
		}
		if (n == 0)
			return fail_lost(client, ECONNRESET, err);
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return fail_lost(client, errno, err);
		r = wait_for(client, POLLIN, deadline, err);
		if (r < 0)
			return r;
	}
}

static int next_reply(struct srv_client *client, json_t **ret, struct sriov_error **err)
{
	gint64 deadline = deadline_from_now(client);
	int r;

	for (;;) {
		r = srv_frame_reader_next(client->reader, ret, err);
		if (r > 0)
			return 0;
		if (r < 0) {
			disconnect(client);
			return sriov_error_wrap(err, "sriovd's answer cannot be read");
		}
		r = receive(client, deadline, err);
		if (r < 0)
			return r;
	}
}

/* Takes a reply apart: its parameters, borrowed (NULL: none), or the error that it is. */
static int open_reply(const json_t *reply, json_t **ret_parameters, bool *ret_continues,
		      struct sriov_error **err)
{
	const json_t *error = json_object_get(reply, "error");
	json_t *parameters = json_object_get(reply, "parameters");

	if (json_is_null(parameters))
		parameters = NULL;
	if (json_is_string(error))
		return sriov_error_propagate(
			err, srv_error_from_reply(json_string_value(error), parameters));
	if ((error && !json_is_null(error)) || (parameters && !json_is_object(parameters)))
		return sriov_error_set(err, SRIOV_ERROR_INTERNAL, EPROTO, NULL,
				       "what sriovd answered is no Varlink reply");
	*ret_parameters = parameters;
	*ret_continues = json_is_true(json_object_get(reply, "continues"));
	return 0;
}

static int send_call(struct srv_client *client, const char *method, json_t *parameters, bool more,
		     struct sriov_error **err)
{
	json_t *call = json_object();
	g_autoptr(GBytes) message = NULL;

	json_object_set_new(call, "method", json_string(method));
	json_object_set_new(call, "parameters", parameters ?: json_object());
	if (more)
		json_object_set_new(call, "more", json_true());
	message = srv_frame_encode(call);
	json_decref(call);

	if (client->fd < 0)
		return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, ENOTCONN, NULL,
				       "the connection to sriovd at %s is closed", client->path);
	return send_message(client, message, deadline_from_now(client), err);
}

int srv_client_call(struct srv_client *client, const char *method, json_t *parameters, json_t **ret,
		    struct sriov_error **err)
{
	json_t *reply, *answer = NULL;
	bool continues = false;
	int r;

	r = send_call(client, method, parameters, false, err);
	if (r < 0)
		return r;
	r = next_reply(client, &reply, err);
	if (r < 0)
		return r;
	r = open_reply(reply, &answer, &continues, err);
	if (r == 0 && ret)
		*ret = answer ? json_incref(answer) : json_object();
	json_decref(reply);
	return r;
}

int srv_client_call_more(struct srv_client *client, const char *method, json_t *parameters,
			 bool (*fn)(json_t *reply, bool continues, void *data), void *data,
			 struct sriov_error **err)
{
	bool continues = true, wanted = true;
	int r;

	r = send_call(client, method, parameters, true, err);
	while (r == 0 && continues && wanted) {
		json_t *reply, *answer = NULL, *none = NULL;

		r = next_reply(client, &reply, err);
		if (r < 0)
			return r;
		r = open_reply(reply, &answer, &continues, err);
		if (r == 0) {
			if (!answer)
				answer = none = json_object();
			wanted = fn(answer, continues, data);
		}
		json_decref(none);
		json_decref(reply);
	}
	/* The rest of an unfinished answer would be taken for that of the next call. */
	if (r == 0 && continues)
		disconnect(client);
	return r;
}
