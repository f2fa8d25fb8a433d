// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Configurations, as CheckConfig takes them from any client: up to three files, split where the
 * input has a NUL. One that is accepted is then asked for pools and held against a host.
 */
#include <stdint.h>
#include <string.h>

#include "base/parse.h"
#include "srv/sriovd/config-parse.h"
#include "srv/sriovd/config.h"

#define FILES 3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct spci_pf pfs[] = {
	{ .bdf = { .bus = 1 },
	  .vendor = 0x8086,
	  .device = 0x10c9,
	  .driver = "igb",
	  .netdev = (char *)"enp1s0",
	  .link_type = "ether",
	  .total_vfs = 7 },
	{ .bdf = { .bus = 2 }, .vendor = 0x15b3, .device = 0x1017, .numa_node = -1, .num_vfs = 2 },
};

/* Text that can be sent, logged and shown: nothing in it moves a terminal's cursor. */
static bool is_clean(const char *text)
{
	if (!g_utf8_validate(text, -1, NULL))
		return false;
	for (const char *p = text; *p; p = g_utf8_next_char(p)) {
		if (!g_unichar_isprint(g_utf8_get_char(p)))
			return false;
	}
	return true;
}

static void check_problems(const GPtrArray *problems, bool refused)
{
	bool any_error = false;

	g_assert(problems->len <= SRV_CONFIG_PROBLEMS_MAX + 1);
	for (guint i = 0; i < problems->len; i++) {
		const struct srv_problem *problem = problems->pdata[i];

		g_assert(is_clean(problem->subject) && is_clean(problem->message));
		any_error = any_error || problem->is_error;
	}
	g_assert(any_error == refused);
}

/* The index by index answer and the answer in ranges are the same. */
static void check_selection(const struct srv_config *config, const struct spci_pf *pf)
{
	for (uint32_t vf = 0; vf < 8; vf++) {
		const struct srv_pool *first = NULL;

		for (guint i = 0; i < config->pools->len && !first; i++) {
			const struct srv_pool *pool = config->pools->pdata[i];
			g_autoptr(GArray) ranges = NULL;

			if (srv_pool_selects(pool, pf, &ranges) && sriov_ranges_contain(ranges, vf))
				first = pool;
		}
		g_assert(srv_config_pool_of(config, pf, vf) == first);
	}
}

static void check_config(const struct srv_config *config)
{
	g_autoptr(GPtrArray) host_pfs = g_ptr_array_new();
	g_autoptr(GPtrArray)
		problems = g_ptr_array_new_with_free_func((GDestroyNotify)srv_problem_free);
	const struct spci_inventory inventory = { .pfs = host_pfs };

	for (size_t i = 0; i < G_N_ELEMENTS(pfs); i++) {
		g_ptr_array_add(host_pfs, (gpointer)&pfs[i]);
		check_selection(config, &pfs[i]);
	}
	for (guint i = 0; i < config->networks->len; i++) {
		const struct srv_network *network = config->networks->pdata[i];

		g_assert(srv_config_pool(config, network->pool) != NULL);
		g_assert(srv_config_network(config, network->name) == network);
		g_assert(network->attrs.vlan <= 4094 && network->attrs.qos <= 7);
	}
	srv_config_check_host(config, &inventory, problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[FILES] = { "a.json", "conf.d/b.json", "conf.d/c.json" };
	g_autofree char *copy = g_malloc0(size + 1);
	const char *texts[FILES];
	g_autoptr(GPtrArray) problems = NULL;
	struct srv_config *config = NULL;
	size_t n = 0, at = 0;
	int r;

	memcpy(copy, data, size);
	while (n < FILES && at <= size) {
		texts[n++] = copy + at;
		at += strlen(copy + at) + 1;
	}
	r = srv_config_parse(names, texts, n, &config, &problems, NULL);
	check_problems(problems, r < 0);
	if (r == 0)
		check_config(config);
	srv_config_unref(config);
	return 0;
}
