/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_PANE_H
#define WEIR_AGGREGATE_PANE_H

#include <stdint.h>

#include <weir/sketch/origin.h>

#include "table.h"

struct weir_pane_window {
	int64_t start_ns; /* of a global window INT64_MIN */
	int64_t end_ns;  /* the first instant past it; of the last window that there is INT64_MAX */
	int64_t last_ns; /* the last instant in it */
};

extern const struct weir_pane_window weir_pane_window_all;

/* The groups of one window, or of a part of one. */
struct weir_pane {
	struct weir_table tables[WEIR_N_SHAPES];
	struct weir_layout *layout;
	struct weir_sketch_memory *memory; /* of states that grow; NULL where none does */
	struct weir_pane_window window;
	int64_t first_ns; /* least and largest event time of its rows, WEIR_TIME_NONE where there is
			     none */
	int64_t last_ns;

	bool keeps_index; /* when it is put in order */
	bool is_clear;    /* and has taken nothing in since */
	bool is_list; /* closed groups with windows of their own: the tables' indexes are empty */

	uint32_t *order; /* [n_ordered] the groups by their keys, or NULL */
	uint32_t n_ordered;

	/* Once it is full: overflow.h. */
	uint32_t level;  /* sample: the tables' */
	uint32_t hand;   /* evict: the group that is looked at next */
	uint32_t step;   /* and how far it goes on; has no divisor with the table's size */
	uint32_t stride; /* WEIR_EVICT_AHEAD steps */
	uint32_t half_stride;
	uint64_t floor;             /* evict: the weight that a group has to be above */
	uint64_t lost;              /* rows whose groups merging threw out */
	uint64_t undercount;        /* beyond the floor, by merging */
	struct weir_origin *origin; /* of its rows; NULL where nobody measures */

	/* The owner's notes while a batch is spread over panes. */
	uint64_t batch;
	uint64_t sel[WEIR_MASK_WORDS];
};

static inline uint32_t
weir_pane_n_rows(const struct weir_pane *p)
{
	return p->tables[WEIR_SHAPE_WIDE].n_rows + p->tables[WEIR_SHAPE_NARROW].n_rows;
}

/* The table that a group is in: those of the wide one come first. Turns its number into the row's.
 */
static inline const struct weir_table *
weir_pane_table_of(const struct weir_pane *p, uint32_t *group)
{
	const struct weir_table *wide = &p->tables[WEIR_SHAPE_WIDE];

	if (*group < wide->n_rows)
		return wide;
	*group -= wide->n_rows;
	return &p->tables[WEIR_SHAPE_NARROW];
}

/* Cold, order.c. */
void weir_pane_forget_order(struct weir_pane *p);

/* Cold. NULL when out of memory. */
struct weir_pane *weir_pane_create(struct weir_layout *l);

/* merge.c. As weir_pane_merge, of what a part has, but that dst is to be settled; a list's rows are
 * moved. 0 or -ENOMEM. */
int weir_pane_take_part(struct weir_pane *dst, struct weir_pane *part);
/* Where nobody has said which window dst is: this one. */
void weir_pane_take_window(struct weir_pane *dst, int64_t start_ns, int64_t end_ns);

/* list.c: closed groups with windows of their own. */

/* Whether a list has as much as is handed over at once. */
bool weir_pane_is_full_list(const struct weir_pane *p);
/*
 * Move a row's key and states to the end of a list. The row stays, its states without memory of
 * their own; or, where no memory is given, is copied and stays as it is. False, and nothing has
 * changed, where there is no memory.
 */
bool weir_pane_take_row(
    struct weir_pane *list, unsigned shape, uint8_t *row, struct weir_sketch_memory *memory);

#endif
