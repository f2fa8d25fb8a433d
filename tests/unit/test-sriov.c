// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "pci/inventory.h"
#include "pci/sriov.h"
#include "tests/support/fake-kernel.h"
#include "tests/support/tree.h"

#define DIR    "sys/devices/pci0000:00/"
#define PF_DIR DIR "0000:01:00.0"

static const struct sriov_bdf pf_bdf = { .bus = 1 };

/* A PF without VFs, and a kernel that reacts. */
static int setup(void **state)
{
	char *root = tree_new();

	tree_add_pf(
		root,
		&(struct tree_pf){
			.bus = 1, .total = 7, .netdev = "ens1", .ifindex = 2, .first_group = 10 });
	tree_file(root, PF_DIR "/sriov_drivers_autoprobe", "1");
	tree_dir(root, "sys/bus/pci/drivers/vfio-pci");
	tree_dir(root, "sys/bus/pci/drivers/igbvf");
	tree_file(root, "sys/bus/pci/drivers_probe", "");
	tree_dir(root, "dev/vfio");
	fake_kernel_reset(root);
	fake_kernel.vf_driver = "igbvf";
	fake_kernel.next_group = 11;
	*state = root;
	return 0;
}

static int teardown(void **state)
{
	tree_remove(*state);
	return 0;
}

static uint32_t create(const char *root, uint32_t count)
{
	sriov_autoerror err = NULL;
	uint32_t num = 0;

	assert_ok(spci_create_vfs(root, pf_bdf, count, &num, &err), err);
	return num;
}

static size_t count_vfs(const char *root)
{
	struct spci_pf *pf;
	size_t n;

	assert_int_equal(spci_pf_read(root, pf_bdf, &pf, NULL), 0);
	n = pf->n_vfs;
	spci_pf_free(pf);
	return n;
}

static void check_error(struct sriov_error *err, enum sriov_error_code code, int errnum,
			const char *subject, const char *part)
{
	assert_non_null(err);
	assert_int_equal(err->code, code);
	assert_int_equal(err->err, errnum);
	assert_string_equal(err->subject, subject);
	if (!strstr(err->message, part))
		fail_msg("\"%s\" is not in \"%s\"", part, err->message);
	sriov_error_free(err);
}

/* Creation fails this way, with not one VF made. */
static void check_refused(const char *root, uint32_t count, enum sriov_error_code code, int errnum,
			  const char *part)
{
	struct sriov_error *err = NULL;
	uint32_t num = 1234;

	assert_int_equal(spci_create_vfs(root, pf_bdf, count, &num, &err), -errnum);
	assert_int_equal(num, 1234);
	check_error(err, code, errnum, "0000:01:00.0", part);
}

static void create_vfs_autoprobe_off_before_number(void **state)
{
	assert_int_equal(create(*state, 7), 7);
	assert_string_equal(fake_kernel.writes->str, "0000:01:00.0/sriov_drivers_autoprobe=0\n"
						     "0000:01:00.0/sriov_numvfs=7\n");
	assert_int_equal(count_vfs(*state), 7);
}

static void create_vfs_host_driver_never_touches_them(void **state)
{
	struct spci_pf *pf;

	create(*state, 3);
	assert_int_equal(spci_pf_read(*state, pf_bdf, &pf, NULL), 0);
	assert_false(pf->drivers_autoprobe);
	for (size_t i = 0; i < 3; i++)
		assert_null(pf->vfs[i].driver);
	spci_pf_free(pf);
}

static void create_vfs_fewer_than_asked_number_of_kernel(void **state)
{
	fake_kernel.vf_limit = 4;
	assert_int_equal(create(*state, 7), 4);
	assert_int_equal(count_vfs(*state), 4);
}

static void create_vfs_pf_has_vfs_busy_untouched(void **state)
{
	create(*state, 2);
	g_string_truncate(fake_kernel.writes, 0);
	check_refused(*state, 5, SRIOV_ERROR_BUSY, EBUSY, "has 2 VFs already");
	check_refused(*state, 2, SRIOV_ERROR_BUSY, EBUSY, "has 2 VFs already");
	assert_string_equal(fake_kernel.writes->str, "");
	assert_int_equal(count_vfs(*state), 2);
}

