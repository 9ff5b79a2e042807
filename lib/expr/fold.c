/* SPDX-License-Identifier: BSD-3-Clause */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/base/nearest.h>

#include "fold.h"
#include "lexer.h"

/*
 * The text is read as often as a variable turns out to need another type than it had: a variable
 * that is given an int here and a float there is a float everywhere.
 */

struct reader {
	struct weir_expr_context c;
	struct weir_expr_fold fold;
	struct weir_scope scope; /* the caller's symbols, then the variables as they come */
	struct weir_symbol *symbols;
	unsigned n_fields; /* symbols that are the caller's */
	char *text;        /* parts are ended by a 0 while they are read */
	unsigned n_assignments;
	bool is_init;
	bool has_changed; /* a type */
};

/* What stands in front of an expression. */
struct head {
	const char *at;
	char name[64];
	char op; /* of +=, or '=' */
	const char *op_at;
	const char *value;
};

/* What has been compiled, and what belongs to it. */
struct owner {
	struct weir_fold_program program;
	struct weir_fold *fold;
	struct weir_expr_heap heap;
};

static int
find_variable(const struct weir_expr_fold *f, const char *name)
{
	for (unsigned i = 0; i < f->n_vars; i++)
		if (strcmp(f->vars[i].name, name) == 0)
			return (int)i;
	return -1;
}

static const char *
skip_space(const char *p)
{
	while (*p && strchr(" \t\r\n", *p))
		p++;
	return p;
}

static bool
read_name(struct reader *r, const char *at, struct head *ret)
{
	unsigned len = 0;
	char buf[64];

	ret->at = at = skip_space(at);
	if (!*at)
		return weir_expr_fail(&r->c, at, "", "empty part");
	while (isalnum((unsigned char)at[len]) || at[len] == '_' || at[len] == '.')
		len++;
	if (len == 0 || isdigit((unsigned char)*at) || *at == '.')
		return weir_expr_fail(&r->c, at, " (want NAME=EXPR)", "unexpected '%s'",
		    weir_expr_quote(at, len ? len : 1, buf));
	if (len >= sizeof(ret->name))
		return weir_expr_fail(
		    &r->c, at, "", "name of more than %zu characters", sizeof(ret->name) - 1);
	memcpy(ret->name, at, len);
	ret->name[len] = 0;
	ret->op_at = skip_space(at + len);
	return true;
}

static bool
read_head(struct reader *r, const char *at, struct head *ret)
{
	const char *p;

	if (!read_name(r, at, ret))
		return false;
	p = ret->op_at;
	ret->op = '=';
	if (*p && strchr("+-*/%&|^", *p) && p[1] == '=')
		ret->op = *p++;
	if (*p != '=' || p[1] == '=')
		return weir_expr_fail(&r->c, ret->op_at,
		    r->is_init ? " (want NAME=EXPR)" : " (want = += -= *= /= %= &= |= or ^=)",
		    "no value for '%s'", ret->name);
	ret->value = p + 1;
	if (r->is_init && ret->op != '=')
		return weir_expr_fail(&r->c, ret->op_at, " (want '=': it has no value yet)",
		    "'%c=' before the first ';'", ret->op);
	return true;
}

/* A name that is not known may be one that is misspelt. */
static bool
unknown(struct reader *r, const struct head *h)
{
	struct weir_nearest near;
	char cure[128] = " (it has no value yet: want '=')";

	weir_nearest_begin(&near, h->name);
	for (unsigned i = 0; i < r->fold.n_vars; i++)
		weir_nearest_offer(&near, r->fold.vars[i].name);
	if (weir_nearest_get(&near))
		snprintf(cure, sizeof(cure), " (try '%s')", weir_nearest_get(&near));
	return weir_expr_fail(&r->c, h->at, cure, "unknown variable '%s'", h->name);
}

static bool
check_new(struct reader *r, const struct head *h)
{
	for (unsigned i = 0; weir_expr_operator_word(i); i++)
		if (strcmp(weir_expr_operator_word(i), h->name) == 0)
			return weir_expr_fail(&r->c, h->at, " (give it another name)",
			    "'%s' is an operator", h->name);
	for (unsigned i = 0; i < r->n_fields; i++)
		if (strcmp(r->symbols[i].name, h->name) == 0)
			return weir_expr_fail(&r->c, h->at, " (give the variable another name)",
			    "'%s' is a field", h->name);
	if (r->fold.n_vars == WEIR_FOLD_CELLS)
		return weir_expr_fail(&r->c, h->at, "", "more than %d variables", WEIR_FOLD_CELLS);
	return true;
}

