// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/metadata-show.h"

/* ---- what there is ---- */

static void domain_parse_recorded_live_domain_gives_nics_and_ifaces(void **state)
{
	expect_fixture("live.xml",
		       "e054e829-aa1b-4cb9-a166-fcae7f9c3733 web1 ours\n"
		       "net0 tenant-a exclusive 52:54:00:aa:00:11 10\n"
		       "iface net0 network 52:54:00:00:00:04 vf=- source=default target=vnet0 "
		       "driver=-\n"
		       "iface net1 user 52:54:00:00:00:01 vf=- source=- target=- driver=-\n"
		       "iface net2 direct 52:54:00:00:00:02 vf=- source=enp1s0 target=macvtap0 "
		       "driver=qemu\n"
		       "iface net3 bridge 52:54:00:00:00:03 vf=- source=br0 target=vnet1 "
		       "driver=-\n");
}

static void domain_parse_hostdev_gives_vf_and_foreign_functions(void **state)
{
	expect_fixture("live-vf.xml",
		       "e054e829-aa1b-4cb9-a166-fcae7f9c3733 web1 ours\n"
		       "net0 tenant-a exclusive 52:54:00:aa:00:11 10\n"
		       "iface net0 network 52:54:00:00:00:04 vf=- source=default target=vnet0 "
		       "driver=-\n"
		       "iface net1 user 52:54:00:00:00:01 vf=- source=- target=- driver=-\n"
		       "iface net2 direct 52:54:00:00:00:02 vf=- source=enp1s0 target=macvtap0 "
		       "driver=qemu\n"
		       "iface net3 bridge 52:54:00:00:00:03 vf=- source=br0 target=vnet1 "
		       "driver=-\n"
		       "iface ua-sriov-net0 hostdev 52:54:00:aa:00:11 vf=0000:01:10.6 source=- "
		       "target=- driver=vfio\n"
		       "hostdev 0000:02:10.1\n");
}

static void domain_parse_hook_xml_before_start_gives_no_aliases(void **state)
{
	expect_fixture("prepare.xml",
		       "e054e829-aa1b-4cb9-a166-fcae7f9c3733 web1 ours\n"
		       "net0 tenant-a exclusive 52:54:00:aa:00:11 10\n"
		       "iface - network 52:54:00:00:00:04 vf=- source=default target=- driver=-\n"
		       "iface - user 52:54:00:00:00:01 vf=- source=- target=- driver=-\n"
		       "iface - direct 52:54:00:00:00:02 vf=- source=enp1s0 target=- driver=qemu\n"
		       "iface - bridge 52:54:00:00:00:03 vf=- source=br0 target=- driver=-\n");
}

static void expect_numa(const char *numatune, int expected)
{
	g_autofree char *xml = g_strdup_printf(HEAD "%s</domain>", numatune);
	struct srv_domain *domain = NULL;
	sriov_autoerror err = NULL;

	assert_ok(srv_domain_parse(xml, strlen(xml), &domain, &err), err);
	assert_int_equal(domain->numa_node, expected);
	srv_domain_free(domain);
}

static void domain_parse_numatune_of_one_node_gives_it(void **state)
{
	expect_numa("", -1);
	expect_numa("<numatune><memory mode='strict' nodeset='1'/></numatune>", 1);
	expect_numa("<numatune><memory mode='preferred' nodeset='0'/></numatune>", 0);
	expect_numa("<numatune><memory mode='strict' nodeset='0-1'/></numatune>", -1);
	expect_numa("<numatune><memory mode='strict' nodeset='0,3'/></numatune>", -1);
	expect_numa("<numatune><memory mode='strict' placement='auto'/></numatune>", -1);
	expect_numa("<numatune><memory nodeset='99999999999'/></numatune>", -1);
	/* A cell of the guest's is not the whole guest. */
	expect_numa("<numatune><memnode cellid='0' mode='strict' nodeset='1'/></numatune>", -1);
	expect_numa("<cpu><numatune><memory nodeset='1'/></numatune></cpu>", -1);
}

