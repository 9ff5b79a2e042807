/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>

#include <weir/base/time.h>
#include <weir/base/value.h>

#include "check.h"

static struct weir_value
number(enum weir_type type, int64_t i)
{
	struct weir_value v = { .type = type };

	if (type == WEIR_BOOL)
		v.b = i != 0;
	else
		v.i = i;
	return v;
}

static struct weir_value
real(double f)
{
	struct weir_value v = { .type = WEIR_FLOAT };

	v.f = f;
	return v;
}

static struct weir_value
bytes(const char *p, size_t len)
{
	struct weir_value v = { .type = WEIR_STRING };

	v.s = (struct weir_bytes){ (const uint8_t *)p, (uint32_t)len };
	return v;
}

static struct weir_value
address(const char *text)
{
	struct weir_value v = { .type = WEIR_IP };
	unsigned version = 0;

	CU_ASSERT_EQUAL(weir_ip_parse(text, &v.addr, &version), 0);
	v.version = (uint8_t)version;
	return v;
}

static const char *
json(struct weir_value v)
{
	static char buf[512];
	size_t n = weir_value_json(&v, buf, sizeof(buf));

	CU_ASSERT_EQUAL(n, strlen(buf));
	return buf;
}

static const char *
text(struct weir_value v)
{
	static char buf[512];
	size_t n = weir_value_text(&v, buf, sizeof(buf));

	CU_ASSERT_EQUAL(n, strlen(buf));
	return buf;
}

static void
test_json_numbers(void)
{
	struct weir_value null = { .type = WEIR_INT, .is_null = true };

	CHECK_TEXT(json(null), "null");
	CHECK_TEXT(json(number(WEIR_BOOL, 1)), "true");
	CHECK_TEXT(json(number(WEIR_BOOL, 0)), "false");
	CHECK_TEXT(json(number(WEIR_INT, INT64_MIN)), "-9223372036854775808");
	CHECK_TEXT(json(number(WEIR_INT, INT64_MAX)), "9223372036854775807");
	CHECK_TEXT(json(number(WEIR_DURATION, 1500000000)), "1.500000000");
	CHECK_TEXT(json(number(WEIR_DURATION, -1)), "-0.000000001");
	CHECK_TEXT(json(number(WEIR_DURATION, INT64_MIN)), "-9223372036.854775808");
}

static void
test_json_floats_are_short_and_read_back(void)
{
	CHECK_TEXT(json(real(0)), "0.0");
	CHECK_TEXT(json(real(-0.0)), "-0.0");
	CHECK_TEXT(json(real(0.1)), "0.1");
	CHECK_TEXT(json(real(1500)), "1500.0");
	CHECK_TEXT(json(real(100000)), "100000.0");
	CHECK_TEXT(json(real(1.0 / 3)), "0.3333333333333333");
	CHECK_TEXT(json(real(-123.456)), "-123.456");
	CHECK_TEXT(json(real(9007199254740993.0)), "9007199254740992.0");
	CHECK_TEXT(json(real(1e15)), "1000000000000000.0");
	CHECK_TEXT(json(real(1e16)), "1e+16");
	CHECK_TEXT(json(real(1.5e300)), "1.5e+300");
	CHECK_TEXT(json(real(0.00001)), "0.00001");
	CHECK_TEXT(json(real(0.00123)), "0.00123");
	CHECK_TEXT(json(real(0.000001)), "1e-06");
	CHECK_TEXT(json(real(5e-324)), "5e-324");
	CHECK_TEXT(json(real(1.7976931348623157e308)), "1.7976931348623157e+308");
	CHECK_TEXT(json(real(NAN)), "null");
	CHECK_TEXT(json(real(INFINITY)), "null");
	CHECK_TEXT(text(real(NAN)), "nan");
	CHECK_TEXT(text(real(-INFINITY)), "-inf");
}

static void
test_random_floats_read_back(void)
{
	uint64_t bits = 88172645463325252u; /* xorshift64 */
	unsigned n_wrong = 0;

	for (int i = 0; i < 100000; i++) {
		char buf[64];
		double f;
		struct weir_value v;

		bits ^= bits << 13;
		bits ^= bits >> 7;
		bits ^= bits << 17;
		memcpy(&f, &bits, sizeof(f));
		if (i % 2)
			f = (double)(int64_t)(bits >> 20) / 1000;
		if (!isfinite(f))
			continue;
		v = real(f);
		weir_value_json(&v, buf, sizeof(buf));
		n_wrong += strtod(buf, NULL) != f;
	}
	CU_ASSERT_EQUAL(n_wrong, 0);
}

