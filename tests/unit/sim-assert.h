/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Assertions on the simulated host (tests/sim/sim.h), whole states compared. */
#include "tests/sim/sim.h"
#include "tests/unit/test.h"

#define sim_assert_text(call, expected)               \
	do {                                          \
		g_autofree char *text_ = (call);      \
                                                      \
		assert_non_null(text_);               \
		assert_string_equal(text_, expected); \
	} while (0)

#define sim_assert_nics(expected)	    sim_assert_text(sim_nics(), expected)
#define sim_assert_counts(pf, expected)	    sim_assert_text(sim_counts(pf), expected)
#define sim_assert_attrs(bus, vf, expected) sim_assert_text(sim_vf_attrs(bus, vf), expected)

/* Neither the daemon nor kernel nor libvirt shows a broken rule. */
#define sim_assert_rules()                                    \
	do {                                                  \
		g_autofree char *broken_ = sim_check_rules(); \
                                                              \
		if (broken_)                                  \
			fail_msg("rule broken: %s", broken_); \
	} while (0)

/* A call that gives NULL or the sentence of its error. */
#define sim_assert_done(call)                            \
	do {                                             \
		g_autofree char *why_ = (call);          \
                                                         \
		if (why_)                                \
			fail_msg("%s: %s", #call, why_); \
	} while (0)

#define sim_assert_refused(call, part)                                    \
	do {                                                              \
		g_autofree char *why_ = (call);                           \
                                                                          \
		if (!why_ || !strstr(why_, part))                         \
			fail_msg("%s: \"%s\" does not say \"%s\"", #call, \
				 why_ ? why_ : "(no error)", part);       \
	} while (0)

/* NAME with one nic "net0" on a network. */
static inline struct sim_domain *sim_guest(unsigned n, const char *network, enum srv_mode mode)
{
	g_autofree char *name = g_strdup_printf("web%u", n);
	struct sim_domain *domain = sim_define(n, name);

	sim_add_nic(domain, "net0", network, mode);
	return domain;
}

static inline int sim_set_up(void **state)
{
	sim_new(SIM_CONFIG_ONE_PF);
	sim_start();
	return 0;
}

static inline int sim_set_up_two(void **state)
{
	sim_new(SIM_CONFIG);
	sim_start();
	return 0;
}

static inline int sim_tear_down(void **state)
{
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
	sim_settle(); /* what still waits for a child or a timer looks at the daemon */
	sim_stop();
	sim_free();
	return 0;
}

#define sim_test(name)	   cmocka_unit_test_setup_teardown(name, sim_set_up, sim_tear_down)
#define sim_test_two(name) cmocka_unit_test_setup_teardown(name, sim_set_up_two, sim_tear_down)
