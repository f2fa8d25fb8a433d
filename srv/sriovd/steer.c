// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/steer.h"

#include <errno.h>
#include <string.h>

#include "netlink/fdb.h"
#include "netlink/link.h"

enum srv_steer srv_steer_want(bool plugged, bool in_use, bool leaving)
{
	if (!plugged || !in_use)
		return SRV_STEER_VIRTIO;
	return leaving ? SRV_STEER_BOTH : SRV_STEER_VF;
}

const char *srv_steer_name(enum srv_steer steer)
{
	switch (steer) {
	case SRV_STEER_UNKNOWN:
		return "unknown";
	case SRV_STEER_VIRTIO:
		return "virtio";
	case SRV_STEER_BOTH:
		return "both";
	case SRV_STEER_VF:
		return "vf";
	}
	g_assert_not_reached();
}

struct sriov_mac srv_steer_parked_mac(struct sriov_mac mac)
{
	struct sriov_mac parked = mac;

	/* Bit 1 says locally administered, bit 0 would say multicast. */
	parked.octet[0] = mac.octet[0] == 0xfe ? 0xee : 0xfe;
	return parked;
}

static int steer_macvtap(struct snl *nl, const struct snl_link *tap, struct sriov_mac mac,
			 enum srv_steer want, struct sriov_error **err)
{
	switch (want) {
	case SRV_STEER_UNKNOWN:
		return 0;
	case SRV_STEER_VIRTIO:
		return snl_macvtap_set(nl, tap->ifindex, SNL_MACVTAP_BRIDGE, mac, err);
	case SRV_STEER_BOTH:
		return snl_macvtap_set(nl, tap->ifindex, SNL_MACVTAP_VEPA, mac, err);
	case SRV_STEER_VF:
		return snl_macvtap_set(nl, tap->ifindex, SNL_MACVTAP_BRIDGE,
				       srv_steer_parked_mac(mac), err);
	}
	g_assert_not_reached();
}

static bool is_pf(const GArray *pfs, uint32_t ifindex)
{
	for (guint i = 0; i < pfs->len; i++) {
		if (g_array_index(pfs, uint32_t, i) == ifindex)
			return true;
	}
	return false;
}

/* Not both at once: first the one that makes the way free, then the one that opens the other. */
static int steer_port(struct snl *nl, uint32_t port, uint32_t pf, struct sriov_mac mac, bool to_vf,
		      struct sriov_error **err)
{
	int r;

	if (to_vf) {
		r = snl_fdb_del(nl, pf, mac, err);
		return r < 0 ? r : snl_fdb_bridge_add(nl, port, mac, err);
	}
	r = snl_fdb_bridge_del(nl, port, mac, err);
	return r < 0 ? r : snl_fdb_add(nl, pf, mac, err);
}

/* The bridge's ports that are a PF, or a VLAN link on one. */
static int steer_bridge(struct snl *nl, const struct snl_link *tap,
			const struct srv_steer_port *port, bool to_vf, struct sriov_error **err)
{
	g_autoptr(GArray) links = NULL;
	int r = snl_link_list(nl, &links, err);

	for (guint i = 0; r == 0 && i < links->len; i++) {
		const struct snl_link *link = &g_array_index(links, struct snl_link, i);
		uint32_t pf = is_pf(port->pfs, link->ifindex) ? link->ifindex : link->parent;

		if (link->master == tap->master && is_pf(port->pfs, pf))
			r = steer_port(nl, link->ifindex, pf, port->mac, to_vf, err);
	}
	return r;
}

int srv_steer_apply(const struct srv_steer_port *port, enum srv_steer want,
		    struct sriov_error **err)
{
	struct snl_link tap;
	struct snl *nl;
	int r = snl_new(&nl, err);

	if (r < 0)
		return r;
	r = snl_link_get(nl, port->tap, &tap, err);
	if (r == 0 && strcmp(tap.kind, "macvtap") == 0)
		r = steer_macvtap(nl, &tap, port->mac, want, err);
	else if (r == 0 && tap.master && want != SRV_STEER_UNKNOWN)
		r = steer_bridge(nl, &tap, port, want == SRV_STEER_VF, err);
	snl_free(nl);
	return r;
}
