/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include <jansson.h>

#include "base/error.h"

/*
 * The one table that maps enum sriov_error_code to the API's error names ("io.sriovd.NotFound") and
 * to the exit codes of sriovctl and sriovd-hook (listed in sriovctl(1); 0 success, 1 unspecific, 2
 * usage).
 */
#define SRV_INTERFACE "io.sriovd"

/* "to join sriovd: usermod …", the end of a sentence that denies something. The caller owns it. */
char *srv_error_how_to_join(const char *group);

const char *srv_error_name(enum sriov_error_code code);
int srv_error_exit_code(enum sriov_error_code code);

/* {"subject":…, "message":…, "errno":…}: the parameters of an error reply; the caller owns it. */
json_t *srv_error_to_json(const struct sriov_error *error);

/*
 * The error that a reply carries, also for the errors of org.varlink.service (InvalidParameter,
 * MethodNotFound, …). name and parameters (may be NULL) are borrowed. Never NULL.
 */
struct sriov_error *srv_error_from_reply(const char *name, const json_t *parameters);

/*
 * What a stranger wrote, for use in a message: at most max bytes of it ("…" for the rest), valid
 * UTF-8, control characters as '?', so that it is harmless in logs and on terminals. The caller
 * owns it.
 */
char *srv_error_quote(const char *text, size_t max);
