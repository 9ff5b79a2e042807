/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_ARITH_H
#define WEIR_BASE_ARITH_H

#include <math.h>
#include <stdint.h>

#include <weir/base/time.h>

/*
 * Arithmetic of expressions on one value, for all who evaluate them. Everything is defined for all
 * operands: integers wrap, and what has no result (a division by zero) gives 0 here; who calls
 * makes it null.
 */

static inline int64_t
weir_divide_i64(int64_t x, int64_t y)
{
	if (y == 0)
		return 0;
	return y == -1 ? (int64_t)(0 - (uint64_t)x) : x / y;
}

static inline int64_t
weir_modulo_i64(int64_t x, int64_t y)
{
	return y == 0 || y == -1 ? 0 : x % y;
}

static inline int64_t
weir_shift_left_i64(int64_t x, int64_t by)
{
	uint64_t moved = (uint64_t)x << (by & 63);

	return (uint64_t)by > 63 ? 0 : (int64_t)moved;
}

/* Past the width only the sign is left; a negative count gives 0. */
static inline int64_t
weir_shift_right_i64(int64_t x, int64_t by)
{
	int64_t moved = x >> (by > 63 ? 63 : by & 63);

	return by < 0 ? 0 : moved;
}

/* Doubles whose rounded value an int64_t holds; NaN is none. */
static inline int
weir_fits_i64(double x)
{
	return x >= -0x1p63 && x < 0x1p63;
}

static inline int64_t
weir_round_i64(double x)
{
	double r = round(x);

	return weir_fits_i64(r) ? (int64_t)r : 0;
}

static inline int64_t
weir_seconds_i64(int64_t x)
{
	int64_t ns;

	return __builtin_mul_overflow(x, WEIR_NS_PER_S, &ns) ? 0 : ns;
}

/* The multiple of y at or below x. Sizes that are not above zero have none. */
static inline int64_t
weir_bucket_i64(int64_t x, int64_t y)
{
	int64_t rest;

	if (y <= 0)
		return 0;
	rest = x % y;
	if (rest < 0)
		rest += y;
	return (int64_t)((uint64_t)x - (uint64_t)rest);
}

/* RFC 1982 with 32 bits; what it leaves undefined (half the circle apart) is false both ways. */
static inline int
weir_seq_is_before(int64_t x, int64_t y)
{
	uint32_t ahead = (uint32_t)y - (uint32_t)x;

	return ahead != 0 && ahead < UINT32_C(0x80000000);
}

#endif
