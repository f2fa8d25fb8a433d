/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * libvirt as the daemon's connection to it sees it: libvirt's own test driver, whose domains,
 * events and metadata are libvirt's code in this process, and in front of it the functions below,
 * which can do what that driver cannot: fail, hang, lose the connection, hot-plug. A test program
 * that includes this has them in the place of the library's.
 */
#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#include <glib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "srv/sriovd/virt-internal.h"
#include "tests/unit/test.h"

/* Answers to come; the last one stays. */
struct fake_answer {
	int code;	   /* libvirt's error code; 0: success, or what the real function does */
	const char *words; /* its message; NULL: "made up" */
};

#define FAKE_ANSWERS 8
#define FAKE_EVENTS  32

struct fake_libvirt {
	GMutex lock;
	GCond changed;
	/* Connecting */
	int opens;
	gint64 opened_at[64];
	int open_failures; /* so many attempts fail */
	bool open_hangs;
	int keepalive_interval;
	unsigned keepalive_count;
	virConnectPtr conn; /* of the last close callback */
	virConnectCloseFunc on_close;
	void *close_data;
	virFreeCallback close_free;
	bool dead;	     /* what virConnectIsAlive() says */
	bool lost_in_events; /* the next registration of events loses the connection */
	int event_failures;  /* so many registrations of events fail */
	/* Events registered, by their id */
	virConnectDomainEventGenericCallback event[FAKE_EVENTS];
	void *event_data[FAKE_EVENTS];
	/* Devices */
	struct fake_answer attach[FAKE_ANSWERS];
	int attaches;
	char *attached; /* XML of the last one */
	struct fake_answer detach[FAKE_ANSWERS];
	int detaches;
	char *detached;			      /* alias of the last one */
	bool stored;			      /* they are about the domain's own configuration */
	void (*in_call)(virDomainPtr domain); /* before an attach or detach returns */
	/* A domain, instead of the driver's answers */
	struct fake_answer xml_answer[FAKE_ANSWERS];
	int xmls;
	char *live_xml;	   /* NULL: the driver's */
	int state, reason; /* state 0: the driver's */
	struct fake_answer set_metadata[FAKE_ANSWERS];
	int metadata_sets;
	unsigned metadata_flags;
};

static struct fake_libvirt fake;

