// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/describe-model.h"

static void add_reason(GString *out, const char *reason)
{
	if (reason)
		g_string_append_printf(out, ": %s", reason);
}

static void add_vf(GString *out, const struct srv_vf *vf)
{
	const char *reason;
	enum srv_vf_state state = srv_vf_state(vf, &reason);

	g_string_append_printf(out, "  vf %u %s", vf->ref.index, srv_vf_state_name(state));
	if (vf->nic)
		g_string_append_printf(out, " by %s/%s", vf->nic->row.owner.name, vf->nic->row.id);
	add_reason(out, reason);
	if (vf->nic && vf->nic->vf != vf)
		g_string_append(out, " (its nic says otherwise)");
	g_string_append_c(out, '\n');
}

static void add_pf(GString *out, const struct srv_pf *pf)
{
	char address[SRIOV_BDF_STRLEN];
	const char *separator = " | ";

	g_string_append_printf(out, "pf %s %s %s", sriov_bdf_format(pf->bdf, address), pf->name,
			       srv_pf_state_name(pf->state));
	add_reason(out, pf->reason);
	if (pf->wanted_vfs == SRV_NUM_VFS_KEEP)
		g_string_append(out, " | keeps its VFs");
	else
		g_string_append_printf(out, " | wants %u", pf->wanted_vfs);
	if (pf->external)
		g_string_append(out, " | external");
	for (int i = 0; i < SRV_VF_STATES; i++) {
		if (!pf->counts[i])
			continue;
		g_string_append_printf(out, "%s%u %s", separator, pf->counts[i],
				       srv_vf_state_name((enum srv_vf_state)i));
		separator = ", ";
	}
	g_string_append_c(out, '\n');
	for (guint i = 0; i < pf->vfs->len; i++)
		add_vf(out, pf->vfs->pdata[i]);
}

char *describe_nic(const struct srv_nic *nic)
{
	const struct srv_nic_row *row = &nic->row;
	GString *out = g_string_new(NULL);
	char mac[SRIOV_MAC_STRLEN];

	g_string_append_printf(out, "nic %s %s/%s (%s) on %s %s %s %s %s",
			       srv_owner_kind_name(row->owner.kind), row->owner.name, row->id,
			       row->owner.key, row->network, srv_mode_name(row->mode),
			       sriov_mac_format(row->mac, mac), srv_nic_state_name(row->state),
			       srv_backing_name(row->backing));
	if (row->backing == SRV_BACKING_VF) {
		g_autofree char *vf = nic->vf ? srv_vf_name(nic->vf) : g_strdup("none");

		g_string_append_printf(out, " %s", vf);
	}
	if (row->uplink)
		g_string_append_printf(out, " on %s", row->uplink);
	if (row->priority)
		g_string_append_printf(out, " priority %u", row->priority);
	if (row->waiting_since)
		g_string_append(out, " waits");
	add_reason(out, row->reason);
	return g_string_free(out, FALSE);
}

char *describe_model(struct srv_model *model)
{
	g_autoptr(GPtrArray) nics = srv_model_nics(model);
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < model->pfs->len; i++)
		add_pf(out, model->pfs->pdata[i]);
	for (guint i = 0; i < nics->len; i++) {
		g_autofree char *line = describe_nic(nics->pdata[i]);

		g_string_append_printf(out, "%s\n", line);
	}
	return g_string_free(out, FALSE);
}

struct spci_pf *describe_make_pf(uint8_t bus, const char *netdev, uint32_t ifindex, uint32_t n_vfs)
{
	struct spci_pf *pf = g_new0(struct spci_pf, 1);

	pf->bdf.bus = bus;
	pf->vendor = 0x8086;
	pf->device = 0x10c9;
	pf->driver = "igb";
	pf->netdev = g_strdup(netdev);
	pf->ifindex = ifindex;
	pf->link = SPCI_LINK_UP;
	pf->admin_up = true;
	pf->link_type = "ether";
	pf->numa_node = -1;
	pf->iommu_group = 100 * bus;
	pf->total_vfs = 7;
	pf->num_vfs = n_vfs;
	pf->vfs = g_new0(struct spci_vf, n_vfs);
	pf->n_vfs = n_vfs;
	for (uint32_t i = 0; i < n_vfs; i++)
		pf->vfs[i] = (struct spci_vf){ .bdf = { 0, bus, 16, (uint8_t)i },
					       .index = i,
					       .driver = "vfio-pci",
					       .iommu_group = 100 * bus + 1 + (int)i };
	return pf;
}
