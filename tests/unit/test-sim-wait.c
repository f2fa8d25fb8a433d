// SPDX-License-Identifier: GPL-2.0-or-later
/* Claims by hand wait for VFs as the starts of guests do (srv/sriovd/nic-wait.c). */
#include "srv/sriovd/claim.h"
#include "srv/sriovd/gate.h"
#include "tests/unit/api-client.h"
#include "tests/unit/sim-host.h"
#include "tests/unit/sim-trouble.h"

#define WAIT_MS	 12000
#define CLAIM_P0 "{'owner':'dpdk','network':'a','id':'p0'}"

/* Its link is yet to come. */
static void bring_up(const char *pf)
{
	set_link(pf, false, false, true);
	set_link(pf, true, false, true);
	sim_settle();
}

static void link_comes(const char *pf)
{
	set_link(pf, true, true, true);
	sim_settle();
}

struct answer {
	bool done;
	char *text; /* NULL: it went well */
};

static void on_claim(const struct srv_nic *nic, const struct sriov_error *error, void *data)
{
	struct answer *answer = data;

	assert_false(answer->done);
	assert_true(!nic == !!error);
	answer->done = true;
	answer->text = error ? sriov_error_text(error) : NULL;
}

static bool is_answered(void *data)
{
	return ((const struct answer *)data)->done;
}

/* The strings are gone when this returns. */
static void claim(const char *id, struct answer *answer)
{
	g_autofree char *own = g_strdup(id), *owner = g_strdup("dpdk"), *network = g_strdup("a");
	const struct srv_claim_request request = { .owner = owner, .network = network, .id = own };

	srv_claim(sim_daemon, &request, on_claim, answer);
}

/* It waits, and has nothing. */
static void assert_waits(const struct answer *answer)
{
	assert_false(answer->done);
	sim_assert_nics("");
	sim_assert_counts("enp1s0", "7 free");
}

static void assert_refused(struct answer *answer, const char *part)
{
	assert_true(answer->done);
	assert_non_null(answer->text);
	if (!strstr(answer->text, part))
		fail_msg("\"%s\" does not say \"%s\"", answer->text, part);
	g_free(answer->text);
}

static void claim_waits_for_the_link_of_a_pf_that_was_just_brought_up(void **state)
{
	struct sim_claim *claim = sim_claim_of("dpdk", "p0");

	bring_up("enp1s0");
	sim_begin_claim(claim, "a");
	sim_run(1000);
	assert_int_equal(claim->state, SIM_CLAIMING);
	sim_assert_nics("");
	sim_assert_counts("enp1s0", "7 free");
	link_comes("enp1s0");
	assert_int_equal(claim->state, SIM_CLAIMED);
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

/* FAULTS row 18 */
static void claim_for_a_link_that_does_not_come_is_refused_in_time(void **state)
{
	struct answer answer = { 0 };

	bring_up("enp1s0");
	claim("p0", &answer);
	sim_run(WAIT_MS - 2000);
	assert_waits(&answer);
	assert_true(sim_run_until(is_answered, &answer, 4000));
	assert_refused(&answer, "link down");
	sim_assert_nics("");
	sim_assert_rules();
}

/* A script that replaces one owner by another does not look when the scrub is over. */
static void claim_waits_for_a_vf_that_is_being_scrubbed(void **state)
{
	for (unsigned i = 0; i < 7; i++) {
		g_autofree char *id = g_strdup_printf("p%u", i);

		sim_assert_done(sim_claim_vf("dpdk", id, "a"));
	}
	sim_assert_refused(sim_claim_vf("ovs", "p0", "a"), "no free VF");
	sim_assert_done(sim_release_vf("dpdk", "p3"));
	sim_assert_counts("enp1s0", "6 owned, 1 dirty");
	sim_assert_done(sim_claim_vf("ovs", "p0", "a"));
	sim_settle();
	sim_assert_counts("enp1s0", "7 owned");
	sim_assert_rules();
}

static int set_up_one_vf(void **state)
{
	sim_new(SIM_CONFIG_ONE_PF);
	sim_world->faults.vf_limit = 1;
	sim_start();
	return 0;
}

/* One list for both. */
static void claim_and_start_are_served_as_they_came(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);
	struct sim_claim *claim = sim_claim_of("dpdk", "p0");

	bring_up("enp1s0");
	sim_begin_claim(claim, "a");
	sim_begin_boot(web);
	sim_run(1000);
	link_comes("enp1s0");
	assert_int_equal(claim->state, SIM_CLAIMED);
	assert_false(web->active);
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\nweb1/net0 idle none\n");
	sim_assert_rules();
}

