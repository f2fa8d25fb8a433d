// SPDX-License-Identifier: GPL-2.0-or-later
#include "srv/protocol/interface-internal.h"

#include <string.h>

void srv_lexer_init(struct srv_lexer *lexer, const char *text)
{
	*lexer = (struct srv_lexer){ .p = text, .line = 1, .column = 1, .counted = text };
}

static void skip_blank(struct srv_lexer *lexer)
{
	for (;;) {
		switch (*lexer->p) {
		case '\n':
			lexer->line++;
			lexer->column = 1;
			lexer->counted = ++lexer->p;
			break;
		case ' ':
		case '\t':
		case '\r':
			lexer->p++;
			break;
		case '#':
			lexer->p += strcspn(lexer->p, "\n");
			break;
		default:
			return;
		}
	}
}

static struct srv_token token_here(struct srv_lexer *lexer, enum srv_token_kind kind, size_t len)
{
	struct srv_token token = { .kind = kind, .text = lexer->p, .len = len };

	/* Counted from the token before, not from the line's start: a line may be long. */
	lexer->column += (size_t)g_utf8_strlen(lexer->counted, lexer->p - lexer->counted);
	lexer->counted = lexer->p;
	token.line = lexer->line;
	token.column = lexer->column;
	lexer->p += len;
	return token;
}

static size_t word_len(const char *p, const char *extra)
{
	size_t n = 0;

	while (g_ascii_isalnum(p[n]) || (p[n] && strchr(extra, p[n])))
		n++;
	return n;
}

struct srv_token srv_lexer_next(struct srv_lexer *lexer)
{
	static const struct {
		const char *text;
		enum srv_token_kind kind;
	} marks[] = {
		{ "(", SRV_TOKEN_OPEN },       { ")", SRV_TOKEN_CLOSE },
		{ ":", SRV_TOKEN_COLON },      { ",", SRV_TOKEN_COMMA },
		{ "?", SRV_TOKEN_NULLABLE },   { "[]", SRV_TOKEN_ARRAY },
		{ "[string]", SRV_TOKEN_MAP }, { "->", SRV_TOKEN_ARROW },
	};
	size_t n;

	skip_blank(lexer);
	if (*lexer->p == '\0')
		return token_here(lexer, SRV_TOKEN_END, 0);
	n = word_len(lexer->p, "_");
	if (n > 0)
		return token_here(lexer, SRV_TOKEN_WORD, n);
	for (size_t i = 0; i < G_N_ELEMENTS(marks); i++)
		if (g_str_has_prefix(lexer->p, marks[i].text))
			return token_here(lexer, marks[i].kind, strlen(marks[i].text));
	return token_here(lexer, SRV_TOKEN_OTHER, (size_t)(g_utf8_next_char(lexer->p) - lexer->p));
}

struct srv_token srv_lexer_next_interface_name(struct srv_lexer *lexer)
{
	size_t n;

	skip_blank(lexer);
	n = word_len(lexer->p, ".-");
	if (n == 0)
		return srv_lexer_next(lexer);
	return token_here(lexer, SRV_TOKEN_WORD, n);
}

bool srv_token_is_interface_name(const struct srv_token *token)
{
	bool dots = false;

	if (token->kind != SRV_TOKEN_WORD || !g_ascii_isalpha(token->text[0]))
		return false;
	for (size_t i = 1; i < token->len; i++) {
		char before = token->text[i - 1];

		switch (token->text[i]) {
		case '.':
			if (!g_ascii_isalnum(before))
				return false;
			dots = true;
			break;
		case '-':
			if (before == '.')
				return false;
			break;
		case '_':
			return false;
		}
	}
	return dots && g_ascii_isalnum(token->text[token->len - 1]);
}

bool srv_token_is_member_name(const struct srv_token *token)
{
	return token->kind == SRV_TOKEN_WORD && g_ascii_isupper(token->text[0]) &&
	       !memchr(token->text, '_', token->len);
}

bool srv_token_is_field_name(const struct srv_token *token)
{
	if (token->kind != SRV_TOKEN_WORD || !g_ascii_isalpha(token->text[0]))
		return false;
	for (size_t i = 1; i < token->len; i++)
		if (token->text[i] == '_' && token->text[i - 1] == '_')
			return false;
	return token->text[token->len - 1] != '_';
}

bool srv_token_is_word(const struct srv_token *token, const char *word)
{
	return token->kind == SRV_TOKEN_WORD && strlen(word) == token->len &&
	       memcmp(token->text, word, token->len) == 0;
}
