// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * make soak: a long random life. Guests start, end, are killed; claims come and go, many at once;
 * hooks and events are doubled, lost, late; nics are added and removed, PFs drained, resized,
 * unplugged, their VFs destroyed past us, the configuration reloaded, VFs taken from failover nics
 * for others; devices, libvirt and the disk fail and recover; and the daemon is killed again and
 * again, at any call. What its clients were told is a small reference model (the world's claims and
 * domains), compared with ledger, kernel and libvirt whenever all has come to rest; the kernel's
 * and libvirt's ends watch all the time.
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

#include "srv/sriovd/nic.h"
#include "tests/sim/sim.h"
#include "tests/sim/soak.h"
#include "tests/sim/workloads.h"

#define CHECK_EVERY   400 /* operations */
#define DOORS_PER_RUN 4000

/* One daemon's life; it is killed before it gets to the end, or ends in good order. */
static void live(void)
{
	bool with_edits = g_strcmp0(g_getenv("SOAK_EDITS"), "no") != 0;

	sim_start();
	sim_serve();
	for (int i = 1; i <= 4 * CHECK_EVERY; i++) {
		soak_operate(with_edits);
		__atomic_add_fetch(&sim_world->operations, 1, __ATOMIC_SEQ_CST);
		/* The main loop turns, but nobody waits for anything to end. */
		for (int j = 0; j < 4; j++)
			g_main_context_iteration(NULL, FALSE);
		if (i % CHECK_EVERY == 0)
			soak_check();
	}
	sim_stop();
}

static void last_check(void)
{
	sim_start();
	sim_serve();
	soak_check();
	sim_end_everything();
	soak_check();
	soak_fail_if(sim_check_empty());
	sim_stop();
}

/* What happens while there is no daemon. */
static void meanwhile(void)
{
	for (uint32_t i = soak_roll(4); i > 0; i--)
		soak_act_unseen();
	if (soak_roll(50) == 0)
		sim_reboot();
}

/* A child's wait status. */
static int run(void (*fn)(void), uint32_t kill_at)
{
	uint64_t seed = soak_roll_seed();
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		soak_seed(seed);
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
	for (unsigned i = SOAK_PLAIN; i < SOAK_GUESTS; i++) {
		const struct sim_failover nic = { .network = "a", .priority = 10 * soak_roll(3) };
		struct sim_domain *domain = &sim_world->domain[i];

		domain->ports = 2;
		domain->uses_vfs = soak_roll(4) != 0;
		g_free(sim_add_failover(domain, &nic));
	}
	sim_settle();
	sim_stop();
}

static void define_failover_guests(void)
{
	for (unsigned i = SOAK_PLAIN + 1; i <= SOAK_GUESTS; i++) {
		g_autofree char *name = g_strdup_printf("fail%u", i);

		sim_define(i, name);
	}
}

static void define_plain_guests(void)
{
	for (unsigned i = 1; i <= SOAK_PLAIN; i++) {
		g_autofree char *name = g_strdup_printf("web%u", i);
		struct sim_domain *domain = sim_define(i, name);

		domain->ports = 2;
		domain->uses_vfs = soak_roll(4) != 0;
		for (uint32_t j = 1 + soak_roll(3); j > 0; j--) {
			char id[16];

			soak_name_nic(domain, id);
			sim_add_nic(domain, id, soak_roll(3) ? "a" : "b",
				    soak_roll(4) ? SRV_MODE_EXCLUSIVE : SRV_MODE_REQUIRED);
			domain->nic[domain->n_nics - 1].priority = 10 * soak_roll(3);
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

	soak_seed(seed);
	printf("seed: %llu\n", (unsigned long long)seed);
	fflush(stdout);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sim_new(SIM_CONFIG_RICH);
	soak_configure(0);
	define_plain_guests();
	define_failover_guests();
	if (run(add_failover_nics, 0) != 0)
		g_error("failover nics cannot be added");
	while (!failed && !is_over(began, operations, seconds)) {
		status = run(live, soak_roll(5) ? 1 + soak_roll(DOORS_PER_RUN) : 0);
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
