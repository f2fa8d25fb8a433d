// SPDX-License-Identifier: GPL-2.0-or-later
/* What happens in make soak: anything, to anybody, at any time. */
#include "tests/sim/soak.h"

#include <errno.h>
#include <string.h>

#include <glib.h>

#include "srv/sriovd/daemon-config.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"
#include "tests/sim/sim.h"
#include "tests/sim/workloads.h"

static uint64_t state;

void soak_seed(uint64_t seed)
{
	state = seed ? seed : 1;
}

uint32_t soak_roll(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 11) % n;
}

uint64_t soak_roll_seed(void)
{
	return state ^ (uint64_t)soak_roll(UINT32_MAX) << 20;
}

/* Claims, without waiting for their answers */

static struct sim_claim *slot(uint32_t i)
{
	struct sim_claim *claim = &sim_world->claim[i];

	g_snprintf(claim->owner, sizeof(claim->owner), "dpdk%u", i / 4);
	g_snprintf(claim->id, sizeof(claim->id), "p%u", i % 4);
	return claim;
}

static void begin_claim(void)
{
	struct sim_claim *claim = slot(soak_roll(SIM_CLAIMS));

	if (claim->state == SIM_CLAIMING || claim->state == SIM_RELEASING)
		return;
	sim_begin_claim(claim, soak_roll(4) ? "a" : "b");
}

static void begin_release(void)
{
	struct sim_claim *claim = slot(soak_roll(SIM_CLAIMS));

	if (claim->state == SIM_CLAIMED)
		sim_begin_release(claim);
}

/* Guests */

static struct sim_domain *any_guest(void)
{
	return &sim_world->domain[soak_roll(SOAK_GUESTS)];
}

static void start_or_stop(void)
{
	struct sim_domain *domain = any_guest();

	if (domain->active)
		sim_shut_down(domain);
	else
		sim_begin_boot(domain);
}

void soak_act_unseen(void)
{
	struct sim_domain *domain = any_guest();

	if (domain->active)
		sim_vanish(domain);
	else
		sim_appear_unanswered(domain);
}

static void negotiate(const struct sim_domain *domain)
{
	for (uint32_t i = 0; i < domain->n_nics; i++) {
		g_autofree char *alias = srv_nic_alias(domain->nic[i].id);

		if (domain->nic[i].mode == SRV_MODE_FAILOVER)
			sim_virt_negotiated(domain->uuid, alias);
	}
}

/* A hint that is late, doubled or wrong. */
static void hint(void)
{
	static const enum srv_virt_event events[] = { SRV_VIRT_STARTED, SRV_VIRT_STOPPED,
						      SRV_VIRT_DEFINED, SRV_VIRT_RESUMED };
	struct sim_domain *domain = any_guest();

	switch (soak_roll(4)) {
	case 0:
		sim_hook_started(domain);
		break;
	case 1:
		if (domain->active)
			negotiate(domain);
		break;
	case 2:
		sim_hook_release(domain);
		break;
	default: /* a number */
		sim_virt_event(domain->uuid, events[soak_roll(G_N_ELEMENTS(events))]);
	}
}

bool soak_has_nic(const struct sim_domain *domain, const char *id)
{
	for (uint32_t i = 0; i < domain->n_nics; i++) {
		if (strcmp(domain->nic[i].id, id) == 0)
			return true;
	}
	return false;
}

static void name_nic(const struct sim_domain *domain, const char *prefix, char id[16])
{
	unsigned i = 0;

	do
		g_snprintf(id, 16, "%s%u", prefix, i++);
	while (soak_has_nic(domain, id));
}

void soak_name_nic(const struct sim_domain *domain, char id[16])
{
	name_nic(domain, "net", id);
}

/*
 * Somebody changes what a domain asks for past us: virsh edit. Who takes a failover nic out of the
 * metadata and leaves its virtio half has one that is his own. Nor does he name his as sriovd does
 * those that are being added this moment.
 */
static void redefine(void)
{
	struct sim_domain *domain = &sim_world->domain[soak_roll(SOAK_PLAIN)];
	struct sim_nic *nic = &domain->nic[domain->n_nics];
	bool takes = domain->n_nics > 1 && nic[-1].mode != SRV_MODE_FAILOVER;

	sim_lock();
	if (takes && !domain->n_later && soak_roll(2)) {
		domain->n_nics--;
	} else if (domain->n_nics < 3 && !domain->n_later) {
		memset(nic, 0, sizeof(*nic));
		name_nic(domain, "own", nic->id);
		g_strlcpy(nic->network, soak_roll(3) ? "a" : "b", sizeof(nic->network));
		nic->mode = SRV_MODE_EXCLUSIVE;
		nic->priority = 10 * soak_roll(3);
		domain->n_nics++;
	}
	sim_unlock();
	sim_virt_event(domain->uuid, SRV_VIRT_DEFINED);
}

/* Nics, over the API */

static bool has_failover_nic(const struct sim_domain *domain)
{
	for (uint32_t i = 0; i < domain->n_nics; i++) {
		if (domain->nic[i].mode == SRV_MODE_FAILOVER)
			return true;
	}
	return false;
}

