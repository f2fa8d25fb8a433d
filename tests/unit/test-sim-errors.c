// SPDX-License-Identifier: GPL-2.0-or-later
/* PCIe errors of VFs and PFs on the simulated host. */
#include "srv/sriovd/host.h"
#include "tests/support/tree.h"
#include "tests/unit/api-client.h"
#include "tests/unit/sim-failover-guest.h"

#define ONE_FATAL "it had 1 fatal PCIe error"
#define SCRUB(vf) \
	"; nobody gets it until it was looked after, and: sriovctl vf scrub enp1s0/" vf "\n"
#define WATCHED "; it is scrubbed, and watched for 60 s before anybody gets it"

/* The kernel counts errors of enp1s0 and of each of its VFs. */
static void count_errors(void)
{
	sim_show_errors(1, 0, 0, 0, 0);
	for (uint8_t i = 0; i < SIM_VFS; i++)
		if (sim_world->pf[0].vf[i].exists)
			sim_show_errors(1, 2, i, 0, 0);
	srv_host_refresh(sim_daemon);
	sim_settle();
}

static int set_up_vfs(const char *config)
{
	sim_new(config);
	sim_start();
	api_serve();
	return 0;
}

static int set_up(void **state)
{
	set_up_vfs(SIM_CONFIG_FAILOVER("\"enp1s0\"", "2"));
	count_errors();
	return 0;
}

static int set_up_one(void **state)
{
	set_up_vfs(SIM_CONFIG_FAILOVER("\"enp1s0\"", "1"));
	count_errors();
	return 0;
}

static int set_up_uncounted(void **state)
{
	return set_up_vfs(SIM_CONFIG_FAILOVER("\"enp1s0\"", "2"));
}

/* As the kernel does: whatever is behind the port is recovered with the one that had the error. */
static void all_events(enum snl_uevent what)
{
	sim_pci_error_event(1, 0, 0, what);
	for (uint8_t i = 0; i < SIM_VFS; i++)
		if (sim_world->pf[0].vf[i].exists)
			sim_pci_error_event(1, 2, i, what);
}

static void error_of_vf(uint8_t vf, uint32_t fatal)
{
	sim_show_errors(1, 2, vf, fatal, 0);
	all_events(SNL_UEVENT_RECOVERY_BEGUN);
	all_events(SNL_UEVENT_RECOVERED);
}

#define assert_vf_state(name, expected, why)                                                   \
	do {                                                                                   \
		const struct srv_vf *vf_ = srv_model_find_vf(sim_daemon->model, name);         \
		const char *reason_;                                                           \
                                                                                               \
		assert_string_equal(srv_vf_state_name(srv_vf_state(vf_, &reason_)), expected); \
		assert_string_equal(reason_ ?: "", why);                                       \
	} while (0)

/* The messages of GetStatus that hold a word; the caller's. */
static char *problems(const char *word)
{
	json_t *status = api_call("GetStatus", NULL), *problem;
	GString *text = g_string_new(NULL);
	size_t i;

	json_array_foreach (json_object_get(status, "problems"), i, problem) {
		const char *message = json_string_value(json_object_get(problem, "message"));

		if (strstr(message, word))
			g_string_append_printf(
				text, "%s %s: %s\n",
				json_string_value(json_object_get(problem, "severity")),
				json_string_value(json_object_get(problem, "subject")), message);
	}
	json_decref(status);
	return g_string_free(text, FALSE);
}

static char *explanation(const char *owner)
{
	g_autofree char *parameters = g_strdup_printf("{'owner':'%s'}", owner);
	json_t *answer = api_call("Explain", parameters), *sentence;
	GString *text = g_string_new(NULL);
	size_t i;

	json_array_foreach (json_object_get(answer, "text"), i, sentence)
		g_string_append_printf(text, "%s\n", json_string_value(sentence));
	json_decref(answer);
	return g_string_free(text, FALSE);
}

/* The first event about a subject that the watcher gets. */
static char *event_of(struct api_client *watcher, const char *subject)
{
	char *text = NULL;

	while (!text) {
		json_t *message = api_receive(watcher);
		const json_t *event = json_object_get(json_object_get(message, "parameters"),
						      "event");

		if (g_strcmp0(json_string_value(json_object_get(event, "subject")), subject) == 0)
			text = g_strdup(json_string_value(json_object_get(event, "text")));
		json_decref(message);
	}
	return text;
}

