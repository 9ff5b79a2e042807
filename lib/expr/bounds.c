/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>
#include <string.h>

#include <weir/expr/bounds.h>

#include "code.h"

/*
 * The disjunctive normal form of a program's tree, of those of its leaves that compare a column
 * with constants. All other leaves count as true: that only makes it wider.
 */

struct term {
	unsigned n;
	const struct weir_expr_node *tests[WEIR_BOUNDS_TESTS];
};

struct weir_bounds {
	unsigned n;
	struct term terms[WEIR_BOUNDS_TERMS];
};

/* The column behind a conversion to 64 bits, which changes no value; or NULL. */
static const struct weir_expr_node *
column_of(const struct weir_expr_node *n)
{
	if (n && n->kind == WEIR_EXPR_OP && n->n_args == 1 && n->arg[0]->store < WEIR_N_STORES &&
	    weir_expr_to_i64[n->arg[0]->store] && n->run == weir_expr_to_i64[n->arg[0]->store])
		n = n->arg[0];
	return n && n->kind == WEIR_EXPR_SYMBOL ? n : NULL;
}

static bool
holds_integers(const struct weir_expr_node *n)
{
	return n->type == WEIR_BOOL || n->type == WEIR_INT;
}

/* What follows the last place joins the last range: the ranges are sorted. */
static void
add_range(struct weir_bound *b, int64_t first, int64_t last)
{
	if (b->n < WEIR_BOUNDS_RANGES)
		b->ranges[b->n++] = (struct weir_bound_range){ .first = first, .last = last };
	else
		b->ranges[b->n - 1].last = last;
}

static void
add_compared(struct weir_bound *b, enum weir_expr_cmp cmp, int64_t k)
{
	bool is_below = cmp == WEIR_EXPR_NE || cmp == WEIR_EXPR_LT || cmp == WEIR_EXPR_LE;
	bool is_above = cmp == WEIR_EXPR_NE || cmp == WEIR_EXPR_GT || cmp == WEIR_EXPR_GE;
	bool has_k = cmp == WEIR_EXPR_EQ || cmp == WEIR_EXPR_LE || cmp == WEIR_EXPR_GE;

	if (is_below && (has_k || k > INT64_MIN))
		add_range(b, INT64_MIN, has_k ? k : k - 1);
	if (is_above && (has_k || k < INT64_MAX))
		add_range(b, has_k ? k : k + 1, INT64_MAX);
	if (cmp == WEIR_EXPR_EQ)
		add_range(b, k, k);
}

/* column OP constant */
static bool
compared(const struct weir_expr_node *n, struct weir_bound *ret)
{
	const struct weir_expr_node *column = column_of(n->arg[0]);

	if (n->n_args != 1 || !column || !holds_integers(column))
		return false;
	for (unsigned cmp = 0; cmp < WEIR_EXPR_N_CMP; cmp++) {
		if (n->run != weir_expr_cmp_const[n->arg[0]->store][cmp])
			continue;
		ret->slot = column->slot;
		add_compared(ret, cmp, n->k.i);
		return ret->n > 0;
	}
	return false;
}

static void
add_bitmap(struct weir_bound *b, const uint64_t *bitmap)
{
	int64_t first = -1;

	for (int64_t x = 0; x <= 65536; x++) {
		bool is_in = x < 65536 && bitmap[x / 64] >> (x % 64) & 1;

		if (is_in && first < 0)
			first = x;
		if (!is_in && first >= 0) {
			add_range(b, first, x - 1);
			first = -1;
		}
	}
}

/* column in {80, 443, 8000..8010} */
static bool
in_integers(const struct weir_expr_node *n, struct weir_bound *ret)
{
	const struct weir_expr_node *column = column_of(n->arg[0]);
	const struct weir_expr_set *set = n->aux;
	enum weir_store store = n->arg[0]->store;
	bool is_bitmap;

	if (n->n_args != 1 || !column || !holds_integers(column) || !set)
		return false;
	is_bitmap = weir_expr_in_bitmap[store] && n->run == weir_expr_in_bitmap[store];
	if ((!is_bitmap && n->run != weir_expr_in_linear[store] && n->run != weir_expr_k_in_i64) ||
	    set->negate)
		return false;
	ret->slot = column->slot;
	if (is_bitmap)
		add_bitmap(ret, set->bitmap);
	for (unsigned i = 0; !is_bitmap && i < set->n; i++)
		add_range(ret, set->ints[i].first, set->ints[i].last);
	return ret->n > 0;
}

static void
add_addresses(struct weir_bound *b, const struct weir_addr *first, const struct weir_addr *last,
    uint8_t version)
{
	b->ranges[b->n++] = (struct weir_bound_range){
		.first_addr = *first, .last_addr = *last, .version = version
	};
}