static void create_vfs_count_out_of_range_invalid(void **state)
{
	check_refused(*state, 0, SRIOV_ERROR_INVALID, ERANGE, "1 to 7");
	check_refused(*state, 8, SRIOV_ERROR_INVALID, ERANGE, "1 to 7");
	check_refused(*state, UINT32_MAX, SRIOV_ERROR_INVALID, ERANGE, "1 to 7");
	assert_string_equal(fake_kernel.writes->str, "");
}

static void create_vfs_no_such_device_not_found(void **state)
{
	struct sriov_error *err = NULL;
	uint32_t num;

	assert_int_equal(spci_create_vfs(*state, (struct sriov_bdf){ .bus = 9 }, 1, &num, &err),
			 -ENOENT);
	check_error(err, SRIOV_ERROR_NOT_FOUND, ENOENT, "0000:09:00.0", "no such PCI function");
}

static void create_vfs_no_capability_not_supported(void **state)
{
	tree_delete(*state, PF_DIR "/sriov_totalvfs");
	check_refused(*state, 1, SRIOV_ERROR_NOT_SUPPORTED, EOPNOTSUPP, "no SR-IOV capability");
}

static void create_vfs_no_driver_explained(void **state)
{
	tree_delete(*state, PF_DIR "/driver");
	check_refused(*state, 1, SRIOV_ERROR_NOT_SUPPORTED, ENOENT, "no driver is bound");
}

/* FAULTS row 14: sriov_numvfs refused, or fewer VFs than asked */
static void create_vfs_refusals_of_kernel_explained(void **state)
{
	static const struct {
		int errnum;
		enum sriov_error_code code;
		const char *part;
	} cases[] = {
		{ ENOMEM, SRIOV_ERROR_DEVICE, "pci=realloc" },
		{ ENOSPC, SRIOV_ERROR_DEVICE, "interrupt vectors" },
		{ EIO, SRIOV_ERROR_DEVICE, "firmware" },
		{ EBUSY, SRIOV_ERROR_BUSY, "try again" },
		{ EAGAIN, SRIOV_ERROR_BUSY, "try again" },
		{ EINVAL, SRIOV_ERROR_INVALID, "dmesg" },
		{ EPERM, SRIOV_ERROR_DENIED, "forbids" },
		{ EOPNOTSUPP, SRIOV_ERROR_NOT_SUPPORTED, "mode" },
		{ EREMOTEIO, SRIOV_ERROR_DEVICE, "Remote I/O error" },
	};

	fake_kernel.fail_file = "sriov_numvfs";
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		fake_kernel.fail_errno = cases[i].errnum;
		check_refused(*state, 3, cases[i].code, cases[i].errnum, cases[i].part);
		check_refused(*state, 3, cases[i].code, cases[i].errnum, "creating 3 VFs");
	}
	assert_int_equal(count_vfs(*state), 0);
}

/* FAULTS row 14: sriov_numvfs refused, or fewer VFs than asked */
static void create_vfs_number_not_taken_device_error(void **state)
{
	fake_kernel.deaf_file = "sriov_numvfs";
	check_refused(*state, 3, SRIOV_ERROR_DEVICE, EIO, "it now has 0");
}

static void create_vfs_autoprobe_not_taken_no_vfs(void **state)
{
	fake_kernel.deaf_file = "sriov_drivers_autoprobe";
	check_refused(*state, 3, SRIOV_ERROR_DEVICE, EIO, "reads 1 after 0");
	assert_int_equal(count_vfs(*state), 0);
}

static void create_vfs_autoprobe_missing_not_supported(void **state)
{
	tree_delete(*state, PF_DIR "/sriov_drivers_autoprobe");
	check_refused(*state, 3, SRIOV_ERROR_NOT_SUPPORTED, ENOENT, "Linux 4.12");
	assert_int_equal(count_vfs(*state), 0);
}

