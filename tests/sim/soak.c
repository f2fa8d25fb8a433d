// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * make soak: a long random life. Guests start, end, are killed; claims come and go, many at once;
 * hooks and events are doubled, lost, late; nics are added and removed, PFs drained, resized,
 * unplugged, their VFs destroyed past us, the configuration reloaded, VFs taken from failover nics
 * for others; devices, libvirt and the disk fail and recover; and the daemon is killed again and
 * again, at any call. What its clients were told is a small reference model (the world's claims and
 * domains), compared with ledger, kernel and libvirt whenever all has come to rest; the kernel's
 *and libvirt's ends watch all the time.
 *
 *	SOAK_OPS=n	operations in all (1000000)
 *	SOAK_SECONDS=n	instead: for so long
 *	SOAK_EDITS=no	without nics edited over the API, resizes, reloads, PFs unplugged and VFs
 *			destroyed past us
 *	SOAK_SEED=n	repeats a run, as far as threads let it
 *
 * This process never starts a thread, so that it can fork; every daemon lives in a child.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include "netlink/vf.h"
#include "srv/sriovd/claim.h"
#include "srv/sriovd/daemon-config.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/sweep.h"
#include "tests/sim/netlink.h"
#include "tests/sim/sim.h"
#include "tests/sim/workloads.h"

#define GUESTS	      12
#define PLAIN	      8	  /* of them; the others have a failover nic each */
#define CHECK_EVERY   400 /* operations */
#define DOORS_PER_RUN 4000

/* A generator of its own, so that a seed means the same everywhere. */
static uint64_t state;

static uint32_t roll(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 11) % n;
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
	struct sim_claim *claim = slot(roll(SIM_CLAIMS));

	if (claim->state == SIM_CLAIMING || claim->state == SIM_RELEASING)
		return;
	sim_begin_claim(claim, roll(4) ? "a" : "b");
}

static void begin_release(void)
{
	struct sim_claim *claim = slot(roll(SIM_CLAIMS));

	if (claim->state == SIM_CLAIMED)
		sim_begin_release(claim);
}

/* Guests */

static struct sim_domain *any_guest(void)
{
	return &sim_world->domain[roll(GUESTS)];
}

static void start_or_stop(void)
{
	struct sim_domain *domain = any_guest();

	if (domain->active)
		sim_shut_down(domain);
	else
		sim_begin_boot(domain);
}

static void act_unseen(void)
{
	struct sim_domain *domain = any_guest();

	if (domain->active)
		sim_vanish(domain);
	else
		sim_appear(domain);
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

	switch (roll(4)) {
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
		sim_virt_event(domain->uuid, events[roll(G_N_ELEMENTS(events))]);
	}
}

static bool has_nic(const struct sim_domain *domain, const char *id)
{
	for (uint32_t i = 0; i < domain->n_nics; i++) {
		if (strcmp(domain->nic[i].id, id) == 0)
			return true;
	}
	return false;
}

static void name_nic(const struct sim_domain *domain, char id[16])
{
	unsigned i = 0;

	do
		g_snprintf(id, 16, "net%u", i++);
	while (has_nic(domain, id));
}

/*
 * Somebody changes what a domain asks for past us: virsh edit. Who takes a failover nic out of the
 * metadata and leaves its virtio half has one that is his own.
 */
static void redefine(void)
{
	struct sim_domain *domain = &sim_world->domain[roll(PLAIN)];
	struct sim_nic *nic = &domain->nic[domain->n_nics];
	bool takes = domain->n_nics > 1 && nic[-1].mode != SRV_MODE_FAILOVER;

	sim_lock();
	if (takes && !domain->n_later && roll(2)) {
		domain->n_nics--;
	} else if (domain->n_nics < 3 && !domain->n_later) {
		memset(nic, 0, sizeof(*nic));
		name_nic(domain, nic->id);
		g_strlcpy(nic->network, roll(3) ? "a" : "b", sizeof(nic->network));
		nic->mode = SRV_MODE_EXCLUSIVE;
		nic->priority = 10 * roll(3);
		domain->n_nics++;
	}
	sim_unlock();
	sim_virt_event(domain->uuid, SRV_VIRT_DEFINED);
}

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

	return modes[roll(has_failover_nic(domain) ? 3 : 4)];
}

