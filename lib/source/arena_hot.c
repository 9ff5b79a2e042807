/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "arena.h"

#include <weir/base/poison.h> /* last */

#define STEP WEIR_ARENA_STEP

/*
 * Whole steps of rows, of a known size each: a copy of n bytes becomes a string instruction, whose
 * start costs as much as some hundred bytes.
 */
#define COPY(to, from, n)                                                                          \
	do {                                                                                       \
		for (uint32_t i = 0; i < (n); i += STEP)                                           \
			memcpy((to) + i, (from) + i, STEP * sizeof((to)[0]));                      \
	} while (0)

#define FILL(to, value, n)                                                                         \
	do {                                                                                       \
		for (uint32_t i = 0; i < (n); i += STEP)                                           \
			for (uint32_t s = 0; s < STEP; s++)                                        \
				(to)[i + s] = (value);                                             \
	} while (0)

/* Rows 0 .. n - 1 of the batch, and up to a step more, from those of the leaf that begin at from.
 */
static void
copy_rows(struct weir_batch *restrict b, const struct weir_arena_leaf *restrict l, uint32_t from,
    uint32_t n)
{
	const uint8_t *bytes = (const uint8_t *)l->chunk;

	for (uint32_t i = 0; i < n; i++)
		b->data[i] = bytes + (uint64_t)l->offset[from + i] * WEIR_ARENA_ALIGN;
	COPY(b->time_ns, l->time_ns + from, n);
	COPY(b->cap_len, l->cap_len + from, n);
	COPY(b->wire_len, l->wire_len + from, n);
	FILL(b->owner, NULL, n);
	if (l->is_uniform) {
		uint16_t interface = l->interface[0], dlt = l->dlt[0];
		uint8_t link = l->link[0];

		FILL(b->interface, interface, n);
		FILL(b->dlt, dlt, n);
		FILL(b->link, link, n);
	} else {
		COPY(b->interface, l->interface + from, n);
		COPY(b->dlt, l->dlt + from, n);
		COPY(b->link, l->link + from, n);
	}
}

/* Rows of the next burst whose headers are prefetched; decode sees to those behind them. */
#define PREFETCHED 64u
/* Headers may lie across two lines; this is where the second one is needed at the latest. */
#define SECOND_LINE 50

static void
prefetch_next(const struct weir_arena_leaf *l, uint32_t at)
{
	const uint8_t *bytes = (const uint8_t *)l->chunk;
	uint32_t n = l->n - at < PREFETCHED ? l->n - at : PREFETCHED;

	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *p = bytes + (uint64_t)l->offset[at + i] * WEIR_ARENA_ALIGN;

		__builtin_prefetch(p, 0, 2);
		__builtin_prefetch(p + SECOND_LINE, 0, 2);
	}
}

void
weir_arena_fill(
    const struct weir_arena *a, struct weir_arena_cursor *c, struct weir_batch *b, uint32_t max)
{
	uint32_t left;

	b->queue_depth = -1;
	b->n = 0;
	if (!c->is_begun) {
		c->is_begun = true;
		c->leaf = a->first;
	}
	if (!c->leaf)
		return;
	left = c->leaf->n - c->at;
	b->n = left < max ? left : max;
	copy_rows(b, c->leaf, c->at, b->n);
	c->n_packets += b->n;
	c->at += b->n;
	if (c->at == c->leaf->n) {
		c->leaf = c->leaf->next;
		c->at = 0;
	}
	if (c->leaf)
		prefetch_next(c->leaf, c->at);
}
