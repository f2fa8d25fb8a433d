// SPDX-License-Identifier: GPL-2.0-or-later
/* Claims by hand, and what their owners were told. */
#include <string.h>

#include <glib.h>

#include "srv/sriovd/claim.h"
#include "tests/sim/sim.h"

struct sim_claim *sim_claim_of(const char *owner, const char *id)
{
	struct sim_claim *empty = NULL;

	for (int i = 0; i < SIM_CLAIMS; i++) {
		struct sim_claim *claim = &sim_world->claim[i];

		if (strcmp(claim->owner, owner) == 0 && strcmp(claim->id, id) == 0)
			return claim;
		if (!empty && claim->state == SIM_UNCLAIMED)
			empty = claim;
	}
	g_assert(empty);
	memset(empty, 0, sizeof(*empty));
	g_strlcpy(empty->owner, owner, sizeof(empty->owner));
	g_strlcpy(empty->id, id, sizeof(empty->id));
	return empty;
}

struct claiming {
	struct sim_answer answer;
	struct sim_claim *claim;
	bool alone; /* nobody waits for it */
};

static bool is_known(const struct sim_claim *claim)
{
	const struct srv_owner owner = { SRV_OWNER_MANUAL, (char *)claim->owner,
					 (char *)claim->owner };

	return srv_model_nic(sim_daemon->model, &owner, claim->id) != NULL;
}

static void on_claimed(const struct srv_nic *nic, const struct sriov_error *error, void *data)
{
	struct claiming *claiming = data;
	struct sim_claim *claim = claiming->claim;

	/* The answer is a send of its own, and from then on the client counts on it. */
	sim_door("answer");
	sim_lock();
	if (nic) {
		claim->state = SIM_CLAIMED;
		memcpy(claim->mac, nic->row.mac.octet, 6);
		claim->bus = nic->row.vf.pf.bus;
		claim->vf = nic->row.vf.index;
		memcpy(sim_pf_by_bus(claim->bus)->vf[claim->vf].user, claim->mac, 6);
	} else if (claim->state == SIM_CLAIMING && !is_known(claim)) {
		claim->state = SIM_UNCLAIMED;
	}
	sim_unlock();
	sim_on_answer(error, &claiming->answer);
	if (claiming->alone) {
		g_free(claiming->answer.text);
		g_free(claiming);
	}
}

static void begin_claiming(struct claiming *claiming, const char *network)
{
	struct sim_claim *claim = claiming->claim;
	const struct srv_claim_request request = { .owner = claim->owner,
						   .network = network,
						   .id = claim->id };

	if (claim->state == SIM_UNCLAIMED)
		claim->state = SIM_CLAIMING;
	g_strlcpy(claim->network, network, sizeof(claim->network));
	srv_claim(sim_daemon, &request, on_claimed, claiming);
}

char *sim_claim_vf(const char *owner, const char *id, const char *network)
{
	struct claiming claiming = { .claim = sim_claim_of(owner, id) };

	begin_claiming(&claiming, network);
	return sim_wait_for(&claiming.answer);
}

void sim_begin_claim(struct sim_claim *claim, const char *network)
{
	struct claiming *claiming = g_new0(struct claiming, 1);

	claiming->claim = claim;
	claiming->alone = true;
	begin_claiming(claiming, network);
}

struct releasing {
	struct sim_answer answer;
	const char *owner, *id;
	bool alone;
};

static void set_claims(const struct releasing *releasing, enum sim_claim_state from,
		       enum sim_claim_state to)
{
	for (int i = 0; i < SIM_CLAIMS; i++) {
		struct sim_claim *claim = &sim_world->claim[i];

		if (strcmp(claim->owner, releasing->owner) == 0 && claim->state == from &&
		    (!releasing->id || strcmp(claim->id, releasing->id) == 0))
			claim->state = to;
	}
}

static void on_released(const struct sriov_error *error, void *data)
{
	struct releasing *releasing = data;

	sim_door("answer");
	set_claims(releasing, SIM_RELEASING, error ? SIM_CLAIMED : SIM_UNCLAIMED);
	sim_on_answer(error, &releasing->answer);
	if (releasing->alone) {
		g_free(releasing->answer.text);
		g_free(releasing);
	}
}

static void begin_releasing(struct releasing *releasing)
{
	set_claims(releasing, SIM_CLAIMED, SIM_RELEASING);
	srv_claim_release(sim_daemon, releasing->owner, releasing->id,
			  srv_job_new(sim_daemon->jobs), on_released, releasing);
}

char *sim_release_vf(const char *owner, const char *id)
{
	struct releasing releasing = { .owner = owner, .id = id };

	begin_releasing(&releasing);
	return sim_wait_for(&releasing.answer);
}

void sim_begin_release(struct sim_claim *claim)
{
	struct releasing *releasing = g_new0(struct releasing, 1);

	*releasing = (struct releasing){ .owner = claim->owner, .id = claim->id, .alone = true };
	begin_releasing(releasing);
}