static void add_nic(const struct sim_domain *domain)
{
	g_autofree char *parameters = NULL;
	char id[16];

	name_nic(domain, id);
	parameters = g_strdup_printf(
		"{\"domain\":\"%s\",\"id\":\"%s\",\"network\":\"%s\",\"mode\":\"%s\","
		"\"priority\":%u,\"now\":%s}",
		domain->name, id, roll(3) ? "a" : "b", roll_mode(domain), 10 * roll(3),
		roll(2) ? "true" : "false");
	sim_ask("AddNic", parameters);
}

/* What a running guest has and is not to have at its next start only, the simulated libvirt does
 * not know of failover nics (virt.c set_nics()): they are removed at once. */
static void remove_nic(const struct sim_domain *domain)
{
	const struct sim_nic *nic = &domain->nic[roll(domain->n_nics)];
	bool now = roll(2) || nic->mode == SRV_MODE_FAILOVER;
	g_autofree char *parameters = g_strdup_printf(
		"{\"domain\":\"%s\",\"id\":\"%s\",\"now\":%s}", domain->name, nic->id,
		now && domain->active ? "true" : "false");

	sim_ask("RemoveNic", parameters);
}

/* nic add, nic remove, of guests that run or not. */
static void edit_nics(void)
{
	const struct sim_domain *domain = any_guest();

	if (domain->n_nics < 3 && roll(2))
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
	switch (roll(7)) {
	case 0:
		faults->attr[roll(SIM_ATTRS)].err = roll(2) ? EOPNOTSUPP : EBUSY;
		break;
	case 1:
		g_strlcpy(faults->fail_file, "reset", sizeof(faults->fail_file));
		faults->fail_errno = ENOTTY;
		faults->fail_function = (uint8_t)(1 + roll(SIM_VFS));
		break;
	case 2:
		g_strlcpy(faults->attach_words, "QEMU said no", sizeof(faults->attach_words));
		break;
	case 3:
		faults->write_errno = roll(2) ? ENOSPC : EIO;
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
	switch (roll(6)) {
	case 0:
		g_strlcpy(faults->hang_file, files[roll(G_N_ELEMENTS(files))],
			  sizeof(faults->hang_file));
		break;
	case 1:
		faults->hang_sets = (uint8_t)(2 + roll(SIM_PFS));
		break;
	case 2:
		faults->hang_looks = (uint8_t)(2 + roll(SIM_PFS));
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
	if (roll(2))
		sim_run(1000 * roll(100)); /* past the deadlines of some */
}

static void mend(void)
{
	sim_lock();
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
	sim_unlock();
	sim_virt_connect(true);
}

static void flap(void)
{
	uint8_t bus = (uint8_t)(1 + roll(SIM_PFS));
	const struct sim_link *link = sim_link_by_index(sim_pf_by_bus(bus)->ifindex);

	if (link)
		sim_set_carrier(bus, !link->carrier);
}

/* The host's hardware, and who else has a hand in it */

static bool is_plugged(uint8_t bus)
{
	return sim_pf_by_bus(bus)->ifindex != 0;
}

static void plug_or_unplug(void)
{
	uint8_t bus = (uint8_t)(1 + roll(SIM_PFS));

	if (is_plugged(bus))
		sim_pull_pf(bus);
	else
		sim_put_pf_back(bus);
}

/* The first one of a VF is where its counters begin, from which nothing follows. */
static void break_vf(void)
{
	uint8_t bus = (uint8_t)(1 + roll(SIM_PFS)), vf = (uint8_t)roll(SIM_VFS);

	if (sim_pf_by_bus(bus)->vf[vf].exists)
		sim_vf_error(bus, vf, (uint32_t)sim_world->operations);
}

static void write_numvfs_past_us(void)
{
	uint8_t bus = (uint8_t)(1 + roll(SIM_PFS));

	if (is_plugged(bus))
		sim_destroy_vfs(bus);
}

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
	uint8_t bus = (uint8_t)(1 + roll(SIM_PFS));

	if (roll(4))
		release_of(bus);
	sim_resize(bus, 1 + roll(SIM_VFS), roll(4) != 0);
}

/* Both PFs, one, or both with another rate; VFs of failover nics are for who is worth more. */
static void configure(unsigned which)
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

static void reload(unsigned which)
{
	configure(which);
	srv_daemon_reload(sim_daemon, NULL, NULL);
}

/* The operator looks after a VF, or orders the scrub of one that needs none, or that somebody has.
 */
static void scrub(uint8_t bus, uint32_t vf)
{
	g_autofree char *parameters = g_strdup_printf("{\"vf\":\"0000:%02x:00.0/%u\"}", bus, vf);

	sim_ask("ScrubVF", parameters);
}

/* The last call's client goes away when others come, and what it asked for goes on. */
static void lift_quarantine(void)
{
	for (guint i = 0; i < sim_daemon->model->pfs->len; i++) {
		const struct srv_pf *pf = sim_daemon->model->pfs->pdata[i];

		for (guint j = 0; j < pf->vfs->len; j++) {
			if (srv_vf_state(pf->vfs->pdata[j], NULL) != SRV_VF_STATE_QUARANTINED)
				continue;
			scrub(pf->bdf.bus, j);
			sim_run(20);
		}
	}
}

static void fail_if(char *broken)
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

static void drain_or_undrain(void)
{
	uint8_t bus = (uint8_t)(1 + roll(SIM_PFS));

	if (roll(2))
		sim_drain(bus, roll(2));
	else
		sim_undrain(bus);
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

		if (!domain->stored[i].exists || has_nic(domain, id))
			continue;
		parameters = g_strdup_printf("{\"domain\":\"%s\",\"id\":\"%s\",\"now\":%s}",
					     domain->name, id, domain->active ? "true" : "false");
		sim_ask("RemoveNic", parameters);
		sim_settle();
	}
}

