// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changing a domain's XML takes a tree, unlike reading it (xml.h): what is not looked at has to
 * come out again. It is parsed by the reader of xml.h before, for its limits.
 */
#include "srv/domain/place.h"

#include <errno.h>
#include <string.h>

#include <glib.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include "srv/domain/metadata.h"
#include "srv/domain/xml.h"

static bool is_element(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && !node->ns &&
	       strcmp((const char *)node->name, name) == 0;
}

static xmlNode *child(xmlNode *node, const char *name)
{
	for (xmlNode *at = node ? node->children : NULL; at; at = at->next) {
		if (is_element(at, name))
			return at;
	}
	return NULL;
}

static bool has_alias(xmlNode *iface, const char *alias)
{
	xmlNode *element = child(iface, "alias");
	xmlChar *name = element ? xmlGetNoNsProp(element, BAD_CAST "name") : NULL;
	bool has = name && strcmp((const char *)name, alias) == 0;

	xmlFree(name);
	return has;
}

static xmlNode *find(xmlDoc *doc, const char *alias)
{
	xmlNode *devices = child(xmlDocGetRootElement(doc), "devices");

	for (xmlNode *at = devices ? devices->children : NULL; at; at = at->next) {
		if (is_element(at, "interface") && has_alias(at, alias))
			return at;
	}
	return NULL;
}

/* Made when it is not there. */
static xmlNode *child_of(xmlNode *node, const char *name)
{
	return child(node, name) ?: xmlNewChild(node, NULL, BAD_CAST name, NULL);
}

static void put(xmlNode *iface, const struct srv_iface_place *place)
{
	xmlNode *source = child_of(iface, "source");
	bool is_direct = strcmp(place->type, "direct") == 0;
	char mac[SRIOV_MAC_STRLEN];

	xmlSetProp(iface, BAD_CAST "type", BAD_CAST place->type);
	while (source->properties)
		xmlRemoveProp(source->properties);
	xmlSetProp(source, BAD_CAST(is_direct ? "dev" : place->type), BAD_CAST place->source);
	if (is_direct)
		xmlSetProp(source, BAD_CAST "mode", BAD_CAST "bridge");
	xmlSetProp(child_of(iface, "mac"), BAD_CAST "address",
		   BAD_CAST sriov_mac_format(place->mac, mac));
}

static int no_event(const struct srv_xml_element *element, void *data, struct sriov_error **err)
{
	return 0;
}

static void no_end(int depth, void *data)
{
}

static void no_text(const char *text, size_t len, int depth, int line, void *data)
{
}

static char *write_out(xmlDoc *doc)
{
	xmlChar *text = NULL;
	char *copy;
	int size;

	xmlDocDumpMemory(doc, &text, &size);
	copy = text ? g_strndup((const char *)text, (gsize)size) : NULL;
	xmlFree(text);
	return copy;
}

int srv_domain_place_iface(const char *xml, size_t len, const char *alias,
			   const struct srv_iface_place *place, char **ret,
			   struct sriov_error **err)
{
	static const struct srv_xml_handler handler = { no_event, no_end, no_text };
	xmlNode *iface = NULL;
	xmlDoc *doc;
	int r = srv_xml_parse(xml, len, &handler, NULL, err);

	if (r < 0)
		return r;
	doc = xmlReadMemory(xml, (int)len, NULL, NULL,
			    XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (doc)
		iface = find(doc, alias);
	if (iface)
		put(iface, place);
	*ret = iface ? write_out(doc) : NULL;
	xmlFreeDoc(doc);
	if (*ret)
		return 0;
	if (doc && !iface)
		return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENOENT, NULL,
				       "it has no network interface %s", alias);
	return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, NULL, "its XML cannot be changed");
}
