/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include <weir/base/error.h>

#include "check.h"

static void
test_run_keeps_code_and_status(void)
{
	struct weir_error err = { 0 };

	CU_ASSERT_EQUAL(weir_error_run(&err, -ENOENT, "no file %s", "x"), -ENOENT);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_RUN);
	CU_ASSERT_EQUAL(err.code, -ENOENT);
	CHECK_TEXT(err.text, "no file x");
}

static void
test_usage_is_einval_and_status_2(void)
{
	struct weir_error err = { 0 };

	CU_ASSERT_EQUAL(weir_error_usage(&err, "bad %d", 7), -EINVAL);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
	CU_ASSERT_EQUAL((int)err.fail, 2);
	CHECK_TEXT(err.text, "bad 7");
}

static void
test_wrap_puts_context_in_front(void)
{
	struct weir_error err = { 0 };

	weir_error_run(&err, -EIO, "cause");
	CU_ASSERT_EQUAL(weir_error_wrap(&err, "%s '%s'", "--sink", "x"), -EIO);
	CHECK_TEXT(err.text, "--sink 'x': cause");
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_RUN);
}

static void
test_long_texts_are_cut_not_overrun(void)
{
	struct weir_error err = { 0 };
	char big[3000];

	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	weir_error_usage(&err, "%s", big);
	CU_ASSERT_EQUAL(strlen(err.text), sizeof(err.text) - 1);
	weir_error_wrap(&err, "%s", big);
	CU_ASSERT_EQUAL(strlen(err.text), sizeof(err.text) - 1);
	CU_ASSERT_EQUAL(err.code, -EINVAL);
}

static void
test_null_trail_is_allowed(void)
{
	CU_ASSERT_EQUAL(weir_error_run(NULL, -EIO, "x"), -EIO);
	CU_ASSERT_EQUAL(weir_error_usage(NULL, "x"), -EINVAL);
	CU_ASSERT_TRUE(weir_error_wrap(NULL, "x") < 0);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "run keeps code and status", test_run_keeps_code_and_status },
		{ "usage is EINVAL and status 2", test_usage_is_einval_and_status_2 },
		{ "wrap puts context in front", test_wrap_puts_context_in_front },
		{ "long texts are cut", test_long_texts_are_cut_not_overrun },
		{ "a NULL trail is allowed", test_null_trail_is_allowed },
		CU_TEST_INFO_NULL,
	};

	return check_run("base/error", tests);
}
