// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the virtio halves of failover nics stand, on the simulated host: in the VLAN of their
 * network, or else their guests get no VF, and are told so.
 */
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "srv/sriovd/api.h"
#include "srv/sriovd/daemon-config.h"
#include "srv/sriovd/nic-edit.h"
#include "srv/sriovd/reconcile.h"
#include "tests/sim/netlink.h"
#include "tests/sim/workloads.h"
#include "tests/unit/sim-failover.h"
#include "tests/unit/sim-host.h"

/* Networks "a", whose VLAN it is, and "c" of VLAN 300. */
#define PLACE_CONFIG(vlan)                                                                \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\"]},"           \
	"\"numVfs\":2}],\"networks\":["                                                   \
	"{\"name\":\"a\",\"pool\":\"fast\"," vlan "\"maxTxRate\":1000},"                  \
	"{\"name\":\"b\",\"pool\":\"fast\",\"fallback\":{\"type\":\"bridge\",\"bridge\":" \
	"\"br0\"}},{\"name\":\"c\",\"pool\":\"fast\",\"vlan\":300}]}"

/* Network "a" of VLAN 100 on a bridge. */
#define BRIDGE_CONFIG                                                           \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\"]}," \
	"\"numVfs\":2}],\"networks\":[{\"name\":\"a\",\"pool\":\"fast\","       \
	"\"vlan\":100,\"fallback\":{\"type\":\"bridge\",\"bridge\":\"br1\"}}]}"

static int place_set_up(void **state)
{
	sim_new(PLACE_CONFIG("\"vlan\":100,"));
	sim_start();
	return 0;
}

static void reload(const char *config)
{
	sim_configure(config);
	srv_daemon_reload(sim_daemon, NULL, NULL);
	sim_settle();
}

static char *run_edit(struct srv_nic_edit *edit)
{
	struct answer answer = { 0 };

	srv_nic_edit_run(sim_daemon, edit, answered, &answer);
	assert_true(sim_run_until(is_answered, &answer, 60000));
	g_free(edit->domain);
	g_free(edit->remove);
	g_free(edit->uuid);
	g_free(edit->name);
	return answer.text;
}

static char *remove_nic(struct sim_domain *domain, const char *id)
{
	struct srv_nic_edit edit = { .domain = g_strdup(domain->uuid), .remove = g_strdup(id) };

	return run_edit(&edit);
}

static char *add_nic_of_mode(struct sim_domain *domain, const char *id, enum srv_mode mode)
{
	struct srv_nic_request request = { .id = (char *)id, .network = (char *)"a", .mode = mode };
	struct srv_nic_edit edit = { .domain = g_strdup(domain->uuid),
				     .request = srv_nic_request_copy(&request) };
	char *answer = run_edit(&edit);

	srv_nic_request_free(edit.request);
	return answer;
}

static char *add_exclusive_nic(struct sim_domain *domain, const char *id)
{
	return add_nic_of_mode(domain, id, SRV_MODE_EXCLUSIVE);
}

static bool status_tells(const char *what)
{
	json_t *problems = srv_api_problems(sim_daemon);
	char *text = json_dumps(problems, JSON_COMPACT);
	bool tells = strstr(text, what) != NULL;

	json_decref(problems);
	free(text);
	return tells;
}

static uint16_t vlan_of(const struct sim_domain *domain)
{
	const struct sim_link *link = sim_link_by_index(tap_of(domain)->parent);

	assert_non_null(link);
	return link->vlan;
}

/* Another VLAN, or another network, while the guest is shut off */

static void vlan_that_changes_takes_the_stored_half_along(void **state)
{
	struct sim_domain *web = guest(1, 0);

	assert_string_equal(web->stored[0].source, "enp1s0.100");
	reload(PLACE_CONFIG("\"vlan\":200,"));
	assert_string_equal(web->stored[0].source, "enp1s0.200");
	sim_assert_nics("web1/net0 idle none enp1s0.200\n");
	boot(web);
	assert_int_equal(vlan_of(web), 200);
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.200\n");
	sim_run(300000);
	assert_null(sim_link_by_name("enp1s0.100"));
	sim_assert_rules();
}

