// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sim/workloads.h"

#include <errno.h>
#include <string.h>

#include "srv/sriovd/claim.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"
#include "tests/sim/sim.h"

static unsigned counted_from;

void sim_count_from_here(void)
{
	counted_from = __atomic_exchange_n(&sim_world->doors, 0, __ATOMIC_SEQ_CST);
}

static void free_text(char *text)
{
	g_free(text);
}

static void claim(const char *owner, const char *id)
{
	free_text(sim_claim_vf(owner, id, "a"));
}

static void claim_all_but(int n)
{
	for (int i = 0; i < SIM_VFS - n; i++) {
		g_autofree char *id = g_strdup_printf("p%d", i);

		claim("dpdk", id);
	}
}

static struct sim_domain *guest(unsigned n, const char *network, enum srv_mode mode)
{
	g_autofree char *name = g_strdup_printf("web%u", n);
	struct sim_domain *domain = sim_define(n, name);

	sim_add_nic(domain, "net0", network, mode);
	return domain;
}

static struct sim_domain *domain_of(unsigned n)
{
	return &sim_world->domain[n - 1];
}

static void boot(struct sim_domain *domain)
{
	free_text(sim_boot(domain));
}

/* Starting on a new host: VFs are made, bound and scrubbed. */

static void run_start(void)
{
	sim_start();
	sim_stop();
}

/* Claims by hand */

static void prepare_ready(void)
{
	sim_start();
	sim_stop();
}

/* FAULTS row 1: kill -9 at every step of a claim */
static void run_claim(void)
{
	sim_start();
	sim_count_from_here();
	claim("dpdk", "p0");
	claim("dpdk", "p0");
	claim("ovs", "p1");
	sim_settle();
}

static void prepare_claims(void)
{
	sim_start();
	claim("dpdk", "p0");
	claim("dpdk", "p1");
	claim("ovs", "p0");
	sim_settle();
	sim_stop();
}

/* FAULTS row 2: kill -9 at every step of a release */
static void run_release(void)
{
	sim_start();
	sim_count_from_here();
	free_text(sim_release_vf("ovs", "p0"));
	free_text(sim_release_vf("dpdk", NULL));
	sim_settle();
}

/* Somebody else takes what another gives back. */
/* FAULTS row 2: kill -9 at every step of a release */
static void run_reuse(void)
{
	sim_start();
	sim_count_from_here();
	for (int i = 0; i < 3; i++) {
		free_text(sim_release_vf("dpdk", "p0"));
		sim_settle();
		claim("dpdk", "p0");
	}
}

/* Guests */

static void prepare_guests(void)
{
	struct sim_domain *web;

	sim_start();
	claim_all_but(2);
	web = guest(1, "a", SRV_MODE_REQUIRED);
	sim_add_nic(web, "net1", "a", SRV_MODE_EXCLUSIVE);
	sim_add_nic(web, "net2", "a", SRV_MODE_EXCLUSIVE); /* gets virtio */
	guest(2, "a", SRV_MODE_EXCLUSIVE);
	sim_settle();
	sim_stop();
}

/* FAULTS row 1: kill -9 at every step of a claim */
static void run_boot(void)
{
	sim_start();
	sim_count_from_here();
	boot(domain_of(1));
	boot(domain_of(2));
	sim_settle();
}

static void prepare_running(void)
{
	prepare_guests();
	sim_start();
	boot(domain_of(1));
	boot(domain_of(2));
	sim_settle();
	sim_stop();
}

/* FAULTS row 2: kill -9 at every step of a release */
static void run_shut_down(void)
{
	sim_start();
	sim_count_from_here();
	sim_shut_down(domain_of(2));
	sim_settle();
	sim_shut_down(domain_of(1));
	sim_settle();
}

/* A guest that is restarted at once, while its VF is still in the scrub. */
static void run_restart_guest(void)
{
	sim_start();
	sim_count_from_here();
	sim_shut_down(domain_of(1));
	boot(domain_of(1));
	sim_settle();
}

/* Nics that come to a running guest and go. */
static void run_hotplug(void)
{
	struct sim_domain *web = domain_of(2);
	const struct srv_owner owner = { SRV_OWNER_LIBVIRT, web->uuid, web->name };
	struct srv_nic *nic;

	sim_start();
	free_text(sim_release_vf("dpdk", "p0"));
	sim_settle();
	sim_count_from_here();
	sim_add_nic(web, "net1", "b", SRV_MODE_EXCLUSIVE);
	sim_virt_event(web->uuid, SRV_VIRT_DEFINED);
	sim_settle();
	web->n_nics = 1;
	nic = srv_model_nic(sim_daemon->model, &owner, "net1");
	if (nic && !nic->busy)
		srv_nic_detach(sim_daemon, nic, NULL, NULL);
	sim_settle();
	sim_virt_event(web->uuid, SRV_VIRT_DEFINED);
	sim_settle();
}

