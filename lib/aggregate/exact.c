/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>

#include "fn/exact.h"

#define MAX_LIMBS (2 * WEIR_EXACT_LIMBS + 2)

void
weir_sum_float_merge(struct weir_sum_float *dst, const struct weir_sum_float *src)
{
	unsigned carry = 0;

	for (unsigned i = 0; i < WEIR_EXACT_LIMBS; i++) {
		unsigned __int128 x = (unsigned __int128)dst->limb[i] + src->limb[i] + carry;

		dst->limb[i] = (uint64_t)x;
		carry = (unsigned)(x >> 64);
	}
	dst->infinite |= src->infinite;
}

bool
weir_sum_float_magnitude(const struct weir_sum_float *s, uint64_t limb[WEIR_EXACT_LIMBS])
{
	bool is_negative = s->limb[WEIR_EXACT_LIMBS - 1] >> 63;
	unsigned carry = is_negative;

	for (unsigned i = 0; i < WEIR_EXACT_LIMBS; i++) {
		uint64_t x = is_negative ? ~s->limb[i] : s->limb[i];

		limb[i] = x + carry;
		carry = carry && limb[i] == 0;
	}
	return is_negative;
}

/* limbs * 2^-point to the nearest double, ties to even. */
static double
to_double(const uint64_t *limb, unsigned n, unsigned point)
{
	unsigned __int128 high;
	unsigned shift;
	bool is_inexact = false;

	while (n && !limb[n - 1])
		n--;
	if (n == 0)
		return 0;
	/* The 128 bits from the highest one down, and whether there is anything below them. */
	shift = (unsigned)__builtin_clzll(limb[n - 1]);
	high = (unsigned __int128)limb[n - 1] << 64 | (n > 1 ? limb[n - 2] : 0);
	if (shift)
		high = high << shift | (n > 2 ? limb[n - 3] >> (64 - shift) : 0);
	if (n > 2 && limb[n - 3] << shift)
		is_inexact = true;
	for (unsigned i = 0; i + 3 < n; i++)
		is_inexact |= limb[i] != 0;
	return ldexp((double)(high | is_inexact), (int)(n * 64) - 128 - (int)shift - (int)point);
}

double
weir_sum_float_get(const struct weir_sum_float *s)
{
	uint64_t limb[WEIR_EXACT_LIMBS];
	bool is_negative;
	double x;

	switch (s->infinite) {
	case 1:
		return INFINITY;
	case 2:
		return -INFINITY;
	case 3:
		return NAN;
	}
	is_negative = weir_sum_float_magnitude(s, limb);
	x = to_double(limb, WEIR_EXACT_LIMBS, WEIR_EXACT_POINT);
	return is_negative ? -x : x;
}

int64_t
weir_saturate(__int128 x)
{
	return x > INT64_MAX ? INT64_MAX : x < INT64_MIN ? INT64_MIN : (int64_t)x;
}

int64_t
weir_divide_round(__int128 x, uint64_t n)
{
	unsigned __int128 m = x < 0 ? -(unsigned __int128)x : (unsigned __int128)x;
	unsigned __int128 q = m / n;

	if (m % n >= n - m % n)
		q++;
	return weir_saturate(x < 0 ? -(__int128)q : (__int128)q);
}

/* r[na + nb] = a * b */
static void
multiply(const uint64_t *a, unsigned na, const uint64_t *b, unsigned nb, uint64_t *r)
{
	memset(r, 0, (na + nb) * sizeof(*r));
	for (unsigned i = 0; i < na; i++) {
		uint64_t carry = 0;

		for (unsigned j = 0; j < nb; j++) {
			unsigned __int128 x = (unsigned __int128)a[i] * b[j] + r[i + j] + carry;

			r[i + j] = (uint64_t)x;
			carry = (uint64_t)(x >> 64);
		}
		r[i + nb] = carry;
	}
}

/* a -= b. False where that is below zero. */
static bool
subtract(uint64_t *a, const uint64_t *b, unsigned n)
{
	bool borrow = false;

	for (unsigned i = 0; i < n; i++) {
		bool under = __builtin_sub_overflow(a[i], b[i], &a[i]);

		borrow = under | __builtin_sub_overflow(a[i], (uint64_t)borrow, &a[i]);
	}
	return !borrow;
}

/* (n * squares - sum * sum) / (n * n), in whole numbers down to the last step: nothing is cancelled
 * away. */
double
weir_exact_stddev(uint64_t n, const uint64_t *sum, unsigned sum_limbs, unsigned point,
    const uint64_t *squares, unsigned square_limbs, unsigned square_point)
{
	uint64_t left[MAX_LIMBS] = { 0 }, right[MAX_LIMBS] = { 0 };
	unsigned up = (2 * point - square_point) / 64; /* the squares' units to the sum's squared */

	multiply(squares, square_limbs, &n, 1, left + up);
	multiply(sum, sum_limbs, sum, sum_limbs, right);
	/* Squares that were cut off can make this fall below zero, by next to nothing. */
	if (!subtract(left, right, MAX_LIMBS))
		return 0;
	return sqrt(to_double(left, MAX_LIMBS, 2 * point)) / (double)n;
}