/* column == address, column in network, column in {addresses} */
static bool
in_addresses(const struct weir_expr_node *n, struct weir_bound *ret)
{
	const struct weir_expr_node *column = n->arg[0];
	const struct weir_expr_node *k = n->n_args == 2 ? n->arg[1] : NULL;

	if (!column || column->kind != WEIR_EXPR_SYMBOL || column->type != WEIR_IP)
		return false;
	ret->slot = column->slot;
	if (k && n->run == weir_expr_cmp_addr[WEIR_EXPR_EQ] && k->kind == WEIR_EXPR_CONST &&
	    !k->value.is_null)
		add_addresses(ret, &k->value.addr, &k->value.addr, k->value.version);
	if (n->run == weir_expr_k_in_network) {
		const struct weir_expr_network *net = n->aux;
		struct weir_addr last = net->addr;

		if (net->negate)
			return false;
		last.hi |= net->version == 4 ? 0 : ~net->mask.hi;
		last.lo |= net->version == 4 ? ~net->mask.lo & 0xffffffff : ~net->mask.lo;
		add_addresses(ret, &net->addr, &last, net->version);
	}
	if (n->run == weir_expr_k_in_addr) {
		const struct weir_expr_set *set = n->aux;

		if (set->negate || set->n > WEIR_BOUNDS_RANGES)
			return false;
		for (unsigned i = 0; i < set->n; i++)
			add_addresses(
			    ret, &set->addrs[i].first, &set->addrs[i].last, set->addrs[i].version);
	}
	return ret->n > 0;
}

static bool
get_bound(const struct weir_expr_node *n, struct weir_bound *ret)
{
	ret->n = 0;
	if (n->kind == WEIR_EXPR_SYMBOL && n->type == WEIR_BOOL) {
		ret->slot = n->slot;
		add_range(ret, 1, 1);
		return true;
	}
	if (n->kind != WEIR_EXPR_OP || !n->n_args)
		return false;
	return compared(n, ret) || in_integers(n, ret) || in_addresses(n, ret);
}

static void
say_nothing(struct weir_bounds *b)
{
	b->n = 1;
	b->terms[0].n = 0;
}

static void
set_leaf(struct weir_bounds *b, const struct weir_expr_node *n)
{
	struct weir_bound bound;

	say_nothing(b);
	if (get_bound(n, &bound))
		b->terms[0].tests[b->terms[0].n++] = n;
}

/* b or more; where that is too long, nothing is said. */
static void
or_terms(struct weir_bounds *b, const struct weir_bounds *more)
{
	if (b->n + more->n > WEIR_BOUNDS_TERMS) {
		say_nothing(b);
		return;
	}
	memcpy(b->terms + b->n, more->terms, more->n * sizeof(more->terms[0]));
	b->n += more->n;
}

/* b and more; what finds no room is left out, for a longer conjunction is only narrower. */
static void
and_terms(struct weir_bounds *b, const struct weir_bounds *more)
{
	unsigned n = b->n;

	if (n * more->n > WEIR_BOUNDS_TERMS) {
		if (more->n < n)
			*b = *more;
		return;
	}
	for (unsigned m = more->n; m-- > 0;) /* the first ones are overwritten last */
		for (unsigned i = 0; i < n; i++) {
			struct term *to = &b->terms[m * n + i];

			*to = b->terms[i];
			for (unsigned k = 0; k < more->terms[m].n && to->n < WEIR_BOUNDS_TESTS; k++)
				to->tests[to->n++] = more->terms[m].tests[k];
		}
	b->n = n * more->n;
}

/* False when out of memory. */
static bool
collect(struct weir_bounds *b, const struct weir_expr_node *n)
{
	struct weir_bounds *right;

	if (n->kind != WEIR_EXPR_OP ||
	    (n->lazy != WEIR_EXPR_LAZY_AND && n->lazy != WEIR_EXPR_LAZY_OR)) {
		set_leaf(b, n);
		return true;
	}
	right = calloc(1, sizeof(*right));
	if (!right || !collect(b, n->arg[0]) || !collect(right, n->arg[1])) {
		free(right);
		return false;
	}
	if (n->lazy == WEIR_EXPR_LAZY_AND)
		and_terms(b, right);
	else
		or_terms(b, right);
	free(right);
	return true;
}

struct weir_bounds *
weir_bounds_create(const struct weir_program *p)
{
	struct weir_bounds *b = calloc(1, sizeof(*b));

	if (b && !p->root) {
		say_nothing(b);
	} else if (b && !collect(b, p->root)) {
		free(b);
		return NULL;
	}
	return b;
}

void
weir_bounds_destroy(struct weir_bounds *b)
{
	free(b);
}

unsigned
weir_bounds_terms(const struct weir_bounds *b)
{
	return b->n;
}

unsigned
weir_bounds_tests(const struct weir_bounds *b, unsigned term)
{
	return b->terms[term].n;
}

void
weir_bounds_get(const struct weir_bounds *b, unsigned term, unsigned test, struct weir_bound *ret)
{
	get_bound(b->terms[term].tests[test], ret);
}
