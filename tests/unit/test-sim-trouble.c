// SPDX-License-Identifier: GPL-2.0-or-later
/* What goes on at the same time, and what fails in its midst: nobody loses a VF, or gets another's.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "srv/sriovd/claim.h"
#include "srv/sriovd/nic-edit.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"
#include "tests/unit/sim-trouble.h"

struct answer {
	bool done;
	char *text; /* NULL: it went well */
};

static void on_claim(const struct srv_nic *nic, const struct sriov_error *error, void *data)
{
	struct answer *answer = data;

	answer->done = true;
	answer->text = error ? sriov_error_text(error) : NULL;
}

static void claim_whose_network_goes_meanwhile_is_refused(void **state)
{
	const struct srv_claim_request request = { .owner = "dpdk", .network = "a", .id = "p0" };
	struct answer answer = { 0 };

	srv_claim(sim_daemon, &request, on_claim, &answer);
	assert_false(answer.done);
	take_config("{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\"]},"
		    "\"numVfs\":7}],\"networks\":[{\"name\":\"b\",\"pool\":\"fast\"}]}");
	sim_settle();
	assert_true(answer.done);
	assert_non_null(answer.text);
	assert_non_null(strstr(answer.text, "not in the configuration any more"));
	g_free(answer.text);
	sim_assert_nics("");
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* What has begun is finished and answered; what came of it is there at the next start. */
static void claim_under_way_at_the_end_is_answered(void **state)
{
	const struct srv_claim_request request = { .owner = "dpdk", .network = "a", .id = "p0" };
	struct answer answer = { 0 };

	srv_claim(sim_daemon, &request, on_claim, &answer);
	sim_stop();
	assert_true(answer.done);
	assert_null(answer.text);
	sim_start();
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\n");
	assert_int_equal(sim_pf_by_bus(1)->vf[0].attrs.vlan, 100);
}

/* Two guests, one of which has the other's UUID for a name. */
static void guest_named_like_anothers_uuid_keeps_its_vf(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);
	struct sim_domain *namesake = sim_guest(2, "a", SRV_MODE_REQUIRED);
	const struct srv_vf *vf;

	g_strlcpy(namesake->name, web->uuid, sizeof(namesake->name));
	sim_assert_done(sim_boot(namesake));
	sim_settle();
	vf = srv_model_find_vf(sim_daemon->model, "enp1s0/0");
	sim_assert_done(sim_hook_prepare(web));
	assert_int_equal(vf->nic->row.state, SRV_NIC_ATTACHED);
	sim_appear(web);
	sim_hook_started(web);
	sim_settle();
	sim_vanish(web);
	srv_nic_release_owner(sim_daemon, web->uuid);
	assert_non_null(vf->nic);
	sim_settle();
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_assert_rules();
}

/* A disk that fails */

