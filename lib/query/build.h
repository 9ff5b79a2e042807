/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_QUERY_BUILD_H
#define WEIR_QUERY_BUILD_H

#include <weir/query/plan.h>

/*
 * Between plan.c, which holds all queries of a run, build.c, which compiles one, and size.c, which
 * says how large its tables may become. Private to lib/query.
 */

/* Compile a query of the plan, and before it those whose rows it takes. Usage errors. */
int weir_plan_build_query(struct weir_plan *p, struct weir_plan_query *q, struct weir_error *err);
/* Does a query take or join rows of the one of this name? */
bool weir_query_reads(const struct weir_query_text *text, const char *name);
/* Note how many keys the table of a query may hold. */
void weir_plan_size_table(struct weir_plan *p, struct weir_plan_query *q);

#endif
