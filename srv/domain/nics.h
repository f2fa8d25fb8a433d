/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "srv/domain/metadata.h"
#include "srv/domain/xml.h"

/*
 * Reads our metadata element out of the events of a document that holds it, for the parsers of this
 * folder only. The first mistake is kept and the rest of the element ignored, so that the document
 * around it can be read to its end.
 */
struct srv_nics_reader {
	/*
	 * What its elements are bound to: SRV_NICS_XMLNS in a domain's XML; NULL in what
	 * virDomainGetMetadata() gives (virXMLExtractNamespaceXML() unbinds them all).
	 */
	const char *xmlns;
	GPtrArray *nics;	 /* of struct srv_nic_request */
	GArray *lines;		 /* of int, where each of them stands */
	bool seen;		 /* our element was there */
	struct sriov_error *err; /* the first mistake */
};

void srv_nics_reader_init(struct srv_nics_reader *reader, const char *xmlns);
void srv_nics_reader_clear(struct srv_nics_reader *reader);

/* level: 0 for our element itself, 1 for its children, … */
void srv_nics_reader_start(struct srv_nics_reader *reader, const struct srv_xml_element *element,
			   int level);
void srv_nics_reader_text(struct srv_nics_reader *reader, const char *text, size_t len, int line);
