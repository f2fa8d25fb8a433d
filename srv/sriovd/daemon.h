/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

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
struct srv_failover;
struct srv_varlink;

/*
 * What the operations share. Everything in it belongs to the main thread; what a worker needs is
 * copied for it. The operations (host.c, vf-work.c, nic-*.c, claim.c, reconcile.c) change the
 * model, the ledger, the kernel and libvirt; the API (api-*.c) calls operations and shows the
 * model.
 */
struct srv_daemon {
	const char *root; /* under which sys/ and dev/ are found: "/" */
	char *config_dir;
	struct srv_model *model;
	struct srv_ledger *ledger;
	struct srv_virt *virt;
	struct srv_plugins *plugins;
	struct srv_varlink *varlink;
	struct srv_interface *interface;
	struct srv_events *events;
	struct srv_jobs *jobs;
	struct snl_monitor *monitor;
	struct srv_failover *failover;	  /* failover.h; NULL until there is such a nic */
	GHashTable *domain_queues;	  /* UUID → struct srv_queue */
	GPtrArray *waiting_starts;	  /* of struct prepare (nic-prepare.c) */
	GPtrArray *config_problems;	  /* of struct srv_problem: of the configuration in force */
	GPtrArray *plugin_problems;	  /* ditto: of the plugins that were refused */
	struct sriov_error *reload_error; /* why the last reload was refused; NULL */
	struct srv_queue *host_queue;	  /* inventory reads, configuration reads */
	bool reconciled; /* libvirt and the model were compared at least once since it connected */
	guint refresh_source, reconcile_source;
	bool refreshing, reconciling, reconcile_again;
};

/* The queue of a domain's libvirt calls. Borrowed. */
struct srv_queue *srv_daemon_domain_queue(struct srv_daemon *daemon, const char *uuid);

/* Puts the nic's row into the transaction. */
void srv_daemon_put_nic(struct srv_ledger_txn *txn, const struct srv_nic *nic);
/* Puts a VF's mark into the transaction. */
void srv_daemon_put_vf(struct srv_ledger_txn *txn, const struct srv_vf *vf);

/* "nic web1/net0"; the caller owns it. */
char *srv_nic_subject(const struct srv_nic *nic);
