/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "fold.h"

/*
 * From typed assignments to the steps of a fold. What reads no variable is a column, of which there
 * may be several that are alike; what does becomes a step for each node, in a cell that is taken
 * again once it was read.
 */

/* Operands while the numbers of cells are not known yet. */
enum kind { VAR, ARG, CONST, TEMP, N_KINDS };

struct operand {
	uint8_t kind;
	uint8_t n; /* of its kind */
};

#define NO_OPERAND ((struct operand){ N_KINDS, 0 })

struct step {
	enum weir_fold_op op;
	struct operand d, a, b, c;
	uint32_t n_ranges;
	const struct weir_fold_range *ranges;
};

struct generator {
	struct weir_expr_context *c;
	const struct weir_expr_fold *fold;
	unsigned n_steps, n_cap;
	struct step *steps;
	unsigned n_args;
	const struct weir_expr_node *args[WEIR_FOLD_MAX_ARGS];
	unsigned n_consts;
	union weir_fold_cell consts[WEIR_FOLD_CELLS];
	uint64_t null_consts;
	unsigned n_temps; /* those of variables that last for one row are the first, and stay */
	bool is_free[WEIR_FOLD_CELLS];
};

static bool
too_large(struct generator *g, const struct weir_expr_node *n)
{
	return weir_expr_fail(g->c, n->at, " (fewer variables, columns or constants will do)",
	    "the fold needs more than %d values at once", WEIR_FOLD_CELLS);
}

/* Whether two expressions give the same column. */
static bool
are_alike(const struct weir_expr_node *a, const struct weir_expr_node *b)
{
	if (a->kind != b->kind || a->type != b->type)
		return false;
	if (a->kind == WEIR_EXPR_SYMBOL)
		return a->slot == b->slot;
	if (a->kind == WEIR_EXPR_CONST)
		return !a->value.is_null && !b->value.is_null &&
		       weir_value_compare(&a->value, &b->value) == 0;
	if (a->run != b->run || a->n_args != b->n_args || a->aux || b->aux)
		return false;
	/* A kernel without a constant operand has zeros there. */
	if (a->k.type != b->k.type || a->k.i != b->k.i || a->k.version != b->k.version)
		return false;
	for (unsigned i = 0; i < a->n_args; i++)
		if (!are_alike(a->arg[i], b->arg[i]))
			return false;
	return true;
}

static bool
is_widening(const struct weir_expr_node *n)
{
	return n->kind == WEIR_EXPR_OP && n->n_args == 1 && n->arg[0]->store < WEIR_N_STORES &&
	       n->run == weir_expr_to_i64[n->arg[0]->store];
}

static struct operand
column(struct generator *g, const struct weir_expr_node *n)
{
	while (is_widening(n)) /* cells are wide */
		n = n->arg[0];
	if (n->store > WEIR_F64) {
		weir_expr_fail(g->c, n->at, "",
		    "a value of the type %s cannot stand with a variable here",
		    weir_expr_kind_name(n));
		return NO_OPERAND;
	}
	for (unsigned i = 0; i < g->n_args; i++)
		if (are_alike(g->args[i], n))
			return (struct operand){ ARG, (uint8_t)i };
	if (g->n_args == WEIR_FOLD_MAX_ARGS) {
		weir_expr_fail(g->c, n->at, "",
		    "more than %d different values of a packet in one fold", WEIR_FOLD_MAX_ARGS);
		return NO_OPERAND;
	}
	g->args[g->n_args] = n;
	return (struct operand){ ARG, (uint8_t)g->n_args++ };
}

static struct operand
constant(struct generator *g, const struct weir_expr_node *n, const struct weir_value *v)
{
	union weir_fold_cell x = { .i = 0 };

	if (!v->is_null && v->type == WEIR_FLOAT)
		x.f = v->f;
	else if (!v->is_null)
		x.i = v->type == WEIR_BOOL ? v->b : v->i;
	for (unsigned i = 0; i < g->n_consts; i++)
		if (g->consts[i].i == x.i && (g->null_consts >> i & 1) == v->is_null)
			return (struct operand){ CONST, (uint8_t)i };
	if (g->n_consts == WEIR_FOLD_CELLS) {
		too_large(g, n);
		return NO_OPERAND;
	}
	g->consts[g->n_consts] = x;
	g->null_consts |= (uint64_t)v->is_null << g->n_consts;
	return (struct operand){ CONST, (uint8_t)g->n_consts++ };
}

