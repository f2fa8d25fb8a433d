// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration as an object: made empty, referenced, looked up, freed. It is filled by
 * config-parse.c, from files that config-files.c reads.
 */
#include "srv/sriovd/config.h"

#include <errno.h>
#include <string.h>

#include "srv/sriovd/config-parse.h"

#define RECONCILE_SECONDS_DEFAULT 60
#define ADMIN_GROUP_DEFAULT	  "sriovd"

void srv_selector_free(struct srv_selector *selector)
{
	if (!selector)
		return;
	g_clear_pointer(&selector->vendors, g_array_unref);
	g_clear_pointer(&selector->devices, g_array_unref);
	g_clear_pointer(&selector->drivers, g_ptr_array_unref);
	g_clear_pointer(&selector->pf_names, g_ptr_array_unref);
	g_clear_pointer(&selector->root_devices, g_ptr_array_unref);
	g_clear_pointer(&selector->numa_nodes, g_array_unref);
	g_clear_pointer(&selector->link_types, g_ptr_array_unref);
	g_free(selector);
}

void srv_pool_free(struct srv_pool *pool)
{
	if (!pool)
		return;
	g_free(pool->name);
	g_free(pool->where);
	g_clear_pointer(&pool->selectors, g_ptr_array_unref);
	g_free(pool);
}

void srv_network_free(struct srv_network *network)
{
	if (!network)
		return;
	g_free(network->name);
	g_free(network->pool);
	g_free(network->fallback.source);
	g_free(network->where);
	g_free(network);
}

struct srv_config *srv_config_new_empty(void)
{
	struct srv_config *config = g_new0(struct srv_config, 1);

	config->pools = g_ptr_array_new_with_free_func((GDestroyNotify)srv_pool_free);
	config->networks = g_ptr_array_new_with_free_func((GDestroyNotify)srv_network_free);
	config->access.admin_group = g_strdup(ADMIN_GROUP_DEFAULT);
	config->failover = (struct srv_failover_settings){ .promotions = 2,
							   .promote_seconds = 5,
							   .negotiate_seconds = 60,
							   .retry_seconds = 300,
							   .unplug_seconds = 30,
							   .link_down_seconds = 2 };
	config->reconcile_seconds = RECONCILE_SECONDS_DEFAULT;
	config->refs = 1;
	return config;
}

struct srv_config *srv_config_ref(struct srv_config *config)
{
	g_atomic_int_inc(&config->refs);
	return config;
}

void srv_config_unref(struct srv_config *config)
{
	if (!config || !g_atomic_int_dec_and_test(&config->refs))
		return;
	g_clear_pointer(&config->pools_by_name, g_hash_table_unref);
	g_clear_pointer(&config->networks_by_name, g_hash_table_unref);
	g_ptr_array_unref(config->pools);
	g_ptr_array_unref(config->networks);
	g_free(config->access.admin_group);
	g_free(config->access.read_group);
	g_free(config);
}

void srv_config_index(struct srv_config *config)
{
	config->pools_by_name = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < config->pools->len; i++) {
		struct srv_pool *pool = config->pools->pdata[i];

		g_hash_table_insert(config->pools_by_name, pool->name, pool);
	}
	config->networks_by_name = g_hash_table_new(g_str_hash, g_str_equal);
	for (guint i = 0; i < config->networks->len; i++) {
		struct srv_network *network = config->networks->pdata[i];

		g_hash_table_insert(config->networks_by_name, network->name, network);
	}
}

/* Every claim asks for its network, and a host may have one for each of 4094 VLANs. */
const struct srv_pool *srv_config_pool(const struct srv_config *config, const char *name)
{
	if (config->pools_by_name)
		return g_hash_table_lookup(config->pools_by_name, name);
	for (guint i = 0; i < config->pools->len; i++) {
		const struct srv_pool *pool = config->pools->pdata[i];

		if (g_strcmp0(pool->name, name) == 0)
			return pool;
	}
	return NULL;
}

const struct srv_network *srv_config_network(const struct srv_config *config, const char *name)
{
	if (config->networks_by_name)
		return g_hash_table_lookup(config->networks_by_name, name);
	for (guint i = 0; i < config->networks->len; i++) {
		const struct srv_network *network = config->networks->pdata[i];

		if (g_strcmp0(network->name, name) == 0)
			return network;
	}
	return NULL;
}

bool srv_network_is_bridged(const struct srv_network *network)
{
	return network->fallback.type == SRV_FALLBACK_BRIDGE ||
	       network->fallback.type == SRV_FALLBACK_NETWORK;
}

int srv_config_no_network(const struct srv_config *config, const char *name, const char *subject,
			  struct sriov_error **err)
{
	g_autoptr(GString) names = g_string_new(NULL);

	for (guint i = 0; i < config->networks->len; i++)
		g_string_append_printf(
			names, "%s%s", i ? ", " : "",
			((const struct srv_network *)config->networks->pdata[i])->name);
	return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, subject,
			       "there is no network \"%s\"; the configuration has %s", name,
			       names->len ? names->str : "none at all");
}

void srv_problem_free(struct srv_problem *problem)
{
	if (!problem)
		return;
	g_free(problem->subject);
	g_free(problem->message);
	g_free(problem);
}

void srv_problem_add(GPtrArray *problems, bool is_error, const char *subject, const char *fmt, ...)
{
	struct srv_problem *problem = g_new0(struct srv_problem, 1);
	va_list ap;

	problem->is_error = is_error;
	problem->subject = g_strdup(subject);
	va_start(ap, fmt);
	problem->message = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	g_ptr_array_add(problems, problem);
}
