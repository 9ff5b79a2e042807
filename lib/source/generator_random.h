/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SOURCE_GENERATOR_RANDOM_H
#define WEIR_SOURCE_GENERATOR_RANDOM_H

#include <stdint.h>

/*
 * Random numbers that are the same for a seed on every machine: xoshiro256++ (Blackman and Vigna,
 * "Scrambled linear pseudorandom number generators", 2018), seeded by splitmix64.
 */
struct weir_gen_random {
	uint64_t s[4];
};

/* splitmix64's output function: a good hash of one number. */
static inline uint64_t
weir_gen_hash(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static inline void
weir_gen_random_seed(struct weir_gen_random *r, uint64_t seed)
{
	for (unsigned i = 0; i < 4; i++)
		r->s[i] = weir_gen_hash(seed + i * UINT64_C(0x9e3779b97f4a7c15));
}

static inline uint64_t
weir_gen_rotl(uint64_t x, unsigned k)
{
	return (x << k) | (x >> (64 - k));
}

static inline uint64_t
weir_gen_random_next(struct weir_gen_random *r)
{
	uint64_t *s = r->s;
	uint64_t result = weir_gen_rotl(s[0] + s[3], 23) + s[0];
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = weir_gen_rotl(s[3], 45);
	return result;
}

/* 0 to n - 1, by multiplication; the bias is below n / 2^64. */
static inline uint64_t
weir_gen_random_below(struct weir_gen_random *r, uint64_t n)
{
	return (uint64_t)(((unsigned __int128)weir_gen_random_next(r) * n) >> 64);
}

/*
 * Picks 0 to n - 1 in constant time with given weights: Walker's alias method in Vose's form ("A
 * linear algorithm for generating random numbers with a given distribution", 1991).
 */
struct weir_gen_alias {
	uint32_t n;
	uint32_t *keep;  /* in 2^32nds: the share of the time that i stays i; NULL: uniform */
	uint32_t *other; /* what it becomes else */
};

/* Weights 1 / (i + 1)^exponent; exponent 0 is uniform. Returns 0 or -ENOMEM. Control. */
int weir_gen_alias_zipf(struct weir_gen_alias *a, uint32_t n, double exponent);
void weir_gen_alias_free(struct weir_gen_alias *a);

static inline uint32_t
weir_gen_alias_pick(const struct weir_gen_alias *a, struct weir_gen_random *r)
{
	uint64_t x = weir_gen_random_next(r);
	uint32_t i = (uint32_t)(((x >> 32) * a->n) >> 32);

	if (!a->keep || (uint32_t)x < a->keep[i])
		return i;
	return a->other[i];
}

#endif
