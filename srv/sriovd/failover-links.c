// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The VLAN links under the virtio halves of failover nics. No boot of the host brings them back,
 * and libvirt does not make them: they must be there when a domain starts whose configuration names
 * one, whoever remembers it. Nobody removes one that is named by a row, or by the configuration of
 * a domain that starts or is being written this moment (the awaited).
 */
#include "srv/sriovd/failover.h"

#include <linux/if_ether.h>

#include "netlink/uplink.h"
#include "srv/sriovd/attach-work.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/failover-internal.h"
#include "srv/sriovd/net-call.h"

/* As long as a start takes on a slow host, from its hook to its devices. */
#define AWAITED_SECONDS 90

struct link {
	struct srv_owner owner; /* of the nic that stands on it: kind and key */
	char *id;		/* NULL: of none that is known */
	char *name;
	uint16_t vlan, vlan_proto;
	bool make;	/* its name says how, if it is not there */
	char *off_vlan; /* what the kernel has instead of that VLAN; NULL */
	bool compared;
};

struct links {
	struct srv_daemon *daemon;
	GPtrArray *all; /* of struct link */
	struct sriov_error *error;
	void (*done)(const struct sriov_error *error, void *data);
	void *data;
};

static void link_free(gpointer data)
{
	struct link *link = data;

	g_free(link->owner.key);
	g_free(link->id);
	g_free(link->name);
	g_free(link->off_vlan);
	g_free(link);
}

static void links_run(void *data)
{
	struct links *links = data;
	bool late = false;

	for (guint i = 0; i < links->all->len && !late; i++) {
		struct link *link = links->all->pdata[i];
		sriov_autoerror err = NULL;

		srv_net_enter();
		if (link->make && snl_uplink_ensure(link->name, link->vlan_proto, &err) < 0 &&
		    !links->error)
			links->error = g_steal_pointer(&err);
		link->off_vlan = snl_uplink_differs(link->name, link->vlan, link->vlan_proto);
		late = srv_net_leave(NULL) < 0;
		link->compared = !late;
	}
}

static void links_free(void *data)
{
	struct links *links = data;

	g_ptr_array_unref(links->all);
	sriov_error_free(links->error);
	g_free(links);
}

/* What the kernel says of the link under a nic that still stands on it. */
static void take_links(struct links *links)
{
	for (guint i = 0; i < links->all->len; i++) {
		struct link *link = links->all->pdata[i];
		struct srv_nic *nic = link->compared && link->id
					      ? srv_model_nic(links->daemon->model, &link->owner,
							      link->id)
					      : NULL;

		if (!nic || g_strcmp0(nic->row.uplink, link->name) != 0)
			continue;
		g_free(nic->team.off_vlan);
		nic->team.off_vlan = g_steal_pointer(&link->off_vlan);
	}
	srv_failover_judge_places(links->daemon);
}

static void links_done(const struct sriov_error *late, void *data)
{
	struct links *links = data;

	if (!late && links->all->len)
		take_links(links);
	if (links->done)
		links->done(late ?: links->error, links->data);
	if (!late)
		links_free(links);
}

static void add_link(struct links *links, const struct srv_nic *nic,
		     const struct srv_network *network, const char *name)
{
	uint16_t vlan = 0;
	g_autofree char *parent = snl_uplink_split(name, &vlan);
	bool is_configured = g_strcmp0(network->fallback.source, name) == 0;
	struct link *link;

	if (is_configured && !network->attrs.vlan)
		return;
	link = g_new0(struct link, 1);
	link->owner.kind = nic->row.owner.kind;
	link->owner.key = g_strdup(nic->row.owner.key);
	link->id = g_strdup(nic->row.id);
	link->name = g_strdup(name);
	link->vlan = network->attrs.vlan;
	link->vlan_proto = network->attrs.vlan_proto;
	link->make = parent && !is_configured;
	g_ptr_array_add(links->all, link);
}

/* What it stands on, and what it is to stand on from its owner's next start on. */
static void add_links(struct links *links, const struct srv_nic *nic)
{
	const struct srv_network *network = srv_config_network(links->daemon->model->config,
							       nic->row.network);

	if (nic->row.mode != SRV_MODE_FAILOVER || !network ||
	    network->fallback.type != SRV_FALLBACK_MACVTAP)
		return;
	if (nic->row.uplink)
		add_link(links, nic, network, nic->row.uplink);
	if (nic->stored_uplink && g_strcmp0(nic->stored_uplink, nic->row.uplink) != 0)
		add_link(links, nic, network, nic->stored_uplink);
}

/* Names of links that something is about to stand on, of which no row tells yet. */

struct awaited {
	char *name;
	int64_t until;
};

void srv_failover_await_link(struct srv_daemon *daemon, const char *name)
{
	const struct awaited awaited = { g_strdup(name), g_get_monotonic_time() +
								 AWAITED_SECONDS * G_USEC_PER_SEC };

	g_array_append_val(srv_failover_get(daemon)->awaited, awaited);
}

void srv_failover_unawait_link(struct srv_daemon *daemon, const char *name)
{
	GArray *all = srv_failover_get(daemon)->awaited;

	for (guint i = 0; i < all->len; i++) {
		if (!g_str_equal(g_array_index(all, struct awaited, i).name, name))
			continue;
		g_array_remove_index(all, i);
		return;
	}
}

