/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "base/error.h"
#include "srv/domain/metadata.h"
#include "srv/domain/place.h"

/*
 * libvirt: one connection that is kept up (reconnect with back-off), its events, and the calls the
 * daemon makes. Events arrive on the default main context; every call blocks and belongs to a
 * queue's thread (srv/sriovd/queue.h), one queue per domain.
 */
struct srv_virt;

enum srv_virt_event {
	SRV_VIRT_STARTED,
	SRV_VIRT_STOPPED, /* shut down, destroyed, crashed, migrated away: QEMU is gone */
	SRV_VIRT_DEFINED, /* also redefined, renamed, or our metadata element was changed */
	SRV_VIRT_UNDEFINED,
	SRV_VIRT_RESUMED,
};

/* All called on the default main context; strings are borrowed. */
struct srv_virt_handler {
	/* Connected, or the connection was lost. After connecting: compare everything again. */
	void (*connection)(bool connected, void *data);
	void (*domain)(const char *uuid, const char *name, enum srv_virt_event event, void *data);
	/* A device left a running guest, by our request or the guest's own. */
	void (*device_removed)(const char *uuid, const char *alias, void *data);
	/* The guest's driver joins a VF to the virtio NIC with this alias (FAILOVER_NEGOTIATED). */
	void (*negotiated)(const char *uuid, const char *alias, void *data);
};

/*
 * Registers libvirt's event implementation (which runs on GLib's default main context) and an error
 * handler that prints nothing, both for the whole process, and begins to connect, on a thread.
 * Returns at once; with libvirt absent it keeps trying, 1 s to 30 s apart. A connection whose other
 * end is silent for 30 s counts as lost.
 *
 * uri: "qemu:///system"
 * handler: copied
 */
struct srv_virt *srv_virt_new(const char *uri, const struct srv_virt_handler *handler, void *data);

/*
 * Main thread; no handler is called any more. Waits at most 2 s for the connection to be closed in
 * good order; a thread that hangs in libvirt is left behind. Calls under way fail with UNAVAILABLE
 * or end as they would have; none may begin.
 */
void srv_virt_free(struct srv_virt *virt);

/* Any thread. */
bool srv_virt_connected(struct srv_virt *virt);
/* Ditto: not connected, and the last attempt to has ended: there is none, or it does not let us. */
bool srv_virt_has_failed(struct srv_virt *virt);
/* Why it is not connected, in libvirt's words; the caller's. NULL: it is, or was not tried yet. */
char *srv_virt_reason(struct srv_virt *virt);

struct srv_virt_domain {
	char *uuid;
	char *name;
	bool active;
	bool paused;
	bool held; /* ditto, by who started or suspended it, and not for something that failed */
	bool starting; /* it is active, and libvirt is not through with its start yet */
	bool persistent;
	/*
	 * Parsed live XML; NULL when not active, or when it cannot be read at all (bad says why).
	 * With metadata that is bad its nics are empty and the rest is there.
	 */
	struct srv_domain *live;
	struct srv_domain *stored; /* the same of the stored XML; NULL when not persistent */
	struct sriov_error *bad;   /* of what is in force: live when active, else stored; or NULL */
	struct sriov_error *stored_bad; /* of stored, active or not; NULL */
};

/*
 * Calls. All block, up to the deadline that libvirt's keepalive and its own job timeouts give (30
 * s), and fail with UNAVAILABLE when there is no connection, NOT_FOUND when there is no such
 * domain, and DEVICE with libvirt's own words otherwise.
 */

/*
 * All domains, each with its parsed XML: *ret is of struct srv_virt_domain, the caller's. One whose
 * XML cannot be read is there too, with bad set.
 */
int srv_virt_list(struct srv_virt *virt, GPtrArray **ret, struct sriov_error **err);

/* One, by UUID or by name. */
int srv_virt_get(struct srv_virt *virt, const char *domain, struct srv_virt_domain **ret,
		 struct sriov_error **err);

