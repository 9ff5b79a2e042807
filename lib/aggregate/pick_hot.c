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

void
weir_agg_wide(const struct weir_layout *l, const struct weir_column *const *keys, uint32_t n,
    uint64_t wide[WEIR_MASK_WORDS])
{
	for (unsigned w = 0; w * 64 < n; w++) {
		uint8_t differ[64] = { 0 };

		for (unsigned k = 0; k < l->n_keys; k++) {
			const uint8_t *version = keys[k]->version;

			if (l->keys[k].store != WEIR_ADDR)
				continue;
			for (unsigned r = 0; r < 64; r++)
				differ[r] |= version[w * 64 + r] ^ 4;
		}
		for (unsigned r = 0; r < 64; r++)
			differ[r] = differ[r] ? 1 : 0;
		wide[w] = weir_bools_pack64(differ);
	}
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
