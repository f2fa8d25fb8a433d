/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include <glib.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "base/error.h"
#include "srv/sriovd/virt.h"

/*
 * What the parts of the connection to libvirt share. Internal to virt*.c and their test.
 *
 * Three kinds of threads meet here. The connection's own thread opens, gives up and reopens it. The
 * main thread gets libvirt's events and timers and must never make a call that waits for an answer.
 * The queues' threads make the calls. The structure is counted, because libvirt's callbacks, calls
 * under way and the connection's thread (which can hang in a hung libvirtd) may outlive its owner.
 *
 * No function of libvirt is called with the lock held, but for taking a reference: its callbacks
 * come with locks of its own held and take ours.
 */
#define SRV_VIRT_EVENTS 4

/* How patient it is. Tests are less so. */
struct srv_virt_times {
	unsigned retry_min_ms; /* before the second attempt to connect; doubled from then on … */
	unsigned retry_max_ms; /* … up to this */
	unsigned attach_ms;    /* how long an attach tries again while the domain starts */
	unsigned pause_ms;     /* between two tries, and between two looks at a domain's XML */
	unsigned free_ms;      /* how long srv_virt_free() waits for the connection's thread */
};
extern const struct srv_virt_times srv_virt_times;

/*
 * The pause before the next attempt to connect, in ms: after a pause of last (0: there was none)
 * and a connection that lived for lived_ms (0: none came about).
 */
unsigned srv_virt_pause(const struct srv_virt_times *times, unsigned last, int64_t lived_ms);

struct srv_virt {
	gatomicrefcount refs;
	char *uri;
	struct srv_virt_times times;
	struct srv_virt_handler handler; /* called on the main thread only */
	void *data;
	int rootfd; /* of the file system, for /run and /proc; or a negative errno */

	GMutex lock; /* guards what follows */
	GCond changed;
	virConnectPtr conn; /* NULL: not connected */
	/* The one that is open or being opened, only to be compared with: whose end sets lost. */
	virConnectPtr watched;
	char *why;	    /* not connected: what the last attempt said; NULL: none has ended */
	bool lost;	    /* the connection that is open or being opened has died */
	bool closing;	    /* its owner has gone: no handler is called any more */
	bool ended;	    /* the connection's thread is through */
	GPtrArray *waiters; /* of struct srv_virt_waiter, their callers' */

	int callbacks[SRV_VIRT_EVENTS]; /* the connection's thread only; -1: none */
	int negotiated;			/* ditto */
};

/* As srv_virt_new(), with other times. */
struct srv_virt *srv_virt_new_with(const char *uri, const struct srv_virt_times *times,
				   const struct srv_virt_handler *handler, void *data);

struct srv_virt *srv_virt_ref(struct srv_virt *virt);
void srv_virt_unref(void *virt);
bool srv_virt_is_closing(struct srv_virt *virt);

/*
 * A reference to the connection as it is now, which the caller gives back with virConnectClose().
 * NULL with UNAVAILABLE when there is none. When it dies meanwhile, calls on it fail.
 */
virConnectPtr srv_virt_acquire(struct srv_virt *virt, struct sriov_error **err);

/* Sets UNAVAILABLE: it is not connected, with the reason. Takes the lock. Returns -ENOTCONN. */
int srv_virt_unavailable(struct srv_virt *virt, struct sriov_error **err);

/*
 * The domain of that UUID or, with by_name, also of that name. The caller frees it with
 * virDomainFree(); it holds its own reference to the connection. Errors as in virt.h.
 */
int srv_virt_lookup(struct srv_virt *virt, const char *domain, bool by_name, virDomainPtr *ret,
		    struct sriov_error **err);

/*
 * Events (virt-event.c). The connection's thread only; block.
 * Registering: 0, or -1 with libvirt's last error set.
 */
int srv_virt_events_register(struct srv_virt *virt, virConnectPtr conn);
void srv_virt_events_deregister(struct srv_virt *virt, virConnectPtr conn);

/* Somebody who waits until a device is gone (virt-device.c). */
enum srv_virt_news {
	SRV_VIRT_NEWS_NONE,
	SRV_VIRT_NEWS_GONE, /* something says that it is; look */
	SRV_VIRT_NEWS_REFUSED,
};

struct srv_virt_waiter {
	const char *uuid;
	const char *alias;
	enum srv_virt_news news; /* under the lock */
};

/*
 * Tells those who wait for a device. uuid NULL: of every domain; alias NULL: every device. Does not
 * block.
 */
void srv_virt_tell(struct srv_virt *virt, const char *uuid, const char *alias,
		   enum srv_virt_news news);

/*
 * Sets *err from libvirt's last error of this thread (virt-error.c) and returns the negative errno.
 * To be called before anything else of libvirt is, which would overwrite it.
 *
 * conn: whether it still lives decides between UNAVAILABLE and the rest; NULL: not asked
 * subject: "domain web1", or NULL
 * what: what failed, "cannot attach the device"
 */
int srv_virt_error(struct sriov_error **err, virConnectPtr conn, const char *subject,
		   const char *what);

/* The same for a domain, which is the subject. */
int srv_virt_domain_error(struct sriov_error **err, virDomainPtr domain, const char *what);

/* Whether libvirt says that the domain, not something in it, is not there. */
bool srv_virt_no_domain(void);

/* As srv_virt_backend(), with another root of the file system. */
const char *srv_virt_backend_at(int rootfd, const char *name);

/*
 * Which device an event of QEMU's is about: {"device-id": "ua-sriov-net0"}. NULL: none, or it is no
 * such JSON. The caller owns it.
 */
char *srv_virt_event_device(const char *details);

/* Is it the XML of a running domain? libvirt gives a root element with an id only to those. */
bool srv_virt_xml_is_live(const char *xml);

/* Parses a domain's XML. NULL: not even its devices can be read. *ret_bad is set when something is
 * wrong with it, be it only our metadata. */
struct srv_domain *srv_virt_parse(const char *xml, struct sriov_error **ret_bad);

/* Cleanups. libvirt's functions return int, and its strings are left to free(). */
static inline void srv_virt_text_cleanup(char **text)
{
	free(*text);
}
#define srv_virt_autotext __attribute__((cleanup(srv_virt_text_cleanup))) char *

/* A reference for the length of a call: its owner may go while it hangs in libvirt. */
static inline void srv_virt_cleanup(struct srv_virt **virt)
{
	srv_virt_unref(*virt);
}
#define srv_virt_autoref __attribute__((cleanup(srv_virt_cleanup))) struct srv_virt *

static inline void srv_virt_conn_cleanup(virConnectPtr *conn)
{
	if (*conn)
		virConnectClose(*conn);
}
#define srv_virt_autoconn __attribute__((cleanup(srv_virt_conn_cleanup))) virConnectPtr

static inline void srv_virt_dom_cleanup(virDomainPtr *domain)
{
	if (*domain)
		virDomainFree(*domain);
}
#define srv_virt_autodom __attribute__((cleanup(srv_virt_dom_cleanup))) virDomainPtr
