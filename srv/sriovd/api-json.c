// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/api-json.h"

#include <linux/if_ether.h>

static void set_int(json_t *json, const char *key, json_int_t value)
{
	json_object_set_new(json, key, json_integer(value));
}

static void set_text(json_t *json, const char *key, const char *value)
{
	if (value)
		json_object_set_new(json, key, json_string(value));
}

static const char *link_name(const struct spci_pf *facts)
{
	switch (facts ? facts->link : SPCI_LINK_UNKNOWN) {
	case SPCI_LINK_UNKNOWN:
		return "unknown";
	case SPCI_LINK_DOWN:
		return "down";
	case SPCI_LINK_UP:
		return "up";
	}
	g_assert_not_reached();
}

/* As pci.ids calls it; NULL when it does not know it. */
static char *model_name(const struct spci_pf *facts)
{
	if (!facts->device_name)
		return NULL;
	if (!facts->vendor_name)
		return g_strdup(facts->device_name);
	return g_strdup_printf("%s %s", facts->vendor_name, facts->device_name);
}

static void add_facts(json_t *json, const struct spci_pf *facts)
{
	g_autofree char *model = model_name(facts);
	g_autofree char *vendor = g_strdup_printf("%04x", facts->vendor);
	g_autofree char *device = g_strdup_printf("%04x", facts->device);

	set_text(json, "netdev", facts->netdev);
	set_text(json, "vendor", vendor);
	set_text(json, "device", device);
	set_text(json, "model", model);
	set_text(json, "driver", facts->driver);
	if (facts->speed)
		set_int(json, "speed", facts->speed);
	if (facts->numa_node >= 0)
		set_int(json, "numaNode", facts->numa_node);
	set_int(json, "totalVfs", facts->total_vfs);
	set_int(json, "numVfs", facts->num_vfs);
}

static void add_health(json_t *json, const struct srv_health *health)
{
	if (health->seen.known)
		json_object_set_new(json, "pcieErrors",
				    json_pack("{s:I, s:I}", "fatal", (json_int_t)health->seen.fatal,
					      "nonfatal", (json_int_t)health->seen.nonfatal));
	set_text(json, "fault", health->fault);
}

static char *reason_of(const struct srv_pf *pf, const struct srv_pf_view *view)
{
	const char *problem = view ? view->problem : NULL;

	if (pf->reason && problem)
		return g_strdup_printf("%s; %s", pf->reason, problem);
	return g_strdup(pf->reason ?: problem);
}

json_t *srv_pf_to_json(const struct srv_model *model, const struct srv_pf *pf,
		       const struct srv_pf_view *view)
{
	const struct srv_pool *pool =
		pf->facts ? srv_config_pool_of(model->config, pf->facts, UINT32_MAX) : NULL;
	g_autofree char *reason = reason_of(pf, view);
	char address[SRIOV_BDF_STRLEN];
	json_t *json;

	/* Of one that is gone, no more is known than where it was. */
	json = json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:s}", "address",
			 sriov_bdf_format(pf->bdf, address), "link", link_name(pf->facts), "vendor",
			 "unknown", "device", "unknown", "totalVfs", 0, "numVfs", 0, "state",
			 srv_pf_state_name(pf->state));
	if (pf->facts)
		add_facts(json, pf->facts);
	if (pool)
		set_text(json, "pool", pool->name);
	if (pf->wanted_vfs != SRV_NUM_VFS_KEEP)
		set_int(json, "wantedVfs", pf->wanted_vfs);
	set_int(json, "free", pf->counts[SRV_VF_FREE]);
	set_int(json, "owned", pf->counts[SRV_VF_OWNED]);
	set_int(json, "dirty", pf->counts[SRV_VF_STATE_DIRTY]);
	set_int(json, "quarantined", pf->counts[SRV_VF_STATE_QUARANTINED]);
	set_int(json, "unusable", pf->counts[SRV_VF_UNUSABLE]);
	set_text(json, "reason", reason);
	if (pf->drained)
		json_object_set_new(json, "drained", json_true());
	add_health(json, &pf->health);
	if (view && view->stale)
		set_int(json, "stale", view->stale);
	return json;
}

static json_t *attrs_to_json(const struct snl_vf_attrs *attrs)
{
	static const char *const link_states[] = { [SNL_VF_LINK_AUTO] = "auto",
						   [SNL_VF_LINK_ENABLE] = "enable",
						   [SNL_VF_LINK_DISABLE] = "disable" };
	json_t *json = json_object();
	char mac[SRIOV_MAC_STRLEN];

	if (attrs->mask & SNL_VF_MAC)
		set_text(json, "mac", sriov_mac_format(attrs->mac, mac));
	if (attrs->mask & SNL_VF_VLAN) {
		set_int(json, "vlan", attrs->vlan);
		set_int(json, "qos", attrs->qos);
		set_text(json, "vlanProto",
			 attrs->vlan_proto == ETH_P_8021AD ? "802.1ad" : "802.1Q");
	}
	if (attrs->mask & SNL_VF_RATE) {
		set_int(json, "minTxRate", attrs->min_tx_rate);
		set_int(json, "maxTxRate", attrs->max_tx_rate);
	}
	if (attrs->mask & SNL_VF_SPOOFCHK)
		json_object_set_new(json, "spoofchk", json_boolean(attrs->spoofchk));
	if (attrs->mask & SNL_VF_TRUST)
		json_object_set_new(json, "trust", json_boolean(attrs->trust));
	if (attrs->mask & SNL_VF_LINK_STATE && attrs->link_state < G_N_ELEMENTS(link_states))
		set_text(json, "linkState", link_states[attrs->link_state]);
	return json;
}

