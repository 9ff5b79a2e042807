/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>

#include <weir/sketch/bag.h>

#include "check.h"
#include "parts.h"
#include "random.h"

/* Sets and bags against sorted arrays. */

#define N 20000

static int
compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint64_t
exact_distinct(const uint64_t *x, uint32_t n)
{
	uint64_t *sorted = malloc((n + 1) * sizeof(*sorted)), found = n > 0;

	memcpy(sorted, x, n * sizeof(*x));
	qsort(sorted, n, sizeof(*x), compare);
	for (uint32_t i = 1; i < n; i++)
		found += sorted[i] != sorted[i - 1];
	free(sorted);
	return found;
}

static double
exact_entropy(const uint64_t *x, uint32_t n)
{
	uint64_t *sorted = malloc((n + 1) * sizeof(*sorted));
	double h = 0;

	memcpy(sorted, x, n * sizeof(*x));
	qsort(sorted, n, sizeof(*x), compare);
	for (uint32_t i = 0, end; i < n; i = end) {
		double share;

		for (end = i + 1; end < n && sorted[end] == sorted[i]; end++)
			;
		share = (double)(end - i) / n;
		h -= share * log2(share);
	}
	free(sorted);
	return h;
}

/* Random, skewed, in steps that a mask does not see, and few: 0 among them. */
static uint64_t
value(unsigned kind, uint32_t i, uint64_t *rng)
{
	switch (kind) {
	case 0:
		return random_next(rng);
	case 1:
		return random_next(rng) % (1 + random_next(rng) % (1 + random_next(rng) % 5000));
	case 2:
		return (uint64_t)(i / 2) << 32;
	case 3:
		return i % 3;
	default:
		return 7;
	}
}
#define N_KINDS 5

static void
add(struct weir_bag *b, struct weir_sketch_memory *m, uint64_t x, bool is_counted, bool is_long)
{
	if (is_long) /* the same element, but not by the way for words */
		weir_bag_add(b, m, (struct weir_bag_shape){ 1, 0, is_counted }, &x, 1);
	else
		weir_bag_add_word(b, m, x, weir_bag_hash_word(m, x), is_counted);
}

/* Spread over parts, merged into the first: what is known of it. */
static void
check_parts(const uint64_t *x, uint32_t n, unsigned parts, bool is_counted)
{
	struct weir_sketch_memory m[PARTS_MAX];
	struct weir_bag b[PARTS_MAX] = { 0 };

	for (unsigned p = 0; p < parts; p++)
		weir_sketch_memory_init(&m[p], 5, PLENTY);
	for (uint32_t i = 0; i < n; i++)
		add(&b[i * 7 % parts], &m[i * 7 % parts], x[i], is_counted, i % 11 == 0);
	for (unsigned p = 1; p < parts; p++) {
		weir_bag_merge(&b[0], &m[0], &b[p], is_counted);
		weir_sketch_memory_fini(&m[p]);
		CU_ASSERT_EQUAL(m[p].bytes, 0);
	}
	if (is_counted)
		CU_ASSERT_DOUBLE_EQUAL(weir_bag_entropy(b, 1), exact_entropy(x, n), 1e-9);
	CU_ASSERT_EQUAL(weir_bag_count(&b[0]), exact_distinct(x, n));
	CU_ASSERT_EQUAL(m[0].n_short, 0);
	weir_bag_drop(&b[0], &m[0], is_counted);
	CU_ASSERT_EQUAL(weir_bag_count(&b[0]), 0);
	weir_sketch_memory_fini(&m[0]);
	CU_ASSERT_EQUAL(m[0].bytes, 0);
}

static void
sets_are_exact_however_they_are_merged(void)
{
	static const uint32_t sizes[] = { 0, 1, 2, 4, 5, 8, 9, 13, 100, N };
	static uint64_t x[N];
	uint64_t rng = 1;

	for (unsigned kind = 0; kind < N_KINDS; kind++)
		for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			for (uint32_t i = 0; i < sizes[s]; i++)
				x[i] = value(kind, i, &rng);
			for (unsigned parts = 1; parts <= PARTS_MAX; parts++) {
				check_parts(x, sizes[s], parts, false);
				if (sizes[s])
					check_parts(x, sizes[s], parts, true);
			}
		}
}

