/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

struct srv_daemon;

/*
 * Removes what is left over on the host's links: the first time, forwarding entries of nics that
 * are not behind a bridge now; and, once libvirt has been looked at, VLAN links that nothing stands
 * on. On a thread, at start, after the first reconciliation and then periodically; reconciliation,
 * which makes such things, begins after the first time (daemon->swept).
 */
void srv_sweep(struct srv_daemon *daemon);
