/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "srv/sriovd/ledger-store.h"

/*
 * Changes that have to come on disk and could not yet, in the order in which they were made; of
 * each row only the last. The writer's thread's.
 */
struct srv_ledger_backlog;

struct srv_ledger_backlog *srv_ledger_backlog_new(void);
void srv_ledger_backlog_free(struct srv_ledger_backlog *backlog);

/* Takes all of changes (of struct srv_ledger_change), which is empty afterwards. */
void srv_ledger_backlog_take(struct srv_ledger_backlog *backlog, GArray *changes);

/* Borrowed, of struct srv_ledger_change; one transaction. */
const GArray *srv_ledger_backlog_changes(const struct srv_ledger_backlog *backlog);
bool srv_ledger_backlog_is_empty(const struct srv_ledger_backlog *backlog);
/* They are on disk now. */
void srv_ledger_backlog_clear(struct srv_ledger_backlog *backlog);
