/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <string.h>

#include "srv/sriovd/config.h"

/* Only what is not as in an empty configuration, so that most tests need not know it. */
static inline void format_failover(GString *text, const struct srv_failover_settings *failover)
{
	struct srv_config *empty = srv_config_new_empty();
	bool same = memcmp(failover, &empty->failover, sizeof(*failover)) == 0;

	srv_config_unref(empty);
	if (!same)
		g_string_append_printf(
			text, "failover: preempt %d, %u per PF; seconds %u, %u, %u, %u, %u\n",
			failover->preempt, failover->promotions, failover->promote_seconds,
			failover->negotiate_seconds, failover->retry_seconds,
			failover->unplug_seconds, failover->link_down_seconds);
}

/* A configuration as text, so that whole ones are compared. The caller owns the string. */
static inline char *format_config(const struct srv_config *config)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < config->pools->len; i++) {
		const struct srv_pool *pool = config->pools->pdata[i];

		g_string_append_printf(text, "pool %s at %s: %u selectors, numVfs %d, %d, %d\n",
				       pool->name, pool->where, pool->selectors->len,
				       (int)pool->num_vfs, pool->device_type,
				       pool->externally_managed);
	}
	for (guint i = 0; i < config->networks->len; i++) {
		const struct srv_network *network = config->networks->pdata[i];
		g_autofree char *attrs = snl_vf_attrs_format(&network->attrs, network->attrs.mask);

		g_string_append_printf(text,
				       "network %s of %s at %s: mask %x, %s; fallback %d %s %u\n",
				       network->name, network->pool, network->where,
				       network->attrs.mask, attrs, network->fallback.type,
				       network->fallback.source ? network->fallback.source : "-",
				       network->fallback.queues);
	}
	g_string_append_printf(text, "admin %s, read %s, reconcile %u\n",
			       config->access.admin_group,
			       config->access.read_group ? config->access.read_group : "-",
			       config->reconcile_seconds);
	format_failover(text, &config->failover);
	if (config->vfio.allow_unsafe_interrupts || config->vfio.allow_noiommu)
		g_string_append_printf(text, "vfio: unsafe interrupts %d, no IOMMU %d\n",
				       config->vfio.allow_unsafe_interrupts,
				       config->vfio.allow_noiommu);
	return g_string_free(text, FALSE);
}
