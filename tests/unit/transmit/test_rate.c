/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/transmit/rate.h>

#include <errno.h>

#include "check.h"

static void
test_parse(void)
{
	static const struct {
		const char *text;
		enum weir_rate_kind kind;
		uint64_t micro;
	} good[] = {
		{ "max", WEIR_RATE_MAX, 0 },
		{ "recorded", WEIR_RATE_RECORDED, 1000000 },
		{ "recorded:0.5", WEIR_RATE_RECORDED, 500000 },
		{ "recorded:10", WEIR_RATE_RECORDED, 10000000 },
		{ "1", WEIR_RATE_PACKETS, 1000000 },
		{ "0.000001", WEIR_RATE_PACKETS, 1 },
		{ "1M", WEIR_RATE_PACKETS, UINT64_C(1000000000000) },
		{ "14.88Mpps", WEIR_RATE_PACKETS, UINT64_C(14880000000000) },
		{ "14880952.380952", WEIR_RATE_PACKETS, UINT64_C(14880952380952) },
		{ "1Gpps", WEIR_RATE_PACKETS, UINT64_C(1000000000000000) },
		{ "1500kbps", WEIR_RATE_BITS, UINT64_C(1500000000000) },
		{ "2.5Gbps", WEIR_RATE_BITS, UINT64_C(2500000000000000) },
		{ "10Gline", WEIR_RATE_LINE, UINT64_C(10000000000000000) },
		{ "50%", WEIR_RATE_SHARE, 500000 },
		{ "0.0001%", WEIR_RATE_SHARE, 1 },
		{ "100%", WEIR_RATE_SHARE, 1000000 },
	};

	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct weir_rate r = { 0 };
		struct weir_error err = { 0 };

		if (weir_rate_parse(good[i].text, &r, &err))
			fprintf(stderr, "\n%s: %s\n", good[i].text, err.text);
		CU_ASSERT_EQUAL(r.kind, good[i].kind);
		CU_ASSERT_EQUAL(r.micro, good[i].micro);
	}
}

static void
test_refuse(void)
{
	static const char *const bad[] = { "", "fast", "0", "-1", "1.", "x1", "1Mp", "2Gpps",
		"5Tbps", "0.0000001", "101%", "0%", "0.00001%", "recorded:0", "recorded:x",
		"recordedx", "1e6", "18446744073709551616", "1..5", "99999999999999999999999" };

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct weir_rate r = { WEIR_RATE_MAX, 77 };
		struct weir_error err = { 0 };
		int rc = weir_rate_parse(bad[i], &r, &err);

		if (i == 4) {
			CU_ASSERT_EQUAL(rc, 0); /* a dot without digits behind it is harmless */
			continue;
		}
		if (!rc)
			fprintf(stderr, "\n'%s' was taken\n", bad[i]);
		CU_ASSERT_NOT_EQUAL(rc, 0);
		CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
		CU_ASSERT_EQUAL(r.micro, 77);
	}
}

static void
test_nearest(void)
{
	struct weir_rate r;
	struct weir_error err;

	weir_rate_parse("1Mbbs", &r, &err);
	CHECK_TEXT(err.text, "'1Mbbs' is no rate (try the unit 'bps')");
	weir_rate_parse("maxx", &r, &err);
	CHECK_TEXT(err.text, "'maxx' is no rate (try 'max')");
}

static void
test_line(void)
{
	struct weir_rate half = { WEIR_RATE_SHARE, 500000 }, pps = { WEIR_RATE_PACKETS, 5 };
	struct weir_error err;
	uint64_t bps = 0;
	char text[96];

	CU_ASSERT_EQUAL(weir_rate_of_line(&half, 0, &err), -ENOTSUP);
	CU_ASSERT_EQUAL(weir_rate_of_line(&half, UINT64_C(10000000000), &err), 0);
	CU_ASSERT_EQUAL(half.kind, WEIR_RATE_LINE);
	CHECK_TEXT(weir_rate_text(&half, text, sizeof(text)), "5000000000 bit/s of line");
	CU_ASSERT_EQUAL(weir_rate_of_line(&pps, 0, &err), 0);
	CU_ASSERT_EQUAL(pps.micro, 5);
	CHECK_TEXT(weir_rate_text(&pps, text, sizeof(text)), "0.000005 packets/s");
	CU_ASSERT_EQUAL(weir_line_parse("2.5G", &bps, &err), 0);
	CU_ASSERT_EQUAL(bps, UINT64_C(2500000000));
	CU_ASSERT_EQUAL(weir_line_parse("10Gbps", &bps, &err), 0);
	CU_ASSERT_NOT_EQUAL(weir_line_parse("0", &bps, &err), 0);
	CU_ASSERT_NOT_EQUAL(weir_line_parse("10Gb", &bps, &err), 0);
	CU_ASSERT_EQUAL(bps, UINT64_C(10000000000));
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "every form, exact to a millionth", test_parse },
		{ "what is none, out of range or too fine", test_refuse },
		{ "the nearest word", test_nearest },
		{ "shares of a line", test_line },
		CU_TEST_INFO_NULL,
	};

	return check_run("rate", tests);
}
