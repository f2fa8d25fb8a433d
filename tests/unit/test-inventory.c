// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pci/inventory.h"
#include "tests/support/count.h"
#include "tests/support/describe.h"
#include "tests/support/tree.h"

#define GENERATED_PF "sys/devices/pci0000:00/0000:01:00.0"

static struct spci_inventory *read_inventory(const char *root)
{
	struct spci_inventory *inventory = NULL;
	sriov_autoerror err = NULL;

	assert_ok(spci_inventory_read(root, &inventory, &err), err);
	return inventory;
}

static char *describe_root(const char *root)
{
	struct spci_inventory *inventory = read_inventory(root);
	char *text = describe_inventory(inventory);

	spci_inventory_free(inventory);
	return text;
}

static struct sriov_bdf bdf(const char *text)
{
	struct sriov_bdf ret;

	assert_int_equal(sriov_bdf_parse(text, &ret), 0);
	return ret;
}

/* One PF with VFs, at 0000:01:00.0, in a tree of its own. */
static char *one_pf(uint32_t num, bool config)
{
	char *root = tree_new();

	tree_add_pf(root, &(struct tree_pf){ .bus = 1,
					     .total = 8,
					     .num = num,
					     .netdev = "ens1",
					     .ifindex = 2,
					     .vf_driver = "vfio-pci",
					     .first_group = 10,
					     .config = config });
	return root;
}

/* The snapshot of a host in tests/fixtures/hosts is what stands beside it. */
static void check_host(const char *name)
{
	g_autofree char *tree = g_strdup_printf("tests/fixtures/hosts/%s.tree", name);
	g_autofree char *relative = g_strdup_printf("tests/fixtures/hosts/%s.expected", name);
	g_autofree char *path = TEST_SOURCE(relative);
	g_autofree char *expected = NULL;
	char *root = tree_expand(tree);
	g_autofree char *actual = describe_root(root);

	tree_remove(root);
	assert_true(g_file_get_contents(path, &expected, NULL, NULL));
	assert_string_equal(actual, expected);
}

static void inventory_read_igb_with_iommu_whole(void **state)
{
	check_host("igb");
}

static void inventory_read_i40e_two_ports_whole(void **state)
{
	check_host("i40e");
}

static void inventory_read_mlx5_switchdev_and_infiniband_whole(void **state)
{
	check_host("mlx5");
}

/* FAULTS row 22: no IOMMU, or a shared group */
static void inventory_read_no_iommu_whole(void **state)
{
	check_host("noiommu");
}

/* Two ways of reading one PF, through the host's list and alone, come to the same. */
static void pf_read_equals_inventory(void **state)
{
	static const char *const hosts[] = { "igb", "i40e", "mlx5", "noiommu" };
	guint compared = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(hosts); i++) {
		g_autofree char *tree = g_strdup_printf("tests/fixtures/hosts/%s.tree", hosts[i]);
		char *root = tree_expand(tree);
		struct spci_inventory *inventory = read_inventory(root);

		for (guint n = 0; n < inventory->pfs->len; n++, compared++) {
			const struct spci_pf *expected = inventory->pfs->pdata[n];
			g_autofree char *a = describe_pf(expected);
			g_autofree char *b = NULL;
			sriov_autoerror err = NULL;
			struct spci_pf *pf;

			assert_ok(spci_pf_read(root, expected->bdf, &pf, &err), err);
			b = describe_pf(pf);
			assert_string_equal(a, b);
			assert_int_equal(g_strcmp0(pf->vendor_name, expected->vendor_name), 0);
			assert_int_equal(g_strcmp0(pf->device_name, expected->device_name), 0);
			spci_pf_free(pf);
		}
		spci_inventory_free(inventory);
		tree_remove(root);
	}
	assert_true(compared >= 7);
}

