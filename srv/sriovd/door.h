/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

struct srv_daemon;

/*
 * The members' door: a second socket beside the public one, at which the kernel lets only those
 * connect whom the configuration knows: root, and by an access control list (acl(5)) the groups of
 * "access". So no stranger stands in its queue, and a flood at the public door is not felt here.
 * What a call may do is decided as at the public door, by who calls (api.c).
 */

/*
 * Opens it: makes the socket, serves it. The daemon serves its public one already.
 *
 * Errors: as srv_varlink_listen(); then there is only the public door, and nothing else is worse.
 */
int srv_door_open(struct srv_daemon *daemon, const char *path, struct sriov_error **err);

/* Lets in whom the configuration in force names. Without a door a no-op. */
void srv_door_follow(struct srv_daemon *daemon);

/* Takes the socket away. Who has connected is still served. */
void srv_door_close(struct srv_daemon *daemon);

/*
 * Makes root and groups[n] the only ones who may connect to the socket at path, which is the
 * caller's: that takes no capability.
 *
 * Errors: NOT_SUPPORTED (the file system has no lists: only root may), UNAVAILABLE.
 */
int srv_door_admit(const char *path, const gid_t *groups, size_t n, struct sriov_error **err);
