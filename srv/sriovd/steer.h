/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <net/if.h>

#include "base/error.h"
#include "base/mac.h"
#include "srv/sriovd/model.h"

/*
 * Which half of a failover nic receives the frames to its MAC.
 *
 * The guest has one NIC with two halves, and its net_failover driver drops all that arrives on the
 * virtio half from the moment at which the VF half has joined (net/drivers: net_failover_
 * handle_frame()). The host does not see that moment, and who sends to the guest does not know of
 * it. So the host has to see to it that exactly that half receives which the guest listens to: the
 * VF once the guest's driver uses it (pci/vector.h tells), the virtio half at all other times.
 *
 * The NIC takes care of itself: it delivers to the VF what is for the VF's MAC, once the VF's
 * driver has switched its queues on, and to the PF what is in the PF's filter, where macvtap puts
 * its address; to both, if both have it. What has to be steered is the macvtap:
 *
 *	VIRTIO	its own address, mode bridge. The PF's filter has the MAC; other macvtaps of the PF
 *		reach it directly.
 *	BOTH	its own address, mode vepa: what comes in over the PF still arrives, and other
 *		macvtaps send over the PF, where the NIC hands it to the VF. In mode bridge they
 *		would reach only the virtio half, which does not listen.
 *	VF	parked: another address, mode bridge. The PF's filter and the macvtaps know the MAC
 *		no more; the VF alone has it. The guest can still send through the virtio half, as
 *		it does while the VF has no carrier. (Setting the link down would do the same, but
 *		the kernel then drops what the guest sends; and libvirt sets it up when a paused
 *		guest goes on.) Also, macvlan takes a broadcast with the source address of one of
 *		its own links for one that the others have seen already, and the guest's broadcasts,
 *		its ARP among them, would not reach the other macvtaps.
 *
 * On a host bridge there is no such switch to throw. VF: the PF's filter loses the MAC, and a
 * sticky entry in the bridge's table leads to the PF's port. Else: the other way round, and the
 * bridge learns from what the guest sends.
 *
 * The order, so that at each moment somebody receives and for as short as possible two do:
 *
 *	promotion	1. the VF's attributes on the PF: MAC, VLAN, … Nothing flows to it yet, its
 *			   queues are off.
 *			2. libvirt attaches. The guest's driver opens the VF (vectors in use) and
 *			   joins it. Frames from the wire now arrive on both, the guest takes the
 *			   VF's.
 *			3. the macvtap is parked: the MAC leaves the PF's filter.
 *	demotion	1. the macvtap gets its address back, in mode vepa, before anybody asks the
 *			   guest to let go: frames arrive on both, the guest still takes the VF's,
 *			   and the virtio half's from the moment at which the VF has left.
 *			2. libvirt detaches; the driver gives the vectors back.
 *			3. the macvtap goes to mode bridge.
 *			4. the VF is reset and loses the MAC (scrub), before anybody else has it.
 *
 * Between the guest's closing of the VF and the VF's leaving of net_failover, frames on the virtio
 * half are dropped by the guest: that gap is not in the host's hands.
 *
 * When sriovd ends, macvtaps are set to BOTH: should a VF be lost while nobody steers, the virtio
 * half receives. While sriovd is dead without having ended in order, a macvtap stays parked until
 * sriovd is started again, and guests that use their VF notice nothing.
 */

/*
 * plugged: the guest has the VF, as libvirt says
 * in_use:  the guest's driver has vectors of it
 * leaving: the guest is, or is about to be, asked to let it go
 */
enum srv_steer srv_steer_want(bool plugged, bool in_use, bool leaving);

const char *srv_steer_name(enum srv_steer steer);

/*
 * The address of a parked macvtap: locally administered, one for each MAC, never a guest's own:
 * sriovd's and QEMU's begin with 52:54:00. libvirt gives host-side taps of bridges fe:… in the same
 * manner, which never meet it: those are no macvtaps.
 */
struct sriov_mac srv_steer_parked_mac(struct sriov_mac mac);

struct srv_steer_port {
	char tap[IFNAMSIZ]; /* the virtio half's netdev on the host */
	struct sriov_mac mac;
	const GArray *pfs; /* of uint32_t: ifindex of the PFs, which may be ports of its bridge */
};

/*
 * Steers; doing it again changes nothing. Blocks (netlink).
 * Errors: NOT_FOUND (no such tap; a PF under a macvtap that vanishes takes it along), DEVICE …
 */
int srv_steer_apply(const struct srv_steer_port *port, enum srv_steer want,
		    struct sriov_error **err);
