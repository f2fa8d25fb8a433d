/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Guests with a failover nic on the simulated host (tests/sim/sim.h). */
#include "tests/sim/netlink.h"
#include "tests/unit/sim-assert.h"

/* numVfs VFs on each of the PFs: "\"enp1s0\"" */
#define SIM_CONFIG_FAILOVER(pfs, vfs)                                        \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[" pfs "]}," \
	"\"numVfs\":" vfs "}],\"networks\":["                                \
	"{\"name\":\"a\",\"pool\":\"fast\",\"vlan\":100,\"maxTxRate\":1000}]}"

static inline struct srv_nic *sim_nic_of(const struct sim_domain *domain)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of(sim_daemon->model, domain->uuid);

	assert_int_equal(nics->len, 1);
	return nics->pdata[0];
}

/* NAME runs, and its guest's driver has said that it can join a VF, and uses the one it gets. */
static inline struct sim_domain *sim_failover_guest(unsigned n)
{
	static const struct sim_failover nic = { .network = "a" };
	g_autofree char *name = g_strdup_printf("web%u", n);
	struct sim_domain *domain = sim_define(n, name);

	domain->ports = 2;
	domain->uses_vfs = true;
	sim_assert_done(sim_add_failover(domain, &nic));
	sim_assert_done(sim_boot(domain));
	sim_settle();
	sim_virt_negotiated(domain->uuid, "ua-sriov-net0");
	sim_settle();
	return domain;
}

#define sim_assert_vf(domain, name)                                  \
	do {                                                         \
		const struct srv_nic *nic_ = sim_nic_of(domain);     \
                                                                     \
		assert_non_null(nic_->vf);                           \
		sim_assert_text(srv_vf_name(nic_->vf), name);        \
		assert_int_equal(nic_->row.state, SRV_NIC_ATTACHED); \
		assert_true(nic_->team.plugged);                     \
	} while (0)

#define sim_assert_virtio(domain, why)                                   \
	do {                                                             \
		const struct srv_nic *nic_ = sim_nic_of(domain);         \
                                                                         \
		assert_null(nic_->vf);                                   \
		assert_int_equal(nic_->row.state, SRV_NIC_ATTACHED);     \
		assert_int_equal(nic_->row.backing, SRV_BACKING_VIRTIO); \
		assert_string_equal(nic_->row.reason, why);              \
	} while (0)
