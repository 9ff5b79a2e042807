/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_QUERY_RESULT_H
#define WEIR_QUERY_RESULT_H

#include <weir/query/path.h>

/* The result side of a query: what happens to a window's rows on the control thread. */
struct weir_result;

/*
 * Compile the stages that follow --agg over the path's schema. Usage errors. The path must outlive
 * the result.
 */
int weir_result_build(
    const struct weir_path *path, struct weir_result **ret, struct weir_error *err);
void weir_result_destroy(struct weir_result *r);
/* Schema of the rows that come out. */
const struct weir_schema *weir_result_schema(const struct weir_result *r);
/* Whether a window's rows should come in parts, with weir_result_narrow behind each. */
bool weir_result_narrows(const struct weir_result *r);
/*
 * Control. Leave out rows of b that cannot be among the final ones any more, whatever is appended
 * to it. 0 or -ENOMEM.
 */
int weir_result_narrow(const struct weir_result *r, struct weir_block *b);
/* Whether rows are looked at one by one, so that a window's rows in the order of their keys may
 * come in parts, each to weir_result_run_part. */
bool weir_result_is_by_row(const struct weir_result *r);
/* Control. As weir_result_run, but the rows' order is final already. */
struct weir_block *weir_result_run_part(struct weir_result *r, struct weir_block *b);
/*
 * Control. Take a block of one window (path's schema) and return the rows that are left, in their
 * final order; the block given is consumed. NULL when out of memory.
 */
struct weir_block *weir_result_run(struct weir_result *r, struct weir_block *b);

#endif
