// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules of DESIGN.md section 3 that are about the host as a whole: each MAC is in one place;
 * with everything mended that failed, each PF serves again, or does what it was told.
 */
#include <string.h>

#include "srv/sriovd/decide.h"
#include "tests/sim/sim.h"

/* 2, 6, 8. PFs */

static bool is_selected(const struct srv_pf *pf)
{
	const struct srv_config *config = sim_daemon->model->config;
	bool selected = false;

	for (guint i = 0; i < config->pools->len; i++) {
		g_autoptr(GArray) ranges = NULL;

		selected |= srv_pool_selects(config->pools->pdata[i], pf->facts, &ranges);
	}
	return selected;
}

/* The state in which it is to be when nothing fails and nobody works. */
static enum srv_pf_state wanted_state(const struct srv_pf *pf, const struct sim_pf *real)
{
	if (!real->ifindex || !pf->facts)
		return SRV_PF_GONE;
	return is_selected(pf) ? SRV_PF_READY : SRV_PF_UNMANAGED;
}

static char *check_orders(const struct srv_pf *pf, const struct sim_order *order)
{
	if (pf->resizing)
		return g_strdup_printf("PF %s is in the midst of its resize to %u VFs still",
				       pf->name, pf->resize_vfs);
	if (order->drain == SIM_SERVES && pf->drained)
		return g_strdup_printf("PF %s is drained, and nobody wants that", pf->name);
	if (order->drain == SIM_DRAINED && !pf->drained)
		return g_strdup_printf("PF %s was drained, which was acknowledged, and gives VFs",
				       pf->name);
	if (order->vfs && pf->state == SRV_PF_READY && pf->wanted_vfs != order->vfs)
		return g_strdup_printf("PF %s was resized to %u VFs, which was acknowledged, and "
				       "wants %u",
				       pf->name, order->vfs, pf->wanted_vfs);
	return NULL;
}

static char *check_pf(const struct sim_pf *real)
{
	const struct sriov_bdf bdf = { 0, real->bus, 0, 0 };
	const struct srv_pf *pf = srv_model_pf(sim_daemon->model, bdf);
	enum srv_pf_state wanted;

	if (!pf)
		return real->ifindex ? g_strdup_printf("PF %02x is not known", real->bus) : NULL;
	if (real->ifindex && !pf->facts)
		return g_strdup_printf("PF %s is there, and counts as gone", pf->name);
	wanted = wanted_state(pf, real);
	if (pf->state != wanted)
		return g_strdup_printf("PF %s is %s for good, and should be %s: %s", pf->name,
				       srv_pf_state_name(pf->state), srv_pf_state_name(wanted),
				       pf->reason ?: "without a reason");
	return check_orders(pf, &sim_world->order[real->bus - 1]);
}

static char *check_pfs(void)
{
	for (int i = 0; i < SIM_PFS; i++) {
		char *broken = check_pf(&sim_world->pf[i]);

		if (broken)
			return broken;
	}
	return NULL;
}

/* Guests */

/* One that must have a VF and has none: there is none to be had. */
static char *check_lacking(const struct srv_nic *nic)
{
	const struct srv_network *network = srv_config_network(sim_daemon->model->config,
							       nic->row.network);
	struct srv_decision *decision;
	char *broken = NULL;

	/* A claim by hand whose VF was destroyed is its owner's to make again. */
	if (nic->row.state != SRV_NIC_FAILED || !network ||
	    nic->row.owner.kind != SRV_OWNER_LIBVIRT)
		return NULL;
	decision = srv_decide(sim_daemon->model, network, -1);
	if (decision->vf)
		broken = g_strdup_printf("nic %s/%s has no device, though there is VF %s/%u: %s",
					 nic->row.owner.name, nic->row.id, decision->vf->pf->name,
					 decision->vf->ref.index, nic->row.reason);
	srv_decision_free(decision);
	return broken;
}

static char *check_all_lacking(void)
{
	g_autoptr(GPtrArray) nics = srv_model_nics(sim_daemon->model);
	char *broken = NULL;

	for (guint i = 0; i < nics->len && !broken; i++)
		broken = check_lacking(nics->pdata[i]);
	return broken;
}

