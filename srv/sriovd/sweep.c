// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A VLAN link is made before the guest gets its device, and removed after the ledger says that the
 * nic has none: so a crash can leave one of which nobody knows, and so can a guest that starts
 * again before anybody saw that it ended. It carries our mark, and the kernel tells whether
 * something stands on it. A forwarding entry has no mark; of those only the ones whose MAC is that
 * of a nic of ours are looked at, and only at start, when none is being made.
 */
#include "srv/sriovd/sweep.h"

#include "netlink/fdb.h"
#include "netlink/link.h"
#include "srv/sriovd/attach-work.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/failover-internal.h"
#include "srv/sriovd/log.h"
#include "srv/sriovd/net-call.h"
#include "srv/sriovd/reconcile.h"

struct sweep {
	struct srv_daemon *daemon;
	GArray *pfs;	 /* of uint32_t: ifindex of each PF */
	GArray *macs;	 /* of struct sriov_mac: must be in no PF's filter through us */
	GPtrArray *kept; /* links that something stands on, or is to */
	bool links;	 /* they are all known */
};

static bool is_on_a_bridge(const struct srv_model *model, const struct srv_nic *nic)
{
	const struct srv_network *network = srv_config_network(model->config, nic->row.network);

	return network && srv_network_is_bridged(network);
}

/*
 * Not those of networks with macvtap: a macvtap has its MAC put into the PF's filter by the kernel,
 * where it looks the same.
 */
static void collect(struct sweep *sweep, struct srv_model *model)
{
	g_autoptr(GPtrArray) nics = srv_model_nics(model);

	for (guint i = 0; i < model->pfs->len; i++) {
		const struct srv_pf *pf = model->pfs->pdata[i];

		if (pf->facts && pf->facts->ifindex)
			g_array_append_val(sweep->pfs, pf->facts->ifindex);
	}
	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];

		if (nic->row.backing != SRV_BACKING_VIRTIO && is_on_a_bridge(model, nic))
			g_array_append_val(sweep->macs, nic->row.mac);
	}
}

static bool holds(const GArray *macs, struct sriov_mac mac)
{
	for (guint i = 0; i < macs->len; i++) {
		if (sriov_mac_equal(g_array_index(macs, struct sriov_mac, i), mac))
			return true;
	}
	return false;
}

static void sweep_fdb(const struct sweep *sweep, struct snl *nl, uint32_t ifindex)
{
	g_autoptr(GArray) entries = NULL;

	if (snl_fdb_list(nl, ifindex, &entries, NULL) < 0)
		return;
	for (guint i = 0; i < entries->len; i++) {
		struct sriov_mac mac = g_array_index(entries, struct sriov_mac, i);

		if (holds(sweep->macs, mac))
			snl_fdb_del(nl, ifindex, mac, NULL);
	}
}

static void sweep_links(const struct sweep *sweep, struct snl *nl)
{
	g_autoptr(GArray) links = NULL;

	if (snl_link_list(nl, &links, NULL) < 0)
		return;
	for (guint i = 0; i < links->len; i++) {
		const struct snl_link *link = &g_array_index(links, struct snl_link, i);

		if (g_str_equal(link->kind, "vlan") &&
		    !g_ptr_array_find_with_equal_func(sweep->kept, link->name, g_str_equal, NULL) &&
		    snl_vlan_remove_unused(nl, link->ifindex, NULL) > 0)
			srv_log(LOG_NOTICE, NULL, "link %s, left over, was removed", link->name);
	}
}

static void sweep_run(void *data)
{
	struct sweep *sweep = data;
	bool late = false;
	struct snl *nl;

	if (snl_new(&nl, NULL) < 0)
		return;
	if (sweep->links && srv_attach_work_try_lock_links()) {
		srv_net_enter();
		sweep_links(sweep, nl);
		late = srv_net_leave(NULL) < 0;
		srv_attach_work_unlock_links();
	}
	/* By then nics may have begun to use theirs. */
	for (guint i = 0; sweep->macs->len && i < sweep->pfs->len && !late; i++) {
		srv_net_enter();
		sweep_fdb(sweep, nl, g_array_index(sweep->pfs, uint32_t, i));
		late = srv_net_leave(NULL) < 0;
	}
	snl_free(nl);
}

static void sweep_free(void *data)
{
	struct sweep *sweep = data;

	g_array_unref(sweep->pfs);
	g_array_unref(sweep->macs);
	g_ptr_array_unref(sweep->kept);
	g_free(sweep);
}

static void sweep_done(const struct sriov_error *late, void *data)
{
	struct srv_daemon *daemon = ((const struct sweep *)data)->daemon;

	if (!late)
		sweep_free(data);
	if (daemon->swept)
		return;
	daemon->swept = true;
	srv_reconcile(daemon);
}

void srv_sweep(struct srv_daemon *daemon)
{
	struct sweep *sweep = g_new(struct sweep, 1);

	sweep->daemon = daemon;
	sweep->pfs = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	sweep->macs = g_array_new(FALSE, FALSE, sizeof(struct sriov_mac));
	/*
	 * A configuration may name a link that the ledger does not: of a nic whose addition was cut
	 * short, or whose virtio half is to be moved. Its guest could not start without it.
	 */
	sweep->links = daemon->reconciled;
	sweep->kept = srv_failover_named_links(daemon, NULL);
	if (!daemon->swept)
		collect(sweep, daemon->model);
	/*
	 * In the line of those that make them: who names one from now on, and starts, has it made
	 * again after this.
	 */
	srv_net_call(daemon, srv_failover_get(daemon)->queue, "host",
		     "looking for links that are left over", sweep_run, sweep_done, sweep_free,
		     sweep);
}
