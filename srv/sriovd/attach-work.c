// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/attach-work.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

#include "netlink/fdb.h"
#include "netlink/link.h"
#include "netlink/uplink.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/failover-internal.h"
#include "srv/sriovd/log.h"
#include "srv/sriovd/net-call.h"

#define DETACH_SECONDS 30

struct srv_attach_work {
	struct srv_daemon *daemon; /* main thread */
	struct srv_virt *virt;
	const struct sbe_plugin *plugin;
	struct sbe_nic nic;
	struct sbe_host host;
	char *uuid, *owner_name, *id, *alias;
	char *team_alias; /* of a failover nic's VF: the virtio half's */
	char *tap;	  /* the virtio device's netdev on the host */
	bool failover;
	bool stored; /* in the stored configuration, not in the running domain */
	unsigned detach_seconds;
	char *uplink;  /* as configured, before a VLAN link is put on it */
	char *link;    /* the netdev that the macvtap stands on, or uplink itself */
	char *left;    /* a VLAN link on which it does not stand any more */
	char *awaited; /* one that is not to be removed meanwhile */
	struct sriov_mac mac;
	uint16_t vlan_proto;
	uint64_t vf_key;
	GArray *pfs; /* of uint32_t: ifindex of the PFs that may be ports of the bridge */
};

/*
 * A VLAN link that nothing stands on may be one on which something is about to stand. Who makes
 * use of one reads; who removes unused ones writes, and rather leaves them than waits: the next
 * sweep comes (sweep.h).
 */
static GRWLock links_lock;

bool srv_attach_work_try_lock_links(void)
{
	return g_rw_lock_writer_trylock(&links_lock);
}

void srv_attach_work_unlock_links(void)
{
	g_rw_lock_writer_unlock(&links_lock);
}

/* The host's services */

static int to_plugin(int r, const struct sriov_error *error, struct sbe_error *ret)
{
	if (r < 0 && ret) {
		ret->code = (int)error->code;
		ret->err = error->err;
		g_strlcpy(ret->message, error->message, sizeof(ret->message));
	}
	return r;
}

/*
 * Who asked was told that it did not come about, and may be given something else, or nothing.
 * *r: of what is done then
 */
static bool is_given_up(int *r, struct sriov_error **err)
{
	if (!srv_net_is_late())
		return false;
	*r = sriov_error_set(err, SRIOV_ERROR_TIMEOUT, ETIMEDOUT, NULL, "it was given up");
	return true;
}

static int host_attach(void *priv, const char *uuid, const char *xml, struct sbe_error *error)
{
	struct srv_attach_work *work = priv;
	sriov_autoerror err = NULL;
	int r;

	if (!is_given_up(&r, &err))
		r = work->stored ? srv_virt_attach_stored(work->virt, uuid, xml, &err)
				 : srv_virt_attach(work->virt, uuid, xml, &err);

	return to_plugin(r, err, error);
}

static int host_detach(void *priv, const char *uuid, const char *alias, struct sbe_error *error)
{
	struct srv_attach_work *work = priv;
	sriov_autoerror err = NULL;
	int r;

	if (!is_given_up(&r, &err))
		r = srv_virt_detach(work->virt, uuid, alias, work->detach_seconds, &err);
	/* One answer for all that is not there: device, domain, a domain that runs. */
	if (r < 0 && err->code == SRIOV_ERROR_NOT_FOUND)
		r = -ENOENT;
	return to_plugin(r, err, error);
}

static void host_log(void *priv, int level, const char *message)
{
	const struct srv_attach_work *work = priv;
	const struct srv_log_fields fields = { .domain = work->owner_name, .nic = work->id };

	srv_log(level, &fields, "plugin %s: %s", work->plugin->name, message);
}

/* Making one */

