/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TEST_DECODE_SUITE_H
#define TEST_DECODE_SUITE_H

#include <CUnit/Basic.h>

/* Run the tests of one table, which an empty row ends; non-zero when one fails. */
static inline int
run_suite(const char *name, const CU_TestInfo *tests)
{
	unsigned failures;
	CU_pSuite suite;

	CU_initialize_registry();
	suite = CU_add_suite(name, NULL, NULL);
	for (; tests->pName; tests++)
		CU_add_test(suite, tests->pName, tests->pTestFunc);
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failures = CU_get_number_of_failures();
	CU_cleanup_registry();
	return failures != 0;
}

#endif
