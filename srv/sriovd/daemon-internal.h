/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "srv/sriovd/daemon.h"

/* What daemon*.c share. */

/*
 * Opens the ledger, or puts one in its place whose every transaction fails with the reason, and
 * joins its rows into the model. Blocks. BUSY: another daemon has it.
 */
int srv_daemon_open_ledger(struct srv_daemon *daemon, struct sriov_error **err);

/*
 * Reads the configuration for the first time; blocks on the disk. A bad one leaves the empty one in
 * force. Its groups are not known yet, nor has it been checked against the host.
 */
void srv_daemon_read_config(struct srv_daemon *daemon);

/* Finds out, on a thread, who is meant by the groups of the configuration in force. */
void srv_daemon_find_groups(struct srv_daemon *daemon);

/* Checks what is in force against the host, which has been looked at for the first time. */
void srv_daemon_check_config(struct srv_daemon *daemon);

/* An error that says "sriovd is ending", for who still waits. */
void srv_daemon_set_stopping(struct sriov_error **err);
