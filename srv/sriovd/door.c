// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/door.h"

#include <errno.h>
#include <sys/acl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "srv/sriovd/daemon.h"
#include "srv/sriovd/log.h"
#include "srv/sriovd/varlink.h"

/* Closed to all but root until it is known who may come in. */
#define DOOR_MODE 0600

/*
 * By number: a name would be looked up, maybe over the network. The mask is what the file's mode
 * shows as the group's rights.
 */
static acl_t make_list(const gid_t *groups, size_t n)
{
	g_autoptr(GString) text = g_string_new("user::rw-,group::---,other::---");

	for (size_t i = 0; i < n; i++)
		g_string_append_printf(text, ",group:%u:rw-", (unsigned int)groups[i]);
	if (n > 0)
		g_string_append(text, ",mask::rw-");
	return acl_from_text(text->str);
}

int srv_door_admit(const char *path, const gid_t *groups, size_t n, struct sriov_error **err)
{
	acl_t list = make_list(groups, n);
	int errnum;

	if (list && acl_set_file(path, ACL_TYPE_ACCESS, list) == 0) {
		acl_free(list);
		return 0;
	}
	errnum = errno;
	if (list)
		acl_free(list);
	/* Nobody is to be let in, and without lists nobody is. */
	if (errnum == ENOTSUP && n == 0)
		return 0;
	if (errnum == ENOTSUP)
		return sriov_error_set(err, SRIOV_ERROR_NOT_SUPPORTED, errnum, path,
				       "this file system has no access control lists, so only root "
				       "may connect here, and all others at the public socket");
	return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, errnum, path,
			       "cannot set who may connect: %s", g_strerror(errnum));
}

/* The groups of the configuration, each once; the number of them. */
static size_t known_groups(const struct srv_access_ids *ids, gid_t groups[2])
{
	size_t n = 0;

	if (ids->has_admin)
		groups[n++] = ids->admin;
	if (ids->has_read && (n == 0 || groups[0] != ids->read))
		groups[n++] = ids->read;
	return n;
}

void srv_door_follow(struct srv_daemon *daemon)
{
	g_autofree char *text = NULL;
	sriov_autoerror err = NULL;
	gid_t groups[2];
	size_t n = known_groups(&daemon->ids, groups);

	if (!daemon->door || srv_door_admit(daemon->door, groups, n, &err) == 0)
		return;
	/* With each reload it would be the same again. */
	if (daemon->door_told)
		return;
	daemon->door_told = true;
	text = sriov_error_text(err);
	srv_log(LOG_WARNING, NULL, "%s", text);
}

int srv_door_open(struct srv_daemon *daemon, const char *path, struct sriov_error **err)
{
	int fd, r = srv_varlink_listen(path, DOOR_MODE, &fd, err);

	if (r < 0)
		return r;
	r = srv_varlink_add_members_door(daemon->varlink, fd, err);
	if (r < 0) {
		(void)unlink(path);
		return r;
	}
	daemon->door = g_strdup(path);
	srv_door_follow(daemon);
	return 0;
}

void srv_door_close(struct srv_daemon *daemon)
{
	if (daemon->door)
		(void)unlink(daemon->door);
	g_clear_pointer(&daemon->door, g_free);
}
