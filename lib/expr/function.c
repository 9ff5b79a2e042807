/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "anon.h"
#include "node.h"

typedef struct weir_expr_node *checker(
    struct weir_expr_context *c, const struct weir_expr_call *call);

const struct weir_function_doc weir_expr_functions[] = {
#define WEIR_FUNCTION(name, min, max, synopsis, doc) { #name, synopsis, doc },
#include "functions.def"
#undef WEIR_FUNCTION
	{ 0 },
};

static void *
wants(
    struct weir_expr_context *c, const struct weir_expr_call *call, unsigned arg, const char *what)
{
	return weir_expr_fail(c, call->args[arg]->at, "", "%s() wants %s, not %s", call->name, what,
	    weir_expr_kind_name(call->args[arg]));
}

static bool
is_type(const struct weir_expr_node *n, enum weir_type type)
{
	return n->kind != WEIR_EXPR_NETWORK && n->type == type;
}

static bool
is_integer(const struct weir_expr_node *n)
{
	return is_type(n, WEIR_INT) || is_type(n, WEIR_BOOL);
}

static struct weir_expr_node *
plain(struct weir_expr_context *c, const struct weir_expr_call *call, enum weir_type type,
    weir_expr_kernel *run, struct weir_expr_node *a, struct weir_expr_node *b)
{
	return weir_expr_op(c,
	    (struct weir_expr_node){ .type = type, .at = call->at, .run = run, .arg = { a, b } });
}

static void
free_text(void *p)
{
	struct weir_expr_text *text = p;

	free(text->p);
}

int
weir_expr_text_grow(struct weir_expr_text *t, size_t size)
{
	size_t cap = t->cap ? t->cap : 4096;
	uint8_t *p;

	while (cap < size)
		cap *= 2;
	p = malloc(cap);
	if (!p)
		return -1;
	free(t->p);
	t->p = p;
	t->cap = cap;
	return 0;
}

static struct weir_expr_node *
change_case(struct weir_expr_context *c, const struct weir_expr_call *call, weir_expr_kernel *run)
{
	struct weir_expr_text *text;

	if (!is_type(call->args[0], WEIR_STRING))
		return wants(c, call, 0, "a string");
	text = weir_expr_alloc(c, sizeof(*text));
	if (!text)
		return NULL;
	if (weir_expr_text_grow(text, 1) || weir_expr_heap_own(c->heap, text, free_text))
		return weir_expr_fail_memory(c);
	return weir_expr_op(c, (struct weir_expr_node){ .type = WEIR_STRING,
				   .at = call->at,
				   .is_costly = true,
				   .run = run,
				   .aux = text,
				   .arg = { call->args[0] } });
}

static struct weir_expr_node *
check_upper(struct weir_expr_context *c, const struct weir_expr_call *call)
{
	return change_case(c, call, weir_expr_k_upper);
}

static struct weir_expr_node *
check_lower(struct weir_expr_context *c, const struct weir_expr_call *call)
{
	return change_case(c, call, weir_expr_k_lower);
}

static struct weir_expr_node *
check_len(struct weir_expr_context *c, const struct weir_expr_call *call)
{
	if (!is_type(call->args[0], WEIR_STRING))
		return wants(c, call, 0, "a string");
	return plain(c, call, WEIR_INT, weir_expr_k_len, call->args[0], NULL);
}

/* Bits to keep: a constant must be possible. */
static struct weir_expr_node *
check_bits(struct weir_expr_context *c, const struct weir_expr_call *call, unsigned arg, int width)
{
	struct weir_expr_node *n = call->args[arg];
	char cure[48];

	if (!is_integer(n))
		return wants(c, call, arg, "a number of bits");
	if (n->kind == WEIR_EXPR_CONST && n->type == WEIR_INT && !n->value.is_null &&
	    (n->value.i < 0 || n->value.i > width)) {
		snprintf(cure, sizeof(cure), " (0 to %d)", width);
		return weir_expr_fail(c, n->at, cure, "%s() cannot keep %lld bits", call->name,
		    (long long)n->value.i);
	}
	return weir_expr_as_int(c, n);
}

static struct weir_expr_node *
check_net(struct weir_expr_context *c, const struct weir_expr_call *call)
{
	struct weir_expr_node *ip = call->args[0], *bits4, *bits6;
	bool is4 = ip->kind == WEIR_EXPR_CONST && ip->value.version == 4;

	if (!is_type(ip, WEIR_IP))
		return wants(c, call, 0, "an address");
	bits4 = check_bits(c, call, 1, call->n_args == 3 || is4 ? 32 : 128);
	if (!bits4)
		return NULL;
	bits6 = call->n_args == 3 ? check_bits(c, call, 2, 128) : bits4;
	if (!bits6)
		return NULL;
	return weir_expr_op(c, (struct weir_expr_node){ .type = WEIR_IP,
				   .at = call->at,
				   .run = weir_expr_k_net,
				   .arg = { ip, bits4, bits6 } });
}

static struct weir_expr_node *
check_anon(struct weir_expr_context *c, const struct weir_expr_call *call)
{
	struct weir_expr_anon *anon;

	if (!is_type(call->args[0], WEIR_IP))
		return wants(c, call, 0, "an address");
	anon = weir_expr_anon_create();
	if (!anon) {
		c->code = weir_error_run(
		    &c->error, -ENOMEM, "anon() cannot have AES-128 from OpenSSL's libcrypto");
		return NULL;
	}
	if (weir_expr_heap_own(c->heap, anon, weir_expr_anon_destroy))
		return weir_expr_fail_memory(c);
	return weir_expr_op(c, (struct weir_expr_node){ .type = WEIR_IP,
				   .at = call->at,
				   .is_costly = true,
				   .run = weir_expr_k_anon,
				   .aux = anon,
				   .arg = { call->args[0] } });
}

