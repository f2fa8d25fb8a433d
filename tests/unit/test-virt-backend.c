// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sysfs.h"
#include "srv/sriovd/virt-internal.h"
#include "tests/support/tree.h"

static const char *backend(const char *root, const char *name)
{
	sriov_autofd int fd = sriov_sysroot_open(root);

	return srv_virt_backend_at(fd, name);
}

static char *tree_with_qemu(void)
{
	char *root = tree_new();

	/* As libvirt writes it: without a newline of its own, which does not matter. */
	tree_file(root, "run/libvirt/qemu/web1.pid", "4711");
	tree_link(root, "proc/4711/fd/0", "/dev/null");
	tree_link(root, "proc/4711/fd/7", "anon_inode:kvm-vm");
	tree_link(root, "proc/4711/fd/12", "/dev/vhost-net2");
	tree_link(root, "proc/4711/fd/13", "/dev/vhost");
	return root;
}

static void backend_with_vhost_open_is_vhost(void **state)
{
	char *root = tree_with_qemu();

	tree_link(root, "proc/4711/fd/31", "/dev/vhost-net");
	assert_string_equal(backend(root, "web1"), "vhost");
	tree_remove(root);
}

static void backend_without_vhost_open_is_qemu(void **state)
{
	char *root = tree_with_qemu();

	assert_string_equal(backend(root, "web1"), "qemu");
	tree_remove(root);
}

static void backend_of_a_domain_that_does_not_run_cannot_be_told(void **state)
{
	char *root = tree_with_qemu();

	assert_null(backend(root, "web2"));
	tree_remove(root);
}

static void backend_of_a_process_that_is_gone_or_hidden_cannot_be_told(void **state)
{
	char *root = tree_with_qemu();

	tree_file(root, "run/libvirt/qemu/web1.pid", "4712");
	assert_null(backend(root, "web1"));
	tree_remove(root);
}

static void backend_of_a_bad_pid_file_cannot_be_told(void **state)
{
	static const char *const bad[] = { "",
					   "x",
					   "4711x",
					   "-1",
					   "../4711",
					   "4294967296",
					   "47114711471147114711471147114711471147114711" };
	char *root = tree_with_qemu();

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		tree_file(root, "run/libvirt/qemu/web1.pid", bad[i]);
		assert_null(backend(root, "web1"));
	}
	tree_remove(root);
}

static void backend_of_a_name_that_is_a_path_cannot_be_told(void **state)
{
	char *root = tree_with_qemu();
	char name[300];

	assert_null(backend(root, ""));
	tree_file(root, "run/libvirt/web1.pid", "4711");
	assert_null(backend(root, "../web1"));
	assert_null(backend(root, "../qemu/web1"));
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_null(backend(root, name));
	tree_remove(root);
}

/* QEMU's open files are not for everybody; its threads are. */
static const char *backend_denied(const char *root, const char *name)
{
	g_autofree char *fds = g_build_filename(root, "proc/4711/fd", NULL);
	sriov_autofd int fd = sriov_sysroot_open(root);
	const char *found;
	uid_t uid = geteuid();

	assert_int_equal(chmod(root, 0755), 0);
	assert_int_equal(chmod(fds, 0), 0);
	assert_int_equal(uid == 0 ? seteuid(65534) : 0, 0);
	found = srv_virt_backend_at(fd, name);
	assert_int_equal(uid == 0 ? seteuid(uid) : 0, 0);
	assert_int_equal(chmod(fds, 0755), 0);
	return found;
}

static void backend_of_a_process_that_hides_its_files_is_told_by_its_threads(void **state)
{
	char *root = tree_with_qemu();

	tree_file(root, "proc/4711/comm", "qemu-system-x86");
	tree_file(root, "proc/4711/task/4711/comm", "qemu-system-x86");
	tree_file(root, "proc/4711/task/4712/comm", "vhost-47");
	assert_string_equal(backend_denied(root, "web1"), "qemu");
	tree_file(root, "proc/4711/task/4713/comm", "vhost-4711");
	assert_string_equal(backend_denied(root, "web1"), "vhost");
	tree_remove(root);
}

/* Before Linux 6.4 they were the kernel's. */
static void backend_of_a_process_with_a_thread_of_the_kernel_is_vhost(void **state)
{
	char *root = tree_with_qemu();

	tree_file(root, "proc/4711/task/4711/comm", "qemu-system-x86");
	tree_file(root, "proc/99/comm", "vhost-4711");
	assert_string_equal(backend_denied(root, "web1"), "vhost");
	tree_remove(root);
}

static void backend_without_a_root_cannot_be_told(void **state)
{
	assert_null(srv_virt_backend_at(-ENOENT, "web1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(backend_with_vhost_open_is_vhost),
		cmocka_unit_test(backend_without_vhost_open_is_qemu),
		cmocka_unit_test(backend_of_a_domain_that_does_not_run_cannot_be_told),
		cmocka_unit_test(backend_of_a_process_that_is_gone_or_hidden_cannot_be_told),
		cmocka_unit_test(backend_of_a_bad_pid_file_cannot_be_told),
		cmocka_unit_test(backend_of_a_name_that_is_a_path_cannot_be_told),
		cmocka_unit_test(backend_of_a_process_that_hides_its_files_is_told_by_its_threads),
		cmocka_unit_test(backend_of_a_process_with_a_thread_of_the_kernel_is_vhost),
		cmocka_unit_test(backend_without_a_root_cannot_be_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
