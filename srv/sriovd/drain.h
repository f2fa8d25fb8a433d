/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "srv/sriovd/model.h"

struct srv_daemon;
struct srv_job;

/*
 * Taking a PF out of service, and changing the number of its VFs, while guests run: its failover
 * nics go on over virtio, or over VFs of other PFs.
 *
 * That a PF is drained, and to which number of VFs it is on its way, is in the ledger before
 * anything is done: a daemon that is killed goes on with it when it is started again
 * (srv_drain_resume()). All for the main thread.
 */

/*
 * Drains: from now on the PF gives no VF, and those that it has given come back.
 *
 * Refused (BUSY, saying whom it would hurt) while exclusive or required nics have VFs of it, unless
 * force: exclusive ones then go on over virtio after an interruption, required ones stand without a
 * network. What was claimed by hand, and what somebody has past sriovd, cannot be taken from here,
 * with force or without.
 *
 * ret_job: its steps and its end; the first one says what will become of each nic. It fails when a
 * guest does not let go of its VF; the PF stays drained, the guest is asked again from time to time
 * (also one that is to be taken out by force), and who asks for the drain again watches it again.
 */
int srv_pf_drain(struct srv_daemon *daemon, struct srv_pf *pf, bool force, struct srv_job **ret_job,
		 struct sriov_error **err);

/*
 * Ends a drain, finished or not, or a resize that has not yet got to the VFs: the PF gives VFs
 * again. done is called once it is durable; error is borrowed: BUSY while VFs are being made.
 */
void srv_pf_undrain(struct srv_daemon *daemon, struct srv_pf *pf,
		    void (*done)(const struct sriov_error *error, void *data), void *data);

/*
 * Gives a PF another number of VFs: drains it, makes them anew, and lets it serve again. The number
 * stays, in the place of the configuration's numVfs, until it is resized to that.
 *
 * count: [1, TotalVFs]
 * Errors: INVALID, BUSY as of srv_pf_drain(), NOT_SUPPORTED (not ours to change).
 */
int srv_pf_resize(struct srv_daemon *daemon, struct srv_pf *pf, uint32_t count, bool force,
		  struct srv_job **ret_job, struct sriov_error **err);

/* Goes on with drains and resizes that are under way according to the ledger, as they were asked
 * for. */
void srv_drain_resume(struct srv_daemon *daemon);

/* What VFs a pool's configuration wants of a PF when no other number was ordered. */
uint32_t srv_pf_configured_vfs(struct srv_daemon *daemon, struct srv_pf *pf);
