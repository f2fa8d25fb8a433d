// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <jansson.h>
#include <linux/if_ether.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "srv/sriovd/config-parse.h"
#include "srv/sriovd/config-position.h"
#include "srv/sriovd/config.h"
#include "tests/unit/config-format.h"

/* "E file:line:column: message" of every problem, one a line. */
static char *format_problems(const GPtrArray *problems)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < problems->len; i++) {
		const struct srv_problem *problem = problems->pdata[i];

		g_string_append_printf(text, "%s %s: %s\n", problem->is_error ? "E" : "W",
				       problem->subject, problem->message);
	}
	return g_string_free(text, FALSE);
}

/* Parses files "a.json", "b.json", …; returns the problems, *ret the configuration or NULL. */
static char *parse_files(const char *const *texts, size_t n, struct srv_config **ret)
{
	static const char *const names[] = { "a.json", "b.json", "c.json" };
	g_autoptr(GPtrArray) problems = NULL;
	struct srv_config *config = NULL;
	sriov_autoerror err = NULL;
	char *text;
	int r = srv_config_parse(names, texts, n, &config, &problems, &err);

	text = format_problems(problems);
	/* Whatever is wrong, these three say it alike. */
	assert_int_equal(r, strstr(text, "E ") == text || strstr(text, "\nE ") ? -EINVAL : 0);
	assert_true((r == 0) == (config != NULL));
	assert_true((r == 0) == (err == NULL));
	if (ret)
		*ret = config;
	else
		srv_config_unref(config);
	return text;
}

static void assert_problems(const char *text, const char *expected)
{
	g_autofree char *problems = parse_files(&text, 1, NULL);

	assert_string_equal(problems, expected);
}

static void config_parse_nothing_is_empty_configuration(void **state)
{
	struct srv_config *config;
	g_autofree char *problems = parse_files(NULL, 0, &config);
	g_autofree char *text = format_config(config);

	assert_string_equal(problems, "");
	assert_string_equal(text, "admin sriovd, read -, reconcile 60\n");
	srv_config_unref(config);
}

/* A file in which nearly every key is set to something. */
static struct srv_config *parse_everything(void)
{
	const char *json =
		"{ \"$schema\": \"sriovd.schema.json\",\n"
		"  \"pools\": [ { \"name\": \"p\", \"numVfs\": 7, \"deviceType\": \"netdevice\",\n"
		"    \"select\": [ { \"vendors\": [\"8086\", \"15B3\"], \"devices\": [\"10c9\"],\n"
		"      \"drivers\": [\"igb\"], \"pfNames\": [\"enp1s0#0-3,5\", \"enp2s0\"],\n"
		"      \"rootDevices\": [\"0000:01:00.0#1\"], \"numaNodes\": [0, -1],\n"
		"      \"linkTypes\": [\"ether\"] }, { \"drivers\": [\"ice\"] } ] } ],\n"
		"  \"networks\": [ { \"name\": \"n\", \"pool\": \"p\", \"vlan\": 100, \"qos\": 3,\n"
		"    \"vlanProto\": \"802.1ad\", \"minTxRate\": 10, \"maxTxRate\": 1000,\n"
		"    \"spoofchk\": false, \"trust\": true, \"linkState\": \"enable\",\n"
		"    \"fallback\": { \"type\": \"bridge\", \"bridge\": \"br0\", \"queues\": 4 } } "
		"],\n"
		"  \"access\": { \"adminGroup\": \"ops\", \"readGroup\": \"staff\" },\n"
		"  \"failover\": { \"preempt\": true, \"promotionsPerPf\": 3, \"unplugSeconds\": 7 "
		"},\n"
		"  \"vfio\": { \"allowUnsafeInterrupts\": true, \"allowNoIommu\": true },\n"
		"  \"reconcileSeconds\": 30 }";
	struct srv_config *config;
	g_autofree char *problems = parse_files(&json, 1, &config);

	assert_string_equal(problems, "");
	return config;
}

static void assert_function(const struct srv_function_selector *function, const char *name,
			    const char *ranges)
{
	g_autofree char *text = function->ranges ? sriov_ranges_format(function->ranges) : NULL;

	assert_string_equal(function->name ?: "(none)", name);
	assert_string_equal(text ?: "(none)", ranges);
}

static void assert_every_selector(const struct srv_selector *selector)
{
	const struct srv_function_selector *root = selector->root_devices->pdata[0];

	assert_int_equal(selector->vendors->len, 2);
	assert_int_equal(g_array_index(selector->vendors, uint16_t, 1), 0x15b3);
	assert_int_equal(g_array_index(selector->devices, uint16_t, 0), 0x10c9);
	assert_string_equal(selector->drivers->pdata[0], "igb");
	assert_function(selector->pf_names->pdata[0], "enp1s0", "0-3,5");
	assert_function(selector->pf_names->pdata[1], "enp2s0", "(none)");
	assert_function(root, "(none)", "1");
	assert_true(sriov_bdf_equal(root->bdf, (struct sriov_bdf){ .bus = 1 }));
	assert_int_equal(g_array_index(selector->numa_nodes, int, 1), -1);
	assert_string_equal(selector->link_types->pdata[0], "ether");
}