static void create_vfs_other_helper_at_work_busy(void **state)
{
	g_autofree char *path = g_build_filename(*state, PF_DIR, NULL);
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(flock(fd, LOCK_SH), 0);
	check_refused(*state, 1, SRIOV_ERROR_BUSY, EBUSY, "earlier operation");
	assert_string_equal(fake_kernel.writes->str, "");
	close(fd);
	assert_int_equal(create(*state, 1), 1);
}

static void destroy_vfs_unused_all_gone(void **state)
{
	sriov_autoerror err = NULL;

	create(*state, 7);
	g_string_truncate(fake_kernel.writes, 0);
	assert_ok(spci_destroy_vfs(*state, pf_bdf, &err), err);
	assert_string_equal(fake_kernel.writes->str, "0000:01:00.0/sriov_numvfs=0\n");
	assert_int_equal(count_vfs(*state), 0);
}

static void destroy_vfs_none_nothing_written(void **state)
{
	sriov_autoerror err = NULL;

	assert_ok(spci_destroy_vfs(*state, pf_bdf, &err), err);
	assert_string_equal(fake_kernel.writes->str, "");
}

/* Three VFs; what is wrong with the second is in the tree: nothing is written, and the error names
 * it. */
static void check_destroy_refused(char *root, enum sriov_error_code code, int errnum,
				  const char *part)
{
	struct sriov_error *err = NULL;

	g_string_truncate(fake_kernel.writes, 0);
	assert_int_equal(spci_destroy_vfs(root, pf_bdf, &err), -errnum);
	check_error(err, code, errnum, "0000:01:02.1", part);
	assert_string_equal(fake_kernel.writes->str, "");
	assert_int_equal(count_vfs(root), 3);
}

#define SECOND DIR "0000:01:02.1"

static void destroy_vfs_open_through_vfio_busy(void **state)
{
	create(*state, 3);
	fake_kernel.busy_group = 12;
	tree_link(*state, SECOND "/driver", "../../../bus/pci/drivers/vfio-pci");
	check_destroy_refused(*state, SRIOV_ERROR_BUSY, EBUSY, "VFIO group 12");
}

static void destroy_vfs_vfio_closed_goes_ahead(void **state)
{
	sriov_autoerror err = NULL;

	create(*state, 3);
	tree_link(*state, SECOND "/driver", "../../../bus/pci/drivers/vfio-pci");
	tree_file(*state, "dev/vfio/12", "");
	assert_ok(spci_destroy_vfs(*state, pf_bdf, &err), err);
}

/* A sandbox that hides /dev/vfio must not make a guest's VF look free. */
static void destroy_vfs_vfio_node_hidden_busy(void **state)
{
	create(*state, 3);
	tree_link(*state, SECOND "/driver", "../../../bus/pci/drivers/vfio-pci");
	check_destroy_refused(*state, SRIOV_ERROR_BUSY, EBUSY, "/dev/vfio/12 is not there");
}

static void destroy_vfs_netdev_up_busy(void **state)
{
	create(*state, 3);
	tree_link(*state, SECOND "/driver", "../../../bus/pci/drivers/igbvf");
	tree_file(*state, SECOND "/net/ens1v1/flags", "0x1003");
	check_destroy_refused(*state, SRIOV_ERROR_BUSY, EBUSY, "its netdev ens1v1 is up");
}

static void destroy_vfs_netdev_down_goes_ahead(void **state)
{
	sriov_autoerror err = NULL;

	create(*state, 3);
	tree_link(*state, SECOND "/driver", "../../../bus/pci/drivers/igbvf");
	tree_file(*state, SECOND "/net/ens1v1/flags", "0x1002");
	assert_ok(spci_destroy_vfs(*state, pf_bdf, &err), err);
}

