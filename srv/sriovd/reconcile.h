/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

struct srv_daemon;
struct srv_pf;

/*
 * Hooks and events can be lost; libvirt's list of domains is the truth. One pass compares it with
 * the ledger: finishes what was under way, adopts what runs, releases what is gone. It runs when
 * libvirt is (again) connected, periodically, and when a domain was redefined. Several requests
 * become one.
 */
void srv_reconcile(struct srv_daemon *daemon);

/* The same, and tells when a pass that began after this call is over; at once without libvirt. */
void srv_reconcile_then(struct srv_daemon *daemon, void (*done)(void *data), void *data);

/* The same in a second: something is under way that the next pass has to wait for. */
void srv_reconcile_soon(struct srv_daemon *daemon);

/* Begins the periodic passes, as often as the configuration says. */
void srv_reconcile_schedule(struct srv_daemon *daemon);

/*
 * Configures every VF that is claimed by hand again: what a crash may have cut short, and what was
 * lost with the VF at a boot. At start, and of a PF whose VFs were just made.
 *
 * pf: NULL: of all
 */
void srv_reconcile_claims(struct srv_daemon *daemon, const struct srv_pf *pf);
