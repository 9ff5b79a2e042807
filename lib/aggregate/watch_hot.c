/* SPDX-License-Identifier: BSD-3-Clause */
#include "aggregator.h"
#include "level.h"

#include <weir/base/poison.h> /* last */

/* Take those of the rows in whose numbers in `all` are given. */
static void
take_some(struct weir_aggregator *a, const struct weir_group_rows *rows,
    const struct weir_agg_rows *all, const uint32_t *which, uint32_t n, uint32_t *row,
    uint8_t **group)
{
	struct weir_agg_rows r = *all;

	for (uint32_t i = 0; i < n; i++) {
		row[i] = all->row[which[i]];
		group[i] = all->group[which[i]];
	}
	r.n = n;
	r.row = row;
	r.group = group;
	weir_aggregator_take(a->layout, rows, &r);
}

/* Of the rows that are left, the first of each group; those of groups that nobody watches any more
 * are put aside. Returns how many. */
static uint32_t
begin_round(struct weir_aggregator *a, const struct weir_agg_rows *all, uint32_t *left,
    uint32_t *n_left, uint64_t *aside, uint32_t *ret)
{
	uint32_t n = 0, kept = 0;

	a->round++;
	for (uint32_t i = 0; i < *n_left; i++) {
		struct weir_group_watched *w = weir_row_watched(a->layout, all->group[left[i]]);

		if (w->is_done) {
			weir_mask_set(aside, left[i]);
		} else if (w->round == a->round) {
			left[kept++] = left[i];
		} else {
			w->round = a->round;
			ret[n++] = left[i];
		}
	}
	*n_left = kept;
	return n;
}

/* Aggregate row by row for each group that is watched, many groups at a time. */
void
weir_aggregator_take_watched(struct weir_aggregator *a, const struct weir_pane *p,
    enum weir_shape_id shape, const struct weir_group_rows *rows, const struct weir_agg_rows *all)
{
	uint32_t left[WEIR_ROWS], now[WEIR_ROWS], row[WEIR_ROWS], n_left = all->n, n;
	uint64_t aside[WEIR_MASK_WORDS] = { 0 };
	uint8_t *group[WEIR_ROWS];

	for (uint32_t k = 0; k < n_left; k++)
		left[k] = k;
	while (n_left) {
		uint64_t done[WEIR_MASK_WORDS] = { 0 };

		n = begin_round(a, all, left, &n_left, aside, now);
		if (!n)
			continue;
		take_some(a, rows, all, now, n, row, group);
		a->watch.look(a->watch.ctx, p, shape, group, row, n, rows, done);
		WEIR_FOR_EACH_BIT (i, done)
			weir_row_watched(a->layout, group[i])->is_done = 1;
	}
	n = a->layout->level->numbers(aside, now);
	if (n)
		take_some(a, rows, all, now, n, row, group);
}
