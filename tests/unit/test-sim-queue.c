// SPDX-License-Identifier: GPL-2.0-or-later
/* Who gets the next VF, over what befalls those that wait: clocks, failures, restarts. */
#include "tests/unit/test.h"

#include <string.h>

#include "tests/unit/sim-failover.h"

#define YEAR (365 * 24 * 3600)

static void set_wall(int64_t seconds)
{
	sim_clock_set_wall(seconds);
}

static int tear_down(void **state)
{
	set_wall(0);
	return failover_tear_down(state);
}

/* FAULTS row 31: the clock jumps by a year */
static void clock_set_back_lets_nobody_jump_the_queue(void **state)
{
	struct sim_domain *holder = running(1, 0), *other = running(2, 0), *first, *second;

	first = running(3, 0);
	set_wall(-YEAR);
	second = running(4, 0);
	sim_shut_down(holder);
	sim_settle();
	assert_non_null(nic_of(first)->vf);
	assert_null(nic_of(second)->vf);
	sim_shut_down(other);
	sim_settle();
	assert_non_null(nic_of(second)->vf);
	sim_assert_rules();
}

/* FAULTS row 31: the clock jumps by a year */
static void places_outlive_the_daemon(void **state)
{
	struct sim_domain *holder = running(1, 0), *first, *second, *third;

	running(2, 0);
	first = running(4, 0);
	set_wall(-YEAR);
	second = running(3, 0);
	sim_stop();
	sim_start();
	set_wall(-2 * YEAR);
	third = running(5, 0);
	assert_true(nic_of(first)->row.waiting_place < nic_of(second)->row.waiting_place);
	assert_true(nic_of(second)->row.waiting_place < nic_of(third)->row.waiting_place);
	sim_shut_down(holder);
	sim_settle();
	assert_non_null(nic_of(first)->vf);
	assert_null(nic_of(second)->vf);
}

static void promotion_that_failed_keeps_its_place(void **state)
{
	struct sim_domain *holder = running(1, 0), *other = running(2, 0);
	struct sim_domain *first = running(3, 0), *second = running(4, 0), *third = running(5, 0);

	g_strlcpy(sim_world->faults.attach_words, "no", sizeof(sim_world->faults.attach_words));
	sim_world->faults.attach_times = 1;
	set_wall(3600);
	sim_shut_down(holder);
	sim_settle();
	/* It rests, and the next one does not wait for it. */
	assert_null(nic_of(first)->vf);
	assert_non_null(nic_of(second)->vf);
	sim_run(310000);
	sim_shut_down(other);
	sim_settle();
	assert_non_null(nic_of(first)->vf);
	assert_null(nic_of(third)->vf);
	sim_assert_rules();
}

/* What was heard of one guest's driver is not lost, and comes before hope for another's. */
static void guest_known_to_join_goes_first_after_a_restart(void **state)
{
	struct sim_domain *holder = running(1, 0), *silent, *known;

	running(2, 0);
	silent = guest(3, 0);
	sim_assert_done(sim_boot(silent));
	sim_settle();
	known = running(4, 0);
	sim_stop();
	sim_start();
	assert_int_equal(nic_of(known)->team.negotiated, SRV_NEGOTIATED_YES);
	assert_int_equal(nic_of(silent)->team.negotiated, SRV_NEGOTIATED_UNKNOWN);
	sim_shut_down(holder);
	sim_settle();
	assert_non_null(nic_of(known)->vf);
	assert_null(nic_of(silent)->vf);
	sim_assert_rules();
}

static void preempt(void)
{
	sim_configure(FAILOVER_CONFIG("\"preempt\":true"));
	srv_daemon_reload(sim_daemon, NULL, NULL);
	sim_settle();
}

static void assert_keeps(const struct sim_domain *web, uint32_t changes)
{
	sim_run(120000);
	sim_settle();
	assert_non_null(nic_of(web)->vf);
	assert_int_equal(sim_world->changes, changes);
	sim_assert_rules();
}

/* It is worth more, and nobody knows whether it could use one. */
static void guest_that_never_spoke_takes_nobodys_vf_after_a_restart(void **state)
{
	struct sim_domain *low = running(1, 1), *silent;
	g_autoptr(GPtrArray) sentences = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *text = NULL;
	uint32_t changes;

	running(2, 1);
	preempt();
	silent = guest(3, 9);
	sim_assert_done(sim_boot(silent));
	sim_settle();
	sim_stop();
	sim_start();
	sim_settle();
	assert_int_equal(nic_of(silent)->team.negotiated, SRV_NEGOTIATED_UNKNOWN);
	changes = sim_world->changes;
	assert_keeps(low, changes);
	/* And is told so. */
	srv_failover_explain(sim_daemon, nic_of(silent), sentences);
	g_ptr_array_add(sentences, NULL);
	text = g_strjoinv(" ", (char **)sentences->pdata);
	assert_non_null(strstr(text, "It takes no VF from nic web"));
	/* Once it has said it, it may. */
	sim_virt_negotiated(silent->uuid, "ua-sriov-net0");
	sim_settle();
	assert_non_null(nic_of(silent)->vf);
	sim_assert_rules();
}

static void guest_that_never_spoke_takes_nobodys_vf_when_libvirt_is_back(void **state)
{
	struct sim_domain *low = running(1, 1), *silent;
	uint32_t changes;

	running(2, 1);
	preempt();
	silent = guest(3, 9);
	sim_assert_done(sim_boot(silent));
	sim_settle();
	changes = sim_world->changes;
	sim_virt_connect(false);
	sim_run(1000);
	sim_virt_connect(true);
	sim_settle();
	assert_int_equal(nic_of(silent)->team.negotiated, SRV_NEGOTIATED_UNKNOWN);
	assert_keeps(low, changes);
}

/* A new run of the guest has said nothing yet. */
static void guest_that_starts_anew_has_to_say_it_again(void **state)
{
	struct sim_domain *web = running(1, 0);

	assert_true(nic_of(web)->row.negotiated);
	sim_shut_down(web);
	sim_settle();
	assert_false(nic_of(web)->row.negotiated);
	sim_assert_done(sim_boot(web));
	sim_run(20000);
	assert_null(nic_of(web)->vf);
	assert_false(nic_of(web)->row.negotiated);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, failover_set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(clock_set_back_lets_nobody_jump_the_queue),
		CASE(places_outlive_the_daemon),
		CASE(promotion_that_failed_keeps_its_place),
		CASE(guest_known_to_join_goes_first_after_a_restart),
		CASE(guest_that_never_spoke_takes_nobodys_vf_after_a_restart),
		CASE(guest_that_never_spoke_takes_nobodys_vf_when_libvirt_is_back),
		CASE(guest_that_starts_anew_has_to_say_it_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
