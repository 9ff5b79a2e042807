/* SPDX-License-Identifier: BSD-3-Clause */
#include "node.h"

/* Types of arithmetic. */

static const char *const signs[WEIR_EXPR_N_ARITH] = { "+", "-", "*", "/", "%", "&", "|", "^", "<<",
	">>" };

typedef struct weir_expr_node *converter(struct weir_expr_context *c, struct weir_expr_node *n);

/* An operation of two operands after they were converted. */
static struct weir_expr_node *
make(struct weir_expr_context *c, const char *at, enum weir_type type, weir_expr_kernel *run,
    converter *to_a, struct weir_expr_node *a, converter *to_b, struct weir_expr_node *b)
{
	a = to_a(c, a);
	b = a ? to_b(c, b) : NULL;
	if (!b)
		return NULL;
	return weir_expr_op(
	    c, (struct weir_expr_node){ .type = type, .at = at, .run = run, .arg = { a, b } });
}

static struct weir_expr_node *
to_seconds(struct weir_expr_context *c, struct weir_expr_node *n)
{
	n = weir_expr_as_duration(c, n);
	if (!n)
		return NULL;
	return weir_expr_op(
	    c, (struct weir_expr_node){
		   .type = WEIR_FLOAT, .at = n->at, .run = weir_expr_k_to_seconds, .arg = { n } });
}

static struct weir_expr_node *
numbers(struct weir_expr_context *c, enum weir_expr_arith op, const char *at,
    struct weir_expr_node *a, struct weir_expr_node *b)
{
	if (a->type == WEIR_FLOAT || b->type == WEIR_FLOAT)
		return make(c, at, WEIR_FLOAT, weir_expr_arith_f64[op], weir_expr_as_float, a,
		    weir_expr_as_float, b);
	return make(
	    c, at, WEIR_INT, weir_expr_arith_i64[op], weir_expr_as_int, a, weir_expr_as_int, b);
}

/* A duration scaled by a number. */
static struct weir_expr_node *
scale(struct weir_expr_context *c, enum weir_expr_arith op, const char *at,
    struct weir_expr_node *a, struct weir_expr_node *b)
{
	if (b->type != WEIR_FLOAT)
		return make(c, at, WEIR_DURATION, weir_expr_arith_i64[op], weir_expr_as_duration, a,
		    weir_expr_as_int, b);
	return make(c, at, WEIR_DURATION,
	    op == WEIR_EXPR_MUL ? weir_expr_k_mul_duration : weir_expr_k_div_duration,
	    weir_expr_as_duration, a, weir_expr_as_float, b);
}

/* At least one is a duration, the other one a duration or a number. */
static struct weir_expr_node *
durations(struct weir_expr_context *c, enum weir_expr_arith op, const char *at,
    struct weir_expr_node *a, struct weir_expr_node *b)
{
	bool are_both = a->type == b->type;

	switch (op) {
	case WEIR_EXPR_ADD:
	case WEIR_EXPR_SUB:
	case WEIR_EXPR_MOD:
		return make(c, at, WEIR_DURATION, weir_expr_arith_i64[op], weir_expr_as_duration, a,
		    weir_expr_as_duration, b);
	case WEIR_EXPR_MUL:
		if (are_both)
			return NULL;
		return a->type == WEIR_DURATION ? scale(c, op, at, a, b) : scale(c, op, at, b, a);
	case WEIR_EXPR_DIV:
		if (are_both)
			return make(c, at, WEIR_FLOAT, weir_expr_k_ratio, weir_expr_as_duration, a,
			    weir_expr_as_duration, b);
		if (a->type == WEIR_DURATION)
			return scale(c, op, at, a, b);
		return make(c, at, WEIR_FLOAT, weir_expr_arith_f64[op], weir_expr_as_float, a,
		    to_seconds, b);
	default:
		return NULL;
	}
}

