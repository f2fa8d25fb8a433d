// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <string.h>

#include "srv/sriovd/model.h"
#include "tests/support/describe-model.h"

#define CONFIG                                                                           \
	"{\"pools\":[{\"name\":\"fast\",\"select\":{\"pfNames\":[\"enp1s0#0-2\"]},"      \
	"\"numVfs\":4},{\"name\":\"slow\",\"select\":{\"pfNames\":[\"enp1s0#3\"]},"      \
	"\"deviceType\":\"netdevice\"},{\"name\":\"theirs\",\"select\":{\"pfNames\":"    \
	"[\"enp3s0\"]},\"externallyManaged\":true}],"                                    \
	"\"networks\":[{\"name\":\"tenant-a\",\"pool\":\"fast\",\"vlan\":100,\"qos\":3," \
	"\"maxTxRate\":1000}]}"

static struct srv_config *parse(const char *text)
{
	const char *name = "a.json";
	struct srv_config *config = NULL;
	sriov_autoerror err = NULL;

	assert_ok(srv_config_parse(&name, &text, 1, &config, NULL, &err), err);
	return config;
}

static void use_config(struct srv_model *model, const char *text)
{
	struct srv_config *config = parse(text);

	srv_model_set_config(model, config);
	srv_config_unref(config);
}

/* Gives the model a host of these PFs; the list ends with NULL. */
static void use_host(struct srv_model *model, struct spci_pf *first, ...)
{
	struct spci_inventory inventory = { .iommu = true, .vfio = true };
	va_list ap;

	inventory.pfs = g_ptr_array_new_with_free_func((GDestroyNotify)spci_pf_free);
	va_start(ap, first);
	for (struct spci_pf *pf = first; pf; pf = va_arg(ap, struct spci_pf *))
		g_ptr_array_add(inventory.pfs, pf);
	va_end(ap);
	srv_model_set_inventory(model, &inventory);
	assert_int_equal(inventory.pfs->len, 0);
	g_ptr_array_unref(inventory.pfs);
}

static void assert_model(struct srv_model *model, const char *expected)
{
	g_autofree char *text = describe_model(model);

	assert_string_equal(text, expected);
}

static struct srv_pf *pf_of(struct srv_model *model, uint8_t bus)
{
	return srv_model_pf(model, (struct sriov_bdf){ .bus = bus });
}

static struct srv_vf *vf_of(struct srv_model *model, uint8_t bus, uint32_t index)
{
	return srv_model_vf(model, (struct srv_vf_ref){ { .bus = bus }, index });
}

static void mark_all(struct srv_model *model, uint8_t bus, enum srv_vf_mark mark)
{
	struct srv_pf *pf = pf_of(model, bus);

	for (guint i = 0; i < pf->vfs->len; i++)
		srv_model_mark_vf(pf->vfs->pdata[i], mark, NULL);
}

static struct srv_nic_row row_of(const char *owner, const char *id, uint8_t mac)
{
	return (struct srv_nic_row){ .owner = { SRV_OWNER_LIBVIRT, (char *)"key-1", (char *)owner },
				     .id = (char *)id,
				     .network = (char *)"tenant-a",
				     .mac = { { 0x52, 0x54, 0, 0, 0, mac } } };
}

static struct srv_model *make_model(void)
{
	struct srv_model *model = srv_model_new();

	use_config(model, CONFIG);
	use_host(model, describe_make_pf(1, "enp1s0", 7, 4), describe_make_pf(2, "enp2s0", 8, 1),
		 NULL);
	return model;
}

static void new_model_is_empty(void **state)
{
	struct srv_model *model = srv_model_new();

	assert_model(model, "");
	assert_null(srv_model_find_pf(model, "enp1s0"));
	assert_null(srv_model_find_vf(model, "enp1s0/0"));
	assert_null(srv_model_pf_by_ifindex(model, 0));
	srv_model_free(model);
	srv_model_free(NULL);
}

