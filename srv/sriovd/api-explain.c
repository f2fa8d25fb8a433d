// SPDX-License-Identifier: GPL-2.0-or-later
/* Why a nic is backed by what it is, and what would have to happen for it to get a VF. */
#include "srv/sriovd/api.h"

#include "srv/sriovd/api-json.h"
#include "srv/sriovd/decide.h"
#include "srv/sriovd/failover.h"

struct explain {
	struct srv_daemon *daemon;
	struct srv_call *call;
	char *owner, *id;
	bool known;	     /* libvirt has answered */
	bool running;	     /* its guest runs */
	bool read;	     /* the kernel has been read, or does not answer */
	const char *backend; /* of a virtio nic; static, NULL */
	GPtrArray *stale;    /* of char: what is said of PFs that do not answer */
	struct ask *ask;     /* under way; NULL */
	guint deadline_source;
};

/* Asking libvirt whether a domain runs; it may hang, and be left to that. */
struct ask {
	struct srv_virt *virt;
	char *uuid;
	bool known, running;
	struct explain *explain; /* NULL: it has been answered without */
};

/* More of them for one domain do not make libvirt answer. */
#define ASKS_MAX 4

static void explain_free(struct explain *explain)
{
	g_free(explain->owner);
	g_free(explain->id);
	g_ptr_array_unref(explain->stale);
	g_free(explain);
}

G_GNUC_PRINTF(2, 3) static void say(json_t *text, const char *fmt, ...)
{
	g_autofree char *sentence = NULL;
	va_list ap;

	va_start(ap, fmt);
	sentence = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	json_array_append_new(text, json_string(sentence));
}

/* What it has */

static void say_idle(json_t *text, const struct explain *explain, const struct srv_nic *nic)
{
	if (nic->row.owner.kind != SRV_OWNER_LIBVIRT)
		say(text, "It has nothing, and nothing is under way.");
	else if (explain->running)
		say(text,
		    "Its guest runs without it: it was added for the next start. Attach it now "
		    "with: "
		    "sriovctl nic add %s --id %s --network %s --now",
		    nic->row.owner.name, nic->row.id, nic->row.network);
	else if (explain->known)
		say(text,
		    "Its guest is shut off, so it has nothing; a start decides what it gets.");
	else
		say(text, "It has nothing; whether its guest runs cannot be told, libvirt does not "
			  "answer.");
}

static void say_fault(json_t *text, const struct srv_nic *nic)
{
	const char *fault = nic->vf->health.fault;

	if (!fault)
		return;
	if (nic->row.mode == SRV_MODE_FAILOVER)
		say(text, "Of this VF: %s. So it is to give it up and go on with virtio.", fault);
	else
		say(text,
		    "Of this VF: %s. It keeps it all the same, as it has nothing else; it gets "
		    "another one when its owner starts anew%s.",
		    fault,
		    nic->row.owner.kind == SRV_OWNER_MANUAL ? ", that is when it is released and "
							      "claimed again"
							    : "");
}

static void say_vf(json_t *text, const struct srv_nic *nic)
{
	g_autofree char *name = srv_vf_name(nic->vf);
	char address[SRIOV_BDF_STRLEN];

	if (nic->vf->facts)
		say(text, "It has VF %s (%s).", name,
		    sriov_bdf_format(nic->vf->facts->bdf, address));
	else
		say(text,
		    "Its VF is %s, which the kernel does not have now: somebody destroyed it, or "
		    "the "
		    "PF is gone.",
		    name);
	say_fault(text, nic);
}

static void say_state(json_t *text, const struct explain *explain, const struct srv_nic *nic)
{
	switch (nic->row.state) {
	case SRV_NIC_IDLE:
		say_idle(text, explain, nic);
		return;
	case SRV_NIC_RESERVED:
		say(text, "Its guest is starting.");
		break;
	case SRV_NIC_ATTACHING:
		say(text, "It is being attached.");
		break;
	case SRV_NIC_DETACHING:
		say(text, "It is being detached.");
		break;
	case SRV_NIC_FAILED:
		say(text, "It could not be attached: %s.",
		    nic->row.reason ?: "for no known reason");
		break;
	case SRV_NIC_ATTACHED:
		break;
	}
	if (nic->vf)
		say_vf(text, nic);
	else if (nic->row.backing == SRV_BACKING_VIRTIO)
		say(text, "It has virtio on %s%s%s.", nic->row.uplink ?: "an unknown uplink",
		    nic->row.reason ? ", because " : "", nic->row.reason ?: "");
}