static void fill_vf(struct srv_attach_work *work, const struct srv_vf *vf)
{
	struct sriov_bdf bdf = vf->facts ? vf->facts->bdf : (struct sriov_bdf){ 0 };

	work->nic.backing = SBE_BACKING_VF;
	work->nic.vf_domain = bdf.domain;
	work->nic.vf_bus = bdf.bus;
	work->nic.vf_device = bdf.device;
	work->nic.vf_function = bdf.function;
	work->vf_key = sriov_bdf_key(bdf);
}

static enum sbe_uplink uplink_type(const struct srv_network *network)
{
	static const enum sbe_uplink types[] = { [SRV_FALLBACK_NONE] = SBE_UPLINK_MACVTAP,
						 [SRV_FALLBACK_MACVTAP] = SBE_UPLINK_MACVTAP,
						 [SRV_FALLBACK_BRIDGE] = SBE_UPLINK_BRIDGE,
						 [SRV_FALLBACK_NETWORK] = SBE_UPLINK_NETWORK };

	/* Cleaned up as one that may have left something in the PFs' filters; VLAN links that
	 * nothing stands on the sweep removes. */
	return network ? types[network->fallback.type] : SBE_UPLINK_BRIDGE;
}

static void fill_virtio(struct srv_attach_work *work, const struct srv_nic *nic,
			const struct srv_network *network)
{
	work->nic.backing = SBE_BACKING_VIRTIO;
	work->nic.uplink_type = uplink_type(network);
	work->nic.queues = network ? network->fallback.queues : 1;
	work->uplink = g_strdup(nic->row.uplink);
}

static void collect_pfs(struct srv_attach_work *work, struct srv_model *model)
{
	work->pfs = g_array_new(FALSE, FALSE, sizeof(uint32_t));
	for (guint i = 0; i < model->pfs->len; i++) {
		const struct srv_pf *pf = model->pfs->pdata[i];

		if (pf->facts && pf->facts->ifindex)
			g_array_append_val(work->pfs, pf->facts->ifindex);
	}
}

/* Which half of a team it is. */
static void fill_team(struct srv_attach_work *work, const struct srv_nic *nic)
{
	work->failover = nic->row.mode == SRV_MODE_FAILOVER;
	if (work->failover && nic->vf) {
		work->team_alias = g_steal_pointer(&work->alias);
		work->alias = srv_nic_alias_vf(nic->row.id);
		work->nic.alias = work->alias;
		work->nic.teaming = SBE_TEAMING_TRANSIENT;
		work->nic.team_alias = work->team_alias;
	} else if (work->failover) {
		work->nic.teaming = SBE_TEAMING_PERSISTENT;
	}
}

static const struct sbe_plugin *find_plugin(struct srv_daemon *daemon, const struct srv_nic *nic,
					    struct sriov_error **err)
{
	enum sbe_backing backing = nic->row.backing == SRV_BACKING_VF ? SBE_BACKING_VF
								      : SBE_BACKING_VIRTIO;
	const struct sbe_plugin *plugin = srv_plugins_find(daemon->plugins, SBE_OWNER_DOMAIN,
							   backing);
	g_autofree char *subject = srv_nic_subject(nic);

	if (!plugin)
		sriov_error_set(err, SRIOV_ERROR_NOT_SUPPORTED, ENOSYS, subject,
				"no plugin is loaded that attaches a %s to a domain; see sriovctl "
				"status for the ones that were refused",
				srv_backing_name(nic->row.backing));
	return plugin;
}

static void fill_nic(struct srv_attach_work *work, const struct srv_nic *nic)
{
	work->uuid = g_strdup(nic->row.owner.key);
	work->owner_name = g_strdup(nic->row.owner.name);
	work->id = g_strdup(nic->row.id);
	work->alias = srv_nic_alias(nic->row.id);
	work->mac = nic->row.mac;
	work->nic = (struct sbe_nic){ .size = sizeof(work->nic),
				      .owner_kind = SBE_OWNER_DOMAIN,
				      .owner_uuid = work->uuid,
				      .owner_name = work->owner_name,
				      .id = work->id,
				      .alias = work->alias };
	memcpy(work->nic.mac, nic->row.mac.octet, sizeof(work->nic.mac));
}

