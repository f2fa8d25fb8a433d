/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"
#include "netlink/vf.h"
#include "srv/sriovd/model.h"

struct srv_daemon;

/*
 * What is done to VFs: set up for an owner, and scrubbed after one. Both go through the PF's line
 * of operations and run on its thread and in the helper; the calls return at once.
 */

/*
 * Sets the attributes of a VF that nobody uses yet and reads them back (all or none, see
 * snl_vf_set()). BUSY when a process has it open.
 *
 * done: called once on the main thread; error is NULL or borrowed. DEVICE when the PF is down, gone
 * or stuck; TIMEOUT when its driver did not come back (pf-call.h): the VF is not known then, and
 * stays dirty.
 */
void srv_vf_configure(struct srv_daemon *daemon, struct srv_vf *vf,
		      const struct snl_vf_attrs *attrs,
		      void (*done)(const struct sriov_error *error, void *data), void *data);

/*
 * Reads the attributes of a VF back and sets those again that differ: libvirt sets MAC and VLAN
 * itself when it attaches a VF, and with the VLAN the priority 0 (virNetDevSetVfVlan()). What is
 * right already is not sent, because some drivers reset a VF for it (ice, i40e); nor is the MAC in
 * the place of one that is the guest's own (srv_vf_is_guests_mac()).
 *
 * done: as of srv_vf_configure()
 */
void srv_vf_restore(struct srv_daemon *daemon, struct srv_vf *vf, const struct snl_vf_attrs *attrs,
		    void (*done)(const struct sriov_error *error, void *data), void *data);

/*
 * Is a MAC that is not the one wanted what its guest has chosen? While the kernel says that the
 * guest is trusted, it may be. A VF that was made anew is not trusted, and its random MAC nobody's
 * choice; nor is having none.
 */
bool srv_vf_is_guests_mac(const struct snl_vf_attrs *want, const struct snl_vf_attrs *now);

/*
 * Scrubs every VF of the PF that is dirty and has no owner, also one that an owner of ours left and
 * no pool selects any more: reset, neutral attributes, read back;
 * then recorded as clean. One that cannot be scrubbed is quarantined with the reason; one that a
 * process still holds stays dirty and is tried again. Whoever waits for a VF is served as they come
 * free.
 */
void srv_pf_scrub(struct srv_daemon *daemon, struct srv_pf *pf);
