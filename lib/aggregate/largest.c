/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

#include "pane.h"

/* Of more the values are not kept beside each other. */
#define MOST 4096

/* The n largest values met so far, the least of them first: a heap. */
struct heap {
	int64_t *values;
	uint32_t n, cap;
};

static void
sink_down(struct heap *h, int64_t value)
{
	uint32_t i = 0;

	for (uint32_t child = 1; child < h->n; child = 2 * i + 1) {
		child += child + 1 < h->n && h->values[child + 1] < h->values[child];
		if (h->values[child] >= value)
			break;
		h->values[i] = h->values[child];
		i = child;
	}
	h->values[i] = value;
}

static void
rise(struct heap *h, int64_t value)
{
	uint32_t i = h->n++;

	for (; i && h->values[(i - 1) / 2] > value; i = (i - 1) / 2)
		h->values[i] = h->values[(i - 1) / 2];
	h->values[i] = value;
}

/* The aggregate of a column of the result whose state is what the column has; NULL else. */
static const struct weir_agg_slot *
slot_of(const struct weir_layout *l, unsigned column)
{
	unsigned at = l->n_keys;

	for (unsigned i = 0; i < l->n_aggs; at += l->slots[i++].n_results)
		if (at == column)
			return l->slots[i].function && l->slots[i].function->is_result
				   ? &l->slots[i]
				   : NULL;
	return NULL;
}

static int64_t
value_at(const struct weir_table *t, uint32_t row, uint32_t offset)
{
	return *(const int64_t *)(const void *)(t->rows + (size_t)row * t->shape->stride + offset);
}

static void
meet(struct heap *h, const struct weir_table *t, uint32_t offset)
{
	uint32_t r = 0;

	for (; r < t->n_rows && h->n < h->cap; r++)
		rise(h, value_at(t, r, offset));
	for (; r < t->n_rows; r++) {
		int64_t value = value_at(t, r, offset);

		if (value > h->values[0])
			sink_down(h, value);
	}
}

/* The groups that are not below a bound, to `groups` where it is given. Returns how many. */
static uint32_t
not_below(const struct weir_pane *p, uint32_t offset, int64_t bound, uint32_t *groups)
{
	uint32_t n = 0, first = 0;

	for (unsigned s = 0; s < p->layout->n_shapes; first += p->tables[s++].n_rows)
		for (uint32_t r = 0; r < p->tables[s].n_rows; r++)
			if (value_at(&p->tables[s], r, offset) >= bound) {
				if (groups)
					groups[n] = first + r;
				n++;
			}
	return n;
}

int
weir_pane_largest(const struct weir_pane *p, unsigned column, uint32_t n, struct weir_block *b)
{
	const struct weir_agg_slot *slot = slot_of(p->layout, column);
	struct weir_pane chosen = *p;
	struct heap h = { .cap = n };
	int rc = -ENOMEM;

	if (!slot || !n || n > MOST || p->is_list || weir_pane_n_rows(p) < n)
		return -ENOTSUP;
	h.values = calloc(n, sizeof(*h.values));
	if (!h.values)
		return -ENOMEM;
	for (unsigned s = 0; s < p->layout->n_shapes; s++)
		meet(&h, &p->tables[s], slot->offset);
	chosen.n_ordered = not_below(p, slot->offset, h.values[0], NULL);
	chosen.order = calloc(chosen.n_ordered, sizeof(*chosen.order));
	if (chosen.order) {
		(void)not_below(p, slot->offset, h.values[0], chosen.order);
		rc = weir_pane_rows(&chosen, 0, chosen.n_ordered, b);
	}
	free(chosen.order);
	free(h.values);
	return rc;
}
