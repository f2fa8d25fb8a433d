// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who waits for VFs: starts of guests, and claims by hand. One list, in the order in which they
 * came.
 */
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/failover.h"
#include "srv/sriovd/gate.h"
#include "srv/sriovd/nic.h"

/*
 * How long VFs that are being scrubbed or made are waited for, and the link of a PF that was just
 * brought up: a guest that is restarted finds its VF still in the scrub. Well below the hook's own
 * deadline.
 */
#define WAIT_SECONDS 12

struct waiter {
	struct srv_daemon *daemon;
	guint deadline_source;
	bool (*try)(bool last, void *data);
	void (*refuse)(const struct sriov_error *error, void *data);
	void *data;
};

static void waiter_free(struct waiter *waiter)
{
	if (waiter->deadline_source)
		g_source_remove(waiter->deadline_source);
	g_free(waiter);
}

static gboolean on_deadline(gpointer data)
{
	struct waiter *waiter = data;

	waiter->deadline_source = 0;
	g_ptr_array_remove(waiter->daemon->waiting, waiter);
	waiter->try(true, waiter->data);
	waiter_free(waiter);
	return G_SOURCE_REMOVE;
}

void srv_nic_wait(struct srv_daemon *daemon, bool (*try)(bool last, void *data),
		  void (*refuse)(const struct sriov_error *error, void *data), void *data)
{
	struct waiter *waiter;

	if (!srv_gate_holds_starts(daemon) && try(false, data))
		return;
	waiter = g_new(struct waiter, 1);
	*waiter = (struct waiter){ daemon, 0, try, refuse, data };
	waiter->deadline_source = g_timeout_add_seconds(WAIT_SECONDS, on_deadline, waiter);
	g_ptr_array_add(daemon->waiting, waiter);
}

void srv_nic_refuse_waiting(struct srv_daemon *daemon, const struct sriov_error *error)
{
	g_autoptr(GPtrArray) waiting = daemon->waiting;

	daemon->waiting = g_ptr_array_new();
	for (guint i = 0; i < waiting->len; i++) {
		struct waiter *waiter = waiting->pdata[i];

		waiter->refuse(error, waiter->data);
		waiter_free(waiter);
	}
}

void srv_nic_serve_waiting(struct srv_daemon *daemon)
{
	/* One that goes on waiting keeps its place. */
	for (guint i = 0; !srv_gate_holds_starts(daemon) && i < daemon->waiting->len;) {
		struct waiter *waiter = daemon->waiting->pdata[i];

		if (!waiter->try(false, waiter->data)) {
			i++;
			continue;
		}
		g_ptr_array_remove_index(daemon->waiting, i);
		waiter_free(waiter);
	}
	srv_failover_serve(daemon);
}
