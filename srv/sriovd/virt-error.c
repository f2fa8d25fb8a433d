// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "srv/sriovd/virt-internal.h"

/* libvirt's words as part of a sentence of ours: one line, UTF-8, no full stop. */
static char *words(const virError *error)
{
	g_autofree char *text = g_utf8_make_valid(error->message ? error->message : "", -1);

	for (char *c = text; *c; c++) {
		if (g_ascii_iscntrl(*c))
			*c = ' ';
	}
	g_strstrip(text);
	if (g_str_has_suffix(text, "."))
		text[strlen(text) - 1] = '\0';
	return *text ? g_steal_pointer(&text) : g_strdup("libvirt gave no reason");
}

/*
 * What libvirt answered stands, whatever became of the connection since; only an error without a
 * clear meaning is blamed on a connection that is dead.
 */
static int set(struct sriov_error **err, const virError *error, bool alive, const char *subject,
	       const char *what)
{
	g_autofree char *why = words(error);

	switch (error->code) {
	case VIR_ERR_NO_DOMAIN:
		return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENOENT, subject, "%s: %s", what,
				       why);
	case VIR_ERR_DEVICE_MISSING:
		return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENODEV, subject, "%s: %s", what,
				       why);
	case VIR_ERR_OPERATION_TIMEOUT:
		return sriov_error_set(err, SRIOV_ERROR_BUSY, EBUSY, subject,
				       "%s: libvirt is busy with another operation on the domain "
				       "(its start and its hooks, a migration, a snapshot); try "
				       "again when that is over (%s)",
				       what, why);
	default: /* an open set: libvirt's */
		break;
	}
	if (!alive)
		return sriov_error_set(
			err, SRIOV_ERROR_UNAVAILABLE, ENOTCONN, subject,
			"%s: the connection to libvirt was lost, and sriovd connects "
			"again by itself (%s)",
			what, why);
	return sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, subject, "%s: %s", what, why);
}

int srv_virt_error(struct sriov_error **err, virConnectPtr conn, const char *subject,
		   const char *what)
{
	virErrorPtr error = virSaveLastError();
	/* Asks nobody: whether the socket is open (remoteConnectIsAlive()). */
	bool alive = !conn || virConnectIsAlive(conn) == 1;
	int r = set(err, error, alive, subject, what);

	virFreeError(error);
	return r;
}

int srv_virt_domain_error(struct sriov_error **err, virDomainPtr domain, const char *what)
{
	virErrorPtr error = virSaveLastError();
	g_autofree char *subject = g_strdup_printf("domain %s", virDomainGetName(domain));
	bool alive = virConnectIsAlive(virDomainGetConnect(domain)) == 1;
	int r = set(err, error, alive, subject, what);

	virFreeError(error);
	return r;
}

bool srv_virt_no_domain(void)
{
	return virGetLastErrorCode() == VIR_ERR_NO_DOMAIN;
}