static void remove_all_again(void)
{
	for (int i = 0; i < GUESTS; i++)
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
	for (int i = 0; i < GUESTS; i++) {
		struct sim_domain *domain = &sim_world->domain[i];

		if (!domain->paused || !requires_one(domain) || is_being_started(domain))
			continue;
		domain->paused = false;
		sim_virt_event(domain->uuid, SRV_VIRT_RESUMED);
	}
}

/* Comes to rest and compares. */
static void check(void)
{
	mend();
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
	sim_world->just_booted = sim_world->unplugged = false;
	fail_if(sim_check_rules() ?: sim_check_mended());
}

#define EDITS_FROM 32

static void operate(void)
{
	static int kinds;

	if (!kinds)
		kinds = g_strcmp0(g_getenv("SOAK_EDITS"), "no") == 0 ? EDITS_FROM : 41;
	switch (roll((uint32_t)kinds)) {
	case 0 ... 8:
		begin_claim();
		break;
	case 9 ... 16:
		begin_release();
		break;
	case 17 ... 22:
		start_or_stop();
		break;
	case 23:
		act_unseen();
		break;
	case 24:
	case 25:
		hint();
		break;
	case 26:
		srv_reconcile(sim_daemon);
		break;
	case 27:
		sim_run(roll(3000));
		break;
	case 28:
		if (roll(4) == 0)
			fail_something();
		else
			mend();
		break;
	case 29:
		if (roll(8) == 0)
			sim_virt_connect(!srv_virt_connected(sim_daemon->virt));
		else if (roll(4) == 0)
			scrub((uint8_t)(1 + roll(SIM_PFS)), roll(SIM_VFS));
		break;
	case 30:
		if (roll(8) == 0)
			flap();
		else if (roll(8) == 0)
			drain_or_undrain();
		break;
	case 31:
		if (roll(16) == 0)
			redefine();
		break;
	case EDITS_FROM:
		if (roll(4) == 0)
			edit_nics();
		break;
	case 33:
		if (roll(16) == 0)
			resize();
		break;
	case 34:
		if (roll(16) == 0)
			reload(roll(3));
		break;
	case 35:
		if (roll(16) == 0)
			write_numvfs_past_us();
		break;
	case 36:
		if (roll(32) == 0)
			plug_or_unplug();
		break;
	case 37:
		if (roll(16) == 0)
			break_vf();
		break;
	case 38:
		if (roll(4) == 0)
			demote();
		break;
	case 39:
		start_domain();
		break;
	default: /* a number */
		if (roll(24) == 0)
			hang_something();
	}
}

/* One daemon's life; it is killed before it gets to the end, or ends in good order. */
static void live(void)
{
	sim_start();
	sim_serve();
	for (int i = 1; i <= 4 * CHECK_EVERY; i++) {
		operate();
		__atomic_add_fetch(&sim_world->operations, 1, __ATOMIC_SEQ_CST);
		/* The main loop turns, but nobody waits for anything to end. */
		for (int j = 0; j < 4; j++)
			g_main_context_iteration(NULL, FALSE);
		if (i % CHECK_EVERY == 0)
			check();
	}
	sim_stop();
}

static void last_check(void)
{
	sim_start();
	sim_serve();
	check();
	sim_end_everything();
	check();
	fail_if(sim_check_empty());
	sim_stop();
}

