/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>

#include "map.h"

/* Fraction bits of logarithms. */
#define LOG_BITS 40

static uint64_t
mix(uint64_t z)
{
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* FNV-1a. */
static uint64_t
hash_of_name(const char *name)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return mix(h);
}

/* -log2(x / 2^64) with LOG_BITS fraction bits, bit by bit; x > 0. */
static uint64_t
minus_log2(uint64_t x)
{
	unsigned zeros = (unsigned)__builtin_clzll(x);
	uint64_t log = (uint64_t)(63 - zeros) << LOG_BITS;
	uint64_t y = x << zeros; /* in [1, 2), as 63 bits */

	for (int bit = LOG_BITS - 1; bit >= 0; bit--) {
		unsigned __int128 square = (unsigned __int128)y * y >> 63;

		if (square >> 64) {
			log |= UINT64_C(1) << bit;
			square >>= 1;
		}
		y = (uint64_t)square;
	}
	return (UINT64_C(64) << LOG_BITS) - log;
}

void
weir_rendezvous(const struct weir_candidate *c, unsigned n, uint16_t *ret_owner)
{
	uint64_t *seeds = calloc(n, 2 * sizeof(*seeds));
	uint64_t *weights = seeds + n;

	if (!seeds)
		abort();
	for (unsigned i = 0; i < n; i++) {
		seeds[i] = hash_of_name(c[i].name);
		weights[i] = (uint64_t)llround(fmin(fmax(c[i].weight, 0.001), 1e6) * 1000);
	}
	for (unsigned slot = 0; slot < WEIR_CLUSTER_SLOTS; slot++) {
		uint64_t of_slot = mix((slot + 1) * UINT64_C(0x9e3779b97f4a7c15)), best_log = 0;
		unsigned best = 0;

		for (unsigned i = 0; i < n; i++) {
			uint64_t log = minus_log2(mix(seeds[i] ^ of_slot) | 1);
			/* weights[i] / log > weights[best] / best_log */
			bool is_better = (unsigned __int128)weights[i] * best_log >
					 (unsigned __int128)weights[best] * log;

			if (i > 0 && !is_better)
				continue;
			best = i;
			best_log = log;
		}
		ret_owner[slot] = c[best].node;
	}
	free(seeds);
}