static void forget_awaited(gpointer data)
{
	g_free(((struct awaited *)data)->name);
}

GArray *srv_failover_awaited_new(void)
{
	GArray *all = g_array_new(FALSE, FALSE, sizeof(struct awaited));

	g_array_set_clear_func(all, forget_awaited);
	return all;
}

static void add_awaited_names(GArray *all, GPtrArray *names)
{
	for (guint i = all->len; i-- > 0;) {
		const struct awaited *awaited = &g_array_index(all, struct awaited, i);

		if (awaited->until < g_get_monotonic_time())
			g_array_remove_index(all, i);
		else
			g_ptr_array_add(names, g_strdup(awaited->name));
	}
}

GPtrArray *srv_failover_named_links(struct srv_daemon *daemon, const struct srv_nic *but)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, daemon->model->nics);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct srv_nic *nic = value;

		if (nic == but || nic->row.mode != SRV_MODE_FAILOVER)
			continue;
		if (nic->row.uplink)
			g_ptr_array_add(names, g_strdup(nic->row.uplink));
		if (nic->stored_uplink)
			g_ptr_array_add(names, g_strdup(nic->stored_uplink));
	}
	add_awaited_names(srv_failover_get(daemon)->awaited, names);
	return names;
}

static bool has_link(const struct links *links, const char *name)
{
	for (guint i = 0; i < links->all->len; i++) {
		if (g_str_equal(((const struct link *)links->all->pdata[i])->name, name))
			return true;
	}
	return false;
}

static const struct srv_network *network_in_vlan(const struct srv_config *config, uint16_t vlan)
{
	for (guint i = 0; config && i < config->networks->len; i++) {
		const struct srv_network *network = config->networks->pdata[i];

		if (network->attrs.vlan == vlan && network->fallback.type == SRV_FALLBACK_MACVTAP)
			return network;
	}
	return NULL;
}

/* One that only the domain's configuration names: of a nic whose addition or removal was cut short.
 */
static void add_unknown(struct links *links, const char *name)
{
	uint16_t vlan = 0;
	g_autofree char *parent = snl_uplink_split(name, &vlan);
	const struct srv_network *network = network_in_vlan(links->daemon->model->config, vlan);
	struct link *link;

	if (!parent || has_link(links, name))
		return;
	link = g_new0(struct link, 1);
	link->name = g_strdup(name);
	link->vlan = vlan;
	link->vlan_proto = network ? network->attrs.vlan_proto : ETH_P_8021Q;
	link->make = true;
	g_ptr_array_add(links->all, link);
	srv_failover_await_link(links->daemon, name);
}

void srv_failover_links(struct srv_daemon *daemon, const char *uuid, const GPtrArray *names,
			void (*done)(const struct sriov_error *error, void *data), void *data)
{
	g_autoptr(GPtrArray) nics = uuid ? srv_model_nics_of_domain(daemon->model, uuid)
					 : srv_model_nics(daemon->model);
	struct links *links = g_new0(struct links, 1);

	links->daemon = daemon;
	links->all = g_ptr_array_new_with_free_func(link_free);
	links->done = done;
	links->data = data;
	for (guint i = 0; i < nics->len; i++)
		add_links(links, nics->pdata[i]);
	for (guint i = 0; names && i < names->len; i++)
		add_unknown(links, names->pdata[i]);
	if (links->all->len)
		srv_net_call(daemon, srv_failover_get(daemon)->queue, "host",
			     "making the VLAN links of failover nics", links_run, links_done,
			     links_free, links);
	else
		links_done(NULL, links);
}

static bool is_named(struct srv_daemon *daemon, const struct srv_nic *but, const char *uplink)
{
	g_autoptr(GPtrArray) names = srv_failover_named_links(daemon, but);

	return g_ptr_array_find_with_equal_func(names, uplink, g_str_equal, NULL);
}

static void unlink_run(void *data)
{
	/* What is being made use of this moment is left to the next sweep. */
	if (!srv_attach_work_try_lock_links())
		return;
	srv_net_enter();
	snl_uplink_remove_unused(data);
	srv_net_leave(NULL);
	srv_attach_work_unlock_links();
}

static void unlink_done(const struct sriov_error *late, void *data)
{
	if (!late)
		g_free(data);
}

void srv_failover_drop_link(struct srv_daemon *daemon, const struct srv_nic *but,
			    const char *uplink)
{
	if (!uplink || is_named(daemon, but, uplink))
		return;
	srv_net_call(daemon, srv_failover_get(daemon)->queue, "host",
		     "removing a VLAN link that nothing uses", unlink_run, unlink_done, g_free,
		     g_strdup(uplink));
}

void srv_failover_forget(struct srv_daemon *daemon, const struct srv_nic *nic)
{
	if (nic->row.mode != SRV_MODE_FAILOVER)
		return;
	srv_failover_drop_link(daemon, nic, nic->row.uplink);
	if (g_strcmp0(nic->row.uplink, nic->stored_uplink) != 0)
		srv_failover_drop_link(daemon, nic, nic->stored_uplink);
}
