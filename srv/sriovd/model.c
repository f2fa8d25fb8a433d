// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/model.h"

#include <net/if.h>
#include <string.h>

#include "base/parse.h"
#include "srv/sriovd/queue.h"
#include "srv/sriovd/serial.h"

static void vf_free(gpointer data)
{
	struct srv_vf *vf = data;

	g_free(vf->reason);
	g_free(vf->foreign);
	srv_health_reset(&vf->health);
	srv_model_forget_ex_owners(vf);
	g_free(vf);
}

static void pf_free(gpointer data)
{
	struct srv_pf *pf = data;

	for (size_t i = 0; i < G_N_ELEMENTS(pf->scrub_source); i++)
		g_clear_handle_id(&pf->scrub_source[i], g_source_remove);
	g_ptr_array_unref(pf->vfs);
	g_ptr_array_unref(pf->netdevs);
	g_free(pf->was);
	if (pf->facts)
		spci_pf_free(pf->facts);
	srv_serial_unref(pf->serial);
	srv_queue_unref(pf->queue);
	srv_health_reset(&pf->health);
	srv_queue_unref(pf->reads);
	g_free(pf->name);
	g_free(pf->reason);
	g_free(pf->stranger);
	g_free(pf);
}

static void nic_free(gpointer data)
{
	struct srv_nic *nic = data;
	struct srv_nic_row *row = &nic->row;

	g_free(row->owner.key);
	g_free(row->owner.name);
	g_free(row->id);
	g_free(row->network);
	g_free(row->uplink);
	g_free(row->reason);
	g_free(row->decision);
	g_free(nic->stored_uplink);
	srv_team_reset(&nic->team);
	g_clear_pointer(&nic->waiters, g_array_unref);
	g_free(nic);
}

static guint mac_hash(gconstpointer key)
{
	const struct sriov_mac *mac = key;
	guint hash = 5381;

	for (int i = 0; i < 6; i++)
		hash = hash * 33 + mac->octet[i];
	return hash;
}

static gboolean mac_equal(gconstpointer a, gconstpointer b)
{
	return sriov_mac_equal(*(const struct sriov_mac *)a, *(const struct sriov_mac *)b);
}

struct srv_model *srv_model_new(void)
{
	struct srv_model *model = g_new0(struct srv_model, 1);

	model->config = srv_config_new_empty();
	model->pfs = g_ptr_array_new_with_free_func(pf_free);
	model->pfs_by_key = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	model->nics = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, nic_free);
	model->nics_by_mac = g_hash_table_new(mac_hash, mac_equal);
	return model;
}

void srv_model_free(struct srv_model *model)
{
	if (!model)
		return;
	g_hash_table_unref(model->nics_by_mac);
	g_hash_table_unref(model->nics);
	g_hash_table_unref(model->pfs_by_key);
	g_ptr_array_unref(model->pfs);
	srv_config_unref(model->config);
	g_free(model);
}

/* PFs and their VFs */

static gint compare_pfs(gconstpointer a, gconstpointer b)
{
	const struct srv_pf *x = *(const struct srv_pf *const *)a;
	const struct srv_pf *y = *(const struct srv_pf *const *)b;
	uint64_t i = sriov_bdf_key(x->bdf), j = sriov_bdf_key(y->bdf);

	return i < j ? -1 : i > j;
}

struct srv_pf *srv_model_pf(struct srv_model *model, struct sriov_bdf bdf)
{
	gint64 key = (gint64)sriov_bdf_key(bdf);

	return g_hash_table_lookup(model->pfs_by_key, &key);
}

#define NETDEVS_MAX 8 /* a row of the ledger has room for so many */
G_STATIC_ASSERT(SRV_PF_NETDEVS_STRLEN >= NETDEVS_MAX * IFNAMSIZ);

