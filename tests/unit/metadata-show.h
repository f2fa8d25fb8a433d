/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What is in a domain's XML as text, so that whole objects are compared. */
#include "tests/unit/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

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

static inline char *show_nics(const GPtrArray *nics)
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

static inline char *show_domain(const struct srv_domain *domain)
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

static inline void expect_domain(const char *xml, const char *expected)
{
	struct srv_domain *domain = NULL;
	sriov_autoerror err = NULL;
	g_autofree char *text = NULL;

	assert_ok(srv_domain_parse(xml, strlen(xml), &domain, &err), err);
	text = show_domain(domain);
	assert_string_equal(text, expected);
	srv_domain_free(domain);
}

static inline void expect_fixture(const char *name, const char *expected)
{
	g_autofree char *path = g_build_filename("tests/fixtures/domain", name, NULL);
	g_autofree char *file = TEST_SOURCE(path), *xml = NULL;

	assert_true(g_file_get_contents(file, &xml, NULL, NULL));
	expect_domain(xml, expected);
}

/* The error as "CODE subject: message" */
static inline void expect_error(int r, const struct sriov_error *err, enum sriov_error_code code,
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

static inline void expect_refused(const char *xml, size_t len, enum sriov_error_code code,
				  const char *text)
{
	struct srv_domain *domain = (struct srv_domain *)1;
	sriov_autoerror err = NULL;
	int r = srv_domain_parse(xml, len, &domain, &err);

	expect_error(r, err, code, text);
	assert_null(domain);
}

/* Bad metadata only: the domain is there all the same, without nics. */
static inline void expect_bad_nics(const char *nics, enum sriov_error_code code,
				   const char *message)
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
