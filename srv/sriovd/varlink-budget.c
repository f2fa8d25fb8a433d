// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/sriovd/varlink-budget.h"

#include <stdbool.h>

#include <glib.h>

/* As much is there again before somebody who has used up a bucket goes on. */
#define AGAIN 2000

/* With more buckets than this, the full ones are dropped: no bucket is as good as a full one. */
#define SWEEP 64

struct bucket {
	int64_t level, at;
	bool empty; /* it was, and has not been filled to AGAIN since */
};

struct srv_budget {
	uint32_t permille;
	int64_t burst, debt;
	GHashTable *buckets; /* uid -> struct bucket */
};

struct srv_budget *srv_budget_new(uint32_t permille, int64_t burst, int64_t debt)
{
	struct srv_budget *budget = g_new0(struct srv_budget, 1);

	budget->permille = permille;
	budget->burst = burst;
	budget->debt = debt;
	budget->buckets = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	return budget;
}

void srv_budget_free(struct srv_budget *budget)
{
	if (!budget)
		return;
	g_hash_table_unref(budget->buckets);
	g_free(budget);
}

static void fill(const struct srv_budget *budget, struct bucket *bucket, int64_t now)
{
	int64_t passed = MAX(now - bucket->at, 0);
	int64_t room = budget->burst - bucket->level;

	/* Divided first where it is long: no overflow after a night asleep. */
	if (passed / 1000 * budget->permille >= room)
		bucket->level = budget->burst;
	else
		bucket->level += passed * budget->permille / 1000;
	bucket->at = now;
	if (bucket->level <= 0)
		bucket->empty = true;
	else if (bucket->level >= MIN(AGAIN, budget->burst))
		bucket->empty = false;
}

static gboolean is_full(gpointer uid, gpointer value, gpointer data)
{
	const struct srv_budget *budget = data;
	struct bucket *bucket = value;

	return bucket->level >= budget->burst;
}

static void sweep(struct srv_budget *budget, int64_t now)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, budget->buckets);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		fill(budget, value, now);
	g_hash_table_foreach_remove(budget->buckets, is_full, budget);
}

void srv_budget_charge(struct srv_budget *budget, uid_t uid, int64_t used, int64_t now)
{
	struct bucket *bucket = g_hash_table_lookup(budget->buckets, GUINT_TO_POINTER(uid));

	if (!bucket) {
		if (g_hash_table_size(budget->buckets) >= SWEEP)
			sweep(budget, now);
		bucket = g_new0(struct bucket, 1);
		bucket->level = budget->burst;
		bucket->at = now;
		g_hash_table_insert(budget->buckets, GUINT_TO_POINTER(uid), bucket);
	}
	fill(budget, bucket, now);
	bucket->level = CLAMP(bucket->level - used, -budget->debt, budget->burst);
	fill(budget, bucket, now);
}

int64_t srv_budget_wait(struct srv_budget *budget, uid_t uid, int64_t now)
{
	struct bucket *bucket = g_hash_table_lookup(budget->buckets, GUINT_TO_POINTER(uid));

	if (!bucket)
		return 0;
	fill(budget, bucket, now);
	if (!bucket->empty)
		return 0;
	return now + (MIN(AGAIN, budget->burst) - bucket->level) * 1000 / budget->permille + 1;
}

unsigned srv_budget_size(const struct srv_budget *budget)
{
	return g_hash_table_size(budget->buckets);
}
