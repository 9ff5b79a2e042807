/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>

#include "check.h"
#include "stream.h"

static void
forms_that_are_known(void)
{
	static const struct {
		const char *text;
		enum weir_window_kind kind;
		int64_t size_ns;
		const char *shown;
	} cases[] = {
		{ "1s", WEIR_WINDOW_TUMBLING, 1000000000, "tumbling 1s" },
		{ "tumbling:1s", WEIR_WINDOW_TUMBLING, 1000000000, "tumbling 1s" },
		{ "1.5s", WEIR_WINDOW_TUMBLING, 1500000000, "tumbling 1500ms" },
		{ "128us", WEIR_WINDOW_TUMBLING, 128000, "tumbling 128us" },
		{ "1ns", WEIR_WINDOW_TUMBLING, 1, "tumbling 1ns" },
		{ "90m", WEIR_WINDOW_TUMBLING, INT64_C(5400000000000), "tumbling 90m" },
		{ "1d", WEIR_WINDOW_TUMBLING, INT64_C(86400000000000), "tumbling 1d" },
		{ "global", WEIR_WINDOW_GLOBAL, 0, "global" },
		{ "10s/1s", WEIR_WINDOW_SLIDING, 10000000000, "sliding 10s every 1s" },
		{ "sliding:10s/1s", WEIR_WINDOW_SLIDING, 10000000000, "sliding 10s every 1s" },
		{ "1s/1s", WEIR_WINDOW_SLIDING, 1000000000, "sliding 1s every 1s" },
		{ "session:15s", WEIR_WINDOW_SESSION, 0, "session gap 15s" },
		{ "session:5us", WEIR_WINDOW_SESSION, 0, "session gap 5us" },
		{ "session:15s,max:90s", WEIR_WINDOW_SESSION, 0, "session gap 15s, at most 90s" },
		{ "session:999999999ns,max:9999999999ns", WEIR_WINDOW_SESSION, 0,
		    "session gap 999999999ns, at most 9999999999ns" },
		{ "count:1000", WEIR_WINDOW_COUNT, 0, "count 1000" },
		{ "count:1k", WEIR_WINDOW_COUNT, 0, "count 1000" },
		{ "count:2M", WEIR_WINDOW_COUNT, 0, "count 2000000" },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct weir_window w;
		struct weir_error err;
		char buf[64];

		CU_ASSERT_EQUAL_FATAL(weir_window_parse(cases[i].text, &w, &err), 0);
		CU_ASSERT_EQUAL(w.kind, cases[i].kind);
		CU_ASSERT_EQUAL(w.size_ns, cases[i].size_ns);
		CU_ASSERT_STRING_EQUAL(weir_window_text(&w, buf, sizeof(buf)), cases[i].shown);
	}
}

static void
numbers_go_where_they_belong(void)
{
	struct weir_window w;

	CU_ASSERT_EQUAL(weir_window_parse("10s/3s", &w, NULL), 0);
	CU_ASSERT_EQUAL(w.slide_ns, INT64_C(3000000000));
	CU_ASSERT_EQUAL(weir_window_pane_ns(&w), INT64_C(1000000000));
	CU_ASSERT_EQUAL(weir_window_parse("session:15s,max:60s", &w, NULL), 0);
	CU_ASSERT_EQUAL(w.gap_ns, INT64_C(15000000000));
	CU_ASSERT_EQUAL(w.max_ns, INT64_C(60000000000));
	CU_ASSERT(weir_window_is_per_group(&w));
	CU_ASSERT_EQUAL(weir_window_parse("session:15s", &w, NULL), 0);
	CU_ASSERT_EQUAL(w.max_ns, 0);
	CU_ASSERT_EQUAL(weir_window_parse("count:3k", &w, NULL), 0);
	CU_ASSERT_EQUAL(w.count, 3000);
	CU_ASSERT(weir_window_is_per_group(&w));
	CU_ASSERT_EQUAL(weir_window_parse("7us", &w, NULL), 0);
	CU_ASSERT_EQUAL(weir_window_pane_ns(&w), 7000);
	CU_ASSERT_FALSE(weir_window_is_per_group(&w));
}

