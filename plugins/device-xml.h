/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/sriovd-plugin.h"

/*
 * What the plugins that describe a device to libvirt have in common: checking what the daemon
 * passes, writing the device's XML, and handing it over. All inline: a plugin is one object that
 * needs libc and nothing else.
 */

/* Fills error (may be NULL) and returns -errnum. */
__attribute__((format(printf, 4, 5))) static inline int sbe_fail(struct sbe_error *error,
								 enum sbe_error_code code,
								 int errnum, const char *fmt, ...)
{
	va_list ap;

	if (!error)
		return -errnum;
	error->code = (int)code;
	error->err = errnum;
	va_start(ap, fmt);
	vsnprintf(error->message, sizeof(error->message), fmt, ap);
	va_end(ap);
	return -errnum;
}

/*
 * libvirt keeps an alias only when it begins with "ua-" and has no other characters than these
 * (formatdomain, "alias"; virDomainDeviceAliasIsUserAlias() of src/conf/domain_conf.c). Another one
 * it drops without a word, and the device could never be found again to be detached.
 */
static inline bool sbe_alias_is_valid(const char *alias)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return alias && strncmp(alias, "ua-", 3) == 0 && alias[3] != '\0' &&
	       strspn(alias, allowed) == strlen(alias);
}

/* Not empty, and nothing in it that XML 1.0 cannot hold in an attribute or would change there. */
static inline bool sbe_text_is_valid(const char *text)
{
	if (!text || *text == '\0')
		return false;
	for (const char *p = text; *p; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	}
	return true;
}

/* is_valid_ether_addr() of include/linux/etherdevice.h */
static inline bool sbe_mac_is_valid(const uint8_t mac[6])
{
	static const uint8_t zero[6];

	return (mac[0] & 1) == 0 && memcmp(mac, zero, sizeof(zero)) != 0;
}

/* What attach and detach both need: a daemon new enough, and a domain's device to speak of. */
static inline int sbe_check_call(const struct sbe_host *host, const struct sbe_nic *nic,
				 enum sbe_backing backing, struct sbe_error *error)
{
	size_t host_size = offsetof(struct sbe_host, domain_detach) + sizeof(host->domain_detach);
	size_t nic_size = offsetof(struct sbe_nic, queues) + sizeof(nic->queues);

	if (host->size < host_size || nic->size < nic_size)
		return sbe_fail(error, SBE_ERROR_INTERNAL, EPROTO,
				"the daemon passes less than ABI %d promises (%zu and %zu bytes of "
				"%zu and %zu); install daemon and plugin of one release",
				SBE_ABI_VERSION, host->size, nic->size, host_size, nic_size);
	if (nic->owner_kind != SBE_OWNER_DOMAIN)
		return sbe_fail(error, SBE_ERROR_NOT_SUPPORTED, EOPNOTSUPP,
				"owners of kind %d are not served, only libvirt domains",
				(int)nic->owner_kind);
	if (nic->backing != backing)
		return sbe_fail(error, SBE_ERROR_NOT_SUPPORTED, EOPNOTSUPP,
				"a backing of kind %d is not served, only %d", (int)nic->backing,
				(int)backing);
	if (!sbe_text_is_valid(nic->owner_uuid))
		return sbe_fail(error, SBE_ERROR_INVALID, EINVAL, "the domain has no UUID");
	if (!sbe_alias_is_valid(nic->alias))
		return sbe_fail(error, SBE_ERROR_INVALID, EINVAL,
				"\"%s\" cannot be a device's alias: libvirt wants \"ua-\" and then "
				"letters, digits, \"_\" or \"-\"",
				nic->alias ? nic->alias : "");
	return 0;
}

static inline int sbe_check_mac(const struct sbe_nic *nic, struct sbe_error *error)
{
	if (sbe_mac_is_valid(nic->mac))
		return 0;
	return sbe_fail(error, SBE_ERROR_INVALID, EINVAL,
			"%02x:%02x:%02x:%02x:%02x:%02x cannot be a port's MAC address", nic->mac[0],
			nic->mac[1], nic->mac[2], nic->mac[3], nic->mac[4], nic->mac[5]);
}

/* Writes text as it stands in an attribute between single quotes. */
static inline void sbe_xml_text(FILE *xml, const char *text)
{
	for (const char *p = text; *p; p++) {
		switch (*p) {
		case '&':
			fputs("&amp;", xml);
			break;
		case '<':
			fputs("&lt;", xml);
			break;
		case '>':
			fputs("&gt;", xml);
			break;
		case '\'':
			fputs("&apos;", xml);
			break;
		case '"':
			fputs("&quot;", xml);
			break;
		default:
			fputc(*p, xml);
		}
	}
}

/* "  <element attribute='text'/>", the text escaped. */
static inline void sbe_xml_element(FILE *xml, const char *element, const char *attribute,
				   const char *text)
{
	fprintf(xml, "  <%s %s='", element, attribute);
	sbe_xml_text(xml, text);
	fputs("'/>\n", xml);
}

static inline void sbe_xml_mac(FILE *xml, const uint8_t mac[6])
{
	fprintf(xml, "  <mac address='%02x:%02x:%02x:%02x:%02x:%02x'/>\n", mac[0], mac[1], mac[2],
		mac[3], mac[4], mac[5]);
}

/* Writes the device with write() and attaches it to the owner. Blocks as the host's service does.
 */
static inline int sbe_xml_attach(const struct sbe_host *host, const struct sbe_nic *nic,
				 void (*write)(FILE *xml, const struct sbe_nic *nic),
				 struct sbe_error *error)
{
	char *text = NULL;
	size_t size = 0;
	FILE *xml = open_memstream(&text, &size);
	int r;

	if (!xml)
		return sbe_fail(error, SBE_ERROR_INTERNAL, errno, "no memory for the device's XML");
	write(xml, nic);
	r = ferror(xml);
	if (fclose(xml) != 0 || r) {
		free(text);
		return sbe_fail(error, SBE_ERROR_INTERNAL, ENOMEM,
				"no memory for the device's XML");
	}
	r = host->domain_attach(host->priv, nic->owner_uuid, text, error);
	free(text);
	return r;
}

/* Detaches the device of the nic; success when there is none. */
static inline int sbe_xml_detach(const struct sbe_host *host, const struct sbe_nic *nic,
				 struct sbe_error *error)
{
	int r = host->domain_detach(host->priv, nic->owner_uuid, nic->alias, error);

	if (r != -ENOENT)
		return r;
	if (error)
		memset(error, 0, sizeof(*error));
	return 0;
}
