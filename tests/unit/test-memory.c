// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <glib.h>

#include "srv/sriovd/memory.h"

#define PIECES 200000
#define PIECE  100

/* Of the process, in KiB. */
static long resident(void)
{
	g_autofree char *text = NULL;
	long total, pages;

	assert_true(g_file_get_contents("/proc/self/statm", &text, NULL, NULL));
	assert_int_equal(sscanf(text, "%ld %ld", &total, &pages), 2);
	return pages * sysconf(_SC_PAGESIZE) / 1024;
}

static gboolean on_limit(gpointer data)
{
	*(bool *)data = true;
	return G_SOURCE_REMOVE;
}

static void run_for(guint ms)
{
	bool over = false;

	g_timeout_add(ms, on_limit, &over);
	while (!over)
		g_main_context_iteration(NULL, TRUE);
}

/* As a large reply does: many small pieces, and one above them that stays. */
static void give_back_returns_what_was_freed_below_what_stays(void **state)
{
	char **pieces;
	long before, after;

#ifdef __SANITIZE_ADDRESS__
	skip(); /* it has a malloc() of its own */
#endif
	pieces = g_new(char *, PIECES);
	srv_memory_set_up();
	for (int i = 0; i < PIECES; i++)
		pieces[i] = g_malloc0(PIECE);
	for (int i = 0; i < PIECES - 1; i++)
		g_free(pieces[i]);
	before = resident();
	srv_memory_give_back();
	srv_memory_give_back();
	run_for(3000);
	after = resident();
	assert_true(before - after >= PIECES * PIECE / 1024 / 2);
	g_free(pieces[PIECES - 1]);
	g_free(pieces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(give_back_returns_what_was_freed_below_what_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
