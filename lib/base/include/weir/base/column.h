/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_COLUMN_H
#define WEIR_BASE_COLUMN_H

#include <stdint.h>

#include <weir/base/value.h>

/*
 * A column: one array of up to WEIR_ROWS values and a null mask. Batches of
 * packets, registers of expressions and slices of result blocks are all made of
 * these, so every kernel takes them.
 */

#define WEIR_ROWS       256 /* most rows in one batch or slice */
#define WEIR_MASK_WORDS (WEIR_ROWS / 64)

/* How an element lies in memory. Narrow where the field is narrow: cache and SIMD lanes. */
enum weir_store {
	WEIR_U8,    /* uint8_t: WEIR_INT, WEIR_BOOL */
	WEIR_U16,   /* uint16_t: WEIR_INT */
	WEIR_U32,   /* uint32_t: WEIR_INT */
	WEIR_I64,   /* int64_t: WEIR_INT, WEIR_DURATION, WEIR_TIME, WEIR_MAC */
	WEIR_F64,   /* double: WEIR_FLOAT */
	WEIR_ADDR,  /* struct weir_addr, and a version array beside it: WEIR_IP */
	WEIR_BYTES, /* struct weir_bytes: WEIR_STRING */
	WEIR_N_STORES,
};

/* Size of one element in bytes. */
static inline unsigned
weir_store_size(enum weir_store store)
{
	static const uint8_t size[WEIR_N_STORES] = { 1, 2, 4, 8, 8, 16, 16 };

	return size[store];
}

struct weir_column {
	enum weir_type type;
	enum weir_store store;
	void *data;       /* [n] elements of store; undefined where null */
	uint8_t *version; /* [n] 4 or 6, WEIR_IP only, else NULL */
	uint64_t *null;   /* [n / 64] a set bit is a null; never NULL */
};

/* Bits of a mask: row r is bit r % 64 of word r / 64. */
static inline int
weir_mask_test(const uint64_t *mask, unsigned row)
{
	return (int)(mask[row / 64] >> (row % 64) & 1);
}

static inline void
weir_mask_set(uint64_t *mask, unsigned row)
{
	mask[row / 64] |= UINT64_C(1) << (row % 64);
}

static inline void
weir_mask_clear(uint64_t *mask, unsigned row)
{
	mask[row / 64] &= ~(UINT64_C(1) << (row % 64));
}

/* Set the first n bits, clear the others. */
static inline void
weir_mask_first(uint64_t mask[WEIR_MASK_WORDS], unsigned n)
{
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++) {
		unsigned lo = w * 64;

		mask[w] = n >= lo + 64 ? ~UINT64_C(0) : n > lo ? (UINT64_C(1) << (n - lo)) - 1 : 0;
	}
}

static inline unsigned
weir_mask_count(const uint64_t mask[WEIR_MASK_WORDS])
{
	unsigned n = 0;

	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
		n += (unsigned)__builtin_popcountll(mask[w]);
	return n;
}

/* Run body for each set bit of mask, in order; row is the loop's variable. */
#define WEIR_FOR_EACH_BIT(row, mask)                                                               \
	for (unsigned row##_w = 0; row##_w < WEIR_MASK_WORDS; row##_w++)                           \
		for (uint64_t row##_m = (mask)[row##_w], row = 0;                                  \
		     row##_m && ((row = row##_w * 64 + (unsigned)__builtin_ctzll(row##_m)), 1);    \
		     row##_m &= row##_m - 1)

/* Allocate data, version and null for up to rows (a multiple of 64) elements, all zero. 0 or
 * -ENOMEM. */
int weir_column_init(
    struct weir_column *c, enum weir_type type, enum weir_store store, unsigned rows);
void weir_column_fini(struct weir_column *c);
/* One element as a value; strings stay owned by the column. */
struct weir_value weir_column_get(const struct weir_column *c, unsigned row);
/* The store that a computed column of this type has (WEIR_INT: WEIR_I64 ...). */
enum weir_store weir_store_of(enum weir_type type);

#endif
