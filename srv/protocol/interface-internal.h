/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <glib.h>

#include "base/error.h"
#include "srv/protocol/interface.h"

/*
 * What the three files of an interface description share: interface-lexer.c cuts the text into
 * tokens, interface.c builds the types below out of them, interface-check.c holds JSON against
 * them. Everything belongs to the struct srv_interface and lives as long.
 */

enum srv_type_kind {
	SRV_TYPE_BOOL,
	SRV_TYPE_INT,
	SRV_TYPE_FLOAT,
	SRV_TYPE_STRING,
	SRV_TYPE_OBJECT, /* any JSON object */
	SRV_TYPE_ENUM,	 /* names */
	SRV_TYPE_STRUCT, /* names and fields */
	SRV_TYPE_NAMED,	 /* target: what the name stands for, an enum or a struct */
	SRV_TYPE_ARRAY,	 /* target: of the elements */
	SRV_TYPE_MAP,	 /* target: of the values */
};

struct srv_type {
	enum srv_type_kind kind;
	bool nullable; /* may be null or missing */
	const char *name;
	const struct srv_type *target;
	GPtrArray *names;   /* const char *, in the order of the text */
	GHashTable *fields; /* name -> struct srv_type of the field; of an enum: name -> itself */
	size_t line, column;
};

enum srv_member_kind {
	SRV_MEMBER_TYPE,
	SRV_MEMBER_METHOD,
	SRV_MEMBER_ERROR,
};

struct srv_member {
	enum srv_member_kind kind;
	const char *name;
	struct srv_type *in;  /* the type; a method's parameters; an error's */
	struct srv_type *out; /* a method's reply */
};

const struct srv_member *srv_interface_member(const struct srv_interface *interface,
					      const char *name);

enum srv_token_kind {
	SRV_TOKEN_END,
	SRV_TOKEN_WORD, /* letters, digits, '_' */
	SRV_TOKEN_OPEN,
	SRV_TOKEN_CLOSE,
	SRV_TOKEN_COLON,
	SRV_TOKEN_COMMA,
	SRV_TOKEN_NULLABLE, /* "?" */
	SRV_TOKEN_ARRAY,    /* "[]" */
	SRV_TOKEN_MAP,	    /* "[string]" */
	SRV_TOKEN_ARROW,    /* "->" */
	SRV_TOKEN_OTHER,    /* a character that begins nothing */
};

struct srv_token {
	enum srv_token_kind kind;
	const char *text;    /* into the description */
	size_t len;	     /* bytes */
	size_t line, column; /* from 1; the column counts characters */
};

struct srv_lexer {
	const char *p;
	size_t line;
	size_t column;	     /* of counted */
	const char *counted; /* at or before p, in the same line */
};

void srv_lexer_init(struct srv_lexer *lexer, const char *text);

/* The next token, comments and white space skipped. */
struct srv_token srv_lexer_next(struct srv_lexer *lexer);

/* The same where an interface's name stands, which has dots and dashes too. */
struct srv_token srv_lexer_next_interface_name(struct srv_lexer *lexer);

/* [A-Za-z]([-]*[A-Za-z0-9])*(\.[A-Za-z0-9]([-]*[A-Za-z0-9])*)+ */
bool srv_token_is_interface_name(const struct srv_token *token);
/* [A-Z][A-Za-z0-9]* */
bool srv_token_is_member_name(const struct srv_token *token);
/* [A-Za-z](_?[A-Za-z0-9])* */
bool srv_token_is_field_name(const struct srv_token *token);
bool srv_token_is_word(const struct srv_token *token, const char *word);