static void name_pf(struct srv_pf *pf)
{
	char address[SRIOV_BDF_STRLEN];

	g_free(pf->name);
	pf->name = pf->facts && pf->facts->netdev ? g_strdup(pf->facts->netdev)
						  : g_strdup(sriov_bdf_format(pf->bdf, address));
	if (!pf->facts || !pf->facts->netdev ||
	    (pf->netdevs->len &&
	     g_str_equal(pf->netdevs->pdata[pf->netdevs->len - 1], pf->facts->netdev)))
		return;
	if (pf->netdevs->len && !pf->was)
		pf->was = g_strdup(pf->netdevs->pdata[pf->netdevs->len - 1]);
	/* And back again, before anybody has followed it. */
	if (g_strcmp0(pf->was, pf->facts->netdev) == 0)
		g_clear_pointer(&pf->was, g_free);
	pf->netdevs_news = true;
	/* It may have had this one before. */
	for (guint i = 0; i < pf->netdevs->len; i++) {
		if (g_str_equal(pf->netdevs->pdata[i], pf->facts->netdev))
			g_ptr_array_remove_index(pf->netdevs, i--);
	}
	g_ptr_array_add(pf->netdevs, g_strdup(pf->facts->netdev));
	while (pf->netdevs->len > NETDEVS_MAX)
		g_ptr_array_remove_index(pf->netdevs, 0);
}

static void load_netdevs(struct srv_pf *pf, const char *names)
{
	g_auto(GStrv) split = g_strsplit(names, " ", -1);

	for (char **name = split; *name; name++) {
		if (**name)
			g_ptr_array_add(pf->netdevs, g_strdup(*name));
	}
}

static struct srv_pf *ensure_pf(struct srv_model *model, struct sriov_bdf bdf)
{
	struct srv_pf *pf = srv_model_pf(model, bdf);
	gint64 *key;

	if (pf)
		return pf;
	pf = g_new0(struct srv_pf, 1);
	pf->model = model;
	pf->bdf = bdf;
	pf->vfs = g_ptr_array_new_with_free_func(vf_free);
	pf->netdevs = g_ptr_array_new_with_free_func(g_free);
	pf->state = SRV_PF_GONE;
	pf->wanted_vfs = SRV_NUM_VFS_KEEP;
	name_pf(pf);
	pf->serial = srv_serial_new();
	pf->queue = srv_queue_new(pf->name);
	pf->reads = srv_queue_new(pf->name);
	key = g_new(gint64, 1);
	*key = (gint64)sriov_bdf_key(bdf);
	g_hash_table_insert(model->pfs_by_key, key, pf);
	g_ptr_array_add(model->pfs, pf);
	g_ptr_array_sort(model->pfs, compare_pfs);
	return pf;
}

/* A VF that nobody has told us anything about counts as dirty. */
static struct srv_vf *ensure_vf(struct srv_pf *pf, uint32_t index)
{
	while (pf->vfs->len <= index) {
		struct srv_vf *vf = g_new0(struct srv_vf, 1);

		vf->pf = pf;
		vf->ref = (struct srv_vf_ref){ pf->bdf, pf->vfs->len };
		vf->mark = SRV_VF_DIRTY;
		g_ptr_array_add(pf->vfs, vf);
	}
	return pf->vfs->pdata[index];
}

void srv_pf_recount(struct srv_pf *pf)
{
	memset(pf->counts, 0, sizeof(pf->counts));
	for (guint i = 0; i < pf->vfs->len; i++) {
		const struct srv_vf *vf = pf->vfs->pdata[i];

		if (vf->facts || vf->nic)
			pf->counts[srv_vf_state(vf, NULL)]++;
	}
}

static const char *missing_reason(const struct srv_model *model)
{
	return model->looked ? "the kernel has no such device now"
			     : "whether the kernel has it is being looked at";
}

/* Which of its VFs belong to which pool, and how many the pools want; PF states that follow from
 * it. */
