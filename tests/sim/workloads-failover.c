// SPDX-License-Identifier: GPL-2.0-or-later
/* Failover nics while the daemon is killed: added, promoted, demoted, drained, resized. */
#include "srv/sriovd/failover.h"
#include "tests/sim/sim.h"
#include "tests/sim/workloads.h"

#define GUESTS 2

static void add_with(unsigned n, uint32_t priority)
{
	const struct sim_failover nic = { .network = "a", .priority = priority };
	g_autofree char *name = g_strdup_printf("web%u", n);
	struct sim_domain *domain = sim_define(n, name);

	domain->ports = 2;
	domain->uses_vfs = true;
	g_free(sim_add_failover(domain, &nic));
}

static void add(unsigned n)
{
	add_with(n, 0);
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

void sim_run_drain(void)
{
	sim_start();
	sim_count_from_here();
	sim_drain(1, false);
	sim_settle();
	sim_note_orders();
	sim_undrain(1);
	sim_settle();
}

void sim_run_resize(void)
{
	sim_start();
	sim_count_from_here();
	sim_resize(1, 5, false);
	sim_run(10000);
	sim_settle();
	sim_note_orders();
}

/* A PF that was drained serves again. */
void sim_prepare_drained(void)
{
	sim_prepare_promoted();
	sim_start();
	sim_drain(1, false);
	sim_settle();
	sim_note_orders();
	sim_stop();
}

void sim_run_undrain(void)
{
	sim_start();
	sim_count_from_here();
	sim_undrain(1);
	sim_settle();
	sim_run(10000);
	sim_settle();
}

/* An exclusive guest and a required one beside a failover one. */
void sim_prepare_exclusive(void)
{
	static const enum srv_mode modes[] = { SRV_MODE_EXCLUSIVE, SRV_MODE_REQUIRED };

	sim_start();
	add(1);
	boot(1);
	for (unsigned i = 0; i < G_N_ELEMENTS(modes); i++) {
		g_autofree char *name = g_strdup_printf("web%u", 2 + i);
		struct sim_domain *domain = sim_define(2 + i, name);

		sim_add_nic(domain, "net0", "a", modes[i]);
		g_free(sim_boot(domain));
	}
	sim_settle();
	sim_stop();
}

void sim_run_forced_drain(void)
{
	sim_start();
	sim_count_from_here();
	sim_drain(1, true);
	sim_settle();
	sim_note_orders();
	sim_undrain(1);
	sim_settle();
}

/* All VFs are with guests of little priority. */
void sim_prepare_outranked(void)
{
	sim_start();
	for (unsigned n = 1; n <= SIM_VFS; n++)
		add_with(n, n);
	add_with(SIM_VFS + 1, 100);
	for (unsigned n = 1; n <= SIM_VFS; n++)
		boot(n);
	sim_stop();
}

void sim_run_preempt(void)
{
	sim_start();
	sim_count_from_here();
	boot(SIM_VFS + 1);
	sim_run(10000);
	sim_settle();
}

/* Guests that ignore it at first, and are asked again. */
void sim_run_resize_deaf(void)
{
	sim_start();
	sim_count_from_here();
	sim_world->faults.deaf_guest = true;
	sim_resize(1, 5, true);
	sim_run(10000);
	sim_world->faults.deaf_guest = false;
	sim_run(310 * 1000);
	sim_settle();
	sim_note_orders();
}

/* One that runs and has a VF, and one that is shut off. */
void sim_prepare_one_promoted(void)
{
	sim_prepare_failover();
	sim_start();
	boot(1);
	sim_stop();
}

static void remove_nic(unsigned n, const char *now)
{
	g_autofree char *parameters = g_strdup_printf(
		"{\"domain\":\"web%u\",\"id\":\"net0\",\"now\":%s}", n, now);

	sim_ask("RemoveNic", parameters);
	sim_settle();
}

void sim_run_remove_failover(void)
{
	sim_start();
	sim_serve();
	sim_count_from_here();
	remove_nic(1, "true");
	remove_nic(2, "false");
}

void sim_remove_again(void)
{
	sim_serve();
	remove_nic(1, "true");
	remove_nic(2, "false");
}
