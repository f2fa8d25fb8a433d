// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/memory.h"

#include <stdbool.h>

#include <glib.h>
#include <malloc.h>

/* Threads wait for the kernel, not for each other's malloc(). */
#define ARENAS_MAX 2
/* Who asks every second is not made to pay for it each time. */
#define GIVE_BACK_MS 2000

static bool is_set_up;
static guint source;

void srv_memory_set_up(void)
{
#ifdef __GLIBC__
	mallopt(M_ARENA_MAX, ARENAS_MAX);
#endif
	is_set_up = true;
}

static gboolean give_back(gpointer data)
{
	source = 0;
#ifdef __GLIBC__
	malloc_trim(0);
#endif
	return G_SOURCE_REMOVE;
}

void srv_memory_give_back(void)
{
	if (is_set_up && !source)
		source = g_timeout_add(GIVE_BACK_MS, give_back, NULL);
}
