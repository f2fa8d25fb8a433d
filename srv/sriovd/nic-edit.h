/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "srv/domain/metadata.h"

struct srv_daemon;

/*
 * Changing what a domain asks for: its metadata in libvirt, and then its rows. One edit reads and
 * writes in one go on the domain's queue, so that two edits of a domain do not undo each other.
 */
struct srv_nic_edit {
	/* in */
	char *domain;			 /* UUID or name */
	struct srv_nic_request *request; /* to add; its id NULL: the first free "netN" */
	char *remove;			 /* or the id to remove */
	bool add_port; /* to add a failover nic: a PCIe root port too, if none is free */
	bool now;      /* of the running domain as well; else of its stored configuration only */
	/* out */
	char *uuid, *name;
	bool active;  /* the domain runs */
	bool existed; /* just this nic was there already */
};

void srv_nic_edit_free(struct srv_nic_edit *edit);

/*
 * Makes the edit. What was refused has changed nothing.
 *
 * edit: the caller's, valid until done is called
 * done: called once on the main thread, when metadata and rows are written. error is NULL or
 *       borrowed: NOT_FOUND (no such domain or nic), EXISTS (id, MAC), INVALID (network, metadata),
 *       UNAVAILABLE, DEVICE, LEDGER …
 */
void srv_nic_edit_run(struct srv_daemon *daemon, struct srv_nic_edit *edit,
		      void (*done)(const struct sriov_error *error, void *data), void *data);
