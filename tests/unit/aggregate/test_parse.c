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
		{ "session:15s", "window kind 'session' is not known (try '1s' or 'global')" },
		{ "count:1000", "window kind 'count' is not known (try '1s' or 'global')" },
		{ "10s/1s", "window kind 'sliding' is not known (try '1s' or 'global')" },
		{ "global:1s", "window 'global' takes no size (try 'global')" },
		{ "tumbling", "window 'tumbling' lacks a size (try 'tumbling:1s')" },
		{ "tumbling:", "window 'tumbling' lacks a size (try 'tumbling:1s')" },
		{ "0s", "a window's size must be more than 0 (try '1s')" },
		{ "-1s", "a window's size must be more than 0 (try '1s')" },
		{ "tumbling:-1s", "a window's size must be more than 0 (try 'tumbling:1s')" },
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
		{ "mistakes get a helpful line", mistakes_get_a_helpful_line },
		CU_TEST_INFO_NULL,
	};

	return check_run("parse", tests);
}