static void inventory_joins_configuration_and_vfs_begin_dirty(void **state)
{
	struct srv_model *model = make_model();

	assert_model(model,
		     "pf 0000:01:00.0 enp1s0 configuring | wants 4 | 3 dirty, 1 unusable\n"
		     "  vf 0 dirty\n"
		     "  vf 1 dirty\n"
		     "  vf 2 dirty\n"
		     "  vf 3 unusable: no network driver holds it, as its pool's deviceType wants\n"
		     "pf 0000:02:00.0 enp2s0 unmanaged | keeps its VFs | 1 unmanaged\n"
		     "  vf 0 unmanaged\n");
	assert_true(model->iommu && model->vfio);
	srv_model_free(model);
}

static void configuration_that_changes_moves_pfs_in_and_out(void **state)
{
	struct srv_model *model = make_model();

	srv_model_set_pf_state(pf_of(model, 1), SRV_PF_READY, NULL);
	use_config(model, "{\"pools\":[{\"name\":\"x\",\"select\":{\"pfNames\":[\"enp2s0\"]},"
			  "\"externallyManaged\":true}]}");
	assert_model(model,
		     "pf 0000:01:00.0 enp1s0 unmanaged | keeps its VFs | 4 unmanaged\n"
		     "  vf 0 unmanaged\n"
		     "  vf 1 unmanaged\n"
		     "  vf 2 unmanaged\n"
		     "  vf 3 unmanaged\n"
		     "pf 0000:02:00.0 enp2s0 configuring | keeps its VFs | external | 1 dirty\n"
		     "  vf 0 dirty\n");
	srv_model_free(model);
}

static void state_of_a_pf_survives_a_new_inventory(void **state)
{
	struct srv_model *model = make_model();

	srv_model_set_pf_state(pf_of(model, 1), SRV_PF_STUCK, "it hangs");
	use_host(model, describe_make_pf(2, "enp2s0", 8, 0), describe_make_pf(1, "enp1s0", 7, 1),
		 NULL);
	assert_model(model, "pf 0000:01:00.0 enp1s0 stuck: it hangs | wants 4 | 1 dirty\n"
			    "  vf 0 dirty\n"
			    "  vf 1 unusable: the kernel does not have it now\n"
			    "  vf 2 unusable: the kernel does not have it now\n"
			    "  vf 3 unusable: the kernel does not have it now\n"
			    "pf 0000:02:00.0 enp2s0 unmanaged | keeps its VFs\n"
			    "  vf 0 unmanaged\n");
	srv_model_free(model);
}

static void vf_that_went_away_comes_back_dirty(void **state)
{
	struct srv_model *model = make_model();

	mark_all(model, 1, SRV_VF_CLEAN);
	srv_model_mark_vf(vf_of(model, 1, 2), SRV_VF_QUARANTINED, "its reset failed");
	use_host(model, describe_make_pf(1, "enp1s0", 7, 1), NULL);
	use_host(model, describe_make_pf(1, "enp1s0", 7, 4), NULL);
	assert_model(model,
		     "pf 0000:01:00.0 enp1s0 configuring | wants 4 | "
		     "1 free, 1 dirty, 1 quarantined, 1 unusable\n"
		     "  vf 0 free\n"
		     "  vf 1 dirty\n"
		     "  vf 2 quarantined: its reset failed\n"
		     "  vf 3 unusable: no network driver holds it, as its pool's deviceType wants\n"
		     "pf 0000:02:00.0 0000:02:00.0 gone: the kernel has no such device now | "
		     "keeps its VFs\n"
		     "  vf 0 unmanaged\n");
	srv_model_free(model);
}

static void pf_that_is_gone_keeps_its_owners_and_is_found_again_by_address(void **state)
{
	struct srv_model *model = make_model();
	struct srv_nic_row row = row_of("web1", "net0", 1);
	struct srv_nic *nic = srv_model_add_nic(model, &row);

	srv_model_set_backing(nic, SRV_BACKING_VF, vf_of(model, 1, 0));
	use_host(model, describe_make_pf(2, "enp2s0", 8, 0), NULL);
	assert_int_equal(pf_of(model, 1)->state, SRV_PF_GONE);
	assert_string_equal(pf_of(model, 1)->name, "0000:01:00.0");
	assert_ptr_equal(vf_of(model, 1, 0)->nic, nic);
	assert_int_equal(pf_of(model, 1)->counts[SRV_VF_OWNED], 1);

	/* Its netdev has another name now, by which no pool knows it. */
	use_host(model, describe_make_pf(1, "renamed", 9, 4), NULL);
	assert_string_equal(pf_of(model, 1)->name, "renamed");
	assert_int_equal(pf_of(model, 1)->state, SRV_PF_UNMANAGED);
	assert_ptr_equal(vf_of(model, 1, 0)->nic, nic);
	assert_int_equal(srv_vf_state(vf_of(model, 1, 0), NULL), SRV_VF_OWNED);
	srv_model_free(model);
}

