/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include <glib.h>

#include "base/error.h"
#include "plugins/sriovd-plugin.h"

/*
 * The attach backends: shared objects of one directory, loaded once at start (plugins/
 * sriovd-plugin.h says what they are). What is loaded stays loaded until the process ends: a worker
 * may be inside a plugin at any time.
 */
struct srv_plugins;

/*
 * Loads all "*.so" of a directory, in the order of their names. Runs the objects' constructors;
 * blocks for file reads; for the main thread at start.
 *
 * A plugin that is not to be trusted or does not fit is refused, with the reason in problems, and
 * the others are loaded. Nothing is loaded from a directory that is not there, that somebody other
 * than root (or the user we run as) owns, or that group or others may write; that too is a problem,
 * not an error: the daemon can run without, it only attaches nothing.
 *
 * problems: of struct srv_problem, appended to; subjects are paths
 * Errors: by errno when the directory cannot be read (EMFILE, EACCES, …).
 */
int srv_plugins_load(const char *dir, struct srv_plugins **ret, GPtrArray *problems,
		     struct sriov_error **err);

/* The plugin that puts such a backing into such an owner, or NULL. Valid until the process ends. */
const struct sbe_plugin *srv_plugins_find(const struct srv_plugins *plugins,
					  enum sbe_owner_kind owner_kind, enum sbe_backing backing);

/* All, [*ret_n], in the order of loading; the array is borrowed from plugins. */
const struct sbe_plugin *const *srv_plugins_list(const struct srv_plugins *plugins, size_t *ret_n);

/* Frees the list; the plugins stay loaded. */
void srv_plugins_free(struct srv_plugins *plugins);
