// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/domain/metadata.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/parse.h"
#include "srv/domain/nics.h"
#include "srv/domain/xml.h"

/*
 * How this works: what we want of a domain stands at fixed places of its XML
 * (https://libvirt.org/formatdomain.html), so the parser keeps the path of open elements that
 * matters (the section at depth 1, the device at depth 2, its <source> at depth 3) and reads
 * attributes as they pass:
 *
 *   <domain>
 *     <name>, <uuid>                                            depth 1
 *     <metadata> <sriov:nics>                                   depth 1, 2
 *     <numatune> <memory>                                       depth 1, 2
 *     <devices>  <interface> <mac>, <source> <address>, …       depth 1, 2, 3, 4
 *                <hostdev>   <source> <address>
 *                anything    <alias>
 */
enum section {
	SECTION_OTHER,
	SECTION_NAME,
	SECTION_UUID,
	SECTION_METADATA,
	SECTION_NUMATUNE,
	SECTION_DEVICES,
};

enum device {
	DEVICE_OTHER,
	DEVICE_INTERFACE,
	DEVICE_HOSTDEV, /* of a PCI function */
};

struct domain_reader {
	struct srv_domain *domain;
	enum section section;
	enum device device;
	struct srv_domain_iface *iface; /* the open <interface>, in domain->ifaces */
	bool in_source;
	bool in_nics;
	GString *text; /* of <name> or <uuid> */
	struct srv_nics_reader nics;
};

static void iface_free(struct srv_domain_iface *iface)
{
	g_free(iface->alias);
	g_free(iface->type);
	g_free(iface->source);
	g_free(iface->target);
	g_free(iface->driver);
	g_free(iface);
}

static struct srv_domain *domain_new(void)
{
	struct srv_domain *domain = g_new0(struct srv_domain, 1);

	domain->numa_node = -1;
	domain->nics = g_ptr_array_new_with_free_func((GDestroyNotify)srv_nic_request_free);
	domain->ifaces = g_ptr_array_new_with_free_func((GDestroyNotify)iface_free);
	domain->hostdevs = g_array_new(FALSE, FALSE, sizeof(uint64_t));
	domain->aliases = g_ptr_array_new_with_free_func(g_free);
	return domain;
}

void srv_domain_free(struct srv_domain *domain)
{
	if (!domain)
		return;
	g_free(domain->uuid);
	g_free(domain->name);
	g_ptr_array_unref(domain->nics);
	g_ptr_array_unref(domain->ifaces);
	g_array_unref(domain->hostdevs);
	g_ptr_array_unref(domain->aliases);
	g_free(domain);
}

/* Replaces *to by a copy of the attribute, when the element has it. */
static void take(const struct srv_xml_element *element, const char *attribute, char **to)
{
	const char *value = srv_xml_attribute(element, attribute);

	if (!value)
		return;
	g_free(*to);
	*to = g_strdup(value);
}

static bool attribute_is(const struct srv_xml_element *element, const char *attribute,
			 const char *value)
{
	return g_strcmp0(srv_xml_attribute(element, attribute), value) == 0;
}

/* libvirt writes each part as "0x…"; a part that is left out is 0 (virPCIDeviceAddressParseXML()).
 */
static int address_part(const struct srv_xml_element *element, const char *attribute, uint64_t max,
			uint64_t *ret, struct sriov_error **err)
{
	const char *value = srv_xml_attribute(element, attribute);
	g_autofree char *printable = NULL;

	*ret = 0;
	if (!value || sriov_parse_u64(value, 0, max, ret) == 0)
		return 0;
	printable = srv_xml_printable(value);
	return srv_xml_invalid(err, element->line,
			       "%s \"%s\" of a PCI address is out of range; the largest is 0x%x",
			       attribute, printable, (unsigned int)max);
}

static int read_address(const struct srv_xml_element *element, struct sriov_bdf *ret,
			struct sriov_error **err)
{
	uint64_t domain, bus, slot, function;
	int r = address_part(element, "domain", UINT32_MAX, &domain, err);

	if (r == 0)
		r = address_part(element, "bus", 0xff, &bus, err);
	if (r == 0)
		r = address_part(element, "slot", 0x1f, &slot, err);
	if (r == 0)
		r = address_part(element, "function", 7, &function, err);
	if (r == 0)
		*ret = (struct sriov_bdf){ (uint32_t)domain, (uint8_t)bus, (uint8_t)slot,
					   (uint8_t)function };
	return r;
}