/* network: NULL when it is not in the configuration any more, and not needed */
static struct srv_attach_work *work_new(struct srv_daemon *daemon, const struct srv_nic *nic,
					const struct srv_network *network, struct sriov_error **err)
{
	const struct sbe_plugin *plugin = find_plugin(daemon, nic, err);
	struct srv_attach_work *work;

	if (!plugin)
		return NULL;
	work = g_new0(struct srv_attach_work, 1);
	work->daemon = daemon;
	work->virt = daemon->virt;
	work->plugin = plugin;
	work->host = (struct sbe_host){ sizeof(work->host), work, host_attach, host_detach,
					host_log };
	fill_nic(work, nic);
	if (nic->vf)
		fill_vf(work, nic->vf);
	else
		fill_virtio(work, nic, network);
	if (network) {
		work->nic.vlan = network->attrs.vlan;
		work->vlan_proto = network->attrs.vlan_proto;
	}
	fill_team(work, nic);
	work->detach_seconds = work->failover ? daemon->model->config->failover.unplug_seconds
					      : DETACH_SECONDS;
	collect_pfs(work, daemon->model);
	return work;
}

struct srv_attach_work *srv_attach_work_new(struct srv_daemon *daemon, const struct srv_nic *nic,
					    struct sriov_error **err)
{
	const struct srv_network *network = srv_config_network(daemon->model->config,
							       nic->row.network);
	g_autofree char *subject = srv_nic_subject(nic);

	if (network)
		return work_new(daemon, nic, network, err);
	sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, subject,
			"its network \"%s\" is not in the configuration any more",
			nic->row.network);
	return NULL;
}

struct srv_attach_work *srv_detach_work_new(struct srv_daemon *daemon, const struct srv_nic *nic,
					    struct sriov_error **err)
{
	return work_new(daemon, nic, srv_config_network(daemon->model->config, nic->row.network),
			err);
}

void srv_attach_work_free(struct srv_attach_work *work)
{
	if (!work)
		return;
	if (work->awaited && !work->daemon->stopping)
		srv_failover_unawait_link(work->daemon, work->awaited);
	/* Who names it in his configuration meanwhile needs it at his start: that is known here. */
	if (work->left && !work->daemon->stopping)
		srv_failover_drop_link(work->daemon, NULL, work->left);
	g_free(work->left);
	g_free(work->awaited);
	g_free(work->uuid);
	g_free(work->owner_name);
	g_free(work->id);
	g_free(work->alias);
	g_free(work->uplink);
	g_free(work->link);
	g_free(work->team_alias);
	g_free(work->tap);
	g_array_unref(work->pfs);
	g_free(work);
}

void srv_attach_work_await(struct srv_attach_work *work)
{
	work->awaited = g_strdup(work->uplink);
	srv_failover_await_link(work->daemon, work->awaited);
}

const char *srv_attach_work_uplink(const struct srv_attach_work *work)
{
	return work->link;
}

const char *srv_attach_work_tap(const struct srv_attach_work *work)
{
	return work->tap;
}

/* The netdevs under a virtio nic */

/* The tag is its isolation: on a link of another VLAN it does not go. */
static int make_failover_link(struct srv_attach_work *work, struct sriov_error **err)
{
	g_autofree char *differs = NULL;
	int r = snl_uplink_ensure(work->uplink, work->vlan_proto, err);

	if (r == 0 && work->nic.vlan)
		differs = snl_uplink_differs(work->uplink, work->nic.vlan, work->vlan_proto);
	if (differs)
		r = sriov_error_set(err, SRIOV_ERROR_EXISTS, EEXIST, work->uplink,
				    "its virtio half would stand on %s: remove or rename that link",
				    differs);
	return r;
}

/* The uplink itself, or the VLAN link on it: the tag is put on by the host, as a VF's is by the
 * NIC. */
