// SPDX-License-Identifier: GPL-2.0-or-later
/* The program sriovd-sysfs itself, on trees without a kernel behind them. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pci/outcome.h"
#include "srv/helper/protocol.h"
#include "tests/support/tree.h"

#define PF_DIR "sys/devices/pci0000:00/0000:01:00.0"

struct answer {
	int status; /* exit status */
	char *out;
	char *err;
};

static char *program(void)
{
	/* Beside the folder of this test program: BUILD/tests/unit/test-helper. */
	g_autofree char *self = realpath("/proc/self/exe", NULL);
	g_autofree char *dir = g_path_get_dirname(self);

	return g_build_filename(dir, "../..", SRV_HELPER_PROGRAM, NULL);
}

/* Runs it with --root ROOT and up to six arguments. */
static struct answer run(const char *root, const char *const *args)
{
	g_autofree char *path = program();
	char *argv[12] = { path, (char *)"--root", (char *)root };
	g_autoptr(GError) error = NULL;
	struct answer answer;
	int status;

	for (int i = 0; args[i]; i++)
		argv[3 + i] = (char *)args[i];
	if (!g_spawn_sync(NULL, argv, NULL, G_SPAWN_DEFAULT, NULL, NULL, &answer.out, &answer.err,
			  &status, &error))
		fail_msg("%s", error->message);
	assert_true(WIFEXITED(status));
	answer.status = WEXITSTATUS(status);
	return answer;
}
#define RUN(root, ...) run(root, (const char *const[]){ __VA_ARGS__, NULL })

static void check(struct answer answer, int status, const char *out)
{
	assert_string_equal(answer.out, out);
	assert_int_equal(answer.status, status);
	g_free(answer.out);
	g_free(answer.err);
}

static void check_usage(struct answer answer)
{
	assert_true(g_str_has_prefix(answer.err, "usage: sriovd-sysfs"));
	check(answer, SRV_HELPER_USAGE, "");
}

static struct spci_outcome *parse(struct answer answer, int status)
{
	struct spci_outcome *outcome = NULL;
	sriov_autoerror err = NULL;

	assert_int_equal(answer.status, status);
	assert_ok(spci_outcome_parse(answer.out, strlen(answer.out), &outcome, &err), err);
	assert_string_equal(answer.err, "");
	g_free(answer.out);
	g_free(answer.err);
	return outcome;
}

static int setup(void **state)
{
	char *root = tree_new();

	tree_add_pf(
		root,
		&(struct tree_pf){
			.bus = 1, .total = 7, .netdev = "ens1", .ifindex = 2, .first_group = 10 });
	*state = root;
	return 0;
}

static int teardown(void **state)
{
	tree_remove(*state);
	return 0;
}

static void check_content(const char *root, const char *path, const char *expected)
{
	g_autofree char *full = g_build_filename(root, path, NULL);
	g_autofree char *text = NULL;

	assert_true(g_file_get_contents(full, &text, NULL, NULL));
	/* A plain file keeps what stood behind the bytes written: the newline. */
	assert_string_equal(g_strchomp(text), expected);
}

static void create_prints_number_read_back(void **state)
{
	check(RUN(*state, "create", "0000:01:00.0", "7"), SRV_HELPER_OK,
	      "{\"ok\":true,\"num\":7}\n");
	check_content(*state, PF_DIR "/sriov_numvfs", "7");
	check_content(*state, PF_DIR "/sriov_drivers_autoprobe", "0");
}

static void create_refused_error_as_json(void **state)
{
	struct spci_outcome *outcome = parse(RUN(*state, "create", "0000:01:00.0", "8"),
					     SRV_HELPER_FAILED);

	assert_int_equal(outcome->error->code, SRIOV_ERROR_INVALID);
	assert_string_equal(outcome->error->subject, "0000:01:00.0");
	spci_outcome_free(outcome);
	check_content(*state, PF_DIR "/sriov_numvfs", "0");
}

