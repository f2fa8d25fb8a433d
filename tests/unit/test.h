/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What every unit test includes first: cmocka wants these headers before its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/error.h"

/* Path of a file in the source tree, tests being run from its top or with SRIOVD_TEST_SOURCE set.
 */
#define TEST_SOURCE(path)                                                       \
	(g_getenv("SRIOVD_TEST_SOURCE")                                         \
		 ? g_build_filename(g_getenv("SRIOVD_TEST_SOURCE"), path, NULL) \
		 : g_strdup(path))

/* Fails with the error's text when a call that must succeed did not. */
#define assert_ok(call, err)                                                                       \
	do {                                                                                       \
		int r_ = (call);                                                                   \
		if (r_ < 0)                                                                        \
			fail_msg("%s: %d (%s)", #call, r_, (err) ? (err)->message : "no message"); \
	} while (0)

/* Skips the test, and says why where tests/run-unit.sh lists what was skipped: one sentence. */
#define skip_because(...)                   \
	do {                                \
		print_message("skipped: "); \
		print_message(__VA_ARGS__); \
		print_message("\n");        \
		skip();                     \
	} while (0)

static inline void needs_root(void **state)
{
	skip_because("every test of this program needs root");
}

/* A program whose calls the daemon grants to root alone: runs its tests, or skips them as one. */
#define run_group_as_root(tests)                                                    \
	({                                                                          \
		const struct CMUnitTest none_[] = { cmocka_unit_test(needs_root) }; \
		geteuid() == 0 ? cmocka_run_group_tests(tests, NULL, NULL)          \
			       : cmocka_run_group_tests(none_, NULL, NULL);         \
	})
