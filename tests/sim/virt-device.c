// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Devices of the simulated host's domains, running or stored. Like the real libvirt it sets MAC and
 * VLAN of a VF when it attaches it, and puts back what it found when it takes it out.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <glib.h>
#include <linux/if_link.h>

#include "netlink/vf.h"
#include "srv/sriovd/virt.h"
#include "tests/sim/sim.h"
#include "tests/sim/virt.h"
#include "tests/sim/world.h"
#include "tests/support/tree.h"

static struct sim_device *device_of(struct sim_domain *domain, const char *alias)
{
	for (int i = 0; i < SIM_NICS; i++) {
		struct sim_device *device = &domain->device[i];

		if (device->exists && strcmp(device->alias, alias) == 0)
			return device;
	}
	return NULL;
}

static int refuse(struct sriov_error **err, const struct sim_domain *domain, const char *fmt, ...)
	G_GNUC_PRINTF(3, 4);

static int refuse(struct sriov_error **err, const struct sim_domain *domain, const char *fmt, ...)
{
	g_autofree char *why = NULL;
	va_list ap;

	va_start(ap, fmt);
	why = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	return sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, domain->name, "libvirt says: %s", why);
}

/* The host's interrupts of a VF whose guest's driver works. */
static void show_use(const struct sim_device *device, bool used)
{
	g_autofree char *irq = g_strdup_printf("%u", 1000U + device->bus * 256U + device->function);
	g_autofree char *dir = g_strdup_printf("sys/bus/pci/devices/0000:%02x:%02x.%x/msi_irqs",
					       device->bus, device->slot, device->function);
	g_autofree char *entry = g_strdup_printf("%s/%s", dir, irq);
	g_autofree char *actions = g_strdup_printf("sys/kernel/irq/%s/actions", irq);

	sim_doors_off();
	if (used) {
		tree_file(sim_root, entry, "msix");
		tree_file(sim_root, actions, "vfio-msix[0]");
	} else {
		tree_delete(sim_root, dir);
	}
	sim_doors_on();
}

void sim_guest_uses_vfs(struct sim_domain *domain, bool uses)
{
	domain->uses_vfs = uses;
	for (int i = 0; i < SIM_NICS; i++) {
		if (domain->device[i].exists && strcmp(domain->device[i].type, "hostdev") == 0)
			show_use(&domain->device[i], uses);
	}
}

/* What libvirt and QEMU do to a VF that a guest gets. */
static int take_vf(struct sim_domain *domain, struct sim_device *device, uint16_t vlan,
		   struct sriov_error **err)
{
	struct sim_vf *vf = sim_vf_by_function(device->bus, device->slot, device->function);
	const struct sim_domain *holder = sim_function_holder(device->bus, device->slot,
							      device->function);

	if (!vf || !vf->exists)
		return refuse(err, domain, "no such PCI device");
	if (holder) {
		sim_broken("VF %02x/%u was attached to %s while %s ran on it", device->bus,
			   device->function, domain->name, holder->name);
		return refuse(err, domain, "PCI device is in use by domain %s", holder->name);
	}
	if (!sim_is_on_vfio(device->bus, device->function))
		return refuse(err, domain, "PCI device is not bound to vfio-pci");
	if (!sim_mac_is_zero(vf->user) && memcmp(vf->user, device->mac, 6) != 0)
		sim_broken("VF %02x/%u was attached to %s without a reset", device->bus,
			   device->function, domain->name);
	if ((memcmp(vf->attrs.mac, device->mac, 6) != 0 || vf->attrs.vlan != vlan) &&
	    !vf->destroyed)
		sim_broken("VF %02x/%u was attached to %s before it was set up", device->bus,
			   device->function, domain->name);
	memcpy(device->found_mac, vf->attrs.mac, 6);
	device->found_vlan = vf->attrs.vlan;
	memcpy(vf->attrs.mac, device->mac, 6);
	vf->attrs.vlan = vlan;
	vf->attrs.qos = 0; /* libvirt sets none, and the kernel takes both together */
	memcpy(vf->user, device->mac, 6);
	show_use(device, domain->uses_vfs);
	return 0;
}

static int take_macvtap(struct sim_domain *domain, struct sim_device *device,
			struct sriov_error **err)
{
	struct sim_link *parent = sim_link_by_name(device->source), *link;
	static unsigned n;
	char name[16];

	if (!parent)
		return refuse(err, domain, "Cannot get interface index of %s", device->source);
	snprintf(name, sizeof(name), "macvtap%u", sim_world->next_ifindex + n++);
	link = sim_link_add(name, "macvtap");
	link->parent = parent->ifindex;
	link->up = true;
	link->mode = MACVLAN_MODE_BRIDGE;
	memcpy(link->mac, device->mac, 6);
	device->link = link->ifindex;
	return 0;
}