/* What happens while there is no daemon. */
static void meanwhile(void)
{
	for (uint32_t i = roll(4); i > 0; i--)
		act_unseen();
	if (roll(50) == 0) {
		sim_reboot();
		sim_world->just_booted = true;
	}
}

/* A child's wait status. */
static int run(void (*fn)(void), uint32_t kill_at)
{
	uint64_t seed = state ^ (uint64_t)roll(UINT32_MAX) << 20;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		state = seed ? seed : 1;
		sim_live(kill_at);
		sim_daemon = NULL;
		alarm(300); /* only what hangs */
		fn();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		g_error("fork: %s", g_strerror(errno));
	/* A helper that hangs in a driver cannot die before it comes out. */
	memset(&sim_world->faults, 0, sizeof(sim_world->faults));
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	sim_world->hanging_threads = 0;
	memset(sim_world->hanging, 0, sizeof(sim_world->hanging));
	sim_world_renew_lock();
	return status;
}

static void add_failover_nics(void)
{
	sim_start();
	for (unsigned i = PLAIN; i < GUESTS; i++) {
		const struct sim_failover nic = { .network = "a", .priority = 10 * roll(3) };
		struct sim_domain *domain = &sim_world->domain[i];

		domain->ports = 2;
		domain->uses_vfs = roll(4) != 0;
		g_free(sim_add_failover(domain, &nic));
	}
	sim_settle();
	sim_stop();
}

static void define_failover_guests(void)
{
	for (unsigned i = PLAIN + 1; i <= GUESTS; i++) {
		g_autofree char *name = g_strdup_printf("fail%u", i);

		sim_define(i, name);
	}
}

static void define_plain_guests(void)
{
	for (unsigned i = 1; i <= PLAIN; i++) {
		g_autofree char *name = g_strdup_printf("web%u", i);
		struct sim_domain *domain = sim_define(i, name);

		domain->ports = 2;
		domain->uses_vfs = roll(4) != 0;
		for (uint32_t j = 1 + roll(3); j > 0; j--) {
			char id[16];

			name_nic(domain, id);
			sim_add_nic(domain, id, roll(3) ? "a" : "b",
				    roll(4) ? SRV_MODE_EXCLUSIVE : SRV_MODE_REQUIRED);
			domain->nic[domain->n_nics - 1].priority = 10 * roll(3);
		}
	}
}

static uint64_t number(const char *name, uint64_t fallback)
{
	const char *text = g_getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : fallback;
}

static bool is_over(time_t began, uint64_t operations, uint64_t seconds)
{
	return seconds ? (uint64_t)(time(NULL) - began) >= seconds
		       : sim_world->operations >= operations;
}

int main(void)
{
	uint64_t seed = number("SOAK_SEED",
			       (uint64_t)time(NULL) * 2654435761U + (uint64_t)getpid());
	uint64_t operations = number("SOAK_OPS", 1000000), seconds = number("SOAK_SECONDS", 0);
	uint64_t crashes = 0, said = 0, failed = 0;
	time_t began = time(NULL);
	int status;

	state = seed ? seed : 1;
	printf("seed: %llu\n", (unsigned long long)seed);
	fflush(stdout);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sim_new(SIM_CONFIG_RICH);
	configure(0);
	define_plain_guests();
	define_failover_guests();
	if (run(add_failover_nics, 0) != 0)
		g_error("failover nics cannot be added");
	while (!failed && !is_over(began, operations, seconds)) {
		status = run(live, roll(5) ? 1 + roll(DOORS_PER_RUN) : 0);
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			crashes++;
		else if (status != 0)
			failed = 1;
		if (sim_world->violations)
			failed = 1;
		meanwhile();
		if (sim_world->operations / 50000 > said) {
			said = sim_world->operations / 50000;
			printf("%llu operations, %llu crashes\n",
			       (unsigned long long)sim_world->operations,
			       (unsigned long long)crashes);
			fflush(stdout);
		}
	}
	if (!failed) {
		status = run(last_check, 0);
		failed = status != 0 || sim_world->violations;
	}
	if (failed)
		fprintf(stderr, "%s\nVIOLATION (seed %llu, status %x): %s\n",
			g_getenv("SIM_LOG") ? sim_world->log : "", (unsigned long long)seed,
			(unsigned)status, sim_world->violation);
	printf("soak: %llu operations, %llu crashes, %u violations\n",
	       (unsigned long long)sim_world->operations, (unsigned long long)crashes,
	       sim_world->violations + (unsigned)(failed && !sim_world->violations));
	if (!failed)
		sim_free();
	return failed != 0;
}