static void domain_parse_no_metadata_is_foreign(void **state)
{
	expect_domain(HEAD "</domain>", "57883551-e96d-4a71-ac43-7cde003b6744 web1 foreign\n");
}

static void domain_parse_empty_element_is_ours(void **state)
{
	expect_domain(DOMAIN(NICS(""), ""), "57883551-e96d-4a71-ac43-7cde003b6744 web1 ours\n");
}

static void domain_parse_any_prefix_is_ours(void **state)
{
	expect_domain(DOMAIN("<a:x xmlns:a='http://a/'><nics/></a:x>"
			     "<nics xmlns='" SRV_NICS_XMLNS "'>"
			     "<nic id='a' network='n' mode='required'/>"
			     "<q:nic xmlns:q='" SRV_NICS_XMLNS
			     "' id='b' network='n' mode='failover' priority='1000'/></nics>",
			     ""),
		      "57883551-e96d-4a71-ac43-7cde003b6744 web1 ours\n"
		      "a n required - 0\nb n failover - 1000\n");
}

static void domain_parse_namespace_declared_above_is_ours(void **state)
{
	expect_domain("<domain " XMLNS "><name>w</name>"
		      "<uuid>57883551-e96d-4a71-ac43-7cde003b6744</uuid>"
		      "<metadata><sriov:nics><sriov:nic id='a' network='n'/></sriov:nics>"
		      "</metadata></domain>",
		      "57883551-e96d-4a71-ac43-7cde003b6744 w ours\na n exclusive - 0\n");
}

/* FAULTS row 36: hostile domain XML */
static void domain_parse_other_namespace_is_foreign(void **state)
{
	expect_domain(DOMAIN("<s:nics xmlns:s='https://sriovd.io/xmlns/nics/2'>"
			     "<s:nic bad='1'/></s:nics>",
			     ""),
		      "57883551-e96d-4a71-ac43-7cde003b6744 web1 foreign\n");
}

static void domain_parse_element_outside_metadata_is_foreign(void **state)
{
	expect_domain(HEAD "<description>" SRV_NICS_XMLNS
			   "</description>" NICS("") "<metadata><x xmlns='http://x/'>" NICS(
				   "") "</x></metadata>"
				       "<devices>" NICS("") "</devices></domain>",
		      "57883551-e96d-4a71-ac43-7cde003b6744 web1 foreign\n");
}

static void domain_parse_escaped_text_is_decoded(void **state)
{
	expect_domain("<domain><name>a&amp;b&lt;&#99;<![CDATA[&amp;]]></name>"
		      "<uuid>57883551-e96d-4a71-ac43-7cde003b6744</uuid><devices>"
		      "<interface type='network'><mac address='52:54:00:00:00:01'/>"
		      "<source network='a&amp;b&#38;c&amp;#38;d&quot;&#xe9;&amp;amp;'/>"
		      "</interface></devices></domain>",
		      "57883551-e96d-4a71-ac43-7cde003b6744 a&b<c&amp; foreign\n"
		      "iface - network 52:54:00:00:00:01 vf=- source=a&b&c&#38;d\"é&amp; target=- "
		      "driver=-\n");
}

static void domain_parse_comments_are_skipped(void **state)
{
	expect_domain("<?xml version='1.0' encoding='ISO-8859-1'?><!-- a='<' -->\n" DOMAIN(
			      "<!-- \"' --><?pi <a?>" NICS("<!-- > --> <sriov:nic id='a' "
							   "network='n'/>\n"),
			      "<!-- <interface type='x'/> -->"),
		      "57883551-e96d-4a71-ac43-7cde003b6744 web1 ours\na n exclusive - 0\n");
}

