// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/support/ledger-rows.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "srv/sriovd/ledger-row.h"

#define WAIT_SECONDS 60 /* against hangs only */

struct srv_nic_row *test_nic_row(uint32_t n)
{
	struct srv_nic_row *row = g_new0(struct srv_nic_row, 1);

	row->owner.kind = (enum srv_owner_kind)(n % (SRV_OWNER_MANUAL + 1));
	row->owner.key = g_strdup_printf("6d3c0000-0000-4000-8000-%012x", n / 2);
	row->owner.name = g_strdup_printf("web%u", n / 2);
	row->id = g_strdup_printf("net%u", n % 2);
	row->network = g_strdup_printf("tenant-%u", n % 7);
	row->mode = (enum srv_mode)(n % (SRV_MODE_FAILOVER + 1));
	row->mac = sriov_mac_derive(row->owner.key, row->id, 0);
	row->priority = n % 11 * 10;
	row->state = (enum srv_nic_state)(n % (SRV_NIC_FAILED + 1));
	row->backing = (enum srv_backing)(n / 2 % (SRV_BACKING_VIRTIO + 1));
	if (row->backing == SRV_BACKING_VF)
		row->vf = (struct srv_vf_ref){
			{ .domain = n % 3 ? 0 : 0x10000, .bus = (uint8_t)(n / 64 % 256) }, n
		};
	if (row->backing == SRV_BACKING_VIRTIO)
		row->uplink = g_strdup("enp1s0");
	if (n % 5 == 0)
		row->reason = g_strdup(n % 10 ? "no free VF in pool fast: enp1s0 has 7 owned" : "");
	if (n % 4)
		row->decision = g_strdup_printf("{\"backing\":\"vf\",\"summary\":\"nic %u\","
						"\"candidates\":[{\"pf\":\"0000:01:00.0\"}]}",
						n);
	row->since = 1700000000 + (int64_t)n * 3600;
	row->waiting_since = n % 3 ? 0 : row->since - 1;
	row->waiting_place = n % 3 ? 0 : n + 1;
	row->negotiated = n % 4 == 2;
	return row;
}

struct srv_vf_row *test_vf_row(uint32_t n)
{
	struct srv_vf_row *row = g_new0(struct srv_vf_row, 1);

	row->ref = (struct srv_vf_ref){ { .bus = (uint8_t)(n / 64 % 256) }, n };
	row->mark = (enum srv_vf_mark)(n % (SRV_VF_QUARANTINED + 1));
	if (row->mark == SRV_VF_QUARANTINED)
		row->reason = g_strdup("the MAC read back is not the one that was set");
	return row;
}

struct srv_nic_row *test_nic_on_vf(uint32_t n)
{
	struct srv_nic_row *row = g_new0(struct srv_nic_row, 1);

	row->owner.kind = SRV_OWNER_LIBVIRT;
	row->owner.key = g_strdup_printf("6d3c0000-0000-4000-8000-%012x", n);
	row->owner.name = g_strdup_printf("web%u", n);
	row->id = g_strdup("net0");
	row->network = g_strdup("tenant-a");
	row->mac = sriov_mac_derive(row->owner.key, row->id, 0);
	row->state = SRV_NIC_ATTACHED;
	row->backing = SRV_BACKING_VF;
	row->vf = (struct srv_vf_ref){ { .bus = 1 }, n };
	row->since = 1700000000;
	return row;
}

void test_put(struct srv_ledger_txn *txn, uint32_t n)
{
	struct srv_nic_row *nic = test_nic_row(n);
	struct srv_vf_row *vf = test_vf_row(n);

	srv_ledger_put_nic(txn, nic);
	srv_ledger_put_vf(txn, vf);
	srv_nic_row_free(nic);
	srv_vf_row_free(vf);
}

static const char *shown(const char *text)
{
	return text ? text : "NULL";
}

static char *describe_nic(const struct srv_nic_row *row)
{
	char mac[SRIOV_MAC_STRLEN], pf[SRIOV_BDF_STRLEN];

	return g_strdup_printf(
		"nic %s %s (%s) %s net=%s %s %s prio=%u %s %s vf=%s/%u uplink=%s "
		"reason=%s decision=%s since=%" PRId64 " waiting=%" PRId64 "/%" PRId64 "%s",
		srv_owner_kind_name(row->owner.kind), row->owner.key, row->owner.name, row->id,
		row->network, srv_mode_name(row->mode), sriov_mac_format(row->mac, mac),
		row->priority, srv_nic_state_name(row->state), srv_backing_name(row->backing),
		sriov_bdf_format(row->vf.pf, pf), row->vf.index, shown(row->uplink),
		shown(row->reason), shown(row->decision), row->since, row->waiting_since,
		row->waiting_place, row->negotiated ? " negotiated" : "");
}

static char *describe_vf(const struct srv_vf_row *row)
{
	char pf[SRIOV_BDF_STRLEN];

	return g_strdup_printf("vf %s/%u %s reason=%s", sriov_bdf_format(row->ref.pf, pf),
			       row->ref.index, srv_vf_mark_name(row->mark), shown(row->reason));
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *describe_pf(const struct srv_pf_row *row)
{
	char address[SRIOV_BDF_STRLEN];

	return g_strdup_printf("pf %s %04x:%04x%s%s%s want_vfs=%u netdevs=%s",
			       sriov_bdf_format(row->pf, address), row->vendor, row->device,
			       row->drained ? " drained" : "", row->resizing ? " resizing" : "",
			       row->forced ? " forced" : "", row->want_vfs, row->netdevs);
}

char *test_describe_image(const struct srv_ledger_image *image)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < image->nics->len; i++)
		g_ptr_array_add(lines, describe_nic(image->nics->pdata[i]));
	for (guint i = 0; i < image->vfs->len; i++)
		g_ptr_array_add(lines, describe_vf(image->vfs->pdata[i]));
	for (guint i = 0; image->pfs && i < image->pfs->len; i++)
		g_ptr_array_add(lines,
				describe_pf(&g_array_index(image->pfs, struct srv_pf_row, i)));
	g_ptr_array_sort(lines, compare);
	g_ptr_array_add(lines, g_strdup_printf("boot_id %s\n", shown(image->boot_id)));
	g_ptr_array_add(lines, NULL);
	return g_strjoinv("\n", (char **)lines->pdata);
}

char *test_describe_ledger(struct srv_ledger *ledger)
{
	struct srv_ledger_image *image;
	sriov_autoerror err = NULL;
	char *text;

	if (srv_ledger_load(ledger, &image, &err) < 0)
		g_error("%s", err->message);
	text = test_describe_image(image);
	srv_ledger_image_free(image);
	return text;
}

struct wait {
	bool done;
	struct sriov_error *error;
};

static void committed(const struct sriov_error *error, void *data)
{
	struct wait *wait = data;

	wait->done = true;
	wait->error = sriov_error_copy(error);
}

int test_commit(struct srv_ledger_txn *txn, struct sriov_error **err)
{
	gint64 deadline = g_get_monotonic_time() + WAIT_SECONDS * G_USEC_PER_SEC;
	struct wait wait = { 0 };

	srv_ledger_commit(txn, committed, &wait);
	while (!wait.done) {
		if (g_get_monotonic_time() > deadline)
			g_error("a commit has not ended within %d seconds", WAIT_SECONDS);
		g_main_context_iteration(NULL, TRUE);
	}
	return wait.error ? sriov_error_propagate(err, wait.error) : 0;
}
