/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_EXPR_FOLD_H
#define WEIR_EXPR_FOLD_H

#include <weir/expr/program.h>
#include <weir/sketch/fold.h>

/*
 * The text of --fold: "n=0,next=tcp.seq_raw; n+=next!=tcp.seq_raw; next=tcp.seq_raw+tcp.len". The
 * first part gives the variables, separated by commas; the others are done for every row in turn,
 * separated by semicolons or commas. What of them reads no variable is a program over columns like
 * any other, the rest is a fold.
 */

struct weir_fold_variable {
	const char *name;
	enum weir_type type;
	unsigned place; /* 1-based character of its name in the text */
};

struct weir_fold_program {
	const struct weir_fold *fold;
	unsigned n_vars;
	const struct weir_fold_variable *vars; /* [n_vars] */
	unsigned n_args;
	struct weir_program *args[WEIR_FOLD_MAX_ARGS]; /* [n_args] the fold's columns */
};

/*
 * Compile text. Usage errors name the place, as those of weir_program_compile do, whose notes on
 * the scope hold here too: no variable may have the name of one of its symbols.
 */
int weir_fold_compile(const char *text, const struct weir_scope *scope,
    struct weir_fold_program **ret, struct weir_error *err);
void weir_fold_program_destroy(struct weir_fold_program *p);

#endif
