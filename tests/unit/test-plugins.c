// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "srv/sriovd/config.h"
#include "srv/sriovd/plugins.h"

/* A file of the build folder, in which this program is tests/unit/test-plugins. */
static char *built(const char *path)
{
	g_autofree char *exe = g_file_read_link("/proc/self/exe", NULL);
	g_autofree char *dir = g_path_get_dirname(exe);

	return g_build_filename(dir, "..", "..", path, NULL);
}

static char *make_dir(void)
{
	char *dir = g_dir_make_tmp("sriovd-plugins-XXXXXX", NULL);

	assert_non_null(dir);
	assert_int_equal(g_chmod(dir, 0755), 0);
	return dir;
}

/* Copies a plugin into dir under a name. */
static void put(const char *dir, const char *path, const char *name)
{
	g_autofree char *from = built(path);
	g_autofree char *to = g_build_filename(dir, name, NULL);
	g_autofree char *bytes = NULL;
	gsize size;

	if (!g_file_get_contents(from, &bytes, &size, NULL))
		fail_msg("%s is not built", from);
	assert_true(g_file_set_contents(to, bytes, (gssize)size, NULL));
	assert_int_equal(g_chmod(to, 0755), 0);
}

static void remove_dir(char *path)
{
	GDir *dir = g_dir_open(path, 0, NULL);
	const char *name;

	while ((name = g_dir_read_name(dir))) {
		g_autofree char *child = g_build_filename(path, name, NULL);

		g_unlink(child);
	}
	g_dir_close(dir);
	g_rmdir(path);
	g_free(path);
}

/* "names of the loaded;" and then "file: reason" of each problem, one a line. */
static char *load(const char *dir)
{
	g_autoptr(GPtrArray)
		problems = g_ptr_array_new_with_free_func((GDestroyNotify)srv_problem_free);
	GString *text = g_string_new(NULL);
	struct srv_plugins *plugins = NULL;
	const struct sbe_plugin *const *list;
	sriov_autoerror err = NULL;
	size_t n;

	assert_ok(srv_plugins_load(dir, &plugins, problems, &err), err);
	list = srv_plugins_list(plugins, &n);
	for (size_t i = 0; i < n; i++)
		g_string_append_printf(text, "%s;", list[i]->name);
	for (guint i = 0; i < problems->len; i++) {
		const struct srv_problem *problem = problems->pdata[i];
		const char *subject = problem->subject;

		assert_true(problem->is_error);
		assert_true(g_str_has_prefix(subject, dir));
		subject += strlen(dir);
		g_string_append_printf(text, "\n%s: %s", subject, problem->message);
	}
	srv_plugins_free(plugins);
	return g_string_free(text, FALSE);
}

static void assert_loaded(const char *dir, const char *expected)
{
	g_autofree char *text = load(dir);

	assert_string_equal(text, expected);
}

static void plugins_load_shipped_ones_found_by_what_they_serve(void **state)
{
	char *dir = make_dir();
	g_autoptr(GPtrArray)
		problems = g_ptr_array_new_with_free_func((GDestroyNotify)srv_problem_free);
	struct srv_plugins *plugins = NULL;
	sriov_autoerror err = NULL;

	put(dir, "plugins/vfio.so", "vfio.so");
	put(dir, "plugins/vhost.so", "vhost.so");
	assert_ok(srv_plugins_load(dir, &plugins, problems, &err), err);
	assert_int_equal(problems->len, 0);
	assert_string_equal(srv_plugins_find(plugins, SBE_OWNER_DOMAIN, SBE_BACKING_VF)->name,
			    "vfio");
	assert_string_equal(srv_plugins_find(plugins, SBE_OWNER_DOMAIN, SBE_BACKING_VIRTIO)->name,
			    "vhost");
	assert_null(srv_plugins_find(plugins, SBE_OWNER_CONTAINER, SBE_BACKING_VF));
	srv_plugins_free(plugins);
	remove_dir(dir);
}

