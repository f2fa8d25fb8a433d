// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <glib.h>

#include "pci/vector.h"
#include "tests/support/tree.h"

#define DEVICE "sys/bus/pci/devices/0000:01:10.1"

static const struct sriov_bdf vf = { .bus = 1, .device = 0x10, .function = 1 };

static void vectors_counted_when_requested(void **state)
{
	char *root = tree_new();

	tree_dir(root, DEVICE);
	/* MSI-X is off */
	assert_int_equal(spci_vectors_in_use(root, vf), 0);
	/* On, and nobody has asked for a vector */
	tree_file(root, DEVICE "/msi_irqs/40", "msix");
	tree_file(root, DEVICE "/msi_irqs/41", "msix");
	tree_file(root, "sys/kernel/irq/40/actions", "");
	tree_file(root, "sys/kernel/irq/41/actions", "");
	assert_int_equal(spci_vectors_in_use(root, vf), 0);
	tree_file(root, "sys/kernel/irq/41/actions", "vfio-msix[1](0000:01:10.1)");
	assert_int_equal(spci_vectors_in_use(root, vf), 1);
	/* A kernel that does not tell what the vector is for */
	tree_delete(root, "sys/kernel/irq/40/actions");
	assert_int_equal(spci_vectors_in_use(root, vf), 2);
	tree_remove(root);
}

static void vectors_of_a_missing_function_are_none(void **state)
{
	char *root = tree_new();

	tree_dir(root, "sys/bus/pci/devices");
	assert_int_equal(spci_vectors_in_use(root, vf), 0);
	tree_remove(root);
	assert_true(spci_vectors_in_use("/nonexistent", vf) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_counted_when_requested),
		cmocka_unit_test(vectors_of_a_missing_function_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
