// SPDX-License-Identifier: GPL-2.0-or-later
/* Networks that are taken out of the configuration while guests use them, and other requests of a
 * running guest that cannot be met: what it has is served all the same. */
#include "tests/unit/test.h"

#include <string.h>

#include "srv/sriovd/daemon-config.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/steer.h"
#include "tests/sim/netlink.h"
#include "tests/unit/sim-failover.h"

/* The one of the tests, without network "a". */
#define WITHOUT                                                                               \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\"]},\"numVfs\":2}]" \
	",\"networks\":[{\"name\":\"n\",\"pool\":\"fast\","                                   \
	"\"fallback\":{\"type\":\"none\"}}]}"

/* Whether the problems name both of them. */
static void on_reload(const struct sriov_error *error, const GPtrArray *problems, void *data)
{
	struct answer *answer = data;
	GString *text = g_string_new(NULL);

	assert_null(error);
	for (guint i = 0; i < problems->len; i++) {
		const struct srv_problem *problem = problems->pdata[i];

		assert_false(problem->is_error);
		g_string_append_printf(text, "%s: %s\n", problem->subject, problem->message);
	}
	answer->text = g_string_free(text, FALSE);
	answer->done = true;
}

/* What the reload warns of; the caller's. */
static char *reload_without(void)
{
	struct answer answer = { 0 };

	sim_configure(WITHOUT);
	srv_daemon_reload(sim_daemon, on_reload, &answer);
	assert_true(sim_run_until(is_answered, &answer, 60000));
	sim_settle();
	return answer.text;
}

static void lose_link(void)
{
	struct sim_link *pf = sim_link_by_name("enp1s0");

	pf->carrier = false;
	sim_show_link(pf);
	sim_link_event(pf->ifindex);
	sim_run(6000);
	sim_settle();
}

static void assert_receives_on_virtio(const struct sim_domain *web)
{
	assert_memory_equal(tap_of(web)->mac, web->device[0].mac, 6);
	assert_false(web->device[1].exists);
}

static void reload_without_a_network_names_the_nics_on_it(void **state)
{
	g_autofree char *text = NULL;
	struct sim_domain *idle = guest(1, 0);

	running(2, 0);
	text = reload_without();
	assert_non_null(strstr(text, "network a: it is not there, and nic web2/net0, nic web1/net0 "
				     "on it"));
	sim_assert_refused(sim_boot(idle), "there is no network \"a\"");
	sim_assert_rules();
}

static void nic_without_its_network_is_demoted_when_the_link_goes(void **state)
{
	struct sim_domain *web = running(1, 0);

	g_free(reload_without());
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n");
	lose_link();
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	assert_receives_on_virtio(web);
	sim_assert_counts("enp1s0", "2 free");
	sim_assert_rules();
}

static void nic_without_its_network_leaves_a_pf_that_is_drained(void **state)
{
	struct sim_domain *web = running(1, 0);

	g_free(reload_without());
	sim_assert_done(drain(false));
	sim_settle();
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	assert_receives_on_virtio(web);
	sim_assert_rules();
}

static void exclusive_nic_without_its_network_is_detached(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	struct answer answer = { 0 };

	sim_assert_done(sim_boot(web));
	sim_settle();
	g_free(reload_without());
	web->n_nics = 0;
	srv_nic_detach(sim_daemon, nic_of(web), answered, &answer);
	assert_true(sim_run_until(is_answered, &answer, 60000));
	assert_null(answer.text);
	sim_settle();
	assert_false(web->device[0].exists);
	sim_assert_counts("enp1s0", "2 free");
	sim_assert_rules();
}

static void restart(void)
{
	sim_stop();
	sim_start();
	sim_run(1000);
	sim_settle();
}

static void nic_without_its_network_is_served_after_a_restart(void **state)
{
	struct sim_domain *web = running(1, 0);
	struct sriov_mac parked = srv_steer_parked_mac(nic_of(web)->row.mac);

	sim_configure(WITHOUT);
	restart();
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n");
	assert_memory_equal(tap_of(web)->mac, parked.octet, 6);
	lose_link();
	assert_receives_on_virtio(web);
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	sim_assert_rules();
}

/* One of its requests cannot be met: somebody else has the MAC. */
static void other_nics_of_a_guest_with_a_bad_request_are_settled(void **state)
{
	struct sim_domain *web = running(1, 0), *other = running(2, 0);
	struct sriov_mac parked = srv_steer_parked_mac(nic_of(web)->row.mac);

	sim_add_nic(web, "net1", "a", SRV_MODE_EXCLUSIVE);
	web->nic[1].has_mac = true;
	memcpy(web->nic[1].mac, nic_of(other)->row.mac.octet, 6);
	restart();
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n"
			"web2/net0 attached vf enp1s0/1 enp1s0.100\n");
	assert_memory_equal(tap_of(web)->mac, parked.octet, 6);
	/* And a good one beside it is met. */
	sim_add_nic(web, "net2", "a", SRV_MODE_EXCLUSIVE);
	srv_reconcile(sim_daemon);
	sim_run(20000);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n"
			"web1/net2 attached virtio enp1s0.100\n"
			"web2/net0 attached vf enp1s0/1 enp1s0.100\n");
}

static void nics_of_a_guest_whose_metadata_are_spoilt_are_settled(void **state)
{
	struct sim_domain *web = running(1, 0);
	struct sriov_mac parked = srv_steer_parked_mac(nic_of(web)->row.mac);

	web->spoilt_live = true;
	restart();
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n");
	assert_memory_equal(tap_of(web)->mac, parked.octet, 6);
	lose_link();
	assert_receives_on_virtio(web);
	sim_assert_nics("web1/net0 attached virtio enp1s0.100\n");
	sim_assert_rules();
}

/* Whether it is to have it at all, nobody can tell. */
static void device_that_a_guest_with_spoilt_metadata_has_lost_is_not_made(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	uint32_t attaches;

	sim_assert_done(sim_boot(web));
	sim_settle();
	web->spoilt_live = true;
	sim_lock();
	sim_device_leave(&web->device[0]);
	sim_unlock();
	attaches = sim_world->attaches;
	restart();
	assert_int_equal(sim_world->attaches, attaches);
	assert_non_null(nic_of(web)->vf);
	web->spoilt_live = false;
	srv_reconcile(sim_daemon);
	sim_run(5000);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	assert_true(web->device[0].exists);
	sim_assert_rules();
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, failover_set_up, failover_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(reload_without_a_network_names_the_nics_on_it),
		CASE(nic_without_its_network_is_demoted_when_the_link_goes),
		CASE(nic_without_its_network_leaves_a_pf_that_is_drained),
		CASE(exclusive_nic_without_its_network_is_detached),
		CASE(nic_without_its_network_is_served_after_a_restart),
		CASE(other_nics_of_a_guest_with_a_bad_request_are_settled),
		CASE(nics_of_a_guest_whose_metadata_are_spoilt_are_settled),
		CASE(device_that_a_guest_with_spoilt_metadata_has_lost_is_not_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
