/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "srv/sriovd/config.h"

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
	return g_string_free(text, FALSE);
}
