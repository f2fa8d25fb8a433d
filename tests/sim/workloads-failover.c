// SPDX-License-Identifier: GPL-2.0-or-later
/* Failover nics while the daemon is killed: added, promoted, demoted, drained, resized. */
#include "srv/sriovd/drain.h"
#include "srv/sriovd/failover.h"
#include "tests/sim/sim.h"
#include "tests/sim/workloads.h"

#define GUESTS 2

static void add(unsigned n)
{
	const struct sim_failover nic = { .network = "a" };
	g_autofree char *name = g_strdup_printf("web%u", n);
	struct sim_domain *domain = sim_define(n, name);

	domain->ports = 2;
	domain->uses_vfs = true;
	g_free(sim_add_failover(domain, &nic));
}

static void boot(unsigned n)
{
	struct sim_domain *domain = &sim_world->domain[n - 1];

	g_free(sim_boot(domain));
	sim_settle();
	sim_virt_negotiated(domain->uuid, "ua-sriov-net0");
	sim_settle();
}

static struct srv_nic *nic_of(unsigned n)
{
	g_autoptr(GPtrArray)
		nics = srv_model_nics_of(sim_daemon->model, sim_world->domain[n - 1].uuid);

	return nics->len ? nics->pdata[0] : NULL;
}

static struct srv_pf *the_pf(void)
{
	return srv_model_find_pf(sim_daemon->model, "enp1s0");
}

void sim_run_add_failover(void)
{
	sim_start();
	sim_count_from_here();
	add(1);
	sim_settle();
}

void sim_prepare_failover(void)
{
	sim_start();
	for (unsigned n = 1; n <= GUESTS; n++)
		add(n);
	sim_settle();
	sim_stop();
}

void sim_run_promote(void)
{
	sim_start();
	sim_count_from_here();
	for (unsigned n = 1; n <= GUESTS; n++)
		boot(n);
}

void sim_prepare_promoted(void)
{
	sim_prepare_failover();
	sim_start();
	for (unsigned n = 1; n <= GUESTS; n++)
		boot(n);
	sim_stop();
}

void sim_run_demote(void)
{
	struct srv_nic *nic;

	sim_start();
	sim_count_from_here();
	nic = nic_of(1);
	if (nic)
		srv_demote(sim_daemon, nic, "test", NULL, NULL);
	sim_settle();
}

static void undrained(const struct sriov_error *error, void *data)
{
}

void sim_run_drain(void)
{
	struct srv_job *job;

	sim_start();
	sim_count_from_here();
	srv_pf_drain(sim_daemon, the_pf(), false, &job, NULL);
	sim_settle();
	srv_pf_undrain(sim_daemon, the_pf(), undrained, NULL);
	sim_settle();
}

/* Exclusive nics have VFs of it, too: they go on over virtio. */
void sim_prepare_forced(void)
{
	sim_prepare_failover();
	sim_start();
	for (unsigned n = 1; n <= GUESTS; n++)
		boot(n);
	sim_add_nic(sim_define(GUESTS + 1, "other"), "net0", "b", SRV_MODE_EXCLUSIVE);
	g_free(sim_boot(&sim_world->domain[GUESTS]));
	sim_settle();
	sim_stop();
}

void sim_run_forced(void)
{
	struct srv_job *job;

	sim_start();
	sim_count_from_here();
	srv_pf_drain(sim_daemon, the_pf(), true, &job, NULL);
	sim_settle();
	srv_pf_undrain(sim_daemon, the_pf(), undrained, NULL);
	sim_settle();
}

/* All VFs are in use, and somebody starts whose nic is worth more. */
void sim_prepare_scarce(void)
{
	sim_prepare_promoted();
	sim_add_nic(sim_define(GUESTS + 1, "worth"), "net0", "b", SRV_MODE_EXCLUSIVE);
	sim_world->domain[GUESTS].nic[0].priority = 50;
}

void sim_run_preempt(void)
{
	sim_start();
	sim_count_from_here();
	g_free(sim_boot(&sim_world->domain[GUESTS]));
	sim_settle();
	sim_run(10000);
	sim_shut_down(&sim_world->domain[GUESTS]);
	sim_settle();
}

void sim_run_resize(void)
{
	struct srv_job *job;

	sim_start();
	sim_count_from_here();
	srv_pf_resize(sim_daemon, the_pf(), 5, false, &job, NULL);
	sim_run(10000);
	sim_settle();
}
