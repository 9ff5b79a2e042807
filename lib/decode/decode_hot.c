/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/packet/tunnel.h>

#include "block.h"
#include "columns.h"
#include "levels.h"
#include "walk.h"

#include <weir/base/poison.h> /* last */

/* One batch, a block of 64 rows after the other: the layout of every row, then the columns. */

/* So few packets that they do without a block. */
#ifndef DECODE_FEW
#define DECODE_FEW 4
#endif

typedef void column(struct weir_batch *b, unsigned lo, uint64_t rows);

static column *const columns[WEIR_N_FIELDS] = {
#define WEIR_FIELD(id, name, type, store, group, layers, doc) [WEIR_FIELD_##id] = DECODE_COLUMN(id),
#include <weir/packet/fields.def>
#undef WEIR_FIELD
};

static void
store(struct weir_batch *b, unsigned r, const struct layout *l)
{
	b->layers[r] = l->layers;
	b->l2_off[r] = l->l2_off;
	b->vlan_off[r] = l->vlan_off;
	b->mpls_off[r] = l->mpls_off;
	b->l3_off[r] = l->l3_off;
	b->frag_off[r] = l->frag_off;
	b->l4_off[r] = l->l4_off;
	b->ip_proto[r] = l->ip_proto;
	b->ip_len[r] = l->ip_len;
	b->l4_end[r] = l->l4_end;
}

static inline struct packet_view
view(const struct weir_batch *b, unsigned r)
{
	return (struct packet_view){
		.data = b->data[r],
		.cap_len = b->cap_len[r],
		.wire_len = b->wire_len[r],
		.link = (enum weir_link)b->link[r],
		.decap = b->decap,
	};
}

static void
walk_rows(struct weir_batch *b, unsigned lo, uint64_t rows, struct weir_decode_counters *counters)
{
	for (uint64_t m = rows; m; m &= m - 1) {
		unsigned r = lo + (unsigned)__builtin_ctzll(m);
		struct packet_view v = view(b, r);
		struct layout l;
		unsigned reason = decode_layout_walk(&v, &l);

		if (reason != DECODE_OK)
			counters->reason[reason]++;
		store(b, r, &l);
	}
}

/* Rows that are common, but not behind a plain Ethernet header. */
static void
take_others(struct weir_batch *b, struct decode_block *k, unsigned lo)
{
	for (uint64_t m = k->rows & ~k->lane; m; m &= m - 1) {
		unsigned i = (unsigned)__builtin_ctzll(m);
		struct packet_view v = view(b, lo + i);
		struct layout l;

		if (!decode_layout_fast(&v, &l))
			continue;
		store(b, lo + i, &l);
		decode_block_take(b, k, lo, i);
	}
}

static inline uint64_t
rows_of(const struct weir_batch *b, unsigned lo)
{
	return b->n - lo >= 64 ? ~UINT64_C(0) : (UINT64_C(1) << (b->n - lo)) - 1;
}

static void
fill_columns(struct weir_batch *b, const struct decode_block *k, unsigned lo)
{
	uint64_t others = k->rows & ~k->lane;

	for (unsigned w = 0; w < WEIR_FIELD_WORDS; w++)
		for (uint64_t m = b->needed.word[w]; m; m &= m - 1) {
			unsigned f = w * 64 + (unsigned)__builtin_ctzll(m);

			if (!decode_lane_columns[f]) {
				columns[f](b, lo, k->rows);
				continue;
			}
			decode_lane_columns[f](b, k, lo);
			if (others)
				columns[f](b, lo, others);
		}
}

/* The first rows of a batch; those of later blocks are prefetched while the block before is read.
 */
static inline void
prefetch_first(const struct weir_batch *b)
{
	unsigned n = b->n < DECODE_BLOCK ? b->n : DECODE_BLOCK;

	for (unsigned r = 0; r < n; r++)
		__builtin_prefetch(b->data[r]);
}

/* Row by row: what is the same for 64 rows as for one takes longer than a few. */
static void
decode_few(struct weir_batch *b, struct weir_decode_counters *counters)
{
	uint64_t rows = rows_of(b, 0), others = 0;

	for (unsigned r = 0; r < b->n; r++) {
		struct packet_view v = view(b, r);
		struct layout l;

		if (decode_layout_fast(&v, &l))
			store(b, r, &l);
		else
			others |= UINT64_C(1) << r;
	}
	if (others)
		walk_rows(b, 0, others, counters);
	for (unsigned w = 0; w < WEIR_FIELD_WORDS; w++)
		for (uint64_t m = b->needed.word[w]; m; m &= m - 1) {
			unsigned f = w * 64 + (unsigned)__builtin_ctzll(m);

			b->col[f].null[0] = 0; /* of rows of an earlier, larger burst */
			columns[f](b, 0, rows);
		}
}

void
decode_batch(struct weir_batch *b, struct weir_decode_counters *counters)
{
	struct decode_block k;

	if (b->n <= DECODE_FEW) {
		decode_few(b, counters);
		return;
	}
	prefetch_first(b);
	for (unsigned lo = 0; lo < b->n; lo += 64) {
		k.rows = rows_of(b, lo);
		decode_block_fill(b, &k, lo);
		if (b->decap & WEIR_TUNNELS_UDP)
			decode_block_leave_tunnels(&k, b->decap);
		if (k.rows & ~k.lane) {
			take_others(b, &k, lo);
			walk_rows(b, lo, k.rows & ~k.lane, counters);
		}
		fill_columns(b, &k, lo);
	}
}

void
decode_batch_twin(struct weir_batch *b, struct weir_decode_counters *counters)
{
	for (unsigned lo = 0; lo < b->n; lo += 64) {
		uint64_t rows = rows_of(b, lo);

		walk_rows(b, lo, rows, counters);
		for (unsigned w = 0; w < WEIR_FIELD_WORDS; w++)
			for (uint64_t m = b->needed.word[w]; m; m &= m - 1)
				columns[w * 64 + (unsigned)__builtin_ctzll(m)](b, lo, rows);
	}
}