static void lookups_find_by_every_name(void **state)
{
	struct srv_model *model = make_model();
	struct srv_pf *pf = pf_of(model, 1);
	struct srv_vf *vf = vf_of(model, 1, 2);

	assert_ptr_equal(srv_model_find_pf(model, "enp1s0"), pf);
	assert_ptr_equal(srv_model_find_pf(model, "0000:01:00.0"), pf);
	assert_ptr_equal(srv_model_find_pf(model, "01:00.0"), pf);
	assert_ptr_equal(srv_model_pf_by_ifindex(model, 7), pf);
	assert_ptr_equal(srv_model_find_vf(model, "enp1s0/2"), vf);
	assert_ptr_equal(srv_model_find_vf(model, "0000:01:00.0/2"), vf);
	assert_ptr_equal(srv_model_find_vf(model, "0000:01:10.2"), vf);
	assert_ptr_equal(srv_model_vf_by_address(model, (struct sriov_bdf){ 0, 1, 16, 2 }), vf);

	assert_null(srv_model_find_pf(model, "enp1s"));
	assert_null(srv_model_find_pf(model, "0000:09:00.0"));
	assert_null(srv_model_pf_by_ifindex(model, 0));
	assert_null(srv_model_pf_by_ifindex(model, 9));
	assert_null(srv_model_find_vf(model, "enp1s0/4"));
	assert_null(srv_model_find_vf(model, "enp1s0/-1"));
	assert_null(srv_model_find_vf(model, "enp1s0/"));
	assert_null(srv_model_find_vf(model, "/0"));
	assert_null(srv_model_find_vf(model, "enp9s0/0"));
	assert_null(srv_model_find_vf(model, "0000:01:10.7"));
	assert_null(srv_model_find_vf(model, "enp1s0"));
	srv_model_free(model);
}

/* What makes a VF unusable, and in which order it is said. */
static void assert_unusable(struct srv_vf *vf, const char *expected)
{
	const char *reason;

	assert_int_equal(srv_vf_state(vf, &reason), SRV_VF_UNUSABLE);
	if (!strstr(reason, expected))
		fail_msg("\"%s\" is not in \"%s\"", expected, reason);
}

static void vf_state_says_why_a_vf_is_unusable(void **state)
{
	struct srv_model *model = make_model();
	struct srv_vf *vf = vf_of(model, 1, 0);
	struct spci_vf *facts = &pf_of(model, 1)->facts->vfs[0];
	const char *reason = "not touched";

	srv_model_mark_vf(vf, SRV_VF_CLEAN, NULL);
	assert_int_equal(srv_vf_state(vf, &reason), SRV_VF_FREE);
	assert_null(reason);
	facts->driver = NULL;
	assert_unusable(vf, "not bound to vfio-pci");
	facts->driver = "igbvf";
	assert_unusable(vf, "not bound to vfio-pci");
	facts->group_shared = true;
	assert_unusable(vf, "holds other devices too");
	model->unsafe_interrupts = true;
	assert_unusable(vf, "without interrupt remapping");
	facts->noiommu = true;
	assert_unusable(vf, "without an IOMMU");
	facts->iommu_group = -1;
	assert_unusable(vf, "no IOMMU group");
	srv_model_set_foreign(vf, "domain web9 has it past sriovd");
	assert_unusable(vf, "domain web9 has it past sriovd");
	srv_model_mark_vf(vf, SRV_VF_QUARANTINED, "its reset failed");
	assert_int_equal(srv_vf_state(vf, &reason), SRV_VF_STATE_QUARANTINED);
	assert_string_equal(reason, "its reset failed");

	vf = vf_of(model, 1, 3); /* of a pool for containers */
	facts = &pf_of(model, 1)->facts->vfs[3];
	srv_model_mark_vf(vf, SRV_VF_CLEAN, NULL);
	facts->driver = NULL;
	assert_unusable(vf, "no network driver holds it");
	facts->driver = "igbvf";
	facts->iommu_group = -1;
	assert_true(model->unsafe_interrupts);
	assert_int_equal(srv_vf_state(vf, NULL), SRV_VF_FREE);
	srv_model_free(model);
}

