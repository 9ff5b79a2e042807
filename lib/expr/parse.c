/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include <weir/base/nearest.h>

#include "lexer.h"

/*
 * Operator precedence, loosest first. As in C, but & ^ | bind tighter than comparisons, and the
 * word not looser than them (the sign ! binds as in C).
 */
enum level {
	LEVEL_NONE,
	LEVEL_OR,
	LEVEL_AND,
	LEVEL_NOT,
	LEVEL_EQUALITY,
	LEVEL_RELATION,
	LEVEL_BIT_OR,
	LEVEL_BIT_XOR,
	LEVEL_BIT_AND,
	LEVEL_SHIFT,
	LEVEL_ADD,
	LEVEL_MUL,
	LEVEL_UNARY,
};

static const enum level levels[WEIR_TOK_KINDS] = {
	[WEIR_TOK_OR] = LEVEL_OR,
	[WEIR_TOK_AND] = LEVEL_AND,
	[WEIR_TOK_EQ] = LEVEL_EQUALITY,
	[WEIR_TOK_NE] = LEVEL_EQUALITY,
	[WEIR_TOK_LT] = LEVEL_RELATION,
	[WEIR_TOK_LE] = LEVEL_RELATION,
	[WEIR_TOK_GT] = LEVEL_RELATION,
	[WEIR_TOK_GE] = LEVEL_RELATION,
	[WEIR_TOK_IN] = LEVEL_RELATION,
	[WEIR_TOK_NOT] = LEVEL_RELATION, /* not in */
	[WEIR_TOK_CONTAINS] = LEVEL_RELATION,
	[WEIR_TOK_MATCHES] = LEVEL_RELATION,
	[WEIR_TOK_BIT_OR] = LEVEL_BIT_OR,
	[WEIR_TOK_BIT_XOR] = LEVEL_BIT_XOR,
	[WEIR_TOK_BIT_AND] = LEVEL_BIT_AND,
	[WEIR_TOK_SHL] = LEVEL_SHIFT,
	[WEIR_TOK_SHR] = LEVEL_SHIFT,
	[WEIR_TOK_PLUS] = LEVEL_ADD,
	[WEIR_TOK_MINUS] = LEVEL_ADD,
	[WEIR_TOK_MUL] = LEVEL_MUL,
	[WEIR_TOK_DIV] = LEVEL_MUL,
	[WEIR_TOK_MOD] = LEVEL_MUL,
};

struct parser {
	struct weir_expr_context *c;
	struct weir_expr_token tok; /* next one, not yet used */
};

static struct weir_expr_node *parse_binary(struct parser *p, enum level min);

static bool
advance(struct parser *p)
{
	return weir_expr_lex(p->c, &p->tok);
}

/* The next token cannot stand here; want says what could, or is NULL. */
static void *
unexpected(struct parser *p, const char *want)
{
	char buf[64], cure[80] = "";

	if (want)
		snprintf(cure, sizeof(cure), " (want %s)", want);
	if (p->tok.kind == WEIR_TOK_END)
		return weir_expr_fail(p->c, p->tok.at, cure, "unexpected end");
	return weir_expr_fail(
	    p->c, p->tok.at, cure, "unexpected '%s'", weir_expr_quote(p->tok.at, p->tok.len, buf));
}

/* A name stands where only an operator can. */
static void *
unknown_operator(struct parser *p)
{
	struct weir_nearest near;
	char word[64], cure[64] = "";

	weir_expr_quote(p->tok.at, p->tok.len, word);
	weir_nearest_begin(&near, word);
	for (unsigned i = 0; weir_expr_operator_word(i); i++)
		weir_nearest_offer(&near, weir_expr_operator_word(i));
	if (weir_nearest_get(&near))
		snprintf(cure, sizeof(cure), " (try '%s')", weir_nearest_get(&near));
	return weir_expr_fail(p->c, p->tok.at, cure, "unknown operator '%s'", word);
}

static bool
close_bracket(struct parser *p, enum weir_expr_token_kind kind, const char *sign, const char *open)
{
	char cure[64];

	if (p->tok.kind == kind)
		return advance(p);
	if (p->tok.kind == WEIR_TOK_NAME)
		return unknown_operator(p);
	snprintf(cure, sizeof(cure), " (for '%c' at %u)", *open, weir_expr_place(p->c->text, open));
	weir_expr_fail(p->c, p->tok.at, cure, "missing '%s'", sign);
	return false;
}