static bool
is_shift(enum weir_type t)
{
	return t == WEIR_DURATION || weir_expr_is_number(t);
}

/* At least one is a time. */
static struct weir_expr_node *
times(struct weir_expr_context *c, enum weir_expr_arith op, const char *at,
    struct weir_expr_node *a, struct weir_expr_node *b)
{
	if (op == WEIR_EXPR_SUB && a->type == b->type)
		return make(c, at, WEIR_DURATION, weir_expr_arith_i64[op], weir_expr_as_time, a,
		    weir_expr_as_time, b);
	if ((op == WEIR_EXPR_ADD || op == WEIR_EXPR_SUB) && a->type == WEIR_TIME &&
	    is_shift(b->type))
		return make(c, at, WEIR_TIME, weir_expr_arith_i64[op], weir_expr_as_time, a,
		    weir_expr_as_duration, b);
	if (op == WEIR_EXPR_ADD && is_shift(a->type))
		return make(c, at, WEIR_TIME, weir_expr_arith_i64[op], weir_expr_as_duration, a,
		    weir_expr_as_time, b);
	return NULL;
}

struct weir_expr_node *
weir_expr_arith(struct weir_expr_context *c, enum weir_expr_arith op, const char *at,
    struct weir_expr_node *a, struct weir_expr_node *b)
{
	bool has_network = a->kind == WEIR_EXPR_NETWORK || b->kind == WEIR_EXPR_NETWORK;
	bool is_bitwise = op >= WEIR_EXPR_AND;
	struct weir_expr_node *n = NULL;

	if (!has_network && weir_expr_is_number(a->type) && weir_expr_is_number(b->type)) {
		if (!is_bitwise || (a->type != WEIR_FLOAT && b->type != WEIR_FLOAT))
			n = numbers(c, op, at, a, b);
	} else if (!has_network && !is_bitwise) {
		if (a->type == WEIR_TIME || b->type == WEIR_TIME)
			n = times(c, op, at, a, b);
		else if (is_shift(a->type) && is_shift(b->type))
			n = durations(c, op, at, a, b);
	}
	if (!n && !c->code)
		weir_expr_fail(c, at, "", "cannot use '%s' on %s and %s", signs[op],
		    weir_expr_kind_name(a), weir_expr_kind_name(b));
	return n;
}

struct weir_expr_node *
weir_expr_negate(struct weir_expr_context *c, const char *at, struct weir_expr_node *a)
{
	bool has_ns = a->has_ns;
	int64_t ns = a->ns;

	if (a->kind == WEIR_EXPR_NETWORK || !is_shift(a->type))
		return weir_expr_fail(c, at, "", "cannot use '-' on %s", weir_expr_kind_name(a));
	a = a->type == WEIR_FLOAT  ? a
	    : a->type == WEIR_BOOL ? weir_expr_as_int(c, a)
				   : weir_expr_as(c, a, a->type);
	if (!a)
		return NULL;
	a = weir_expr_op(
	    c, (struct weir_expr_node){ .type = a->type,
		   .at = at,
		   .run = a->type == WEIR_FLOAT ? weir_expr_k_neg_f64 : weir_expr_k_neg_i64,
		   .arg = { a } });
	if (a) {
		a->has_ns = has_ns;
		a->ns = -ns;
	}
	return a;
}

struct weir_expr_node *
weir_expr_invert(struct weir_expr_context *c, const char *at, struct weir_expr_node *a)
{
	if (a->kind == WEIR_EXPR_NETWORK || (a->type != WEIR_INT && a->type != WEIR_BOOL))
		return weir_expr_fail(c, at, "", "cannot use '~' on %s", weir_expr_kind_name(a));
	a = weir_expr_as_int(c, a);
	if (!a)
		return NULL;
	return weir_expr_op(
	    c, (struct weir_expr_node){
		   .type = WEIR_INT, .at = at, .run = weir_expr_k_invert, .arg = { a } });
}