/* One of mode failover at most: its two halves are two of the few devices of a domain. */
static const char *roll_mode(const struct sim_domain *domain)
{
	static const char *const modes[] = { "exclusive", "exclusive", "required", "failover" };

	return modes[soak_roll(has_failover_nic(domain) ? 3 : 4)];
}

static void add_nic(const struct sim_domain *domain)
{
	g_autofree char *parameters = NULL;
	char id[16];

	soak_name_nic(domain, id);
	parameters = g_strdup_printf(
		"{\"domain\":\"%s\",\"id\":\"%s\",\"network\":\"%s\",\"mode\":\"%s\","
		"\"priority\":%u,\"now\":%s}",
		domain->name, id, soak_roll(3) ? "a" : "b", roll_mode(domain), 10 * soak_roll(3),
		soak_roll(2) ? "true" : "false");
	sim_ask("AddNic", parameters);
}

/* What a running guest has and is not to have at its next start only, the simulated libvirt does
 * not know of failover nics (virt.c set_nics()): they are removed at once. */
static void remove_nic(const struct sim_domain *domain)
{
	const struct sim_nic *nic = &domain->nic[soak_roll(domain->n_nics)];
	bool now = soak_roll(2) || nic->mode == SRV_MODE_FAILOVER;
	g_autofree char *parameters = g_strdup_printf(
		"{\"domain\":\"%s\",\"id\":\"%s\",\"now\":%s}", domain->name, nic->id,
		now && domain->active ? "true" : "false");

	sim_ask("RemoveNic", parameters);
}

/* nic add, nic remove, of guests that run or not. */
static void edit_nics(void)
{
	const struct sim_domain *domain = any_guest();

	if (domain->n_nics < 3 && soak_roll(2))
		add_nic(domain);
	else if (domain->n_nics > 1)
		remove_nic(domain);
}

static void demote(void)
{
	const struct sim_domain *domain = any_guest();
	g_autofree char *parameters = g_strdup_printf("{\"owner\":\"%s\"}", domain->name);

	if (has_failover_nic(domain))
		sim_ask("Demote", parameters);
}

static void start_domain(void)
{
	g_autofree char *parameters = g_strdup_printf("{\"domain\":\"%s\"}", any_guest()->name);

	sim_ask("StartDomain", parameters);
}

/* What fails, for a while */

static void fail_something(void)
{
	struct sim_faults *faults = &sim_world->faults;

	sim_lock();
	memset(faults, 0, sizeof(*faults));
	switch (soak_roll(7)) {
	case 0:
		faults->attr[soak_roll(SIM_ATTRS)].err = soak_roll(2) ? EOPNOTSUPP : EBUSY;
		break;
	case 1:
		g_strlcpy(faults->fail_file, "reset", sizeof(faults->fail_file));
		faults->fail_errno = ENOTTY;
		faults->fail_function = (uint8_t)(1 + soak_roll(SIM_VFS));
		break;
	case 2:
		g_strlcpy(faults->attach_words, "QEMU said no", sizeof(faults->attach_words));
		break;
	case 3:
		faults->write_errno = soak_roll(2) ? ENOSPC : EIO;
		break;
	case 4:
		faults->sync_errno = EIO;
		break;
	case 5:
		faults->deaf_guest = true;
		break;
	default: /* nothing, for a change */
		break;
	}
	sim_unlock();
}

/* Something of the kernel's or libvirt's does not come back, until it is mended. */
static void hang_something(void)
{
	static const char *const files[] = { "reset", "sriov_numvfs", "driver_override" };
	struct sim_faults *faults = &sim_world->faults;

	sim_lock();
	memset(faults, 0, sizeof(*faults));
	switch (soak_roll(6)) {
	case 0:
		g_strlcpy(faults->hang_file, files[soak_roll(G_N_ELEMENTS(files))],
			  sizeof(faults->hang_file));
		break;
	case 1:
		faults->hang_sets = (uint8_t)(2 + soak_roll(SIM_PFS));
		break;
	case 2:
		faults->hang_looks = (uint8_t)(2 + soak_roll(SIM_PFS));
		break;
	case 3:
		faults->hang_links = true;
		break;
	case 4:
		faults->hang_virt = true;
		break;
	default: /* a number */
		faults->hang_list = true;
	}
	sim_unlock();
	if (soak_roll(2))
		sim_run(1000 * soak_roll(100)); /* past the deadlines of some */
}

void soak_mend(void)
{
	sim_lock();
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
	sim_unlock();
	sim_virt_connect(true);
}

static void flap(void)
{
	uint8_t bus = (uint8_t)(1 + soak_roll(SIM_PFS));
	const struct sim_link *link = sim_link_by_index(sim_pf_by_bus(bus)->ifindex);

	if (link)
		sim_set_carrier(bus, !link->carrier);
}

static void fail_or_mend(void)
{
	if (soak_roll(4) == 0)
		fail_something();
	else
		soak_mend();
}

