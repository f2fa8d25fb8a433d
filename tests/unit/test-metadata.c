// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "srv/domain/metadata.h"

#define XMLNS "xmlns:sriov='" SRV_NICS_XMLNS "'"
#define HEAD                                           \
	"<domain type='kvm'>\n<name>web1</name>\n"     \
	"<uuid>57883551-E96D-4A71-AC43-7CDE003B6744</" \
	"uuid>\n"
#define DOMAIN(metadata, devices)                                                  \
	HEAD "<metadata>" metadata "</metadata>\n<devices>" devices "</devices>\n" \
	     "</domain>\n"
#define NICS(content) "<sriov:nics " XMLNS ">" content "</sriov:nics>"

/* ---- objects as text, so that whole ones are compared ---- */

static char *show_nics(const GPtrArray *nics)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic_request *nic = nics->pdata[i];
		char mac[SRIOV_MAC_STRLEN];

		g_string_append_printf(
			text, "%s %s %s %s %u\n", nic->id, nic->network, srv_mode_name(nic->mode),
			nic->has_mac ? sriov_mac_format(nic->mac, mac) : "-", nic->priority);
	}
	return g_string_free(text, FALSE);
}

static const char *or_dash(const char *text)
{
	return text ? text : "-";
}

static char *show_domain(const struct srv_domain *domain)
{
	GString *text = g_string_new(NULL);
	g_autofree char *nics = show_nics(domain->nics);
	char mac[SRIOV_MAC_STRLEN], bdf[SRIOV_BDF_STRLEN];

	g_string_append_printf(text, "%s %s %s\n%s", domain->uuid, domain->name,
			       domain->is_ours ? "ours" : "foreign", nics);
	for (guint i = 0; i < domain->ifaces->len; i++) {
		const struct srv_domain_iface *iface = domain->ifaces->pdata[i];

		g_string_append_printf(text, "iface %s %s %s vf=%s source=%s target=%s driver=%s\n",
				       or_dash(iface->alias), or_dash(iface->type),
				       sriov_mac_format(iface->mac, mac),
				       iface->has_vf ? sriov_bdf_format(iface->vf, bdf) : "-",
				       or_dash(iface->source), or_dash(iface->target),
				       or_dash(iface->driver));
	}
	for (guint i = 0; i < domain->hostdevs->len; i++) {
		uint64_t key = g_array_index(domain->hostdevs, uint64_t, i);

		g_string_append_printf(text, "hostdev %s\n",
				       sriov_bdf_format(sriov_bdf_from_key(key), bdf));
	}
	return g_string_free(text, FALSE);
}

static void expect_domain(const char *xml, const char *expected)
{
	struct srv_domain *domain = NULL;
	sriov_autoerror err = NULL;
	g_autofree char *text = NULL;

	assert_ok(srv_domain_parse(xml, strlen(xml), &domain, &err), err);
	text = show_domain(domain);
	assert_string_equal(text, expected);
	srv_domain_free(domain);
}

static void expect_fixture(const char *name, const char *expected)
{
	g_autofree char *path = g_build_filename("tests/fixtures/domain", name, NULL);
	g_autofree char *file = TEST_SOURCE(path), *xml = NULL;

	assert_true(g_file_get_contents(file, &xml, NULL, NULL));
	expect_domain(xml, expected);
}

/* The error as "CODE subject: message" */
static void expect_error(int r, const struct sriov_error *err, enum sriov_error_code code,
			 const char *text)
{
	g_autofree char *actual = NULL;

	assert_true(r < 0);
	assert_non_null(err);
	assert_int_equal(r, -err->err);
	actual = sriov_error_text(err);
	assert_string_equal(actual, text);
	assert_int_equal(err->code, code);
}

static void expect_refused(const char *xml, size_t len, enum sriov_error_code code,
			   const char *text)
{
	struct srv_domain *domain = (struct srv_domain *)1;
	sriov_autoerror err = NULL;
	int r = srv_domain_parse(xml, len, &domain, &err);

	expect_error(r, err, code, text);
	assert_null(domain);
}

/* Bad metadata only: the domain is there all the same, without nics. */
static void expect_bad_nics(const char *nics, enum sriov_error_code code, const char *message)
{
	g_autofree char *xml = g_strdup_printf(
		HEAD "<metadata>\n%s</metadata>\n<devices><interface "
		     "type='user'><alias name='net9'/></interface></devices>\n"
		     "</domain>",
		nics);
	struct srv_domain *domain = NULL;
	sriov_autoerror err = NULL;
	g_autofree char *text = NULL;
	int r = srv_domain_parse(xml, strlen(xml), &domain, &err);

	expect_error(r, err, code, message);
	assert_non_null(domain);
	text = show_domain(domain);
	assert_string_equal(text, "57883551-e96d-4a71-ac43-7cde003b6744 web1 ours\n"
				  "iface net9 user 00:00:00:00:00:00 vf=- source=- target=- "
				  "driver=-\n");
	srv_domain_free(domain);
}

