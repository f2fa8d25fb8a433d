// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading VFs. The kernel has no request for one VF: a PF's RTM_GETLINK with RTEXT_FILTER_VF lists
 * all of that PF. It leaves out a VF whose driver fails ndo_get_vf_config() (i40e does with EAGAIN
 * while another operation is under way, mlx5 with EOPNOTSUPP during a reset of the PF), so a short
 * list is not necessarily a truncated one; link-message.c tells the two apart.
 */
#include "netlink/vf.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#include "netlink/link-message.h"
#include "netlink/socket.h"
#include "netlink/vf-internal.h"

#define LEFT_OUT_TRIES	  50
#define LEFT_OUT_PAUSE_US 20000

struct read {
	uint32_t only;
	struct snl_vf_report *report;
};

static int take_report(const struct nlmsghdr *h, void *data)
{
	struct read *rd = data;

	if (h->nlmsg_type != RTM_NEWLINK)
		return 0;
	snl_vf_report_clear(rd->report);
	return snl_vf_report_parse(h, rd->only, rd->report);
}

/* One round trip. Sets report also when its driver reports nothing. */
static int read_report(struct snl *nl, uint32_t ifindex, uint32_t only,
		       struct snl_vf_report *report, struct sriov_error **err)
{
	snl_automsg msg = snl_link_message_get(NULL, ifindex,
					       RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS);
	struct read rd = { .only = only, .report = report };
	snl_autoack ack = { 0 };
	g_autofree char *subject = NULL;
	int r = snl_query(nl, msg, take_report, &rd, &ack, err);

	if (r < 0) {
		sriov_error_wrap(err, "cannot read the VFs of the PF with ifindex %u", ifindex);
		return r;
	}
	if (ack.err == 0)
		return 0;
	subject = g_strdup_printf("ifindex %u", ifindex);
	if (ack.err == ENODEV)
		return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENODEV, subject,
				       "there is no such PF");
	return snl_ack_error(&ack, subject, err, "read the VFs of the PF");
}

static int not_reported(const struct snl_vf_report *report, struct sriov_error **err)
{
	return sriov_error_set(err, SRIOV_ERROR_NOT_SUPPORTED, EOPNOTSUPP, report->pf,
			       "the PF has %u VFs, but its driver tells nothing about them over "
			       "netlink (is it in switchdev mode?)",
			       report->num_vfs);
}

/* Why report->vfs[vf] holds nothing. */
static int missing_vf(const struct snl_vf_report *report, uint32_t vf, struct sriov_error **err)
{
	g_autofree char *subject = g_strdup_printf("%s/%u", report->pf, vf);

	if (report->num_vfs == 0)
		return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENOENT, subject,
				       "there is no such VF: %s has none", report->pf);
	if (vf >= report->num_vfs)
		return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENOENT, subject,
				       "there is no such VF: %s has 0 to %u", report->pf,
				       report->num_vfs - 1);
	if (!report->listed)
		return not_reported(report, err);
	if (report->truncated)
		return sriov_error_set(
			err, SRIOV_ERROR_LIMIT, EMSGSIZE, subject,
			"%s has %u VFs, more than the kernel's answer holds, and this one "
			"is not in it: create fewer",
			report->pf, report->num_vfs);
	return sriov_error_set(err, SRIOV_ERROR_BUSY, EAGAIN, subject,
			       "the driver does not report this VF: it or its PF may be in reset");
}

int snl_vf_read(struct snl *nl, uint32_t ifindex, uint32_t vf, struct snl_vf_report *report,
		struct sriov_error **err)
{
	for (int tries = 1;; tries++) {
		int r = read_report(nl, ifindex, vf, report, err);
		bool may_come;

		if (r < 0)
			return r;
		if (vf < report->num_vfs && report->vfs[vf].mask)
			return 0;
		may_come = vf < report->num_vfs && report->listed && !report->truncated;
		if (!may_come || tries == LEFT_OUT_TRIES)
			return missing_vf(report, vf, err);
		g_usleep(LEFT_OUT_PAUSE_US);
	}
}

int snl_vf_get(struct snl *nl, uint32_t ifindex, uint32_t vf, struct snl_vf_attrs *ret,
	       struct sriov_error **err)
{
	struct snl_vf_report report = { 0 };
	int r = snl_vf_read(nl, ifindex, vf, &report, err);

	if (r == 0)
		*ret = report.vfs[vf];
	snl_vf_report_clear(&report);
	return r;
}

int snl_vf_get_all(struct snl *nl, uint32_t ifindex, struct snl_vf_attrs **ret, size_t *ret_n,
		   struct sriov_error **err)
{
	struct snl_vf_report report = { 0 };
	int r = read_report(nl, ifindex, SNL_VF_EVERY, &report, err);

	if (r == 0 && report.truncated)
		r = sriov_error_set(
			err, SRIOV_ERROR_LIMIT, EMSGSIZE, report.pf,
			"the PF has %u VFs, more than the kernel's answer holds: create fewer",
			report.num_vfs);
	else if (r == 0 && report.num_vfs && !report.listed)
		r = not_reported(&report, err);
	if (r == 0) {
		*ret = g_steal_pointer(&report.vfs);
		*ret_n = report.num_vfs;
	}
	snl_vf_report_clear(&report);
	return r;
}