/* What would have to happen */

static void say_candidate(json_t *text, const struct srv_candidate *candidate)
{
	const struct srv_pf *pf = candidate->pf;

	switch (candidate->verdict) {
	case SRV_VERDICT_CHOSEN:
	case SRV_VERDICT_OUTRANKED:
		return;
	case SRV_VERDICT_LINK_DOWN:
		say(text,
		    "%s has a free VF, and its link is down: look at its cable, switch and "
		    "'ip link show %s'.",
		    pf->name, pf->name);
		return;
	case SRV_VERDICT_DRAINED:
		say(text, "%s is drained: it gives no VF until 'sriovctl undrain %s'.", pf->name,
		    pf->name);
		return;
	case SRV_VERDICT_NOT_READY:
		say(text, "%s is %s%s%s.", pf->name, srv_pf_state_name(pf->state),
		    pf->reason ? ": " : "", pf->reason ?: "");
		return;
	case SRV_VERDICT_NO_FREE_VF:
		break;
	}
	if (candidate->counts[SRV_VF_OWNED])
		say(text,
		    "%s: %u of its VFs are owned; one comes free when its owner ends "
		    "(sriovctl vf list %s shows them).",
		    pf->name, candidate->counts[SRV_VF_OWNED], pf->name);
	if (candidate->counts[SRV_VF_STATE_DIRTY])
		say(text, "%s: %u of its VFs wait for their scrub.", pf->name,
		    candidate->counts[SRV_VF_STATE_DIRTY]);
	if (candidate->counts[SRV_VF_STATE_QUARANTINED])
		say(text,
		    "%s: %u of its VFs are quarantined (sriovctl vf list %s says why); one that "
		    "was looked after comes back with 'sriovctl vf scrub VF'.",
		    pf->name, candidate->counts[SRV_VF_STATE_QUARANTINED], pf->name);
	if (candidate->counts[SRV_VF_UNUSABLE])
		say(text, "%s: %u of its VFs are unusable: %s.", pf->name,
		    candidate->counts[SRV_VF_UNUSABLE],
		    candidate->unusable ?: "for no known reason");
}

static void say_prospect(json_t *text, struct srv_daemon *daemon, const struct srv_nic *nic)
{
	const struct srv_network *network = srv_config_network(daemon->model->config,
							       nic->row.network);
	struct srv_decision *decision;

	if (!network) {
		say(text, "Its network \"%s\" is not in the configuration any more.",
		    nic->row.network);
		return;
	}
	decision = srv_decide(daemon->model, network,
			      srv_daemon_numa_node(daemon, nic->row.owner.key));
	if (decision->vf) {
		g_autofree char *name = srv_vf_name(decision->vf);

		say(text, "Now a VF would be to be had: %s.", name);
	} else if (!decision->candidates->len) {
		say(text, "None of the host's PFs is in its network's pool \"%s\".", network->pool);
	}
	for (guint i = 0; !decision->vf && i < decision->candidates->len; i++)
		say_candidate(text, &g_array_index(decision->candidates, struct srv_candidate, i));
	srv_decision_free(decision);
}

static void say_failover(json_t *text, struct srv_daemon *daemon, const struct srv_nic *nic)
{
	g_autoptr(GPtrArray) sentences = g_ptr_array_new_with_free_func(g_free);

	srv_failover_explain(daemon, nic, sentences);
	for (guint i = 0; i < sentences->len; i++)
		say(text, "%s", (const char *)sentences->pdata[i]);
}

/* The answer */

static json_t *explanation(const struct explain *explain, const struct srv_nic *nic,
			   const char *backend)
{
	json_t *decision = nic->row.decision ? json_loads(nic->row.decision, 0, NULL) : NULL;
	json_t *text = json_array();

	say_state(text, explain, nic);
	if (nic->row.mode == SRV_MODE_FAILOVER)
		say_failover(text, explain->daemon, nic);
	if (!nic->vf)
		say_prospect(text, explain->daemon, nic);
	for (guint i = 0; i < explain->stale->len; i++)
		say(text, "But %s.", (const char *)explain->stale->pdata[i]);
	return json_pack("{s:o, s:o, s:o*}", "nic", srv_nic_to_json(nic, backend), "text", text,
			 "decision", decision);
}

