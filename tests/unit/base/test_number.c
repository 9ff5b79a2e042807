/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>

#include <weir/base/number.h>

#include "check.h"

#define UNTOUCHED 4711

static uint64_t
u64(const char *text)
{
	uint64_t n = UNTOUCHED;

	CU_ASSERT_EQUAL(weir_parse_u64(text, &n, NULL), 0);
	return n;
}

static uint64_t
size_of(const char *text)
{
	uint64_t n = UNTOUCHED;

	CU_ASSERT_EQUAL(weir_parse_size(text, &n, NULL), 0);
	return n;
}

static int64_t
duration(const char *text)
{
	int64_t ns = UNTOUCHED;

	CU_ASSERT_EQUAL(weir_parse_duration(text, &ns, NULL), 0);
	return ns;
}

/* The text is refused, as a usage error, and the result left alone. */
#define CHECK_REFUSED(parse, type, typed, words)                                                   \
	do {                                                                                       \
		struct weir_error err = { 0 };                                                     \
		type n_ = UNTOUCHED;                                                               \
		CU_ASSERT_TRUE(parse(typed, &n_, &err) < 0);                                       \
		CU_ASSERT_TRUE(n_ == (type)UNTOUCHED);                                             \
		CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);                                        \
		CHECK_TEXT(err.text, words);                                                       \
	} while (0)

static void
test_u64(void)
{
	CU_ASSERT_EQUAL(u64("0"), 0);
	CU_ASSERT_EQUAL(u64("18446744073709551615"), UINT64_MAX);
	CHECK_REFUSED(weir_parse_u64, uint64_t, "", "'' is not a whole number");
	CHECK_REFUSED(weir_parse_u64, uint64_t, "-1", "'-1' is not a whole number");
	CHECK_REFUSED(weir_parse_u64, uint64_t, " 1", "' 1' is not a whole number");
	CHECK_REFUSED(weir_parse_u64, uint64_t, "1x", "'1x' is not a whole number");
	CHECK_REFUSED(weir_parse_u64, uint64_t, "18446744073709551616",
	    "'18446744073709551616' does not fit in 64 bits");
}

static void
test_size(void)
{
	CU_ASSERT_EQUAL(size_of("17"), 17);
	CU_ASSERT_EQUAL(size_of("10k"), 10000);
	CU_ASSERT_EQUAL(size_of("10K"), 10000);
	CU_ASSERT_EQUAL(size_of("1M"), 1000000);
	CU_ASSERT_EQUAL(size_of("1.5M"), 1500000);
	CU_ASSERT_EQUAL(size_of("2G"), 2000000000);
	CU_ASSERT_EQUAL(size_of("18446744T"), UINT64_C(18446744000000000000));
	/* Above 2^63, with a fraction. */
	CU_ASSERT_EQUAL(size_of("10000000.5T"), UINT64_C(10000000500000000000));
	CHECK_REFUSED(weir_parse_size, uint64_t, "M", "'M' is not a size (try 10k, 1M)");
	CHECK_REFUSED(weir_parse_size, uint64_t, "1.M", "'1.M' is not a size (try 10k, 1M)");
	CHECK_REFUSED(weir_parse_size, uint64_t, "1.2.3M", "'1.2.3M' is not a size (try 10k, 1M)");
	CHECK_REFUSED(weir_parse_size, uint64_t, "1.5e3k", "'1.5e3k' is not a size (try 10k, 1M)");
	CHECK_REFUSED(weir_parse_size, uint64_t, "1kk", "'1kk' is not a size (try 10k, 1M)");
	CHECK_REFUSED(weir_parse_size, uint64_t, "-1k", "'-1k' is not a size (try 10k, 1M)");
	CHECK_REFUSED(
	    weir_parse_size, uint64_t, "18446745T", "'18446745T' does not fit in 64 bits");
	CHECK_REFUSED(
	    weir_parse_size, uint64_t, "99999999.5T", "'99999999.5T' does not fit in 64 bits");
}

