// SPDX-License-Identifier: GPL-2.0-or-later
/* FAULTS row 19: a VF that somebody has looked after is scrubbed by order (ScrubVF). */
#include <errno.h>

#include "srv/sriovd/host.h"
#include "srv/sriovd/reconcile.h"
#include "tests/unit/api-client.h"
#include "tests/unit/sim-host.h"

#define assert_scrubbed(n)                                                                        \
	api_assert("ScrubVF", "{'vf':'enp1s0/" #n "'}",                                           \
		   "{'vf':{'address':'0000:01:02." #n "','driver':'vfio-pci','index':" #n         \
		   ",'iommuGroup':100" #n ",'name':'enp1s0/" #n "','pf':'enp1s0','pool':'fast','" \
		   "state':'free'}}")
#define assert_refused(vf, name, part) api_assert_error("ScrubVF", "{'vf':'" vf "'}", name, part)

static void fail_reset(bool fail)
{
	g_strlcpy(sim_world->faults.fail_file, fail ? "reset" : "",
		  sizeof(sim_world->faults.fail_file));
	sim_world->faults.fail_errno = ENOTTY;
	sim_world->faults.fail_function = 1;
}

static const struct srv_vf *vf_of(const char *name)
{
	return srv_model_find_vf(sim_daemon->model, name);
}

static void assert_reason(const char *name, const char *part)
{
	const char *reason;

	assert_int_equal(srv_vf_state(vf_of(name), &reason), SRV_VF_STATE_QUARANTINED);
	if (!reason || !strstr(reason, part))
		fail_msg("%s: \"%s\" does not say \"%s\"", name, reason ?: "", part);
}

/* enp1s0/0 after an owner, whose reset fails from then on. */
static void quarantine(void)
{
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	fail_reset(true);
	sim_assert_done(sim_release_vf("dpdk", "p0"));
	sim_settle();
	assert_reason("enp1s0/0", "no reset method worked");
}

static uint32_t resets(uint32_t vf)
{
	return sim_pf_by_bus(1)->vf[vf].resets;
}

/* Somebody asks and does not wait. */
static struct api_client *ask(const char *vf)
{
	g_autofree char *parameters = g_strdup_printf("{'vf':'%s'}", vf);
	struct api_client *client = api_connect();

	api_send(client, "ScrubVF", parameters, false);
	return client;
}

/* The error of the answer, "" for none, and that there is no other answer; the caller's. */
static char *answer_of(struct api_client *client)
{
	json_t *message = api_receive(client);
	const char *error = json_string_value(json_object_get(message, "error"));
	const char *text = json_string_value(
		json_object_get(json_object_get(message, "parameters"), "message"));
	char *answer = error ? g_strdup_printf("%s: %s", error, text) : g_strdup("");

	sim_settle();
	assert_false(api_has_message(client));
	json_decref(message);
	api_disconnect(client);
	return answer;
}

#define assert_answer(client, part)                                            \
	do {                                                                   \
		g_autofree char *answer_ = answer_of(client);                  \
                                                                               \
		if (!strstr(answer_, part))                                    \
			fail_msg("\"%s\" does not say \"%s\"", answer_, part); \
	} while (0)

/* What it ends */

static void quarantine_of_a_vf_that_works_again_ends(void **state)
{
	uint32_t before;

	quarantine();
	before = resets(0);
	fail_reset(false);
	assert_scrubbed(0);
	assert_int_equal(resets(0), before + 1);
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
	sim_stop();
	sim_start();
	sim_assert_counts("enp1s0", "7 free");
}