/* The same over the API, in the running guest and in what it asks for. */
static void run_edit(void)
{
	sim_start();
	sim_serve();
	sim_count_from_here();
	sim_ask("AddNic", "{\"domain\":\"web2\",\"id\":\"net1\",\"network\":\"b\",\"now\":true}");
	sim_settle();
	sim_ask("AddNic", "{\"domain\":\"web2\",\"id\":\"net2\",\"network\":\"a\"}");
	sim_settle();
	sim_ask("RemoveNic", "{\"domain\":\"web2\",\"id\":\"net1\",\"now\":true}");
	sim_settle();
	sim_ask("RemoveNic", "{\"domain\":\"web2\",\"id\":\"net2\"}");
	sim_settle();
}

/* Things happened while the daemon was away: one guest ended, one began, one was undefined. */
static void prepare_missed(void)
{
	prepare_running();
	sim_start();
	free_text(sim_release_vf("dpdk", "p0"));
	boot(guest(3, "b", SRV_MODE_EXCLUSIVE));
	sim_settle();
	sim_stop();
	guest(4, "a", SRV_MODE_EXCLUSIVE);
	sim_vanish(domain_of(1));
	sim_vanish(domain_of(3));
	domain_of(3)->uuid[0] = '\0';
	sim_appear(domain_of(4));
}

static void run_missed(void)
{
	sim_count_from_here();
	sim_start();
	sim_stop();
}

/* What fails */

static void run_refused(void)
{
	sim_start();
	sim_count_from_here();
	sim_world->faults.attr[1].err = EOPNOTSUPP; /* VLAN */
	boot(domain_of(1));
	sim_settle();
	boot(domain_of(2));
	sim_settle();
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
}

static void run_attach_fails(void)
{
	sim_start();
	sim_count_from_here();
	g_strlcpy(sim_world->faults.attach_words, "internal error: QEMU unexpectedly closed",
		  sizeof(sim_world->faults.attach_words));
	boot(domain_of(2));
	sim_settle();
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
}

/* FAULTS row 19: a VF that does not survive its error */
static void run_quarantine(void)
{
	sim_start();
	sim_count_from_here();
	g_strlcpy(sim_world->faults.fail_file, "reset", sizeof(sim_world->faults.fail_file));
	sim_world->faults.fail_errno = ENOTTY;
	sim_world->faults.fail_function = 1;
	free_text(sim_release_vf("dpdk", NULL));
	sim_settle();
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
}

static void prepare_quarantined(void)
{
	prepare_guests();
	run_quarantine();
	sim_stop();
}

/* FAULTS row 19: the operator orders the scrub of what he looked after, and of more than that */
static void run_scrub(void)
{
	sim_start();
	sim_serve();
	sim_count_from_here();
	sim_ask("ScrubVF", "{\"vf\":\"enp1s0/0\"}");
	sim_ask("ScrubVF", "{\"vf\":\"enp1s0/0\"}");
	boot(domain_of(1));
	sim_settle();
	sim_shut_down(domain_of(1));
	sim_ask("ScrubVF", "{\"vf\":\"enp1s0/1\"}");
	sim_settle();
	g_strlcpy(sim_world->faults.fail_file, "reset", sizeof(sim_world->faults.fail_file));
	sim_world->faults.fail_errno = ENOTTY;
	sim_ask("ScrubVF", "{\"vf\":\"enp1s0/0\"}");
	sim_settle();
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
	sim_ask("ScrubVF", "{\"vf\":\"enp1s0/0\"}");
	sim_settle();
}

/* Somebody destroys the VFs under their owners. */
/* FAULTS row 15: somebody else writes sriov_numvfs=0 */
static void run_destroyed(void)
{
	sim_start();
	sim_count_from_here();
	sim_destroy_vfs(1);
	srv_reconcile(sim_daemon);
	sim_run(130 * 1000);
	sim_settle();
}

/* Reloads: another PF comes in, then the first goes, and comes back. */
static void reload(const char *config)
{
	sim_configure(config);
	srv_daemon_reload(sim_daemon, NULL, NULL);
	sim_settle();
}

static void run_reload(void)
{
	sim_start();
	sim_count_from_here();
	reload(SIM_CONFIG_RICH);
	claim("late", "p0");
	reload(SIM_CONFIG_RICH_ONE_PF);
	reload("{\"pools\":[");
}

/* Everybody at once: group commits, and more claims than VFs. */
struct crowd {
	int left;
};

static void on_crowd(const struct srv_nic *nic, const struct sriov_error *error, void *data)
{
	struct crowd *crowd = data;

	sim_door("answer");
	crowd->left--;
}

static bool crowd_is_gone(void *data)
{
	return ((struct crowd *)data)->left == 0;
}

