// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The end of a resize: the failover nics that had a VF of the PF get one again, by the ordinary
 * promotion, and the job tells of each. Whoever has none after a while is named with the reason.
 */
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/decide.h"
#include "srv/sriovd/drain-internal.h"
#include "srv/sriovd/failover-internal.h"
#include "srv/sriovd/promote-policy.h"

#define LOOK_MS 200
/* Beside the rest that each has after it lost its VF, and its PF's link after it came up. */
#define WAIT_SECONDS 30
/* Looks in a row that find nothing to wait for: between two steps of a scrub there is nothing
 * either */
#define QUIET_LOOKS 10

struct srv_return {
	struct srv_daemon *daemon;
	struct srv_job *job;
	char *text;	 /* how the resize ended */
	GPtrArray *nics; /* of struct srv_nic_key: that have none yet */
	guint total, back;
	guint quiet; /* looks in a row that found nothing to wait for */
	unsigned of;
	gint64 deadline;
	guint source;
};

static void forget(struct srv_return *back)
{
	if (back->source)
		g_source_remove(back->source);
	g_ptr_array_unref(back->nics);
	g_free(back->text);
	g_free(back);
}

void srv_drain_forget_returns(GHashTable *returns)
{
	GHashTableIter iter;
	gpointer back;

	g_hash_table_iter_init(&iter, returns);
	while (g_hash_table_iter_next(&iter, &back, NULL)) {
		g_hash_table_iter_remove(&iter);
		forget(back);
	}
}

/* Why there is no VF for one that could use it: "pool fast has no VF to give: …". */
static char *why_no_vf(struct srv_daemon *daemon, const struct srv_nic *nic)
{
	const struct srv_network *network = srv_config_network(daemon->model->config,
							       nic->row.network);
	struct srv_decision *decision;
	char *text;

	if (!network)
		return g_strdup("its network is not in the configuration any more");
	decision = srv_decide(daemon->model, network, -1);
	text = decision->vf ? g_strdup("the VFs' link has not been up for long enough")
			    : srv_decision_summary(decision, network);
	srv_decision_free(decision);
	return text;
}

static char *why_not(struct srv_daemon *daemon, const struct srv_nic *nic)
{
	g_autoptr(GPtrArray) says = NULL;

	/* Of a promotion that failed this tells more than that it rests. */
	if (nic->row.reason && g_str_has_prefix(nic->row.reason, SRV_NOT_PROMOTED))
		return g_strdup(nic->row.reason);
	switch (srv_promote_wait(nic, g_get_monotonic_time())) {
	case SRV_WAIT_READY:
		return why_no_vf(daemon, nic);
	case SRV_WAIT_HAS_VF:
	case SRV_WAIT_BUSY:
		return g_strdup("it is being given one");
	case SRV_WAIT_NOT_RUNNING:
		return g_strdup("it is not attached");
	case SRV_WAIT_NOT_NEGOTIATED:
	case SRV_WAIT_MISPLACED:
	case SRV_WAIT_RESTING:
		says = g_ptr_array_new_with_free_func(g_free);
		srv_failover_explain(daemon, nic, says);
		return g_strdup(says->pdata[0]);
	}
	g_assert_not_reached();
}

/* Can waiting help? Not one that could use a VF, when none is free nor on its way. */
static bool may_come(struct srv_daemon *daemon, const struct srv_nic *nic)
{
	const struct srv_network *network = srv_config_network(daemon->model->config,
							       nic->row.network);
	enum srv_wait wait = srv_promote_wait(nic, g_get_monotonic_time());
	struct srv_decision *decision;
	bool comes;

	if (!network || wait == SRV_WAIT_NOT_NEGOTIATED || wait == SRV_WAIT_MISPLACED)
		return false;
	if (wait != SRV_WAIT_READY)
		return true;
	decision = srv_decide(daemon->model, network, -1);
	comes = decision->vf || decision->scrub_pending;
	srv_decision_free(decision);
	return comes;
}

static void end(struct srv_return *back)
{
	GString *text = g_string_new(back->text);

	if (back->total)
		g_string_append_printf(text, "; %u of %u nics that had a VF of it have one again",
				       back->back, back->total);
	for (guint i = 0; i < back->nics->len; i++) {
		const struct srv_nic *nic = srv_nic_of_key(back->daemon->model,
							   back->nics->pdata[i]);
		g_autofree char *subject = srv_nic_subject(nic);
		g_autofree char *why = why_not(back->daemon, nic);

		g_string_append_printf(text, "; %s has none: %s", subject, why);
	}
	srv_job_done(back->job, "%s", text->str);
	g_string_free(text, TRUE);
	g_hash_table_remove(back->daemon->failover->returns, back);
	forget(back);
}

static bool runs(const struct srv_nic *nic)
{
	return nic && nic->row.state != SRV_NIC_IDLE && nic->row.state != SRV_NIC_FAILED;
}

/* Tells of those that have one again, and forgets them. False: nobody is left to wait for. */
static bool look_at_all(struct srv_return *back)
{
	bool waits = false;

	for (guint i = 0; i < back->nics->len;) {
		const struct srv_nic *nic = srv_nic_of_key(back->daemon->model,
							   back->nics->pdata[i]);
		g_autofree char *subject = nic ? srv_nic_subject(nic) : NULL;

		if (runs(nic) && !(nic->vf && nic->row.state == SRV_NIC_ATTACHED)) {
			waits |= may_come(back->daemon, nic);
			i++;
			continue;
		}
		if (runs(nic)) {
			g_autofree char *vf = srv_vf_name(nic->vf);

			back->back++;
			srv_job_step(back->job, back->of, "%s has VF %s", subject, vf);
		} else {
			back->total--;
		}
		g_ptr_array_remove_index(back->nics, i);
	}
	return waits;
}

static gboolean look(gpointer data)
{
	struct srv_return *back = data;

	back->quiet = look_at_all(back) ? 0 : back->quiet + 1;
	if (back->nics->len && back->quiet < QUIET_LOOKS && g_get_monotonic_time() < back->deadline)
		return G_SOURCE_CONTINUE;
	back->source = 0;
	end(back);
	return G_SOURCE_REMOVE;
}

void srv_drain_return(struct srv_drain *drain, const char *text)
{
	struct srv_daemon *daemon = drain->daemon;
	guint rest = daemon->model->config->failover.promote_seconds;
	struct srv_return *back = g_new0(struct srv_return, 1);

	back->daemon = daemon;
	back->of = srv_drain_steps(drain);
	back->job = g_steal_pointer(&drain->job);
	back->text = g_strdup(text);
	back->nics = g_ptr_array_ref(drain->promoted);
	back->total = back->nics->len;
	back->deadline = g_get_monotonic_time() + (WAIT_SECONDS + 2 * rest) * G_USEC_PER_SEC;
	g_hash_table_add(srv_failover_get(daemon)->returns, back);
	srv_job_step(back->job, back->of, "%s; %u nics get a VF again", text, back->total);
	back->source = g_timeout_add(LOOK_MS, look, back);
}
