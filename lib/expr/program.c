/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "code.h"

int
weir_program_compile(const char *text, const struct weir_scope *scope, struct weir_program **ret,
    struct weir_error *err)
{
	struct weir_expr_heap heap = { 0 };
	struct weir_expr_context c = { .text = text, .scope = scope, .heap = &heap };
	struct weir_expr_node *n = weir_expr_parse(&c);
	struct weir_program *p;

	if (n && weir_expr_generate(n, scope->simd, &p))
		n = weir_expr_fail_memory(&c);
	if (!n) {
		weir_expr_heap_free(&heap);
		if (err)
			*err = c.error;
		return c.code;
	}
	p->root = n;
	p->heap = heap;
	*ret = p;
	return 0;
}

void
weir_program_destroy(struct weir_program *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->n_columns; i++) {
		weir_column_fini(p->columns[i]);
		free(p->columns[i]);
	}
	free(p->columns);
	free(p->insns);
	free(p->inputs);
	free(p->cols);
	free(p->sels);
	weir_expr_heap_free(&p->heap);
	free(p);
}

enum weir_type
weir_program_type(const struct weir_program *p)
{
	return p->type;
}

unsigned
weir_program_slots(const struct weir_program *p, unsigned *slots, unsigned max)
{
	for (unsigned i = 0; slots && i < p->n_inputs && i < max; i++)
		slots[i] = p->inputs[i].slot;
	return p->n_inputs;
}

int
weir_program_is_symbol(const struct weir_program *p)
{
	return p->symbol;
}
