// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules of DESIGN.md section 3, looked at with the daemon at rest: in its model, in libvirt, in
 * the kernel, and in what its clients were told.
 */
#include <string.h>

#include <linux/if_link.h>

#include "tests/sim/sim.h"

/* 1. One owner. */
static char *check_owners(void)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);
	g_autoptr(GPtrArray) nics = srv_model_nics(sim_daemon->model);

	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];

		if (!nic->vf)
			continue;
		if (nic->vf->nic != nic || !g_hash_table_add(seen, nic->vf))
			return g_strdup_printf("VF %s/%u has two owners, one is %s/%s",
					       nic->vf->pf->name, nic->vf->ref.index,
					       nic->row.owner.name, nic->row.id);
	}
	return NULL;
}

/* What a guest has is in the ledger, and of its nics each has what the ledger says. */
static const struct sim_device *find_alias(const struct sim_domain *domain, char *alias)
{
	g_autofree char *owned = alias;

	for (int i = 0; i < SIM_NICS; i++) {
		if (domain->device[i].exists && strcmp(domain->device[i].alias, owned) == 0)
			return &domain->device[i];
	}
	return NULL;
}

static const struct sim_device *find_device(const struct sim_domain *domain, const char *id)
{
	return find_alias(domain, srv_nic_alias(id));
}

/* A failover nic has virtio always, and the VF that the ledger says or none. */
static char *check_failover_nic(const struct sim_domain *domain, const struct srv_nic *nic)
{
	const struct sim_device *virtio = find_alias(domain, srv_nic_alias(nic->row.id));
	const struct sim_device *vf = find_alias(domain, srv_nic_alias_vf(nic->row.id));
	const struct sim_link *tap = virtio ? sim_link_by_index(virtio->link) : NULL;
	const char *name = nic->row.owner.name;

	if (!virtio || nic->row.state != SRV_NIC_ATTACHED)
		return g_strdup_printf("failover nic of %s is %s, %s virtio", name,
				       srv_nic_state_name(nic->row.state),
				       virtio ? "with" : "without");
	if (!vf != !nic->vf)
		return g_strdup_printf("failover nic of %s: %s in the guest", name,
				       vf ? "a VF that is not its" : "no VF");
	if (vf &&
	    (nic->vf->facts->bdf.bus != vf->bus || nic->vf->facts->bdf.function != vf->function))
		return g_strdup_printf("failover nic of %s has another VF than it should", name);
	/* Which half receives is exactly what the guest listens to. */
	if (tap && strcmp(tap->kind, "macvtap") == 0 &&
	    (vf && domain->uses_vfs) == (memcmp(tap->mac, nic->row.mac.octet, 6) == 0))
		return g_strdup_printf("failover nic of %s: %s half receives", name,
				       vf && domain->uses_vfs ? "the virtio" : "no");
	if (tap && strcmp(tap->kind, "macvtap") == 0 && tap->mode != MACVLAN_MODE_BRIDGE)
		return g_strdup_printf("failover nic of %s: mode of its macvtap", name);
	return NULL;
}

/* A guest that runs without the device of a nic: that is said, and there is nothing else for it. */
static char *check_without(const struct sim_domain *domain, const struct srv_nic *nic)
{
	const struct srv_network *network = srv_config_network(sim_daemon->model->config,
							       nic->row.network);

	if (nic->row.state == SRV_NIC_FAILED && nic->row.reason && network &&
	    (nic->row.mode == SRV_MODE_REQUIRED || network->fallback.type == SRV_FALLBACK_NONE))
		return NULL;
	return g_strdup_printf("nic %s/%s is %s (%s), and the guest has no device", domain->name,
			       nic->row.id, srv_nic_state_name(nic->row.state),
			       nic->row.reason ?: "without a reason");
}

static char *check_guest_nic(const struct sim_domain *domain, const struct sim_nic *wanted)
{
	const struct srv_owner owner = { SRV_OWNER_LIBVIRT, (char *)domain->uuid,
					 (char *)domain->name };
	const struct srv_nic *nic = srv_model_nic(sim_daemon->model, &owner, wanted->id);
	const struct sim_device *device = find_device(domain, wanted->id);

	if (nic && nic->row.mode == SRV_MODE_FAILOVER)
		return check_failover_nic(domain, nic);
	if (!nic)
		return g_strdup_printf("guest %s runs, and its nic %s is not in the ledger",
				       domain->name, wanted->id);
	if (!device)
		return check_without(domain, nic);
	if (nic->row.state != SRV_NIC_ATTACHED)
		return g_strdup_printf("nic %s/%s is %s, and the guest has its device",
				       domain->name, wanted->id,
				       srv_nic_state_name(nic->row.state));
	if (strcmp(device->type, "hostdev") != 0)
		return nic->vf ? g_strdup_printf("nic %s/%s: VF in the ledger, virtio in the guest",
						 domain->name, wanted->id)
			       : NULL;
	if (!nic->vf || !nic->vf->facts || nic->vf->facts->bdf.bus != device->bus ||
	    nic->vf->facts->bdf.function != device->function)
		return g_strdup_printf("nic %s/%s: the guest has another VF than the ledger says",
				       domain->name, wanted->id);
	return NULL;
}

static char *check_guests(void)
{
	for (int i = 0; i < SIM_DOMAINS; i++) {
		const struct sim_domain *domain = &sim_world->domain[i];

		for (uint32_t j = 0;
		     *domain->uuid && domain->active && j < domain->n_nics - domain->n_later; j++) {
			char *broken = check_guest_nic(domain, &domain->nic[j]);

			if (broken)
				return broken;
		}
	}
	return NULL;
}

