// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * make soak at rest: what failed is mended, who was told to come back later does so, what was
 * refused is asked for again; then every rule holds, and nothing is left of what failed.
 */
#include "tests/sim/soak.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/sweep.h"
#include "tests/sim/sim.h"
#include "tests/sim/workloads.h"

/* The last call's client goes away when others come, and what it asked for goes on. */
static void lift_quarantine(void)
{
	for (guint i = 0; i < sim_daemon->model->pfs->len; i++) {
		const struct srv_pf *pf = sim_daemon->model->pfs->pdata[i];

		for (guint j = 0; j < pf->vfs->len; j++) {
			if (srv_vf_state(pf->vfs->pdata[j], NULL) != SRV_VF_STATE_QUARANTINED)
				continue;
			soak_scrub(pf->bdf.bus, j);
			sim_run(20);
		}
	}
}

void soak_fail_if(char *broken)
{
	g_autofree char *nics = broken && g_getenv("SIM_LOG") ? sim_nics() : NULL;

	if (!broken)
		return;
	if (nics)
		fprintf(stderr, "%s", nics);
	sim_lock();
	sim_broken("%s", broken);
	sim_unlock();
	_exit(2);
}

static void undrain(void)
{
	for (uint8_t bus = 1; bus <= SIM_PFS; bus++)
		sim_undrain(bus);
}

/* Who removed a failover nic and had no answer does it again, where half of it is left. */
static void remove_again(const struct sim_domain *domain)
{
	for (int i = 0; i < SIM_NICS; i++) {
		const char *alias = domain->stored[i].alias;
		const char *id = alias + strlen("ua-sriov-");
		g_autofree char *parameters = NULL;

		if (!domain->stored[i].exists || soak_has_nic(domain, id))
			continue;
		parameters = g_strdup_printf("{\"domain\":\"%s\",\"id\":\"%s\",\"now\":%s}",
					     domain->name, id, domain->active ? "true" : "false");
		sim_ask("RemoveNic", parameters);
		sim_settle();
	}
}

static void remove_all_again(void)
{
	for (int i = 0; i < SOAK_GUESTS; i++)
		remove_again(&sim_world->domain[i]);
}

static bool none_is_reserved(void *data)
{
	g_autoptr(GPtrArray) nics = srv_model_nics(sim_daemon->model);

	for (guint i = 0; i < nics->len; i++) {
		if (((const struct srv_nic *)nics->pdata[i])->row.state == SRV_NIC_RESERVED)
			return false;
	}
	return true;
}

static bool is_being_started(const struct sim_domain *domain)
{
	g_autofree char *mark = g_strdup_printf("%s/state/start-%s", sim_root, domain->uuid);

	return g_file_test(mark, G_FILE_TEST_EXISTS);
}

static bool requires_one(const struct sim_domain *domain)
{
	for (uint32_t i = 0; i < domain->n_nics; i++) {
		if (domain->nic[i].mode == SRV_MODE_REQUIRED)
			return true;
	}
	return false;
}

/*
 * A guest whose start was over with a nic missing that it requires stays paused, also when it has
 * it later: whoever started it was told, and lets it run.
 */
static void resume_all(void)
{
	for (int i = 0; i < SOAK_GUESTS; i++) {
		struct sim_domain *domain = &sim_world->domain[i];

		if (!domain->paused || !requires_one(domain) || is_being_started(domain))
			continue;
		domain->paused = false;
		sim_virt_event(domain->uuid, SRV_VIRT_RESUMED);
	}
}

/* Comes to rest and compares. */
void soak_check(void)
{
	soak_mend();
	sim_mend_host();
	undrain();
	sim_run(100 * 1000); /* a start of which nothing more is heard is given up by then */
	lift_quarantine();
	srv_reconcile(sim_daemon);
	srv_sweep(sim_daemon);
	sim_settle();
	sim_settle_orders();
	sim_settle_errors();
	remove_all_again();
	/* What hung came to its start or its end only now; and what was in vain is tried again. */
	sim_run_until(none_is_reserved, NULL, 100 * 1000);
	resume_all();
	/* Twice: what the first one finds gone comes free for the second. */
	for (int i = 0; i < 2; i++) {
		srv_reconcile(sim_daemon);
		sim_settle();
	}
	sim_note_orders();
	sim_world->unplugged = false;
	soak_fail_if(sim_check_rules() ?: sim_check_mended());
}
