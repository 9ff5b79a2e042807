/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_FUNCTION_H
#define WEIR_AGGREGATE_FUNCTION_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/column.h>
#include <weir/base/error.h>

/*
 * Aggregate functions (contract A5): one file each, one line in functions.def. State lies in the
 * group's row; update runs over a column of rows at once; states merge, across panes, cores and
 * hosts.
 */

#define WEIR_AGG_MAX_ARGS 2

/* What result() may want to know about the window. */
struct weir_window_span {
	int64_t start_ns; /* WEIR_TIME_NONE where unknown */
	int64_t end_ns;
};

struct weir_agg_function {
	const char *name;
	const char *synopsis; /* "mean(x)" */
	const char *doc;      /* with the error bound of an approximate one */
	unsigned min_args, max_args;
	bool is_approximate;
	/* Check the argument types; set *ret_type to the result's. Usage error otherwise. */
	int (*check)(const enum weir_type *args, unsigned n_args, enum weir_type *ret_type,
	    struct weir_error *err);
	/* Bytes of state, a multiple of 8, for these argument types. All-zero bytes are the empty
	 * state. */
	uint32_t (*state_size)(const enum weir_type *args, unsigned n_args);
	/*
	 * Hot. For each row r set in sel: state at base + group[r] * stride takes args[..] of row r
	 * in. time_ns is the rows' event time, for the order-sensitive. args is NULL where there
	 * are none.
	 */
	void (*update)(uint8_t *base, uint32_t stride, const uint32_t *group, const uint64_t *sel,
	    uint32_t n, const struct weir_column *const *args, const int64_t *time_ns,
	    int64_t first_number);
	/* Cold. dst takes src in. */
	void (*merge)(void *dst, const void *src, const enum weir_type *args);
	/* Cold. The value; strings point into the state. */
	struct weir_value (*result)(
	    const void *state, const enum weir_type *args, const struct weir_window_span *window);
};

/* All functions, in the order of functions.def; NULL ends. */
extern const struct weir_agg_function *const weir_agg_functions[];
/* By name, or NULL. */
const struct weir_agg_function *weir_agg_function_find(const char *name);

#endif
