/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "srv/sriovd/model.h"

struct srv_daemon;

/*
 * Work on a PF's thread, with a deadline, for netlink and sysfs.
 *
 * The kernel works on a netlink request inside sendmsg(), in the PF's driver and under the RTNL
 * lock, and a thread that is in there can be neither interrupted nor killed: no timeout of the
 * socket helps. What can be done is not to wait for it: whoever asked is told, the PF counts as
 * stuck, and its thread stays lost until the driver comes back. What cannot be done is to free the
 * RTNL lock, which the kernel has one of: while a driver holds it, netlink requests to other PFs
 * wait as well, and those PFs are said to be stuck after their own deadline. A driver that hangs
 * without it, as on its firmware's answer, costs its own PF only.
 *
 * pf:   not for long stuck in this way already, see srv_pf_call_refuse()
 * what: is being done, for people: "setting up VF 3"
 * run:  on the PF's thread
 * done: once, on the main thread. late is NULL: run has ended. Otherwise (borrowed, TIMEOUT) it has
 *       not: the PF is stuck, and data is run's until gone
 * gone: on the main thread, after done was called with late, when run has ended after all: frees
 *       data. The PF is looked at anew afterwards
 */
void srv_pf_call(struct srv_daemon *daemon, struct srv_pf *pf, const char *what,
		 void (*run)(void *data), void (*done)(const struct sriov_error *late, void *data),
		 void (*gone)(void *data), void *data);

/* -EIO when the PF's thread hangs in its driver, so that nothing can be done there; or 0. */
int srv_pf_call_refuse(const struct srv_pf *pf, struct sriov_error **err);
