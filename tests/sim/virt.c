// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The libvirt of the simulated host: what srv/sriovd/virt.h promises, done to the world's domains.
 * Here its connection, the domains as it shows them, and their metadata and starts; virt-device.c
 * has their devices.
 */
#include <errno.h>
#include <string.h>

#include <glib.h>

#include "srv/sriovd/nic.h"
#include "srv/sriovd/virt.h"
#include "tests/sim/sim.h"
#include "tests/sim/virt.h"
#include "tests/sim/world.h"

struct srv_virt {
	struct srv_virt_handler handler;
	void *data;
	bool connected;
	guint source;
};

static struct srv_virt *the_virt;

static gboolean connect_now(gpointer data)
{
	struct srv_virt *virt = data;

	virt->source = 0;
	if (sim_world->faults.virt_down)
		return G_SOURCE_REMOVE;
	virt->connected = true;
	virt->handler.connection(true, virt->data);
	return G_SOURCE_REMOVE;
}

struct srv_virt *srv_virt_new(const char *uri, const struct srv_virt_handler *handler, void *data)
{
	the_virt = g_new0(struct srv_virt, 1);
	the_virt->handler = *handler;
	the_virt->data = data;
	the_virt->source = g_idle_add(connect_now, the_virt);
	return the_virt;
}

void srv_virt_free(struct srv_virt *virt)
{
	if (!virt)
		return;
	if (virt->source)
		g_source_remove(virt->source);
	if (the_virt == virt)
		the_virt = NULL;
	g_free(virt);
}

bool srv_virt_connected(struct srv_virt *virt)
{
	return virt && virt->connected;
}

char *srv_virt_reason(struct srv_virt *virt)
{
	return sim_world->faults.virt_down ? g_strdup("there is no libvirt at test:///") : NULL;
}

bool srv_virt_has_failed(struct srv_virt *virt)
{
	return !virt->connected && sim_world->faults.virt_down;
}

void sim_virt_connect(bool up)
{
	sim_world->faults.virt_down = !up;
	if (!the_virt || the_virt->connected == up)
		return;
	the_virt->connected = up;
	the_virt->handler.connection(up, the_virt->data);
}

void sim_virt_event(const char *uuid, enum srv_virt_event event)
{
	const struct sim_domain *domain = sim_domain_by_uuid(uuid);

	if (the_virt && the_virt->connected)
		the_virt->handler.domain(uuid, domain ? domain->name : "", event, the_virt->data);
}

void sim_virt_negotiated(const char *uuid, const char *alias)
{
	if (the_virt && the_virt->connected)
		the_virt->handler.negotiated(uuid, alias, the_virt->data);
}

void sim_virt_device_removed(const char *uuid, const char *alias)
{
	if (the_virt && the_virt->connected)
		the_virt->handler.device_removed(uuid, alias, the_virt->data);
}

/* Domains as XML, so that the daemon's own parser reads them */

static void add_device(GString *xml, const struct sim_device *device)
{
	static const char *const sources[][2] = { { "direct", "dev" },
						  { "bridge", "bridge" },
						  { "network", "network" } };
	const struct sim_link *link = sim_link_by_index(device->link);

	g_string_append_printf(xml,
			       "<interface type='%s'><mac address='%02x:%02x:%02x:%02x:%02x:%02x'/>"
			       "<alias name='%s'/>",
			       device->type, device->mac[0], device->mac[1], device->mac[2],
			       device->mac[3], device->mac[4], device->mac[5], device->alias);
	for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
		if (strcmp(device->type, sources[i][0]) == 0)
			g_string_append_printf(xml, "<source %s='%s'/>", sources[i][1],
					       device->source);
	}
	if (strcmp(device->type, "hostdev") == 0)
		g_string_append_printf(xml,
				       "<source><address type='pci' domain='0x0000' bus='0x%02x' "
				       "slot='0x%02x' function='0x%x'/></source>",
				       device->bus, device->slot, device->function);
	if (link)
		g_string_append_printf(xml, "<target dev='%s'/>", link->name);
	g_string_append(xml, "</interface>");
}

GPtrArray *sim_domain_requests(const struct sim_domain *domain)
{
	GPtrArray *requests = g_ptr_array_new_with_free_func((GDestroyNotify)srv_nic_request_free);

	for (uint32_t i = 0; i < domain->n_nics; i++) {
		const struct sim_nic *nic = &domain->nic[i];
		struct srv_nic_request request = { .id = (char *)nic->id,
						   .network = (char *)nic->network,
						   .mode = (enum srv_mode)nic->mode,
						   .priority = nic->priority,
						   .has_mac = nic->has_mac };

		memcpy(request.mac.octet, nic->mac, 6);
		g_ptr_array_add(requests, srv_nic_request_copy(&request));
	}
	return requests;
}

