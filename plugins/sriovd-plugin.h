/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/*
 * The ABI between sriovd and its attach backends.
 *
 * A plugin is a shared object in the plugin directory with one visible symbol, the descriptor
 * `sbe_plugin`. It is loaded at start, and refused when it lacks the descriptor, was built for
 * another ABI version, or lies in a directory (or is a file) that others than root may write.
 *
 * The daemon decides who gets what, configures and scrubs VFs and keeps the ledger. A plugin knows
 * how one kind of backing is put into one kind of owner, and taken out again. It includes only this
 * header and reaches the host through struct sbe_host.
 *
 * Threads: attach and detach run on a worker thread, several at once for different owners, never
 * two at once for the same owner; they may block for as long as the host's services do (each has a
 * deadline).
 *
 * Strings are UTF-8, NUL-terminated, and belong to whoever made them: arguments are borrowed for
 * the call. Structs that the daemon passes may grow at their end in a newer minor version; `size`
 * tells how much of it is there.
 */
#define SBE_ABI_VERSION 1

#define SBE_PLUGIN_SYMBOL "sbe_plugin"

enum sbe_owner_kind {
	SBE_OWNER_DOMAIN = 1, /* a libvirt domain */
	SBE_OWNER_CONTAINER = 2,
};

enum sbe_backing {
	SBE_BACKING_VF = 1,
	SBE_BACKING_VIRTIO = 2,
};

enum sbe_uplink {
	SBE_UPLINK_MACVTAP = 1, /* uplink is a netdev: a PF or a VLAN link */
	SBE_UPLINK_BRIDGE = 2,	/* uplink is a bridge netdev */
	SBE_UPLINK_NETWORK = 3, /* uplink is a libvirt network */
};

enum sbe_teaming {
	SBE_TEAMING_NONE = 0,
	SBE_TEAMING_PERSISTENT = 1, /* the virtio half of a failover nic */
	SBE_TEAMING_TRANSIENT = 2,  /* the VF half */
};

/* The same kinds as enum sriov_error_code (base/error.h), with the same numbers. */
enum sbe_error_code {
	SBE_ERROR_INVALID = 0,
	SBE_ERROR_NOT_FOUND = 1,
	SBE_ERROR_EXISTS = 2,
	SBE_ERROR_BUSY = 3,
	SBE_ERROR_EXHAUSTED = 4,
	SBE_ERROR_NOT_SUPPORTED = 5,
	SBE_ERROR_DENIED = 6,
	SBE_ERROR_UNAVAILABLE = 7,
	SBE_ERROR_TIMEOUT = 8,
	SBE_ERROR_DEVICE = 9,
	SBE_ERROR_LEDGER = 10,
	SBE_ERROR_LIMIT = 11,
	SBE_ERROR_INTERNAL = 12,
};

struct sbe_error {
	int code; /* enum sbe_error_code */
	int err;  /* positive errno */
	char message[512];
};

/* What is to be attached or detached. */
struct sbe_nic {
	size_t size; /* sizeof(struct sbe_nic) of the daemon */
	enum sbe_owner_kind owner_kind;
	const char *owner_uuid; /* of a domain */
	const char *owner_name;
	const char *id;	   /* the nic's id in its owner */
	const char *alias; /* the device's alias, "ua-sriov-net0" */
	uint8_t mac[6];
	enum sbe_backing backing;
	enum sbe_teaming teaming;
	const char
		*team_alias; /* of SBE_TEAMING_TRANSIENT: alias of the persistent half; else NULL */

	/* SBE_BACKING_VF; libvirt sets the VF's MAC and VLAN itself and must get the same values */
	uint32_t vf_domain;
	uint8_t vf_bus, vf_device, vf_function;
	uint16_t vlan; /* [0, 4094], 0: none */

	/* SBE_BACKING_VIRTIO */
	enum sbe_uplink uplink_type;
	const char *uplink;
	uint32_t queues; /* [1, 256] */
};

/*
 * What the daemon does for a plugin. Each function returns 0 or a negative errno and fills error.
 */
struct sbe_host {
	size_t size;
	void *priv; /* the daemon's; first argument of every function */

	/*
	 * Attaches a device to a running domain (not to its stored configuration) and returns when
	 * libvirt has it. Blocks up to a minute.
	 */
	int (*domain_attach)(void *priv, const char *uuid, const char *device_xml,
			     struct sbe_error *error);
	/*
	 * Detaches the device with this alias from a running domain, and returns when the guest has
	 * let it go. -ENOENT when there is none, -ETIMEDOUT when the guest ignored the request.
	 */
	int (*domain_detach)(void *priv, const char *uuid, const char *alias,
			     struct sbe_error *error);
	/* One line to the journal; level as syslog(3). */
	void (*log)(void *priv, int level, const char *message);
};

struct sbe_plugin {
	uint32_t abi_version; /* SBE_ABI_VERSION; first, whatever the version */
	size_t size;	      /* sizeof(struct sbe_plugin) that the plugin was built with */
	const char *name;     /* "vfio", "vhost"; letters, digits, '-' */
	const char *description;
	uint32_t owners;   /* bits 1 << enum sbe_owner_kind that it serves */
	uint32_t backings; /* bits 1 << enum sbe_backing that it serves */

	/* Puts the backing into the owner. On failure nothing of it stays. */
	int (*attach)(const struct sbe_host *host, const struct sbe_nic *nic,
		      struct sbe_error *error);
	/* Takes it out. Success when it is not there. */
	int (*detach)(const struct sbe_host *host, const struct sbe_nic *nic,
		      struct sbe_error *error);
};

/* Before the descriptor: makes it the one visible symbol. */
#define SBE_EXPORT __attribute__((visibility("default")))
