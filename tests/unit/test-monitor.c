// SPDX-License-Identifier: GPL-2.0-or-later
/* Link events of a real kernel, in a network namespace of the test's own. */
#include "tests/unit/test.h"

#include <sys/socket.h>

#include "netlink/monitor.h"
#include "tests/unit/netns.h"

/* What came, as text: "+va" (up: "^va"), "-va", "!" for an overrun. */
struct seen {
	GMainContext *context;
	struct snl_monitor *monitor;
	GString *text;
	int removed, overruns, links;
	bool free_in_handler;
};

static void on_link(const struct snl_link *link, bool removed, void *data)
{
	struct seen *seen = data;

	seen->links++;
	seen->removed += removed;
	g_string_append_printf(seen->text, "%c%s ",
			       removed		? '-'
			       : link->admin_up ? '^'
						: '+',
			       link->name);
	if (seen->free_in_handler)
		g_clear_pointer(&seen->monitor, snl_monitor_free);
}

static void on_overrun(void *data)
{
	struct seen *seen = data;

	seen->overruns++;
	if (seen->free_in_handler)
		g_clear_pointer(&seen->monitor, snl_monitor_free);
}

static void start(struct seen *seen)
{
	const struct snl_monitor_handler handler = { .link = on_link, .overrun = on_overrun };
	sriov_autoerror err = NULL;

	*seen = (struct seen){ .context = g_main_context_new(), .text = g_string_new(NULL) };
	assert_ok(snl_monitor_new(seen->context, &handler, seen, &seen->monitor, &err), err);
}

static void stop(struct seen *seen)
{
	snl_monitor_free(seen->monitor);
	g_main_context_unref(seen->context);
	g_string_free(seen->text, true);
}

/* Events are in the queue when the request that made them returns. */
static void drain(struct seen *seen)
{
	while (g_main_context_iteration(seen->context, false))
		;
}

static void monitor_link_appears_changes_vanishes(void **state)
{
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	struct seen seen;
	uint32_t a;

	start(&seen);
	a = netns_add_veth("va", "vb");
	drain(&seen);
	assert_non_null(strstr(seen.text->str, "+va "));
	assert_non_null(strstr(seen.text->str, "+vb "));
	assert_int_equal(seen.removed, 0);
	g_string_truncate(seen.text, 0);
	assert_ok(snl_link_set_up(nl, a, true, &err), err);
	drain(&seen);
	assert_non_null(strstr(seen.text->str, "^va "));
	g_string_truncate(seen.text, 0);
	netns_del("va");
	drain(&seen);
	assert_non_null(strstr(seen.text->str, "-va "));
	assert_non_null(strstr(seen.text->str, "-vb "));
	assert_int_equal(seen.removed, 2);
	assert_int_equal(seen.overruns, 0);
	stop(&seen);
}

static void monitor_port_leaving_a_bridge_is_no_removal(void **state)
{
	struct seen seen;
	uint32_t a, bridge;

	netns_enter();
	a = netns_add_veth("va", "vb");
	bridge = netns_add_kind("bridge", "br0");
	start(&seen);
	netns_enslave(a, bridge);
	netns_enslave(a, 0);
	drain(&seen);
	assert_true(seen.links > 0);
	assert_int_equal(seen.removed, 0);
	stop(&seen);
}

/* FAULTS row 11: lost netlink events */
static void monitor_full_queue_is_an_overrun(void **state)
{
	sriov_autoerror err = NULL;
	struct snl *nl = netns_enter();
	int small = 1; /* the kernel makes its minimum of it */
	struct seen seen;
	uint32_t a = netns_add_veth("va", "vb");

	start(&seen);
	assert_int_equal(setsockopt(snl_monitor_get_fd(seen.monitor), SOL_SOCKET, SO_RCVBUF, &small,
				    sizeof(small)),
			 0);
	for (int i = 0; i < 50; i++) {
		assert_ok(snl_link_set_up(nl, a, true, &err), err);
		assert_ok(snl_link_set_up(nl, a, false, &err), err);
	}
	drain(&seen);
	assert_int_equal(seen.overruns, 1);
	assert_true(seen.links > 0 && seen.links < 100);
	/* And goes on. */
	seen.links = 0;
	netns_del("va");
	drain(&seen);
	assert_true(seen.removed > 0);
	stop(&seen);
}

static void monitor_many_events_are_all_seen(void **state)
{
	struct snl *nl = netns_enter();
	struct seen seen;

	start(&seen);
	for (int i = 0; i < 100; i++) {
		g_autofree char *a = g_strdup_printf("a%d", i), *b = g_strdup_printf("b%d", i);
		sriov_autoerror err = NULL;

		assert_ok(snl_link_set_up(nl, netns_add_veth(a, b), true, &err), err);
		netns_del(a);
	}
	drain(&seen);
	assert_int_equal(seen.removed, 200);
	assert_int_equal(seen.overruns, 0);
	stop(&seen);
}

static void monitor_freed_by_its_handler_is_silent(void **state)
{
	struct seen seen;

	netns_enter();
	start(&seen);
	seen.free_in_handler = true;
	netns_add_veth("va", "vb");
	drain(&seen);
	assert_int_equal(seen.links, 1);
	assert_null(seen.monitor);
	stop(&seen);
}

static void monitor_freed_gets_no_more_events(void **state)
{
	struct seen seen;

	netns_enter();
	start(&seen);
	netns_add_veth("va", "vb");
	g_clear_pointer(&seen.monitor, snl_monitor_free);
	drain(&seen);
	assert_int_equal(seen.links, 0);
	stop(&seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(monitor_link_appears_changes_vanishes),
		cmocka_unit_test(monitor_port_leaving_a_bridge_is_no_removal),
		cmocka_unit_test(monitor_full_queue_is_an_overrun),
		cmocka_unit_test(monitor_many_events_are_all_seen),
		cmocka_unit_test(monitor_freed_by_its_handler_is_silent),
		cmocka_unit_test(monitor_freed_gets_no_more_events),
	};

	return cmocka_run_group_tests(tests, NULL, netns_leave);
}