/* Just created by us, it needs no reset; once somebody had it, it does. */
static void vf_is_fresh_only_until_somebody_has_it(void **state)
{
	struct srv_model *model = make_model();
	struct srv_nic_row row = row_of("web1", "net0", 1);
	struct srv_nic *nic = srv_model_add_nic(model, &row);

	vf_of(model, 1, 0)->fresh = vf_of(model, 1, 1)->fresh = vf_of(model, 1, 2)->fresh = true;
	srv_model_set_backing(nic, SRV_BACKING_VF, vf_of(model, 1, 0));
	srv_model_set_foreign(vf_of(model, 1, 1), "domain web9 has it past sriovd");
	srv_model_set_foreign(vf_of(model, 1, 2), NULL);
	assert_false(vf_of(model, 1, 0)->fresh);
	assert_false(vf_of(model, 1, 1)->fresh);
	assert_true(vf_of(model, 1, 2)->fresh);
	use_host(model, describe_make_pf(1, "enp1s0", 7, 0), NULL);
	use_host(model, describe_make_pf(1, "enp1s0", 7, 4), NULL);
	assert_false(vf_of(model, 1, 2)->fresh);
	srv_model_free(model);
}

/* Nothing of whom may be written down by then: each has to be, before the next one is. */
static void vf_that_several_gave_up_knows_each_of_them_once(void **state)
{
	struct srv_model *model = make_model();
	struct srv_vf *vf = vf_of(model, 1, 0);

	for (unsigned i = 0; i < 4; i++) {
		struct srv_nic_row row = row_of("web1", i % 2 ? "net1" : "net0", 1 + i % 2);
		struct srv_nic *nic = srv_model_add_nic(model, &row);

		srv_model_set_backing(nic, SRV_BACKING_VF, vf);
		srv_model_set_backing(nic, SRV_BACKING_NONE, NULL);
		srv_model_remove_nic(model, nic);
	}
	assert_int_equal(vf->ex_owners->len, 2);
	srv_model_forget_ex_owners(vf);
	assert_null(vf->ex_owners);
	srv_model_free(model);
}

static void backing_moves_a_nic_from_vf_to_vf_to_virtio_to_none(void **state)
{
	struct srv_model *model = make_model();
	struct srv_nic_row row = row_of("web1", "net0", 1);
	struct srv_nic *nic = srv_model_add_nic(model, &row);

	mark_all(model, 1, SRV_VF_CLEAN);
	use_host(model, describe_make_pf(1, "enp1s0", 7, 3), NULL);
	srv_model_set_backing(nic, SRV_BACKING_VF, vf_of(model, 1, 0));
	srv_model_set_nic_state(nic, SRV_NIC_ATTACHED, NULL);
	assert_model(model,
		     "pf 0000:01:00.0 enp1s0 configuring | wants 4 | 2 free, 1 owned\n"
		     "  vf 0 owned by web1/net0\n"
		     "  vf 1 free\n"
		     "  vf 2 free\n"
		     "  vf 3 unusable: the kernel does not have it now\n"
		     "pf 0000:02:00.0 0000:02:00.0 gone: the kernel has no such device now | "
		     "keeps its VFs\n"
		     "  vf 0 unmanaged\n"
		     "nic libvirt web1/net0 (key-1) on tenant-a exclusive 52:54:00:00:00:01 "
		     "attached vf enp1s0/0\n");
	srv_model_set_backing(nic, SRV_BACKING_VF, vf_of(model, 1, 2));
	assert_int_equal(nic->row.vf.index, 2);
	srv_model_set_backing(nic, SRV_BACKING_VIRTIO, NULL);
	nic->row.uplink = g_strdup("enp1s0.100");
	srv_model_set_nic_state(nic, SRV_NIC_FAILED, "it does not work");
	assert_model(model,
		     "pf 0000:01:00.0 enp1s0 configuring | wants 4 | 1 free, 2 dirty\n"
		     "  vf 0 dirty\n"
		     "  vf 1 free\n"
		     "  vf 2 dirty\n"
		     "  vf 3 unusable: the kernel does not have it now\n"
		     "pf 0000:02:00.0 0000:02:00.0 gone: the kernel has no such device now | "
		     "keeps its VFs\n"
		     "  vf 0 unmanaged\n"
		     "nic libvirt web1/net0 (key-1) on tenant-a exclusive 52:54:00:00:00:01 "
		     "failed virtio on enp1s0.100: it does not work\n");
	srv_model_set_backing(nic, SRV_BACKING_NONE, NULL);
	assert_null(nic->row.uplink);
	srv_model_remove_nic(model, nic);
	assert_int_equal(g_hash_table_size(model->nics), 0);
	assert_int_equal(g_hash_table_size(model->nics_by_mac), 0);
	srv_model_free(model);
}

