// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/ledger-backlog.h"

struct srv_ledger_backlog {
	GArray *changes; /* of struct srv_ledger_change */
};

static GArray *new_changes(void)
{
	GArray *changes = g_array_new(FALSE, FALSE, sizeof(struct srv_ledger_change));

	g_array_set_clear_func(changes, (GDestroyNotify)srv_ledger_change_clear);
	return changes;
}

struct srv_ledger_backlog *srv_ledger_backlog_new(void)
{
	struct srv_ledger_backlog *backlog = g_new(struct srv_ledger_backlog, 1);

	backlog->changes = new_changes();
	return backlog;
}

void srv_ledger_backlog_free(struct srv_ledger_backlog *backlog)
{
	if (!backlog)
		return;
	g_array_unref(backlog->changes);
	g_free(backlog);
}

static const struct srv_nic_row *nic_of(const struct srv_ledger_change *change)
{
	bool is_nic = change->kind == SRV_LEDGER_PUT_NIC || change->kind == SRV_LEDGER_DELETE_NIC;

	return is_nic ? change->nic : NULL;
}

/* False when it is none of a VF. */
static bool vf_of(const struct srv_ledger_change *change, struct srv_vf_ref *ret)
{
	if (change->kind == SRV_LEDGER_PUT_VF)
		*ret = change->vf->ref;
	else if (change->kind == SRV_LEDGER_DELETE_VF)
		*ret = change->ref;
	else
		return false;
	return true;
}

static bool same_row(const struct srv_ledger_change *a, const struct srv_ledger_change *b)
{
	const struct srv_nic_row *x = nic_of(a), *y = nic_of(b);
	struct srv_vf_ref v, w;

	if (x && y)
		return x->owner.kind == y->owner.kind &&
		       g_strcmp0(x->owner.key, y->owner.key) == 0 && g_strcmp0(x->id, y->id) == 0;
	if (vf_of(a, &v) && vf_of(b, &w))
		return sriov_bdf_equal(v.pf, w.pf) && v.index == w.index;
	return a->kind == SRV_LEDGER_PUT_BOOT_ID && b->kind == SRV_LEDGER_PUT_BOOT_ID;
}

static void forget_older(GArray *changes, const struct srv_ledger_change *change)
{
	for (guint i = 0; i < changes->len; i++) {
		if (!same_row(&g_array_index(changes, struct srv_ledger_change, i), change))
			continue;
		g_array_remove_index(changes, i);
		return;
	}
}

void srv_ledger_backlog_take(struct srv_ledger_backlog *backlog, GArray *changes)
{
	for (guint i = 0; i < changes->len; i++) {
		struct srv_ledger_change change = g_array_index(changes, struct srv_ledger_change,
								i);

		forget_older(backlog->changes, &change);
		g_array_append_val(backlog->changes, change);
	}
	/* What they point to is the backlog's now. */
	g_array_set_clear_func(changes, NULL);
	g_array_set_size(changes, 0);
	g_array_set_clear_func(changes, (GDestroyNotify)srv_ledger_change_clear);
}

const GArray *srv_ledger_backlog_changes(const struct srv_ledger_backlog *backlog)
{
	return backlog->changes;
}

bool srv_ledger_backlog_is_empty(const struct srv_ledger_backlog *backlog)
{
	return backlog->changes->len == 0;
}

void srv_ledger_backlog_clear(struct srv_ledger_backlog *backlog)
{
	g_array_set_size(backlog->changes, 0);
}