static void quarantine_of_a_vf_that_fails_again_goes_on_and_says_why(void **state)
{
	quarantine();
	assert_refused("0000:01:02.0", "Device", "no reset method worked");
	sim_assert_counts("enp1s0", "6 free, 1 quarantined");
	fail_reset(false);
	sim_world->faults.attr[1].err = EBUSY; /* SNL_VF_VLAN */
	g_strlcpy(sim_world->faults.attr[1].words, "no VLAN here",
		  sizeof(sim_world->faults.attr[1].words));
	assert_refused("enp1s0/0", "Device", "no VLAN here");
	assert_reason("enp1s0/0", "no VLAN here");
	sim_stop();
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
	sim_start();
	assert_reason("enp1s0/0", "no VLAN here");
	sim_assert_rules();
}

/* A PCIe error, after a look at its counters. */
static void condemn(void)
{
	sim_show_errors(1, 2, 0, 0, 0);
	srv_host_refresh(sim_daemon);
	sim_settle();
	sim_show_errors(1, 2, 0, 1, 0);
	srv_host_refresh(sim_daemon);
	sim_settle();
}

/* What it was condemned for is forgotten: the next error is the first one. */
static void quarantine_for_pcie_errors_ends(void **state)
{
	condemn();
	assert_reason("enp1s0/0", "it had 1 fatal PCIe error");
	json_decref(api_call("ScrubVF", "{'vf':'enp1s0/0'}"));
	sim_assert_counts("enp1s0", "7 free");
	assert_null(vf_of("enp1s0/0")->health.fault);
	sim_run(4000 * 1000);
	sim_assert_counts("enp1s0", "7 free");
	sim_stop();
	sim_start();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* As of the daemon that had counted them: then the counters are only where it begins. */
static void quarantine_for_pcie_errors_of_an_earlier_run_ends(void **state)
{
	condemn();
	sim_stop();
	sim_start();
	api_serve();
	assert_reason("enp1s0/0", "it had 1 fatal PCIe error");
	json_decref(api_call("ScrubVF", "{'vf':'enp1s0/0'}"));
	sim_assert_counts("enp1s0", "7 free");
}

static bool reset_hangs(void *data)
{
	return __atomic_load_n(&sim_world->hung, __ATOMIC_SEQ_CST) > 0;
}

static void error_that_comes_while_it_is_scrubbed_quarantines_it_again(void **state)
{
	struct api_client *client;

	sim_show_errors(1, 2, 0, 0, 0);
	srv_host_refresh(sim_daemon);
	sim_settle();
	quarantine();
	fail_reset(false);
	g_strlcpy(sim_world->faults.hang_file, "reset", sizeof(sim_world->faults.hang_file));
	client = ask("enp1s0/0");
	assert_true(sim_run_until(reset_hangs, NULL, 10000));
	sim_pci_error_event(1, 2, 0, SNL_UEVENT_RECOVERY_FAILED);
	sim_world->faults.hang_file[0] = '\0';
	assert_answer(client,
		      "io.sriovd.Device: it is quarantined: the kernel could not recover it");
	assert_reason("enp1s0/0", "the kernel could not recover it from a PCIe error");
	sim_assert_rules();
}

static void whoever_waits_gets_the_vf_that_comes_back(void **state)
{
	quarantine();
	for (int i = 0; i < 6; i++) {
		g_autofree char *id = g_strdup_printf("q%d", i);

		sim_assert_done(sim_claim_vf("dpdk", id, "a"));
	}
	sim_assert_refused(sim_claim_vf("dpdk", "q6", "a"), "1 quarantined");
	fail_reset(false);
	json_decref(api_call("ScrubVF", "{'vf':'enp1s0/0'}"));
	sim_assert_done(sim_claim_vf("dpdk", "q6", "a"));
	sim_assert_rules();
}

/* Others */

static void free_vf_is_scrubbed_again(void **state)
{
	uint32_t before = resets(3);

	assert_scrubbed(3);
	assert_int_equal(resets(3), before + 1);
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

static void free_vf_that_fails_is_quarantined(void **state)
{
	fail_reset(true);
	assert_refused("enp1s0/0", "Device", "no reset method worked");
	sim_assert_counts("enp1s0", "6 free, 1 quarantined");
}

static void dirty_vf_is_waited_for(void **state)
{
	struct api_client *clients[3];

	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_done(sim_release_vf("dpdk", "p0"));
	assert_int_equal(srv_vf_state(vf_of("enp1s0/0"), NULL), SRV_VF_STATE_DIRTY);
	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++)
		clients[i] = ask("enp1s0/0");
	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++)
		sim_assert_text(answer_of(clients[i]), "");
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* One call of many begins it, and all are told. */
static void many_at_once_are_told_of_one_scrub(void **state)
{
	struct api_client *clients[5];
	uint32_t before;

	quarantine();
	before = resets(0);
	fail_reset(false);
	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++)
		clients[i] = ask("enp1s0/0");
	for (size_t i = 0; i < G_N_ELEMENTS(clients); i++)
		sim_assert_text(answer_of(clients[i]), "");
	assert_int_equal(resets(0), before + 1);
	sim_assert_counts("enp1s0", "7 free");
}