/* The bits, not only the number. */
static void
entropy_does_not_depend_on_the_order(void)
{
	struct weir_sketch_memory m;
	struct weir_bag up = { 0 }, down = { 0 };
	double a, b;

	weir_sketch_memory_init(&m, 1, PLENTY);
	for (uint32_t i = 0; i < N; i++) {
		add(&up, &m, i * i % 1009, true, false);
		add(&down, &m, (N - 1 - i) * (N - 1 - i) % 1009, true, true);
	}
	a = weir_bag_entropy(&up, 1);
	b = weir_bag_entropy(&down, 1);
	CU_ASSERT_EQUAL(memcmp(&a, &b, sizeof(a)), 0);
	CU_ASSERT(isnan(weir_bag_entropy(NULL, 0)));
	weir_sketch_memory_fini(&m);
}

/* Pairs of a word and a string, the bytes of which are gone afterwards. */
static void
strings_are_copied_and_compared(void)
{
	const struct weir_bag_shape s = { 2, 1, false };
	struct weir_sketch_memory m, other;
	struct weir_bag b = { 0 }, merged = { 0 };

	weir_sketch_memory_init(&m, 1, PLENTY);
	weir_sketch_memory_init(&other, 1, PLENTY);
	for (unsigned round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 6000; i++) {
			char text[64];
			uint32_t len = (uint32_t)snprintf(text, sizeof(text), "%u.example", i / 2);
			uint64_t e[3] = { i % 2, 0, (uintptr_t)text };

			len = i / 2 ? len : 0;
			e[1] = weir_bag_string_word(&m, (const uint8_t *)text, len);
			weir_bag_add(&b, &m, s, e, 1);
			memset(text, 'x', sizeof(text));
		}
	CU_ASSERT_EQUAL(weir_bag_count(&b), 6000);
	weir_bag_merge(&merged, &other, &b, false);
	weir_bag_merge(&merged, &other, &b, false);
	weir_bag_drop(&b, &m, false);
	weir_sketch_memory_fini(&m);
	CU_ASSERT_EQUAL(weir_bag_count(&merged), 6000);
	weir_sketch_memory_fini(&other);
}

static void
memory_is_bounded_and_what_it_lacks_is_counted(void)
{
	struct weir_sketch_memory m, small;
	struct weir_bag b = { 0 }, c = { 0 };

	weir_sketch_memory_init(&m, 1, 100000);
	weir_sketch_memory_init(&small, 1, 20000);
	for (uint64_t i = 1; i <= N; i++) {
		add(&b, &m, i, false, i % 2);
		CU_ASSERT_FATAL(m.bytes <= 100000);
	}
	CU_ASSERT(weir_bag_count(&b) > 1000);
	CU_ASSERT_EQUAL(weir_bag_count(&b) + m.n_short, N);
	weir_bag_merge(&c, &small, &b, false);
	CU_ASSERT(small.bytes <= 20000);
	CU_ASSERT_EQUAL(weir_bag_count(&c) + small.n_short, weir_bag_count(&b));
	weir_sketch_memory_clear(&m);
	CU_ASSERT_EQUAL(m.n_short, 0);
	weir_sketch_memory_fini(&m);
	weir_sketch_memory_fini(&small);
	CU_ASSERT_EQUAL(m.bytes, 0);
}

/* Groups that come and go for ever need no more than those that are there. */
static void
memory_that_is_given_back_is_used_again(void)
{
	struct weir_sketch_memory m;
	struct weir_bag b[64] = { 0 };
	uint64_t rng = 4;

	weir_sketch_memory_init(&m, 1, PLENTY);
	for (uint32_t i = 0; i < 20000; i++) {
		struct weir_bag *one = &b[random_next(&rng) % 64];

		weir_bag_drop(one, &m, true);
		for (uint64_t n = random_next(&rng) % 100; n > 0; n--)
			add(one, &m, n, true, false);
	}
	CU_ASSERT_EQUAL(m.n_short, 0);
	CU_ASSERT(m.bytes < 1 << 20);
	for (uint32_t i = 0; i < 100; i++) { /* blocks with a chunk of their own */
		weir_bag_drop(&b[i % 4], &m, false);
		for (uint64_t n = 1; n < 50000; n++)
			add(&b[i % 4], &m, n, false, false);
	}
	CU_ASSERT(m.bytes < 8 << 20);
	weir_sketch_memory_fini(&m);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "sets are exact however they are merged",
		    sets_are_exact_however_they_are_merged },
		{ "entropy does not depend on the order", entropy_does_not_depend_on_the_order },
		{ "strings are copied and compared", strings_are_copied_and_compared },
		{ "memory is bounded and what it lacks is counted",
		    memory_is_bounded_and_what_it_lacks_is_counted },
		{ "memory that is given back is used again",
		    memory_that_is_given_back_is_used_again },
		CU_TEST_INFO_NULL,
	};

	return check_run("bag", tests);
}