static int take_tap(struct sim_domain *domain, struct sim_device *device, struct sriov_error **err)
{
	struct sim_link *bridge = sim_link_by_name(device->source), *link;
	char name[16];

	if (!bridge)
		return refuse(err, domain, "Cannot get interface %s", device->source);
	snprintf(name, sizeof(name), "vnet%u", sim_world->next_ifindex);
	link = sim_link_add(name, "tun");
	link->master = bridge->ifindex;
	link->up = true;
	device->link = link->ifindex;
	return 0;
}

/* What happens to a device that leaves, with its guest or without. */
void sim_device_leave(struct sim_device *device)
{
	struct sim_link *link = sim_link_by_index(device->link);
	struct sim_vf *vf = sim_vf_by_function(device->bus, device->slot, device->function);

	if (link)
		link->ifindex = 0;
	if (strcmp(device->type, "hostdev") == 0)
		show_use(device, false);
	if (strcmp(device->type, "hostdev") == 0 && vf && vf->exists) {
		memcpy(vf->attrs.mac, device->found_mac, 6);
		vf->attrs.vlan = device->found_vlan;
		vf->attrs.qos = 0;
	}
	memset(device, 0, sizeof(*device));
}

static void fill(struct sim_device *device, const struct srv_domain_iface *iface)
{
	g_strlcpy(device->alias, iface->alias, sizeof(device->alias));
	g_strlcpy(device->type, iface->type, sizeof(device->type));
	g_strlcpy(device->source, iface->source ? iface->source : "", sizeof(device->source));
	memcpy(device->mac, iface->mac.octet, 6);
	device->bus = iface->vf.bus;
	device->slot = iface->vf.device;
	device->function = iface->vf.function;
}

static int plug(struct sim_domain *domain, const struct srv_domain_iface *iface, uint16_t vlan,
		struct sriov_error **err)
{
	struct sim_device device = { 0 };
	int r = 0;

	if (!domain->active)
		return refuse(err, domain, "domain is not running");
	sim_world->attaches++;
	if (sim_world->faults.busy_domains)
		return sriov_error_set(err, SRIOV_ERROR_BUSY, EBUSY, domain->name,
				       "tried for 300 s: libvirt is busy with another operation on "
				       "the domain");
	fill(&device, iface);
	if (device_of(domain, device.alias))
		return refuse(err, domain, "alias %s is in use", device.alias);
	if (iface->has_vf && *sim_world->faults.attach_words) {
		r = refuse(err, domain, "%s", sim_world->faults.attach_words);
		if (sim_world->faults.attach_times && --sim_world->faults.attach_times == 0)
			sim_world->faults.attach_words[0] = '\0';
		return r;
	}
	if (iface->has_vf)
		r = take_vf(domain, &device, vlan, err);
	else if (strcmp(device.type, "direct") == 0)
		r = take_macvtap(domain, &device, err);
	else
		r = take_tap(domain, &device, err);
	if (r < 0)
		return r;
	for (int i = 0; i < SIM_NICS; i++) {
		if (domain->device[i].exists)
			continue;
		domain->device[i] = device;
		domain->device[i].exists = true;
		sim_changed("attach %s %s %s", domain->name, device.alias, device.type);
		return 0;
	}
	return refuse(err, domain, "no more PCI slots");
}

/* In a domain's own configuration */

static struct sim_device *stored_of(struct sim_domain *domain, const char *alias)
{
	for (int i = 0; i < SIM_NICS; i++) {
		if (domain->stored[i].exists && strcmp(domain->stored[i].alias, alias) == 0)
			return &domain->stored[i];
	}
	return NULL;
}

GPtrArray *sim_domain_links(const struct sim_domain *domain)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);

	for (int i = 0; i < SIM_NICS; i++) {
		const struct sim_device *device = &domain->stored[i];

		if (device->exists && strcmp(device->type, "direct") == 0)
			g_ptr_array_add(names, g_strdup(device->source));
	}
	return names;
}

void sim_make_stored_links(struct sim_domain *domain)
{
	g_autoptr(GPtrArray) names = sim_domain_links(domain);

	for (guint i = 0; i < names->len; i++) {
		if (!sim_link_by_name(names->pdata[i]))
			sim_link_add_vlan(names->pdata[i]);
	}
}

