/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include "base/bdf.h"
#include "base/error.h"

/*
 * Hears of PCI functions that are removed, or that the kernel recovers from an error:
 * NETLINK_KOBJECT_UEVENT, what udev listens to, on a non-blocking socket of its own, dispatched
 * from the default GMainContext. It is the only word that comes of a VF without a netdev, as those
 * on vfio-pci are.
 *
 * Source: lib/kobject_uevent.c, drivers/pci/pci-driver.c pci_uevent(), pci_uevent_ers()
 */
struct snl_uevents;

enum snl_uevent {
	SNL_UEVENT_OTHER,   /* none of ours */
	SNL_UEVENT_REMOVED, /* the kernel is removing this function, or has */
	/*
	 * An error was reported (drivers/pci/pcie/err.c pcie_do_recovery()), by this function or by
	 * another one behind the same port: the drivers of all of them are told, and each gets this
	 * event. One of the two below follows, though not always for each function.
	 */
	SNL_UEVENT_RECOVERY_BEGUN,
	SNL_UEVENT_RECOVERED,
	SNL_UEVENT_RECOVERY_FAILED, /* the kernel has given it up */
};

struct snl_uevents_handler {
	/* The kernel is removing this function, or has. */
	void (*pci_removed)(struct sriov_bdf bdf, void *data);
	/* One of the last three of enum snl_uevent. */
	void (*pci_error)(struct sriov_bdf bdf, enum snl_uevent what, void *data);
	/* Events were lost (ENOBUFS). */
	void (*overrun)(void *data);
};

/*
 * handler: copied
 *
 * Errors: UNAVAILABLE
 */
int snl_uevents_new(const struct snl_uevents_handler *handler, void *data, struct snl_uevents **ret,
		    struct sriov_error **err);
/* Not to be called by the handler. NULL is a no-op. */
void snl_uevents_free(struct snl_uevents *uevents);

/* What is it, and of which PCI function? text: len bytes as received; *ret is set unless OTHER. */
enum snl_uevent snl_uevent_parse(const char *text, size_t len, struct sriov_bdf *ret);

/* Reads what there is on such a socket, until it is empty: for tests, on another one. */
void snl_uevents_read(int fd, const struct snl_uevents_handler *handler, void *data);
