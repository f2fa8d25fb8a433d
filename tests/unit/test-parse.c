// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>

#include "base/bdf.h"
#include "base/mac.h"
#include "base/parse.h"

static void bdf_parse_canonical_roundtrip(void **state)
{
	static const char *const texts[] = { "0000:01:10.6", "0000:ff:1f.7", "10000:e1:00.0",
					     "ffffffff:00:00.0" };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		char buf[SRIOV_BDF_STRLEN];
		struct sriov_bdf bdf;

		assert_int_equal(sriov_bdf_parse(texts[i], &bdf), 0);
		assert_string_equal(sriov_bdf_format(bdf, buf), texts[i]);
		assert_true(sriov_bdf_equal(sriov_bdf_from_key(sriov_bdf_key(bdf)), bdf));
	}
}

static void bdf_parse_short_form_means_domain_zero(void **state)
{
	char buf[SRIOV_BDF_STRLEN];
	struct sriov_bdf bdf;

	assert_int_equal(sriov_bdf_parse("3b:00.1", &bdf), 0);
	assert_string_equal(sriov_bdf_format(bdf, buf), "0000:3b:00.1");
}

static void bdf_parse_malformed_refused(void **state)
{
	static const char *const texts[] = { "",
					     "0000:01:10.8",
					     "0000:01:20.0",
					     "0000:01:10",
					     "01:10.6 ",
					     "../../etc",
					     "000:01:10.6",
					     "0000:1:10.6",
					     "0000:01:10.6x",
					     "123456789:01:10.6",
					     "0000:01:10:6" };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		struct sriov_bdf bdf = { 7, 7, 7, 7 };

		assert_int_equal(sriov_bdf_parse(texts[i], &bdf), -EINVAL);
		assert_int_equal(bdf.domain, 7);
	}
}

static void mac_parse_roundtrip_and_classes(void **state)
{
	char buf[SRIOV_MAC_STRLEN];
	struct sriov_mac mac;

	assert_int_equal(sriov_mac_parse("52-54-00-AA-00-11", &mac), 0);
	assert_string_equal(sriov_mac_format(mac, buf), "52:54:00:aa:00:11");
	assert_true(sriov_mac_is_valid(mac));
	assert_int_equal(sriov_mac_parse("01:00:5e:00:00:01", &mac), 0);
	assert_true(sriov_mac_is_multicast(mac));
	assert_false(sriov_mac_is_valid(mac));
	assert_int_equal(sriov_mac_parse("00:00:00:00:00:00", &mac), 0);
	assert_true(sriov_mac_is_zero(mac));
}

static void mac_parse_malformed_refused(void **state)
{
	static const char *const texts[] = { "",
					     "5",
					     "52:54:00:aa:00",
					     "52:54:00:aa:00:1g",
					     "52:54:00:aa:00:11:22",
					     "52:54-00:aa:00:11",
					     "525400aa0011" };
	struct sriov_mac mac;

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		assert_int_equal(sriov_mac_parse(texts[i], &mac), -EINVAL);
}

static void mac_derive_is_stable_and_differs(void **state)
{
	struct sriov_mac a = sriov_mac_derive("u1", "net0", 0);

	assert_true(sriov_mac_equal(a, sriov_mac_derive("u1", "net0", 0)));
	assert_false(sriov_mac_equal(a, sriov_mac_derive("u1", "net1", 0)));
	assert_false(sriov_mac_equal(a, sriov_mac_derive("u1", "net0", 1)));
	assert_true(sriov_mac_is_valid(a));
	assert_int_equal(a.octet[0], 0x52);
}

static void u64_parse_limits(void **state)
{
	uint64_t value = 1;

	assert_int_equal(sriov_parse_u64("4094", 10, 4094, &value), 0);
	assert_int_equal(value, 4094);
	assert_int_equal(sriov_parse_u64("4095", 10, 4094, &value), -ERANGE);
	assert_int_equal(sriov_parse_u64("99999999999999999999", 10, UINT64_MAX, &value), -ERANGE);
	assert_int_equal(sriov_parse_u64("-1", 10, 10, &value), -EINVAL);
	assert_int_equal(sriov_parse_u64(" 1", 10, 10, &value), -EINVAL);
	assert_int_equal(sriov_parse_u64("1 ", 10, 10, &value), -EINVAL);
	assert_int_equal(sriov_parse_u64("0x8086", 0, UINT16_MAX, &value), 0);
	assert_int_equal(value, 0x8086);
}

static void ranges_parse_sorts_and_merges(void **state)
{
	g_autoptr(GArray) ranges = NULL;
	g_autofree char *text = NULL;

	assert_int_equal(sriov_ranges_parse("5,0-3,4,9-10,9", 255, &ranges), 0);
	text = sriov_ranges_format(ranges);
	assert_string_equal(text, "0-5,9-10");
	assert_true(sriov_ranges_contain(ranges, 10));
	assert_false(sriov_ranges_contain(ranges, 6));
	assert_true(sriov_ranges_contain(NULL, 6));
}

static void ranges_parse_malformed_refused(void **state)
{
	static const char *const texts[] = { "", "3-1", "a", "1,", "1--2", "-3", "1-" };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		GArray *ranges = NULL;

		assert_int_equal(sriov_ranges_parse(texts[i], 255, &ranges), -EINVAL);
		assert_null(ranges);
	}
	assert_int_equal(sriov_ranges_parse("256", 255, &(GArray *){ NULL }), -ERANGE);
}

static void ranges_overlap_names_the_first(void **state)
{
	g_autoptr(GArray) a = NULL;
	g_autoptr(GArray) b = NULL;
	uint32_t at;

	assert_int_equal(sriov_ranges_parse("0-3", 255, &a), 0);
	assert_int_equal(sriov_ranges_parse("3-5", 255, &b), 0);
	assert_true(sriov_ranges_overlap(a, b, &at));
	assert_int_equal(at, 3);
	assert_true(sriov_ranges_overlap(NULL, b, &at));
	assert_int_equal(at, 3);
	g_array_index(b, struct sriov_range, 0).first = 4;
	assert_false(sriov_ranges_overlap(a, b, &at));
}

static void name_rules(void **state)
{
	assert_true(sriov_name_is_valid("tenant-a"));
	assert_true(sriov_name_is_valid("0.a_b"));
	assert_false(sriov_name_is_valid(""));
	assert_false(sriov_name_is_valid("-a"));
	assert_false(sriov_name_is_valid("a/b"));
	assert_false(sriov_name_is_valid("a\nb"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bdf_parse_canonical_roundtrip),
		cmocka_unit_test(bdf_parse_short_form_means_domain_zero),
		cmocka_unit_test(bdf_parse_malformed_refused),
		cmocka_unit_test(mac_parse_roundtrip_and_classes),
		cmocka_unit_test(mac_parse_malformed_refused),
		cmocka_unit_test(mac_derive_is_stable_and_differs),
		cmocka_unit_test(u64_parse_limits),
		cmocka_unit_test(ranges_parse_sorts_and_merges),
		cmocka_unit_test(ranges_parse_malformed_refused),
		cmocka_unit_test(ranges_overlap_names_the_first),
		cmocka_unit_test(name_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
