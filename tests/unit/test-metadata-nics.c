// SPDX-License-Identifier: GPL-2.0-or-later
/* The element of metadata alone: read, written, and its parts. */
#include "tests/unit/metadata-show.h"

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

static void expect_nics(const char *xml, const char *expected)
{
	GPtrArray *nics = NULL;
	sriov_autoerror err = NULL;
	g_autofree char *text = NULL;

	assert_ok(srv_nics_parse(xml, strlen(xml), &nics, &err), err);
	text = show_nics(nics);
	assert_string_equal(text, expected);
	g_ptr_array_unref(nics);
}

static void refused_nics(const char *xml, const char *text)
{
	GPtrArray *nics = NULL;
	sriov_autoerror err = NULL;
	int r = srv_nics_parse(xml, strlen(xml), &nics, &err);

	expect_error(r, err, SRIOV_ERROR_INVALID, text);
	assert_null(nics);
}

static void nics_parse_takes_the_element_with_and_without_namespace(void **state)
{
	expect_nics("<nics/>", "");
	expect_nics("<nics>\n  <nic id=\"net0\" network=\"tenant-a\" mode=\"failover\" "
		    "mac=\"52:54:00:aa:00:11\" priority=\"7\"/>\n</nics>\n",
		    "net0 tenant-a failover 52:54:00:aa:00:11 7\n");
	expect_nics(NICS("<sriov:nic id='a' network='b'/>"), "a b exclusive - 0\n");
}

static void nics_parse_refuses_everything_else(void **state)
{
	refused_nics("<nic id='a' network='b'/>",
		     "line 1: element <nic> is not known here; <nics> holds <nic> elements with "
		     "the attributes id, network, mode, mac and priority");
	refused_nics("<nics xmlns='https://sriovd.io/xmlns/nics/2'/>",
		     "line 1: element <nics> has the namespace \"https://sriovd.io/xmlns/nics/2\"; "
		     "expected \"https://sriovd.io/xmlns/nics/1\"");
	refused_nics(NICS("<nic id='a' network='b'/>"),
		     "line 1: element <nic> has no namespace; write <sriov:nic>, with the prefix "
		     "of the element around it");
	refused_nics("<nics>x</nics>",
		     "line 1: text \"x\" among the nics; <nics> holds <nic> elements only");
	refused_nics("<nics>", "line 1: the XML is not well-formed: it ends too early");
}

static GPtrArray *three_nics(void)
{
	GPtrArray *nics = g_ptr_array_new_with_free_func((GDestroyNotify)srv_nic_request_free);
	struct srv_nic_request a = { .id = (char *)"net0",
				     .network = (char *)"tenant-a",
				     .priority = 1000 };
	struct srv_nic_request b = { .id = (char *)"net1",
				     .network = (char *)"b",
				     .mode = SRV_MODE_REQUIRED };
	struct srv_nic_request c = { .id = (char *)"net2",
				     .network = (char *)"b",
				     .mode = SRV_MODE_FAILOVER };

	b.has_mac = sriov_mac_parse("52:54:00:aa:00:11", &b.mac) == 0;
	g_ptr_array_add(nics, srv_nic_request_copy(&a));
	g_ptr_array_add(nics, srv_nic_request_copy(&b));
	g_ptr_array_add(nics, srv_nic_request_copy(&c));
	return nics;
}

static const char three_nics_shown[] = "net0 tenant-a exclusive - 1000\n"
				       "net1 b required 52:54:00:aa:00:11 0\n"
				       "net2 b failover - 0\n";

static void nics_format_gives_what_parse_takes(void **state)
{
	g_autoptr(GPtrArray) nics = three_nics(), none = g_ptr_array_new();
	g_autofree char *xml = srv_nics_format(nics), *empty = srv_nics_format(none);

	assert_string_equal(xml,
			    "<nics><nic id=\"net0\" network=\"tenant-a\" mode=\"exclusive\" "
			    "priority=\"1000\"/><nic id=\"net1\" network=\"b\" mode=\"required\" "
			    "mac=\"52:54:00:aa:00:11\"/><nic id=\"net2\" network=\"b\" "
			    "mode=\"failover\"/></nics>");
	expect_nics(xml, three_nics_shown);
	assert_string_equal(empty, "<nics></nics>");
	expect_nics(empty, "");
}