static void nics_are_found_by_key_name_and_mac_in_order(void **state)
{
	struct srv_model *model = make_model();
	struct srv_nic_row rows[] = { row_of("web1", "net1", 1), row_of("web1", "net0", 2),
				      row_of("app", "net0", 3) };
	const struct srv_owner manual = { SRV_OWNER_MANUAL, (char *)"key-1", (char *)"key-1" };
	struct srv_nic *nics[G_N_ELEMENTS(rows)];
	g_autoptr(GPtrArray) all = NULL, by_key = NULL, by_name = NULL;

	rows[2].owner.key = (char *)"key-2";
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		nics[i] = srv_model_add_nic(model, &rows[i]);
	all = srv_model_nics(model);
	by_key = srv_model_nics_of(model, "key-1");
	by_name = srv_model_nics_of(model, "web1");
	assert_int_equal(all->len, 3);
	assert_ptr_equal(all->pdata[0], nics[2]);
	assert_ptr_equal(all->pdata[1], nics[1]);
	assert_ptr_equal(all->pdata[2], nics[0]);
	assert_int_equal(by_key->len, 2);
	assert_int_equal(by_name->len, 2);
	assert_memory_equal(by_key->pdata, by_name->pdata, 2 * sizeof(gpointer));
	assert_ptr_equal(srv_model_nic(model, &rows[0].owner, "net0"), nics[1]);
	assert_ptr_equal(srv_model_nic_by_mac(model, rows[2].mac), nics[2]);
	/* The same name of another kind is another owner. */
	assert_null(srv_model_nic(model, &manual, "net0"));
	srv_model_free(model);
}

static struct srv_nic_row *heap_row(const char *id, uint8_t mac)
{
	struct srv_nic_row row = row_of("web1", id, mac);

	return srv_nic_row_copy(&row);
}

static struct srv_vf_row *heap_vf(uint32_t index, enum srv_vf_mark mark, const char *reason)
{
	struct srv_vf_row *row = g_new0(struct srv_vf_row, 1);

	*row = (struct srv_vf_row){ { { .bus = 1 }, index }, mark, g_strdup(reason) };
	return row;
}

