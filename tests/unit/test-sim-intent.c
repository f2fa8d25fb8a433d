// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is about to be done is on disk before libvirt is asked for it; what was cut short is
 * finished or undone by the next sriovd's first pass.
 */
#include <errno.h>

#include "srv/sriovd/daemon.h"
#include "srv/sriovd/failover-internal.h"
#include "srv/sriovd/nic.h"
#include "tests/unit/api-client.h"
#include "tests/unit/sim-host.h"

struct answer {
	bool done;
	char *text;
};

static void answered(const struct sriov_error *error, void *data)
{
	struct answer *answer = data;

	answer->done = true;
	answer->text = error ? sriov_error_text(error) : NULL;
}

static bool is_answered(void *data)
{
	return ((struct answer *)data)->done;
}

static struct srv_nic *nic_of(const struct sim_domain *domain)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of(sim_daemon->model, domain->uuid);

	assert_int_equal(nics->len, 1);
	return nics->pdata[0];
}

static struct sim_domain *guest_with_vf(void)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	return web;
}

/* FAULTS row 7: I/O error at commit */
static void detach_that_cannot_be_recorded_is_not_begun(void **state)
{
	struct sim_domain *web = guest_with_vf();
	struct answer answer = { 0 };

	sim_world->faults.write_errno = EIO;
	srv_nic_detach(sim_daemon, nic_of(web), answered, &answer);
	assert_true(sim_run_until(is_answered, &answer, 60000));
	assert_non_null(answer.text);
	g_free(answer.text);
	assert_true(web->device[0].exists);
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_world->faults.write_errno = 0;
	sim_settle();
	sim_assert_rules();
}

/* FAULTS row 7: nic add --now whose VF cannot be recorded */
static void added_nic_that_cannot_be_recorded_is_not_attached(void **state)
{
	struct sim_domain *web = sim_define(1, "web1");
	struct api_client *client = api_connect();
	json_t *message;
	char *text;

	sim_appear(web);
	api_send(client, "AddNic", "{'domain':'web1','network':'a','now':true}", false);
	while (!g_hash_table_size(sim_daemon->model->nics))
		g_main_context_iteration(NULL, TRUE);
	/* Something is under way on it, so that the disk fails between its row and its VF. */
	nic_of(web)->busy = true;
	message = api_receive(client);
	sim_world->faults.write_errno = EIO;
	nic_of(web)->busy = false;
	srv_nic_settled(nic_of(web));
	text = api_job(json_incref(json_object_get(message, "parameters")));
	if (!g_str_has_prefix(text, "failed: "))
		fail_msg("%s", text);
	g_free(text);
	assert_int_equal(sim_world->attaches, 0);
	assert_false(web->device[0].exists);
	json_decref(message);
	api_disconnect(client);
	sim_world->faults.write_errno = 0;
	sim_run(70 * 1000);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

/* FAULTS row 7: the VF cannot be attached, and that there is to be virtio instead not recorded */
static void virtio_instead_of_a_vf_waits_for_its_record(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	g_strlcpy(sim_world->faults.attach_words, "no more devices",
		  sizeof(sim_world->faults.attach_words));
	sim_world->faults.attach_times = 1;
	sim_assert_done(sim_hook_prepare(web));
	sim_appear(web);
	sim_world->faults.write_errno = EIO;
	sim_hook_started(web);
	sim_run(20 * 1000);
	assert_false(web->device[0].exists);
	assert_int_equal(sim_world->attaches, 1);
	sim_world->faults.write_errno = 0;
	sim_run(70 * 1000);
	sim_settle();
	assert_true(web->device[0].exists);
	sim_assert_rules();
}

/* The last sriovd's mark in the ledger, at whose end the domain's metadata were so. */
static void restart_in_the_midst(struct sim_domain *web, enum srv_nic_state state, uint32_t n_nics)
{
	struct srv_nic *nic = nic_of(web);

	srv_model_set_nic_state(nic, state, "it is being removed");
	srv_failover_record(sim_daemon, nic, nic->vf, NULL, NULL);
	/* In this order, which a sriovd that runs would follow at once. */
	sim_stop();
	web->n_nics = n_nics;
	sim_start();
	sim_run(70 * 1000);
	sim_settle();
}

static void removal_that_was_cut_short_is_finished(void **state)
{
	struct sim_domain *web = guest_with_vf();

	restart_in_the_midst(web, SRV_NIC_DETACHING, 0);
	assert_false(web->device[0].exists);
	sim_assert_nics("");
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

static void removal_that_did_not_reach_the_metadata_is_undone(void **state)
{
	struct sim_domain *web = guest_with_vf();

	restart_in_the_midst(web, SRV_NIC_DETACHING, 1);
	assert_true(web->device[0].exists);
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

/* A restart touches no guest for what somebody wrote into its metadata. */
static void nic_that_nobody_was_removing_stays(void **state)
{
	struct sim_domain *web = guest_with_vf();

	restart_in_the_midst(web, SRV_NIC_ATTACHED, 0);
	assert_true(web->device[0].exists);
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
}

static void removal_is_recorded_before_the_metadata_say_so(void **state)
{
	struct sim_domain *web = guest_with_vf();
	struct api_client *client = api_connect();
	json_t *message;

	api_send(client, "RemoveNic", "{'domain':'web1','id':'net0','now':true}", false);
	while (web->n_nics)
		g_main_context_iteration(NULL, TRUE);
	assert_int_equal(nic_of(web)->row.state, SRV_NIC_DETACHING);
	message = api_receive(client);
	api_assert_job(json_incref(json_object_get(message, "parameters")),
		       "done: detached and removed");
	json_decref(message);
	api_disconnect(client);
	sim_settle();
	sim_assert_nics("");
	sim_assert_rules();
}

/* FAULTS row 7: nothing of the removal can be recorded */
static void removal_that_cannot_be_recorded_changes_nothing(void **state)
{
	struct sim_domain *web = guest_with_vf();

	sim_world->faults.write_errno = EIO;
	api_assert_error("RemoveNic", "{'domain':'web1','id':'net0','now':true}", "Ledger", "");
	assert_int_equal(web->n_nics, 1);
	sim_world->faults.write_errno = 0;
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

static int set_up(void **state)
{
	sim_set_up(state);
	api_serve();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test_of(detach_that_cannot_be_recorded_is_not_begun, set_up),
		sim_test_of(added_nic_that_cannot_be_recorded_is_not_attached, set_up),
		sim_test_of(virtio_instead_of_a_vf_waits_for_its_record, set_up),
		sim_test_of(removal_that_was_cut_short_is_finished, set_up),
		sim_test_of(removal_that_did_not_reach_the_metadata_is_undone, set_up),
		sim_test_of(nic_that_nobody_was_removing_stays, set_up),
		sim_test_of(removal_is_recorded_before_the_metadata_say_so, set_up),
		sim_test_of(removal_that_cannot_be_recorded_changes_nothing, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
