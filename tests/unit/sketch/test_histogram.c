/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>

#include <weir/sketch/histogram.h>

#include "check.h"
#include "random.h"

/* Histograms against sorted arrays: never below the exact quantile, at most 1/128 above it. */

#define N     20000
#define PARTS 5

static const double shares[] = { 0, 0.001, 0.07, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1 };
#define N_SHARES (sizeof(shares) / sizeof(shares[0]))

static struct weir_histogram whole, part[PARTS];
static int64_t x[N];

static int
compare(const void *a, const void *b)
{
	const int64_t *p = a, *q = b;

	return (*p > *q) - (*p < *q);
}

/* All sizes, the edges of buckets, a tail, small ones, all the same. */
static int64_t
value(unsigned kind, uint32_t i, uint64_t *rng)
{
	uint64_t r = random_next(rng);

	switch (kind) {
	case 0:
		return (int64_t)(r >> (24 + r % 40));
	case 1:
		return (int64_t)((UINT64_C(1) << r % 40) - (r >> 60 ? 1 : 0)) %
		       WEIR_HISTOGRAM_MAX_NS;
	case 2:
		return 8000 + (int64_t)exp((double)(r % 2000) / 100);
	case 3:
		return (int64_t)(r % 300);
	default:
		return 1000003;
	}
}
#define N_KINDS 5

static void
quantiles_are_within_the_bound(void)
{
	uint64_t rng = 2;

	for (unsigned kind = 0; kind < N_KINDS; kind++) {
		double sum = 0;

		weir_histogram_reset(&whole);
		for (uint32_t i = 0; i < N; i++) {
			x[i] = value(kind, i, &rng);
			sum += (double)x[i];
			weir_histogram_add(&whole, x[i]);
		}
		qsort(x, N, sizeof(x[0]), compare);
		for (unsigned i = 0; i < N_SHARES; i++) {
			double r = ceil(shares[i] * N - 1e-6);
			int64_t want = x[r < 1 ? 0 : (uint32_t)r - 1];
			int64_t got = weir_histogram_quantile(&whole, shares[i]);

			CU_ASSERT(got >= want && (got - want) * 128 <= want);
			if (want < 256)
				CU_ASSERT_EQUAL(got, want);
		}
		CU_ASSERT_EQUAL(weir_histogram_count(&whole), N);
		CU_ASSERT_EQUAL(weir_histogram_min(&whole), x[0]);
		CU_ASSERT_EQUAL(weir_histogram_max(&whole), x[N - 1]);
		CU_ASSERT_EQUAL(weir_histogram_quantile(&whole, 1), x[N - 1]);
		CU_ASSERT(fabs(weir_histogram_mean(&whole) - sum / N) <= sum / N * 1e-12);
		CU_ASSERT_EQUAL(whole.n_below + whole.n_above, 0);
	}
}

static void
every_number_is_in_the_bucket_that_says_so(void)
{
	uint64_t rng = 5;

	for (uint32_t i = 0; i < 200000; i++) {
		uint64_t u = i < 70000 ? i : random_next(&rng) >> (24 + i % 40);
		struct weir_histogram_bucket b = { 0 };
		uint32_t at = weir_histogram_slot(u);

		CU_ASSERT_FATAL(at < WEIR_HISTOGRAM_BUCKETS);
		whole.max_ns = INT64_MAX;
		whole.buckets[at] = 1;
		CU_ASSERT_FATAL(weir_histogram_next(&whole, &at, &b));
		CU_ASSERT_FATAL(b.from_ns <= (int64_t)u && (int64_t)u <= b.to_ns);
		if (b.to_ns < INT64_MAX)
			CU_ASSERT((b.to_ns - b.from_ns) * 128 <= b.from_ns);
	}
	CU_ASSERT_EQUAL(weir_histogram_slot(WEIR_HISTOGRAM_MAX_NS), WEIR_HISTOGRAM_BUCKETS - 1);
}

static void
parts_merge_to_the_whole(void)
{
	uint64_t rng = 3;

	memset(part, 0, sizeof(part));
	weir_histogram_reset(&whole);
	for (uint32_t i = 0; i < N; i++) {
		int64_t ns = value(i % N_KINDS, i, &rng) - (i % 7 == 0);

		ns = i % 1000 ? ns : ns << 20;
		weir_histogram_add(&whole, ns);
		weir_histogram_add(&part[1 + i % (PARTS - 1)], ns);
	}
	for (unsigned i = 1; i < PARTS; i++)
		weir_histogram_merge(&part[0], &part[i]);
	CU_ASSERT(whole.n_above > 0 && whole.n_below > 0);
	CU_ASSERT_EQUAL(memcmp(&part[0], &whole, sizeof(whole)), 0);
}

