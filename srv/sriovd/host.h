/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "srv/sriovd/model.h"

struct srv_daemon;

/*
 * The host's NICs: keeps the model's facts in step with the kernel, and makes each managed PF what
 * the configuration wants: up, with its VFs, each bound as its pool says.
 */

/* Reads the inventory for the first time, on a thread; srv_daemon_begin() follows. */
void srv_host_look(struct srv_daemon *daemon);

/* Reads it again soon, on a thread, and provisions what needs it. Several requests become one. */
void srv_host_refresh(struct srv_daemon *daemon);

/* Gives owners back what their VFs lost with their PF's going down, while nothing was changed. */
void srv_host_restore(struct srv_daemon *daemon);

/* As srv_model_set_pf(), and tells of owners' VFs that it lost. */
void srv_host_set_pf(struct srv_daemon *daemon, struct srv_pf *pf, struct spci_pf *facts,
		     uint64_t since);

/*
 * PFs that have another name now than when they were last seen, be it by an earlier run of the
 * daemon: what nics stand on, known by name, follows them, and the ledger learns the names. At the
 * start, once the configuration is known; later by itself.
 */
void srv_host_follow_names(struct srv_daemon *daemon);

/* Begins to follow link events. */
int srv_host_watch(struct srv_daemon *daemon, struct sriov_error **err);

/*
 * Brings a PF to what its pools want; returns at once. VFs are created only where there are none,
 * never changed in number while one is in use, and vfio-pci gets those that nobody owns.
 */
void srv_pf_provision(struct srv_daemon *daemon, struct srv_pf *pf);

/* Those that failed are provisioned again with the next look at the host. */
void srv_host_retry_failed(struct srv_daemon *daemon);

/* Provisions every managed PF: after a change of the configuration. */
void srv_host_provision(struct srv_daemon *daemon);

/* A driver call did not come back: marks the PF and tells everybody. */
void srv_pf_stuck(struct srv_daemon *daemon, struct srv_pf *pf, const struct sriov_error *error);

/* It has come back: looks at the PF anew, if it still counts as stuck. */
void srv_pf_unstick(struct srv_daemon *daemon, struct srv_pf *pf);
