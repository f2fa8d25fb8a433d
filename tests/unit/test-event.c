// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>

#include "srv/sriovd/event.h"
#include "srv/sriovd/log.h"
#include "tests/unit/fake-call.h"

static void event_goes_to_every_watcher(void **state)
{
	struct srv_events *events = srv_events_new();
	struct srv_call *a = fake_call_new(true), *b = fake_call_new(true);
	const char *first = "more {\"event\":{\"kind\":\"vf\",\"subject\":\"enp1s0/3\","
			    "\"text\":\"scrubbed, 1 of 2\"}}\n";
	const char *second = "more {\"event\":{\"kind\":\"nic\",\"subject\":\"nic web1/net0\","
			     "\"text\":\"attached\"}}\n";
	g_autofree char *both = g_strconcat(first, second, NULL);

	srv_event(events, LOG_INFO, "pf", "enp1s0", "nobody watches yet");
	srv_events_watch(events, a);
	srv_event(events, LOG_INFO, "vf", "enp1s0/3", "scrubbed, %d of %d", 1, 2);
	srv_events_watch(events, b);
	srv_event(events, LOG_INFO, "nic", "nic web1/net0", "attached");
	assert_string_equal(a->log->str, both);
	assert_string_equal(b->log->str, second);
	srv_events_free(events);
	fake_call_free(a);
	fake_call_free(b);
}

static void watcher_that_leaves_is_told_nothing_more(void **state)
{
	struct srv_events *events = srv_events_new();
	struct srv_call *a = fake_call_new(true), *b = fake_call_new(true);

	srv_events_watch(events, a);
	srv_events_watch(events, b);
	fake_call_leave(a);
	srv_event(events, LOG_INFO, "pf", "enp1s0", "link up");
	assert_string_equal(a->log->str, "reply {}\n");
	assert_string_equal(b->log->str, "more {\"event\":{\"kind\":\"pf\","
					 "\"subject\":\"enp1s0\",\"text\":\"link up\"}}\n");
	srv_events_free(events);
	fake_call_free(a);
	fake_call_free(b);
}

static void watch_without_more_is_refused(void **state)
{
	struct srv_events *events = srv_events_new();
	struct srv_call *call = fake_call_new(false);

	srv_events_watch(events, call);
	srv_event(events, LOG_INFO, "pf", "enp1s0", "link up");
	assert_string_equal(
		call->log->str,
		"error io.sriovd.Invalid: Watch: it has no end: call it with \"more\"\n");
	srv_events_free(events);
	fake_call_free(call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(event_goes_to_every_watcher),
		cmocka_unit_test(watcher_that_leaves_is_told_nothing_more),
		cmocka_unit_test(watch_without_more_is_refused),
	};

	srv_log_set_level(-1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
