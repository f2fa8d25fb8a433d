// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/fake-libvirt.h"

#include <errno.h>

#define TEST   "6695eb01-f6a4-8304-79aa-97f2502e193f" /* the test driver's own, which runs */
#define OTHER  "00000000-0000-0000-0000-000000000001"
#define ALIAS  "ua-sriov-net0"
#define DEVICE "<interface type='direct'><alias name='" ALIAS "'/></interface>"

static void attach_goes_into_the_configuration_only(void **state)
{
	struct world world;
	sriov_autoerror err = NULL;
	sriov_autoerror refused = NULL;
	sriov_autoerror missing = NULL;

	world_begin_connected(&world);
	fake.stored = true;
	assert_ok(srv_virt_attach_stored(world.virt, TEST, DEVICE, &err), err);
	assert_string_equal(fake.attached, DEVICE);
	fake.attach[1] = (struct fake_answer){ VIR_ERR_OPERATION_FAILED, "no" };
	assert_true(srv_virt_attach_stored(world.virt, TEST, DEVICE, &refused) < 0);
	assert_int_equal(refused->code, SRIOV_ERROR_DEVICE);
	assert_non_null(strstr(refused->message, "cannot be written into its configuration"));
	assert_true(srv_virt_attach_stored(world.virt, OTHER, DEVICE, &missing) < 0);
	assert_int_equal(missing->code, SRIOV_ERROR_NOT_FOUND);
	world_end(&world);
}

static void detach_of_what_is_not_there_is_not_found(void **state)
{
	struct world world;
	sriov_autoerror err = NULL;
	sriov_autoerror missing = NULL;
	sriov_autoerror refused = NULL;

	world_begin_connected(&world);
	fake.stored = true;
	assert_ok(srv_virt_detach_stored(world.virt, TEST, ALIAS, &err), err);
	assert_string_equal(fake.detached, ALIAS);
	fake.detach[1] = (struct fake_answer){ VIR_ERR_DEVICE_MISSING, "gone" };
	fake.detach[2] = (struct fake_answer){ VIR_ERR_OPERATION_FAILED, "no" };
	assert_int_equal(srv_virt_detach_stored(world.virt, TEST, ALIAS, &missing), -ENOENT);
	assert_int_equal(missing->code, SRIOV_ERROR_NOT_FOUND);
	assert_true(srv_virt_detach_stored(world.virt, TEST, ALIAS, &refused) < 0);
	assert_int_equal(refused->code, SRIOV_ERROR_DEVICE);
	world_end(&world);
}

static void root_ports_are_added_by_defining_anew(void **state)
{
	struct world world;
	g_autofree char *xml = NULL;
	sriov_autoerror err = NULL;
	unsigned n = 0;

	world_begin_connected(&world);
	assert_ok(srv_virt_add_root_ports(world.virt, TEST, 2, &err), err);
	assert_ok(srv_virt_stored_xml(world.virt, TEST, &xml, &err), err);
	for (const char *at = xml; (at = strstr(at, "model='pcie-root-port'")); at++)
		n++;
	assert_int_equal(n, 2);
	world_end(&world);
}

/* libvirt's own test driver: it has an interface, which has no alias of ours. */
static void place_of_what_is_not_there_is_not_found(void **state)
{
	const struct srv_iface_place place = { "direct", "enp1s0.200", { { 0x52 } } };
	struct world world;
	sriov_autoerror missing = NULL;
	sriov_autoerror nobody = NULL;

	world_begin_connected(&world);
	assert_int_equal(srv_virt_place_stored(world.virt, TEST, ALIAS, &place, &missing), -ENOENT);
	assert_int_equal(missing->code, SRIOV_ERROR_NOT_FOUND);
	assert_true(srv_virt_place_stored(world.virt, OTHER, ALIAS, &place, &nobody) < 0);
	assert_int_equal(nobody->code, SRIOV_ERROR_NOT_FOUND);
	world_end(&world);
}

/* With one of ours in it, as the user wrote it. */
static void place_is_changed_by_defining_anew(void **state)
{
	static const char device[] = "<interface type='bridge'><mac address='52:54:00:aa:00:11'/>"
				     "<source bridge='br0'/><alias name='" ALIAS
				     "'/></interface></devices>";
	const struct srv_iface_place place = { "bridge",
					       "br7",
					       { { 0x52, 0x54, 0, 0xaa, 0, 0x11 } } };
	struct world world;
	g_autofree char *xml = NULL;
	g_autofree char *with = NULL;
	g_autofree char *after = NULL;
	g_auto(GStrv) halves = NULL;
	sriov_autoerror err = NULL;

	world_begin_connected(&world);
	assert_ok(srv_virt_stored_xml(world.virt, TEST, &xml, &err), err);
	halves = g_strsplit(xml, "</devices>", 2);
	with = g_strjoinv(device, halves);
	virDomainFree(virDomainDefineXML(world.conn, with));
	assert_ok(srv_virt_place_stored(world.virt, TEST, ALIAS, &place, &err), err);
	assert_ok(srv_virt_stored_xml(world.virt, TEST, &after, &err), err);
	assert_non_null(strstr(after, "<source bridge='br7'/>"));
	assert_null(strstr(after, "br0"));
	world_end(&world);
}

static void xml_live_and_stored(void **state)
{
	struct world world;
	g_autofree char *stored = NULL;
	g_autofree char *live = NULL;
	sriov_autoerror err = NULL;

	world_begin_connected(&world);
	assert_ok(srv_virt_stored_xml(world.virt, TEST, &stored, &err), err);
	assert_ok(srv_virt_live_xml(world.virt, TEST, &live, &err), err);
	assert_false(srv_virt_xml_is_live(stored));
	assert_true(srv_virt_xml_is_live(live));
	world_end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attach_goes_into_the_configuration_only),
		cmocka_unit_test(detach_of_what_is_not_there_is_not_found),
		cmocka_unit_test(root_ports_are_added_by_defining_anew),
		cmocka_unit_test(place_of_what_is_not_there_is_not_found),
		cmocka_unit_test(place_is_changed_by_defining_anew),
		cmocka_unit_test(xml_live_and_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