static void config_parse_everything_set_fills_the_pool(void **state)
{
	struct srv_config *config = parse_everything();
	const struct srv_pool *pool = srv_config_pool(config, "p");

	assert_non_null(pool);
	assert_string_equal(pool->where, "a.json:2:14");
	assert_int_equal(pool->num_vfs, 7);
	assert_int_equal(pool->device_type, SRV_DEVICE_NETDEV);
	assert_false(pool->externally_managed);
	assert_int_equal(pool->selectors->len, 2);
	assert_every_selector(pool->selectors->pdata[0]);
	assert_null(((const struct srv_selector *)pool->selectors->pdata[1])->pf_names);
	assert_null(srv_config_pool(config, "q"));
	srv_config_unref(config);
}

static void config_parse_everything_set_fills_the_network(void **state)
{
	const struct snl_vf_attrs attrs = {
		.mask = SNL_VF_ALL & ~(uint32_t)SNL_VF_MAC,
		.vlan = 100,
		.qos = 3,
		.vlan_proto = ETH_P_8021AD,
		.min_tx_rate = 10,
		.max_tx_rate = 1000,
		.spoofchk = false,
		.trust = true,
		.link_state = SNL_VF_LINK_ENABLE,
	};
	struct srv_config *config = parse_everything();
	const struct srv_network *network = srv_config_network(config, "n");

	assert_non_null(network);
	assert_string_equal(network->pool, "p");
	assert_string_equal(network->where, "a.json:7:17");
	assert_int_equal(network->attrs.mask, attrs.mask);
	assert_int_equal(snl_vf_attrs_diff(&attrs, &network->attrs), 0);
	assert_int_equal(network->fallback.type, SRV_FALLBACK_BRIDGE);
	assert_string_equal(network->fallback.source, "br0");
	assert_int_equal(network->fallback.queues, 4);
	assert_null(srv_config_network(config, "p"));
	srv_config_unref(config);
}

static void config_parse_everything_set_fills_the_rest(void **state)
{
	struct srv_config *config = parse_everything();

	assert_string_equal(config->access.admin_group, "ops");
	assert_string_equal(config->access.read_group, "staff");
	assert_true(config->failover.preempt);
	assert_int_equal(config->failover.promotions, 3);
	assert_int_equal(config->failover.unplug_seconds, 7);
	assert_int_equal(config->failover.promote_seconds, 5);
	assert_true(config->vfio.allow_unsafe_interrupts);
	assert_true(config->vfio.allow_noiommu);
	assert_int_equal(config->reconcile_seconds, 30);
	srv_config_unref(config);
}

static void config_parse_defaults_are_the_safe_ones(void **state)
{
	const char *json = "{\"pools\": [{\"name\": \"p\", \"select\": {\"drivers\": [\"igb\"]}}],"
			   "\"networks\": [{\"name\": \"n\", \"pool\": \"p\"}]}";
	struct srv_config *config;
	g_autofree char *problems = parse_files(&json, 1, &config);
	struct snl_vf_attrs neutral = snl_vf_attrs_neutral();
	const struct srv_pool *pool = config->pools->pdata[0];
	const struct srv_network *network = config->networks->pdata[0];

	assert_string_equal(problems, "");
	assert_int_equal(pool->num_vfs, SRV_NUM_VFS_KEEP);
	assert_int_equal(pool->device_type, SRV_DEVICE_VFIO);
	neutral.mask &= ~(uint32_t)SNL_VF_MAC;
	assert_int_equal(network->attrs.mask, neutral.mask);
	assert_int_equal(snl_vf_attrs_diff(&neutral, &network->attrs), 0);
	assert_true(network->attrs.spoofchk);
	assert_false(network->attrs.trust);
	assert_int_equal(network->fallback.type, SRV_FALLBACK_MACVTAP);
	assert_null(network->fallback.source);
	assert_int_equal(network->fallback.queues, 1);
	srv_config_unref(config);
}

/* Every mistake alone in a file that is right but for it. */
#define POOL(rest)   "{\"pools\":[{\"name\":\"p\",\"select\":{\"drivers\":[\"igb\"]}" rest "}]}"
#define SELECT(rest) "{\"pools\":[{\"name\":\"p\",\"select\":" rest "}]}"
#define NETWORK(rest)                                                         \
	"{\"pools\":[{\"name\":\"p\",\"select\":{\"drivers\":[\"igb\"]}}],\n" \
	"\"networks\":[{\"name\":\"n\",\"pool\":\"p\"" rest "}]}"
#define NET_FORM                                                                        \
	"a name of 1 to 64 letters, digits, \".\", \"_\" and \"-\" that begins with a " \
	"letter or a digit"

#define COMMA "look there and just before for a comma, quote or bracket too few or too many\n"