static void vlan_that_is_taken_away_takes_the_stored_half_along(void **state)
{
	struct sim_domain *web = guest(1, 0);

	reload(PLACE_CONFIG(""));
	assert_string_equal(web->stored[0].source, "enp1s0");
	boot(web);
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0\n");
	reload(PLACE_CONFIG("\"vlan\":100,"));
	assert_string_equal(web->stored[0].source, "enp1s0.100");
	sim_shut_down(web);
	sim_settle();
	sim_assert_rules();
}

static void network_edited_by_hand_takes_the_stored_half_along(void **state)
{
	struct sim_domain *web = guest(1, 0);

	g_strlcpy(web->nic[0].network, "c", sizeof(web->nic[0].network));
	sim_virt_event(web->uuid, SRV_VIRT_DEFINED);
	sim_settle();
	assert_string_equal(web->stored[0].source, "enp1s0.300");
	g_strlcpy(web->nic[0].network, "b", sizeof(web->nic[0].network));
	web->nic[0].mac[5] ^= 1;
	sim_virt_event(web->uuid, SRV_VIRT_DEFINED);
	sim_settle();
	assert_string_equal(web->stored[0].type, "bridge");
	assert_string_equal(web->stored[0].source, "br0");
	assert_memory_equal(web->stored[0].mac, web->nic[0].mac, 6);
	sim_assert_rules();
}

/* virsh edit, without the request going as well. */
static void delete_half_of(struct sim_domain *web)
{
	memset(&web->stored[0], 0, sizeof(web->stored[0]));
	sim_virt_event(web->uuid, SRV_VIRT_DEFINED);
	sim_settle();
}

static void half_that_somebody_deleted_is_put_back(void **state)
{
	struct sim_domain *web = guest(1, 0);

	delete_half_of(web);
	assert_true(web->stored[0].exists);
	assert_string_equal(web->stored[0].source, "enp1s0.100");
	assert_memory_equal(web->stored[0].mac, web->nic[0].mac, 6);
	boot(web);
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n");
	delete_half_of(web);
	assert_true(web->stored[0].exists);
	sim_assert_rules();
	/* And not the one of whose request somebody has got rid as well. */
	web->n_nics = 0;
	sim_shut_down(web);
	delete_half_of(web);
	srv_reconcile(sim_daemon);
	sim_settle();
	assert_false(web->stored[0].exists);
	sim_assert_rules();
}

static void half_that_cannot_be_put_back_now_comes_back_later(void **state)
{
	struct sim_domain *web = guest(1, 0);

	sim_pull_pf(1);
	sim_pull_pf(2);
	sim_settle();
	delete_half_of(web);
	assert_false(web->stored[0].exists);
	sim_put_pf_back(1);
	sim_run(300000);
	sim_settle();
	assert_true(web->stored[0].exists);
}

/* While it runs */

static void guest_whose_vlan_changes_loses_its_vf_until_it_starts_anew(void **state)
{
	struct sim_domain *web = running(1, 0);

	assert_non_null(nic_of(web)->vf);
	reload(PLACE_CONFIG("\"vlan\":200,"));
	/* Both halves in one VLAN, or one half only. */
	assert_null(nic_of(web)->vf);
	assert_int_equal(vlan_of(web), 100);
	assert_non_null(strstr(nic_of(web)->row.reason, "enp1s0.100"));
	sim_run(400000);
	assert_null(nic_of(web)->vf);
	assert_non_null(strstr(nic_of(web)->row.reason, "VLAN 200"));
	assert_true(status_tells("its virtio half stands on enp1s0.100"));
	sim_assert_counts("enp1s0", "2 free");
	sim_assert_rules();
	/* The link of its next start is there and stays, be sriovd there then or not. */
	assert_string_equal(web->stored[0].source, "enp1s0.200");
	assert_non_null(sim_link_by_name("enp1s0.200"));
	sim_shut_down(web);
	boot(web);
	assert_int_equal(vlan_of(web), 200);
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.200\n");
	sim_assert_rules();
}