static struct operand
variable(const struct generator *g, unsigned var)
{
	if (var < g->fold->n_state)
		return (struct operand){ VAR, (uint8_t)var };
	return (struct operand){ TEMP, (uint8_t)(var - g->fold->n_state) };
}

static struct operand
take_temp(struct generator *g, const struct weir_expr_node *n)
{
	for (unsigned i = 0; i < g->n_temps; i++)
		if (g->is_free[i]) {
			g->is_free[i] = false;
			return (struct operand){ TEMP, (uint8_t)i };
		}
	if (g->n_temps == WEIR_FOLD_CELLS) {
		too_large(g, n);
		return NO_OPERAND;
	}
	return (struct operand){ TEMP, (uint8_t)g->n_temps++ };
}

static void
release(struct generator *g, struct operand o)
{
	if (o.kind == TEMP && o.n >= g->fold->n_vars - g->fold->n_state)
		g->is_free[o.n] = true;
}

static bool
add_step(struct generator *g, struct step s)
{
	if (g->n_steps == g->n_cap) {
		unsigned cap = g->n_cap ? g->n_cap * 2 : 16;
		struct step *p = realloc(g->steps, cap * sizeof(*p));

		if (!p)
			return weir_expr_fail_memory(g->c);
		g->steps = p;
		g->n_cap = cap;
	}
	g->steps[g->n_steps++] = s;
	return true;
}

/* The relation that a kernel is, of columns or with a constant; false where it is none. */
static bool
find_relation(
    const struct weir_expr_node *n, unsigned *ret_cmp, bool *ret_is_float, bool *ret_has_const)
{
	for (unsigned s = 0; s <= WEIR_F64; s++)
		for (unsigned c = 0; c < WEIR_EXPR_N_CMP; c++) {
			*ret_cmp = c;
			*ret_is_float = s == WEIR_F64;
			*ret_has_const = n->run == weir_expr_cmp_const[s][c];
			if (*ret_has_const || n->run == weir_expr_cmp_cols[s][c])
				return true;
		}
	return false;
}

/* The step that a kernel is; N_OPS where there is none. */
static enum weir_fold_op
find_op(const struct weir_expr_node *n)
{
	static const struct {
		weir_expr_kernel *run;
		enum weir_fold_op op;
	} single[] = {
		{ weir_expr_k_neg_i64, WEIR_FOLD_NEG_I },
		{ weir_expr_k_neg_f64, WEIR_FOLD_NEG_F },
		{ weir_expr_k_invert, WEIR_FOLD_INVERT },
		{ weir_expr_k_seconds_i64, WEIR_FOLD_SECONDS_I },
		{ weir_expr_k_seconds_f64, WEIR_FOLD_SECONDS_F },
		{ weir_expr_k_to_seconds, WEIR_FOLD_TO_SECONDS },
		{ weir_expr_k_mul_duration, WEIR_FOLD_MUL_DURATION },
		{ weir_expr_k_div_duration, WEIR_FOLD_DIV_DURATION },
		{ weir_expr_k_ratio, WEIR_FOLD_RATIO },
		{ weir_expr_k_bucket_i64, WEIR_FOLD_BUCKET_I },
		{ weir_expr_k_bucket_f64, WEIR_FOLD_BUCKET_F },
		{ weir_expr_k_seqmax, WEIR_FOLD_SEQMAX },
		{ weir_expr_k_seqlt, WEIR_FOLD_SEQLT },
		{ weir_expr_k_not_null, WEIR_FOLD_NOT_NULL },
		{ weir_expr_k_false, WEIR_FOLD_FALSE },
		{ weir_expr_k_and, WEIR_FOLD_AND },
		{ weir_expr_k_or, WEIR_FOLD_OR },
		{ weir_expr_k_not, WEIR_FOLD_NOT },
	};

	for (unsigned i = 0; i < sizeof(single) / sizeof(single[0]); i++)
		if (n->run == single[i].run)
			return single[i].op;
	for (unsigned i = 0; i < WEIR_EXPR_N_ARITH; i++) {
		if (n->run == weir_expr_arith_i64[i])
			return (enum weir_fold_op)(WEIR_FOLD_ADD_I + i);
		if (weir_expr_arith_f64[i] && n->run == weir_expr_arith_f64[i])
			return (enum weir_fold_op)(WEIR_FOLD_ADD_F + i);
	}
	for (unsigned s = 0; s <= WEIR_I64; s++)
		if (weir_expr_to_f64[s] && n->run == weir_expr_to_f64[s])
			return WEIR_FOLD_TO_FLOAT;
	for (unsigned s = 0; s <= WEIR_F64; s++)
		if (weir_expr_if[s] && n->run == weir_expr_if[s])
			return WEIR_FOLD_IF;
	return WEIR_FOLD_N_OPS;
}

