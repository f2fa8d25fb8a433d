/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "base/error.h"
#include "srv/sriovd/model.h"

struct srv_daemon;
struct srv_job;
struct srv_virt_domain;
struct srv_domain;

/*
 * Failover nics: a virtio NIC that the domain always has, in its own configuration, and a VF with
 * the same MAC whenever one is to be had; the guest's net_failover driver joins the two.
 *
 * In the model such a nic is ATTACHED with backing virtio while it has the first half alone,
 * ATTACHING with a VF while that is plugged in, ATTACHED with a VF, DETACHING while the guest is
 * asked to let it go. What is under way when the daemon dies is in the ledger by that; what became
 * of it is found in libvirt afterwards (srv_failover_settle()).
 *
 * Everything here is for the main thread and returns at once.
 */

/* Starts. In the place of what nic-prepare.c does for the other modes. */

/* A new run of its owner begins: nothing of the last one counts. */
void srv_failover_begin(struct srv_daemon *daemon, struct srv_nic *nic);

/* Backing virtio, where its domain's configuration has it, or where it would be put. */
int srv_failover_reserve(struct srv_daemon *daemon, struct srv_nic *nic, struct sriov_error **err);

/*
 * Makes the VLAN links that the failover nics of a domain (NULL: of all) stand on, and looks at
 * what the kernel says of them.
 *
 * names: of char; ditto those that its configuration names, known to us or not; NULL: none
 * done: may be NULL; error is borrowed
 */
void srv_failover_links(struct srv_daemon *daemon, const char *uuid, const GPtrArray *names,
			void (*done)(const struct sriov_error *error, void *data), void *data);

/*
 * Looks at the virtio halves in the domain's own configuration, and moves those that are not where
 * their networks say; a guest that runs has it there from its next start on.
 */
void srv_failover_mend(struct srv_daemon *daemon, const struct srv_virt_domain *domain);

/* The nic's row is about to go: so does its VLAN link, when no other nic's domain names it. */
void srv_failover_forget(struct srv_daemon *daemon, const struct srv_nic *nic);

/*
 * A nic that starts finds no VF: may it have that of a failover nic (see "preempt")? True when one
 * is on its way.
 */
bool srv_failover_make_room(struct srv_daemon *daemon, const struct srv_nic *nic);

/* While its owner runs */

/* The virtio half is there. tap: its netdev on the host; NULL when not known. fresh: just made. */
void srv_failover_attached(struct srv_daemon *daemon, struct srv_nic *nic, const char *tap,
			   bool fresh);

/* Compares with what libvirt says that its running owner has. False: the virtio half is missing. */
bool srv_failover_settle(struct srv_daemon *daemon, struct srv_nic *nic,
			 const struct srv_virt_domain *domain);

/* What the virtio half of the nic stands on in a domain's configuration; borrowed; NULL: none. */
const char *srv_failover_source(const struct srv_domain *domain, const struct srv_nic *nic);

/* Gives a nic that waits the VF, which is free. */
void srv_promote(struct srv_daemon *daemon, struct srv_nic *nic, struct srv_vf *vf);

/*
 * Takes the VF from a nic that is not busy; its guest carries on over virtio.
 *
 * why:  "drain of enp1s0", for its reason and the events
 * done: may be NULL; error (borrowed) TIMEOUT: the guest ignored it and keeps the VF
 */
void srv_demote(struct srv_daemon *daemon, struct srv_nic *nic, const char *why,
		void (*done)(const struct sriov_error *error, void *data), void *data);

/* The same with a job that is told of each step, and ended by the caller in done. NULL: none */
void srv_demote_watched(struct srv_daemon *daemon, struct srv_nic *nic, const char *why,
			struct srv_job *job,
			void (*done)(const struct sriov_error *error, void *data), void *data);

/* The guest has no VF any more, whoever took it: it is scrubbed, and the nic waits. */
void srv_demoted(struct srv_daemon *daemon, struct srv_nic *nic, const char *why);

/* Events */

/* Promotes whoever can be: after anything that may have made that possible. */
void srv_failover_serve(struct srv_daemon *daemon);
/* QEMU's FAILOVER_NEGOTIATED */
void srv_failover_negotiated(struct srv_daemon *daemon, const char *uuid, const char *alias);
void srv_failover_device_removed(struct srv_daemon *daemon, const char *uuid, const char *alias);
/* The connection to libvirt came or went: events may have been missed. */
void srv_failover_connection(struct srv_daemon *daemon, bool connected);

/* What explain says of a failover nic: sentences, the most telling first, appended to text. */
void srv_failover_explain(struct srv_daemon *daemon, const struct srv_nic *nic, GPtrArray *text);

/* Steering: failover-steer.c, steer.h. */

/* Looks at every nic soon and steers those that want it. */
void srv_failover_steer(struct srv_daemon *daemon);
/* The same now; done is called when the kernel has it. */
void srv_failover_steer_now(struct srv_daemon *daemon, void (*done)(void *data), void *data);

/*
 * The end of the daemon: nothing begins any more, and every virtio half is made to receive, should
 * its guest lose the VF while nobody is there. Runs the main context for that, for three seconds
 * at most; false: it does not come back from the kernel, and still looks at the daemon.
 */
bool srv_failover_stop(struct srv_daemon *daemon);
void srv_failover_free(struct srv_daemon *daemon);