static char *vf_json(const char *name, const char *key)
{
	g_autofree char *parameters = g_strdup_printf("{'vf':'%s'}", name);
	json_t *answer = api_call("GetVF", parameters);
	const json_t *value = json_object_get(json_object_get(answer, "vf"), key);
	g_autofree char *json = value ? json_dumps(value,
						   JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY)
				      : g_strdup("none");

	json_decref(answer);
	return g_strdelimit(g_strdup(json), "\"", '\'');
}

/* FAULTS row 19 */
static void row_19_failover_nic_gives_up_a_vf_with_an_error(void **state)
{
	struct sim_domain *web = sim_failover_guest(1);
	uint32_t resets;

	sim_assert_vf(web, "enp1s0/0");
	resets = sim_world->pf[0].vf[0].resets;
	error_of_vf(0, 1);
	sim_run(4000);
	sim_assert_virtio(web, "of its VF enp1s0/0: " ONE_FATAL);
	sim_assert_rules();
	/* Another VF is to be had at once, this one is not. */
	sim_run(10000);
	sim_settle();
	sim_assert_vf(web, "enp1s0/1");
	assert_vf_state("enp1s0/0", "unusable", ONE_FATAL WATCHED);
	assert_int_equal(sim_world->pf[0].vf[0].resets, resets + 1);
	sim_assert_text(vf_json("enp1s0/0", "fault"), "'" ONE_FATAL WATCHED "'");
	sim_assert_text(vf_json("enp1s0/0", "pcieErrors"), "{'fatal':1,'nonfatal':0}");
	sim_run(60000);
	assert_vf_state("enp1s0/0", "free", "");
	sim_assert_text(vf_json("enp1s0/0", "fault"), "none");
	sim_assert_text(problems("PCIe"), "");
	sim_assert_rules();
}

/* FAULTS row 19 */
static void row_19_second_error_of_a_vf_quarantines_it(void **state)
{
	static const char why[] = ONE_FATAL ", not for the first time within an hour";
	struct sim_domain *web = sim_failover_guest(1);

	error_of_vf(0, 1);
	sim_run(30000);
	assert_null(sim_nic_of(web)->vf);
	sim_run(60000);
	sim_settle();
	sim_assert_vf(web, "enp1s0/0");
	error_of_vf(0, 2);
	sim_run(4000);
	sim_settle();
	assert_null(sim_nic_of(web)->vf);
	assert_vf_state("enp1s0/0", "quarantined", why);
	sim_assert_text(problems("PCIe"), "error enp1s0/0: " ONE_FATAL
					  ", not for the first time within an hour" SCRUB("0"));
	/* It is remembered. */
	sim_stop();
	sim_start();
	assert_vf_state("enp1s0/0", "quarantined", why);
	assert_null(sim_nic_of(web)->vf);
	sim_assert_rules();
}

/* FAULTS row 19 */
static void row_19_error_while_watched_quarantines_a_vf(void **state)
{
	struct sim_domain *web = sim_failover_guest(1);

	error_of_vf(0, 1);
	sim_run(20000);
	assert_vf_state("enp1s0/0", "unusable", ONE_FATAL WATCHED);
	sim_show_errors(1, 2, 0, 1, 3);
	all_events(SNL_UEVENT_RECOVERY_BEGUN);
	all_events(SNL_UEVENT_RECOVERED);
	sim_run(70000);
	assert_vf_state("enp1s0/0", "quarantined",
			"it had 3 PCIe errors, not fatal, not for the first time within an hour");
	assert_null(sim_nic_of(web)->vf);
}

