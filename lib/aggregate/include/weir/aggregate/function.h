/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_FUNCTION_H
#define WEIR_AGGREGATE_FUNCTION_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/column.h>
#include <weir/base/error.h>
#include <weir/base/words.h>
#include <weir/sketch/fold.h>
#include <weir/sketch/memory.h>

/*
 * Aggregate functions (contract A5): one file each, one line in functions.def. State lies in the
 * group's row; update runs over a column of rows at once; states merge, across panes, cores and
 * hosts.
 *
 * A state that grows has the rest of itself in the memory of the pane, which is bounded and goes
 * with it: it is let go of at once when the pane is cleared. Rows may be moved, but a row that is
 * thrown out before then must have its states dropped.
 */

#define WEIR_AGG_MAX_ARGS 2
/* Columns that a call may read: a fold reads more than the functions take arguments. */
#define WEIR_AGG_MAX_COLUMNS WEIR_FOLD_MAX_ARGS

struct weir_strbuf;

/* What result() may want to know about the window. */
struct weir_window_span {
	int64_t start_ns; /* WEIR_TIME_NONE where unknown */
	int64_t end_ns;
};

/* Rows that an update takes in, and where the group of each lies. */
struct weir_agg_rows {
	uint32_t n;
	const uint32_t *row;               /* [n] row in the columns and in time_ns, ascending */
	uint8_t *const *group;             /* [n] memory of its group */
	const int64_t *time_ns;            /* by row: event time, for the order-sensitive */
	const int64_t *number;             /* by row: of its frame; NULL: first_number + row */
	int64_t first_number;              /* of row 0 */
	struct weir_sketch_memory *memory; /* of the pane: of states that grow */
};

struct weir_agg_function {
	const char *name;
	const char *synopsis; /* "mean(x)" */
	const char *doc;      /* with the error bound of an approximate one */
	unsigned min_args, max_args;
	bool is_approximate;
	bool is_result; /* the state is the result: an integer of 64 bits, never null */
	/*
	 * The rows of a group must come in the order of their frames, all to one aggregator: states
	 * of parts merge only where one part follows the other, dst before src.
	 */
	bool needs_order;
	/* An argument that must be the same for all rows, from 1 on; 0 where there is none. */
	unsigned constant_arg;
	double constant_min, constant_max; /* the ends of what it may be */
	/* Bytes of the pane's memory that a group is taken to have, of a state that grows. */
	uint32_t memory_guess;
	/* Check the argument types; set *ret_type to the result's. Usage error otherwise. */
	int (*check)(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type,
	    struct weir_error *err);
	/* Bytes of state, a multiple of 8, for these argument types. All-zero bytes are the empty
	 * state. */
	uint32_t (*state_size)(const enum weir_type *args, unsigned n_args);
	/*
	 * The function that takes this one's place for arguments that come in these stores: with a
	 * smaller state and the same results. NULL where there is only this one.
	 */
	const struct weir_agg_function *(*for_stores)(
	    const enum weir_store *stores, unsigned n_args);
	/*
	 * Hot. For each k: the state at group[k] + offset takes args[..] of row[k] in. args is NULL
	 * where there are none.
	 */
	void (*update)(const struct weir_agg_rows *rows, uint32_t offset,
	    const struct weir_column *const *args);
	/*
	 * Hot, or NULL. The same, and a count() without condition whose state is at group[k] +
	 * count_offset takes the rows in: each group is gone to once.
	 */
	void (*update_and_count)(const struct weir_agg_rows *rows, uint32_t offset,
	    uint32_t count_offset, const struct weir_column *const *args);
	/* dst takes src in; an empty one becomes the same. The memory is that of dst. */
	void (*merge)(void *dst, const void *src, const enum weir_type *args,
	    struct weir_sketch_memory *memory);
	/*
	 * NULL where it cannot be done. Take out of dst again what src has put into it, as if it
	 * had never been there. False: dst does not tell any more what it would be.
	 */
	bool (*unmerge)(void *dst, const void *src, const enum weir_type *args);
	/* Hot, or NULL. Give back what the state has of the pane's memory: it goes. */
	void (*drop)(void *state, const enum weir_type *args, struct weir_sketch_memory *memory);
	/*
	 * Cold. What another host merges: the words of a state or, of one that grows, what these
	 * three say. In how many pieces it may be written; n of them from `first` on, none of them
	 * too; and what was written taken into an empty state, false where the bytes are bad.
	 */
	uint64_t (*pieces)(const void *state, const enum weir_type *args);
	void (*write)(const void *state, const enum weir_type *args, uint64_t first, uint64_t n,
	    struct weir_out *out);
	bool (*read)(void *state, const enum weir_type *args, struct weir_sketch_memory *memory,
	    struct weir_in *in);
	/* Cold. Whether words that came from elsewhere can be a state. NULL: any can. */
	bool (*is_sound)(const void *state, const enum weir_type *args);
	/* Cold. The value; strings point into the state. */
	struct weir_value (*result)(
	    const void *state, const enum weir_type *args, const struct weir_window_span *window);
	/* Cold, in place of result: a string is appended to an empty text. False: it is null. */
	bool (*text)(const void *state, const enum weir_type *args, struct weir_strbuf *ret);
};

/* All functions, in the order of functions.def; NULL ends. */
extern const struct weir_agg_function *const weir_agg_functions[];
/* By name, or NULL. */
const struct weir_agg_function *weir_agg_function_find(const char *name);

#endif