static inline void fake_reset(void)
{
	g_free(fake.attached);
	g_free(fake.detached);
	g_free(fake.live_xml);
	memset(&fake, 0, sizeof(fake));
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* libvirt has no public way to set an error: a real one is made, and rewritten where it is kept. */
static inline void fake_error(int code, const char *words)
{
	virErrorPtr error;

	virInitialize();
	virDomainFree(NULL);
	error = virGetLastError();
	assert_non_null(error);
	error->code = code;
	error->domain = VIR_FROM_QEMU;
	g_free(error->message);
	error->message = g_strdup(words ? words : "made up");
}

/* The n-th answer (from 0): 0, or -1 with the error set. */
static inline int fake_give(const struct fake_answer *answers, int n)
{
	int last = 0;

	while (last + 1 < FAKE_ANSWERS && (answers[last + 1].code || answers[last + 1].words))
		last++;
	if (!answers[MIN(n, last)].code)
		return 0;
	fake_error(answers[MIN(n, last)].code, answers[MIN(n, last)].words);
	return -1;
}

/* Says that the connection has ended, as libvirt's own thread would. */
static inline void fake_lose(int reason)
{
	virConnectCloseFunc on_close;
	virConnectPtr conn;
	void *data;

	g_mutex_lock(&fake.lock);
	on_close = fake.on_close;
	conn = fake.conn;
	data = fake.close_data;
	g_mutex_unlock(&fake.lock);
	assert_non_null(on_close);
	on_close(conn, reason, data);
}

virConnectPtr virConnectOpen(const char *uri)
{
	bool fails;

	g_mutex_lock(&fake.lock);
	if (fake.opens < (int)G_N_ELEMENTS(fake.opened_at))
		fake.opened_at[fake.opens] = g_get_monotonic_time();
	fails = fake.opens++ < fake.open_failures;
	while (fake.open_hangs)
		g_cond_wait(&fake.changed, &fake.lock);
	g_mutex_unlock(&fake.lock);
	if (fails) {
		fake_error(VIR_ERR_SYSTEM_ERROR, "Failed to connect socket to "
						 "'/run/libvirt/virtqemud-sock': No such file or "
						 "directory");
		return NULL;
	}
	return REAL(virConnectOpen)(uri);
}

/* As the remote driver, which takes the reference over and gives it up when deregistered. */
int virConnectRegisterCloseCallback(virConnectPtr conn, virConnectCloseFunc cb, void *opaque,
				    virFreeCallback freecb)
{
	g_mutex_lock(&fake.lock);
	fake.conn = conn;
	fake.on_close = cb;
	fake.close_data = opaque;
	fake.close_free = freecb;
	g_mutex_unlock(&fake.lock);
	return 0;
}

int virConnectUnregisterCloseCallback(virConnectPtr conn, virConnectCloseFunc cb)
{
	virFreeCallback close_free;

	g_mutex_lock(&fake.lock);
	close_free = fake.close_free;
	fake.on_close = NULL;
	fake.close_free = NULL;
	g_mutex_unlock(&fake.lock);
	if (close_free)
		close_free(fake.close_data);
	return 0;
}

int virConnectSetKeepAlive(virConnectPtr conn, int interval, unsigned int count)
{
	fake.keepalive_interval = interval;
	fake.keepalive_count = count;
	return 0;
}

int virConnectIsAlive(virConnectPtr conn)
{
	int alive = REAL(virConnectIsAlive)(conn);

	return fake.dead ? 0 : alive;
}

int virConnectDomainEventRegisterAny(virConnectPtr conn, virDomainPtr dom, int id,
				     virConnectDomainEventGenericCallback cb, void *opaque,
				     virFreeCallback freecb)
{
	if (fake.lost_in_events) {
		fake.lost_in_events = false;
		fake_lose(VIR_CONNECT_CLOSE_REASON_EOF);
	}
	if (fake.event_failures > 0 && id == VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED) {
		fake.event_failures--;
		fake_error(VIR_ERR_RPC, "no such event");
		return -1;
	}
	fake.event[id] = cb;
	fake.event_data[id] = opaque;
	return REAL(virConnectDomainEventRegisterAny)(conn, dom, id, cb, opaque, freecb);
}

int virDomainAttachDeviceFlags(virDomainPtr domain, const char *xml, unsigned int flags)
{
	int r = fake_give(fake.attach, fake.attaches);

	assert_int_equal(flags, fake.stored ? VIR_DOMAIN_AFFECT_CONFIG : VIR_DOMAIN_AFFECT_LIVE);
	if (r == 0) {
		g_free(fake.attached);
		fake.attached = g_strdup(xml);
	}
	if (fake.in_call)
		fake.in_call(domain);
	g_atomic_int_inc(&fake.attaches);
	return r;
}

int virDomainDetachDeviceAlias(virDomainPtr domain, const char *alias, unsigned int flags)
{
	int r = fake_give(fake.detach, fake.detaches);

	assert_int_equal(flags, fake.stored ? VIR_DOMAIN_AFFECT_CONFIG : VIR_DOMAIN_AFFECT_LIVE);
	g_free(fake.detached);
	fake.detached = g_strdup(alias);
	if (fake.in_call)
		fake.in_call(domain);
	g_atomic_int_inc(&fake.detaches);
	return r;
}

char *virDomainGetXMLDesc(virDomainPtr domain, unsigned int flags)
{
	char *text = NULL;

	if (fake_give(fake.xml_answer, g_atomic_int_add(&fake.xmls, 1)) < 0)
		return NULL;
	g_mutex_lock(&fake.lock);
	if (fake.live_xml && !(flags & VIR_DOMAIN_XML_INACTIVE))
		text = strdup(fake.live_xml);
	g_mutex_unlock(&fake.lock);
	return text ? text : REAL(virDomainGetXMLDesc)(domain, flags);
}

int virDomainGetState(virDomainPtr domain, int *state, int *reason, unsigned int flags)
{
	if (fake.dead) {
		fake_error(VIR_ERR_INTERNAL_ERROR, "client socket is closed");
		return -1;
	}
	if (!fake.state)
		return REAL(virDomainGetState)(domain, state, reason, flags);
	*state = fake.state;
	*reason = fake.reason;
	return 0;
}

int virDomainSetMetadata(virDomainPtr domain, int type, const char *metadata, const char *key,
			 const char *uri, unsigned int flags)
{
	if (fake_give(fake.set_metadata, fake.metadata_sets++) < 0)
		return -1;
	fake.metadata_flags = flags;
	return REAL(virDomainSetMetadata)(domain, type, metadata, key, uri, flags);
}

/* The test driver cannot start a domain paused. */
int virDomainCreateWithFlags(virDomainPtr domain, unsigned int flags)
{
	int r = REAL(virDomainCreateWithFlags)(domain, 0);

	if (r == 0 && flags == VIR_DOMAIN_START_PAUSED)
		r = virDomainSuspend(domain);
	return r;
}

/* Replaces what the driver says of the domain's devices while it runs; NULL: the driver's own. */
static inline void fake_set_live_xml(const char *xml)
{
	g_mutex_lock(&fake.lock);
	g_free(fake.live_xml);
	fake.live_xml = g_strdup(xml);
	g_mutex_unlock(&fake.lock);
}

/* An event about a device, as libvirt's timer on the main thread gives it. */
static inline void fake_device_event(int id, virDomainPtr domain, const char *alias)
{
	virConnectDomainEventDeviceRemovedCallback callback =
		(virConnectDomainEventDeviceRemovedCallback)(void (*)(void))fake.event[id];

	callback(virDomainGetConnect(domain), domain, alias, fake.event_data[id]);
}

/* ---- the connection under test, and what it says ---- */

#define FAKE_TIMES                                                                            \
	{                                                                                     \
		.retry_min_ms = 5, .retry_max_ms = 40, .attach_ms = 60 * 1000, .pause_ms = 5, \
		.free_ms = 5000,                                                              \
	}

struct world {
	struct srv_virt *virt;
	virConnectPtr conn; /* ours, to the same domains */
	GString *said;
};

static inline void on_connection(bool connected, void *data)
{
	struct world *world = data;

	g_string_append(world->said, connected ? "connected\n" : "lost\n");
}

static inline void on_domain(const char *uuid, const char *name, enum srv_virt_event event,
			     void *data)
{
	static const char *const names[] = { "started", "stopped", "defined", "undefined",
					     "resumed" };
	struct world *world = data;

	assert_true(g_uuid_string_is_valid(uuid));
	g_string_append_printf(world->said, "%s %s\n", name, names[event]);
}

static inline void on_device_removed(const char *uuid, const char *alias, void *data)
{
	struct world *world = data;

	assert_true(g_uuid_string_is_valid(uuid));
	g_string_append_printf(world->said, "%s removed\n", alias);
}

#define WORLD_HANDLER                                             \
	{                                                         \
		on_connection, on_domain, on_device_removed, NULL \
	}

/* Runs the main context until that holds; a hang ends the test. */
#define WAIT_SECONDS 20
#define run_until(condition)                                                            \
	do {                                                                            \
		gint64 until_ = g_get_monotonic_time() + WAIT_SECONDS * G_USEC_PER_SEC; \
		while (!(condition)) {                                                  \
			if (g_get_monotonic_time() > until_)                            \
				fail_msg("waited in vain for: %s", #condition);         \
			if (!g_main_context_iteration(NULL, FALSE))                     \
				g_usleep(500);                                          \
		}                                                                       \
	} while (0)

static inline void run_rest(void)
{
	while (g_main_context_iteration(NULL, FALSE))
		;
}

static inline void expect_said(struct world *world, const char *text)
{
	run_until(world->said->len >= strlen(text));
	run_rest();
	assert_string_equal(world->said->str, text);
	g_string_truncate(world->said, 0);
}

static inline void world_begin_with(struct world *world, const struct srv_virt_times *times)
{
	const struct srv_virt_handler handler = WORLD_HANDLER;

	*world = (struct world){ .said = g_string_new(NULL) };
	world->virt = srv_virt_new_with("test:///default", times, &handler, world);
}

static inline void world_begin(struct world *world)
{
	const struct srv_virt_times times = FAKE_TIMES;

	world_begin_with(world, &times);
}

static inline void world_end(struct world *world)
{
	srv_virt_free(world->virt);
	if (world->conn)
		virConnectClose(world->conn);
	/* libvirt frees its timers on the main context. */
	run_rest();
	g_string_free(world->said, TRUE);
	fake_reset();
}

/* Connected, with a connection of our own beside it. */
static inline void world_begin_connected(struct world *world)
{
	world_begin(world);
	expect_said(world, "connected\n");
	world->conn = REAL(virConnectOpen)("test:///default");
	assert_non_null(world->conn);
}

/* A domain of the test driver. nics: its metadata element's content, or NULL for none. */
#define FAKE_XMLNS "xmlns:sriov='" SRV_NICS_XMLNS "'"
static inline char *fake_domain_xml(const char *name, const char *uuid, const char *nics)
{
	g_autofree char *metadata = nics ? g_strdup_printf("<metadata><sriov:nics " FAKE_XMLNS
							   ">%s</sriov:nics></metadata>",
							   nics)
					 : g_strdup("");

	return g_strdup_printf("<domain type='test'><name>%s</name><uuid>%s</uuid>%s"
			       "<memory>8192</memory><os><type>hvm</type></os></domain>",
			       name, uuid, metadata);
}

static inline virDomainPtr fake_define(struct world *world, const char *name, const char *uuid,
				       const char *nics)
{
	g_autofree char *xml = fake_domain_xml(name, uuid, nics);
	virDomainPtr domain = virDomainDefineXML(world->conn, xml);

	assert_non_null(domain);
	return domain;
}

static inline void expect_failure(int r, const struct sriov_error *err, enum sriov_error_code code,
				  const char *text)
{
	g_autofree char *said = err ? sriov_error_text(err) : NULL;

	assert_true(r < 0);
	assert_non_null(err);
	assert_int_equal(r, -err->err);
	assert_string_equal(said, text);
	assert_int_equal(err->code, code);
}