/* FAULTS row 19 */
static void row_19_exclusive_nic_keeps_its_vf_and_everybody_is_told(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	g_autofree char *text = NULL;
	struct api_client *watcher;
	uint32_t changes;

	sim_assert_done(sim_boot(web));
	sim_settle();
	watcher = api_connect();
	api_send(watcher, "Watch", NULL, true);
	sim_settle();
	changes = sim_world->changes;
	sim_show_errors(1, 2, 0, 1, 1);
	all_events(SNL_UEVENT_RECOVERY_BEGUN);
	sim_settle();
	sim_assert_text(event_of(watcher, "nic web1/net0"),
			"it keeps VF enp1s0/0, as it has nothing else, though it had 2 PCIe "
			"errors, 1 of them fatal");
	api_disconnect(watcher);
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	assert_int_equal(sim_world->changes, changes);
	sim_assert_text(problems("PCIe"), "error enp1s0/0: it had 2 PCIe errors, 1 of them fatal, "
					  "and nic web1/net0 has it\n");
	text = explanation("web1");
	assert_non_null(strstr(text, "Of this VF: it had 2 PCIe errors, 1 of them fatal. It keeps "
				     "it all the same"));
	all_events(SNL_UEVENT_RECOVERED);
	sim_shut_down(web);
	sim_settle();
	assert_vf_state("enp1s0/0", "unusable", "it had 2 PCIe errors, 1 of them fatal" WATCHED);
	sim_run(65000);
	assert_vf_state("enp1s0/0", "free", "");
	sim_assert_rules();
}

/* FAULTS row 19: QEMU has stopped the guest for its error, so that it answers nobody */
static void row_19_guest_that_does_not_let_go_keeps_the_vf_until_it_ends(void **state)
{
	struct sim_domain *web = sim_failover_guest(1);

	sim_world->faults.deaf_guest = true;
	error_of_vf(0, 1);
	sim_run(60000);
	sim_assert_vf(web, "enp1s0/0");
	assert_non_null(strstr(sim_nic_of(web)->row.reason, "keeps it"));
	sim_assert_text(problems("PCIe"),
			"error enp1s0/0: " ONE_FATAL ", and nic web1/net0 has it\n");
	sim_assert_counts("enp1s0", "1 free, 1 owned");
	sim_assert_rules();
	sim_shut_down(web);
	sim_settle();
	assert_vf_state("enp1s0/0", "unusable", ONE_FATAL WATCHED);
	sim_assert_rules();
}

/* FAULTS row 19 */
static void row_19_free_vf_with_an_error_is_quarantined(void **state)
{
	error_of_vf(1, 1);
	sim_settle();
	sim_assert_counts("enp1s0", "1 free, 1 quarantined");
	assert_vf_state("enp1s0/1", "quarantined", ONE_FATAL);
	sim_stop();
	sim_start();
	assert_vf_state("enp1s0/1", "quarantined", ONE_FATAL);
	sim_assert_rules();
}

/* Its guest was killed amid its work, and the IOMMU refused what was still under way. */
static void error_of_a_vf_that_waits_for_its_scrub_is_its_last_owners(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_world->pf[0].vf[0].open = true;
	sim_shut_down(web);
	sim_settle();
	assert_vf_state("enp1s0/0", "dirty", "");
	error_of_vf(0, 1);
	sim_settle();
	assert_vf_state("enp1s0/0", "dirty", "");
	sim_world->pf[0].vf[0].open = false;
	sim_run(5000);
	assert_vf_state("enp1s0/0", "unusable", ONE_FATAL WATCHED);
	sim_run(65000);
	assert_vf_state("enp1s0/0", "free", "");
	sim_assert_rules();
}

/* FAULTS row 19: the events were lost, or its recovery made none */
static void row_19_error_that_nobody_told_of_is_found_within_one_period(void **state)
{
	struct sim_domain *web = sim_failover_guest(1);

	sim_show_errors(1, 2, 0, 0, 1);
	sim_show_errors(1, 2, 1, 1, 0);
	sim_run((sim_daemon->model->config->reconcile_seconds + 5) * 1000U);
	sim_settle();
	sim_assert_virtio(web, "of its VF enp1s0/0: it had 1 PCIe error, not fatal");
	assert_vf_state("enp1s0/1", "quarantined", ONE_FATAL);
}

/* FAULTS row 19 */
static void row_19_vf_whose_recovery_fails_is_quarantined(void **state)
{
	static const char why[] = "the kernel could not recover it from a PCIe error";
	struct sim_domain *web = sim_failover_guest(1);

	sim_pci_error_event(1, 2, 0, SNL_UEVENT_RECOVERY_BEGUN);
	sim_settle();
	sim_assert_vf(web, "enp1s0/0");
	sim_pci_error_event(1, 2, 0, SNL_UEVENT_RECOVERY_FAILED);
	sim_run(20000);
	sim_settle();
	sim_assert_vf(web, "enp1s0/1");
	assert_vf_state("enp1s0/0", "quarantined", why);
	sim_assert_rules();
}

