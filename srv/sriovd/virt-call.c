// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "srv/sriovd/virt-internal.h"

/* A change of state between two calls of ours is looked at again this often. */
#define TRIES 3

/* Finding a domain */

int srv_virt_lookup(struct srv_virt *virt, const char *domain, bool by_name, virDomainPtr *ret,
		    struct sriov_error **err)
{
	srv_virt_autoconn conn = srv_virt_acquire(virt, err);
	g_autofree char *subject = g_strdup_printf("domain %s", domain);
	bool is_uuid = g_uuid_string_is_valid(domain);
	virDomainPtr found = NULL;

	if (!conn)
		return -ENOTCONN;
	if (is_uuid)
		found = virDomainLookupByUUIDString(conn, domain);
	/* A name can look like a UUID. */
	if (!found && by_name && (!is_uuid || srv_virt_no_domain()))
		found = virDomainLookupByName(conn, domain);
	else if (!found && !is_uuid)
		return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENOENT, subject,
				       "this is not the UUID of a domain");
	if (!found)
		return srv_virt_error(err, conn, subject, "it cannot be found");
	*ret = found;
	return 0;
}

/* Reading one */

static void root_start(GMarkupParseContext *context, const char *element, const char **names,
		       const char **values, gpointer data, GError **error)
{
	bool *is_live = data;

	for (int i = 0; names[i]; i++)
		*is_live |= strcmp(names[i], "id") == 0;
	/* The rest of the document is not looked at. */
	g_set_error_literal(error, G_MARKUP_ERROR, G_MARKUP_ERROR_PARSE, "");
}

bool srv_virt_xml_is_live(const char *xml)
{
	static const GMarkupParser parser = { .start_element = root_start };
	bool is_live = false;
	GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, &is_live, NULL);

	g_markup_parse_context_parse(context, xml, (gssize)strlen(xml), NULL);
	g_markup_parse_context_free(context);
	return is_live;
}

struct srv_domain *srv_virt_parse(const char *xml, struct sriov_error **ret_bad)
{
	struct srv_domain *parsed = NULL;

	srv_domain_parse(xml, strlen(xml), &parsed, ret_bad);
	return parsed;
}

void srv_virt_domain_free(struct srv_virt_domain *domain)
{
	if (!domain)
		return;
	g_free(domain->uuid);
	g_free(domain->name);
	srv_domain_free(domain->live);
	srv_domain_free(domain->stored);
	sriov_error_free(domain->bad);
	sriov_error_free(domain->stored_bad);
	g_free(domain);
}

/*
 * What libvirt gives without VIR_DOMAIN_XML_INACTIVE is the live XML of a running domain, else the
 * stored one; which of them, and so whether the domain ran at that moment, is told by the XML.
 *
 * It can be too large for libvirt's protocol, and that must not hide the domain, or its owner would
 * hide the others of a list with it: whether it runs is asked for then.
 */
static int read_current(virDomainPtr handle, struct srv_virt_domain *domain,
			struct sriov_error **err)
{
	srv_virt_autotext xml = virDomainGetXMLDesc(handle, 0);
	bool is_missing = !xml && srv_virt_no_domain();
	int active;

	if (xml) {
		domain->active = srv_virt_xml_is_live(xml);
		if (domain->active)
			domain->live = srv_virt_parse(xml, &domain->bad);
		else
			domain->stored = srv_virt_parse(xml, &domain->stored_bad);
		return 0;
	}
	srv_virt_domain_error(&domain->bad, handle, "its XML cannot be read");
	if (is_missing || domain->bad->code == SRIOV_ERROR_UNAVAILABLE)
		return sriov_error_propagate(err, g_steal_pointer(&domain->bad));
	active = virDomainIsActive(handle);
	if (active < 0)
		return srv_virt_domain_error(err, handle, "it cannot be told whether it runs");
	domain->active = active;
	return 0;
}

static int read_stored(virDomainPtr handle, struct srv_virt_domain *domain,
		       struct sriov_error **err)
{
	srv_virt_autotext xml = virDomainGetXMLDesc(handle, VIR_DOMAIN_XML_INACTIVE);
	bool is_missing = !xml && srv_virt_no_domain();

