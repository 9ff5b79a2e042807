/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lexer.h"

struct word {
	const char *text;
	enum weir_expr_token_kind kind;
};

/* Longer ones first where one begins another. */
static const struct word signs[] = {
	{ "||", WEIR_TOK_OR },
	{ "&&", WEIR_TOK_AND },
	{ "==", WEIR_TOK_EQ },
	{ "!=", WEIR_TOK_NE },
	{ "<<", WEIR_TOK_SHL },
	{ ">>", WEIR_TOK_SHR },
	{ "<=", WEIR_TOK_LE },
	{ ">=", WEIR_TOK_GE },
	{ "..", WEIR_TOK_RANGE },
	{ "<", WEIR_TOK_LT },
	{ ">", WEIR_TOK_GT },
	{ "|", WEIR_TOK_BIT_OR },
	{ "^", WEIR_TOK_BIT_XOR },
	{ "&", WEIR_TOK_BIT_AND },
	{ "+", WEIR_TOK_PLUS },
	{ "-", WEIR_TOK_MINUS },
	{ "*", WEIR_TOK_MUL },
	{ "/", WEIR_TOK_DIV },
	{ "%", WEIR_TOK_MOD },
	{ "!", WEIR_TOK_BANG },
	{ "~", WEIR_TOK_INVERT },
	{ "(", WEIR_TOK_OPEN },
	{ ")", WEIR_TOK_CLOSE },
	{ "{", WEIR_TOK_SET_OPEN },
	{ "}", WEIR_TOK_SET_CLOSE },
	{ ",", WEIR_TOK_COMMA },
	{ NULL, 0 },
};

static const struct word words[] = {
	{ "and", WEIR_TOK_AND },
	{ "or", WEIR_TOK_OR },
	{ "not", WEIR_TOK_NOT },
	{ "eq", WEIR_TOK_EQ },
	{ "ne", WEIR_TOK_NE },
	{ "lt", WEIR_TOK_LT },
	{ "le", WEIR_TOK_LE },
	{ "gt", WEIR_TOK_GT },
	{ "ge", WEIR_TOK_GE },
	{ "in", WEIR_TOK_IN },
	{ "contains", WEIR_TOK_CONTAINS },
	{ "matches", WEIR_TOK_MATCHES },
	{ NULL, 0 },
};

const char *
weir_expr_operator_word(unsigned i)
{
	return words[i].text;
}

const char *
weir_expr_quote(const char *at, unsigned len, char buf[64])
{
	const char *tail = "";
	unsigned n = 0;

	if (len > 40) {
		len = 40;
		tail = "...";
		while (len > 0 && ((unsigned char)at[len] & 0xc0) == 0x80)
			len--;
	}
	for (unsigned i = 0; i < len; i++)
		buf[n++] = (unsigned char)at[i] < 0x20 || at[i] == 0x7f ? '?' : at[i];
	snprintf(buf + n, 64 - n, "%s", tail);
	return buf;
}

static bool
is_word(char ch)
{
	return isalnum((unsigned char)ch) || ch == '_';
}

/* Dots are part of names; two in a row are a range. */
static unsigned
name_length(const char *at)
{
	unsigned len = 0;

	while (is_word(at[len]) || (at[len] == '.' && at[len + 1] != '.'))
		len++;
	return len;
}

/* Result columns may have a dash in their names: the longest name of the scope that is one wins. */
static unsigned
dashed_length(const struct weir_scope *scope, const char *at, unsigned len)
{
	for (unsigned i = 0; i < scope->n_symbols; i++) {
		const char *name = scope->symbols[i].name;
		unsigned n = (unsigned)strlen(name);

		if (n > len && strchr(name, '-') && strncmp(at, name, n) == 0 && !is_word(at[n]) &&
		    at[n] != '.')
			len = n;
	}
	return len;
}

static void
lex_name(struct weir_expr_context *c, struct weir_expr_token *t)
{
	unsigned len = name_length(c->at);

	t->kind = WEIR_TOK_NAME;
	for (const struct word *w = words; w->text; w++)
		if (strlen(w->text) == len && strncmp(c->at, w->text, len) == 0)
			t->kind = w->kind;
	if (t->kind == WEIR_TOK_NAME)
		len = dashed_length(c->scope, c->at, len);
	t->len = len;
	c->at += len;
}

static bool
lex_sign(struct weir_expr_context *c, struct weir_expr_token *t)
{
	unsigned char ch = (unsigned char)*c->at;
	unsigned len = 1;
	char buf[64];

	for (const struct word *w = signs; w->text; w++) {
		if (strncmp(c->at, w->text, strlen(w->text)) == 0) {
			t->kind = w->kind;
			t->len = (unsigned)strlen(w->text);
			c->at += t->len;
			return true;
		}
	}
	while (ch >= 0xc0 && ((unsigned char)c->at[len] & 0xc0) == 0x80)
		len++;
	if (ch < 0x20 || ch == 0x7f)
		weir_expr_fail(c, c->at, "", "unexpected character \\x%02x", ch);
	else
		weir_expr_fail(c, c->at, ch == '=' ? " (try '==')" : "", "unexpected '%s'",
		    weir_expr_quote(c->at, len, buf));
	return false;
}

bool
weir_expr_lex(struct weir_expr_context *c, struct weir_expr_token *ret)
{
	unsigned len;

	while (*c->at && strchr(" \t\r\n", *c->at))
		c->at++;
	*ret = (struct weir_expr_token){ .kind = WEIR_TOK_END, .at = c->at };
	if (!*c->at)
		return true;
	len = weir_expr_address_length(c->at);
	if (len)
		return weir_expr_lex_address(c, len, ret);
	if (isdigit((unsigned char)*c->at) ||
	    (*c->at == '.' && isdigit((unsigned char)c->at[1]) && c->at[1] != '.'))
		return weir_expr_lex_number(c, ret);
	if (*c->at == '"' || *c->at == '\'')
		return weir_expr_lex_string(c, ret);
	if (isalpha((unsigned char)*c->at) || *c->at == '_') {
		lex_name(c, ret);
		return true;
	}
	return lex_sign(c, ret);
}
