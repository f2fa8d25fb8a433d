// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include <netlink/attr.h>

#include "netlink/link-message.h"
#include "netlink/link.h"
#include "netlink/socket.h"

/*
 * Kind, mode and address travel in one RTM_NEWLINK: macvlan_changelink() and do_setlink() run under
 * one hold of the RTNL lock, so that nobody sees the one without the other.
 */
static struct nl_msg *set_message(uint32_t ifindex, enum snl_macvtap_mode mode,
				  struct sriov_mac mac)
{
	static const uint32_t modes[] = {
		[SNL_MACVTAP_BRIDGE] = MACVLAN_MODE_BRIDGE, [SNL_MACVTAP_VEPA] = MACVLAN_MODE_VEPA
	};
	struct nl_msg *msg = snl_link_message_new(RTM_NEWLINK, 0, ifindex);
	struct nlattr *info, *data;

	nla_put(msg, IFLA_ADDRESS, sizeof(mac.octet), mac.octet);
	info = nla_nest_start(msg, IFLA_LINKINFO);
	nla_put_string(msg, IFLA_INFO_KIND, "macvtap");
	data = nla_nest_start(msg, IFLA_INFO_DATA);
	nla_put_u32(msg, IFLA_MACVLAN_MODE, modes[mode]);
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return msg;
}

int snl_macvtap_set(struct snl *nl, uint32_t ifindex, enum snl_macvtap_mode mode,
		    struct sriov_mac mac, struct sriov_error **err)
{
	snl_automsg msg = set_message(ifindex, mode, mac);
	snl_autoack ack = { 0 };
	char text[SRIOV_MAC_STRLEN];
	struct snl_link link;
	int r = snl_link_get_index(nl, ifindex, &link, err);

	if (r < 0)
		return r;
	if (strcmp(link.kind, "macvtap") != 0)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, link.name,
				       "is no macvtap but \"%s\"", link.kind);
	r = snl_batch(nl, &msg, 1, &ack, err);
	if (r < 0) {
		sriov_error_wrap(err, "cannot change macvtap %s", link.name);
		return r;
	}
	if (ack.err)
		return snl_ack_error(&ack, link.name, err, "set mode %s and address %s",
				     mode == SNL_MACVTAP_BRIDGE ? "bridge" : "vepa",
				     sriov_mac_format(mac, text));
	r = snl_link_get_index(nl, ifindex, &link, err);
	if (r == 0 && !sriov_mac_equal(link.mac, mac))
		r = sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, link.name,
				    "took the address %s and still has another",
				    sriov_mac_format(mac, text));
	return r;
}
