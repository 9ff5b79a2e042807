/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/base/time.h>

#include "level.h"

#include <weir/base/poison.h> /* last */

/*
 * From masks to rows. AVX-512 moves the chosen lanes of a register to its front; it does so in a
 * register, as Zen 4 stores them one by one. What lies behind the chosen lanes is written too, and
 * then written over.
 */

#ifdef __AVX512F__

uint32_t
weir_agg_numbers(const uint64_t mask[WEIR_MASK_WORDS], uint32_t *numbers)
{
	const __m512i step = _mm512_set1_epi32(16);
	__m512i rows = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	uint32_t n = 0;

	/* Of so many rows before, at most as many were chosen: no store ends past the array. */
	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
		for (unsigned i = 0; i < 64; i += 16) {
			__mmask16 m = (__mmask16)(mask[w] >> i);

			_mm512_storeu_si512(numbers + n, _mm512_maskz_compress_epi32(m, rows));
			n += (uint32_t)__builtin_popcount(m);
			rows = _mm512_add_epi32(rows, step);
		}
	return n;
}

void
weir_agg_compress(const uint64_t mask[WEIR_MASK_WORDS], uint64_t *words)
{
	uint64_t *to = words;

	for (unsigned w = 0; w < WEIR_MASK_WORDS; w++)
		for (unsigned i = 0; i < 64; i += 8) {
			__mmask8 m = (__mmask8)(mask[w] >> i);
			__m512i x = _mm512_loadu_si512(words + w * 64 + i);

			_mm512_storeu_si512(to, _mm512_maskz_compress_epi64(m, x));
			to += __builtin_popcount(m);
		}
}

#else

uint32_t
weir_agg_numbers(const uint64_t mask[WEIR_MASK_WORDS], uint32_t *numbers)
{
	uint32_t n = 0;

	WEIR_FOR_EACH_BIT (r, mask)
		numbers[n++] = (uint32_t)r;
	return n;
}

void
weir_agg_compress(const uint64_t mask[WEIR_MASK_WORDS], uint64_t *words)
{
	uint32_t n = 0;

	WEIR_FOR_EACH_BIT (r, mask)
		words[n++] = words[r];
}

#endif

/* Which of 64 addresses are not IPv4. The plain loop is not vectorised by gcc 12. */
static inline uint64_t
not_ipv4(const uint8_t version[64])
{
#if defined(__AVX512BW__)
	return _mm512_cmpneq_epi8_mask(_mm512_loadu_si512(version), _mm512_set1_epi8(4));
#elif defined(__SSE2__)
	const __m128i *p = (const __m128i *)(const void *)version;
	uint64_t equal = 0;

	for (unsigned i = 0; i < 4; i++)
		equal |= (uint64_t)(unsigned)_mm_movemask_epi8(
			     _mm_cmpeq_epi8(_mm_loadu_si128(p + i), _mm_set1_epi8(4)))
			 << (i * 16);
	return ~equal;
#else
	uint64_t differ = 0;

	for (unsigned r = 0; r < 64; r++)
		differ |= (uint64_t)(version[r] != 4) << r;
	return differ;
#endif
}

void
weir_agg_wide(const struct weir_layout *l, const struct weir_column *const *keys, uint32_t n,
    uint64_t wide[WEIR_MASK_WORDS])
{
	for (unsigned k = 0; k < l->n_keys; k++)
		for (unsigned w = 0; l->keys[k].store == WEIR_ADDR && w * 64 < n; w++)
			wide[w] |= not_ipv4(keys[k]->version + w * 64);
}

struct weir_agg_span
weir_agg_times(const int64_t *time_ns, uint32_t n)
{
	int64_t least = INT64_MAX, largest = INT64_MIN;
	uint64_t least_known =
	    UINT64_MAX; /* from the least time on; having none wraps to the most */

	for (uint32_t r = 0; r < n; r++) {
		uint64_t known = ((uint64_t)time_ns[r] ^ UINT64_C(1) << 63) - 1;

		least = time_ns[r] < least ? time_ns[r] : least;
		largest = time_ns[r] > largest ? time_ns[r] : largest;
		least_known = known < least_known ? known : least_known;
	}
	least_known = least_known == UINT64_MAX ? UINT64_MAX : least_known + 1;
	return (struct weir_agg_span){ least, (int64_t)(least_known ^ UINT64_C(1) << 63), largest };
}

const struct weir_agg_kernels weir_agg_level = {
	.numbers = weir_agg_numbers,
	.compress = weir_agg_compress,
	.wide = weir_agg_wide,
	.times = weir_agg_times,
	.pack = weir_agg_pack,
	.guess = weir_agg_guess,
	.find = weir_agg_find,
};
