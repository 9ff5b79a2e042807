/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_UNIT_SOURCE_SUITE_H
#define TESTS_UNIT_SOURCE_SUITE_H

#include <stdlib.h>

#include <CUnit/Basic.h>
#include <CUnit/CUnit.h>

struct test {
	const char *name;
	void (*run)(void);
};

/* Run the tests up to one without name; the program's exit status. */
static inline int
run_suite(const char *name, const struct test *tests)
{
	CU_pSuite suite;
	unsigned failed;

	if (CU_initialize_registry() != CUE_SUCCESS)
		return EXIT_FAILURE;
	suite = CU_add_suite(name, NULL, NULL);
	for (; suite && tests->name; tests++)
		if (!CU_add_test(suite, tests->name, tests->run))
			return EXIT_FAILURE;
	CU_basic_set_mode(CU_BRM_VERBOSE);
	CU_basic_run_tests();
	failed = CU_get_number_of_failures();
	CU_cleanup_registry();
	return suite && !failed ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