static void *
unknown_name(struct parser *p, const char *what, const char *name, const char *at, bool is_function)
{
	const struct weir_scope *scope = p->c->scope;
	struct weir_nearest near;
	char cure[160] = "", buf[64];

	weir_nearest_begin(&near, name);
	for (unsigned i = 0; !is_function && i < scope->n_symbols; i++)
		weir_nearest_offer(&near, scope->symbols[i].name);
	for (unsigned i = 0; is_function && weir_expr_functions[i].name; i++)
		weir_nearest_offer(&near, weir_expr_functions[i].name);
	if (!is_function && weir_expr_function_find(name) >= 0)
		snprintf(cure, sizeof(cure), " (the function is %s)",
		    weir_expr_functions[weir_expr_function_find(name)].synopsis);
	else if (weir_nearest_get(&near))
		snprintf(cure, sizeof(cure), " (try '%.100s')", weir_nearest_get(&near));
	return weir_expr_fail(p->c, at, cure, "unknown %s '%s'", what,
	    weir_expr_quote(name, (unsigned)strlen(name), buf));
}

static struct weir_expr_node *
parse_call(struct parser *p, const char *name, const char *at)
{
	struct weir_expr_call call = { .name = name, .at = at };
	int function = weir_expr_function_find(name);
	const char *open = p->tok.at;

	if (function < 0)
		return unknown_name(p, "function", name, at, true);
	if (!advance(p))
		return NULL;
	while (p->tok.kind != WEIR_TOK_CLOSE) {
		if (call.n_args && p->tok.kind != WEIR_TOK_COMMA)
			break;
		if (call.n_args && !advance(p))
			return NULL;
		if (call.n_args == weir_expr_function_max(function))
			return weir_expr_fail(p->c, p->tok.at, "", "too many arguments for %s",
			    weir_expr_functions[function].synopsis);
		call.args[call.n_args] = parse_binary(p, LEVEL_OR);
		if (!call.args[call.n_args++])
			return NULL;
	}
	if (!close_bracket(p, WEIR_TOK_CLOSE, ")", open))
		return NULL;
	return weir_expr_call_check(p->c, function, &call);
}

static struct weir_expr_node *
parse_name(struct parser *p)
{
	const struct weir_scope *scope = p->c->scope;
	const char *at = p->tok.at;
	char *name = weir_expr_alloc(p->c, p->tok.len + 1);

	if (!name)
		return NULL;
	memcpy(name, at, p->tok.len);
	if (!advance(p))
		return NULL;
	if (p->tok.kind == WEIR_TOK_OPEN)
		return parse_call(p, name, at);
	for (unsigned i = 0; i < scope->n_symbols; i++)
		if (strcmp(scope->symbols[i].name, name) == 0)
			return weir_expr_symbol(p->c, at, &scope->symbols[i]);
	return unknown_name(p, "field", name, at, false);
}

static struct weir_expr_node *
parse_literal(struct parser *p)
{
	struct weir_expr_token t = p->tok;
	struct weir_expr_node *n;

	if (t.is_min)
		return weir_expr_fail(
		    p->c, t.at, " (it does not fit 64 bits)", "bad number '9223372036854775808'");
	n = weir_expr_const(p->c, t.at, t.value);
	if (!n)
		return NULL;
	n->kind = t.kind == WEIR_TOK_NETWORK ? WEIR_EXPR_NETWORK : WEIR_EXPR_CONST;
	n->prefix = t.prefix;
	n->has_ns = t.has_ns;
	n->ns = t.ns;
	return advance(p) ? n : NULL;
}

/* A column of results may be called as an operator: "in", say. Where a value stands it is meant. */
static bool
is_column(const struct parser *p)
{
	const struct weir_scope *scope = p->c->scope;

	for (unsigned i = 0; i < scope->n_symbols; i++)
		if (strlen(scope->symbols[i].name) == p->tok.len &&
		    strncmp(scope->symbols[i].name, p->tok.at, p->tok.len) == 0)
			return true;
	return false;
}

static struct weir_expr_node *
parse_primary(struct parser *p)
{
	const char *open = p->tok.at;
	struct weir_expr_node *n;

	switch (p->tok.kind) {
	case WEIR_TOK_CONST:
	case WEIR_TOK_NETWORK:
		return parse_literal(p);
	case WEIR_TOK_NAME:
		return parse_name(p);
	case WEIR_TOK_OPEN:
		if (!advance(p))
			return NULL;
		n = parse_binary(p, LEVEL_OR);
		if (!n || !close_bracket(p, WEIR_TOK_CLOSE, ")", open))
			return NULL;
		n->form = WEIR_EXPR_PLAIN;
		return n;
	case WEIR_TOK_SET_OPEN:
		return unexpected(p, "a set only behind 'in'");
	default:
		if (is_column(p))
			return parse_name(p);
		return unexpected(p, "a field, a constant or '('");
	}
}

