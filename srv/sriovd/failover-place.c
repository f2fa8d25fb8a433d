// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the virtio half of a failover nic stands. It is in the domain's own configuration and stays
 * there from start to start, while what its network says may change: another VLAN, another network
 * in the metadata. Both halves of a nic are in one VLAN, or it has one half only:
 *
 * - A nic whose virtio half is not where its network says gets no VF, gives up the one it has, and
 *   everybody is told.
 * - The half in the configuration is moved, for the next start. A running guest's cannot be:
 *   libvirt does not change what a macvtap stands on, and neither does the kernel.
 * - In the right VLAN on something else, a macvtap where the network has a bridge by now, is well
 *   enough for a guest that runs.
 */
#include "srv/sriovd/failover.h"

#include <errno.h>

#include "netlink/uplink.h"
#include "srv/sriovd/attach-work.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/decide.h"
#include "srv/sriovd/failover-edit.h"
#include "srv/sriovd/failover-internal.h"
#include "srv/sriovd/net-call.h"

/* A name that will be the same after the next boot, since it goes into the domain's configuration.
 */
char *srv_failover_place(struct srv_daemon *daemon, const struct srv_nic *nic,
			 const struct srv_network *network, struct sriov_error **err)
{
	g_autofree char *subject = srv_nic_subject(nic);
	struct srv_pf *pf;
	const char *why;
	g_autofree char *parent = srv_decide_uplink(daemon->model, network, &pf, &why);
	char *name;

	if (!parent) {
		sriov_error_set(err, SRIOV_ERROR_EXHAUSTED, ENOSPC, subject,
				"there is nothing for its virtio half to stand on: %s", why);
		return NULL;
	}
	if (network->fallback.type != SRV_FALLBACK_MACVTAP)
		return g_steal_pointer(&parent);
	name = snl_uplink_name(parent, network->attrs.vlan);
	if (!name)
		sriov_error_set(err, SRIOV_ERROR_INVALID, ENAMETOOLONG, subject,
				"the name of a VLAN link %s.%u would be too long; give the "
				"network a fallback with an uplink of a shorter name",
				parent, network->attrs.vlan);
	return name;
}

/* Is it where it belongs? */

static char *vlan_text(uint16_t vlan)
{
	return vlan ? g_strdup_printf("VLAN %u", vlan) : g_strdup("no VLAN");
}

/* By its name on a link of the network's VLAN, be that how the network has it today or not. */
static bool is_in_vlan(const struct srv_network *network, const char *source)
{
	uint16_t vlan = 0;
	g_autofree char *parent = source ? snl_uplink_split(source, &vlan) : NULL;

	return parent && network->attrs.vlan && vlan == network->attrs.vlan;
}

/*
 * By the name alone, as sriovd makes them; of any other name the kernel has to tell (off_vlan).
 * NULL: nothing to be said against it.
 */
static char *judge_name(struct srv_model *model, const struct srv_network *network,
			const char *source)
{
	const struct srv_fallback *fallback = &network->fallback;
	g_autofree char *parent = NULL;
	g_autofree char *right = NULL;
	g_autofree char *is = NULL;
	g_autofree char *should = vlan_text(network->attrs.vlan);
	uint16_t vlan = 0;

	if (fallback->type != SRV_FALLBACK_MACVTAP)
		return g_strcmp0(fallback->source, source) == 0
			       ? NULL
			       : g_strdup_printf("%s, and network %s has %s", source, network->name,
						 fallback->source);
	if (fallback->source)
		right = snl_uplink_name(fallback->source, network->attrs.vlan);
	if (g_strcmp0(right, source) == 0)
		return NULL;
	parent = snl_uplink_split(source, &vlan);
	if (!parent && !srv_model_find_pf(model, source) &&
	    g_strcmp0(fallback->source, source) != 0)
		return NULL;
	if (vlan == network->attrs.vlan)
		return NULL;
	is = vlan_text(vlan);
	return g_strdup_printf("%s, in %s, and network %s has %s", source, is, network->name,
			       should);
}

static char *judge_type(const struct srv_network *network, const struct srv_domain_iface *iface)
{
	static const char *const types[] = { [SRV_FALLBACK_MACVTAP] = "direct",
					     [SRV_FALLBACK_BRIDGE] = "bridge",
					     [SRV_FALLBACK_NETWORK] = "network" };
	const char *should = types[network->fallback.type];

	return g_strcmp0(iface->type, should) == 0
		       ? NULL
		       : g_strdup_printf("%s of type %s, and network %s has it of type %s",
					 iface->source ?: "something", iface->type ?: "unknown",
					 network->name, should);
}

