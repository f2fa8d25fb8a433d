/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "srv/sriovd/daemon.h"

/* A configuration being read and checked, on a thread. */
struct srv_config_reading {
	char *dir;		   /* owned; NULL when texts are given */
	struct srv_config *config; /* NULL when it is bad */
	GPtrArray *problems;	   /* of struct srv_problem */
	struct sriov_error *error; /* the first of them that is an error */
	struct srv_access_ids ids;
	struct spci_inventory *host; /* without PFs; NULL when config is */
};

/*
 * Reads the directory, or without one the n texts of these names, asks for the groups, and looks at
 * the host under root but for its PFs. Fills in the rest of reading. Blocks, on the disk and on
 * whoever knows the host's groups: for a thread.
 */
void srv_config_reading_run(struct srv_config_reading *reading, const char *root,
			    const char *const *names, const char *const *texts, size_t n);

/*
 * Main thread, afterwards: checks it against the host's PFs as they were seen last. Before the
 * first look there is nothing to check it against.
 */
void srv_config_reading_check(struct srv_config_reading *reading, const struct srv_daemon *daemon);
void srv_config_reading_clear(struct srv_config_reading *reading);

/*
 * Adds a warning to problems for each network that nics of the model are on and config has not. On
 * the main thread.
 */
void srv_config_note_missing_networks(struct srv_model *model, const struct srv_config *config,
				      GPtrArray *problems);
