/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/time.h>

#include "pane.h"

/* What is handed over at once: so many groups, or so many bytes that belong to them. */
#define LIST_ROWS  4096u
#define LIST_BYTES (UINT64_C(8) << 20)

bool
weir_pane_is_full_list(const struct weir_pane *p)
{
	uint64_t bytes = p->memory ? p->memory->bytes : 0;

	for (unsigned s = 0; s < p->layout->n_shapes; s++)
		bytes += p->tables[s].string_bytes;
	return weir_pane_n_rows(p) >= LIST_ROWS || bytes >= LIST_BYTES;
}

/* Give the copy of a row strings of its own. */
static bool
keep_strings(struct weir_table *t, const struct weir_layout *l, uint8_t *copy)
{
	const uint64_t *words = weir_row_key(l, copy);
	const uint8_t **strings = weir_row_strings(l, t->shape, copy);
	uint8_t *to = weir_table_keep(t, l, weir_row_string_bytes(l, t->shape, copy));

	for (unsigned k = 0; to && k < l->n_keys; k++) {
		const struct weir_key_place *place = &t->shape->places[k];
		uint32_t len;

		if (l->keys[k].store != WEIR_BYTES)
			continue;
		len = (uint32_t)words[place->word];
		if (len)
			memcpy(to, strings[place->pointer], len);
		strings[place->pointer] = to;
		to += len;
	}
	return to != NULL;
}

/* What a state has of one memory becomes the same of another; where that is NULL it stays, too. */
static void
move_states(const struct weir_layout *l, uint8_t *to, struct weir_sketch_memory *to_memory,
    uint8_t *from, struct weir_sketch_memory *from_memory)
{
	for (unsigned i = 0; l->has_drop && i < l->n_slots; i++) {
		const struct weir_agg_slot *s = &l->slots[i];

		if (!s->function || !s->function->drop) /* it went with the row */
			continue;
		memset(to + s->offset, 0, s->size);
		s->function->merge(to + s->offset, from + s->offset, s->arg_types, to_memory);
		if (from_memory)
			s->function->drop(from + s->offset, s->arg_types, from_memory);
	}
}

bool
weir_pane_take_row(
    struct weir_pane *list, unsigned shape, uint8_t *row, struct weir_sketch_memory *memory)
{
	const struct weir_layout *l = list->layout;
	const struct weir_group_window *w = weir_row_window(row);
	struct weir_table *t = &list->tables[shape];
	uint8_t *copy;

	if (t->n_rows >= t->cap_rows && !weir_table_grow_rows(t))
		return false;
	copy = t->rows + (size_t)t->n_rows * t->shape->stride;
	memcpy(copy, row, t->shape->stride);
	if (l->n_strings && !keep_strings(t, l, copy))
		return false;
	move_states(l, copy, list->memory, row, memory);
	t->n_rows++;
	if (list->first_ns == WEIR_TIME_NONE || w->first_ns < list->first_ns)
		list->first_ns = w->first_ns;
	if (w->last_ns > list->last_ns)
		list->last_ns = w->last_ns;
	return true;
}
