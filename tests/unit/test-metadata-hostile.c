// SPDX-License-Identifier: GPL-2.0-or-later
/* Hostile and broken documents. */
#include "tests/unit/metadata-show.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