static const struct {
	const char *json, *problems;
} mistakes[] = {
	{ "", "E a.json: it is empty, which is not valid JSON; write {} for no settings\n" },
	{ " \n", "E a.json: it is empty, which is not valid JSON; write {} for no settings\n" },
	{ "{\"pools\": [", "E a.json:1:11: not valid JSON: ']' expected near end of file; the file "
			   "is cut off, or a bracket or quote is never closed\n" },
	{ "{\n  \"pools\": [}\n",
	  "E a.json:2:13: not valid JSON: unexpected token near '}'; " COMMA },
	{ "{\"pools\":[],\"pools\":[]}", "E a.json:1:19: not valid JSON: duplicate object key near "
					 "'\"pools\"'; give each key once\n" },
	{ "{} x", "E a.json:1:4: not valid JSON: end of file expected near 'x'; something stands "
		  "behind the last bracket: remove it\n" },
	{ "[]", "E a.json:1:1: the file: must be an object, for example {\"pools\": [], "
		"\"networks\": []}, not a list\n" },
	{ "{\"pool\":[]}", "E a.json:1:2: unknown key \"pool\"; did you mean \"pools\"?\n" },
	{ "{\"x\":1}", "E a.json:1:2: unknown key \"x\"; known here are \"$schema\", \"pools\", "
		       "\"networks\", \"access\", \"failover\", \"vfio\", \"reconcileSeconds\"\n" },
	{ "{\"pools\":{}}", "E a.json:1:10: \"pools\" must be a list […], not an object\n" },
	{ "{\"$schema\":1}", "E a.json:1:12: \"$schema\" must be the address of a JSON Schema, "
			     "not 1\n" },
	{ "{\"reconcileSeconds\":4}", "E a.json:1:21: \"reconcileSeconds\" must be a whole number "
				      "from 5 to 86400, not 4\n" },
	{ "{\"reconcileSeconds\":60.0}", "E a.json:1:21: \"reconcileSeconds\" must be a whole "
					 "number from 5 to 86400, not 60.0\n" },
	{ "{\"access\":{\"admingroup\":\"a\"}}",
	  "E a.json:1:12: unknown key \"admingroup\"; did you mean \"adminGroup\"?\n" },
	{ "{\"access\":{\"adminGroup\":\"\"}}",
	  "E a.json:1:25: \"adminGroup\" must be the name of a group, not \"\"\n" },
	{ "{\"pools\":[1]}",
	  "E a.json:1:11: pools[0]: must be an object, for example {\"name\": \"fast\", "
	  "\"select\": {\"pfNames\": [\"enp1s0\"]}}, not 1\n" },
	{ "{\"pools\":[{}]}", "E a.json:1:11: pools[0]: \"name\" is missing\n"
			      "E a.json:1:11: pools[0]: \"select\" is missing\n" },
	{ "{\"access\":[]}", "E a.json:1:11: access: must be an object, for example "
			     "{\"adminGroup\": \"sriovd\"}, not a list\n" },
	{ SELECT("[{\"drivers\":[\"igb\"]},7]"),
	  "E a.json:1:53: pools[0].select[1]: must be an object, for example {\"pfNames\": "
	  "[\"enp1s0\"]}, not 7\n" },
	{ POOL(",\"numVfs\":0"), "E a.json:1:61: \"numVfs\" must be a whole number from 1 to 65535 "
				 "(or left out, to take the VFs that are there), not 0\n" },
	{ POOL(",\"numVfs\":\"7\""),
	  "E a.json:1:61: \"numVfs\" must be a whole number from 1 to 65535 "
	  "(or left out, to take the VFs that are there), not \"7\"\n" },
	{ POOL(",\"deviceType\":\"vfio\""),
	  "E a.json:1:65: \"deviceType\" must be \"vfio-pci\" or \"netdevice\", not \"vfio\"\n" },
	{ POOL(",\"externallyManaged\":null"),
	  "E a.json:1:72: \"externallyManaged\" must be true or false, not null\n" },
	{ POOL(",\"externallyManaged\":true,\"numVfs\":2"),
	  "W a.json:1:86: \"numVfs\" has no effect in a pool that is \"externallyManaged\"; leave "
	  "one of them out\n" },
	{ "{\"pools\":[{\"name\":\"a b\",\"select\":{\"drivers\":[\"igb\"]}}]}",
	  "E a.json:1:19: \"name\" must be " NET_FORM ", not \"a b\"\n" },
	{ "{\"pools\":[{\"name\":\"p\",\"select\":{\"drivers\":[\"igb\"]}},\n"
	  "{\"name\":\"p\",\"select\":{\"drivers\":[\"ice\"]}}]}",
	  "E a.json:2:9: there is already a pool \"p\" at a.json:1:19\n" },
	{ SELECT("{}"), "E a.json:1:32: an empty selector would take every SR-IOV NIC of the host; "
			"name the PFs, for example \"pfNames\": [\"enp1s0\"]\n" },
	{ SELECT("[]"), "E a.json:1:32: \"select\" is empty and would match nothing\n" },
	{ SELECT("3"), "E a.json:1:32: \"select\" must be an object {…} or a list of objects, not "
		       "3\n" },
	{ SELECT("{\"pfName\":[\"a\"]}"),
	  "E a.json:1:33: unknown key \"pfName\"; did you mean \"pfNames\"?\n" },
	{ SELECT("{\"pfNames\":\"a\"}"),
	  "E a.json:1:43: \"pfNames\" must be a list […], not \"a\"\n" },
	{ SELECT("{\"pfNames\":[]}"),
	  "E a.json:1:43: \"pfNames\" is empty and would match nothing; "
	  "leave the key out\n" },
	{ SELECT("{\"pfNames\":[\"a\",\"b/c\"]}"),
	  "E a.json:1:48: each of \"pfNames\" must be the name of a PF's network interface, with "
	  "or without indices of VFs, such as \"enp1s0\" or \"enp1s0#0-3,5\", not \"b/c\"\n" },
	{ SELECT("{\"pfNames\":[\"a#\"]}"),
	  "E a.json:1:44: after \"#\" must stand indices of VFs from 0 to 65534 such as \"0-3,5\", "
	  "not \"\"\n" },
	{ SELECT("{\"pfNames\":[\"a#65535\"]}"),
	  "E a.json:1:44: after \"#\" must stand indices of VFs from 0 to 65534 such as \"0-3,5\", "
	  "not \"65535\"\n" },
	{ SELECT("{\"rootDevices\":[\"0000:01:00.8\"]}"),
	  "E a.json:1:48: each of \"rootDevices\" must be the PCI address of a PF, with or without "
	  "indices of VFs, such as \"0000:01:00.0\" or \"0000:01:00.0#0-3,5\", not "
	  "\"0000:01:00.8\"\n" },
	{ SELECT("{\"vendors\":[8086]}"),
	  "E a.json:1:44: each of \"vendors\" must be a PCI id of four hexadecimal digits in "
	  "quotes such as \"8086\", not 8086\n" },
	{ SELECT("{\"devices\":[\"0x10c9\"]}"),
	  "E a.json:1:44: each of \"devices\" must be a PCI id of four hexadecimal digits in "
	  "quotes such as \"10c9\", not \"0x10c9\"\n" },
	{ SELECT("{\"drivers\":[\"a/b\"]}"),
	  "E a.json:1:44: each of \"drivers\" must be the name of a PF's driver such as \"ice\", "
	  "not \"a/b\"\n" },
	{ SELECT("{\"numaNodes\":[-2]}"),
	  "E a.json:1:46: each of \"numaNodes\" must be a NUMA node from 0 to 1023, or -1 for a PF "
	  "without one, not -2\n" },
	{ SELECT("{\"linkTypes\":[\"eth\"]}"),
	  "E a.json:1:46: each of \"linkTypes\" must be \"ether\" or \"infiniband\", not "
	  "\"eth\"\n" },
	{ "{\"pools\":[{\"name\":\"p\",\"numVfs\":3,\"select\":{\"pfNames\":[\"a#0-3\"]}}]}",
	  "W a.json:1:55: VF 3 will not exist: \"numVfs\" is 3, so the last VF is 2\n" },
	{ NETWORK(",\"vlan\":4095"),
	  "E a.json:2:43: \"vlan\" must be a whole number from 0 to 4094, "
	  "not 4095\n" },
	{ NETWORK(",\"vlan\":\"100\""), "E a.json:2:43: \"vlan\" must be a whole number from 0 to "
					"4094, not \"100\"\n" },
	{ NETWORK(",\"vlan\":1,\"qos\":8"), "E a.json:2:51: \"qos\" must be a whole number from 0 "
					    "to 7, not 8\n" },
	{ NETWORK(",\"qos\":3"), "E a.json:2:42: \"qos\" is the priority in a VLAN tag; give the "
				 "network a \"vlan\" from 1 to 4094 too\n" },
	{ NETWORK(",\"qos\":0"), "" },
	{ NETWORK(",\"vlanProto\":\"802.1ad\""), "E a.json:2:48: \"vlanProto\" is the kind of a "
						 "VLAN tag; give the network a \"vlan\" from "
						 "1 to 4094 too\n" },
	{ NETWORK(",\"vlanProto\":\"802.1q\""),
	  "E a.json:2:48: \"vlanProto\" must be \"802.1Q\" or \"802.1ad\", not \"802.1q\"\n" },
	{ NETWORK(",\"minTxRate\":-1"),
	  "E a.json:2:48: \"minTxRate\" must be a whole number from 0 "
	  "to 2147483647 Mbit/s, not -1\n" },
	{ NETWORK(",\"maxTxRate\":2147483648"),
	  "E a.json:2:48: \"maxTxRate\" must be a whole number from 0 to 2147483647 Mbit/s, not "
	  "2147483648\n" },
	{ NETWORK(",\"minTxRate\":20,\"maxTxRate\":10"),
	  "E a.json:2:48: \"minTxRate\" 20 is above \"maxTxRate\" 10\n" },
	{ NETWORK(",\"minTxRate\":20,\"maxTxRate\":0"), "" },
	{ NETWORK(",\"linkState\":\"up\""), "E a.json:2:48: \"linkState\" must be \"auto\", "
					    "\"enable\" or \"disable\", not \"up\"\n" },
	{ NETWORK(",\"fallback\":\"macvtap\""),
	  "E a.json:2:47: networks[0].fallback: must be an object, for example {\"type\": "
	  "\"macvtap\"}, not \"macvtap\"\n" },
	{ NETWORK(",\"fallback\":{\"type\":\"bridge\"}"),
	  "E a.json:2:47: a fallback of the type \"bridge\" needs \"bridge\"\n" },
	{ NETWORK(",\"fallback\":{\"type\":\"network\",\"bridge\":\"br0\"}"),
	  "E a.json:2:65: \"bridge\" belongs to a fallback of the type \"bridge\", but the type is "
	  "\"network\"\n"
	  "E a.json:2:47: a fallback of the type \"network\" needs \"network\"\n" },
	{ NETWORK(",\"fallback\":{\"bridge\":\"br0\"}"),
	  "E a.json:2:48: \"bridge\" belongs to a fallback of the type \"bridge\", but the type is "
	  "\"macvtap\" when not given\n" },
	{ NETWORK(",\"fallback\":{\"queues\":0}"),
	  "E a.json:2:57: \"queues\" must be a whole number from 1 to 256, not 0\n" },
	{ NETWORK(",\"fallback\":{\"queues\":257}"),
	  "E a.json:2:57: \"queues\" must be a whole number from 1 to 256, not 257\n" },
	{ NETWORK(",\"fallback\":{\"type\":\"none\",\"queues\":2}"),
	  "E a.json:2:62: \"queues\" has no meaning for a fallback of the type \"none\"\n" },
	{ NETWORK(",\"fallback\":{\"uplink\":\"0123456789abcdef\"}"),
	  "E a.json:2:57: \"uplink\" must be the name of a network interface such as \"bond0\", "
	  "not "
	  "\"0123456789abcdef\"\n" },
	{ NETWORK(",\"fallback\":{\"uplink\":\"0123456789abcde\"}"), "" },
	{ "{\"networks\":[{\"name\":\"n\",\"pool\":\"fats\"}],\n"
	  "\"pools\":[{\"name\":\"fast\",\"select\":{\"drivers\":[\"igb\"]}}]}",
	  "E a.json:1:33: there is no pool \"fats\"; did you mean \"fast\"?\n" },
	{ "{\"pools\":[{\"name\":\"a\",\"select\":{\"pfNames\":[\"e#0-3,6\"]}},\n"
	  "{\"name\":\"b\",\"select\":{\"pfNames\":[\"e#5-6\"]}}]}",
	  "E a.json:2:1: the pools \"b\" and \"a\" (at a.json:1:11) both select the VF e/6, and a "
	  "VF "
	  "can be in one pool only; give them indices that do not meet, such as \"#0-3\" and "
	  "\"#4-6\"\n" },
	{ "{\"pools\":[{\"name\":\"a\",\"select\":{\"rootDevices\":[\"01:00.0\"]}},\n"
	  "{\"name\":\"b\",\"select\":{\"rootDevices\":[\"0000:01:00.0#2\"]}}]}",
	  "E a.json:2:1: the pools \"b\" and \"a\" (at a.json:1:11) both select the VF "
	  "0000:01:00.0/2, and a VF can be in one pool only; give them indices that do not meet, "
	  "such as \"#0-3\" and \"#4-6\"\n" },
	{ "{\"pools\":[{\"name\":\"a\",\"numVfs\":7,\"select\":{\"pfNames\":[\"e#0-3\"]}},\n"
	  "{\"name\":\"b\",\"numVfs\":6,\"select\":{\"pfNames\":[\"e#4-5\"]}}]}",
	  "E a.json:2:1: the pools \"b\" and \"a\" (at a.json:1:11) want 6 and 7 VFs of e, and a "
	  "PF "
	  "has one number of VFs; give both the same \"numVfs\"\n" },
	{ "{\"pools\":[{\"name\":\"a\",\"numVfs\":7,\"select\":{\"pfNames\":[\"e#0-3\"]}},\n"
	  "{\"name\":\"b\",\"externallyManaged\":true,\"select\":{\"pfNames\":[\"e#4-5\"]}}]}",
	  "E a.json:2:1: the pools \"b\" and \"a\" (at a.json:1:11) both select e, but only \"b\" "
	  "is "
	  "\"externallyManaged\"; a PF is managed by one of us\n" },
	/* A pool may say the same twice; of its entries the longest counts. */
	{ "{\"pools\":[{\"name\":\"a\",\"select\":{\"pfNames\":[\"e#0-9\",\"e#1-2\"]}}]}", "" },
	{ "{\"pools\":[{\"name\":\"a\",\"select\":{\"pfNames\":[\"e#0-9\",\"e#1-2\"]}},\n"
	  "{\"name\":\"b\",\"select\":{\"pfNames\":[\"e#5\"]}}]}",
	  "E a.json:2:1: the pools \"b\" and \"a\" (at a.json:1:11) both select the VF e/5, and a "
	  "VF "
	  "can be in one pool only; give them indices that do not meet, such as \"#0-3\" and "
	  "\"#4-6\"\n" },
	/* Other members may keep these apart: only a host can tell. */
	{ "{\"pools\":[{\"name\":\"a\",\"select\":{\"pfNames\":[\"e\"],\"drivers\":[\"ice\"]}},\n"
	  "{\"name\":\"b\",\"select\":{\"pfNames\":[\"e\"],\"drivers\":[\"igb\"]}}]}",
	  "" },
};