static void pf_read_not_a_pf_not_found(void **state)
{
	/* Nothing there; a VF; an NVMe controller; SR-IOV switched off; a bridge; an impossible
	 * domain. */
	static const char *const others[] = { "0000:01:00.0", "0000:3b:02.0", "0000:5e:00.0",
					      "0000:5f:00.0", "0000:3a:00.0", "ffffffff:00:00.0" };
	char *root = tree_expand("tests/fixtures/hosts/i40e.tree");

	for (size_t i = 0; i < G_N_ELEMENTS(others); i++) {
		struct spci_pf *pf = NULL;
		struct sriov_error *err = NULL;

		assert_true(spci_pf_read(root, bdf(others[i]), &pf, &err) < 0);
		assert_int_equal(err->code, SRIOV_ERROR_NOT_FOUND);
		assert_string_equal(err->subject, others[i]);
		assert_null(pf);
		sriov_error_free(err);
	}
	tree_remove(root);
}

static void inventory_read_no_sysfs_unavailable(void **state)
{
	struct spci_inventory *inventory = NULL;
	struct sriov_error *err = NULL;
	char *root = tree_new();
	g_autofree char *missing = g_build_filename(root, "missing", NULL);

	assert_int_equal(spci_inventory_read(root, &inventory, &err), -ENOENT);
	assert_int_equal(err->code, SRIOV_ERROR_UNAVAILABLE);
	sriov_error_clear(&err);
	assert_int_equal(spci_inventory_read(missing, &inventory, &err), -ENOENT);
	assert_int_equal(err->code, SRIOV_ERROR_UNAVAILABLE);
	sriov_error_clear(&err);
	assert_null(inventory);
	tree_remove(root);
}

static void inventory_read_empty_bus_no_pfs(void **state)
{
	char *root = tree_new();
	g_autofree char *text = NULL;

	tree_dir(root, "sys/bus/pci/devices");
	text = describe_root(root);
	assert_string_equal(text, "host\n");
	tree_remove(root);
}

/* libpci would end the program at such an entry. */
static void inventory_read_entry_that_is_no_address_left_out(void **state)
{
	char *root = one_pf(1, true);
	g_autofree char *before = describe_root(root);
	g_autofree char *after = NULL;

	tree_dir(root, "sys/bus/pci/devices/readme");
	tree_dir(root, "sys/bus/pci/devices/0000:01:00.8");
	tree_dir(root, "sys/bus/pci/devices/ffffffff:00:00.0");
	after = describe_root(root);
	assert_string_equal(after, before);
	tree_remove(root);
}

/* A PF whose ids are not to be read: libpci's way of saying so must not end us either. */
static void inventory_read_pf_without_ids_left_out(void **state)
{
	static const char *const files[] = { "vendor", "device", "class" };

	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		char *root = one_pf(1, true);
		g_autofree char *path = g_build_filename(GENERATED_PF, files[i], NULL);
		g_autofree char *text = NULL;

		tree_delete(root, path);
		text = describe_root(root);
		assert_string_equal(text, "host iommu vfio\n");
		tree_remove(root);
	}
}

static void inventory_find_by_address_and_netdev(void **state)
{
	char *root = tree_expand("tests/fixtures/hosts/i40e.tree");
	struct spci_inventory *inventory = read_inventory(root);
	const struct spci_pf *first = inventory->pfs->pdata[0], *second = inventory->pfs->pdata[1];

	assert_int_equal(inventory->pfs->len, 2);
	assert_ptr_equal(spci_inventory_find(inventory, bdf("0000:3b:00.0")), first);
	assert_ptr_equal(spci_inventory_find(inventory, bdf("0000:3b:00.1")), second);
	assert_null(spci_inventory_find(inventory, bdf("0000:3b:00.2")));
	assert_null(spci_inventory_find(inventory, bdf("0001:3b:00.0")));
	assert_null(spci_inventory_find(inventory, bdf("0000:00:00.0")));
	assert_ptr_equal(spci_inventory_find_netdev(inventory, "eno2"), second);
	assert_null(spci_inventory_find_netdev(inventory, "eno1v0"));
	spci_inventory_free(inventory);
	tree_remove(root);
}

