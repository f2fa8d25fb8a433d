// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/fake-libvirt.h"

#define WEB1 "57883551-e96d-4a71-ac43-7cde003b6744"

static void lifecycle_of_a_domain_is_told(void **state)
{
	struct world world;
	virDomainPtr domain;

	world_begin_connected(&world);
	domain = fake_define(&world, "web1", WEB1, NULL);
	expect_said(&world, "web1 defined\n");
	assert_int_equal(virDomainCreate(domain), 0);
	expect_said(&world, "web1 started\n");
	/* Its QEMU stays, so nothing is said of a pause. */
	assert_int_equal(virDomainSuspend(domain), 0);
	assert_int_equal(virDomainResume(domain), 0);
	expect_said(&world, "web1 resumed\n");
	assert_int_equal(virDomainDestroy(domain), 0);
	expect_said(&world, "web1 stopped\n");
	assert_int_equal(virDomainUndefine(domain), 0);
	expect_said(&world, "web1 undefined\n");
	virDomainFree(domain);
	world_end(&world);
}

static void shutdown_by_the_guest_is_a_stop(void **state)
{
	struct world world;
	virDomainPtr domain;

	world_begin_connected(&world);
	domain = fake_define(&world, "web1", WEB1, NULL);
	assert_int_equal(virDomainCreate(domain), 0);
	expect_said(&world, "web1 defined\nweb1 started\n");
	assert_int_equal(virDomainShutdown(domain), 0);
	expect_said(&world, "web1 stopped\n");
	virDomainFree(domain);
	world_end(&world);
}

static void rename_is_a_definition_and_no_end(void **state)
{
	struct world world;
	virDomainPtr domain;

	world_begin_connected(&world);
	domain = fake_define(&world, "web1", WEB1, NULL);
	expect_said(&world, "web1 defined\n");
	assert_int_equal(virDomainRename(domain, "web2", 0), 0);
	expect_said(&world, "web2 defined\n");
	virDomainFree(domain);
	world_end(&world);
}

static void emit(virDomainPtr domain, int event, int detail)
{
	virConnectDomainEventCallback callback = (virConnectDomainEventCallback)(void (*)(
		void))fake.event[VIR_DOMAIN_EVENT_ID_LIFECYCLE];

	callback(virDomainGetConnect(domain), domain, event, detail,
		 fake.event_data[VIR_DOMAIN_EVENT_ID_LIFECYCLE]);
}

/* What the test driver never does. */
static void lifecycle_details_tell_whether_qemu_is_there(void **state)
{
	static const struct {
		int event, detail;
		const char *said;
	} cases[] = {
		{ VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_WAKEUP, "test resumed\n" },
		{ VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_MIGRATED, "test started\n" },
		{ VIR_DOMAIN_EVENT_STARTED, VIR_DOMAIN_EVENT_STARTED_RESTORED, "test started\n" },
		{ VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_CRASHED, "test stopped\n" },
		{ VIR_DOMAIN_EVENT_STOPPED, VIR_DOMAIN_EVENT_STOPPED_MIGRATED, "test stopped\n" },
		{ VIR_DOMAIN_EVENT_CRASHED, VIR_DOMAIN_EVENT_CRASHED_PANICKED, "" },
		{ VIR_DOMAIN_EVENT_SHUTDOWN, VIR_DOMAIN_EVENT_SHUTDOWN_GUEST, "" },
		{ VIR_DOMAIN_EVENT_SUSPENDED, VIR_DOMAIN_EVENT_SUSPENDED_IOERROR, "" },
		{ VIR_DOMAIN_EVENT_PMSUSPENDED, VIR_DOMAIN_EVENT_PMSUSPENDED_MEMORY, "" },
		{ 1000, 0, "" },
	};
	struct world world;
	virDomainPtr domain;

	world_begin_connected(&world);
	domain = virDomainLookupByName(world.conn, "test");
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		emit(domain, cases[i].event, cases[i].detail);
		assert_string_equal(world.said->str, cases[i].said);
		g_string_truncate(world.said, 0);
	}
	virDomainFree(domain);
	world_end(&world);
}

static void device_removed_is_told(void **state)
{
	struct world world;
	virDomainPtr domain;

	world_begin_connected(&world);
	domain = virDomainLookupByName(world.conn, "test");
	fake_device_event(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, domain, "ua-sriov-net0");
	expect_said(&world, "ua-sriov-net0 removed\n");
	/* That one stays where it is is the affair of who asked for it. */
	fake_device_event(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, domain, "ua-sriov-net0");
	run_rest();
	assert_string_equal(world.said->str, "");
	virDomainFree(domain);
	world_end(&world);
}

