/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_WINDOWS_H
#define WEIR_RUNTIME_WINDOWS_H

#include <weir/aggregate/aggregate.h>
#include <weir/base/error.h>

/*
 * The panes of one query until its windows are complete: those of several workers for one pane of
 * time become one, and a sliding window is put together from those that lie in it. Control thread.
 * Private to lib/runtime.
 *
 * From one sliding window to the next most panes stay. Where the aggregates can forget, the sum of
 * the last window loses those that are over and takes in those that are new; else it is made again.
 */

struct weir_windows_pane {
	struct weir_pane *pane; /* all that came so far */
	unsigned worker;        /* whose aggregator it goes back to */
};

struct weir_windows {
	struct weir_window window;
	unsigned n, cap;
	struct weir_windows_pane *panes; /* ascending by start */
	/* Sliding. */
	int64_t last_end_ns;   /* of the window that was taken last, INT64_MIN before */
	struct weir_pane *sum; /* of the panes of a window; NULL before the first */
	bool is_summed;        /* it holds all panes that start before */
	int64_t sum_end_ns;    /* this */
	uint32_t most_groups;  /* that it had since it was empty */
};

/* A window that is complete. */
struct weir_windows_taken {
	struct weir_pane *pane;
	unsigned worker; /* not sliding: whose aggregator it goes back to */
};

/*
 * Take a pane. *ret_spare is the one that has no more use and *ret_worker its owner, or NULL where
 * the pane is the first of its time. Out of memory is a run-time error, the pane then is
 * *ret_spare, and its groups are lost.
 */
int weir_windows_add(struct weir_windows *w, unsigned worker, struct weir_pane *pane,
    struct weir_pane **ret_spare, unsigned *ret_worker, struct weir_error *err);
/* The end of the earliest window that has rows; false where there is none. */
bool weir_windows_next(const struct weir_windows *w, int64_t *ret_end_ns);
/* The end of the earliest window that a pane which starts then is in. */
int64_t weir_windows_first_end(const struct weir_window *window, int64_t start_ns);
/* The end of the last sliding window that ends by a time. */
int64_t weir_windows_last_end(const struct weir_window *window, int64_t time_ns);
/*
 * Take that window; NULL where there is none. Out of memory is a run-time error, and the window is
 * lost. In both cases the caller has to let go before anything else is done with w.
 */
int weir_windows_take(
    struct weir_windows *w, struct weir_windows_taken *ret, struct weir_error *err);
/* Let go of what was taken. Panes that no later window needs go to give_back. */
void weir_windows_let_go(struct weir_windows *w, const struct weir_windows_taken *taken,
    void (*give_back)(void *ctx, unsigned worker, struct weir_pane *pane), void *ctx);
/* Destroys panes that were not taken. */
void weir_windows_fini(struct weir_windows *w);

#endif