/* One that keeps it all the same keeps it in the VLAN that its other half is in. */
static void deaf_guest_whose_vlan_changes_stays_in_one_vlan(void **state)
{
	struct sim_domain *web = running(1, 0);

	sim_world->faults.deaf_guest = true;
	reload(PLACE_CONFIG("\"vlan\":200,"));
	sim_run(200000);
	sim_settle();
	assert_non_null(nic_of(web)->vf);
	assert_int_equal(sim_pf_by_bus(1)->vf[0].attrs.vlan, 100);
	sim_world->faults.deaf_guest = false;
	sim_run(400000);
	sim_settle();
	assert_null(nic_of(web)->vf);
	sim_assert_rules();
}

static void vlan_that_comes_back_gives_the_vf_back(void **state)
{
	struct sim_domain *web = running(1, 0);

	reload(PLACE_CONFIG("\"vlan\":200,"));
	assert_null(nic_of(web)->vf);
	reload(PLACE_CONFIG("\"vlan\":100,"));
	sim_run(20000);
	sim_settle();
	assert_non_null(nic_of(web)->vf);
	assert_null(nic_of(web)->row.reason);
	assert_string_equal(web->stored[0].source, "enp1s0.100");
	sim_assert_rules();
}

/* In the same VLAN, for all that can be seen: nobody loses a VF for it. */
static void fallback_that_becomes_a_bridge_waits_for_the_next_start(void **state)
{
	struct sim_domain *web = running(1, 0);

	sim_link_add("br1", "bridge")->foreign = true;
	reload(BRIDGE_CONFIG);
	sim_run(100000);
	sim_settle();
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.100\n");
	assert_string_equal(web->stored[0].type, "bridge");
	assert_string_equal(web->stored[0].source, "br1");
	sim_assert_rules();
	sim_shut_down(web);
	boot(web);
	sim_assert_nics("web1/net0 attached vf enp1s0/0 br1\n");
	sim_run(100000);
	sim_assert_rules();
}

/* And back it is not known to be. */
static void fallback_that_is_no_bridge_any_more_takes_the_vf(void **state)
{
	struct sim_domain *web;

	sim_link_add("br1", "bridge")->foreign = true;
	reload(BRIDGE_CONFIG);
	web = running(1, 0);
	sim_assert_nics("web1/net0 attached vf enp1s0/0 br1\n");
	reload(PLACE_CONFIG("\"vlan\":100,"));
	sim_run(10000);
	sim_settle();
	assert_null(nic_of(web)->vf);
	assert_string_equal(web->stored[0].source, "enp1s0.100");
	sim_assert_rules();
}

/* What the link's name says is not what the kernel says. */
static void link_of_another_vlan_than_its_name_says_is_noticed(void **state)
{
	struct sim_domain *web = guest(1, 0);

	sim_link_by_name("enp1s0.100")->vlan = 7;
	sim_assert_done(sim_boot(web));
	sim_settle();
	sim_virt_negotiated(web->uuid, "ua-sriov-net0");
	sim_run(100000);
	sim_settle();
	assert_null(nic_of(web)->vf);
	assert_non_null(strstr(nic_of(web)->row.reason, "VLAN 7"));
	sim_shut_down(web);
	sim_settle();
	sim_link_by_name("enp1s0.100")->vlan = 100;
	sim_settle();
}

/* Its network's PF is gone, and there is no other place for the half that is in the wrong VLAN. */
static void half_that_has_nowhere_to_go_stays_until_there_is_a_place(void **state)
{
	struct sim_domain *web = guest(1, 0);

	pf_unplug(1);
	sim_settle();
	reload(PLACE_CONFIG("\"vlan\":200,"));
	assert_string_equal(web->stored[0].source, "enp1s0.100");
	sim_plug_pf(1);
	sim_run(200000);
	sim_settle();
	assert_string_equal(web->stored[0].source, "enp1s0.200");
	boot(web);
	assert_int_equal(vlan_of(web), 200);
	sim_assert_rules();
}

