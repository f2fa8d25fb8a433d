/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>
#include <jansson.h>

#include "base/error.h"
#include "netlink/vf.h"
#include "pci/inventory.h"

/*
 * The configuration: /etc/sriovd/sriovd.json and the drop-ins of /etc/sriovd/conf.d/ (*.json, in
 * the order of their names; arrays are appended, other members may be set only once). Immutable
 * once read; reference counted, since operations under way keep the one they began with.
 */

#define SRV_NUM_VFS_KEEP UINT32_MAX /* numVfs not given: take the VFs that are there */

/* "enp1s0" or "0000:01:00.0", both with an optional "#0-3,5" */
struct srv_function_selector {
	char *name;	      /* netdev, of pfNames; NULL for rootDevices */
	struct sriov_bdf bdf; /* of rootDevices */
	GArray *ranges;	      /* of struct sriov_range: VF indices; NULL: all */
};

/* All members that are given must match (and); within one, any (or). As in the SR-IOV device
 * plugin. */
struct srv_selector {
	GArray *vendors;	 /* of uint16_t; NULL when not given; so all below */
	GArray *devices;	 /* of uint16_t, the PF's device ids */
	GPtrArray *drivers;	 /* of char *, the PF's drivers */
	GPtrArray *pf_names;	 /* of struct srv_function_selector */
	GPtrArray *root_devices; /* ditto */
	GArray *numa_nodes;	 /* of int */
	GPtrArray *link_types;	 /* of char *: "ether", "infiniband" */
};

enum srv_device_type {
	SRV_DEVICE_VFIO,   /* "vfio-pci": bound to vfio-pci at creation, for guests and DPDK */
	SRV_DEVICE_NETDEV, /* "netdevice": bound to the host's VF driver, for containers */
};

struct srv_pool {
	char *name;
	GPtrArray *selectors; /* of struct srv_selector: any of them */
	uint32_t num_vfs;     /* per PF, [1, TotalVFs], or SRV_NUM_VFS_KEEP */
	enum srv_device_type device_type;
	/* Somebody else creates the VFs and sets up the PF: numvfs, the PF's up and drivers stay as
	 * found. */
	bool externally_managed;
	char *where; /* "sriovd.json:3:7", for messages */
};

enum srv_fallback_type {
	SRV_FALLBACK_NONE,    /* "none": no virtio, so an exclusive nic waits without network */
	SRV_FALLBACK_MACVTAP, /* "macvtap", the default: on a PF of the pool, or on uplink */
	SRV_FALLBACK_BRIDGE,  /* "bridge": source names it */
	SRV_FALLBACK_NETWORK, /* "network": source names the libvirt network */
};

struct srv_fallback {
	enum srv_fallback_type type;
	char *source;	 /* bridge or libvirt network; of macvtap: uplink netdev or NULL */
	uint32_t queues; /* virtio queue pairs, [1, 256], default 1 */
};

struct srv_network {
	char *name;
	char *pool;
	struct snl_vf_attrs attrs; /* mask: all but MAC */
	struct srv_fallback fallback;
	char *where;
};

struct srv_access {
	char *admin_group; /* may change; default "sriovd" */
	char *read_group;  /* may read; default: everybody (NULL) */
};

/* Failover nics: when they are given a VF and when it is taken away. */
struct srv_failover_settings {
	bool preempt;		    /* take a VF from a nic of lower priority; default false */
	uint32_t promotions;	    /* at once on one PF, [1, 64], default 2 */
	uint32_t promote_seconds;   /* after a demotion, or after a PF's link came up: none sooner;
				       [0, 3600], default 5 */
	uint32_t negotiate_seconds; /* a guest that has not begun to use its VF by then loses it;
				       [5, 3600], default 60 */
	uint32_t retry_seconds;	    /* after a promotion or demotion that failed; [1, 86400],
				       default 300 */
	uint32_t unplug_seconds;    /* how long a guest may take to let go; [1, 600], default 30 */
	uint32_t link_down_seconds; /* PF's link down that long: its nics are demoted; [0, 3600],
				       default 2 */
};

