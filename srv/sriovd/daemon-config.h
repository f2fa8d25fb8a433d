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
};

/*
 * Reads the directory, or without one the n texts of these names, and checks against the host under
 * root. Fills in the rest of reading. Blocks: for a thread, or before the daemon serves anybody.
 */
void srv_config_reading_run(struct srv_config_reading *reading, const char *root,
			    const char *const *names, const char *const *texts, size_t n);
void srv_config_reading_clear(struct srv_config_reading *reading);

/*
 * Adds a warning to problems for each network that nics of the model are on and config has not. On
 * the main thread.
 */
void srv_config_note_missing_networks(struct srv_model *model, const struct srv_config *config,
				      GPtrArray *problems);
