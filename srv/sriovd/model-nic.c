// SPDX-License-Identifier: GPL-2.0-or-later
/* The half of the model that is about nics: who they are, what carries them, where they stand. */
#include "srv/sriovd/model.h"

#include <string.h>

static char *nic_key(const struct srv_owner *owner, const char *id)
{
	return g_strdup_printf("%d:%s/%s", (int)owner->kind, owner->key, id);
}

struct srv_nic *srv_model_nic(struct srv_model *model, const struct srv_owner *owner,
			      const char *id)
{
	g_autofree char *key = nic_key(owner, id);

	return g_hash_table_lookup(model->nics, key);
}

struct srv_nic *srv_model_nic_by_mac(struct srv_model *model, struct sriov_mac mac)
{
	return g_hash_table_lookup(model->nics_by_mac, &mac);
}

struct srv_nic *srv_model_add_nic(struct srv_model *model, const struct srv_nic_row *row)
{
	struct srv_nic *nic = g_new0(struct srv_nic, 1);
	g_autofree struct srv_nic_row *copy = srv_nic_row_copy(row);

	nic->row = *copy;
	nic->row.backing = SRV_BACKING_NONE;
	g_hash_table_replace(model->nics, nic_key(&row->owner, row->id), nic);
	g_hash_table_replace(model->nics_by_mac, &nic->row.mac, nic);
	return nic;
}

void srv_model_remove_nic(struct srv_model *model, struct srv_nic *nic)
{
	g_autofree char *key = nic_key(&nic->row.owner, nic->row.id);

	g_assert(!nic->vf);
	if (srv_model_nic_by_mac(model, nic->row.mac) == nic)
		g_hash_table_remove(model->nics_by_mac, &nic->row.mac);
	g_hash_table_remove(model->nics, key);
}

void srv_model_forget_ex_owners(struct srv_vf *vf)
{
	g_clear_pointer(&vf->ex_owners, g_ptr_array_unref);
}

static void key_free(gpointer key)
{
	srv_nic_key_free(key);
}

static gboolean is_key_of(gconstpointer key, gconstpointer nic)
{
	const struct srv_nic_key *a = key;
	const struct srv_nic *b = nic;

	return a->owner.kind == b->row.owner.kind && g_str_equal(a->owner.key, b->row.owner.key) &&
	       g_str_equal(a->id, b->row.id);
}

static void add_ex_owner(struct srv_vf *vf, const struct srv_nic *nic)
{
	if (!vf->ex_owners)
		vf->ex_owners = g_ptr_array_new_with_free_func(key_free);
	if (!g_ptr_array_find_with_equal_func(vf->ex_owners, nic, is_key_of, NULL))
		g_ptr_array_add(vf->ex_owners, srv_nic_key_of(nic));
}

void srv_model_set_backing(struct srv_nic *nic, enum srv_backing backing, struct srv_vf *vf)
{
	struct srv_vf *old = nic->vf;

	g_assert((backing == SRV_BACKING_VF) == (vf != NULL));
	g_assert(!vf || !vf->nic || vf->nic == nic);
	if (old && old != vf) {
		old->nic = NULL;
		old->fresh = false;
		add_ex_owner(old, nic);
		old->left = true;
		srv_model_mark_vf(old, SRV_VF_DIRTY, NULL);
	}
	nic->vf = vf;
	nic->row.backing = backing;
	/* The virtio half of a failover nic stays where it is, whatever else there is. */
	if (backing != SRV_BACKING_VIRTIO && nic->row.mode != SRV_MODE_FAILOVER)
		g_clear_pointer(&nic->row.uplink, g_free);
	if (!vf)
		return;
	nic->row.vf = vf->ref;
	vf->nic = nic;
	vf->fresh = false;
	srv_model_mark_vf(vf, SRV_VF_DIRTY, NULL);
}

void srv_model_set_nic_state(struct srv_nic *nic, enum srv_nic_state state, const char *reason)
{
	char *copy = g_strdup(reason);

	if (nic->row.state != state)
		nic->row.since = g_get_real_time() / G_USEC_PER_SEC;
	nic->changed = g_get_monotonic_time();
	nic->row.state = state;
	g_free(nic->row.reason);
	nic->row.reason = copy;
}

