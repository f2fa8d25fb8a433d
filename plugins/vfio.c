// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VFs for libvirt domains.
 *
 * An <interface type='hostdev'>, not a bare <hostdev>, so that everybody who lists a domain's NICs
 * sees one. managed='no': the VF has been bound to vfio-pci since its creation, and libvirt is not
 * to give it back to the host's driver afterwards. libvirt sets MAC and VLAN of the VF when it
 * attaches, so it is told the very values that the daemon has set.
 */
#include "plugins/device-xml.h"

static void write_device(FILE *xml, const struct sbe_nic *nic)
{
	fputs("<interface type='hostdev' managed='no'>\n", xml);
	sbe_xml_mac(xml, nic->mac);
	fputs("  <driver name='vfio'/>\n", xml);
	fprintf(xml,
		"  <source>\n"
		"    <address type='pci' domain='0x%04x' bus='0x%02x' slot='0x%02x' "
		"function='0x%x'/>\n"
		"  </source>\n",
		nic->vf_domain, nic->vf_bus, nic->vf_device, nic->vf_function);
	if (nic->vlan)
		fprintf(xml,
			"  <vlan>\n"
			"    <tag id='%u'/>\n"
			"  </vlan>\n",
			nic->vlan);
	if (nic->teaming == SBE_TEAMING_TRANSIENT) {
		fputs("  <teaming type='transient' persistent='", xml);
		sbe_xml_text(xml, nic->team_alias);
		fputs("'/>\n", xml);
	}
	sbe_xml_element(xml, "alias", "name", nic->alias);
	fputs("</interface>\n", xml);
}

static int check_teaming(const struct sbe_nic *nic, struct sbe_error *error)
{
	switch (nic->teaming) {
	case SBE_TEAMING_NONE:
		return 0;
	case SBE_TEAMING_TRANSIENT:
		if (sbe_alias_is_valid(nic->team_alias))
			return 0;
		return sbe_fail(error, SBE_ERROR_INVALID, EINVAL,
				"\"%s\" cannot be the alias of the persistent half of a team",
				nic->team_alias ? nic->team_alias : "");
	case SBE_TEAMING_PERSISTENT:
		break;
	}
	return sbe_fail(error, SBE_ERROR_INVALID, EINVAL,
			"a VF cannot have the place %d in a team: it is the transient half",
			(int)nic->teaming);
}

static int check_nic(const struct sbe_nic *nic, struct sbe_error *error)
{
	int r = sbe_check_mac(nic, error);

	if (r < 0)
		return r;
	if (nic->vf_device > 0x1f || nic->vf_function > 7)
		return sbe_fail(error, SBE_ERROR_INVALID, EINVAL,
				"%04x:%02x:%02x.%x is no PCI address", nic->vf_domain, nic->vf_bus,
				nic->vf_device, nic->vf_function);
	if (nic->vlan > 4094)
		return sbe_fail(error, SBE_ERROR_INVALID, EINVAL, "%u is no VLAN id, [0, 4094]",
				nic->vlan);
	return check_teaming(nic, error);
}

static int attach(const struct sbe_host *host, const struct sbe_nic *nic, struct sbe_error *error)
{
	int r = sbe_check_call(host, nic, SBE_BACKING_VF, error);

	if (r == 0)
		r = check_nic(nic, error);
	return r < 0 ? r : sbe_xml_attach(host, nic, write_device, error);
}

static int detach(const struct sbe_host *host, const struct sbe_nic *nic, struct sbe_error *error)
{
	int r = sbe_check_call(host, nic, SBE_BACKING_VF, error);

	return r < 0 ? r : sbe_xml_detach(host, nic, error);
}

SBE_EXPORT const struct sbe_plugin sbe_plugin = {
	.abi_version = SBE_ABI_VERSION,
	.size = sizeof(struct sbe_plugin),
	.name = "vfio",
	.description = "VFs for libvirt domains, through VFIO",
	.owners = 1U << SBE_OWNER_DOMAIN,
	.backings = 1U << SBE_BACKING_VF,
	.attach = attach,
	.detach = detach,
};