static int make_link_now(struct srv_attach_work *work, struct sriov_error **err)
{
	struct snl_link link;
	struct snl *nl;
	int r;

	g_free(work->link);
	work->link = g_strdup(work->uplink);
	if (work->nic.uplink_type != SBE_UPLINK_MACVTAP)
		return 0;
	/* A failover nic's row names the link itself, not what it stands on. */
	if (work->failover)
		return make_failover_link(work, err);
	r = snl_new(&nl, err);
	if (r < 0)
		return r;
	r = snl_link_get(nl, work->uplink, &link, err);
	if (r == 0 && !link.admin_up)
		r = snl_link_set_up(nl, link.ifindex, true, err);
	if (r == 0 && work->nic.vlan) {
		r = snl_vlan_ensure(nl, link.ifindex, work->nic.vlan, work->vlan_proto, &link, err);
		g_free(work->link);
		work->link = r < 0 ? NULL : g_strdup(link.name);
	}
	snl_free(nl);
	return r;
}

static int make_link(struct srv_attach_work *work, struct sriov_error **err)
{
	int r, late;

	srv_net_enter();
	r = make_link_now(work, err);
	late = srv_net_leave(r < 0 ? NULL : err);
	return r < 0 ? r : late;
}

static bool is_pf(const struct srv_attach_work *work, uint32_t ifindex)
{
	for (guint i = 0; i < work->pfs->len; i++) {
		if (g_array_index(work->pfs, uint32_t, i) == ifindex)
			return true;
	}
	return false;
}

/*
 * Behind a host bridge: the PF's embedded switch must know that the MAC is on the PF's side, or
 * frames of the PF's VFs to it go out on the wire. The bridge is found from the guest's tap, which
 * also holds for a libvirt network; its port may be the PF or a VLAN link on it.
 */
static int add_fdb(struct srv_attach_work *work, const char *tap, struct sriov_error **err)
{
	g_autoptr(GArray) links = NULL;
	struct snl_link port;
	struct snl *nl;
	int r;

	r = snl_new(&nl, err);
	if (r < 0)
		return r;
	r = snl_link_get(nl, tap, &port, err);
	if (r == 0)
		r = snl_link_list(nl, &links, err);
	for (guint i = 0; r == 0 && i < links->len; i++) {
		const struct snl_link *link = &g_array_index(links, struct snl_link, i);
		uint32_t pf = is_pf(work, link->ifindex) ? link->ifindex : link->parent;

		if (port.master && link->master == port.master && is_pf(work, pf))
			r = snl_fdb_add(nl, pf, work->mac, err);
	}
	snl_free(nl);
	return r;
}

int srv_attach_work_add_fdb(struct srv_attach_work *work, const char *tap, struct sriov_error **err)
{
	int r, late;

	srv_net_enter();
	r = add_fdb(work, tap, err);
	late = srv_net_leave(r < 0 ? NULL : err);
	return r < 0 ? r : late;
}

static void clean_filters(const struct srv_attach_work *work)
{
	struct snl *nl;

	if (snl_new(&nl, NULL) < 0)
		return;
	for (guint i = 0; i < work->pfs->len; i++)
		snl_fdb_del(nl, g_array_index(work->pfs, uint32_t, i), work->mac, NULL);
	snl_free(nl);
}

void srv_attach_work_clean_uplink(struct srv_attach_work *work)
{
	if (work->nic.backing != SBE_BACKING_VIRTIO)
		return;
	/* Once attached, the row's uplink is the VLAN link; a PF is not ours to remove. */
	if (work->nic.uplink_type == SBE_UPLINK_MACVTAP && work->nic.vlan) {
		g_free(work->left);
		work->left = g_strdup(work->link ? work->link : work->uplink);
	} else if (work->nic.uplink_type != SBE_UPLINK_MACVTAP) {
		srv_net_enter();
		clean_filters(work);
		srv_net_leave(NULL);
	}
}

/* Running */

static int from_plugin(const struct sbe_error *error, struct sriov_error **err)
{
	enum sriov_error_code code = error->code >= 0 && error->code < SRIOV_ERROR_CODES
					     ? (enum sriov_error_code)error->code
					     : SRIOV_ERROR_INTERNAL;

	return sriov_error_set(err, code, error->err, NULL, "%s",
			       error->message[0] ? error->message : "the plugin gave no reason");
}

