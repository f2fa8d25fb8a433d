/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * Events of an XML document from a stranger, for the parsers of this folder only: libxml2's SAX2
 * interface with the dangerous half of XML refused and the rest under limits. No tree is built, so
 * what a document can make us hold is what the handlers keep.
 */
struct srv_xml_attribute {
	const char *name;  /* local name */
	const char *xmlns; /* NULL: no namespace */
	const char *value; /* decoded */
};

struct srv_xml_element {
	const char *name;   /* local name */
	const char *prefix; /* NULL: none */
	const char *xmlns;  /* NULL: no namespace */
	int depth;	    /* of the root: 0 */
	int line;	    /* where its start tag ends, from 1 */
	const struct srv_xml_attribute *attributes;
	size_t n_attributes;
};

/* Everything given is borrowed for the call. A negative return with *err set ends the parse. */
struct srv_xml_handler {
	int (*start)(const struct srv_xml_element *element, void *data, struct sriov_error **err);
	/* depth: of the element that ends */
	void (*end)(int depth, void *data);
	/*
	 * A piece of character data; depth: of the element it stands in. One text may come in
	 * several pieces.
	 */
	void (*text)(const char *text, size_t len, int depth, int line, void *data);
};

/*
 * Parses xml, [len], UTF-8. Thread-safe, does not block, writes to no stream.
 *
 * Errors, with "line N" as their subject where there is one: INVALID (not UTF-8, not well-formed,
 * a document type declaration), LIMIT (larger than SRV_XML_MAX, deeper than SRV_XML_DEPTH, more
 * than SRV_XML_ATTRIBUTES in one element), and whatever a handler set.
 */
#define SRV_XML_ATTRIBUTES 1024

int srv_xml_parse(const char *xml, size_t len, const struct srv_xml_handler *handler, void *data,
		  struct sriov_error **err);

/* The attribute of that name that has no namespace, or NULL. */
const char *srv_xml_attribute(const struct srv_xml_element *element, const char *name);

bool srv_xml_element_is(const struct srv_xml_element *element, const char *xmlns, const char *name);

/*
 * A stranger's text for a sentence of ours: one line, at most 64 characters, control characters
 * replaced. The caller owns the string.
 */
char *srv_xml_printable(const char *text);

/* sriov_error_set() of an INVALID about a line; returns the negative errno. */
int srv_xml_invalid(struct sriov_error **err, int line, const char *fmt, ...) G_GNUC_PRINTF(3, 4);
