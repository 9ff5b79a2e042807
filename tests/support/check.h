/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef WEIR_SUPPORT_CHECK_H
#define WEIR_SUPPORT_CHECK_H

#include <stdio.h>
#include <string.h>

#include <CUnit/Basic.h>

/* Compare texts and show both where they differ, which CU_ASSERT_STRING_EQUAL does not. */
#define CHECK_TEXT(actual, expected) check_text((actual), (expected), __FILE__, __LINE__)

static inline void
check_text(const char *actual, const char *expected, const char *file, unsigned line)
{
	int is_equal = actual && strcmp(actual, expected) == 0;

	if (!is_equal)
		fprintf(stderr, "\n%s:%u:\n  got      %s\n  expected %s\n", file, line,
		    actual ? actual : "(null)", expected);
	CU_assertImplementation(is_equal, line, "texts are equal", file, "", CU_FALSE);
}

#define CHECK_SKIPPED 77 /* meson's exit status of a skipped test */

static int check_n_skipped;

/* Part of this program cannot run here: say why. It then counts as skipped, not as passed. */
static inline void
check_skip(const char *reason)
{
	printf("(skipped: %s) ", reason);
	check_n_skipped++;
}

/* Run the tests of a table, which an empty row ends, as one suite. Returns the program's exit
 * status. */
static inline int
check_run(const char *suite, const CU_TestInfo *tests)
{
	unsigned failures;
	CU_pSuite s;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return 1;
	s = CU_add_suite(suite, NULL, NULL);
	for (; s && tests->pName; tests++)
		if (!CU_add_test(s, tests->pName, tests->pTestFunc))
			return 1;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures() + (CU_get_number_of_asserts() == 0);
	CU_cleanup_registry();
	return !s || failures ? 1 : check_n_skipped ? CHECK_SKIPPED : 0;
}

#endif