	if (xml) {
		domain->stored = srv_virt_parse(xml, &domain->stored_bad);
		return 0;
	}
	srv_virt_domain_error(&domain->stored_bad, handle, "its stored XML cannot be read");
	if (is_missing || domain->stored_bad->code == SRIOV_ERROR_UNAVAILABLE)
		return sriov_error_propagate(err, g_steal_pointer(&domain->stored_bad));
	return 0;
}

static int read_state(virDomainPtr handle, struct srv_virt_domain *domain, struct sriov_error **err)
{
	int persistent = virDomainIsPersistent(handle);
	int state, reason;

	if (persistent < 0)
		return srv_virt_domain_error(err, handle, "it cannot be told whether it is stored");
	domain->persistent = persistent;
	if (!domain->active)
		return 0;
	if (virDomainGetState(handle, &state, &reason, 0) < 0)
		return srv_virt_domain_error(err, handle, "its state cannot be read");
	domain->paused = state == VIR_DOMAIN_PAUSED;
	domain->held = domain->paused && (reason == VIR_DOMAIN_PAUSED_USER ||
					  reason == VIR_DOMAIN_PAUSED_STARTING_UP);
	domain->starting = domain->paused && reason == VIR_DOMAIN_PAUSED_STARTING_UP;
	return 0;
}

static int fill(virDomainPtr handle, struct srv_virt_domain *domain, struct sriov_error **err)
{
	int r = read_current(handle, domain, err);

	if (r == 0)
		r = read_state(handle, domain, err);
	if (r == 0 && domain->active && domain->persistent)
		r = read_stored(handle, domain, err);
	if (r < 0)
		return r;
	if (!domain->active && !domain->bad)
		domain->bad = sriov_error_copy(domain->stored_bad);
	return 0;
}

static int read_domain(virDomainPtr handle, struct srv_virt_domain **ret, struct sriov_error **err)
{
	struct srv_virt_domain *domain = g_new0(struct srv_virt_domain, 1);
	char uuid[VIR_UUID_STRING_BUFLEN];
	const struct srv_domain *parsed;
	int r = fill(handle, domain, err);

	if (r < 0) {
		srv_virt_domain_free(domain);
		return r;
	}
	/* It may have been renamed since it was looked up. */
	parsed = domain->live ? domain->live : domain->stored;
	domain->name = g_strdup(parsed ? parsed->name : virDomainGetName(handle));
	virDomainGetUUIDString(handle, uuid);
	domain->uuid = g_strdup(uuid);
	*ret = domain;
	return 0;
}

int srv_virt_get(struct srv_virt *virt, const char *domain, struct srv_virt_domain **ret,
		 struct sriov_error **err)
{
	srv_virt_autoref held = srv_virt_ref(virt);
	srv_virt_autodom handle = NULL;
	int r = srv_virt_lookup(held, domain, true, &handle, err);

	return r < 0 ? r : read_domain(handle, ret, err);
}

/* All of them */

static int read_all(virDomainPtr *handles, int n, GPtrArray *domains, struct sriov_error **err)
{
	for (int i = 0; i < n; i++) {
		struct srv_virt_domain *domain;
		struct sriov_error *error = NULL;
		int r = read_domain(handles[i], &domain, &error);

		if (r == 0) {
			g_ptr_array_add(domains, domain);
		} else if (error->code == SRIOV_ERROR_NOT_FOUND) {
			/* Gone since the list was made. */
			sriov_error_free(error);
		} else {
			return sriov_error_propagate(err, error);
		}
	}
	return 0;
}

int srv_virt_list(struct srv_virt *virt, GPtrArray **ret, struct sriov_error **err)
{
	srv_virt_autoref held = srv_virt_ref(virt);
	srv_virt_autoconn conn = srv_virt_acquire(held, err);
	g_autoptr(GPtrArray) domains = NULL;
	virDomainPtr *handles;
	int n, r;

	if (!conn)
		return -ENOTCONN;
	n = virConnectListAllDomains(conn, &handles, 0);
	if (n < 0)
		return srv_virt_error(err, conn, held->uri, "the domains cannot be listed");
	domains = g_ptr_array_new_with_free_func((GDestroyNotify)srv_virt_domain_free);
	r = read_all(handles, n, domains, err);
	for (int i = 0; i < n; i++)
		virDomainFree(handles[i]);
	free(handles);
	if (r == 0)
		*ret = g_steal_pointer(&domains);
	return r;
}