static void add_metadata(GString *xml, const struct sim_domain *domain, bool live)
{
	uint32_t n = domain->n_nics - (live ? domain->n_later : 0);

	g_string_append(xml, "<metadata><sriov:nics xmlns:sriov='" SRV_NICS_XMLNS "'>");
	for (uint32_t i = 0; i < n; i++) {
		const struct sim_nic *nic = &domain->nic[i];

		g_string_append_printf(xml,
				       "<sriov:nic id='%s' network='%s' mode='%s' "
				       "priority='%u'",
				       nic->id, nic->network,
				       srv_mode_name((enum srv_mode)nic->mode), nic->priority);
		if (nic->has_mac)
			g_string_append_printf(xml, " mac='%02x:%02x:%02x:%02x:%02x:%02x'",
					       nic->mac[0], nic->mac[1], nic->mac[2], nic->mac[3],
					       nic->mac[4], nic->mac[5]);
		g_string_append(xml, "/>");
	}
	g_string_append(xml, "</sriov:nics></metadata>");
}

static struct srv_domain *parse(const struct sim_domain *domain, bool live,
				struct sriov_error **ret_bad)
{
	g_autoptr(GString) xml = g_string_new(NULL);
	struct srv_domain *parsed = NULL;

	g_string_printf(xml, "<domain type='kvm'><name>%s</name><uuid>%s</uuid>", domain->name,
			domain->uuid);
	if (live ? domain->spoilt_live : domain->spoilt)
		g_string_append(xml, "<metadata><sriov:nics xmlns:sriov='" SRV_NICS_XMLNS
				     "'><sriov:port/></sriov:nics></metadata>");
	else
		add_metadata(xml, domain, live);
	g_string_append(xml, "<devices>");
	for (int i = 0; i < SIM_NICS; i++) {
		const struct sim_device *device = live ? &domain->device[i] : &domain->stored[i];

		if (device->exists)
			add_device(xml, device);
	}
	g_string_append(xml, "</devices></domain>");
	srv_domain_parse(xml->str, xml->len, &parsed, ret_bad);
	g_assert(parsed);
	return parsed;
}

/* With the lock held. */
static struct srv_virt_domain *describe(const struct sim_domain *domain)
{
	struct srv_virt_domain *described = g_new0(struct srv_virt_domain, 1);

	described->uuid = g_strdup(domain->uuid);
	described->name = g_strdup(domain->name);
	described->active = domain->active;
	described->paused = described->held = domain->paused;
	described->starting = domain->starting;
	described->persistent = true;
	described->stored = parse(domain, false, &described->stored_bad);
	if (domain->active)
		described->live = parse(domain, true, &described->bad);
	else
		described->bad = sriov_error_copy(described->stored_bad);
	return described;
}

void srv_virt_domain_free(struct srv_virt_domain *domain)
{
	g_free(domain->uuid);
	g_free(domain->name);
	if (domain->live)
		srv_domain_free(domain->live);
	if (domain->stored)
		srv_domain_free(domain->stored);
	sriov_error_free(domain->bad);
	sriov_error_free(domain->stored_bad);
	g_free(domain);
}

/* On whatever thread: the owner hears of it on the main one. */
static gboolean tell_lost(gpointer data)
{
	if (the_virt)
		the_virt->handler.connection(false, the_virt->data);
	return G_SOURCE_REMOVE;
}

void sim_virt_lose_connection(void)
{
	the_virt->connected = false;
	sim_world->faults.virt_down = true;
	g_idle_add(tell_lost, NULL);
}

int sim_virt_not_connected(struct srv_virt *virt, struct sriov_error **err)
{
	sim_hang((const uint8_t *)&sim_world->faults.hang_virt, true);
	if (virt->connected && !sim_world->faults.virt_down)
		return 0;
	return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, ENOTCONN, "libvirt",
			       "there is no connection to it now");
}

/* The simulated time goes on meanwhile. */
static void hang(void)
{
	if (!sim_world->faults.hang_list)
		return;
	__atomic_add_fetch(&sim_world->hanging_threads, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&sim_world->faults.hang_list, __ATOMIC_SEQ_CST))
		g_usleep(1000);
	__atomic_sub_fetch(&sim_world->hanging_threads, 1, __ATOMIC_SEQ_CST);
}

int srv_virt_list(struct srv_virt *virt, GPtrArray **ret, struct sriov_error **err)
{
	int r = sim_virt_not_connected(virt, err);

	if (r < 0)
		return r;
	hang();
	*ret = g_ptr_array_new_with_free_func((GDestroyNotify)srv_virt_domain_free);
	sim_lock();
	for (int i = 0; i < SIM_DOMAINS; i++) {
		if (*sim_world->domain[i].uuid)
			g_ptr_array_add(*ret, describe(&sim_world->domain[i]));
	}
	sim_unlock();
	return 0;
}

