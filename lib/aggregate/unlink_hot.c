/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/hash.h>

#include "probe.h"
#include "table.h"

#include <weir/base/poison.h> /* last */

/* Rows that leave a table. */

static inline uint8_t *
row_at(const struct weir_table *t, uint32_t row)
{
	return t->rows + (size_t)row * t->shape->stride;
}

static uint32_t
hash_of_row(const struct weir_table *t, const struct weir_layout *l, uint32_t row)
{
	return weir_hash_index(
	    weir_hash_words(weir_row_key(l, row_at(t, row)), t->shape->words, 1, l->secrets));
}

void
weir_table_prefetch(const struct weir_table *t, const struct weir_layout *l, uint32_t row)
{
	__builtin_prefetch(&t->index[hash_of_row(t, l, row) & t->line_mask]);
}

/* The slot of a row that is in the index. */
static struct weir_index_line *
slot_of_row(const struct weir_table *t, uint32_t hash, uint32_t row, unsigned *ret_slot)
{
	for (uint32_t i = hash & t->line_mask;; i = (i + 1) & t->line_mask) {
		unsigned found = weir_slots_with(t->index[i].row1, row + 1);

		if (found) {
			*ret_slot = (unsigned)__builtin_ctz(found);
			return &t->index[i];
		}
	}
}

/*
 * The first key behind line i that wants line i or one before it: it lies where it does because
 * line i was full. NULL where there is none.
 */
static struct weir_index_line *
pushed_out(const struct weir_table *t, uint32_t i, unsigned *ret_slot)
{
	uint32_t mask = t->line_mask;

	for (uint32_t j = (i + 1) & mask; j != i; j = (j + 1) & mask) {
		struct weir_index_line *line = &t->index[j];

		for (unsigned s = 0; s < WEIR_TABLE_SLOTS && line->row1[s]; s++)
			if (((j - (line->hash[s] & mask)) & mask) >= ((j - i) & mask)) {
				*ret_slot = s;
				return line;
			}
		if (!line->row1[WEIR_TABLE_SLOTS - 1])
			return NULL;
	}
	return NULL;
}

void
weir_table_unlink(struct weir_table *t, const struct weir_layout *l, uint32_t row)
{
	unsigned s;
	struct weir_index_line *line = slot_of_row(t, hash_of_row(t, l, row), row, &s);

	while (line) {
		bool was_full = line->row1[WEIR_TABLE_SLOTS - 1] != 0;
		unsigned last = WEIR_TABLE_SLOTS - 1;
		struct weir_index_line *from;
		unsigned from_slot;

		while (!line->row1[last])
			last--;
		line->hash[s] = line->hash[last];
		line->row1[s] = line->row1[last];
		line->hash[last] = 0;
		line->row1[last] = 0;
		if (!was_full)
			return;
		from = pushed_out(t, (uint32_t)(line - t->index), &from_slot);
		if (from) {
			line->hash[last] = from->hash[from_slot];
			line->row1[last] = from->row1[from_slot];
			s = from_slot;
		}
		line = from;
	}
}

void
weir_table_close_gap(struct weir_table *t, const struct weir_layout *l, uint32_t row)
{
	uint32_t last = t->n_rows - 1;

	if (row != last) {
		unsigned s;
		struct weir_index_line *line = slot_of_row(t, hash_of_row(t, l, last), last, &s);

		line->row1[s] = row + 1;
		memcpy(row_at(t, row), row_at(t, last), t->shape->stride);
		if (t->base)
			t->base[row] = t->base[last];
	}
	t->n_rows = last;
}
