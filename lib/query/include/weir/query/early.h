/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_QUERY_EARLY_H
#define WEIR_QUERY_EARLY_H

#include <weir/query/plan.h>

/*
 * --emit early: what follows a query's --agg is worked out each time that a group takes a row, and
 * the first time that it leaves a row in a window, this is sent at once. A worker's own.
 */
struct weir_early;

/* Rows that were sent, each with the packet that made it so. */
struct weir_early_rows {
	struct weir_block *rows; /* of the chain's schema, with windows of their own */
	int64_t *time_ns;        /* [rows->n_rows] of the packet */
	int64_t *number;         /* [rows->n_rows] of its frame */
	int64_t *arrived_ns;     /* [rows->n_rows] monotonic; 0 where nobody measures */
	uint32_t cap;
};

/* Whether a query can be emitted early. Usage error. */
int weir_early_check(const struct weir_plan_query *q, struct weir_error *err);
/* For one worker. Run-time error. */
int weir_early_create(const struct weir_plan_query *q, enum weir_simd simd, struct weir_early **ret,
    struct weir_error *err);
void weir_early_destroy(struct weir_early *e);
/* For the worker's aggregator. */
struct weir_group_watch weir_early_watch(struct weir_early *e);
/* The rows that wait to be sent; the caller's. NULL where there are none. */
struct weir_early_rows *weir_early_take(struct weir_early *e);
void weir_early_rows_destroy(struct weir_early_rows *r);
/* When the rows came in that the aggregator will be given, until the next call. */
void weir_early_note(struct weir_early *e, const struct weir_arrival *arrival);
/* Rows that found no memory. */
uint64_t weir_early_lost(const struct weir_early *e);

#endif
