/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "base/error.h"

/*
 * That a guest is being started paused, by us, to be resumed by us: written down before libvirt is
 * asked, for libvirt does not tell who paused a guest, and one that somebody else wants paused is
 * his. A file in the state directory for each, with the boot in it: it is not the ledger's, whose
 * rows are of nics, and what it says is over with the boot.
 *
 * All block on the disk.
 */

/* On disk when it returns. boot_id: which boot of the host this is. Errors: LEDGER. */
int srv_start_mark_put(const char *dir, const char *uuid, const char *boot_id,
		       struct sriov_error **err);
bool srv_start_mark_is_there(const char *dir, const char *uuid);
void srv_start_mark_remove(const char *dir, const char *uuid);

/* Those of this boot: UUIDs, the caller's. Those of another one are removed. */
GPtrArray *srv_start_marks(const char *dir, const char *boot_id);
