/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <syslog.h>

#include <glib.h>

/*
 * The journal. Only the daemon logs; an error is logged once, by the owner of the operation. `info`
 * is rare and means that something changed.
 */

/* The journal fields of a line; NULL members are left out. */
struct srv_log_fields {
	const char *pf;	    /* PF= */
	const char *vf;	    /* VF= */
	const char *domain; /* DOMAIN= */
	const char *nic;    /* NIC= */
	unsigned job;	    /* JOB=; 0: none */
};

/* priority: LOG_ERR … LOG_DEBUG of syslog(3). fields may be NULL. Never blocks for long. */
void srv_log(int priority, const struct srv_log_fields *fields, const char *fmt, ...)
	G_GNUC_PRINTF(3, 4);

/* Lines below this are dropped; LOG_INFO at first. */
void srv_log_set_level(int priority);
