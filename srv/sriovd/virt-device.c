// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Devices of a running domain. libvirt's events decide when a device is gone, and its XML has the
 * last word: an event can be lost with the connection, or come a moment before the XML follows.
 */
#include <errno.h>
#include <string.h>

#include "srv/sriovd/virt-internal.h"

static gint64 after_ms(unsigned ms)
{
	return g_get_monotonic_time() + (gint64)ms * 1000;
}

/* Attaching */

/*
 * Is it worth trying again, after an attach that failed with this code of libvirt? A domain that
 * starts is "paused, starting up" from before its first hook on (qemuProcessInit()), and its start
 * holds the state change lock for longer than that, until the hook "started" is through.
 *
 * 1, 0, or an error: that it is gone, or the connection.
 */
static int may_succeed_later(virDomainPtr domain, int code, struct sriov_error **err)
{
	g_autofree char *subject = g_strdup_printf("domain %s", virDomainGetName(domain));
	int state, reason;

	if (code != VIR_ERR_OPERATION_TIMEOUT && code != VIR_ERR_OPERATION_INVALID)
		return 0;
	if (virDomainGetState(domain, &state, &reason, 0) < 0)
		return srv_virt_domain_error(err, domain, "its state cannot be read");
	/* "domain is not running" is for good, unless it is just coming up. */
	if (code == VIR_ERR_OPERATION_INVALID)
		return state == VIR_DOMAIN_PAUSED && reason == VIR_DOMAIN_PAUSED_STARTING_UP;
	if (state == VIR_DOMAIN_SHUTOFF || state == VIR_DOMAIN_CRASHED)
		return sriov_error_set(err, SRIOV_ERROR_DEVICE, ESRCH, subject,
				       "the device cannot be attached: the domain's start failed, "
				       "or it was shut off meanwhile");
	return 1;
}

/* 0, or an error; *ret_again: it is worth trying again. */
static int attach_once(virDomainPtr domain, const char *xml, bool *ret_again,
		       struct sriov_error **err)
{
	struct sriov_error *error = NULL;
	int code, r;

	*ret_again = false;
	if (virDomainAttachDeviceFlags(domain, xml, VIR_DOMAIN_AFFECT_LIVE) == 0)
		return 0;
	code = virGetLastErrorCode();
	srv_virt_domain_error(&error, domain, "the device cannot be attached");
	r = may_succeed_later(domain, code, err);
	if (r < 0) {
		sriov_error_free(error);
		return r;
	}
	*ret_again = r;
	return sriov_error_propagate(err, error);
}

/* False when the connection it is to go on with is lost, or its owner has gone. */
static bool pause_on(struct srv_virt *virt, virConnectPtr conn, unsigned ms)
{
	gint64 until = after_ms(ms);
	bool same;

	g_mutex_lock(&virt->lock);
	while ((same = !virt->closing && virt->conn == conn) &&
	       g_cond_wait_until(&virt->changed, &virt->lock, until))
		;
	g_mutex_unlock(&virt->lock);
	return same;
}

int srv_virt_attach(struct srv_virt *virt, const char *uuid, const char *device_xml,
		    struct sriov_error **err)
{
	srv_virt_autoref held = srv_virt_ref(virt);
	gint64 deadline = after_ms(held->times.attach_ms);
	srv_virt_autodom domain = NULL;
	int r = srv_virt_lookup(held, uuid, false, &domain, err);

	while (r == 0) {
		struct sriov_error *error = NULL;
		bool again;

		r = attach_once(domain, device_xml, &again, &error);
		if (r == 0)
			return 0;
		if (!again)
			return sriov_error_propagate(err, error);
		if (g_get_monotonic_time() >= deadline) {
			sriov_error_wrap(&error, "tried for %u s", held->times.attach_ms / 1000);
			return sriov_error_propagate(err, error);
		}
		sriov_error_free(error);
		if (!pause_on(held, virDomainGetConnect(domain), held->times.pause_ms))
			return srv_virt_unavailable(held, err);
		r = 0;
	}
	return r;
}

/* Detaching */

/* What QEMU says while an earlier request waits for the guest (qmp_device_del()). */
#define PENDING "already in the process of unplug"

static void add_waiter(struct srv_virt *virt, struct srv_virt_waiter *waiter)
{
	g_mutex_lock(&virt->lock);
	g_ptr_array_add(virt->waiters, waiter);
	g_mutex_unlock(&virt->lock);
}

static void remove_waiter(struct srv_virt *virt, struct srv_virt_waiter *waiter)
{
	g_mutex_lock(&virt->lock);
	g_ptr_array_remove_fast(virt->waiters, waiter);
	g_mutex_unlock(&virt->lock);
}

/* Takes the news, or waits for them until then. False when its owner has gone. */
static bool await_news(struct srv_virt *virt, struct srv_virt_waiter *waiter, gint64 until,
		       enum srv_virt_news *ret)
{
	bool closing;