static struct sim_domain *find(const char *domain)
{
	struct sim_domain *found = sim_domain_by_uuid(domain);

	for (int i = 0; i < SIM_DOMAINS && !found; i++) {
		if (*sim_world->domain[i].uuid && strcmp(sim_world->domain[i].name, domain) == 0)
			found = &sim_world->domain[i];
	}
	return found;
}

void sim_virt_wait_for_hook(const char *uuid)
{
	const struct sim_domain *domain = sim_domain_by_uuid(uuid);

	if (!domain || !domain->in_hook)
		return;
	__atomic_add_fetch(&sim_world->hanging_threads, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&domain->in_hook, __ATOMIC_SEQ_CST))
		g_usleep(1000);
	__atomic_sub_fetch(&sim_world->hanging_threads, 1, __ATOMIC_SEQ_CST);
}

void sim_virt_touch(const struct sim_domain *domain)
{
	if (domain && domain->stranger)
		sim_broken("something was done to %s, which does not use sriovd", domain->name);
}

int sim_virt_no_domain(const char *domain, struct sriov_error **err)
{
	return sriov_error_set(err, SRIOV_ERROR_NOT_FOUND, ENOENT, domain,
			       "libvirt has no such domain");
}

int srv_virt_get(struct srv_virt *virt, const char *domain, struct srv_virt_domain **ret,
		 struct sriov_error **err)
{
	const struct sim_domain *found;
	int r = sim_virt_not_connected(virt, err);

	if (r < 0)
		return r;
	sim_lock();
	found = find(domain);
	if (found)
		*ret = describe(found);
	sim_unlock();
	return found ? 0 : sim_virt_no_domain(domain, err);
}

static bool asks_now(const struct sim_domain *domain, const char *id)
{
	for (uint32_t i = 0; i < domain->n_nics - domain->n_later; i++) {
		if (strcmp(domain->nic[i].id, id) == 0)
			return true;
	}
	return false;
}

static void set_nic(struct sim_nic *nic, const struct srv_nic_request *request)
{
	g_strlcpy(nic->id, request->id, sizeof(nic->id));
	g_strlcpy(nic->network, request->network, sizeof(nic->network));
	nic->mode = request->mode;
	nic->priority = request->priority;
	nic->has_mac = request->has_mac;
	memcpy(nic->mac, request->mac.octet, 6);
}

/* Those that are for later come last. What only the live configuration asks for is forgotten. */
static void set_nics(struct sim_domain *domain, const GPtrArray *nics, bool live)
{
	struct sim_domain before = *domain;

	domain->n_nics = domain->n_later = 0;
	for (int later = 0; later < 2; later++) {
		for (guint i = 0; i < nics->len; i++) {
			const struct srv_nic_request *request = nics->pdata[i];
			bool now = live || !before.active || asks_now(&before, request->id);

			if (now == (later != 0))
				continue;
			set_nic(&domain->nic[domain->n_nics++], request);
			domain->n_later += (uint32_t)later;
		}
	}
	sim_changed("metadata %s", domain->name);
}

int srv_virt_set_nics(struct srv_virt *virt, const char *uuid, const GPtrArray *nics, bool live,
		      struct sriov_error **err)
{
	struct sim_domain *domain;
	int r = sim_virt_not_connected(virt, err);

	if (r < 0)
		return r;
	if (nics->len > SIM_NICS)
		return sriov_error_set(err, SRIOV_ERROR_LIMIT, ENOSPC, uuid,
				       "a simulated domain has %d nics at most", SIM_NICS);
	sim_virt_wait_for_hook(uuid);
	sim_door("libvirt metadata");
	sim_lock();
	domain = sim_domain_by_uuid(uuid);
	sim_virt_touch(domain);
	if (domain)
		set_nics(domain, nics, live);
	sim_unlock();
	return domain ? 0 : sim_virt_no_domain(uuid, err);
}

static bool is_among(const GPtrArray *nics, const char *id)
{
	for (guint i = 0; i < nics->len; i++) {
		if (strcmp(((const struct srv_nic_request *)nics->pdata[i])->id, id) == 0)
			return true;
	}
	return false;
}

int srv_virt_set_live_nics(struct srv_virt *virt, const char *uuid, const GPtrArray *nics,
			   struct sriov_error **err)
{
	struct sim_domain *domain;
	int r = sim_virt_not_connected(virt, err);

