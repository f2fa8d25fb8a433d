/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include <glib.h>

#include "base/error.h"
#include "srv/domain/metadata.h"

/*
 * libvirt: one connection that is kept up (reconnect with back-off), its events, and the calls the
 * daemon makes. Events arrive on the default main context; every call blocks and belongs to a
 * queue's thread (srv/sriovd/queue.h), one queue per domain.
 */
struct srv_virt;

enum srv_virt_event {
	SRV_VIRT_STARTED,
	SRV_VIRT_STOPPED, /* shut down, destroyed, crashed, migrated away: QEMU is gone */
	SRV_VIRT_DEFINED, /* also redefined */
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
};

/*
 * Registers libvirt's event implementation (which runs on GLib's default main context) and begins
 * to connect, on a thread. Returns at once; with libvirt absent it keeps trying, 1 s to 30 s apart.
 *
 * uri: "qemu:///system"
 */
struct srv_virt *srv_virt_new(const char *uri, const struct srv_virt_handler *handler, void *data);
void srv_virt_free(struct srv_virt *virt);
bool srv_virt_connected(struct srv_virt *virt);

struct srv_virt_domain {
	char *uuid;
	char *name;
	bool active;
	bool paused;
	bool persistent;
	struct srv_domain *live;   /* parsed live XML; NULL when not active */
	struct srv_domain *stored; /* parsed stored XML; NULL when not persistent */
	struct sriov_error *bad;   /* what was wrong with its metadata; NULL */
};

/*
 * Calls. All block, up to the deadline that libvirt's keepalive and its own job timeouts give (30
 * s), and fail with UNAVAILABLE when there is no connection, NOT_FOUND when there is no such
 * domain, and DEVICE with libvirt's own words otherwise.
 */

/* All domains, each with its parsed XML: *ret is of struct srv_virt_domain, the caller's. */
int srv_virt_list(struct srv_virt *virt, GPtrArray **ret, struct sriov_error **err);

/* One, by UUID or by name. */
int srv_virt_get(struct srv_virt *virt, const char *domain, struct srv_virt_domain **ret,
		 struct sriov_error **err);

/* virDomainAttachDeviceFlags(AFFECT_LIVE): returns when libvirt has it. */
int srv_virt_attach(struct srv_virt *virt, const char *uuid, const char *device_xml,
		    struct sriov_error **err);

/*
 * Detaches by alias and waits until the guest let it go (VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED).
 * NOT_FOUND: no such device; TIMEOUT: the guest ignored the request; the device is then still
 * there.
 */
int srv_virt_detach(struct srv_virt *virt, const char *uuid, const char *alias,
		    unsigned timeout_seconds, struct sriov_error **err);

/*
 * Replaces our metadata element: nics is of struct srv_nic_request. Written to the stored
 * configuration and, with live or when there is none, to the live one too if the domain runs.
 */
int srv_virt_set_nics(struct srv_virt *virt, const char *uuid, const GPtrArray *nics, bool live,
		      struct sriov_error **err);

/* Starts a shut-off domain paused (its hook runs), and lets a paused one run. */
int srv_virt_start_paused(struct srv_virt *virt, const char *uuid, struct sriov_error **err);
int srv_virt_resume(struct srv_virt *virt, const char *uuid, struct sriov_error **err);

/*
 * What QEMU carries a virtio nic with, asked from the kernel: "vhost" when the domain's QEMU has
 * /dev/vhost-net open for it (/proc/PID/fd), else "qemu"; NULL when it cannot be told. Static
 * string.
 */
const char *srv_virt_backend(struct srv_virt *virt, const char *name);

void srv_virt_domain_free(struct srv_virt_domain *domain);
