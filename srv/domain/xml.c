// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/domain/xml.h"

#include <errno.h>
#include <string.h>

#include <libxml/SAX2.h>
#include <libxml/parser.h>

#include "srv/domain/metadata.h"

/*
 * How this works: libxml2 parses the document in memory and calls us for each element and text; we
 * count, check, and pass it on. What makes XML dangerous is stopped before it begins:
 *
 * - Entities and external references can only come out of a document type declaration. SAX reports
 *   <!DOCTYPE before it reads what is in it, and there the parse ends. So neither the "billion
 *   laughs" nor an external entity is ever declared, let alone expanded, whatever the options of
 *   the installed libxml2 mean by default.
 * - libxml2 compares every attribute of a tag with every other one (quadratic before 2.12), which
 *   4 MiB of attributes turn into minutes: they are counted before libxml2 sees them.
 * - Bytes that are not UTF-8, and NUL, are refused up front, and an encoding declared in the
 *   document is ignored, so no iconv decoder is ever reached. libvirt writes nothing but UTF-8.
 */
struct parse {
	xmlParserCtxtPtr ctxt;
	const struct srv_xml_handler *handler;
	void *data;
	int depth;    /* elements open */
	bool started; /* the root element was there */
	struct sriov_error *err;
	char *malformed; /* libxml2's first fatal complaint, and its line */
	int malformed_line;
};

#if LIBXML_VERSION >= 21200
typedef const xmlError *xml_error_arg;
#else
typedef xmlErrorPtr xml_error_arg;
#endif

static void init_libxml(void)
{
	static gsize once;

	if (g_once_init_enter(&once)) {
		xmlInitParser();
		g_once_init_leave(&once, 1);
	}
}

static int set_at_line(struct sriov_error **err, enum sriov_error_code code, int line,
		       const char *fmt, va_list ap)
{
	g_autofree char *subject = g_strdup_printf("line %d", line);
	g_autofree char *message = g_strdup_vprintf(fmt, ap);
	int errnum = code == SRIOV_ERROR_LIMIT ? E2BIG : EINVAL;

	return sriov_error_set(err, code, errnum, subject, "%s", message);
}

int srv_xml_invalid(struct sriov_error **err, int line, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = set_at_line(err, SRIOV_ERROR_INVALID, line, fmt, ap);
	va_end(ap);
	return r;
}

static int G_GNUC_PRINTF(3, 4) limit_at(struct sriov_error **err, int line, const char *fmt, ...)
{
	va_list ap;
	int r;

	va_start(ap, fmt);
	r = set_at_line(err, SRIOV_ERROR_LIMIT, line, fmt, ap);
	va_end(ap);
	return r;
}

char *srv_xml_printable(const char *text)
{
	GString *line = g_string_new(NULL);
	int n = 0;

	for (const char *p = text; *p; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);

		if (n++ == 64) {
			g_string_append(line, "…");
			break;
		}
		g_string_append_unichar(line, g_unichar_isprint(c) ? c : '?');
	}
	return g_string_free(line, FALSE);
}

const char *srv_xml_attribute(const struct srv_xml_element *element, const char *name)
{
	for (size_t i = 0; i < element->n_attributes; i++) {
		const struct srv_xml_attribute *attribute = &element->attributes[i];

		if (!attribute->xmlns && strcmp(attribute->name, name) == 0)
			return attribute->value;
	}
	return NULL;
}

bool srv_xml_element_is(const struct srv_xml_element *element, const char *xmlns, const char *name)
{
	return g_strcmp0(element->xmlns, xmlns) == 0 && strcmp(element->name, name) == 0;
}

/*
 * Without XML_PARSE_NOENT, SAX2 hands out an ampersand in an attribute as "&#38;", for a tree
 * builder to decode (xmlParseAttValueInternal()). Every other reference is already resolved.
 */
static char *decode_value(const char *value, size_t len)
{
	static const char escaped[] = "&#38;";
	char *text = g_strndup(value, len), *to = text;

	for (const char *from = text; *from; to++) {
		*to = *from;
		from += strncmp(from, escaped, sizeof(escaped) - 1) == 0 ? sizeof(escaped) - 1 : 1;
	}
	*to = '\0';
	return text;
}

