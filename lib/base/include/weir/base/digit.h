/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_DIGIT_H
#define WEIR_BASE_DIGIT_H

#include <stdint.h>
#include <string.h>

/*
 * Values as digits: 64-bit numbers whose unsigned order is the wanted order of the values. Rows of
 * a result and groups of a pane are ordered by the same, as the one stands for the other.
 */

/* The sign is flipped. */
static inline uint64_t
weir_digit_int(int64_t x)
{
	return (uint64_t)x ^ UINT64_C(1) << 63;
}

/* Of a float's bits as weir_float_bits gives them: so the two zeros are equal, and NaN is last. */
static inline uint64_t
weir_digit_float(uint64_t bits)
{
	return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

/* Eight bytes of a string as a big-endian number. What is behind its end is 0: the length tells. */
static inline uint64_t
weir_digit_bytes(const uint8_t *p, uint32_t len, uint32_t offset)
{
	uint64_t digit = 0;
	uint32_t left = len > offset ? len - offset : 0;

	if (left)
		memcpy(&digit, p + offset, left < 8 ? left : 8);
	return __builtin_bswap64(digit);
}

#endif
