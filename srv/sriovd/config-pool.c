// SPDX-License-Identifier: GPL-2.0-or-later
/* One entry of "pools". */
#include "srv/sriovd/config-parse.h"

#include "base/parse.h"

static const char *const device_types[] = {
	[SRV_DEVICE_VFIO] = "vfio-pci",
	[SRV_DEVICE_NETDEV] = "netdevice",
	NULL,
};

struct pool_draft {
	struct srv_pool pool;
	unsigned device_type;
};

const struct srv_key srv_config_keys_pool[] = {
	{ .name = "name",
	  .read = srv_key_text,
	  .offset = offsetof(struct pool_draft, pool.name),
	  .required = true,
	  .form = SRV_NAME_FORM,
	  .is_valid = sriov_name_is_valid },
	{ .name = "select",
	  .read = srv_key_select,
	  .offset = offsetof(struct pool_draft, pool.selectors),
	  .required = true,
	  .min = 1,
	  .max = SRV_CONFIG_LIST_MAX,
	  .members = srv_config_keys_selector },
	{ .name = "numVfs",
	  .read = srv_key_uint,
	  .offset = offsetof(struct pool_draft, pool.num_vfs),
	  .min = 1,
	  .max = SRV_VF_INDEX_MAX + 1,
	  .form = "(or left out, to take the VFs that are there)" },
	{ .name = "deviceType",
	  .read = srv_key_choice,
	  .offset = offsetof(struct pool_draft, device_type),
	  .choices = device_types },
	{ .name = "externallyManaged",
	  .read = srv_key_bool,
	  .offset = offsetof(struct pool_draft, pool.externally_managed) },
	SRV_KEY_END("{\"name\": \"fast\", \"select\": {\"pfNames\": [\"enp1s0\"]}}"),
};

static void check_pool(struct srv_reader *reader, struct srv_pool *pool, const uint32_t *nodes)
{
	struct srv_config_build *build = reader->data;
	uint32_t num_vfs = srv_reader_node_of(srv_config_keys_pool, nodes, "numVfs");

	if (num_vfs && pool->externally_managed) {
		srv_reader_warning(reader, num_vfs,
				   "\"numVfs\" has no effect in a pool that is "
				   "\"externallyManaged\"; leave one of them out");
		pool->num_vfs = SRV_NUM_VFS_KEEP;
	}
	for (guint i = 0; pool->num_vfs != SRV_NUM_VFS_KEEP && i < build->indices->len; i++) {
		struct srv_named_index named = g_array_index(build->indices, struct srv_named_index,
							     i);

		if (named.last >= pool->num_vfs)
			srv_reader_warning(reader, named.node,
					   "VF %u will not exist: \"numVfs\" is %u, so the last VF "
					   "is %u",
					   named.last, pool->num_vfs, pool->num_vfs - 1);
	}
}

void srv_config_read_pool(struct srv_reader *reader, struct srv_json at)
{
	struct srv_config_build *build = reader->data;
	struct pool_draft draft = { .pool.num_vfs = SRV_NUM_VFS_KEEP };
	uint32_t nodes[SRV_KEYS_MAX];
	uint32_t name;

	g_array_set_size(build->indices, 0);
	if (!srv_reader_object(reader, srv_config_keys_pool, at, &draft, nodes))
		return;
	draft.pool.device_type = (enum srv_device_type)draft.device_type;
	draft.pool.where = srv_reader_where(reader, at.node);
	if (!draft.pool.selectors)
		draft.pool.selectors = g_ptr_array_new_with_free_func(
			(GDestroyNotify)srv_selector_free);
	name = srv_reader_node_of(srv_config_keys_pool, nodes, "name");
	srv_config_claim_name(reader, build->pools, "pool", draft.pool.name, name);
	check_pool(reader, &draft.pool, nodes);
	g_ptr_array_add(build->config->pools, g_memdup2(&draft.pool, sizeof(draft.pool)));
}