static void config_parse_mistake_told_with_its_place(void **state)
{
	for (size_t i = 0; i < G_N_ELEMENTS(mistakes); i++)
		assert_problems(mistakes[i].json, mistakes[i].problems);
}

static void config_parse_many_mistakes_all_told(void **state)
{
	assert_problems(
		"{\"pools\":[{\"name\":\"p\",\"select\":{\"pfName\":[\"a\"]},\"numVfs\":0}],\n"
		"\t\"networks\":[{\"nämé\":\"ö\",\t\"name\":\"n\",\"pool\":\"q\"}]}",
		"E a.json:1:33: unknown key \"pfName\"; did you mean \"pfNames\"?\n"
		"E a.json:1:58: \"numVfs\" must be a whole number from 1 to 65535 (or left "
		"out, to take the VFs that are there), not 0\n"
		"E a.json:2:15: unknown key \"nämé\"; known here are \"name\", \"pool\", "
		"\"vlan\", \"qos\", \"vlanProto\", \"minTxRate\", \"maxTxRate\", "
		"\"spoofchk\", \"trust\", \"linkState\", \"fallback\"\n"
		"E a.json:2:45: there is no pool \"q\"\n");
}

static void config_parse_error_carries_the_first_mistake(void **state)
{
	const char *name = "conf.d/x.json", *text = "{\"x\":1,\n\"y\":2}";
	struct srv_config *config = NULL;
	sriov_autoerror err = NULL;
	g_autofree char *message = NULL;

	assert_int_equal(srv_config_parse(&name, &text, 1, &config, NULL, &err), -EINVAL);
	assert_null(config);
	message = sriov_error_text(err);
	assert_int_equal(err->code, SRIOV_ERROR_INVALID);
	assert_string_equal(message,
			    "conf.d/x.json:1:2: unknown key \"x\"; known here are \"$schema\", "
			    "\"pools\", \"networks\", \"access\", \"failover\", \"vfio\", "
			    "\"reconcileSeconds\" (and 1 more)");
}

