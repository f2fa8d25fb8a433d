// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The parser of interface descriptions: recursive descent, one function for each rule of Varlink's
 * grammar (varlink.org, "Interface Definition"). It refuses what systemd's parser refuses too
 * (sd-varlink-idl.c), so that varlinkctl can show whatever we serve: "()" only as the parameters of
 * a method or an error, no comma before ")".
 */
#include "srv/protocol/interface-internal.h"

#include <errno.h>

#include "srv/protocol/errors.h"

/* Types inside types; recursion in the parser and the checker stays as deep as this. */
#define TYPE_DEPTH_MAX 16

struct srv_interface {
	char *text;
	const char *name;
	GStringChunk *strings;
	GPtrArray *types;    /* all of them, owned */
	GPtrArray *members;  /* struct srv_member *, owned, in the order of the text */
	GHashTable *by_name; /* const char * -> struct srv_member * */
	GPtrArray *method_names;
};

struct parser {
	struct srv_lexer lexer;
	struct srv_token token; /* the next one, not yet taken */
	struct srv_interface *interface;
	struct sriov_error **err;
};

static int fail_at(struct parser *parser, size_t line, size_t column, const char *fmt, ...)
	G_GNUC_PRINTF(4, 5);
static int parse_type(struct parser *parser, unsigned int depth, struct srv_type **ret);

static int fail_at(struct parser *parser, size_t line, size_t column, const char *fmt, ...)
{
	g_autofree char *subject = g_strdup_printf("interface:%zu:%zu", line, column);
	g_autofree char *message = NULL;
	va_list ap;

	va_start(ap, fmt);
	message = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	return sriov_error_set(parser->err, SRIOV_ERROR_INVALID, EINVAL, subject, "%s", message);
}

/* "expected X, not Y" at the next token. */
static int fail_expected(struct parser *parser, const char *expected)
{
	const struct srv_token *token = &parser->token;
	g_autofree char *text = g_strndup(token->text, token->len);
	g_autofree char *shown = srv_error_quote(text, 64);

	if (token->kind == SRV_TOKEN_END)
		return fail_at(parser, token->line, token->column,
			       "expected %s, but the text ends here", expected);
	return fail_at(parser, token->line, token->column, "expected %s, not \"%s\"", expected,
		       shown);
}

static void advance(struct parser *parser)
{
	parser->token = srv_lexer_next(&parser->lexer);
}

static bool accept(struct parser *parser, enum srv_token_kind kind)
{
	if (parser->token.kind != kind)
		return false;
	advance(parser);
	return true;
}

static const char *keep_text(struct parser *parser, const struct srv_token *token)
{
	return g_string_chunk_insert_len(parser->interface->strings, token->text,
					 (gssize)token->len);
}

static void type_free(gpointer data)
{
	struct srv_type *type = data;

	g_clear_pointer(&type->names, g_ptr_array_unref);
	g_clear_pointer(&type->fields, g_hash_table_unref);
	g_free(type);
}

static struct srv_type *new_type(struct parser *parser, enum srv_type_kind kind)
{
	struct srv_type *type = g_new0(struct srv_type, 1);

	type->kind = kind;
	type->line = parser->token.line;
	type->column = parser->token.column;
	if (kind == SRV_TYPE_STRUCT || kind == SRV_TYPE_ENUM) {
		type->names = g_ptr_array_new();
		type->fields = g_hash_table_new(g_str_hash, g_str_equal);
	}
	g_ptr_array_add(parser->interface->types, type);
	return type;
}

/* A field's or an enum value's name: checked, new in this type, taken. */
static int parse_field_name(struct parser *parser, struct srv_type *type, const char **ret)
{
	const struct srv_token token = parser->token;
	const char *name;

	if (!srv_token_is_field_name(&token))
		return fail_expected(parser, "a name of letters, digits and single '_'");
	name = keep_text(parser, &token);
	if (g_hash_table_contains(type->fields, name))
		return fail_at(parser, token.line, token.column, "\"%s\" is here twice", name);
	advance(parser);
	*ret = name;
	return 0;
}

static void add_field(struct srv_type *type, const char *name, struct srv_type *field)
{
	g_ptr_array_add(type->names, (gpointer)name);
	g_hash_table_insert(type->fields, (gpointer)name, field);
}

