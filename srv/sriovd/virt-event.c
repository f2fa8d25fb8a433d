// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libvirt's events. Its event implementation calls these on the thread that runs GLib's default
 * main context, which is the main thread, and holds no lock meanwhile (virObjectEventStateFlush()),
 * so the handler is called from here. A domain's name and UUID are in the handle and cost no call.
 */
#include <string.h>

#include <jansson.h>
#include <libvirt/libvirt-qemu.h>

#include "srv/sriovd/virt-internal.h"

static void uuid_of(virDomainPtr domain, char uuid[VIR_UUID_STRING_BUFLEN])
{
	if (virDomainGetUUIDString(domain, uuid) < 0)
		uuid[0] = '\0';
}

static void announce(struct srv_virt *virt, virDomainPtr domain, enum srv_virt_event event)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (srv_virt_is_closing(virt))
		return;
	uuid_of(domain, uuid);
	virt->handler.domain(uuid, virDomainGetName(domain), event, virt->data);
}

static void on_stopped(struct srv_virt *virt, virDomainPtr domain)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	uuid_of(domain, uuid);
	srv_virt_tell(virt, uuid, NULL, SRV_VIRT_NEWS_GONE);
	announce(virt, domain, SRV_VIRT_STOPPED);
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *data)
{
	struct srv_virt *virt = data;

	switch (event) {
	case VIR_DOMAIN_EVENT_DEFINED:
		announce(virt, domain, SRV_VIRT_DEFINED);
		break;
	case VIR_DOMAIN_EVENT_UNDEFINED:
		/* The first half of a rename, which DEFINED ends: it is still there. */
		if (detail != VIR_DOMAIN_EVENT_UNDEFINED_RENAMED)
			announce(virt, domain, SRV_VIRT_UNDEFINED);
		break;
	case VIR_DOMAIN_EVENT_STARTED:
		/* Woken from the guest's own sleep, its QEMU was there all the time. */
		announce(virt, domain,
			 detail == VIR_DOMAIN_EVENT_STARTED_WAKEUP ? SRV_VIRT_RESUMED
								   : SRV_VIRT_STARTED);
		break;
	case VIR_DOMAIN_EVENT_RESUMED:
		announce(virt, domain, SRV_VIRT_RESUMED);
		break;
	case VIR_DOMAIN_EVENT_STOPPED:
		on_stopped(virt, domain);
		break;
	default:
		/*
		 * An open set: libvirt's. SUSPENDED, PMSUSPENDED, SHUTDOWN and CRASHED: QEMU is
		 * still there; STOPPED comes when it is not.
		 */
		break;
	}
	return 0;
}

static void on_removed(virConnectPtr conn, virDomainPtr domain, const char *alias, void *data)
{
	struct srv_virt *virt = data;
	char uuid[VIR_UUID_STRING_BUFLEN];

	uuid_of(domain, uuid);
	srv_virt_tell(virt, uuid, alias, SRV_VIRT_NEWS_GONE);
	if (!srv_virt_is_closing(virt))
		virt->handler.device_removed(uuid, alias, virt->data);
}

static void on_removal_failed(virConnectPtr conn, virDomainPtr domain, const char *alias,
			      void *data)
{
	char uuid[VIR_UUID_STRING_BUFLEN];

	uuid_of(domain, uuid);
	srv_virt_tell(data, uuid, alias, SRV_VIRT_NEWS_REFUSED);
}

/* virsh metadata, or ourselves: no DEFINED comes with it. */
static void on_metadata(virConnectPtr conn, virDomainPtr domain, int type, const char *xmlns,
			void *data)
{
	if (type == VIR_DOMAIN_METADATA_ELEMENT && g_strcmp0(xmlns, SRV_NICS_XMLNS) == 0)
		announce(data, domain, SRV_VIRT_DEFINED);
}

char *srv_virt_event_device(const char *details)
{
	json_t *json = details ? json_loads(details, 0, NULL) : NULL;
	char *alias = g_strdup(json_string_value(json_object_get(json, "device-id")));

	json_decref(json);
	return alias;
}

/* QEMU's own event, of which libvirt makes none. */
static void on_negotiated(virConnectPtr conn, virDomainPtr domain, const char *event,
			  long long seconds, unsigned int micros, const char *details, void *data)
{
	struct srv_virt *virt = data;
	g_autofree char *alias = srv_virt_event_device(details);
	char uuid[VIR_UUID_STRING_BUFLEN];

	if (alias && !srv_virt_is_closing(virt) && virt->handler.negotiated) {
		uuid_of(domain, uuid);
		virt->handler.negotiated(uuid, alias, virt->data);
	}
}

static const struct {
	int id;
	virConnectDomainEventGenericCallback callback;
} events[] = {
	{ VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle) },
	{ VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, VIR_DOMAIN_EVENT_CALLBACK(on_removed) },
	{ VIR_DOMAIN_EVENT_ID_DEVICE_REMOVAL_FAILED, VIR_DOMAIN_EVENT_CALLBACK(on_removal_failed) },
	{ VIR_DOMAIN_EVENT_ID_METADATA_CHANGE, VIR_DOMAIN_EVENT_CALLBACK(on_metadata) },
};
G_STATIC_ASSERT(G_N_ELEMENTS(events) == SRV_VIRT_EVENTS);

int srv_virt_events_register(struct srv_virt *virt, virConnectPtr conn)
{
	for (int i = 0; i < SRV_VIRT_EVENTS; i++) {
		virt->callbacks[i] = virConnectDomainEventRegisterAny(
			conn, NULL, events[i].id, events[i].callback, srv_virt_ref(virt),
			srv_virt_unref);
		if (virt->callbacks[i] < 0) {
			srv_virt_unref(virt);
			return -1;
		}
	}
	/* Another hypervisor's driver has no such events, and its guests no such NICs. */
	virt->negotiated = virConnectDomainQemuMonitorEventRegister(
		conn, NULL, "FAILOVER_NEGOTIATED", on_negotiated, srv_virt_ref(virt),
		srv_virt_unref, 0);
	if (virt->negotiated < 0)
		srv_virt_unref(virt);
	return 0;
}

/* libvirt gives up the reference when no callback is running any more, be the connection dead. */
void srv_virt_events_deregister(struct srv_virt *virt, virConnectPtr conn)
{
	for (int i = 0; i < SRV_VIRT_EVENTS; i++) {
		if (virt->callbacks[i] >= 0)
			virConnectDomainEventDeregisterAny(conn, virt->callbacks[i]);
		virt->callbacks[i] = -1;
	}
	if (virt->negotiated >= 0)
		virConnectDomainQemuMonitorEventDeregister(conn, virt->negotiated);
	virt->negotiated = -1;
}

void srv_virt_tell(struct srv_virt *virt, const char *uuid, const char *alias,
		   enum srv_virt_news news)
{
	g_mutex_lock(&virt->lock);
	for (guint i = 0; i < virt->waiters->len; i++) {
		struct srv_virt_waiter *waiter = virt->waiters->pdata[i];

		if ((uuid && g_ascii_strcasecmp(uuid, waiter->uuid) != 0) ||
		    (alias && !g_str_equal(alias, waiter->alias)))
			continue;
		/* That it is gone is the last word. */
		if (waiter->news != SRV_VIRT_NEWS_GONE)
			waiter->news = news;
	}
	g_cond_broadcast(&virt->changed);
	g_mutex_unlock(&virt->lock);
}