static bool
is_above_zero(const struct weir_expr_node *w)
{
	return w->value.is_null || (w->type == WEIR_FLOAT ? w->value.f > 0 : w->value.i > 0);
}

static struct weir_expr_node *
check_bucket(struct weir_expr_context *c, const struct weir_expr_call *call)
{
	struct weir_expr_node *x = call->args[0], *w = call->args[1];
	enum weir_type type = WEIR_N_TYPES, width;

	if (is_type(x, WEIR_TIME))
		type = x->type;
	else if (weir_expr_is_number(x->type) || is_type(x, WEIR_DURATION))
		type = weir_expr_common(x, w);
	else
		return wants(c, call, 0, "a number, duration or time");
	if (type == WEIR_BOOL)
		type = WEIR_INT;
	width = type == WEIR_TIME ? WEIR_DURATION : type;
	if (w->kind == WEIR_EXPR_NETWORK || type == WEIR_N_TYPES ||
	    !(weir_expr_is_number(w->type) || w->type == WEIR_DURATION))
		return wants(c, call, 1, "a number or duration");
	x = weir_expr_as(c, x, type);
	w = x ? weir_expr_as(c, w, width) : NULL;
	if (!w)
		return NULL;
	if (w->kind == WEIR_EXPR_CONST && !is_above_zero(w))
		return weir_expr_fail(
		    c, call->args[1]->at, "", "%s() wants a width above zero", call->name);
	return plain(c, call, type,
	    type == WEIR_FLOAT ? weir_expr_k_bucket_f64 : weir_expr_k_bucket_i64, x, w);
}

static struct weir_expr_node *
check_if(struct weir_expr_context *c, const struct weir_expr_call *call)
{
	struct weir_expr_node *cond = weir_expr_as_condition(c, call->args[0]);
	struct weir_expr_node *a = call->args[1], *b = call->args[2];
	enum weir_type type = weir_expr_common(a, b);

	if (!cond)
		return NULL;
	if (type == WEIR_N_TYPES)
		return weir_expr_fail(c, b->at, "",
		    "%s() wants two values of one type, not %s and %s", call->name,
		    weir_expr_kind_name(a), weir_expr_kind_name(b));
	a = weir_expr_as(c, a, type);
	b = a ? weir_expr_as(c, b, type) : NULL;
	if (!b)
		return NULL;
	return weir_expr_op(c, (struct weir_expr_node){ .type = type,
				   .at = call->at,
				   .lazy = WEIR_EXPR_LAZY_IF,
				   .run = weir_expr_if[weir_store_of(type)],
				   .arg = { cond, a, b } });
}

static struct weir_expr_node *
check_hash(struct weir_expr_context *c, const struct weir_expr_call *call)
{
	struct weir_expr_node *a = call->args[0], *n;

	if (a->kind == WEIR_EXPR_NETWORK)
		return wants(c, call, 0, "a value");
	a = weir_expr_as(c, a, a->type == WEIR_BOOL ? WEIR_INT : a->type);
	if (!a)
		return NULL;
	n = plain(c, call, WEIR_INT, weir_expr_hash[a->store], a, NULL);
	if (n && n->kind == WEIR_EXPR_OP)
		n->is_costly = true;
	return n;
}

static struct weir_expr_node *
sequence(struct weir_expr_context *c, const struct weir_expr_call *call, enum weir_type type,
    weir_expr_kernel *run)
{
	struct weir_expr_node *args[2];

	for (unsigned i = 0; i < 2; i++) {
		if (!is_integer(call->args[i]))
			return wants(c, call, i, "an int");
		args[i] = weir_expr_as_int(c, call->args[i]);
		if (!args[i])
			return NULL;
	}
	return weir_expr_op(c, (struct weir_expr_node){ .type = type,
				   .at = call->at,
				   .is_never_null = type == WEIR_BOOL,
				   .run = run,
				   .arg = { args[0], args[1] } });
}

static struct weir_expr_node *
check_seqlt(struct weir_expr_context *c, const struct weir_expr_call *call)
{
	return sequence(c, call, WEIR_BOOL, weir_expr_k_seqlt);
}

static struct weir_expr_node *
check_seqmax(struct weir_expr_context *c, const struct weir_expr_call *call)
{
	return sequence(c, call, WEIR_INT, weir_expr_k_seqmax);
}

static const struct {
	checker *check;
	uint8_t min;
	uint8_t max;
} checks[] = {
#define WEIR_FUNCTION(name, least, most, synopsis, doc) { check_##name, least, most },
#include "functions.def"
#undef WEIR_FUNCTION
};

int
weir_expr_function_find(const char *name)
{
	for (int i = 0; weir_expr_functions[i].name; i++)
		if (strcmp(weir_expr_functions[i].name, name) == 0)
			return i;
	return -1;
}

unsigned
weir_expr_function_max(int function)
{
	return checks[function].max;
}

struct weir_expr_node *
weir_expr_call_check(struct weir_expr_context *c, int function, const struct weir_expr_call *call)
{
	unsigned min = checks[function].min;

	if (call->n_args < min)
		return weir_expr_fail(c, call->at, "", "%s needs %u argument%s, not %u,",
		    weir_expr_functions[function].synopsis, min, min == 1 ? "" : "s", call->n_args);
	return checks[function].check(c, call);
}
