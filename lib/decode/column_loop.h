/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DECODE_COLUMN_LOOP_H
#define WEIR_DECODE_COLUMN_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "columns.h"
#include "load.h"

/*
 * The loops that the column functions are made of. In the expressions, b is the batch and r the
 * row; in those of COLUMN_BYTES p points at the offset and the bytes asked for are there.
 */

/* First byte that a header inside the IP packet may not read: past the capture or the IP packet. */
static inline uint32_t
ip_limit(const struct weir_batch *b, unsigned r)
{
	return b->cap_len[r] < b->l4_end[r] ? b->cap_len[r] : b->l4_end[r];
}

static inline bool
has_layer(const struct weir_batch *b, unsigned r, uint32_t layers)
{
	return (b->layers[r] & layers) != 0;
}

/* A column of ctype: value where cond holds, else null. */
#define COLUMN(id, ctype, cond, value)                                                             \
	void decode_##id(struct weir_batch *b)                                                     \
	{                                                                                          \
		ctype *out = b->col[WEIR_FIELD_##id].data;                                         \
		uint64_t *null = b->col[WEIR_FIELD_##id].null;                                     \
                                                                                                   \
		for (unsigned lo = 0; lo < b->n; lo += 64) {                                       \
			unsigned hi = b->n - lo < 64 ? b->n : lo + 64;                             \
			uint64_t mask = 0;                                                         \
                                                                                                   \
			for (unsigned r = lo; r < hi; r++) {                                       \
				bool is_there = (cond);                                            \
                                                                                                   \
				out[r] = (ctype)(is_there ? (value) : 0);                          \
				mask |= (uint64_t)!is_there << (r - lo);                           \
			}                                                                          \
			null[lo / 64] = mask;                                                      \
		}                                                                                  \
	}

/*
 * The same from packet bytes: null where the packet has none of the layers or where need bytes at
 * offset off would pass limit.
 */
#define COLUMN_BYTES(id, ctype, layer_bits, limit, off, need, value)                               \
	static inline ctype get_##id(const uint8_t *p)                                             \
	{                                                                                          \
		return (ctype)(value);                                                             \
	}                                                                                          \
                                                                                                   \
	COLUMN(id, ctype,                                                                          \
	    has_layer(b, r, layer_bits) && (uint32_t)(off) + (need) <= (uint32_t)(limit),          \
	    get_##id(b->data[r] + (off)))

#endif
