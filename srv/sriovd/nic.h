/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "base/error.h"
#include "srv/domain/metadata.h"
#include "srv/sriovd/model.h"

struct srv_daemon;

/*
 * The life of a domain's nics: prepared when it starts (VFs reserved), attached when it runs,
 * released when it is gone. Calls come from hooks, events and reconciliation in any order and
 * number; each looks at the state first, so that doubled and late ones change nothing.
 */

/*
 * The domain is about to start: makes its nics in the ledger what it asks for, and decides what
 * carries each. May wait some seconds for VFs (srv_nic_wait()).
 *
 * requests: of struct srv_nic_request, borrowed
 * links:    of char, borrowed: the VLAN links that its configuration names, which libvirt looks
 * for; NULL: none done:     called once, when it is durable; error (borrowed) refuses the start
 */
void srv_nic_prepare(struct srv_daemon *daemon, const char *uuid, const char *name,
		     const GPtrArray *requests, const GPtrArray *links,
		     void (*done)(const struct sriov_error *error, void *data), void *data);

/*
 * Tries to get VFs: at once, unless the first pass comes before that (gate.h), and while they come
 * free soon (srv_nic_reserve()) again whenever one may have, for some seconds.
 *
 * try:    true when it was answered, or will be by the ledger; false: it waits, which it may not
 *         when this is the last try. Not called again after true
 * refuse: answers it instead, for the daemon ends; error is borrowed
 */
void srv_nic_wait(struct srv_daemon *daemon, bool (*try)(bool last, void *data),
		  void (*refuse)(const struct sriov_error *error, void *data), void *data);

/* A VF came free, or a PF ready: tries again for who waits, in the order in which they came. */
void srv_nic_serve_waiting(struct srv_daemon *daemon);

/* The daemon ends: answers who waits. error is borrowed. */
void srv_nic_refuse_waiting(struct srv_daemon *daemon, const struct sriov_error *error);

/*
 * Puts what a nic was given into the ledger, its row and its VF's, and attaches it when that is on
 * disk. When it cannot be, nothing is attached, and the next reconcile pass tries again.
 *
 * done: called when the attach has begun, or with the error (borrowed). The nic is NULL when it is
 *       gone meanwhile. May be NULL
 */
void srv_nic_put_and_attach(struct srv_daemon *daemon, struct srv_nic *nic,
			    void (*done)(struct srv_nic *nic, const struct sriov_error *error,
					 void *data),
			    void *data);

/* The domain runs: attaches those of its nics that are reserved. */
void srv_nic_attach_owner(struct srv_daemon *daemon, const char *uuid);

/* Attaches one reserved nic. done may be NULL. */
void srv_nic_attach(struct srv_daemon *daemon, struct srv_nic *nic,
		    void (*done)(const struct sriov_error *error, void *data), void *data);

/*
 * Sees to it that the VF of an attached nic has its network's attributes still: after a crash in
 * the midst of its attach, or when its PF was down. What is so already is not touched.
 */
void srv_nic_restore(struct srv_daemon *daemon, struct srv_nic *nic);

/*
 * The MAC of its virtio device, which has this netdev behind a bridge, is missing in a PF's filter:
 * puts it back.
 */
void srv_nic_restore_fdb(struct srv_daemon *daemon, struct srv_nic *nic, const char *tap);

/* Calls done as soon as nothing is under way on the nic, maybe at once. The nic is borrowed. */
void srv_nic_when_settled(struct srv_nic *nic, void (*done)(struct srv_nic *nic, void *data),
			  void *data);

/* Nothing is under way on it any more: tells those who wait. For who has cleared nic->busy. */
void srv_nic_settled(struct srv_nic *nic);

/* Detaches one from its running owner and takes its backing. done may be NULL. */
void srv_nic_detach(struct srv_daemon *daemon, struct srv_nic *nic,
		    void (*done)(const struct sriov_error *error, void *data), void *data);

/*
 * The domain may be gone: asks libvirt, and if it is, takes its nics' backings away and scrubs the
 * VFs.
 */
void srv_nic_owner_gone(struct srv_daemon *daemon, const char *uuid);

/* The same without asking: the caller has just seen in libvirt that it does not run. */
void srv_nic_release_owner(struct srv_daemon *daemon, const char *uuid);

/* One nic of a domain that runs on without it. */
void srv_nic_release(struct srv_daemon *daemon, struct srv_nic *nic);

/*
 * Decides what carries a nic and gives it that; the ledger is the caller's to tell.
 *
 * ret_pending: also set with an error: it got no VF, and one comes free soon
 */
int srv_nic_reserve(struct srv_daemon *daemon, struct srv_nic *nic, bool *ret_pending,
		    struct sriov_error **err);

/*
 * Makes the rows of an owner match what it asks for: adds, changes, removes idle ones; in the model
 * and in txn. Errors: INVALID (unknown network), EXISTS (MAC of another nic), with nothing changed.
 */
int srv_nic_sync_rows(struct srv_daemon *daemon, struct srv_ledger_txn *txn, const char *uuid,
		      const char *name, const GPtrArray *requests, struct sriov_error **err);

/*
 * The same for each request by itself, of a guest that runs whatever it asks for: the rows of those
 * that cannot be stay as they are. told gets the error of each (borrowed).
 */
void srv_nic_sync_good_rows(struct srv_daemon *daemon, struct srv_ledger_txn *txn, const char *uuid,
			    const char *name, const GPtrArray *requests,
			    void (*told)(const struct sriov_error *error, void *data), void *data);

/* Checks requests as srv_nic_sync_rows() does, without changing anything. */
int srv_nic_check_requests(struct srv_daemon *daemon, const char *uuid, const char *name,
			   const GPtrArray *requests, struct sriov_error **err);