static const struct srv_domain_iface *find_in(const struct srv_domain *xml, const char *alias)
{
	for (guint i = 0; xml && i < xml->ifaces->len; i++) {
		const struct srv_domain_iface *iface = xml->ifaces->pdata[i];

		if (g_strcmp0(iface->alias, alias) == 0)
			return iface;
	}
	return NULL;
}

static bool is_ours(const struct srv_attach_work *work, const struct srv_domain_iface *iface)
{
	return work->nic.backing == SBE_BACKING_VF
		       ? iface->has_vf && sriov_bdf_key(iface->vf) == work->vf_key
		       : !iface->has_vf;
}

static const struct srv_domain_iface *find_iface(const struct srv_virt_domain *domain,
						 const char *alias)
{
	return find_in(domain->live, alias);
}

/* Where libvirt says that a virtio device stands, and its netdev. */
static void take_place(struct srv_attach_work *work, const struct srv_domain_iface *iface)
{
	if (work->nic.backing != SBE_BACKING_VIRTIO)
		return;
	g_free(work->tap);
	work->tap = g_strdup(iface->target);
	if (!iface->source)
		return;
	g_free(work->link);
	work->link = g_strdup(iface->source);
}

int srv_attach_work_look(struct srv_attach_work *work, bool *ret_there, struct sriov_error **err)
{
	struct srv_virt_domain *domain;
	const struct srv_domain_iface *iface;
	int r = srv_virt_get(work->virt, work->uuid, &domain, err);

	if (r < 0)
		return r;
	iface = find_iface(domain, work->alias);
	*ret_there = iface != NULL;
	if (iface)
		take_place(work, iface);
	srv_virt_domain_free(domain);
	return 0;
}

/* What libvirt says it has, not what we told it. */
static int verify(struct srv_attach_work *work, struct sriov_error **err)
{
	struct srv_virt_domain *domain;
	const struct srv_domain_iface *iface;
	int r = srv_virt_get(work->virt, work->uuid, &domain, err);

	if (r < 0)
		return r;
	iface = find_iface(domain, work->alias);
	if (!iface)
		r = sriov_error_set(err, SRIOV_ERROR_DEVICE, ENODEV, NULL,
				    "libvirt took the device, and the domain does not have it");
	else if (!is_ours(work, iface))
		r = sriov_error_set(err, SRIOV_ERROR_DEVICE, ENODEV, NULL,
				    "the domain has another device under the alias %s",
				    work->alias);
	else if (work->nic.backing == SBE_BACKING_VIRTIO &&
		 work->nic.uplink_type != SBE_UPLINK_MACVTAP && iface->target)
		r = srv_attach_work_add_fdb(work, iface->target, err);
	if (r == 0)
		take_place(work, iface);
	srv_virt_domain_free(domain);
	return r;
}

static int attach_verified(struct srv_attach_work *work, struct sriov_error **err)
{
	struct sbe_error error = { 0 };
	int r = 0;

	work->nic.uplink = work->link;
	if (work->plugin->attach(&work->host, &work->nic, &error) < 0)
		r = from_plugin(&error, err);
	/* An attach whose answer was lost may have come about, and then there is no second one. */
	if (r < 0 && *err && (*err)->code == SRIOV_ERROR_DEVICE && verify(work, NULL) == 0) {
		sriov_error_clear(err);
		return 0;
	}
	if (r < 0)
		return r;
	r = verify(work, err);
	if (r < 0 && (*err)->code != SRIOV_ERROR_UNAVAILABLE)
		work->plugin->detach(&work->host, &work->nic, NULL);
	return r;
}