static bool lacks_required(const struct sim_domain *domain)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of_domain(sim_daemon->model, domain->uuid);
	bool lacks = false;

	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];

		lacks |= nic->row.mode == SRV_MODE_REQUIRED && nic->row.state != SRV_NIC_ATTACHED;
	}
	return lacks;
}

/* Whoever started it has gone: it is let run, unless it would be without what it requires. */
static char *check_paused(const struct sim_domain *domain)
{
	if (!domain->active || !domain->paused || lacks_required(domain))
		return NULL;
	return g_strdup_printf("guest %s is paused for good", domain->name);
}

static const struct sim_nic *failover_nic_of(const struct sim_domain *domain, const char *alias)
{
	for (uint32_t i = 0; i < domain->n_nics; i++) {
		g_autofree char *own = srv_nic_alias(domain->nic[i].id);

		if (domain->nic[i].mode == SRV_MODE_FAILOVER && strcmp(own, alias) == 0)
			return &domain->nic[i];
	}
	return NULL;
}

/* Each virtio half that is stored is one of its nics', and each of those has one. */
static char *check_stored(const struct sim_domain *domain)
{
	uint32_t halves = 0, nics = 0;

	for (int i = 0; i < SIM_NICS; i++) {
		const struct sim_device *device = &domain->stored[i];

		if (!device->exists)
			continue;
		if (!failover_nic_of(domain, device->alias))
			return g_strdup_printf("%s is left over in the configuration of %s",
					       device->alias, domain->name);
		halves++;
	}
	for (uint32_t i = 0; i < domain->n_nics; i++)
		nics += domain->nic[i].mode == SRV_MODE_FAILOVER;
	if (halves == nics)
		return NULL;
	return g_strdup_printf("the configuration of %s has %u virtio halves for %u failover nics",
			       domain->name, halves, nics);
}

char *sim_check_mended(void)
{
	char *broken = check_pfs() ?: check_all_lacking();

	for (int i = 0; i < SIM_DOMAINS && !broken; i++) {
		const struct sim_domain *domain = &sim_world->domain[i];

		if (*domain->uuid && !domain->stranger)
			broken = check_paused(domain) ?: check_stored(domain);
	}
	return broken;
}

/* 1, 4. MACs: at each moment of rest one place on the host receives what is for it. */

struct place {
	char name[160];
	uint8_t mac[6];
	const struct sim_domain *domain; /* whose it is; NULL: nobody's, or no guest's */
	bool vf, filter, bridged;
};

static void add_place(GArray *places, const struct place *place, const uint8_t mac[6])
{
	struct place copy = *place;

	memcpy(copy.mac, mac, 6);
	if (!sim_mac_is_zero(mac))
		g_array_append_val(places, copy);
}

/* With what the daemon has to say of it. */
static void name_vf(struct place *place, uint8_t bus, uint32_t vf)
{
	const struct srv_vf_ref ref = { { 0, bus, 0, 0 }, vf };
	const struct srv_vf *known = srv_model_vf(sim_daemon->model, ref);

	g_snprintf(place->name, sizeof(place->name), "VF %02x/%u (%s%s%s)", bus, vf,
		   known ? srv_vf_state_name(srv_vf_state(known, NULL)) : "not known",
		   known && known->reason ? ": " : "", known && known->reason ? known->reason : "");
}

/*
 * Its driver refused to take its last owner's MAC away, then its pool went from the configuration:
 * its quarantine says so, nobody gets it, and what no pool has is not sriovd's to try again.
 */
static bool is_nobodys(uint8_t bus, uint32_t vf)
{
	const struct srv_vf_ref ref = { { 0, bus, 0, 0 }, vf };
	const struct srv_vf *known = srv_model_vf(sim_daemon->model, ref);

	return known && !known->nic && !known->pool && known->mark == SRV_VF_QUARANTINED;
}

static void add_vfs(GArray *places)
{
	for (uint32_t i = 0; i < SIM_PFS * SIM_VFS; i++) {
		const struct sim_pf *pf = &sim_world->pf[i / SIM_VFS];
		uint32_t vf = i % SIM_VFS;
		struct place place = { .vf = true };

		if (!pf->vf[vf].exists || is_nobodys(pf->bus, vf))
			continue;
		place.domain = sim_function_holder(pf->bus, 2, (uint8_t)vf);
		name_vf(&place, pf->bus, vf);
		add_place(places, &place, pf->vf[vf].attrs.mac);
	}
}

