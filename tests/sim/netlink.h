/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netlink/uevent.h"

/*
 * The rtnetlink of the simulated host. Programs are linked with --wrap=snl_new and so on, so that
 * netlink/ talks to this instead of the kernel: each socket is one end of a socketpair, and what is
 * sent on it is worked on within send(), in the caller's context, as the kernel does.
 */

/* Is it the descriptor of such a socket? Then these bytes were requests, and are answered now. */
bool sim_netlink_send(int fd, const void *bytes, size_t len);

/* Tells the daemon's monitor of a link, as the kernel's event would. From the main thread. */
void sim_link_event(uint32_t ifindex);
/* And of a PCI function that the kernel has removed. */
void sim_pci_removed_event(uint8_t bus, uint8_t slot, uint8_t function);
/* And that the kernel recovers one from an error. */
void sim_pci_error_event(uint8_t bus, uint8_t slot, uint8_t function, enum snl_uevent what);
/* Events of functions were lost. */
void sim_pci_overrun(void);
/* Its events were lost. */
void sim_link_overrun(void);