static void names_known_device_from_pci_ids(void **state)
{
	struct spci_pf *pf = NULL;
	char *root;

	if (access("/usr/share/misc/pci.ids", R_OK) < 0)
		skip_because("there is no /usr/share/misc/pci.ids");
	root = one_pf(0, true);
	assert_int_equal(spci_pf_read(root, bdf("0000:01:00.0"), &pf, NULL), 0);
	assert_string_equal(pf->vendor_name, "Intel Corporation");
	assert_non_null(strstr(pf->device_name, "E810"));
	spci_pf_free(pf);
	tree_remove(root);
}

static void names_unknown_device_null(void **state)
{
	char *root = one_pf(0, true);
	struct spci_pf *pf = NULL;

	tree_file(root, GENERATED_PF "/vendor", "0xfff1");
	tree_file(root, GENERATED_PF "/device", "0xfff2");
	assert_int_equal(spci_pf_read(root, bdf("0000:01:00.0"), &pf, NULL), 0);
	assert_int_equal(pf->vendor, 0xfff1);
	assert_null(pf->vendor_name);
	assert_null(pf->device_name);
	spci_pf_free(pf);
	tree_remove(root);
}

/*
 * The kernel shows sriov_numvfs only with the PF's device lock, which a hanging driver holds. A
 * FIFO that nobody writes into hangs the same way: SIGALRM ends this program if the file is opened.
 */
static void inventory_read_numvfs_that_hangs_not_waited_for(void **state)
{
	char *root = one_pf(4, true);
	g_autofree char *path = g_build_filename(root, GENERATED_PF "/sriov_numvfs", NULL);
	struct spci_inventory *inventory;
	const struct spci_pf *pf;

	tree_delete(root, GENERATED_PF "/sriov_numvfs");
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(10);
	inventory = read_inventory(root);
	alarm(0);
	pf = inventory->pfs->pdata[0];
	assert_int_equal(pf->num_vfs, 4);
	assert_int_equal(pf->n_vfs, 4);
	spci_inventory_free(inventory);
	tree_remove(root);
}

/* Config space that is no use: cut off, of a device that has fallen off the bus, without the
 * capability. */
static void pf_read_config_unusable_falls_back_to_sysfs(void **state)
{
	static const int fills[] = { 0x00, 0xff };
	static const size_t sizes[] = { 0, 64, 256, 4096 };
	char *root = one_pf(3, true);
	g_autofree char *path = g_build_filename(root, GENERATED_PF "/config", NULL);
	g_autofree char *expected = NULL;
	struct spci_pf *pf;
	char bytes[4096];

	assert_int_equal(spci_pf_read(root, bdf("0000:01:00.0"), &pf, NULL), 0);
	expected = describe_pf(pf);
	assert_int_equal(pf->n_vfs, 3);
	spci_pf_free(pf);
	for (size_t i = 0; i < G_N_ELEMENTS(fills) * G_N_ELEMENTS(sizes); i++) {
		g_autofree char *actual = NULL;

		memset(bytes, fills[i % 2], sizeof(bytes));
		assert_true(g_file_set_contents(path, bytes, (gssize)sizes[i / 2], NULL));
		assert_int_equal(spci_pf_read(root, bdf("0000:01:00.0"), &pf, NULL), 0);
		actual = describe_pf(pf);
		assert_string_equal(actual, expected);
		spci_pf_free(pf);
	}
	tree_remove(root);
}

/* As under the service: 64 bytes of config space, and a write to sriov_numvfs that does not come
 * back. A file that nobody writes to hangs its readers as the kernel's does. */
