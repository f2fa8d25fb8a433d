/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Ways to trouble the daemon on the simulated host (tests/sim/sim.h). */
#include <glib.h>

#include "tests/unit/sim-assert.h"

/* Another configuration, at once. */
static inline void take_config(const char *text)
{
	const char *name = "sriovd.json";
	g_autoptr(GPtrArray) problems = NULL;
	struct srv_config *config = NULL;
	sriov_autoerror err = NULL;

	srv_config_parse(&name, &text, 1, &config, &problems, &err);
	assert_non_null(config);
	srv_model_set_config(sim_daemon->model, config);
	srv_config_unref(config);
}

/* In a driver or in libvirt, which do not come back; the simulated time goes on meanwhile. */
static inline void wait_for_flag(void *data)
{
	__atomic_add_fetch(&sim_world->hanging_threads, 1, __ATOMIC_SEQ_CST);
	while (!g_atomic_int_get((gint *)data))
		g_usleep(1000);
	__atomic_sub_fetch(&sim_world->hanging_threads, 1, __ATOMIC_SEQ_CST);
}
