/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SKETCH_FOLD_STEP_H
#define WEIR_SKETCH_FOLD_STEP_H

#include <weir/sketch/fold.h>

/* Private to lib/sketch: fold.c puts a fold together, fold_hot.c runs it. */

struct weir_fold_insn;

/* One step, and then all that follow. null: a bit for each cell; returns what has become of it. */
typedef uint64_t weir_fold_step(
    union weir_fold_cell *f, const struct weir_fold_insn *in, uint64_t null);

struct weir_fold_insn {
	weir_fold_step *run;
	uint8_t d, a, b, c;
	uint32_t n_ranges;
	const struct weir_fold_range *ranges;
};

/* By op. Where no cell is null and none can become it there is no need to look at that. */
struct weir_fold_steps {
	weir_fold_step *plain; /* NULL: its result may be null */
	weir_fold_step *with_nulls;
};
extern const struct weir_fold_steps weir_fold_steps[WEIR_FOLD_N_OPS];

#define WEIR_FOLD_STARTED (UINT64_C(1) << 63) /* in the word of a state; below, who is null */

struct weir_fold_state {
	uint64_t word;
	union weir_fold_cell vars[];
};

struct weir_fold {
	unsigned n_vars;
	unsigned n_args;
	unsigned
	    ends[WEIR_F64 + 1]; /* by store: arguments up to here are of this one or a narrower */
	unsigned n_consts;
	unsigned first_const; /* cell */
	uint64_t null_consts; /* by cell */
	const struct weir_fold_insn *init;
	const struct weir_fold_insn *update;
	const struct weir_fold_insn
	    *plain; /* update where nothing is null; NULL: there may always be */

	/* Cold, and owned. */
	union weir_fold_cell *consts; /* hot: ro */
	enum weir_type *types;
	struct weir_fold_insn *insns;
	struct weir_fold_range *ranges;
};

#endif