static void domain_parse_hostdev_address_parts_default_to_zero(void **state)
{
	expect_domain(DOMAIN("", "<hostdev mode='subsystem' type='pci'><source>"
				 "<address bus='3'/></source><address type='pci' bus='9'/>"
				 "</hostdev><hostdev mode='capabilities' type='pci'><source>"
				 "<address bus='4'/></source></hostdev><interface type='hostdev'>"
				 "<source><address type='usb' bus='1'/></source></interface>"),
		      "57883551-e96d-4a71-ac43-7cde003b6744 web1 foreign\n"
		      "iface - hostdev 00:00:00:00:00:00 vf=- source=- target=- driver=-\n"
		      "hostdev 0000:03:00.0\n");
}

static void domain_parse_address_elsewhere_is_not_the_function(void **state)
{
	expect_domain(DOMAIN("", "<hostdev mode='subsystem' type='pci'><source><x>"
				 "<address bus='3'/></x></source><rom><address bus='4'/></rom>"
				 "</hostdev>"),
		      "57883551-e96d-4a71-ac43-7cde003b6744 web1 foreign\n");
}

static void domain_parse_declared_encoding_is_ignored(void **state)
{
	expect_domain("<?xml version='1.0' encoding='ISO-8859-1'?><domain><name>é</name>"
		      "<uuid>57883551-e96d-4a71-ac43-7cde003b6744</uuid></domain>",
		      "57883551-e96d-4a71-ac43-7cde003b6744 é foreign\n");
}

static void domain_parse_source_of_a_child_is_not_the_interface_source(void **state)
{
	expect_domain(DOMAIN("", "<interface type='bridge'><backenddomain><source bridge='no'/>"
				 "</backenddomain><source bridge='br1'/>"
				 "<filterref><mac address='bad'/></filterref></interface>"),
		      "57883551-e96d-4a71-ac43-7cde003b6744 web1 foreign\n"
		      "iface - bridge 00:00:00:00:00:00 vf=- source=br1 target=- driver=-\n");
}

/* ---- mistakes in our element ---- */

static void domain_parse_aliases_of_every_device_are_given(void **state)
{
	static const char xml[] = DOMAIN(
		"",
		"<disk><alias name='virtio-disk0'/><source><alias name='inner'/></source></disk>"
		"<interface type='bridge'><mac address='52:54:00:aa:00:11'/>"
		"<alias name='ua-sriov-net0'/></interface>"
		"<hostdev mode='subsystem' type='pci'><alias name='ua-own'/></hostdev>"
		"<memballoon><alias/></memballoon>");
	static const char *const expected[] = { "virtio-disk0", "ua-sriov-net0", "ua-own" };
	struct srv_domain *domain = NULL;
	sriov_autoerror err = NULL;

	assert_ok(srv_domain_parse(xml, strlen(xml), &domain, &err), err);
	assert_int_equal(domain->aliases->len, G_N_ELEMENTS(expected));
	for (guint i = 0; i < domain->aliases->len; i++)
		assert_string_equal(domain->aliases->pdata[i], expected[i]);
	srv_domain_free(domain);
}

static void nics_without_id_or_network_are_refused(void **state)
{
	BAD_NICS("\n<sriov:nic network='n'/>",
		 "line 6: a nic has no id; add one, such as id=\"net0\"");
	BAD_NICS("<sriov:nic id='net0'/>", "line 5: nic net0 has no network; add network=\"NAME\", "
					   "one that sriovd.json defines");
}

static void nics_with_malformed_names_are_refused(void **state)
{
	BAD_NICS("<sriov:nic id='' network='n'/>",
		 "line 5: nic : id \"\" is malformed; use 1 to 64 letters, digits, '.', '_' and "
		 "'-', the first a letter or digit");
	BAD_NICS("<sriov:nic id='a&#10;b' network='n'/>",
		 "line 5: nic a?b: id \"a?b\" is malformed; use 1 to 64 letters, digits, '.', '_' "
		 "and '-', the first a letter or digit");
	BAD_NICS("<sriov:nic id='a' network='../n'/>",
		 "line 5: nic a: network \"../n\" is malformed; use 1 to 64 letters, digits, '.', "
		 "'_' and '-', the first a letter or digit");
}

