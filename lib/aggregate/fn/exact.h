/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_EXACT_H
#define WEIR_AGGREGATE_EXACT_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/base/value.h>

#include "fn.h"

/*
 * Sums that do not depend on the order of their terms, so that any number of cores and any merge
 * give the same bits. Integers are summed in 128 bits (their squares in 192). Floats are summed in
 * fixed point, 384 bits with 192 behind the point: adding integers is associative where adding
 * floats is not. Below 2^-192 a term is cut off; from WEIR_EXACT_MAX on it counts as infinite.
 */

/* Two's complement; not __int128, which wants an alignment that states do not have. */
struct weir_sum_int {
	uint64_t lo;
	int64_t hi;
};

#define WEIR_EXACT_LIMBS 6
#define WEIR_EXACT_POINT 192 /* bits behind the point */

struct weir_sum_float {
	uint64_t limb[WEIR_EXACT_LIMBS]; /* two's complement, least first */
	uint64_t infinite; /* bit 0: +infinity or a term too large was added; bit 1: -infinity */
};

/* The sums of 2^31 terms below these bounds fit. */
#define WEIR_EXACT_MAX_TERM   0x1p159
#define WEIR_EXACT_MAX_SQUARE 0x1p79 /* of a number that is squared */

WEIR_AGG_INLINE void
weir_sum_int_add(struct weir_sum_int *s, int64_t x)
{
	s->hi += (x >> 63) + __builtin_add_overflow(s->lo, (uint64_t)x, &s->lo);
}

WEIR_AGG_INLINE __int128
weir_sum_int_get(const struct weir_sum_int *s)
{
	return (__int128)((unsigned __int128)(uint64_t)s->hi << 64 | s->lo);
}

WEIR_AGG_INLINE void
weir_sum_int_merge(struct weir_sum_int *dst, const struct weir_sum_int *src)
{
	dst->hi += src->hi + __builtin_add_overflow(dst->lo, src->lo, &dst->lo);
}

WEIR_AGG_INLINE void
weir_sum_int_unmerge(struct weir_sum_int *dst, const struct weir_sum_int *src)
{
	dst->hi -= src->hi + __builtin_sub_overflow(dst->lo, src->lo, &dst->lo);
}

/* Add or subtract m * 2^e, m below 2^106. */
WEIR_AGG_INLINE void
weir_sum_float_add_scaled(struct weir_sum_float *s, unsigned __int128 m, int e, bool is_negative)
{
	uint64_t part[3];
	unsigned at, carry = 0;

	e += WEIR_EXACT_POINT;
	if (e < 0) {
		if (e <= -128)
			return;
		m >>= -e;
		e = 0;
	}
	at = (unsigned)e / 64;
	part[0] = (uint64_t)m << e % 64;
	part[1] = (uint64_t)((m << e % 64) >> 64);
	part[2] = e % 64 ? (uint64_t)(m >> 64 >> (64 - e % 64)) : 0;
	for (unsigned i = at; i < WEIR_EXACT_LIMBS; i++) {
		uint64_t p = i - at < 3 ? part[i - at] : 0;
		uint64_t x = s->limb[i], y;
		unsigned c;

		if (is_negative) {
			c = __builtin_sub_overflow(x, p, &y);
			c |= __builtin_sub_overflow(y, (uint64_t)carry, &y);
		} else {
			c = __builtin_add_overflow(x, p, &y);
			c |= __builtin_add_overflow(y, (uint64_t)carry, &y);
		}
		s->limb[i] = y;
		carry = c;
	}
}

/* A float's mantissa and exponent: |x| = m * 2^e. */
WEIR_AGG_INLINE uint64_t
weir_float_split(double x, int *ret_e)
{
	uint64_t bits, m;
	int e;

	memcpy(&bits, &x, sizeof(bits));
	m = bits & ((UINT64_C(1) << 52) - 1);
	e = (int)(bits >> 52 & 0x7ff);
	if (e)
		m |= UINT64_C(1) << 52;
	else
		e = 1;
	*ret_e = e - 1075;
	return m;
}

WEIR_AGG_INLINE void
weir_sum_float_add(struct weir_sum_float *s, double x)
{
	int e;
	uint64_t m;

	if (!(__builtin_fabs(x) < WEIR_EXACT_MAX_TERM)) {
		s->infinite |= x > 0 ? 1 : 2;
		return;
	}
	m = weir_float_split(x, &e);
	weir_sum_float_add_scaled(s, m, e, x < 0);
}

WEIR_AGG_INLINE void
weir_sum_float_add_square(struct weir_sum_float *s, double x)
{
	int e;
	uint64_t m;

	if (!(__builtin_fabs(x) < WEIR_EXACT_MAX_SQUARE)) {
		s->infinite |= 1;
		return;
	}
	m = weir_float_split(x, &e);
	weir_sum_float_add_scaled(s, (unsigned __int128)m * m, 2 * e, false);
}

/* Whether words that came from elsewhere are a sum: one that others may be added to. */
WEIR_AGG_INLINE bool
weir_sum_int_is_sound(const struct weir_sum_int *s)
{
	return s->hi >= -(INT64_C(1) << 40) && s->hi <= INT64_C(1) << 40;
}

WEIR_AGG_INLINE bool
weir_sum_float_is_sound(const struct weir_sum_float *s)
{
	return s->infinite <= 3;
}

/* Cold, exact.c. */
void weir_sum_float_merge(struct weir_sum_float *dst, const struct weir_sum_float *src);
/* Nearest double; +-infinity, or NaN where both were added. */
double weir_sum_float_get(const struct weir_sum_float *s);
int64_t weir_saturate(__int128 x);
/* Quotient to the nearest integer, halves away from zero. */
int64_t weir_divide_round(__int128 x, uint64_t n);
/*
 * Population standard deviation of n > 0 numbers from the magnitude of their sum and the sum of
 * their squares, as integers of so many limbs. The sum counts in units of 2^-point, the squares in
 * units of 2^-square_point; 2 * point >= square_point.
 */
double weir_exact_stddev(uint64_t n, const uint64_t *sum, unsigned sum_limbs, unsigned point,
    const uint64_t *squares, unsigned square_limbs, unsigned square_point);
/* The magnitude of a float sum. Returns whether it is negative. */
bool weir_sum_float_magnitude(const struct weir_sum_float *s, uint64_t limb[WEIR_EXACT_LIMBS]);

#endif
