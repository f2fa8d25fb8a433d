// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/api-client.h"
#include "tests/unit/sim-assert.h"

/* "net0 a 52:54:…" of each nic in a domain's metadata; the caller's. */
static char *metadata(const struct sim_domain *domain)
{
	g_autoptr(GPtrArray) requests = sim_domain_requests(domain);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < requests->len; i++) {
		const struct srv_nic_request *request = requests->pdata[i];
		char mac[SRIOV_MAC_STRLEN];

		g_string_append_printf(text, "%s %s %s\n", request->id, request->network,
				       request->has_mac ? sriov_mac_format(request->mac, mac)
							: "-");
	}
	return g_string_free(text, FALSE);
}

static struct sim_domain *running_guest(void)
{
	struct sim_domain *web = sim_define(1, "web1");

	sim_appear(web);
	return web;
}

/* Adding */

static void add_nic_shut_off_domain_writes_metadata_and_row(void **state)
{
	struct sim_domain *web = sim_define(1, "web1");

	api_assert("AddNic", "{'domain':'web1','network':'a'}",
		   "{'id':'net0','mac':'52:54:00:10:10:f1'}");
	api_assert("AddNic", "{'domain':'web1','network':'n','mac':'52:54:00:00:00:07','now':true}",
		   "{'id':'net1','mac':'52:54:00:00:00:07'}");
	sim_assert_text(metadata(web), "net0 a 52:54:00:10:10:f1\nnet1 n 52:54:00:00:00:07\n");
	sim_assert_nics("web1/net0 idle none\nweb1/net1 idle none\n");
	sim_settle();
	sim_assert_nics("web1/net0 idle none\nweb1/net1 idle none\n");
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\nweb1/net1 attached vf enp1s0/1\n");
	sim_assert_rules();
}

/* What the start would refuse is refused now, and nothing is written. */
static void add_nic_refused_leaves_metadata_alone(void **state)
{
	struct sim_domain *web = sim_define(1, "web1");

	json_decref(api_call("Claim", "{'owner':'dpdk','network':'a','mac':'52:54:00:00:00:01'}"));
	api_assert_error("AddNic", "{'domain':'web9','network':'a'}", "NotFound", "no such domain");
	api_assert_error("AddNic", "{'domain':'web1','network':'zz'}", "Invalid",
			 "there is no network \"zz\"");
	api_assert_error("AddNic", "{'domain':'web1','network':'a','mac':'52:54:00:00:00:01'}",
			 "Exists", "nic dpdk/net0");
	api_assert_error("AddNic", "{'domain':'web1','network':'a','id':'../x'}", "Invalid",
			 "1 to 64");
	api_assert_error("AddNic", "{'domain':'web1','network':'a','priority':-1}", "Invalid",
			 "0 to 1000");
	sim_assert_text(metadata(web), "");
	json_decref(api_call("AddNic", "{'domain':'web1','network':'a','id':'net0'}"));
	api_assert_error("AddNic", "{'domain':'web1','network':'a','id':'net0'}", "Exists",
			 "\"net0\"");
	sim_assert_text(metadata(web), "net0 a 52:54:00:10:10:f1\n");
}

static void add_nic_now_attaches_to_the_running_guest(void **state)
{
	struct sim_domain *web = running_guest();

	api_assert_job(api_call("AddNic", "{'domain':'web1','network':'a','now':true}"),
		       "done: attached, vf");
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	assert_true(web->device[0].exists);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

/* Writing metadata is an event, and reconciling on it may come first: the same end. */
static void add_nic_now_reconciled_meanwhile_is_no_failure(void **state)
{
	struct sim_domain *web = running_guest();
	struct api_client *client = api_connect();
	json_t *message, *answer;

	api_send(client, "AddNic", "{'domain':'web1','network':'a','now':true}", false);
	while (!web->n_nics)
		g_main_context_iteration(NULL, TRUE);
	sim_virt_event(web->uuid, SRV_VIRT_DEFINED);
	message = api_receive(client);
	answer = json_incref(json_object_get(message, "parameters"));
	api_assert_job(answer, "done: attached, vf");
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
	json_decref(message);
	api_disconnect(client);
}

static void add_nic_later_waits_for_the_next_start_and_explain_says_so(void **state)
{
	struct sim_domain *web = running_guest();
	json_t *answer;

	json_decref(api_call("AddNic", "{'domain':'web1','network':'a'}"));
	sim_virt_event(web->uuid, SRV_VIRT_DEFINED);
	sim_settle();
	sim_assert_nics("web1/net0 idle none\n");
	answer = api_call("Explain", "{'owner':'web1'}");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(answer, "text"), 0)),
		"Its guest runs without it: it was added for the next start. Attach it now with: "
		"sriovctl nic add web1 --id net0 --network a --now");
	json_decref(answer);
	/* And that works. */
	api_assert_job(api_call("AddNic", "{'domain':'web1','network':'a','id':'net0','now':true}"),
		       "done: attached, vf");
	sim_assert_text(metadata(web), "net0 a 52:54:00:10:10:f1\n");
	sim_assert_rules();
}