/* FAULTS row 19: of a failed recovery some kernels tell only the port's device */
static void row_19_recovery_without_an_end_counts_as_failed(void **state)
{
	sim_pci_error_event(1, 2, 1, SNL_UEVENT_RECOVERY_BEGUN);
	sim_run(30000);
	assert_vf_state("enp1s0/1", "unusable", "the kernel is recovering it from a PCIe error");
	sim_run(35000);
	assert_vf_state("enp1s0/1", "quarantined",
			"the kernel began to recover it from a PCIe error and never said that it "
			"had");
	sim_assert_counts("enp1s0", "1 free, 1 quarantined");
}

/* FAULTS row 19 */
static void row_19_pf_that_cannot_be_recovered_takes_its_vfs_with_it(void **state)
{
	struct sim_domain *web = sim_failover_guest(1);

	sim_pci_error_event(1, 0, 0, SNL_UEVENT_RECOVERY_BEGUN);
	sim_pci_error_event(1, 0, 0, SNL_UEVENT_RECOVERY_FAILED);
	sim_run(4000);
	sim_settle();
	sim_assert_virtio(web,
			  "of its VF enp1s0/0: the kernel could not recover its PF from a PCIe "
			  "error");
	sim_assert_counts("enp1s0", "2 quarantined");
	sim_assert_text(problems("recover "),
			"warning enp1s0: the kernel could not recover it from a PCIe error\n"
			"error enp1s0/0: the kernel could not recover its PF from a PCIe "
			"error" SCRUB("0") "error enp1s0/1: the kernel could not recover its PF "
					   "from a PCIe error" SCRUB("1"));
}

/* What hardware corrects, and what another device behind the same port had. */
static void recovery_for_anothers_error_changes_nothing(void **state)
{
	struct sim_domain *web = sim_failover_guest(1);
	uint32_t changes = sim_world->changes;

	tree_file(sim_root, "sys/devices/pci0000:00/0000:01:02.0/aer_dev_correctable",
		  "RxErr 5\nTOTAL_ERR_COR 5");
	all_events(SNL_UEVENT_RECOVERY_BEGUN);
	sim_settle();
	/* Meanwhile nobody gets one. */
	assert_vf_state("enp1s0/1", "unusable", "the kernel is recovering it from a PCIe error");
	all_events(SNL_UEVENT_RECOVERED);
	sim_settle();
	sim_assert_vf(web, "enp1s0/0");
	assert_vf_state("enp1s0/1", "free", "");
	assert_int_equal(sim_world->changes, changes);
	sim_assert_text(problems("PCIe"), "");
}

/* The PF's driver sets it up anew, and what its VFs had is lost with many of them. */
static void pf_that_was_recovered_gets_its_vfs_attributes_again(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	sim_assert_done(sim_boot(web));
	sim_settle();
	all_events(SNL_UEVENT_RECOVERY_BEGUN);
	sim_settle();
	sim_lock();
	sim_world->pf[0].vf[0].attrs.vlan = 0;
	sim_world->pf[0].vf[0].attrs.max = 0;
	sim_unlock();
	all_events(SNL_UEVENT_RECOVERED);
	sim_settle();
	assert_int_equal(sim_world->pf[0].vf[0].attrs.vlan, 100);
	assert_int_equal(sim_world->pf[0].vf[0].attrs.max, 1000);
	sim_assert_rules();
}

static void pf_with_an_error_of_its_own_moves_nobody_and_is_told(void **state)
{
	struct sim_domain *web = sim_failover_guest(1);

	sim_show_errors(1, 0, 0, 0, 2);
	all_events(SNL_UEVENT_RECOVERY_BEGUN);
	all_events(SNL_UEVENT_RECOVERED);
	sim_settle();
	sim_assert_vf(web, "enp1s0/0");
	sim_assert_text(problems("PCIe"), "warning enp1s0: it had 2 PCIe errors, not fatal\n");
	sim_run(3700000);
	sim_assert_text(problems("PCIe"), "");
}

