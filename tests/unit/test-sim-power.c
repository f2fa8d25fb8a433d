// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * FAULTS row 4: the power is cut at any flush. The ledger's directory as each moment could
 * have left it is opened again, and has what was acknowledged by then.
 */
#include "tests/unit/test.h"

#include <string.h>

#include "srv/sriovd/ledger.h"
#include "tests/sim/disk.h"
#include "tests/sim/workloads.h"
#include "tests/support/tree.h"
#include "tests/unit/sim-assert.h"

#define RANDOM_RESTS 6

static const struct srv_nic_row *find(const struct srv_ledger_image *image,
				      const struct sim_claim *claim)
{
	for (guint i = 0; i < image->nics->len; i++) {
		const struct srv_nic_row *row = image->nics->pdata[i];

		if (row->owner.kind == SRV_OWNER_MANUAL &&
		    g_str_equal(row->owner.key, claim->owner) && g_str_equal(row->id, claim->id))
			return row;
	}
	return NULL;
}

static void check_claim(const struct srv_ledger_image *image, const struct sim_claim *claim,
			const char *when)
{
	const struct srv_nic_row *row = *claim->owner ? find(image, claim) : NULL;

	if (claim->state == SIM_CLAIMED &&
	    (!row || row->backing != SRV_BACKING_VF || row->vf.pf.bus != claim->bus ||
	     row->vf.index != claim->vf || memcmp(row->mac.octet, claim->mac, 6) != 0))
		fail_msg("%s: claim %s/%s was acknowledged and is not there", when, claim->owner,
			 claim->id);
	if (claim->state == SIM_UNCLAIMED && row)
		fail_msg("%s: claim %s/%s was released and is there", when, claim->owner,
			 claim->id);
}

static void check_moment(size_t moment, enum sim_disk_rest rest, unsigned seed)
{
	static const char *const names[] = { "nothing", "all", "names", "some" };
	g_autofree char *when = g_strdup_printf("before call %zu, of the unflushed %s, seed %u",
						moment, names[rest], seed);
	struct srv_ledger_image *image;
	struct srv_ledger *ledger;
	sriov_autoerror err = NULL;
	char *dir = tree_new();

	sim_disk_restore(moment, rest, seed, dir);
	if (srv_ledger_open(dir, &ledger, &err) < 0 || srv_ledger_load(ledger, &image, &err) < 0)
		fail_msg("%s: %s", when, err->message);
	for (int i = 0; i < SIM_CLAIMS; i++)
		check_claim(image, &sim_disk_claims(moment)[i], when);
	srv_ledger_image_free(image);
	srv_ledger_close(ledger);
	tree_remove(dir);
}

static unsigned check_all(void)
{
	unsigned n = 0;

	for (size_t moment = 0; moment < sim_disk_moments(); moment++) {
		if (!sim_disk_at_flush(moment))
			continue;
		check_moment(moment, SIM_DISK_NONE, 0);
		check_moment(moment, SIM_DISK_ALL, 0);
		check_moment(moment, SIM_DISK_NAMES, 0);
		for (unsigned seed = 1; seed <= RANDOM_RESTS; seed++)
			check_moment(moment, SIM_DISK_SOME, (unsigned)moment * 100 + seed);
		n += 3 + RANDOM_RESTS;
	}
	return n;
}

static void record(void)
{
	g_autofree char *dir = g_build_filename(sim_root, "state", NULL);

	sim_disk_record(dir);
}

/* From a host that never had a ledger: it is made, VFs are made and scrubbed. */
static void row_04_power_cut_while_the_ledger_is_made(void **state)
{
	sim_new(SIM_CONFIG_ONE_PF);
	record();
	sim_start();
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_settle();
	sim_stop();
	sim_disk_stop();
	assert_true(check_all() > 100);
	sim_disk_forget();
	sim_free();
}

static void row_04_power_cut_at_any_flush_of_claims_and_releases(void **state)
{
	sim_new(SIM_CONFIG_ONE_PF);
	record();
	sim_start();
	for (int i = 0; i < 6; i++) {
		g_autofree char *id = g_strdup_printf("p%d", i);

		sim_assert_done(sim_claim_vf("dpdk", id, "a"));
		if (i % 2)
			sim_assert_done(sim_release_vf("dpdk", id));
	}
	sim_settle();
	sim_stop();
	/* The log is taken home, and another daemon writes it anew. */
	sim_start();
	sim_assert_done(sim_release_vf("dpdk", "p0"));
	sim_assert_done(sim_claim_vf("ovs", "p0", "b"));
	sim_settle();
	sim_stop();
	sim_disk_stop();
	assert_true(check_all() > 300);
	sim_disk_forget();
	sim_free();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(row_04_power_cut_while_the_ledger_is_made),
		cmocka_unit_test(row_04_power_cut_at_any_flush_of_claims_and_releases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
