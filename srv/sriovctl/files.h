/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdio.h>

#include <jansson.h>

#include "base/error.h"

/*
 * Reads configuration for CheckConfig: files, in the order given, or of a directory what sriovd
 * reads there (sriovd.json, then conf.d/[!.]*.json by name). The names are those that the problems
 * will have.
 *
 * paths: NULL-terminated; "-" is what comes in by in
 * in:    borrowed, read past its buffer
 * ret:   an array of ConfigFile, the caller's
 * Errors: NOT_FOUND, DENIED, INVALID (no text, no regular file), LIMIT (above 1 MiB, as in the
 * daemon), each with the path as its subject.
 */
int ctl_config_files(char *const *paths, FILE *in, json_t **ret, struct sriov_error **err);
