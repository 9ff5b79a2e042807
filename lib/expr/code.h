/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_EXPR_CODE_H
#define WEIR_EXPR_CODE_H

#include "node.h"

/* A column that an instruction reads from the inputs. */
struct weir_expr_input {
	unsigned col;
	unsigned slot;
};

struct weir_program {
	struct weir_expr_insn *insns; /* hot: ro */
	unsigned n_insns;
	unsigned n_inputs;
	struct weir_expr_input *inputs;  /* each slot once */
	const struct weir_column **cols; /* hot: inputs wo, others ro */
	unsigned n_cols;
	unsigned result;                   /* index into cols */
	uint64_t (*sels)[WEIR_MASK_WORDS]; /* hot: stack of selections */
	const struct weir_expr_level *level;

	/* Owned memory; cold from here on. */
	struct weir_column **columns; /* registers and constants */
	unsigned n_columns;
	enum weir_type type;
	int symbol;                        /* slot where the expression is just a name, else -1 */
	const struct weir_expr_node *root; /* in the heap; NULL: of a part of an expression */
	struct weir_expr_heap heap;
};

#endif
