// SPDX-License-Identifier: GPL-2.0-or-later
/* The ordinary life of nics and claims on the simulated host, hooks and events in every order. */
#include "tests/unit/test.h"

#include <string.h>

#include "srv/sriovd/claim.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"
#include "tests/unit/sim-assert.h"

#define NEUTRAL "00:00:00:00:00:00 vlan 0 qos 0 rate 0-0 spoofchk"

static char *attrs_on_a(const struct sim_domain *domain)
{
	const uint8_t *mac = domain->device[0].mac;

	return g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x vlan 100 qos 0 rate 0-1000 spoofchk",
			       mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

static void start_makes_vfs_and_scrubs_them(void **state)
{
	sim_assert_counts("enp1s0", "7 free");
	for (uint32_t i = 0; i < SIM_VFS; i++)
		sim_assert_attrs(1, i, NEUTRAL);
	sim_assert_rules();
}

static void guest_gets_a_vf_with_its_networks_attributes(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);
	g_autofree char *expected = NULL;

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	expected = attrs_on_a(web);
	sim_assert_attrs(1, 0, expected);
	assert_string_equal(web->device[0].type, "hostdev");
	sim_assert_rules();
}

static void guest_without_vf_left_gets_virtio(void **state)
{
	struct sim_domain *web = NULL;

	for (unsigned i = 1; i <= 8; i++) {
		web = sim_guest(i, "a", SRV_MODE_EXCLUSIVE);
		sim_assert_done(sim_boot(web));
	}
	sim_settle();
	sim_assert_counts("enp1s0", "7 owned");
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n"
			"web2/net0 attached vf enp1s0/1\n"
			"web3/net0 attached vf enp1s0/2\n"
			"web4/net0 attached vf enp1s0/3\n"
			"web5/net0 attached vf enp1s0/4\n"
			"web6/net0 attached vf enp1s0/5\n"
			"web7/net0 attached vf enp1s0/6\n"
			"web8/net0 attached virtio enp1s0.100\n");
	assert_string_equal(web->device[0].type, "direct");
	assert_string_equal(web->device[0].source, "enp1s0.100");
	sim_assert_rules();
	/* The VLAN link goes with the last that stood on it. */
	sim_shut_down(web);
	sim_settle();
	assert_null(sim_link_by_name("enp1s0.100"));
	sim_assert_rules();
}

static void guest_on_a_bridge_has_its_mac_in_the_pfs_filter(void **state)
{
	struct sim_domain *web = NULL;

	sim_link_by_name("enp1s0")->master = sim_link_by_name("br0")->ifindex;
	for (unsigned i = 1; i <= 8; i++) {
		web = sim_guest(i, "b", SRV_MODE_EXCLUSIVE);
		sim_assert_done(sim_boot(web));
		sim_settle();
	}
	assert_string_equal(web->device[0].type, "bridge");
	assert_int_equal(sim_world->fdb[0].ifindex, 7);
	assert_memory_equal(sim_world->fdb[0].mac, web->device[0].mac, 6);
	sim_shut_down(web);
	sim_settle();
	assert_int_equal(sim_world->fdb[0].ifindex, 0);
	sim_assert_rules();
}

/* Its guest's entry in the filter of enp1s0; NULL. */
static struct sim_fdb *fdb_of(const struct sim_domain *domain)
{
	for (int i = 0; i < SIM_LINKS; i++) {
		struct sim_fdb *entry = &sim_world->fdb[i];

		if (entry->ifindex == 7 && memcmp(entry->mac, domain->device[0].mac, 6) == 0)
			return entry;
	}
	return NULL;
}

static struct sim_domain *boot_eight_on_a_bridge(void)
{
	struct sim_domain *web = NULL;

	sim_link_by_name("enp1s0")->master = sim_link_by_name("br0")->ifindex;
	for (unsigned i = 1; i <= 8; i++) {
		web = sim_guest(i, "b", SRV_MODE_EXCLUSIVE);
		sim_assert_done(sim_boot(web));
		sim_settle();
	}
	return web;
}

static void mac_that_somebody_took_from_the_pfs_filter_is_put_back(void **state)
{
	struct sim_domain *web = boot_eight_on_a_bridge();
	struct sim_domain before = *web;
	uint32_t changes;

	assert_non_null(fdb_of(web));
	fdb_of(web)->ifindex = 0;
	srv_reconcile(sim_daemon);
	sim_settle();
	assert_non_null(fdb_of(web));
	sim_assert_rules();
	/* Nothing is added for nothing, or for a guest that has a VF. */
	changes = sim_world->changes;
	srv_reconcile(sim_daemon);
	sim_settle();
	assert_int_equal(sim_world->changes, changes);
	assert_null(fdb_of(&sim_world->domain[0]));
	/* Also without anybody asking for it. */
	fdb_of(web)->ifindex = 0;
	sim_run(61 * 1000);
	assert_non_null(fdb_of(web));
	sim_shut_down(web);
	sim_settle();
	assert_null(fdb_of(&before));
	sim_assert_rules();
}