/* Another that was added for the next start waits for it all the same. */
static void add_nic_now_leaves_what_was_added_for_later(void **state)
{
	struct sim_domain *web = running_guest();

	json_decref(api_call("AddNic", "{'domain':'web1','network':'a','id':'later'}"));
	api_assert_job(api_call("AddNic", "{'domain':'web1','network':'a','id':'net1','now':true}"),
		       "done: attached, vf");
	sim_virt_event(web->uuid, SRV_VIRT_DEFINED);
	sim_settle();
	sim_assert_nics("web1/later idle none\nweb1/net1 attached vf enp1s0/0\n");
	api_assert_job(api_call("RemoveNic", "{'domain':'web1','id':'net1','now':true}"),
		       "done: detached and removed");
	sim_virt_event(web->uuid, SRV_VIRT_DEFINED);
	sim_settle();
	sim_assert_nics("web1/later idle none\n");
	sim_shut_down(web);
	sim_settle();
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_assert_nics("web1/later attached vf enp1s0/0\n");
	sim_assert_rules();
}

static void add_nic_now_failing_says_that_metadata_stays(void **state)
{
	struct sim_domain *web = running_guest();

	g_strlcpy(sim_world->faults.attach_words, "internal error: no such thing", 96);
	sim_assert_refused(api_job(api_call("AddNic", "{'domain':'web1','network':'n',"
						      "'mode':'required','now':true}")),
			   "it is in the domain's metadata, and not attached: ");
	sim_assert_text(metadata(web), "net0 n 52:54:00:10:10:f1\n");
	sim_settle();
	sim_assert_rules();
}

/* Two at once do not undo each other, and do not take one id twice. */
static void add_nic_two_at_once_both_stay(void **state)
{
	struct sim_domain *web = sim_define(1, "web1");
	struct api_client *one = api_connect(), *two = api_connect();
	json_t *first, *second;

	api_send(one, "AddNic", "{'domain':'web1','network':'a'}", false);
	api_send(two, "AddNic", "{'domain':'web1','network':'n'}", false);
	first = api_receive(one);
	second = api_receive(two);
	assert_null(json_object_get(first, "error"));
	assert_null(json_object_get(second, "error"));
	assert_int_equal(web->n_nics, 2);
	assert_string_equal(web->nic[0].id, "net0");
	assert_string_equal(web->nic[1].id, "net1");
	assert_int_equal(g_hash_table_size(sim_daemon->macs_in_use), 0);
	json_decref(first);
	json_decref(second);
	api_disconnect(one);
	api_disconnect(two);
}

static void calls_that_need_libvirt_without_it_are_unavailable(void **state)
{
	sim_define(1, "web1");
	sim_virt_connect(false);
	api_assert_error("AddNic", "{'domain':'web1','network':'a'}", "Unavailable", "libvirt");
	api_assert_error("RemoveNic", "{'domain':'web1','id':'net0'}", "Unavailable", "libvirt");
	api_assert_error("StartDomain", "{'domain':'web1'}", "Unavailable", "libvirt");
}

/* Removing */

static void remove_nic_frees_id_and_mac(void **state)
{
	struct sim_domain *web = sim_define(1, "web1");

	json_decref(
		api_call("AddNic", "{'domain':'web1','network':'a','mac':'52:54:00:00:00:01'}"));
	api_assert("RemoveNic", "{'domain':'web1','id':'net0'}", "{}");
	sim_assert_text(metadata(web), "");
	sim_assert_nics("");
	api_assert("AddNic", "{'domain':'web1','network':'a','mac':'52:54:00:00:00:01'}",
		   "{'id':'net0','mac':'52:54:00:00:00:01'}");
	api_assert_error("RemoveNic", "{'domain':'web1','id':'net7'}", "NotFound", "\"net7\"");
}

