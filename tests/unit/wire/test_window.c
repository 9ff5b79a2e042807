/* SPDX-License-Identifier: BSD-3-Clause */
/* The window of numbers seen, against a plain list of all numbers. */
#include <stdlib.h>

#include "check.h"
#include "random.h"
#include "seal_window.h"

#define N_NUMBERS (1u << 20)

static struct seal_window w;

static void
test_in_order(void)
{
	memset(&w, 0, sizeof(w));
	for (uint64_t i = 1; i < 100000; i++) {
		if (!seal_window_add(&w, i) || seal_window_add(&w, i)) {
			CU_FAIL("a number is taken once");
			return;
		}
	}
	CU_PASS("each number is taken once");
}

static void
test_edges(void)
{
	memset(&w, 0, sizeof(w));
	CU_ASSERT_FALSE(seal_window_add(&w, 0));
	CU_ASSERT_TRUE(seal_window_add(&w, 1000000));
	CU_ASSERT_TRUE(seal_window_add(&w, 1000000 - SEAL_WINDOW_NUMBERS + 1));
	CU_ASSERT_FALSE(seal_window_add(&w, 1000000 - SEAL_WINDOW_NUMBERS + 1));
	CU_ASSERT_FALSE(seal_window_add(&w, 1000000 - SEAL_WINDOW_NUMBERS));
	CU_ASSERT_TRUE(seal_window_has(&w, 1));
	/* a jump past all of it leaves nothing behind */
	CU_ASSERT_TRUE(seal_window_add(&w, UINT64_C(1) << 47));
	CU_ASSERT_TRUE(seal_window_has(&w, 1000000));
	for (uint64_t i = 1; i < SEAL_WINDOW_NUMBERS; i++)
		if (!seal_window_add(&w, (UINT64_C(1) << 47) - i)) {
			CU_FAIL("the window is empty below the highest");
			return;
		}
	CU_ASSERT_FALSE(seal_window_add(&w, (UINT64_C(1) << 47) - SEAL_WINDOW_NUMBERS));
}

static uint64_t
random_below(uint64_t *seed, uint64_t below)
{
	return random_next(seed) % below;
}

/* Jumps of all sizes, reordering, repeats. */
static void
test_against_list(void)
{
	bool *seen = calloc(N_NUMBERS, sizeof(*seen));
	uint64_t seed = 11, highest = 0, n_added = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(seen);
	memset(&w, 0, sizeof(w));
	while (highest < N_NUMBERS - 40000) {
		uint64_t number = highest + 1 + random_below(&seed, 1u << random_below(&seed, 15));
		bool is_new;

		if (random_below(&seed, 4) && highest)
			number = highest - random_below(&seed, highest < 20000 ? highest : 20000);
		is_new =
		    number > highest || (highest - number < SEAL_WINDOW_NUMBERS && !seen[number]);
		if (seal_window_has(&w, number) == is_new ||
		    seal_window_add(&w, number) != is_new) {
			CU_FAIL("the window agrees with the list");
			break;
		}
		n_added += is_new;
		seen[number] = true;
		highest = number > highest ? number : highest;
	}
	CU_ASSERT(n_added > 100);
	free(seen);
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "numbers in order", test_in_order },
		{ "the window's edges", test_edges },
		{ "numbers in disorder", test_against_list },
		CU_TEST_INFO_NULL,
	};

	return check_run("window", tests);
}
