/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

struct srv_daemon;

/*
 * Reads their marks, after the ledger: of those whose hook the ledger has not heard of, libvirt was
 * not asked, or did not get that far. Blocks on the disk.
 */
void srv_start_load(struct srv_daemon *daemon);

/*
 * Starts that were cut short, by our end or libvirt's, between libvirt's paused start and our
 * resume: gone on with, when the guest is as we left it. In a pass, before the rows are compared.
 *
 * It is resumed when the mark of the start (start-mark.h) is there, of this boot, the guest is
 * paused, not for something that failed, and the ledger has heard of the start's hook. Whoever
 * starts a guest paused, or suspends one, has no such mark.
 *
 * domains: of struct srv_virt_domain, as libvirt listed them
 * began: the monotonic time at which it was asked for them; what was cut short later waits for the
 * next pass
 */
void srv_start_resume(struct srv_daemon *daemon, const GPtrArray *domains, int64_t began);
