// SPDX-License-Identifier: GPL-2.0-or-later
/* When the hook keeps a guest from its start: the daemon's word, or its silence. */
#include "tests/unit/hook-run.h"

static void refusal_of_the_daemon_fails_prepare_only(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, EXHAUSTED);
	expect(&daemon, "prepare", exclusive, 1,
	       "sriovd: nic web1/net1: no VF of pool fast is free; stop a guest or raise numVfs");
	expect(&daemon, "started", required, 0, "");
	expect(&daemon, "stopped", required, 0, "");
	expect(&daemon, "release", required, 0, "");
	expect_calls(&daemon, 4);
	daemon_free(&daemon);
}

/* FAULTS row 8: state directory missing or read-only */
static void daemon_that_cannot_serve_refuses_required_only(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, UNAVAILABLE);
	expect(&daemon, "prepare", exclusive, 0, "");
	expect(&daemon, "prepare", required, 1,
	       "sriovd: nic net1 of web1 requires a VF, but none can be had: libvirt is not "
	       "connected");
	daemon_free(&daemon);
}

/* FAULTS row 26: daemon dead when a hook runs */
static void dead_daemon_refuses_required_only(void **state)
{
	struct fake_daemon daemon;
	g_autofree char *sentence = NULL;

	daemon_start(&daemon, DAEMON_DEAD, NULL);
	sentence = g_strdup_printf("sriovd: nic net1 of web1 requires a VF, but none can be had: "
				   "sriovd is not running (nobody listens at %s); start it with: "
				   "systemctl start sriovd",
				   daemon.path);
	expect(&daemon, "prepare", exclusive, 0, "");
	expect(&daemon, "prepare", required, 1, sentence);
	expect(&daemon, "started", required, 0, "");
	expect(&daemon, "stopped", required, 0, "");
	expect(&daemon, "release", required, 0, "");
	daemon_free(&daemon);
}

static void missing_socket_refuses_required_only(void **state)
{
	struct fake_daemon daemon;
	g_autofree char *sentence = NULL;

	daemon_start(&daemon, DAEMON_DEAD, NULL);
	g_unlink(daemon.path);
	sentence = g_strdup_printf("sriovd: nic net1 of web1 requires a VF, but none can be had: "
				   "sriovd is not running (there is no socket at %s); start it "
				   "with: systemctl start sriovd",
				   daemon.path);
	expect(&daemon, "prepare", exclusive, 0, "");
	expect(&daemon, "prepare", required, 1, sentence);
	expect(&daemon, "release", required, 0, "");
	daemon_free(&daemon);
}

static void dying_daemon_refuses_required_only(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_CLOSES, NULL);
	expect(&daemon, "prepare", exclusive, 0, "");
	expect(&daemon, "prepare", required, 1,
	       "sriovd: nic net1 of web1 requires a VF, but none can be had: the connection to "
	       "sriovd…");
	expect(&daemon, "release", required, 0, "");
	daemon_free(&daemon);
}

/* Each way to hang, one run: the tests' hook waits 3 s at prepare, 2 s otherwise, and 2 s on top.
 */
static void expect_in_time(enum behaviour behaviour, const char *operation, const char *xml,
			   int status, const char *err)
{
	struct fake_daemon daemon;
	double seconds;

	daemon_start(&daemon, behaviour, NULL);
	seconds = expect(&daemon, operation, xml, status, err);
	assert_true(seconds > 1.5);
	assert_true(seconds < 12);
	daemon_free(&daemon);
}

/* FAULTS row 26: daemon dead when a hook runs */
static void silent_daemon_refuses_required_in_time(void **state)
{
	expect_in_time(DAEMON_SILENT, "prepare", required, 1,
		       "sriovd: nic net1 of web1 requires a VF, but none can be had: sriovd did "
		       "not answer within 3 s…");
}

static void silent_daemon_lets_others_start_in_time(void **state)
{
	expect_in_time(DAEMON_SILENT, "prepare", exclusive, 0, "");
	expect_in_time(DAEMON_SILENT, "started", required, 0, "");
}

static void trickling_daemon_refuses_required_in_time(void **state)
{
	expect_in_time(DAEMON_TRICKLES, "prepare", required, 1,
		       "sriovd: nic net1 of web1 requires a VF, but…");
	expect_in_time(DAEMON_TRICKLES, "release", required, 0, "");
}

static void deaf_daemon_refuses_required_in_time(void **state)
{
	expect_in_time(DAEMON_DEAF, "prepare", required, 1,
		       "sriovd: nic net1 of web1 requires a VF, but…");
	expect_in_time(DAEMON_DEAF, "prepare", exclusive, 0, "");
}

/* ---- XML that is wrong ---- */