static void apply_config(struct srv_model *model, struct srv_pf *pf)
{
	bool managed = false;

	pf->wanted_vfs = SRV_NUM_VFS_KEEP;
	pf->external = false;
	for (guint i = 0; pf->facts && i < model->config->pools->len; i++) {
		const struct srv_pool *pool = model->config->pools->pdata[i];
		g_autoptr(GArray) ranges = NULL;

		if (!srv_pool_selects(pool, pf->facts, &ranges))
			continue;
		managed = true;
		pf->external |= pool->externally_managed;
		if (pool->num_vfs != SRV_NUM_VFS_KEEP)
			pf->wanted_vfs = pool->num_vfs;
	}
	if (managed && !pf->external && pf->resize_vfs)
		pf->wanted_vfs = pf->resize_vfs;
	for (guint i = 0; i < pf->vfs->len; i++) {
		struct srv_vf *vf = pf->vfs->pdata[i];

		vf->pool = pf->facts ? srv_config_pool_of(model->config, pf->facts, i) : NULL;
	}
	if (!pf->facts)
		srv_model_set_pf_state(pf, SRV_PF_GONE, pf->stranger ?: missing_reason(model));
	else if (!managed)
		srv_model_set_pf_state(pf, SRV_PF_UNMANAGED, NULL);
	else if (pf->state == SRV_PF_UNMANAGED || pf->state == SRV_PF_GONE)
		srv_model_set_pf_state(pf, SRV_PF_CONFIGURING, NULL);
	srv_pf_recount(pf);
}

/* What the kernel does not have any more has no history: it is dirty again should it come back. */
static void join_vfs(struct srv_pf *pf)
{
	for (guint i = 0; i < pf->vfs->len; i++) {
		struct srv_vf *vf = pf->vfs->pdata[i];

		vf->facts = NULL;
	}
	for (size_t i = 0; pf->facts && i < pf->facts->n_vfs; i++) {
		const struct spci_vf *facts = &pf->facts->vfs[i];

		ensure_vf(pf, facts->index)->facts = facts;
	}
	for (guint i = 0; i < pf->vfs->len; i++) {
		struct srv_vf *vf = pf->vfs->pdata[i];

		if (vf->facts)
			continue;
		vf->fresh = vf->left = false;
		srv_health_reset(&vf->health);
		/* The one that its owner was given clean is not the one that comes back. */
		if (vf->nic)
			vf->nic->untouched = false;
		if (vf->mark != SRV_VF_CLEAN)
			continue;
		vf->mark = SRV_VF_DIRTY;
		vf->vanished = true;
	}
}

#define SETTLE_SECONDS 6

bool srv_pf_is_settling(const struct srv_pf *pf)
{
	return pf->settling_since &&
	       g_get_monotonic_time() - pf->settling_since < SETTLE_SECONDS * G_USEC_PER_SEC;
}

static void note_link(struct srv_pf *pf, bool was_up, bool admin_up, enum spci_link link)
{
	if (!admin_up || link != SPCI_LINK_DOWN)
		pf->settling_since = 0;
	else if (!was_up)
		pf->settling_since = g_get_monotonic_time();
}

void srv_model_set_link(struct srv_pf *pf, bool admin_up, enum spci_link link)
{
	note_link(pf, pf->facts->admin_up, admin_up, link);
	pf->facts->admin_up = admin_up;
	pf->link_taken = ++pf->model->takes;
	if (pf->facts->link == link)
		return;
	pf->facts->link = link;
	pf->link_since = g_get_monotonic_time();
}

/* Another NIC than the ledger means. What reads as all ones is not answering. */
static bool is_another(const struct srv_pf *pf, const struct spci_pf *facts)
{
	if (!pf->vendor || !facts->vendor || facts->vendor == UINT16_MAX)
		return false;
	return facts->vendor != pf->vendor || facts->device != pf->device;
}

/* What of the ledger would befall whatever is in the PF's place: "that it is drained, …"; "":
 * nothing. */
static char *list_bonds(const struct srv_pf *pf)
{
	GString *bonds = g_string_new(pf->drained ? "that it is drained" : "");
	guint owned = 0;

	for (guint i = 0; i < pf->vfs->len; i++)
		owned += ((const struct srv_vf *)pf->vfs->pdata[i])->nic != NULL;
	if (pf->resize_vfs)
		g_string_append_printf(bonds, "%sthat it has %u VFs", bonds->len ? ", " : "",
				       pf->resize_vfs);
	if (owned)
		g_string_append_printf(bonds, "%swho has %u of its VFs", bonds->len ? ", " : "",
				       owned);
	return g_string_free(bonds, FALSE);
}

