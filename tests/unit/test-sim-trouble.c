// SPDX-License-Identifier: GPL-2.0-or-later
/* What goes on at the same time, and what fails in its midst: nobody loses a VF, or gets another's.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "srv/sriovd/claim.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/nic-edit.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/view.h"
#include "tests/sim/netlink.h"
#include "tests/unit/sim-assert.h"

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

/* Another configuration, at once. */
static void take_config(const char *text)
{
	const char *name = "sriovd.json";
	g_autoptr(GPtrArray) problems = NULL;
	struct srv_config *config = NULL;
	sriov_autoerror err = NULL;

	srv_config_parse(&name, &text, 1, &config, &problems, &err);
	assert_non_null(config);
	srv_model_set_config(sim_daemon->model, config);
	srv_config_unref(config);
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

/* In a driver or in libvirt, which do not come back; the simulated time goes on meanwhile. */
static void wait_for_flag(void *data)
{
	__atomic_add_fetch(&sim_world->hanging_threads, 1, __ATOMIC_SEQ_CST);
	while (!g_atomic_int_get((gint *)data))
		g_usleep(1000);
	__atomic_sub_fetch(&sim_world->hanging_threads, 1, __ATOMIC_SEQ_CST);
}

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

/* The attributes of VFs */

static bool is_settled(void *data)
{
	return !((const struct srv_nic *)data)->busy;
}

#define CONFIG_QOS                                                              \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\"]}," \
	"\"numVfs\":7}],\"networks\":["                                         \
	"{\"name\":\"a\",\"pool\":\"fast\",\"vlan\":100,\"qos\":3}]}"

static int set_up_qos(void **state)
{
	sim_new(CONFIG_QOS);
	sim_start();
	return 0;
}

/* libvirt puts the priority to 0 when it attaches. */
static void guest_whose_attach_was_cut_short_gets_all_attributes(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	sim_assert_done(sim_hook_prepare(web));
	sim_appear(web);
	sim_world->faults.lose_attach = true;
	sim_hook_started(web);
	sim_settle();
	assert_int_equal(sim_pf_by_bus(1)->vf[0].attrs.qos, 0);
	sim_world->faults.lose_attach = false;
	sim_virt_connect(true);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	assert_int_equal(sim_pf_by_bus(1)->vf[0].attrs.qos, 3);
	sim_assert_rules();
}

/* It does not let the VF go that is not as it should be: so nobody else gets it. */
static void vf_that_cannot_be_withdrawn_stays_its_guests(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);
	const struct srv_vf *vf = srv_model_find_vf(sim_daemon->model, "enp1s0/0");

	sim_assert_done(sim_hook_prepare(web));
	sim_appear(web);
	sim_world->faults.spoil_attach = sim_world->faults.deaf_guest = true;
	sim_hook_started(web);
	assert_true(sim_run_until(is_settled, vf->nic, 120000));
	assert_true(web->device[0].exists);
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	assert_non_null(strstr(vf->nic->row.reason, "did not let the device go"));
	sim_assert_rules();
}

/* Drivers forget attributes, or apply them wrongly, when their PF goes down and up. */
/* FAULTS row 12: PF down while configuring */
static void vfs_get_their_attributes_again_when_their_pf_comes_up(void **state)
{
	struct sim_link *link = sim_link_by_name("enp1s0");
	struct sim_vf *vf = sim_pf_by_bus(1)->vf;

	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_REQUIRED)));
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_settle();
	link->up = false;
	sim_link_event(link->ifindex);
	vf[0].attrs.vlan = vf[1].attrs.vlan = 0;
	link->up = true;
	sim_link_event(link->ifindex);
	sim_settle();
	assert_int_equal(vf[0].attrs.vlan, 100);
	assert_int_equal(vf[1].attrs.vlan, 100);
	sim_assert_rules();
}

static bool is_refreshing(void *data)
{
	return sim_daemon->refreshing;
}

static bool is_refreshed(void *data)
{
	return !sim_daemon->refreshing;
}