/* A minus in front of a number makes one constant, so that it stays exact. */
static struct weir_expr_node *
parse_minus(struct parser *p, const char *at)
{
	struct weir_expr_token *t = &p->tok;
	struct weir_expr_node *n;

	if (t->kind == WEIR_TOK_CONST && t->is_min) {
		t->is_min = false; /* and wraps to itself below */
		t->value.i = INT64_MIN;
	}
	n = parse_binary(p, LEVEL_UNARY);
	return n ? weir_expr_negate(p->c, at, n) : NULL;
}

static struct weir_expr_node *
parse_prefixed(struct parser *p, enum level min)
{
	const char *at = p->tok.at;
	enum weir_expr_token_kind kind = p->tok.kind;
	struct weir_expr_node *n;

	if (kind == WEIR_TOK_NOT && min > LEVEL_NOT)
		return unexpected(p, "brackets around not ...");
	if (!advance(p))
		return NULL;
	if (kind == WEIR_TOK_MINUS)
		return parse_minus(p, at);
	n = parse_binary(p, kind == WEIR_TOK_NOT ? LEVEL_NOT : LEVEL_UNARY);
	if (!n)
		return NULL;
	if (kind == WEIR_TOK_INVERT)
		return weir_expr_invert(p->c, at, n);
	if (kind == WEIR_TOK_PLUS) {
		if (n->kind == WEIR_EXPR_NETWORK ||
		    !(weir_expr_is_number(n->type) || n->type == WEIR_DURATION))
			return weir_expr_fail(
			    p->c, at, "", "cannot use '+' on %s", weir_expr_kind_name(n));
		return n;
	}
	n = weir_expr_not(p->c, at, n);
	if (n && kind == WEIR_TOK_BANG)
		n->form = WEIR_EXPR_BANG;
	return n;
}

static struct weir_expr_node *
parse_unary(struct parser *p, enum level min)
{
	struct weir_expr_node *n;

	if (++p->c->nest > WEIR_EXPR_MAX_NEST)
		return weir_expr_fail(p->c, p->tok.at, "",
		    "more than %d brackets within each other", WEIR_EXPR_MAX_NEST);
	switch (p->tok.kind) {
	case WEIR_TOK_MINUS:
	case WEIR_TOK_PLUS:
	case WEIR_TOK_INVERT:
	case WEIR_TOK_BANG:
	case WEIR_TOK_NOT:
		n = parse_prefixed(p, min);
		break;
	default:
		n = parse_primary(p);
	}
	p->c->nest--;
	return n;
}

/* A constant of a set: anything tighter than a comparison. */
static struct weir_expr_node *
parse_member_end(struct parser *p)
{
	const char *at = p->tok.at;
	struct weir_expr_node *n = parse_binary(p, LEVEL_BIT_OR);

	if (n && n->kind != WEIR_EXPR_CONST && n->kind != WEIR_EXPR_NETWORK)
		return weir_expr_fail(p->c, at, "", "sets are of constants; no constant");
	return n;
}

static struct weir_expr_member *
parse_member(struct parser *p)
{
	struct weir_expr_member *m = weir_expr_alloc(p->c, sizeof(*m));

	if (!m)
		return NULL;
	m->first = parse_member_end(p);
	if (!m->first)
		return NULL;
	if (p->tok.kind == WEIR_TOK_RANGE) {
		if (!advance(p))
			return NULL;
		m->last = parse_member_end(p);
		if (!m->last)
			return NULL;
	}
	return m;
}

static struct weir_expr_member *
parse_set(struct parser *p)
{
	struct weir_expr_member *first = NULL, **tail = &first;
	const char *open = p->tok.at;

	do {
		if (!advance(p))
			return NULL;
		if (p->tok.kind == WEIR_TOK_SET_CLOSE && !first)
			return weir_expr_fail(p->c, open, "", "empty set");
		*tail = parse_member(p);
		if (!*tail)
			return NULL;
		tail = &(*tail)->next;
	} while (p->tok.kind == WEIR_TOK_COMMA);
	return close_bracket(p, WEIR_TOK_SET_CLOSE, "}", open) ? first : NULL;
}

/* What follows in: a set, a network or an address. */
static struct weir_expr_node *
parse_in(struct parser *p, const char *at, bool negate, struct weir_expr_node *a)
{
	struct weir_expr_member *members;

	if (p->tok.kind == WEIR_TOK_SET_OPEN) {
		members = parse_set(p);
	} else if (p->tok.kind == WEIR_TOK_NETWORK ||
		   (p->tok.kind == WEIR_TOK_CONST && p->tok.value.type == WEIR_IP)) {
		members = parse_member(p);
	} else {
		return unexpected(p, "a set {...}, a network or an address");
	}
	return members ? weir_expr_in(p->c, at, negate, a, members) : NULL;
}

