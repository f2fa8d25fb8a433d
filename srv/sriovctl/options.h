/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "srv/sriovctl/ctl.h"

/* The options of every command, as they were given. */
struct ctl_common {
	gboolean json, no_color, help, version;
	char *socket; /* the owner's of this struct */
};

/*
 * Take options with their values out of the strings of *args, of which the first is the program,
 * and leave unknown ones in place. False with *ret_why, the caller's, when a value is missing.
 */
bool ctl_options_take_common(struct ctl_common *common, char ***args, char **ret_why);
bool ctl_options_take(struct ctl *ctl, char ***args, char **ret_why);

/*
 * What to say of an option that was left: command's, or before a command (NULL). The caller owns
 * the sentence.
 */
char *ctl_options_unknown(const struct ctl_command *command, const char *arg);