#define BAD_NICS(content, message)                                                             \
	expect_bad_nics("<sriov:nics " XMLNS ">" content "</sriov:nics>", SRIOV_ERROR_INVALID, \
			message)

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

/* ---- hostile and broken documents ---- */

static void refused(const char *xml, const char *text)
{
	expect_refused(xml, strlen(xml), SRIOV_ERROR_INVALID, text);
}

/* FAULTS row 36: hostile domain XML */
static void domain_parse_doctype_is_refused(void **state)
{
	static const char billion_laughs[] =
		"<?xml version='1.0'?>\n<!DOCTYPE lolz [\n<!ENTITY a 'lol'>\n"
		"<!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;'>\n"
		"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;'>\n"
		"<!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;'>\n"
		"]>\n<domain><name>&d;</name></domain>";

	refused(billion_laughs,
		"line 2: a document type declaration is not accepted here; take the <!DOCTYPE out");
	refused("<!DOCTYPE domain SYSTEM 'http://127.0.0.1:1/x.dtd'><domain/>",
		"line 1: a document type declaration is not accepted here; take the <!DOCTYPE out");
	refused("<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>" DOMAIN("&x;", ""),
		"line 1: a document type declaration is not accepted here; take the <!DOCTYPE out");
	refused("<!DOCTYPE domain><domain/>",
		"line 1: a document type declaration is not accepted here; take the <!DOCTYPE out");
}

/* The rest of the sentence is libxml2's, and changes with its version. */
static void malformed(const char *xml, int line)
{
	g_autofree char *prefix = g_strdup_printf("line %d: the XML is not well-formed: ", line);
	struct srv_domain *domain = NULL;
	sriov_autoerror err = NULL;
	g_autofree char *text = NULL;

	assert_int_equal(srv_domain_parse(xml, strlen(xml), &domain, &err), -EINVAL);
	assert_null(domain);
	assert_int_equal(err->code, SRIOV_ERROR_INVALID);
	text = sriov_error_text(err);
	if (!g_str_has_prefix(text, prefix) || strlen(text) == strlen(prefix) || strchr(text, '\n'))
		fail_msg("\"%s\" for %s", text, xml);
}

/* FAULTS row 36: hostile domain XML */
static void domain_parse_undeclared_entity_is_refused(void **state)
{
	malformed("<domain><name>&lol;</name></domain>", 1);
	malformed("<domain>\n<name a='&lol;'/></domain>", 2);
}

static void domain_parse_not_well_formed_is_refused_with_its_line(void **state)
{
	refused("hello", "line 1: the XML is not well-formed: it does not begin with an element");
	refused("<", "line 1: the XML is not well-formed: it ends too early");
	refused(HEAD "<devices>", "line 4: the XML is not well-formed: it ends too early");
	malformed("\n\n<domain>\n<name>x</nam></domain>", 4);
	malformed("<domain a='1' a='2'/>", 1);
	malformed(HEAD "</domain>\n<domain/>", 5);
	malformed("<domain><name>\x01</name></domain>", 1);
}

static void domain_parse_every_truncation_is_refused(void **state)
{
	g_autofree char *file = TEST_SOURCE("tests/fixtures/domain/live-vf.xml"), *xml = NULL;
	gsize len;

	assert_true(g_file_get_contents(file, &xml, &len, NULL));
	while (g_ascii_isspace(xml[len - 1]))
		len--;
	for (gsize cut = 0; cut < len; cut++) {
		/* Its own block, so that a read past the end is found. */
		g_autofree char *piece = cut ? g_memdup2(xml, cut) : g_strdup("");
		struct srv_domain *domain = NULL;
		sriov_autoerror err = NULL;

		assert_true(srv_domain_parse(piece, cut, &domain, &err) < 0);
		assert_int_equal(err->code, SRIOV_ERROR_INVALID);
		assert_null(domain);
	}
}

static void domain_parse_bad_bytes_are_refused(void **state)
{
	static const char nul[] = "<domain>\n<name>a\0b</name></domain>";

	expect_refused(nul, sizeof(nul) - 1, SRIOV_ERROR_INVALID,
		       "line 2: a NUL byte is no part of XML");
	refused("<domain>\n\n<name>\xff</name></domain>",
		"line 3: byte 0xff is not UTF-8; write the XML in UTF-8");
	refused("<?xml version='1.0' encoding='ISO-8859-1'?><domain><name>\xe9</name></domain>",
		"line 1: byte 0xe9 is not UTF-8; write the XML in UTF-8");
	expect_refused("", 0, SRIOV_ERROR_INVALID, "the XML is empty");
}

