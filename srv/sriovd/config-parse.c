// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From JSON texts to struct srv_config. Every file is read to its end whatever is wrong in it, so
 * that one run tells all mistakes; what one file says of another (names twice, a pool that is not
 * there, two pools that want the same VF) is looked at when all have been read.
 */
#include "srv/sriovd/config-parse.h"

#include <errno.h>
#include <string.h>

#include "srv/sriovd/config-overlap.h"

#define FILE_NAME_MAX 512

bool srv_text_is_given(const char *text)
{
	return *text != '\0';
}

bool srv_text_is_printable(const char *text)
{
	size_t length = strlen(text);

	if (length == 0 || length > 255)
		return false;
	for (const char *p = text; *p; p++) {
		if (g_ascii_iscntrl(*p) || *p == '/' || *p == ':')
			return false;
	}
	return true;
}

/* Notes when a name was given before; where: of the object now read. */
void srv_config_claim_name(struct srv_reader *reader, GHashTable *names, const char *kind,
			   const char *name, uint32_t node)
{
	const char *first;

	if (!name)
		return;
	first = g_hash_table_lookup(names, name);
	if (first)
		srv_reader_error(reader, node, "there is already a %s \"%s\" at %s", kind, name,
				 first);
	else
		g_hash_table_insert(names, g_strdup(name), srv_reader_where(reader, node));
}

const struct srv_key srv_config_keys_access[] = {
	{ .name = "adminGroup",
	  .read = srv_key_text,
	  .offset = offsetof(struct srv_access, admin_group),
	  .form = "the name of a group",
	  .is_valid = srv_text_is_printable },
	{ .name = "readGroup",
	  .read = srv_key_text,
	  .offset = offsetof(struct srv_access, read_group),
	  .form = "the name of a group (or left out, to let everybody read)",
	  .is_valid = srv_text_is_printable },
	SRV_KEY_END("{\"adminGroup\": \"sriovd\"}"),
};

#define FAILOVER_SECONDS(key, member, lowest, highest)                                     \
	{                                                                                  \
		.name = key, .read = srv_key_uint,                                         \
		.offset = offsetof(struct srv_failover_settings, member), .min = (lowest), \
		.max = (highest)                                                           \
	}

const struct srv_key srv_config_keys_failover[] = {
	{ .name = "preempt",
	  .read = srv_key_bool,
	  .offset = offsetof(struct srv_failover_settings, preempt) },
	{ .name = "promotionsPerPf",
	  .read = srv_key_uint,
	  .offset = offsetof(struct srv_failover_settings, promotions),
	  .min = 1,
	  .max = 64 },
	FAILOVER_SECONDS("promoteAfterSeconds", promote_seconds, 0, 3600),
	FAILOVER_SECONDS("negotiateSeconds", negotiate_seconds, 5, 3600),
	FAILOVER_SECONDS("retrySeconds", retry_seconds, 1, 86400),
	FAILOVER_SECONDS("unplugSeconds", unplug_seconds, 1, 600),
	FAILOVER_SECONDS("linkDownSeconds", link_down_seconds, 0, 3600),
	SRV_KEY_END("{\"preempt\": true}"),
};

const struct srv_key srv_config_keys_vfio[] = {
	{ .name = "allowUnsafeInterrupts",
	  .read = srv_key_bool,
	  .offset = offsetof(struct srv_vfio_settings, allow_unsafe_interrupts) },
	{ .name = "allowNoIommu",
	  .read = srv_key_bool,
	  .offset = offsetof(struct srv_vfio_settings, allow_noiommu) },
	SRV_KEY_END("{\"allowUnsafeInterrupts\": true}"),
};

/* Objects of a list that several files may continue; count: how many there were before. */
static void read_objects(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
			 size_t *count, void (*read)(struct srv_reader *, struct srv_json))
{
	struct srv_json item = { 0 };

	for (size_t i = 0; srv_reader_item(reader, key, at, &i, &item);) {
		if (++*count <= key->max)
			read(reader, item);
		else if (*count == (size_t)key->max + 1)
			srv_reader_error(reader, item.node,
					 "too many \"%s\": all files together may have %u",
					 key->name, key->max);
	}
}

static void read_pools(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
		       void *field)
{
	struct srv_config_build *build = field;

	read_objects(reader, key, at, &build->n_pools, srv_config_read_pool);
}

static void read_networks(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
			  void *field)
{
	struct srv_config_build *build = field;

	read_objects(reader, key, at, &build->n_networks, srv_config_read_network);
}