static void nics_with_unknown_attributes_are_refused(void **state)
{
	BAD_NICS("<sriov:nic id='a' network='n' vlan='7'/>",
		 "line 5: nic a: unknown attribute \"vlan\"; known are id, network, mode, mac and "
		 "priority");
	BAD_NICS("<sriov:nic id='a' network='n' sriov:mode='required'/>",
		 "line 5: nic a: unknown attribute \"mode\"; known are id, network, mode, mac and "
		 "priority");
	expect_bad_nics("<sriov:nics " XMLNS " count='1'/>", SRIOV_ERROR_INVALID,
			"line 5: unknown attribute \"count\" of <nics>; it has none");
}

static void nics_with_unknown_children_are_refused(void **state)
{
	BAD_NICS("<sriov:port/>", "line 5: element <port> is not known here; <nics> holds <nic> "
				  "elements with the attributes id, network, mode, mac and "
				  "priority");
	BAD_NICS("<sriov:nic id='a' network='n'><sriov:vlan/></sriov:nic>",
		 "line 5: element <vlan> is not known here; <nics> holds <nic> elements with the "
		 "attributes id, network, mode, mac and priority");
	BAD_NICS("<nic id='a' network='n'/>", "line 5: element <nic> has no namespace; write "
					      "<sriov:nic>, with the prefix of the element around "
					      "it");
	BAD_NICS("<o:nic xmlns:o='http://o/' id='a' network='n'/>",
		 "line 5: element <nic> has the namespace \"http://o/\"; expected "
		 "\"https://sriovd.io/xmlns/nics/1\"");
	BAD_NICS("\nnet0\n", "line 7: text \"net0\" among the nics; <nics> holds <nic> elements "
			     "only");
	expect_bad_nics("<sriov:nic " XMLNS " id='a' network='n'/>", SRIOV_ERROR_INVALID,
			"line 5: element <nic> is not known here; <nics> holds <nic> elements with "
			"the attributes id, network, mode, mac and priority");
	expect_bad_nics(NICS("") "\n" NICS(""), SRIOV_ERROR_INVALID,
			"line 6: a second <nics> element; put every <nic> into one");
}

static void nics_with_bad_values_are_refused(void **state)
{
	BAD_NICS("<sriov:nic id='a' network='n' mode='Required'/>",
		 "line 5: nic a: unknown mode \"Required\"; use exclusive, required or failover");
	BAD_NICS("<sriov:nic id='a' network='n' priority='1001'/>",
		 "line 5: nic a: priority \"1001\" is out of range; use 0 to 1000");
	BAD_NICS("<sriov:nic id='a' network='n' priority='-1'/>",
		 "line 5: nic a: priority \"-1\" is out of range; use 0 to 1000");
}

/* FAULTS row 36: hostile domain XML */
static void nics_with_bad_macs_are_refused(void **state)
{
	BAD_NICS("<sriov:nic id='a' network='n' mac='52:54:00'/>",
		 "line 5: nic a: \"52:54:00\" is no MAC address; write it like 52:54:00:aa:00:11, "
		 "or leave it out and sriovd picks one");
	BAD_NICS("<sriov:nic id='a' network='n' mac='01:00:5e:00:00:01'/>",
		 "line 5: nic a: 01:00:5e:00:00:01 is a multicast address, which no port can have; "
		 "make its first octet even, or leave it out");
	BAD_NICS("<sriov:nic id='a' network='n' mac='00:00:00:00:00:00'/>",
		 "line 5: nic a: 00:00:00:00:00:00 is no port's address; leave it out and sriovd "
		 "picks one");
}

/* FAULTS row 36: hostile domain XML */
static void nics_with_duplicates_are_refused(void **state)
{
	BAD_NICS("<sriov:nic id='a' network='n'/>\n<sriov:nic id='b' network='n'/>\n"
		 "<sriov:nic id='a' network='m'/>",
		 "line 7: nic a is there twice (line 5 has it too); give each nic of a guest its "
		 "own id");
	BAD_NICS("<sriov:nic id='a' network='n' mac='52:54:00:AA:00:11'/>\n"
		 "<sriov:nic id='b' network='n' mac='52-54-00-aa-00-11'/>",
		 "line 6: nic b has the MAC address 52:54:00:aa:00:11 of nic a (line 5); give each "
		 "nic its own, or leave it out");
}