/* Nothing of the NIC that was there stands for the one that is there. */
static void forget_nic(struct srv_pf *pf)
{
	pf->vendor = pf->device = 0;
	for (guint i = 0; i < pf->vfs->len; i++) {
		struct srv_vf *vf = pf->vfs->pdata[i];

		vf->vanished |= vf->mark != SRV_VF_DIRTY;
		srv_model_mark_vf(vf, SRV_VF_DIRTY, NULL);
	}
}

/* The facts, when they may be taken as the PF's; NULL, the facts being freed, when they may not. */
static struct spci_pf *admit(struct srv_pf *pf, struct spci_pf *facts)
{
	g_autofree char *bonds = NULL;
	char address[SRIOV_BDF_STRLEN];

	g_clear_pointer(&pf->stranger, g_free);
	if (!facts || !is_another(pf, facts)) {
		pf->stranger_told = false;
		return facts;
	}
	bonds = list_bonds(pf);
	if (!*bonds) {
		forget_nic(pf);
		return facts;
	}
	sriov_bdf_format(pf->bdf, address);
	pf->stranger = g_strdup_printf(
		"another NIC is in its place: %04x:%04x (%s), where the ledger knows %04x:%04x; "
		"this one is not used, for what is known of that one (%s) is not this one's. Put "
		"that one back, or take away what is known of it: sriovctl undrain %s takes the "
		"orders, sriovctl vf release the claims, and VFs of guests go when those are shut "
		"down",
		facts->vendor, facts->device, facts->device_name ?: "unknown device", pf->vendor,
		pf->device, bonds, address);
	spci_pf_free(facts);
	return NULL;
}

void srv_model_set_pf(struct srv_model *model, struct srv_pf *pf, struct spci_pf *facts,
		      uint64_t since)
{
	facts = admit(pf, facts);
	if (facts && pf->facts && pf->link_taken > since && facts->ifindex == pf->facts->ifindex) {
		facts->admin_up = pf->facts->admin_up;
		facts->link = pf->facts->link;
	}
	note_link(pf, pf->facts && pf->facts->admin_up, facts && facts->admin_up,
		  facts ? facts->link : SPCI_LINK_UNKNOWN);
	/* Seen for the first time, it has been so for who knows how long. */
	if (pf->facts ? !facts || facts->link != pf->facts->link : pf->link_since != 0)
		pf->link_since = g_get_monotonic_time();
	/* What failed with another driver, or none, may work now. */
	if (pf->state == SRV_PF_FAILED && pf->facts && facts &&
	    (g_strcmp0(pf->facts->driver, facts->driver) != 0 ||
	     pf->facts->ifindex != facts->ifindex))
		srv_model_set_pf_state(pf, SRV_PF_CONFIGURING, NULL);
	if (pf->facts)
		spci_pf_free(pf->facts);
	pf->facts = facts;
	if (!facts)
		srv_health_reset(&pf->health);
	pf->taken = ++model->takes;
	pf->taken_at = g_get_monotonic_time();
	join_vfs(pf);
	name_pf(pf);
	apply_config(model, pf);
}

void srv_model_set_inventory(struct srv_model *model, struct spci_inventory *inventory)
{
	srv_model_set_inventory_since(model, inventory, model->takes);
}

void srv_model_set_inventory_since(struct srv_model *model, struct spci_inventory *inventory,
				   uint64_t since)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	bool recount = model->unsafe_interrupts != inventory->unsafe_interrupts;

	model->iommu = inventory->iommu;
	model->vfio = inventory->vfio;
	model->unsafe_interrupts = inventory->unsafe_interrupts;
	model->noiommu = inventory->noiommu;
	model->looked = true;
	while (inventory->pfs->len) {
		/* g_ptr_array_steal_index() keeps the array's free function off what we take. */
		struct spci_pf *facts = g_ptr_array_steal_index_fast(inventory->pfs, 0);
		struct srv_pf *pf = ensure_pf(model, facts->bdf);

		g_hash_table_add(seen, pf);
		if (pf->taken <= since)
			srv_model_set_pf(model, pf, facts, since);
		else
			spci_pf_free(facts);
	}
	for (guint i = 0; i < model->pfs->len; i++) {
		struct srv_pf *pf = model->pfs->pdata[i];

		if (!g_hash_table_contains(seen, pf) && pf->taken <= since)
			srv_model_set_pf(model, pf, NULL, since);
		else if (recount)
			srv_pf_recount(pf);
	}
}