static void vf_that_a_process_has_open_stays_dirty_until_that_ends(void **state)
{
	quarantine();
	fail_reset(false);
	sim_pf_by_bus(1)->vf[0].open = true;
	assert_refused("enp1s0/0", "Busy", "fuser -v /dev/vfio/1000");
	sim_assert_counts("enp1s0", "6 free, 1 dirty");
	sim_pf_by_bus(1)->vf[0].open = false;
	sim_run(5000);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* Nor is it tried again by a sriovd that has ended. */
static void vf_that_a_process_has_open_is_scrubbed_by_the_next_daemon(void **state)
{
	quarantine();
	fail_reset(false);
	sim_pf_by_bus(1)->vf[0].open = true;
	assert_refused("enp1s0/0", "Busy", "fuser -v /dev/vfio/1000");
	sim_stop();
	sim_run(5000);
	sim_pf_by_bus(1)->vf[0].open = false;
	sim_start();
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
}

/* Refusals: nothing is done to any device. */

#define assert_untouched(call)                                  \
	do {                                                    \
		uint32_t changes_ = sim_world->changes;         \
                                                                \
		call;                                           \
		assert_int_equal(sim_world->changes, changes_); \
	} while (0)

static void vf_that_has_an_owner_is_refused_with_his_name(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_done(sim_boot(web));
	sim_settle();
	assert_untouched(assert_refused("enp1s0/0", "Busy",
					"nic dpdk/p0 has it; it is scrubbed when it is given "
					"back: sriovctl vf release dpdk p0"));
	assert_untouched(assert_refused("enp1s0/1", "Busy",
					"nic web1/net0 has it; it is scrubbed when its guest"));
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\nweb1/net0 attached vf enp1s0/1\n");
	sim_assert_rules();
}

static void vf_that_is_not_there_is_not_found(void **state)
{
	assert_refused("enp1s0/7", "NotFound", "sriovctl vf list");
	assert_refused("enp9s0/0", "NotFound", "sriovctl vf list");
	sim_assert_counts("enp1s0", "7 free");
}

static void vf_that_a_guest_has_past_us_is_refused(void **state)
{
	struct sim_domain *stranger = sim_stranger();

	stranger->device[0] = (struct sim_device){
		.exists = true, .alias = "hostdev0", .type = "hostdev", .bus = 1, .slot = 2
	};
	srv_reconcile(sim_daemon);
	sim_settle();
	assert_untouched(assert_refused("enp1s0/0", "Busy", "has it past sriovd"));
	stranger->device[0].exists = false;
}

static void vf_of_a_drained_pf_is_refused(void **state)
{
	quarantine();
	json_decref(api_call("Drain", "{'pf':'enp1s0'}"));
	sim_settle();
	fail_reset(false);
	assert_untouched(assert_refused("enp1s0/0", "Busy",
					"it is out of service (drained); put it back first: "
					"sriovctl undrain enp1s0"));
	json_decref(api_call("Undrain", "{'pf':'enp1s0'}"));
	assert_scrubbed(0);
}

static void vf_of_a_pf_that_is_down_is_refused(void **state)
{
	quarantine();
	fail_reset(false);
	set_link("enp1s0", false, false, true);
	sim_settle();
	assert_untouched(assert_refused("enp1s0/0", "Device", "ip link set enp1s0 up"));
	assert_reason("enp1s0/0", "no reset method worked");
	/* In the very moment: nobody has been told. */
	set_link("enp1s0", true, true, true);
	sim_settle();
	set_link("enp1s0", false, false, false);
	assert_refused("enp1s0/0", "Device", "is down");
	sim_assert_counts("enp1s0", "6 free, 1 dirty");
	/* That it is dirty is on disk: the next sriovd, which brings the PF up, scrubs it. */
	sim_stop();
	sim_start();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

static void vf_of_a_pf_that_no_pool_has_is_refused(void **state)
{
	quarantine();
	fail_reset(false);
	sim_configure("{\"pools\":[],\"networks\":[]}");
	json_decref(api_call("Reload", NULL));
	sim_settle();
	assert_untouched(assert_refused("enp1s0/0", "NotSupported", "in no pool of the"));
}

static bool is_dirty(void *data)
{
	return vf_of("enp1s0/0")->mark == SRV_VF_DIRTY;
}

static bool has_no_pool(void *data)
{
	return !vf_of("enp1s0/0")->pool;
}

/* It is as its last owner left it, who may be where the MAC is needed. */
static void vf_whose_pool_goes_after_the_order_is_scrubbed_all_the_same(void **state)
{
	struct api_client *client;
	uint32_t before;

	quarantine();
	before = resets(0);
	fail_reset(false);
	sim_world->faults.hang_disk = true;
	client = ask("enp1s0/0");
	assert_true(sim_run_until(is_dirty, NULL, 60000));
	sim_configure("{\"pools\":[],\"networks\":[]}");
	srv_daemon_reload(sim_daemon, NULL, NULL);
	assert_true(sim_run_until(has_no_pool, NULL, 60000));
	sim_world->faults.hang_disk = false;
	json_decref(api_receive(client));
	sim_settle();
	assert_int_equal(resets(0), before + 1);
	assert_true(sim_attrs_are_neutral(&sim_pf_by_bus(1)->vf[0].attrs));
	api_disconnect(client);
}

static void vf_that_is_watched_after_an_error_is_refused(void **state)
{
	sim_show_errors(1, 2, 0, 0, 0);
	srv_host_refresh(sim_daemon);
	sim_settle();
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_show_errors(1, 2, 0, 1, 0);
	srv_host_refresh(sim_daemon);
	sim_settle();
	sim_assert_done(sim_release_vf("dpdk", "p0"));
	sim_settle();
	assert_untouched(assert_refused("enp1s0/0", "Busy", "watched for 60 s"));
	sim_run(65 * 1000);
	json_decref(api_call("ScrubVF", "{'vf':'enp1s0/0'}"));
	sim_assert_counts("enp1s0", "7 free");
}

/* While it goes on */

/* FAULTS row 7: that it is dirty cannot be recorded */
static void order_that_cannot_be_recorded_touches_nothing(void **state)
{
	quarantine();
	fail_reset(false);
	sim_world->faults.write_errno = EIO;
	assert_untouched(assert_refused("enp1s0/0", "Ledger", ""));
	assert_untouched(assert_refused("enp1s0/3", "Ledger", ""));
	assert_reason("enp1s0/0", "no reset method worked");
	sim_assert_counts("enp1s0", "6 free, 1 quarantined");
	sim_world->faults.write_errno = 0;
	assert_scrubbed(0);
	assert_scrubbed(3);
	sim_assert_rules();
}

static bool is_scrubbing(void *data)
{
	return sim_world->hung > 0;
}

/* In the midst of the reset, which hangs as those of devices do that are pulled out. */
static struct api_client *ask_for_one_that_hangs(void)
{
	struct api_client *client;

	quarantine();
	fail_reset(false);
	g_strlcpy(sim_world->faults.hang_file, "reset", sizeof(sim_world->faults.hang_file));
	client = ask("enp1s0/0");
	assert_true(sim_run_until(is_scrubbing, NULL, 60000));
	return client;
}

/* FAULTS row 20: a driver call that never returns */
static void reset_that_never_returns_is_told_and_others_are_answered(void **state)
{
	struct api_client *client = ask_for_one_that_hangs(), *second = ask("enp1s0/0");

	json_decref(api_call("GetStatus", NULL));
	assert_answer(client, "io.sriovd.Timeout: ");
	assert_answer(second, "io.sriovd.Timeout: ");
	assert_refused("enp1s0/0", "Device", "it is stuck");
	sim_world->faults.hang_file[0] = '\0';
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

static bool is_gone(void *data)
{
	return model_pf("0000:01:00.0")->state == SRV_PF_GONE;
}

static void pf_that_is_unplugged_meanwhile_is_told(void **state)
{
	struct api_client *client = ask_for_one_that_hangs();

	pf_unplug(1);
	sim_world->faults.hang_file[0] = '\0';
	assert_answer(client, "io.sriovd.");
	assert_true(sim_run_until(is_gone, NULL, 60000));
	assert_refused("0000:01:00.0/0", "Device", "it is gone");
	sim_plug_pf(1);
	sim_link_event(sim_pf_by_bus(1)->ifindex);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* It was pulled out before its turn came: no scrub is there to tell. */
static void pf_that_is_unplugged_before_is_told(void **state)
{
	struct api_client *client;

	quarantine();
	fail_reset(false);
	client = ask("enp1s0/0");
	while (!vf_of("enp1s0/0")->scrubbing)
		g_main_context_iteration(NULL, TRUE);
	pf_unplug(1);
	assert_answer(client, "io.sriovd.");
	sim_assert_rules();
}

static void vfs_that_are_destroyed_meanwhile_are_told(void **state)
{
	struct api_client *client = ask_for_one_that_hangs();

	sim_destroy_vfs(1);
	sim_world->faults.hang_file[0] = '\0';
	g_free(answer_of(client));
	srv_host_refresh(sim_daemon);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

static void client_that_goes_away_is_not_waited_for(void **state)
{
	struct api_client *client;

	quarantine();
	fail_reset(false);
	client = ask("enp1s0/0");
	while (!vf_of("enp1s0/0")->scrubbing)
		g_main_context_iteration(NULL, TRUE);
	api_disconnect(client);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	assert_int_equal(sim_daemon->scrub_askers->len, 0);
}

/* Whether the ledger has it by then or not, the next sriovd knows what to do. */
static void end_of_the_daemon_answers_and_the_next_one_scrubs(void **state)
{
	struct api_client *client;
	json_t *message;

	quarantine();
	fail_reset(false);
	client = ask("enp1s0/0");
	while (!vf_of("enp1s0/0")->scrubbing)
		g_main_context_iteration(NULL, TRUE);
	sim_stop();
	assert_true(api_has_message(client));
	message = g_steal_pointer(&client->message);
	assert_string_equal(json_string_value(json_object_get(message, "error")),
			    "io.sriovd.Unavailable");
	json_decref(message);
	assert_false(api_has_message(client));
	api_disconnect(client);
	sim_start();
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* What is said of it */

static char *problem_of(const char *subject)
{
	json_t *status = api_call("GetStatus", NULL), *problem;
	char *text = NULL;
	size_t i;

	json_array_foreach (json_object_get(status, "problems"), i, problem) {
		if (!text &&
		    g_strcmp0(json_string_value(json_object_get(problem, "subject")), subject) == 0)
			text = g_strdup(json_string_value(json_object_get(problem, "message")));
	}
	json_decref(status);
	return text;
}

static void status_and_explain_say_what_to_do(void **state)
{
	g_autofree char *problem = NULL, *explanation = NULL;
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	quarantine();
	for (int i = 0; i < 6; i++) {
		g_autofree char *id = g_strdup_printf("q%d", i);

		sim_assert_done(sim_claim_vf("dpdk", id, "a"));
	}
	sim_assert_done(sim_boot(web));
	sim_settle();
	problem = problem_of("enp1s0/0");
	assert_non_null(problem);
	assert_non_null(strstr(problem, "no reset method worked"));
	assert_non_null(strstr(problem, "sriovctl vf scrub enp1s0/0"));
	explanation = api_text("Explain", "{'owner':'web1'}");
	assert_non_null(strstr(explanation, "sriovctl vf scrub VF"));
	fail_reset(false);
	json_decref(api_call("ScrubVF", "{'vf':'enp1s0/0'}"));
	assert_null(problem_of("enp1s0/0"));
}

#define scrub_test(name) cmocka_unit_test_setup_teardown(name, api_set_up, sim_tear_down)

/*
 * Reserved and given up without anything being done to it, it would be as clean as it was; but it
 * was destroyed meanwhile, and the one that has its place nobody has scrubbed.
 */
static void vf_that_was_made_anew_while_it_was_reserved_is_scrubbed(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	struct sim_vf *vf = &sim_pf_by_bus(1)->vf[0];

	sim_assert_done(sim_hook_prepare(web));
	sim_assert_nics("web1/net0 reserved vf enp1s0/0\n");
	sim_destroy_vfs(1);
	srv_host_refresh(sim_daemon);
	sim_settle();
	assert_true(vf->exists);
	vf->attrs.vlan = 7;
	sim_hook_release(web);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	assert_int_equal(vf->attrs.vlan, 0);
	sim_assert_rules();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		scrub_test(quarantine_of_a_vf_that_works_again_ends),
		scrub_test(vf_that_was_made_anew_while_it_was_reserved_is_scrubbed),
		scrub_test(quarantine_of_a_vf_that_fails_again_goes_on_and_says_why),
		scrub_test(quarantine_for_pcie_errors_ends),
		scrub_test(quarantine_for_pcie_errors_of_an_earlier_run_ends),
		scrub_test(error_that_comes_while_it_is_scrubbed_quarantines_it_again),
		scrub_test(whoever_waits_gets_the_vf_that_comes_back),
		scrub_test(free_vf_is_scrubbed_again),
		scrub_test(free_vf_that_fails_is_quarantined),
		scrub_test(dirty_vf_is_waited_for),
		scrub_test(many_at_once_are_told_of_one_scrub),
		scrub_test(vf_that_a_process_has_open_stays_dirty_until_that_ends),
		scrub_test(vf_that_a_process_has_open_is_scrubbed_by_the_next_daemon),
		scrub_test(vf_that_has_an_owner_is_refused_with_his_name),
		scrub_test(vf_that_is_not_there_is_not_found),
		scrub_test(vf_that_a_guest_has_past_us_is_refused),
		scrub_test(vf_of_a_drained_pf_is_refused),
		scrub_test(vf_of_a_pf_that_is_down_is_refused),
		scrub_test(vf_of_a_pf_that_no_pool_has_is_refused),
		scrub_test(vf_whose_pool_goes_after_the_order_is_scrubbed_all_the_same),
		scrub_test(vf_that_is_watched_after_an_error_is_refused),
		scrub_test(order_that_cannot_be_recorded_touches_nothing),
		scrub_test(reset_that_never_returns_is_told_and_others_are_answered),
		scrub_test(pf_that_is_unplugged_meanwhile_is_told),
		scrub_test(pf_that_is_unplugged_before_is_told),
		scrub_test(vfs_that_are_destroyed_meanwhile_are_told),
		scrub_test(client_that_goes_away_is_not_waited_for),
		scrub_test(end_of_the_daemon_answers_and_the_next_one_scrubs),
		scrub_test(status_and_explain_say_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