static void pf_read_numvfs_hanging_not_waited_for(void **state)
{
	char *root = one_pf(3, false);
	g_autofree char *path = g_build_filename(root, GENERATED_PF "/sriov_numvfs", NULL);
	struct spci_pf *pf;

	tree_delete(root, GENERATED_PF "/sriov_numvfs");
	assert_int_equal(mkfifo(path, 0600), 0);
	alarm(60);
	assert_int_equal(spci_pf_read(root, bdf("0000:01:00.0"), &pf, NULL), 0);
	alarm(0);
	assert_int_equal(pf->num_vfs, 3);
	assert_int_equal(pf->n_vfs, 3);
	assert_int_equal(pf->vfs[2].index, 2);
	spci_pf_free(pf);
	tree_remove(root);
}

/* While VFs are destroyed, NumVFs may still stand there: VF Enable decides. */
static void pf_read_vf_enable_clear_no_vfs(void **state)
{
	char *root = one_pf(3, true);
	g_autofree char *path = g_build_filename(root, GENERATED_PF "/config", NULL);
	g_autofree char *bytes = NULL;
	struct spci_pf *pf;
	gsize len;

	assert_true(g_file_get_contents(path, &bytes, &len, NULL));
	bytes[0x108] &= ~1;
	assert_true(g_file_set_contents(path, bytes, (gssize)len, NULL));
	assert_int_equal(spci_pf_read(root, bdf("0000:01:00.0"), &pf, NULL), 0);
	assert_int_equal(pf->num_vfs, 0);
	assert_int_equal(pf->n_vfs, 0);
	assert_int_equal(pf->vf_offset, 0);
	spci_pf_free(pf);
	tree_remove(root);
}

static void inventory_read_vf_that_vanished_left_out(void **state)
{
	char *root = one_pf(3, true);
	struct spci_inventory *inventory;
	const struct spci_pf *pf;

	tree_delete(root, GENERATED_PF "/virtfn1");
	tree_delete(root, "sys/bus/pci/devices/0000:01:02.1");
	inventory = read_inventory(root);
	pf = inventory->pfs->pdata[0];
	assert_int_equal(pf->num_vfs, 3);
	assert_int_equal(pf->n_vfs, 2);
	assert_int_equal(pf->vfs[0].index, 0);
	assert_int_equal(pf->vfs[1].index, 2);
	spci_inventory_free(inventory);
	tree_remove(root);
}

static void pf_read_nonsense_in_files_unknown(void **state)
{
	static const struct {
		const char *file;
		const char *content;
	} nonsense[] = {
		{ "numa_node", "x" },
		{ "virtfn65535", "" },
		{ "virtfn2x", "" },
		{ "sriov_offset", "-1" },
		{ "sriov_vf_device", "10000" },
		{ "net/ens1/mtu", "99999999999999999999" },
		{ "net/ens1/ifindex", "4294967296" },
		{ "net/ens1/speed", "4294967295" },
		{ "net/ens1/type", "65534" },
		{ "net/ens1/address", "not a mac" },
		{ "net/ens1/carrier", "maybe" },
	};
	char *root = one_pf(2, false);
	g_autofree char *text = NULL;
	struct spci_pf *pf;

	for (size_t i = 0; i < G_N_ELEMENTS(nonsense); i++) {
		g_autofree char *path = g_build_filename(GENERATED_PF, nonsense[i].file, NULL);

		tree_file(root, path, nonsense[i].content);
	}
	assert_int_equal(spci_pf_read(root, bdf("0000:01:00.0"), &pf, NULL), 0);
	text = describe_pf(pf);
	assert_string_equal(text,
			    "pf 0000:01:00.0 8086:1592 driver=ice\n"
			    "  netdev=ens1 ifindex=0 mac=00:00:00:00:00:00 link=unknown admin_up "
			    "speed=0 mtu=0 type=-\n"
			    "  numa=-1 group=10 vfs=2/8 offset=0 stride=1 vf_device=0000 "
			    "autoprobe=0\n"
			    "  vf 0 0000:01:02.0 driver=vfio-pci group=11 netdev=-\n"
			    "  vf 1 0000:01:02.1 driver=vfio-pci group=12 netdev=-\n");
	spci_pf_free(pf);
	tree_remove(root);
}

