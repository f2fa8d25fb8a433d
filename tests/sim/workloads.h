/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

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
void sim_run_undrain(void);
void sim_prepare_drained(void);
void sim_prepare_exclusive(void);
void sim_run_forced_drain(void);
void sim_prepare_outranked(void);
void sim_run_preempt(void);
void sim_run_resize_deaf(void);

void sim_prepare_one_promoted(void);
void sim_run_remove_failover(void);
/* What its client does again after a kill, as it got no answer. */
void sim_remove_again(void);

/* Those of a host to which something happens (workloads-host.c). */
void sim_prepare_links(void);
void sim_run_pulled(void);
void sim_run_link_lost(void);
void sim_prepare_errors(void);
void sim_run_vf_errors(void);
void sim_run_renamed(void);

/* What they are made of: with the events that the kernel sends. */
void sim_pull_pf(uint8_t bus);
void sim_put_pf_back(uint8_t bus);
void sim_set_carrier(uint8_t bus, bool carrier);
/* fatal: the kernel's counter from now on */
void sim_vf_error(uint8_t bus, uint8_t vf, uint32_t fatal);
/* All PFs are there and have their link. Was one not? */
bool sim_mend_host(void);
/* After sim_settle(): until no VF is watched after an error any more. */
void sim_settle_errors(void);

/* Ends all guests and gives back all claims. */
void sim_end_everything(void);