static bool set_once(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
		     char **where)
{
	if (*where) {
		srv_reader_key_error(reader, at.node,
				     "\"%s\" is already set at %s; only one file may set it",
				     key->name, *where);
		return false;
	}
	*where = srv_reader_where(reader, at.node);
	return true;
}

static void read_access(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
			void *field)
{
	struct srv_config_build *build = field;
	uint32_t nodes[SRV_KEYS_MAX];

	if (set_once(reader, key, at, &build->access_where))
		srv_reader_object(reader, key->members, at, &build->config->access, nodes);
}

static void read_failover(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
			  void *field)
{
	struct srv_config_build *build = field;
	uint32_t nodes[SRV_KEYS_MAX];

	if (set_once(reader, key, at, &build->failover_where))
		srv_reader_object(reader, key->members, at, &build->config->failover, nodes);
}

static void read_vfio(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
		      void *field)
{
	struct srv_config_build *build = field;
	uint32_t nodes[SRV_KEYS_MAX];

	if (set_once(reader, key, at, &build->vfio_where))
		srv_reader_object(reader, key->members, at, &build->config->vfio, nodes);
}

static void read_reconcile(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
			   void *field)
{
	struct srv_config_build *build = field;

	if (set_once(reader, key, at, &build->reconcile_where))
		srv_key_uint(reader, key, at, &build->config->reconcile_seconds);
}

/* For editors, which look their help up there; every file may have it. */
static void read_schema(struct srv_reader *reader, const struct srv_key *key, struct srv_json at,
			void *field)
{
	g_autofree char *unused = NULL;

	srv_key_text(reader, key, at, &unused);
}

/* Their target is the build: several files add to it. */
const struct srv_key srv_config_keys_root[] = {
	{ .name = "$schema",
	  .read = read_schema,
	  .form = "the address of a JSON Schema",
	  .is_valid = srv_text_is_given },
	{ .name = "pools",
	  .read = read_pools,
	  .max = SRV_CONFIG_POOLS_MAX,
	  .members = srv_config_keys_pool },
	{ .name = "networks",
	  .read = read_networks,
	  .max = SRV_CONFIG_NETWORKS_MAX,
	  .members = srv_config_keys_network },
	{ .name = "access", .read = read_access, .members = srv_config_keys_access },
	{ .name = "failover", .read = read_failover, .members = srv_config_keys_failover },
	{ .name = "vfio", .read = read_vfio, .members = srv_config_keys_vfio },
	{ .name = "reconcileSeconds", .read = read_reconcile, .min = 5, .max = 86400 },
	SRV_KEY_END("{\"pools\": [], \"networks\": []}"),
};

/* What to do about a text that is no JSON. */
static const char *syntax_remedy(const json_error_t *error)
{
	switch (json_error_code(error)) {
	case json_error_premature_end_of_input:
		return "the file is cut off, or a bracket or quote is never closed";
	case json_error_end_of_input_expected:
		return "something stands behind the last bracket: remove it";
	case json_error_duplicate_key:
		return "give each key once";
	case json_error_invalid_utf8:
		return "save the file as UTF-8";
	default:
		return "look there and just before for a comma, quote or bracket too few or too "
		       "many";
	}
}

static void syntax_error(GPtrArray *problems, const char *file, const json_error_t *error)
{
	g_autofree char *subject = g_strdup_printf("%s:%d:%d", file, MAX(error->line, 1),
						   MAX(error->column, 1));
	/* It quotes the file, which may hold anything. */
	g_autofree char *text = srv_text_clean(error->text, sizeof(error->text));

	srv_config_note(problems, true, subject, "not valid JSON: %s; %s", text,
			syntax_remedy(error));
}

/* "{}" would do. */
static bool is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n")] == '\0';
}

static json_t *load_json(const char *file, const char *text, GPtrArray *problems)
{
	json_error_t error;
	json_t *root;

	if (strlen(text) > SRV_CONFIG_FILE_MAX) {
		srv_config_note(problems, true, file, "larger than %d bytes", SRV_CONFIG_FILE_MAX);
		return NULL;
	}
	if (is_blank(text)) {
		srv_config_note(problems, true, file,
				"it is empty, which is not valid JSON; write {} for no settings");
		return NULL;
	}
	root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		syntax_error(problems, file, &error);
	return root;
}