json_t *srv_owner_to_json(const struct srv_owner *owner)
{
	json_t *json = json_pack("{s:s, s:s}", "kind", srv_owner_kind_name(owner->kind), "name",
				 owner->name);

	if (owner->kind == SRV_OWNER_LIBVIRT)
		set_text(json, "uuid", owner->key);
	return json;
}

static const char *vf_address(const struct srv_vf *vf, char buf[SRIOV_BDF_STRLEN])
{
	return vf->facts ? sriov_bdf_format(vf->facts->bdf, buf) : "";
}

json_t *srv_vf_to_json(const struct srv_vf *vf, const struct snl_vf_attrs *attrs)
{
	g_autofree char *name = srv_vf_name(vf);
	char address[SRIOV_BDF_STRLEN];
	const char *reason;
	enum srv_vf_state state = srv_vf_state(vf, &reason);
	json_t *json = json_pack("{s:s, s:s, s:s, s:i, s:s}", "name", name, "address",
				 vf_address(vf, address), "pf", vf->pf->name, "index",
				 (int)vf->ref.index, "state", srv_vf_state_name(state));

	if (vf->pool)
		set_text(json, "pool", vf->pool->name);
	if (!reason && state == SRV_VF_STATE_DIRTY && vf->held)
		reason = "a process still has it open";
	if (!reason)
		reason = vf->health.fault;
	set_text(json, "reason", reason);
	if (vf->facts) {
		set_text(json, "driver", vf->facts->driver);
		set_text(json, "netdev", vf->facts->netdev);
		if (vf->facts->iommu_group >= 0)
			set_int(json, "iommuGroup", vf->facts->iommu_group);
	}
	add_health(json, &vf->health);
	if (vf->nic) {
		json_object_set_new(json, "owner", srv_owner_to_json(&vf->nic->row.owner));
		set_text(json, "nic", vf->nic->row.id);
	}
	/* A mask of 0: the VF is in reset, and the driver says nothing of it. */
	if (attrs && attrs->mask)
		json_object_set_new(json, "attributes", attrs_to_json(attrs));
	return json;
}

json_t *srv_vf_view_to_json(const struct srv_vf *vf, const struct srv_pf_view *view)
{
	bool has = view && vf->ref.index < view->n_attrs;
	json_t *json = srv_vf_to_json(vf, has ? &view->attrs[vf->ref.index] : NULL);
	const char *reason = json_string_value(json_object_get(json, "reason"));
	g_autofree char *both = NULL;

	if (!view || !view->stale)
		return json;
	set_int(json, "stale", view->stale);
	both = reason ? g_strdup_printf("%s; %s", reason, view->problem) : g_strdup(view->problem);
	set_text(json, "reason", both);
	return json;
}

json_t *srv_nic_to_json(const struct srv_nic *nic, const char *backend)
{
	const struct srv_nic_row *row = &nic->row;
	char mac[SRIOV_MAC_STRLEN], address[SRIOV_BDF_STRLEN];
	json_t *json = json_pack("{s:o, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:I}", "owner",
				 srv_owner_to_json(&row->owner), "id", row->id, "network",
				 row->network, "mode", srv_mode_name(row->mode), "mac",
				 sriov_mac_format(row->mac, mac), "priority", (int)row->priority,
				 "state", srv_nic_state_name(row->state), "backing",
				 srv_backing_name(row->backing), "since", (json_int_t)row->since);

	if (nic->vf) {
		g_autofree char *name = srv_vf_name(nic->vf);

		set_text(json, "vf", name);
		if (nic->vf->facts)
			set_text(json, "address", vf_address(nic->vf, address));
	}
	if (row->backing == SRV_BACKING_VIRTIO) {
		set_text(json, "uplink", row->uplink);
		set_text(json, "backend", backend);
	}
	set_text(json, "reason", row->reason);
	return json;
}

void srv_problem_append(json_t *problems, bool is_error, const char *subject, const char *message)
{
	json_array_append_new(problems, json_pack("{s:s, s:s, s:s}", "severity",
						  is_error ? "error" : "warning", "subject",
						  subject ?: "", "message", message));
}

json_t *srv_problems_to_json(const GPtrArray *problems)
{
	json_t *json = json_array();

	for (guint i = 0; i < problems->len; i++) {
		const struct srv_problem *problem = problems->pdata[i];

		srv_problem_append(json, problem->is_error, problem->subject, problem->message);
	}
	return json;
}