static void start_before_a_claim_gets_the_last_vf(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);
	struct answer answer = { 0 };

	bring_up("enp1s0");
	sim_begin_boot(web);
	claim("p0", &answer);
	sim_run(1000);
	assert_false(answer.done);
	link_comes("enp1s0");
	assert_refused(&answer, "no free VF");
	assert_true(web->active);
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

static void claim_that_waits_holds_nobody_up(void **state)
{
	struct api_client *client = api_connect();
	json_t *answer;

	bring_up("enp1s0");
	api_send(client, "Claim", CLAIM_P0, false);
	sim_run(500);
	assert_int_equal(sim_daemon->waiting->len, 1);
	json_decref(api_call("GetStatus", NULL));
	api_assert_error("Release", "{'owner':'dpdk'}", "NotFound", "no claim");
	assert_int_equal(sim_daemon->waiting->len, 1);
	link_comes("enp1s0");
	answer = api_receive(client);
	assert_null(json_object_get(answer, "error"));
	json_decref(answer);
	api_disconnect(client);
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\n");
}

static void claim_whose_client_hangs_up_while_it_waits_takes_nothing(void **state)
{
	struct api_client *client = api_connect();

	bring_up("enp1s0");
	api_send(client, "Claim", CLAIM_P0, false);
	sim_run(500);
	assert_int_equal(sim_daemon->waiting->len, 1);
	api_disconnect(client);
	sim_run(500);
	link_comes("enp1s0");
	assert_int_equal(sim_daemon->waiting->len, 0);
	sim_assert_nics("");
	sim_assert_counts("enp1s0", "7 free");
}

static void claim_whose_network_goes_while_it_waits_is_refused(void **state)
{
	struct answer answer = { 0 };

	bring_up("enp1s0");
	claim("p0", &answer);
	sim_run(1000);
	assert_waits(&answer);
	take_config("{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\"]},"
		    "\"numVfs\":7}],\"networks\":[{\"name\":\"b\",\"pool\":\"fast\"}]}");
	link_comes("enp1s0");
	assert_refused(&answer, "no network");
	sim_assert_nics("");
}

/* With another ledger nothing is changed before libvirt was asked anew (gate.h). */
static void claim_that_waits_when_the_gate_closes_gets_nothing_before_it_opens(void **state)
{
	struct answer answer = { 0 };

	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_REQUIRED)));
	sim_settle();
	bring_up("enp1s0");
	claim("p0", &answer);
	sim_run(500);
	sim_virt_connect(false);
	srv_gate_close(sim_daemon);
	set_link("enp1s0", true, true, true);
	sim_run(WAIT_MS - 2000);
	assert_false(answer.done);
	assert_true(sim_run_until(is_answered, &answer, 4000));
	assert_refused(&answer, "nothing is changed before");
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_virt_connect(true);
	sim_settle();
}

static void claim_that_waits_at_the_end_is_answered(void **state)
{
	struct answer answer = { 0 };

	bring_up("enp1s0");
	claim("p0", &answer);
	sim_run(500);
	assert_waits(&answer);
	sim_stop();
	assert_refused(&answer, "ending");
	sim_start();
	sim_assert_nics("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(claim_waits_for_the_link_of_a_pf_that_was_just_brought_up),
		sim_test(claim_for_a_link_that_does_not_come_is_refused_in_time),
		sim_test(claim_waits_for_a_vf_that_is_being_scrubbed),
		sim_test_of(claim_and_start_are_served_as_they_came, set_up_one_vf),
		sim_test_of(start_before_a_claim_gets_the_last_vf, set_up_one_vf),
		api_test(claim_that_waits_holds_nobody_up),
		api_test(claim_whose_client_hangs_up_while_it_waits_takes_nothing),
		sim_test(claim_whose_network_goes_while_it_waits_is_refused),
		sim_test(claim_that_waits_when_the_gate_closes_gets_nothing_before_it_opens),
		sim_test(claim_that_waits_at_the_end_is_answered),
	};

	return run_group_as_root(tests);
}