static void mac_that_is_looked_for_while_its_guest_ends_does_not_stay(void **state)
{
	struct sim_domain *web = boot_eight_on_a_bridge();
	struct sim_domain before = *web;

	fdb_of(web)->ifindex = 0;
	srv_reconcile(sim_daemon);
	sim_shut_down(web);
	sim_settle();
	assert_null(fdb_of(&before));
	sim_assert_rules();
}

static void guest_that_requires_a_vf_is_refused_when_none_is_left(void **state)
{
	struct sim_domain *web;

	for (unsigned i = 1; i <= 7; i++)
		sim_assert_done(sim_boot(sim_guest(i, "a", SRV_MODE_REQUIRED)));
	web = sim_guest(8, "a", SRV_MODE_REQUIRED);
	sim_assert_refused(sim_boot(web), "nic web8/net0: it requires a VF");
	assert_false(web->active);
	sim_assert_refused(sim_boot(sim_guest(9, "n", SRV_MODE_EXCLUSIVE)),
			   "there is no virtio instead");
	sim_settle();
	sim_assert_counts("enp1s0", "7 owned");
	sim_assert_rules();
}

static void vf_of_a_guest_that_ended_is_scrubbed_for_the_next(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);
	struct sim_domain *next = sim_guest(2, "b", SRV_MODE_REQUIRED);
	uint32_t resets = sim_pf_by_bus(1)->vf[0].resets;

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_shut_down(web);
	sim_settle();
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_attrs(1, 0, NEUTRAL);
	assert_int_equal(sim_pf_by_bus(1)->vf[0].resets, resets + 1);
	sim_assert_done(sim_boot(next));
	sim_settle();
	sim_assert_nics("web1/net0 idle none\nweb2/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

/* All VFs in use; the guest that is restarted waits for the scrub of its own. */
static void guest_that_restarts_waits_for_the_scrub_of_its_vf(void **state)
{
	struct sim_domain *web[7];

	for (unsigned i = 0; i < 7; i++) {
		web[i] = sim_guest(i + 1, "a", SRV_MODE_REQUIRED);
		sim_assert_done(sim_boot(web[i]));
	}
	sim_settle();
	sim_shut_down(web[3]);
	sim_assert_done(sim_boot(web[3]));
	sim_settle();
	sim_assert_counts("enp1s0", "7 owned");
	sim_assert_rules();
}

/* And another one waits for it: the hook's word that it ended is being verified still. */
static void guest_that_starts_waits_for_the_vf_of_one_that_just_ended(void **state)
{
	for (unsigned i = 1; i <= 7; i++)
		sim_assert_done(sim_boot(sim_guest(i, "a", SRV_MODE_REQUIRED)));
	sim_settle();
	sim_shut_down(&sim_world->domain[3]);
	sim_assert_done(sim_boot(sim_guest(8, "a", SRV_MODE_REQUIRED)));
	sim_settle();
	sim_assert_counts("enp1s0", "7 owned");
	sim_assert_rules();
}

static void claim_is_found_again_and_released(void **state)
{
	g_autofree char *expected = NULL;
	struct sim_claim *claim;

	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	claim = sim_claim_of("dpdk", "p0");
	expected = g_strdup_printf("%02x:%02x:%02x:%02x:%02x:%02x vlan 100 qos 0 rate 0-1000 "
				   "spoofchk",
				   claim->mac[0], claim->mac[1], claim->mac[2], claim->mac[3],
				   claim->mac[4], claim->mac[5]);
	sim_assert_attrs(1, 0, expected);
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_assert_done(sim_claim_vf("dpdk", "p1", "a"));
	sim_assert_refused(sim_claim_vf("dpdk", "p0", "b"), "it is claimed already");
	sim_assert_nics("dpdk/p0 attached vf enp1s0/0\ndpdk/p1 attached vf enp1s0/1\n");
	sim_assert_rules();
	sim_assert_done(sim_release_vf("dpdk", "p0"));
	sim_settle();
	sim_assert_nics("dpdk/p1 attached vf enp1s0/1\n");
	sim_assert_attrs(1, 0, NEUTRAL);
	sim_assert_done(sim_release_vf("dpdk", NULL));
	sim_settle();
	sim_assert_refused(sim_release_vf("dpdk", NULL), "has no claim to release");
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* Restarts */

static void restart_with_guests_and_claims_touches_nothing(void **state)
{
	g_autofree char *before = NULL;
	uint32_t changes;

	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	for (unsigned i = 1; i <= 7; i++)
		sim_assert_done(sim_boot(sim_guest(i, "a", SRV_MODE_EXCLUSIVE)));
	sim_settle();
	before = sim_nics();
	sim_stop();
	changes = sim_world->changes;
	sim_world->log_len = 0;
	sim_world->log[0] = '\0';
	sim_start();
	assert_string_equal(sim_world->log, "");
	assert_int_equal(sim_world->changes, changes);
	sim_assert_nics(before);
	sim_assert_rules();
}

static void restart_finds_what_happened_without_it(void **state)
{
	struct sim_domain *ended = sim_guest(1, "a", SRV_MODE_REQUIRED);
	struct sim_domain *started = sim_guest(2, "a", SRV_MODE_EXCLUSIVE);
	struct sim_domain *stays = sim_guest(3, "a", SRV_MODE_EXCLUSIVE);
	struct sim_domain *gone = sim_guest(4, "a", SRV_MODE_EXCLUSIVE);
	g_autofree char *nics = NULL;

	sim_assert_done(sim_boot(ended));
	sim_assert_done(sim_boot(stays));
	sim_assert_done(sim_boot(gone));
	sim_settle();
	sim_stop();
	sim_shut_down(ended);
	sim_vanish(gone);
	sim_undefine(gone);
	sim_appear(started);
	sim_start();
	nics = sim_nics();
	/* Which one web2 gets depends on what is scrubbed first. */
	assert_true(g_regex_match_simple("^web1/net0 idle none\n"
					 "web2/net0 attached vf enp1s0/[02-6]\n"
					 "web3/net0 attached vf enp1s0/1\n$",
					 nics, 0, 0));
	sim_assert_counts("enp1s0", "5 free, 2 owned");
	sim_assert_rules();
}

static void reboot_of_the_host_begins_anew_with_the_claims(void **state)
{
	sim_assert_done(sim_boot(sim_guest(1, "a", SRV_MODE_REQUIRED)));
	sim_assert_done(sim_claim_vf("dpdk", "p0", "a"));
	sim_settle();
	sim_stop();
	sim_reboot();
	sim_start();
	sim_assert_nics("dpdk/p0 attached vf enp1s0/1\nweb1/net0 idle none\n");
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_assert_rules();
}

/* Hooks and events */

/* FAULTS row 25: hooks doubled, reordered, missing, of others */
static void doubled_and_late_hooks_change_nothing(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	sim_assert_done(sim_hook_prepare(web));
	sim_assert_done(sim_hook_prepare(web));
	sim_appear(web);
	sim_hook_started(web);
	sim_hook_started(web);
	sim_virt_event(web->uuid, SRV_VIRT_STARTED);
	sim_settle();
	sim_hook_started(web);
	sim_virt_event(web->uuid, SRV_VIRT_RESUMED);
	/* The last run's, come late: libvirt says that it runs. */
	sim_hook_release(web);
	sim_virt_event(web->uuid, SRV_VIRT_STOPPED);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
	sim_shut_down(web);
	sim_hook_release(web);
	sim_hook_started(web);
	sim_virt_event(web->uuid, SRV_VIRT_STARTED);
	sim_settle();
	sim_assert_nics("web1/net0 idle none\n");
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* The start's hook comes once more when the guest runs long since, and then the others, too. */
static void late_start_hooks_of_a_running_guest_touch_nothing(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);
	uint32_t changes;

	for (unsigned i = 2; i <= 8; i++)
		sim_assert_done(sim_boot(sim_guest(i, "a", SRV_MODE_EXCLUSIVE)));
	sim_shut_down(&sim_world->domain[1]);
	sim_assert_done(sim_boot(web));
	sim_settle();
	changes = sim_world->changes;
	for (unsigned i = 0; i < 8; i++) {
		if (!sim_world->domain[i].active)
			continue;
		sim_assert_done(sim_hook_prepare(&sim_world->domain[i]));
		sim_hook_started(&sim_world->domain[i]);
		sim_virt_event(sim_world->domain[i].uuid, SRV_VIRT_STARTED);
	}
	sim_settle();
	assert_int_equal(sim_world->changes, changes);
	sim_assert_rules();
	/* And after a restart of the daemon, which finds them reserved. */
	sim_assert_done(sim_hook_prepare(web));
	sim_stop();
	sim_start();
	sim_hook_started(web);
	sim_settle();
	assert_int_equal(sim_world->changes, changes);
	sim_assert_rules();
}

/* The guest was killed, no hook said so, and it starts again: it gets what it had. */
static void guest_that_starts_again_unseen_gets_its_nics(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	sim_add_nic(web, "net1", "b", SRV_MODE_EXCLUSIVE);
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_vanish(web);
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\nweb1/net1 attached vf enp1s0/1\n");
	sim_assert_rules();
}

/* FAULTS row 25: hooks doubled, reordered, missing, of others */
static void lost_hooks_are_made_up_for_by_reconciliation(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	sim_appear(web);
	srv_reconcile(sim_daemon);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
	sim_vanish(web);
	srv_reconcile(sim_daemon);
	sim_settle();
	sim_assert_nics("web1/net0 idle none\n");
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

static void start_that_fails_after_its_hook_gives_the_vf_back_untouched(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);
	uint32_t changes;

	changes = sim_world->changes;
	sim_assert_done(sim_hook_prepare(web));
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_hook_release(web);
	sim_settle();
	sim_assert_nics("web1/net0 idle none\n");
	sim_assert_counts("enp1s0", "7 free");
	assert_int_equal(sim_world->changes, changes);
	sim_assert_rules();
}

/* No hook says that QEMU failed to start; after a while libvirt's word counts. */
static void start_of_which_nothing_is_heard_is_given_up(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);

	sim_assert_done(sim_hook_prepare(web));
	sim_run(30 * 1000);
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_run(180 * 1000);
	sim_settle();
	sim_assert_nics("web1/net0 idle none\n");
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

/* FAULTS row 25: hooks doubled, reordered, missing, of others */
static void hook_with_somebody_elses_uuid_disturbs_nobody(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_REQUIRED);
	struct sim_domain *other = sim_define(3, "web3"); /* has no nics, and does not run */
	struct sim_domain *liar = sim_guest(2, "a", SRV_MODE_REQUIRED);

	sim_assert_done(sim_boot(web));
	sim_settle();
	/* A name that looks like a UUID, and is another domain's. */
	g_strlcpy(liar->name, other->uuid, sizeof(liar->name));
	sim_assert_done(sim_boot(liar));
	sim_settle();
	sim_hook_release(other);
	sim_virt_event(other->uuid, SRV_VIRT_STOPPED);
	srv_reconcile(sim_daemon);
	sim_settle();
	assert_true(liar->device[0].exists);
	sim_assert_counts("enp1s0", "5 free, 2 owned");
	sim_assert_rules();
	sim_shut_down(liar);
	sim_settle();
	sim_hook_release(liar);
	sim_virt_event("99999999-0000-4000-8000-000000000000", SRV_VIRT_STOPPED);
	srv_nic_owner_gone(sim_daemon, "99999999-0000-4000-8000-000000000000");
	sim_settle();
	assert_true(web->device[0].exists);
	sim_assert_counts("enp1s0", "6 free, 1 owned");
	sim_assert_rules();
}

static void redefined_guest_gets_and_loses_its_nics(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);

	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_add_nic(web, "net1", "b", SRV_MODE_EXCLUSIVE);
	sim_virt_event(web->uuid, SRV_VIRT_DEFINED);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0\nweb1/net1 attached vf enp1s0/1\n");
	sim_assert_rules();
	sim_shut_down(web);
	sim_settle();
	web->n_nics = 1;
	sim_virt_event(web->uuid, SRV_VIRT_DEFINED);
	sim_settle();
	sim_assert_nics("web1/net0 idle none\n");
	sim_undefine(web);
	sim_settle();
	sim_assert_nics("");
	sim_assert_counts("enp1s0", "7 free");
	sim_assert_rules();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		sim_test(start_makes_vfs_and_scrubs_them),
		sim_test(guest_gets_a_vf_with_its_networks_attributes),
		sim_test(guest_without_vf_left_gets_virtio),
		sim_test(guest_on_a_bridge_has_its_mac_in_the_pfs_filter),
		sim_test(mac_that_somebody_took_from_the_pfs_filter_is_put_back),
		sim_test(mac_that_is_looked_for_while_its_guest_ends_does_not_stay),
		sim_test(guest_that_requires_a_vf_is_refused_when_none_is_left),
		sim_test(vf_of_a_guest_that_ended_is_scrubbed_for_the_next),
		sim_test(guest_that_restarts_waits_for_the_scrub_of_its_vf),
		sim_test(guest_that_starts_waits_for_the_vf_of_one_that_just_ended),
		sim_test(claim_is_found_again_and_released),
		sim_test(restart_with_guests_and_claims_touches_nothing),
		sim_test(restart_finds_what_happened_without_it),
		sim_test(reboot_of_the_host_begins_anew_with_the_claims),
		sim_test(doubled_and_late_hooks_change_nothing),
		sim_test(late_start_hooks_of_a_running_guest_touch_nothing),
		sim_test(guest_that_starts_again_unseen_gets_its_nics),
		sim_test(lost_hooks_are_made_up_for_by_reconciliation),
		sim_test(start_that_fails_after_its_hook_gives_the_vf_back_untouched),
		sim_test(start_of_which_nothing_is_heard_is_given_up),
		sim_test(hook_with_somebody_elses_uuid_disturbs_nobody),
		sim_test(redefined_guest_gets_and_loses_its_nics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