static void pf_read_link_follows_flags_and_carrier(void **state)
{
	static const struct {
		const char *flags, *carrier, *operstate;
		enum spci_link link;
	} cases[] = {
		{ "0x1003", "1", "up", SPCI_LINK_UP },
		{ "0x1003", "0", "down", SPCI_LINK_DOWN },
		{ "0x1002", "1", "up", SPCI_LINK_DOWN },
		{ "0x1003", "1", "dormant", SPCI_LINK_UP },
		{ "0x1003", "1", "unknown", SPCI_LINK_UNKNOWN },
	};
	char *root = one_pf(0, true);

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct spci_pf *pf;

		tree_file(root, GENERATED_PF "/net/ens1/flags", cases[i].flags);
		tree_file(root, GENERATED_PF "/net/ens1/carrier", cases[i].carrier);
		tree_file(root, GENERATED_PF "/net/ens1/operstate", cases[i].operstate);
		assert_int_equal(spci_pf_read(root, bdf("0000:01:00.0"), &pf, NULL), 0);
		assert_int_equal(pf->link, cases[i].link);
		spci_pf_free(pf);
	}
	tree_remove(root);
}

/* Which of several netdevs is the port's, whatever order the directory gives them in. */
static void pf_read_several_netdevs_port_chosen(void **state)
{
	static const struct {
		const char *name, *port, *dev_port, *ifindex;
		bool expected;
	} sets[][3] = {
		{ { "rep0", "pf0vf0", "0", "3", false },
		  { "up", "p0", "0", "9", true },
		  { "rep1", "c1pf0vf1", "0", "4", false } },
		{ { "rep0", "pf0vfr0", "0", "3", false },
		  { "port", NULL, "0", "9", true },
		  { "sf", "pf0sf1", "0", "4", false } },
		{ { "b", NULL, "1", "3", false },
		  { "a", NULL, "0", "4", true },
		  { "rep", "0", "0", "2", false } },
		{ { "ib0.1", NULL, "0", "30", false },
		  { "ib0", NULL, "0", "4", true },
		  { "ib0.2", NULL, "0", "31", false } },
		{ { "odd", "n0", "0", "1", false },
		  { "split", "p0s1", "0", "5", true },
		  { "rep", "pf1vf0", "0", "2", false } },
	};
	char *root = one_pf(0, true);

	for (size_t set = 0; set < G_N_ELEMENTS(sets); set++) {
		const char *expected = NULL;
		struct spci_pf *pf;

		tree_delete(root, GENERATED_PF "/net");
		for (size_t i = 0; i < 3; i++) {
			g_autofree char *dir = g_build_filename(GENERATED_PF "/net",
								sets[set][i].name, NULL);
			g_autofree char *port = g_build_filename(dir, "phys_port_name", NULL);
			g_autofree char *dev_port = g_build_filename(dir, "dev_port", NULL);
			g_autofree char *ifindex = g_build_filename(dir, "ifindex", NULL);

			if (sets[set][i].port)
				tree_file(root, port, sets[set][i].port);
			tree_file(root, dev_port, sets[set][i].dev_port);
			tree_file(root, ifindex, sets[set][i].ifindex);
			if (sets[set][i].expected)
				expected = sets[set][i].name;
		}
		assert_int_equal(spci_pf_read(root, bdf("0000:01:00.0"), &pf, NULL), 0);
		assert_string_equal(pf->netdev, expected);
		spci_pf_free(pf);
	}
	tree_remove(root);
}

/* The uplink is in another namespace, only representors are to be seen: none of them is the port.
 */
static void pf_read_representors_only_no_netdev(void **state)
{
	char *root = one_pf(0, true);
	struct spci_pf *pf;

	tree_file(root, GENERATED_PF "/net/ens1/phys_port_name", "pf0vf0");
	assert_int_equal(spci_pf_read(root, bdf("0000:01:00.0"), &pf, NULL), 0);
	assert_null(pf->netdev);
	assert_int_equal(pf->ifindex, 0);
	assert_int_equal(pf->link, SPCI_LINK_UNKNOWN);
	spci_pf_free(pf);
	tree_remove(root);
}

