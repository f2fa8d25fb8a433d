/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bdf.h"
#include "base/error.h"

/*
 * Hears of PCI functions that are removed: NETLINK_KOBJECT_UEVENT, what udev listens to, on a
 * non-blocking socket of its own, dispatched from the default GMainContext. It is the only word
 * that comes of a VF without a netdev, as those on vfio-pci are.
 *
 * Source: lib/kobject_uevent.c, drivers/pci/pci-driver.c pci_uevent()
 */
struct snl_uevents;

struct snl_uevents_handler {
	/* The kernel is removing this function, or has. */
	void (*pci_removed)(struct sriov_bdf bdf, void *data);
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

/* Is it the removal of a PCI function, and of which one? text: len bytes as received. */
bool snl_uevent_parse(const char *text, size_t len, struct sriov_bdf *ret);

/* Reads what there is on such a socket, until it is empty: for tests, on another one. */
void snl_uevents_read(int fd, const struct snl_uevents_handler *handler, void *data);