/* Intervals of a bitmap. */
static struct weir_fold_range *
bitmap_ranges(struct generator *g, const struct weir_expr_set *set, uint32_t *ret_n)
{
	struct weir_fold_range *r = weir_expr_alloc(g->c, 32768 * sizeof(*r));
	uint32_t n = 0;

	for (unsigned x = 0; r && x < 65536; x++) {
		if (!(set->bitmap[x / 64] >> (x % 64) & 1))
			continue;
		if (n && r[n - 1].last.i == (int64_t)x - 1)
			r[n - 1].last.i = x;
		else
			r[n++] = (struct weir_fold_range){ { .i = x }, { .i = x } };
	}
	*ret_n = n;
	return r;
}

/* The step "x in {...}"; its op is N_OPS where the node is something else. */
static bool
find_set(struct generator *g, const struct weir_expr_node *n, struct step *ret)
{
	const struct weir_expr_set *set = n->aux;
	bool is_int = n->run == weir_expr_k_in_i64, is_float = n->run == weir_expr_k_in_f64;
	bool is_bitmap = false;
	struct weir_fold_range *r;

	for (unsigned s = 0; s <= WEIR_I64; s++) {
		is_int |= n->run == weir_expr_in_linear[s];
		is_bitmap |= weir_expr_in_bitmap[s] && n->run == weir_expr_in_bitmap[s];
	}
	ret->op = WEIR_FOLD_N_OPS;
	if (!is_int && !is_float && !is_bitmap)
		return true;
	ret->op = is_float      ? set->negate ? WEIR_FOLD_NOT_IN_F : WEIR_FOLD_IN_F
		  : set->negate ? WEIR_FOLD_NOT_IN_I
				: WEIR_FOLD_IN_I;
	if (is_bitmap) {
		ret->ranges = bitmap_ranges(g, set, &ret->n_ranges);
		return ret->ranges != NULL;
	}
	ret->ranges = r = weir_expr_alloc(g->c, (set->n + 1) * sizeof(*r));
	ret->n_ranges = set->n;
	for (unsigned i = 0; r && i < set->n; i++) {
		if (is_float)
			r[i] = (struct weir_fold_range){ { .f = set->floats[i].first },
				{ .f = set->floats[i].last } };
		else
			r[i] = (struct weir_fold_range){ { .i = set->ints[i].first },
				{ .i = set->ints[i].last } };
	}
	return r != NULL;
}

static struct operand emit(struct generator *g, const struct weir_expr_node *n);

/* The operands of a node, and its step but for where the result goes. */
static bool
emit_operands(struct generator *g, const struct weir_expr_node *n, struct step *s)
{
	struct operand args[WEIR_EXPR_MAX_ARGS];
	bool is_float, has_const = false;
	unsigned cmp;

	if (!find_set(g, n, s))
		return false;
	if (s->op == WEIR_FOLD_N_OPS)
		s->op = find_op(n);
	if (s->op == WEIR_FOLD_N_OPS && find_relation(n, &cmp, &is_float, &has_const))
		s->op = (enum weir_fold_op)((is_float ? WEIR_FOLD_EQ_F : WEIR_FOLD_EQ_I) + cmp);
	if (s->op == WEIR_FOLD_N_OPS)
		return weir_expr_fail(g->c, n->at,
		    " (of what stands in packets it can be worked "
		    "out)",
		    "this cannot be worked out of a variable");
	for (unsigned i = 0; i < n->n_args; i++) {
		args[i] = emit(g, n->arg[i]);
		if (args[i].kind == N_KINDS)
			return false;
	}
	s->a = args[0];
	s->b = n->n_args > 1 ? args[1] : args[0];
	s->c = n->n_args > 2 ? args[2] : args[0];
	if (has_const)
		s->b = constant(g, n, &n->k);
	return s->b.kind != N_KINDS;
}

