// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <string.h>

#include "srv/domain/ports.h"

#define DOMAIN(devices) "<domain><name>web</name><devices>" devices "</devices></domain>"
#define ROOT		"<controller type='pci' index='0' model='pcie-root'/>"
#define PORT(index, function)                                                                    \
	"<controller type='pci' index='" index "' model='pcie-root-port'>"                       \
	"<target chassis='" index "' port='0x1" function "'/>"                                   \
	"<address type='pci' domain='0x0000' bus='0x00' slot='0x02' function='0x" function "'/>" \
	"</controller>"

static struct srv_ports count(const char *xml)
{
	struct srv_ports ports;
	sriov_autoerror err = NULL;

	assert_ok(srv_ports_parse(xml, strlen(xml), &ports, &err), err);
	return ports;
}

static void parse_free_ports_counted(void **state)
{
	struct srv_ports ports = count(DOMAIN(ROOT PORT("1", "0") PORT("2", "1") PORT(
		"10",
		"2") "<interface type='direct'><mac address='52:54:00:aa:00:11'/>"
		     "<address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/>"
		     "</interface>"));

	assert_true(ports.pcie);
	assert_int_equal(ports.ports, 3);
	assert_int_equal(ports.free, 2);
}

/* The address of a VF on the host is no place in the guest. */
static void parse_source_addresses_are_not_the_guests(void **state)
{
	struct srv_ports ports = count(DOMAIN(ROOT PORT("1", "0") PORT(
		"2",
		"1") "<interface type='hostdev'><source><address type='pci' domain='0x0000' "
		     "bus='0x01' "
		     "slot='0x10' function='0x1'/></source>"
		     "<address type='pci' domain='0x0000' bus='0x02' slot='0x00' function='0x0'/>"
		     "</interface>"));

	assert_int_equal(ports.free, 1);
}

static void parse_conventional_pci_has_none(void **state)
{
	struct srv_ports ports = count(
		DOMAIN("<controller type='pci' index='0' model='pci-root'/>"
		       "<controller type='usb' index='1' model='pcie-root-port'/>"));

	assert_false(ports.pcie);
	assert_int_equal(ports.ports, 0);
}

static void parse_broken_xml_refused(void **state)
{
	static const char xml[] = "<domain><devices>";
	struct srv_ports ports;
	sriov_autoerror err = NULL;

	assert_true(srv_ports_parse(xml, strlen(xml), &ports, &err) < 0);
	assert_int_equal(err->code, SRIOV_ERROR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse_free_ports_counted),
		cmocka_unit_test(parse_source_addresses_are_not_the_guests),
		cmocka_unit_test(parse_conventional_pci_has_none),
		cmocka_unit_test(parse_broken_xml_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
