// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The connection to libvirt and the thread that keeps it up: it opens, gives the connection to the
 * others, sleeps until somebody says that it was lost, takes it away from them, and begins again.
 * It alone calls what can hang for ever (virConnectOpen() with a libvirtd that takes connections
 * and does not answer), so nobody ever waits for this thread without a deadline.
 */
#include <errno.h>
#include <unistd.h>

#include "base/sysfs.h"
#include "srv/sriovd/virt-internal.h"

/* A peer that is silent for (count + 1) * interval is dead: 30 s (virKeepAliveTimerInternal()). */
#define KEEPALIVE_INTERVAL 5 /* seconds */
#define KEEPALIVE_COUNT	   5

const struct srv_virt_times srv_virt_times = {
	.retry_min_ms = 1000,
	.retry_max_ms = 30 * 1000,
	.attach_ms = 300 * 1000,
	.pause_ms = 1000,
	.free_ms = 2000,
};

static gint64 after_ms(unsigned ms)
{
	return g_get_monotonic_time() + (gint64)ms * 1000;
}

/* The structure */

struct srv_virt *srv_virt_ref(struct srv_virt *virt)
{
	g_atomic_ref_count_inc(&virt->refs);
	return virt;
}

void srv_virt_unref(void *data)
{
	struct srv_virt *virt = data;

	if (!g_atomic_ref_count_dec(&virt->refs))
		return;
	if (virt->rootfd >= 0)
		close(virt->rootfd);
	g_ptr_array_unref(virt->waiters);
	g_mutex_clear(&virt->lock);
	g_cond_clear(&virt->changed);
	g_free(virt->uri);
	g_free(virt->why);
	g_free(virt);
}

bool srv_virt_is_closing(struct srv_virt *virt)
{
	bool closing;

	g_mutex_lock(&virt->lock);
	closing = virt->closing;
	g_mutex_unlock(&virt->lock);
	return closing;
}

bool srv_virt_connected(struct srv_virt *virt)
{
	bool connected;

	g_mutex_lock(&virt->lock);
	connected = virt->conn != NULL;
	g_mutex_unlock(&virt->lock);
	return connected;
}

bool srv_virt_has_failed(struct srv_virt *virt)
{
	bool failed;

	g_mutex_lock(&virt->lock);
	failed = !virt->conn && virt->why;
	g_mutex_unlock(&virt->lock);
	return failed;
}

char *srv_virt_reason(struct srv_virt *virt)
{
	char *why;

	g_mutex_lock(&virt->lock);
	why = virt->conn ? NULL : g_strdup(virt->why);
	g_mutex_unlock(&virt->lock);
	return why;
}

int srv_virt_unavailable(struct srv_virt *virt, struct sriov_error **err)
{
	g_autofree char *why = srv_virt_reason(virt);

	return sriov_error_set(err, SRIOV_ERROR_UNAVAILABLE, ENOTCONN, virt->uri,
			       "libvirt is not connected: %s; sriovd connects by itself as soon as "
			       "it can",
			       why ? why : "the first attempt has not ended yet");
}

virConnectPtr srv_virt_acquire(struct srv_virt *virt, struct sriov_error **err)
{
	virConnectPtr conn;

	g_mutex_lock(&virt->lock);
	conn = virt->closing ? NULL : virt->conn;
	if (conn)
		virConnectRef(conn);
	g_mutex_unlock(&virt->lock);
	if (!conn)
		srv_virt_unavailable(virt, err);
	return conn;
}

/* Telling the owner, on the main thread */

struct news {
	struct srv_virt *virt;
	bool connected;
};

static gboolean tell_owner(gpointer data)
{
	const struct news *news = data;

	if (!srv_virt_is_closing(news->virt))
		news->virt->handler.connection(news->connected, news->virt->data);
	return G_SOURCE_REMOVE;
}

static void news_free(gpointer data)
{
	struct news *news = data;

	srv_virt_unref(news->virt);
	g_free(news);
}

static void post(struct srv_virt *virt, bool connected)
{
	struct news *news = g_new(struct news, 1);

	*news = (struct news){ srv_virt_ref(virt), connected };
	g_idle_add_full(G_PRIORITY_DEFAULT, tell_owner, news, news_free);
}