static void nics_beyond_the_limit_are_refused(void **state)
{
	GString *nics = g_string_new("<sriov:nics " XMLNS ">");

	for (int i = 0; i < SRV_NICS_PER_OWNER_MAX; i++)
		g_string_append_printf(nics, "<sriov:nic id='n%d' network='n'/>", i);
	g_string_append(nics, "</sriov:nics>");
	{
		g_autofree char *xml = g_strdup_printf(HEAD "<metadata>%s</metadata></domain>",
						       nics->str);
		struct srv_domain *domain = NULL;
		sriov_autoerror err = NULL;

		assert_ok(srv_domain_parse(xml, strlen(xml), &domain, &err), err);
		assert_int_equal(domain->nics->len, SRV_NICS_PER_OWNER_MAX);
		srv_domain_free(domain);
	}
	g_string_truncate(nics, nics->len - strlen("</sriov:nics>"));
	g_string_append(nics, "<sriov:nic id='one-more' network='n'/></sriov:nics>");
	expect_bad_nics(nics->str, SRIOV_ERROR_LIMIT,
			"line 5: more than 32 nics; a guest can have no more");
	g_string_free(nics, TRUE);
}

static void long_values_are_cut_in_sentences(void **state)
{
	g_autofree char *value = g_strnfill(100000, 'm');
	g_autofree char *nics = g_strdup_printf(NICS("<sriov:nic id='a' network='n' mode='%s'/>"),
						value);

	expect_bad_nics(
		nics, SRIOV_ERROR_INVALID,
		"line 5: nic a: unknown mode "
		"\"mmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmmm…\"; use "
		"exclusive, required or failover");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domain_parse_recorded_live_domain_gives_nics_and_ifaces),
		cmocka_unit_test(domain_parse_hostdev_gives_vf_and_foreign_functions),
		cmocka_unit_test(domain_parse_hook_xml_before_start_gives_no_aliases),
		cmocka_unit_test(domain_parse_numatune_of_one_node_gives_it),
		cmocka_unit_test(domain_parse_no_metadata_is_foreign),
		cmocka_unit_test(domain_parse_empty_element_is_ours),
		cmocka_unit_test(domain_parse_any_prefix_is_ours),
		cmocka_unit_test(domain_parse_namespace_declared_above_is_ours),
		cmocka_unit_test(domain_parse_other_namespace_is_foreign),
		cmocka_unit_test(domain_parse_element_outside_metadata_is_foreign),
		cmocka_unit_test(domain_parse_escaped_text_is_decoded),
		cmocka_unit_test(domain_parse_comments_are_skipped),
		cmocka_unit_test(domain_parse_hostdev_address_parts_default_to_zero),
		cmocka_unit_test(domain_parse_address_elsewhere_is_not_the_function),
		cmocka_unit_test(domain_parse_declared_encoding_is_ignored),
		cmocka_unit_test(domain_parse_source_of_a_child_is_not_the_interface_source),
		cmocka_unit_test(domain_parse_aliases_of_every_device_are_given),
		cmocka_unit_test(nics_without_id_or_network_are_refused),
		cmocka_unit_test(nics_with_malformed_names_are_refused),
		cmocka_unit_test(nics_with_unknown_attributes_are_refused),
		cmocka_unit_test(nics_with_unknown_children_are_refused),
		cmocka_unit_test(nics_with_bad_values_are_refused),
		cmocka_unit_test(nics_with_bad_macs_are_refused),
		cmocka_unit_test(nics_with_duplicates_are_refused),
		cmocka_unit_test(nics_beyond_the_limit_are_refused),
		cmocka_unit_test(long_values_are_cut_in_sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