/* What is unsafe with VFIO, and refused unless it is allowed here. */
struct srv_vfio_settings {
	bool allow_unsafe_interrupts; /* the host's modules allow_unsafe_interrupts=Y */
	bool allow_noiommu;	      /* VFs in VFIO's groups without an IOMMU */
};

struct srv_config {
	GPtrArray *pools;    /* of struct srv_pool */
	GPtrArray *networks; /* of struct srv_network */
	struct srv_access access;
	struct srv_failover_settings failover;
	struct srv_vfio_settings vfio;
	uint32_t reconcile_seconds; /* [5, 86400], default 60 */
	uint32_t files;		    /* read; 0: there is none, and it is what holds without any */
	/* Indices for the lookups below, borrowing from pools and networks; NULL while it is built.
	 */
	GHashTable *pools_by_name, *networks_by_name;
	gint refs;
};

/* severity and the rest: type Problem of io.sriovd.varlink */
struct srv_problem {
	bool is_error;
	char *subject;
	char *message;
};

/*
 * Reads the directory (sriovd.json, conf.d/). Blocks for file reads: called at start and from a
 * worker.
 *
 * A directory without any file is the empty configuration: success, pools and networks empty.
 * ret_problems: of struct srv_problem, every mistake found (not only the first), warnings too; set
 *               on failure as well; the caller's; may be NULL
 * Errors: INVALID with the first mistake as "file:line:column: …" when there is any error.
 */
int srv_config_load(const char *dir, struct srv_config **ret, GPtrArray **ret_problems,
		    struct sriov_error **err);

/* The same from memory: names and texts of n files, in order. */
int srv_config_parse(const char *const *names, const char *const *texts, size_t n,
		     struct srv_config **ret, GPtrArray **ret_problems, struct sriov_error **err);

struct srv_config *srv_config_new_empty(void);
struct srv_config *srv_config_ref(struct srv_config *config);
void srv_config_unref(struct srv_config *config);

const struct srv_pool *srv_config_pool(const struct srv_config *config, const char *name);
const struct srv_network *srv_config_network(const struct srv_config *config, const char *name);

/* Does its virtio stand on a bridge, through which the PFs' filters do not learn of it? */
bool srv_network_is_bridged(const struct srv_network *network);

/* The error for a network that is not there: INVALID, with the names of those that are. */
int srv_config_no_network(const struct srv_config *config, const char *name, const char *subject,
			  struct sriov_error **err);

/*
 * Checks a configuration against a host: pools that match nothing, that want more VFs than a PF can
 * have, that overlap on a VF, or that select a PF of another's numVfs; fallbacks whose uplink is
 * missing. Appends to problems. A PF that is not there (yet) is a warning; overlap and numVfs are
 * errors.
 */
void srv_config_check_host(const struct srv_config *config, const struct spci_inventory *inventory,
			   GPtrArray *problems);

/*
 * The pool that a VF index of a PF belongs to, or NULL. Borrowed.
 * With vf = UINT32_MAX: the first pool that selects any VF of that PF.
 */
const struct srv_pool *srv_config_pool_of(const struct srv_config *config, const struct spci_pf *pf,
					  uint32_t vf);

/*
 * The indices of a PF's VFs that a pool selects: false for none (then *ret is NULL).
 * ret: array of struct sriov_range, sorted and merged, the caller's (several selectors may each add
 *      some); NULL for all VFs
 */
bool srv_pool_selects(const struct srv_pool *pool, const struct spci_pf *pf, GArray **ret);

void srv_problem_free(struct srv_problem *problem);
G_GNUC_PRINTF(4, 5)
void srv_problem_add(GPtrArray *problems, bool is_error, const char *subject, const char *fmt, ...);