/* FAULTS row 19: a VF whose errors the kernel does not count */
static void row_19_recovery_of_uncounted_vfs_demotes_and_quarantines_none(void **state)
{
	struct sim_domain *web = sim_failover_guest(1);
	uint32_t resets = sim_world->pf[0].vf[1].resets;

	all_events(SNL_UEVENT_RECOVERY_BEGUN);
	all_events(SNL_UEVENT_RECOVERED);
	sim_run(4000);
	sim_settle();
	assert_null(sim_nic_of(web)->vf);
	assert_non_null(strstr(sim_nic_of(web)->row.reason, "whose errors are not counted"));
	assert_int_equal(sim_world->pf[0].vf[1].resets, resets + 1);
	sim_assert_text(vf_json("enp1s0/0", "pcieErrors"), "none");
	sim_run(70000);
	sim_settle();
	assert_non_null(sim_nic_of(web)->vf);
	sim_assert_counts("enp1s0", "1 free, 1 owned");
	sim_assert_rules();
}

static void lost_events_leave_no_vf_in_recovery(void **state)
{
	sim_pci_error_event(1, 2, 1, SNL_UEVENT_RECOVERY_BEGUN);
	sim_settle();
	sim_pci_overrun();
	sim_settle();
	sim_run(70000);
	assert_vf_state("enp1s0/1", "free", "");
}

/* Errors before sriovd ran, and of VFs that are no more, are nobody's now. */
static void only_what_rises_counts(void **state)
{
	sim_show_errors(1, 2, 0, 4, 4);
	sim_stop();
	sim_start();
	sim_assert_counts("enp1s0", "2 free");
	sim_destroy_vfs(1);
	sim_settle();
	sim_show_errors(1, 2, 0, 0, 0);
	srv_host_refresh(sim_daemon);
	sim_settle();
	sim_assert_counts("enp1s0", "2 free");
	error_of_vf(0, 1);
	sim_settle();
	assert_vf_state("enp1s0/0", "quarantined", ONE_FATAL);
	/* VFs that are made anew have not had it. */
	sim_destroy_vfs(1);
	sim_settle();
	sim_assert_counts("enp1s0", "2 free");
}

/* Whoever asks reads the counters, too, and what is read twice is one error. */
static void error_that_is_read_by_many_counts_once(void **state)
{
	sim_show_errors(1, 2, 0, 0, 1);
	for (int i = 0; i < 5; i++) {
		srv_host_refresh(sim_daemon);
		g_free(vf_json("enp1s0/0", "state"));
	}
	sim_settle();
	assert_vf_state("enp1s0/0", "quarantined", "it had 1 PCIe error, not fatal");
}

#define CASE(name, set_up) cmocka_unit_test_setup_teardown(name, set_up, sim_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(row_19_failover_nic_gives_up_a_vf_with_an_error, set_up),
		CASE(row_19_second_error_of_a_vf_quarantines_it, set_up_one),
		CASE(row_19_error_while_watched_quarantines_a_vf, set_up_one),
		CASE(row_19_exclusive_nic_keeps_its_vf_and_everybody_is_told, set_up),
		CASE(row_19_guest_that_does_not_let_go_keeps_the_vf_until_it_ends, set_up),
		CASE(row_19_free_vf_with_an_error_is_quarantined, set_up),
		CASE(error_of_a_vf_that_waits_for_its_scrub_is_its_last_owners, set_up),
		CASE(row_19_error_that_nobody_told_of_is_found_within_one_period, set_up),
		CASE(row_19_vf_whose_recovery_fails_is_quarantined, set_up),
		CASE(row_19_recovery_without_an_end_counts_as_failed, set_up),
		CASE(row_19_pf_that_cannot_be_recovered_takes_its_vfs_with_it, set_up),
		CASE(recovery_for_anothers_error_changes_nothing, set_up),
		CASE(pf_that_was_recovered_gets_its_vfs_attributes_again, set_up),
		CASE(pf_with_an_error_of_its_own_moves_nobody_and_is_told, set_up),
		CASE(row_19_recovery_of_uncounted_vfs_demotes_and_quarantines_none,
		     set_up_uncounted),
		CASE(lost_events_leave_no_vf_in_recovery, set_up),
		CASE(only_what_rises_counts, set_up),
		CASE(error_that_is_read_by_many_counts_once, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
