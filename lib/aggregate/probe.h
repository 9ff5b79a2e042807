/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_AGGREGATE_PROBE_H
#define WEIR_AGGREGATE_PROBE_H

#include <immintrin.h>

#include <stdint.h>

/*
 * The slots of an index line that hold x, as bits: no branch, for where a key lies is anybody's
 * guess. GCC 12 makes some thirty instructions of the plain loop and seven of this, or two with
 * AVX2. The tests hold them against each other.
 */
static inline __attribute__((always_inline)) unsigned
weir_slots_with(const uint32_t slot[8], uint32_t x)
{
#ifdef __AVX2__
	__m256i v = _mm256_load_si256((const __m256i *)(const void *)slot);
	__m256i equal = _mm256_cmpeq_epi32(v, _mm256_set1_epi32((int)x));

	return (unsigned)_mm256_movemask_ps(_mm256_castsi256_ps(equal));
#else
	const __m128i *v = (const __m128i *)(const void *)slot;
	__m128i all = _mm_set1_epi32((int)x);
	__m128i low = _mm_cmpeq_epi32(_mm_load_si128(v), all);
	__m128i high = _mm_cmpeq_epi32(_mm_load_si128(v + 1), all);
	__m128i both = _mm_packs_epi32(low, high);

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(both, both)) & 0xff;
#endif
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
