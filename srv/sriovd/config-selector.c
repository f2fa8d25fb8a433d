// SPDX-License-Identifier: GPL-2.0-or-later
/* "select" of a pool: which PFs, and which VFs of them. Read here, applied in config-select.c. */
#include <net/if.h>
#include <string.h>

#include "base/parse.h"
#include "srv/sriovd/config-parse.h"

#define NUMA_NODE_MAX 1023 /* MAX_NUMNODES of the largest kernels: 1 << CONFIG_NODES_SHIFT */

static void item_error(struct srv_reader *reader, const struct srv_key *key, struct srv_json item)
{
	g_autofree char *shown = srv_reader_show(item.value);

	srv_reader_error(reader, item.node, "each of \"%s\" must be %s, not %s", key->name,
			 key->form, shown);
}

static bool is_pci_id(const char *text)
{
	return strlen(text) == 4 && strspn(text, "0123456789abcdefABCDEF") == 4;
}

/* Vendors, devices; field: GArray ** of uint16_t. */
static void read_pci_ids(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
			 void *field)
{
	g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(uint16_t));
	struct srv_json item = { 0 };
	uint64_t number;

	for (size_t i = 0; srv_reader_item(reader, key, at, &i, &item);) {
		const char *text = json_string_value(item.value);

		if (text && is_pci_id(text) &&
		    sriov_parse_u64(text, 16, UINT16_MAX, &number) == 0) {
			uint16_t id = (uint16_t)number;

			g_array_append_val(ids, id);
		} else {
			item_error(reader, key, item);
		}
	}
	*(GArray **)field = g_steal_pointer(&ids);
}

/* Drivers, link types; field: GPtrArray ** of char *. */
static void read_words(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
		       void *field)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	struct srv_json item = { 0 };

	for (size_t i = 0; srv_reader_item(reader, key, at, &i, &item);) {
		const char *text = json_string_value(item.value);

		if (text && key->is_valid(text))
			g_ptr_array_add(words, g_strdup(text));
		else
			item_error(reader, key, item);
	}
	*(GPtrArray **)field = g_steal_pointer(&words);
}

/* field: GArray ** of int */
static void read_numa_nodes(struct srv_reader *reader, const struct srv_key *key,
			    struct srv_json at, void *field)
{
	g_autoptr(GArray) nodes = g_array_new(FALSE, FALSE, sizeof(int));
	struct srv_json item = { 0 };

	for (size_t i = 0; srv_reader_item(reader, key, at, &i, &item);) {
		json_int_t value = json_integer_value(item.value);
		int node = (int)value;

		if (json_is_integer(item.value) && value >= -1 && value <= NUMA_NODE_MAX)
			g_array_append_val(nodes, node);
		else
			item_error(reader, key, item);
	}
	*(GArray **)field = g_steal_pointer(&nodes);
}

static void function_selector_free(struct srv_function_selector *selector)
{
	g_free(selector->name);
	g_clear_pointer(&selector->ranges, g_array_unref);
	g_free(selector);
}

static bool read_ranges(struct srv_reader *reader, const char *text, struct srv_json item,
			GArray **ret)
{
	struct srv_config_build *build = reader->data;
	struct srv_named_index named = { .node = item.node };

	if (sriov_ranges_parse(text, SRV_VF_INDEX_MAX, ret) < 0) {
		g_autofree char *shown = srv_reader_quote(text);

		srv_reader_error(reader, item.node,
				 "after \"#\" must stand indices of VFs from 0 to %d such as "
				 "\"0-3,5\", not %s",
				 SRV_VF_INDEX_MAX, shown);
		return false;
	}
	named.last = g_array_index(*ret, struct sriov_range, (*ret)->len - 1).last;
	g_array_append_val(build->indices, named);
	return true;
}

/* "enp1s0#0-3,5" or "0000:01:00.0#0-3,5"; NULL after noting a mistake. */
static struct srv_function_selector *read_function(struct srv_reader *reader,
						   const struct srv_key *key, struct srv_json item,
						   bool by_address)
{
	const char *text = json_string_value(item.value);
	const char *hash = text ? strchr(text, '#') : NULL;
	g_autofree char *head = hash ? g_strndup(text, (gsize)(hash - text)) : g_strdup(text);
	struct srv_function_selector *selector = g_new0(struct srv_function_selector, 1);
	bool named = head && (by_address ? sriov_bdf_parse(head, &selector->bdf) == 0
					 : srv_netdev_name_is_valid(head));

	if (!named)
		item_error(reader, key, item);
	if (!named || (hash && !read_ranges(reader, hash + 1, item, &selector->ranges))) {
		function_selector_free(selector);
		return NULL;
	}
	if (!by_address)
		selector->name = g_steal_pointer(&head);
	return selector;
}

