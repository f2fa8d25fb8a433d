/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include <netlink/msg.h>

#include "base/mac.h"

struct snl_fdb_row {
	uint32_t ifindex;
	struct sriov_mac mac;
};

/*
 * Inside netlink/ only: reads an RTM_NEWNEIGH of the bridge family (pure; h must be whole).
 * Returns 1 when it is a unicast entry of a link's own filter (NTF_SELF), *ret being set; 0 when it
 * is something else; -EBADMSG.
 */
int snl_fdb_parse(const struct nlmsghdr *h, struct snl_fdb_row *ret);
