// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/domain/nics.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"

#define KNOWN_ATTRIBUTES "id, network, mode, mac and priority"

void srv_nics_reader_init(struct srv_nics_reader *reader, const char *xmlns)
{
	*reader = (struct srv_nics_reader){
		.xmlns = xmlns,
		.nics = g_ptr_array_new_with_free_func((GDestroyNotify)srv_nic_request_free),
		.lines = g_array_new(FALSE, FALSE, sizeof(int)),
	};
}

void srv_nics_reader_clear(struct srv_nics_reader *reader)
{
	g_clear_pointer(&reader->nics, g_ptr_array_unref);
	g_clear_pointer(&reader->lines, g_array_unref);
	g_clear_pointer(&reader->err, sriov_error_free);
}

/* "nic net0", or "a nic" while it has no id that could name it. */
static char *nic_title(const struct srv_xml_element *element)
{
	const char *id = srv_xml_attribute(element, "id");
	g_autofree char *printable = id ? srv_xml_printable(id) : NULL;

	return id ? g_strdup_printf("nic %s", printable) : g_strdup("a nic");
}

static int check_attributes(const struct srv_xml_element *element, struct sriov_error **err)
{
	static const char *const known[] = { "id", "network", "mode", "mac", "priority" };

	for (size_t i = 0; i < element->n_attributes; i++) {
		const struct srv_xml_attribute *attribute = &element->attributes[i];
		g_autofree char *title = NULL, *name = NULL;
		bool is_known = false;

		for (size_t k = 0; k < G_N_ELEMENTS(known); k++)
			is_known |= !attribute->xmlns && strcmp(attribute->name, known[k]) == 0;
		if (is_known)
			continue;
		title = nic_title(element);
		name = srv_xml_printable(attribute->name);
		return srv_xml_invalid(err, element->line,
				       "%s: unknown attribute \"%s\"; known are " KNOWN_ATTRIBUTES,
				       title, name);
	}
	return 0;
}

static int read_name(const struct srv_xml_element *element, const char *attribute, const char *hint,
		     char **ret, struct sriov_error **err)
{
	const char *value = srv_xml_attribute(element, attribute);
	g_autofree char *title = nic_title(element), *printable = NULL;

	if (!value)
		return srv_xml_invalid(err, element->line, "%s has no %s; add %s", title, attribute,
				       hint);
	if (!sriov_name_is_valid(value)) {
		printable = srv_xml_printable(value);
		return srv_xml_invalid(err, element->line,
				       "%s: %s \"%s\" is malformed; use 1 to 64 letters, digits, "
				       "'.', '_' and '-', the first a letter or digit",
				       title, attribute, printable);
	}
	*ret = g_strdup(value);
	return 0;
}

static int read_mode(const struct srv_xml_element *element, enum srv_mode *ret,
		     struct sriov_error **err)
{
	const char *value = srv_xml_attribute(element, "mode");
	g_autofree char *title = NULL, *printable = NULL;

	*ret = SRV_MODE_EXCLUSIVE;
	if (!value || srv_mode_parse(value, ret) == 0)
		return 0;
	title = nic_title(element);
	printable = srv_xml_printable(value);
	return srv_xml_invalid(err, element->line,
			       "%s: unknown mode \"%s\"; use exclusive, required or failover",
			       title, printable);
}

static int read_mac(const struct srv_xml_element *element, struct srv_nic_request *nic,
		    struct sriov_error **err)
{
	const char *value = srv_xml_attribute(element, "mac");
	g_autofree char *title = NULL, *printable = NULL;

	if (!value)
		return 0;
	title = nic_title(element);
	printable = srv_xml_printable(value);
	if (sriov_mac_parse(value, &nic->mac) < 0)
		return srv_xml_invalid(err, element->line,
				       "%s: \"%s\" is no MAC address; write it like "
				       "52:54:00:aa:00:11, or leave it out and sriovd picks one",
				       title, printable);
	if (sriov_mac_is_multicast(nic->mac))
		return srv_xml_invalid(err, element->line,
				       "%s: %s is a multicast address, which no port can have; "
				       "make its first octet even, or leave it out",
				       title, printable);
	if (sriov_mac_is_zero(nic->mac))
		return srv_xml_invalid(err, element->line,
				       "%s: %s is no port's address; leave it out and sriovd picks "
				       "one",
				       title, printable);
	nic->has_mac = true;
	return 0;
}

static int read_priority(const struct srv_xml_element *element, uint32_t *ret,
			 struct sriov_error **err)
{
	const char *value = srv_xml_attribute(element, "priority");
	g_autofree char *title = NULL, *printable = NULL;
	uint64_t priority = 0;

	if (value && sriov_parse_u64(value, 10, SRV_PRIORITY_MAX, &priority) < 0) {
		title = nic_title(element);
		printable = srv_xml_printable(value);
		return srv_xml_invalid(err, element->line,
				       "%s: priority \"%s\" is out of range; use 0 to %d", title,
				       printable, SRV_PRIORITY_MAX);
	}
	*ret = (uint32_t)priority;
	return 0;
}