static void config_parse_files_arrays_appended_scalars_once(void **state)
{
	const char *texts[] = {
		"{\"networks\":[{\"name\":\"n\",\"pool\":\"late\"}],\"reconcileSeconds\":5}",
		("{\"access\":{\"readGroup\":\"r\"},\n \"pools\":[{\"name\":\"p\",\"select\":"
		 "{\"drivers\":[\"a\"]}}],\"networks\":[{\"name\":\"m\",\"pool\":\"p\"}]}"),
		"{\"pools\":[{\"name\":\"late\",\"select\":{\"drivers\":[\"b\"]}}]}",
	};
	struct srv_config *config;
	g_autofree char *problems = parse_files(texts, 3, &config);
	g_autofree char *text = format_config(config);
	g_autofree char *again = NULL;

	assert_string_equal(problems, "");
	assert_string_equal(
		text, "pool p at b.json:2:11: 1 selectors, numVfs -1, 0, 0\n"
		      "pool late at c.json:1:11: 1 selectors, numVfs -1, 0, 0\n"
		      "network n of late at a.json:1:14: mask 3e, vlan 0, max rate unlimited, "
		      "spoofchk on, trust off, link state auto; fallback 1 - 1\n"
		      "network m of p at b.json:2:64: mask 3e, vlan 0, max rate unlimited, "
		      "spoofchk on, trust off, link state auto; fallback 1 - 1\n"
		      "admin sriovd, read r, reconcile 5\n");
	srv_config_unref(config);

	texts[2] = "{\"reconcileSeconds\":5, \"access\":{},\"pools\":[{\"name\":\"p\",\"select\":"
		   "{\"drivers\":[\"b\"]}}]}";
	again = parse_files(texts, 3, NULL);
	assert_string_equal(
		again, "E c.json:1:2: \"reconcileSeconds\" is already set at a.json:1:61; only "
		       "one file may set it\n"
		       "E c.json:1:24: \"access\" is already set at b.json:1:11; only one file "
		       "may set it\n"
		       "E c.json:1:53: there is already a pool \"p\" at b.json:2:19\n"
		       "E a.json:1:33: there is no pool \"late\"\n");
}