static void destroy_without_vfs_ok(void **state)
{
	check(RUN(*state, "destroy", "01:00.0"), SRV_HELPER_OK, "{\"ok\":true,\"num\":0}\n");
}

static void reset_each_tried_in_order(void **state)
{
	struct spci_outcome *outcome;
	const struct spci_result *const *results;

	tree_file(*state, PF_DIR "/reset", "");
	outcome = parse(RUN(*state, "reset", "0000:09:00.0", "0000:01:00.0", "0000:08:00.0"),
			SRV_HELPER_FAILED);
	assert_int_equal(outcome->results->len, 3);
	results = (const struct spci_result *const *)outcome->results->pdata;
	assert_int_equal(results[0]->error->code, SRIOV_ERROR_NOT_FOUND);
	assert_null(results[1]->error);
	assert_int_equal(results[2]->error->code, SRIOV_ERROR_NOT_FOUND);
	assert_string_equal(outcome->error->subject, "0000:09:00.0");
	spci_outcome_free(outcome);
	check_content(*state, PF_DIR "/reset", "1");
}

static void bind_driver_not_loaded_reported(void **state)
{
	struct spci_outcome *outcome = parse(RUN(*state, "bind", "vfio-pci", "0000:01:00.0"),
					     SRV_HELPER_FAILED);

	assert_int_equal(outcome->results->len, 1);
	assert_int_equal(outcome->error->code, SRIOV_ERROR_NOT_SUPPORTED);
	spci_outcome_free(outcome);
}

static void arguments_outside_closed_list_usage(void **state)
{
	check_usage(RUN(*state, "", ""));
	check_usage(RUN(*state, "write", "0000:01:00.0"));
	check_usage(RUN(*state, "create", "0000:01:00.0"));
	check_usage(RUN(*state, "create", "0000:01:00.0", "0"));
	check_usage(RUN(*state, "create", "0000:01:00.0", "-1"));
	check_usage(RUN(*state, "create", "0000:01:00.0", "7x"));
	check_usage(RUN(*state, "create", "0000:01:00.0", "65536"));
	check_usage(RUN(*state, "create", "0000:01:00.0", "7", "7"));
	check_usage(RUN(*state, "create", "../0000:01:00.0", "7"));
	check_usage(RUN(*state, "destroy"));
	check_usage(RUN(*state, "destroy", "0000:01:00.0", "0000:01:00.1"));
	check_usage(RUN(*state, "destroy", "ens1"));
	check_usage(RUN(*state, "bind", "vfio-pci"));
	check_usage(RUN(*state, "bind", "ice", "0000:01:00.0"));
	check_usage(RUN(*state, "bind", "", "0000:01:00.0"));
	check_usage(RUN(*state, "bind", "../vfio-pci", "0000:01:00.0"));
	check_usage(RUN(*state, "bind", "vfio-pci", "0000:01:00.0", "x"));
	check_usage(RUN(*state, "reset"));
	check_usage(RUN(*state, "reset", "0000:01:00.8"));
	check_content(*state, PF_DIR "/sriov_numvfs", "0");
	check_content(*state, PF_DIR "/driver_override", "(null)");
}

/* Without arguments, and with the root but without its directory. */
static void arguments_missing_usage(void **state)
{
	g_autofree char *path = program();
	char *none[] = { path, NULL };
	char *root_only[] = { path, (char *)"--root", NULL };
	int status;

	assert_true(g_spawn_sync(NULL, none, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, NULL,
				 NULL, &status, NULL));
	assert_int_equal(WEXITSTATUS(status), SRV_HELPER_USAGE);
	assert_true(g_spawn_sync(NULL, root_only, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL,
				 NULL, NULL, &status, NULL));
	assert_int_equal(WEXITSTATUS(status), SRV_HELPER_USAGE);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(create_prints_number_read_back),  CASE(create_refused_error_as_json),
		CASE(destroy_without_vfs_ok),	       CASE(reset_each_tried_in_order),
		CASE(bind_driver_not_loaded_reported), CASE(arguments_outside_closed_list_usage),
		CASE(arguments_missing_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