/* Who is called as another's UUID is is another all the same. */
static void guest_called_as_anothers_uuid_keeps_its_own_place(void **state)
{
	struct sim_domain *web = guest(1, 0), *other = sim_define(2, web->uuid);

	other->ports = 2;
	other->uses_vfs = true;
	sim_assert_done(add_nic_of_mode(other, "net0", SRV_MODE_FAILOVER));
	reload(PLACE_CONFIG("\"vlan\":200,"));
	assert_string_equal(web->stored[0].source, "enp1s0.200");
	assert_string_equal(other->stored[0].source, "enp1s0.200");
	assert_memory_equal(other->stored[0].mac, other->nic[0].mac, 6);
	assert_memory_equal(web->stored[0].mac, web->nic[0].mac, 6);
	sim_assert_done(sim_boot(web));
	sim_assert_done(sim_boot(other));
	sim_settle();
	sim_virt_negotiated(web->uuid, "ua-sriov-net0");
	sim_settle();
	sim_assert_nics("0d0d0d0d-0000-4000-8000-000000000001/net0 attached virtio enp1s0.200\n"
			"web1/net0 attached vf enp1s0/0 enp1s0.200\n");
	sim_assert_rules();
}

/* Left over */

static void nic_that_is_added_anew_stands_where_its_network_says(void **state)
{
	const struct sim_failover other = { .network = "c" };
	struct sim_domain *web = guest(1, 0);
	struct sim_device old = web->stored[0];

	web->n_nics = 0;
	sim_virt_event(web->uuid, SRV_VIRT_DEFINED);
	sim_settle();
	sim_assert_done(sim_add_failover(web, &other));
	assert_string_equal(web->stored[0].alias, old.alias);
	assert_string_equal(web->stored[0].source, "enp1s0.300");
	assert_memory_equal(web->stored[0].mac, web->nic[0].mac, 6);
	assert_false(web->stored[1].exists);
	sim_run(300000);
	sim_assert_rules();
	boot(web);
	sim_assert_nics("web1/net0 attached vf enp1s0/0 enp1s0.300\n");
	sim_assert_rules();
}

/* Its request is gone, and its virtio half is not. */
static struct sim_domain *guest_with_half_a_nic(void)
{
	struct sim_domain *web = guest(1, 0);

	web->n_nics = 0;
	sim_virt_event(web->uuid, SRV_VIRT_DEFINED);
	sim_settle();
	assert_true(web->stored[0].exists);
	return web;
}

/* The second half of a removal was lost: it is made up for by the same command. */
static void removal_that_left_the_virtio_half_is_repeated(void **state)
{
	struct sim_domain *web = guest_with_half_a_nic();

	sim_assert_done(remove_nic(web, "net0"));
	assert_false(web->stored[0].exists);
	sim_assert_refused(remove_nic(web, "net0"), "it has no nic \"net0\"");
	sim_run(300000);
	sim_assert_rules();
}

/* Another nic of that id gets a device of its own: the alias is taken. */
static void nic_of_an_id_whose_virtio_half_was_left_gets_its_device(void **state)
{
	struct sim_domain *web = guest_with_half_a_nic();

	sim_assert_done(add_exclusive_nic(web, "net0"));
	assert_false(web->stored[0].exists);
	boot(web);
	sim_assert_nics("web1/net0 attached vf enp1s0/0\n");
	sim_assert_rules();
}

/* After a boot */

