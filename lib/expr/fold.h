/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_EXPR_FOLD_PRIVATE_H
#define WEIR_EXPR_FOLD_PRIVATE_H

#include <weir/expr/fold.h>

#include "node.h"

/* fold.c reads a fold's text to typed assignments, fold_code.c makes the steps of them. */

struct weir_expr_variable {
	const char *name;
	const char *at; /* where it is first given a value */
	enum weir_type type;
	bool is_state; /* else it lasts for one row */
};

struct weir_expr_assignment {
	unsigned var;
	struct weir_expr_node *value; /* of the variable's type */
};

/* Variables: those of the state come first. */
struct weir_expr_fold {
	unsigned n_vars, n_state;
	struct weir_expr_variable vars[WEIR_FOLD_CELLS];
	unsigned n_init, n_update;
	struct weir_expr_assignment *init;   /* [n_init] */
	struct weir_expr_assignment *update; /* [n_update] */
};

/* The steps, and the programs of their columns. 0, or what c has been told. */
int weir_expr_fold_generate(struct weir_expr_context *c, const struct weir_expr_fold *fold,
    struct weir_fold_program *ret, struct weir_fold **ret_fold);

#endif
