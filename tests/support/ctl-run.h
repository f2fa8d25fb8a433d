/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/support/canned-daemon.h"

/* "Now" in these runs: 2026-11-23 14:00:00 UTC, which is also the time zone. */
#define CTL_NOW INT64_C(1795442400)

/*
 * One run of sriovctl within the test: its command line, what it runs in, and what came of it.
 * Clear it with ctl_run_clear().
 */
struct ctl_run_of {
	const char *args;      /* of a shell: "vf claim 'x y' --json"; --socket is put before */
	const char *in;	       /* what somebody types; NULL: nobody is there to */
	unsigned width;	       /* of the terminal; 0: none */
	int read_ms, reply_ms; /* of struct ctl_env */
	/* results */
	int status;
	char *out, *err;
};

/* daemon NULL: there is no daemon. */
void ctl_run_it(struct canned_daemon *daemon, struct ctl_run_of *run);
void ctl_run_clear(struct ctl_run_of *run);
