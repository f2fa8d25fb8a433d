/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct srv_daemon;

/*
 * Nothing is changed before it is known who has what. After a start the ledger may say otherwise
 * than libvirt does: guests have come and gone, and what was under way was cut short. So the first
 * reconcile pass comes first; until it is over reads are answered, and changes wait or are refused.
 * Before the pass comes the first look at the host: a driver that hangs can keep it from coming
 * back, and then the gate stays closed, libvirt or not.
 *
 * A host without libvirt is served as well: when libvirt cannot be asked, and the ledger names no
 * guest that may have anything, the pass could find none, and the gate opens without it. (What
 * somebody past us has is asked from the kernel at every use of a VF: is its VFIO group open?)
 */

/* Closes it, at start and with another ledger, and looks out for when it may be opened. */
void srv_gate_close(struct srv_daemon *daemon);

bool srv_gate_is_open(const struct srv_daemon *daemon);

/* A pass is over: lets in whatever waits. Nothing when it is open already. */
void srv_gate_open(struct srv_daemon *daemon);

/* Opens it where that can be answered for without a pass. */
void srv_gate_look(struct srv_daemon *daemon);

/*
 * Does a start wait for it? For some seconds after ours only: libvirt holds the lock of a domain
 * whose hook waits, and the pass may be waiting for just that lock.
 */
bool srv_gate_holds_starts(const struct srv_daemon *daemon);

/* Why it is closed: UNAVAILABLE, with what to do. */
int srv_gate_refusal(const struct srv_daemon *daemon, struct sriov_error **err);

/*
 * Calls done when it is open, at once if it is: with an error (borrowed, UNAVAILABLE) when that is
 * not to be expected or takes too long.
 */
void srv_gate_then(struct srv_daemon *daemon,
		   void (*done)(const struct sriov_error *error, void *data), void *data);

/* The daemon ends: no timer, and those who wait are told so. error is borrowed. */
void srv_gate_end(struct srv_daemon *daemon, const struct sriov_error *error);