void srv_model_set_config(struct srv_model *model, struct srv_config *config)
{
	struct srv_config *old = model->config;

	model->config = srv_config_ref(config);
	for (guint i = 0; i < model->pfs->len; i++)
		apply_config(model, model->pfs->pdata[i]);
	srv_config_unref(old);
}

struct srv_pf *srv_model_find_pf(struct srv_model *model, const char *name)
{
	struct sriov_bdf bdf;

	for (guint i = 0; i < model->pfs->len; i++) {
		struct srv_pf *pf = model->pfs->pdata[i];

		if (g_str_equal(pf->name, name))
			return pf;
	}
	return sriov_bdf_parse(name, &bdf) == 0 ? srv_model_pf(model, bdf) : NULL;
}

struct srv_pf *srv_model_pf_by_ifindex(struct srv_model *model, uint32_t ifindex)
{
	for (guint i = 0; i < model->pfs->len; i++) {
		struct srv_pf *pf = model->pfs->pdata[i];

		if (pf->facts && pf->facts->ifindex == ifindex && ifindex)
			return pf;
	}
	return NULL;
}

struct srv_vf *srv_model_vf(struct srv_model *model, struct srv_vf_ref ref)
{
	struct srv_pf *pf = srv_model_pf(model, ref.pf);

	return pf && ref.index < pf->vfs->len ? pf->vfs->pdata[ref.index] : NULL;
}

struct srv_vf *srv_model_vf_by_address(struct srv_model *model, struct sriov_bdf bdf)
{
	for (guint i = 0; i < model->pfs->len; i++) {
		const struct srv_pf *pf = model->pfs->pdata[i];

		for (guint j = 0; j < pf->vfs->len; j++) {
			struct srv_vf *vf = pf->vfs->pdata[j];

			if (vf->facts && sriov_bdf_equal(vf->facts->bdf, bdf))
				return vf;
		}
	}
	return NULL;
}

struct srv_vf *srv_model_find_vf(struct srv_model *model, const char *name)
{
	const char *slash = strrchr(name, '/');
	struct sriov_bdf bdf;

	if (slash) {
		g_autofree char *head = g_strndup(name, (gsize)(slash - name));
		struct srv_pf *pf = srv_model_find_pf(model, head);
		uint64_t index;

		if (!pf || sriov_parse_u64(slash + 1, 10, UINT16_MAX, &index) < 0)
			return NULL;
		return srv_model_vf(model, (struct srv_vf_ref){ pf->bdf, (uint32_t)index });
	}
	return sriov_bdf_parse(name, &bdf) == 0 ? srv_model_vf_by_address(model, bdf) : NULL;
}

void srv_model_set_pf_state(struct srv_pf *pf, enum srv_pf_state state, const char *reason)
{
	char *copy = g_strdup(reason);

	pf->state = state;
	g_free(pf->reason);
	pf->reason = copy;
}

/* VFs */

/*
 * What keeps whoever has the VF from writing wherever it likes: the IOMMU, and its remapping of
 * interrupts, without which a device can raise any interrupt of the host.
 */
