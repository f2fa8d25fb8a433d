// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/fake-libvirt.h"

#include <errno.h>

static void each_error_of_libvirt_has_its_kind(void **state)
{
	static const struct {
		int libvirt;
		const char *words;
		enum sriov_error_code code;
		int err;
		const char *text;
	} cases[] = {
		{ VIR_ERR_NO_DOMAIN, "Domain not found: no domain with matching name 'web1'",
		  SRIOV_ERROR_NOT_FOUND, ENOENT,
		  "domain web1: it cannot be found: Domain not found: no domain with matching name "
		  "'web1'" },
		{ VIR_ERR_DEVICE_MISSING, "device not found: no device found with alias ua-x",
		  SRIOV_ERROR_NOT_FOUND, ENODEV,
		  "domain web1: it cannot be found: device not found: no device found with alias "
		  "ua-x" },
		{ VIR_ERR_OPERATION_TIMEOUT,
		  "Timed out during operation: cannot acquire state change lock (held by "
		  "monitor=remoteDispatchDomainCreate)",
		  SRIOV_ERROR_BUSY, EBUSY,
		  "domain web1: it cannot be found: libvirt is busy with another operation on the "
		  "domain (its start and its hooks, a migration, a snapshot); try again when that "
		  "is over (Timed out during operation: cannot acquire state change lock (held by "
		  "monitor=remoteDispatchDomainCreate))" },
		{ VIR_ERR_OPERATION_FAILED, "operation failed: unplug of device was rejected",
		  SRIOV_ERROR_DEVICE, EIO,
		  "domain web1: it cannot be found: operation failed: unplug of device was "
		  "rejected" },
		/* One sentence: no lines, no control characters, no full stop, UTF-8. */
		{ VIR_ERR_INTERNAL_ERROR, "qemu: a\nb\x1b[31mc\xff.\n", SRIOV_ERROR_DEVICE, EIO,
		  "domain web1: it cannot be found: qemu: a b [31mc\xef\xbf\xbd" },
		{ VIR_ERR_INTERNAL_ERROR, "", SRIOV_ERROR_DEVICE, EIO,
		  "domain web1: it cannot be found: libvirt gave no reason" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		sriov_autoerror err = NULL;
		int r;

		fake_error(cases[i].libvirt, cases[i].words);
		r = srv_virt_error(&err, NULL, "domain web1", "it cannot be found");
		expect_failure(r, err, cases[i].code, cases[i].text);
		assert_int_equal(err->err, cases[i].err);
	}
}

static void error_of_a_dead_connection_is_unavailable(void **state)
{
	virConnectPtr conn = REAL(virConnectOpen)("test:///default");
	sriov_autoerror err = NULL;
	sriov_autoerror other = NULL;
	sriov_autoerror alive = NULL;
	int r;

	fake.dead = true;
	fake_error(VIR_ERR_INTERNAL_ERROR, "client socket is closed");
	r = srv_virt_error(&err, conn, NULL, "the domains cannot be listed");
	expect_failure(r, err, SRIOV_ERROR_UNAVAILABLE,
		       "the domains cannot be listed: the connection to libvirt was lost, and "
		       "sriovd connects again by itself (client socket is closed)");
	assert_int_equal(err->err, ENOTCONN);
	/* What was answered before it died stands. */
	fake_error(VIR_ERR_NO_DOMAIN, "no domain");
	assert_int_equal(srv_virt_error(&other, conn, NULL, "it cannot be found"), -ENOENT);
	fake.dead = false;
	fake_error(VIR_ERR_INTERNAL_ERROR, "client socket is closed");
	r = srv_virt_error(&alive, conn, NULL, "the domains cannot be listed");
	expect_failure(r, alive, SRIOV_ERROR_DEVICE,
		       "the domains cannot be listed: client socket is closed");
	virConnectClose(conn);
}

static void domain_error_names_the_domain(void **state)
{
	virConnectPtr conn = REAL(virConnectOpen)("test:///default");
	virDomainPtr domain = virDomainLookupByName(conn, "test");
	sriov_autoerror err = NULL;
	sriov_autoerror dead = NULL;
	int r;

	fake_error(VIR_ERR_INTERNAL_ERROR, "no");
	r = srv_virt_domain_error(&err, domain, "it cannot be started");
	expect_failure(r, err, SRIOV_ERROR_DEVICE, "domain test: it cannot be started: no");
	fake.dead = true;
	fake_error(VIR_ERR_INTERNAL_ERROR, "no");
	r = srv_virt_domain_error(&dead, domain, "it cannot be started");
	expect_failure(r, dead, SRIOV_ERROR_UNAVAILABLE,
		       "domain test: it cannot be started: the connection to libvirt was lost, and "
		       "sriovd connects again by itself (no)");
	fake_reset();
	virDomainFree(domain);
	virConnectClose(conn);
}

static void error_without_one_of_libvirt_is_a_device_error(void **state)
{
	sriov_autoerror err = NULL;
	int r;

	virResetLastError();
	r = srv_virt_error(&err, NULL, NULL, "it cannot be found");
	expect_failure(r, err, SRIOV_ERROR_DEVICE, "it cannot be found: libvirt gave no reason");
	/* And nobody needs to want it. */
	assert_int_equal(srv_virt_error(NULL, NULL, NULL, "x"), -EIO);
}

static void no_domain_is_only_the_domain(void **state)
{
	fake_error(VIR_ERR_NO_DOMAIN, NULL);
	assert_true(srv_virt_no_domain());
	fake_error(VIR_ERR_NO_DOMAIN_METADATA, NULL);
	assert_false(srv_virt_no_domain());
	virResetLastError();
	assert_false(srv_virt_no_domain());
}

static void ignore(void *data, virErrorPtr error)
{
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_error_of_libvirt_has_its_kind),
		cmocka_unit_test(error_of_a_dead_connection_is_unavailable),
		cmocka_unit_test(domain_error_names_the_domain),
		cmocka_unit_test(error_without_one_of_libvirt_is_a_device_error),
		cmocka_unit_test(no_domain_is_only_the_domain),
	};

	virSetErrorFunc(NULL, ignore);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
