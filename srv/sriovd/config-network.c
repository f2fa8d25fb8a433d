// SPDX-License-Identifier: GPL-2.0-or-later
/* One entry of "networks", and what its nics fall back to. */
#include "srv/sriovd/config-parse.h"

#include <linux/if_ether.h>

#include "base/parse.h"

/* Drivers get the rates as int: ndo_set_vf_rate of include/linux/netdevice.h. */
#define RATE_MAX INT32_MAX

static const char *const fallback_types[] = {
	[SRV_FALLBACK_NONE] = "none",
	[SRV_FALLBACK_MACVTAP] = "macvtap",
	[SRV_FALLBACK_BRIDGE] = "bridge",
	[SRV_FALLBACK_NETWORK] = "network",
	NULL,
};

struct fallback_draft {
	unsigned type;
	char *uplink, *bridge, *network;
	uint32_t queues;
};

const struct srv_key srv_config_keys_fallback[] = {
	{ .name = "type",
	  .read = srv_key_choice,
	  .offset = offsetof(struct fallback_draft, type),
	  .choices = fallback_types },
	{ .name = "uplink",
	  .read = srv_key_text,
	  .offset = offsetof(struct fallback_draft, uplink),
	  .form = "the name of a network interface such as \"bond0\"",
	  .is_valid = srv_netdev_name_is_valid },
	{ .name = "bridge",
	  .read = srv_key_text,
	  .offset = offsetof(struct fallback_draft, bridge),
	  .form = "the name of a bridge such as \"br0\"",
	  .is_valid = srv_netdev_name_is_valid },
	{ .name = "network",
	  .read = srv_key_text,
	  .offset = offsetof(struct fallback_draft, network),
	  .form = "the name of a libvirt network such as \"default\"",
	  .is_valid = srv_text_is_printable },
	{ .name = "queues",
	  .read = srv_key_uint,
	  .offset = offsetof(struct fallback_draft, queues),
	  .min = 1,
	  .max = 256 },
	SRV_KEY_END("{\"type\": \"macvtap\"}"),
};

/* The key that names what a type of fallback stands on, and whether it must be given. */
static const struct {
	const char *key;
	bool required;
} fallback_sources[] = {
	[SRV_FALLBACK_NONE] = { NULL, false },
	[SRV_FALLBACK_MACVTAP] = { "uplink", false },
	[SRV_FALLBACK_BRIDGE] = { "bridge", true },
	[SRV_FALLBACK_NETWORK] = { "network", true },
};

static void check_fallback(struct srv_reader *reader, enum srv_fallback_type type,
			   struct srv_json at, const uint32_t *nodes)
{
	static const struct srv_key *const keys = srv_config_keys_fallback;

	for (size_t i = 0; i < G_N_ELEMENTS(fallback_sources); i++) {
		const char *key = fallback_sources[i].key;
		uint32_t node = key ? srv_reader_node_of(keys, nodes, key) : 0;

		if (node && i != type)
			srv_reader_key_error(reader, node,
					     "\"%s\" belongs to a fallback of the type \"%s\", but "
					     "the type is \"%s\"%s",
					     key, fallback_types[i], fallback_types[type],
					     nodes[0] ? "" : " when not given");
		else if (key && !node && i == type && fallback_sources[i].required)
			srv_reader_error(reader, at.node,
					 "a fallback of the type \"%s\" needs \"%s\"",
					 fallback_types[type], key);
	}
	if (type == SRV_FALLBACK_NONE && srv_reader_node_of(keys, nodes, "queues"))
		srv_reader_key_error(reader, srv_reader_node_of(keys, nodes, "queues"),
				     "\"queues\" has no meaning for a fallback of the type "
				     "\"none\"");
}

/* field: struct srv_fallback */
static void read_fallback(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
			  void *field)
{
	struct fallback_draft draft = { .type = SRV_FALLBACK_MACVTAP, .queues = 1 };
	struct srv_fallback *fallback = field;
	uint32_t nodes[SRV_KEYS_MAX];
	char **source = NULL;

	if (!srv_reader_object(reader, srv_config_keys_fallback, at, &draft, nodes))
		return;
	fallback->type = (enum srv_fallback_type)draft.type;
	fallback->queues = draft.queues;
	check_fallback(reader, fallback->type, at, nodes);
	switch (fallback->type) {
	case SRV_FALLBACK_NONE:
		break;
	case SRV_FALLBACK_MACVTAP:
		source = &draft.uplink;
		break;
	case SRV_FALLBACK_BRIDGE:
		source = &draft.bridge;
		break;
	case SRV_FALLBACK_NETWORK:
		source = &draft.network;
		break;
	}
	fallback->source = source ? g_steal_pointer(source) : NULL;
	g_free(draft.uplink);
	g_free(draft.bridge);
	g_free(draft.network);
}

enum vlan_proto {
	VLAN_PROTO_8021Q,
	VLAN_PROTO_8021AD,
};

static const char *const vlan_protos[] = {
	[VLAN_PROTO_8021Q] = "802.1Q",
	[VLAN_PROTO_8021AD] = "802.1ad",
	NULL,
};

static const char *const link_states[] = {
	[SNL_VF_LINK_AUTO] = "auto",
	[SNL_VF_LINK_ENABLE] = "enable",
	[SNL_VF_LINK_DISABLE] = "disable",
	NULL,
};

