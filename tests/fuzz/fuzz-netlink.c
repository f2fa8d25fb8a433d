// SPDX-License-Identifier: GPL-2.0-or-later
/* Whatever arrives on a netlink socket: acks, links, VF lists, forwarding entries, device events.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>
#include <netlink/msg.h>

#include "netlink/fdb-message.h"
#include "netlink/link-message.h"
#include "netlink/socket.h"
#include "netlink/uevent.h"
#include "netlink/vf-message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_vfs(const struct nlmsghdr *h)
{
	struct snl_vf_report report = { 0 };
	size_t reported = 0;

	if (snl_vf_report_parse(h, SNL_VF_EVERY, &report) < 0)
		return;
	for (uint32_t i = 0; i < report.num_vfs; i++) {
		g_autofree char *text = NULL;

		if (!report.vfs[i].mask)
			continue;
		reported++;
		text = snl_vf_attrs_format(&report.vfs[i], report.vfs[i].mask);
		g_assert(strlen(text) > 0);
		g_assert(snl_vf_attrs_diff(&report.vfs[i], &report.vfs[i]) == 0);
	}
	/* Each entry that was read has its bytes in the message. */
	g_assert(reported * NLMSG_HDRLEN <= h->nlmsg_len);
	g_assert(memchr(report.pf, 0, sizeof(report.pf)));
	snl_vf_report_clear(&report);
}

static void read_message(const struct nlmsghdr *h)
{
	struct snl_ack ack = { 0 };
	struct snl_link link;
	struct snl_fdb_row row;

	if (snl_ack_parse(h, &ack) == 0)
		g_assert(ack.err >= 0 && ack.err <= 4095);
	snl_ack_clear(&ack);
	if (snl_link_parse(h, &link) == 0) {
		g_assert(link.ifindex > 0);
		g_assert(memchr(link.name, 0, sizeof(link.name)));
		g_assert(memchr(link.kind, 0, sizeof(link.kind)));
		g_assert(memchr(link.alias, 0, sizeof(link.alias)));
	}
	if (snl_fdb_parse(h, &row) == 1)
		g_assert(sriov_mac_is_valid(row.mac));
	read_vfs(h);
}

/* The kernel's device events have no header. */
static void read_uevent(const uint8_t *data, size_t size)
{
	char *copy = malloc(size ?: 1);
	struct sriov_bdf bdf;
	enum snl_uevent what;

	if (size)
		memcpy(copy, data, size);
	what = snl_uevent_parse(copy, size, &bdf);
	if (what != SNL_UEVENT_OTHER) {
		char text[SRIOV_BDF_STRLEN];
		struct sriov_bdf again;

		g_assert(memmem(copy, size, "SUBSYSTEM=pci", 14));
		g_assert(sriov_bdf_parse(sriov_bdf_format(bdf, text), &again) == 0);
		g_assert(sriov_bdf_equal(bdf, again));
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nlmsghdr *h;

	read_uevent(data, size);
	if (size < NLMSG_HDRLEN)
		return 0;
	/* A copy of exactly that size, so that the sanitizer sees a read beyond it; and aligned. */
	h = malloc(size);
	memcpy(h, data, size);
	/* The length is the kernel's word for what recv() returned: not worth fuzzing. */
	h->nlmsg_len = (uint32_t)size;
	read_message(h);
	free(h);
	return 0;
}
