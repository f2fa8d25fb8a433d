/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "netlink/link.h"

/*
 * Watches links: RTNLGRP_LINK on a non-blocking socket of its own, dispatched from a GMainContext.
 */
struct snl_monitor;

struct snl_monitor_handler {
	/* A link appeared, changed (removed = false) or vanished. link is borrowed. */
	void (*link)(const struct snl_link *link, bool removed, void *data);
	/*
	 * Events were lost (ENOBUFS): nothing that was known from events holds any more, read
	 * everything again.
	 */
	void (*overrun)(void *data);
};

/*
 * context: where to dispatch; NULL for the default one
 * handler: copied; called from that context only
 */
int snl_monitor_new(GMainContext *context, const struct snl_monitor_handler *handler, void *data,
		    struct snl_monitor **ret, struct sriov_error **err);
void snl_monitor_free(struct snl_monitor *monitor);

/* Its socket, borrowed: for tests, which shrink its buffer. */
int snl_monitor_get_fd(const struct snl_monitor *monitor);
