// SPDX-License-Identifier: GPL-2.0-or-later
/* What each command prints of what the daemon answers, whole, for people and as JSON. */
#include "tests/unit/test.h"

#include <string.h>

#include <glib.h>

#include "tests/support/ctl-run.h"

static const struct show_case {
	const char *args, *method, *reply; /* fixture: reply.json */
	const char *text;		   /* fixture: what is printed, text.txt */
	const char *call;		   /* what the daemon was asked */
	int status;
} cases[] = {
	{ "", "GetStatus", "status", "status", "GetStatus {}\n", 0 },
	{ "status", "GetStatus", "trouble-status", "trouble-status", "GetStatus {}\n", 0 },
	{ "status", "GetStatus", "empty-status", "empty-status", "GetStatus {}\n", 0 },
	{ "status", "GetStatus", "refused-status", "refused-status", "GetStatus {}\n", 0 },
	{ "status", "GetStatus", "refused-first-status", "refused-first-status", "GetStatus {}\n",
	  0 },
	{ "pf list", "ListPFs", "pf-list", "pf-list", "ListPFs {}\n", 0 },
	{ "pf", "ListPFs", "trouble-pf-list", "trouble-pf-list", "ListPFs {}\n", 0 },
	{ "vf list", "ListVFs", "vf-list", "vf-list", "ListVFs {}\n", 0 },
	{ "vf list enp1s0", "ListVFs", "trouble-vf-list", "trouble-vf-list",
	  "ListVFs {\"pf\":\"enp1s0\"}\n", 0 },
	{ "vf show enp1s0/3", "GetVF", "vf-show", "vf-show", "GetVF {\"vf\":\"enp1s0/3\"}\n", 0 },
	{ "vf show 0000:01:10.6", "GetVF", "trouble-vf-show", "trouble-vf-show",
	  "GetVF {\"vf\":\"0000:01:10.6\"}\n", 0 },
	{ "vf claim dpdk1 --network tenant-b", "Claim", "vf-claim", "vf-claim",
	  "Claim {\"owner\":\"dpdk1\",\"network\":\"tenant-b\"}\n", 0 },
	{ "vf claim script1 --network=pods --id net0 --mac 52:54:00:aa:00:14", "Claim",
	  "vf-claim-netdev", "vf-claim-netdev",
	  "Claim {\"owner\":\"script1\",\"network\":\"pods\",\"id\":\"net0\","
	  "\"mac\":\"52:54:00:aa:00:14\"}\n",
	  0 },
	{ "vf show enp1s0/3", "GetVF", "vf-show-quarantined", "vf-show-quarantined",
	  "GetVF {\"vf\":\"enp1s0/3\"}\n", 0 },
	{ "vf scrub enp1s0/3", "ScrubVF", "vf-scrub", "vf-scrub", "ScrubVF {\"vf\":\"enp1s0/3\"}\n",
	  0 },
	{ "vf scrub 0000:01:10.6", "ScrubVF", "vf-scrub-owned", "vf-scrub-owned",
	  "ScrubVF {\"vf\":\"0000:01:10.6\"}\n", 0 },
	{ "nic list", "ListNics", "nic-list", "nic-list", "ListNics {}\n", 0 },
	{ "nic list web1", "ListNics", "trouble-nic-list", "trouble-nic-list",
	  "ListNics {\"owner\":\"web1\"}\n", 0 },
	{ "nic show mail net0", "GetNic", "nic-show", "nic-show",
	  "GetNic {\"owner\":\"mail\",\"id\":\"net0\"}\n", 0 },
	{ "nic show mail/net0", "GetNic", "nic-show", "nic-show",
	  "GetNic {\"owner\":\"mail\",\"id\":\"net0\"}\n", 0 },
	{ "nic add web1 --network tenant-a", "AddNic", "nic-add", "nic-add",
	  "AddNic {\"domain\":\"web1\",\"network\":\"tenant-a\"}\n", 0 },
	{ "nic add --id net1 --mode failover web1 --mac 52-54-00-AA-00-42 --priority 10 --network "
	  "tenant-a --now",
	  "AddNic", "nic-add", "nic-add-off",
	  "AddNic {\"domain\":\"web1\",\"network\":\"tenant-a\",\"id\":\"net1\",\"mode\":"
	  "\"failover\",\"mac\":\"52-54-00-AA-00-42\",\"priority\":10,\"now\":true}\n",
	  0 },
	{ "nic remove web1 net1", "RemoveNic", "nic-remove", "nic-remove",
	  "RemoveNic {\"domain\":\"web1\",\"id\":\"net1\"}\n", 0 },
	{ "explain mail", "Explain", "explain", "explain", "Explain {\"owner\":\"mail\"}\n", 0 },
	{ "explain web1 net0", "Explain", "explain-vf", "explain-vf",
	  "Explain {\"owner\":\"web1\",\"id\":\"net0\"}\n", 0 },
	{ "config check", "CheckConfig", "config-check", "config-check", "CheckConfig {}\n", 3 },
	{ "config check", "CheckConfig", "config-warning", "config-warning", "CheckConfig {}\n",
	  0 },
	{ "config check", "CheckConfig", "no-problems", "config-good", "CheckConfig {}\n", 0 },
	{ "reload", "Reload", "config-warning", "reload-warning", "Reload {}\n", 0 },
	{ "reload", "Reload", "no-problems", "reload", "Reload {}\n", 0 },
	{ "ledger check", "CheckLedger", "no-problems", "ledger-good", "CheckLedger {}\n", 0 },
	{ "ledger check", "CheckLedger", "ledger-problems", "ledger-problems", "CheckLedger {}\n",
	  13 },
	{ "ledger rebuild --yes", "RebuildLedger", "ledger-rebuild", "ledger-rebuild",
	  "RebuildLedger {}\n", 0 },
};

