// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/varlink-internal.h"

#include <errno.h>
#include <sys/socket.h>

static void peer_clear(gpointer data)
{
	g_free(((struct srv_peer *)data)->groups);
}

void srv_peer_unref(struct srv_peer *peer)
{
	g_rc_box_release_full(peer, peer_clear);
}

/* SO_PEERGROUPS (net/core/sock.c, since Linux 4.13): ERANGE tells the size that is needed. */
static int read_groups(int fd, struct srv_peer *peer)
{
	socklen_t size = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0)
		return 0;
	if (errno != ERANGE)
		return -errno;
	peer->groups = g_malloc(size);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &size) < 0)
		return -errno;
	peer->n_groups = size / sizeof(gid_t);
	return 0;
}

struct srv_peer *srv_peer_new(int fd, struct sriov_error **err)
{
	struct srv_peer *peer = g_rc_box_new0(struct srv_peer);
	struct ucred credentials;
	socklen_t size = sizeof(credentials);
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) {
		r = -errno;
	} else {
		peer->pid = credentials.pid;
		peer->uid = credentials.uid;
		peer->gid = credentials.gid;
		r = read_groups(fd, peer);
	}
	if (r == 0)
		return peer;
	srv_peer_unref(peer);
	sriov_error_set(err, SRIOV_ERROR_DENIED, -r, NULL,
			"the daemon cannot find out who is calling: %s", g_strerror(-r));
	return NULL;
}