static void run_crowd(void)
{
	struct crowd crowd = { .left = SIM_CLAIMS - 1 };

	sim_start();
	sim_count_from_here();
	for (int i = 0; i < SIM_CLAIMS - 1; i++) {
		g_autofree char *id = g_strdup_printf("p%d", i);
		const struct srv_claim_request request = { .owner = "crowd",
							   .network = "a",
							   .id = id };

		sim_claim_of("crowd", id)->state = SIM_CLAIMING;
		srv_claim(sim_daemon, &request, on_crowd, &crowd);
	}
	sim_run_until(crowd_is_gone, &crowd, 60000);
	sim_settle();
}

/* Guests that fall back to a bridge, whose MACs go into the PF's filter. */

static void prepare_bridge(void)
{
	sim_link_by_name("enp1s0")->master = sim_link_by_name("br0")->ifindex;
	sim_start();
	claim_all_but(1);
	guest(1, "b", SRV_MODE_EXCLUSIVE);
	guest(2, "b", SRV_MODE_EXCLUSIVE);
	sim_settle();
	sim_stop();
}

static void run_bridge(void)
{
	sim_start();
	sim_count_from_here();
	boot(domain_of(1));
	boot(domain_of(2));
	sim_settle();
	sim_shut_down(domain_of(2));
	sim_shut_down(domain_of(1));
	sim_settle();
}

/* The host was booted: VFs are made again, for the claims too. */

static void prepare_reboot(void)
{
	prepare_running();
	sim_reboot();
}

static void run_reboot(void)
{
	sim_count_from_here();
	sim_start();
	boot(domain_of(1));
	sim_settle();
	sim_stop();
}

/* Two PFs, many guests, everything at once. */

static void prepare_many(void)
{
	sim_start();
	for (unsigned i = 1; i <= 8; i++)
		sim_add_nic(guest(i, "a", SRV_MODE_EXCLUSIVE), "net1", "b", SRV_MODE_EXCLUSIVE);
	sim_settle();
	sim_stop();
}

static void run_many(void)
{
	sim_start();
	sim_count_from_here();
	for (unsigned i = 1; i <= 8; i++)
		boot(domain_of(i));
	sim_settle();
	for (unsigned i = 1; i <= 8; i++)
		sim_shut_down(domain_of(i));
	sim_settle();
}

/* An orderly end, with work under way. */
static void run_end(void)
{
	sim_start();
	sim_count_from_here();
	sim_shut_down(domain_of(1));
	sim_begin_claim(sim_claim_of("late", "p0"), "a");
	sim_begin_release(sim_claim_of("dpdk", "p0"));
	sim_stop();
}

/* libvirt goes away between hook and attach, and comes back. */
static void run_no_libvirt(void)
{
	sim_start();
	sim_count_from_here();
	free_text(sim_hook_prepare(domain_of(1)));
	sim_virt_connect(false);
	sim_appear(domain_of(1));
	sim_hook_started(domain_of(1));
	sim_settle();
	sim_virt_connect(true);
	sim_settle();
	sim_run(130 * 1000);
	sim_settle();
}

/* The disk is full for a while. */
static void run_full(void)
{
	sim_start();
	sim_count_from_here();
	sim_world->faults.write_errno = ENOSPC;
	sim_shut_down(domain_of(1));
	free_text(sim_release_vf("dpdk", "p0"));
	claim("late", "p0");
	sim_settle();
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
	claim("late", "p0");
	sim_settle();
}

/* Guests that sriovd starts. */
static void run_start_domain(void)
{
	sim_start();
	sim_serve();
	sim_count_from_here();
	sim_ask("StartDomain", "{\"domain\":\"web1\"}");
	sim_settle();
	sim_ask("StartDomain", "{\"domain\":\"web2\"}");
	sim_settle();
}

