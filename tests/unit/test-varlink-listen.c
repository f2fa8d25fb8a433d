// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "srv/sriovd/varlink.h"

struct place {
	char *dir, *path;
};

static void place_init(struct place *place)
{
	place->dir = g_dir_make_tmp("sriovd-listen-XXXXXX", NULL);
	assert_non_null(place->dir);
	place->path = g_build_filename(place->dir, "sriovd.sock", NULL);
}

/* Nothing but the socket may be left in the directory, whether it came about or was refused. */
static void place_clear(struct place *place)
{
	(void)g_unlink(place->path);
	assert_int_equal(g_rmdir(place->dir), 0);
	g_free(place->path);
	g_free(place->dir);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void listen_makes_a_socket_with_its_mode(void **state)
{
	struct place place;
	sriov_autoerror err = NULL;
	struct stat st;
	int fd = -1, client;

	place_init(&place);
	assert_ok(srv_varlink_listen(place.path, 0620, &fd, &err), err);
	assert_int_equal(stat(place.path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0620);
	client = connect_to(place.path);
	assert_true(client >= 0);
	close(client);
	close(fd);
	place_clear(&place);
}

static void listen_replaces_a_dead_socket(void **state)
{
	struct place place;
	sriov_autoerror err = NULL;
	int fd = -1, client;

	place_init(&place);
	for (int i = 0; i < 3; i++) {
		assert_ok(srv_varlink_listen(place.path, 0600, &fd, &err), err);
		client = connect_to(place.path);
		assert_true(client >= 0);
		close(client);
		/* As a killed daemon leaves it. */
		close(fd);
		assert_true(connect_to(place.path) < 0);
	}
	place_clear(&place);
}

static void listen_leaves_a_living_daemon_its_socket(void **state)
{
	struct place place;
	sriov_autoerror err = NULL;
	int fd = -1, second = -1, client;

	place_init(&place);
	assert_int_equal(srv_varlink_listen(place.path, 0600, &fd, NULL), 0);
	assert_int_equal(srv_varlink_listen(place.path, 0600, &second, &err), -EADDRINUSE);
	assert_int_equal(second, -1);
	assert_int_equal(err->code, SRIOV_ERROR_BUSY);
	client = connect_to(place.path);
	assert_true(client >= 0);
	/* The client that came last is the daemon's, behind the second one's question. */
	close(accept(fd, NULL, NULL));
	assert_true(accept(fd, NULL, NULL) >= 0);
	close(client);
	close(fd);
	place_clear(&place);
}

static void listen_while_another_daemon_starts_is_refused(void **state)
{
	struct place place;
	sriov_autoerror err = NULL;
	g_autofree char *lock = NULL;
	int fd = -1, other;

	place_init(&place);
	lock = g_strconcat(place.path, ".lock", NULL);
	other = open(lock, O_RDWR | O_CREAT, 0600);
	assert_int_equal(flock(other, LOCK_EX), 0);
	assert_int_equal(srv_varlink_listen(place.path, 0600, &fd, &err), -EADDRINUSE);
	assert_int_equal(err->code, SRIOV_ERROR_BUSY);
	assert_non_null(strstr(err->message, "just starting"));
	assert_true(g_file_test(lock, G_FILE_TEST_EXISTS));
	/* A lock dies with its holder; the file that is left says nothing. */
	close(other);
	assert_int_equal(srv_varlink_listen(place.path, 0600, &fd, NULL), 0);
	close(fd);
	place_clear(&place);
}

static void listen_leaves_a_file_alone(void **state)
{
	struct place place;
	sriov_autoerror err = NULL;
	g_autofree char *content = NULL;
	int fd = -1;

	place_init(&place);
	assert_true(g_file_set_contents(place.path, "precious", -1, NULL));
	assert_int_equal(srv_varlink_listen(place.path, 0600, &fd, &err), -EEXIST);
	assert_int_equal(err->code, SRIOV_ERROR_EXISTS);
	assert_true(g_file_get_contents(place.path, &content, NULL, NULL));
	assert_string_equal(content, "precious");
	place_clear(&place);
}

static gpointer listen_at_once(gpointer data)
{
	int fd = -1;

	if (srv_varlink_listen(data, 0600, &fd, NULL) < 0)
		return NULL;
	return GINT_TO_POINTER(fd);
}

static void listen_of_many_at_once_one_wins(void **state)
{
	for (int round = 0; round < 20; round++) {
		GThread *threads[8];
		struct place place;
		int winners = 0, fds[8] = { 0 };

		place_init(&place);
		for (size_t i = 0; i < G_N_ELEMENTS(threads); i++)
			threads[i] = g_thread_new("daemon", listen_at_once, place.path);
		for (size_t i = 0; i < G_N_ELEMENTS(threads); i++) {
			fds[i] = GPOINTER_TO_INT(g_thread_join(threads[i]));
			winners += fds[i] > 0 ? 1 : 0;
		}
		assert_int_equal(winners, 1);
		for (size_t i = 0; i < G_N_ELEMENTS(fds); i++)
			if (fds[i] > 0)
				close(fds[i]);
		place_clear(&place);
	}
}

static void listen_impossible_places_are_errors(void **state)
{
	g_autofree char *path = g_strnfill(104, 'a');
	sriov_autoerror place = NULL;
	sriov_autoerror length = NULL;
	int fd = -1;

	assert_int_equal(srv_varlink_listen("/nonexistent/socket", 0600, &fd, &place), -ENOENT);
	assert_int_equal(place->code, SRIOV_ERROR_UNAVAILABLE);
	/* ".new" still has to fit behind it. */
	assert_int_equal(srv_varlink_listen(path, 0600, &fd, &length), -ENAMETOOLONG);
	assert_int_equal(length->code, SRIOV_ERROR_INVALID);
	assert_int_equal(fd, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listen_makes_a_socket_with_its_mode),
		cmocka_unit_test(listen_replaces_a_dead_socket),
		cmocka_unit_test(listen_leaves_a_living_daemon_its_socket),
		cmocka_unit_test(listen_while_another_daemon_starts_is_refused),
		cmocka_unit_test(listen_leaves_a_file_alone),
		cmocka_unit_test(listen_of_many_at_once_one_wins),
		cmocka_unit_test(listen_impossible_places_are_errors),
	};

	return cmocka_run_group_tests_name("varlink-listen", tests, NULL, NULL);
}
