// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ledger remembers which VFs are clean, and cannot know what was done to them while no daemon
 * ran: VFs that somebody destroyed and made again look like the old ones. Drivers give new VFs a
 * random MAC, and who uses one leaves a trace in its attributes more often than not.
 *
 * What somebody sets on a VF with ip link makes no event that would tell; so those in use are
 * compared as well, now and then.
 */
#include "srv/sriovd/verify.h"

#include "netlink/link.h"
#include "netlink/vf.h"
#include "srv/sriovd/daemon.h"
#include "srv/sriovd/nic.h"
#include "srv/sriovd/pf-call.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/serial.h"
#include "srv/sriovd/vf-work.h"

struct verify {
	struct srv_daemon *daemon;
	struct srv_pf *pf;
	bool also_used; /* not the free ones alone */
	uint32_t ifindex;
	int64_t began;		    /* g_get_monotonic_time() */
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

/*
 * What a VF in use has otherwise than its network says. A guest that is trusted may have another
 * MAC (and only what differs is set again). Nothing while it is being worked on, or was when the
 * kernel was asked.
 */
static uint32_t find_drift(const struct verify *verify, const struct srv_vf *vf,
			   const struct snl_vf_attrs *now)
{
	const struct srv_nic *nic = vf->nic;
	const struct srv_network *network =
		nic ? srv_config_network(vf->pf->model->config, nic->row.network) : NULL;
	struct snl_vf_attrs want;

	if (!vf->facts || !network || nic->busy || nic->changed >= verify->began ||
	    nic->row.state != SRV_NIC_ATTACHED)
		return 0;
	want = srv_nic_attrs(nic, network);
	/* After a start of ours nobody has looked at it yet: then all that the driver tells counts.
	 */
	want.mask &= vf->verified ? now->mask & vf->verified : now->mask;
	/* One that is to give it up stays in the VLAN of its other half until it has. */
	if (nic->team.misplaced)
		want.mask &= ~SNL_VF_VLAN;
	if (srv_vf_is_guests_mac(&want, now))
		want.mask &= ~SNL_VF_MAC;
	return snl_vf_attrs_diff(&want, now);
}

static void put_back(struct verify *verify, struct srv_vf *vf, uint32_t drift)
{
	g_autofree char *name = srv_vf_name(vf);
	g_autofree char *subject = srv_nic_subject(vf->nic);
	g_autofree char *found = snl_vf_attrs_format(&verify->attrs[vf->ref.index], drift);

	srv_event(verify->daemon->events, LOG_WARNING, "vf", name,
		  "has %s, which is not what the network of %s says; it is set again", found,
		  subject);
	srv_nic_restore(verify->daemon, vf->nic);
}

/* It was seen to be as it should, so from now on it is watched for these. */
static void note_verified(struct srv_vf *vf, const struct snl_vf_attrs *now)
{
	if (vf->nic && !vf->nic->busy && !vf->verified && vf->nic->row.state == SRV_NIC_ATTACHED)
		vf->verified = now->mask;
}

/* True when it is dirty from now on, and the ledger has yet to learn that. */
static bool compare_vf(struct verify *verify, struct srv_ledger_txn *txn, struct srv_vf *vf)
{
	const struct snl_vf_attrs *now = &verify->attrs[vf->ref.index];
	uint32_t traces = is_free(vf) ? find_traces(now) : 0;
	uint32_t drift = verify->also_used ? find_drift(verify, vf, now) : 0;

	if (traces)
		mark(verify, txn, vf, traces);
	else if (drift)
		put_back(verify, vf, drift);
	else if (verify->also_used)
		note_verified(vf, now);
	return traces != 0;
}

static void verify_free(void *data)
{
	struct verify *verify = data;

	g_free(verify->attrs);
	g_free(verify);
}

static void verify_done(const struct sriov_error *late, void *data)
{
	struct verify *verify = data;
	struct srv_ledger_txn *txn;
	bool any = false;

	if (late) {
		verify->done(verify->data);
		return;
	}
	txn = srv_ledger_begin(verify->daemon->ledger);

	for (guint i = 0; verify->attrs && i < verify->pf->vfs->len && i < verify->n; i++)
		any |= compare_vf(verify, txn, verify->pf->vfs->pdata[i]);
	if (any)
		srv_ledger_commit(txn, NULL, NULL);
	else
		srv_ledger_abandon(txn);
	verify->done(verify->data);
	verify_free(verify);
}

static bool is_of_interest(const struct srv_vf *vf, bool also_used)
{
	return is_free(vf) || (also_used && vf->facts && vf->nic);
}

static void verify_pf(struct srv_daemon *daemon, struct srv_pf *pf, bool also_used,
		      void (*done)(void *data), void *data)
{
	struct verify *verify;
	bool any = false;

	for (guint i = 0; i < pf->vfs->len && !any; i++)
		any = is_of_interest(pf->vfs->pdata[i], also_used);
	if (!any || !pf->facts || !pf->facts->ifindex) {
		done(data);
		return;
	}
	verify = g_new0(struct verify, 1);
	verify->daemon = daemon;
	verify->pf = pf;
	verify->also_used = also_used;
	verify->ifindex = pf->facts->ifindex;
	verify->began = g_get_monotonic_time();
	verify->done = done;
	verify->data = data;
	srv_pf_call(daemon, pf, "reading its VFs", verify_run, verify_done, verify_free, verify);
}

void srv_pf_verify_free(struct srv_daemon *daemon, struct srv_pf *pf, void (*done)(void *data),
			void *data)
{
	verify_pf(daemon, pf, false, done, data);
}

/* Now and then */

struct watch {
	struct srv_daemon *daemon;
	struct srv_pf *pf;
};

static void watched(void *data)
{
	struct watch *watch = data;

	srv_serial_next(watch->pf->serial);
	srv_pf_scrub(watch->daemon, watch->pf);
	g_free(watch);
}

static void watch_start(void *data)
{
	struct watch *watch = data;

	if (watch->pf->state == SRV_PF_READY && !watch->pf->was_down)
		verify_pf(watch->daemon, watch->pf, true, watched, watch);
	else
		watched(watch);
}

void srv_pf_watch(struct srv_daemon *daemon, struct srv_pf *pf)
{
	struct watch *watch;

	/* One that is being made ready is in front of it in the line. */
	if ((pf->state != SRV_PF_READY && pf->state != SRV_PF_CONFIGURING) ||
	    !srv_daemon_may_work(daemon))
		return;
	watch = g_new(struct watch, 1);
	*watch = (struct watch){ daemon, pf };
	srv_serial_push(pf->serial, watch_start, watch);
}
