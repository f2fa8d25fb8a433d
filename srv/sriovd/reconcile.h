/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

struct srv_daemon;

/*
 * Hooks and events can be lost; libvirt's list of domains is the truth. One pass compares it with
 * the ledger: finishes what was under way, adopts what runs, releases what is gone. It runs when
 * libvirt is (again) connected, periodically, and when a domain was redefined. Several requests
 * become one.
 */
void srv_reconcile(struct srv_daemon *daemon);

/* Begins the periodic passes, as often as the configuration says. */
void srv_reconcile_schedule(struct srv_daemon *daemon);

/* Configures every VF that is claimed by hand again: what a crash may have cut short. At start. */
void srv_reconcile_claims(struct srv_daemon *daemon);
