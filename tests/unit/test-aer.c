// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>

#include "pci/aer.h"
#include "tests/support/tree.h"

/* As Linux 6.12 shows it, some lines left out. */
#define FATAL                                                                                 \
	"Undefined 0\nDLP 0\nSDES 0\nTLP 0\nFCP 0\nCmpltTO 0\nCmpltAbrt 0\nUnxCmplt 0\nRxOF " \
	"0\nMalfTLP 2\nECRC 0\nUnsupReq 0\nACSViol 0\nTOTAL_ERR_FATAL 2\n"

static void aer_parse_takes_the_total(void **state)
{
	uint32_t n = 77;

	assert_int_equal(spci_aer_parse(FATAL, "TOTAL_ERR_FATAL", &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(spci_aer_parse("TOTAL_ERR_FATAL 3", "TOTAL_ERR_FATAL", &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(spci_aer_parse("TOTAL_ERR_FATAL 99999999999", "TOTAL_ERR_FATAL", &n), 0);
	assert_int_equal(n, UINT32_MAX);
}

static void aer_parse_anything_else_is_refused(void **state)
{
	static const char *const texts[] = { "",
					     "\n",
					     "TOTAL_ERR_FATAL",
					     "TOTAL_ERR_FATAL ",
					     "TOTAL_ERR_FATAL x\n",
					     "TOTAL_ERR_FATAL -1\n",
					     "TOTAL_ERR_FATAL 3 4\n",
					     "TOTAL_ERR_FATALITY 3\n",
					     "xTOTAL_ERR_FATAL 3\n",
					     "TOTAL_ERR_FATAL 99999999999999999999999999999\n",
					     "TOTAL_ERR_NONFATAL 3\n" };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		uint32_t n = 77;

		assert_int_equal(spci_aer_parse(texts[i], "TOTAL_ERR_FATAL", &n), -EINVAL);
		assert_int_equal(n, 77);
	}
}

static void aer_read_of_several_functions_tells_which_are_counted(void **state)
{
	const struct sriov_bdf bdfs[] = {
		{ 0, 1, 0, 0 }, { 0, 1, 2, 0 }, { 0, 1, 2, 1 }, { 0, 9, 0, 0 }
	};
	struct spci_aer found[4];
	char *root = tree_new();

	memset(found, 0xff, sizeof(found));
	tree_file(root, "sys/bus/pci/devices/0000:01:00.0/aer_dev_fatal", FATAL);
	tree_file(root, "sys/bus/pci/devices/0000:01:00.0/aer_dev_nonfatal",
		  "DLP 5\nTOTAL_ERR_NONFATAL 5");
	/* One of the two is none. */
	tree_file(root, "sys/bus/pci/devices/0000:01:02.0/aer_dev_fatal", FATAL);
	tree_dir(root, "sys/bus/pci/devices/0000:01:02.1");
	spci_aer_read(root, bdfs, 4, found);
	assert_true(found[0].known);
	assert_int_equal(found[0].fatal, 2);
	assert_int_equal(found[0].nonfatal, 5);
	assert_false(found[1].known);
	assert_false(found[2].known);
	assert_false(found[3].known);
	spci_aer_read("/nowhere", bdfs, 1, found);
	assert_false(found[0].known);
	tree_remove(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aer_parse_takes_the_total),
		cmocka_unit_test(aer_parse_anything_else_is_refused),
		cmocka_unit_test(aer_read_of_several_functions_tells_which_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