static void
mistakes_get_a_helpful_line(void)
{
	static const struct {
		const char *text;
		const char *error; /* or its beginning, where lib/base words it */
	} cases[] = {
		{ "tumblin:1s", "unknown window 'tumblin' (try '1s')" },
		{ "tumblin:5ms", "unknown window 'tumblin' (try '5ms')" },
		{ "tumblin", "unknown window 'tumblin' (try '1s')" },
		{ "tumblin:0s", "unknown window 'tumblin' (try '1s')" },
		{ "globl", "unknown window 'globl' (try 'global')" },
		{ "hopping:1s", "window kind 'hopping' is not known (try '1s', '10s/1s', "
				"'session:15s', 'count:1000' or 'global')" },
		{ "slidng:5s/1s", "unknown window 'slidng' (try 'sliding:5s/1s')" },
		{ "sesion:7s", "unknown window 'sesion' (try 'session:7s')" },
		{ "sesion:7", "unknown window 'sesion' (try 'session:15s')" },
		{ "coun:7", "unknown window 'coun' (try 'count:7')" },
		{ "1s/10s", "a window of 1s that slides by 10s: rows between windows would be lost "
			    "(try '10s/1s')" },
		{ "sliding:1s/10s", "a window of 1s that slides by 10s: rows between windows would "
				    "be lost (try '10s/1s')" },
		{ "10s/", "a sliding window lacks a slide (try 'sliding:10s/1s')" },
		{ "sliding:10s", "a sliding window lacks a slide (try 'sliding:10s/1s')" },
		{ "sliding:10ms", "a sliding window lacks a slide (try 'sliding:10ms/10ms')" },
		{ "sliding", "a sliding window lacks a size (try 'sliding:10s/1s')" },
		{ "/1s", "a sliding window lacks a size (try 'sliding:10s/1s')" },
		{ "10s/0s", "a window's slide must be more than 0 (try '10s/1s')" },
		{ "10s/-1s", "a window's slide must be more than 0 (try '10s/1s')" },
		{ "0s/1s", "a window's size must be more than 0 (try '10s/1s')" },
		{ "10s/1", "'1' lacks a unit" },
		{ "10s/1s/1s", "unknown unit" },
		{ "tumbling:10s/1s", "a tumbling window does not slide (try 'sliding:10s/1s')" },
		{ "session", "window 'session' lacks a gap (try 'session:15s')" },
		{ "session:", "window 'session' lacks a gap (try 'session:15s')" },
		{ "session:,max:1s", "window 'session' lacks a gap (try 'session:15s')" },
		{ "session:0s", "a session's gap must be more than 0 (try 'session:15s')" },
		{ "session:-5s", "a session's gap must be more than 0 (try 'session:15s')" },
		{ "session:15", "'15' lacks a unit" },
		{ "session:5s,60s", "a session has a gap and perhaps a max, not '60s' (try "
				    "'session:5s,max:60s')" },
		{ "session:5s,", "a session has a gap and perhaps a max, not '' (try "
				 "'session:5s,max:60s')" },
		{ "session:5s,max:",
		    "a session's max lacks a duration (try 'session:5s,max:60s')" },
		{ "session:5s,max:0s",
		    "a session's max must be more than 0 (try 'session:15s,max:60s')" },
		{ "session:5s,max:1", "'1' lacks a unit" },
		{ "count", "window 'count' lacks a number of rows (try 'count:1000')" },
		{ "count:0", "a window must have 1 row or more (try 'count:1000')" },
		{ "count:1.5", "'1.5' is not a number of rows (try 'count:1000')" },
		{ "count:-1", "'-1' is not a number of rows (try 'count:1000')" },
		{ "count:10s", "'10s' is not a number of rows (try 'count:1000')" },
		{ "global:1s", "window 'global' takes no size (try 'global')" },
		{ "tumbling", "window 'tumbling' lacks a size (try 'tumbling:1s')" },
		{ "tumbling:", "window 'tumbling' lacks a size (try 'tumbling:1s')" },
		{ "0s", "a window's size must be more than 0 (try '1s')" },
		{ "-1s", "a window's size must be more than 0 (try '1s')" },
		{ "tumbling:-1s", "a window's size must be more than 0 (try '1s')" },
		{ "", "a window is missing (try '1s' or 'global')" },
		{ "1", "'1' lacks a unit" },
		{ "1x", "unknown unit 'x' in '1x'" },
		{ "1s ", "unknown unit" },
		{ "99999999999d", "duration '99999999999d' is too long" },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct weir_window w = { .size_ns = 77 };
		struct weir_error err;

		CU_ASSERT(weir_window_parse(cases[i].text, &w, &err) < 0);
		CU_ASSERT_EQUAL(err.fail, WEIR_FAIL_USAGE);
		CU_ASSERT_EQUAL(w.size_ns, 77);
		CU_ASSERT_EQUAL(strncmp(err.text, cases[i].error, strlen(cases[i].error)), 0);
	}
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "forms that are known", forms_that_are_known },
		{ "numbers go where they belong", numbers_go_where_they_belong },
		{ "mistakes get a helpful line", mistakes_get_a_helpful_line },
		CU_TEST_INFO_NULL,
	};

	return check_run("parse", tests);
}
