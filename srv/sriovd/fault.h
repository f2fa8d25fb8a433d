/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "netlink/uevent.h"
#include "srv/sriovd/model.h"

struct srv_daemon;

/*
 * PCIe errors of PFs and VFs, and what follows of them. They are heard of twice: the kernel's
 * device events tell that a function is being recovered, at once, and for every function behind
 * the port at which the error was reported; the kernel's counters (pci/aer.h) tell whose error it
 * was. Of what the hardware corrects nothing follows.
 *
 *	VF of a failover nic	the nic is demoted (failover.c); the VF is scrubbed, watched for a
 *				minute, and free
 *	VF of another nic	its owner keeps it, as there is nothing to go over to, and is told
 *	VF that is free		quarantined
 *	VF that waits for its scrub
 *				scrubbed, watched, and free
 *	a second error within an hour, or a recovery that fails
 *				quarantined as soon as nobody has it
 *
 * A quarantine ends by order (scrub-ask.h), which also makes that its errors count no more.
 *
 * Where the kernel does not count a VF's errors nobody can tell whether it was its own: its
 * failover nic is demoted as above, and one that nobody has is scrubbed, not quarantined.
 *
 * What is known of errors is not on disk, quarantines are: after a restart only what is counted
 * from then on is a new error.
 *
 * Everything here is for the main thread and returns at once, but for srv_fault_look_run().
 */
struct srv_faults;

struct srv_faults *srv_faults_new(struct srv_daemon *daemon);
/* Nothing begins any more. */
void srv_faults_stop(struct srv_faults *faults);
void srv_faults_free(struct srv_faults *faults);

/* The kernel tells of an error's recovery: one of SNL_UEVENT_RECOVERY_BEGUN, … */
void srv_fault_event(struct srv_daemon *daemon, struct sriov_bdf bdf, enum snl_uevent what);
/* Such events may have been lost. */
void srv_fault_events_lost(struct srv_daemon *daemon);

/* Reads the counters of the PFs that are managed, and of their VFs, on a thread. */
void srv_fault_look(struct srv_daemon *daemon);

/* A look at one PF, for who reads it anyway. */
struct srv_fault_look;
/* Which one it is, in the order in which they begin. */
uint64_t srv_fault_number(struct srv_daemon *daemon);
struct srv_fault_look *srv_fault_look_new(const struct spci_pf *facts, uint64_t number);
/* On any thread; see spci_aer_read() for how long it blocks. */
void srv_fault_look_run(struct srv_fault_look *look, const char *root);
/* Takes what was read, and acts on it; frees the look. */
void srv_fault_look_take(struct srv_daemon *daemon, struct srv_fault_look *look);

/*
 * Somebody has looked after a VF that nobody has: the errors that it had count no more, be it
 * condemned for them. What is counted from now on does.
 */
void srv_fault_forget(struct srv_vf *vf);

/* A VF has been scrubbed, and the ledger says so: after an error it is watched for a while. */
void srv_fault_scrubbed(struct srv_daemon *daemon, struct srv_vf *vf);
