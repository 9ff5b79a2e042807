/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_FLOW_PARTS_H
#define WEIR_RUNTIME_FLOW_PARTS_H

#include "flow.h"

/*
 * Between the flow*.c: flow.c keeps the queries and says what is due next, flow_arrive.c takes what
 * workers hand over, flow_due.c makes rows of what is due, flow_chain.c runs rows through a query's
 * chain and hands them to those who read them.
 */

static inline const struct weir_plan_query *
weir_flow_query(const struct weir_flow *f, unsigned query)
{
	return &f->plan->queries[query];
}

/* INT64_MAX where the sum is more. b is not negative. */
static inline int64_t
weir_flow_plus(int64_t a, int64_t b)
{
	int64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static inline int64_t
weir_flow_later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* flow.c. The end of the first window of a group of the chain that has rows; false where there is
 * none. */
bool weir_flow_next_of_group(const struct weir_flow_group *g, int64_t *ret_end_ns);

/* Whether what a query has now leaves here: of a cluster, not where another host delivers it. */
bool weir_flow_delivers(const struct weir_flow *f, unsigned query);

/* flow_chain.c. */

/* The window that the rows which come into a segment of a query's chain belong to. */
const struct weir_window *weir_flow_window_into(const struct weir_plan_query *q, unsigned segment);
/* Rows were lost for want of memory: the run fails in the end. */
void weir_flow_fail_memory(struct weir_flow *f);
/* Put rows where they belong among those that wait. 0 or -ENOMEM. */
int weir_flow_insert(struct weir_flow_node *n, const struct weir_flow_input *input);
/* Append the rows of a block, by the names of its columns. 0 or -ENOMEM. */
int weir_flow_append(struct weir_block *to, const struct weir_block *from);
/* The rows of a pane, of the window that it has. NULL when out of memory. */
struct weir_block *weir_flow_rows_of(const struct weir_path *path, const struct weir_pane *pane);
/* Run rows through the chain from a segment on, as far as they go now. b is consumed. */
void weir_flow_run(
    struct weir_flow *f, unsigned query, unsigned segment, struct weir_block *b, int64_t due_ns);

/* flow_arrive.c. */

/* Rows first .. end - 1 of a block as one of their own. NULL when out of memory. */
struct weir_block *weir_flow_part(const struct weir_block *b, uint32_t first, uint32_t end);
/* Forget the rows of a list that have gone. False when out of memory. */
bool weir_flow_shrink_list(struct weir_flow_list *l);

/* flow_due.c. */

/* Early rows that are due by a time. */
void weir_flow_do_early(struct weir_flow *f, unsigned query, int64_t until_ns);
/* Do what is due; of a list all that is due until a time. */
void weir_flow_do(struct weir_flow *f, const struct weir_flow_work *w, int64_t list_until_ns);

#endif
