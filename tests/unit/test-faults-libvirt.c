// SPDX-License-Identifier: GPL-2.0-or-later
/* What libvirt, its hooks and the clients do and do not do (tests/FAULTS.md). */
#include "srv/sriovd/claim.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"
#include "tests/unit/api-client.h"
#include "tests/unit/sim-host.h"

/* FAULTS row 23: away for a minute, while guests come and go; who runs on notices nothing. */
static void libvirt_away_is_waited_for_and_compared_by_uuid(void **state)
{
	struct sim_domain *stays = sim_guest(1, "a", SRV_MODE_REQUIRED);
	struct sim_domain *ends = sim_guest(2, "a", SRV_MODE_REQUIRED);
	struct sim_domain *begins = sim_guest(3, "a", SRV_MODE_EXCLUSIVE);
	struct sim_device before;

	sim_assert_done(sim_boot(stays));
	sim_assert_done(sim_boot(ends));
	sim_settle();
	before = stays->device[0];
	sim_virt_connect(false);
	sim_vanish(ends);
	sim_hook_release(ends);
	g_strlcpy(stays->name, "renamed", sizeof(stays->name));
	sim_appear(begins);
	sim_run(60 * 1000);
	/* Nothing is taken away on a guess. */
	sim_assert_counts("enp1s0", "5 free, 2 owned");
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_virt_connect(true);
	sim_settle();
	sim_assert_nics("dpdk/p0 attached vf enp1s0/2\nrenamed/net0 attached vf enp1s0/0\n"
			"web2/net0 idle none\nweb3/net0 attached vf enp1s0/3\n");
	assert_memory_equal(&before, &stays->device[0], sizeof(before));
	sim_assert_rules();
}

#define PREPARE                                                 \
	"{'operation':'prepare','subOperation':'begin','uuid':" \
	"'0d0d0d0d-0000-4000-8000-000000000001','name':'web1'," \
	"'nics':[{'id':'net0','network':'a','mode':'required'}]}"

static bool has_nics(void *data)
{
	return g_hash_table_size(sim_daemon->model->nics) > 0;
}

/* Calls, and is gone while the commit is under way. */
static void call_and_go(const char *method, const char *parameters)
{
	struct api_client *client = api_connect();

	api_send(client, method, parameters, false);
	assert_true(sim_run_until(has_nics, NULL, 10000));
	api_disconnect(client);
	sim_settle();
}

/* FAULTS row 27: the hook that is asked again, or libvirt's word, finds what the lost one got. */
static void start_whose_hook_is_gone_is_found_again(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	call_and_go("DomainHook", PREPARE);
	sim_assert_nics("web1/net0 reserved vf enp1s0/0\n");
	api_assert("DomainHook", PREPARE, "{}");
	sim_assert_nics("web1/net0 reserved vf enp1s0/0\n");
	sim_appear(web);
	sim_hook_started(web);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

/* FAULTS row 27 */
static void start_whose_hook_is_gone_for_good_leaks_no_vf(void **state)
{
	sim_guest(1, "a", SRV_MODE_REQUIRED);
	call_and_go("DomainHook", PREPARE);
	sim_assert_nics("web1/net0 reserved vf enp1s0/0\n");
	sim_run(200 * 1000);
	sim_settle();
	sim_assert_nics("web1/net0 idle none\n");
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* FAULTS row 27 */
static void claim_whose_client_is_gone_is_found_again(void **state)
{
	json_t *answer;

	call_and_go("Claim", "{'owner':'dpdk','network':'a'}");
	sim_assert_nics("dpdk/net0 attached vf enp1s0/0\n");
	answer = api_call("Claim", "{'owner':'dpdk','network':'a'}");
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(answer, "nic"), "vf")),
		"enp1s0/0");
	json_decref(answer);
	sim_assert_counts("enp1s0", "6 free, 1 owned");
}

#define MANY 500

struct crowd {
	unsigned answered, done, exhausted;
};

static void on_answer(const struct sriov_error *error, void *data)
{
	struct crowd *crowd = data;

	crowd->answered++;
	crowd->done += !error;
	crowd->exhausted += error && error->code == SRIOV_ERROR_EXHAUSTED;
}

static void on_claim(const struct srv_nic *nic, const struct sriov_error *error, void *data)
{
	on_answer(error, data);
}

static bool are_answered(void *data)
{
	return ((struct crowd *)data)->answered == MANY;
}

static void prepare_many(struct crowd *crowd, enum srv_mode mode)
{
	for (unsigned i = 0; i < MANY; i++) {
		g_autofree char *uuid = g_strdup_printf("1d1d1d1d-0000-4000-8000-%012u", i);
		g_autofree char *name = g_strdup_printf("vm%u", i);
		g_autoptr(GPtrArray) requests = g_ptr_array_new();
		struct srv_nic_request request = { .id = (char *)"net0",
						   .network = (char *)"a",
						   .mode = mode };

		g_ptr_array_add(requests, &request);
		srv_nic_prepare(sim_daemon, uuid, name, requests, NULL, on_answer, crowd);
	}
	assert_true(sim_run_until(are_answered, crowd, 30000));
}

static unsigned count_backing(enum srv_backing backing)
{
	g_autoptr(GPtrArray) nics = srv_model_nics(sim_daemon->model);
	unsigned n = 0;

	for (guint i = 0; i < nics->len; i++)
		n += ((const struct srv_nic *)nics->pdata[i])->row.backing == backing;
	return n;
}

/* FAULTS row 28: guests start, the seven VFs go to seven of them, the rest get virtio. */
static void many_guests_at_once_get_seven_vfs_and_virtio(void **state)
{
	struct crowd crowd = { 0 };

	prepare_many(&crowd, SRV_MODE_EXCLUSIVE);
	assert_int_equal(crowd.done, MANY);
	assert_int_equal(count_backing(SRV_BACKING_VF), 7);
	assert_int_equal(count_backing(SRV_BACKING_VIRTIO), MANY - 7);
	sim_assert_counts("enp1s0", "7 owned");
	/* libvirt knows none of them. */
	sim_run(200 * 1000);
	sim_settle();
	sim_assert_nics("");
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* FAULTS row 28: those that take nothing else are refused, by guest and by hand, none is kept. */
static void many_claims_at_once_get_seven_vfs_and_the_rest_no(void **state)
{
	struct crowd crowd = { 0 }, starts = { 0 };

	for (unsigned i = 0; i < MANY; i++) {
		g_autofree char *id = g_strdup_printf("p%u", i);
		const struct srv_claim_request request = { .owner = "dpdk",
							   .network = "a",
							   .id = id };

		srv_claim(sim_daemon, &request, on_claim, &crowd);
	}
	assert_true(sim_run_until(are_answered, &crowd, 30000));
	assert_int_equal(crowd.done, 7);
	assert_int_equal(crowd.exhausted, MANY - 7);
	prepare_many(&starts, SRV_MODE_REQUIRED);
	assert_int_equal(starts.exhausted, MANY);
	sim_assert_counts("enp1s0", "7 owned");
	assert_int_equal(count_backing(SRV_BACKING_VF), 7);
	assert_int_equal(sim_world->violations, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(libvirt_away_is_waited_for_and_compared_by_uuid),
		api_test(start_whose_hook_is_gone_is_found_again),
		api_test(start_whose_hook_is_gone_for_good_leaks_no_vf),
		api_test(claim_whose_client_is_gone_is_found_again),
		sim_test(many_guests_at_once_get_seven_vfs_and_virtio),
		sim_test(many_claims_at_once_get_seven_vfs_and_the_rest_no),
	};

	return run_group_as_root(tests);
}
