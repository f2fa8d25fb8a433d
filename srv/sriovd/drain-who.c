// SPDX-License-Identifier: GPL-2.0-or-later
/* Whom taking a PF out of service would hurt, and how: told before anything is done. */
#include <errno.h>

#include "srv/sriovd/daemon.h"
#include "srv/sriovd/decide.h"
#include "srv/sriovd/drain-internal.h"

static bool is_guests(const struct srv_nic *nic)
{
	return nic->row.owner.kind == SRV_OWNER_LIBVIRT;
}

static void add_name(GString *names, const struct srv_nic *nic)
{
	g_autofree char *subject = srv_nic_subject(nic);

	g_string_append_printf(names, "%s%s (%s)", names->len ? ", " : "", subject,
			       is_guests(nic) ? srv_mode_name(nic->row.mode) : "claimed by hand");
}

int srv_drain_check(struct srv_daemon *daemon, struct srv_pf *pf, bool force,
		    struct sriov_error **err)
{
	g_autoptr(GString) hurt = g_string_new(NULL);
	g_autoptr(GString) claimed = g_string_new(NULL);

	for (guint i = 0; i < pf->vfs->len; i++) {
		const struct srv_vf *vf = pf->vfs->pdata[i];
		g_autofree char *name = srv_vf_name(vf);

		if (vf->foreign && !vf->nic)
			return sriov_error_set(err, SRIOV_ERROR_BUSY, EBUSY, name,
					       "%s, and so it cannot be taken away from here",
					       vf->foreign);
		if (!vf->nic || (is_guests(vf->nic) && vf->nic->row.mode == SRV_MODE_FAILOVER))
			continue;
		add_name(is_guests(vf->nic) ? hurt : claimed, vf->nic);
	}
	if (claimed->len)
		return sriov_error_set(
			err, SRIOV_ERROR_BUSY, EBUSY, pf->name,
			"%s: whoever claimed it has to let it go (sriovctl vf release)",
			claimed->str);
	if (hurt->len && !force)
		return sriov_error_set(
			err, SRIOV_ERROR_BUSY, EBUSY, pf->name,
			"this would interrupt %s; shut those guests down first, or use --force: "
			"exclusive nics then go on over virtio, with another device in the guest, "
			"and required ones stand without a network",
			hurt->str);
	return 0;
}

/* What becomes of a nic whose guest has no virtio half. */
static char *fate(struct srv_daemon *daemon, const struct srv_nic *nic)
{
	const struct srv_network *network = srv_config_network(daemon->model->config,
							       nic->row.network);
	struct srv_decision *decision = network ? srv_decide(daemon->model, network, -1) : NULL;
	const char *other = decision && decision->vf ? decision->vf->pf->name : NULL;
	const char *why;
	struct srv_pf *pf;
	g_autofree char *uplink = network && nic->row.mode == SRV_MODE_EXCLUSIVE
					  ? srv_decide_uplink(daemon->model, network, &pf, &why)
					  : NULL;
	char *text;

	if (other)
		text = g_strdup_printf("is interrupted, and its guest gets another device, a VF of "
				       "%s as long as one is free",
				       other);
	else if (uplink)
		text = g_strdup_printf("is interrupted, and its guest gets another device, virtio "
				       "on %s until its next start",
				       uplink);
	else
		text = g_strdup("loses its network: there is nothing to put in the VF's place");
	if (decision)
		srv_decision_free(decision);
	return text;
}

char *srv_drain_plan(struct srv_daemon *daemon, const struct srv_pf *pf)
{
	g_autoptr(GString) spared = g_string_new(NULL);
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < pf->vfs->len; i++) {
		const struct srv_nic *nic = ((const struct srv_vf *)pf->vfs->pdata[i])->nic;
		g_autofree char *subject = nic ? srv_nic_subject(nic) : NULL;
		g_autofree char *becomes = NULL;

		if (!nic)
			continue;
		if (is_guests(nic) && nic->row.mode == SRV_MODE_FAILOVER) {
			add_name(spared, nic);
			continue;
		}
		becomes = is_guests(nic) ? fate(daemon, nic) : g_strdup("keeps its VF");
		g_string_append_printf(
			text, "; %s (%s) %s", subject,
			is_guests(nic) ? srv_mode_name(nic->row.mode) : "claimed by hand", becomes);
	}
	if (spared->len)
		g_string_append_printf(text, "; over virtio, without an interruption, go on: %s",
				       spared->str);
	return g_string_free(text, FALSE);
}