static void assert_fixture(const char *text, const char *name, const char *tail)
{
	g_autofree char *file = g_strconcat(name, tail, NULL);
	g_autofree char *expected = canned_fixture(file);

	assert_string_equal(text, expected);
}

static void every_command_prints_a_table_for_people(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct show_case *c = &cases[i];
		struct ctl_run_of run = { .args = c->args };

		canned_reset(daemon);
		canned_reply_file(daemon, c->method, c->reply);
		ctl_run_it(daemon, &run);
		assert_string_equal(run.err, "");
		assert_fixture(run.out, c->text, ".txt");
		assert_string_equal(daemon->calls->str, c->call);
		assert_int_equal(run.status, c->status);
		ctl_run_clear(&run);
	}
	canned_daemon_free(daemon);
}

static void every_command_prints_the_reply_as_json(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct show_case *c = &cases[i];
		/* Wherever it stands, and on a terminal too. */
		g_autofree char *args = g_strdup_printf(i % 2 ? "%s --json" : "--json %s", c->args);
		struct ctl_run_of run = { .args = args, .width = i % 3 ? 0 : 40 };

		canned_reset(daemon);
		canned_reply_file(daemon, c->method, c->reply);
		ctl_run_it(daemon, &run);
		assert_string_equal(run.err, "");
		assert_fixture(run.out, c->reply, ".json");
		assert_int_equal(run.status, c->status);
		ctl_run_clear(&run);
	}
	canned_daemon_free(daemon);
}

static void pf_show_prints_the_pf_and_its_vfs(void **state)
{
	static const char *const names[] = { "enp1s0", "0000:01:00.0", "01:00.0" };
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of json = { .args = "pf show enp1s0 --json" };

	canned_reply_file(daemon, "ListVFs", "vf-list");
	canned_reply_file(daemon, "ListPFs", "pf-list");
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *args = g_strdup_printf("pf show %s", names[i]);
		g_autofree char *calls = g_strdup_printf("ListVFs {\"pf\":\"%s\"}\nListPFs {}\n",
							 names[i]);
		struct ctl_run_of run = { .args = args };

		g_string_truncate(daemon->calls, 0);
		ctl_run_it(daemon, &run);
		assert_string_equal(run.err, "");
		assert_fixture(run.out, "pf-show", ".txt");
		assert_string_equal(daemon->calls->str, calls);
		ctl_run_clear(&run);
	}
	ctl_run_it(daemon, &json);
	assert_fixture(json.out, "pf-show", ".json");
	ctl_run_clear(&json);
	canned_daemon_free(daemon);
}

static void pf_show_of_one_without_vfs_prints_the_pf(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "pf show enp1s0f1" };

	canned_reply(daemon, "ListVFs", json_pack("{s:[]}", "vfs"));
	canned_reply_file(daemon, "ListPFs", "pf-list");
	ctl_run_it(daemon, &run);
	assert_fixture(run.out, "pf-show-unmanaged", ".txt");
	ctl_run_clear(&run);
	canned_daemon_free(daemon);
}

