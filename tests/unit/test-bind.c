// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <string.h>

#include "pci/inventory.h"
#include "pci/sriov.h"
#include "tests/support/fake-kernel.h"
#include "tests/support/tree.h"

#define DIR    "sys/devices/pci0000:00/"
#define PF_DIR DIR "0000:01:00.0"
#define VF_DIR DIR "0000:01:02.0"

static const struct sriov_bdf pf_bdf = { .bus = 1 };
static const struct sriov_bdf vf_bdf = { .bus = 1, .device = 2 };

/* A PF with two VFs that have no driver, as sriovd makes them. */
static int setup(void **state)
{
	char *root = tree_new();
	uint32_t num;

	tree_add_pf(
		root,
		&(struct tree_pf){
			.bus = 1, .total = 7, .netdev = "ens1", .ifindex = 2, .first_group = 10 });
	tree_dir(root, "sys/bus/pci/drivers/vfio-pci");
	tree_dir(root, "sys/bus/pci/drivers/igbvf");
	tree_file(root, "dev/vfio/11", "");
	fake_kernel_reset(root);
	fake_kernel.vf_driver = "igbvf";
	fake_kernel.next_group = 11;
	*state = root;
	if (spci_create_vfs(root, pf_bdf, 2, &num, NULL) < 0)
		return -1;
	g_string_truncate(fake_kernel.writes, 0);
	return 0;
}

static int teardown(void **state)
{
	tree_remove(*state);
	return 0;
}

static const char *driver_of(const char *root, size_t index)
{
	struct spci_pf *pf;
	const char *driver;

	assert_int_equal(spci_pf_read(root, pf_bdf, &pf, NULL), 0);
	driver = pf->vfs[index].driver; /* interned */
	spci_pf_free(pf);
	return driver;
}

static void check_file(const char *root, const char *path, const char *expected)
{
	g_autofree char *full = g_build_filename(root, path, NULL);
	g_autofree char *text = NULL;

	assert_true(g_file_get_contents(full, &text, NULL, NULL));
	assert_string_equal(g_strchomp(text), expected);
}

static void bind_ok(const char *root, const char *driver)
{
	sriov_autoerror err = NULL;

	assert_ok(spci_bind(root, vf_bdf, driver, &err), err);
}

static void check_refused(const char *root, const char *driver, enum sriov_error_code code,
			  int errnum, const char *part)
{
	struct sriov_error *err = NULL;

	assert_int_equal(spci_bind(root, vf_bdf, driver, &err), -errnum);
	assert_int_equal(err->code, code);
	assert_int_equal(err->err, errnum);
	assert_string_equal(err->subject, "0000:01:02.0");
	if (!strstr(err->message, part))
		fail_msg("\"%s\" is not in \"%s\"", part, err->message);
	sriov_error_free(err);
}

static void bind_vfio_override_then_probe(void **state)
{
	bind_ok(*state, "vfio-pci");
	assert_string_equal(fake_kernel.writes->str, "0000:01:02.0/driver_override=vfio-pci\n"
						     "drivers_probe=0000:01:02.0\n");
	assert_string_equal(driver_of(*state, 0), "vfio-pci");
	assert_null(driver_of(*state, 1));
	/* The override stays: the next probe must come to the same driver. */
	check_file(*state, VF_DIR "/driver_override", "vfio-pci");
}

static void bind_already_bound_nothing_written(void **state)
{
	bind_ok(*state, "vfio-pci");
	g_string_truncate(fake_kernel.writes, 0);
	/* Even while a guest has it. */
	fake_kernel.busy_group = 11;
	bind_ok(*state, "vfio-pci");
	assert_string_equal(fake_kernel.writes->str, "");
}

static void bind_bound_by_new_id_override_added_only(void **state)
{
	tree_link(*state, VF_DIR "/driver", "../../../bus/pci/drivers/vfio-pci");
	bind_ok(*state, "vfio-pci");
	assert_string_equal(fake_kernel.writes->str, "0000:01:02.0/driver_override=vfio-pci\n");
}