static void config_parse_limits_hold(void **state)
{
	g_autoptr(GString) big = g_string_new("{\"pools\":[");
	g_autofree char *large = g_strnfill(SRV_CONFIG_FILE_MAX + 1, ' ');
	g_autofree char *problems = NULL;
	g_auto(GStrv) lines = NULL;

	assert_problems(large, "E a.json: larger than 1048576 bytes\n");
	assert_problems("{\"pools\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}",
			"E a.json:1:25: nested deeper than 16 levels\n");
	for (int i = 0; i < 1000; i++)
		g_string_append(big, i ? ",1" : "1");
	g_string_append(big, "]}");
	problems = parse_files((const char *const *)&big->str, 1, NULL);
	lines = g_strsplit(problems, "\n", -1);
	assert_int_equal(g_strv_length(lines), SRV_CONFIG_PROBLEMS_MAX + 2);
	assert_string_equal(lines[SRV_CONFIG_PROBLEMS_MAX],
			    "E a.json:1:211: here and behind it are more mistakes, which are not "
			    "shown");
}

/* Warnings alone fill the list; an error behind them must still refuse the configuration. */
static void config_parse_error_behind_many_warnings_refused(void **state)
{
	g_autoptr(GString) text = g_string_new("{\"pools\":[");
	g_autofree char *problems = NULL;

	for (int i = 0; i < SRV_CONFIG_PROBLEMS_MAX + 5; i++)
		g_string_append_printf(text,
				       "{\"name\":\"p%d\",\"numVfs\":1,\"select\":{\"pfNames\":"
				       "[\"e%d#1\"]}},",
				       i, i);
	g_string_append(text, "3]}");
	problems = parse_files((const char *const *)&text->str, 1, NULL);
	assert_true(g_str_has_suffix(problems, "are more mistakes, which are not shown\n"));
}

