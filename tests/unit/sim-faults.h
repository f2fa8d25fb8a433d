/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the tests of FAULTS.md's rows on the simulated host share. */
#include <glib.h>
#include <string.h>

#include "srv/sriovd/reconcile.h"
#include "tests/unit/sim-assert.h"

/* The attributes of a VF that nobody has. */
#define NEUTRAL "00:00:00:00:00:00 vlan 0 qos 0 rate 0-0 spoofchk"

#define sim_test_with(name, how) cmocka_unit_test_setup_teardown(name, how, sim_tear_down)

static inline void no_faults(void)
{
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
}

static inline const char *reason_of(const char *owner, const char *id)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of(sim_daemon->model, owner);

	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];

		if (g_str_equal(nic->row.id, id))
			return nic->row.reason ? nic->row.reason : "";
	}
	return "(no such nic)";
}

static inline void assert_says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("\"%s\" does not say \"%s\"", text, part);
}

static inline void reconcile(void)
{
	srv_reconcile(sim_daemon);
	sim_settle();
}
