/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SKETCH_QUANTILE_H
#define WEIR_SKETCH_QUANTILE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <weir/base/hash.h>
#include <weir/base/words.h>
#include <weir/sketch/memory.h>

/*
 * Quantiles within a relative error of 1/256 (0.4 %), after the log-linear buckets of HdrHistogram
 * and the guarantee of DDSketch (Masson, Rim, Lee 2019): each octave of numbers has 128 buckets of
 * the same width, and a quantile is the middle of the bucket that the exact one lies in. Integers
 * from -255 to 255 have a bucket each. Only buckets that are in use have memory; how many rows
 * each has is exact, so merging is.
 *
 * A bucket is one word: its key above, its rows below. The table is at most three quarters full.
 */

#define WEIR_QUANTILE_COUNT_BITS 44
#define WEIR_QUANTILE_BIAS       ((int32_t)1 << 19) /* keys are signed, and never 0 when biased */
#define WEIR_QUANTILE_FINE       7                  /* logarithm of an octave's buckets */

struct weir_quantile {
	uint64_t *buckets; /* [1 << log2_cap] */
	uint32_t n;        /* in use */
	uint32_t log2_cap; /* 0: none */
};

/* Cold, owner. Room for one more bucket. False where there is no memory. */
bool weir_quantile_grow(struct weir_quantile *s, struct weir_sketch_memory *m);
/* Cold, owner of m. dst takes src in. */
void weir_quantile_merge(
    struct weir_quantile *dst, struct weir_sketch_memory *m, const struct weir_quantile *src);
/* Cold, owner. */
void weir_quantile_drop(struct weir_quantile *s, struct weir_sketch_memory *m);
/* Cold. Buckets as bytes, in pieces: n of its places from `first` on. What is read is taken in;
 * false where the bytes are bad, or no such number has a key. */
uint64_t weir_quantile_places(const struct weir_quantile *s);
void weir_quantile_write(
    const struct weir_quantile *s, uint64_t first, uint64_t n, struct weir_out *out);
bool weir_quantile_read(
    struct weir_quantile *s, struct weir_sketch_memory *m, bool is_float, struct weir_in *in);
/* Cold. Key of the bucket in which the number lies that is greater than or equal to a share q of
 * all, and no other smaller one is. False where there are none. */
bool weir_quantile_key(const struct weir_quantile *s, double q, int32_t *ret_key);
/* Cold. The middle of a bucket. */
int64_t weir_quantile_int(int32_t key);
double weir_quantile_float(int32_t key);

/* Which bucket an integer is in: keys have the order of numbers. */
static inline __attribute__((always_inline)) int32_t
weir_quantile_key_of_int(int64_t x)
{
	uint64_t u = x < 0 ? -(uint64_t)x : (uint64_t)x;
	uint64_t above = u | UINT64_C(1) << WEIR_QUANTILE_FINE;
	int32_t octave = 63 - __builtin_clzll(above) - WEIR_QUANTILE_FINE;
	int32_t key = (octave << WEIR_QUANTILE_FINE) + (int32_t)(u >> octave);

	return x < 0 ? -key : key;
}

/* Not NaN. */
static inline __attribute__((always_inline)) int32_t
weir_quantile_key_of_float(double x)
{
	uint64_t bits;
	int32_t key;

	memcpy(&bits, &x, sizeof(bits));
	key = (int32_t)(bits << 1 >> 1 >> (52 - WEIR_QUANTILE_FINE));
	return bits >> 63 ? -key : key;
}

static inline uint64_t
weir_quantile_slot(
    const struct weir_quantile *s, const struct weir_sketch_memory *m, uint64_t biased)
{
	return weir_fold(biased ^ m->secrets[0], m->secrets[1] | 1) &
	       ((UINT64_C(1) << s->log2_cap) - 1);
}

/* Add to a bucket that is there or has room. */
static inline __attribute__((always_inline)) bool
weir_quantile_place(
    struct weir_quantile *s, const struct weir_sketch_memory *m, int32_t key, uint64_t count)
{
	const uint64_t most = (UINT64_C(1) << WEIR_QUANTILE_COUNT_BITS) - 1;
	uint64_t biased = (uint64_t)(key + WEIR_QUANTILE_BIAS);
	uint64_t mask = (UINT64_C(1) << s->log2_cap) - 1, *b;

	if (!s->log2_cap)
		return false;
	for (uint64_t i = weir_quantile_slot(s, m, biased);; i = (i + 1) & mask) {
		b = &s->buckets[i];
		if (!*b)
			break;
		if (*b >> WEIR_QUANTILE_COUNT_BITS == biased) {
			*b += count < most - (*b & most) ? count : most - (*b & most);
			return true;
		}
	}
	if (s->n >= (mask + 1) / 4 * 3)
		return false;
	s->n++;
	*b = biased << WEIR_QUANTILE_COUNT_BITS | count;
	return true;
}

/* Hot, owner. */
static inline __attribute__((always_inline)) void
weir_quantile_add(
    struct weir_quantile *s, struct weir_sketch_memory *m, int32_t key, uint64_t count)
{
	if (weir_quantile_place(s, m, key, count))
		return;
	if (weir_quantile_grow(s, m))
		(void)weir_quantile_place(s, m, key, count);
	else
		m->n_short++;
}

#endif
