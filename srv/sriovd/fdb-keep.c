// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * No event tells that an entry was removed, and nobody but the guests' peers on VFs notices. So
 * all are looked at with every comparison, in two dumps however many guests there are; the nics are
 * not held meanwhile. One whose entry is missing is then made sure of as an operation on it.
 */
#include "srv/sriovd/fdb-keep.h"

#include "netlink/fdb.h"
#include "netlink/link.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/net-call.h"
#include "srv/sriovd/nic.h"

struct entry {
	struct srv_owner owner; /* of its nic; name NULL */
	char *id, *tap;
	struct sriov_mac mac;
	bool missing;
};

struct keep {
	struct srv_daemon *daemon;
	int64_t began;
	GPtrArray *entries; /* of struct entry */
	GArray *pfs;	    /* of uint32_t: ifindex of each PF */
};

static void entry_free(gpointer data)
{
	struct entry *entry = data;

	g_free(entry->owner.key);
	g_free(entry->id);
	g_free(entry->tap);
	g_free(entry);
}

static void keep_free(struct keep *keep)
{
	g_ptr_array_unref(keep->entries);
	g_array_unref(keep->pfs);
	g_free(keep);
}

/* Does it have an entry, and nothing is being done about it? A failover nic's moves with its VF. */
static bool is_of_interest(const struct srv_daemon *daemon, const struct srv_nic *nic,
			   int64_t began)
{
	const struct srv_network *network = srv_config_network(daemon->model->config,
							       nic->row.network);

	return network && srv_network_is_bridged(network) && !nic->busy && nic->changed < began &&
	       nic->row.owner.kind == SRV_OWNER_LIBVIRT && nic->row.state == SRV_NIC_ATTACHED &&
	       nic->row.backing == SRV_BACKING_VIRTIO &&
	       (nic->row.mode != SRV_MODE_FAILOVER || nic->team.steered == SRV_STEER_VIRTIO);
}

/* What it is called on the host, in the list of the domains. NULL: it does not have it there. */
static const char *find_tap(const GPtrArray *domains, const struct srv_nic *nic)
{
	g_autofree char *alias = srv_nic_alias(nic->row.id);

	for (guint i = 0; i < domains->len; i++) {
		const struct srv_virt_domain *domain = domains->pdata[i];

		if (!domain->live || !g_str_equal(domain->uuid, nic->row.owner.key))
			continue;
		for (guint j = 0; j < domain->live->ifaces->len; j++) {
			const struct srv_domain_iface *iface = domain->live->ifaces->pdata[j];

			if (g_strcmp0(iface->alias, alias) == 0)
				return iface->target;
		}
	}
	return NULL;
}

static void collect(struct keep *keep, const GPtrArray *domains)
{
	struct srv_model *model = keep->daemon->model;
	GHashTableIter iter;
	gpointer value;

	for (guint i = 0; i < model->pfs->len; i++) {
		const struct srv_pf *pf = model->pfs->pdata[i];

		if (pf->facts && pf->facts->ifindex)
			g_array_append_val(keep->pfs, pf->facts->ifindex);
	}
	g_hash_table_iter_init(&iter, model->nics);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		const struct srv_nic *nic = value;
		struct entry *entry;
		const char *tap;

		if (!is_of_interest(keep->daemon, nic, keep->began))
			continue;
		tap = find_tap(domains, nic);
		if (!tap)
			continue;
		entry = g_new0(struct entry, 1);
		entry->owner.kind = nic->row.owner.kind;
		entry->owner.key = g_strdup(nic->row.owner.key);
		entry->id = g_strdup(nic->row.id);
		entry->tap = g_strdup(tap);
		entry->mac = nic->row.mac;
		g_ptr_array_add(keep->entries, entry);
	}
}

/* On a thread */

static bool holds(const GArray *macs, struct sriov_mac mac)
{
	for (guint i = 0; i < macs->len; i++) {
		if (sriov_mac_equal(g_array_index(macs, struct sriov_mac, i), mac))
			return true;
	}
	return false;
}

/* The bridge that a tap is a port of; 0: none, or there is no such tap. */
static uint32_t bridge_of(const GArray *links, const char *tap)
{
	for (guint i = 0; i < links->len; i++) {
		const struct snl_link *link = &g_array_index(links, struct snl_link, i);

		if (g_str_equal(link->name, tap))
			return link->master;
	}
	return 0;
}

/* Is this PF, or a VLAN link on it, a port of the bridge? */
static bool is_port(const GArray *links, uint32_t bridge, uint32_t pf)
{
	for (guint i = 0; i < links->len; i++) {
		const struct snl_link *link = &g_array_index(links, struct snl_link, i);

		if (link->master == bridge && (link->ifindex == pf || link->parent == pf))
			return true;
	}
	return false;
}

static void look_at_pf(struct keep *keep, struct snl *nl, const GArray *links, uint32_t pf)
{
	g_autoptr(GArray) macs = NULL;

	if (snl_fdb_list(nl, pf, &macs, NULL) < 0)
		return;
	for (guint i = 0; i < keep->entries->len; i++) {
		struct entry *entry = keep->entries->pdata[i];
		uint32_t bridge = bridge_of(links, entry->tap);

		entry->missing |= bridge && is_port(links, bridge, pf) && !holds(macs, entry->mac);
	}
}

static void look_run(void *data)
{
	struct keep *keep = data;
	g_autoptr(GArray) links = NULL;
	struct snl *nl;

	if (snl_new(&nl, NULL) < 0)
		return;
	srv_net_enter();
	if (snl_link_list(nl, &links, NULL) == 0) {
		for (guint i = 0; i < keep->pfs->len; i++)
			look_at_pf(keep, nl, links, g_array_index(keep->pfs, uint32_t, i));
	}
	srv_net_leave(NULL);
	snl_free(nl);
}

static void keep_gone(void *data)
{
	keep_free(data);
}

static void look_done(const struct sriov_error *late, void *data)
{
	struct keep *keep = data;

	if (late)
		return;
	for (guint i = 0; i < keep->entries->len; i++) {
		const struct entry *entry = keep->entries->pdata[i];
		struct srv_nic *nic = srv_model_nic(keep->daemon->model, &entry->owner, entry->id);

		if (entry->missing && nic && is_of_interest(keep->daemon, nic, keep->began))
			srv_nic_restore_fdb(keep->daemon, nic, entry->tap);
	}
	keep_free(keep);
}

void srv_fdb_keep(struct srv_daemon *daemon, const GPtrArray *domains, int64_t began)
{
	struct keep *keep = g_new0(struct keep, 1);

	keep->daemon = daemon;
	keep->began = began;
	keep->entries = g_ptr_array_new_with_free_func(entry_free);
	keep->pfs = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	collect(keep, domains);
	if (keep->entries->len)
		srv_net_call(daemon, daemon->net_queue, "host",
			     "looking at the forwarding entries of its PFs", look_run, look_done,
			     keep_gone, keep);
	else
		keep_free(keep);
}