/*
 * A macvtap has its link's address, which is another one while it is parked. One that went with its
 * PF receives nothing.
 */
static void add_devices(GArray *places, const struct sim_domain *domain)
{
	for (int i = 0; domain->active && i < SIM_NICS; i++) {
		const struct sim_device *device = &domain->device[i];
		const struct sim_link *link = sim_link_by_index(device->link);
		struct place place = { .domain = domain, .bridged = link && link->master };

		if (!device->exists || !link)
			continue;
		g_snprintf(place.name, sizeof(place.name), "%s of %s", device->alias, domain->name);
		add_place(places, &place,
			  strcmp(link->kind, "macvtap") == 0 ? link->mac : device->mac);
	}
}

/* For a guest behind a bridge, whose tap has it too. */
static void add_filters(GArray *places)
{
	for (int i = 0; i < SIM_LINKS; i++) {
		const struct sim_fdb *entry = &sim_world->fdb[i];
		struct place place = { .filter = true };

		g_snprintf(place.name, sizeof(place.name), "the filter of link %u", entry->ifindex);
		if (entry->ifindex)
			add_place(places, &place, entry->mac);
	}
}

/*
 * A failover nic's two halves both have it while the guest's driver does not work with the VF: the
 * PF has set it, and the VF receives nothing before its driver switches its queues on. And always
 * where the virtio half is behind a bridge, whose table decides (steer.h).
 */
static bool are_halves(const struct place *a, const struct place *b)
{
	return a->vf != b->vf && a->domain && a->domain == b->domain &&
	       (!a->domain->uses_vfs || a->bridged || b->bridged);
}

/* What comes for a guest behind a bridge goes through its PF's filter to its tap. */
static bool is_way_to(const struct place *a, const struct place *b)
{
	return a->filter != b->filter && !a->vf && !b->vf;
}

static char *compare_places(const GArray *places)
{
	for (guint i = 0; i < places->len; i++) {
		const struct place *a = &g_array_index(places, struct place, i);

		for (guint j = i + 1; j < places->len; j++) {
			const struct place *b = &g_array_index(places, struct place, j);

			if (memcmp(a->mac, b->mac, 6) == 0 && !are_halves(a, b) && !is_way_to(a, b))
				return g_strdup_printf("%s and %s have the same MAC ..:%02x:%02x",
						       a->name, b->name, a->mac[4], a->mac[5]);
		}
	}
	return NULL;
}

char *sim_check_macs(void)
{
	g_autoptr(GArray) places = g_array_new(FALSE, TRUE, sizeof(struct place));

	add_vfs(places);
	for (int i = 0; i < SIM_DOMAINS; i++)
		add_devices(places, &sim_world->domain[i]);
	add_filters(places);
	return compare_places(places);
}

/* All have gone: all VFs are back, and nothing is left of those who had them. */

static char *check_empty_pf(const struct srv_pf *pf)
{
	g_autofree char *counts = sim_counts(pf->name);

	/* One that could not be reset stays quarantined, and is there. */
	if (pf->state == SRV_PF_READY &&
	    pf->counts[SRV_VF_FREE] + pf->counts[SRV_VF_STATE_QUARANTINED] != pf->wanted_vfs)
		return g_strdup_printf("at the end %s has %s", pf->name, counts);
	return NULL;
}

char *sim_check_empty(void)
{
	char *broken = NULL;

	for (guint i = 0; i < sim_daemon->model->pfs->len && !broken; i++)
		broken = check_empty_pf(sim_daemon->model->pfs->pdata[i]);
	for (int i = 0; i < SIM_LINKS && !broken; i++) {
		if (sim_world->link[i].ifindex && sim_world->link[i].parent &&
		    !sim_world->link[i].foreign)
			broken = g_strdup_printf("at the end there is still link %s",
						 sim_world->link[i].name);
		else if (sim_world->fdb[i].ifindex)
			broken = g_strdup("at the end there is still a forwarding entry");
	}
	return broken;
}