static const char *unsafe_reason(const struct srv_vf *vf)
{
	const struct srv_model *model = vf->pf->model;
	const struct srv_vfio_settings *allowed = &model->config->vfio;

	if (vf->facts->iommu_group < 0)
		return "it has no IOMMU group: enable the IOMMU in the firmware and on the "
		       "kernel's "
		       "command line (intel_iommu=on or amd_iommu=on)";
	if (vf->facts->noiommu && !allowed->allow_noiommu)
		return "VFIO has it without an IOMMU (enable_unsafe_noiommu_mode), so that whoever "
		       "gets it can write to all of the host's memory: enable the IOMMU in the "
		       "firmware and on the kernel's command line (intel_iommu=on or "
		       "amd_iommu=on), "
		       "or say \"vfio\": {\"allowNoIommu\": true} in the configuration";
	if (model->unsafe_interrupts && !vf->facts->noiommu && !allowed->allow_unsafe_interrupts)
		return "the host lets VFIO give devices away without interrupt remapping "
		       "(allow_unsafe_interrupts=Y), so that whoever gets it may raise any "
		       "interrupt of the host: set the parameter of the modules vfio_iommu_type1 "
		       "and iommufd to N, "
		       "or say \"vfio\": {\"allowUnsafeInterrupts\": true} in the configuration";
	return NULL;
}

static const char *unusable_reason(const struct srv_vf *vf)
{
	const struct spci_vf *facts = vf->facts;
	const char *unsafe;

	if (!facts)
		return "the kernel does not have it now";
	if (vf->foreign)
		return vf->foreign;
	if (vf->health.recovering_since)
		return "the kernel is recovering it from a PCIe error";
	/* Clean for want of having been touched, or because it was scrubbed after its error. */
	if (vf->health.watched_until || (vf->health.fault && vf->mark == SRV_VF_CLEAN))
		return vf->health.fault;
	if (vf->pool->device_type == SRV_DEVICE_NETDEV)
		return facts->driver && !g_str_equal(facts->driver, "vfio-pci")
			       ? NULL
			       : "no network driver holds it, as its pool's deviceType wants";
	unsafe = unsafe_reason(vf);
	if (unsafe)
		return unsafe;
	if (facts->group_shared)
		return "its IOMMU group holds other devices too, so that it cannot be given away "
		       "alone "
		       "(no ACS on the way to it)";
	if (g_strcmp0(facts->driver, "vfio-pci") != 0)
		return "it is not bound to vfio-pci (is the module there: modprobe vfio-pci?)";
	return NULL;
}

/*
 * Its pool is gone, and what its last owner had on it is not: his MAC, which he may have on another
 * VF by now, and his VLAN for whoever takes this one by hand. Of one that only the ledger tells of,
 * and that a network driver has, somebody may have made use meanwhile.
 */
static bool is_left_unclean(const struct srv_vf *vf)
{
	return vf->left && vf->facts && !vf->foreign && vf->mark == SRV_VF_DIRTY &&
	       (vf->ex_owners || g_strcmp0(vf->facts->driver, "vfio-pci") == 0);
}

enum srv_vf_state srv_vf_state(const struct srv_vf *vf, const char **ret_reason)
{
	const char *reason = NULL;
	enum srv_vf_state state;

	if (vf->nic)
		state = SRV_VF_OWNED;
	else if (!vf->pool)
		state = is_left_unclean(vf) ? SRV_VF_STATE_DIRTY : SRV_VF_UNMANAGED;
	else if (vf->mark == SRV_VF_QUARANTINED) {
		state = SRV_VF_STATE_QUARANTINED;
		reason = vf->reason;
	} else if (vf->health.condemned && vf->mark != SRV_VF_DIRTY) {
		state = SRV_VF_STATE_QUARANTINED;
		reason = vf->health.fault;
	} else if ((reason = unusable_reason(vf)))
		state = SRV_VF_UNUSABLE;
	else
		state = vf->mark == SRV_VF_CLEAN ? SRV_VF_FREE : SRV_VF_STATE_DIRTY;
	if (ret_reason)
		*ret_reason = reason;
	return state;
}

const char *srv_vf_state_name(enum srv_vf_state state)
{
	switch (state) {
	case SRV_VF_FREE:
		return "free";
	case SRV_VF_OWNED:
		return "owned";
	case SRV_VF_STATE_DIRTY:
		return "dirty";
	case SRV_VF_STATE_QUARANTINED:
		return "quarantined";
	case SRV_VF_UNUSABLE:
		return "unusable";
	case SRV_VF_UNMANAGED:
		return "unmanaged";
	}
	g_assert_not_reached();
}

