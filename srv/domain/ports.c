// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/domain/ports.h"

#include <string.h>

#include <glib.h>

#include "base/parse.h"
#include "srv/domain/xml.h"

/* PCI buses of a guest; each port makes one. */
#define BUSES 256

struct reader {
	bool port[BUSES]; /* this bus is that of a root port or downstream port */
	bool used[BUSES]; /* a device has its address there */
	bool pcie;
};

static void take_controller(struct reader *reader, const struct srv_xml_element *element)
{
	const char *type = srv_xml_attribute(element, "type");
	const char *model = srv_xml_attribute(element, "model");
	const char *index = srv_xml_attribute(element, "index");
	uint64_t bus;

	if (g_strcmp0(type, "pci") != 0 || !model)
		return;
	reader->pcie |= strcmp(model, "pcie-root") == 0;
	if ((strcmp(model, "pcie-root-port") == 0 ||
	     strcmp(model, "pcie-switch-downstream-port") == 0) &&
	    index && sriov_parse_u64(index, 10, BUSES - 1, &bus) == 0)
		reader->port[bus] = true;
}

/* Only a device's own address, in the guest: a VF's on the host is one element deeper. */
static void take_address(struct reader *reader, const struct srv_xml_element *element)
{
	const char *bus_text = srv_xml_attribute(element, "bus");
	uint64_t bus;

	if (g_strcmp0(srv_xml_attribute(element, "type"), "pci") == 0 && bus_text &&
	    sriov_parse_u64(bus_text, 0, BUSES - 1, &bus) == 0)
		reader->used[bus] = true;
}

/* domain (0), devices (1), a device (2), its address (3) */
static int on_start(const struct srv_xml_element *element, void *data, struct sriov_error **err)
{
	struct reader *reader = data;

	if (element->depth == 2 && strcmp(element->name, "controller") == 0)
		take_controller(reader, element);
	else if (element->depth == 3 && strcmp(element->name, "address") == 0)
		take_address(reader, element);
	return 0;
}

static void on_end(int depth, void *data)
{
}

static void on_text(const char *text, size_t len, int depth, int line, void *data)
{
}

int srv_ports_parse(const char *xml, size_t len, struct srv_ports *ret, struct sriov_error **err)
{
	static const struct srv_xml_handler handler = { on_start, on_end, on_text };
	struct reader reader = { 0 };
	int r = srv_xml_parse(xml, len, &handler, &reader, err);

	if (r < 0)
		return r;
	*ret = (struct srv_ports){ .pcie = reader.pcie };
	for (int i = 0; i < BUSES; i++) {
		ret->ports += reader.port[i];
		ret->free += reader.port[i] && !reader.used[i];
	}
	return 0;
}
