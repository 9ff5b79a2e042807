/* SPDX-License-Identifier: BSD-3-Clause */
#include "overflow.h"

#include <weir/base/poison.h> /* last */

/* Groups that are met before the floor is raised. */
#define MET 64u

struct place {
	struct weir_table *table;
	uint32_t row;
};

static inline struct place
place_of(struct weir_pane *p, uint32_t group)
{
	struct weir_table *wide = &p->tables[WEIR_SHAPE_WIDE];

	if (group < wide->n_rows)
		return (struct place){ wide, group };
	return (struct place){ &p->tables[WEIR_SHAPE_NARROW], group - wide->n_rows };
}

static inline uint8_t *
row_of(const struct place *at)
{
	return at->table->rows + (size_t)at->row * at->table->shape->stride;
}

static inline uint32_t
go_on(uint32_t hand, uint32_t by, uint32_t n)
{
	return hand < n - by ? hand + by : hand - (n - by);
}

static inline uint64_t
weight_of(const struct weir_layout *l, const struct place *at)
{
	return weir_row_count(l, row_of(at)) + at->table->base[at->row];
}

/*
 * Have memory fetch the group that the hand meets in WEIR_EVICT_AHEAD steps and, where the one that
 * it meets in half as many is going to be thrown out, the line of the index that it is in.
 */
static inline void
look_ahead(const struct weir_layout *l, struct weir_pane *p, uint32_t n)
{
	uint32_t far = go_on(p->hand, p->stride, n);
	struct place soon = place_of(p, go_on(p->hand, p->half_stride, n));
	struct place later = place_of(p, far);

	__builtin_prefetch(row_of(&later));
	__builtin_prefetch(&later.table->base[later.row]);
	if (weight_of(l, &soon) <= p->floor)
		weir_table_prefetch(soon.table, l, soon.row);
}

/* The weight that a quarter of them are below or at. Changes their order. */
static uint64_t
quarter_of(uint64_t *weights, uint32_t n)
{
	uint32_t k = n / 4;

	for (uint32_t i = 0; i <= k; i++) {
		uint32_t least = i;

		for (uint32_t j = i + 1; j < n; j++)
			least = weights[j] < weights[least] ? j : least;
		uint64_t w = weights[i];

		weights[i] = weights[least];
		weights[least] = w;
	}
	return weights[k];
}

/* A group whose weight is not above the floor. Where the hand meets none, the floor is raised. */
static struct place
find_victim(struct weir_pane *p)
{
	const struct weir_layout *l = p->layout;
	uint32_t n = weir_pane_n_rows(p), met = n < MET ? n : MET;
	uint64_t weights[MET], sorted[MET];
	uint32_t first = p->hand;

	for (uint32_t i = 0; i < met; i++) {
		struct place at = place_of(p, p->hand);

		look_ahead(l, p, n);
		weights[i] = weight_of(l, &at);
		p->hand = go_on(p->hand, p->step, n);
		if (weights[i] <= p->floor)
			return at;
		sorted[i] = weights[i];
	}
	p->floor = quarter_of(sorted, met);
	p->hand = first;
	for (uint32_t i = 0;; i++) {
		struct place at = place_of(p, p->hand);

		p->hand = go_on(p->hand, p->step, n);
		if (weights[i] <= p->floor)
			return at;
	}
}

enum weir_room
weir_pane_evict(struct weir_pane *p, enum weir_shape_id shape, uint64_t *ret_lost)
{
	const struct weir_layout *l = p->layout;
	struct weir_table *to = &p->tables[shape];
	struct place at;

	if (p->step == 0 && !weir_pane_begin_evict(p))
		return WEIR_ROOM_REFUSED;
	at = find_victim(p);
	*ret_lost += weir_row_count(l, row_of(&at));
	at.table->dead_string_bytes += weir_row_string_bytes(l, at.table->shape, row_of(&at));
	weir_row_drop(l, row_of(&at), p->memory);
	weir_table_unlink(at.table, l, at.row);
	for (unsigned i = 0; i < l->n_shapes; i++)
		p->tables[i].floor = p->floor;
	if (at.table == to)
		to->hole = at.row;
	else
		weir_table_close_gap(at.table, l, at.row);
	return WEIR_ROOM_MADE;
}
