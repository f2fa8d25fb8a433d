/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include <glib.h>

#include "srv/sriovd/config.h"
#include "srv/sriovd/event.h"
#include "srv/sriovd/job.h"
#include "srv/sriovd/ledger.h"
#include "srv/sriovd/model.h"
#include "srv/sriovd/plugins.h"
#include "srv/sriovd/queue.h"
#include "srv/sriovd/virt.h"

struct snl_monitor;
struct snl_uevents;
struct srv_failover;
struct srv_faults;
struct srv_interface;
struct srv_varlink;

/* The groups of the configuration's access, as this host knows them. */
struct srv_access_ids {
	bool has_admin; /* the group exists */
	gid_t admin;
	bool read_all; /* everybody may read */
	bool has_read;
	gid_t read;
};

/* Who wants to be told of the end of something. */
struct srv_waiter {
	void (*done)(void *data);
	void *data;
};

/*
 * What the operations share. Everything in it belongs to the main thread; what a worker needs is
 * copied for it. The operations (host.c, vf-work.c, nic-*.c, claim.c, reconcile.c) change the
 * model, the ledger, the kernel and libvirt; the API (api-*.c) calls operations and shows the
 * model.
 */
struct srv_daemon {
	char *root; /* under which sys/ and dev/ are found: "/" */
	char *config_dir, *state_dir;
	char *boot_id; /* which boot of the host this is; "" where that cannot be told */
	struct srv_model *model;
	struct srv_ledger *ledger;
	struct srv_virt *virt;
	struct srv_plugins *plugins;
	struct srv_varlink *varlink;
	struct srv_interface *interface;
	struct srv_events *events;
	struct srv_jobs *jobs;
	struct snl_monitor *monitor;
	struct snl_uevents *uevents;
	struct srv_failover *failover;	  /* failover.h; NULL until there is such a nic */
	struct srv_faults *faults;	  /* fault.h */
	GHashTable *domain_queues;	  /* UUID → struct srv_queue */
	GHashTable *numa_nodes;		  /* UUID → node + 1: of domains that have one */
	guint domain_queues_max;	  /* above this many, idle ones are given up */
	GPtrArray *waiting;		  /* of struct waiter (nic-wait.c) */
	GPtrArray *starts;		  /* of StartDomain, under way; NULL: none yet */
	GPtrArray *cut_starts;		  /* see srv_start_resume(); NULL: none */
	GPtrArray *config_problems;	  /* of struct srv_problem: of the configuration in force */
	GPtrArray *plugin_problems;	  /* ditto: of the plugins that were refused */
	struct sriov_error *reload_error; /* why the last reload was refused; NULL */
	struct sriov_error *host_error;	  /* why the host's devices could not be read; NULL */
	struct sriov_error *helper_error; /* why the helper could not be run when last looked at */
	int64_t helper_look_since; /* monotonic: it is being looked at since then; 0: it is not */
	bool configured;	   /* a good configuration is in force, be it an empty one */
	struct srv_access_ids ids; /* of the configuration in force */
	bool groups_known;	   /* ids: those of its groups have been found out */
	bool looked;		   /* the host has been looked at, be it in vain */
	bool serving;		   /* srv_daemon_start() is through */
	void (*begun)(struct srv_daemon *daemon); /* see struct srv_daemon_options */
	struct srv_queue *host_queue;		  /* inventory and ledger files */
	struct srv_queue *config_queue;		  /* configuration, and the groups in it */
	struct srv_queue *net_queue;		  /* forwarding entries, all PFs' */
	GPtrArray *late_calls;			  /* see net-call.h */
	struct srv_queue *libvirt_queue;	  /* libvirt's list of domains */
	GHashTable *pf_readers;			  /* see view.c */
	GHashTable *pfs_seen;			  /* see view.c */
	unsigned view_patience_ms;		  /* how long a view waits: SRV_VIEW_PATIENCE_MS */
	unsigned view_vf_us;	      /* and for each VF that it reads: SRV_VIEW_VF_US */
	GPtrArray *gate_waiters;      /* see gate.c */
	GPtrArray *reconcile_waiters; /* of struct srv_waiter: see srv_reconcile_then() */
	GPtrArray *scrub_askers;      /* see scrub-ask.c */
	GHashTable
		*macs_in_use;  /* of struct sriov_mac: promised, and not yet in a row (api-nic.c) */
	char *door;	       /* path of the members' socket (door.h); NULL: none */
	bool door_told;	       /* why the configuration's groups cannot be let in there */
	bool check_replies;    /* against the interface: for tests */
	bool rebuilding;       /* the ledger is: by a call of RebuildLedger */
	bool stopping;	       /* nothing new is begun */
	bool swept;	       /* see sweep.h */
	bool gate_open;	       /* see gate.h: changes may be made */
	int64_t gate_patience; /* g_get_monotonic_time() until which libvirt is waited for */
	bool reconciled; /* libvirt and the model were compared at least once since it connected */
	guint refresh_source, reconcile_source, reconcile_soon_source, gate_source;
	bool refreshing, reconciling, reconcile_again;
};

