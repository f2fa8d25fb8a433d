// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/sim/world.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct sim_world *sim_world;
static __thread unsigned quiet; /* doors are off */

static void map(const char *dir, int flags)
{
	char path[512];
	int fd;

	snprintf(path, sizeof(path), "%s/world", dir);
	fd = open(path, flags | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*sim_world)) < 0)
		abort();
	sim_world = mmap(NULL, sizeof(*sim_world), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (sim_world == MAP_FAILED)
		abort();
	close(fd);
}

void sim_world_new(const char *dir)
{
	map(dir, O_CREAT | O_EXCL);
	sim_world_renew_lock();
	sim_world->next_ifindex = 100;
	sim_world->next_group = 1000;
}

void sim_world_open(const char *dir)
{
	map(dir, 0);
}

void sim_world_close(void)
{
	munmap(sim_world, sizeof(*sim_world));
	sim_world = NULL;
}

void sim_world_renew_lock(void)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	/* A helper may be killed while it holds it. */
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&sim_world->lock, &attr);
	pthread_mutexattr_destroy(&attr);
	for (int i = 0; i < SIM_DOMAINS; i++)
		sim_world->domain[i].in_hook = false;
}

void sim_lock(void)
{
	if (pthread_mutex_lock(&sim_world->lock) == EOWNERDEAD)
		pthread_mutex_consistent(&sim_world->lock);
}

void sim_unlock(void)
{
	pthread_mutex_unlock(&sim_world->lock);
}

void sim_live(uint32_t kill_at)
{
	if (setpgid(0, 0) < 0)
		abort();
	sim_world->doors = 0;
	sim_world->kill_at = kill_at;
	sim_world->mortals = getpgrp();
}

void sim_doors_off(void)
{
	quiet++;
}

void sim_doors_on(void)
{
	quiet--;
}

void sim_door(const char *what)
{
	uint32_t n;

	if (!sim_world || quiet)
		return;
	n = __atomic_add_fetch(&sim_world->doors, 1, __ATOMIC_SEQ_CST);
	if (n != sim_world->kill_at || getpgrp() != sim_world->mortals)
		return;
	/* With the lock held nobody is in the middle of a call into the world. */
	sim_lock();
	snprintf(sim_world->killed_at, sizeof(sim_world->killed_at), "%s", what);
	kill(-sim_world->mortals, SIGKILL); /* the daemon with all its threads, and its helper */
	for (;;)
		pause();
}

void sim_changed(const char *fmt, ...)
{
	char *log = sim_world->log;
	size_t size = sizeof(sim_world->log);
	va_list ap;
	int n;

	sim_world->changes++;
	if (sim_world->log_len > size / 2) {
		memmove(log, log + size / 4, sim_world->log_len - size / 4 + 1);
		sim_world->log_len -= size / 4;
	}
	va_start(ap, fmt);
	n = vsnprintf(log + sim_world->log_len, 256, fmt, ap);
	va_end(ap);
	sim_world->log_len += (uint32_t)(n < 255 ? n : 255);
	log[sim_world->log_len++] = '\n';
	log[sim_world->log_len] = '\0';
}

void sim_broken(const char *fmt, ...)
{
	va_list ap;

	if (sim_world->violations++)
		return;
	va_start(ap, fmt);
	vsnprintf(sim_world->violation, sizeof(sim_world->violation), fmt, ap);
	va_end(ap);
	sim_changed("BROKEN: %s", sim_world->violation);
	if (getenv("SIM_LOG"))
		fprintf(stderr, "BROKEN: %s\n", sim_world->violation);
}

struct sim_pf *sim_pf_by_ifindex(uint32_t ifindex)
{
	for (int i = 0; i < SIM_PFS; i++) {
		if (ifindex && sim_world->pf[i].ifindex == ifindex)
			return &sim_world->pf[i];
	}
	return NULL;
}

struct sim_pf *sim_pf_by_bus(uint8_t bus)
{
	for (int i = 0; i < SIM_PFS; i++) {
		if (sim_world->pf[i].bus == bus)
			return &sim_world->pf[i];
	}
	return NULL;
}

struct sim_vf *sim_vf_by_function(uint8_t bus, uint8_t slot, uint8_t function)
{
	struct sim_pf *pf = sim_pf_by_bus(bus);

	return pf && slot == 2 && function < SIM_VFS ? &pf->vf[function] : NULL;
}

struct sim_link *sim_link_by_name(const char *name)
{
	for (int i = 0; i < SIM_LINKS; i++) {
		struct sim_link *link = &sim_world->link[i];

		if (link->ifindex && strcmp(link->name, name) == 0)
			return link;
	}
	return NULL;
}

struct sim_link *sim_link_by_index(uint32_t ifindex)
{
	for (int i = 0; i < SIM_LINKS; i++) {
		if (ifindex && sim_world->link[i].ifindex == ifindex)
			return &sim_world->link[i];
	}
	return NULL;
}

struct sim_link *sim_link_add(const char *name, const char *kind)
{
	for (int i = 0; i < SIM_LINKS; i++) {
		struct sim_link *link = &sim_world->link[i];

		if (link->ifindex)
			continue;
		memset(link, 0, sizeof(*link));
		link->ifindex = sim_world->next_ifindex++;
		snprintf(link->name, sizeof(link->name), "%s", name);
		snprintf(link->kind, sizeof(link->kind), "%s", kind);
		link->carrier = true;
		return link;
	}
	abort();
}

struct sim_domain *sim_domain_by_uuid(const char *uuid)
{
	for (int i = 0; i < SIM_DOMAINS; i++) {
		if (*uuid && strcmp(sim_world->domain[i].uuid, uuid) == 0)
			return &sim_world->domain[i];
	}
	return NULL;
}

struct sim_domain *sim_function_holder(uint8_t bus, uint8_t slot, uint8_t function)
{
	for (int i = 0; i < SIM_DOMAINS; i++) {
		struct sim_domain *domain = &sim_world->domain[i];

		for (int j = 0; domain->active && j < SIM_NICS; j++) {
			const struct sim_device *device = &domain->device[j];

			if (device->exists && strcmp(device->type, "hostdev") == 0 &&
			    device->bus == bus && device->slot == slot &&
			    device->function == function)
				return domain;
		}
	}
	return NULL;
}

struct sim_attrs sim_attrs_neutral(void)
{
	return (struct sim_attrs){ .proto = ETH_P_8021Q, .spoofchk = 1 };
}

bool sim_attrs_are_neutral(const struct sim_attrs *attrs)
{
	return sim_mac_is_zero(attrs->mac) && !attrs->vlan && !attrs->qos && !attrs->min &&
	       !attrs->max && attrs->spoofchk && !attrs->trust && !attrs->link_state;
}

bool sim_mac_is_zero(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return memcmp(mac, zero, 6) == 0;
}
