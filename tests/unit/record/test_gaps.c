/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include <weir/base/time.h>
#include <weir/record/gaps.h>

#include "check.h"
#include "random.h"

/* Against a list of all times. */
static void
gaps_touch_windows(void)
{
	enum { N = 64 };
	uint64_t state = 5;

	for (unsigned round = 0; round < 500; round++) {
		struct weir_gaps g = { 0 };
		bool lacks[N + 1] = { false };

		for (unsigned k = 0; k < round % 9; k++) {
			int64_t from_ns = (int64_t)(random_next(&state) % N);
			int64_t until_ns = from_ns + (int64_t)(random_next(&state) % 8);

			until_ns = until_ns > N ? N : until_ns;
			CU_ASSERT_EQUAL(weir_gaps_add(&g, from_ns, until_ns), 0);
			for (int64_t t = from_ns + 1; t <= until_ns; t++)
				lacks[t] = true;
		}
		for (unsigned i = 1; i < g.n; i++)
			CU_ASSERT(g.gaps[i - 1].until_ns < g.gaps[i].from_ns);
		for (int64_t start_ns = 0; start_ns < N; start_ns++)
			for (int64_t end_ns = start_ns + 1; end_ns <= N; end_ns += 7) {
				bool is_hit = false;

				for (int64_t t = start_ns + 1; t <= end_ns; t++)
					is_hit |= lacks[t];
				CU_ASSERT_EQUAL(weir_gaps_touch(&g, start_ns, end_ns), is_hit);
			}
		weir_gaps_fini(&g);
	}
}

static void
at_the_edges(void)
{
	struct weir_gaps g = { 0 };

	CU_ASSERT_FALSE(weir_gaps_touch(&g, WEIR_TIME_NONE, WEIR_TIME_NONE));
	CU_ASSERT_EQUAL(weir_gaps_add(&g, 5, 5), 0);
	CU_ASSERT_EQUAL(g.n, 0);
	CU_ASSERT_EQUAL(weir_gaps_add(&g, INT64_MIN, 5), 0);
	CU_ASSERT_TRUE(weir_gaps_touch(&g, WEIR_TIME_NONE, WEIR_TIME_NONE));
	CU_ASSERT_TRUE(weir_gaps_touch(&g, 4, INT64_MAX));
	CU_ASSERT_FALSE(weir_gaps_touch(&g, 5, INT64_MAX));
	weir_gaps_fini(&g);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "gaps touch windows", gaps_touch_windows },
		{ "at the edges", at_the_edges },
		CU_TEST_INFO_NULL,
	};

	return check_run("times without packets", tests);
}