static void read_once(void *data)
{
	struct spci_inventory *inventory;

	if (spci_inventory_read(data, &inventory, NULL) < 0)
		_exit(1);
	spci_inventory_free(inventory);
}

/* Hosts of 250, 500 and 10,000 VFs: what they add, PFs included, and that it stays the same. */
static void check_system_calls(const char *vf_driver)
{
	static const uint32_t sizes[] = { 0, 250, 500, 10000 };
	long calls[G_N_ELEMENTS(sizes)];

	for (size_t i = 0; i < G_N_ELEMENTS(sizes); i++) {
		char *root = tree_generate(sizes[i], vf_driver);
		struct spci_inventory *inventory = read_inventory(root);
		size_t vfs = 0;

		for (guint n = 0; n < inventory->pfs->len; n++)
			vfs += ((const struct spci_pf *)inventory->pfs->pdata[n])->n_vfs;
		assert_int_equal(vfs, sizes[i]);
		spci_inventory_free(inventory);
		calls[i] = count_system_calls(read_once, root);
		tree_remove(root);
		if (calls[i] < 0)
			skip_because("no right to count system calls (ptrace)");
	}
	for (size_t i = 1; i < G_N_ELEMENTS(sizes); i++)
		assert_true(calls[i] - calls[0] <= 6L * sizes[i]);
	/* Linear: 9,500 more cost what 250 more cost; 1 % for reading the longer list of functions.
	 */
	assert_true((calls[3] - calls[2]) * 250 <= (calls[2] - calls[1]) * 9500 * 101 / 100);
}

static void inventory_read_10000_vfs_on_vfio_six_calls_each_at_most(void **state)
{
	check_system_calls("vfio-pci");
}

static void inventory_read_10000_vfs_with_netdevs_six_calls_each_at_most(void **state)
{
	check_system_calls("iavf");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inventory_read_igb_with_iommu_whole),
		cmocka_unit_test(inventory_read_i40e_two_ports_whole),
		cmocka_unit_test(inventory_read_mlx5_switchdev_and_infiniband_whole),
		cmocka_unit_test(inventory_read_no_iommu_whole),
		cmocka_unit_test(pf_read_equals_inventory),
		cmocka_unit_test(pf_read_not_a_pf_not_found),
		cmocka_unit_test(inventory_read_no_sysfs_unavailable),
		cmocka_unit_test(inventory_read_empty_bus_no_pfs),
		cmocka_unit_test(inventory_read_entry_that_is_no_address_left_out),
		cmocka_unit_test(inventory_read_pf_without_ids_left_out),
		cmocka_unit_test(inventory_find_by_address_and_netdev),
		cmocka_unit_test(names_known_device_from_pci_ids),
		cmocka_unit_test(names_unknown_device_null),
		cmocka_unit_test(inventory_read_numvfs_that_hangs_not_waited_for),
		cmocka_unit_test(pf_read_config_unusable_falls_back_to_sysfs),
		cmocka_unit_test(pf_read_numvfs_hanging_not_waited_for),
		cmocka_unit_test(pf_read_vf_enable_clear_no_vfs),
		cmocka_unit_test(inventory_read_vf_that_vanished_left_out),
		cmocka_unit_test(pf_read_nonsense_in_files_unknown),
		cmocka_unit_test(pf_read_link_follows_flags_and_carrier),
		cmocka_unit_test(pf_read_several_netdevs_port_chosen),
		cmocka_unit_test(pf_read_representors_only_no_netdev),
		cmocka_unit_test(inventory_read_10000_vfs_on_vfio_six_calls_each_at_most),
		cmocka_unit_test(inventory_read_10000_vfs_with_netdevs_six_calls_each_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