static void start_section(struct domain_reader *reader, const struct srv_xml_element *element)
{
	static const struct {
		const char *name;
		enum section section;
	} sections[] = {
		{ "name", SECTION_NAME },	  { "uuid", SECTION_UUID },
		{ "metadata", SECTION_METADATA }, { "numatune", SECTION_NUMATUNE },
		{ "devices", SECTION_DEVICES },
	};

	reader->section = SECTION_OTHER;
	for (size_t i = 0; i < G_N_ELEMENTS(sections); i++) {
		if (srv_xml_element_is(element, NULL, sections[i].name))
			reader->section = sections[i].section;
	}
	g_string_truncate(reader->text, 0);
}

static void start_device(struct domain_reader *reader, const struct srv_xml_element *element)
{
	reader->device = DEVICE_OTHER;
	reader->in_source = false;
	if (srv_xml_element_is(element, NULL, "interface")) {
		reader->device = DEVICE_INTERFACE;
		reader->iface = g_new0(struct srv_domain_iface, 1);
		take(element, "type", &reader->iface->type);
		g_ptr_array_add(reader->domain->ifaces, reader->iface);
	} else if (srv_xml_element_is(element, NULL, "hostdev") &&
		   attribute_is(element, "mode", "subsystem") &&
		   attribute_is(element, "type", "pci")) {
		reader->device = DEVICE_HOSTDEV;
	}
}

/* The attribute of <source> that says what an interface of this type stands on. */
static const char *source_attribute(const struct srv_domain_iface *iface)
{
	if (g_strcmp0(iface->type, "direct") == 0)
		return "dev";
	if (g_strcmp0(iface->type, "bridge") == 0)
		return "bridge";
	if (g_strcmp0(iface->type, "network") == 0)
		return "network";
	return NULL;
}

static int read_mac(struct srv_domain_iface *iface, const struct srv_xml_element *element,
		    struct sriov_error **err)
{
	const char *address = srv_xml_attribute(element, "address");
	g_autofree char *printable = NULL;

	if (address && sriov_mac_parse(address, &iface->mac) == 0)
		return 0;
	printable = srv_xml_printable(address ? address : "");
	return srv_xml_invalid(err, element->line, "\"%s\" is no MAC address of an <interface>",
			       printable);
}

static int start_iface_part(struct domain_reader *reader, const struct srv_xml_element *element,
			    struct sriov_error **err)
{
	struct srv_domain_iface *iface = reader->iface;

	if (srv_xml_element_is(element, NULL, "mac"))
		return read_mac(iface, element, err);
	if (srv_xml_element_is(element, NULL, "alias"))
		take(element, "name", &iface->alias);
	else if (srv_xml_element_is(element, NULL, "target"))
		take(element, "dev", &iface->target);
	else if (srv_xml_element_is(element, NULL, "driver"))
		take(element, "name", &iface->driver);
	else if (reader->in_source && source_attribute(iface))
		take(element, source_attribute(iface), &iface->source);
	return 0;
}

/*
 * A <driver> can stand in a hostdev's or an interface's <source> as well, but only what is directly
 * under it here is the PCI function: the device's own <address> (depth 3) is where the guest sees
 * it.
 */
static int start_source_part(struct domain_reader *reader, const struct srv_xml_element *element,
			     struct sriov_error **err)
{
	struct sriov_bdf bdf;
	uint64_t key;
	int r;

	if (!srv_xml_element_is(element, NULL, "address"))
		return 0;
	if (reader->device == DEVICE_INTERFACE) {
		if (g_strcmp0(reader->iface->type, "hostdev") != 0 ||
		    !attribute_is(element, "type", "pci"))
			return 0;
		r = read_address(element, &reader->iface->vf, err);
		reader->iface->has_vf = r == 0;
		return r;
	}
	r = read_address(element, &bdf, err);
	if (r < 0)
		return r;
	key = sriov_bdf_key(bdf);
	g_array_append_val(reader->domain->hostdevs, key);
	return 0;
}

static int start_in_devices(struct domain_reader *reader, const struct srv_xml_element *element,
			    struct sriov_error **err)
{
	if (element->depth == 2) {
		start_device(reader, element);
		return 0;
	}
	if (element->depth == 3 && srv_xml_element_is(element, NULL, "alias") &&
	    srv_xml_attribute(element, "name"))
		g_ptr_array_add(reader->domain->aliases,
				g_strdup(srv_xml_attribute(element, "name")));
	if (reader->device == DEVICE_OTHER)
		return 0;
	if (element->depth == 3) {
		reader->in_source = srv_xml_element_is(element, NULL, "source");
		return reader->device == DEVICE_INTERFACE ? start_iface_part(reader, element, err)
							  : 0;
	}
	if (element->depth == 4 && reader->in_source)
		return start_source_part(reader, element, err);
	return 0;
}

