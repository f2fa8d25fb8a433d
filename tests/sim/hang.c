// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a thread of the daemon's does not come back from while a fault lasts, and the main thread is
 * never to do.
 */
#include <dlfcn.h>
#include <grp.h>
#include <unistd.h>

#include <glib.h>

#include "pci/inventory.h"
#include "tests/sim/sim.h"

static bool hangs(const uint8_t *where, uint8_t value)
{
	uint8_t now = __atomic_load_n(where, __ATOMIC_SEQ_CST);

	return now == value || now == SIM_EVERY_PF;
}

void sim_hang(const uint8_t *where, uint8_t value)
{
	if (!hangs(where, value))
		return;
	/* Nobody would be served any more, and this program would not end either. */
	if (gettid() == getpid())
		g_error("the main thread has called what does not come back");
	__atomic_add_fetch(&sim_world->hanging_threads, 1, __ATOMIC_SEQ_CST);
	while (hangs(where, value))
		g_usleep(1000);
	__atomic_sub_fetch(&sim_world->hanging_threads, 1, __ATOMIC_SEQ_CST);
}

void __real_g_rw_lock_reader_lock(GRWLock *lock);
void __wrap_g_rw_lock_reader_lock(GRWLock *lock);

/* Whoever has it may be the one that hangs. */
void __wrap_g_rw_lock_reader_lock(GRWLock *lock)
{
	if (g_rw_lock_reader_trylock(lock))
		return;
	__atomic_add_fetch(&sim_world->hanging_threads, 1, __ATOMIC_SEQ_CST);
	__real_g_rw_lock_reader_lock(lock);
	__atomic_sub_fetch(&sim_world->hanging_threads, 1, __ATOMIC_SEQ_CST);
}

int __real_spci_pf_read(const char *root, struct sriov_bdf bdf, struct spci_pf **ret,
			struct sriov_error **err);
int __wrap_spci_pf_read(const char *root, struct sriov_bdf bdf, struct spci_pf **ret,
			struct sriov_error **err);

int __real_spci_inventory_read(const char *root, struct spci_inventory **ret,
			       struct sriov_error **err);
int __wrap_spci_inventory_read(const char *root, struct spci_inventory **ret,
			       struct sriov_error **err);

static void hang_host(void)
{
	sim_hang((const uint8_t *)&sim_world->faults.hang_host, true);
}

/* "carrier" and "speed" of its netdevs are read under the RTNL lock. */
int __wrap_spci_inventory_read(const char *root, struct spci_inventory **ret,
			       struct sriov_error **err)
{
	hang_host();
	return __real_spci_inventory_read(root, ret, err);
}

/* In the place of the C library's. */
int getgrnam_r(const char *name, struct group *group, char *buf, size_t size, struct group **found)
{
	static __typeof__(getgrnam_r) *real;

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "getgrnam_r");
	sim_hang((const uint8_t *)&sim_world->faults.hang_names, true);
	return real(name, group, buf, size, found);
}

/* sriov_numvfs, for one, takes the lock of the device, which a write of it holds. */
int __wrap_spci_pf_read(const char *root, struct sriov_bdf bdf, struct spci_pf **ret,
			struct sriov_error **err)
{
	hang_host();
	sim_hang(&sim_world->faults.hang_looks, (uint8_t)(bdf.bus + 1));
	return __real_spci_pf_read(root, bdf, ret, err);
}