static void
release_operands(struct generator *g, const struct step *s)
{
	release(g, s->a);
	release(g, s->b);
	release(g, s->c);
}

/* Where the value of a node is to be found. */
static struct operand
emit(struct generator *g, const struct weir_expr_node *n)
{
	struct step s = { 0 };

	if (n->kind == WEIR_EXPR_CONST && n->store <= WEIR_F64)
		return constant(g, n, &n->value);
	if (!n->reads_variable)
		return column(g, n);
	if (n->kind == WEIR_EXPR_SYMBOL)
		return variable(g, n->slot - WEIR_EXPR_VARIABLES);
	if (is_widening(n))
		return emit(g, n->arg[0]);
	if (!emit_operands(g, n, &s))
		return NO_OPERAND;
	release_operands(g, &s); /* the step reads them before it writes */
	s.d = take_temp(g, n);
	if (s.d.kind == N_KINDS || !add_step(g, s))
		return NO_OPERAND;
	return s.d;
}

/* "n += a < b" in one step: COUNT_EQ and so on behind EQ_I and so on; N_OPS where it is not that.
 */
static bool
emit_count(
    struct generator *g, struct operand to, const struct weir_expr_node *n, bool *ret_is_done)
{
	const struct weir_expr_node *what;
	struct step s = { .d = to };
	unsigned cmp = 0;
	bool is_float, has_const;

	*ret_is_done = false;
	if (n->kind != WEIR_EXPR_OP || n->run != weir_expr_arith_i64[WEIR_EXPR_ADD] ||
	    n->arg[0]->kind != WEIR_EXPR_SYMBOL || !is_widening(n->arg[1]))
		return true;
	what = n->arg[1]->arg[0];
	if (!what->reads_variable || what->kind != WEIR_EXPR_OP || !n->arg[0]->reads_variable)
		return true;
	if (variable(g, n->arg[0]->slot - WEIR_EXPR_VARIABLES).kind != to.kind ||
	    variable(g, n->arg[0]->slot - WEIR_EXPR_VARIABLES).n != to.n)
		return true;
	if (what->run != weir_expr_k_seqlt &&
	    (!find_relation(what, &cmp, &is_float, &has_const) || is_float))
		return true;
	*ret_is_done = true;
	if (!emit_operands(g, what, &s))
		return false;
	s.op = what->run == weir_expr_k_seqlt ? WEIR_FOLD_COUNT_SEQLT
					      : (enum weir_fold_op)(WEIR_FOLD_COUNT_EQ + cmp);
	release_operands(g, &s);
	return add_step(g, s);
}

static bool
emit_assignment(struct generator *g, const struct weir_expr_assignment *x)
{
	struct operand to = variable(g, x->var);
	unsigned before = g->n_steps;
	struct operand from;
	bool is_done;

	if (!emit_count(g, to, x->value, &is_done))
		return false;
	if (is_done)
		return true;
	from = emit(g, x->value);
	if (from.kind == N_KINDS)
		return false;
	release(g, from);
	if (from.kind == to.kind && from.n == to.n)
		return true;
	/* The last step may as well set the variable: it reads before it writes. */
	if (g->n_steps > before && from.kind == TEMP &&
	    from.n >= g->fold->n_vars - g->fold->n_state) {
		g->steps[g->n_steps - 1].d = to;
		return true;
	}
	return add_step(
	    g, (struct step){ .op = WEIR_FOLD_MOVE, .d = to, .a = from, .b = from, .c = from });
}

/* Numbers of cells: variables, columns by their stores, constants, the others. */
struct numbering {
	uint8_t args[WEIR_FOLD_MAX_ARGS]; /* place of each among the columns */
	unsigned n_vars, n_args, n_consts;
};

static void
number_args(const struct generator *g, struct numbering *ret)
{
	uint8_t n = 0;

	for (unsigned s = 0; s <= WEIR_F64; s++)
		for (unsigned i = 0; i < g->n_args; i++)
			if (g->args[i]->store == s)
				ret->args[i] = n++;
}

