/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

struct srv_daemon;

/*
 * Removes what a daemon that was killed left on the host's links: VLAN links that nothing stands
 * on, and forwarding entries of nics that are not behind a bridge now. At start, on a thread;
 * reconciliation, which makes such things, waits for it (daemon->swept) and begins after it.
 */
void srv_sweep(struct srv_daemon *daemon);
