/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_BASE_HASH_H
#define WEIR_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Keyed hash of the words of a key. Pairs of words, each with its own secret, are multiplied to 128
 * bits and folded (the multiply-fold of wyhash); the pairs are independent, so that they overlap in
 * the pipeline. Without the secrets nobody can choose keys that meet; and a hash never stands for a
 * key.
 */

static inline uint64_t
weir_fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Word i of the key is key[i * step]. secrets: [words + 4]. */
static inline __attribute__((always_inline)) uint64_t
weir_hash_words(const uint64_t *key, uint32_t words, uint32_t step, const uint64_t *secrets)
{
	const uint64_t *last = secrets + words;
	uint64_t h = last[0];
	uint32_t i = 0;

	for (; i + 2 <= words; i += 2)
		h += weir_fold(key[(size_t)i * step] ^ secrets[i],
		    key[(size_t)(i + 1) * step] ^ secrets[i + 1]);
	if (i < words)
		h += weir_fold(key[(size_t)i * step] ^ secrets[i], last[1]);
	return weir_fold(h ^ last[2], last[3] | 1);
}

/* The half that the index keeps, and the half by which keys are sampled. */
static inline __attribute__((always_inline)) uint32_t
weir_hash_index(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

static inline __attribute__((always_inline)) uint32_t
weir_hash_sample(uint64_t hash)
{
	return (uint32_t)hash;
}

/* A string's, with the four last secrets. */
static inline uint64_t
weir_hash_bytes(const uint8_t *p, uint32_t len, const uint64_t *last)
{
	uint64_t h = last[0] ^ len;
	uint64_t w[2];

	for (; len > 16; len -= 16, p += 16) {
		memcpy(w, p, 16);
		h = weir_fold(w[0] ^ last[1] ^ h, w[1] ^ last[2]);
	}
	w[0] = w[1] = 0;
	if (len)
		memcpy(w, p, len);
	h = weir_fold(w[0] ^ last[1] ^ h, w[1] ^ last[2]);
	return weir_fold(h ^ last[2], last[3] | 1);
}

/* What is hashed of a float that is not NaN: equal ones have equal bits, so there is one zero. */
static inline __attribute__((always_inline)) uint64_t
weir_number_bits(double x)
{
	uint64_t bits;

	x += 0.0;
	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

/* Of any float: one NaN, too. Compared is the sum: where x itself is, gcc 12 makes no vectors. */
static inline __attribute__((always_inline)) uint64_t
weir_float_bits(double x)
{
	uint64_t bits;

	x += 0.0;
	if (x != x)
		x = __builtin_nan("");
	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

/*
 * Secrets one after the other from a seed, which is the state (splitmix64: Steele, Lea, Flood
 * 2014). They are as good as the seed, which nobody outside must know.
 */
static inline uint64_t
weir_next_secret(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

#endif
