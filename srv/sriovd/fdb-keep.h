/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include <glib.h>

struct srv_daemon;

/*
 * Looks whether the PFs' filters still have the MACs of running guests' virtio nics behind a bridge
 * (netlink/fdb.h), and puts back what somebody removed. Returns at once.
 *
 * domains: of struct srv_virt_domain, as libvirt has them
 * began:   g_get_monotonic_time() at which it was asked for them
 */
void srv_fdb_keep(struct srv_daemon *daemon, const GPtrArray *domains, int64_t began);