static void connect_or_not(void)
{
	sim_virt_connect(!srv_virt_connected(sim_daemon->virt));
}

/* The host's hardware, and who else has a hand in it */

static bool is_plugged(uint8_t bus)
{
	return sim_pf_by_bus(bus)->ifindex != 0;
}

static void plug_or_unplug(void)
{
	uint8_t bus = (uint8_t)(1 + soak_roll(SIM_PFS));

	if (is_plugged(bus))
		sim_pull_pf(bus);
	else
		sim_put_pf_back(bus);
}

/* The first one of a VF is where its counters begin, from which nothing follows. */
static void break_vf(void)
{
	uint8_t bus = (uint8_t)(1 + soak_roll(SIM_PFS)), vf = (uint8_t)soak_roll(SIM_VFS);

	if (sim_pf_by_bus(bus)->vf[vf].exists)
		sim_vf_error(bus, vf, (uint32_t)sim_world->operations);
}

static void write_numvfs_past_us(void)
{
	uint8_t bus = (uint8_t)(1 + soak_roll(SIM_PFS));

	if (is_plugged(bus))
		sim_destroy_vfs(bus);
}

/* The operator */

/* Who claimed by hand has to give back first: nobody can take it from him. */
static void release_of(uint8_t bus)
{
	for (uint32_t i = 0; i < SIM_CLAIMS; i++) {
		struct sim_claim *claim = &sim_world->claim[i];

		if (claim->state == SIM_CLAIMED && claim->bus == bus)
			sim_begin_release(claim);
	}
	sim_run(2000);
}

static void resize(void)
{
	uint8_t bus = (uint8_t)(1 + soak_roll(SIM_PFS));

	if (soak_roll(4))
		release_of(bus);
	sim_resize(bus, 1 + soak_roll(SIM_VFS), soak_roll(4) != 0);
}

static void drain_or_undrain(void)
{
	uint8_t bus = (uint8_t)(1 + soak_roll(SIM_PFS));

	if (soak_roll(2))
		sim_drain(bus, soak_roll(2));
	else
		sim_undrain(bus);
}

/* Both PFs, one, or both with another rate; VFs of failover nics are for who is worth more. */
void soak_configure(unsigned which)
{
	static const char *const configs[] = { SIM_CONFIG_RICH, SIM_CONFIG_RICH_ONE_PF,
					       SIM_CONFIG_RICH };
	g_autofree char *body = g_strndup(configs[which], strlen(configs[which]) - 1);
	g_autofree char *text = g_strconcat(body, ",\"failover\":{\"preempt\":true}}", NULL);
	char *rate = strstr(text, "\"maxTxRate\":1000");

	if (which == 2)
		rate[strlen("\"maxTxRate\":")] = '5';
	sim_configure(text);
}

static void reload(void)
{
	soak_configure(soak_roll(3));
	srv_daemon_reload(sim_daemon, NULL, NULL);
}

/* The operator looks after a VF, or orders the scrub of one that needs none, or that somebody has.
 */
void soak_scrub(uint8_t bus, uint32_t vf)
{
	g_autofree char *parameters = g_strdup_printf("{\"vf\":\"0000:%02x:00.0/%u\"}", bus, vf);

	sim_ask("ScrubVF", parameters);
}

static void scrub_any(void)
{
	soak_scrub((uint8_t)(1 + soak_roll(SIM_PFS)), soak_roll(SIM_VFS));
}

/* And the daemon itself */

static void reconcile(void)
{
	srv_reconcile(sim_daemon);
}

static void let_time_pass(void)
{
	sim_run(soak_roll(3000));
}

/* How often each happens, against the others. */
static const struct act {
	uint32_t weight;
	void (*run)(void);
} acts[] = {
	{ 900, begin_claim },
	{ 800, begin_release },
	{ 600, start_or_stop },
	{ 100, soak_act_unseen },
	{ 200, hint },
	{ 100, reconcile },
	{ 100, let_time_pass },
	{ 100, fail_or_mend },
	{ 12, connect_or_not },
	{ 22, scrub_any },
	{ 12, flap },
	{ 11, drain_or_undrain },
	{ 6, redefine },
}, edits[] = {
	{ 25, edit_nics },
	{ 25, demote },
	{ 100, start_domain },
	{ 6, resize },
	{ 6, reload },
	{ 6, write_numvfs_past_us },
	{ 3, plug_or_unplug },
	{ 6, break_vf },
	{ 4, hang_something },
};

static uint32_t weight_of(const struct act *list, size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += list[i].weight;
	return sum;
}

static void act(const struct act *list, uint32_t at)
{
	while (at >= list->weight)
		at -= list++->weight;
	list->run();
}

void soak_operate(bool with_edits)
{
	uint32_t plain = weight_of(acts, G_N_ELEMENTS(acts));
	uint32_t all = plain + (with_edits ? weight_of(edits, G_N_ELEMENTS(edits)) : 0);
	uint32_t at = soak_roll(all);

	if (at < plain)
		act(acts, at);
	else
		act(edits, at - plain);
}