/* The connection's thread */

static void set_why(struct srv_virt *virt, const char *why)
{
	g_mutex_lock(&virt->lock);
	g_free(virt->why);
	virt->why = g_strdup(why);
	g_mutex_unlock(&virt->lock);
}

/*
 * Called by libvirt on whatever thread noticed, with its own locks held. It can come late, for a
 * connection that was given up already: deregistering fails when libvirtd cannot be asked.
 */
static void on_close(virConnectPtr conn, int reason, void *data)
{
	static const char *const reasons[] = {
		[VIR_CONNECT_CLOSE_REASON_ERROR] = "reading from or writing to libvirt failed",
		[VIR_CONNECT_CLOSE_REASON_EOF] = "libvirt ended the connection",
		[VIR_CONNECT_CLOSE_REASON_KEEPALIVE] = "libvirt did not answer for 30 s",
		[VIR_CONNECT_CLOSE_REASON_CLIENT] = "it was closed",
	};
	struct srv_virt *virt = data;

	g_mutex_lock(&virt->lock);
	if (conn == virt->watched && !virt->lost) {
		virt->lost = true;
		g_free(virt->why);
		virt->why = g_strdup(reason >= 0 && reason < (int)G_N_ELEMENTS(reasons)
					     ? reasons[reason]
					     : "the connection was lost");
		g_cond_broadcast(&virt->changed);
	}
	g_mutex_unlock(&virt->lock);
}

static void watch(struct srv_virt *virt, virConnectPtr conn)
{
	g_mutex_lock(&virt->lock);
	virt->watched = conn;
	virt->lost = false;
	g_mutex_unlock(&virt->lock);
}

/* What makes an open connection ours. 0, or -1 with libvirt's last error set. */
static int equip(struct srv_virt *virt, virConnectPtr conn)
{
	watch(virt, conn);
	if (virConnectRegisterCloseCallback(conn, on_close, srv_virt_ref(virt), srv_virt_unref) <
	    0) {
		srv_virt_unref(virt);
		return -1;
	}
	/*
	 * Not having it is no reason to do without libvirt: a driver in this process has none, and
	 * a libvirtd can have it switched off.
	 */
	virConnectSetKeepAlive(conn, KEEPALIVE_INTERVAL, KEEPALIVE_COUNT);
	return srv_virt_events_register(virt, conn);
}

static void dismantle(struct srv_virt *virt, virConnectPtr conn)
{
	srv_virt_events_deregister(virt, conn);
	virConnectUnregisterCloseCallback(conn, on_close);
	watch(virt, NULL);
	virConnectClose(conn);
}

static virConnectPtr open_connection(struct srv_virt *virt)
{
	virConnectPtr conn = virConnectOpen(virt->uri);
	sriov_autoerror err = NULL;

	if (conn && equip(virt, conn) == 0)
		return conn;
	srv_virt_error(&err, NULL, NULL, conn ? "its events cannot be had" : "it cannot be opened");
	set_why(virt, err->message);
	if (conn)
		dismantle(virt, conn);
	return NULL;
}

/* Gives the connection to everybody; false when it died before. */
static bool publish(struct srv_virt *virt, virConnectPtr conn)
{
	/* It may have died before the close callback was there. */
	bool alive = virConnectIsAlive(conn) == 1;
	bool published;

	g_mutex_lock(&virt->lock);
	published = alive && !virt->lost && !virt->closing;
	if (published) {
		virt->conn = conn;
		g_clear_pointer(&virt->why, g_free);
	} else if (!virt->lost) {
		g_free(virt->why);
		virt->why = g_strdup("the connection was lost as soon as it was open");
	}
	g_mutex_unlock(&virt->lock);
	if (published)
		post(virt, true);
	return published;
}

static void withdraw(struct srv_virt *virt)
{
	g_mutex_lock(&virt->lock);
	virt->conn = NULL;
	g_cond_broadcast(&virt->changed);
	g_mutex_unlock(&virt->lock);
	post(virt, false);
	/* Whether their device is gone nobody will be told any more. */
	srv_virt_tell(virt, NULL, NULL, SRV_VIRT_NEWS_GONE);
}