static void
test_double(void)
{
	double d = 0;

	CU_ASSERT_EQUAL(weir_parse_double("-1.5e3", &d, NULL), 0);
	CU_ASSERT_EQUAL(d, -1500.0);
	CHECK_REFUSED(weir_parse_double, double, "nan", "'nan' is not a number");
	CHECK_REFUSED(weir_parse_double, double, "1e999", "'1e999' is not a number");
	CHECK_REFUSED(weir_parse_double, double, "1,5", "'1,5' is not a number");
	CHECK_REFUSED(weir_parse_double, double, "", "'' is not a number");
	CHECK_REFUSED(weir_parse_double, double, " 1", "' 1' is not a number");
}

static void
test_duration(void)
{
	CU_ASSERT_EQUAL(duration("5ns"), 5);
	CU_ASSERT_EQUAL(duration("128us"), 128000);
	CU_ASSERT_EQUAL(duration("200ms"), 200000000);
	CU_ASSERT_EQUAL(duration("1.5s"), 1500000000);
	CU_ASSERT_EQUAL(duration("0.000000001s"), 1);
	CU_ASSERT_EQUAL(duration("2m"), INT64_C(120000000000));
	CU_ASSERT_EQUAL(duration("1h"), INT64_C(3600000000000));
	CU_ASSERT_EQUAL(duration("1d"), INT64_C(86400000000000));
	CU_ASSERT_EQUAL(duration("9223372036s"), INT64_C(9223372036000000000));
	CHECK_REFUSED(weir_parse_duration, int64_t, "5", "'5' lacks a unit (try '5s', '5ms')");
	CHECK_REFUSED(weir_parse_duration, int64_t, "5sec",
	    "unknown unit 'sec' in '5sec' (try ns, us, ms, s, m, h or d)");
	CHECK_REFUSED(
	    weir_parse_duration, int64_t, "s", "'s' is not a duration (try '1s', '200ms')");
	CHECK_REFUSED(
	    weir_parse_duration, int64_t, "-1s", "'-1s' is not a duration (try '1s', '200ms')");
	CHECK_REFUSED(
	    weir_parse_duration, int64_t, "1.s", "'1.s' is not a duration (try '1s', '200ms')");
	CHECK_REFUSED(
	    weir_parse_duration, int64_t, "9223372037s", "duration '9223372037s' is too long");
	CHECK_REFUSED(weir_parse_duration, int64_t, "99999999999999999999ns",
	    "duration '99999999999999999999ns' is too long");
}

static void
test_text_of_counts(void)
{
	char b[32];

	CHECK_TEXT(weir_text_count(0, b, sizeof(b)), "0");
	CHECK_TEXT(weir_text_count(999, b, sizeof(b)), "999");
	CHECK_TEXT(weir_text_count(1000, b, sizeof(b)), "1.00k");
	CHECK_TEXT(weir_text_count(12345, b, sizeof(b)), "12.3k");
	CHECK_TEXT(weir_text_count(4560000, b, sizeof(b)), "4.56M");
	CHECK_TEXT(weir_text_count(999999, b, sizeof(b)), "1.00M");
	CHECK_TEXT(weir_text_count(1.8e19, b, sizeof(b)), "18.0E");
}

static void
test_text_of_durations(void)
{
	char b[32];

	CHECK_TEXT(weir_text_duration(0, b, sizeof(b)), "0ns");
	CHECK_TEXT(weir_text_duration(999, b, sizeof(b)), "999ns");
	CHECK_TEXT(weir_text_duration(1500, b, sizeof(b)), "1.5us");
	CHECK_TEXT(weir_text_duration(999600, b, sizeof(b)), "1ms");
	CHECK_TEXT(weir_text_duration(340000000, b, sizeof(b)), "340ms");
	CHECK_TEXT(weir_text_duration(999999999, b, sizeof(b)), "1.00s");
	CHECK_TEXT(weir_text_duration(1500000000, b, sizeof(b)), "1.50s");
	CHECK_TEXT(weir_text_duration(INT64_C(59999000000), b, sizeof(b)), "1m00s");
	CHECK_TEXT(weir_text_duration(INT64_C(125000000000), b, sizeof(b)), "2m05s");
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "whole numbers", test_u64 },
		{ "sizes", test_size },
		{ "numbers", test_double },
		{ "durations", test_duration },
		{ "text of counts", test_text_of_counts },
		{ "text of durations", test_text_of_durations },
		CU_TEST_INFO_NULL,
	};

	return check_run("base/number", tests);
}