static void
many_at_once_are_as_many_one_by_one(void)
{
	memset(part, 0, sizeof(part));
	for (int64_t ns = -3; ns < 4000; ns += 3) {
		for (int64_t i = 0; i < ns % 5; i++)
			weir_histogram_add(&part[0], ns);
		weir_histogram_add_n(&part[1], ns, ns % 5 > 0 ? (uint64_t)(ns % 5) : 0);
	}
	CU_ASSERT_EQUAL(memcmp(&part[0], &part[1], sizeof(part[0])), 0);
	weir_histogram_reset(&whole);
	weir_histogram_add_n(&whole, 7, 0);
	CU_ASSERT_EQUAL(weir_histogram_count(&whole), 0);
	CU_ASSERT_EQUAL(weir_histogram_max(&whole), 0);
	CU_ASSERT_EQUAL(weir_histogram_min(&whole), 0);
}

static void
what_is_out_of_range_is_counted(void)
{
	const int64_t far = INT64_C(5) << 40;

	weir_histogram_reset(&whole);
	weir_histogram_add(&whole, -5);
	weir_histogram_add(&whole, 1000);
	weir_histogram_add(&whole, far);
	weir_histogram_add(&whole, INT64_MAX);
	CU_ASSERT_EQUAL(whole.n_below, 1);
	CU_ASSERT_EQUAL(whole.n_above, 2);
	CU_ASSERT_EQUAL(weir_histogram_min(&whole), 0);
	CU_ASSERT_EQUAL(weir_histogram_max(&whole), INT64_MAX);
	CU_ASSERT_EQUAL(weir_histogram_quantile(&whole, 0.25), 0);
	CU_ASSERT_EQUAL(weir_histogram_quantile(&whole, 0.5), 1003);
	CU_ASSERT_EQUAL(weir_histogram_quantile(&whole, 0.75), INT64_MAX);
	/* The sum of very many large ones does not overflow. */
	weir_histogram_reset(&whole);
	weir_histogram_add_n(&whole, far, UINT64_C(1) << 40);
	CU_ASSERT_DOUBLE_EQUAL(weir_histogram_mean(&whole), (double)far, 1);
}

static void
buckets_are_walked_in_order(void)
{
	struct weir_histogram_bucket b = { 0 }, before = { -1, -1, 0 };
	uint64_t rng = 9, n = 0;
	uint32_t at = 0;

	weir_histogram_reset(&whole);
	CU_ASSERT_FALSE(weir_histogram_next(&whole, &at, &b));
	for (uint32_t i = 0; i < N; i++)
		weir_histogram_add(&whole, value(0, i, &rng));
	for (at = 0; weir_histogram_next(&whole, &at, &b); before = b) {
		CU_ASSERT(b.from_ns > before.to_ns && b.to_ns >= b.from_ns && b.n > 0);
		n += b.n;
	}
	CU_ASSERT_EQUAL(n, N);
	CU_ASSERT_EQUAL(b.to_ns, weir_histogram_max(&whole));
	CU_ASSERT_FALSE(weir_histogram_next(&whole, &at, &b));
}

static void
a_quantile_needs_its_samples(void)
{
	weir_histogram_reset(&whole);
	CU_ASSERT_FALSE(weir_histogram_has_quantile(&whole, 0.5));
	CU_ASSERT_FALSE(weir_histogram_has_quantile(&whole, 1));
	CU_ASSERT_EQUAL(weir_histogram_quantile(&whole, 0.5), 0);
	CU_ASSERT_EQUAL(weir_histogram_mean(&whole), 0);
	CU_ASSERT_EQUAL(weir_histogram_deviation(&whole), 0);
	weir_histogram_add_n(&whole, 100, 99);
	CU_ASSERT_TRUE(weir_histogram_has_quantile(&whole, 0.9));
	CU_ASSERT_FALSE(weir_histogram_has_quantile(&whole, 0.99));
	weir_histogram_add(&whole, 200);
	CU_ASSERT_TRUE(weir_histogram_has_quantile(&whole, 0.99));
	CU_ASSERT_FALSE(weir_histogram_has_quantile(&whole, 0.999));
	CU_ASSERT_TRUE(weir_histogram_has_quantile(&whole, 1));
	CU_ASSERT_EQUAL(weir_histogram_quantile(&whole, 0.99), 100);
	CU_ASSERT_EQUAL(weir_histogram_quantile(&whole, 0.999), 200);
	CU_ASSERT_DOUBLE_EQUAL(weir_histogram_deviation(&whole), sqrt(99.0), 1e-9);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "quantiles are within the bound", quantiles_are_within_the_bound },
		{ "every number is in the bucket that says so",
		    every_number_is_in_the_bucket_that_says_so },
		{ "parts merge to the whole", parts_merge_to_the_whole },
		{ "many at once are as many one by one", many_at_once_are_as_many_one_by_one },
		{ "what is out of range is counted", what_is_out_of_range_is_counted },
		{ "buckets are walked in order", buckets_are_walked_in_order },
		{ "a quantile needs its samples", a_quantile_needs_its_samples },
		CU_TEST_INFO_NULL,
	};

	return check_run("histogram", tests);
}