static char *judge_mac(struct sriov_mac mac, const struct srv_domain_iface *iface)
{
	char is[SRIOV_MAC_STRLEN], should[SRIOV_MAC_STRLEN];

	return sriov_mac_equal(iface->mac, mac)
		       ? NULL
		       : g_strdup_printf("%s with the MAC %s, and the nic has %s",
					 iface->source ?: "its uplink",
					 sriov_mac_format(iface->mac, is),
					 sriov_mac_format(mac, should));
}

/* Where there is no virtio at all, no place is wrong either. */
static const struct srv_network *network_of(struct srv_model *model, const char *name)
{
	const struct srv_network *network = srv_config_network(model->config, name);

	return network && network->fallback.type != SRV_FALLBACK_NONE ? network : NULL;
}

static char *judge(struct srv_model *model, const struct srv_nic *nic)
{
	const struct srv_network *network = network_of(model, nic->row.network);
	g_autofree char *why = NULL;

	if (network && nic->row.uplink && !is_in_vlan(network, nic->row.uplink))
		why = judge_name(model, network, nic->row.uplink);
	if (network && !why)
		why = g_strdup(nic->team.off_vlan ?: nic->team.unlike);
	return why ? g_strdup_printf("its virtio half stands on %s", why) : NULL;
}

static void tell(struct srv_daemon *daemon, struct srv_nic *nic, const char *before)
{
	g_autofree char *subject = srv_nic_subject(nic);
	const char *why = nic->team.misplaced;

	if (why)
		srv_event(daemon->events, LOG_WARNING, "nic", subject,
			  "%s: it gets no VF until its guest is shut off and started again", why);
	/* Of one that has a VF the reason comes with the demotion. */
	if (nic->vf || nic->busy || (!why && g_strcmp0(nic->row.reason, before) != 0))
		return;
	g_free(nic->row.reason);
	nic->row.reason = g_strdup(why);
	srv_failover_record(daemon, nic, NULL, NULL, NULL);
}

static void judge_place(struct srv_daemon *daemon, struct srv_nic *nic)
{
	g_autofree char *why = judge(daemon->model, nic);
	g_autofree char *before = NULL;

	if (g_strcmp0(why, nic->team.misplaced) == 0)
		return;
	before = g_steal_pointer(&nic->team.misplaced);
	nic->team.misplaced = g_steal_pointer(&why);
	tell(daemon, nic, before);
}

void srv_failover_judge_places(struct srv_daemon *daemon)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, daemon->model->nics);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		if (srv_failover_runs(value))
			judge_place(daemon, value);
	}
}

void srv_failover_compare_place(struct srv_daemon *daemon, struct srv_nic *nic,
				const struct srv_domain_iface *iface)
{
	const struct srv_network *network = network_of(daemon->model, nic->row.network);

	g_clear_pointer(&nic->team.unlike, g_free);
	if (network)
		nic->team.unlike = judge_mac(nic->row.mac, iface);
	if (network && !nic->team.unlike && !is_in_vlan(network, iface->source))
		nic->team.unlike = judge_type(network, iface);
}

/* Moving it in its domain's own configuration */

struct mend {
	struct srv_daemon *daemon;
	struct srv_owner owner; /* kind and key */
	char *id;
	char *from; /* NULL: it is missing there */
	struct srv_attach_work *work;
	struct sriov_error *error;
};

static void mend_free(void *data)
{
	struct mend *mend = data;

	srv_attach_work_free(mend->work);
	sriov_error_free(mend->error);
	g_free(mend->owner.key);
	g_free(mend->id);
	g_free(mend->from);
	g_free(mend);
}

static struct srv_nic_request *find_request(const struct srv_domain *domain, const char *id)
{
	for (guint i = 0; i < domain->nics->len; i++) {
		struct srv_nic_request *request = domain->nics->pdata[i];

		if (request->mode == SRV_MODE_FAILOVER && g_str_equal(request->id, id))
			return request;
	}
	return NULL;
}

/* Its removal may have come before us. */
static bool is_asked_for(struct mend *mend)
{
	struct srv_virt_domain *domain;
	bool asked;

	if (srv_virt_get(mend->daemon->virt, mend->owner.key, &domain, &mend->error) < 0)
		return false;
	asked = domain->stored && find_request(domain->stored, mend->id);
	srv_virt_domain_free(domain);
	return asked;
}

static void mend_run(void *data)
{
	struct mend *mend = data;

	if (mend->from)
		srv_attach_work_move(mend->work, &mend->error);
	else if (is_asked_for(mend))
		srv_attach_work_store(mend->work, &mend->error);
}

