/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <syslog.h>

#include <glib.h>

struct srv_call;
struct srv_daemon;

/*
 * What changed, for whoever watches (Watch of io.sriovd.varlink) and for the journal. Main thread.
 */
struct srv_events;

struct srv_events *srv_events_new(void);
void srv_events_free(struct srv_events *events);

/*
 * kind: "nic", "vf", "pf", "config", "libvirt", "reconcile"
 * priority: of the journal's line, as syslog(3)
 */
void srv_event(struct srv_events *events, int priority, const char *kind, const char *subject,
	       const char *fmt, ...) G_GNUC_PRINTF(5, 6);

/* Takes over a call of Watch: it gets every event from now on, until its client goes away. */
void srv_events_watch(struct srv_events *events, struct srv_call *call);
