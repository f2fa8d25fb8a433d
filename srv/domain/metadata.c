// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/domain/metadata.h"

#include <errno.h>
#include <string.h>

#include "srv/domain/nics.h"
#include "srv/domain/xml.h"

static const char *const mode_names[] = {
	[SRV_MODE_EXCLUSIVE] = "exclusive",
	[SRV_MODE_REQUIRED] = "required",
	[SRV_MODE_FAILOVER] = "failover",
};

const char *srv_mode_name(enum srv_mode mode)
{
	return mode_names[mode];
}

int srv_mode_parse(const char *text, enum srv_mode *ret)
{
	for (size_t i = 0; i < G_N_ELEMENTS(mode_names); i++) {
		if (strcmp(text, mode_names[i]) == 0) {
			*ret = (enum srv_mode)i;
			return 0;
		}
	}
	return -EINVAL;
}

struct srv_nic_request *srv_nic_request_copy(const struct srv_nic_request *request)
{
	struct srv_nic_request *copy = g_new(struct srv_nic_request, 1);

	*copy = *request;
	copy->id = g_strdup(request->id);
	copy->network = g_strdup(request->network);
	return copy;
}

void srv_nic_request_free(struct srv_nic_request *request)
{
	if (!request)
		return;
	g_free(request->id);
	g_free(request->network);
	g_free(request);
}

/*
 * Which namespace the elements have is up to where the text comes from: libvirt hands our element
 * out without any, but a person or a domain's XML gives it with ours.
 */
static int start(const struct srv_xml_element *element, void *data, struct sriov_error **err)
{
	struct srv_nics_reader *reader = data;

	if (element->depth == 0 && g_strcmp0(element->xmlns, SRV_NICS_XMLNS) == 0)
		reader->xmlns = SRV_NICS_XMLNS;
	srv_nics_reader_start(reader, element, element->depth);
	if (reader->err)
		return sriov_error_propagate(err, g_steal_pointer(&reader->err));
	return 0;
}

static void text(const char *text, size_t len, int depth, int line, void *data)
{
	srv_nics_reader_text(data, text, len, line);
}

static void end(int depth, void *data)
{
}

int srv_nics_parse(const char *xml, size_t len, GPtrArray **ret, struct sriov_error **err)
{
	static const struct srv_xml_handler handler = { start, end, text };
	struct srv_nics_reader reader;
	int r;

	srv_nics_reader_init(&reader, NULL);
	r = srv_xml_parse(xml, len, &handler, &reader, err);
	if (r == 0 && reader.err)
		r = sriov_error_propagate(err, g_steal_pointer(&reader.err));
	if (r == 0)
		*ret = g_steal_pointer(&reader.nics);
	srv_nics_reader_clear(&reader);
	return r;
}

static void append_attribute(GString *xml, const char *name, const char *value)
{
	g_autofree char *escaped = g_markup_escape_text(value, -1);

	g_string_append_printf(xml, " %s=\"%s\"", name, escaped);
}

char *srv_nics_format(const GPtrArray *nics)
{
	GString *xml = g_string_new("<nics>");

	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic_request *nic = nics->pdata[i];
		char mac[SRIOV_MAC_STRLEN];

		g_string_append(xml, "<nic");
		append_attribute(xml, "id", nic->id);
		append_attribute(xml, "network", nic->network);
		append_attribute(xml, "mode", srv_mode_name(nic->mode));
		if (nic->has_mac)
			append_attribute(xml, "mac", sriov_mac_format(nic->mac, mac));
		if (nic->priority)
			g_string_append_printf(xml, " priority=\"%u\"", nic->priority);
		g_string_append(xml, "/>");
	}
	g_string_append(xml, "</nics>");
	return g_string_free(xml, FALSE);
}
