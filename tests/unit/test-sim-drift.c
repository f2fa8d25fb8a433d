// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel has otherwise than it should: attributes of VFs, links; and when that is news. */
#include "tests/unit/test.h"

#include <string.h>

#include "srv/sriovd/host.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/view.h"
#include "tests/sim/netlink.h"
#include "tests/unit/sim-trouble.h"

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

/* The daemon ended after the attach and before it had put right what libvirt had set. */
static void attributes_that_a_crash_left_wrong_are_set_by_the_first_look(void **state)
{
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_REQUIRED)));
	sim_settle();
	sim_stop();
	sim_pf_by_bus(1)->vf[0].attrs.qos = 0;
	sim_start();
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
	size_t n_attrs;
};

static void on_view(const struct srv_view *view, void *data)
{
	struct look *look = data;

	const struct srv_pf_view *pf = view->pfs->pdata[0];

	look->done = true;
	look->problem = pf->problem;
	look->n_attrs = pf->n_attrs;
	assert_int_equal(!pf->stale, !pf->problem);
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
	assert_true(sim_run_until(is_seen, &look, 60000));
	*ret_ms = (g_get_monotonic_time() - began) / 1000;
	assert_int_equal(look.n_attrs, SIM_VFS); /* of now, or of before */
	return look.problem;
}

static bool hangs_no_more(void *data)
{
	return __atomic_load_n(&sim_world->hanging_threads, __ATOMIC_SEQ_CST) == 0;
}

/* Whoever looks first waits for it; the others get what it said last. */
static void pf_that_hangs_is_not_waited_for_by_every_look(void **state)
{
	struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp1s0");
	int64_t ms;
	gint go = 0;

	assert_false(look_at(pf, &ms));
	srv_queue_push(pf->reads, wait_for_flag, NULL, &go);
	assert_true(look_at(pf, &ms));
	assert_true(ms >= sim_daemon->view_patience_ms);
	assert_true(look_at(pf, &ms));
	assert_true(ms < sim_daemon->view_patience_ms);
	g_atomic_int_set(&go, 1);
	assert_true(sim_run_until(hangs_no_more, NULL, 60000));
	sim_settle();
	assert_false(look_at(pf, &ms));
}

/* What works on a PF is in nobody's way who only looks. */
static void look_does_not_stand_behind_what_works_on_the_pf(void **state)
{
	struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp1s0");
	int64_t ms;
	gint go = 0;

	/* The simulated clock would not wait long for one thread while another hangs. */
	g_main_context_set_poll_func(NULL, NULL);
	srv_queue_push(pf->queue, wait_for_flag, NULL, &go);
	assert_false(look_at(pf, &ms));
	g_atomic_int_set(&go, 1);
	sim_clock_install();
	assert_true(sim_run_until(hangs_no_more, NULL, 60000));
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			guest_whose_attach_was_cut_short_gets_all_attributes, set_up_qos,
			sim_tear_down),
		cmocka_unit_test_setup_teardown(
			attributes_that_a_crash_left_wrong_are_set_by_the_first_look, set_up_qos,
			sim_tear_down),
		cmocka_unit_test_setup_teardown(vf_that_cannot_be_withdrawn_stays_its_guests,
						set_up_qos, sim_tear_down),
		sim_test(vfs_get_their_attributes_again_when_their_pf_comes_up),
		sim_test(host_that_was_read_earlier_is_not_taken_for_news),
		sim_test(link_that_was_read_earlier_is_not_taken_for_news),
		sim_test(start_waits_for_the_link_of_a_pf_that_was_just_brought_up),
		sim_test(attributes_changed_past_us_are_set_again),
		sim_test(changed_network_reaches_the_vfs_in_use),
		sim_test(vf_that_vanishes_before_its_attach_is_not_attached),
		sim_test(pf_that_hangs_is_not_waited_for_by_every_look),
		sim_test(look_does_not_stand_behind_what_works_on_the_pf),
		cmocka_unit_test_setup_teardown(own_mac_of_a_trusted_guest_is_left_to_it,
						set_up_trusting, sim_tear_down),
		cmocka_unit_test_setup_teardown(
			mac_that_a_trusted_guest_cannot_have_chosen_is_put_back, set_up_trusting,
			sim_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
