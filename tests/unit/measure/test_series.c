/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/measure/series.h>

#include "check.h"

#define MS INT64_C(1000000)

static struct weir_series *
create(int64_t duration_ns)
{
	struct weir_series *s = NULL;

	CU_ASSERT_EQUAL_FATAL(weir_series_create(1000, duration_ns, &s), 0);
	return s;
}

static void
each_interval_has_its_percentiles(void)
{
	struct weir_series *s = create(0);

	for (int64_t i = 0; i < 100; i++)
		weir_series_add(s, 1000 + i, i + 1);
	weir_series_add(s, 1000 + 100 * MS - 1, 200);
	weir_series_add(s, 1000 + 100 * MS, 7);
	/* Nothing in the third to the ninth. */
	weir_series_add(s, 1000 + 950 * MS, 9);
	weir_series_close(s, 1000 + 980 * MS);
	weir_series_close(s, 1000 + 990 * MS);
	CU_ASSERT_EQUAL_FATAL(s->n_points, 3);
	CU_ASSERT_EQUAL(s->points[0].from_ns, 0);
	CU_ASSERT_EQUAL(s->points[0].n, 101);
	CU_ASSERT_EQUAL(s->points[0].p50_ns, 51);
	CU_ASSERT_EQUAL(s->points[0].p99_ns, 100);
	CU_ASSERT_EQUAL(s->points[0].max_ns, 200);
	CU_ASSERT_EQUAL(s->points[1].from_ns, 100 * MS);
	CU_ASSERT_EQUAL(s->points[1].max_ns, 7);
	CU_ASSERT_EQUAL(s->points[2].from_ns, 900 * MS);
	CU_ASSERT_EQUAL(s->points[2].p99_ns, 9);
	weir_series_destroy(s);
}

static void
long_ones_have_longer_intervals(void)
{
	const int64_t hour = INT64_C(3600000000000);
	struct weir_series *s = create(hour);

	for (int64_t t = 0; t < hour; t += 100 * MS)
		weir_series_add(s, 1000 + t, 5);
	weir_series_close(s, 1000 + hour);
	CU_ASSERT(s->n_points > WEIR_SERIES_POINTS / 2 && s->n_points <= WEIR_SERIES_POINTS);
	CU_ASSERT_EQUAL(s->n_beyond, 0);
	weir_series_destroy(s);
}

static void
what_has_no_point_is_counted(void)
{
	struct weir_series *s = create(0);

	for (int64_t i = 0; i < WEIR_SERIES_POINTS + 10; i++)
		weir_series_add(s, 1000 + i * 100 * MS, 5);
	weir_series_close(s, INT64_MAX / 2);
	CU_ASSERT_EQUAL(s->n_points, WEIR_SERIES_POINTS);
	CU_ASSERT_EQUAL(s->n_beyond, 10);
	weir_series_destroy(s);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "each interval has its percentiles", each_interval_has_its_percentiles },
		{ "long ones have longer intervals", long_ones_have_longer_intervals },
		{ "what has no point is counted", what_has_no_point_is_counted },
		CU_TEST_INFO_NULL,
	};

	return check_run("series", tests);
}