static void config_parse_long_names_cut_in_messages(void **state)
{
	g_autofree char *key = g_strnfill(5000, 'k');
	g_autofree char *text = g_strdup_printf("{\"access\":{\"%s\\n\":1}}", key);
	g_autofree char *problems = parse_files((const char *const *)&text, 1, NULL);

	assert_true(strlen(problems) < 250);
	assert_true(g_str_has_prefix(problems, "E a.json:1:12: unknown key \"kkkk"));
}

/* A newline would forge a line of the journal, U+009B starts a terminal's command. */
static void config_parse_hostile_text_made_harmless(void **state)
{
	const char *name = "conf.d/a\nb\xff.json", *text = "{\"x\xc2\x9b\\n\":1}";
	g_autoptr(GPtrArray) problems = NULL;
	struct srv_config *config = NULL;
	const struct srv_problem *problem;

	assert_int_equal(srv_config_parse(&name, &text, 1, &config, &problems, NULL), -EINVAL);
	problem = problems->pdata[0];
	assert_string_equal(problem->subject, "conf.d/a?b\xef\xbf\xbd.json:1:2");
	assert_true(g_str_has_prefix(problem->message, "unknown key \"x?\\n\"; known"));
	assert_problems("{\"a\001\":1}",
			"E a.json:1:3: not valid JSON: control character 0x1 near '\"a'; " COMMA);
	assert_problems("{\"a\":\x1b}",
			"E a.json:1:6: not valid JSON: invalid token near '?'; " COMMA);
}

static void config_parse_many_pools_on_one_pf_quick(void **state)
{
	g_autoptr(GString) text = g_string_new("{\"pools\":[");
	const char *texts[2] = { NULL, "{\"pools\":[{\"name\":\"x\",\"select\":{}}]}" };
	g_autofree char *problems = NULL;
	gint64 start = g_get_monotonic_time();

	for (int i = 0; i < SRV_CONFIG_POOLS_MAX; i++)
		g_string_append_printf(text,
				       "%s{\"name\":\"p%d\",\"select\":{\"pfNames\":[\"e#%d\"]}}",
				       i ? "," : "", i, i);
	g_string_append(text, "]}");
	texts[0] = text->str;
	problems = parse_files(texts, 2, NULL);
	assert_string_equal(problems, "E b.json:1:11: too many \"pools\": all files together may "
				      "have 1024\n");
	assert_true(g_get_monotonic_time() - start < 5 * G_USEC_PER_SEC);
}

/* Files */

static void write_file(const char *dir, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);

	assert_true(g_file_set_contents(path, text, -1, NULL));
}

static char *make_dir(void)
{
	char *dir = g_dir_make_tmp("sriovd-config-XXXXXX", NULL);
	g_autofree char *dropins = g_build_filename(dir, "conf.d", NULL);

	assert_int_equal(g_mkdir(dropins, 0755), 0);
	return dir;
}

static void remove_tree(const char *path)
{
	GDir *dir = g_dir_open(path, 0, NULL);
	const char *name;

	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *child = g_build_filename(path, name, NULL);

		remove_tree(child);
	}
	if (dir)
		g_dir_close(dir);
	g_remove(path);
}

static char *load(const char *dir, struct srv_config **ret)
{
	g_autoptr(GPtrArray) problems = NULL;
	struct srv_config *config = NULL;
	int r = srv_config_load(dir, &config, &problems, NULL);

	assert_true((r == 0) == (config != NULL));
	if (ret)
		*ret = config;
	else
		srv_config_unref(config);
	return format_problems(problems);
}

static void config_load_no_directory_is_empty(void **state)
{
	struct srv_config *config;
	g_autofree char *problems = load("/nonexistent/sriovd", &config);

	assert_string_equal(problems, "");
	assert_non_null(config);
	assert_int_equal(config->pools->len, 0);
	srv_config_unref(config);
}

static void config_load_dropins_in_order_of_names(void **state)
{
	g_autofree char *dir = make_dir();
	struct srv_config *config;
	g_autofree char *problems = NULL;
	g_autofree char *text = NULL;

	write_file(dir, "sriovd.json", "{\"reconcileSeconds\":7}");
	write_file(dir, "conf.d/20-b.json",
		   "{\"pools\":[{\"name\":\"b\",\"select\":{\"drivers\":[\"x\"]}}]}");
	write_file(dir, "conf.d/10-a.json",
		   "{\"pools\":[{\"name\":\"a\",\"select\":{\"drivers\":[\"y\"]}}]}");
	write_file(dir, "conf.d/00-x.json~", "no JSON");
	write_file(dir, "conf.d/.hidden.json", "no JSON");
	problems = load(dir, &config);
	assert_string_equal(problems, "");
	text = format_config(config);
	assert_string_equal(text, "pool a at conf.d/10-a.json:1:11: 1 selectors, numVfs -1, 0, 0\n"
				  "pool b at conf.d/20-b.json:1:11: 1 selectors, numVfs -1, 0, 0\n"
				  "admin sriovd, read -, reconcile 7\n");
	srv_config_unref(config);
	remove_tree(dir);
}

