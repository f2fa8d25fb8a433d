// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FAULTS rows 6, 20, 23: while something hangs or fails, whoever reads is answered, and who works
 * on another PF does not notice. Times are real ones here, and compared with those of the same
 * calls on the same daemon at rest.
 */
#include <stdlib.h>
#include <time.h>

#include "srv/sriovd/host.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/view.h"
#include "tests/sim/netlink.h"
#include "tests/unit/api-client.h"
#include "tests/unit/sim-assert.h"

#define CALLS  100
#define CLAIMS 15

/* Each PF has a pool of its own. */
#define CONFIG                                                                                  \
	"{\"pools\":[{\"name\":\"one\",\"select\":{\"pfNames\":[\"enp1s0\"]},\"numVfs\":7},"    \
	"{\"name\":\"two\",\"select\":{\"pfNames\":[\"enp2s0\"]},\"numVfs\":7}],\"networks\":[" \
	"{\"name\":\"a\",\"pool\":\"one\",\"vlan\":100},{\"name\":\"z\",\"pool\":\"two\"}]}"

static const struct {
	const char *method, *parameters;
} reads[] = {
	{ "GetStatus", NULL },
	{ "ListPFs", NULL },
	{ "ListVFs", NULL },
	{ "ListVFs", "{'pf':'enp1s0'}" },
	{ "GetVF", "{'vf':'enp1s0/0'}" },
	{ "ListNics", NULL },
	{ "GetNic", "{'owner':'dpdk','id':'p0'}" },
	{ "Explain", "{'owner':'dpdk','id':'p0'}" },
	{ "Explain", "{'owner':'web1','id':'net0'}" }, /* of a guest that is shut off */
	{ "WatchJob", "{'job':1}" },
	{ "CheckConfig", NULL },
	{ "CheckLedger", NULL },
};

/* Milliseconds, of real time: not all clocks are the simulation's. */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	return *(const double *)a < *(const double *)b ? -1
						       : *(const double *)a > *(const double *)b;
}

struct times {
	double median, p95, max;
};

static struct times summary(double *ms, size_t n)
{
	qsort(ms, n, sizeof(*ms), compare);
	return (struct times){ ms[n / 2], ms[n * 95 / 100], ms[n - 1] };
}

static struct times time_reads(size_t i)
{
	double ms[CALLS];

	for (size_t j = 0; j < CALLS; j++) {
		double began = now();

		json_decref(api_call(reads[i].method, reads[i].parameters));
		ms[j] = now() - began;
	}
	return summary(ms, CALLS);
}

static bool is_whole(void *pf)
{
	return ((const struct srv_pf *)pf)->counts[SRV_VF_FREE] == SIM_VFS;
}

/* Of the other PF: a claim, whatever the answer. */
static struct times time_claims(void)
{
	struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp2s0");
	double ms[CLAIMS];

	for (size_t j = 0; j < CLAIMS; j++) {
		double began = now();

		g_free(sim_claim_vf("other", "p0", "z"));
		ms[j] = now() - began;
		g_free(sim_release_vf("other", "p0"));
		sim_run_until(is_whole, pf, 1000);
	}
	return summary(ms, CLAIMS);
}

struct floor {
	struct times reads[G_N_ELEMENTS(reads)], claims;
};

static struct floor at_rest;

static int set_up(void **state)
{
	sim_new(CONFIG);
	sim_start();
	api_serve();
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_done(sim_claim_vf("dpdk", "p1", "a"));
	sim_assert_done(sim_release_vf("dpdk", "p1")); /* the first job */
	sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	sim_settle();
	srv_reconcile(sim_daemon);
	sim_settle();
	/* From here on with the real clock, and the patience that the daemon has by itself. */
	g_main_context_set_poll_func(NULL, NULL);
	sim_daemon->view_patience_ms = SRV_VIEW_PATIENCE_MS;
	for (size_t i = 0; i < G_N_ELEMENTS(reads); i++)
		at_rest.reads[i] = time_reads(i);
	at_rest.claims = time_claims();
	return 0;
}

static int tear_down(void **state)
{
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
	sim_clock_install();
	sim_settle();
	sim_stop();
	sim_free();
	return 0;
}