static void destroy_vfs_netdev_in_container_busy(void **state)
{
	create(*state, 3);
	tree_link(*state, SECOND "/driver", "../../../bus/pci/drivers/igbvf");
	tree_dir(*state, SECOND "/net");
	check_destroy_refused(*state, SRIOV_ERROR_BUSY, EBUSY, "another network namespace");
}

static void destroy_vfs_uio_busy(void **state)
{
	create(*state, 3);
	tree_link(*state, SECOND "/driver", "../../../bus/pci/drivers/uio_pci_generic");
	tree_dir(*state, SECOND "/uio/uio0");
	check_destroy_refused(*state, SRIOV_ERROR_BUSY, EBUSY, "uio_pci_generic");
}

static void destroy_vfs_not_taken_device_error(void **state)
{
	struct sriov_error *err = NULL;

	create(*state, 3);
	fake_kernel.deaf_file = "sriov_numvfs";
	assert_int_equal(spci_destroy_vfs(*state, pf_bdf, &err), -EIO);
	check_error(err, SRIOV_ERROR_DEVICE, EIO, "0000:01:00.0", "still has 3");
}

static void vfio_group_in_use_as_opening_says(void **state)
{
	tree_file(*state, "dev/vfio/12", "");
	tree_file(*state, "dev/vfio/noiommu-4", "");
	assert_int_equal(spci_vfio_group_in_use(*state, 12), 0);
	assert_int_equal(spci_vfio_group_in_use(*state, 13), 0);
	assert_int_equal(spci_vfio_group_in_use(*state, 4), 0);
	fake_kernel.busy_group = 12;
	assert_int_equal(spci_vfio_group_in_use(*state, 12), 1);
	assert_int_equal(spci_vfio_group_in_use("/nonexistent", 12), -ENOENT);
}

static void reset_writes_one(void **state)
{
	sriov_autoerror err = NULL;
	struct sriov_bdf vf;

	create(*state, 1);
	g_string_truncate(fake_kernel.writes, 0);
	assert_int_equal(sriov_bdf_parse("0000:01:02.0", &vf), 0);
	assert_ok(spci_reset(*state, vf, &err), err);
	assert_string_equal(fake_kernel.writes->str, "0000:01:02.0/reset=1\n");
}

static void reset_of_a_netdev_vf_takes_its_driver_away_meanwhile(void **state)
{
	sriov_autoerror err = NULL;
	struct sriov_bdf vf;

	create(*state, 1);
	tree_dir(*state, "sys/bus/pci/drivers/igbvf");
	fake_kernel.vf_driver = "igbvf";
	assert_int_equal(sriov_bdf_parse("0000:01:02.0", &vf), 0);
	assert_ok(spci_bind(*state, vf, NULL, &err), err);
	g_string_truncate(fake_kernel.writes, 0);
	assert_ok(spci_reset(*state, vf, &err), err);
	assert_string_equal(fake_kernel.writes->str, "0000:01:02.0/driver/unbind=0000:01:02.0\n"
						     "0000:01:02.0/reset=1\n"
						     "0000:01:00.0/sriov_drivers_autoprobe=1\n"
						     "drivers_probe=0000:01:02.0\n"
						     "0000:01:00.0/sriov_drivers_autoprobe=0\n");
	fake_kernel.fail_file = "reset";
	fake_kernel.fail_errno = EIO;
	assert_int_equal(spci_reset(*state, vf, &err), -EIO);
	assert_non_null(strstr(err->message, "the reset failed"));
	fake_kernel.fail_file = NULL;
	fake_kernel.refuses = "igbvf";
	sriov_error_clear(&err);
	assert_int_equal(spci_reset(*state, vf, &err), -ENODEV);
	assert_non_null(strstr(err->message, "igbvf did not take it"));
}

static void check_reset_refused(char *root, const char *bdf, enum sriov_error_code code, int errnum,
				const char *part)
{
	struct sriov_error *err = NULL;
	struct sriov_bdf vf;

	assert_int_equal(sriov_bdf_parse(bdf, &vf), 0);
	assert_int_equal(spci_reset(root, vf, &err), -errnum);
	check_error(err, code, errnum, bdf, part);
}

