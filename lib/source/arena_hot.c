/* SPDX-License-Identifier: BSD-3-Clause */
#include "arena.h"

#include <weir/base/poison.h> /* last */

void
weir_arena_fill(
    const struct weir_arena *a, struct weir_arena_cursor *c, struct weir_batch *b, uint32_t max)
{
	uint32_t n = 0;

	b->queue_depth = -1;
	if (!c->chunk && c->at == 0)
		c->chunk = a->first;
	while (n < max && c->chunk) {
		const struct weir_arena_packet *p;

		if (c->at == 0)
			c->at = sizeof(*c->chunk);
		if (c->at == c->chunk->used) {
			c->chunk = c->chunk->next;
			c->at = c->chunk ? 0 : 1; /* 1: at the end, not at the start */
			continue;
		}
		p = (const struct weir_arena_packet *)((const uint8_t *)c->chunk + c->at);
		b->data[n] = (const uint8_t *)(p + 1);
		b->cap_len[n] = p->cap_len;
		b->wire_len[n] = p->wire_len;
		b->time_ns[n] = p->time_ns;
		b->interface[n] = p->interface;
		b->link[n] = p->link;
		b->dlt[n] = p->dlt;
		b->owner[n] = NULL;
		c->at += weir_arena_bytes(p->cap_len);
		n++;
	}
	b->n = n;
	c->n_packets += n;
}