static void bind_other_driver_unbound_first(void **state)
{
	tree_link(*state, VF_DIR "/driver", "../../../bus/pci/drivers/igbvf");
	bind_ok(*state, "vfio-pci");
	assert_string_equal(fake_kernel.writes->str, "0000:01:02.0/driver_override=vfio-pci\n"
						     "0000:01:02.0/driver/unbind=0000:01:02.0\n"
						     "drivers_probe=0000:01:02.0\n");
	assert_string_equal(driver_of(*state, 0), "vfio-pci");
}

/* Without an override the kernel probes no VF while autoprobe is off: it is on just around the
 * probe. */
static void bind_default_autoprobe_on_around_probe(void **state)
{
	bind_ok(*state, "vfio-pci");
	g_string_truncate(fake_kernel.writes, 0);
	bind_ok(*state, NULL);
	assert_string_equal(fake_kernel.writes->str, "0000:01:02.0/driver_override=\\n\n"
						     "0000:01:02.0/driver/unbind=0000:01:02.0\n"
						     "0000:01:00.0/sriov_drivers_autoprobe=1\n"
						     "drivers_probe=0000:01:02.0\n"
						     "0000:01:00.0/sriov_drivers_autoprobe=0\n");
	assert_string_equal(driver_of(*state, 0), "igbvf");
	assert_null(driver_of(*state, 1));
	check_file(*state, PF_DIR "/sriov_drivers_autoprobe", "0");
	check_file(*state, VF_DIR "/driver_override", "(null)");
}

static void bind_default_autoprobe_on_already_left_alone(void **state)
{
	tree_file(*state, PF_DIR "/sriov_drivers_autoprobe", "1");
	bind_ok(*state, NULL);
	assert_null(strstr(fake_kernel.writes->str, "autoprobe"));
	assert_string_equal(driver_of(*state, 0), "igbvf");
	check_file(*state, PF_DIR "/sriov_drivers_autoprobe", "1");
}

static void bind_default_already_so_nothing_written(void **state)
{
	tree_link(*state, VF_DIR "/driver", "../../../bus/pci/drivers/igbvf");
	bind_ok(*state, NULL);
	assert_string_equal(fake_kernel.writes->str, "");
}

static void bind_default_nobody_takes_it_autoprobe_restored(void **state)
{
	fake_kernel.vf_driver = NULL;
	check_refused(*state, NULL, SRIOV_ERROR_DEVICE, ENODEV, "no driver took it");
	check_file(*state, PF_DIR "/sriov_drivers_autoprobe", "0");
}

static void bind_driver_not_loaded_untouched(void **state)
{
	tree_delete(*state, "sys/bus/pci/drivers/vfio-pci");
	check_refused(*state, "vfio-pci", SRIOV_ERROR_NOT_SUPPORTED, ENOENT, "modprobe vfio-pci");
	assert_string_equal(fake_kernel.writes->str, "");
}

static void bind_name_that_is_a_path_invalid(void **state)
{
	check_refused(*state, "../drivers", SRIOV_ERROR_INVALID, EINVAL, "name of a driver");
	check_refused(*state, "", SRIOV_ERROR_INVALID, EINVAL, "name of a driver");
	assert_string_equal(fake_kernel.writes->str, "");
}

/* The module of its own driver is loaded in this moment, see pci/bind.c. */
static void bind_while_another_driver_tries_it_probed_again(void **state)
{
	fake_kernel.deaf_probes = 3;
	bind_ok(*state, "vfio-pci");
	assert_string_equal(driver_of(*state, 0), "vfio-pci");
	check_file(*state, VF_DIR "/driver_override", "vfio-pci");
}

/* FAULTS row 21: vfio-pci missing, or bind fails */
static void bind_probe_fails_override_cleared(void **state)
{
	fake_kernel.refuses = "vfio-pci";
	check_refused(*state, "vfio-pci", SRIOV_ERROR_DEVICE, ENODEV, "vfio-pci did not take it");
	check_file(*state, VF_DIR "/driver_override", "(null)");
	assert_null(driver_of(*state, 0));
}