static uint8_t
cell_of(const struct numbering *nr, struct operand o)
{
	switch (o.kind) {
	case VAR:
		return o.n;
	case ARG:
		return (uint8_t)(nr->n_vars + nr->args[o.n]);
	case CONST:
		return (uint8_t)(nr->n_vars + nr->n_args + o.n);
	default:
		return (uint8_t)(nr->n_vars + nr->n_args + nr->n_consts + o.n);
	}
}

static struct weir_fold_code *
make_code(struct generator *g, const struct numbering *nr)
{
	struct weir_fold_code *code = weir_expr_alloc(g->c, (g->n_steps + 1) * sizeof(*code));

	for (unsigned i = 0; code && i < g->n_steps; i++) {
		const struct step *s = &g->steps[i];

		code[i] = (struct weir_fold_code){
			.op = s->op,
			.d = cell_of(nr, s->d),
			.a = cell_of(nr, s->a),
			.b = cell_of(nr, s->b),
			.c = cell_of(nr, s->c),
			.n_ranges = s->n_ranges,
			.ranges = s->ranges,
		};
	}
	return code;
}

static bool
make_fold(struct generator *g, unsigned n_init, struct weir_fold **ret)
{
	struct numbering nr = {
		.n_vars = g->fold->n_state, .n_args = g->n_args, .n_consts = g->n_consts
	};
	enum weir_type types[WEIR_FOLD_CELLS];
	enum weir_store stores[WEIR_FOLD_MAX_ARGS];
	unsigned n_cells = nr.n_vars + nr.n_args + nr.n_consts + g->n_temps;
	struct weir_fold_code *code;

	if (n_cells > WEIR_FOLD_CELLS)
		return too_large(g, g->fold->update[0].value);
	number_args(g, &nr);
	code = make_code(g, &nr);
	if (!code)
		return false;
	for (unsigned i = 0; i < nr.n_vars; i++)
		types[i] = g->fold->vars[i].type;
	for (unsigned i = 0; i < g->n_args; i++)
		stores[nr.args[i]] = g->args[i]->store;

	const struct weir_fold_spec spec = {
		.n_vars = nr.n_vars,
		.types = types,
		.n_args = nr.n_args,
		.stores = stores,
		.n_consts = g->n_consts,
		.consts = g->consts,
		.null_consts = g->null_consts,
		.n_cells = n_cells,
		.n_init = n_init,
		.init = code,
		.n_update = g->n_steps - n_init,
		.update = code + n_init,
	};

	return !weir_fold_create(&spec, ret) || weir_expr_fail_memory(g->c);
}

/* The programs of the columns, in the fold's order. */
static bool
make_programs(struct generator *g, struct weir_fold_program *ret)
{
	struct numbering nr;

	number_args(g, &nr);
	for (unsigned i = 0; i < g->n_args; i++)
		if (weir_expr_generate(g->args[i], g->c->scope->simd, &ret->args[nr.args[i]]))
			return weir_expr_fail_memory(g->c);
	return true;
}

static bool
generate(struct generator *g, struct weir_fold_program *ret, struct weir_fold **ret_fold)
{
	unsigned n_init;

	g->n_temps = g->fold->n_vars - g->fold->n_state;
	for (unsigned i = 0; i < g->fold->n_init; i++)
		if (!emit_assignment(g, &g->fold->init[i]))
			return false;
	n_init = g->n_steps;
	for (unsigned i = 0; i < g->fold->n_update; i++)
		if (!emit_assignment(g, &g->fold->update[i]))
			return false;
	ret->n_args = g->n_args;
	return make_fold(g, n_init, ret_fold) && make_programs(g, ret);
}

int
weir_expr_fold_generate(struct weir_expr_context *c, const struct weir_expr_fold *fold,
    struct weir_fold_program *ret, struct weir_fold **ret_fold)
{
	struct generator *g = calloc(1, sizeof(*g));
	int rc = -1;

	if (!g) {
		weir_expr_fail_memory(c);
		return c->code;
	}
	g->c = c;
	g->fold = fold;
	if (generate(g, ret, ret_fold))
		rc = 0;
	free(g->steps);
	free(g);
	return rc ? c->code : 0;
}
