/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_PROBE_H
#define WEIR_AGGREGATE_PROBE_H

#include <emmintrin.h>

#include <stdint.h>

/*
 * The slots of an index line that hold x, as bits: no branch, for where a key lies is anybody's
 * guess. GCC 12 makes some thirty instructions of the plain loop and seven of this; SSE2 is part of
 * x86-64. The tests hold the two against each other.
 */
static inline __attribute__((always_inline)) unsigned
weir_slots_with(const uint32_t slot[8], uint32_t x)
{
	const __m128i *v = (const __m128i *)(const void *)slot;
	__m128i all = _mm_set1_epi32((int)x);
	__m128i low = _mm_cmpeq_epi32(_mm_load_si128(v), all);
	__m128i high = _mm_cmpeq_epi32(_mm_load_si128(v + 1), all);
	__m128i both = _mm_packs_epi32(low, high);

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(both, both)) & 0xff;
}

static inline unsigned
weir_slots_with_scalar(const uint32_t slot[8], uint32_t x)
{
	unsigned found = 0;

	for (unsigned s = 0; s < 8; s++)
		found |= (unsigned)(slot[s] == x) << s;
	return found;
}

#endif
