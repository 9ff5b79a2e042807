/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_LEVEL_H
#define WEIR_AGGREGATE_LEVEL_H

#include <weir/base/simd.h>

#include "table.h"

/* Of the times of some rows. */
struct weir_agg_span {
	int64_t least; /* WEIR_TIME_NONE where one has none */
	int64_t least_known;
	int64_t largest;
};

/* What is built once for each level of the instruction set: pack_hot.c, pick_hot.c, find_hot.c. */
struct weir_agg_kernels {
	/*
	 * Row numbers of a mask's bits, in order, to numbers, which has WEIR_ROWS elements. Returns
	 * how many there are; what is behind them changes.
	 */
	uint32_t (*numbers)(const uint64_t mask[WEIR_MASK_WORDS], uint32_t *numbers);
	/* Leave the elements that a mask names, in order, of WEIR_ROWS; the others change. */
	void (*compress)(const uint64_t mask[WEIR_MASK_WORDS], uint64_t *words);
	/*
	 * Add to wide which of the first n rows have a key that is an address but not IPv4, and
	 * others behind them.
	 */
	void (*wide)(const struct weir_layout *l, const struct weir_column *const *keys, uint32_t n,
	    uint64_t wide[WEIR_MASK_WORDS]);
	/* The times of n rows, at least one. */
	struct weir_agg_span (*times)(const int64_t *time_ns, uint32_t n);
	/* Pack keys of a shape. */
	void (*pack)(const struct weir_layout *l, const struct weir_shape *s,
	    const struct weir_column *const *columns, const struct weir_pick *rows,
	    struct weir_keys *keys);
	/* Guess the rows of keys first .. n - 1 by their hashes, and have memory fetch them. */
	void (*guess)(const struct weir_table *t, const struct weir_keys *keys, uint32_t first,
	    uint32_t n, uint32_t *rows);
	/*
	 * Find or add keys first .. n - 1, whose guesses stand in found->row. A key that may not
	 * enter or finds no memory has no group. A new row has the key and all-zero states. Ends at
	 * the first new key for which there is no place among max_rows, and returns it; else n.
	 * Groups of keys before first are not looked at, and n_none starts from 0.
	 */
	uint32_t (*find)(struct weir_table *t, const struct weir_layout *l,
	    const struct weir_keys *keys, uint32_t first, uint32_t n, uint32_t max_rows,
	    struct weir_found *found);
};

const struct weir_agg_kernels *weir_agg_level_of(enum weir_simd level);

extern const struct weir_agg_kernels weir_agg_level_v2, weir_agg_level_v3, weir_agg_level_v4;

#ifdef WEIR_SIMD_LEVEL
#define weir_agg_level    WEIR_SIMD_NAME(weir_agg_level)
#define weir_agg_numbers  WEIR_SIMD_NAME(weir_agg_numbers)
#define weir_agg_compress WEIR_SIMD_NAME(weir_agg_compress)
#define weir_agg_wide     WEIR_SIMD_NAME(weir_agg_wide)
#define weir_agg_times    WEIR_SIMD_NAME(weir_agg_times)
#define weir_agg_pack     WEIR_SIMD_NAME(weir_agg_pack)
#define weir_agg_guess    WEIR_SIMD_NAME(weir_agg_guess)
#define weir_agg_find     WEIR_SIMD_NAME(weir_agg_find)

uint32_t weir_agg_numbers(const uint64_t mask[WEIR_MASK_WORDS], uint32_t *numbers);
void weir_agg_wide(const struct weir_layout *l, const struct weir_column *const *keys, uint32_t n,
    uint64_t wide[WEIR_MASK_WORDS]);
struct weir_agg_span weir_agg_times(const int64_t *time_ns, uint32_t n);
void weir_agg_compress(const uint64_t mask[WEIR_MASK_WORDS], uint64_t *words);
void weir_agg_pack(const struct weir_layout *l, const struct weir_shape *s,
    const struct weir_column *const *columns, const struct weir_pick *rows, struct weir_keys *keys);
void weir_agg_guess(const struct weir_table *t, const struct weir_keys *keys, uint32_t first,
    uint32_t n, uint32_t *rows);
uint32_t weir_agg_find(struct weir_table *t, const struct weir_layout *l,
    const struct weir_keys *keys, uint32_t first, uint32_t n, uint32_t max_rows,
    struct weir_found *found);
#endif

#endif
