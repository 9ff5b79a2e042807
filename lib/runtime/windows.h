/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_RUNTIME_WINDOWS_H
#define WEIR_RUNTIME_WINDOWS_H

#include <weir/aggregate/aggregate.h>
#include <weir/base/error.h>

/*
 * The panes of one query until its windows are complete: those of several workers for one pane of
 * time become one, and a sliding window is put together from those that lie in it. Control thread.
 * Private to lib/runtime.
 */

struct weir_windows_pane {
	struct weir_pane *pane; /* all that came so far */
	unsigned worker;        /* whose aggregator it goes back to */
};

struct weir_windows {
	struct weir_window window;
	unsigned n, cap;
	struct weir_windows_pane *panes; /* ascending by start */
	int64_t last_end_ns; /* sliding: of the window that was taken last, INT64_MIN before */
};

/* A window that is complete. */
struct weir_windows_taken {
	struct weir_pane *pane;
	bool is_copy;    /* destroyed after use; else it goes back to */
	unsigned worker; /* this one */
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
/*
 * Take that window; the pane is the caller's. Panes that no later window needs go to give_back.
 * Out of memory is a run-time error, and the window is lost.
 */
int weir_windows_take(struct weir_windows *w, struct weir_windows_taken *ret,
    void (*give_back)(void *ctx, unsigned worker, struct weir_pane *pane), void *ctx,
    struct weir_error *err);
/* Destroys panes that were not taken. */
void weir_windows_fini(struct weir_windows *w);

#endif
