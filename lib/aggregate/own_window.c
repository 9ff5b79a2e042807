/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include <weir/aggregate/part.h>

#include "aggregator.h"

/* Groups with windows of their own, as seen from outside: where a host hands them over. */

bool
weir_aggregator_open_since(const struct weir_aggregator *a, int64_t *ret_ns)
{
	bool has = false;

	for (unsigned s = 0; a->layout->is_per_group && s < a->layout->n_shapes; s++) {
		const struct weir_table *t = &a->current->tables[s];

		for (uint32_t r = 0; r < t->n_rows; r++) {
			const struct weir_group_window *w =
			    weir_row_window(t->rows + (size_t)r * t->shape->stride);

			if (!w->n || (has && w->first_ns >= *ret_ns))
				continue;
			*ret_ns = w->first_ns;
			has = true;
		}
	}
	return has;
}

/* Take a row out of its table, and what it has of the pane's memory with it. */
static void
forget_row(struct weir_aggregator *a, unsigned shape, uint32_t row)
{
	const struct weir_layout *l = a->layout;
	struct weir_table *t = &a->current->tables[shape];
	uint8_t *group = t->rows + (size_t)row * t->shape->stride;

	weir_row_drop(l, group, a->current->memory);
	if (!weir_row_window(group)->n && a->own.n_idle)
		a->own.n_idle--;
	t->dead_string_bytes += weir_row_string_bytes(l, t->shape, group);
	weir_table_unlink(t, l, row);
	weir_table_close_gap(t, l, row);
}

int
weir_aggregator_forget_slots(
    struct weir_aggregator *a, const struct weir_slot_key *key, const bool *is_gone)
{
	uint32_t first = weir_pane_n_groups(a->current);
	uint16_t *slots = calloc(first + 1, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	weir_pane_slots(a->current, key, slots);
	a->own.is_sweeping = false;
	/* Rows of before may come again. */
	a->closed_ns = a->own.swept_ns = INT64_MIN;
	for (unsigned s = a->layout->n_shapes; s-- > 0;) {
		uint32_t n = a->current->tables[s].n_rows;

		/* From the end on: the row that fills the gap was looked at before. */
		first -= n;
		for (uint32_t r = n; r-- > 0;)
			if (is_gone[slots[first + r]])
				forget_row(a, s, r);
	}
	free(slots);
	return 0;
}