bool sim_plug_stored(struct sim_domain *domain)
{
	for (int i = 0; i < SIM_NICS; i++) {
		struct sim_device device = domain->stored[i];
		sriov_autoerror err = NULL;

		if (!device.exists)
			continue;
		if ((strcmp(device.type, "direct") == 0 ? take_macvtap(domain, &device, &err)
							: take_tap(domain, &device, &err)) < 0) {
			if (!sim_world->unplugged)
				sim_broken("%s cannot start: %s", domain->name, err->message);
			return false;
		}
		for (int j = 0; j < SIM_NICS; j++) {
			if (domain->device[j].exists)
				continue;
			domain->device[j] = device;
			break;
		}
	}
	return true;
}

static int store(struct sim_domain *domain, const char *device_xml, struct sriov_error **err)
{
	g_autofree char *xml = g_strdup_printf("<domain><name>x</name><uuid>%s</uuid>"
					       "<devices>%s</devices></domain>",
					       domain->uuid, device_xml);
	struct srv_domain *parsed = NULL;
	int r;

	r = srv_domain_parse(xml, strlen(xml), &parsed, err);
	for (int i = 0; r == 0 && i < SIM_NICS; i++) {
		if (domain->stored[i].exists)
			continue;
		fill(&domain->stored[i], parsed->ifaces->pdata[0]);
		domain->stored[i].exists = true;
		sim_changed("store %s %s", domain->name, domain->stored[i].alias);
		break;
	}
	srv_domain_free(parsed);
	return r;
}

/* Its configuration is about to be changed: takes the lock. NULL: there is none, or no connection.
 */
static struct sim_domain *open_stored(struct srv_virt *virt, const char *uuid, const char *what,
				      struct sriov_error **err)
{
	struct sim_domain *domain;

	if (sim_virt_not_connected(virt, err) < 0)
		return NULL;
	sim_virt_wait_for_hook(uuid);
	sim_door(what);
	sim_lock();
	domain = sim_domain_by_uuid(uuid);
	sim_virt_touch(domain);
	if (domain)
		return domain;
	sim_unlock();
	sim_virt_no_domain(uuid, err);
	return NULL;
}

static int no_stored(const char *uuid, const char *alias, struct sriov_error **err)
{
	return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENOENT, uuid,
			       "its configuration has no device %s", alias);
}

int srv_virt_attach_stored(struct srv_virt *virt, const char *uuid, const char *device_xml,
			   struct sriov_error **err)
{
	sriov_autoerror why = NULL;
	struct sim_domain *domain = open_stored(virt, uuid, "libvirt attach stored", &why);
	int r;

	if (!domain)
		return sriov_error_propagate(err, g_steal_pointer(&why));
	r = store(domain, device_xml, err);
	sim_unlock();
	return r;
}

int srv_virt_add_root_ports(struct srv_virt *virt, const char *uuid, unsigned n,
			    struct sriov_error **err)
{
	sriov_autoerror why = NULL;
	struct sim_domain *domain = open_stored(virt, uuid, "libvirt define", &why);

	if (!domain)
		return sriov_error_propagate(err, g_steal_pointer(&why));
	domain->ports += n;
	sim_unlock();
	return 0;
}

int srv_virt_detach_stored(struct srv_virt *virt, const char *uuid, const char *alias,
			   struct sriov_error **err)
{
	sriov_autoerror why = NULL;
	struct sim_domain *domain = open_stored(virt, uuid, "libvirt detach stored", &why);
	struct sim_device *device = domain ? stored_of(domain, alias) : NULL;

	if (!domain)
		return sriov_error_propagate(err, g_steal_pointer(&why));
	if (device)
		device->exists = false;
	sim_unlock();
	return device ? 0 : no_stored(uuid, alias, err);
}

int srv_virt_place_stored(struct srv_virt *virt, const char *uuid, const char *alias,
			  const struct srv_iface_place *place, struct sriov_error **err)
{
	sriov_autoerror why = NULL;
	struct sim_domain *domain = open_stored(virt, uuid, "libvirt define", &why);
	struct sim_device *device = domain ? stored_of(domain, alias) : NULL;
	int r = 0;

	if (!domain)
		return sriov_error_propagate(err, g_steal_pointer(&why));
	if (!device) {
		r = no_stored(uuid, alias, err);
	} else if (*sim_world->faults.define_words) {
		r = refuse(err, domain, "%s", sim_world->faults.define_words);
	} else {
		g_strlcpy(device->type, place->type, sizeof(device->type));
		g_strlcpy(device->source, place->source, sizeof(device->source));
		memcpy(device->mac, place->mac.octet, 6);
		sim_changed("place %s %s %s", domain->name, alias, place->source);
	}
	sim_unlock();
	return r;
}