static void start_in_metadata(struct domain_reader *reader, const struct srv_xml_element *element)
{
	if (element->depth == 2)
		reader->in_nics = g_strcmp0(element->xmlns, SRV_NICS_XMLNS) == 0;
	if (reader->in_nics)
		srv_nics_reader_start(&reader->nics, element, element->depth - 2);
}

/* One node is a place; a list of them, or placement='auto', is none. */
static void start_in_numatune(struct domain_reader *reader, const struct srv_xml_element *element)
{
	const char *nodes = srv_xml_attribute(element, "nodeset");
	uint64_t node;

	if (element->depth == 2 && srv_xml_element_is(element, NULL, "memory") && nodes &&
	    sriov_parse_u64(nodes, 10, INT_MAX, &node) == 0)
		reader->domain->numa_node = (int)node;
}

static int start(const struct srv_xml_element *element, void *data, struct sriov_error **err)
{
	struct domain_reader *reader = data;

	if (element->depth == 0) {
		g_autofree char *name = srv_xml_printable(element->name);

		if (srv_xml_element_is(element, NULL, "domain"))
			return 0;
		return srv_xml_invalid(err, element->line,
				       "the root element is <%s>; expected a libvirt <domain>",
				       name);
	}
	if (element->depth == 1)
		start_section(reader, element);
	else if (reader->section == SECTION_METADATA)
		start_in_metadata(reader, element);
	else if (reader->section == SECTION_NUMATUNE)
		start_in_numatune(reader, element);
	else if (reader->section == SECTION_DEVICES)
		return start_in_devices(reader, element, err);
	return 0;
}

static void text(const char *text, size_t len, int depth, int line, void *data)
{
	struct domain_reader *reader = data;

	if (depth == 1 && (reader->section == SECTION_NAME || reader->section == SECTION_UUID))
		g_string_append_len(reader->text, text, (gssize)len);
	else if (depth >= 2 && reader->section == SECTION_METADATA && reader->in_nics)
		srv_nics_reader_text(&reader->nics, text, len, line);
}

static void end(int depth, void *data)
{
	struct domain_reader *reader = data;
	char **to;

	if (depth == 2)
		reader->in_nics = false;
	if (depth != 1)
		return;
	if (reader->section == SECTION_NAME || reader->section == SECTION_UUID) {
		to = reader->section == SECTION_NAME ? &reader->domain->name
						     : &reader->domain->uuid;
		g_free(*to);
		*to = g_strdup(reader->text->str);
	}
	reader->section = SECTION_OTHER;
}

static int check_identity(struct srv_domain *domain, struct sriov_error **err)
{
	g_autofree char *uuid = domain->uuid ? g_strstrip(g_strdup(domain->uuid)) : NULL;
	g_autofree char *printable = srv_xml_printable(uuid ? uuid : "");

	if (!domain->name || *domain->name == '\0')
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, NULL,
				       "the domain has no <name>; give the XML as libvirt writes "
				       "it (virsh dumpxml)");
	if (!uuid)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, NULL,
				       "the domain has no <uuid>; give the XML as libvirt writes "
				       "it (virsh dumpxml)");
	if (!g_uuid_string_is_valid(uuid))
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, NULL,
				       "\"%s\" is no UUID of a domain", printable);
	g_free(domain->uuid);
	domain->uuid = g_ascii_strdown(uuid, -1);
	return 0;
}

/* Our own element's mistakes leave the rest of the domain usable: both are given. */
static int finish(struct domain_reader *reader, struct srv_domain **ret, struct sriov_error **err)
{
	struct srv_domain *domain = reader->domain;
	int r = check_identity(domain, err);

	if (r < 0)
		return r;
	domain->is_ours = reader->nics.seen;
	if (reader->nics.err) {
		r = sriov_error_propagate(err, g_steal_pointer(&reader->nics.err));
	} else {
		g_ptr_array_unref(domain->nics);
		domain->nics = g_steal_pointer(&reader->nics.nics);
	}
	*ret = g_steal_pointer(&reader->domain);
	return r;
}

int srv_domain_parse(const char *xml, size_t len, struct srv_domain **ret, struct sriov_error **err)
{
	static const struct srv_xml_handler handler = { start, end, text };
	struct domain_reader reader = { .domain = domain_new(), .text = g_string_new(NULL) };
	int r;

	*ret = NULL;
	srv_nics_reader_init(&reader.nics, SRV_NICS_XMLNS);
	r = srv_xml_parse(xml, len, &handler, &reader, err);
	if (r == 0)
		r = finish(&reader, ret, err);
	srv_domain_free(reader.domain);
	srv_nics_reader_clear(&reader.nics);
	g_string_free(reader.text, TRUE);
	return r;
}
