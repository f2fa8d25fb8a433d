// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <string.h>

#include "base/parse.h"
#include "srv/sriovd/config-select.h"
#include "srv/sriovd/config.h"

/* enp1s0 of an Intel card on node 0, igb */
static const struct spci_pf pf_igb = {
	.bdf = { .bus = 1 },
	.vendor = 0x8086,
	.device = 0x10c9,
	.driver = "igb",
	.netdev = (char *)"enp1s0",
	.link_type = "ether",
	.numa_node = 0,
	.total_vfs = 7,
};

/* A PF that left for another network namespace, or whose driver is gone. */
static const struct spci_pf pf_bare = {
	.bdf = { .domain = 0x10000, .bus = 0x5e, .function = 1 },
	.vendor = 0x15b3,
	.device = 0x1017,
	.numa_node = -1,
	.total_vfs = 8,
};

static struct srv_config *parse(const char *text)
{
	const char *name = "a.json";
	struct srv_config *config = NULL;
	sriov_autoerror err = NULL;

	assert_ok(srv_config_parse(&name, &text, 1, &config, NULL, &err), err);
	return config;
}

/* What the pool of a "select" takes of a PF: "none", "all", or the indices. */
static char *selected(const char *select, const struct spci_pf *pf)
{
	g_autofree char *text = g_strdup_printf("{\"pools\":[{\"name\":\"p\",\"select\":%s}]}",
						select);
	struct srv_config *config = parse(text);
	g_autoptr(GArray) ranges = NULL;
	bool any = srv_pool_selects(config->pools->pdata[0], pf, &ranges);
	char *result = !any	? g_strdup("none")
		       : ranges ? sriov_ranges_format(ranges)
				: g_strdup("all");

	/* Index by index the same comes out. */
	for (uint32_t vf = 0; vf < 20; vf++)
		assert_true((srv_config_pool_of(config, pf, vf) != NULL) ==
			    (any && sriov_ranges_contain(ranges, vf)));
	assert_true((srv_config_pool_of(config, pf, UINT32_MAX) != NULL) == any);
	srv_config_unref(config);
	return result;
}

static void assert_selected(const char *select, const char *igb, const char *bare)
{
	g_autofree char *of_igb = selected(select, &pf_igb);
	g_autofree char *of_bare = selected(select, &pf_bare);

	assert_string_equal(of_igb, igb);
	assert_string_equal(of_bare, bare);
}

static void pool_selects_each_member(void **state)
{
	assert_selected("{\"vendors\":[\"8086\"]}", "all", "none");
	assert_selected("{\"vendors\":[\"1234\",\"15B3\"]}", "none", "all");
	assert_selected("{\"devices\":[\"10c9\",\"1017\"]}", "all", "all");
	assert_selected("{\"drivers\":[\"ixgbe\",\"igb\"]}", "all", "none");
	assert_selected("{\"numaNodes\":[0]}", "all", "none");
	assert_selected("{\"numaNodes\":[-1]}", "none", "all");
	assert_selected("{\"linkTypes\":[\"ether\"]}", "all", "none");
	assert_selected("{\"linkTypes\":[\"infiniband\"]}", "none", "none");
	assert_selected("{\"pfNames\":[\"enp1s0\"]}", "all", "none");
	assert_selected("{\"pfNames\":[\"enp1s00\"]}", "none", "none");
	assert_selected("{\"pfNames\":[\"enp1s0#0-3,5\"]}", "0-3,5", "none");
	assert_selected("{\"rootDevices\":[\"0000:01:00.0\"]}", "all", "none");
	assert_selected("{\"rootDevices\":[\"10000:5e:00.1#2\"]}", "none", "2");
}

