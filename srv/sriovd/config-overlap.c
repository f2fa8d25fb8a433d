// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/config-overlap.h"

#include "srv/sriovd/config-reader.h"

static gint compare_claims(gconstpointer a, gconstpointer b)
{
	const struct srv_pool_claim *x = a, *y = b;

	if (x->range.first != y->range.first)
		return x->range.first < y->range.first ? -1 : 1;
	if (x->range.last != y->range.last)
		return x->range.last < y->range.last ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

static void report_overlap(const struct srv_pool_claim *x, const struct srv_pool_claim *y,
			   const char *pf, GPtrArray *problems)
{
	const struct srv_pool *a = x->order < y->order ? x->pool : y->pool;
	const struct srv_pool *b = x->order < y->order ? y->pool : x->pool;
	uint32_t vf = MAX(x->range.first, y->range.first);

	srv_config_note(
		problems, true, b->where,
		"the pools \"%s\" and \"%s\" (at %s) both select the VF %s/%u, and a VF can "
		"be in one pool only; give them indices that do not meet, such as \"#0-3\" "
		"and \"#4-6\"",
		b->name, a->name, a->where, pf, vf);
}

/* Has this pair of pools been reported on this PF? Remembers it. */
static bool is_news(GHashTable *reported, const struct srv_pool_claim *x,
		    const struct srv_pool_claim *y)
{
	/* At most SRV_CONFIG_POOLS_MAX pools: two orders fit into a pointer of 32 bits too. */
	guint pair = MIN(x->order, y->order) << 16 | MAX(x->order, y->order);

	return g_hash_table_add(reported, GUINT_TO_POINTER(pair));
}

/* Of each pool only the claim that reaches furthest stays open. */
static void join(GPtrArray *open, const struct srv_pool_claim *claim)
{
	for (guint i = 0; i < open->len; i++) {
		const struct srv_pool_claim *other = open->pdata[i];

		if (other->pool != claim->pool)
			continue;
		if (other->range.last < claim->range.last)
			open->pdata[i] = (gpointer)claim;
		return;
	}
	g_ptr_array_add(open, (gpointer)claim);
}

/* Claims come by their first VF; open are those before this one, without those that end there. */
static void sweep(GPtrArray *open, const struct srv_pool_claim *claim, const char *pf,
		  GHashTable *reported, GPtrArray *problems)
{
	for (guint i = 0; i < open->len;) {
		const struct srv_pool_claim *other = open->pdata[i];

		if (other->range.last < claim->range.first) {
			g_ptr_array_remove_index(open, i);
			continue;
		}
		if (other->pool != claim->pool && is_news(reported, other, claim))
			report_overlap(other, claim, pf, problems);
		i++;
	}
	join(open, claim);
}

static void check_ranges(GArray *claims, const char *pf, GPtrArray *problems)
{
	g_autoptr(GPtrArray) open = g_ptr_array_new();
	g_autoptr(GHashTable) reported = g_hash_table_new(NULL, NULL);

	g_array_sort(claims, compare_claims);
	/* With the list of problems full, a hostile file costs no more time either. */
	for (guint i = 0; i < claims->len && problems->len <= SRV_CONFIG_PROBLEMS_MAX; i++)
		sweep(open, &g_array_index(claims, struct srv_pool_claim, i), pf, reported,
		      problems);
}

static void report_num_vfs(const struct srv_pool *a, const struct srv_pool *b, const char *pf,
			   GPtrArray *problems)
{
	srv_config_note(
		problems, true, b->where,
		"the pools \"%s\" and \"%s\" (at %s) want %u and %u VFs of %s, and a PF has "
		"one number of VFs; give both the same \"numVfs\"",
		b->name, a->name, a->where, b->num_vfs, a->num_vfs, pf);
}

static void report_managed(const struct srv_pool *a, const struct srv_pool *b, const char *pf,
			   GPtrArray *problems)
{
	const struct srv_pool *external = a->externally_managed ? a : b;

	srv_config_note(problems, true, b->where,
			"the pools \"%s\" and \"%s\" (at %s) both select %s, but only \"%s\" is "
			"\"externallyManaged\"; a PF is managed by one of us",
			b->name, a->name, a->where, pf, external->name);
}

/* What a PF has only one of. Each pool is compared with the first that has an opinion. */
static void check_settings(const GArray *claims, const char *pf, GPtrArray *problems)
{
	const struct srv_pool *count = NULL, *managed = NULL;
	g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

	for (guint i = 0; i < claims->len; i++) {
		const struct srv_pool *pool = g_array_index(claims, struct srv_pool_claim, i).pool;

		if (!g_hash_table_add(seen, (gpointer)pool))
			continue;
		if (!managed)
			managed = pool;
		else if (managed->externally_managed != pool->externally_managed)
			report_managed(managed, pool, pf, problems);
		if (pool->num_vfs == SRV_NUM_VFS_KEEP)
			continue;
		if (!count)
			count = pool;
		else if (count->num_vfs != pool->num_vfs)
			report_num_vfs(count, pool, pf, problems);
	}
}

void srv_config_check_claims(GArray *claims, const char *pf, GPtrArray *problems)
{
	/* Before the claims are sorted: they still stand in the order of the files. */
	check_settings(claims, pf, problems);
	check_ranges(claims, pf, problems);
}

static void add_claim(GHashTable *by_pf, const char *pf, const struct srv_pool *pool, guint order,
		      const struct srv_function_selector *function)
{
	GArray *claims = g_hash_table_lookup(by_pf, pf);
	guint n = function->ranges ? function->ranges->len : 1;

	if (!claims) {
		claims = g_array_new(FALSE, FALSE, sizeof(struct srv_pool_claim));
		g_hash_table_insert(by_pf, g_strdup(pf), claims);
	}
	for (guint i = 0; i < n; i++) {
		struct srv_pool_claim claim = { { 0, UINT32_MAX }, pool, order };

		if (function->ranges)
			claim.range = g_array_index(function->ranges, struct sriov_range, i);
		g_array_append_val(claims, claim);
	}
}

static void add_selector(GHashTable *by_pf, const struct srv_pool *pool, guint order,
			 const struct srv_selector *selector)
{
	const GPtrArray *names = selector->pf_names, *addresses = selector->root_devices;
	char address[SRIOV_BDF_STRLEN];

	if (selector->vendors || selector->devices || selector->drivers || selector->numa_nodes ||
	    selector->link_types || (names && addresses))
		return;
	for (guint i = 0; names && i < names->len; i++) {
		const struct srv_function_selector *function = names->pdata[i];

		add_claim(by_pf, function->name, pool, order, function);
	}
	for (guint i = 0; addresses && i < addresses->len; i++) {
		const struct srv_function_selector *function = addresses->pdata[i];

		add_claim(by_pf, sriov_bdf_format(function->bdf, address), pool, order, function);
	}
}

void srv_config_check_overlap(const struct srv_config *config, GPtrArray *problems)
{
	g_autoptr(GHashTable) by_pf = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
							    (GDestroyNotify)g_array_unref);
	g_autoptr(GList) names = NULL;

	for (guint i = 0; i < config->pools->len; i++) {
		const struct srv_pool *pool = config->pools->pdata[i];

		for (guint j = 0; pool->name && j < pool->selectors->len; j++)
			add_selector(by_pf, pool, i, pool->selectors->pdata[j]);
	}
	/* Sorted, so that the same mistakes are always told in the same order. */
	names = g_list_sort(g_hash_table_get_keys(by_pf), (GCompareFunc)g_strcmp0);
	for (GList *name = names; name; name = name->next)
		srv_config_check_claims(g_hash_table_lookup(by_pf, name->data), name->data,
					problems);
}
