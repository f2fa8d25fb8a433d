/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "srv/sriovd/model.h"

struct srv_daemon;
struct srv_attach_work;

/*
 * The part of attaching and detaching that blocks: everything it needs is copied out of the model
 * first (main thread), then it runs on the domain's queue, where plugins and libvirt may take their
 * time.
 */

/*
 * Copies what is needed. NULL and NOT_SUPPORTED when no plugin serves such a backing; INVALID when
 * its network is not in the configuration any more.
 */
struct srv_attach_work *srv_attach_work_new(struct srv_daemon *daemon, const struct srv_nic *nic,
					    struct sriov_error **err);
/* The same to detach it, or to clean up after it, for which its network is not needed. */
struct srv_attach_work *srv_detach_work_new(struct srv_daemon *daemon, const struct srv_nic *nic,
					    struct sriov_error **err);
void srv_attach_work_free(struct srv_attach_work *work);

/*
 * Looks whether the running domain has the device already, as it has the virtio half of a failover
 * nic, which is in its own configuration. Blocks.
 */
int srv_attach_work_look(struct srv_attach_work *work, bool *ret_there, struct sriov_error **err);

/*
 * Attaches, and looks in the live domain whether it is there. Blocks. On failure nothing stays; but
 * with UNAVAILABLE, libvirt having gone, it is not known. err must not be NULL.
 * Also makes the VLAN link that a macvtap stands on, and the PF's fdb entry behind a bridge.
 */
int srv_attach_work_run(struct srv_attach_work *work, struct sriov_error **err);

/*
 * The same in the domain's stored configuration, of which it counts from the next start on; with
 * the link that it stands on. One that is there already under the same alias is put right where it
 * is another than it should be. Blocks.
 */
int srv_attach_work_store(struct srv_attach_work *work, struct sriov_error **err);

/* The same of one that is there; nothing where there is none. Blocks. */
int srv_attach_work_move(struct srv_attach_work *work, struct sriov_error **err);

/*
 * Detaches, and removes the fdb entry. A VLAN link that nothing else needs then goes when the work
 * is freed. Blocks.
 */
int srv_detach_work_run(struct srv_attach_work *work, struct sriov_error **err);

/* The second half of detaching only, for an owner that is gone. Blocks. */
void srv_attach_work_clean_uplink(struct srv_attach_work *work);

/* The PF's fdb entry once more, of a device that is attached with this netdev. Blocks. */
int srv_attach_work_add_fdb(struct srv_attach_work *work, const char *tap,
			    struct sriov_error **err);

/* For who removes links that nothing stands on: false while one is being made use of. */
bool srv_attach_work_try_lock_links(void);
void srv_attach_work_unlock_links(void);

/*
 * Its uplink is about to be named in a domain's configuration: until the work is freed, its VLAN
 * link is not removed. From the main thread, before a run.
 */
void srv_attach_work_await(struct srv_attach_work *work);

/*
 * After a run: the uplink in use, e.g. "enp1s0.100"; borrowed; NULL for a VF, and when nothing was
 * written into the stored configuration.
 */
const char *srv_attach_work_uplink(const struct srv_attach_work *work);

/* Likewise the netdev on the host, e.g. "macvtap0"; NULL for a VF. */
const char *srv_attach_work_tap(const struct srv_attach_work *work);