static void plugins_load_each_bad_one_refused_with_its_reason(void **state)
{
	static const struct {
		const char *file, *reason;
	} cases[] = {
		{ "bad-abi",
		  "it was built for version 7 of the plugin ABI, this daemon has version "
		  "1; install daemon and plugin of one release" },
		{ "bad-byte", "its \"sbe_plugin\" is no descriptor (1 bytes)" },
		{ "bad-hidden", "it is no plugin of sriovd: it has no symbol \"sbe_plugin\"" },
		{ "bad-name", "its name is not 1 to 32 letters, digits and \"-\"" },
		{ "bad-no-attach", "it has no attach function" },
		{ "bad-no-backings", "it serves no kind of backing" },
		{ "bad-no-description", "it has no description" },
		{ "bad-no-descriptor",
		  "it is no plugin of sriovd: it has no symbol \"sbe_plugin\"" },
		{ "bad-no-detach", "it has no detach function" },
		{ "bad-no-name", "its name is not 1 to 32 letters, digits and \"-\"" },
		{ "bad-no-owners", "it serves no kind of owner" },
		{ "bad-nodelete", "it was built for version 2 of the plugin ABI, this daemon has "
				  "version 1; install daemon and plugin of one release" },
		{ "bad-size", "its descriptor has 55 bytes, fewer than the 56 of ABI version 1" },
		{ "bad-small", "its descriptor has 4 bytes, fewer than the 56 of ABI version 1" },
		{ "bad-unresolved", "undefined symbol: srv_function_of_the_daemon" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		char *dir = make_dir();
		g_autofree char *path = g_strdup_printf("tests/plugins/%s.so", cases[i].file);
		g_autofree char *expected = g_strdup_printf("\n/x.so: plugin not loaded: %s",
							    cases[i].reason);

		put(dir, path, "x.so");
		assert_loaded(dir, expected);
		remove_dir(dir);
	}
}

/*
 * The refused give their descriptor's number back, or keep it when they stay in memory: either way
 * the next one must be itself and not what glibc remembers under that name.
 */
static void plugins_load_good_ones_among_bad_ones(void **state)
{
	char *dir = make_dir();

	put(dir, "tests/plugins/bad-abi.so", "10.so");
	put(dir, "tests/plugins/bad-nodelete.so", "20.so");
	put(dir, "tests/plugins/bad-unresolved.so", "30.so");
	put(dir, "tests/plugins/good-sound.so", "40.so");
	put(dir, "plugins/vfio.so", "50.so");
	put(dir, "tests/plugins/bad-no-attach.so", ".60.so");
	put(dir, "tests/plugins/bad-no-attach.so", "70.so.old");
	assert_loaded(dir, "sound;vfio;\n"
			   "/10.so: plugin not loaded: it was built for version 7 of the plugin "
			   "ABI, this daemon has version 1; install daemon and plugin of one "
			   "release\n"
			   "/20.so: plugin not loaded: it was built for version 2 of the plugin "
			   "ABI, this daemon has version 1; install daemon and plugin of one "
			   "release\n"
			   "/30.so: plugin not loaded: undefined symbol: "
			   "srv_function_of_the_daemon");
	remove_dir(dir);
}

/* Two directories, one after the other: a name seen before means another file now. */
static void plugins_load_again_loads_what_is_there_now(void **state)
{
	char *first = make_dir(), *second = make_dir();

	put(first, "plugins/vfio.so", "x.so");
	put(second, "plugins/vhost.so", "x.so");
	assert_loaded(first, "vfio;");
	assert_loaded(second, "vhost;");
	assert_loaded(first, "vfio;");
	remove_dir(first);
	remove_dir(second);
}

static void plugins_load_same_name_or_service_twice_refused(void **state)
{
	char *dir = make_dir();

	put(dir, "tests/plugins/good-sound.so", "10.so");
	put(dir, "tests/plugins/good-sound.so", "20.so");
	put(dir, "tests/plugins/bad-same-service.so", "30.so");
	assert_loaded(dir, "sound;\n"
			   "/20.so: plugin not loaded: there is already a plugin \"sound\"; remove "
			   "one of them\n"
			   "/30.so: plugin not loaded: it serves what the plugin \"sound\" serves "
			   "already; remove one of them");
	remove_dir(dir);
}

static void plugins_load_writable_files_refused(void **state)
{
	char *dir = make_dir();
	g_autofree char *group = g_build_filename(dir, "group.so", NULL);
	g_autofree char *other = g_build_filename(dir, "other.so", NULL);

	put(dir, "plugins/vfio.so", "group.so");
	put(dir, "plugins/vfio.so", "other.so");
	assert_int_equal(g_chmod(group, 0775), 0);
	assert_int_equal(g_chmod(other, 0757), 0);
	assert_loaded(dir, "\n/group.so: plugin not loaded: it may be written by its group (mode "
			   "0775); take that away (chmod go-w)"
			   "\n/other.so: plugin not loaded: it may be written by everybody (mode "
			   "0757); take that away (chmod go-w)");
	remove_dir(dir);
}

static void plugins_load_writable_directory_refused(void **state)
{
	char *dir = make_dir();

	put(dir, "plugins/vfio.so", "vfio.so");
	assert_int_equal(g_chmod(dir, 0777), 0);
	assert_loaded(dir, "\n: no plugin loaded: the directory may be written by everybody (mode "
			   "0777); take that away (chmod go-w)");
	assert_int_equal(g_chmod(dir, 02775), 0);
	assert_loaded(dir, "\n: no plugin loaded: the directory may be written by its group (mode "
			   "2775); take that away (chmod go-w)");
	remove_dir(dir);
}

static void plugins_load_strangers_property_refused(void **state)
{
	char *dir;
	g_autofree char *file = NULL;

	if (geteuid() != 0)
		skip_because("needs root");
	dir = make_dir();
	file = g_build_filename(dir, "vfio.so", NULL);
	put(dir, "plugins/vfio.so", "vfio.so");
	assert_int_equal(chown(file, 65534, 0), 0);
	assert_loaded(dir, "\n/vfio.so: plugin not loaded: it belongs to user 65534, who could put "
			   "anything into it; make it root's (chown root)");
	assert_int_equal(chown(dir, 65534, 0), 0);
	assert_loaded(dir, "\n: no plugin loaded: the directory belongs to user 65534, who could "
			   "put anything into it; make it root's (chown root)");
	remove_dir(dir);
}

static void plugins_load_odd_files_refused(void **state)
{
	char *dir = make_dir();
	g_autofree char *target = built("plugins/vfio.so");
	g_autofree char *link = g_build_filename(dir, "10-link.so", NULL);
	g_autofree char *fifo = g_build_filename(dir, "20-fifo.so", NULL);
	g_autofree char *text = g_build_filename(dir, "30-text.so", NULL);

	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(mkfifo(fifo, 0644), 0);
	assert_true(g_file_set_contents(text, "#!/bin/sh\n", -1, NULL));
	assert_int_equal(g_chmod(text, 0644), 0);
	assert_loaded(dir, "\n/10-link.so: plugin not loaded: it is a symbolic link; put the file "
			   "itself there"
			   "\n/20-fifo.so: plugin not loaded: it is not a regular file"
			   "\n/30-text.so: plugin not loaded: file too short");
	remove_dir(dir);
}

static void plugins_load_without_plugins_says_so(void **state)
{
	char *dir = make_dir();

	assert_loaded(dir, "\n: no plugin loaded: there is none in the directory; install sriovd's "
			   "plugins");
	assert_int_equal(g_rmdir(dir), 0);
	assert_loaded(dir, "\n: no plugin loaded: the directory is not there; install sriovd's "
			   "plugins");
	g_free(dir);
}

static void plugins_load_not_a_directory_is_an_error(void **state)
{
	g_autoptr(GPtrArray)
		problems = g_ptr_array_new_with_free_func((GDestroyNotify)srv_problem_free);
	struct srv_plugins *plugins = NULL;
	sriov_autoerror err = NULL;

	assert_int_equal(srv_plugins_load("/dev/null", &plugins, problems, &err), -ENOTDIR);
	assert_null(plugins);
	assert_string_equal(err->subject, "/dev/null");
	assert_string_equal(err->message, "cannot open the plugin directory: Not a directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plugins_load_shipped_ones_found_by_what_they_serve),
		cmocka_unit_test(plugins_load_each_bad_one_refused_with_its_reason),
		cmocka_unit_test(plugins_load_good_ones_among_bad_ones),
		cmocka_unit_test(plugins_load_again_loads_what_is_there_now),
		cmocka_unit_test(plugins_load_same_name_or_service_twice_refused),
		cmocka_unit_test(plugins_load_writable_files_refused),
		cmocka_unit_test(plugins_load_writable_directory_refused),
		cmocka_unit_test(plugins_load_strangers_property_refused),
		cmocka_unit_test(plugins_load_odd_files_refused),
		cmocka_unit_test(plugins_load_without_plugins_says_so),
		cmocka_unit_test(plugins_load_not_a_directory_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
