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

void
weir_exchange_publish_number(struct weir_exchange *x, unsigned from, int64_t number)
{
	for (unsigned to = 0; to < x->n_workers; to++) {
		struct weir_exchange_lane *l = weir_exchange_lane(x, from, to);
		const struct weir_exchange_parcel *open = x->workers[from].open[to];
		int64_t least = open && open->head.n ? open->head.number[0] : number;

		/* As above; a line that does not change stays in the receiver's cache. */
		if (atomic_load_explicit(&l->number, memory_order_relaxed) != least)
			atomic_store_explicit(&l->number, least, memory_order_release);
	}
}

int64_t
weir_exchange_settled(struct weir_exchange *x, unsigned to)
{
	struct weir_exchange_worker *w = &x->workers[to];
	int64_t low_ns, number = INT64_MIN;

	if (w->taken_number < w->mark_number)
		return w->settled_ns;
	w->settled_ns = w->mark_ns;
	/*
	 * What a worker had sent before it published a watermark is below the number that it had
	 * published then, or has published since.
	 */
	low_ns = weir_exchange_low(x);
	for (unsigned from = 0; from < x->n_workers; from++) {
		int64_t least = atomic_load_explicit(
		    &weir_exchange_lane(x, from, to)->number, memory_order_relaxed);

		number = least > number ? least : number;
	}
	w->mark_ns = low_ns;
	w->mark_number = number;
	if (w->taken_number >= number)
		w->settled_ns = low_ns;
	return w->settled_ns;
}

static void
widen_all(const struct weir_exchange *x, struct weir_exchange_parcel *b)
{
	for (unsigned c = 0; c < x->n_columns; c++)
		if (b->ipv4[c].is_used)
			weir_exchange_widen(b, c);
}

/* A lane's next row: what its number is, or above what it will be. */
static void
look(const struct weir_exchange *x, struct weir_exchange_lane *l)
{
	struct weir_exchange_parcel *b;
	int64_t number;

	/* Asked first: what was below it has been shipped by now. */
	number = atomic_load_explicit(&l->number, memory_order_acquire);
	if (rte_ring_sc_dequeue_elem(l->there, &b, sizeof(b))) {
		l->least = number;
		return;
	}
	widen_all(x, b);
	b->head.end = 0;
	l->head = b;
	l->least = b->head.number[0];
}

/* The first row from `row` on whose number is not below limit. */
static uint32_t
first_not_below(const struct weir_exchange_block *b, uint32_t row, int64_t limit)
{
	uint32_t lo = row, hi = b->n;

	if (b->number[hi - 1] < limit)
		return hi;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (b->number[mid] < limit)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct weir_exchange_block *
take_in_order(struct weir_exchange *x, unsigned to)
{
	struct weir_exchange_lane *least = NULL;
	int64_t limit = INT64_MAX; /* all but the least have nothing below it */

	for (unsigned from = 0; from < x->n_workers; from++) {
		struct weir_exchange_lane *l = weir_exchange_lane(x, from, to);

		if (!l->head)
			look(x, l);
		if (!least || l->least < least->least) {
			limit = least ? least->least : INT64_MAX;
			least = l;
		} else if (l->least < limit) {
			limit = l->least;
		}
	}
	if (!least->head || least->least >= limit) {
		x->workers[to].taken_number = least->least;
		return NULL;
	}
	least->head->head.first = least->head->head.end;
	least->head->head.end = first_not_below(&least->head->head, least->head->head.first, limit);
	return &least->head->head;
}

struct weir_exchange_block *
weir_exchange_take(struct weir_exchange *x, unsigned to)
{
	struct weir_exchange_worker *w = &x->workers[to];

	if (x->is_ordered)
		return take_in_order(x, to);
	for (unsigned i = 0; i < x->n_workers; i++) {
		unsigned from = w->next;
		struct weir_exchange_parcel *b;

		w->next = from + 1 == x->n_workers ? 0 : from + 1;
		if (from == to ||
		    rte_ring_sc_dequeue_elem(weir_exchange_lane(x, from, to)->there, &b, sizeof(b)))
			continue;
		widen_all(x, b);
		b->head.first = 0;
		b->head.end = b->head.n;
		return &b->head;
	}
	return NULL;
}

void
weir_exchange_give_back(struct weir_exchange *x, unsigned to, struct weir_exchange_block *block)
{
	struct weir_exchange_parcel *b = (struct weir_exchange_parcel *)block;
	struct weir_exchange_lane *l = weir_exchange_lane(x, block->from, to);

	if (x->is_ordered && block->end < block->n) {
		l->least = block->number[block->end];
		return;
	}
	l->head = NULL;
	/* There is room for all blocks. */
	rte_ring_sp_enqueue_elem(l->back, &b, sizeof(b));
}
