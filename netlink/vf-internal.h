/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "netlink/vf-message.h"

/*
 * Inside netlink/ only: one VF as the kernel tells it, together with the name of its PF.
 * report: cleared by the caller, also after a failure; report->vfs[vf] is the answer on success.
 * Waits up to a second for a VF that its driver leaves out because it is being reset. Errors as of
 * snl_vf_get().
 */
int snl_vf_read(struct snl *nl, uint32_t ifindex, uint32_t vf, struct snl_vf_report *report,
		struct sriov_error **err);
