// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a client may send to the server, in pieces as the input's first byte says, half closed or
 * closed at the end as its second byte says. Beyond not crashing: every handler that ran was
 * allowed to and had the parameters that its description promises, and nothing of a client is left
 * behind.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "srv/sriovd/varlink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char description[] = "interface a.b\n"
				  "method Now(text: string, number: ?int) -> (n: int)\n"
				  "method Later(kind: (x, y)) -> ()\n"
				  "method Many(to: int) -> (n: int)\n"
				  "method Denied() -> ()\n"
				  "method Missing() -> ()\n";

static struct srv_varlink *varlink;
static struct sockaddr_un address;
static socklen_t address_size = sizeof(address);
static GPtrArray *later;

static void run_now(struct srv_call *call, json_t *parameters, void *data)
{
	const json_t *number = json_object_get(parameters, "number");

	g_assert(json_is_string(json_object_get(parameters, "text")));
	g_assert(!number || json_is_integer(number));
	srv_call_reply(call, json_pack("{s:i}", "n", 1));
}

static void run_later(struct srv_call *call, json_t *parameters, void *data)
{
	g_ptr_array_add(later, call);
}

static void run_many(struct srv_call *call, json_t *parameters, void *data)
{
	json_int_t to = MIN(json_integer_value(json_object_get(parameters, "to")), 1000);

	for (json_int_t n = 0; srv_call_wants_more(call) && n < to; n++)
		if (!srv_call_reply_more(call, json_pack("{s:I}", "n", n)))
			break;
	srv_call_reply(call, json_pack("{s:I}", "n", to));
}

static int authorize(const struct srv_peer *peer, const struct srv_method *method, void *data,
		     struct sriov_error **err)
{
	g_assert(peer->pid == getpid());
	if (!method->change)
		return 0;
	return sriov_error_set(err, SRIOV_ERROR_DENIED, EACCES, NULL, "no");
}

static void run_denied(struct srv_call *call, json_t *parameters, void *data)
{
	g_assert_not_reached();
}

static const struct srv_method methods[] = {
	{ "Now", false, run_now },
	{ "Later", false, run_later },
	{ "Many", false, run_many },
	{ "Denied", true, run_denied },
};

static const struct srv_varlink_handler handler = {
	.methods = methods,
	.n_methods = G_N_ELEMENTS(methods),
	.authorize = authorize,
	.vendor = "v",
	.product = "p",
	.version = "1",
	.url = "u",
	.check_replies = true,
};

static const struct srv_varlink_limits limits = {
	.connections = 4,
	.connections_per_uid = 4,
	.calls_per_connection = 4,
	.message_bytes = 512,
	.output_bytes = 8192,
};

static void start(void)
{
	struct srv_interface *interface;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	later = g_ptr_array_new();
	/* Without a name: the kernel chooses an abstract one. */
	address.sun_family = AF_UNIX;
	g_assert(bind(fd, (struct sockaddr *)&address, sizeof(sa_family_t)) == 0);
	g_assert(getsockname(fd, (struct sockaddr *)&address, &address_size) == 0);
	g_assert(listen(fd, 8) == 0);
	g_assert(srv_interface_parse(description, &interface, NULL) == 0);
	g_assert(srv_varlink_new(fd, interface, &handler, &limits, NULL, &varlink, NULL) == 0);
}

static void run_loop(int client)
{
	char buf[4096];

	do
		while (g_main_context_iteration(NULL, FALSE))
			;
	while (client >= 0 && recv(client, buf, sizeof(buf), MSG_DONTWAIT) > 0);
}

static void answer_later(int client)
{
	while (later->len > 0) {
		srv_call_reply(g_ptr_array_steal_index(later, 0), NULL);
		run_loop(client);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t piece;
	int client;

	if (!varlink)
		start();
	if (size < 3)
		return 0;
	piece = (size_t)data[0] + 1;
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert(connect(client, (struct sockaddr *)&address, address_size) == 0);

	for (size_t i = 2; i < size; i += piece) {
		if (send(client, data + i, MIN(piece, size - i), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		if (data[1] & 1)
			run_loop(client);
		if (data[1] & 2)
			answer_later(client);
	}
	if (data[1] & 4) {
		g_assert(shutdown(client, SHUT_WR) == 0 || errno == ENOTCONN);
		run_loop(client);
		answer_later(client);
	}
	close(client);
	run_loop(-1);
	answer_later(-1);
	return 0;
}
