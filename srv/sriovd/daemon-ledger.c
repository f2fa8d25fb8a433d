// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ledger of a daemon: opened at start, or replaced by one that refuses every change, so that
 * the daemon still shows what there is and says what is wrong. Nothing is done to devices then:
 * what belongs to whom is not known.
 */
#include "srv/sriovd/daemon-internal.h"

#include <errno.h>

#include "base/fd.h"
#include "base/sysfs.h"
#include "srv/sriovd/gate.h"
#include "srv/sriovd/host.h"
#include "srv/sriovd/log.h"
#include "srv/sriovd/reconcile.h"
#include "srv/sriovd/start.h"

const struct sriov_error *srv_daemon_refusal(const struct srv_daemon *daemon)
{
	return srv_ledger_error(daemon->ledger);
}

bool srv_daemon_may_work(const struct srv_daemon *daemon)
{
	return daemon->looked && !daemon->stopping && !srv_daemon_refusal(daemon);
}

/* Which boot of the host this is; "" where that cannot be told. */
static char *read_boot_id(const struct srv_daemon *daemon)
{
	sriov_autofd int root = sriov_sysroot_open(daemon->root);
	char id[64];

	if (root < 0 ||
	    sriov_sysfs_read(root, "proc/sys/kernel/random/boot_id", id, sizeof(id)) < 0)
		return g_strdup("");
	return g_strdup(id);
}

/*
 * The host was booted since the ledger was written: every guest of then is gone, and every VF, with
 * all that was set on it. What was claimed by hand stays claimed: nobody released it, and whoever
 * did claim it finds its VF configured again when the VFs have been made.
 */
static void forget_boot(struct srv_ledger_image *image)
{
	for (guint i = 0; i < image->nics->len; i++) {
		struct srv_nic_row *row = image->nics->pdata[i];

		if (row->owner.kind == SRV_OWNER_MANUAL)
			continue;
		if (row->state != SRV_NIC_IDLE)
			row->since = g_get_real_time() / G_USEC_PER_SEC;
		row->state = SRV_NIC_IDLE;
		row->backing = SRV_BACKING_NONE;
		row->waiting_since = row->waiting_place = 0;
		row->negotiated = false;
		/* A failover nic's stands in its domain's configuration, and that is as it was. */
		if (row->mode != SRV_MODE_FAILOVER)
			g_clear_pointer(&row->uplink, g_free);
		g_clear_pointer(&row->reason, g_free);
	}
	for (guint i = 0; i < image->vfs->len; i++) {
		struct srv_vf_row *row = image->vfs->pdata[i];

		row->mark = SRV_VF_DIRTY;
		g_clear_pointer(&row->reason, g_free);
	}
}

static void record_boot(struct srv_daemon *daemon, const struct srv_ledger_image *image,
			const char *boot_id)
{
	struct srv_ledger_txn *txn = srv_ledger_begin(daemon->ledger);

	for (guint i = 0; i < image->nics->len; i++)
		srv_ledger_put_nic(txn, image->nics->pdata[i]);
	for (guint i = 0; i < image->vfs->len; i++)
		srv_ledger_put_vf(txn, image->vfs->pdata[i]);
	srv_ledger_put_boot_id(txn, boot_id);
	srv_ledger_commit(txn, NULL, NULL);
}

static void join_image(struct srv_daemon *daemon, struct srv_ledger_image *image)
{
	if (g_strcmp0(image->boot_id, daemon->boot_id) != 0) {
		forget_boot(image);
		record_boot(daemon, image, daemon->boot_id);
	}
	srv_model_load(daemon->model, image);
	srv_ledger_image_free(image);
}

int srv_daemon_open_ledger(struct srv_daemon *daemon, struct sriov_error **err)
{
	struct srv_ledger_image *image = NULL;
	g_autofree char *text = NULL;
	sriov_autoerror why = NULL;
	int r = srv_ledger_open(daemon->state_dir, &daemon->ledger, &why);

	daemon->boot_id = read_boot_id(daemon);
	if (r == -EBUSY)
		return sriov_error_propagate(err, g_steal_pointer(&why));
	if (r == 0 && srv_ledger_load(daemon->ledger, &image, &why) == 0) {
		join_image(daemon, image);
		srv_start_load(daemon);
		return 0;
	}
	srv_ledger_close(g_steal_pointer(&daemon->ledger));
	text = sriov_error_text(why);
	srv_log(LOG_ERR, NULL, "the ledger cannot be used, so nothing is changed: %s", text);
	daemon->ledger = srv_ledger_unusable(why);
	return 0;
}

void srv_daemon_set_ledger(struct srv_daemon *daemon, struct srv_ledger *ledger)
{
	struct srv_ledger *old = daemon->ledger;
	struct srv_ledger_txn *txn;

	/* Which NIC is where it knows not, and is told anew. */
	for (guint i = 0; i < daemon->model->pfs->len; i++) {
		struct srv_pf *pf = daemon->model->pfs->pdata[i];

		pf->vendor = pf->device = 0;
	}
	/* What still comes from the old one must find the new one. */
	daemon->ledger = ledger;
	srv_ledger_close(old);
	txn = srv_ledger_begin(ledger);
	srv_ledger_put_boot_id(txn, daemon->boot_id);
	srv_ledger_commit(txn, NULL, NULL);
	for (guint i = 0; i < daemon->model->pfs->len; i++)
		((struct srv_pf *)daemon->model->pfs->pdata[i])->netdevs_news = true;
	srv_gate_close(daemon);
	srv_host_provision(daemon);
	srv_host_refresh(daemon);
}