static void pass_element(struct parse *parse, struct srv_xml_element *element, int n,
			 const xmlChar **raw)
{
	struct srv_xml_attribute *attributes = g_new0(struct srv_xml_attribute, (gsize)n);
	g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);

	/* libxml2 gives five pointers for each: local name, prefix, namespace, value, its end. */
	for (int i = 0; i < n; i++, raw += 5) {
		char *value = decode_value((const char *)raw[3], (size_t)(raw[4] - raw[3]));

		g_ptr_array_add(values, value);
		attributes[i] = (struct srv_xml_attribute){ (const char *)raw[0],
							    (const char *)raw[2], value };
	}
	element->attributes = attributes;
	element->n_attributes = (size_t)n;
	if (parse->handler->start(element, parse->data, &parse->err) < 0)
		xmlStopParser(parse->ctxt);
	g_free(attributes);
}

static void on_start(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
		     int n_namespaces, const xmlChar **namespaces, int n_attributes,
		     int n_defaulted, const xmlChar **attributes)
{
	struct parse *parse = data;
	struct srv_xml_element element = {
		.name = (const char *)name,
		.prefix = (const char *)prefix,
		.xmlns = (const char *)uri,
		.depth = parse->depth,
		.line = xmlSAX2GetLineNumber(parse->ctxt),
	};

	if (parse->err)
		return;
	if (parse->depth == SRV_XML_DEPTH) {
		limit_at(&parse->err, element.line,
			 "elements are nested more than %d deep; take the innermost out",
			 SRV_XML_DEPTH);
		xmlStopParser(parse->ctxt);
		return;
	}
	parse->depth++;
	parse->started = true;
	pass_element(parse, &element, n_attributes, attributes);
}

static void on_end(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct parse *parse = data;

	if (parse->err)
		return;
	parse->depth--;
	parse->handler->end(parse->depth, parse->data);
}

static void on_text(void *data, const xmlChar *text, int len)
{
	struct parse *parse = data;

	if (!parse->err && parse->depth > 0)
		parse->handler->text((const char *)text, (size_t)len, parse->depth - 1,
				     xmlSAX2GetLineNumber(parse->ctxt), parse->data);
}

static void on_doctype(void *data, const xmlChar *name, const xmlChar *external_id,
		       const xmlChar *system_id)
{
	struct parse *parse = data;

	if (parse->err)
		return;
	srv_xml_invalid(&parse->err, xmlSAX2GetLineNumber(parse->ctxt),
			"a document type declaration is not accepted here; take the <!DOCTYPE out");
	xmlStopParser(parse->ctxt);
}

static void on_complaint(void *data, xml_error_arg error)
{
	struct parse *parse = data;
	g_autofree char *text = NULL;

	if (parse->malformed || error->level != XML_ERR_FATAL)
		return;
	/* For the push parser, what is cut off is "extra content at the end". */
	if (error->code == XML_ERR_DOCUMENT_END && (parse->depth > 0 || !parse->started))
		text = g_strdup("it ends too early");
	else if (error->code == XML_ERR_DOCUMENT_EMPTY)
		text = g_strdup("it does not begin with an element");
	else
		text = g_strchomp(g_strdup(error->message ? error->message : "unknown error"));
	parse->malformed = srv_xml_printable(text);
	parse->malformed_line = error->line;
}

static int line_of(const char *xml, const char *at)
{
	int line = 1;

	for (const char *p = xml; p < at; p++)
		line += *p == '\n';
	return line;
}

static int check_bytes(const char *xml, size_t len, struct sriov_error **err)
{
	const char *bad;

	if (len == 0)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, NULL, "the XML is empty");
	if (len > SRV_XML_MAX)
		return sriov_error_set(err, SRIOV_ERROR_LIMIT, E2BIG, NULL,
				       "the XML is larger than %d MiB; make it smaller",
				       SRV_XML_MAX / 1024 / 1024);
	if (g_utf8_validate_len(xml, len, &bad))
		return 0;
	if (*bad == '\0')
		return srv_xml_invalid(err, line_of(xml, bad), "a NUL byte is no part of XML");
	return srv_xml_invalid(err, line_of(xml, bad),
			       "byte 0x%02x is not UTF-8; write the XML in UTF-8",
			       (unsigned char)*bad);
}