static void domain_parse_other_roots_are_refused(void **state)
{
	refused("<network><name>x</name></network>",
		"line 1: the root element is <network>; expected a libvirt <domain>");
	refused("<domain xmlns='http://x/'/>",
		"line 1: the root element is <domain>; expected a libvirt <domain>");
}

static void domain_parse_without_identity_is_refused(void **state)
{
	refused("<domain><uuid>57883551-e96d-4a71-ac43-7cde003b6744</uuid></domain>",
		"the domain has no <name>; give the XML as libvirt writes it (virsh dumpxml)");
	refused("<domain><name>a</name><metadata><uuid>57883551-e96d-4a71-ac43-7cde003b6744</uuid>"
		"</metadata></domain>",
		"the domain has no <uuid>; give the XML as libvirt writes it (virsh dumpxml)");
	refused("<domain><name>a</name><uuid>57883551</uuid></domain>",
		"\"57883551\" is no UUID of a domain");
}

static void domain_parse_bad_devices_are_refused(void **state)
{
	refused(DOMAIN("", "<hostdev mode='subsystem' type='pci'><source>"
			   "<address bus='0x100'/></source></hostdev>"),
		"line 5: bus \"0x100\" of a PCI address is out of range; the largest is 0xff");
	refused(DOMAIN("", "<interface type='hostdev'><source><address type='pci' slot='0x20'/>"
			   "</source></interface>"),
		"line 5: slot \"0x20\" of a PCI address is out of range; the largest is 0x1f");
	refused(DOMAIN("", "<interface type='user'><mac address='52:54'/></interface>"),
		"line 5: \"52:54\" is no MAC address of an <interface>");
}

static char *nested(int depth)
{
	GString *xml = g_string_new("<domain><name>a</name>"
				    "<uuid>57883551-e96d-4a71-ac43-7cde003b6744</uuid>\n");

	for (int i = 1; i < depth; i++)
		g_string_append(xml, "<a>");
	for (int i = 1; i < depth; i++)
		g_string_append(xml, "</a>");
	g_string_append(xml, "</domain>");
	return g_string_free(xml, FALSE);
}

static void domain_parse_depth_is_limited(void **state)
{
	g_autofree char *deepest = nested(SRV_XML_DEPTH), *deeper = nested(SRV_XML_DEPTH + 1);
	g_autofree char *deep = nested(100);

	expect_domain(deepest, "57883551-e96d-4a71-ac43-7cde003b6744 a foreign\n");
	expect_refused(deeper, strlen(deeper), SRIOV_ERROR_LIMIT,
		       "line 2: elements are nested more than 64 deep; take the innermost out");
	expect_refused(deep, strlen(deep), SRIOV_ERROR_LIMIT,
		       "line 2: elements are nested more than 64 deep; take the innermost out");
}

/* FAULTS row 36: hostile domain XML */
static void domain_parse_size_is_limited(void **state)
{
	static const char open[] = "<domain><name>a</name>"
				   "<uuid>57883551-e96d-4a71-ac43-7cde003b6744</uuid><!--";
	static const char close[] = "--></domain>";
	size_t fill = SRV_XML_MAX - strlen(open) - strlen(close);
	g_autofree char *filler = g_strnfill(fill + 1024 * 1024, 'x');
	g_autofree char *fits = g_strdup_printf("%s%.*s%s", open, (int)fill, filler, close);
	g_autofree char *above = g_strdup_printf("%s%.*s%s", open, (int)fill + 1, filler, close);
	g_autofree char *five = g_strdup_printf("%s%s%s", open, filler, close);

	expect_domain(fits, "57883551-e96d-4a71-ac43-7cde003b6744 a foreign\n");
	expect_refused(above, strlen(above), SRIOV_ERROR_LIMIT,
		       "the XML is larger than 4 MiB; make it smaller");
	expect_refused(five, strlen(five), SRIOV_ERROR_LIMIT,
		       "the XML is larger than 4 MiB; make it smaller");
}

/* libxml2 2.9 compares each attribute with each other: these would take it half a minute. */
static void domain_parse_attributes_are_limited(void **state)
{
	static const char *const openings[] = { "<domain", "<domain><!-- \" --><a b='>'",
						"<domain><![CDATA[']]><a b='<!--'",
						"<domain><?x '?><a b=\"'\"",
						"<domain><a b='=&gt;=' c=\"/>\"" };

	for (size_t o = 0; o < G_N_ELEMENTS(openings); o++) {
		GString *xml = g_string_new(openings[o]);
		gint64 before = g_get_monotonic_time();

		for (int i = 0; i < 200000; i++)
			g_string_append_printf(xml, " a%d='>'", i);
		g_string_append(xml, "/>");
		if (o)
			g_string_append(xml, "</domain>");
		expect_refused(xml->str, xml->len, SRIOV_ERROR_LIMIT,
			       "line 1: an element has more than 1024 attributes; take some out");
		assert_true(g_get_monotonic_time() - before < 5 * G_USEC_PER_SEC);
		g_string_free(xml, TRUE);
	}
}

