/* SPDX-License-Identifier: BSD-3-Clause */
#include "parcel.h"

#include <weir/base/poison.h> /* last */

void
weir_exchange_publish(struct weir_exchange *x, unsigned from, int64_t watermark_ns)
{
	/* Release: who reads it sees the blocks that were shipped before. */
	atomic_store_explicit(&x->workers[from].watermark_ns, watermark_ns, memory_order_release);
}

int64_t
weir_exchange_low(const struct weir_exchange *x)
{
	int64_t low = INT64_MAX;

	for (unsigned i = 0; i < x->n_workers; i++) {
		int64_t t = atomic_load_explicit(&x->workers[i].watermark_ns, memory_order_acquire);

		low = t < low ? t : low;
	}
	return low;
}

struct weir_exchange_block *
weir_exchange_take(struct weir_exchange *x, unsigned to)
{
	struct weir_exchange_worker *w = &x->workers[to];

	for (unsigned i = 0; i < x->n_workers; i++) {
		unsigned from = w->next;
		struct weir_exchange_parcel *b;

		w->next = from + 1 == x->n_workers ? 0 : from + 1;
		if (from == to ||
		    rte_ring_sc_dequeue_elem(weir_exchange_lane(x, from, to)->there, &b, sizeof(b)))
			continue;
		for (unsigned c = 0; c < x->n_columns; c++)
			if (b->ipv4[c].is_used)
				weir_exchange_widen(b, c);
		return &b->head;
	}
	return NULL;
}

void
weir_exchange_give_back(struct weir_exchange *x, unsigned to, struct weir_exchange_block *block)
{
	struct weir_exchange_parcel *b = (struct weir_exchange_parcel *)block;

	/* There is room for all blocks. */
	rte_ring_sp_enqueue_elem(weir_exchange_lane(x, block->from, to)->back, &b, sizeof(b));
}
