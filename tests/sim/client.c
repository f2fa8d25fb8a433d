// SPDX-License-Identifier: GPL-2.0-or-later
/* Clients of the API that do not wait for their answers, and go away in the midst of them. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "srv/sriovd/api.h"
#include "srv/sriovd/varlink.h"
#include "tests/sim/sim.h"

#define CLIENTS 8

static int clients[CLIENTS];
static unsigned next;

static char *socket_path(void)
{
	return g_build_filename(sim_root, "socket", NULL);
}

void sim_serve(void)
{
	g_autofree char *path = socket_path();
	sriov_autoerror err = NULL;
	int fd;

	sim_doors_off();
	unlink(path);
	sim_daemon->check_replies = true;
	if (srv_varlink_listen(path, 0600, &fd, &err) < 0 ||
	    srv_api_listen(sim_daemon, fd, &err) < 0)
		g_error("the daemon does not serve: %s", err->message);
	sim_doors_on();
}

void sim_ask(const char *method, const char *parameters)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int *fd = &clients[next++ % CLIENTS];
	g_autofree char *path = socket_path();
	g_autofree char *text = g_strdup_printf("{\"method\":\"io.sriovd.%s\",\"parameters\":%s}",
						method, parameters);
	size_t size = strlen(text) + 1;

	if (*fd)
		close(*fd);
	g_strlcpy(address.sun_path, path, sizeof(address.sun_path));
	sim_doors_off();
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(*fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    send(*fd, text, size, MSG_NOSIGNAL) != (ssize_t)size)
		g_error("the daemon cannot be called");
	sim_doors_on();
}