static void loaded_ledger_meets_the_host(void **state)
{
	struct srv_ledger_image image = {
		.nics = g_ptr_array_new_with_free_func((GDestroyNotify)srv_nic_row_free),
		.vfs = g_ptr_array_new_with_free_func((GDestroyNotify)srv_vf_row_free)
	};
	struct srv_model *model = srv_model_new();
	struct srv_nic_row *row = heap_row("net0", 1);

	row->backing = SRV_BACKING_VF;
	row->vf = (struct srv_vf_ref){ { .bus = 1 }, 2 };
	row->state = SRV_NIC_ATTACHED;
	g_ptr_array_add(image.nics, row);
	row = heap_row("net1", 2);
	row->backing = SRV_BACKING_VIRTIO;
	row->uplink = g_strdup("enp1s0.100");
	row->state = SRV_NIC_ATTACHED;
	row->waiting_since = 1;
	g_ptr_array_add(image.nics, row);
	/* A VF that has an owner is never clean, whatever its row says. */
	g_ptr_array_add(image.vfs, heap_vf(2, SRV_VF_CLEAN, NULL));
	g_ptr_array_add(image.vfs, heap_vf(1, SRV_VF_QUARANTINED, "its reset failed"));
	g_ptr_array_add(image.vfs, heap_vf(0, SRV_VF_CLEAN, NULL));

	use_config(model, CONFIG);
	srv_model_load(model, &image);
	use_host(model, describe_make_pf(1, "enp1s0", 7, 3), NULL);
	assert_model(model, "pf 0000:01:00.0 enp1s0 configuring | wants 4 | "
			    "1 free, 1 owned, 1 quarantined\n"
			    "  vf 0 free\n"
			    "  vf 1 quarantined: its reset failed\n"
			    "  vf 2 owned by web1/net0\n"
			    "nic libvirt web1/net0 (key-1) on tenant-a exclusive 52:54:00:00:00:01 "
			    "attached vf enp1s0/2\n"
			    "nic libvirt web1/net1 (key-1) on tenant-a exclusive 52:54:00:00:00:02 "
			    "attached virtio on enp1s0.100 waits\n");
	assert_int_equal(vf_of(model, 1, 2)->mark, SRV_VF_DIRTY);
	srv_model_free(model);
	g_ptr_array_unref(image.nics);
	g_ptr_array_unref(image.vfs);
}

static void nic_attrs_are_the_networks_with_the_nics_mac(void **state)
{
	struct srv_config *config = parse(CONFIG);
	struct srv_model *model = srv_model_new();
	struct srv_nic_row row = row_of("web1", "net0", 1);
	struct srv_nic *nic = srv_model_add_nic(model, &row);
	struct snl_vf_attrs attrs = srv_nic_attrs(nic, srv_config_network(config, "tenant-a"));
	g_autofree char *text = snl_vf_attrs_format(&attrs, attrs.mask);

	assert_int_equal(attrs.mask, SNL_VF_ALL);
	assert_string_equal(text, "mac 52:54:00:00:00:01, vlan 100 qos 3, max rate 1000 Mbit/s, "
				  "spoofchk on, trust off, link state auto");
	srv_model_free(model);
	srv_config_unref(config);
}

static void aliases_of_different_ids_differ(void **state)
{
	static const char *const ids[] = { "net0", "a.b", "a_b", "a_db", "a__b", "a._b", "a_.b" };
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *simple = srv_nic_alias("net0"), *mixed = srv_nic_alias("a.b_c-d");

	assert_string_equal(simple, "ua-sriov-net0");
	assert_string_equal(mixed, "ua-sriov-a_db__c-d");
	for (size_t i = 0; i < G_N_ELEMENTS(ids); i++)
		assert_true(g_hash_table_add(seen, srv_nic_alias(ids[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_model_is_empty),
		cmocka_unit_test(inventory_joins_configuration_and_vfs_begin_dirty),
		cmocka_unit_test(configuration_that_changes_moves_pfs_in_and_out),
		cmocka_unit_test(state_of_a_pf_survives_a_new_inventory),
		cmocka_unit_test(vf_that_went_away_comes_back_dirty),
		cmocka_unit_test(pf_that_is_gone_keeps_its_owners_and_is_found_again_by_address),
		cmocka_unit_test(lookups_find_by_every_name),
		cmocka_unit_test(vf_state_says_why_a_vf_is_unusable),
		cmocka_unit_test(vf_is_fresh_only_until_somebody_has_it),
		cmocka_unit_test(vf_that_several_gave_up_knows_each_of_them_once),
		cmocka_unit_test(backing_moves_a_nic_from_vf_to_vf_to_virtio_to_none),
		cmocka_unit_test(nics_are_found_by_key_name_and_mac_in_order),
		cmocka_unit_test(loaded_ledger_meets_the_host),
		cmocka_unit_test(nic_attrs_are_the_networks_with_the_nics_mac),
		cmocka_unit_test(aliases_of_different_ids_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