	if (r < 0)
		return r;
	sim_door("libvirt live metadata");
	sim_lock();
	domain = sim_domain_by_uuid(uuid);
	sim_virt_touch(domain);
	if (domain && domain->active) {
		struct sim_domain before = *domain;
		uint32_t n = 0;

		for (uint32_t i = 0; i < before.n_nics; i++) {
			if (is_among(nics, before.nic[i].id))
				domain->nic[n++] = before.nic[i];
		}
		domain->n_later = before.n_nics - n;
		for (uint32_t i = 0; i < before.n_nics; i++) {
			if (!is_among(nics, before.nic[i].id))
				domain->nic[n++] = before.nic[i];
		}
		sim_changed("live metadata %s", domain->name);
	}
	sim_unlock();
	return domain ? 0 : sim_virt_no_domain(uuid, err);
}

/* A start that a worker has asked for: the hooks speak to the daemon on its main thread. */
struct starting {
	GMutex lock;
	GCond changed;
	struct sim_domain *domain;
	bool answered;
	char *refusal;
};

static void prepared(const struct sriov_error *error, void *data)
{
	struct starting *starting = data;

	g_mutex_lock(&starting->lock);
	starting->refusal = error ? sriov_error_text(error) : NULL;
	starting->answered = true;
	g_cond_signal(&starting->changed);
	g_mutex_unlock(&starting->lock);
}

static gboolean prepare_hook(gpointer data)
{
	struct starting *starting = data;
	g_autoptr(GPtrArray) requests = sim_domain_requests(starting->domain);
	g_autoptr(GPtrArray) links = sim_domain_links(starting->domain);

	srv_nic_prepare(sim_daemon, starting->domain->uuid, starting->domain->name, requests, links,
			prepared, starting);
	return G_SOURCE_REMOVE;
}

static gboolean started_hook(gpointer domain)
{
	sim_hook_started(domain);
	sim_virt_event(((struct sim_domain *)domain)->uuid, SRV_VIRT_STARTED);
	return G_SOURCE_REMOVE;
}

/* False: somebody else has started it meanwhile, or QEMU does not come up. */
static bool appear(struct sim_domain *domain, bool paused)
{
	sim_lock();
	if (domain->active) {
		sim_unlock();
		return false;
	}
	domain->n_later = 0;
	domain->active = sim_plug_stored(domain);
	domain->paused = domain->active && paused;
	if (domain->active)
		sim_changed("start %s%s", domain->name, paused ? " paused" : "");
	else
		sim_unplug_all(domain);
	sim_unlock();
	return domain->active;
}

int srv_virt_start(struct srv_virt *virt, const char *uuid, bool paused, struct sriov_error **err)
{
	struct starting starting = { 0 };
	g_autofree char *refusal = NULL;

	sim_lock();
	starting.domain = sim_domain_by_uuid(uuid);
	sim_virt_touch(starting.domain);
	sim_unlock();
	if (!starting.domain)
		return sim_virt_no_domain(uuid, err);
	if (starting.domain->active)
		return sriov_error_set(err, SRIOV_ERROR_EXISTS, EALREADY, starting.domain->name,
				       "domain is already running");
	sim_door("libvirt start");
	g_idle_add(prepare_hook, &starting);
	/* The hook waits for VFs, which takes time that is to go by. */
	__atomic_add_fetch(&sim_world->hanging_threads, 1, __ATOMIC_SEQ_CST);
	g_mutex_lock(&starting.lock);
	while (!starting.answered)
		g_cond_wait(&starting.changed, &starting.lock);
	g_mutex_unlock(&starting.lock);
	__atomic_sub_fetch(&sim_world->hanging_threads, 1, __ATOMIC_SEQ_CST);
	refusal = starting.refusal;
	if (refusal)
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, starting.domain->name,
				       "it cannot be started: Hook script execution failed: %s",
				       refusal);
	if (!appear(starting.domain, paused))
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, EIO, starting.domain->name,
				       "it cannot be started: it runs, or has no link to stand on");
	g_idle_add(started_hook, starting.domain);
	return 0;
}

int srv_virt_resume(struct srv_virt *virt, const char *uuid, struct sriov_error **err)
{
	struct sim_domain *domain;

	sim_door("libvirt resume");
	if (sim_world->faults.lose_resume)
		sim_virt_lose_connection();
	if (sim_virt_not_connected(virt, err) < 0)
		return -ENOTCONN;
	sim_lock();
	domain = sim_domain_by_uuid(uuid);
	sim_virt_touch(domain);
	if (domain) {
		domain->paused = false;
		sim_changed("resume %s", domain->name);
	}
	sim_unlock();
	return domain ? 0 : sim_virt_no_domain(uuid, err);
}

const char *srv_virt_backend(struct srv_virt *virt, const char *name)
{
	return "vhost";
}