/* The slowest of all calls at rest: what this machine makes of one now and then. */
static double worst_at_rest(void)
{
	double worst = at_rest.claims.max;

	for (size_t i = 0; i < G_N_ELEMENTS(reads); i++)
		worst = MAX(worst, at_rest.reads[i].max);
	return worst;
}

static void assert_not_slower(const char *what, const char *of, double is, double rest,
			      double limit)
{
	printf("  %-12s %-30s at rest %6.2f ms, now %6.2f ms (limit %.2f)\n", what, of, rest, is,
	       limit);
	if (is > limit)
		fail_msg("%s %s took %.2f ms, more than %.2f ms", what, of, is, limit);
}

/* Of one hundred calls of each method, and the slowest of all of them: one has found out. */
static void assert_reads_of_all_go_on(void)
{
	double slowest = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(reads); i++) {
		struct times times = time_reads(i);

		assert_not_slower(reads[i].method, reads[i].parameters ?: "", times.p95,
				  at_rest.reads[i].p95, 50 + 3 * at_rest.reads[i].max);
		slowest = MAX(slowest, times.max);
	}
	assert_not_slower("slowest", "of all", slowest, worst_at_rest(), 500 + 3 * worst_at_rest());
}

static void assert_reads_go_on(void)
{
	struct times claims;

	assert_reads_of_all_go_on();
	claims = time_claims();
	assert_not_slower("claim", "of the other PF, median", claims.median, at_rest.claims.median,
			  50 + 3 * at_rest.claims.max);
}

/* Of VF enp1s0/0: is the answer marked as being old, and has it attributes all the same? */
static void assert_stale(bool stale)
{
	json_t *answer = api_call("GetVF", "{'vf':'enp1s0/0'}");
	const json_t *vf = json_object_get(answer, "vf");
	const char *reason = json_string_value(json_object_get(vf, "reason"));

	assert_int_equal(json_object_get(vf, "stale") != NULL, stale);
	assert_int_equal(reason && strstr(reason, "enp1s0") && strstr(reason, "s ago"), stale);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(vf, "attributes"), "vlan")),
		100);
	json_decref(answer);
}

static bool helper_hangs(void *data)
{
	return __atomic_load_n(&sim_world->hung, __ATOMIC_SEQ_CST) > 0;
}

static bool thread_hangs(void *data)
{
	return __atomic_load_n(&sim_world->hanging_threads, __ATOMIC_SEQ_CST) > 0;
}

static bool none_hangs(void *data)
{
	return !thread_hangs(data);
}

static void assert_comes_back(void)
{
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
	assert_true(sim_run_until(none_hangs, NULL, 60000));
	sim_clock_install();
	sim_settle();
	sim_daemon->view_patience_ms = 10000;
}

