/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Time that passes only when nobody works: while a thread, a child or the ledger is busy, the clock
 * stands where the real one puts it; when all wait for a timer, it jumps there. So a second of
 * waiting costs nothing, and no deadline passes only because the machine is slow.
 */
void sim_clock_install(void);

/* The wall clock is so many seconds off from now on: somebody sets it. */
void sim_clock_set_wall(int64_t seconds);

/* Runs the default main context for so long of that time. */
void sim_run(unsigned ms);

/* Runs it until cond is true; false when it is not after so long of that time. */
bool sim_run_until(bool (*cond)(void *data), void *data, unsigned ms);

/* Is anything under way that does not wait for a timer? */
bool sim_is_busy(void);

/* In a process that was just forked: those of its parent are none of its own. */
void sim_clock_forget_children(void);
