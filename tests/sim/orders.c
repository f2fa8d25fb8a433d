// SPDX-License-Identifier: GPL-2.0-or-later
/* What an operator does to PFs while the world keeps his notes: drain, undrain, resize. */
#include "srv/sriovd/drain.h"
#include "srv/sriovd/reconcile.h"
#include "tests/sim/sim.h"

static struct srv_pf *pf_of(uint8_t bus)
{
	const struct sriov_bdf bdf = { 0, bus, 0, 0 };

	return srv_model_pf(sim_daemon->model, bdf);
}

/* Until it is answered both are right, what was before and what is asked for. */
void sim_drain(uint8_t bus, bool force)
{
	struct sim_order *order = &sim_world->order[bus - 1], before = *order;
	struct srv_pf *pf = pf_of(bus);
	struct srv_job *job;

	order->drain = SIM_DRAIN_UNSURE;
	if (!pf || srv_pf_drain(sim_daemon, pf, force, &job, NULL) < 0)
		*order = before;
}

void sim_resize(uint8_t bus, uint32_t vfs, bool force)
{
	struct sim_order *order = &sim_world->order[bus - 1], before = *order;
	struct srv_pf *pf = pf_of(bus);
	struct srv_job *job;

	*order = (struct sim_order){ SIM_DRAIN_UNSURE, 0, vfs };
	if (!pf || srv_pf_resize(sim_daemon, pf, vfs, force, &job, NULL) < 0)
		*order = before;
}

static void undrained(const struct sriov_error *error, void *data)
{
	struct sim_order *order = data;

	sim_door("answer");
	if (!error)
		order->drain = SIM_SERVES;
}

void sim_undrain(uint8_t bus)
{
	struct sim_order *order = &sim_world->order[bus - 1];
	struct srv_pf *pf = pf_of(bus);

	if (!pf)
		return;
	order->drain = SIM_DRAIN_UNSURE;
	/* A resize that is given up leaves as many as there are. */
	if (pf->resizing)
		order->vfs = order->asked = 0;
	srv_pf_undrain(sim_daemon, pf, undrained, order);
}

static bool none_is_resized(void *data)
{
	for (guint i = 0; i < sim_daemon->model->pfs->len; i++) {
		const struct srv_pf *pf = sim_daemon->model->pfs->pdata[i];

		if (pf->resizing && pf->facts)
			return false;
	}
	return true;
}

void sim_settle_orders(void)
{
	if (none_is_resized(NULL))
		return;
	sim_run_until(none_is_resized, NULL, 310 * 1000);
	sim_settle();
	/* What was in vain while it gave no VFs is tried again with the next pass. */
	srv_reconcile(sim_daemon);
	sim_settle();
}

/* The ledger is at rest: what the daemon says now it has told whoever asked. */
void sim_note_orders(void)
{
	for (uint8_t bus = 1; bus <= SIM_PFS; bus++) {
		struct sim_order *order = &sim_world->order[bus - 1];
		const struct srv_pf *pf = pf_of(bus);

		if (!pf || pf->resizing)
			continue;
		sim_door("answer");
		if (order->drain == SIM_DRAIN_UNSURE)
			order->drain = pf->drained ? SIM_DRAINED : SIM_SERVES;
		if (order->asked && !pf->drained && pf->wanted_vfs == order->asked)
			order->vfs = order->asked;
		order->asked = 0;
	}
}
