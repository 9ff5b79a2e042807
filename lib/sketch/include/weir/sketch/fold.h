/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SKETCH_FOLD_H
#define WEIR_SKETCH_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/column.h>

/*
 * A fold: variables of a group that are changed row by row, in the order in which rows come. What
 * happens to them is a list of steps over cells of 8 bytes; each step is one function, which calls
 * the one of the next step as the last thing it does. There are no jumps, so that every row takes
 * every step.
 *
 * A state is one word, then a cell for each variable. States of one group do not merge: the rows of
 * a group must all come to one of them.
 */

#define WEIR_FOLD_CELLS    60 /* variables, columns, constants and what is worked out together */
#define WEIR_FOLD_MAX_ARGS 16 /* columns */

union weir_fold_cell {
	int64_t i; /* bool: 0 or 1; int, duration, time, MAC */
	double f;
};

/* d is the cell that a step sets, a, b and c those that it reads. */
enum weir_fold_op {
#define WEIR_FOLD_STEP(name) WEIR_FOLD_##name,
#include <weir/sketch/fold_steps.def>
#undef WEIR_FOLD_STEP
	WEIR_FOLD_N_OPS,
};

/* A closed interval, for IN_I (NOT_IN_I) and, as doubles, IN_F (NOT_IN_F). */
struct weir_fold_range {
	union weir_fold_cell first;
	union weir_fold_cell last;
};

struct weir_fold_code {
	enum weir_fold_op op;
	uint8_t d, a, b, c;
	uint32_t n_ranges;
	const struct weir_fold_range *ranges; /* [n_ranges] */
};

/* Cells are numbered: variables, columns, constants, then those of single rows. */
struct weir_fold_spec {
	unsigned n_vars;
	const enum weir_type *types; /* [n_vars] neither string nor address */
	unsigned n_args;
	const enum weir_store *stores; /* [n_args] ascending, to WEIR_F64 at most */
	unsigned n_consts;
	const union weir_fold_cell *consts; /* [n_consts] */
	uint64_t null_consts;               /* a bit each */
	unsigned n_cells;                   /* in all, at most WEIR_FOLD_CELLS */
	unsigned n_init, n_update;
	const struct weir_fold_code *init;   /* a group's first row; sets every variable */
	const struct weir_fold_code *update; /* every row, behind that */
};

struct weir_fold;

/* Cold. The spec is not kept. 0 or -ENOMEM. */
int weir_fold_create(const struct weir_fold_spec *spec, struct weir_fold **ret);
void weir_fold_destroy(struct weir_fold *f);

unsigned weir_fold_n_vars(const struct weir_fold *f);
enum weir_type weir_fold_type(const struct weir_fold *f, unsigned var);
/* Bytes of a state, a multiple of 8. All-zero bytes are that of a group without rows. */
uint32_t weir_fold_state_size(const struct weir_fold *f);
struct weir_value weir_fold_value(const struct weir_fold *f, const void *state, unsigned var);
/* Whether words that came from elsewhere can be a state. */
bool weir_fold_is_sound(const struct weir_fold *f, const void *state);
/* dst takes src over, where it has had no row; else it stays as it is. */
void weir_fold_take_over(const struct weir_fold *f, void *dst, const void *src);

struct weir_fold_rows {
	uint32_t n;
	const uint32_t *row;   /* [n] row in the columns, ascending */
	uint8_t *const *group; /* [n] memory of its group */
	uint32_t offset;       /* of the state in that */
	const struct weir_column *const *args;
};

/* Hot. The fold is only read: workers may share it. */
void weir_fold_run(const struct weir_fold *f, const struct weir_fold_rows *rows);

#endif