void srv_model_waits(struct srv_model *model, struct srv_nic *nic)
{
	if (!nic->row.waiting_since)
		nic->row.waiting_since = g_get_real_time() / G_USEC_PER_SEC;
	if (!nic->row.waiting_place)
		nic->row.waiting_place = ++model->last_place;
}

void srv_model_waits_no_more(struct srv_nic *nic)
{
	nic->row.waiting_since = 0;
	nic->row.waiting_place = 0;
}

static gint compare_nics(gconstpointer a, gconstpointer b)
{
	const struct srv_nic *x = *(const struct srv_nic *const *)a;
	const struct srv_nic *y = *(const struct srv_nic *const *)b;
	int by_name = strcmp(x->row.owner.name, y->row.owner.name);

	return by_name ? by_name : strcmp(x->row.id, y->row.id);
}

static bool is_anybodys(const struct srv_nic *nic, const char *owner)
{
	return true;
}

static bool is_owners(const struct srv_nic *nic, const char *owner)
{
	return g_str_equal(nic->row.owner.key, owner) || g_str_equal(nic->row.owner.name, owner);
}

static bool is_domains(const struct srv_nic *nic, const char *uuid)
{
	return nic->row.owner.kind == SRV_OWNER_LIBVIRT && g_str_equal(nic->row.owner.key, uuid);
}

static GPtrArray *collect_nics(struct srv_model *model,
			       bool (*belongs)(const struct srv_nic *nic, const char *owner),
			       const char *owner)
{
	GPtrArray *nics = g_ptr_array_new();
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, model->nics);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		if (belongs(value, owner))
			g_ptr_array_add(nics, value);
	}
	g_ptr_array_sort(nics, compare_nics);
	return nics;
}

GPtrArray *srv_model_nics_of(struct srv_model *model, const char *owner)
{
	return collect_nics(model, is_owners, owner);
}

GPtrArray *srv_model_nics_of_domain(struct srv_model *model, const char *uuid)
{
	return collect_nics(model, is_domains, uuid);
}

GPtrArray *srv_model_nics(struct srv_model *model)
{
	return collect_nics(model, is_anybodys, NULL);
}

bool srv_uplink_is_on(const char *uplink, const char *pf)
{
	size_t len = strlen(pf);

	return strncmp(uplink, pf, len) == 0 && (uplink[len] == '\0' || uplink[len] == '.');
}

bool srv_nic_stands_on(const struct srv_nic *nic, const struct srv_pf *pf)
{
	const char *uplink = nic->row.uplink;

	if (!uplink)
		return false;
	if (srv_uplink_is_on(uplink, pf->name))
		return true;
	/* By a name that it had, and that nobody else has now. */
	for (guint i = 0; i < pf->netdevs->len; i++) {
		if (srv_uplink_is_on(uplink, pf->netdevs->pdata[i]) &&
		    !srv_model_find_pf(pf->model, pf->netdevs->pdata[i]))
			return true;
	}
	return false;
}

struct srv_nic_key *srv_nic_key_of(const struct srv_nic *nic)
{
	struct srv_nic_key *key = g_new0(struct srv_nic_key, 1);

	key->owner.kind = nic->row.owner.kind;
	key->owner.key = g_strdup(nic->row.owner.key);
	key->id = g_strdup(nic->row.id);
	return key;
}

void srv_nic_key_free(struct srv_nic_key *key)
{
	g_free(key->owner.key);
	g_free(key->id);
	g_free(key);
}

struct srv_nic *srv_nic_of_key(struct srv_model *model, const struct srv_nic_key *key)
{
	return srv_model_nic(model, &key->owner, key->id);
}

struct snl_vf_attrs srv_nic_attrs(const struct srv_nic *nic, const struct srv_network *network)
{
	struct snl_vf_attrs attrs = network->attrs;

	attrs.mac = nic->row.mac;
	attrs.mask |= SNL_VF_MAC;
	return attrs;
}

void srv_team_reset(struct srv_team *team)
{
	g_free(team->tap);
	g_free(team->misplaced);
	g_free(team->off_vlan);
	g_free(team->unlike);
	*team = (struct srv_team){ 0 };
}
