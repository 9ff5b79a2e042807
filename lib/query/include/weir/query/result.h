/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_QUERY_RESULT_H
#define WEIR_QUERY_RESULT_H

#include <weir/base/simd.h>
#include <weir/query/command.h>
#include <weir/record/block.h>

/*
 * What happens to the rows of a window on the control thread, between two groupings: --where,
 * --map,
 * --join and --top, in their order. Built step by step over the schema of what comes in.
 */
struct weir_result;

enum weir_join_kind {
	WEIR_JOIN_INNER, /* rows that are in both, with the columns of the other */
	WEIR_JOIN_LEFT,  /* all rows; a number that is missing is 0, anything else null */
	WEIR_JOIN_SEMI,  /* rows that are in both */
	WEIR_JOIN_ANTI,  /* rows that are not in the other */
	WEIR_N_JOINS,
};

/* Rows of the query's name with the columns of in. secret: of the hashes. -ENOMEM alone. */
int weir_result_create(const char *query, const struct weir_schema *in, enum weir_simd simd,
    uint64_t secret, struct weir_result **ret, struct weir_error *err);
/* Append a step as typed: --where, --map or --top. Usage errors with flag, value and place. */
int weir_result_add(
    struct weir_result *r, const struct weir_stage_text *stage, struct weir_error *err);
/* Append a join with the rows of the query `name`, by its keys. Usage errors without the flag. */
int weir_result_add_join(struct weir_result *r, enum weir_join_kind kind, const char *name,
    const struct weir_schema *other, struct weir_error *err);
/* Rows leave in the order in which they come: they are not put in that of their keys. */
void weir_result_keep_order(struct weir_result *r);
/* After the last step. -ENOMEM alone. */
int weir_result_finish(struct weir_result *r, struct weir_error *err);
void weir_result_destroy(struct weir_result *r);
/* Schema of the rows that come out. */
const struct weir_schema *weir_result_schema(const struct weir_result *r);
/* Set ret_used[column] of those columns that some step reads. */
void weir_result_slots(const struct weir_result *r, uint8_t *ret_used);

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
 * Control. Take a block of one window and return the rows that are left, in their final order; the
 * block given is consumed. NULL when out of memory.
 */
struct weir_block *weir_result_run(struct weir_result *r, struct weir_block *b);

/*
 * Run --where and --map, of a result that has nothing else, over a block of at most WEIR_ROWS rows:
 * clears the bits of sel that they drop, and returns the columns, which hold until the next run.
 */
const struct weir_column *const *weir_result_filter(
    struct weir_result *r, const struct weir_block *b, uint64_t sel[WEIR_MASK_WORDS]);

unsigned weir_result_n_joins(const struct weir_result *r);
/* Control. The rows that join number `join` looks up from now on; NULL: none. Not owned. */
void weir_result_join_to(struct weir_result *r, unsigned join, const struct weir_block *other);

/* Rows that went, by reason, so far. */
struct weir_result_drops {
	uint64_t where;
	uint64_t join; /* the other query had no such key; of anti: had it */
	uint64_t top;
};
void weir_result_dropped(const struct weir_result *r, struct weir_result_drops *ret);

#endif