static void config_load_unreadable_files_named(void **state)
{
	g_autofree char *dir = make_dir();
	g_autofree char *fifo = g_build_filename(dir, "conf.d", "10-fifo.json", NULL);
	g_autofree char *link = g_build_filename(dir, "conf.d", "20-link.json", NULL);
	g_autofree char *nul = g_build_filename(dir, "conf.d", "30-nul.json", NULL);
	g_autofree char *expected = g_strdup_printf(
		"E %s/conf.d/10-fifo.json: is not a regular file\n"
		"E %s/conf.d/20-link.json: cannot be read: No such file or directory\n"
		"E %s/conf.d/30-nul.json: holds a NUL byte and so is no JSON\n"
		"E conf.d/40-bad.json:1:1: not valid JSON: string or '}' expected near end of "
		"file; the "
		"file is cut off, or a bracket or quote is never closed\n",
		dir, dir, dir);
	g_autofree char *problems = NULL;

	assert_int_equal(mkfifo(fifo, 0644), 0);
	assert_int_equal(symlink("/nonexistent", link), 0);
	assert_true(g_file_set_contents(nul, "{}\0", 3, NULL));
	write_file(dir, "conf.d/40-bad.json", "{");
	problems = load(dir, NULL);
	assert_string_equal(problems, expected);
	remove_tree(dir);
}

static void config_load_not_a_directory_refused(void **state)
{
	g_autofree char *problems = load("/dev/null", NULL);

	assert_string_equal(problems, "E /dev/null: cannot be read: Not a directory\n");
}

static void config_load_large_file_refused_by_its_size(void **state)
{
	g_autofree char *dir = make_dir();
	g_autofree char *large = g_strnfill(SRV_CONFIG_FILE_MAX + 10, ' ');
	g_autofree char *problems = NULL;

	write_file(dir, "sriovd.json", large);
	problems = load(dir, NULL);
	assert_string_equal(problems, "E sriovd.json: larger than 1048576 bytes\n");
	remove_tree(dir);
}

/* Places */

static void positions_scan_finds_every_value(void **state)
{
	const char *text = " {\"a\": [1, \"x]\\\"\"],\n\t\"ü\": {\"b\":null}, \"c\" :-1.5e3}";
	const struct srv_position expected[] = {
		{ { 1, 2 }, { 1, 2 }, 7 },   { { 1, 3 }, { 1, 8 }, 4 }, { { 1, 9 }, { 1, 9 }, 3 },
		{ { 1, 12 }, { 1, 12 }, 4 }, { { 2, 2 }, { 2, 7 }, 6 }, { { 2, 8 }, { 2, 12 }, 6 },
		{ { 2, 19 }, { 2, 24 }, 7 },
	};
	g_autoptr(GArray) nodes = NULL;
	struct srv_place place;

	assert_int_equal(srv_positions_scan(text, &nodes, &place, NULL), 0);
	assert_int_equal(nodes->len, G_N_ELEMENTS(expected));
	assert_memory_equal(nodes->data, expected, sizeof(expected));
}

static void positions_scan_no_json_ends_all_the_same(void **state)
{
	static const char *const texts[] = { "",	"{",	    "[",    "\"", "\"\\",
					     "{]}",	"{\"a\"",   "[1 2", "}",  "{a:1}",
					     "[[,],:]", "{\"a\":}", "[}" };

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autoptr(GArray) nodes = NULL;
		struct srv_place place;

		assert_int_equal(srv_positions_scan(texts[i], &nodes, &place, NULL), 0);
	}
}

static void suggest_near_names_only(void **state)
{
	static const char *const names[] = { "vlan", "vlanProto", "qos", "numVfs" };
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "valn", "; did you mean \"vlan\"?" },
		{ "VLAN", "; did you mean \"vlan\"?" },
		{ "vlan_proto", "; did you mean \"vlanProto\"?" },
		{ "num_vfs", "; did you mean \"numVfs\"?" },
		{ "mtu", "" },
		{ "q", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = srv_reader_suggest(cases[i].text, names, 4);

		assert_string_equal(text, cases[i].expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_parse_nothing_is_empty_configuration),
		cmocka_unit_test(config_parse_everything_set_fills_the_pool),
		cmocka_unit_test(config_parse_everything_set_fills_the_network),
		cmocka_unit_test(config_parse_everything_set_fills_the_rest),
		cmocka_unit_test(config_parse_defaults_are_the_safe_ones),
		cmocka_unit_test(config_parse_mistake_told_with_its_place),
		cmocka_unit_test(config_parse_many_mistakes_all_told),
		cmocka_unit_test(config_parse_error_carries_the_first_mistake),
		cmocka_unit_test(config_parse_files_arrays_appended_scalars_once),
		cmocka_unit_test(config_parse_limits_hold),
		cmocka_unit_test(config_parse_error_behind_many_warnings_refused),
		cmocka_unit_test(config_parse_long_names_cut_in_messages),
		cmocka_unit_test(config_parse_hostile_text_made_harmless),
		cmocka_unit_test(config_parse_many_pools_on_one_pf_quick),
		cmocka_unit_test(config_load_no_directory_is_empty),
		cmocka_unit_test(config_load_dropins_in_order_of_names),
		cmocka_unit_test(config_load_unreadable_files_named),
		cmocka_unit_test(config_load_not_a_directory_refused),
		cmocka_unit_test(config_load_large_file_refused_by_its_size),
		cmocka_unit_test(positions_scan_finds_every_value),
		cmocka_unit_test(positions_scan_no_json_ends_all_the_same),
		cmocka_unit_test(suggest_near_names_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
