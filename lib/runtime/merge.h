/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_MERGE_H
#define WEIR_RUNTIME_MERGE_H

#include <weir/aggregate/aggregate.h>
#include <weir/base/error.h>

/*
 * The windows that workers have closed, until all of them have: panes of one query's window become
 * one. Control thread. Private to lib/runtime.
 */

struct weir_window_panes {
	unsigned query;
	struct weir_pane *pane; /* all that came so far */
	unsigned worker;        /* whose aggregator it goes back to */
};

struct weir_merge {
	unsigned n, cap;
	struct weir_window_panes *windows; /* ascending by end, query and start */
};

/*
 * Take a pane of a worker. *ret_spare is the one that has no more use and *ret_worker its owner, or
 * NULL where the pane is its window's first. Out of memory is a run-time error, the pane then is
 * *ret_spare, and its groups are lost.
 */
int weir_merge_add(struct weir_merge *m, unsigned query, unsigned worker, struct weir_pane *pane,
    struct weir_pane **ret_spare, unsigned *ret_worker, struct weir_error *err);
/*
 * The earliest window, if it ends at or before closed_ns (INT64_MAX: in any case); false where
 * there is none. The pane is the caller's.
 */
bool weir_merge_take(struct weir_merge *m, int64_t closed_ns, struct weir_window_panes *ret);
/* The earliest window of a query; false where there is none. The pane is the caller's. */
bool weir_merge_take_query(struct weir_merge *m, unsigned query, struct weir_window_panes *ret);
/* Destroys panes that were not taken. */
void weir_merge_fini(struct weir_merge *m);

#endif
