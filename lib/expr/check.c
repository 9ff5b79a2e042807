/* SPDX-License-Identifier: BSD-3-Clause */
#include "node.h"
#include "pattern.h"

/* Relations, string operators and logic. */

static const char *const cmp_signs[WEIR_EXPR_N_CMP] = { "==", "!=", "<", "<=", ">", ">=" };

/* a < b is b > a. */
static const enum weir_expr_cmp cmp_mirror[WEIR_EXPR_N_CMP] = {
	WEIR_EXPR_EQ,
	WEIR_EXPR_NE,
	WEIR_EXPR_GT,
	WEIR_EXPR_GE,
	WEIR_EXPR_LT,
	WEIR_EXPR_LE,
};

static struct weir_expr_node *
bool_op(struct weir_expr_context *c, const char *at, weir_expr_kernel *run,
    struct weir_expr_node *a, struct weir_expr_node *b, struct weir_value k)
{
	return weir_expr_op(c, (struct weir_expr_node){ .type = WEIR_BOOL,
				   .at = at,
				   .is_never_null = true,
				   .run = run,
				   .k = k,
				   .arg = { a, b } });
}

/* An integer column with a constant, in the column's own store. */
static struct weir_expr_node *
compare_int_const(struct weir_expr_context *c, enum weir_expr_cmp cmp, const char *at,
    struct weir_expr_node *a, int64_t k)
{
	static const int64_t max[WEIR_N_STORES] = { UINT8_MAX, UINT16_MAX, UINT32_MAX, INT64_MAX };
	struct weir_value v = { .type = WEIR_INT, .i = k };
	bool is_always;

	if (a->store == WEIR_I64 || (k >= 0 && k <= max[a->store]))
		return bool_op(c, at, weir_expr_cmp_const[a->store][cmp], a, NULL, v);
	/* The constant is below or above everything that the column can hold. */
	if (k < 0)
		is_always = cmp == WEIR_EXPR_NE || cmp == WEIR_EXPR_GT || cmp == WEIR_EXPR_GE;
	else
		is_always = cmp == WEIR_EXPR_NE || cmp == WEIR_EXPR_LT || cmp == WEIR_EXPR_LE;
	return bool_op(c, at, is_always ? weir_expr_k_not_null : weir_expr_k_false, a, NULL, v);
}

static bool
is_integral(enum weir_type t)
{
	return t == WEIR_BOOL || t == WEIR_INT || t == WEIR_DURATION || t == WEIR_TIME ||
	       t == WEIR_MAC;
}

static int64_t
const_i64(const struct weir_expr_node *n)
{
	return n->type == WEIR_BOOL ? n->value.b : n->value.i;
}

/* Both are numbers, durations, times or MACs; type is what they meet in. */
static struct weir_expr_node *
compare_scalar(struct weir_expr_context *c, enum weir_expr_cmp cmp, const char *at,
    struct weir_expr_node *a, struct weir_expr_node *b, enum weir_type type)
{
	bool is_seconds = type == WEIR_DURATION && a->type != type;

	/* Narrow columns stay narrow beside a constant or their like. */
	if (is_integral(type) && b->kind == WEIR_EXPR_CONST && !is_seconds) {
		b = weir_expr_as(c, b, type);
		if (!b)
			return NULL;
		if (b->value.is_null)
			return bool_op(c, at, weir_expr_k_false, a, NULL, (struct weir_value){ 0 });
		return compare_int_const(c, cmp, at, a, const_i64(b));
	}
	if (is_integral(type) && a->type == b->type && a->store == b->store)
		return bool_op(
		    c, at, weir_expr_cmp_cols[a->store][cmp], a, b, (struct weir_value){ 0 });
	type = type == WEIR_BOOL ? WEIR_INT : type;
	a = weir_expr_as(c, a, type);
	b = a ? weir_expr_as(c, b, type) : NULL;
	if (!b)
		return NULL;
	if (type == WEIR_FLOAT && b->kind == WEIR_EXPR_CONST && !b->value.is_null)
		return bool_op(c, at, weir_expr_cmp_const[WEIR_F64][cmp], a, NULL, b->value);
	return bool_op(c, at, weir_expr_cmp_cols[a->store][cmp], a, b, (struct weir_value){ 0 });
}

/* "!a == b" is (!a) == b, as in C; nobody who writes it next to a number means that. */
static bool
check_bang(
    struct weir_expr_context *c, const struct weir_expr_node *a, const struct weir_expr_node *b)
{
	if (a->form != WEIR_EXPR_BANG || b->type == WEIR_BOOL)
		return true;
	weir_expr_fail(c, a->at, " (write !(...) or the word not)",
	    "'!' holds for the left side of the comparison only");
	return false;
}

struct weir_expr_node *
weir_expr_compare(struct weir_expr_context *c, enum weir_expr_cmp cmp, const char *at,
    struct weir_expr_node *a, struct weir_expr_node *b)
{
	enum weir_type type = weir_expr_common(a, b);

