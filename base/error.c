// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/error.h"

#include <errno.h>

int sriov_error_set(struct sriov_error **err, enum sriov_error_code code, int errnum,
		    const char *subject, const char *fmt, ...)
{
	struct sriov_error *error;
	va_list ap;

	if (errnum == 0)
		errnum = EIO;
	if (!err)
		return -errnum;
	g_assert(*err == NULL);

	error = g_new0(struct sriov_error, 1);
	error->code = code;
	error->err = errnum;
	error->subject = g_strdup(subject);
	va_start(ap, fmt);
	error->message = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	*err = error;
	return -errnum;
}

int sriov_error_wrap(struct sriov_error **err, const char *fmt, ...)
{
	g_autofree char *context = NULL;
	char *message;
	va_list ap;

	if (!err || !*err)
		return -EIO;
	va_start(ap, fmt);
	context = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	message = g_strdup_printf("%s: %s", context, (*err)->message);
	g_free((*err)->message);
	(*err)->message = message;
	return -(*err)->err;
}

int sriov_error_propagate(struct sriov_error **dest, struct sriov_error *src)
{
	int r = -src->err;

	if (dest) {
		g_assert(*dest == NULL);
		*dest = src;
	} else {
		sriov_error_free(src);
	}
	return r;
}

struct sriov_error *sriov_error_copy(const struct sriov_error *error)
{
	struct sriov_error *copy;

	if (!error)
		return NULL;
	copy = g_new0(struct sriov_error, 1);
	copy->code = error->code;
	copy->err = error->err;
	copy->subject = g_strdup(error->subject);
	copy->message = g_strdup(error->message);
	return copy;
}

char *sriov_error_text(const struct sriov_error *error)
{
	if (!error->subject)
		return g_strdup(error->message);
	return g_strdup_printf("%s: %s", error->subject, error->message);
}

enum sriov_error_code sriov_error_code_from_errno(int errnum)
{
	switch (errnum) {
	case EINVAL:
	case ERANGE:
	case EDOM:
		return SRIOV_ERROR_INVALID;
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return SRIOV_ERROR_NOT_FOUND;
	case EEXIST:
		return SRIOV_ERROR_EXISTS;
	case EBUSY:
		return SRIOV_ERROR_BUSY;
	case EOPNOTSUPP:
	case ENOSYS:
		return SRIOV_ERROR_NOT_SUPPORTED;
	case EPERM:
	case EACCES:
		return SRIOV_ERROR_DENIED;
	case ETIMEDOUT:
		return SRIOV_ERROR_TIMEOUT;
	case E2BIG:
	case EMSGSIZE:
		return SRIOV_ERROR_LIMIT;
	default: /* an open set: errno, not our enum */
		return SRIOV_ERROR_DEVICE;
	}
}

void sriov_error_free(struct sriov_error *error)
{
	if (!error)
		return;
	g_free(error->subject);
	g_free(error->message);
	g_free(error);
}

void sriov_error_clear(struct sriov_error **err)
{
	if (err)
		g_clear_pointer(err, sriov_error_free);
}