/*
 * virDomainAttachDeviceFlags(AFFECT_LIVE): returns when libvirt has it.
 *
 * While the domain's start is under way (its hooks, or the rest of its start job, for more than the
 * 30 s that libvirt waits for the state change lock), and while another job holds that lock, it is
 * tried again with pauses of a second, for 300 s at most: BUSY then. It ends at once when the
 * domain is gone (NOT_FOUND), does not run and is not about to (DEVICE), or the connection is lost
 * (UNAVAILABLE; the device may then be attached or not).
 */
int srv_virt_attach(struct srv_virt *virt, const char *uuid, const char *device_xml,
		    struct sriov_error **err);

/*
 * Detaches by alias and waits until the guest let it go (VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED), which
 * needs the default main context to run. A domain that stops meanwhile has let it go too; a request
 * made earlier that the guest has not answered yet is waited for.
 *
 * timeout_seconds: how long to wait after libvirt took the request; libvirt takes up to 30 s for
 *                  that, and 5 s more for the guest's answer
 *
 * NOT_FOUND: no such device, or the domain does not run; TIMEOUT: the guest ignored the request;
 * DEVICE: it refused. After TIMEOUT and DEVICE the device is still there. UNAVAILABLE: it is not
 * known.
 */
int srv_virt_detach(struct srv_virt *virt, const char *uuid, const char *alias,
		    unsigned timeout_seconds, struct sriov_error **err);

/*
 * Replaces our metadata element: nics is of struct srv_nic_request; an empty list removes it.
 * Written to the stored configuration and, with live or when there is none stored, to the live one
 * too if the domain runs.
 */
int srv_virt_set_nics(struct srv_virt *virt, const char *uuid, const GPtrArray *nics, bool live,
		      struct sriov_error **err);

/* The same to the live configuration alone; nothing when the domain does not run any more. */
int srv_virt_set_live_nics(struct srv_virt *virt, const char *uuid, const GPtrArray *nics,
			   struct sriov_error **err);

/*
 * A domain's own configuration, which counts from its next start on.
 *
 * The XML of it: *ret is the caller's (g_free). Attaching and detaching are
 * virDomainAttachDeviceFlags() and virDomainDetachDeviceAlias() with AFFECT_CONFIG. INVALID: the
 * domain is transient and has none; NOT_FOUND: no such device in it.
 */
int srv_virt_stored_xml(struct srv_virt *virt, const char *uuid, char **ret,
			struct sriov_error **err);
int srv_virt_attach_stored(struct srv_virt *virt, const char *uuid, const char *device_xml,
			   struct sriov_error **err);
/*
 * Gives the network interface with this alias another place, by defining the domain anew: all else
 * of it stays, its address in the guest above all. NOT_FOUND: there is none.
 */
int srv_virt_place_stored(struct srv_virt *virt, const char *uuid, const char *alias,
			  const struct srv_iface_place *place, struct sriov_error **err);
/* More PCIe root ports: libvirt numbers and places them. */
int srv_virt_add_root_ports(struct srv_virt *virt, const char *uuid, unsigned n,
			    struct sriov_error **err);
int srv_virt_detach_stored(struct srv_virt *virt, const char *uuid, const char *alias,
			   struct sriov_error **err);

/* Of a running domain, as it is now; of another, the stored one. */
int srv_virt_live_xml(struct srv_virt *virt, const char *uuid, char **ret,
		      struct sriov_error **err);

/*
 * Starts a shut-off domain, paused or not (its hook runs; takes as long as the start), and lets a
 * paused one run, which is no error when it runs already.
 */
int srv_virt_start(struct srv_virt *virt, const char *uuid, bool paused, struct sriov_error **err);
int srv_virt_resume(struct srv_virt *virt, const char *uuid, struct sriov_error **err);

/*
 * What QEMU carries a virtio nic with, asked from the kernel: "vhost" when the domain's QEMU has
 * /dev/vhost-net open for it (/proc/PID/fd), else "qemu"; NULL when it cannot be told. Static
 * string.
 */
const char *srv_virt_backend(struct srv_virt *virt, const char *name);

void srv_virt_domain_free(struct srv_virt_domain *domain);