int srv_attach_work_run(struct srv_attach_work *work, struct sriov_error **err)
{
	bool on_link = work->nic.backing == SBE_BACKING_VIRTIO;
	int r = 0;

	if (on_link) {
		/* Whoever removes links may hang in the kernel meanwhile. */
		srv_net_enter();
		g_rw_lock_reader_lock(&links_lock);
		r = srv_net_leave(err);
	}
	if (on_link && r == 0)
		r = make_link(work, err);
	if (r == 0)
		r = attach_verified(work, err);
	if (on_link)
		g_rw_lock_reader_unlock(&links_lock);
	/*
	 * With libvirt gone it is not known whether the device stands on it; nor is that known of
	 * what was given up half-way.
	 */
	if (r < 0 && (*err)->code != SRIOV_ERROR_UNAVAILABLE && !srv_net_is_late())
		srv_attach_work_clean_uplink(work);
	return r;
}

static const char *iface_type(const struct srv_attach_work *work)
{
	static const char *const types[] = { [SBE_UPLINK_MACVTAP] = "direct",
					     [SBE_UPLINK_BRIDGE] = "bridge",
					     [SBE_UPLINK_NETWORK] = "network" };

	return types[work->nic.uplink_type];
}

/*
 * It need not stand just where it would be put today, on another PF for one; but in its VLAN. What
 * a name does not say, the kernel does.
 */
static bool stands_well(const struct srv_attach_work *work, const struct srv_domain_iface *iface)
{
	g_autofree char *parent = NULL;
	g_autofree char *differs = NULL;
	uint16_t vlan = 0;

	if (g_strcmp0(iface->source, work->uplink) == 0)
		return true;
	if (!iface->source || work->nic.uplink_type != SBE_UPLINK_MACVTAP)
		return false;
	parent = snl_uplink_split(iface->source, &vlan);
	if (parent || !work->nic.vlan)
		return vlan == work->nic.vlan;
	srv_net_enter();
	differs = snl_uplink_differs(iface->source, work->nic.vlan, work->vlan_proto);
	return srv_net_leave(NULL) == 0 && !differs;
}

static bool is_as_wanted(const struct srv_attach_work *work, const struct srv_domain_iface *iface)
{
	return g_strcmp0(iface->type, iface_type(work)) == 0 &&
	       sriov_mac_equal(iface->mac, work->mac) && stands_well(work, iface);
}

/* *ret_there: it is in the configuration; it is put right there. work->link: where it was put */
static int move(struct srv_attach_work *work, bool *ret_there, struct sriov_error **err)
{
	const struct srv_domain_iface *iface;
	struct srv_virt_domain *domain;
	bool right;
	int r = srv_virt_get(work->virt, work->uuid, &domain, err);

	if (r < 0)
		return r;
	iface = find_in(domain->stored, work->alias);
	*ret_there = iface != NULL;
	right = iface && is_as_wanted(work, iface);
	srv_virt_domain_free(domain);
	if (!*ret_there || right)
		return 0;
	r = make_link(work, err);
	if (r == 0)
		r = srv_virt_place_stored(
			work->virt, work->uuid, work->alias,
			&(struct srv_iface_place){ iface_type(work), work->link, work->mac }, err);
	return r;
}

int srv_attach_work_move(struct srv_attach_work *work, struct sriov_error **err)
{
	bool there;

	return move(work, &there, err);
}

int srv_attach_work_store(struct srv_attach_work *work, struct sriov_error **err)
{
	struct sbe_error error = { 0 };
	bool there;
	int r = move(work, &there, err);

	if (r < 0 || there)
		return r;
	r = make_link(work, err);
	if (r < 0)
		return r;
	work->stored = true;
	work->nic.uplink = work->link;
	r = work->plugin->attach(&work->host, &work->nic, &error);
	work->stored = false;
	return r < 0 ? from_plugin(&error, err) : 0;
}

int srv_detach_work_run(struct srv_attach_work *work, struct sriov_error **err)
{
	struct sbe_error error = { 0 };

	work->nic.uplink = work->uplink;
	if (work->plugin->detach(&work->host, &work->nic, &error) < 0)
		return from_plugin(&error, err);
	srv_attach_work_clean_uplink(work);
	return 0;
}