static struct weir_expr_node *
build(struct parser *p, const struct weir_expr_token *op, struct weir_expr_node *a,
    struct weir_expr_node *b)
{
	switch (op->kind) {
	case WEIR_TOK_OR:
	case WEIR_TOK_AND:
		return weir_expr_logic(p->c, op->kind == WEIR_TOK_AND, op->at, a, b);
	case WEIR_TOK_CONTAINS:
		return weir_expr_contains(p->c, op->at, a, b);
	case WEIR_TOK_MATCHES:
		return weir_expr_matches(p->c, op->at, a, b);
	default:
		break;
	}
	if (op->kind >= WEIR_TOK_EQ && op->kind <= WEIR_TOK_GE)
		return weir_expr_compare(p->c,
		    (enum weir_expr_cmp)(WEIR_EXPR_EQ + (op->kind - WEIR_TOK_EQ)), op->at, a, b);
	static const enum weir_expr_arith arith[WEIR_TOK_KINDS] = {
		[WEIR_TOK_BIT_OR] = WEIR_EXPR_OR,
		[WEIR_TOK_BIT_XOR] = WEIR_EXPR_XOR,
		[WEIR_TOK_BIT_AND] = WEIR_EXPR_AND,
		[WEIR_TOK_SHL] = WEIR_EXPR_SHL,
		[WEIR_TOK_SHR] = WEIR_EXPR_SHR,
		[WEIR_TOK_PLUS] = WEIR_EXPR_ADD,
		[WEIR_TOK_MINUS] = WEIR_EXPR_SUB,
		[WEIR_TOK_MUL] = WEIR_EXPR_MUL,
		[WEIR_TOK_DIV] = WEIR_EXPR_DIV,
		[WEIR_TOK_MOD] = WEIR_EXPR_MOD,
	};
	return weir_expr_arith(p->c, arith[op->kind], op->at, a, b);
}

/* One operator of level and its right side. */
static struct weir_expr_node *
parse_right(struct parser *p, enum level level, struct weir_expr_node *a)
{
	struct weir_expr_token op = p->tok;
	enum weir_expr_form form = level == LEVEL_RELATION   ? WEIR_EXPR_RELATION
				   : level == LEVEL_EQUALITY ? WEIR_EXPR_EQUALITY
							     : WEIR_EXPR_PLAIN;
	bool negate = op.kind == WEIR_TOK_NOT;
	struct weir_expr_node *n, *b;

	if (form != WEIR_EXPR_PLAIN && a->form == form)
		return weir_expr_fail(p->c, op.at, " (join two with &&, or use brackets)",
		    "comparisons do not chain");
	if (!advance(p))
		return NULL;
	if (negate) {
		if (p->tok.kind != WEIR_TOK_IN)
			return unexpected(p, "'in' behind not");
		if (!advance(p))
			return NULL;
	}
	if (negate || op.kind == WEIR_TOK_IN) {
		n = parse_in(p, op.at, negate, a);
	} else {
		b = parse_binary(p, (enum level)(level + 1));
		n = b ? build(p, &op, a, b) : NULL;
	}
	if (n)
		n->form = form;
	return n;
}

static struct weir_expr_node *
parse_binary(struct parser *p, enum level min)
{
	struct weir_expr_node *n = parse_unary(p, min);
	enum level level;

	while (n) {
		level = levels[p->tok.kind];
		if (level == LEVEL_NONE || level < min)
			break;
		n = parse_right(p, level, n);
	}
	return n;
}

/* Something follows a whole expression. */
static void *
trailing(struct parser *p)
{
	if (p->tok.kind == WEIR_TOK_INVERT)
		return unexpected(p, "'matches' for patterns");
	return p->tok.kind == WEIR_TOK_NAME ? unknown_operator(p) : unexpected(p, "an operator");
}

struct weir_expr_node *
weir_expr_parse(struct weir_expr_context *c)
{
	if (strnlen(c->text, WEIR_EXPR_MAX_TEXT + 1) > WEIR_EXPR_MAX_TEXT)
		return weir_expr_fail(c, c->text + WEIR_EXPR_MAX_TEXT, "",
		    "expression longer than %d bytes", WEIR_EXPR_MAX_TEXT);
	return weir_expr_parse_from(c, c->text);
}

struct weir_expr_node *
weir_expr_parse_from(struct weir_expr_context *c, const char *at)
{
	struct parser p = { .c = c };
	struct weir_expr_node *n;

	c->at = at;
	if (!advance(&p))
		return NULL;
	if (p.tok.kind == WEIR_TOK_END)
		return weir_expr_fail(c, at, "", "empty expression");
	n = parse_binary(&p, LEVEL_OR);
	if (!n)
		return NULL;
	if (p.tok.kind != WEIR_TOK_END)
		return trailing(&p);
	if (n->kind == WEIR_EXPR_NETWORK)
		return weir_expr_fail(
		    c, n->at, " (networks stand behind in, == or !=)", "network alone");
	return n;
}
