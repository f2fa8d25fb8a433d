// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/ledger-row.h"

#include <errno.h>

#include <glib.h>

const char *srv_nic_state_name(enum srv_nic_state state)
{
	switch (state) {
	case SRV_NIC_IDLE:
		return "idle";
	case SRV_NIC_RESERVED:
		return "reserved";
	case SRV_NIC_ATTACHING:
		return "attaching";
	case SRV_NIC_ATTACHED:
		return "attached";
	case SRV_NIC_DETACHING:
		return "detaching";
	case SRV_NIC_FAILED:
		return "failed";
	}
	return NULL;
}

const char *srv_backing_name(enum srv_backing backing)
{
	switch (backing) {
	case SRV_BACKING_NONE:
		return "none";
	case SRV_BACKING_VF:
		return "vf";
	case SRV_BACKING_VIRTIO:
		return "virtio";
	}
	return NULL;
}

const char *srv_owner_kind_name(enum srv_owner_kind kind)
{
	switch (kind) {
	case SRV_OWNER_LIBVIRT:
		return "libvirt";
	case SRV_OWNER_CONTAINER:
		return "container";
	case SRV_OWNER_MANUAL:
		return "manual";
	}
	return NULL;
}

const char *srv_vf_mark_name(enum srv_vf_mark mark)
{
	switch (mark) {
	case SRV_VF_CLEAN:
		return "clean";
	case SRV_VF_DIRTY:
		return "dirty";
	case SRV_VF_QUARANTINED:
		return "quarantined";
	}
	return NULL;
}

int srv_nic_state_parse(const char *text, enum srv_nic_state *ret)
{
	for (int i = SRV_NIC_IDLE; i <= SRV_NIC_FAILED; i++) {
		if (g_strcmp0(text, srv_nic_state_name((enum srv_nic_state)i)) == 0) {
			*ret = (enum srv_nic_state)i;
			return 0;
		}
	}
	return -EINVAL;
}

int srv_backing_parse(const char *text, enum srv_backing *ret)
{
	for (int i = SRV_BACKING_NONE; i <= SRV_BACKING_VIRTIO; i++) {
		if (g_strcmp0(text, srv_backing_name((enum srv_backing)i)) == 0) {
			*ret = (enum srv_backing)i;
			return 0;
		}
	}
	return -EINVAL;
}

int srv_owner_kind_parse(const char *text, enum srv_owner_kind *ret)
{
	for (int i = SRV_OWNER_LIBVIRT; i <= SRV_OWNER_MANUAL; i++) {
		if (g_strcmp0(text, srv_owner_kind_name((enum srv_owner_kind)i)) == 0) {
			*ret = (enum srv_owner_kind)i;
			return 0;
		}
	}
	return -EINVAL;
}

int srv_vf_mark_parse(const char *text, enum srv_vf_mark *ret)
{
	for (int i = SRV_VF_CLEAN; i <= SRV_VF_QUARANTINED; i++) {
		if (g_strcmp0(text, srv_vf_mark_name((enum srv_vf_mark)i)) == 0) {
			*ret = (enum srv_vf_mark)i;
			return 0;
		}
	}
	return -EINVAL;
}

struct srv_nic_row *srv_nic_row_copy(const struct srv_nic_row *row)
{
	struct srv_nic_row *copy = g_new(struct srv_nic_row, 1);

	*copy = *row;
	copy->owner.key = g_strdup(row->owner.key);
	copy->owner.name = g_strdup(row->owner.name);
	copy->id = g_strdup(row->id);
	copy->network = g_strdup(row->network);
	copy->uplink = g_strdup(row->uplink);
	copy->reason = g_strdup(row->reason);
	copy->decision = g_strdup(row->decision);
	return copy;
}

void srv_nic_row_free(struct srv_nic_row *row)
{
	if (!row)
		return;
	g_free(row->owner.key);
	g_free(row->owner.name);
	g_free(row->id);
	g_free(row->network);
	g_free(row->uplink);
	g_free(row->reason);
	g_free(row->decision);
	g_free(row);
}

struct srv_vf_row *srv_vf_row_copy(const struct srv_vf_row *row)
{
	struct srv_vf_row *copy = g_new(struct srv_vf_row, 1);

	*copy = *row;
	copy->reason = g_strdup(row->reason);
	return copy;
}

void srv_vf_row_free(struct srv_vf_row *row)
{
	if (!row)
		return;
	g_free(row->reason);
	g_free(row);
}

struct srv_ledger_image *srv_ledger_image_new(void)
{
	struct srv_ledger_image *image = g_new0(struct srv_ledger_image, 1);

	image->nics = g_ptr_array_new_with_free_func((GDestroyNotify)srv_nic_row_free);
	image->pfs = g_array_new(FALSE, FALSE, sizeof(struct srv_pf_row));
	image->vfs = g_ptr_array_new_with_free_func((GDestroyNotify)srv_vf_row_free);
	return image;
}

void srv_ledger_image_free(struct srv_ledger_image *image)
{
	if (!image)
		return;
	g_ptr_array_unref(image->nics);
	g_ptr_array_unref(image->vfs);
	g_array_unref(image->pfs);
	g_free(image->boot_id);
	g_free(image);
}
