/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_AGGREGATOR_H
#define WEIR_AGGREGATE_AGGREGATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "pane.h"

/* Pointers to panes, sorted by start; grows at the end, shrinks at the front. */
struct weir_pane_list {
	struct weir_pane **p; /* [cap] */
	uint32_t head;        /* of the first */
	uint32_t n;
	uint32_t cap;
};

/*
 * Where groups have windows of their own, one pane has them all. A row that breaks its group's
 * window off has the group's key and states moved to a list of closed groups, and the states begin
 * anew in place. Its rows of the batch in hand must have been aggregated before: rows are
 * aggregated segment by segment, and only a group that a row of the segment in hand belongs to ends
 * a segment when it is closed.
 *
 * Groups whose sessions are over are removed by a sweep, which goes over the tables from their ends
 * to their fronts: removing a row moves the last one, which was looked at already, to its place.
 */
struct weir_own_windows {
	uint64_t segment; /* number of the one in hand; the first is 1 */
	uint64_t n_idle;  /* groups, about, whose windows have not begun again */
	uint64_t n_lost;  /* rows of closed groups that found no memory, not told yet */
	int64_t every_ns; /* event time between two sweeps */
	int64_t sweep_ns; /* watermark of the sweep in hand, or of the last */
	int64_t swept_ns; /* of the last whose groups have been handed over */
	unsigned shape;   /* table that is being swept */
	uint32_t hand;    /* its rows from this one on have been looked at */
	bool is_sweeping;
	bool is_handing; /* what has been closed is handed over, full or not */
};

struct weir_aggregator {
	struct weir_layout *layout;
	struct weir_pane *current;  /* the last one that took rows; tumbling: among open */
	struct weir_pane_list open; /* where groups have windows of their own: of closed ones */
	struct weir_own_windows own;
	int64_t pane_ns;
	int64_t watermark_ns;        /* of the last close */
	struct weir_pane_list spare; /* emptied, in no order */
	struct weir_group_watch watch;
	uint32_t round; /* of rows with a group each, for those who watch */
	int64_t lateness_ns;
	int64_t closed_ns; /* windows that end at or before this are closed for good */
	uint64_t batch;    /* number of the batch that is being spread */

	/* Scratch of one batch. */
	struct weir_keys keys;
	struct weir_pane *touched[WEIR_ROWS];
	uint32_t identity[WEIR_ROWS]; /* 0, 1, 2 ... */
	uint32_t numbers[WEIR_ROWS];  /* rows to take */
	struct weir_found found;      /* their groups */
	uint32_t row[WEIR_ROWS];      /* those that have one */
	uint8_t *group[WEIR_ROWS];    /* and where it lies */
};

/* Cold, aggregator.c. */

/* A pane for a window, from the spare ones or new. NULL when out of memory. */
struct weir_pane *weir_aggregator_open(struct weir_aggregator *a, const struct weir_pane_window *w);
/* Insert at index `at`. 0 or -ENOMEM. */
int weir_pane_list_insert(struct weir_pane_list *l, uint32_t at, struct weir_pane *p);

/* Hot, aggregator_hot.c. Take rows, whose groups have been looked up, into their states. */
void weir_aggregator_take(
    const struct weir_layout *l, const struct weir_group_rows *rows, const struct weir_agg_rows *r);
/* Hot, watch_hot.c. The same, row by row for each group that is watched, many groups at a time. */
void weir_aggregator_take_watched(struct weir_aggregator *a, const struct weir_pane *p,
    enum weir_shape_id shape, const struct weir_group_rows *rows, const struct weir_agg_rows *all);

/* Hot, own_window_hot.c: groups with windows of their own. */

/* Take rows, which have all found a group of current's table of a shape. */
void weir_aggregator_take_own(struct weir_aggregator *a, enum weir_shape_id shape,
    const struct weir_group_rows *rows, const struct weir_agg_rows *r);
/* As weir_aggregator_close. */
struct weir_pane *weir_aggregator_close_own(struct weir_aggregator *a, int64_t watermark_ns);
/* Rows that closed groups lost since it was asked last. */
uint64_t weir_aggregator_lost_own(struct weir_aggregator *a);

#endif