static bool
check_type(struct reader *r, const struct head *h, enum weir_type type)
{
	if (type != WEIR_STRING && type != WEIR_IP)
		return true;
	return weir_expr_fail(&r->c, h->at,
	    type == WEIR_IP ? " (keep hash(...) of it)" : " (keep hash(...) or len(...) of it)",
	    "variable '%s' cannot hold the type %s", h->name, weir_type_name(type));
}

/* Where the name is seen in this reading for the first time, later parts may use it from now on. */
static bool
make_known(struct reader *r, unsigned var)
{
	struct weir_expr_variable *v = &r->fold.vars[var];

	for (unsigned i = r->n_fields; i < r->scope.n_symbols; i++)
		if (r->symbols[i].slot == WEIR_EXPR_VARIABLES + var)
			return false;
	r->symbols[r->scope.n_symbols++] = (struct weir_symbol){
		v->name,
		v->type,
		weir_store_of(v->type),
		WEIR_EXPR_VARIABLES + var,
	};
	return true;
}

static int
add_variable(struct reader *r, const struct head *h, enum weir_type type)
{
	struct weir_expr_variable *v = &r->fold.vars[r->fold.n_vars];
	char *name;

	if (!check_new(r, h) || !check_type(r, h, type))
		return -1;
	name = weir_expr_alloc(&r->c, strlen(h->name) + 1);
	if (!name)
		return -1;
	memcpy(name, h->name, strlen(h->name));
	*v = (struct weir_expr_variable){ name, h->at, type, r->is_init };
	r->fold.n_state += r->is_init;
	return (int)r->fold.n_vars++;
}

/* The variable takes the type in which what it had and what it gets can meet. */
static struct weir_expr_node *
meet(struct reader *r, const struct head *h, unsigned var, struct weir_expr_node *n)
{
	struct weir_expr_variable *v = &r->fold.vars[var];
	struct weir_expr_node is = { .kind = WEIR_EXPR_OP, .type = v->type };
	enum weir_type type = weir_expr_common(&is, n);

	if (type == WEIR_N_TYPES)
		return weir_expr_fail(&r->c, n->at, "", "'%s' is of the type %s, and this of %s",
		    h->name, weir_type_name(v->type), weir_type_name(n->type));
	r->has_changed |= type != v->type;
	v->type = type;
	return weir_expr_as(&r->c, n, type);
}

/* The value of "v += e". */
static struct weir_expr_node *
combine(struct reader *r, const struct head *h, unsigned var, struct weir_expr_node *n)
{
	static const struct {
		char sign;
		enum weir_expr_arith op;
	} ops[] = {
		{ '+', WEIR_EXPR_ADD },
		{ '-', WEIR_EXPR_SUB },
		{ '*', WEIR_EXPR_MUL },
		{ '/', WEIR_EXPR_DIV },
		{ '%', WEIR_EXPR_MOD },
		{ '&', WEIR_EXPR_AND },
		{ '|', WEIR_EXPR_OR },
		{ '^', WEIR_EXPR_XOR },
	};
	const struct weir_expr_variable *v = &r->fold.vars[var];
	const struct weir_symbol s = {
		v->name,
		v->type,
		weir_store_of(v->type),
		WEIR_EXPR_VARIABLES + var,
	};
	struct weir_expr_node *old = weir_expr_symbol(&r->c, h->at, &s);

	for (unsigned i = 0; old && i < sizeof(ops) / sizeof(ops[0]); i++)
		if (ops[i].sign == h->op)
			return weir_expr_arith(&r->c, ops[i].op, h->op_at, old, n);
	return NULL;
}

static bool
is_known(const struct reader *r, unsigned var)
{
	for (unsigned i = r->n_fields; i < r->scope.n_symbols; i++)
		if (r->symbols[i].slot == WEIR_EXPR_VARIABLES + var)
			return true;
	return false;
}

/* One assignment, which begins at `at`. */
static bool
read_assignment(struct reader *r, const char *at, struct weir_expr_assignment *ret)
{
	struct weir_expr_node *n;
	struct head h;
	int var;

	if (!read_head(r, at, &h))
		return false;
	var = find_variable(&r->fold, h.name);
	if (r->is_init && var >= 0 && is_known(r, (unsigned)var))
		return weir_expr_fail(&r->c, h.at, "", "a second '%s'", h.name);
	if (h.op != '=' && (var < 0 || !is_known(r, (unsigned)var)))
		return unknown(r, &h);
	n = weir_expr_parse_from(&r->c, h.value);
	if (n && h.op != '=')
		n = combine(r, &h, (unsigned)var, n);
	if (!n)
		return false;
	if (var < 0)
		var = add_variable(r, &h, n->type);
	if (var < 0)
		return false;
	n = meet(r, &h, (unsigned)var, n);
	if (!n)
		return false;
	make_known(r, (unsigned)var);
	*ret = (struct weir_expr_assignment){ (unsigned)var, n };
	return true;
}

