/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/*
 * What each user may take of the main thread's time: a token bucket a user, filled by a share of
 * the time that passes. It only counts; who is over it is made to wait by varlink-connection.c.
 *
 * All times are microseconds of CLOCK_MONOTONIC, or of whatever clock the caller has.
 */
struct srv_budget;

/*
 * permille: of the time that passes, [1, 1000]
 * burst:    what a bucket holds at most, and at first
 * debt:     what it may lack at most: what is charged above that is let off, so that nobody waits
 *           longer than it takes to fill up so much
 */
struct srv_budget *srv_budget_new(uint32_t permille, int64_t burst, int64_t debt);
void srv_budget_free(struct srv_budget *budget);

/* used: negative gives back */
void srv_budget_charge(struct srv_budget *budget, uid_t uid, int64_t used, int64_t now);

/*
 * 0 when uid may be served now, else when it may. Who has used up a bucket waits until there is a
 * little in it again, not for each drop.
 */
int64_t srv_budget_wait(struct srv_budget *budget, uid_t uid, int64_t now);

/* Buckets that are kept: those that are not full. For tests. */
unsigned srv_budget_size(const struct srv_budget *budget);