const char *srv_pf_state_name(enum srv_pf_state state)
{
	switch (state) {
	case SRV_PF_UNMANAGED:
		return "unmanaged";
	case SRV_PF_CONFIGURING:
		return "configuring";
	case SRV_PF_READY:
		return "ready";
	case SRV_PF_STUCK:
		return "stuck";
	case SRV_PF_GONE:
		return "gone";
	case SRV_PF_FAILED:
		return "failed";
	}
	g_assert_not_reached();
}

char *srv_vf_name(const struct srv_vf *vf)
{
	return g_strdup_printf("%s/%u", vf->pf->name, vf->ref.index);
}

void srv_model_mark_vf(struct srv_vf *vf, enum srv_vf_mark mark, const char *reason)
{
	char *copy = g_strdup(reason);

	vf->mark = mark;
	if (mark != SRV_VF_DIRTY)
		vf->left = false;
	g_free(vf->reason);
	vf->reason = copy;
	srv_pf_recount(vf->pf);
}

void srv_model_set_foreign(struct srv_vf *vf, const char *holder)
{
	char *copy = g_strdup(holder);

	g_free(vf->foreign);
	vf->foreign = copy;
	if (copy)
		vf->fresh = false;
	srv_pf_recount(vf->pf);
}

void srv_health_set_fault(struct srv_health *health, const char *fault)
{
	char *copy = g_strdup(fault);

	g_free(health->fault);
	health->fault = copy;
}

void srv_health_reset(struct srv_health *health)
{
	g_free(health->fault);
	*health = (struct srv_health){ 0 };
}

/* Out of the ledger */

static void load_pf(struct srv_model *model, const struct srv_pf_row *row)
{
	struct srv_pf *pf = ensure_pf(model, row->pf);

	pf->vendor = row->vendor;
	pf->device = row->device;
	pf->drained = row->drained;
	pf->resizing = row->resizing;
	pf->forced = row->forced;
	pf->resize_vfs = row->want_vfs;
	load_netdevs(pf, row->netdevs);
}

static bool is_stood_on(const struct srv_pf *pf)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, pf->model->nics);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		if (srv_nic_stands_on(value, pf))
			return true;
	}
	return false;
}

void srv_model_forget_missing(struct srv_model *model)
{
	for (guint i = 0; i < model->pfs->len;) {
		struct srv_pf *pf = model->pfs->pdata[i];
		gint64 key = (gint64)sriov_bdf_key(pf->bdf);

		if (pf->facts || pf->stranger || pf->vfs->len || pf->drained || pf->resizing ||
		    pf->resize_vfs || is_stood_on(pf)) {
			i++;
			continue;
		}
		g_hash_table_remove(model->pfs_by_key, &key);
		g_ptr_array_remove_index(model->pfs, i);
	}
}

void srv_model_load(struct srv_model *model, const struct srv_ledger_image *image)
{
	for (guint i = 0; i < image->vfs->len; i++) {
		const struct srv_vf_row *row = image->vfs->pdata[i];
		struct srv_vf *vf = ensure_vf(ensure_pf(model, row->ref.pf), row->ref.index);

		vf->mark = row->mark;
		vf->left = row->mark == SRV_VF_DIRTY;
		vf->reason = g_strdup(row->reason);
	}
	for (guint i = 0; i < image->nics->len; i++) {
		const struct srv_nic_row *row = image->nics->pdata[i];
		struct srv_nic *nic = srv_model_add_nic(model, row);

		if (row->backing == SRV_BACKING_VF)
			srv_model_set_backing(
				nic, SRV_BACKING_VF,
				ensure_vf(ensure_pf(model, row->vf.pf), row->vf.index));
		else
			nic->row.backing = row->backing;
		model->last_place = MAX(model->last_place, row->waiting_place);
		nic->team.negotiated = row->negotiated ? SRV_NEGOTIATED_YES
						       : SRV_NEGOTIATED_UNKNOWN;
		/* What became of it while we did not run, libvirt will tell. */
		nic->doubtful = row->backing != SRV_BACKING_NONE;
	}
	for (guint i = 0; image->pfs && i < image->pfs->len; i++)
		load_pf(model, &g_array_index(image->pfs, struct srv_pf_row, i));
}
