/* SPDX-License-Identifier: BSD-3-Clause */
#include <weir/exchange/route.h>

#include "check.h"

static void
refuses(const char *text, const char *expected)
{
	struct weir_route *r = NULL;
	struct weir_error err = { 0 };

	CU_ASSERT_NOT_EQUAL(weir_route_parse(text, WEIR_SIMD_AUTO, &r, &err), 0);
	CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
	CU_ASSERT_PTR_NULL(r);
	CHECK_TEXT(err.text, expected);
	weir_route_destroy(r);
}

static void
takes(const char *text, enum weir_route_kind kind, unsigned n_partitions, const char *explained)
{
	struct weir_route *r = NULL;
	struct weir_error err = { 0 };
	char buf[160];

	CU_ASSERT_EQUAL(weir_route_parse(text, WEIR_SIMD_AUTO, &r, &err), 0);
	CHECK_TEXT(err.text, "");
	if (!r)
		return;
	CU_ASSERT_EQUAL(weir_route_kind(r), kind);
	CHECK_TEXT(weir_route_text(r, buf, sizeof(buf)), explained);
	weir_route_start(r, 3, 1);
	CU_ASSERT_EQUAL(weir_route_n_partitions(r), n_partitions);
	weir_route_destroy(r);
}

static void
all_kinds_are_known(void)
{
	takes("auto", WEIR_ROUTE_AUTO, 3,
	    "combine: each worker aggregates its own rows, closed windows are merged");
	takes("hash", WEIR_ROUTE_HASH, 3,
	    "ring: rows go to the worker that owns the 5-tuple's hash, both directions alike");
	takes("hash:4096", WEIR_ROUTE_HASH, 4096,
	    "ring: rows go to the worker that owns the 5-tuple's hash, both directions alike, "
	    "4096 partitions");
	takes("rr", WEIR_ROUTE_ROUND_ROBIN, 3, "ring: rows go to all workers in turn");
	takes("rr:1", WEIR_ROUTE_ROUND_ROBIN, 1,
	    "ring: rows go to all workers in turn, 1 partitions");
	takes("key", WEIR_ROUTE_KEY, 3, "ring: rows go to the worker that owns the key's hash");
	takes("range:dstport:1024,49152", WEIR_ROUTE_RANGE, 3,
	    "ring: rows go to the worker that owns the range of dstport, 3 partitions");
}

static void
bounds_are_of_the_field_s_type(void)
{
	static const char *const good[] = {
		"range:frame.len:64,1k,1M",
		"range:frame.len:-5,0,5",
		"range:frame.time:0,2026-01-02T03:04:05Z,2026-01-02T03:04:05.000000001Z",
		"range:frame.time_epoch:5,5.5,6s,100m",
		"range:ip.src:10.0.0.0,192.168.0.0,::,2001:db8::1",
	};
	struct weir_route *r;

	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CU_ASSERT_EQUAL(weir_route_parse(good[i], WEIR_SIMD_AUTO, &r, NULL), 0);
		weir_route_destroy(r);
	}
	refuses("range:ip.src:::,10.0.0.0",
	    "bound '10.0.0.0' is not above the one before it: bounds ascend");
	refuses("range:ip.src:10.0.0", "'10.0.0' is no address (try '10.0.0.0')");
	refuses("range:frame.time:2026-01-02T03:04:05",
	    "'2026-01-02T03:04:05' is no time in UTC (try '2026-01-02T03:04:05Z')");
	refuses(
	    "range:frame.time:yesterday", "'yesterday' is no time (try '2026-01-02T03:04:05Z')");
	refuses("range:frame.len:9223372036854775808", "bound '9223372036854775808' is too large");
	refuses("range:payload:a,b",
	    "field 'payload' is string: ranges are of numbers, times and addresses "
	    "(try 'range:dstport:1024')");
	refuses("range:tcp:0,1", "field 'tcp' is bool: ranges are of numbers, times and addresses "
				 "(try 'range:dstport:1024')");
}

static void
mistakes_are_named(void)
{
	refuses("hsh:4", "unknown split 'hsh' (try 'hash:4')");
	refuses("rang:dstport:5", "unknown split 'rang' (try 'range:dstport:1024,49152')");
	refuses("ky", "unknown split 'ky' (try 'key')");
	refuses("something",
	    "unknown split 'something' (try 'auto', 'hash', 'range:dstport:1024,49152', 'rr' or "
	    "'key')");
	refuses("hash:0", "0 partitions: 1 to 4096 are possible (try 'hash:4')");
	refuses("rr:4097", "4097 partitions: 1 to 4096 are possible (try 'rr:4')");
	refuses("key:4", "'key' takes nothing behind it (try 'key')");
	refuses("auto:", "'auto' takes nothing behind it (try 'auto')");
	refuses("range:dstprt:5", "unknown field 'dstprt' (try 'dstport')");
	refuses("range:dstport:5,4", "bound '4' is not above the one before it: bounds ascend");
	refuses("range:dstport:,4",
	    "a bound is missing between commas (try 'range:dstport:1024,49152')");
	refuses("range", "a range needs a field and bounds (try 'range:dstport:1024,49152')");
}

int
main(void)
{
	static const CU_TestInfo tests[] = {
		{ "all kinds are known", all_kinds_are_known },
		{ "bounds are of the field's type", bounds_are_of_the_field_s_type },
		{ "mistakes are named", mistakes_are_named },
		CU_TEST_INFO_NULL,
	};

	return check_run("exchange: --split", tests);
}
