/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/sim/world.h"

/*
 * make soak: its lives and its end (soak.c), what happens in them (soak-acts.c), and the rest in
 * which all must be right (soak-rest.c).
 */
#define SOAK_GUESTS 12
#define SOAK_PLAIN  8 /* of them; the others have a failover nic each */

/* A generator of its own, so that a seed means the same everywhere: a number below n. */
uint32_t soak_roll(uint32_t n);
void soak_seed(uint64_t seed);
/* A seed for another life. */
uint64_t soak_roll_seed(void);

/* Something happens. The daemon lives, and nobody waits for it. */
void soak_operate(bool with_edits);
/* A guest starts or ends, and sriovd is not told. */
void soak_act_unseen(void);

/* What fails or hangs, does so no more. */
void soak_mend(void);
/* Asks for the scrub of a VF. */
void soak_scrub(uint8_t bus, uint32_t vf);
/* Writes one of the configurations, [0, 3). */
void soak_configure(unsigned which);
bool soak_has_nic(const struct sim_domain *domain, const char *id);
/* A name that no nic of the domain has. */
void soak_name_nic(const struct sim_domain *domain, char id[16]);

/* Comes to rest and compares; what is wrong ends the process. */
void soak_check(void);
/* A broken rule's sentence, or NULL (the caller's, freed). */
void soak_fail_if(char *broken);