struct network_draft {
	struct srv_network network;
	uint32_t vlan, qos;
	unsigned vlan_proto, link_state;
};

const struct srv_key srv_config_keys_network[] = {
	{ .name = "name",
	  .read = srv_key_text,
	  .offset = offsetof(struct network_draft, network.name),
	  .required = true,
	  .form = SRV_NAME_FORM,
	  .is_valid = sriov_name_is_valid },
	{ .name = "pool",
	  .read = srv_key_text,
	  .offset = offsetof(struct network_draft, network.pool),
	  .required = true,
	  .form = "the name of a pool",
	  .is_valid = srv_text_is_given },
	{ .name = "vlan",
	  .read = srv_key_uint,
	  .offset = offsetof(struct network_draft, vlan),
	  .max = 4094 },
	{ .name = "qos",
	  .read = srv_key_uint,
	  .offset = offsetof(struct network_draft, qos),
	  .max = 7 },
	{ .name = "vlanProto",
	  .read = srv_key_choice,
	  .offset = offsetof(struct network_draft, vlan_proto),
	  .choices = vlan_protos },
	{ .name = "minTxRate",
	  .read = srv_key_uint,
	  .offset = offsetof(struct network_draft, network.attrs.min_tx_rate),
	  .max = RATE_MAX,
	  .form = "Mbit/s" },
	{ .name = "maxTxRate",
	  .read = srv_key_uint,
	  .offset = offsetof(struct network_draft, network.attrs.max_tx_rate),
	  .max = RATE_MAX,
	  .form = "Mbit/s" },
	{ .name = "spoofchk",
	  .read = srv_key_bool,
	  .offset = offsetof(struct network_draft, network.attrs.spoofchk) },
	{ .name = "trust",
	  .read = srv_key_bool,
	  .offset = offsetof(struct network_draft, network.attrs.trust) },
	{ .name = "linkState",
	  .read = srv_key_choice,
	  .offset = offsetof(struct network_draft, link_state),
	  .choices = link_states },
	{ .name = "fallback",
	  .read = read_fallback,
	  .offset = offsetof(struct network_draft, network.fallback),
	  .members = srv_config_keys_fallback },
	SRV_KEY_END("{\"name\": \"tenant-a\", \"pool\": \"fast\"}"),
};

static void check_network(struct srv_reader *reader, const struct network_draft *draft,
			  const uint32_t *nodes)
{
	static const struct srv_key *const keys = srv_config_keys_network;
	const struct snl_vf_attrs *attrs = &draft->network.attrs;

	if (draft->vlan == 0 && draft->qos > 0)
		srv_reader_error(reader, srv_reader_node_of(keys, nodes, "qos"),
				 "\"qos\" is the priority in a VLAN tag; give the network a "
				 "\"vlan\" from 1 to 4094 too");
	if (draft->vlan == 0 && draft->vlan_proto != VLAN_PROTO_8021Q)
		srv_reader_error(reader, srv_reader_node_of(keys, nodes, "vlanProto"),
				 "\"vlanProto\" is the kind of a VLAN tag; give the network a "
				 "\"vlan\" from 1 to 4094 too");
	if (attrs->max_tx_rate > 0 && attrs->min_tx_rate > attrs->max_tx_rate)
		srv_reader_error(reader, srv_reader_node_of(keys, nodes, "minTxRate"),
				 "\"minTxRate\" %u is above \"maxTxRate\" %u", attrs->min_tx_rate,
				 attrs->max_tx_rate);
}

static void finish_attrs(struct network_draft *draft)
{
	struct snl_vf_attrs *attrs = &draft->network.attrs;

	attrs->vlan = (uint16_t)draft->vlan;
	attrs->qos = (uint8_t)draft->qos;
	attrs->vlan_proto = draft->vlan_proto == VLAN_PROTO_8021AD ? ETH_P_8021AD : ETH_P_8021Q;
	attrs->link_state = (enum snl_vf_link_state)draft->link_state;
}

void srv_config_read_network(struct srv_reader *reader, struct srv_json at)
{
	struct srv_config_build *build = reader->data;
	/* Defaults: what a VF without an owner has; its MAC is the nic's affair. */
	struct network_draft draft = {
		.network = { .attrs = snl_vf_attrs_neutral(),
			     .fallback = { .type = SRV_FALLBACK_MACVTAP, .queues = 1 } },
		.link_state = SNL_VF_LINK_AUTO,
	};
	struct srv_network *network = &draft.network;
	uint32_t nodes[SRV_KEYS_MAX];
	uint32_t pool;

	network->attrs.mask = SNL_VF_ALL & ~(uint32_t)SNL_VF_MAC;
	if (!srv_reader_object(reader, srv_config_keys_network, at, &draft, nodes))
		return;
	check_network(reader, &draft, nodes);
	finish_attrs(&draft);
	network->where = srv_reader_where(reader, at.node);
	srv_config_claim_name(reader, build->networks, "network", network->name,
			      srv_reader_node_of(srv_config_keys_network, nodes, "name"));
	pool = srv_reader_node_of(srv_config_keys_network, nodes, "pool");
	g_ptr_array_add(build->pool_refs, pool ? srv_reader_where(reader, pool) : NULL);
	g_ptr_array_add(build->config->networks, g_memdup2(network, sizeof(*network)));
}
