/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Failover nics on the simulated host, for tests: guests with such a nic, and what is done to them.
 */
#include "srv/sriovd/drain.h"
#include "srv/sriovd/failover.h"
#include "tests/unit/sim-assert.h"

/* One PF, enp1s0, with two VFs; failover: keys of the configuration's "failover". */
#define FAILOVER_CONFIG(failover)                                               \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0\"]}," \
	"\"numVfs\":2}],\"networks\":["                                         \
	"{\"name\":\"a\",\"pool\":\"fast\",\"vlan\":100,\"maxTxRate\":1000},"   \
	"{\"name\":\"n\",\"pool\":\"fast\",\"fallback\":{\"type\":\"none\"}}]," \
	"\"failover\":{" failover "}}"

static inline int failover_set_up(void **state)
{
	sim_new(FAILOVER_CONFIG("\"preempt\":false"));
	sim_start();
	return 0;
}

static inline int failover_tear_down(void **state)
{
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
	if (sim_daemon)
		sim_stop();
	sim_free();
	return 0;
}

struct answer {
	bool done;
	char *text;
};

static inline void answered(const struct sriov_error *error, void *data)
{
	struct answer *answer = data;

	answer->done = true;
	answer->text = error ? sriov_error_text(error) : NULL;
}

static inline bool is_answered(void *data)
{
	return ((struct answer *)data)->done;
}

static inline char *add_nic(struct sim_domain *domain, uint32_t priority, bool now, bool add_port)
{
	const struct sim_failover nic = { "a", priority, now, add_port };

	return sim_add_failover(domain, &nic);
}

static inline struct srv_nic *nic_of(const struct sim_domain *domain)
{
	g_autoptr(GPtrArray) nics = srv_model_nics_of(sim_daemon->model, domain->uuid);

	assert_int_equal(nics->len, 1);
	return nics->pdata[0];
}

/* A guest whose driver can join a VF, and will use it. */
static inline struct sim_domain *guest(unsigned n, uint32_t priority)
{
	g_autofree char *name = g_strdup_printf("web%u", n);
	struct sim_domain *domain = sim_define(n, name);

	domain->ports = 2;
	domain->uses_vfs = true;
	sim_assert_done(add_nic(domain, priority, false, false));
	return domain;
}

static inline void boot(struct sim_domain *domain)
{
	sim_assert_done(sim_boot(domain));
	sim_settle();
	sim_virt_negotiated(domain->uuid, "ua-sriov-net0");
	sim_settle();
}

static inline struct sim_domain *running(unsigned n, uint32_t priority)
{
	struct sim_domain *domain = guest(n, priority);

	boot(domain);
	return domain;
}

static inline const struct sim_link *tap_of(const struct sim_domain *domain)
{
	assert_string_equal(domain->device[0].type, "direct");
	return sim_link_by_index(domain->device[0].link);
}

static inline char *demote(struct sim_domain *domain)
{
	struct answer answer = { 0 };

	srv_demote(sim_daemon, nic_of(domain), "test", answered, &answer);
	assert_true(sim_run_until(is_answered, &answer, 120000));
	return answer.text;
}

/* Jobs end in the background; their last words are in the events. */
static inline char *drain(bool force)
{
	struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp1s0");
	sriov_autoerror err = NULL;
	struct srv_job *job;

	return srv_pf_drain(sim_daemon, pf, force, &job, &err) < 0 ? sriov_error_text(err) : NULL;
}

static inline char *resize_with(uint32_t count, bool force)
{
	struct srv_pf *pf = srv_model_find_pf(sim_daemon->model, "enp1s0");
	sriov_autoerror err = NULL;
	struct srv_job *job;

	return srv_pf_resize(sim_daemon, pf, count, force, &job, &err) < 0 ? sriov_error_text(err)
									   : NULL;
}

static inline char *resize(uint32_t count)
{
	return resize_with(count, false);
}

static inline char *undrain(void)
{
	struct answer answer = { 0 };

	srv_pf_undrain(sim_daemon, srv_model_find_pf(sim_daemon->model, "enp1s0"), answered,
		       &answer);
	assert_true(sim_run_until(is_answered, &answer, 60000));
	return answer.text;
}