	if (!check_bang(c, a, b))
		return NULL;
	if (b->kind == WEIR_EXPR_NETWORK && a->kind != WEIR_EXPR_NETWORK && a->type == WEIR_IP &&
	    (cmp == WEIR_EXPR_EQ || cmp == WEIR_EXPR_NE))
		return weir_expr_in_network(c, at, cmp == WEIR_EXPR_NE, a, b);
	if (a->kind == WEIR_EXPR_NETWORK)
		return weir_expr_fail(c, a->at, " (put it on the right side)",
		    "network on the left side of '%s'", cmp_signs[cmp]);
	if (type == WEIR_N_TYPES)
		return weir_expr_fail(c, at,
		    b->kind == WEIR_EXPR_NETWORK ? " (networks stand behind in, == or !=)" : "",
		    "cannot compare %s with %s", weir_expr_kind_name(a), weir_expr_kind_name(b));
	if (a->kind == WEIR_EXPR_CONST && b->kind != WEIR_EXPR_CONST) {
		struct weir_expr_node *swap = a;

		a = b;
		b = swap;
		cmp = cmp_mirror[cmp];
	}
	if (type == WEIR_IP)
		return bool_op(c, at, weir_expr_cmp_addr[cmp], a, b, (struct weir_value){ 0 });
	if (type == WEIR_STRING)
		return bool_op(c, at, weir_expr_cmp_bytes[cmp], a, b, (struct weir_value){ 0 });
	return compare_scalar(c, cmp, at, a, b, type);
}

static bool
check_string(
    struct weir_expr_context *c, const char *word, const char *side, const struct weir_expr_node *n)
{
	if (n->kind != WEIR_EXPR_NETWORK && n->type == WEIR_STRING)
		return true;
	weir_expr_fail(c, n->at, "", "'%s' needs a string on its %s side, not %s", word, side,
	    weir_expr_kind_name(n));
	return false;
}

struct weir_expr_node *
weir_expr_contains(
    struct weir_expr_context *c, const char *at, struct weir_expr_node *a, struct weir_expr_node *b)
{
	if (!check_string(c, "contains", "left", a) || !check_string(c, "contains", "right", b))
		return NULL;
	return weir_expr_op(c, (struct weir_expr_node){ .type = WEIR_BOOL,
				   .at = at,
				   .is_never_null = true,
				   .is_costly = true,
				   .run = weir_expr_k_contains,
				   .arg = { a, b } });
}

static void
free_pattern(void *p)
{
	struct weir_expr_pattern *pattern = p;

	pcre2_match_context_free(pattern->context);
	pcre2_match_data_free(pattern->data);
	pcre2_code_free(pattern->code);
}

static struct weir_expr_pattern *
compile_pattern(struct weir_expr_context *c, const struct weir_expr_node *n)
{
	struct weir_expr_pattern *p = weir_expr_alloc(c, sizeof(*p));
	PCRE2_UCHAR message[160];
	PCRE2_SIZE offset;
	int error;

	if (!p)
		return NULL;
	p->code = pcre2_compile(n->value.s.p, n->value.s.len,
	    PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset, NULL);
	if (!p->code) {
		pcre2_get_error_message(error, message, sizeof(message));
		return weir_expr_fail(c, n->at, "", "bad pattern (%s, after %zu of its characters)",
		    (const char *)message, (size_t)offset);
	}
	/* Where there is no just-in-time compiler the interpreter does. */
	pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE);
	p->data = pcre2_match_data_create(1, NULL);
	p->context = pcre2_match_context_create(NULL);
	if (weir_expr_heap_own(c->heap, p, free_pattern) || !p->data || !p->context)
		return weir_expr_fail_memory(c);
	pcre2_set_match_limit(p->context, WEIR_EXPR_MATCH_LIMIT);
	pcre2_set_depth_limit(p->context, WEIR_EXPR_MATCH_LIMIT);
	return p;
}

struct weir_expr_node *
weir_expr_matches(
    struct weir_expr_context *c, const char *at, struct weir_expr_node *a, struct weir_expr_node *b)
{
	struct weir_expr_pattern *pattern;

	if (!check_string(c, "matches", "left", a) || !check_string(c, "matches", "right", b))
		return NULL;
	if (b->kind != WEIR_EXPR_CONST)
		return weir_expr_fail(c, b->at, "", "the pattern of 'matches' must be a constant");
	pattern = compile_pattern(c, b);
	if (!pattern)
		return NULL;
	return weir_expr_op(c, (struct weir_expr_node){ .type = WEIR_BOOL,
				   .at = at,
				   .is_never_null = true,
				   .is_costly = true,
				   .run = weir_expr_k_matches,
				   .aux = pattern,
				   .arg = { a } });
}

struct weir_expr_node *
weir_expr_logic(struct weir_expr_context *c, bool is_and, const char *at, struct weir_expr_node *a,
    struct weir_expr_node *b)
{
	a = weir_expr_as_condition(c, a);
	b = a ? weir_expr_as_condition(c, b) : NULL;
	if (!b)
		return NULL;
	return weir_expr_op(c, (struct weir_expr_node){ .type = WEIR_BOOL,
				   .at = at,
				   .is_never_null = true,
				   .lazy = is_and ? WEIR_EXPR_LAZY_AND : WEIR_EXPR_LAZY_OR,
				   .run = is_and ? weir_expr_k_and : weir_expr_k_or,
				   .arg = { a, b } });
}

struct weir_expr_node *
weir_expr_not(struct weir_expr_context *c, const char *at, struct weir_expr_node *a)
{
	a = weir_expr_as_condition(c, a);
	if (!a)
		return NULL;
	return bool_op(c, at, weir_expr_k_not, a, NULL, (struct weir_value){ 0 });
}