static void remove_nic_now_detaches_and_frees_everything(void **state)
{
	struct sim_domain *web = running_guest();

	api_assert_job(api_call("AddNic", "{'domain':'web1','network':'a','now':true,"
					  "'mac':'52:54:00:00:00:01'}"),
		       "done: attached, vf");
	api_assert_job(api_call("RemoveNic", "{'domain':'web1','id':'net0','now':true}"),
		       "done: detached and removed");
	sim_assert_nics("");
	assert_false(web->device[0].exists);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	api_assert_job(api_call("AddNic", "{'domain':'web1','network':'a','now':true,"
					  "'mac':'52:54:00:00:00:01'}"),
		       "done: attached, vf");
	sim_assert_rules();
}

static void remove_nic_later_keeps_the_device_until_the_guest_ends(void **state)
{
	struct sim_domain *web = running_guest();

	api_assert_job(api_call("AddNic", "{'domain':'web1','network':'a','now':true}"),
		       "done: attached, vf");
	api_assert("RemoveNic", "{'domain':'web1','id':'net0'}", "{}");
	sim_virt_event(web->uuid, SRV_VIRT_DEFINED);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_shut_down(web);
	sim_settle();
	sim_virt_event(web->uuid, SRV_VIRT_DEFINED);
	sim_settle();
	sim_assert_nics("");
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* FAULTS row 29: guest that ignores the unplug request */
static void remove_nic_now_deaf_guest_keeps_it(void **state)
{
	running_guest();
	api_assert_job(api_call("AddNic", "{'domain':'web1','network':'a','now':true}"),
		       "done: attached, vf");
	sim_world->faults.deaf_guest = true;
	sim_assert_refused(
		api_job(api_call("RemoveNic", "{'domain':'web1','id':'net0','now':true}")),
		"failed: ");
	sim_settle();
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_assert_rules();
}

/* Starting */

static void start_domain_attaches_before_it_lets_it_run(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	sim_add_nic(web, "net1", "a", SRV_MODE_EXCLUSIVE);
	api_assert_job(api_call("StartDomain", "{'domain':'web1'}"), "done: web1 runs");
	assert_true(web->active && !web->paused);
	sim_assert_nics("web1/net0 attached vf enp1s0/0\nweb1/net1 attached vf enp1s0/1\n");
	api_assert_error("StartDomain", "{'domain':'web1'}", "Exists", "runs already");
	api_assert_error("StartDomain", "{'domain':'web9'}", "NotFound", "no such domain");
	sim_assert_rules();
}

static void start_domain_without_nics_runs(void **state)
{
	struct sim_domain *web = sim_define(1, "web1");

	api_assert_job(api_call("StartDomain", "{'domain':'web1'}"), "done: web1 runs");
	assert_true(web->active && !web->paused);
}

static void start_domain_required_nic_missing_stays_paused(void **state)
{
	struct sim_domain *web = sim_guest(1, "n", SRV_MODE_REQUIRED);

	g_strlcpy(sim_world->faults.attach_words, "internal error: no such thing", 96);
	sim_assert_refused(api_job(api_call("StartDomain", "{'domain':'web1'}")),
			   "so web1 stays paused");
	assert_true(web->active && web->paused);
}

static void start_domain_refused_by_the_hook_fails_with_its_sentence(void **state)
{
	struct sim_domain *web = sim_guest(1, "zz", SRV_MODE_REQUIRED);

	sim_assert_refused(api_job(api_call("StartDomain", "{'domain':'web1'}")),
			   "there is no network \"zz\"");
	assert_false(web->active);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		api_test(add_nic_shut_off_domain_writes_metadata_and_row),
		api_test(add_nic_refused_leaves_metadata_alone),
		api_test(add_nic_now_attaches_to_the_running_guest),
		api_test(add_nic_now_reconciled_meanwhile_is_no_failure),
		api_test(add_nic_later_waits_for_the_next_start_and_explain_says_so),
		api_test(add_nic_now_leaves_what_was_added_for_later),
		api_test(add_nic_now_failing_says_that_metadata_stays),
		api_test(add_nic_two_at_once_both_stay),
		api_test(calls_that_need_libvirt_without_it_are_unavailable),
		api_test(remove_nic_frees_id_and_mac),
		api_test(remove_nic_now_detaches_and_frees_everything),
		api_test(remove_nic_later_keeps_the_device_until_the_guest_ends),
		api_test(remove_nic_now_deaf_guest_keeps_it),
		api_test(start_domain_attaches_before_it_lets_it_run),
		api_test(start_domain_without_nics_runs),
		api_test(start_domain_required_nic_missing_stays_paused),
		api_test(start_domain_refused_by_the_hook_fails_with_its_sentence),
	};

	return run_group_as_root(tests);
}
