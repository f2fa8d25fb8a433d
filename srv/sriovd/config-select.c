// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which pool a VF belongs to. As in the SR-IOV device plugin: the members of a selector that are
 * given must all match, each with any of its entries; a pool is the union of its selectors.
 */
#include "srv/sriovd/config-select.h"

#include <string.h>

#include "base/parse.h"

bool srv_function_is(const struct srv_function_selector *function, const struct spci_pf *pf)
{
	if (function->name)
		return g_strcmp0(function->name, pf->netdev) == 0;
	return sriov_bdf_equal(function->bdf, pf->bdf);
}

static bool has_id(const GArray *ids, uint16_t id)
{
	for (guint i = 0; ids && i < ids->len; i++) {
		if (g_array_index(ids, uint16_t, i) == id)
			return true;
	}
	return !ids;
}

static bool has_word(const GPtrArray *words, const char *word)
{
	for (guint i = 0; words && i < words->len; i++) {
		if (g_strcmp0(words->pdata[i], word) == 0)
			return true;
	}
	return !words;
}

static bool has_node(const GArray *nodes, int node)
{
	for (guint i = 0; nodes && i < nodes->len; i++) {
		if (g_array_index(nodes, int, i) == node)
			return true;
	}
	return !nodes;
}

static bool has_function(const GPtrArray *functions, const struct spci_pf *pf)
{
	for (guint i = 0; functions && i < functions->len; i++) {
		if (srv_function_is(functions->pdata[i], pf))
			return true;
	}
	return !functions;
}

/* Everything but the PF's own name, which needs the VF's index too. */
static const char *refused_property(const struct srv_selector *selector, const struct spci_pf *pf)
{
	if (!has_id(selector->vendors, pf->vendor))
		return "vendors";
	if (!has_id(selector->devices, pf->device))
		return "devices";
	if (!has_word(selector->drivers, pf->driver))
		return "drivers";
	if (!has_node(selector->numa_nodes, pf->numa_node))
		return "numaNodes";
	if (!has_word(selector->link_types, pf->link_type))
		return "linkTypes";
	return NULL;
}

const char *srv_selector_refuses(const struct srv_selector *selector, const struct spci_pf *pf)
{
	/* The name first: who wrote it meant this PF and wants to hear what else is in the way. */
	if (!has_function(selector->pf_names, pf))
		return "pfNames";
	if (!has_function(selector->root_devices, pf))
		return "rootDevices";
	return refused_property(selector, pf);
}

static bool functions_hold(const GPtrArray *functions, const struct spci_pf *pf, uint32_t vf)
{
	for (guint i = 0; functions && i < functions->len; i++) {
		const struct srv_function_selector *function = functions->pdata[i];

		if (srv_function_is(function, pf) && sriov_ranges_contain(function->ranges, vf))
			return true;
	}
	return !functions;
}

static bool selector_holds(const struct srv_selector *selector, const struct spci_pf *pf,
			   uint32_t vf)
{
	return functions_hold(selector->pf_names, pf, vf) &&
	       functions_hold(selector->root_devices, pf, vf) && !refused_property(selector, pf);
}

static const struct sriov_range all_vfs = { 0, UINT32_MAX };

/* What a list of names says of one PF. */
static GArray *function_ranges(const GPtrArray *functions, const struct spci_pf *pf)
{
	GArray *ranges = g_array_new(FALSE, FALSE, sizeof(struct sriov_range));

	if (!functions)
		g_array_append_val(ranges, all_vfs);
	for (guint i = 0; functions && i < functions->len; i++) {
		const struct srv_function_selector *function = functions->pdata[i];

		if (!srv_function_is(function, pf))
			continue;
		if (function->ranges)
			g_array_append_vals(ranges, function->ranges->data, function->ranges->len);
		else
			g_array_append_val(ranges, all_vfs);
	}
	sriov_ranges_normalize(ranges);
	return ranges;
}

/* Appends what both hold; both are sorted and merged, so one walk along them is enough. */
static void append_common(GArray *ranges, const GArray *a, const GArray *b)
{
	guint i = 0, j = 0;

	while (i < a->len && j < b->len) {
		struct sriov_range x = g_array_index(a, struct sriov_range, i);
		struct sriov_range y = g_array_index(b, struct sriov_range, j);
		struct sriov_range both = { MAX(x.first, y.first), MIN(x.last, y.last) };

		if (both.first <= both.last)
			g_array_append_val(ranges, both);
		if (x.last < y.last)
			i++;
		else
			j++;
	}
}

bool srv_pool_selects(const struct srv_pool *pool, const struct spci_pf *pf, GArray **ret)
{
	g_autoptr(GArray) ranges = g_array_new(FALSE, FALSE, sizeof(struct sriov_range));

	for (guint i = 0; i < pool->selectors->len; i++) {
		const struct srv_selector *selector = pool->selectors->pdata[i];
		g_autoptr(GArray) names = NULL;
		g_autoptr(GArray) addresses = NULL;

		if (refused_property(selector, pf))
			continue;
		names = function_ranges(selector->pf_names, pf);
		addresses = function_ranges(selector->root_devices, pf);
		append_common(ranges, names, addresses);
	}
	sriov_ranges_normalize(ranges);
	*ret = NULL;
	if (ranges->len == 0)
		return false;
	if (memcmp(ranges->data, &all_vfs, sizeof(all_vfs)) != 0)
		*ret = g_steal_pointer(&ranges);
	return true;
}

static bool pool_holds(const struct srv_pool *pool, const struct spci_pf *pf, uint32_t vf)
{
	for (guint i = 0; i < pool->selectors->len; i++) {
		if (selector_holds(pool->selectors->pdata[i], pf, vf))
			return true;
	}
	return false;
}

static bool pool_touches(const struct srv_pool *pool, const struct spci_pf *pf)
{
	g_autoptr(GArray) ranges = NULL;

	return srv_pool_selects(pool, pf, &ranges);
}

const struct srv_pool *srv_config_pool_of(const struct srv_config *config, const struct spci_pf *pf,
					  uint32_t vf)
{
	for (guint i = 0; i < config->pools->len; i++) {
		const struct srv_pool *pool = config->pools->pdata[i];

		if (vf == UINT32_MAX ? pool_touches(pool, pf) : pool_holds(pool, pf, vf))
			return pool;
	}
	return NULL;
}
