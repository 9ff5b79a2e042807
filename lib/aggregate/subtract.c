/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "level.h"
#include "pane.h"

/* Strings of rows that are gone are let go of when they are more than half of all, and this. */
#define DEAD_STRING_BYTES ((uint64_t)1 << 20)

void
weir_pane_keep_index(struct weir_pane *p)
{
	p->keeps_index = true;
}

bool
weir_pane_may_subtract(const struct weir_pane *p)
{
	const struct weir_layout *l = p->layout;

	if (l->overflow != WEIR_OVERFLOW_DROP || l->count_offset == WEIR_NO_COUNT || p->lost ||
	    p->is_list)
		return false;
	for (unsigned i = 0; i < l->n_slots; i++)
		if (!l->slots[i].function || !l->slots[i].function->unmerge)
			return false;
	return true;
}

/* One aggregate of n rows of src, from the row `from` on. */
static bool
unmerge(const struct weir_agg_slot *s, const struct weir_table *src, uint32_t from, uint32_t n,
    const struct weir_found *found)
{
	const uint8_t *state = src->rows + (size_t)from * src->shape->stride + s->offset;

	for (uint32_t k = 0; k < n; k++, state += src->shape->stride)
		if (!s->function->unmerge(found->group[k] + s->offset, state, s->arg_types))
			return false;
	return true;
}

static void
remove_row(struct weir_table *t, const struct weir_layout *l, uint32_t row)
{
	weir_table_unlink(t, l, row);
	t->dead_string_bytes +=
	    weir_row_string_bytes(l, t->shape, t->rows + (size_t)row * t->shape->stride);
	weir_table_close_gap(t, l, row);
}

/* The last one first: so none of them takes the place of another. */
static void
remove_rows(struct weir_table *t, const struct weir_layout *l, const uint64_t *is_empty)
{
	for (uint32_t w = (t->n_rows + 63) / 64; w-- > 0;)
		for (uint64_t m = is_empty[w]; m;) {
			unsigned bit = 63 - (unsigned)__builtin_clzll(m);

			m ^= UINT64_C(1) << bit;
			remove_row(t, l, w * 64 + bit);
		}
	if (t->dead_string_bytes > DEAD_STRING_BYTES && t->dead_string_bytes > t->string_bytes / 2)
		(void)weir_table_pack_strings(t, l);
}

static int
subtract_table(const struct weir_layout *l, struct weir_table *dst, const struct weir_table *src,
    struct weir_keys *keys)
{
	uint64_t *is_empty = calloc((dst->n_rows + 63) / 64 + 1, sizeof(*is_empty));
	uint8_t *rows[WEIR_ROWS];
	struct weir_found found;
	bool is_done = is_empty != NULL;

	for (uint32_t first = 0, n; is_done && first < src->n_rows; first += n) {
		n = src->n_rows - first < WEIR_ROWS ? src->n_rows - first : WEIR_ROWS;
		for (uint32_t k = 0; k < n; k++)
			rows[k] = src->rows + (size_t)(first + k) * src->shape->stride;
		weir_keys_of_rows(l, dst, src->shape, rows, n, keys);
		l->level->guess(dst, keys, 0, n, found.row);
		is_done = l->level->find(dst, l, keys, 0, n, dst->n_rows, &found) == n &&
			  found.n_none == 0;
		for (unsigned i = 0; is_done && i < l->n_slots; i++)
			is_done = unmerge(&l->slots[i], src, first, n, &found);
		for (uint32_t k = 0; is_done && k < n; k++) {
			uint32_t row = dst->shape->words ? found.row[k] : 0;

			if (!weir_row_count(l, found.group[k]))
				is_empty[row / 64] |= UINT64_C(1) << row % 64;
		}
	}
	if (is_done)
		remove_rows(dst, l, is_empty);
	free(is_empty);
	return is_done ? 0 : -ERANGE;
}

int
weir_pane_subtract(struct weir_pane *dst, const struct weir_pane *src)
{
	const struct weir_layout *l = dst->layout;
	struct weir_keys keys;
	int rc = weir_keys_init(&keys, l);

	weir_pane_forget_order(dst);
	for (unsigned s = 0; !rc && s < l->n_shapes; s++)
		rc = subtract_table(l, &dst->tables[s], &src->tables[s], &keys);
	weir_keys_fini(&keys);
	return rc;
}
