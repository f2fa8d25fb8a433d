// SPDX-License-Identifier: GPL-2.0-or-later
/* Who may come in by the members' door: the list, and what the kernel makes of it. */
#include "tests/unit/test.h"

#include <acl/libacl.h>
#include <errno.h>
#include <string.h>
#include <sys/acl.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "srv/sriovd/daemon.h"
#include "srv/sriovd/door.h"
#include "srv/sriovd/varlink.h"
#include "tests/unit/connect-as.h"

/* Numbers that hardly any host has a name for. */
#define ADMINS	64001
#define READERS 64002
#define OTHERS	64003

struct door {
	char *dir, *path;
	int fd;
};

static int set_up(void **state)
{
	struct door *door = g_new0(struct door, 1);

	door->dir = g_dir_make_tmp("sriovd-door-XXXXXX", NULL);
	door->path = g_build_filename(door->dir, "members", NULL);
	/* Other users have to get there. */
	if (g_chmod(door->dir, 0755) < 0 ||
	    srv_varlink_listen(door->path, 0600, &door->fd, NULL) < 0)
		return -1;
	*state = door;
	return 0;
}

static int tear_down(void **state)
{
	struct door *door = *state;

	close(door->fd);
	g_unlink(door->path);
	g_rmdir(door->dir);
	g_free(door->path);
	g_free(door->dir);
	g_free(door);
	return 0;
}

static char *list_of(const char *path)
{
	acl_t list = acl_get_file(path, ACL_TYPE_ACCESS);
	char *text, *copy;

	assert_non_null(list);
	text = acl_to_any_text(list, NULL, ',', TEXT_NUMERIC_IDS);
	copy = g_strdup(text);
	acl_free(text);
	acl_free(list);
	return copy;
}

#define assert_list(path, text)                         \
	do {                                            \
		g_autofree char *list_ = list_of(path); \
		assert_string_equal(list_, text);       \
	} while (0)

static void admit(const struct door *door, const gid_t *groups, size_t n)
{
	sriov_autoerror err = NULL;
	int r = srv_door_admit(door->path, groups, n, &err);

	if (r == -ENOTSUP)
		skip_because("the file system of %s has no access control lists", door->dir);
	assert_ok(r, err);
}

static void admit_groups_are_in_the_list_and_nobody_else_is(void **state)
{
	const struct door *door = *state;
	const gid_t groups[] = { ADMINS, READERS };

	admit(door, groups, 2);
	assert_list(door->path, "user::rw-,group::---,group:64001:rw-,group:64002:rw-,mask::rw-,"
				"other::---");
	admit(door, groups + 1, 1);
	assert_list(door->path, "user::rw-,group::---,group:64002:rw-,mask::rw-,other::---");
}

static void admit_nobody_leaves_it_to_root(void **state)
{
	const struct door *door = *state;
	const gid_t group = ADMINS;
	struct stat st;

	admit(door, &group, 1);
	admit(door, NULL, 0);
	assert_list(door->path, "user::rw-,group::---,other::---");
	assert_int_equal(stat(door->path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0600);
}

static void admit_root_s_own_group_is_a_group_like_others(void **state)
{
	const struct door *door = *state;
	const gid_t group = 0;

	admit(door, &group, 1);
	assert_list(door->path, "user::rw-,group::---,group:0:rw-,mask::rw-,other::---");
}

/* proc has none; its files are their process's. */
static void admit_without_lists_is_an_error_unless_nobody_is_to_come(void **state)
{
	const gid_t group = ADMINS;
	sriov_autoerror err = NULL;

	assert_int_equal(srv_door_admit("/proc/self/comm", &group, 1, &err), -ENOTSUP);
	assert_int_equal(err->code, SRIOV_ERROR_NOT_SUPPORTED);
	assert_non_null(strstr(err->message, "only root may connect here"));
	assert_int_equal(srv_door_admit("/proc/self/comm", NULL, 0, NULL), 0);
}

static void admit_what_is_not_there_is_an_error(void **state)
{
	const gid_t group = ADMINS;
	sriov_autoerror err = NULL;

	assert_int_equal(srv_door_admit("/nonexistent/door", &group, 1, &err), -ENOENT);
	assert_int_equal(err->code, SRIOV_ERROR_UNAVAILABLE);
}

static void connect_strangers_are_refused_by_the_kernel_and_members_are_not(void **state)
{
	const struct door *door = *state;
	const gid_t groups[] = { ADMINS, READERS };

	if (geteuid() != 0)
		skip_because("needs root");
	assert_int_equal(connect_as_stranger(door->path, 0), EACCES);
	assert_int_equal(connect_as_stranger(door->path, ADMINS), EACCES);
	admit(door, groups, 2);
	assert_int_equal(connect_as_stranger(door->path, 0), EACCES);
	assert_int_equal(connect_as_stranger(door->path, OTHERS), EACCES);
	assert_int_equal(connect_as_stranger(door->path, ADMINS), 0);
	assert_int_equal(connect_as_stranger(door->path, READERS), 0);
	assert_int_equal(connect_errno(door->path), 0);
}

static void follow_takes_the_groups_of_the_configuration(void **state)
{
	const struct door *door = *state;
	struct srv_daemon daemon = { .door = door->path };
	const gid_t probe = ADMINS;

	admit(door, &probe, 1);
	daemon.ids = (struct srv_access_ids){
		.has_admin = true, .admin = ADMINS, .has_read = true, .read = READERS
	};
	srv_door_follow(&daemon);
	assert_list(door->path, "user::rw-,group::---,group:64001:rw-,group:64002:rw-,mask::rw-,"
				"other::---");
	/* One group for both is named once: twice would be no list. */
	daemon.ids.read = ADMINS;
	srv_door_follow(&daemon);
	assert_list(door->path, "user::rw-,group::---,group:64001:rw-,mask::rw-,other::---");
	/* That everybody may read lets nobody in here. */
	daemon.ids = (struct srv_access_ids){ .read_all = true, .admin = OTHERS };
	srv_door_follow(&daemon);
	assert_list(door->path, "user::rw-,group::---,other::---");
	daemon.door = NULL;
	srv_door_follow(&daemon);
}

static void follow_what_does_not_work_is_told_once(void **state)
{
	struct srv_daemon daemon = { .door = (char *)"/proc/self/comm",
				     .ids = { .has_admin = true, .admin = ADMINS } };

	srv_door_follow(&daemon);
	assert_true(daemon.door_told);
	srv_door_follow(&daemon);
}

#define door_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		door_test(admit_groups_are_in_the_list_and_nobody_else_is),
		door_test(admit_nobody_leaves_it_to_root),
		door_test(admit_root_s_own_group_is_a_group_like_others),
		cmocka_unit_test(admit_without_lists_is_an_error_unless_nobody_is_to_come),
		cmocka_unit_test(admit_what_is_not_there_is_an_error),
		door_test(connect_strangers_are_refused_by_the_kernel_and_members_are_not),
		door_test(follow_takes_the_groups_of_the_configuration),
		cmocka_unit_test(follow_what_does_not_work_is_told_once),
	};

	return cmocka_run_group_tests_name("door", tests, NULL, NULL);
}
