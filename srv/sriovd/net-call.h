/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct srv_daemon;
struct srv_queue;

/*
 * Work with netlink and sysfs on a queue that is no PF's (of a domain, of all failover nics, of the
 * host), with a deadline, for the reason that pf-call.h gives: the kernel works on a request in the
 * thread that sends it, and while a driver holds the RTNL lock no thread comes back from there.
 * Whoever asked is told, and so is everybody: an event, and a problem of GetStatus until it has
 * come back. What stands behind it in the same queue is told the same, at the latest after its own
 * deadline, and is not begun any more.
 *
 * Only the time inside srv_net_enter() and srv_net_leave() counts: work that also asks libvirt,
 * which has patience of its own, may take longer.
 *
 * subject: for events: "nic web1/net0", "host"; copied, as is what
 * what:    is being done, for people: "putting it on its uplink"
 * run:     on the queue's thread
 * done:    once, on the main thread, never before this has returned. late is NULL: run has ended.
 *          Otherwise (borrowed, TIMEOUT) it has not, or will not be run, and data is run's until
 * gone gone:    on the main thread, after done was called with late, when run has ended after all
 */
void srv_net_call(struct srv_daemon *daemon, struct srv_queue *queue, const char *subject,
		  const char *what, void (*run)(void *data),
		  void (*done)(const struct sriov_error *late, void *data),
		  void (*gone)(void *data), void *data);

/*
 * On the thread, before and after what may hang in the kernel; not nested. Elsewhere they do
 * nothing.
 *
 * srv_net_leave(): 0, or -ETIMEDOUT when nobody waits for it any more, and whatever would come next
 * is not to be done.
 */
void srv_net_enter(void);
int srv_net_leave(struct sriov_error **err);

/* Those that have not come back, for people. */
void srv_net_each_late(const struct srv_daemon *daemon,
		       void (*tell)(const char *subject, const char *what, void *data), void *data);

/* On the thread: the same question at any other time. What libvirt is about to be asked for is not
 * asked for when it is true; it cannot become true before the next srv_net_enter(). */
bool srv_net_is_late(void);
