/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_QUERY_SHARE_H
#define WEIR_QUERY_SHARE_H

#include <weir/query/plan.h>

/* What queries have in common, so that it is done once. Private to lib/query. */

/* Stages that a query begins with, and how many queries do. */
struct weir_prefix {
	unsigned parent; /* the stages before the last, or WEIR_PREFIX_NONE */
	const struct weir_stage_text *stage;
};

#define WEIR_PREFIX_NONE UINT32_MAX

/* Number the stages that the path of a query of packets begins with: the same numbers as others
 * with the same texts. */
void weir_share_prefixes(struct weir_plan *p, struct weir_plan_query *q);
/* Give another path of the query the same. */
void weir_share_copy(const struct weir_path *from, struct weir_path *to);
/*
 * Find a query before this one whose groups are the same, and whose aggregates this one's are
 * among: it takes its rows from there.
 */
void weir_share_table(struct weir_plan *p, struct weir_plan_query *q);
/* What a query shares with those before it, for --explain. */
void weir_share_explain(const struct weir_plan *p, const struct weir_plan_query *q, FILE *out);

#endif
