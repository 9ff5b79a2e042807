/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "code.h"

/*
 * From typed nodes to instructions: operands first, each result in a register that goes back to the
 * pool once it was read, so that a program touches few cache lines.
 */

#define NO_COLUMN UINT32_MAX

struct generator {
	struct weir_program *p;
	struct weir_column **regs; /* by column: the register, or NULL for inputs and constants */
	bool *is_free;             /* by column */
	unsigned cols_cap;
	unsigned insns_cap;
	unsigned depth; /* of selections */
	unsigned max_depth;
};

/* Make room for one more of n elements. Capacities double. */
static bool
reserve(void **array, unsigned n, unsigned cap, unsigned new_cap, size_t size)
{
	void *p;

	if (n < cap)
		return true;
	p = realloc(*array, new_cap * size);
	if (!p)
		return false;
	*array = p;
	return true;
}

static unsigned
add_column(struct generator *g, const struct weir_column *col, struct weir_column *reg)
{
	struct weir_program *p = g->p;
	unsigned cap = g->cols_cap ? g->cols_cap * 2 : 16;

	if (!reserve((void **)&p->cols, p->n_cols, g->cols_cap, cap, sizeof(*p->cols)) ||
	    !reserve((void **)&g->regs, p->n_cols, g->cols_cap, cap, sizeof(*g->regs)) ||
	    !reserve((void **)&g->is_free, p->n_cols, g->cols_cap, cap, sizeof(*g->is_free)))
		return NO_COLUMN;
	if (p->n_cols >= g->cols_cap)
		g->cols_cap = cap;
	p->cols[p->n_cols] = col;
	g->regs[p->n_cols] = reg;
	g->is_free[p->n_cols] = false;
	return p->n_cols++;
}

/* A column that the program owns. */
static struct weir_column *
new_column(struct generator *g, enum weir_type type)
{
	struct weir_program *p = g->p;
	struct weir_column *col = calloc(1, sizeof(*col)), **columns;

	if (!col)
		return NULL;
	columns = realloc(p->columns, (p->n_columns + 1) * sizeof(*columns));
	if (columns)
		p->columns = columns;
	if (!columns || weir_column_init(col, type, weir_store_of(type), WEIR_ROWS)) {
		free(col);
		return NULL;
	}
	p->columns[p->n_columns++] = col;
	return col;
}

static unsigned
take_register(struct generator *g, enum weir_type type)
{
	struct weir_column *col;

	for (unsigned i = 0; i < g->p->n_cols; i++) {
		if (g->regs[i] && g->is_free[i] && g->regs[i]->type == type) {
			g->is_free[i] = false;
			return i;
		}
	}
	col = new_column(g, type);
	return col ? add_column(g, col, col) : NO_COLUMN;
}

static void
release(struct generator *g, unsigned col)
{
	if (g->regs[col])
		g->is_free[col] = true;
}

static unsigned
input_column(struct generator *g, unsigned slot)
{
	struct weir_program *p = g->p;
	struct weir_expr_input *inputs;
	unsigned col;

	for (unsigned i = 0; i < p->n_inputs; i++)
		if (p->inputs[i].slot == slot)
			return p->inputs[i].col;
	inputs = realloc(p->inputs, (p->n_inputs + 1) * sizeof(*inputs));
	if (!inputs)
		return NO_COLUMN;
	p->inputs = inputs;
	col = add_column(g, NULL, NULL);
	if (col != NO_COLUMN)
		p->inputs[p->n_inputs++] = (struct weir_expr_input){ col, slot };
	return col;
}

/* A constant as a column, so that kernels need one form only. */
static unsigned
constant_column(struct generator *g, const struct weir_value *v)
{
	struct weir_column *col = new_column(g, v->type);

	if (!col)
		return NO_COLUMN;
	for (unsigned i = 0; i < WEIR_ROWS; i++) {
		if (v->is_null)
			weir_mask_set(col->null, i);
		else if (col->store == WEIR_U8)
			((uint8_t *)col->data)[i] = v->b;
		else if (col->store == WEIR_F64)
			((double *)col->data)[i] = v->f;
		else if (col->store == WEIR_BYTES)
			((struct weir_bytes *)col->data)[i] = v->s;
		else if (col->store == WEIR_ADDR)
			((struct weir_addr *)col->data)[i] = v->addr;
		else
			((int64_t *)col->data)[i] = v->i;
		if (col->version)
			col->version[i] = v->version;
	}
	return add_column(g, col, NULL);
}

