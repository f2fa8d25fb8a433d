/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "base/bdf.h"
#include "base/error.h"

/*
 * What an operation of the helper came to, and its form on the wire: the helper formats it, the
 * daemon parses it (srv/helper/protocol.h shows examples).
 */

/* One function of a bind or a reset. */
struct spci_result {
	struct sriov_bdf bdf;
	struct sriov_error *error; /* NULL: it worked */
};

struct spci_outcome {
	struct sriov_error *error; /* NULL: all of it worked; otherwise the first failure */
	uint32_t num;		   /* of create and destroy: the VFs that the kernel has now */
	GPtrArray *results; /* of struct spci_result, as asked; empty for create and destroy */
};

struct spci_outcome *spci_outcome_new(void);
void spci_outcome_free(struct spci_outcome *outcome);

/* Appends a function's result; takes error, which may be NULL. */
void spci_outcome_add(struct spci_outcome *outcome, struct sriov_bdf bdf,
		      struct sriov_error *error);

/* One line of JSON without its newline; the caller owns it. */
char *spci_outcome_format(const struct spci_outcome *outcome);

/*
 * The inverse. What a killed or broken helper leaves behind is INTERNAL: no text, half a line, a
 * code that is none.
 *
 * text: [len], with or without a newline at its end
 * Returns 0 also when the outcome is a failure of the operation (ret->error); the caller owns *ret.
 */
int spci_outcome_parse(const char *text, size_t len, struct spci_outcome **ret,
		       struct sriov_error **err);

/* The name of a code on the wire, e.g. "not_found". */
const char *spci_outcome_code_name(enum sriov_error_code code);