/* Changing one */

/* Which of its configurations there are: VIR_DOMAIN_AFFECT_*, or negative with *err set. */
static int present(virDomainPtr handle, struct sriov_error **err)
{
	int active = virDomainIsActive(handle);
	int persistent = active < 0 ? -1 : virDomainIsPersistent(handle);

	if (persistent < 0)
		return srv_virt_domain_error(err, handle, "it cannot be told whether it runs");
	return (active ? VIR_DOMAIN_AFFECT_LIVE : 0) | (persistent ? VIR_DOMAIN_AFFECT_CONFIG : 0);
}

/* live, stored: to which of them, where there are both */
static int set_nics(struct srv_virt *virt, const char *uuid, const GPtrArray *nics, bool live,
		    bool stored, struct sriov_error **err)
{
	srv_virt_autoref held = srv_virt_ref(virt);
	g_autofree char *xml = nics->len ? srv_nics_format(nics) : NULL;
	srv_virt_autodom handle = NULL;
	int r = srv_virt_lookup(held, uuid, false, &handle, err);

	for (int i = 1; r == 0; i++) {
		int where = present(handle, err);

		if (where < 0)
			return where;
		if (!live && where & VIR_DOMAIN_AFFECT_CONFIG)
			where = VIR_DOMAIN_AFFECT_CONFIG;
		if (!stored && !(where &= VIR_DOMAIN_AFFECT_LIVE))
			return 0;
		if (virDomainSetMetadata(handle, VIR_DOMAIN_METADATA_ELEMENT, xml, SRV_NICS_PREFIX,
					 SRV_NICS_XMLNS, (unsigned)where) == 0)
			return 0;
		/* It started or stopped in between: libvirt refuses what it has not. */
		if (i < TRIES && virGetLastErrorCode() == VIR_ERR_OPERATION_INVALID)
			continue;
		return srv_virt_domain_error(err, handle, "its nics cannot be written down");
	}
	return r;
}

int srv_virt_set_nics(struct srv_virt *virt, const char *uuid, const GPtrArray *nics, bool live,
		      struct sriov_error **err)
{
	return set_nics(virt, uuid, nics, live, true, err);
}

int srv_virt_set_live_nics(struct srv_virt *virt, const char *uuid, const GPtrArray *nics,
			   struct sriov_error **err)
{
	return set_nics(virt, uuid, nics, true, false, err);
}

int srv_virt_start(struct srv_virt *virt, const char *uuid, bool paused, struct sriov_error **err)
{
	srv_virt_autoref held = srv_virt_ref(virt);
	srv_virt_autodom handle = NULL;
	int r = srv_virt_lookup(held, uuid, false, &handle, err);

	if (r < 0)
		return r;
	if (virDomainCreateWithFlags(handle, paused ? VIR_DOMAIN_START_PAUSED : 0) < 0)
		return srv_virt_domain_error(err, handle, "it cannot be started");
	return 0;
}

/* libvirt refuses to resume what runs already, which somebody else may have seen to. */
static bool runs(virDomainPtr handle)
{
	int state, reason;

	return virDomainGetState(handle, &state, &reason, 0) == 0 && state == VIR_DOMAIN_RUNNING;
}

int srv_virt_resume(struct srv_virt *virt, const char *uuid, struct sriov_error **err)
{
	srv_virt_autoref held = srv_virt_ref(virt);
	srv_virt_autodom handle = NULL;
	struct sriov_error *error = NULL;
	int r = srv_virt_lookup(held, uuid, false, &handle, err);

	if (r < 0 || virDomainResume(handle) == 0)
		return r;
	srv_virt_domain_error(&error, handle, "it cannot be resumed");
	if (error->code != SRIOV_ERROR_DEVICE || !runs(handle))
		return sriov_error_propagate(err, error);
	sriov_error_free(error);
	return 0;
}