static void bad_metadata_is_refused_at_prepare(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	expect(&daemon, "prepare", bad, 1,
	       "sriovd: the nics in the <metadata> of web1 are wrong: line 6: nic net0: unknown "
	       "mode \"x\"; use exclusive, required or failover (correct them with 'virsh edit "
	       "web1')");
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

static void bad_metadata_does_not_hide_the_end_of_a_guest(void **state)
{
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	expect(&daemon, "stopped", bad, 0, "");
	expect(&daemon, "release", bad, 0, "");
	expect_calls(&daemon, 2);
	expect_call(&daemon, 0, "stopped", "end", "");
	expect_call(&daemon, 1, "release", "end", "");
	daemon_free(&daemon);
}

static void broken_xml_is_refused_at_prepare(void **state)
{
	static const char broken[] = "<domain>\n" OURS ENDS;
	static const char doctype[] = "<!DOCTYPE d [<!ENTITY a 'b'>]><domain>" OURS ENDS;
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	expect(&daemon, "prepare", broken, 1,
	       "sriovd: the XML of web1 cannot be used: line 3: the XML is not well-formed: it "
	       "ends too early");
	expect(&daemon, "prepare", doctype, 1,
	       "sriovd: the XML of web1 cannot be used: line 1: a document type declaration is "
	       "not accepted here; take the <!DOCTYPE out");
	expect(&daemon, "release", broken, 0, "");
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

/* FAULTS row 36: hostile domain XML */
static void huge_guest_of_ours_is_refused_wherever_its_nics_stand(void **state)
{
	/* The URI lies across the border of what is kept, too. */
	static const size_t fills[] = { 4194304 - 140, 4194304 - 130, 4194304 - 120, 100000000 };
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	for (size_t i = 0; i < G_N_ELEMENTS(fills); i++) {
		g_autofree char *filler = g_strnfill(fills[i], 'x');
		g_autofree char *xml = g_strdup_printf(
			GUEST_HEAD "<!--%s-->" OURS ENDS "%s" GUEST_TAIL, filler,
			i < 3 ? "                                             " : "");

		expect(&daemon, "prepare", xml, 1,
		       "sriovd: the XML of web1 cannot be used: the XML is larger than 4 MiB; make "
		       "it smaller");
		expect(&daemon, "release", xml, 0, "");
	}
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

/* ---- an installation that is broken ---- */

static void missing_helper_refuses_required_only(void **state)
{
	g_autofree char *dir = tests_dir(), *where = g_canonicalize_filename(dir, NULL);
	g_autofree char *sentence = g_strdup_printf(
		"sriovd: web1 requires a VF, but %s/none/sriovd-hook cannot be run: No such file "
		"or directory; install sriovd again",
		where);
	static const char elsewhere[] = GUEST("<a:b xmlns:a=\"http://a/\" mode=\"required\"/>" OURS
					      "<sriov:nic id=\"required\" network=\"a\"/>" ENDS);
	struct fake_daemon daemon;

	daemon_start(&daemon, DAEMON_ANSWERS, OK);
	expect_text(&daemon, "qemu-hook-alone", "prepare", required, strlen(required), 1, sentence);
	expect_text(&daemon, "qemu-hook-alone", "prepare", exclusive, strlen(exclusive), 0, "");
	expect_text(&daemon, "qemu-hook-alone", "prepare", elsewhere, strlen(elsewhere), 0, "");
	expect_text(&daemon, "qemu-hook-alone", "release", required, strlen(required), 0, "");
	expect_calls(&daemon, 0);
	daemon_free(&daemon);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusal_of_the_daemon_fails_prepare_only),
		cmocka_unit_test(daemon_that_cannot_serve_refuses_required_only),
		cmocka_unit_test(dead_daemon_refuses_required_only),
		cmocka_unit_test(missing_socket_refuses_required_only),
		cmocka_unit_test(dying_daemon_refuses_required_only),
		cmocka_unit_test(silent_daemon_refuses_required_in_time),
		cmocka_unit_test(silent_daemon_lets_others_start_in_time),
		cmocka_unit_test(trickling_daemon_refuses_required_in_time),
		cmocka_unit_test(deaf_daemon_refuses_required_in_time),
		cmocka_unit_test(bad_metadata_is_refused_at_prepare),
		cmocka_unit_test(bad_metadata_does_not_hide_the_end_of_a_guest),
		cmocka_unit_test(broken_xml_is_refused_at_prepare),
		cmocka_unit_test(huge_guest_of_ours_is_refused_wherever_its_nics_stand),
		cmocka_unit_test(missing_helper_refuses_required_only),
	};

	/* A hook that stops reading early must not end the test. */
	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
