// SPDX-License-Identifier: GPL-2.0-or-later
/* What befalls the host while the daemon is killed: PFs pulled, renamed, without link; VFs that
 * fail. */
#include <string.h>

#include "srv/sriovd/reconcile.h"
#include "tests/sim/netlink.h"
#include "tests/sim/sim.h"
#include "tests/sim/workloads.h"

void sim_pull_pf(uint8_t bus)
{
	uint32_t ifindex = sim_pf_by_bus(bus)->ifindex;

	sim_world->unplugged = true;
	sim_unplug_pf(bus);
	sim_link_event(ifindex);
}

void sim_put_pf_back(uint8_t bus)
{
	sim_plug_pf(bus);
	sim_link_event(sim_pf_by_bus(bus)->ifindex);
}

void sim_set_carrier(uint8_t bus, bool carrier)
{
	struct sim_link *link = sim_link_by_index(sim_pf_by_bus(bus)->ifindex);

	if (!link)
		return; /* unplugged */
	sim_lock();
	link->carrier = carrier;
	link->up |= carrier;
	sim_show_link(link);
	sim_unlock();
	sim_link_event(link->ifindex);
}

bool sim_mend_host(void)
{
	bool mended = false;

	for (uint8_t bus = 1; bus <= SIM_PFS; bus++) {
		const struct sim_link *link;

		if (!sim_pf_by_bus(bus)->ifindex) {
			sim_put_pf_back(bus);
			mended = true;
		}
		link = sim_link_by_index(sim_pf_by_bus(bus)->ifindex);
		if (link->up && link->carrier)
			continue;
		sim_set_carrier(bus, true);
		mended = true;
	}
	return mended;
}

/* The links of the simulated PFs have their carrier from when a daemon brought them up. */
static void prepare_with_links(void (*prepare)(void))
{
	prepare();
	sim_set_carrier(1, true);
}

void sim_prepare_links(void)
{
	prepare_with_links(sim_prepare_exclusive);
}

void sim_run_pulled(void)
{
	sim_start();
	sim_count_from_here();
	sim_pull_pf(1);
	sim_settle();
	sim_put_pf_back(1);
	sim_settle();
	srv_reconcile(sim_daemon);
	sim_settle();
}

void sim_run_link_lost(void)
{
	sim_start();
	sim_count_from_here();
	sim_set_carrier(1, false);
	sim_run(10 * 1000);
	sim_settle();
	sim_set_carrier(1, true);
	sim_run(10 * 1000);
	sim_settle();
}

/* PCIe errors, of which the kernel counts those of each function */

void sim_prepare_errors(void)
{
	sim_prepare_exclusive();
	for (uint8_t i = 0; i < SIM_VFS; i++)
		sim_show_errors(1, 2, i, 0, 0);
}

void sim_vf_error(uint8_t bus, uint8_t vf, uint32_t fatal)
{
	static const enum snl_uevent events[] = { SNL_UEVENT_RECOVERY_BEGUN, SNL_UEVENT_RECOVERED };

	sim_show_errors(bus, 2, vf, fatal, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(events); i++) {
		sim_pci_error_event(bus, 0, 0, events[i]);
		sim_pci_error_event(bus, 2, vf, events[i]);
	}
}

/* Of each guest's VF, of one that nobody has, and once more of the first. */
void sim_run_vf_errors(void)
{
	sim_start();
	sim_count_from_here();
	for (uint8_t i = 0; i < 4; i++) {
		sim_vf_error(1, i, 1);
		sim_settle();
	}
	sim_vf_error(1, 0, 2);
	sim_settle();
	sim_run(70 * 1000);
	sim_settle();
}

static bool none_is_watched(void *data)
{
	for (guint i = 0; i < sim_daemon->model->pfs->len; i++) {
		const struct srv_pf *pf = sim_daemon->model->pfs->pdata[i];

		for (guint j = 0; j < pf->vfs->len; j++) {
			const struct srv_vf *vf = pf->vfs->pdata[j];

			if (vf->health.watched_until || vf->health.recovering_since)
				return false;
		}
	}
	return true;
}

void sim_settle_errors(void)
{
	if (none_is_watched(NULL))
		return;
	sim_run_until(none_is_watched, NULL, 130 * 1000);
	sim_settle();
}

/* Another name, of a PF that its pool knows by its address */

static void rename_pf(const char *netdev)
{
	sim_rename_pf(1, netdev);
	sim_link_event(sim_pf_by_bus(1)->ifindex);
	sim_settle();
}

void sim_run_renamed(void)
{
	struct sim_domain *web = &sim_world->domain[1];

	sim_start();
	sim_count_from_here();
	rename_pf("lan0");
	g_free(sim_claim_vf("dpdk", "p0", "a"));
	sim_shut_down(web);
	sim_settle();
	g_free(sim_boot(web));
	rename_pf("enp1s0");
	srv_reconcile(sim_daemon);
	sim_settle();
}