static void read_file(struct srv_config_build *build, const char *name, const char *text,
		      GPtrArray *problems)
{
	g_autofree char *file = srv_text_clean(name, FILE_NAME_MAX);
	json_t *root = load_json(file, text, problems);
	struct srv_reader reader = {
		.file = file, .root = root, .problems = problems, .data = build
	};
	uint32_t nodes[SRV_KEYS_MAX];
	struct srv_place place;
	sriov_autoerror error = NULL;

	if (!root)
		return;
	if (srv_positions_scan(text, &reader.positions, &place, &error) < 0) {
		g_autofree char *subject = g_strdup_printf("%s:%u:%u", file, place.line,
							   place.column);

		srv_config_note(problems, true, subject, "%s", error->message);
	} else {
		srv_reader_object(&reader, srv_config_keys_root, (struct srv_json){ root, 0 },
				  build, nodes);
		g_array_unref(reader.positions);
	}
	json_decref(root);
}

/* Networks may come before their pools, and in another file. */
static void check_pool_refs(const struct srv_config_build *build, GPtrArray *problems)
{
	const GPtrArray *networks = build->config->networks;
	g_autofree const char **names = (const char **)g_hash_table_get_keys_as_array(build->pools,
										      NULL);
	guint n = g_hash_table_size(build->pools);

	for (guint i = 0; i < networks->len; i++) {
		const struct srv_network *network = networks->pdata[i];
		g_autofree char *quoted = NULL;
		g_autofree char *suggestion = NULL;

		if (!network->pool || g_hash_table_contains(build->pools, network->pool))
			continue;
		quoted = srv_reader_quote(network->pool);
		suggestion = srv_reader_suggest(network->pool, names, n);
		srv_config_note(problems, true, build->pool_refs->pdata[i], "there is no pool %s%s",
				quoted, suggestion);
	}
}

static void build_clear(struct srv_config_build *build)
{
	g_hash_table_unref(build->pools);
	g_hash_table_unref(build->networks);
	g_ptr_array_unref(build->pool_refs);
	g_array_unref(build->indices);
	g_free(build->access_where);
	g_free(build->failover_where);
	g_free(build->vfio_where);
	g_free(build->reconcile_where);
}

struct srv_config *srv_config_read(const char *const *names, const char *const *texts, size_t n,
				   GPtrArray *problems)
{
	struct srv_config_build build = {
		.config = srv_config_new_empty(),
		.pools = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		.networks = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free),
		.pool_refs = g_ptr_array_new_with_free_func(g_free),
		.indices = g_array_new(FALSE, FALSE, sizeof(struct srv_named_index)),
	};

	if (n > SRV_CONFIG_FILES_MAX)
		srv_config_note(problems, true, names[SRV_CONFIG_FILES_MAX], "more than %d files",
				SRV_CONFIG_FILES_MAX);
	for (size_t i = 0; i < n && i < SRV_CONFIG_FILES_MAX; i++)
		read_file(&build, names[i], texts[i], problems);
	check_pool_refs(&build, problems);
	srv_config_check_overlap(build.config, problems);
	build_clear(&build);
	return build.config;
}

static const struct srv_problem *first_error(const GPtrArray *problems, guint *ret_more)
{
	const struct srv_problem *first = NULL;

	*ret_more = 0;
	for (guint i = 0; i < problems->len; i++) {
		const struct srv_problem *problem = problems->pdata[i];

		if (problem->is_error && first)
			(*ret_more)++;
		else if (problem->is_error)
			first = problem;
	}
	return first;
}

int srv_config_finish(struct srv_config *config, GPtrArray *problems, struct srv_config **ret,
		      GPtrArray **ret_problems, struct sriov_error **err)
{
	guint more;
	const struct srv_problem *first = first_error(problems, &more);
	int r = 0;

	if (first) {
		g_autofree char *others = more ? g_strdup_printf(" (and %u more)", more) : NULL;

		r = sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, first->subject, "%s%s",
				    first->message, others ? others : "");
		srv_config_unref(config);
	} else {
		srv_config_index(config);
		*ret = config;
	}
	if (ret_problems)
		*ret_problems = problems;
	else
		g_ptr_array_unref(problems);
	return r;
}

int srv_config_parse(const char *const *names, const char *const *texts, size_t n,
		     struct srv_config **ret, GPtrArray **ret_problems, struct sriov_error **err)
{
	GPtrArray *problems = g_ptr_array_new_with_free_func((GDestroyNotify)srv_problem_free);
	struct srv_config *config = srv_config_read(names, texts, n, problems);

	return srv_config_finish(config, problems, ret, ret_problems, err);
}
