/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_DECODE_COLUMN_LOOP_H
#define WEIR_DECODE_COLUMN_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "columns.h"
#include "load.h"

/*
 * The loops that the column functions are made of. In the expressions, b is the batch and r the
 * row; in those of COLUMN_BYTES p points at the offset and the bytes asked for are there. In those
 * of COLUMN_ALL x[i] is the array's element.
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
	void DECODE_COLUMN(id)(struct weir_batch * b, unsigned lo, uint64_t rows)                  \
	{                                                                                          \
		ctype *out = b->col[WEIR_FIELD_##id].data;                                         \
		uint64_t null = b->col[WEIR_FIELD_##id].null[lo / 64] & ~rows;                     \
                                                                                                   \
		for (uint64_t m = rows; m; m &= m - 1) {                                           \
			unsigned r = lo + (unsigned)__builtin_ctzll(m);                            \
			bool is_there = (cond);                                                    \
                                                                                                   \
			out[r] = (ctype)(is_there ? (value) : 0);                                  \
			null |= (uint64_t)!is_there << (r - lo);                                   \
		}                                                                                  \
		b->col[WEIR_FIELD_##id].null[lo / 64] = null;                                      \
	}

/* A column whose data is an array of the batch: null where cond does not hold. */
#define COLUMN_VIEW(id, cond)                                                                      \
	void DECODE_COLUMN(id)(struct weir_batch * b, unsigned lo, uint64_t rows)                  \
	{                                                                                          \
		uint64_t null = b->col[WEIR_FIELD_##id].null[lo / 64] & ~rows;                     \
                                                                                                   \
		for (uint64_t m = rows; m; m &= m - 1) {                                           \
			unsigned r = lo + (unsigned)__builtin_ctzll(m);                            \
                                                                                                   \
			null |= (uint64_t) !(cond) << (r - lo);                                    \
		}                                                                                  \
		b->col[WEIR_FIELD_##id].null[lo / 64] = null;                                      \
	}

/* The same, and no row has a null. */
#define COLUMN_VIEW_ALL(id)                                                                        \
	void DECODE_COLUMN(id)(struct weir_batch * b, unsigned lo, uint64_t rows)                  \
	{                                                                                          \
		b->col[WEIR_FIELD_##id].null[lo / 64] = 0;                                         \
	}

/* A column that every row has, made of the batch's arrays alone: 64 rows at once, or 16. */
#define COLUMN_ALL(id, ctype, array_type, array, value)                                            \
	void DECODE_COLUMN(id)(struct weir_batch * b, unsigned lo, uint64_t rows)                  \
	{                                                                                          \
		ctype *restrict out = (ctype *)b->col[WEIR_FIELD_##id].data + lo;                  \
		const array_type *restrict x = (array) + lo;                                       \
                                                                                                   \
		if (!(rows >> 16)) /* a small burst */                                             \
			for (unsigned i = 0; i < 16; i++)                                          \
				out[i] = (ctype)(value);                                           \
		else                                                                               \
			for (unsigned i = 0; i < 64; i++)                                          \
				out[i] = (ctype)(value);                                           \
		b->col[WEIR_FIELD_##id].null[lo / 64] = 0;                                         \
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