static void pool_selects_members_all_must_match(void **state)
{
	assert_selected("{\"vendors\":[\"8086\"],\"drivers\":[\"igb\"]}", "all", "none");
	assert_selected("{\"vendors\":[\"8086\"],\"drivers\":[\"ice\"]}", "none", "none");
	assert_selected("{\"pfNames\":[\"enp1s0#0-3\"],\"devices\":[\"10c9\"]}", "0-3", "none");
	assert_selected("{\"pfNames\":[\"enp1s0#0-3\"],\"devices\":[\"1017\"]}", "none", "none");
	/* Both name the PF: the VFs that both name. */
	assert_selected("{\"pfNames\":[\"enp1s0#0-3\"],\"rootDevices\":[\"01:00.0#2-5\"]}", "2-3",
			"none");
	assert_selected("{\"pfNames\":[\"enp1s0#0-1\"],\"rootDevices\":[\"01:00.0#2-5\"]}", "none",
			"none");
	assert_selected("{\"pfNames\":[\"enp1s0#0-1\"],\"rootDevices\":[\"01:00.0\"]}", "0-1",
			"none");
}

static void pool_selects_entries_and_selectors_add_up(void **state)
{
	assert_selected("{\"pfNames\":[\"enp1s0#4\",\"enp1s0#0-2\",\"x\",\"enp1s0#3\"]}", "0-4",
			"none");
	assert_selected("{\"pfNames\":[\"enp1s0#4\",\"enp1s0\"]}", "all", "none");
	assert_selected("[{\"pfNames\":[\"enp1s0#1\"]},{\"vendors\":[\"15b3\"]}]", "1", "all");
	assert_selected("[{\"pfNames\":[\"enp1s0#1\"]},{\"drivers\":[\"igb\"]}]", "all", "none");
	assert_selected("[{\"pfNames\":[\"enp1s0#6\"]},{\"rootDevices\":[\"01:00.0#0-1\"]}]",
			"0-1,6", "none");
}

static void config_pool_of_splits_one_pf(void **state)
{
	struct srv_config *config = parse(
		"{\"pools\":[{\"name\":\"low\",\"select\":{\"pfNames\":[\"enp1s0#0-2\"]}},"
		"{\"name\":\"high\",\"select\":{\"pfNames\":[\"enp1s0#5-6\"]}}]}");
	static const char *const expected[] = { "low", "low",  "low",  NULL,
						NULL,  "high", "high", NULL };

	for (uint32_t vf = 0; vf < G_N_ELEMENTS(expected); vf++) {
		const struct srv_pool *pool = srv_config_pool_of(config, &pf_igb, vf);

		assert_int_equal(g_strcmp0(pool ? pool->name : NULL, expected[vf]), 0);
	}
	assert_string_equal(srv_config_pool_of(config, &pf_igb, UINT32_MAX)->name, "low");
	assert_null(srv_config_pool_of(config, &pf_bare, 0));
	assert_null(srv_config_pool_of(config, &pf_bare, UINT32_MAX));
	srv_config_unref(config);
}

static void selector_refuses_names_the_member(void **state)
{
	static const struct {
		const char *select, *igb, *bare;
	} cases[] = {
		{ "{\"vendors\":[\"15b3\"]}", "vendors", NULL },
		{ "{\"devices\":[\"1017\"]}", "devices", NULL },
		{ "{\"drivers\":[\"ice\"]}", "drivers", "drivers" },
		{ "{\"numaNodes\":[1]}", "numaNodes", "numaNodes" },
		{ "{\"linkTypes\":[\"infiniband\"]}", "linkTypes", "linkTypes" },
		{ "{\"pfNames\":[\"enp1s0\"],\"drivers\":[\"ice\"]}", "drivers", "pfNames" },
		{ "{\"rootDevices\":[\"01:00.0\"],\"numaNodes\":[0]}", NULL, "rootDevices" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = g_strdup_printf(
			"{\"pools\":[{\"name\":\"p\",\"select\":%s}]}", cases[i].select);
		struct srv_config *config = parse(text);
		const struct srv_pool *pool = config->pools->pdata[0];
		const struct srv_selector *selector = pool->selectors->pdata[0];

		assert_int_equal(g_strcmp0(srv_selector_refuses(selector, &pf_igb), cases[i].igb),
				 0);
		assert_int_equal(g_strcmp0(srv_selector_refuses(selector, &pf_bare), cases[i].bare),
				 0);
		srv_config_unref(config);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_selects_each_member),
		cmocka_unit_test(pool_selects_members_all_must_match),
		cmocka_unit_test(pool_selects_entries_and_selectors_add_up),
		cmocka_unit_test(config_pool_of_splits_one_pf),
		cmocka_unit_test(selector_refuses_names_the_member),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