static int check_unique(const struct srv_nics_reader *reader, const struct srv_nic_request *nic,
			int line, struct sriov_error **err)
{
	for (guint i = 0; i < reader->nics->len; i++) {
		const struct srv_nic_request *other = reader->nics->pdata[i];
		int other_line = g_array_index(reader->lines, int, i);
		char mac[SRIOV_MAC_STRLEN];

		if (strcmp(nic->id, other->id) == 0)
			return srv_xml_invalid(err, line,
					       "nic %s is there twice (line %d has it too); give "
					       "each nic of a guest its own id",
					       nic->id, other_line);
		if (nic->has_mac && other->has_mac && sriov_mac_equal(nic->mac, other->mac))
			return srv_xml_invalid(err, line,
					       "nic %s has the MAC address %s of nic %s (line %d); "
					       "give each nic its own, or leave it out",
					       nic->id, sriov_mac_format(nic->mac, mac), other->id,
					       other_line);
	}
	return 0;
}

static int read_nic(struct srv_nics_reader *reader, const struct srv_xml_element *element,
		    struct sriov_error **err)
{
	struct srv_nic_request *nic = g_new0(struct srv_nic_request, 1);
	int line = element->line, r;

	r = check_attributes(element, err);
	if (r == 0)
		r = read_name(element, "id", "one, such as id=\"net0\"", &nic->id, err);
	if (r == 0)
		r = read_name(element, "network", "network=\"NAME\", one that sriovd.json defines",
			      &nic->network, err);
	if (r == 0)
		r = read_mode(element, &nic->mode, err);
	if (r == 0)
		r = read_mac(element, nic, err);
	if (r == 0)
		r = read_priority(element, &nic->priority, err);
	if (r == 0)
		r = check_unique(reader, nic, line, err);
	if (r < 0) {
		srv_nic_request_free(nic);
		return r;
	}
	g_ptr_array_add(reader->nics, nic);
	g_array_append_val(reader->lines, line);
	return 0;
}

static int unexpected_element(const struct srv_nics_reader *reader,
			      const struct srv_xml_element *element, struct sriov_error **err)
{
	g_autofree char *name = srv_xml_printable(element->name);

	if (reader->xmlns && !element->xmlns)
		return srv_xml_invalid(err, element->line,
				       "element <%s> has no namespace; write <" SRV_NICS_PREFIX
				       ":%s>, with the prefix of the element around it",
				       name, name);
	if (element->xmlns && g_strcmp0(element->xmlns, SRV_NICS_XMLNS) != 0) {
		g_autofree char *xmlns = srv_xml_printable(element->xmlns);

		return srv_xml_invalid(err, element->line,
				       "element <%s> has the namespace \"%s\"; expected "
				       "\"" SRV_NICS_XMLNS "\"",
				       name, xmlns);
	}
	return srv_xml_invalid(err, element->line,
			       "element <%s> is not known here; <nics> holds <nic> elements with "
			       "the attributes " KNOWN_ATTRIBUTES,
			       name);
}

static int read_root(struct srv_nics_reader *reader, const struct srv_xml_element *element,
		     struct sriov_error **err)
{
	g_autofree char *name = NULL;

	if (!srv_xml_element_is(element, reader->xmlns, "nics"))
		return unexpected_element(reader, element, err);
	if (reader->seen)
		return srv_xml_invalid(err, element->line,
				       "a second <nics> element; put every <nic> into one");
	if (element->n_attributes == 0)
		return 0;
	name = srv_xml_printable(element->attributes[0].name);
	return srv_xml_invalid(err, element->line,
			       "unknown attribute \"%s\" of <nics>; it has none", name);
}

static int read_element(struct srv_nics_reader *reader, const struct srv_xml_element *element,
			int level, struct sriov_error **err)
{
	if (level == 0)
		return read_root(reader, element, err);
	if (level > 1 || !srv_xml_element_is(element, reader->xmlns, "nic"))
		return unexpected_element(reader, element, err);
	if (reader->nics->len == SRV_NICS_PER_OWNER_MAX) {
		g_autofree char *subject = g_strdup_printf("line %d", element->line);

		return sriov_error_set(err, SRIOV_ERROR_LIMIT, E2BIG, subject,
				       "more than %d nics; a guest can have no more",
				       SRV_NICS_PER_OWNER_MAX);
	}
	return read_nic(reader, element, err);
}

void srv_nics_reader_start(struct srv_nics_reader *reader, const struct srv_xml_element *element,
			   int level)
{
	if (!reader->err && read_element(reader, element, level, &reader->err) < 0)
		g_ptr_array_set_size(reader->nics, 0);
	reader->seen = true;
}

void srv_nics_reader_text(struct srv_nics_reader *reader, const char *text, size_t len, int line)
{
	g_autofree char *piece = g_strstrip(g_strndup(text, len));
	g_autofree char *printable = NULL;

	if (reader->err || *piece == '\0')
		return;
	printable = srv_xml_printable(piece);
	srv_xml_invalid(&reader->err, line,
			"text \"%s\" among the nics; <nics> holds <nic> elements only", printable);
	g_ptr_array_set_size(reader->nics, 0);
}