static void reset_refusals_explained(void **state)
{
	create(*state, 3);
	g_string_truncate(fake_kernel.writes, 0);
	fake_kernel.busy_group = 12;
	check_reset_refused(*state, "0000:01:02.1", SRIOV_ERROR_BUSY, EBUSY, "VFIO group 12");
	check_reset_refused(*state, "0000:01:00.0", SRIOV_ERROR_BUSY, EBUSY, "a PF with 3 VFs");
	check_reset_refused(*state, "0000:01:02.7", SRIOV_ERROR_NOT_FOUND, ENOENT, "no such");
	tree_delete(*state, DIR "0000:01:02.2/reset");
	check_reset_refused(*state, "0000:01:02.2", SRIOV_ERROR_NOT_SUPPORTED, EOPNOTSUPP,
			    "offers");
	assert_string_equal(fake_kernel.writes->str, "");

	fake_kernel.fail_file = "reset";
	fake_kernel.fail_errno = ENOTTY;
	check_reset_refused(*state, "0000:01:02.0", SRIOV_ERROR_DEVICE, ENOTTY, "does not answer");
	fake_kernel.fail_errno = EAGAIN;
	check_reset_refused(*state, "0000:01:02.0", SRIOV_ERROR_BUSY, EAGAIN, "try again");
	fake_kernel.fail_errno = EIO;
	check_reset_refused(*state, "0000:01:02.0", SRIOV_ERROR_DEVICE, EIO, "reset failed");
}

/* VFs of one PF are reset side by side, but not while the PF's VFs come or go. */
static void reset_shares_pf_with_other_vfs_only(void **state)
{
	g_autofree char *pf = g_build_filename(*state, PF_DIR, NULL);
	struct sriov_error *busy = NULL;
	sriov_autoerror err = NULL;
	struct sriov_bdf vf;
	int fd;

	create(*state, 2);
	assert_int_equal(sriov_bdf_parse("0000:01:02.0", &vf), 0);
	fd = open(pf, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	assert_ok(spci_reset(*state, vf, &err), err);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(spci_reset(*state, vf, &busy), -EBUSY);
	check_error(busy, SRIOV_ERROR_BUSY, EBUSY, "0000:01:00.0", "earlier operation");
	close(fd);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(create_vfs_autoprobe_off_before_number),
		CASE(create_vfs_host_driver_never_touches_them),
		CASE(create_vfs_fewer_than_asked_number_of_kernel),
		CASE(create_vfs_pf_has_vfs_busy_untouched),
		CASE(create_vfs_count_out_of_range_invalid),
		CASE(create_vfs_no_such_device_not_found),
		CASE(create_vfs_no_capability_not_supported),
		CASE(create_vfs_no_driver_explained),
		CASE(create_vfs_refusals_of_kernel_explained),
		CASE(create_vfs_number_not_taken_device_error),
		CASE(create_vfs_autoprobe_not_taken_no_vfs),
		CASE(create_vfs_autoprobe_missing_not_supported),
		CASE(create_vfs_other_helper_at_work_busy),
		CASE(destroy_vfs_unused_all_gone),
		CASE(destroy_vfs_none_nothing_written),
		CASE(destroy_vfs_open_through_vfio_busy),
		CASE(destroy_vfs_vfio_closed_goes_ahead),
		CASE(destroy_vfs_vfio_node_hidden_busy),
		CASE(destroy_vfs_netdev_up_busy),
		CASE(destroy_vfs_netdev_down_goes_ahead),
		CASE(destroy_vfs_netdev_in_container_busy),
		CASE(destroy_vfs_uio_busy),
		CASE(destroy_vfs_not_taken_device_error),
		CASE(vfio_group_in_use_as_opening_says),
		CASE(reset_writes_one),
		CASE(reset_of_a_netdev_vf_takes_its_driver_away_meanwhile),
		CASE(reset_refusals_explained),
		CASE(reset_shares_pf_with_other_vfs_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
