/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "srv/sriovd/ledger-schema.h"

/* Reading a ledger whole, and everything that can be told about its state, changing nothing. */
struct srv_ledger_inspection {
	bool absent;	     /* there is no file; nothing else is set */
	int version;	     /* of its schema; 0: could not be read */
	bool newer;	     /* than this program knows; nothing else is looked at */
	GPtrArray *problems; /* of char *, a sentence each without a subject; empty: sound */
	/* What is in it, as far as it can be read; only of a file of the schema's own version. */
	struct srv_ledger_image *image;
	int64_t total; /* the sum of its rows */
};

/*
 * live: another process may be writing; what cannot be looked at then is left out
 * Errors, LEDGER: it cannot be opened or read. Damage is none: see problems.
 */
int srv_ledger_inspect(const char *dir, const struct srv_ledger_schema *schema, bool live,
		       struct srv_ledger_inspection **ret, struct sriov_error **err);
void srv_ledger_inspection_free(struct srv_ledger_inspection *inspection);
