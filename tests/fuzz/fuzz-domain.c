// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Domain XML from whoever may define domains, its PCI ports, and our metadata element alone. Beyond
 * not crashing: what is taken keeps the promises of srv/domain/metadata.h, and what we format we
 * take again.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/parse.h"
#include "srv/domain/metadata.h"
#include "srv/domain/ports.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_nics(const GPtrArray *nics)
{
	g_assert(nics->len <= SRV_NICS_PER_OWNER_MAX);
	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic_request *nic = nics->pdata[i];

		g_assert(sriov_name_is_valid(nic->id) && sriov_name_is_valid(nic->network));
		g_assert(!nic->has_mac || sriov_mac_is_valid(nic->mac));
		g_assert(nic->priority <= SRV_PRIORITY_MAX);
		for (guint k = 0; k < i; k++) {
			const struct srv_nic_request *other = nics->pdata[k];

			g_assert(strcmp(nic->id, other->id) != 0);
		}
	}
}

static void check_error(int r, const struct sriov_error *err)
{
	g_assert(r < 0 && err && r == -err->err);
	g_assert(!strchr(err->message, '\n') && g_utf8_validate(err->message, -1, NULL));
}

static void check_domain(const char *xml, size_t size)
{
	struct srv_domain *domain = NULL;
	sriov_autoerror err = NULL;
	int r = srv_domain_parse(xml, size, &domain, &err);

	if (r < 0)
		check_error(r, err);
	else
		g_assert(domain && !err);
	if (domain) {
		g_assert(r == 0 || (domain->is_ours && domain->nics->len == 0));
		g_assert(g_uuid_string_is_valid(domain->uuid) && *domain->name);
		check_nics(domain->nics);
	}
	srv_domain_free(domain);
}

static void check_element(const char *xml, size_t size)
{
	GPtrArray *nics = NULL, *again = NULL;
	sriov_autoerror err = NULL;
	g_autofree char *first = NULL, *second = NULL;
	int r = srv_nics_parse(xml, size, &nics, &err);

	if (r < 0) {
		check_error(r, err);
		g_assert(!nics);
		return;
	}
	check_nics(nics);
	first = srv_nics_format(nics);
	g_assert(srv_nics_parse(first, strlen(first), &again, NULL) == 0);
	second = srv_nics_format(again);
	g_assert_cmpstr(first, ==, second);
	g_ptr_array_unref(nics);
	g_ptr_array_unref(again);
}

/* What is no XML for the one is none for the other. */
static void check_ports(const char *xml, size_t size)
{
	struct srv_ports ports = { 0 };
	sriov_autoerror err = NULL;
	int r = srv_ports_parse(xml, size, &ports, &err);

	if (r < 0)
		check_error(r, err);
	g_assert(ports.free <= ports.ports && ports.ports <= 256);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_ports((const char *)data, size);
	check_domain((const char *)data, size);
	check_element((const char *)data, size);
	return 0;
}