/* "nic show OWNER": as much as there is, each nic in full. */
static void nic_show_without_id_shows_all_of_the_owner(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	g_autofree char *path = TEST_SOURCE("tests/fixtures/ctl/nic-show.json");
	g_autofree char *one = canned_fixture("nic-show.txt");
	g_autofree char *two = g_strdup_printf("%s\n%s", one, one);
	json_t *reply = json_load_file(path, 0, NULL), *nic = json_object_get(reply, "nic");

	for (int n = 1; n <= 2; n++) {
		struct ctl_run_of run = { .args = "nic show mail" };
		json_t *nics = json_array();

		for (int i = 0; i < n; i++)
			json_array_append(nics, nic);
		canned_reset(daemon);
		canned_reply(daemon, "ListNics", json_pack("{s:o}", "nics", nics));
		ctl_run_it(daemon, &run);
		assert_string_equal(run.err, "");
		assert_string_equal(run.out, n == 1 ? one : two);
		assert_string_equal(daemon->calls->str, "ListNics {\"owner\":\"mail\"}\n");
		assert_int_equal(run.status, 0);
		ctl_run_clear(&run);
	}
	json_decref(reply);
	canned_daemon_free(daemon);
}

static void nic_show_of_an_owner_without_nics_is_not_found(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "nic show web1" };

	canned_reply(daemon, "ListNics", json_pack("{s:[]}", "nics"));
	ctl_run_it(daemon, &run);
	assert_string_equal(run.err, "sriovctl: web1: sriovd knows no nic of it; sriovctl nic list "
				     "shows all\n");
	assert_int_equal(run.status, 4);
	ctl_run_clear(&run);
	canned_daemon_free(daemon);
}

static void lists_that_are_empty_say_so(void **state)
{
	static const struct {
		const char *args, *method, *member, *text;
	} empty[] = {
		{ "pf list", "ListPFs", "pfs", "This host has no NIC with SR-IOV.\n" },
		{ "vf list", "ListVFs", "vfs", "There are no VFs.\n" },
		{ "nic list", "ListNics", "nics",
		  "There are no nics; 'sriovctl nic add' gives a domain one.\n" },
		{ "nic list web1", "ListNics", "nics",
		  "web1: sriovd knows no nic of it; to give a domain one: sriovctl nic add DOMAIN "
		  "--network NETWORK\n" },
	};
	struct canned_daemon *daemon = canned_daemon_new();

	for (size_t i = 0; i < G_N_ELEMENTS(empty); i++) {
		struct ctl_run_of run = { .args = empty[i].args };

		canned_reset(daemon);
		canned_reply(daemon, empty[i].method, json_pack("{s:[]}", empty[i].member));
		ctl_run_it(daemon, &run);
		assert_string_equal(run.out, empty[i].text);
		assert_int_equal(run.status, 0);
		ctl_run_clear(&run);
	}
	canned_daemon_free(daemon);
}

static json_t *many_nics(int n)
{
	json_t *nics = json_array();

	for (int i = 0; i < n; i++) {
		bool waits = i % 50 == 7;
		json_t *nic = json_pack("{s:{s:s, s:o}, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:I}",
					"owner", "kind", "libvirt", "name",
					json_sprintf("guest%04d", i), "id", "net0", "network",
					"tenant-a", "mode", "exclusive", "mac", "52:54:00:00:00:00",
					"priority", 0, "state", "attached", "backing",
					waits ? "virtio" : "vf", "since", (json_int_t)CTL_NOW - 60);

		if (waits)
			json_object_set_new(nic, "reason", json_string("pool fast is full"));
		else
			json_object_set_new(nic, "vf", json_sprintf("enp1s0/%d", i));
		json_array_append_new(nics, nic);
	}
	return nics;
}

static void status_of_very_many_nics_lists_those_that_want_attention(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "status" };
	json_t *status = json_pack("{s:s, s:s, s:b, s:b, s:b, s:b, s:[], s:o, s:[]}", "version",
				   "0.1.0", "hostname", "kvm9", "configured", 1, "libvirt", 1,
				   "reconciled", 1, "iommu", 1, "pfs", "nics", many_nics(200),
				   "problems");

	canned_reply(daemon, "GetStatus", status);
	ctl_run_it(daemon, &run);
	assert_fixture(run.out, "many-status", ".txt");
	ctl_run_clear(&run);
	canned_daemon_free(daemon);
}