/* Nothing stays with a guest that does not run. */
static char *check_stopped(void)
{
	g_autoptr(GPtrArray) nics = srv_model_nics(sim_daemon->model);

	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];
		const struct sim_domain *domain;

		if (nic->row.owner.kind != SRV_OWNER_LIBVIRT)
			continue;
		domain = sim_domain_by_uuid(nic->row.owner.key);
		if ((!domain || !domain->active) && nic->row.backing != SRV_BACKING_NONE)
			return g_strdup_printf("nic %s/%s has a backing, and its guest does not "
					       "run",
					       nic->row.owner.name, nic->row.id);
	}
	return NULL;
}

/* 2. Acknowledged is durable. */
static char *check_claim(const struct sim_claim *claim)
{
	const struct srv_owner owner = { SRV_OWNER_MANUAL, (char *)claim->owner,
					 (char *)claim->owner };
	const struct srv_nic *nic = srv_model_nic(sim_daemon->model, &owner, claim->id);
	const struct sim_vf *vf;

	if (claim->state == SIM_CLAIMED && (!nic || !nic->vf))
		return g_strdup_printf("claim %s/%s was acknowledged and is gone", claim->owner,
				       claim->id);
	if (claim->state == SIM_UNCLAIMED && *claim->owner && nic)
		return g_strdup_printf("claim %s/%s was given back, and is there", claim->owner,
				       claim->id);
	if (claim->state != SIM_CLAIMED)
		return NULL;
	vf = &sim_pf_by_bus(nic->row.vf.pf.bus)->vf[nic->row.vf.index];
	if (nic->row.vf.pf.bus != claim->bus || nic->row.vf.index != claim->vf)
		return g_strdup_printf("claim %s/%s moved to another VF", claim->owner, claim->id);
	if (vf->exists && memcmp(vf->attrs.mac, claim->mac, 6) != 0)
		return g_strdup_printf("claim %s/%s: its VF has another MAC", claim->owner,
				       claim->id);
	return NULL;
}

static char *check_claims(void)
{
	g_autoptr(GPtrArray) nics = srv_model_nics(sim_daemon->model);

	for (int i = 0; i < SIM_CLAIMS; i++) {
		char *broken = check_claim(&sim_world->claim[i]);

		if (broken)
			return broken;
	}
	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];
		bool known = nic->row.owner.kind != SRV_OWNER_MANUAL;

		for (int j = 0; j < SIM_CLAIMS && !known; j++)
			known = strcmp(sim_world->claim[j].owner, nic->row.owner.key) == 0 &&
				strcmp(sim_world->claim[j].id, nic->row.id) == 0;
		if (!known)
			return g_strdup_printf("claim %s/%s: nobody asked for it",
					       nic->row.owner.name, nic->row.id);
	}
	return NULL;
}

/* 3. Clean hands: what is to be had is as good as new. */
static char *check_free(void)
{
	for (guint i = 0; i < sim_daemon->model->pfs->len; i++) {
		const struct srv_pf *pf = sim_daemon->model->pfs->pdata[i];

		for (guint j = 0; j < pf->vfs->len; j++) {
			const struct sim_vf *vf = &sim_pf_by_bus(pf->bdf.bus)->vf[j];

			if (srv_vf_state(pf->vfs->pdata[j], NULL) != SRV_VF_FREE)
				continue;
			if (!sim_attrs_are_neutral(&vf->attrs))
				return g_strdup_printf("VF %s/%u is free with the attributes of "
						       "an owner",
						       pf->name, j);
			if (!sim_mac_is_zero(vf->user))
				return g_strdup_printf("VF %s/%u is free and was not reset",
						       pf->name, j);
			if (sim_function_holder(pf->bdf.bus, 2, (uint8_t)j))
				return g_strdup_printf("VF %s/%u is free and a guest runs on it",
						       pf->name, j);
		}
	}
	return NULL;
}

/* Nothing is left of what is gone: links, forwarding entries. */
static char *check_links(void)
{
	for (int i = 0; i < SIM_LINKS; i++) {
		const struct sim_link *link = &sim_world->link[i];
		bool used = false;

		if (!link->ifindex || link->foreign || strcmp(link->kind, "vlan") != 0)
			continue;
		for (int j = 0; j < SIM_LINKS; j++)
			used |= sim_world->link[j].ifindex &&
				sim_world->link[j].parent == link->ifindex;
		/* Or the configuration of a domain names it. */
		for (int j = 0; j < SIM_DOMAINS * SIM_NICS; j++) {
			const struct sim_domain *domain = &sim_world->domain[j / SIM_NICS];
			const struct sim_device *stored = &domain->stored[j % SIM_NICS];

			used |= *domain->uuid && stored->exists &&
				strcmp(stored->source, link->name) == 0;
		}
		if (!used)
			return g_strdup_printf("link %s is left over", link->name);
	}
	return NULL;
}

char *sim_check_rules(void)
{
	static char *(*const checks[])(void) = { check_owners,	 check_guests,	  check_stopped,
						 check_claims,	 check_free,	  check_links,
						 sim_check_macs, sim_check_kernel };

	if (sim_world->violations)
		return g_strdup(sim_world->violation);
	for (size_t i = 0; i < G_N_ELEMENTS(checks); i++) {
		char *broken = checks[i]();

		if (broken)
			return broken;
	}
	return NULL;
}