static int set_element(virDomainPtr domain, const char *xml, const char *key, const char *xmlns)
{
	return virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, xml, key, xmlns,
				    VIR_DOMAIN_AFFECT_LIVE);
}

static void metadata_of_ours_is_a_definition(void **state)
{
	struct world world;
	virDomainPtr domain;

	world_begin_connected(&world);
	domain = virDomainLookupByName(world.conn, "test");
	assert_int_equal(set_element(domain, "<nics/>", SRV_NICS_PREFIX, SRV_NICS_XMLNS), 0);
	expect_said(&world, "test defined\n");
	assert_int_equal(set_element(domain, NULL, SRV_NICS_PREFIX, SRV_NICS_XMLNS), 0);
	expect_said(&world, "test defined\n");
	virDomainFree(domain);
	world_end(&world);
}

static void metadata_of_others_is_not_told(void **state)
{
	struct world world;
	virDomainPtr domain;

	world_begin_connected(&world);
	domain = virDomainLookupByName(world.conn, "test");
	assert_int_equal(set_element(domain, "<a/>", "other", "https://example.org/1"), 0);
	assert_int_equal(virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_TITLE, "a title", NULL,
					      NULL, VIR_DOMAIN_AFFECT_LIVE),
			 0);
	/* Events keep their order: this one comes behind those. */
	assert_int_equal(virDomainDestroy(domain), 0);
	expect_said(&world, "test stopped\n");
	virDomainFree(domain);
	world_end(&world);
}

static void events_after_the_end_are_not_told(void **state)
{
	struct world world;
	virDomainPtr domain;

	world_begin_connected(&world);
	domain = virDomainLookupByName(world.conn, "test");
	g_mutex_lock(&world.virt->lock);
	world.virt->closing = true;
	g_mutex_unlock(&world.virt->lock);
	emit(domain, VIR_DOMAIN_EVENT_STARTED, 0);
	emit(domain, VIR_DOMAIN_EVENT_STOPPED, 0);
	fake_device_event(VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, domain, "ua-sriov-net0");
	assert_string_equal(world.said->str, "");
	virDomainFree(domain);
	world_end(&world);
}

static void tell_reaches_those_it_is_for(void **state)
{
	static const char other[] = "00000000-0000-0000-0000-000000000001";
	struct srv_virt_waiter a = { WEB1, "ua-a", 0 }, b = { WEB1, "ua-b", 0 },
			       c = { other, "ua-a", 0 };
	struct srv_virt_waiter *all[] = { &a, &b, &c };
	struct world world;

	world_begin_connected(&world);
	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		g_ptr_array_add(world.virt->waiters, all[i]);
	srv_virt_tell(world.virt, WEB1, "ua-a", SRV_VIRT_NEWS_REFUSED);
	assert_int_equal(a.news, SRV_VIRT_NEWS_REFUSED);
	assert_int_equal(b.news + c.news, 0);
	srv_virt_tell(world.virt, "57883551-E96D-4A71-AC43-7CDE003B6744", NULL, SRV_VIRT_NEWS_GONE);
	assert_int_equal(a.news, SRV_VIRT_NEWS_GONE);
	assert_int_equal(b.news, SRV_VIRT_NEWS_GONE);
	assert_int_equal(c.news, SRV_VIRT_NEWS_NONE);
	/* Gone is the last word. */
	srv_virt_tell(world.virt, NULL, NULL, SRV_VIRT_NEWS_REFUSED);
	assert_int_equal(a.news, SRV_VIRT_NEWS_GONE);
	assert_int_equal(c.news, SRV_VIRT_NEWS_REFUSED);
	g_ptr_array_set_size(world.virt->waiters, 0);
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lifecycle_of_a_domain_is_told),
		cmocka_unit_test(shutdown_by_the_guest_is_a_stop),
		cmocka_unit_test(rename_is_a_definition_and_no_end),
		cmocka_unit_test(lifecycle_details_tell_whether_qemu_is_there),
		cmocka_unit_test(device_removed_is_told),
		cmocka_unit_test(metadata_of_ours_is_a_definition),
		cmocka_unit_test(metadata_of_others_is_not_told),
		cmocka_unit_test(events_after_the_end_are_not_told),
		cmocka_unit_test(tell_reaches_those_it_is_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