static GPtrArray *read_functions(struct srv_reader *reader, const struct srv_key *key,
				 struct srv_json at, bool by_address)
{
	GPtrArray *functions = g_ptr_array_new_with_free_func(
		(GDestroyNotify)function_selector_free);
	struct srv_json item = { 0 };

	for (size_t i = 0; srv_reader_item(reader, key, at, &i, &item);) {
		struct srv_function_selector *function = read_function(reader, key, item,
								       by_address);

		if (function)
			g_ptr_array_add(functions, function);
	}
	return functions;
}

static void read_pf_names(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
			  void *field)
{
	*(GPtrArray **)field = read_functions(reader, key, at, false);
}

static void read_root_devices(struct srv_reader *reader, const struct srv_key *key,
			      struct srv_json at, void *field)
{
	*(GPtrArray **)field = read_functions(reader, key, at, true);
}

bool srv_netdev_name_is_valid(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length >= IFNAMSIZ || !strcmp(text, ".") || !strcmp(text, ".."))
		return false;
	for (const char *p = text; *p; p++) {
		/* '#' is allowed by the kernel, but starts our list of indices. */
		if (*p == '/' || *p == ':' || *p == '#' || g_ascii_isspace(*p) ||
		    g_ascii_iscntrl(*p))
			return false;
	}
	return true;
}

static bool is_driver(const char *text)
{
	/* A directory below /sys/bus/pci/drivers. */
	return *text && strlen(text) < 64 && !strchr(text, '/') && *text != '.';
}

static bool is_link_type(const char *text)
{
	return !strcmp(text, "ether") || !strcmp(text, "infiniband");
}

#define LIST(key_name, read_fn, member, form_text)                                          \
	.name = key_name, .read = read_fn, .offset = offsetof(struct srv_selector, member), \
	.min = 1, .max = SRV_CONFIG_LIST_MAX, .form = form_text

const struct srv_key srv_config_keys_selector[] = {
	{ LIST("vendors", read_pci_ids, vendors,
	       "a PCI id of four hexadecimal digits in quotes such as \"8086\"") },
	{ LIST("devices", read_pci_ids, devices,
	       "a PCI id of four hexadecimal digits in quotes such as \"10c9\"") },
	{ LIST("drivers", read_words, drivers, "the name of a PF's driver such as \"ice\""),
	  .is_valid = is_driver },
	{ LIST("pfNames", read_pf_names, pf_names,
	       "the name of a PF's network interface, with or without indices of VFs, such as "
	       "\"enp1s0\" or \"enp1s0#0-3,5\"") },
	{ LIST("rootDevices", read_root_devices, root_devices,
	       "the PCI address of a PF, with or without indices of VFs, such as "
	       "\"0000:01:00.0\" or \"0000:01:00.0#0-3,5\"") },
	{ LIST("numaNodes", read_numa_nodes, numa_nodes,
	       "a NUMA node from 0 to 1023, or -1 for a PF without one") },
	{ LIST("linkTypes", read_words, link_types, "\"ether\" or \"infiniband\""),
	  .is_valid = is_link_type },
	SRV_KEY_END("{\"pfNames\": [\"enp1s0\"]}"),
};

static void read_selector(struct srv_reader *reader, struct srv_json at, GPtrArray *selectors)
{
	struct srv_selector *selector = g_new0(struct srv_selector, 1);
	uint32_t nodes[SRV_KEYS_MAX];

	g_ptr_array_add(selectors, selector);
	if (srv_reader_object(reader, srv_config_keys_selector, at, selector, nodes) &&
	    json_object_size(at.value) == 0)
		srv_reader_error(reader, at.node,
				 "an empty selector would take every SR-IOV NIC of the host; name "
				 "the PFs, for example \"pfNames\": [\"enp1s0\"]");
}

void srv_key_select(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
		    void *field)
{
	g_autoptr(GPtrArray)
		selectors = g_ptr_array_new_with_free_func((GDestroyNotify)srv_selector_free);
	struct srv_json item = { 0 };

	if (json_is_object(at.value)) {
		read_selector(reader, at, selectors);
	} else if (json_is_array(at.value)) {
		for (size_t i = 0; srv_reader_item(reader, key, at, &i, &item);)
			read_selector(reader, item, selectors);
	} else {
		g_autofree char *shown = srv_reader_show(at.value);

		srv_reader_error(reader, at.node,
				 "\"select\" must be an object {…} or a list of objects, not %s",
				 shown);
	}
	*(GPtrArray **)field = g_steal_pointer(&selectors);
}
