/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>

#include <jansson.h>

#include "base/error.h"

/*
 * A Varlink interface description (varlink.org, "Interface Definition"), parsed, so that the file
 * that documents the API is also what every call is checked against.
 */
struct srv_interface;

/* text: the whole description, copied. INVALID with line and column. */
int srv_interface_parse(const char *text, struct srv_interface **ret, struct sriov_error **err);
void srv_interface_free(struct srv_interface *interface);

const char *srv_interface_name(const struct srv_interface *interface); /* "io.sriovd" */
const char *srv_interface_text(const struct srv_interface *interface);

/* NULL-terminated names of the methods, in the order of the text; borrowed. */
const char *const *srv_interface_methods(const struct srv_interface *interface);

/*
 * Checks the parameters of a call (or, for tests and debugging, of a reply or of an error) against
 * the description: every required member there and of its type, no member that is not described.
 *
 * member:     method or error name without the interface's, e.g. "Claim"
 * parameters: NULL counts as {}
 * ret_path:   NULL, or receives the offending parameter's path ("nics[1].mac"), the caller's
 * Errors: NOT_FOUND (no such member), INVALID with one sentence.
 */
int srv_interface_check_call(const struct srv_interface *interface, const char *member,
			     const json_t *parameters, char **ret_path, struct sriov_error **err);
int srv_interface_check_reply(const struct srv_interface *interface, const char *member,
			      const json_t *parameters, char **ret_path, struct sriov_error **err);
int srv_interface_check_error(const struct srv_interface *interface, const char *member,
			      const json_t *parameters, char **ret_path, struct sriov_error **err);
