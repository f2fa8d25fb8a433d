// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <string.h>

#include "srv/domain/metadata.h"
#include "srv/domain/place.h"

#define HEAD                                                                          \
	"<domain type='kvm'>\n<name>web1</name>\n"                                    \
	"<uuid>57883551-e96d-4a71-ac43-7cde003b6744</uuid>\n<metadata>\n"             \
	"<sriov:nics xmlns:sriov=\"https://sriovd.io/xmlns/nics/1\">\n"               \
	"<sriov:nic id=\"net0\" network=\"a\" mode=\"failover\"/>\n</sriov:nics>\n"   \
	"<a:devices xmlns:a=\"http://a/\"><interface><alias name=\"ua-sriov-net0\"/>" \
	"</interface></a:devices>\n</metadata>\n<devices>\n"                          \
	"<interface type='direct'><mac address='52:54:00:00:00:01'/>"                 \
	"<source dev='enp9s0' mode='vepa'/><alias name='ua-other'/></interface>\n"
#define IFACE(inside) "<interface type='direct'>" inside "</interface>\n"
#define MINE                                                                               \
	IFACE("<mac address='52:54:00:aa:00:11'/><source dev='enp1s0.100' mode='bridge'/>" \
	      "<bandwidth><inbound average='1000'/></bandwidth><model type='virtio'/>"     \
	      "<teaming type='persistent'/><alias name='ua-sriov-net0'/>"                  \
	      "<address type='pci' domain='0x0000' bus='0x07' slot='0x00' function='0x0'/>")
#define TAIL "<graphics type='vnc' passwd='a&lt;b'/></devices>\n</domain>\n"

static char *place(const char *xml, const struct srv_iface_place *where)
{
	sriov_autoerror err = NULL;
	char *text = NULL;

	assert_ok(srv_domain_place_iface(xml, strlen(xml), "ua-sriov-net0", where, &text, &err),
		  err);
	return text;
}

static const struct srv_domain_iface *iface_of(struct srv_domain *domain, guint i)
{
	assert_int_equal(domain->ifaces->len, 2);
	return domain->ifaces->pdata[i];
}

static struct srv_domain *parsed(const char *xml)
{
	struct srv_domain *domain = NULL;
	sriov_autoerror err = NULL;

	assert_ok(srv_domain_parse(xml, strlen(xml), &domain, &err), err);
	return domain;
}

static void place_changes_that_interface_and_nothing_else(void **state)
{
	const struct srv_iface_place where = { "direct",
					       "enp1s0.200",
					       { { 0x52, 0x54, 0, 0xaa, 0, 0x22 } } };
	g_autofree char *text = place(HEAD MINE TAIL, &where);
	struct srv_domain *domain = parsed(text);

	assert_string_equal(iface_of(domain, 0)->source, "enp9s0");
	assert_string_equal(iface_of(domain, 1)->source, "enp1s0.200");
	assert_true(sriov_mac_equal(iface_of(domain, 1)->mac, where.mac));
	assert_int_equal(domain->nics->len, 1);
	srv_domain_free(domain);
	/* And the same again gives what was there before, but for the quotes. */
	assert_non_null(strstr(text, "bus=\"0x07\""));
	assert_non_null(strstr(text, "<inbound average=\"1000\"/>"));
	assert_non_null(strstr(text, "passwd=\"a&lt;b\""));
	assert_non_null(strstr(text, "<teaming type=\"persistent\"/>"));
	assert_non_null(strstr(text, "mode=\"vepa\""));
	assert_null(strstr(text, "enp1s0.100"));
}

static void place_of_another_type_leaves_nothing_of_the_old_source(void **state)
{
	const struct srv_iface_place where = { "network",
					       "tenant & co",
					       { { 0x52, 0x54, 0, 0xaa, 0, 0x11 } } };
	g_autofree char *text = place(HEAD MINE TAIL, &where);
	struct srv_domain *domain = parsed(text);

	assert_string_equal(iface_of(domain, 1)->type, "network");
	assert_string_equal(iface_of(domain, 1)->source, "tenant & co");
	srv_domain_free(domain);
	assert_non_null(strstr(text, "<source network=\"tenant &amp; co\"/>"));
}

static void place_of_what_is_not_there_or_bad_is_refused(void **state)
{
	static const struct {
		const char *xml;
		enum sriov_error_code code;
	} bad[] = {
		{ HEAD TAIL, SRIOV_ERROR_NOT_FOUND },
		{ "<domain/>", SRIOV_ERROR_NOT_FOUND },
		{ HEAD MINE, SRIOV_ERROR_INVALID },
		{ "", SRIOV_ERROR_INVALID },
		{ "<!DOCTYPE a [<!ENTITY b 'c'>]>" HEAD MINE TAIL, SRIOV_ERROR_INVALID },
	};
	const struct srv_iface_place where = { "direct", "enp1s0", { { 0x52 } } };

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		sriov_autoerror err = NULL;
		char *text = NULL;

		assert_true(srv_domain_place_iface(bad[i].xml, strlen(bad[i].xml), "ua-sriov-net0",
						   &where, &text, &err) < 0);
		assert_int_equal(err->code, bad[i].code);
		assert_null(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(place_changes_that_interface_and_nothing_else),
		cmocka_unit_test(place_of_another_type_leaves_nothing_of_the_old_source),
		cmocka_unit_test(place_of_what_is_not_there_or_bad_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
