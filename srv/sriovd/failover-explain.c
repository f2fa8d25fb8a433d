// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/failover.h"
#include "srv/sriovd/promote-policy.h"

G_GNUC_PRINTF(2, 3) static void say(GPtrArray *text, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	g_ptr_array_add(text, g_strdup_vprintf(fmt, ap));
	va_end(ap);
}

static unsigned seconds(int64_t usec)
{
	return (unsigned)(MAX(usec, 0) / G_USEC_PER_SEC + 1);
}

static void say_vf(struct srv_daemon *daemon, const struct srv_nic *nic, int64_t now,
		   GPtrArray *text)
{
	const struct srv_failover_settings *settings = &daemon->model->config->failover;
	const struct srv_team *team = &nic->team;

	if (team->in_use)
		say(text, "Its guest uses the VF; should it lose it, virtio on %s carries on.",
		    nic->row.uplink ?: "an unknown uplink");
	else if (team->plugged)
		say(text,
		    "Its guest does not use the VF, and has virtio on %s; if it does not begin to "
		    "within %u s, the VF goes to somebody else.",
		    nic->row.uplink ?: "an unknown uplink",
		    seconds(team->idle_since + settings->negotiate_seconds * G_USEC_PER_SEC - now));
	if (team->plugged && now < team->ask_again)
		say(text, "Its guest did not let go of the VF, and is asked again in %u s.",
		    seconds(team->ask_again - now));
}

/* Its place among those of its pool. */
static void say_place(struct srv_daemon *daemon, const struct srv_nic *nic, int64_t now,
		      GPtrArray *text)
{
	const struct srv_network *network = srv_config_network(daemon->model->config,
							       nic->row.network);
	const struct srv_pool *pool =
		network ? srv_config_pool(daemon->model->config, network->pool) : NULL;
	g_autoptr(GPtrArray) queue = NULL;
	guint place;

	if (!pool)
		return;
	queue = srv_promote_queue(daemon->model, pool, now);
	if (!g_ptr_array_find(queue, nic, &place))
		return;
	say(text,
	    "It waits for a VF of pool %s, priority %u: number %u of %u in the queue, in which the "
	    "higher priority and then the longer wait goes first.",
	    pool->name, nic->row.priority, place + 1, queue->len);
	if (place) {
		g_autofree char *before = srv_nic_subject(queue->pdata[place - 1]);

		say(text, "Before it comes %s.", before);
	}
}

static void say_victim(struct srv_daemon *daemon, const struct srv_nic *nic, int64_t now,
		       GPtrArray *text)
{
	const struct srv_nic *victim = srv_promote_victim(daemon->model, nic, now);
	g_autofree char *subject = victim ? srv_nic_subject(victim) : NULL;

	if (victim && !srv_promote_may_preempt(nic))
		say(text,
		    "It takes no VF from %s, of priority %u: its guest may have said that it can "
		    "join one while sriovd or libvirt was away, and may have not.",
		    subject, victim->row.priority);
	else if (victim)
		say(text, "While none is free, it takes that of %s, of priority %u.", subject,
		    victim->row.priority);
	else if (!daemon->model->config->failover.preempt)
		say(text, "It takes no VF from a nic of lower priority: \"preempt\" is not set in "
			  "the configuration.");
}

void srv_failover_explain(struct srv_daemon *daemon, const struct srv_nic *nic, GPtrArray *text)
{
	int64_t now = g_get_monotonic_time();

	switch (srv_promote_wait(nic, now)) {
	case SRV_WAIT_HAS_VF:
		say_vf(daemon, nic, now, text);
		return;
	case SRV_WAIT_NOT_RUNNING:
	case SRV_WAIT_BUSY:
		return;
	case SRV_WAIT_READY:
		say_place(daemon, nic, now, text);
		say_victim(daemon, nic, now, text);
		return;
	case SRV_WAIT_NOT_NEGOTIATED:
		say(text,
		    "Its guest has not said that it can join a VF to it, and gets none before "
		    "it has: that takes a driver with failover (Linux: virtio_net with "
		    "net_failover) and the VF's own driver.");
		say_place(daemon, nic, now, text);
		return;
	case SRV_WAIT_MISPLACED:
		say(text,
		    "It gets no VF, since %s. In its domain's configuration that is put right by "
		    "sriovd, and counts from the guest's next start on.",
		    nic->team.misplaced);
		return;
	case SRV_WAIT_RESTING:
		say(text,
		    "It gets no VF for another %u s, because it lost one or could not have "
		    "one a short while ago.",
		    seconds(nic->team.not_before - now));
		say_place(daemon, nic, now, text);
		return;
	}
	g_assert_not_reached();
}