/* name: of the first field, already taken */
static int parse_fields(struct parser *parser, struct srv_type *type, const char *name,
			unsigned int depth)
{
	for (;;) {
		struct srv_type *field;
		int r;

		if (!accept(parser, SRV_TOKEN_COLON))
			return fail_expected(parser, "':' and the field's type");
		r = parse_type(parser, depth, &field);
		if (r < 0)
			return r;
		add_field(type, name, field);
		if (accept(parser, SRV_TOKEN_CLOSE))
			return 0;
		if (!accept(parser, SRV_TOKEN_COMMA))
			return fail_expected(parser, "',' or ')'");
		r = parse_field_name(parser, type, &name);
		if (r < 0)
			return r;
	}
}

static int parse_values(struct parser *parser, struct srv_type *type, const char *name)
{
	for (;;) {
		int r;

		add_field(type, name, type);
		if (accept(parser, SRV_TOKEN_CLOSE))
			return 0;
		if (!accept(parser, SRV_TOKEN_COMMA))
			return fail_expected(parser, "',' or ')'");
		r = parse_field_name(parser, type, &name);
		if (r < 0)
			return r;
	}
}

/* "(" fields or values ")" */
static int parse_struct_or_enum(struct parser *parser, unsigned int depth, bool may_be_empty,
				struct srv_type **ret)
{
	struct srv_type *type = new_type(parser, SRV_TYPE_STRUCT);
	const char *name;
	int r;

	if (!accept(parser, SRV_TOKEN_OPEN))
		return fail_expected(parser, "'('");
	*ret = type;
	if (may_be_empty && accept(parser, SRV_TOKEN_CLOSE))
		return 0;
	r = parse_field_name(parser, type, &name);
	if (r < 0)
		return r;
	/* Only what follows the first name tells an enum from a struct. */
	if (parser->token.kind == SRV_TOKEN_COMMA || parser->token.kind == SRV_TOKEN_CLOSE) {
		type->kind = SRV_TYPE_ENUM;
		return parse_values(parser, type, name);
	}
	return parse_fields(parser, type, name, depth + 1);
}

/* What is no mark: a basic type, a name, or a struct or enum without one. */
static int parse_element(struct parser *parser, unsigned int depth, struct srv_type **ret)
{
	static const struct {
		const char *word;
		enum srv_type_kind kind;
	} basic[] = {
		{ "bool", SRV_TYPE_BOOL },     { "int", SRV_TYPE_INT },
		{ "float", SRV_TYPE_FLOAT },   { "string", SRV_TYPE_STRING },
		{ "object", SRV_TYPE_OBJECT },
	};

	if (parser->token.kind == SRV_TOKEN_OPEN)
		return parse_struct_or_enum(parser, depth, false, ret);
	for (size_t i = 0; i < G_N_ELEMENTS(basic); i++) {
		if (!srv_token_is_word(&parser->token, basic[i].word))
			continue;
		*ret = new_type(parser, basic[i].kind);
		advance(parser);
		return 0;
	}
	if (!srv_token_is_member_name(&parser->token))
		return fail_expected(parser, "a type");
	*ret = new_type(parser, SRV_TYPE_NAMED);
	(*ret)->name = keep_text(parser, &parser->token);
	advance(parser);
	return 0;
}

static int parse_type(struct parser *parser, unsigned int depth, struct srv_type **ret)
{
	bool nullable = accept(parser, SRV_TOKEN_NULLABLE);
	struct srv_type *container = NULL, *element = NULL;
	int r;

	if (depth > TYPE_DEPTH_MAX)
		return fail_at(parser, parser->token.line, parser->token.column,
			       "types are nested deeper than %d levels", TYPE_DEPTH_MAX);
	if (parser->token.kind == SRV_TOKEN_ARRAY)
		container = new_type(parser, SRV_TYPE_ARRAY);
	else if (parser->token.kind == SRV_TOKEN_MAP)
		container = new_type(parser, SRV_TYPE_MAP);
	if (container) {
		advance(parser);
		r = parse_type(parser, depth + 1, &element);
		container->target = element;
	} else {
		r = parse_element(parser, depth, &container);
	}
	if (r < 0)
		return r;
	container->nullable = nullable;
	*ret = container;
	return 0;
}

static int parse_member_types(struct parser *parser, struct srv_member *member)
{
	int r;

	r = parse_struct_or_enum(parser, 0, member->kind != SRV_MEMBER_TYPE, &member->in);
	if (r < 0)
		return r;
	if (member->kind == SRV_MEMBER_METHOD) {
		if (!accept(parser, SRV_TOKEN_ARROW))
			return fail_expected(parser, "'->'");
		r = parse_struct_or_enum(parser, 0, true, &member->out);
		if (r < 0)
			return r;
	}
	if (member->kind == SRV_MEMBER_TYPE)
		return 0;
	if (member->in->kind == SRV_TYPE_ENUM ||
	    (member->out && member->out->kind == SRV_TYPE_ENUM))
		return fail_at(parser, member->in->line, member->in->column,
			       "%s needs fields with types, not an enum", member->name);
	return 0;
}