/* Only what srv_ports_parse() looks at. */
static int ports_xml(struct srv_virt *virt, const char *uuid, char **ret, struct sriov_error **err)
{
	GString *xml = g_string_new("<domain><devices>"
				    "<controller type='pci' index='0' model='pcie-root'/>");
	const struct sim_domain *domain;
	int r = sim_virt_not_connected(virt, err);

	sim_lock();
	domain = r == 0 ? sim_domain_by_uuid(uuid) : NULL;
	if (r == 0 && !domain)
		r = sim_virt_no_domain(uuid, err);
	for (uint32_t i = 1; r == 0 && i <= domain->ports; i++)
		g_string_append_printf(
			xml, "<controller type='pci' index='%u' model='pcie-root-port'/>", i);
	sim_unlock();
	g_string_append(xml, "</devices></domain>");
	*ret = g_string_free(xml, r < 0);
	return r;
}

int srv_virt_stored_xml(struct srv_virt *virt, const char *uuid, char **ret,
			struct sriov_error **err)
{
	return ports_xml(virt, uuid, ret, err);
}

int srv_virt_live_xml(struct srv_virt *virt, const char *uuid, char **ret, struct sriov_error **err)
{
	return ports_xml(virt, uuid, ret, err);
}

/* With the lock held. */
static int attach_now(const char *uuid, const char *device_xml, struct sriov_error **err)
{
	g_autofree char *xml = g_strdup_printf("<domain><name>x</name><uuid>%s</uuid>"
					       "<devices>%s</devices></domain>",
					       uuid, device_xml);
	const char *tag = strstr(device_xml, "<tag id='");
	struct sim_domain *domain = sim_domain_by_uuid(uuid);
	struct srv_domain *parsed = NULL;
	int r;

	if (!domain)
		return sim_virt_no_domain(uuid, err);
	r = srv_domain_parse(xml, strlen(xml), &parsed, err);
	if (r < 0)
		return r;
	r = plug(domain, parsed->ifaces->pdata[0],
		 tag ? (uint16_t)g_ascii_strtoull(tag + 9, NULL, 10) : 0, err);
	srv_domain_free(parsed);
	return r;
}

/*
 * libvirt has it to do still, for a client that has gone: with a domain it does one thing after
 * another, and shows it as it is meanwhile.
 */
static struct {
	char *uuid, *device_xml;
} late;

bool sim_virt_has_late_attach(void)
{
	return late.uuid != NULL;
}

/* With the lock held: what comes next for the domain comes after it. */
static void attach_late(const char *uuid)
{
	if (g_strcmp0(late.uuid, uuid) != 0)
		return;
	attach_now(late.uuid, late.device_xml, NULL);
	g_clear_pointer(&late.uuid, g_free);
	g_clear_pointer(&late.device_xml, g_free);
}

int srv_virt_attach(struct srv_virt *virt, const char *uuid, const char *device_xml,
		    struct sriov_error **err)
{
	int r = sim_virt_not_connected(virt, err);

	if (r < 0)
		return r;
	sim_door("libvirt attach");
	sim_lock();
	sim_virt_touch(sim_domain_by_uuid(uuid));
	attach_late(uuid);
	if (sim_world->faults.late_attach) {
		late.uuid = g_strdup(uuid);
		late.device_xml = g_strdup(device_xml);
	} else {
		r = attach_now(uuid, device_xml, err);
	}
	sim_unlock();
	if (r == 0 && sim_world->faults.spoil_attach)
		sim_world->faults.attr[__builtin_ctz(SNL_VF_VLAN)].err = EBUSY;
	if (r == 0 && (sim_world->faults.lose_attach || sim_world->faults.late_attach)) {
		sim_virt_lose_connection();
		return sim_virt_not_connected(virt, err);
	}
	return r;
}

int srv_virt_detach(struct srv_virt *virt, const char *uuid, const char *alias,
		    unsigned timeout_seconds, struct sriov_error **err)
{
	struct sim_domain *domain;
	struct sim_device *device;
	int r = sim_virt_not_connected(virt, err);

	if (r < 0)
		return r;
	sim_door("libvirt detach");
	sim_lock();
	domain = sim_domain_by_uuid(uuid);
	sim_virt_touch(domain);
	attach_late(uuid);
	device = domain && domain->active ? device_of(domain, alias) : NULL;
	if (!domain) {
		r = sim_virt_no_domain(uuid, err);
	} else if (!device) {
		r = sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENODEV, domain->name,
				    "it has no device %s", alias);
	} else if (sim_world->faults.deaf_guest) {
		r = sriov_error_set(err, SRIOV_ERROR_TIMEOUT, ETIMEDOUT, domain->name,
				    "the guest did not let the device go within %u s",
				    timeout_seconds);
	} else {
		sim_changed("detach %s %s", domain->name, alias);
		sim_device_leave(device);
	}
	sim_unlock();
	return r;
}
