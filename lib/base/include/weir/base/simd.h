/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_SIMD_H
#define WEIR_BASE_SIMD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

/*
 * Levels of the instruction set (x86-64 psABI). Hot sources are compiled once for each level, with
 * WEIR_SIMD_LEVEL set to its name; what they define for others is named by WEIR_SIMD_NAME, and
 * WEIR_SIMD_OF picks by level. Which level a run uses is chosen once, at start.
 */
enum weir_simd {
	WEIR_SIMD_AUTO, /* the best that this CPU has */
	WEIR_SIMD_V2,   /* SSE4.2 */
	WEIR_SIMD_V3,   /* AVX2, BMI2 */
	WEIR_SIMD_V4,   /* AVX-512 F, BW, CD, DQ, VL */
	WEIR_N_SIMD,
};

/* "auto", "v2" ... */
const char *weir_simd_name(enum weir_simd level);
/* The level of that name, or -EINVAL. */
int weir_simd_find(const char *name);
/* Whether this CPU, and its operating system, can run the level. */
bool weir_simd_is_usable(enum weir_simd level);
/* The level itself, or for WEIR_SIMD_AUTO the best usable one. */
enum weir_simd weir_simd_resolve(enum weir_simd level);

#define WEIR_SIMD_PASTE2(name, level) name##_##level
#define WEIR_SIMD_PASTE(name, level)  WEIR_SIMD_PASTE2(name, level)
#define WEIR_SIMD_NAME(name)          WEIR_SIMD_PASTE(name, WEIR_SIMD_LEVEL)

/*
 * The address of name_v2, name_v3 or name_v4, which are of one type: that of the level, or for
 * WEIR_SIMD_AUTO of the best usable one.
 */
#define WEIR_SIMD_OF(level, name)                                                                  \
	((__typeof__(&name##_v2) const[WEIR_N_SIMD]){                                              \
	    [WEIR_SIMD_V2] = &name##_v2,                                                           \
	    [WEIR_SIMD_V3] = &name##_v3,                                                           \
	    [WEIR_SIMD_V4] = &name##_v4,                                                           \
	}[weir_simd_resolve(level)])

/*
 * One bit for each of 64 bools, each 0 or 1: the scalar twin. The product moves the lowest bits of
 * eight bytes to the top byte, the first one lowest (little endian).
 */
static inline uint64_t
weir_bools_pack64_scalar(const uint8_t *bools)
{
	uint64_t bits = 0;

	for (unsigned byte = 0; byte < 8; byte++) {
		uint64_t eight;

		memcpy(&eight, bools + byte * 8, sizeof(eight));
		bits |= (eight * UINT64_C(0x0102040810204080) >> 56) << (byte * 8);
	}
	return bits;
}

/* The same with what the level has. */
static inline uint64_t
weir_bools_pack64(const uint8_t *bools)
{
#if defined(__AVX512BW__)
	__m512i x = _mm512_loadu_si512(bools);

	return _mm512_test_epi8_mask(x, x);
#elif defined(__AVX2__)
	const __m256i zero = _mm256_setzero_si256();
	const __m256i *p = (const __m256i *)(const void *)bools;
	__m256i lo = _mm256_cmpgt_epi8(_mm256_loadu_si256(p), zero);
	__m256i hi = _mm256_cmpgt_epi8(_mm256_loadu_si256(p + 1), zero);

	return (uint64_t)(uint32_t)_mm256_movemask_epi8(hi) << 32 |
	       (uint32_t)_mm256_movemask_epi8(lo);
#elif defined(__SSE2__)
	const __m128i zero = _mm_setzero_si128();
	const __m128i *p = (const __m128i *)(const void *)bools;
	uint64_t bits = 0;

	for (unsigned i = 0; i < 4; i++)
		bits |= (uint64_t)(unsigned)_mm_movemask_epi8(
			    _mm_cmpgt_epi8(_mm_loadu_si128(p + i), zero))
			<< (i * 16);
	return bits;
#else
	return weir_bools_pack64_scalar(bools);
#endif
}

#endif
