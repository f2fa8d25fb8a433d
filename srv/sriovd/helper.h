/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

#include "base/error.h"
#include "pci/outcome.h"

/*
 * Runs sriovd-sysfs (srv/helper/protocol.h): what runs driver code and may never come back is done
 * by a child process with a deadline. All on the main thread, which never waits for it.
 */

/*
 * argv:    operation and its arguments, without the program and --root; copied
 * root:    under which sys/ is found
 * seconds: deadline
 * done:    called once. outcome is borrowed; NULL when there is none, and then error says why:
 * TIMEOUT when the deadline passed (the child is killed, or dies when the kernel lets it),
 * INTERNAL, UNAVAILABLE when the program could not be started. gone:    after a TIMEOUT, called
 * when the child has ended after all; may be NULL
 */
void srv_helper_run(const char *const *argv, const char *root, unsigned seconds,
		    void (*done)(const struct spci_outcome *outcome,
				 const struct sriov_error *error, void *data),
		    void (*gone)(void *data), void *data);

/* Another path of the program, for tests and for running from a build folder; copied. */
void srv_helper_set_program(const char *path);

/* Its path, borrowed; on the main thread. */
const char *srv_helper_program(void);

/*
 * Whether there is a program to be run at path: a look at one file. Blocks for as long as its file
 * system takes, so not for the main thread.
 *
 * Errors: UNAVAILABLE, with its path as the subject.
 */
int srv_helper_check(const char *path, struct sriov_error **err);