/* Its next start finds it there, sriovd or not. */
static void moved(struct mend *mend, struct srv_nic *nic, const char *to)
{
	g_autofree char *subject = srv_nic_subject(nic);

	if (mend->from)
		srv_event(mend->daemon->events, LOG_NOTICE, "nic", subject,
			  "its virtio half was moved in its domain's configuration, from %s to %s: "
			  "its guest has it there from its next start on",
			  mend->from, to);
	else
		srv_event(mend->daemon->events, LOG_NOTICE, "nic", subject,
			  "its virtio half was missing in its domain's configuration and was put "
			  "back, on %s; sriovctl nic remove is how to be rid of both",
			  to);
	nic->mend_failed = false;
	g_free(nic->stored_uplink);
	nic->stored_uplink = g_strdup(to);
	if (!nic->busy && nic->row.state == SRV_NIC_IDLE) {
		g_free(nic->row.uplink);
		nic->row.uplink = g_strdup(to);
		srv_failover_record(mend->daemon, nic, NULL, NULL, NULL);
	}
	if (mend->from)
		srv_failover_drop_link(mend->daemon, NULL, mend->from);
}

static void mend_done(const struct sriov_error *late, void *data)
{
	struct mend *mend = data;
	struct srv_nic *nic = srv_model_nic(mend->daemon->model, &mend->owner, mend->id);
	const struct sriov_error *error = late ?: mend->error;
	/* Of one with an error there may be no work. */
	const char *to = error ? NULL : srv_attach_work_uplink(mend->work);

	if (nic)
		nic->mending = false;
	if (nic && error && !nic->mend_failed) {
		g_autofree char *subject = srv_nic_subject(nic);
		g_autofree char *why = sriov_error_text(error);

		nic->mend_failed = true;
		srv_event(mend->daemon->events, LOG_WARNING, "nic", subject,
			  "its virtio half cannot be %s%s in its domain's configuration, which is "
			  "tried again: %s",
			  mend->from ? "moved from " : "put back", mend->from ?: "", why);
	}
	if (nic && to)
		moved(mend, nic, to);
	if (!late)
		mend_free(mend);
}

static void mend_begin(struct srv_daemon *daemon, struct srv_nic *nic,
		       const struct srv_virt_domain *domain, struct srv_nic_request *request,
		       const char *from)
{
	struct mend *mend = g_new0(struct mend, 1);

	mend->daemon = daemon;
	mend->owner.kind = nic->row.owner.kind;
	mend->owner.key = g_strdup(nic->row.owner.key);
	mend->id = g_strdup(nic->row.id);
	mend->from = g_strdup(from);
	nic->mending = true;
	mend->work = srv_failover_edit_new(daemon, domain->uuid, domain->name, request,
					   &mend->error);
	if (mend->work)
		srv_net_call(daemon, srv_daemon_domain_queue(daemon, domain->uuid), domain->name,
			     "moving the virtio half of a failover nic", mend_run, mend_done,
			     mend_free, mend);
	else
		mend_done(NULL, mend);
}

static void mend_nic(struct srv_daemon *daemon, struct srv_nic *nic,
		     const struct srv_virt_domain *domain)
{
	const struct srv_nic_request *request = find_request(domain->stored, nic->row.id);
	const struct srv_network *network = request ? network_of(daemon->model, request->network)
						    : NULL;
	const struct srv_domain_iface *iface = srv_failover_iface(domain->stored, nic);
	struct srv_nic_request *wanted;
	g_autofree char *why = NULL;

	if ((iface && !iface->source) || nic->mending)
		return;
	if (iface) {
		g_free(nic->stored_uplink);
		nic->stored_uplink = g_strdup(iface->source);
	}
	if (!network)
		return;
	wanted = srv_nic_request_copy(request);
	if (!wanted->has_mac)
		wanted->mac = nic->row.mac;
	wanted->has_mac = true;
	if (iface)
		why = judge_mac(wanted->mac, iface) ?: judge_type(network, iface);
	if (iface && !why)
		why = judge_name(daemon->model, network, iface->source);
	if (why || !iface)
		mend_begin(daemon, nic, domain, wanted, iface ? iface->source : NULL);
	srv_nic_request_free(wanted);
}

void srv_failover_mend(struct srv_daemon *daemon, const struct srv_virt_domain *domain)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(daemon->model, domain->uuid);

	for (guint i = 0; domain->stored && i < nics->len; i++) {
		struct srv_nic *nic = nics->pdata[i];

		if (nic->row.mode == SRV_MODE_FAILOVER && !nic->busy)
			mend_nic(daemon, nic, domain);
	}
}