struct srv_daemon_options {
	const char *root; /* "/" */
	const char *config_dir;
	const char *state_dir;
	const char *plugin_dir;
	bool check_replies;
	/* The host has been looked at after srv_daemon_start() had returned. May be NULL. */
	void (*begun)(struct srv_daemon *daemon);
};

/*
 * Makes a daemon: opens the ledger, reads configuration and plugins. Blocks on the disk; starts
 * nothing. A bad configuration, a ledger that cannot be used: it comes about nevertheless and says
 * so in GetStatus.
 *
 * Errors: BUSY (another daemon has the ledger).
 */
int srv_daemon_new(const struct srv_daemon_options *options, struct srv_daemon **ret,
		   struct sriov_error **err);

/*
 * Begins: a look at the host, link events, libvirt, provisioning, the API. Runs the main context
 * until the host has been looked at, so that what is shown is whole from the first answer on; a
 * driver that hangs is waited for no longer than a second. From then on what there is is answered,
 * and nothing is changed before the look is over.
 *
 * uri:       of libvirt, "qemu:///system"
 * listen_fd: a listening socket, stolen; -1: no API
 */
int srv_daemon_start(struct srv_daemon *daemon, const char *uri, int listen_fd,
		     struct sriov_error **err);

/* The host has been looked at for the first time: changes may begin, after the first pass. */
void srv_daemon_begin(struct srv_daemon *daemon);

/*
 * An orderly end: answers who waits, finishes what is under way (at most some seconds), closes the
 * ledger. Runs the main context meanwhile. NULL is a no-op.
 */
void srv_daemon_free(struct srv_daemon *daemon);

/*
 * Reads the configuration again, on a thread; a bad one changes nothing.
 *
 * done: called once; problems (of struct srv_problem, borrowed) are all of what was read, error is
 *       NULL or INVALID with the first of them. May be NULL.
 */
void srv_daemon_reload(struct srv_daemon *daemon,
		       void (*done)(const struct sriov_error *error, const GPtrArray *problems,
				    void *data),
		       void *data);

/*
 * Why nothing may be changed: the ledger cannot be used. NULL when it can. Borrowed; the sentence
 * names the remedy.
 */
const struct sriov_error *srv_daemon_refusal(const struct srv_daemon *daemon);

/*
 * May work on devices begin: the ledger takes what is done, the host has been looked at, and no end
 * has been asked for.
 */
bool srv_daemon_may_work(const struct srv_daemon *daemon);

/*
 * Puts another ledger in the place of one that cannot be used, and begins to work with it.
 * ledger is stolen.
 */
void srv_daemon_set_ledger(struct srv_daemon *daemon, struct srv_ledger *ledger);

/* The queue of a domain's libvirt calls. Borrowed. */
struct srv_queue *srv_daemon_domain_queue(struct srv_daemon *daemon, const char *uuid);

/* Puts the nic's row into the transaction. */
void srv_daemon_put_nic(struct srv_ledger_txn *txn, const struct srv_nic *nic);
/* Puts a VF's mark into the transaction, and that its last owner has it no more. */
void srv_daemon_put_vf(struct srv_ledger_txn *txn, const struct srv_vf *vf);

/* What was ordered of a PF. */
void srv_daemon_put_pf(struct srv_ledger_txn *txn, const struct srv_pf *pf);

/* The host's NUMA node that a domain's memory comes from, as last heard; -1: several, unknown. */
int srv_daemon_numa_node(const struct srv_daemon *daemon, const char *uuid);
void srv_daemon_set_numa_node(struct srv_daemon *daemon, const char *uuid, int node);

/* "nic web1/net0"; the caller owns it. */
char *srv_nic_subject(const struct srv_nic *nic);
