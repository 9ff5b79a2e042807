/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "arena.h"

#include <weir/base/poison.h> /* last */

static void
fill16(uint16_t *to, uint16_t value, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		to[i] = value;
}

/* Rows at .. at + n - 1 of the batch from those of the leaf that begin at from. */
static void
copy_rows(
    struct weir_batch *b, uint32_t at, const struct weir_arena_leaf *l, uint32_t from, uint32_t n)
{
	const uint8_t *bytes = (const uint8_t *)l->chunk;

	for (uint32_t i = 0; i < n; i++)
		b->data[at + i] = bytes + (uint64_t)l->offset[from + i] * WEIR_ARENA_ALIGN;
	memcpy(b->time_ns + at, l->time_ns + from, n * sizeof(b->time_ns[0]));
	memcpy(b->cap_len + at, l->cap_len + from, n * sizeof(b->cap_len[0]));
	memcpy(b->wire_len + at, l->wire_len + from, n * sizeof(b->wire_len[0]));
	memset(b->owner + at, 0, n * sizeof(b->owner[0]));
	if (l->is_uniform) {
		fill16(b->interface + at, l->interface[0], n);
		fill16(b->dlt + at, l->dlt[0], n);
		memset(b->link + at, l->link[0], n);
	} else {
		memcpy(b->interface + at, l->interface + from, n * sizeof(b->interface[0]));
		memcpy(b->dlt + at, l->dlt + from, n * sizeof(b->dlt[0]));
		memcpy(b->link + at, l->link + from, n);
	}
}

void
weir_arena_fill(
    const struct weir_arena *a, struct weir_arena_cursor *c, struct weir_batch *b, uint32_t max)
{
	uint32_t n = 0;

	b->queue_depth = -1;
	if (!c->is_begun) {
		c->is_begun = true;
		c->leaf = a->first;
	}
	while (n < max && c->leaf) {
		uint32_t left = c->leaf->n - c->at;
		uint32_t some = left < max - n ? left : max - n;

		copy_rows(b, n, c->leaf, c->at, some);
		n += some;
		c->at += some;
		if (c->at == c->leaf->n) {
			c->leaf = c->leaf->next;
			c->at = 0;
		}
	}
	b->n = n;
	c->n_packets += n;
}