/* When both the kernel and libvirt have answered, or been waited for. */
static void answer(struct explain *explain)
{
	sriov_autoerror err = NULL;
	const struct srv_nic *nic;

	if (!explain->read || explain->ask)
		return;
	nic = srv_api_find_nic(explain->daemon, explain->owner, explain->id, &err);
	if (nic)
		srv_call_reply(explain->call, explanation(explain, nic, explain->backend));
	else
		srv_call_error(explain->call, err);
	explain_free(explain);
}

static void explain_read(const struct srv_view *view, void *data)
{
	struct explain *explain = data;
	const struct srv_nic *nic = srv_api_find_nic(explain->daemon, explain->owner, explain->id,
						     NULL);

	explain->read = true;
	for (guint i = 0; i < view->pfs->len; i++) {
		const struct srv_pf_view *pf = view->pfs->pdata[i];

		if (pf->stale)
			g_ptr_array_add(explain->stale, g_strdup(pf->problem));
	}
	if (nic)
		explain->backend = g_hash_table_lookup(view->backends, nic->row.owner.name);
	answer(explain);
}

/* PFs are read too: what would have to happen depends on them. */
static void read_kernel(struct explain *explain)
{
	const struct srv_view_want want = { .pfs = true, .backends = explain->owner };

	srv_view_read(explain->daemon, &want, explain_read, explain);
}

static void ask_run(void *data)
{
	struct ask *ask = data;
	struct srv_virt_domain *domain;

	if (srv_virt_get(ask->virt, ask->uuid, &domain, NULL) < 0)
		return;
	ask->known = true;
	ask->running = domain->active;
	srv_virt_domain_free(domain);
}

static void ask_done(void *data)
{
	struct ask *ask = data;
	struct explain *explain = ask->explain;

	if (explain) {
		g_source_remove(explain->deadline_source);
		explain->ask = NULL;
		explain->known = ask->known;
		explain->running = ask->running;
		answer(explain);
	}
	g_free(ask->uuid);
	g_free(ask);
}

static gboolean on_deadline(gpointer data)
{
	struct explain *explain = data;

	explain->ask->explain = NULL;
	explain->ask = NULL;
	answer(explain);
	return G_SOURCE_REMOVE;
}

/* Nobody waits longer for libvirt than for the kernel. */
static void ask_libvirt(struct explain *explain, const char *uuid)
{
	struct srv_daemon *daemon = explain->daemon;
	struct srv_queue *queue = srv_daemon_domain_queue(daemon, uuid);
	struct ask *ask;

	if (srv_queue_length(queue) >= ASKS_MAX)
		return;
	ask = g_new0(struct ask, 1);
	ask->virt = daemon->virt;
	ask->uuid = g_strdup(uuid);
	ask->explain = explain;
	explain->ask = ask;
	explain->deadline_source = g_timeout_add(daemon->view_patience_ms, on_deadline, explain);
	srv_queue_push(queue, ask_run, ask_done, ask);
}

void srv_api_explain(struct srv_call *call, json_t *parameters, void *data)
{
	struct srv_daemon *daemon = data;
	const char *owner = srv_api_string(parameters, "owner");
	const char *id = srv_api_string(parameters, "id");
	sriov_autoerror err = NULL;
	const struct srv_nic *nic = srv_api_find_nic(daemon, owner, id, &err);
	struct explain *explain;

	if (!nic) {
		srv_call_error(call, err);
		return;
	}
	explain = g_new0(struct explain, 1);
	explain->daemon = daemon;
	explain->call = call;
	explain->owner = g_strdup(owner);
	explain->id = g_strdup(id);
	explain->stale = g_ptr_array_new_with_free_func(g_free);
	if (nic->row.owner.kind == SRV_OWNER_LIBVIRT && nic->row.state == SRV_NIC_IDLE &&
	    daemon->virt && srv_virt_connected(daemon->virt))
		ask_libvirt(explain, nic->row.owner.key);
	read_kernel(explain);
}
