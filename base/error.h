/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <glib.h>

/*
 * The error object of the whole project.
 *
 * A function that can fail returns 0 or a negative errno and takes `struct sriov_error **err` last.
 * The error is set once, where it happens, wrapped with context on the way up, and logged once, by
 * the owner of the operation. `err` may be NULL when the caller only wants the return value.
 */

/*
 * What kind of failure it is. Closed: it maps one-to-one to the API's error names and the exit
 * codes of sriovctl (srv/protocol/errors.c), so a new kind is a change of the API.
 */
enum sriov_error_code {
	SRIOV_ERROR_INVALID,   /* an argument, a file or a message is malformed or out of range */
	SRIOV_ERROR_NOT_FOUND, /* the thing named does not exist */
	SRIOV_ERROR_EXISTS,    /* a name, MAC or id is taken */
	SRIOV_ERROR_BUSY,      /* in use, or an operation on it is under way */
	SRIOV_ERROR_EXHAUSTED, /* no VF left that would do */
	SRIOV_ERROR_NOT_SUPPORTED, /* the driver, the device or this build cannot do it */
	SRIOV_ERROR_DENIED,	   /* the caller lacks the right */
	SRIOV_ERROR_UNAVAILABLE,   /* the daemon, libvirt or another service does not answer */
	SRIOV_ERROR_TIMEOUT,	   /* a deadline passed */
	SRIOV_ERROR_DEVICE,	   /* the kernel or a device refused or did something else */
	SRIOV_ERROR_LEDGER,	   /* the ledger could not be read or written */
	SRIOV_ERROR_LIMIT,	   /* a limit on sizes, depths or counts was exceeded */
	SRIOV_ERROR_INTERNAL,	   /* a defect in sriovd */
};
#define SRIOV_ERROR_CODES (SRIOV_ERROR_INTERNAL + 1)

struct sriov_error {
	enum sriov_error_code code;
	int err;       /* positive errno, never 0 */
	char *subject; /* what it is about: "0000:01:00.0", "nic web1/net0", "sriovd.json:3:7"; or
			  NULL */
	char *message; /* one sentence, no full stop: what failed, why, what to do */
};

/*
 * Sets *err and returns -errnum. Overwriting an error that is already set is a defect (asserts).
 *
 * errnum:  positive errno; 0 is taken as EIO
 * subject: what it is about, copied; NULL when the message says it
 * fmt:     printf format of the sentence
 */
int sriov_error_set(struct sriov_error **err, enum sriov_error_code code, int errnum,
		    const char *subject, const char *fmt, ...) G_GNUC_PRINTF(5, 6);

/*
 * Puts "context: " before the message of *err (a no-op when err or *err is NULL).
 * Returns the negative errno of the error, so that `return sriov_error_wrap(err, …)` works.
 */
int sriov_error_wrap(struct sriov_error **err, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* Moves src into *dest (frees it when dest is NULL). Returns src's negative errno. */
int sriov_error_propagate(struct sriov_error **dest, struct sriov_error *src);

/* A copy the caller owns; NULL for NULL. */
struct sriov_error *sriov_error_copy(const struct sriov_error *error);

/* "subject: message", or the message when there is no subject. The caller owns the string. */
char *sriov_error_text(const struct sriov_error *error);

/* The kind of failure that an errno of the kernel usually means; SRIOV_ERROR_DEVICE when unknown.
 */
enum sriov_error_code sriov_error_code_from_errno(int errnum);

void sriov_error_free(struct sriov_error *error);
void sriov_error_clear(struct sriov_error **err);

/* A local error that frees itself: `sriov_autoerror err = NULL;` */
static inline void sriov_error_cleanup(struct sriov_error **err)
{
	sriov_error_free(*err);
}
#define sriov_autoerror __attribute__((cleanup(sriov_error_cleanup))) struct sriov_error *