static void nics_format_escapes(void **state)
{
	g_autoptr(GPtrArray) nics = g_ptr_array_new();
	struct srv_nic_request hostile = { .id = (char *)"a\"/><x b='", .network = (char *)"<&>" };
	g_autofree char *xml = NULL;

	g_ptr_array_add(nics, &hostile);
	xml = srv_nics_format(nics);
	assert_string_equal(xml, "<nics><nic id=\"a&quot;/&gt;&lt;x b=&apos;\" "
				 "network=\"&lt;&amp;&gt;\" mode=\"exclusive\"/></nics>");
}

/* libvirt's own code for metadata, by its test driver: the round trip that sriovctl nic add makes.
 */
static void nics_format_survives_libvirt(void **state)
{
	g_autoptr(GPtrArray) nics = three_nics();
	g_autofree char *xml = srv_nics_format(nics);
	virConnectPtr connection = virConnectOpen("test:///default");
	virDomainPtr guest = connection ? virDomainLookupByName(connection, "test") : NULL;
	struct srv_domain *domain = NULL;
	sriov_autoerror err = NULL;
	g_autofree char *shown = NULL;
	char *text;

	assert_non_null(guest);
	/* Twice, since the second time there is something to replace. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(virDomainSetMetadata(guest, VIR_DOMAIN_METADATA_ELEMENT, xml,
						      SRV_NICS_PREFIX, SRV_NICS_XMLNS,
						      VIR_DOMAIN_AFFECT_CURRENT),
				 0);
	text = virDomainGetMetadata(guest, VIR_DOMAIN_METADATA_ELEMENT, SRV_NICS_XMLNS, 0);
	assert_non_null(text);
	expect_nics(text, three_nics_shown);
	free(text);

	text = virDomainGetXMLDesc(guest, 0);
	assert_non_null(text);
	assert_ok(srv_domain_parse(text, strlen(text), &domain, &err), err);
	shown = show_nics(domain->nics);
	assert_string_equal(shown, three_nics_shown);
	assert_true(domain->is_ours);
	assert_string_equal(domain->name, "test");
	srv_domain_free(domain);
	free(text);
	virDomainFree(guest);
	virConnectClose(connection);
}

static void mode_names_are_their_own_inverse(void **state)
{
	static const enum srv_mode modes[] = { SRV_MODE_EXCLUSIVE, SRV_MODE_REQUIRED,
					       SRV_MODE_FAILOVER };
	enum srv_mode mode;

	for (size_t i = 0; i < G_N_ELEMENTS(modes); i++) {
		assert_int_equal(srv_mode_parse(srv_mode_name(modes[i]), &mode), 0);
		assert_int_equal(mode, modes[i]);
	}
	assert_int_equal(srv_mode_parse("", &mode), -EINVAL);
}

static void copy_and_free_handle_requests(void **state)
{
	struct srv_nic_request request = { .id = (char *)"a",
					   .network = (char *)"b",
					   .priority = 3 };
	struct srv_nic_request *copy = srv_nic_request_copy(&request);

	assert_ptr_not_equal(copy->id, request.id);
	assert_string_equal(copy->id, "a");
	assert_string_equal(copy->network, "b");
	assert_int_equal(copy->priority, 3);
	srv_nic_request_free(copy);
	srv_nic_request_free(NULL);
	srv_domain_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nics_parse_takes_the_element_with_and_without_namespace),
		cmocka_unit_test(nics_parse_refuses_everything_else),
		cmocka_unit_test(nics_format_gives_what_parse_takes),
		cmocka_unit_test(nics_format_escapes),
		cmocka_unit_test(nics_format_survives_libvirt),
		cmocka_unit_test(mode_names_are_their_own_inverse),
		cmocka_unit_test(copy_and_free_handle_requests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
