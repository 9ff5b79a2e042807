/* SPDX-License-Identifier: BSD-3-Clause */
#include "columns.h"
#include "walk.h"

#include <weir/base/poison.h> /* last */

/* One batch: first the layout of every row, then the needed columns, one after the other. */

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

static void
layout(struct weir_batch *b, struct weir_decode_counters *counters)
{
	for (unsigned r = 0; r < b->n; r++) {
		struct packet_view v = {
			.data = b->data[r],
			.cap_len = b->cap_len[r],
			.wire_len = b->wire_len[r],
			.link = (enum weir_link)b->link[r],
		};
		struct layout l;

		if (!decode_layout_fast(&v, &l)) {
			unsigned reason = decode_layout_walk(&v, &l);

			if (reason != DECODE_OK)
				counters->reason[reason]++;
		}
		store(b, r, &l);
	}
}

void
weir_decode_batch(struct weir_batch *b, struct weir_decode_counters *counters)
{
	static void (*const column[WEIR_N_FIELDS])(struct weir_batch * b) = {
#define WEIR_FIELD(id, name, type, store, group, layers, doc) [WEIR_FIELD_##id] = decode_##id,
#include <weir/packet/fields.def>
#undef WEIR_FIELD
	};

	layout(b, counters);
	for (unsigned w = 0; w < WEIR_FIELD_WORDS; w++)
		for (uint64_t m = b->needed.word[w]; m; m &= m - 1)
			column[w * 64 + (unsigned)__builtin_ctzll(m)](b);
}