/* On a terminal: colours, and sentences broken into its width or put below their rows. */
static void terminal_gets_colours_and_broken_lines(void **state)
{
	static const struct {
		const char *args, *reply, *method, *text;
		unsigned width;
	} terminals[] = {
		{ "status", "trouble-status", "GetStatus", "terminal-100-trouble-status", 100 },
		{ "vf list", "trouble-vf-list", "ListVFs", "terminal-160-trouble-vf-list", 160 },
		{ "explain mail", "explain", "Explain", "terminal-60-explain", 60 },
		{ "status", "status", "GetStatus", "terminal-20-status", 20 },
	};
	struct canned_daemon *daemon = canned_daemon_new();

	g_setenv("TERM", "xterm", TRUE);
	g_unsetenv("NO_COLOR");
	for (size_t i = 0; i < G_N_ELEMENTS(terminals); i++) {
		struct ctl_run_of run = { .args = terminals[i].args, .width = terminals[i].width };

		canned_reset(daemon);
		canned_reply_file(daemon, terminals[i].method, terminals[i].reply);
		ctl_run_it(daemon, &run);
		assert_fixture(run.out, terminals[i].text, ".txt");
		ctl_run_clear(&run);
	}
	canned_daemon_free(daemon);
}

static bool is_coloured(struct canned_daemon *daemon, const char *args, unsigned width)
{
	struct ctl_run_of run = { .args = args, .width = width };
	bool coloured;

	ctl_run_it(daemon, &run);
	assert_non_null(strstr(run.out, "enp1s0"));
	coloured = strstr(run.out, "\033[") != NULL;
	ctl_run_clear(&run);
	return coloured;
}

static void colours_only_where_they_are_wanted(void **state)
{
	struct canned_daemon *daemon = canned_daemon_new();

	canned_reply_file(daemon, "ListPFs", "pf-list");
	g_setenv("TERM", "xterm", TRUE);
	g_unsetenv("NO_COLOR");
	assert_true(is_coloured(daemon, "pf list", 100));
	assert_false(is_coloured(daemon, "pf list", 0));
	assert_false(is_coloured(daemon, "pf list --no-color", 100));
	assert_false(is_coloured(daemon, "--no-color pf list", 100));
	/* no-color.org: "when present and not an empty string" */
	g_setenv("NO_COLOR", "", TRUE);
	assert_true(is_coloured(daemon, "pf list", 100));
	g_setenv("NO_COLOR", "1", TRUE);
	assert_false(is_coloured(daemon, "pf list", 100));
	g_unsetenv("NO_COLOR");
	g_setenv("TERM", "dumb", TRUE);
	assert_false(is_coloured(daemon, "pf list", 100));
	canned_daemon_free(daemon);
}

/* What the kernel said last is shown, and that it is; but not before it was asked a few times. */
static void stale_answer_is_asked_for_again_and_shown_as_such(void **state)
{
	static const char reason[] = "the kernel does not answer for PF enp1s0 now; what is shown "
				     "was read 7 s ago";
	struct canned_daemon *daemon = canned_daemon_new();
	struct ctl_run_of run = { .args = "vf show enp1s0/3" };
	unsigned calls = 0;

	canned_reply(daemon, "GetVF",
		     json_pack("{s:{s:s, s:s, s:s, s:i, s:s, s:s, s:i}}", "vf", "name", "enp1s0/3",
			       "address", "0000:01:10.6", "pf", "enp1s0", "index", 3, "state",
			       "owned", "reason", reason, "stale", 1795442393));
	ctl_run_it(daemon, &run);
	assert_int_equal(run.status, 0);
	assert_non_null(strstr(run.out, reason));
	for (const char *p = daemon->calls->str; (p = strstr(p, "GetVF ")); p++)
		calls++;
	assert_true(calls > 1);
	ctl_run_clear(&run);
	canned_daemon_free(daemon);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stale_answer_is_asked_for_again_and_shown_as_such),
		cmocka_unit_test(every_command_prints_a_table_for_people),
		cmocka_unit_test(every_command_prints_the_reply_as_json),
		cmocka_unit_test(pf_show_prints_the_pf_and_its_vfs),
		cmocka_unit_test(pf_show_of_one_without_vfs_prints_the_pf),
		cmocka_unit_test(nic_show_without_id_shows_all_of_the_owner),
		cmocka_unit_test(nic_show_of_an_owner_without_nics_is_not_found),
		cmocka_unit_test(lists_that_are_empty_say_so),
		cmocka_unit_test(status_of_very_many_nics_lists_those_that_want_attention),
		cmocka_unit_test(terminal_gets_colours_and_broken_lines),
		cmocka_unit_test(colours_only_where_they_are_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
