/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_QUERY_PUSH_H
#define WEIR_QUERY_PUSH_H

#include <weir/query/plan.h>

/* What all queries together can use of the packets. Private to lib/query. */

/*
 * Work out p->push, NULL where packets of all kinds are needed, and p->push_why. Never too narrow:
 * the stages judge every packet that comes once more. -ENOMEM alone.
 */
int weir_push_build(struct weir_plan *p, struct weir_error *err);

/* Everything is needed from now on. */
void weir_push_end(struct weir_plan *p, const char *why);
/* A line for --explain, where there is a source that this is about. */
void weir_push_explain(const struct weir_plan *p, struct weir_source *const *sources, FILE *out);

#endif
