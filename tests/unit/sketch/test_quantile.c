/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>

#include <weir/sketch/quantile.h>

#include "check.h"
#include "parts.h"
#include "random.h"

/* Quantiles against sorted arrays: within 1/256 of the exact one, whatever the values are. */

#define N 5000

static const double shares[] = { 0, 0.001, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1 };
#define N_SHARES (sizeof(shares) / sizeof(shares[0]))

static int
compare_ints(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int
compare_floats(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static uint32_t
rank_of(double q, uint32_t n)
{
	double r = ceil(q * n);

	return r < 1 ? 0 : (uint32_t)r - 1;
}

/* Random of all sizes, skewed, at the edges of buckets, of one size, all the same, and the ends. */
static int64_t
int_value(unsigned kind, uint32_t i, uint64_t *rng)
{
	uint64_t x = random_next(rng);

	switch (kind) {
	case 0:
		return (int64_t)x >> random_next(rng) % 64;
	case 1:
		return (int64_t)exp((double)(x % 2000) / 100);
	case 2:
		return (int64_t)((UINT64_C(1) << x % 63) - (i % 2));
	case 3:
		return 60 + (int64_t)(x % 1455);
	case 4:
		return 1000003;
	default:
		return i % 3 ? INT64_MIN + (int64_t)(i % 3 - 1) : INT64_MAX;
	}
}
#define N_INT_KINDS 6

static double
float_value(unsigned kind, uint64_t *rng)
{
	uint64_t x = random_next(rng);
	double y;

	switch (kind) {
	case 0: /* any bits but NaN */
		memcpy(&y, &x, sizeof(y));
		return isfinite(y) && fabs(y) > 3e-308 ? y : x % 2 ? INFINITY : 0.0;
	case 1:
		return 1 / (1e-9 + (double)(x % 100000) / 100000);
	default:
		return ldexp(x % 2 ? 1 : -1, (int)(x >> 1 & 127) - 64) *
		       (x & 256 ? 1 : 1 - 0x1p-53);
	}
}
#define N_FLOAT_KINDS 3

struct parts {
	struct weir_sketch_memory m[PARTS_MAX];
	struct weir_quantile s[PARTS_MAX];
	unsigned n;
};

static void
begin(struct parts *p, unsigned n)
{
	memset(p, 0, sizeof(*p));
	p->n = n;
	for (unsigned i = 0; i < n; i++)
		weir_sketch_memory_init(&p->m[i], 3, PLENTY);
}

static const struct weir_quantile *
whole(struct parts *p)
{
	for (unsigned i = 1; i < p->n; i++)
		weir_quantile_merge(&p->s[0], &p->m[0], &p->s[i]);
	CU_ASSERT_EQUAL(p->m[0].n_short, 0);
	return &p->s[0];
}

static void
end(struct parts *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		weir_quantile_drop(&p->s[i], &p->m[i]);
		weir_sketch_memory_fini(&p->m[i]);
	}
}

static void
integers_are_within_the_bound(void)
{
	static int64_t x[N];
	uint64_t rng = 2;

	for (unsigned kind = 0; kind < N_INT_KINDS; kind++)
		for (unsigned n = 1; n <= PARTS_MAX; n++) {
			uint32_t rows = n == 3 ? 7 : N;
			struct parts p;

			begin(&p, n);
			for (uint32_t i = 0; i < rows; i++) {
				x[i] = int_value(kind, i, &rng);
				weir_quantile_add(
				    &p.s[i % n], &p.m[i % n], weir_quantile_key_of_int(x[i]), 1);
			}
			qsort(x, rows, sizeof(x[0]), compare_ints);
			for (unsigned q = 0; q < N_SHARES; q++) {
				int64_t want = x[rank_of(shares[q], rows)], got;
				int32_t key;

				CU_ASSERT_FATAL(
				    weir_quantile_key(q ? &p.s[0] : whole(&p), shares[q], &key));
				got = weir_quantile_int(key);
				CU_ASSERT(
				    fabs((double)got - (double)want) <= fabs((double)want) / 256);
				if (want > -256 && want < 256)
					CU_ASSERT_EQUAL(got, want);
			}
			end(&p);
		}
}

static void
floats_are_within_the_bound(void)
{
	static double x[N];
	uint64_t rng = 3;

	for (unsigned kind = 0; kind < N_FLOAT_KINDS; kind++)
		for (unsigned n = 1; n <= PARTS_MAX; n++) {
			struct parts p;

			begin(&p, n);
			for (uint32_t i = 0; i < N; i++) {
				x[i] = float_value(kind, &rng);
				weir_quantile_add(
				    &p.s[i % n], &p.m[i % n], weir_quantile_key_of_float(x[i]), 1);
			}
			qsort(x, N, sizeof(x[0]), compare_floats);
			for (unsigned q = 0; q < N_SHARES; q++) {
				double want = x[rank_of(shares[q], N)], got;
				int32_t key;

				CU_ASSERT_FATAL(
				    weir_quantile_key(q ? &p.s[0] : whole(&p), shares[q], &key));
				got = weir_quantile_float(key);
				CU_ASSERT(got == want ||
					  fabs(got / 256 - want / 256) <= fabs(want / 256) / 256);
			}
			end(&p);
		}
}

static void
keys_have_the_order_of_numbers(void)
{
	int32_t before = weir_quantile_key_of_int(-70000);

	for (int64_t x = -69999; x < 70000; x++) {
		int32_t key = weir_quantile_key_of_int(x);

		CU_ASSERT_FATAL(key == before || key == before + 1);
		before = key;
	}
	CU_ASSERT_EQUAL(weir_quantile_int(weir_quantile_key_of_int(INT64_MIN)), INT64_MIN);
	CU_ASSERT_EQUAL(weir_quantile_float(weir_quantile_key_of_float(-INFINITY)), -INFINITY);
	CU_ASSERT_EQUAL(weir_quantile_float(weir_quantile_key_of_float(0)), 0);
	CU_ASSERT_EQUAL(weir_quantile_key_of_float(-0.0), weir_quantile_key_of_float(0));
}

static void
none_has_no_quantile(void)
{
	struct weir_quantile s = { 0 };
	int32_t key;

	CU_ASSERT_FALSE(weir_quantile_key(&s, 0.5, &key));
}

static void
memory_is_bounded_and_what_it_lacks_is_counted(void)
{
	struct weir_sketch_memory m;
	struct weir_quantile s = { 0 };

	weir_sketch_memory_init(&m, 1, 5000);
	for (int32_t key = 0; key < 3000; key++)
		weir_quantile_add(&s, &m, key, 1);
	CU_ASSERT(m.bytes <= 5000);
	CU_ASSERT_EQUAL(s.n + m.n_short, 3000);
	weir_sketch_memory_fini(&m);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "integers are within the bound", integers_are_within_the_bound },
		{ "floats are within the bound", floats_are_within_the_bound },
		{ "keys have the order of numbers", keys_have_the_order_of_numbers },
		{ "none has no quantile", none_has_no_quantile },
		{ "memory is bounded and what it lacks is counted",
		    memory_is_bounded_and_what_it_lacks_is_counted },
		CU_TEST_INFO_NULL,
	};

	return check_run("quantile", tests);
}
