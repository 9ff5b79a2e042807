/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>

#include <weir/sketch/distinct.h>

#include "check.h"
#include "parts.h"
#include "random.h"

/* The bounds that docs/aggregates.md states, with exact numbers known by construction. */

static const uint64_t secrets[] = { 11, 0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9, 0x94d049bb133111eb,
	0xd6e8feb86659fd93 };

static void
add(struct weir_distinct *d, struct weir_sketch_memory *m, uint64_t x)
{
	uint64_t hash = weir_hash_words(&x, 1, 1, secrets);

	weir_distinct_add(d, m, hash, weir_bag_hash_word(m, hash));
}

/* Value number i of a kind: random, consecutive, and in steps of 2^16 and 2^40. */
static uint64_t
value(unsigned kind, uint32_t salt, uint32_t i)
{
	uint64_t rng = (uint64_t)salt << 32 | i;

	switch (kind) {
	case 0:
		return random_next(&rng);
	case 1:
		return (uint64_t)salt * 10000000 + i;
	case 2:
		return ((uint64_t)salt << 30 | i) << 16;
	default:
		return (uint64_t)i << 40 | salt;
	}
}
#define N_KINDS 4

/* n values, each in one part and some in several, merged: the estimate of the whole. */
static int64_t
estimate(unsigned kind, uint32_t salt, uint32_t n, unsigned parts, bool is_backwards)
{
	struct weir_sketch_memory m[PARTS_MAX];
	struct weir_distinct d[PARTS_MAX] = { 0 };
	unsigned whole = is_backwards ? parts - 1 : 0;
	int64_t got;

	for (unsigned p = 0; p < parts; p++)
		weir_sketch_memory_init(&m[p], p, PLENTY);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t again = 0; again <= i % 3; again++)
			add(&d[(i + again) % parts], &m[(i + again) % parts], value(kind, salt, i));
	for (unsigned p = 0; p < parts; p++)
		if (p != whole)
			weir_distinct_merge(&d[whole], &m[whole], &d[p]);
	got = weir_distinct_get(&d[whole]);
	for (unsigned p = 0; p < parts; p++) {
		CU_ASSERT_EQUAL(m[p].n_short, 0);
		weir_distinct_drop(&d[p], &m[p]);
		weir_sketch_memory_fini(&m[p]);
	}
	return got;
}

static void
few_are_counted_exactly(void)
{
	for (unsigned kind = 0; kind < N_KINDS; kind++)
		for (uint32_t n = 0; n <= WEIR_DISTINCT_EXACT; n += 32)
			for (unsigned parts = 1; parts <= PARTS_MAX; parts += 3)
				CU_ASSERT_EQUAL(estimate(kind, 1, n, parts, false), n);
}

static void
many_are_within_the_bound(void)
{
	static const uint32_t sizes[] = { 385, 500, 1000, 3000, 5000, 10000, 12000, 20000, 40000,
		100000 };
	double squares = 0, sum = 0;
	unsigned n = 0, beyond[4] = { 0 };

	for (unsigned kind = 0; kind < N_KINDS; kind++)
		for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
			for (uint32_t salt = 1; salt <= 25; salt++, n++) {
				double e =
				    (double)estimate(kind, salt, sizes[s], 1, false) / sizes[s] - 1;

				squares += e * e;
				sum += e;
				beyond[1] += fabs(e) > 0.01625;
				beyond[2] += fabs(e) > 0.0325;
				beyond[3] += fabs(e) > 0.052;
			}
	CU_ASSERT(sqrt(squares / n) < 0.0165);
	CU_ASSERT(fabs(sum / n) < 0.002); /* no bias */
	CU_ASSERT(beyond[1] < 0.34 * n);
	CU_ASSERT(beyond[2] < 0.055 * n);
	CU_ASSERT(beyond[3] <= 0.004 * n);
}

static void
merging_gives_the_same_answer(void)
{
	static const uint32_t sizes[] = { 380, 400, 2000, 30000 };

	for (unsigned s = 0; s < 4; s++) {
		int64_t whole = estimate(0, 9, sizes[s], 1, false);

		for (unsigned parts = 2; parts <= PARTS_MAX; parts++) {
			CU_ASSERT_EQUAL(estimate(0, 9, sizes[s], parts, false), whole);
			CU_ASSERT_EQUAL(estimate(0, 9, sizes[s], parts, true), whole);
		}
	}
}

static void
a_million_is_within_the_bound(void)
{
	CU_ASSERT(fabs((double)estimate(1, 3, 1000000, 1, false) / 1e6 - 1) < 0.052);
}

static void
without_memory_it_is_counted(void)
{
	struct weir_sketch_memory m;
	struct weir_distinct d = { 0 };

	weir_sketch_memory_init(&m, 1, 4096);
	for (uint64_t i = 0; i < 1000; i++)
		add(&d, &m, i);
	CU_ASSERT(m.n_short > 0);
	CU_ASSERT_EQUAL(weir_distinct_get(&d) + (int64_t)m.n_short, 1000);
	weir_sketch_memory_fini(&m);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "few are counted exactly", few_are_counted_exactly },
		{ "many are within the bound", many_are_within_the_bound },
		{ "merging gives the same answer", merging_gives_the_same_answer },
		{ "a million is within the bound", a_million_is_within_the_bound },
		{ "without memory it is counted", without_memory_it_is_counted },
		CU_TEST_INFO_NULL,
	};

	return check_run("distinct", tests);
}