static void
test_times(void)
{
	char buf[40];

	weir_time_text(INT64_C(1767323045000000000), buf, sizeof(buf));
	CHECK_TEXT(buf, "2026-01-02T03:04:05.000000000Z");
	weir_time_text(0, buf, sizeof(buf));
	CHECK_TEXT(buf, "1970-01-01T00:00:00.000000000Z");
	weir_time_text(-1, buf, sizeof(buf));
	CHECK_TEXT(buf, "1969-12-31T23:59:59.999999999Z");
	weir_time_text(INT64_MAX, buf, sizeof(buf));
	CHECK_TEXT(buf, "2262-04-11T23:47:16.854775807Z");
	CHECK_TEXT(
	    json(number(WEIR_TIME, 951782400000000001)), "\"2000-02-29T00:00:00.000000001Z\"");
}

static void
test_addresses(void)
{
	struct weir_addr addr;
	unsigned version;

	CHECK_TEXT(json(address("10.0.0.1")), "\"10.0.0.1\"");
	CHECK_TEXT(json(address("255.255.255.255")), "\"255.255.255.255\"");
	CHECK_TEXT(json(address("2001:db8::1")), "\"2001:db8::1\"");
	CHECK_TEXT(text(address("::")), "::");
	CHECK_TEXT(text(address("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")),
	    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	CU_ASSERT_EQUAL(weir_ip_parse("1.2.3.4", &addr, &version), 0);
	CU_ASSERT_TRUE(version == 4 && addr.hi == 0 && addr.lo == 0x01020304);
	CU_ASSERT_EQUAL(weir_ip_parse("1:2:3:4:5:6:7:8", &addr, &version), 0);
	CU_ASSERT_TRUE(
	    version == 6 && addr.hi == 0x0001000200030004 && addr.lo == 0x0005000600070008);
	version = 99;
	CU_ASSERT_TRUE(weir_ip_parse("1.2.3", &addr, &version) < 0);
	CU_ASSERT_TRUE(weir_ip_parse("1.2.3.256", &addr, &version) < 0);
	CU_ASSERT_TRUE(weir_ip_parse("10.0.0.0/8", &addr, &version) < 0);
	CU_ASSERT_TRUE(weir_ip_parse("", &addr, &version) < 0);
	CU_ASSERT_EQUAL(version, 99);
	CHECK_TEXT(json(number(WEIR_MAC, 0x0200deadbeef)), "\"02:00:de:ad:be:ef\"");
}

static void
test_json_strings(void)
{
	CHECK_TEXT(json(bytes("", 0)), "\"\"");
	CHECK_TEXT(json(bytes(NULL, 0)), "\"\"");
	CHECK_TEXT(json(bytes("a\"b\\c/", 6)), "\"a\\\"b\\\\c/\"");
	CHECK_TEXT(json(bytes("GET /\r\n\t", 8)), "\"GET /\\r\\n\\t\"");
	CHECK_TEXT(json(bytes("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9)),
	    "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"");
	CHECK_TEXT(json(bytes("a\0b", 3)), "\"hex:610062\"");
	CHECK_TEXT(json(bytes("\x1b[2J", 4)), "\"hex:1b5b324a\"");
	CHECK_TEXT(json(bytes("\x7f", 1)), "\"hex:7f\"");
}

static void
test_text_strings_never_break_a_line(void)
{
	CHECK_TEXT(text(bytes("plain \"x\"", 9)), "plain \"x\"");
	CHECK_TEXT(text(bytes("a\nb", 3)), "hex:610a62");
	CHECK_TEXT(text(bytes("a\tb", 3)), "hex:610962");
	CHECK_TEXT(text(bytes("\r", 1)), "hex:0d");
}

/* What RFC 3629 forbids, and control characters beyond ASCII. */
static void
test_utf8_is_checked(void)
{
	static const struct {
		const char *p;
		unsigned len;
		const char *expected;
	} bad[] = {
		{ "\x80", 1, "\"hex:80\"" },                         /* stray continuation */
		{ "\xc3", 1, "\"hex:c3\"" },                         /* cut short */
		{ "\xe2\x82", 2, "\"hex:e282\"" },                   /* cut short */
		{ "\xf0\x9f\x98", 3, "\"hex:f09f98\"" },             /* cut short */
		{ "\xc3(", 2, "\"hex:c328\"" },                      /* no continuation */
		{ "\xc0\xaf", 2, "\"hex:c0af\"" },                   /* overlong slash */
		{ "\xc1\xbf", 2, "\"hex:c1bf\"" },                   /* overlong */
		{ "\xe0\x80\xaf", 3, "\"hex:e080af\"" },             /* overlong */
		{ "\xf0\x80\x80\xaf", 4, "\"hex:f08080af\"" },       /* overlong */
		{ "\xed\xa0\x80", 3, "\"hex:eda080\"" },             /* surrogate */
		{ "\xf4\x90\x80\x80", 4, "\"hex:f4908080\"" },       /* past U+10FFFF */
		{ "\xf8\x88\x80\x80\x80", 5, "\"hex:f888808080\"" }, /* five bytes */
		{ "\xff", 1, "\"hex:ff\"" },
		{ "\xc2\x9b", 2, "\"hex:c29b\"" }, /* C1: a terminal takes it for an escape */
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_TEXT(json(bytes(bad[i].p, bad[i].len)), bad[i].expected);
	}
	/* The ends of each length are good. */
	CHECK_TEXT(json(bytes("\xc2\xa0\xdf\xbf", 4)), "\"\xc2\xa0\xdf\xbf\"");
	CHECK_TEXT(json(bytes("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80", 9)),
	    "\"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\"");
	CHECK_TEXT(json(bytes("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 8)),
	    "\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\"");
}

static void
test_small_buffers_are_cut_and_length_told(void)
{
	struct weir_value v = bytes("abcdef", 6);
	char buf[4] = "zzz";

	CU_ASSERT_EQUAL(weir_value_json(&v, buf, sizeof(buf)), 8);
	CHECK_TEXT(buf, "\"ab");
	CU_ASSERT_EQUAL(weir_value_text(&v, NULL, 0), 6);
	v = number(WEIR_INT, 123456);
	CU_ASSERT_EQUAL(weir_value_text(&v, buf, 1), 6);
	CHECK_TEXT(buf, "");
}

static void
test_null_text(void)
{
	struct weir_value v = { .type = WEIR_STRING, .is_null = true };

	CHECK_TEXT(text(v), "-");
	CHECK_TEXT(json(v), "null");
}

static int
compare(struct weir_value a, struct weir_value b)
{
	int c = weir_value_compare(&a, &b), d = weir_value_compare(&b, &a);

	CU_ASSERT_EQUAL((c > 0) - (c < 0), (d < 0) - (d > 0));
	return (c > 0) - (c < 0);
}

static void
test_order(void)
{
	struct weir_value null = { .type = WEIR_INT, .is_null = true };

	CU_ASSERT_EQUAL(compare(null, null), 0);
	CU_ASSERT_EQUAL(compare(null, number(WEIR_INT, INT64_MIN)), -1);
	CU_ASSERT_EQUAL(compare(number(WEIR_INT, INT64_MIN), number(WEIR_INT, INT64_MAX)), -1);
	CU_ASSERT_EQUAL(compare(real(1), real(2)), -1);
	CU_ASSERT_EQUAL(compare(real(INFINITY), real(NAN)), -1);
	CU_ASSERT_EQUAL(compare(real(NAN), real(NAN)), 0);
	CU_ASSERT_EQUAL(compare(address("255.255.255.255"), address("::")), -1);
	CU_ASSERT_EQUAL(compare(address("9.0.0.0"), address("10.0.0.0")), -1);
	CU_ASSERT_EQUAL(compare(address("1::"), address("0:1::")), 1);
	CU_ASSERT_EQUAL(compare(bytes("a", 1), bytes("ab", 2)), -1);
	CU_ASSERT_EQUAL(compare(bytes("a\xff", 2), bytes("b", 1)), -1);
	CU_ASSERT_EQUAL(compare(bytes("", 0), bytes("", 0)), 0);
	CU_ASSERT_EQUAL(compare(bytes("\x80", 1), bytes("\x7f", 1)), 1);
	CU_ASSERT_EQUAL(compare(number(WEIR_BOOL, 0), number(WEIR_BOOL, 1)), -1);
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "JSON numbers", test_json_numbers },
		{ "JSON floats are short", test_json_floats_are_short_and_read_back },
		{ "random floats read back", test_random_floats_read_back },
		{ "times", test_times },
		{ "addresses", test_addresses },
		{ "JSON strings", test_json_strings },
		{ "text never breaks a line", test_text_strings_never_break_a_line },
		{ "UTF-8 is checked", test_utf8_is_checked },
		{ "small buffers", test_small_buffers_are_cut_and_length_told },
		{ "null", test_null_text },
		{ "order", test_order },
		CU_TEST_INFO_NULL,
	};

	return check_run("base/value", tests);
}