/* FAULTS row 7: I/O error at commit */
static void claim_whose_release_cannot_be_recorded_stays(void **state)
{
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_world->faults.write_errno = EIO;
	sim_assert_refused(sim_release_vf("dpdk", "p0"), "ledger");
	sim_run(30 * 1000);
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\n");
	sim_assert_rules();
	sim_world->faults.write_errno = 0;
	sim_assert_done(sim_release_vf("dpdk", "p0"));
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* It cannot stay with a guest that is gone: it is recorded when the disk can be written again. */
/* FAULTS row 7: I/O error at commit */
static void guest_that_ends_on_a_failing_disk_leaves_nothing_behind(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_world->faults.write_errno = EIO;
	sim_shut_down(web);
	sim_settle();
	sim_assert_nics("web1/net0 idle none\n");
	sim_assert_counts("enp1s0", "6 free, 1 dirty");
	sim_world->faults.write_errno = 0;
	sim_run(30 * 1000);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	for (int i = 0; i < SIM_VFS; i++) {
		g_autofree char *id = g_strdup_printf("p%d", i);

		sim_assert_done(sim_claim_vf("dpdk", id, "a"));
	}
	sim_assert_rules();
	sim_stop();
	sim_start();
	sim_assert_counts("enp1s0", "7 owned");
	sim_assert_rules();
}

/* Nics that the failed start would have dropped or added do not come back with a restart. */
static void start_that_cannot_be_recorded_changes_nothing(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	sim_add_nic(web, "net1", "b", SRV_MODE_EXCLUSIVE);
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_shut_down(web);
	sim_settle();
	sim_world->faults.write_errno = EIO;
	web->n_nics = 1;
	sim_assert_refused(sim_boot(web), "ledger");
	sim_world->faults.write_errno = 0;
	sim_run(30 * 1000);
	sim_settle();
	sim_assert_nics("web1/net0 idle none\n");
	sim_stop();
	sim_world->faults.virt_down = true;
	sim_start();
	sim_assert_nics("web1/net0 idle none\n");
	sim_virt_connect(true);
	sim_settle();
	sim_assert_rules();
}

/* libvirt goes in the midst */

/* Whether libvirt attached it nobody knows until it is back; the VF belongs to the guest till then.
 */
/* FAULTS row 23: libvirtd restarted or stopped */
static void vf_stays_when_the_answer_to_its_attach_is_lost(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	sim_assert_done(sim_hook_prepare(web));
	sim_appear(web);
	sim_world->faults.lose_attach = true;
	sim_hook_started(web);
	sim_settle();
	assert_true(web->device[0].exists);
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_world->faults.lose_attach = false;
	sim_virt_connect(true);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

/* FAULTS row 23: libvirtd restarted or stopped */
static void attach_that_never_reached_libvirt_is_made_when_it_is_back(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	sim_assert_done(sim_hook_prepare(web));
	sim_appear(web);
	sim_virt_connect(false);
	sim_hook_started(web);
	sim_settle();
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_virt_connect(true);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

/* A start while something of the last run is under way */

static bool is_configured(void *data)
{
	const struct srv_vf *vf = data;

	return vf->nic && vf->nic->busy && vf->verified;
}

/* Attaching its net0, with libvirt not answering until go is set. */
static struct sim_domain *hanging_guest(gint *go)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	sim_assert_done(sim_hook_prepare(web));
	srv_queue_push(srv_daemon_domain_queue(sim_daemon, web->uuid), wait_for_flag, NULL, go);
	sim_appear(web);
	sim_hook_started(web);
	assert_true(sim_run_until(is_configured, srv_model_find_vf(sim_daemon->model, "enp1s0/0"),
				  10000));
	return web;
}

static void refused_start_takes_nothing_from_an_attach_under_way(void **state)
{
	const struct srv_vf *vf = srv_model_find_vf(sim_daemon->model, "enp1s0/0");
	struct sim_domain *web;
	gint go = 0;

	web = hanging_guest(&go);
	for (int i = 0; i < 6; i++) {
		g_autofree char *id = g_strdup_printf("p%d", i);

		sim_assert_done(sim_claim_vf("dpdk", id, "a"));
	}
	sim_vanish(web);
	sim_hook_release(web);
	sim_add_nic(web, "net1", "n", SRV_MODE_REQUIRED);
	sim_assert_refused(sim_hook_prepare(web), "it requires a VF");
	assert_non_null(vf->nic);
	assert_true(vf->nic->busy);
	g_atomic_int_set(&go, 1);
	sim_settle();
	sim_assert_counts("enp1s0", "1 free, 6 owned");
	sim_assert_rules();
}

static void guest_restarted_during_an_attach_gets_its_vf(void **state)
{
	struct sim_domain *web;
	gint go = 0;

	web = hanging_guest(&go);
	sim_vanish(web);
	sim_hook_release(web);
	sim_assert_done(sim_hook_prepare(web));
	g_atomic_int_set(&go, 1);
	/* The attach of the last run finds no guest. */
	sim_settle();
	sim_appear(web);
	sim_hook_started(web);
	sim_virt_event(web->uuid, SRV_VIRT_STARTED);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

/* What a guest asks for */

static void on_error(const struct sriov_error *error, void *data)
{
	on_claim(NULL, error, data);
}

static bool is_done(void *data)
{
	return ((struct answer *)data)->done;
}

/* It runs with good metadata; those for its next start are somebody's to correct, not ours. */
static void stored_metadata_that_cannot_be_read_are_not_written_over(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	struct srv_nic_edit edit = { .domain = web->name, .remove = (char *)"net0" };
	struct answer answer = { 0 };

	sim_assert_done(sim_boot(web));
	sim_settle();
	web->spoilt = true;
	srv_nic_edit_run(sim_daemon, &edit, on_error, &answer);
	assert_true(sim_run_until(is_done, &answer, 10000));
	assert_non_null(answer.text);
	assert_non_null(strstr(answer.text, "nothing is written over it"));
	g_free(answer.text);
	g_free(edit.uuid);
	g_free(edit.name);
	assert_int_equal(web->n_nics, 1);
	sim_assert_rules();
}

/* The guest lets a removed nic go when nobody waits for that any more. */
/* FAULTS row 29: guest that ignores the unplug request */
static void removed_nic_that_leaves_late_does_not_come_back(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	const struct srv_vf *vf = srv_model_find_vf(sim_daemon->model, "enp1s0/1");
	struct answer answer = { 0 };
	g_autofree char *alias = srv_nic_alias("net1");

	sim_add_nic(web, "net1", "a", SRV_MODE_EXCLUSIVE);
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_world->faults.deaf_guest = true;
	web->n_nics = 1;
	srv_nic_detach(sim_daemon, vf->nic, on_error, &answer);
	assert_true(sim_run_until(is_done, &answer, 60000));
	assert_non_null(strstr(answer.text, "did not let the device go"));
	g_free(answer.text);
	sim_assert_nics("web1/net0 attached vf enp1s0/0\nweb1/net1 attached vf enp1s0/1\n");
	sim_device_leave(&web->device[1]);
	sim_virt_device_removed(web->uuid, alias);
	sim_settle();
	srv_reconcile(sim_daemon);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_assert_rules();
}

static void device_that_left_by_itself_is_detached(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	const struct srv_vf *vf = srv_model_find_vf(sim_daemon->model, "enp1s0/0");
	struct answer answer = { 0 };

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_device_leave(&web->device[0]);
	web->n_nics = 0;
	srv_nic_detach(sim_daemon, vf->nic, on_error, &answer);
	assert_true(sim_run_until(is_done, &answer, 60000));
	assert_null(answer.text);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* PFs that fail */

static int set_up_failing(void **state)
{
	sim_new(SIM_CONFIG_ONE_PF);
	g_strlcpy(sim_world->faults.fail_file, "sriov_numvfs", sizeof(sim_world->faults.fail_file));
	sim_world->faults.fail_errno = EBUSY;
	sim_start();
	return 0;
}

/* FAULTS row 14: sriov_numvfs refused, or fewer VFs than asked */
static void pf_that_failed_is_tried_again(void **state)
{
	const struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp1s0");

	assert_int_equal(pf->state, SRV_PF_FAILED);
	sim_world->faults.fail_file[0] = '\0';
	sim_run(150 * 1000);
	sim_settle();
	assert_int_equal(pf->state, SRV_PF_READY);
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

static void pf_that_failed_is_tried_again_with_another_configuration(void **state)
{
	const struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp1s0");

	assert_int_equal(pf->state, SRV_PF_FAILED);
	sim_world->faults.fail_file[0] = '\0';
	srv_daemon_reload(sim_daemon, NULL, NULL);
	sim_run(5000);
	assert_int_equal(pf->state, SRV_PF_READY);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
}

/* Its PF was down when sriovd started, or the driver did not take something. */
static void claim_that_could_not_be_configured_is_tried_again(void **state)
{
	struct sim_vf *vf = sim_pf_by_bus(1)->vf;

	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_stop();
	vf->attrs.vlan = 0;
	sim_world->faults.attr[1].err = EBUSY;
	sim_start();
	sim_assert_nics("dpdk/p0 failed vf enp1s0/0\n");
	sim_world->faults.attr[1].err = 0;
	sim_run(150 * 1000);
	sim_settle();
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\n");
	assert_int_equal(vf->attrs.vlan, 100);
	sim_assert_rules();
}

/* Waits for a pass that never comes, since libvirt went during the one before. */
static void on_pass(void *data)
{
	*(bool *)data = true;
}

static bool is_passed(void *data)
{
	return *(bool *)data;
}

static void who_waits_for_a_pass_is_told_when_libvirt_goes(void **state)
{
	bool passed = false;

	srv_reconcile(sim_daemon);
	assert_true(sim_daemon->reconciling);
	srv_reconcile_then(sim_daemon, on_pass, &passed);
	sim_virt_connect(false);
	assert_true(sim_run_until(is_passed, &passed, 30000));
}

/* A daemon that ends before its turn has come leaves its number behind: nobody else dies of it. */
static void only_the_simulated_daemon_is_killed(void **state)
{
	int status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0) {
		setpgid(0, 0);
		if (fork() == 0) {
			sim_live(3);
			sim_door("one");
			_exit(0);
		}
		wait(&status);
		for (int i = 0; i < 5; i++)
			sim_door("the test's own");
		_exit(7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 7);
	sim_world->kill_at = 0;
}

/* srv_virt_attach() has patience of its own: with more on top of it a nic would wait for hours. */
static void attach_to_a_domain_that_stays_busy_is_tried_once_a_period(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	sim_world->faults.busy_domains = true;
	sim_assert_done(sim_boot(web));
	sim_run(50 * 1000);
	assert_int_equal(sim_world->attaches, 1);
	sim_assert_nics("web1/net0 failed none\n");
	sim_run(60 * 1000);
	assert_in_range(sim_world->attaches, 2, 3);
	sim_assert_rules();
	sim_world->faults.busy_domains = false;
	sim_run(61 * 1000);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(only_the_simulated_daemon_is_killed),
		sim_test(claim_whose_network_goes_meanwhile_is_refused),
		sim_test(claim_under_way_at_the_end_is_answered),
		sim_test(guest_named_like_anothers_uuid_keeps_its_vf),
		sim_test(claim_whose_release_cannot_be_recorded_stays),
		sim_test(guest_that_ends_on_a_failing_disk_leaves_nothing_behind),
		sim_test(start_that_cannot_be_recorded_changes_nothing),
		sim_test(vf_stays_when_the_answer_to_its_attach_is_lost),
		sim_test(attach_that_never_reached_libvirt_is_made_when_it_is_back),
		sim_test(refused_start_takes_nothing_from_an_attach_under_way),
		sim_test(guest_restarted_during_an_attach_gets_its_vf),
		sim_test(stored_metadata_that_cannot_be_read_are_not_written_over),
		sim_test(device_that_left_by_itself_is_detached),
		sim_test(removed_nic_that_leaves_late_does_not_come_back),
		sim_test(claim_that_could_not_be_configured_is_tried_again),
		sim_test(who_waits_for_a_pass_is_told_when_libvirt_goes),
		cmocka_unit_test_setup_teardown(pf_that_failed_is_tried_again, set_up_failing,
						sim_tear_down),
		cmocka_unit_test_setup_teardown(
			pf_that_failed_is_tried_again_with_another_configuration, set_up_failing,
			sim_tear_down),
		sim_test(attach_to_a_domain_that_stays_busy_is_tried_once_a_period),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
