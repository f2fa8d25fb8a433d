/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * What a daemon is doing while it is killed (tests/sim/crash.c). Each runs in a process of its own
 * on a host that prepare() has made, in another one, and left with the daemon stopped.
 */
struct sim_workload {
	const char *name;
	const char *config;
	void (*prepare)(void); /* NULL: a host on which sriovd never ran */
	/*
	 * Starts the daemon, says sim_count_from_here() where the points begin that are of
	 * interest, and does the work.
	 */
	void (*run)(void);
	/* Also killed while it recovers from each of some of these kills. */
	int recoveries;
};

/* The list ends with one without a name. */
extern const struct sim_workload sim_workloads[];

void sim_count_from_here(void);

/* Those of failover nics (workloads-failover.c). */
void sim_prepare_failover(void);
void sim_prepare_promoted(void);
void sim_run_add_failover(void);
void sim_run_promote(void);
void sim_run_demote(void);
void sim_run_drain(void);
void sim_run_resize(void);
void sim_prepare_forced(void);
void sim_run_forced(void);
void sim_prepare_scarce(void);
void sim_run_preempt(void);

/* Ends all guests and gives back all claims. */
void sim_end_everything(void);