static void host_that_was_read_earlier_is_not_taken_for_news(void **state)
{
	struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp1s0");
	struct spci_pf *facts = NULL;
	sriov_autoerror err = NULL;

	srv_host_refresh(sim_daemon);
	assert_true(sim_run_until(is_refreshing, NULL, 10000));
	while (srv_queue_length(sim_daemon->host_queue))
		g_usleep(1000);
	/* The whole host has been read, and is taken when this function lets the main loop run. */
	sim_destroy_vfs(1);
	assert_ok(spci_pf_read(sim_root, pf->bdf, &facts, &err), err);
	srv_host_set_pf(sim_daemon, pf, facts, sim_daemon->model->takes);
	assert_true(sim_run_until(is_refreshed, NULL, 10000));
	assert_int_equal(pf->facts->num_vfs, 0);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* A look at the PF that began before its link changed does not bring the old link back. */
static void link_that_was_read_earlier_is_not_taken_for_news(void **state)
{
	struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp1s0");
	struct sim_link *link = sim_link_by_name("enp1s0");

	srv_host_refresh(sim_daemon);
	assert_true(sim_run_until(is_refreshing, NULL, 10000));
	while (srv_queue_length(sim_daemon->host_queue))
		g_usleep(1000);
	link->carrier = false;
	sim_link_event(link->ifindex);
	assert_true(sim_run_until(is_refreshed, NULL, 10000));
	assert_int_equal(pf->facts->link, SPCI_LINK_DOWN);
}

/* As at the host's boot: guests start while the PFs that were just brought up negotiate. */
static void start_waits_for_the_link_of_a_pf_that_was_just_brought_up(void **state)
{
	struct sim_link *link = sim_link_by_name("enp1s0");
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	link->up = link->carrier = false;
	sim_link_event(link->ifindex);
	link->up = true;
	sim_link_event(link->ifindex);
	sim_settle();
	sim_begin_boot(web);
	sim_run(1000);
	assert_false(web->active);
	link->carrier = true;
	sim_link_event(link->ifindex);
	sim_settle();
	assert_true(web->active);
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_assert_rules();
}

/* Somebody's ip link on a VF in use makes no event. */
static void attributes_changed_past_us_are_set_again(void **state)
{
	struct sim_vf *vf = sim_pf_by_bus(1)->vf;

	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_REQUIRED)));
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_settle();
	vf[0].attrs.vlan = vf[1].attrs.vlan = 7;
	vf[2].attrs.trust = true;
	sim_run((sim_daemon->model->config->reconcile_seconds + 1) * 1000);
	sim_settle();
	assert_int_equal(vf[0].attrs.vlan, 100);
	assert_int_equal(vf[1].attrs.vlan, 100);
	assert_false(vf[2].attrs.trust);
	sim_assert_counts("enp1s0", "5 free, 2 owned");
	sim_assert_rules();
}

static void changed_network_reaches_the_vfs_in_use(void **state)
{
	const struct sim_vf *vf = sim_pf_by_bus(1)->vf;

	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_REQUIRED)));
	sim_settle();
	assert_int_equal(vf[0].attrs.max, 1000);
	take_config("{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\"]},"
		    "\"numVfs\":7}],\"networks\":[{\"name\":\"a\",\"pool\":\"fast\","
		    "\"vlan\":100,\"maxTxRate\":500}]}");
	sim_run((sim_daemon->model->config->reconcile_seconds + 1) * 1000);
	sim_settle();
	assert_int_equal(vf[0].attrs.max, 500);
	sim_assert_rules();
}

/* Between its being set up and its being attached. */
static void vf_that_vanishes_before_its_attach_is_not_attached(void **state)
{
	struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp1s0");
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);
	const struct srv_nic *nic;
	gint go = 0;

	sim_assert_done(sim_hook_prepare(web));
	nic = srv_model_find_vf(sim_daemon->model, "enp1s0/0")->nic;
	srv_queue_push(pf->queue, wait_for_flag, NULL, &go);
	sim_appear(web);
	sim_hook_started(web);
	srv_host_set_pf(sim_daemon, pf, NULL, sim_daemon->model->takes);
	g_atomic_int_set(&go, 1);
	assert_true(sim_run_until(is_settled, (void *)nic, 10000));
	assert_int_equal(nic->row.state, SRV_NIC_FAILED);
	assert_non_null(strstr(nic->row.reason, "is gone"));
	srv_host_refresh(sim_daemon);
	sim_settle();
	srv_reconcile(sim_daemon);
	sim_settle();
	assert_int_equal(nic->row.state, SRV_NIC_ATTACHED);
	sim_assert_rules();
}

struct look {
	bool done, problem;
};

static void on_view(const struct srv_view *view, void *data)
{
	struct look *look = data;

	look->done = true;
	look->problem = ((const struct srv_pf_view *)view->pfs->pdata[0])->problem;
}

static bool is_seen(void *data)
{
	return ((struct look *)data)->done;
}

/* Was there a problem? *ret_ms: how long it took on the simulated clock. */
static bool look_at(struct srv_pf *pf, int64_t *ret_ms)
{
	const struct srv_view_want want = { .pf = pf, .attrs = true };
	gint64 began = g_get_monotonic_time();
	struct look look = { 0 };

	srv_view_read(sim_daemon, &want, on_view, &look);
	assert_true(sim_run_until(is_seen, &look, 10000));
	*ret_ms = (g_get_monotonic_time() - began) / 1000;
	return look.problem;
}

static bool hangs_no_more(void *data)
{
	return __atomic_load_n(&sim_world->hanging_threads, __ATOMIC_SEQ_CST) == 0;
}

