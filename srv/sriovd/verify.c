// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ledger remembers which VFs are clean, and cannot know what was done to them while no daemon
 * ran: VFs that somebody destroyed and made again look like the old ones. Drivers give new VFs a
 * random MAC, and who uses one leaves a trace in its attributes more often than not.
 */
#include "srv/sriovd/verify.h"

#include "netlink/link.h"
#include "netlink/vf.h"
#include "srv/sriovd/daemon.h"

struct verify {
	struct srv_daemon *daemon;
	struct srv_pf *pf;
	uint32_t ifindex;
	struct snl_vf_attrs *attrs; /* [n] by index; NULL: the kernel does not tell */
	size_t n;
	void (*done)(void *data);
	void *data;
};

static void verify_run(void *data)
{
	struct verify *verify = data;
	struct snl *nl;

	if (snl_new(&nl, NULL) < 0)
		return;
	snl_vf_get_all(nl, verify->ifindex, &verify->attrs, &verify->n, NULL);
	snl_free(nl);
}

static bool is_free(const struct srv_vf *vf)
{
	return vf->facts && !vf->nic && vf->mark == SRV_VF_CLEAN;
}

/* What of a VF is not as a scrub leaves it; what the driver does not report cannot be compared. */
static uint32_t find_traces(const struct snl_vf_attrs *attrs)
{
	struct snl_vf_attrs neutral = snl_vf_attrs_neutral();

	neutral.mask &= attrs->mask;
	return snl_vf_attrs_diff(&neutral, attrs);
}

static void mark(struct verify *verify, struct srv_ledger_txn *txn, struct srv_vf *vf,
		 uint32_t traces)
{
	g_autofree char *name = srv_vf_name(vf);
	g_autofree char *found = snl_vf_attrs_format(&verify->attrs[vf->ref.index], traces);

	srv_model_mark_vf(vf, SRV_VF_DIRTY, NULL);
	srv_daemon_put_vf(txn, vf);
	srv_event(verify->daemon->events, LOG_WARNING, "vf", name,
		  "somebody past sriovd changed or made it (%s), so it is scrubbed again", found);
}

static void verify_done(void *data)
{
	struct verify *verify = data;
	struct srv_ledger_txn *txn = srv_ledger_begin(verify->daemon->ledger);
	bool any = false;

	for (guint i = 0; verify->attrs && i < verify->pf->vfs->len && i < verify->n; i++) {
		struct srv_vf *vf = verify->pf->vfs->pdata[i];
		uint32_t traces = is_free(vf) ? find_traces(&verify->attrs[i]) : 0;

		if (!traces)
			continue;
		mark(verify, txn, vf, traces);
		any = true;
	}
	if (any)
		srv_ledger_commit(txn, NULL, NULL);
	else
		srv_ledger_abandon(txn);
	verify->done(verify->data);
	g_free(verify->attrs);
	g_free(verify);
}

void srv_pf_verify_clean(struct srv_daemon *daemon, struct srv_pf *pf, void (*done)(void *data),
			 void *data)
{
	struct verify *verify;
	bool any = false;

	for (guint i = 0; i < pf->vfs->len && !any; i++)
		any = is_free(pf->vfs->pdata[i]);
	if (!any || !pf->facts || !pf->facts->ifindex) {
		done(data);
		return;
	}
	verify = g_new0(struct verify, 1);
	verify->daemon = daemon;
	verify->pf = pf;
	verify->ifindex = pf->facts->ifindex;
	verify->done = done;
	verify->data = data;
	srv_queue_push(pf->queue, verify_run, verify_done, verify);
}