/* After an error that makes our tokens differ from libxml2's, libxml2 must not go on. */
static void domain_parse_attributes_behind_an_error_cost_nothing(void **state)
{
	static const char *const openings[] = {
		"<domain><a b='<'", "<domain><!-- \x01 ",      "<domain><? ",
		"<domain><!x ",	    "<domain><![CDATA[ \x01 ", "<domain><a b=c'"
	};

	for (size_t o = 0; o < G_N_ELEMENTS(openings); o++) {
		GString *xml = g_string_new(openings[o]);
		gint64 before = g_get_monotonic_time();
		struct srv_domain *domain = NULL;
		sriov_autoerror err = NULL;

		g_string_append(xml, "<x");
		for (int i = 0; i < 200000; i++)
			g_string_append_printf(xml, " a%d=''", i);
		g_string_append(xml, "/></domain>");
		assert_true(srv_domain_parse(xml->str, xml->len, &domain, &err) < 0);
		assert_null(domain);
		assert_true(g_get_monotonic_time() - before < 5 * G_USEC_PER_SEC);
		g_string_free(xml, TRUE);
	}
}

static void domain_parse_errors_print_nothing(void **state)
{
	g_autofree char *name = NULL;
	int fd = g_file_open_tmp("test-metadata-XXXXXX", &name, NULL);
	int saved = dup(STDERR_FILENO);
	struct srv_domain *domain = NULL;
	off_t written;

	assert_true(fd >= 0 && saved >= 0);
	fflush(stderr);
	assert_true(dup2(fd, STDERR_FILENO) >= 0);
	srv_domain_parse("<domain>&x;<b:c></a>", 20, &domain, NULL);
	srv_domain_parse("<domain/>", 9, &domain, NULL);
	fflush(stderr);
	written = lseek(fd, 0, SEEK_END);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	close(saved);
	close(fd);
	unlink(name);
	assert_int_equal(written, 0);
}

struct worker {
	const char *xml;
	const char *expected;
	int wrong;
};

static void *parse_often(void *data)
{
	struct worker *worker = data;

	for (int i = 0; i < 500; i++) {
		struct srv_domain *domain = NULL;
		sriov_autoerror err = NULL;
		g_autofree char *text = NULL;

		if (srv_domain_parse(worker->xml, strlen(worker->xml), &domain, &err) < 0)
			text = sriov_error_text(err);
		else
			text = show_domain(domain);
		worker->wrong += strcmp(text, worker->expected) != 0;
		srv_domain_free(domain);
	}
	return NULL;
}

static void domain_parse_threads_do_not_mix(void **state)
{
	struct worker workers[] = {
		{ HEAD "</domain>", "57883551-e96d-4a71-ac43-7cde003b6744 web1 foreign\n", 0 },
		{ "<domain>\n\n", "line 3: the XML is not well-formed: it ends too early", 0 },
		{ "<x/>", "line 1: the root element is <x>; expected a libvirt <domain>", 0 },
	};
	GThread *threads[G_N_ELEMENTS(workers)];

	for (size_t i = 0; i < G_N_ELEMENTS(workers); i++)
		threads[i] = g_thread_new(NULL, parse_often, &workers[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(workers); i++) {
		g_thread_join(threads[i]);
		assert_int_equal(workers[i].wrong, 0);
	}
}

/* ---- the element alone ---- */

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
		cmocka_unit_test(domain_parse_doctype_is_refused),
		cmocka_unit_test(domain_parse_undeclared_entity_is_refused),
		cmocka_unit_test(domain_parse_not_well_formed_is_refused_with_its_line),
		cmocka_unit_test(domain_parse_every_truncation_is_refused),
		cmocka_unit_test(domain_parse_bad_bytes_are_refused),
		cmocka_unit_test(domain_parse_other_roots_are_refused),
		cmocka_unit_test(domain_parse_without_identity_is_refused),
		cmocka_unit_test(domain_parse_bad_devices_are_refused),
		cmocka_unit_test(domain_parse_depth_is_limited),
		cmocka_unit_test(domain_parse_size_is_limited),
		cmocka_unit_test(domain_parse_attributes_are_limited),
		cmocka_unit_test(domain_parse_attributes_behind_an_error_cost_nothing),
		cmocka_unit_test(domain_parse_errors_print_nothing),
		cmocka_unit_test(domain_parse_threads_do_not_mix),
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