/* Read the whole text once; the first part that a ';' ends is the init. */
static bool
read_all(struct reader *r)
{
	char *at = r->text, *end, sign;

	r->scope.n_symbols = r->n_fields;
	r->fold.n_init = r->fold.n_update = 0;
	r->is_init = true;
	for (unsigned i = 0;; i++) {
		bool is_read;

		end = at + (weir_expr_scan(r->text, at, ",;", NULL) - at);
		sign = *end;
		if (!r->is_init && !sign && !*skip_space(at))
			break; /* a ';' at the very end */
		*end = 0;
		is_read = read_assignment(r, at, &r->fold.init[i]);
		*end = sign;
		if (!is_read)
			return false;
		*(r->is_init ? &r->fold.n_init : &r->fold.n_update) += 1;
		r->is_init &= sign == ',';
		if (!sign)
			break;
		at = end + 1;
	}
	r->fold.update = r->fold.init + r->fold.n_init;
	if (r->fold.n_update)
		return true;
	return weir_expr_fail(&r->c, end, " (want 'NAME=EXPR; NAME=EXPR')",
	    "nothing to do for each row: no ';' and what follows it");
}

/* Quotes and brackets, the length, and memory for what is read. */
static int
prepare(struct reader *r, const char *text, const struct weir_scope *scope, struct weir_error *err)
{
	const char *at = text, *begin = text;
	unsigned n = 1;

	if (strnlen(text, WEIR_EXPR_MAX_TEXT + 1) > WEIR_EXPR_MAX_TEXT)
		return weir_error_usage(
		    err, "fold longer than %d bytes at %d", WEIR_EXPR_MAX_TEXT, WEIR_EXPR_MAX_TEXT);
	for (; (at = weir_expr_scan(text, begin, ",;", err)) && *at; begin = at + 1)
		n++;
	if (!at)
		return -EINVAL;
	r->n_fields = scope->n_symbols;
	r->text = weir_expr_alloc(&r->c, strlen(text) + 1);
	r->symbols =
	    weir_expr_alloc(&r->c, (scope->n_symbols + WEIR_FOLD_CELLS + 1) * sizeof(*r->symbols));
	r->fold.init = weir_expr_alloc(&r->c, n * sizeof(*r->fold.init));
	if (!r->text || !r->symbols || !r->fold.init) {
		*err = r->c.error;
		return r->c.code;
	}
	memcpy(r->text, text, strlen(text));
	if (scope->n_symbols)
		memcpy(r->symbols, scope->symbols, scope->n_symbols * sizeof(*r->symbols));
	r->scope = (struct weir_scope){ r->symbols, scope->n_symbols, scope->simd };
	r->c.text = r->text;
	r->c.scope = &r->scope;
	return 0;
}

static bool
describe(struct reader *r, struct weir_fold_program *p)
{
	struct weir_fold_variable *vars = weir_expr_alloc(&r->c, r->fold.n_state * sizeof(*vars));

	for (unsigned i = 0; vars && i < r->fold.n_state; i++) {
		const struct weir_expr_variable *v = &r->fold.vars[i];

		vars[i] = (struct weir_fold_variable){ v->name, v->type,
			weir_expr_place(r->text, v->at) };
	}
	p->vars = vars;
	p->n_vars = r->fold.n_state;
	return vars != NULL;
}

int
weir_fold_compile(const char *text, const struct weir_scope *scope, struct weir_fold_program **ret,
    struct weir_error *err)
{
	struct owner *o = calloc(1, sizeof(*o));
	struct reader *r = calloc(1, sizeof(*r));
	struct weir_error own = { 0 };
	int rc;

	if (!o || !r) {
		rc = weir_error_run(err, -ENOMEM, "out of memory for a fold");
		goto out;
	}
	r->c.heap = &o->heap;
	rc = prepare(r, text, scope, &own);
	if (!rc) {
		do
			r->has_changed = false;
		while (read_all(r) && r->has_changed);
		rc = r->c.code;
		if (!rc && describe(r, &o->program))
			weir_expr_fold_generate(&r->c, &r->fold, &o->program, &o->fold);
		rc = r->c.code;
		own = r->c.error;
	}
	if (rc && err)
		*err = own;
	if (!rc) {
		o->program.fold = o->fold;
		*ret = &o->program;
		o = NULL;
	}
out:
	free(r);
	if (o)
		weir_fold_program_destroy(&o->program);
	return rc;
}

void
weir_fold_program_destroy(struct weir_fold_program *p)
{
	struct owner *o = (struct owner *)(void *)p;

	if (!p)
		return;
	for (unsigned i = 0; i < p->n_args; i++)
		weir_program_destroy(p->args[i]);
	weir_fold_destroy(o->fold);
	weir_expr_heap_free(&o->heap);
	free(o);
}