const struct sim_workload sim_workloads[] = {
	{ "start", SIM_CONFIG_RICH, NULL, run_start, 16 },
	{ "claim", SIM_CONFIG_RICH_ONE_PF, prepare_ready, run_claim, 16 },
	{ "release", SIM_CONFIG_RICH_ONE_PF, prepare_claims, run_release, 24 },
	{ "reuse", SIM_CONFIG_RICH_ONE_PF, prepare_claims, run_reuse, 16 },
	{ "crowd", SIM_CONFIG_RICH_ONE_PF, prepare_ready, run_crowd, 8 },
	{ "boot", SIM_CONFIG_RICH_ONE_PF, prepare_guests, run_boot, 24 },
	{ "shut down", SIM_CONFIG_RICH_ONE_PF, prepare_running, run_shut_down, 24 },
	{ "restart of a guest", SIM_CONFIG_RICH_ONE_PF, prepare_running, run_restart_guest, 24 },
	{ "hotplug", SIM_CONFIG_RICH_ONE_PF, prepare_running, run_hotplug, 24 },
	{ "missed", SIM_CONFIG_RICH_ONE_PF, prepare_missed, run_missed, 24 },
	{ "bridge", SIM_CONFIG_RICH_ONE_PF, prepare_bridge, run_bridge, 16 },
	{ "boot of the host", SIM_CONFIG_RICH_ONE_PF, prepare_reboot, run_reboot, 24 },
	{ "many", SIM_CONFIG_RICH, prepare_many, run_many, 16 },
	{ "end", SIM_CONFIG_RICH_ONE_PF, prepare_running, run_end, 8 },
	{ "refused attribute", SIM_CONFIG_RICH_ONE_PF, prepare_guests, run_refused, 8 },
	{ "failed attach", SIM_CONFIG_RICH_ONE_PF, prepare_guests, run_attach_fails, 8 },
	{ "quarantine", SIM_CONFIG_RICH_ONE_PF, prepare_guests, run_quarantine, 8 },
	{ "scrub by order", SIM_CONFIG_RICH_ONE_PF, prepare_quarantined, run_scrub, 8 },
	{ "destroyed", SIM_CONFIG_RICH_ONE_PF, prepare_running, run_destroyed, 24 },
	{ "no libvirt", SIM_CONFIG_RICH_ONE_PF, prepare_guests, run_no_libvirt, 16 },
	{ "full disk", SIM_CONFIG_RICH_ONE_PF, prepare_running, run_full, 16 },
	{ "reload", SIM_CONFIG_RICH_ONE_PF, prepare_running, run_reload, 24 },
	{ "nic add and remove", SIM_CONFIG_RICH_ONE_PF, prepare_running, run_edit, 16 },
	{ "nic add", SIM_CONFIG_RICH_ONE_PF, prepare_ready, sim_run_add_failover, 4 },
	{ "promote", SIM_CONFIG_RICH_ONE_PF, sim_prepare_failover, sim_run_promote, 4 },
	{ "demote", SIM_CONFIG_RICH_ONE_PF, sim_prepare_promoted, sim_run_demote, 6 },
	{ "drain", SIM_CONFIG_RICH_ONE_PF, sim_prepare_promoted, sim_run_drain, 4 },
	{ "resize", SIM_CONFIG_RICH_ONE_PF, sim_prepare_promoted, sim_run_resize, 6 },
	{ "undrain", SIM_CONFIG_RICH_ONE_PF, sim_prepare_drained, sim_run_undrain, 4 },
	{ "drain by force", SIM_CONFIG_RICH_ONE_PF, sim_prepare_exclusive, sim_run_forced_drain,
	  8 },
	{ "preemption", SIM_CONFIG_PREEMPT, sim_prepare_outranked, sim_run_preempt, 6 },
	{ "resize with a deaf guest", SIM_CONFIG_RICH_ONE_PF, sim_prepare_exclusive,
	  sim_run_resize_deaf, 8 },
	{ "nic remove", SIM_CONFIG_RICH_ONE_PF, sim_prepare_one_promoted, sim_run_remove_failover,
	  8 },
	{ "start paused", SIM_CONFIG_RICH_ONE_PF, prepare_guests, run_start_domain, 8 },
	{ "PF pulled", SIM_CONFIG_RICH_ONE_PF, sim_prepare_links, sim_run_pulled, 6 },
	{ "link lost", SIM_CONFIG_RICH_ONE_PF, sim_prepare_links, sim_run_link_lost, 6 },
	{ "VF errors", SIM_CONFIG_RICH_ONE_PF, sim_prepare_errors, sim_run_vf_errors, 6 },
	{ "PF renamed", SIM_CONFIG_BY_ADDRESS, sim_prepare_links, sim_run_renamed, 6 },
	{ 0 },
};

void sim_end_everything(void)
{
	g_autoptr(GPtrArray) nics = NULL;

	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
	for (int i = 0; i < SIM_DOMAINS; i++) {
		struct sim_domain *domain = &sim_world->domain[i];

		if (*domain->uuid && domain->active && !domain->stranger)
			sim_shut_down(domain);
		/* Their links go with those that name them. */
		if (*domain->uuid && domain->stored[0].exists)
			sim_undefine(domain);
	}
	sim_settle();
	/* A pass that was under way leaves to the next one what has just changed. */
	srv_reconcile(sim_daemon);
	sim_settle();
	nics = srv_model_nics(sim_daemon->model);
	for (guint i = 0; i < nics->len; i++) {
		const struct srv_nic *nic = nics->pdata[i];
		g_autofree char *owner = g_strdup(nic->row.owner.key);
		g_autofree char *id = g_strdup(nic->row.id);

		if (nic->row.owner.kind == SRV_OWNER_MANUAL)
			free_text(sim_release_vf(owner, id));
	}
	sim_settle();
}
