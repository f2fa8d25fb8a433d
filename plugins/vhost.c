// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * virtio NICs for libvirt domains, with the kernel's vhost-net behind them.
 *
 * On macvtap in bridge mode by default: it needs no bridge on the host, and it puts the guest's MAC
 * into the filter of the PF below, so that guests on VFs of that PF reach it.
 */
#include "plugins/device-xml.h"

/* How libvirt calls the uplink: type of <interface>, attribute of <source>. NULL for none. */
static const struct {
	const char *type, *source;
} uplinks[] = {
	[SBE_UPLINK_MACVTAP] = { "direct", "dev" },
	[SBE_UPLINK_BRIDGE] = { "bridge", "bridge" },
	[SBE_UPLINK_NETWORK] = { "network", "network" },
};

static void write_device(FILE *xml, const struct sbe_nic *nic)
{
	fprintf(xml, "<interface type='%s'>\n", uplinks[nic->uplink_type].type);
	sbe_xml_mac(xml, nic->mac);
	fprintf(xml, "  <source %s='", uplinks[nic->uplink_type].source);
	sbe_xml_text(xml, nic->uplink);
	fputs(nic->uplink_type == SBE_UPLINK_MACVTAP ? "' mode='bridge'/>\n" : "'/>\n", xml);
	fputs("  <model type='virtio'/>\n", xml);
	if (nic->queues > 1)
		fprintf(xml, "  <driver name='vhost' queues='%u'/>\n", nic->queues);
	else
		fputs("  <driver name='vhost'/>\n", xml);
	if (nic->teaming == SBE_TEAMING_PERSISTENT)
		fputs("  <teaming type='persistent'/>\n", xml);
	sbe_xml_element(xml, "alias", "name", nic->alias);
	fputs("</interface>\n", xml);
}

static int check_uplink(const struct sbe_nic *nic, struct sbe_error *error)
{
	unsigned type = (unsigned)nic->uplink_type;

	if (type >= sizeof(uplinks) / sizeof(uplinks[0]) || !uplinks[type].type)
		return sbe_fail(error, SBE_ERROR_NOT_SUPPORTED, EOPNOTSUPP,
				"an uplink of kind %u is not known", type);
	if (!sbe_text_is_valid(nic->uplink))
		return sbe_fail(error, SBE_ERROR_INVALID, EINVAL, "\"%s\" cannot be an uplink",
				nic->uplink ? nic->uplink : "");
	return 0;
}

static int check_nic(const struct sbe_nic *nic, struct sbe_error *error)
{
	int r = sbe_check_mac(nic, error);

	if (r == 0)
		r = check_uplink(nic, error);
	if (r < 0)
		return r;
	if (nic->queues < 1 || nic->queues > 256)
		return sbe_fail(error, SBE_ERROR_INVALID, EINVAL,
				"%u is no number of queues, [1, 256]", nic->queues);
	if (nic->teaming != SBE_TEAMING_NONE && nic->teaming != SBE_TEAMING_PERSISTENT)
		return sbe_fail(error, SBE_ERROR_INVALID, EINVAL,
				"a virtio NIC cannot have the place %d in a team: it is the "
				"persistent half",
				(int)nic->teaming);
	return 0;
}

static int attach(const struct sbe_host *host, const struct sbe_nic *nic, struct sbe_error *error)
{
	int r = sbe_check_call(host, nic, SBE_BACKING_VIRTIO, error);

	if (r == 0)
		r = check_nic(nic, error);
	return r < 0 ? r : sbe_xml_attach(host, nic, write_device, error);
}

static int detach(const struct sbe_host *host, const struct sbe_nic *nic, struct sbe_error *error)
{
	int r = sbe_check_call(host, nic, SBE_BACKING_VIRTIO, error);

	return r < 0 ? r : sbe_xml_detach(host, nic, error);
}

SBE_EXPORT const struct sbe_plugin sbe_plugin = {
	.abi_version = SBE_ABI_VERSION,
	.size = sizeof(struct sbe_plugin),
	.name = "vhost",
	.description = "virtio NICs for libvirt domains, through vhost-net",
	.owners = 1U << SBE_OWNER_DOMAIN,
	.backings = 1U << SBE_BACKING_VIRTIO,
	.attach = attach,
	.detach = detach,
};