static void wait_until_lost(struct srv_virt *virt)
{
	g_mutex_lock(&virt->lock);
	while (!virt->lost && !virt->closing)
		g_cond_wait(&virt->changed, &virt->lock);
	g_mutex_unlock(&virt->lock);
}

/* Returns false when its owner has gone. */
static bool pause_for(struct srv_virt *virt, unsigned ms)
{
	gint64 until = after_ms(ms);
	bool closing;

	g_mutex_lock(&virt->lock);
	while (!virt->closing && g_cond_wait_until(&virt->changed, &virt->lock, until))
		;
	closing = virt->closing;
	g_mutex_unlock(&virt->lock);
	return !closing;
}

/* How long it lived, in ms; 0 when none came about. */
static int64_t connect_once(struct srv_virt *virt)
{
	virConnectPtr conn = open_connection(virt);
	gint64 began = g_get_monotonic_time();

	if (!conn)
		return 0;
	if (publish(virt, conn)) {
		wait_until_lost(virt);
		withdraw(virt);
	}
	dismantle(virt, conn);
	return (g_get_monotonic_time() - began) / 1000;
}

/* A connection that lasts puts the pauses back to the shortest; one that is lost at once does not.
 */
unsigned srv_virt_pause(const struct srv_virt_times *times, unsigned last, int64_t lived_ms)
{
	if (last == 0 || lived_ms >= times->retry_max_ms)
		return times->retry_min_ms;
	return MIN(last * 2, times->retry_max_ms);
}

static gpointer keep_up(gpointer data)
{
	struct srv_virt *virt = data;
	unsigned pause = 0;

	do
		pause = srv_virt_pause(&virt->times, pause, connect_once(virt));
	while (pause_for(virt, pause));
	g_mutex_lock(&virt->lock);
	virt->ended = true;
	g_cond_broadcast(&virt->changed);
	g_mutex_unlock(&virt->lock);
	srv_virt_unref(virt);
	return NULL;
}

/* Its owner's */

/* Every error is returned to somebody who logs it; libvirt must not write it to stderr as well. */
static void on_error(void *data, virErrorPtr error)
{
}

static void prepare_libvirt(void)
{
	static gsize once;

	if (!g_once_init_enter(&once))
		return;
	virSetErrorFunc(NULL, on_error);
	virEventRegisterDefaultImpl();
	g_once_init_leave(&once, 1);
}

struct srv_virt *srv_virt_new_with(const char *uri, const struct srv_virt_times *times,
				   const struct srv_virt_handler *handler, void *data)
{
	struct srv_virt *virt = g_new0(struct srv_virt, 1);

	prepare_libvirt();
	g_atomic_ref_count_init(&virt->refs);
	virt->uri = g_strdup(uri);
	virt->times = *times;
	virt->handler = *handler;
	virt->data = data;
	virt->rootfd = sriov_sysroot_open("/");
	g_mutex_init(&virt->lock);
	g_cond_init(&virt->changed);
	virt->waiters = g_ptr_array_new();
	for (int i = 0; i < SRV_VIRT_EVENTS; i++)
		virt->callbacks[i] = -1;
	virt->negotiated = -1;
	g_thread_unref(g_thread_new("libvirt", keep_up, srv_virt_ref(virt)));
	return virt;
}

struct srv_virt *srv_virt_new(const char *uri, const struct srv_virt_handler *handler, void *data)
{
	return srv_virt_new_with(uri, &srv_virt_times, handler, data);
}

void srv_virt_free(struct srv_virt *virt)
{
	gint64 until;

	if (!virt)
		return;
	until = after_ms(virt->times.free_ms);
	g_mutex_lock(&virt->lock);
	virt->closing = true;
	g_cond_broadcast(&virt->changed);
	while (!virt->ended && g_cond_wait_until(&virt->changed, &virt->lock, until))
		;
	g_mutex_unlock(&virt->lock);
	srv_virt_unref(virt);
}
