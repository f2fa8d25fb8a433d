// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The stored configurations of domains: what they are started with next, be sriovd there or not.
 */
#include <errno.h>
#include <string.h>

#include "srv/sriovd/virt-internal.h"

static int read_xml(struct srv_virt *virt, const char *uuid, unsigned flags, char **ret,
		    struct sriov_error **err)
{
	srv_virt_autoref held = srv_virt_ref(virt);
	srv_virt_autodom handle = NULL;
	srv_virt_autotext xml = NULL;
	int r = srv_virt_lookup(held, uuid, false, &handle, err);

	if (r < 0)
		return r;
	xml = virDomainGetXMLDesc(handle, flags);
	if (!xml)
		return srv_virt_domain_error(err, handle, "its XML cannot be read");
	*ret = g_strdup(xml);
	return 0;
}

int srv_virt_stored_xml(struct srv_virt *virt, const char *uuid, char **ret,
			struct sriov_error **err)
{
	return read_xml(virt, uuid, VIR_DOMAIN_XML_INACTIVE, ret, err);
}

int srv_virt_live_xml(struct srv_virt *virt, const char *uuid, char **ret, struct sriov_error **err)
{
	return read_xml(virt, uuid, 0, ret, err);
}

static int require_stored(virDomainPtr handle, struct sriov_error **err)
{
	int persistent = virDomainIsPersistent(handle);

	if (persistent < 0)
		return srv_virt_domain_error(err, handle, "it cannot be told whether it is stored");
	if (persistent)
		return 0;
	return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, virDomainGetName(handle),
			       "the domain is transient: it has no configuration that a device "
			       "could be written into; define it first");
}

/* A domain that has a configuration; the caller's. */
static int find_stored(struct srv_virt *virt, const char *uuid, virDomainPtr *ret,
		       struct sriov_error **err)
{
	int r = srv_virt_lookup(virt, uuid, false, ret, err);

	return r < 0 ? r : require_stored(*ret, err);
}

/* One that is to be defined anew, with its whole XML: both the caller's, as with
 * virDomainGetXMLDesc(). */
static int read_stored(struct srv_virt *virt, const char *uuid, virDomainPtr *ret_handle,
		       char **ret_xml, struct sriov_error **err)
{
	int r = find_stored(virt, uuid, ret_handle, err);

	if (r < 0)
		return r;
	/* With what is secret in it, or that would be gone. */
	*ret_xml = virDomainGetXMLDesc(*ret_handle,
				       VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
	if (!*ret_xml)
		return srv_virt_domain_error(err, *ret_handle, "its XML cannot be read");
	return 0;
}

/* failure: what it means when libvirt does not want it */
static int define_anew(virDomainPtr handle, const char *xml, const char *failure,
		       struct sriov_error **err)
{
	srv_virt_autodom defined = virDomainDefineXML(virDomainGetConnect(handle), xml);

	return defined ? 0 : srv_virt_domain_error(err, handle, failure);
}

int srv_virt_attach_stored(struct srv_virt *virt, const char *uuid, const char *device_xml,
			   struct sriov_error **err)
{
	srv_virt_autoref held = srv_virt_ref(virt);
	srv_virt_autodom handle = NULL;
	int r = find_stored(held, uuid, &handle, err);

	if (r < 0)
		return r;
	if (virDomainAttachDeviceFlags(handle, device_xml, VIR_DOMAIN_AFFECT_CONFIG) < 0)
		return srv_virt_domain_error(err, handle,
					     "the device cannot be written into its configuration");
	return 0;
}

/*
 * The last "</devices>" is the domain's: metadata, in which a stranger's could stand, comes before
 * it.
 */
static char *insert_ports(const char *xml, unsigned n)
{
	const char *end = g_strrstr(xml, "</devices>");
	GString *text = end ? g_string_new_len(xml, end - xml) : NULL;

	if (!text)
		return NULL;
	for (unsigned i = 0; i < n; i++)
		g_string_append(text, "<controller type='pci' model='pcie-root-port'/>");
	g_string_append(text, end);
	return g_string_free(text, FALSE);
}

/*
 * virDomainAttachDeviceFlags() wants of a PCI controller all that libvirt chooses itself when a
 * domain is defined (index, chassis, port, address); so it is defined anew.
 */
int srv_virt_add_root_ports(struct srv_virt *virt, const char *uuid, unsigned n,
			    struct sriov_error **err)
{
	srv_virt_autoref held = srv_virt_ref(virt);
	srv_virt_autodom handle = NULL;
	srv_virt_autotext xml = NULL;
	g_autofree char *with_ports = NULL;
	int r = read_stored(held, uuid, &handle, &xml, err);

	if (r < 0)
		return r;
	with_ports = insert_ports(xml, n);
	if (!with_ports)
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, virDomainGetName(handle),
				       "its configuration has no devices");
	return define_anew(handle, with_ports,
			   "PCIe root ports cannot be added to its configuration", err);
}

int srv_virt_place_stored(struct srv_virt *virt, const char *uuid, const char *alias,
			  const struct srv_iface_place *place, struct sriov_error **err)
{
	srv_virt_autoref held = srv_virt_ref(virt);
	srv_virt_autodom handle = NULL;
	srv_virt_autotext xml = NULL;
	g_autofree char *placed = NULL;
	int r = read_stored(held, uuid, &handle, &xml, err);

	if (r < 0)
		return r;
	r = srv_domain_place_iface(xml, strlen(xml), alias, place, &placed, err);
	if (r < 0)
		return sriov_error_wrap(err, "%s", virDomainGetName(handle));
	return define_anew(handle, placed, "the virtio NIC in its configuration cannot be moved",
			   err);
}

int srv_virt_detach_stored(struct srv_virt *virt, const char *uuid, const char *alias,
			   struct sriov_error **err)
{
	srv_virt_autoref held = srv_virt_ref(virt);
	srv_virt_autodom handle = NULL;
	int r = find_stored(held, uuid, &handle, err);

	if (r < 0)
		return r;
	if (virDomainDetachDeviceAlias(handle, alias, VIR_DOMAIN_AFFECT_CONFIG) == 0)
		return 0;
	if (virGetLastErrorCode() == VIR_ERR_DEVICE_MISSING)
		return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENOENT, virDomainGetName(handle),
				       "its configuration has no device %s", alias);
	return srv_virt_domain_error(err, handle,
				     "the device cannot be taken out of its configuration");
}