static void guest_starts_after_a_boot_with_another_vlan(void **state)
{
	struct sim_domain *web = guest(1, 0);

	/* Its configuration cannot be changed now. */
	g_strlcpy(sim_world->faults.define_words, "no", sizeof(sim_world->faults.define_words));
	reload(PLACE_CONFIG("\"vlan\":200,"));
	assert_string_equal(web->stored[0].source, "enp1s0.100");
	sim_stop();
	sim_reboot();
	sim_start();
	boot(web);
	assert_int_equal(vlan_of(web), 100);
	assert_null(nic_of(web)->vf);
	assert_non_null(strstr(nic_of(web)->row.reason, "VLAN 200"));
	sim_world->faults.define_words[0] = '\0';
	sim_run(200000);
	sim_settle();
	assert_string_equal(web->stored[0].source, "enp1s0.200");
	sim_assert_rules();
}

static void guest_starts_after_a_boot_without_the_vlan(void **state)
{
	struct sim_domain *web = guest(1, 0);

	g_strlcpy(sim_world->faults.define_words, "no", sizeof(sim_world->faults.define_words));
	reload(PLACE_CONFIG(""));
	sim_stop();
	sim_reboot();
	sim_start();
	boot(web);
	assert_int_equal(vlan_of(web), 100);
	assert_null(nic_of(web)->vf);
}

/* Nobody can make the link: that is for libvirt to say, and no reason of ours to refuse a start. */
static void link_that_cannot_be_made_refuses_no_start(void **state)
{
	struct sim_domain *web = guest(1, 0);

	sim_settle();
	g_strlcpy(web->stored[0].source, "none0.100", sizeof(web->stored[0].source));
	sim_virt_event(web->uuid, SRV_VIRT_DEFINED);
	sim_settle();
	sim_assert_done(sim_hook_prepare(web));
}

/* The nic has a MAC already, and it is not the one that would be chosen for it. */
static void mac_that_an_edit_was_promised_is_free_after_it(void **state)
{
	struct sim_domain *web = sim_guest(1, "a", SRV_MODE_EXCLUSIVE);
	struct srv_nic_request request = { .id = (char *)"net0",
					   .network = (char *)"a",
					   .mode = SRV_MODE_EXCLUSIVE };
	struct srv_nic_edit edit = { .domain = g_strdup(web->uuid), .now = true };

	web->nic[0].has_mac = true;
	web->nic[0].mac[0] = 0x52;
	edit.request = srv_nic_request_copy(&request);
	sim_assert_done(run_edit(&edit));
	assert_memory_equal(edit.request->mac.octet, web->nic[0].mac, 6);
	srv_nic_request_free(edit.request);
	assert_int_equal(g_hash_table_size(sim_daemon->macs_in_use), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, place_set_up, failover_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(vlan_that_changes_takes_the_stored_half_along),
		CASE(vlan_that_is_taken_away_takes_the_stored_half_along),
		CASE(half_that_somebody_deleted_is_put_back),
		CASE(half_that_cannot_be_put_back_now_comes_back_later),
		CASE(network_edited_by_hand_takes_the_stored_half_along),
		CASE(guest_whose_vlan_changes_loses_its_vf_until_it_starts_anew),
		CASE(deaf_guest_whose_vlan_changes_stays_in_one_vlan),
		CASE(vlan_that_comes_back_gives_the_vf_back),
		CASE(fallback_that_becomes_a_bridge_waits_for_the_next_start),
		CASE(fallback_that_is_no_bridge_any_more_takes_the_vf),
		CASE(link_of_another_vlan_than_its_name_says_is_noticed),
		CASE(half_that_has_nowhere_to_go_stays_until_there_is_a_place),
		CASE(guest_called_as_anothers_uuid_keeps_its_own_place),
		CASE(mac_that_an_edit_was_promised_is_free_after_it),
		CASE(nic_that_is_added_anew_stands_where_its_network_says),
		CASE(removal_that_left_the_virtio_half_is_repeated),
		CASE(nic_of_an_id_whose_virtio_half_was_left_gets_its_device),
		CASE(guest_starts_after_a_boot_with_another_vlan),
		CASE(guest_starts_after_a_boot_without_the_vlan),
		CASE(link_that_cannot_be_made_refuses_no_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
