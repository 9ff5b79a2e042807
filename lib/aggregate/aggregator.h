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

struct weir_aggregator {
	struct weir_layout *layout;
	struct weir_pane *current; /* the last one that took rows; tumbling: among open */
	struct weir_pane_list open;
	struct weir_pane_list spare; /* emptied, in no order */
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

#endif