static void bind_vfio_without_group_says_iommu(void **state)
{
	tree_delete(*state, VF_DIR "/iommu_group");
	fake_kernel.refuses = "vfio-pci";
	check_refused(*state, "vfio-pci", SRIOV_ERROR_DEVICE, ENODEV, "no IOMMU group");
	check_file(*state, VF_DIR "/driver_override", "(null)");
}

static void bind_override_not_taken_device_error(void **state)
{
	fake_kernel.deaf_file = "driver_override";
	check_refused(*state, "vfio-pci", SRIOV_ERROR_DEVICE, EIO, "reads \"(null)\"");
	assert_null(strstr(fake_kernel.writes->str, "drivers_probe"));
}

static void bind_unbind_not_taken_device_error(void **state)
{
	tree_link(*state, VF_DIR "/driver", "../../../bus/pci/drivers/igbvf");
	fake_kernel.deaf_file = "unbind";
	check_refused(*state, "vfio-pci", SRIOV_ERROR_DEVICE, EBUSY, "still bound to igbvf");
	check_file(*state, VF_DIR "/driver_override", "(null)");
	assert_string_equal(driver_of(*state, 0), "igbvf");
}

static void bind_open_through_vfio_busy_untouched(void **state)
{
	bind_ok(*state, "vfio-pci");
	g_string_truncate(fake_kernel.writes, 0);
	fake_kernel.busy_group = 11;
	check_refused(*state, NULL, SRIOV_ERROR_BUSY, EBUSY, "VFIO group 11");
	assert_string_equal(fake_kernel.writes->str, "");
	check_file(*state, VF_DIR "/driver_override", "vfio-pci");
}

static void bind_netdev_in_container_busy_untouched(void **state)
{
	tree_link(*state, VF_DIR "/driver", "../../../bus/pci/drivers/igbvf");
	tree_dir(*state, VF_DIR "/net");
	check_refused(*state, "vfio-pci", SRIOV_ERROR_BUSY, EBUSY, "another network namespace");
	assert_string_equal(fake_kernel.writes->str, "");
}

/* NetworkManager and others bring up whatever netdev appears; that is no owner. */
static void bind_netdev_up_on_host_goes_ahead(void **state)
{
	tree_link(*state, VF_DIR "/driver", "../../../bus/pci/drivers/igbvf");
	tree_file(*state, VF_DIR "/net/ens1v0/flags", "0x1003");
	bind_ok(*state, "vfio-pci");
	assert_string_equal(driver_of(*state, 0), "vfio-pci");
}

static void bind_pf_with_vfs_busy(void **state)
{
	struct sriov_error *err = NULL;

	assert_int_equal(spci_bind(*state, pf_bdf, "vfio-pci", &err), -EBUSY);
	assert_int_equal(err->code, SRIOV_ERROR_BUSY);
	assert_string_equal(err->subject, "0000:01:00.0");
	sriov_error_free(err);
	assert_string_equal(fake_kernel.writes->str, "");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* first, because a process tries again for 2 s in all */
		CASE(bind_while_another_driver_tries_it_probed_again),
		CASE(bind_vfio_override_then_probe),
		CASE(bind_already_bound_nothing_written),
		CASE(bind_bound_by_new_id_override_added_only),
		CASE(bind_other_driver_unbound_first),
		CASE(bind_default_autoprobe_on_around_probe),
		CASE(bind_default_autoprobe_on_already_left_alone),
		CASE(bind_default_already_so_nothing_written),
		CASE(bind_default_nobody_takes_it_autoprobe_restored),
		CASE(bind_driver_not_loaded_untouched),
		CASE(bind_name_that_is_a_path_invalid),
		CASE(bind_probe_fails_override_cleared),
		CASE(bind_vfio_without_group_says_iommu),
		CASE(bind_override_not_taken_device_error),
		CASE(bind_unbind_not_taken_device_error),
		CASE(bind_open_through_vfio_busy_untouched),
		CASE(bind_netdev_in_container_busy_untouched),
		CASE(bind_netdev_up_on_host_goes_ahead),
		CASE(bind_pf_with_vfs_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
