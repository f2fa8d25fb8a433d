// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <string.h>

#include <glib.h>

#include "srv/protocol/interface.h"
#include "srv/sriovd/api.h"
#include "tests/unit/api-rights.h"

static gid_t admin_groups[] = { 10, ADMIN_GID };
static gid_t reader_groups[] = { READER_GID, 10 };
static gid_t other_groups[] = { 10 };

static const struct srv_peer peers[PEOPLE] = {
	[ROOT] = { .uid = 0, .gid = 0 },
	[ADMIN] = { .uid = 1000, .gid = OTHER_GID, .groups = admin_groups, .n_groups = 2 },
	[READER] = { .uid = 1001, .gid = OTHER_GID, .groups = reader_groups, .n_groups = 2 },
	[STRANGER] = { .uid = 1002, .gid = OTHER_GID, .groups = other_groups, .n_groups = 1 },
};

static const struct srv_access access_groups = { (char *)"sriovd", (char *)"sriovd-read" };
static const struct srv_access_ids with_read_group = {
	.has_admin = true, .admin = ADMIN_GID, .has_read = true, .read = READER_GID
};
static const struct srv_access_ids without_read_group = { .has_admin = true,
							  .admin = ADMIN_GID,
							  .read_all = true };

static char *who_may(const char *method, const struct srv_access_ids *ids)
{
	static const char letters[PEOPLE + 1] = "RArs";
	char *may = g_strdup("----");

	for (int who = 0; who < PEOPLE; who++) {
		sriov_autoerror err = NULL;
		int r = srv_api_authorize(&peers[who], method, ids, &access_groups, &err);

		if (r == 0) {
			assert_null(err);
			may[who] = letters[who];
		} else {
			assert_non_null(err);
			assert_int_equal(err->code, SRIOV_ERROR_DENIED);
		}
	}
	return may;
}

static void authorize_each_method_and_caller_as_the_table_says(void **state)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rights); i++) {
		g_autofree char *with = who_may(rights[i].method, &with_read_group);
		g_autofree char *without = who_may(rights[i].method, &without_read_group);

		if (strcmp(with, rights[i].with_read_group) != 0 ||
		    strcmp(without, rights[i].without_read_group) != 0)
			fail_msg("%s: %s and %s, expected %s and %s", rights[i].method, with,
				 without, rights[i].with_read_group, rights[i].without_read_group);
	}
}

/* A method that is added to the API must be added to the table above, too. */
static void table_holds_every_method_of_the_interface(void **state)
{
	struct srv_interface *interface;
	sriov_autoerror err = NULL;
	const char *const *methods;
	size_t n = 0;

	assert_ok(srv_interface_parse(srv_api_interface_text, &interface, &err), err);
	methods = srv_interface_methods(interface);
	for (; methods[n]; n++) {
		bool found = false;

		for (size_t i = 0; i < G_N_ELEMENTS(rights) && !found; i++)
			found = strcmp(rights[i].method, methods[n]) == 0;
		if (!found)
			fail_msg("%s is not in the table", methods[n]);
	}
	assert_int_equal(n, G_N_ELEMENTS(rights));
	srv_interface_free(interface);
}

static void authorize_group_is_the_primary_one_counts(void **state)
{
	const struct srv_peer admin = { .uid = 1003, .gid = ADMIN_GID };
	const struct srv_peer reader = { .uid = 1004, .gid = READER_GID };

	assert_int_equal(srv_api_authorize(&admin, "Claim", &with_read_group, &access_groups, NULL),
			 0);
	assert_int_equal(
		srv_api_authorize(&reader, "ListNics", &with_read_group, &access_groups, NULL), 0);
	assert_true(srv_api_authorize(&reader, "Claim", &with_read_group, &access_groups, NULL) <
		    0);
}

/* What is not there cannot be joined. */
static void assert_no_way_to_join(const struct srv_access_ids *ids, const char *method)
{
	sriov_autoerror err = NULL;

	srv_api_authorize(&peers[STRANGER], method, ids, &access_groups, &err);
	assert_null(strstr(err->message, "join"));
}

/* A gid of 0 that stands for "no such group" must let nobody in. */
static void authorize_groups_missing_root_alone(void **state)
{
	const struct srv_access_ids none = { 0 };
	const struct srv_peer wheel = { .uid = 1005, .gid = 0 };

	for (size_t i = 0; i < G_N_ELEMENTS(rights); i++) {
		g_autofree char *may = who_may(rights[i].method, &none);

		assert_string_equal(may, "R---");
		assert_no_way_to_join(&none, rights[i].method);
		assert_true(srv_api_authorize(&wheel, rights[i].method, &none, &access_groups,
					      NULL) < 0);
	}
}

/* Both rights given to one group, it is named once. */
static void authorize_one_group_for_both_is_named_once(void **state)
{
	const struct srv_access access = { (char *)"net", (char *)"net" };
	sriov_autoerror err = NULL;

	srv_api_authorize(&peers[STRANGER], "GetStatus", &with_read_group, &access, &err);
	assert_string_equal(err->message, "only root and members of the group net may do this; to "
					  "join net: usermod -aG net USER, and log in again");
}

static void authorize_denied_sentence_names_who_may(void **state)
{
	sriov_autoerror change = NULL;
	sriov_autoerror read = NULL;
	sriov_autoerror hook = NULL;

	srv_api_authorize(&peers[STRANGER], "Claim", &with_read_group, &access_groups, &change);
	srv_api_authorize(&peers[STRANGER], "GetStatus", &with_read_group, &access_groups, &read);
	srv_api_authorize(&peers[ADMIN], "DomainHook", &with_read_group, &access_groups, &hook);
	assert_string_equal(
		change->message,
		"only root and members of the group sriovd may do this; to join sriovd: "
		"usermod -aG sriovd USER, and log in again");
	assert_string_equal(
		read->message,
		"only root and members of the groups sriovd and sriovd-read may do this; to join "
		"sriovd-read: usermod -aG sriovd-read USER, and log in again");
	assert_string_equal(hook->message, "only root may do this: it is for libvirt's hook");
}

/* What nobody has thought of is closed. */
static void authorize_unknown_method_root_alone(void **state)
{
	g_autofree char *may = who_may("Destroy", &without_read_group);

	assert_string_equal(may, "R---");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(authorize_each_method_and_caller_as_the_table_says),
		cmocka_unit_test(table_holds_every_method_of_the_interface),
		cmocka_unit_test(authorize_group_is_the_primary_one_counts),
		cmocka_unit_test(authorize_groups_missing_root_alone),
		cmocka_unit_test(authorize_one_group_for_both_is_named_once),
		cmocka_unit_test(authorize_denied_sentence_names_who_may),
		cmocka_unit_test(authorize_unknown_method_root_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