/* FAULTS row 20: a driver call that never returns */
static void row_20_reads_go_on_while_a_write_of_sriov_numvfs_hangs(void **state)
{
	struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp1s0");

	assert_stale(false);
	g_strlcpy(sim_world->faults.hang_file, "sriov_numvfs", sizeof(sim_world->faults.hang_file));
	sim_assert_done(sim_release_vf("dpdk", "p0"));
	sim_destroy_vfs(1);
	srv_host_refresh(sim_daemon);
	assert_true(sim_run_until(helper_hangs, NULL, 60000));
	assert_int_equal(pf->state, SRV_PF_READY);
	sim_world->faults.hang_looks = 1 + 1;
	assert_reads_go_on();
	assert_comes_back();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* FAULTS row 20: a driver call that never returns */
static void row_20_reads_go_on_while_a_reset_hangs(void **state)
{
	sim_assert_done(sim_claim_vf("dpdk", "p1", "a"));
	assert_stale(false);
	g_strlcpy(sim_world->faults.hang_file, "reset", sizeof(sim_world->faults.hang_file));
	sim_assert_done(sim_release_vf("dpdk", "p1"));
	assert_true(sim_run_until(helper_hangs, NULL, 60000));
	sim_world->faults.hang_looks = 1 + 1;
	assert_reads_go_on();
	assert_stale(true);
	assert_comes_back();
	assert_stale(false);
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_assert_rules();
}

/* FAULTS row 20: a driver call that never returns */
static void row_20_reads_go_on_while_netlink_hangs(void **state)
{
	assert_stale(false);
	sim_world->faults.hang_sets = sim_world->faults.hang_looks = 1 + 1;
	sim_begin_claim(sim_claim_of("dpdk", "p2"), "a");
	assert_true(sim_run_until(thread_hangs, NULL, 60000));
	assert_reads_go_on();
	assert_stale(true);
	assert_comes_back();
	assert_stale(false);
	sim_assert_counts("enp1s0", "5 free, 2 owned");
	sim_assert_rules();
}

/* FAULTS row 20: ditto, with the kernel's RTNL lock held, so that every PF's netlink stands */
static void row_20_reads_go_on_while_netlink_hangs_for_every_pf(void **state)
{
	assert_stale(false);
	sim_world->faults.hang_sets = sim_world->faults.hang_looks = SIM_EVERY_PF;
	sim_world->faults.hang_links = true;
	sim_begin_claim(sim_claim_of("dpdk", "p2"), "a");
	assert_true(sim_run_until(thread_hangs, NULL, 60000));
	assert_reads_of_all_go_on();
	assert_stale(true);
	assert_comes_back();
	assert_stale(false);
	sim_assert_rules();
}

/* FAULTS row 20: a driver call that never returns */
static void row_20_reads_do_not_wait_for_a_pf_that_is_worked_on(void **state)
{
	sim_world->faults.hang_sets = 1 + 1;
	sim_begin_claim(sim_claim_of("dpdk", "p2"), "a");
	assert_true(sim_run_until(thread_hangs, NULL, 60000));
	sim_daemon->view_patience_ms = 10000;
	assert_stale(false);
	sim_daemon->view_patience_ms = SRV_VIEW_PATIENCE_MS;
	assert_reads_go_on();
	assert_comes_back();
	sim_assert_rules();
}

/* FAULTS row 23: libvirtd restarted or stopped */
static void row_23_reads_go_on_while_libvirt_hangs(void **state)
{
	struct sim_domain *web = sim_guest(2, "a", SRV_MODE_EXCLUSIVE);

	sim_assert_done(sim_hook_prepare(web));
	sim_world->faults.hang_virt = true;
	sim_appear(web);
	sim_hook_started(web);
	srv_reconcile(sim_daemon);
	assert_true(sim_run_until(thread_hangs, NULL, 60000));
	assert_reads_go_on();
	assert_comes_back();
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\n"
			"web1/net0 idle none\n"
			"web2/net0 attached vf enp1s0/1\n");
	sim_assert_rules();
}

/* FAULTS row 6: the disk is full */
static void row_06_reads_go_on_while_the_disk_is_full(void **state)
{
	sim_world->faults.write_errno = ENOSPC;
	sim_begin_claim(sim_claim_of("dpdk", "p2"), "a");
	assert_reads_go_on();
	assert_comes_back();
	sim_run(61 * 1000);
	sim_settle();
	sim_assert_rules();
}

/* FAULTS row 6: and one that does not answer at all: a claim waits for it, and nobody else does. */
static void row_06_reads_go_on_while_the_disk_hangs(void **state)
{
	struct sim_domain *web = sim_guest(2, "a", SRV_MODE_EXCLUSIVE);

	sim_world->faults.hang_disk = true;
	sim_begin_claim(sim_claim_of("dpdk", "p2"), "a");
	sim_begin_boot(web);
	assert_true(sim_run_until(thread_hangs, NULL, 60000));
	assert_reads_of_all_go_on();
	assert_comes_back();
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\n"
			"dpdk/p2 attached vf enp1s0/1\n"
			"web1/net0 idle none\n"
			"web2/net0 attached vf enp1s0/2\n");
	sim_assert_rules();
}

#define reads_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		reads_test(row_20_reads_go_on_while_a_write_of_sriov_numvfs_hangs),
		reads_test(row_20_reads_go_on_while_a_reset_hangs),
		reads_test(row_20_reads_go_on_while_netlink_hangs),
		reads_test(row_20_reads_go_on_while_netlink_hangs_for_every_pf),
		reads_test(row_20_reads_do_not_wait_for_a_pf_that_is_worked_on),
		reads_test(row_23_reads_go_on_while_libvirt_hangs),
		reads_test(row_06_reads_go_on_while_the_disk_is_full),
		reads_test(row_06_reads_go_on_while_the_disk_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