static struct weir_expr_insn *
add_insn(struct generator *g, weir_expr_kernel *run)
{
	struct weir_program *p = g->p;
	unsigned cap = g->insns_cap ? g->insns_cap * 2 : 8;

	if (!reserve((void **)&p->insns, p->n_insns, g->insns_cap, cap, sizeof(*p->insns)))
		return NULL;
	if (p->n_insns >= g->insns_cap)
		g->insns_cap = cap;
	p->insns[p->n_insns] = (struct weir_expr_insn){
		.run = weir_expr_at_level(run, p->level),
	};
	return &p->insns[p->n_insns++];
}

static unsigned emit(struct generator *g, const struct weir_expr_node *n);

/* An operand that only the rows need for which condition is is_true. Skipped where there are none.
 */
static unsigned
emit_lazy(struct generator *g, const struct weir_expr_node *n, unsigned condition, bool is_true)
{
	struct weir_expr_insn *in;
	unsigned col, enter;

	if (!n->is_costly)
		return emit(g, n);
	in = add_insn(g, is_true ? weir_expr_k_enter_true : weir_expr_k_enter_false);
	if (!in)
		return NO_COLUMN;
	in->a = condition;
	enter = g->p->n_insns;
	if (++g->depth > g->max_depth)
		g->max_depth = g->depth;
	col = emit(g, n);
	g->depth--;
	g->p->insns[enter - 1].skip = g->p->n_insns - enter;
	return add_insn(g, weir_expr_k_leave) ? col : NO_COLUMN;
}

static unsigned
emit_arg(struct generator *g, const struct weir_expr_node *n, unsigned i, unsigned condition)
{
	if (i == 0 || n->lazy == WEIR_EXPR_EAGER)
		return emit(g, n->arg[i]);
	return emit_lazy(g, n->arg[i], condition,
	    n->lazy == WEIR_EXPR_LAZY_AND || (n->lazy == WEIR_EXPR_LAZY_IF && i == 1));
}

static unsigned
emit_op(struct generator *g, const struct weir_expr_node *n)
{
	unsigned args[WEIR_EXPR_MAX_ARGS] = { 0 }, dst;
	struct weir_expr_insn *in;

	for (unsigned i = 0; i < n->n_args; i++) {
		args[i] = emit_arg(g, n, i, args[0]);
		if (args[i] == NO_COLUMN)
			return NO_COLUMN;
	}
	dst = take_register(g, n->type);
	in = dst == NO_COLUMN ? NULL : add_insn(g, n->run);
	if (!in)
		return NO_COLUMN;
	in->dst = g->regs[dst];
	in->a = args[0];
	in->b = n->n_args > 1 ? args[1] : args[0]; /* kernels of one operand may look at b */
	in->c = n->n_args > 2 ? args[2] : args[0];
	in->k = n->k;
	in->aux = n->aux;
	for (unsigned i = 0; i < n->n_args; i++)
		release(g, args[i]);
	return dst;
}

static unsigned
emit(struct generator *g, const struct weir_expr_node *n)
{
	switch (n->kind) {
	case WEIR_EXPR_SYMBOL:
		return input_column(g, n->slot);
	case WEIR_EXPR_CONST:
		return constant_column(g, &n->value);
	case WEIR_EXPR_OP:
	case WEIR_EXPR_NETWORK:
		break;
	}
	return emit_op(g, n);
}

int
weir_expr_generate(const struct weir_expr_node *n, enum weir_simd level, struct weir_program **ret)
{
	struct generator g = { .p = calloc(1, sizeof(*g.p)) };
	bool is_done = false;

	if (!g.p)
		return -ENOMEM;
	g.p->level = weir_expr_level_of(level);
	g.p->type = n->type;
	g.p->symbol = n->kind == WEIR_EXPR_SYMBOL ? (int)n->slot : -1;
	g.p->result = emit(&g, n);
	if (g.p->result != NO_COLUMN) {
		g.p->sels = calloc(g.max_depth + 1, sizeof(*g.p->sels));
		is_done = g.p->sels != NULL;
	}
	free(g.regs);
	free(g.is_free);
	if (!is_done) {
		weir_program_destroy(g.p);
		return -ENOMEM;
	}
	*ret = g.p;
	return 0;
}