static int parse_member(struct parser *parser)
{
	struct srv_interface *interface = parser->interface;
	struct srv_member *member;
	enum srv_member_kind kind;

	if (srv_token_is_word(&parser->token, "type"))
		kind = SRV_MEMBER_TYPE;
	else if (srv_token_is_word(&parser->token, "method"))
		kind = SRV_MEMBER_METHOD;
	else if (srv_token_is_word(&parser->token, "error"))
		kind = SRV_MEMBER_ERROR;
	else
		return fail_expected(parser, "type, method or error");
	advance(parser);

	if (!srv_token_is_member_name(&parser->token))
		return fail_expected(parser, "a name of letters and digits, the first a capital");
	member = g_new0(struct srv_member, 1);
	g_ptr_array_add(interface->members, member);
	member->kind = kind;
	member->name = keep_text(parser, &parser->token);
	if (!g_hash_table_insert(interface->by_name, (gpointer)member->name, member))
		return fail_at(parser, parser->token.line, parser->token.column,
			       "%s is described twice", member->name);
	advance(parser);
	if (kind == SRV_MEMBER_METHOD)
		g_ptr_array_add(interface->method_names, (gpointer)member->name);
	return parse_member_types(parser, member);
}

/* Names may be used before they are described, so they are looked up last. */
static int resolve_names(struct parser *parser)
{
	const GPtrArray *types = parser->interface->types;

	for (guint i = 0; i < types->len; i++) {
		struct srv_type *type = g_ptr_array_index(types, i);
		const struct srv_member *member;

		if (type->kind != SRV_TYPE_NAMED)
			continue;
		member = srv_interface_member(parser->interface, type->name);
		if (!member || member->kind != SRV_MEMBER_TYPE)
			return fail_at(parser, type->line, type->column, "there is no type %s",
				       type->name);
		type->target = member->in;
	}
	return 0;
}

static int parse_interface(struct parser *parser)
{
	int r;

	advance(parser);
	if (!srv_token_is_word(&parser->token, "interface"))
		return fail_expected(parser, "\"interface\" and its name");
	parser->token = srv_lexer_next_interface_name(&parser->lexer);
	if (!srv_token_is_interface_name(&parser->token))
		return fail_expected(parser, "an interface's name, such as org.example.thing");
	parser->interface->name = keep_text(parser, &parser->token);
	advance(parser);

	while (parser->token.kind != SRV_TOKEN_END) {
		r = parse_member(parser);
		if (r < 0)
			return r;
	}
	g_ptr_array_add(parser->interface->method_names, NULL);
	return resolve_names(parser);
}

int srv_interface_parse(const char *text, struct srv_interface **ret, struct sriov_error **err)
{
	struct srv_interface *interface;
	struct parser parser = { .err = err };
	int r;

	/* Served as a JSON string, and columns count characters. */
	if (!g_utf8_validate(text, -1, NULL))
		return sriov_error_set(err, SRIOV_ERROR_INVALID, EINVAL, "interface",
				       "the description is not valid UTF-8");

	interface = g_new0(struct srv_interface, 1);
	interface->text = g_strdup(text);
	interface->strings = g_string_chunk_new(4096);
	interface->types = g_ptr_array_new_with_free_func(type_free);
	interface->members = g_ptr_array_new_with_free_func(g_free);
	interface->by_name = g_hash_table_new(g_str_hash, g_str_equal);
	interface->method_names = g_ptr_array_new();

	parser.interface = interface;
	srv_lexer_init(&parser.lexer, interface->text);
	r = parse_interface(&parser);
	if (r < 0) {
		srv_interface_free(interface);
		return r;
	}
	*ret = interface;
	return 0;
}

void srv_interface_free(struct srv_interface *interface)
{
	if (!interface)
		return;
	g_ptr_array_unref(interface->method_names);
	g_hash_table_unref(interface->by_name);
	g_ptr_array_unref(interface->members);
	g_ptr_array_unref(interface->types);
	g_string_chunk_free(interface->strings);
	g_free(interface->text);
	g_free(interface);
}

const char *srv_interface_name(const struct srv_interface *interface)
{
	return interface->name;
}

const char *srv_interface_text(const struct srv_interface *interface)
{
	return interface->text;
}

const char *const *srv_interface_methods(const struct srv_interface *interface)
{
	return (const char *const *)interface->method_names->pdata;
}

const struct srv_member *srv_interface_member(const struct srv_interface *interface,
					      const char *name)
{
	return g_hash_table_lookup(interface->by_name, name);
}
