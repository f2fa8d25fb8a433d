// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The VLAN links that the hook makes in the daemon's place. Making one begins with setting its
 * parent up, which is seen also on a kernel that has no links of kind vlan.
 */
#include "tests/unit/hook-run.h"
#include "tests/unit/netns.h"

#define FAILOVER(id) "<sriov:nic id=\"" id "\" network=\"a\" mode=\"failover\"/>\n"
#define IFACE(type, source, alias)                                                     \
	"<interface type='" type "'><mac address='52:54:00:aa:00:11'/><source " source \
	"/><alias name='" alias "'/></interface>\n"
#define DOMAIN(nics, devices) \
	GUEST_HEAD OURS nics ENDS "</metadata>\n<devices>\n" devices "</devices>\n</domain>\n"
#define ON_VA	 IFACE("direct", "dev='va.100' mode='bridge'", "ua-sriov-net0")
#define REQUIRED "<sriov:nic id=\"net1\" network=\"a\" mode=\"required\"/>\n"

static const char guest[] = DOMAIN(FAILOVER("net0"), ON_VA);

static struct snl *host(void)
{
	struct snl *nl = netns_enter();

	netns_add_veth("va", "vb");
	return nl;
}

static bool was_tried(struct snl *nl)
{
	sriov_autoerror err = NULL;
	struct snl_link parent;

	assert_ok(snl_link_get(nl, "va", &parent, &err), err);
	return parent.admin_up;
}

static bool is_there(struct snl *nl, struct snl_link *ret)
{
	return snl_link_get(nl, "va.100", ret, NULL) == 0;
}

static void run(enum behaviour behaviour, const char *reply, const char *operation, const char *xml,
		int status)
{
	struct fake_daemon daemon;
	struct outcome outcome;

	daemon_start(&daemon, behaviour, reply);
	run_hook(&daemon, "qemu-hook", operation, "begin", xml, strlen(xml), &outcome);
	assert_int_equal(outcome.status, status);
	assert_string_equal(outcome.out, "");
	outcome_free(&outcome);
	daemon_free(&daemon);
}

static void link_is_made_when_nobody_answers(void **state)
{
	static const struct {
		enum behaviour behaviour;
		const char *reply;
	} absent[] = { { DAEMON_DEAD, NULL },
		       { DAEMON_CLOSES, NULL },
		       { DAEMON_SILENT, NULL },
		       { DAEMON_ANSWERS, UNAVAILABLE } };

	for (size_t i = 0; i < G_N_ELEMENTS(absent); i++) {
		struct snl *nl = host();
		struct snl_link link;

		run(absent[i].behaviour, absent[i].reply, "prepare", guest, 0);
		assert_true(was_tried(nl));
		/* And marked, so that the daemon takes it over. */
		if (is_there(nl, &link)) {
			assert_string_equal(link.alias, "sriovd");
			assert_int_equal(link.vlan, 100);
			assert_true(link.admin_up);
		}
	}
}

/* libvirt does not take every character of an id in an alias. */
static void link_is_made_for_a_nic_of_any_id(void **state)
{
	static const char domain[] = DOMAIN(FAILOVER("a.b_c"),
					    IFACE("direct", "dev='va.100'", "ua-sriov-a_db__c"));
	struct snl *nl = host();

	run(DAEMON_DEAD, NULL, "prepare", domain, 0);
	assert_true(was_tried(nl));
}

static void link_of_a_guest_that_the_daemon_serves_is_the_daemons(void **state)
{
	struct snl *nl = host();

	run(DAEMON_ANSWERS, OK, "prepare", guest, 0);
	run(DAEMON_ANSWERS, EXHAUSTED, "prepare", guest, 1);
	run(DAEMON_DEAD, NULL, "prepare", DOMAIN(FAILOVER("net0") REQUIRED, ON_VA), 1);
	run(DAEMON_DEAD, NULL, "started", guest, 0);
	assert_false(was_tried(nl));
}

/* libvirt looks for it all the same. */
static void link_under_what_a_removal_has_left_is_made(void **state)
{
	static const char *const guests[] = {
		DOMAIN("<sriov:nic id=\"net0\" network=\"a\"/>\n", ON_VA),
		DOMAIN(FAILOVER("net1"), ON_VA),
	};

	for (size_t i = 0; i < G_N_ELEMENTS(guests); i++) {
		struct snl *nl = host();

		run(DAEMON_DEAD, NULL, "prepare", guests[i], 0);
		assert_true(was_tried(nl));
	}
}

static void link_that_is_no_virtio_nics_of_ours_is_left_alone(void **state)
{
	static const char *const guests[] = {
		DOMAIN(FAILOVER("net0"), IFACE("direct", "dev='va.100'", "ua-net0")),
		DOMAIN(FAILOVER("net0"), IFACE("bridge", "bridge='va.100'", "ua-sriov-net0")),
		DOMAIN(FAILOVER("net0"), IFACE("direct", "dev='va.x'", "ua-sriov-net0")),
		DOMAIN(FAILOVER("net0"), ""),
	};
	struct snl *nl = host();

	for (size_t i = 0; i < G_N_ELEMENTS(guests); i++)
		run(DAEMON_DEAD, NULL, "prepare", guests[i], 0);
	assert_false(was_tried(nl));
}

/* The name does not tell the kind of the tag. */
static void link_is_not_guessed_where_802_1ad_is_configured(void **state)
{
	g_autofree char *dir = tests_dir();
	g_autofree char *dropins = g_build_filename(dir, "etc/conf.d", NULL);
	g_autofree char *dropin = g_build_filename(dropins, "50-a.json", NULL);
	struct snl *nl = host();

	assert_int_equal(g_mkdir_with_parents(dropins, 0755), 0);
	assert_true(g_file_set_contents(dropin, "{\"vlanProto\": \"802.1ad\"}", -1, NULL));
	run(DAEMON_DEAD, NULL, "prepare", guest, 0);
	g_unlink(dropin);
	assert_false(was_tried(nl));
	run(DAEMON_DEAD, NULL, "prepare", guest, 0);
	assert_true(was_tried(nl));
}

static void link_without_a_parent_refuses_no_start(void **state)
{
	netns_enter();
	run(DAEMON_DEAD, NULL, "prepare", guest, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(link_is_made_when_nobody_answers),
		cmocka_unit_test(link_is_made_for_a_nic_of_any_id),
		cmocka_unit_test(link_of_a_guest_that_the_daemon_serves_is_the_daemons),
		cmocka_unit_test(link_under_what_a_removal_has_left_is_made),
		cmocka_unit_test(link_that_is_no_virtio_nics_of_ours_is_left_alone),
		cmocka_unit_test(link_is_not_guessed_where_802_1ad_is_configured),
		cmocka_unit_test(link_without_a_parent_refuses_no_start),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, netns_leave);
}