	g_mutex_lock(&virt->lock);
	while (!virt->closing && waiter->news == SRV_VIRT_NEWS_NONE &&
	       g_cond_wait_until(&virt->changed, &virt->lock, until))
		;
	*ret = waiter->news;
	waiter->news = SRV_VIRT_NEWS_NONE;
	closing = virt->closing;
	g_mutex_unlock(&virt->lock);
	return !closing;
}

static bool has_alias(const struct srv_domain *domain, const char *alias)
{
	for (guint i = 0; i < domain->aliases->len; i++) {
		if (g_str_equal(domain->aliases->pdata[i], alias))
			return true;
	}
	return false;
}

/* Has the running domain the device? One that stopped has none. */
static int look(virDomainPtr domain, const char *alias, bool *ret_there, struct sriov_error **err)
{
	srv_virt_autotext xml = virDomainGetXMLDesc(domain, 0);
	sriov_autoerror bad = NULL;
	struct srv_domain *parsed;

	*ret_there = false;
	if (!xml && srv_virt_no_domain())
		return 0;
	if (!xml)
		return srv_virt_domain_error(err, domain, "its devices cannot be read");
	if (!srv_virt_xml_is_live(xml))
		return 0;
	parsed = srv_virt_parse(xml, &bad);
	if (!parsed)
		return sriov_error_propagate(err, g_steal_pointer(&bad));
	*ret_there = has_alias(parsed, alias);
	srv_domain_free(parsed);
	return 0;
}

static int refused(virDomainPtr domain, const char *alias, struct sriov_error **err)
{
	g_autofree char *subject = g_strdup_printf("domain %s", virDomainGetName(domain));

	return sriov_error_set(err, SRIOV_ERROR_DEVICE, EBUSY, subject,
			       "the guest refused to let the device %s go, and has it still",
			       alias);
}

static int ignored(virDomainPtr domain, const char *alias, unsigned seconds,
		   struct sriov_error **err)
{
	g_autofree char *subject = g_strdup_printf("domain %s", virDomainGetName(domain));

	return sriov_error_set(err, SRIOV_ERROR_TIMEOUT, ETIMEDOUT, subject,
			       "the guest did not let the device %s go within %u s, and has it "
			       "still; try again when it is up and its system can unplug devices",
			       alias, seconds);
}

/* Until it is gone: 0. */
static int await_removal(struct srv_virt *virt, virDomainPtr domain, struct srv_virt_waiter *waiter,
			 unsigned seconds, struct sriov_error **err)
{
	gint64 deadline = g_get_monotonic_time() + (gint64)seconds * G_USEC_PER_SEC;
	gint64 next = deadline;

	for (;;) {
		enum srv_virt_news news;
		bool there;
		int r;

		if (!await_news(virt, waiter, next, &news))
			return srv_virt_unavailable(virt, err);
		if (news == SRV_VIRT_NEWS_REFUSED)
			return refused(domain, waiter->alias, err);
		r = look(domain, waiter->alias, &there, err);
		if (r < 0 || !there)
			return r;
		if (g_get_monotonic_time() >= deadline)
			return ignored(domain, waiter->alias, seconds, err);
		/* Said to be gone, and libvirt's XML does not know yet. */
		next = MIN(deadline, after_ms(virt->times.pause_ms));
	}
}

/* 0 when the guest was asked, or the error. */
static int request_removal(virDomainPtr domain, const char *alias, struct sriov_error **err)
{
	g_autofree char *what = g_strdup_printf("the device %s cannot be detached", alias);
	struct sriov_error *error = NULL;
	bool there;

	if (virDomainDetachDeviceAlias(domain, alias, VIR_DOMAIN_AFFECT_LIVE) == 0)
		return 0;
	srv_virt_domain_error(&error, domain, what);
	if (strstr(error->message, PENDING)) {
		sriov_error_free(error);
		return 0;
	}
	/* That there is no such device, or that the domain does not run, has no code of its own. */
	if (error->code == SRIOV_ERROR_DEVICE && look(domain, alias, &there, NULL) == 0 && !there) {
		error->code = SRIOV_ERROR_NOT_FOUND;
		error->err = ENODEV;
	}
	return sriov_error_propagate(err, error);
}

int srv_virt_detach(struct srv_virt *virt, const char *uuid, const char *alias,
		    unsigned timeout_seconds, struct sriov_error **err)
{
	srv_virt_autoref held = srv_virt_ref(virt);
	srv_virt_autodom domain = NULL;
	char canonical[VIR_UUID_STRING_BUFLEN]; /* as events have it */
	struct srv_virt_waiter waiter = { canonical, alias, SRV_VIRT_NEWS_NONE };
	int r = srv_virt_lookup(held, uuid, false, &domain, err);

	if (r < 0)
		return r;
	virDomainGetUUIDString(domain, canonical);
	/* Before the request: the guest can be quicker than libvirt's answer. */
	add_waiter(held, &waiter);
	r = request_removal(domain, alias, err);
	if (r == 0)
		r = await_removal(held, domain, &waiter, timeout_seconds, err);
	remove_waiter(held, &waiter);
	return r;
}