/* Whoever looks first waits for it; so a look at all PFs is not held up each time. */
static void pf_that_hangs_is_not_waited_for_by_every_look(void **state)
{
	struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp1s0");
	int64_t ms;
	gint go = 0;

	srv_queue_push(pf->queue, wait_for_flag, NULL, &go);
	assert_true(look_at(pf, &ms));
	assert_in_range(ms, 1000, 10000);
	assert_true(look_at(pf, &ms));
	assert_in_range(ms, 0, 1000);
	g_atomic_int_set(&go, 1);
	assert_true(sim_run_until(hangs_no_more, NULL, 60000));
	sim_settle();
	assert_false(look_at(pf, &ms));
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

#define CONFIG_TRUSTED                                                          \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\"]}," \
	"\"numVfs\":7}],\"networks\":["                                         \
	"{\"name\":\"a\",\"pool\":\"fast\",\"vlan\":100},"                      \
	"{\"name\":\"own\",\"pool\":\"fast\",\"vlan\":100,\"trust\":true}]}"

static int set_up_trusting(void **state)
{
	sim_new(CONFIG_TRUSTED);
	sim_start();
	return 0;
}

/* A guest that is trusted may take a MAC of its own, and nothing else; another may not. */
static void own_mac_of_a_trusted_guest_is_left_to_it(void **state)
{
	struct sim_attrs *trusted = &sim_world->pf[0].vf[0].attrs;
	struct sim_attrs *other = &sim_world->pf[0].vf[1].attrs;
	uint8_t own[6] = { 0x02, 0, 0, 0, 0, 0x77 }, given[6];

	sim_assert_done(sim_boot(sim_guest(1, "own", SRV_MODE_REQUIRED)));
	sim_assert_done(sim_boot(sim_guest(2, "a", SRV_MODE_REQUIRED)));
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\nweb2/net0 attached vf enp1s0/1\n");
	memcpy(given, other->mac, 6);
	memcpy(trusted->mac, own, 6);
	memcpy(other->mac, own, 6);
	trusted->vlan = 200;
	sim_run(61 * 1000);
	sim_settle();
	assert_int_equal(trusted->vlan, 100);
	assert_memory_equal(trusted->mac, own, 6);
	assert_memory_equal(other->mac, given, 6);
	/* Nor does a start of ours take it away, which looks at every VF. */
	sim_stop();
	trusted->vlan = 200;
	sim_start();
	sim_run(61 * 1000);
	sim_settle();
	assert_int_equal(trusted->vlan, 100);
	assert_memory_equal(trusted->mac, own, 6);
	sim_assert_rules();
}

/* As after a loss in its driver: nobody has chosen these. */
static void mac_that_a_trusted_guest_cannot_have_chosen_is_put_back(void **state)
{
	struct sim_attrs *attrs = &sim_world->pf[0].vf[0].attrs;
	uint8_t random[6] = { 0x02, 0, 0, 0, 0, 0x78 }, given[6];

	sim_assert_done(sim_boot(sim_guest(1, "own", SRV_MODE_REQUIRED)));
	sim_settle();
	memcpy(given, attrs->mac, 6);
	memcpy(attrs->mac, random, 6);
	attrs->trust = false;
	sim_run(61 * 1000);
	sim_settle();
	assert_true(attrs->trust);
	assert_memory_equal(attrs->mac, given, 6);
	memset(attrs->mac, 0, 6);
	sim_run(61 * 1000);
	sim_settle();
	assert_memory_equal(attrs->mac, given, 6);
	sim_assert_rules();
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
		cmocka_unit_test_setup_teardown(
			guest_whose_attach_was_cut_short_gets_all_attributes, set_up_qos,
			sim_tear_down),
		cmocka_unit_test_setup_teardown(vf_that_cannot_be_withdrawn_stays_its_guests,
						set_up_qos, sim_tear_down),
		sim_test(vfs_get_their_attributes_again_when_their_pf_comes_up),
		sim_test(claim_that_could_not_be_configured_is_tried_again),
		sim_test(who_waits_for_a_pass_is_told_when_libvirt_goes),
		sim_test(host_that_was_read_earlier_is_not_taken_for_news),
		sim_test(link_that_was_read_earlier_is_not_taken_for_news),
		sim_test(start_waits_for_the_link_of_a_pf_that_was_just_brought_up),
		sim_test(attributes_changed_past_us_are_set_again),
		sim_test(changed_network_reaches_the_vfs_in_use),
		sim_test(vf_that_vanishes_before_its_attach_is_not_attached),
		sim_test(pf_that_hangs_is_not_waited_for_by_every_look),
		cmocka_unit_test_setup_teardown(pf_that_failed_is_tried_again, set_up_failing,
						sim_tear_down),
		cmocka_unit_test_setup_teardown(
			pf_that_failed_is_tried_again_with_another_configuration, set_up_failing,
			sim_tear_down),
		cmocka_unit_test_setup_teardown(own_mac_of_a_trusted_guest_is_left_to_it,
						set_up_trusting, sim_tear_down),
		cmocka_unit_test_setup_teardown(
			mac_that_a_trusted_guest_cannot_have_chosen_is_put_back, set_up_trusting,
			sim_tear_down),
		sim_test(attach_to_a_domain_that_stays_busy_is_tried_once_a_period),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
