// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/describe.h"

static const char *link_name(enum spci_link link)
{
	switch (link) {
	case SPCI_LINK_UNKNOWN:
		return "unknown";
	case SPCI_LINK_DOWN:
		return "down";
	case SPCI_LINK_UP:
		return "up";
	}
	return "?";
}

static void add_vf(GString *out, const struct spci_vf *vf)
{
	char bdf[SRIOV_BDF_STRLEN];

	g_string_append_printf(out, "  vf %u %s driver=%s group=%d%s%s netdev=%s\n", vf->index,
			       sriov_bdf_format(vf->bdf, bdf), vf->driver ? vf->driver : "-",
			       vf->iommu_group, vf->group_shared ? " shared" : "",
			       vf->noiommu ? " noiommu" : "", vf->netdev ? vf->netdev : "-");
}

static void add_pf(GString *out, const struct spci_pf *pf)
{
	char bdf[SRIOV_BDF_STRLEN], mac[SRIOV_MAC_STRLEN];

	g_string_append_printf(out, "pf %s %04x:%04x driver=%s\n", sriov_bdf_format(pf->bdf, bdf),
			       pf->vendor, pf->device, pf->driver ? pf->driver : "-");
	g_string_append_printf(
		out, "  netdev=%s ifindex=%u mac=%s link=%s%s speed=%u mtu=%u type=%s\n",
		pf->netdev ? pf->netdev : "-", pf->ifindex, sriov_mac_format(pf->mac, mac),
		link_name(pf->link), pf->admin_up ? " admin_up" : "", pf->speed, pf->mtu,
		pf->link_type ? pf->link_type : "-");
	g_string_append_printf(out,
			       "  numa=%d group=%d vfs=%u/%u offset=%u stride=%u vf_device=%04x "
			       "autoprobe=%d\n",
			       pf->numa_node, pf->iommu_group, pf->num_vfs, pf->total_vfs,
			       pf->vf_offset, pf->vf_stride, pf->vf_device, pf->drivers_autoprobe);
	for (size_t i = 0; i < pf->n_vfs; i++)
		add_vf(out, &pf->vfs[i]);
}

char *describe_pf(const struct spci_pf *pf)
{
	GString *out = g_string_new(NULL);

	add_pf(out, pf);
	return g_string_free(out, FALSE);
}

char *describe_inventory(const struct spci_inventory *inventory)
{
	GString *out = g_string_new(NULL);

	g_string_append_printf(out, "host%s%s%s%s\n", inventory->iommu ? " iommu" : "",
			       inventory->vfio ? " vfio" : "",
			       inventory->unsafe_interrupts ? " unsafe_interrupts" : "",
			       inventory->noiommu ? " noiommu" : "");
	for (guint i = 0; i < inventory->pfs->len; i++)
		add_pf(out, inventory->pfs->pdata[i]);
	return g_string_free(out, FALSE);
}
