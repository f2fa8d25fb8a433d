// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What libvirt's hook says of a domain. libvirt holds the domain's lock until the hook returns, so
 * nothing here waits for libvirt; what needs it begins after the answer has been sent.
 *
 *   prepare begin   reserve; the only one that may refuse
 *   started begin   configure and attach
 *   stopped end     nothing yet: QEMU is gone, libvirt has not given the VF back
 *   release end     scrub, free, and serve whoever waits
 */
#include "srv/sriovd/api.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <string.h>

#include "base/parse.h"
#include "netlink/uplink.h"
#include "srv/sriovd/nic.h"

static int fail_nic(const json_t *nic, const char *key, struct sriov_error **err)
{
	g_autofree char *subject = g_strdup_printf("nic %s", srv_api_string(nic, "id"));

	return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, subject, "its \"%s\" is not valid",
			       key);
}

static int parse_nic(const json_t *nic, struct srv_nic_request *ret, struct sriov_error **err)
{
	const json_t *priority = json_object_get(nic, "priority");
	const char *id = srv_api_string(nic, "id"), *network = srv_api_string(nic, "network");
	const char *mode = srv_api_string(nic, "mode") ?: "exclusive";

	if (!sriov_name_is_valid(id) || !sriov_name_is_valid(network))
		return fail_nic(nic, sriov_name_is_valid(id) ? "network" : "id", err);
	if (srv_mode_parse(mode, &ret->mode) < 0)
		return fail_nic(nic, "mode", err);
	if (json_integer_value(priority) < 0 || json_integer_value(priority) > SRV_PRIORITY_MAX)
		return fail_nic(nic, "priority", err);
	if (srv_api_mac(nic, "mac", &ret->has_mac, &ret->mac, err) < 0)
		return sriov_error_wrap(err, "nic %s", id);
	ret->priority = (uint32_t)json_integer_value(priority);
	ret->id = g_strdup(id);
	ret->network = g_strdup(network);
	return 0;
}

static int parse_nics(const json_t *nics, GPtrArray *ret, struct sriov_error **err)
{
	const json_t *nic;
	size_t i;

	if (json_array_size(nics) > SRV_NICS_PER_OWNER_MAX)
		return sriov_error_set(err, SRIOV_ERROR_LIMIT, E2BIG, "nics",
				       "a domain has at most %d", SRV_NICS_PER_OWNER_MAX);
	json_array_foreach (nics, i, nic) {
		struct srv_nic_request *request = g_new0(struct srv_nic_request, 1);
		int r = parse_nic(nic, request, err);

		g_ptr_array_add(ret, request);
		if (r < 0)
			return r;
	}
	return 0;
}

static int parse_links(const json_t *links, GPtrArray *ret, struct sriov_error **err)
{
	const json_t *link;
	size_t i;

	if (json_array_size(links) > SRV_NICS_PER_OWNER_MAX)
		return sriov_error_set(err, SRIOV_ERROR_LIMIT, E2BIG, "links",
				       "a domain has at most %d nics", SRV_NICS_PER_OWNER_MAX);
	json_array_foreach (links, i, link) {
		const char *name = json_string_value(link);
		uint16_t vlan;
		g_autofree char *parent = snl_uplink_split(name, &vlan);

		if (!parent || strlen(name) >= IFNAMSIZ)
			return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, name,
					       "it is no name of a VLAN link, as enp1s0.100 is");
		g_ptr_array_add(ret, g_strdup(name));
	}
	return 0;
}

static void prepared(const struct sriov_error *error, void *data)
{
	struct srv_call *call = data;

	if (error)
		srv_call_error(call, error);
	else
		srv_call_reply(call, NULL);
}

/*
 * Why nobody can be served at all. UNAVAILABLE, whatever the reason is: the hook then lets those
 * through that can do without a VF, as when sriovd does not run.
 */
static int check_service(const struct srv_daemon *daemon, struct sriov_error **err)
{
	const struct sriov_error *why = srv_daemon_refusal(daemon);

	if (!why && !daemon->configured)
		why = daemon->reload_error;
	if (!why)
		return 0;
	return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, why->err, why->subject, "%s",
			       why->message);
}

/* Absent, or out of range, which it cannot be on a host: no preference. */
static int numa_node(const json_t *parameters)
{
	const json_t *node = json_object_get(parameters, "numaNode");
	json_int_t value = node ? json_integer_value(node) : -1;

	return value >= 0 && value < INT_MAX ? (int)value : -1;
}

static void prepare(struct srv_daemon *daemon, struct srv_call *call, const char *uuid,
		    const json_t *parameters)
{
	g_autoptr(GPtrArray)
		requests = g_ptr_array_new_with_free_func((GDestroyNotify)srv_nic_request_free);
	g_autoptr(GPtrArray) links = g_ptr_array_new_with_free_func(g_free);
	sriov_autoerror err = NULL;

	if (check_service(daemon, &err) < 0 ||
	    parse_nics(json_object_get(parameters, "nics"), requests, &err) < 0 ||
	    parse_links(json_object_get(parameters, "links"), links, &err) < 0) {
		srv_call_error(call, err);
		return;
	}
	srv_daemon_set_numa_node(daemon, uuid, numa_node(parameters));
	srv_nic_prepare(daemon, uuid, srv_api_string(parameters, "name"), requests, links, prepared,
			call);
}

static bool is(const json_t *parameters, const char *operation, const char *sub)
{
	return strcmp(srv_api_string(parameters, "operation"), operation) == 0 &&
	       strcmp(srv_api_string(parameters, "subOperation"), sub) == 0;
}

void srv_api_domain_hook(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	const char *given = srv_api_string(parameters, "uuid");
	g_autofree char *uuid = g_ascii_strdown(given, -1);
	sriov_autoerror err = NULL;

	if (!g_uuid_string_is_valid(uuid)) {
		sriov_error_set(&err, SRIOV_ERROR_INVALID, EINVAL, "uuid", "it is no UUID");
		srv_call_error(call, err);
	} else if (is(parameters, "prepare", "begin")) {
		prepare(daemon, call, uuid, parameters);
	} else if (is(parameters, "started", "begin")) {
		srv_call_reply(call, NULL);
		if (srv_daemon_may_work(daemon))
			srv_nic_attach_owner(daemon, uuid);
	} else if (is(parameters, "release", "end")) {
		srv_call_reply(call, NULL);
		if (srv_daemon_may_work(daemon))
			srv_nic_owner_gone(daemon, uuid);
	} else {
		/* "stopped", and whatever libvirt may come to call us for. */
		srv_call_reply(call, NULL);
	}
}