/* The end of a comment, CDATA section, declaration or processing instruction starting at '<'. */
static const char *skip_markup(const char *p, const char *end)
{
	static const char *const kinds[][2] = {
		{ "<!--", "-->" }, { "<![CDATA[", "]]>" }, { "<?", "?>" }, { "<!", ">" }
	};

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		size_t open = strlen(kinds[i][0]), close = strlen(kinds[i][1]);
		const char *stop;

		if ((size_t)(end - p) < open || memcmp(p, kinds[i][0], open) != 0)
			continue;
		stop = memmem(p + open, (size_t)(end - p) - open, kinds[i][1], close);
		return stop ? stop + close : end;
	}
	return NULL;
}

/* The end of the tag that starts at p; *ret_attributes: the '=' outside quotes in it. */
static const char *skip_tag(const char *p, const char *end, size_t *ret_attributes)
{
	size_t n = 0;
	char quote = '\0';

	for (; p < end; p++) {
		if (quote) {
			if (*p == quote)
				quote = '\0';
		} else if (*p == '"' || *p == '\'') {
			quote = *p;
		} else if (*p == '=') {
			n++;
		} else if (*p == '>') {
			break;
		}
	}
	*ret_attributes = n;
	return p;
}

static int check_attributes(const char *xml, size_t len, struct sriov_error **err)
{
	const char *end = xml + len, *p = xml;

	/* Tokens are cut as XML cuts them, up to the first error; there libxml2 ends too. */
	while (p < end && (p = memchr(p, '<', (size_t)(end - p)))) {
		const char *next = skip_markup(p, end);
		size_t n = 0;

		if (!next)
			next = skip_tag(p, end, &n);
		if (n > SRV_XML_ATTRIBUTES)
			return limit_at(err, line_of(xml, p),
					"an element has more than %d attributes; take some out",
					SRV_XML_ATTRIBUTES);
		p = next;
	}
	return 0;
}

/*
 * A push parser, because it ends at the first fatal error, where the pull parser reads on and could
 * see tags that check_attributes() did not.
 */
static xmlParserCtxtPtr new_context(struct parse *parse)
{
	xmlSAXHandler sax = {
		.initialized = XML_SAX2_MAGIC,
		.internalSubset = on_doctype,
		.startElementNs = on_start,
		.endElementNs = on_end,
		.characters = on_text,
		.serror = on_complaint,
	};
	xmlParserCtxtPtr ctxt = xmlCreatePushParserCtxt(&sax, parse, NULL, 0, NULL);

	if (!ctxt)
		return NULL;
	/* No XML_PARSE_HUGE: libxml2's own limits are a second line of defence behind ours. */
	xmlCtxtUseOptions(ctxt, XML_PARSE_NONET | XML_PARSE_IGNORE_ENC);
	parse->ctxt = ctxt;
	return ctxt;
}

static int verdict(struct parse *parse, struct sriov_error **err)
{
	if (parse->err)
		return sriov_error_propagate(err, g_steal_pointer(&parse->err));
	if (parse->ctxt->wellFormed)
		return 0;
	return srv_xml_invalid(err, parse->malformed_line, "the XML is not well-formed: %s",
			       parse->malformed ? parse->malformed : "it cannot be parsed");
}

int srv_xml_parse(const char *xml, size_t len, const struct srv_xml_handler *handler, void *data,
		  struct sriov_error **err)
{
	struct parse parse = { .handler = handler, .data = data };
	int r = check_bytes(xml, len, err);

	if (r < 0)
		return r;
	r = check_attributes(xml, len, err);
	if (r < 0)
		return r;
	init_libxml();
	if (!new_context(&parse))
		return sriov_error_set(err, SRIOV_ERROR_INTERNAL, ENOMEM, NULL,
				       "libxml2 gave no parser");
	xmlParseChunk(parse.ctxt, xml, (int)len, 1);
	r = verdict(&parse, err);
	xmlFreeParserCtxt(parse.ctxt);
	g_free(parse.malformed);
	return r;
}
