/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/error.h"

struct sim_domain;
struct srv_virt;

/* Inside the libvirt of the simulated host only. */

/* On any thread: the connection is gone, and the daemon hears of it. */
void sim_virt_lose_connection(void);

/* 0, or UNAVAILABLE while there is no connection. */
int sim_virt_not_connected(struct srv_virt *virt, struct sriov_error **err);

/* libvirt holds the lock of a domain whose hook it waits for: its configuration stays as it is. */
void sim_virt_wait_for_hook(const char *uuid);

/* With the lock held: something is about to be done to a domain, or NULL. */
void sim_virt_touch(const struct sim_domain *domain);

/* NOT_FOUND of a domain, by UUID or name. */
int sim_virt_no_domain(const char *domain, struct sriov_error **err);
