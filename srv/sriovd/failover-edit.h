/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "srv/domain/metadata.h"

struct srv_attach_work;
struct srv_daemon;
struct srv_virt;

/*
 * The virtio half of a failover nic in its domain's own configuration: part of an edit of the
 * domain (nic-edit.c).
 */

/*
 * Main thread: decides where the virtio half of a nic that is to be added stands, and copies what
 * writing it needs. NULL: see srv_failover_reserve() and srv_attach_work_new().
 */
struct srv_attach_work *srv_failover_edit_new(struct srv_daemon *daemon, const char *uuid,
					      const char *name,
					      const struct srv_nic_request *request,
					      struct sriov_error **err);

/*
 * Has the domain a port left where the VF can be plugged in, next to the virtio half? Blocks.
 *
 * now:      of the running domain as well
 * add_port: put one into the stored configuration if not
 * Errors: LIMIT, which says what to do; INVALID (a machine without PCI Express).
 */
int srv_failover_edit_ports(struct srv_virt *virt, const char *uuid, bool now, bool add_port,
			    struct sriov_error **err);
