/* SPDX-License-Identifier: BSD-3-Clause */
#include <math.h>
#include <stdlib.h>

#include <weir/base/time.h>

#include "check.h"
#include "rows.h"

/* What the sink writes for a block. The caller frees it. */
static char *
write_block(const struct weir_block *b)
{
	const char *path = rows_path("rows.json");
	struct weir_sink *s = NULL;
	char *text;

	CU_ASSERT_EQUAL_FATAL(weir_sink_open(rows_uri("json", path), NULL, 0, &s, NULL), 0);
	CU_ASSERT_EQUAL(weir_sink_rows(s, b, NULL), 0);
	CU_ASSERT_EQUAL(s->counters.delivered, b->n_rows);
	CU_ASSERT_EQUAL(s->counters.dropped_error, 0);
	text = rows_read(path, NULL); /* there before the sink is closed */
	CU_ASSERT_EQUAL(weir_sink_close(s, NULL), 0);
	rows_remove(path);
	return text;
}

static void
check_block(struct weir_block *b, const char *expected)
{
	char *text = write_block(b);

	CHECK_TEXT(text, expected);
	free(text);
	rows_free(b);
}

#define HEAD                                                                                       \
	"{\"query\":\"main\",\"window.start\":\"" WINDOW_TEXT "\",\"window.end\":\"" END_TEXT "\""

static void
test_rows_of_a_window(void)
{
	check_block(rows_usual(&rows_schema),
	    HEAD ",\"ip.src\":\"10.0.0.1\",\"name\":\"a, "
		 "\\\"b\\\"\",\"packets\":12,\"mean\":1500.0}\n" HEAD
		 ",\"ip.src\":\"2001:db8::1\",\"name\":null,\"packets\":-9223372036854775808,"
		 "\"mean\":null}\n");
}

static void
test_rows_without_windows(void)
{
	struct weir_block *b = rows_create(&rows_schema_unwindowed, 1);

	rows_set_int(b, 2, 0, INT64_MAX);
	check_block(b,
	    "{\"query\":\"main\",\"ip.src\":null,\"name\":null,\"packets\":9223372036854775807,"
	    "\"mean\":null}\n");
}

static void
test_unknown_window_is_null(void)
{
	struct weir_block *b = rows_create(&rows_schema, 1);

	b->window_start_ns = b->window_end_ns = WEIR_TIME_NONE;
	check_block(b,
	    "{\"query\":\"main\",\"window.start\":null,\"window.end\":null,\"ip.src\":null,"
	    "\"name\":null,\"packets\":null,\"mean\":null}\n");
}

static void
test_rows_with_windows_of_their_own(void)
{
	struct weir_block *b = rows_create(&rows_schema, 3);

	CU_ASSERT_EQUAL_FATAL(weir_block_own_windows(b), 0);
	b->row_end_ns[0] = b->row_start_ns[0];
	b->row_start_ns[1] = b->row_end_ns[1] = WEIR_TIME_NONE;
	check_block(b,
	    "{\"query\":\"main\",\"window.start\":\"" WINDOW_TEXT "\",\"window.end\":\"" WINDOW_TEXT
	    "\",\"ip.src\":null,\"name\":null,\"packets\":null,\"mean\":null}\n"
	    "{\"query\":\"main\",\"window.start\":null,\"window.end\":null,\"ip.src\":null,"
	    "\"name\":null,\"packets\":null,\"mean\":null}\n"
	    "{\"query\":\"main\",\"window.start\":\"" WINDOW_TEXT "\",\"window.end\":\"" END_TEXT
	    "\",\"ip.src\":null,\"name\":null,\"packets\":null,\"mean\":null}\n");
}

static void
test_no_rows_write_nothing(void)
{
	check_block(rows_create(&rows_schema, 0), "");
}

static void
test_every_type(void)
{
	struct weir_schema_column columns[] = {
		{ (char[]){ "b" }, WEIR_BOOL, false },
		{ (char[]){ "d" }, WEIR_DURATION, false },
		{ (char[]){ "t" }, WEIR_TIME, false },
		{ (char[]){ "m" }, WEIR_MAC, false },
		{ (char[]){ "f" }, WEIR_FLOAT, false },
		{ (char[]){ "s\"" }, WEIR_STRING, false },
	};
	struct weir_schema schema = { (char[]){ "q\"" }, false, 6, columns };
	struct weir_block *b = rows_create(&schema, 2);

	rows_set_int(b, 0, 0, 1);
	rows_set_int(b, 1, 0, -1500000000);
	rows_set_int(b, 2, 0, WINDOW_NS + 1);
	rows_set_int(b, 3, 0, 0x020000000001);
	rows_set_float(b, 4, 0, 0.1);
	rows_set_bytes(b, 5, 0, "\0\xff", 2);
	rows_set_float(b, 4, 1, INFINITY);
	rows_set_text(b, 5, 1, "\xe2\x82\xac\n");
	check_block(b,
	    "{\"query\":\"q\\\"\",\"b\":true,\"d\":-1.500000000,\"t\":\"2026-01-02T03:04:05."
	    "000000001Z\","
	    "\"m\":\"02:00:00:00:00:01\",\"f\":0.1,\"s\\\"\":\"hex:00ff\"}\n"
	    "{\"query\":\"q\\\"\",\"b\":null,\"d\":null,\"t\":null,\"m\":null,\"f\":null,"
	    "\"s\\\"\":\"\xe2\x82\xac\\n\"}\n");
}

static void
test_narrow_integers(void)
{
	struct weir_schema_column columns[] = { { (char[]){ "n" }, WEIR_INT, false } };
	struct weir_schema schema = { (char[]){ "q" }, false, 1, columns };
	struct weir_block *b = rows_create(&schema, 4);
	int64_t values[] = { 0, 9, 10, 255 };

	weir_column_fini(&b->columns[0]);
	CU_ASSERT_EQUAL_FATAL(weir_column_init(&b->columns[0], WEIR_INT, WEIR_U8, ROWS_MAX), 0);
	for (unsigned i = 0; i < 4; i++)
		rows_set_int(b, 0, i, values[i]);
	check_block(b,
	    "{\"query\":\"q\",\"n\":0}\n{\"query\":\"q\",\"n\":9}\n{\"query\":\"q\",\"n\":10}\n"
	    "{\"query\":\"q\",\"n\":255}\n");
}

/* More than the buffer holds, in one row and in many. */
static void
test_large_strings(void)
{
	struct weir_block *b = rows_create(&rows_schema_unwindowed, ROWS_MAX);
	size_t big = 300000;
	char *string = malloc(big + 1), *text, *p;
	unsigned n_lines = 0;

	memset(string, '"', big);
	string[big] = '\0';
	for (unsigned i = 0; i < ROWS_MAX; i++)
		rows_set_text(b, 1, i, i % 8 ? "x" : string);
	text = write_block(b);
	for (p = text; *p; p++)
		n_lines += *p == '\n';
	CU_ASSERT_EQUAL(n_lines, ROWS_MAX);
	CU_ASSERT_TRUE(p - text > (ptrdiff_t)(8 * 2 * big));
	CHECK_TEXT(p - 13, "\"mean\":null}\n");
	free(text);
	free(string);
	rows_free(b);
}

static void
test_rows_that_are_partial(void)
{
	struct weir_block *b = rows_create(&rows_schema, 2);

	/* One is of a window before the gap. */
	CU_ASSERT_EQUAL_FATAL(weir_block_own_windows(b), 0);
	b->row_end_ns[0] = b->row_start_ns[0];
	b->gaps = &rows_gaps;
	check_block(b,
	    "{\"query\":\"main\",\"window.start\":\"" WINDOW_TEXT "\",\"window.end\":\"" WINDOW_TEXT
	    "\",\"ip.src\":null,\"name\":null,\"packets\":null,\"mean\":null}\n" HEAD
	    ",\"ip.src\":null,\"name\":null,\"packets\":null,\"mean\":null,\"partial\":true}\n");
	b = rows_usual(&rows_schema);
	b->gaps = &rows_no_gaps;
	check_block(b,
	    HEAD ",\"ip.src\":\"10.0.0.1\",\"name\":\"a, "
		 "\\\"b\\\"\",\"packets\":12,\"mean\":1500.0}\n" HEAD
		 ",\"ip.src\":\"2001:db8::1\",\"name\":null,\"packets\":-9223372036854775808,"
		 "\"mean\":null}\n");
	/* Rows of packets leave from the host that has them. */
	b = rows_create(&rows_schema_unwindowed, 1);
	b->gaps = &rows_gaps;
	check_block(b,
	    "{\"query\":\"main\",\"ip.src\":null,\"name\":null,\"packets\":null,\"mean\":null}\n");
}

int
main(void)
{
	CU_TestInfo tests[] = {
		{ "rows of a window", test_rows_of_a_window },
		{ "rows with windows of their own", test_rows_with_windows_of_their_own },
		{ "rows without windows", test_rows_without_windows },
		{ "an unknown window is null", test_unknown_window_is_null },
		{ "no rows write nothing", test_no_rows_write_nothing },
		{ "every type", test_every_type },
		{ "narrow integers", test_narrow_integers },
		{ "large strings", test_large_strings },
		{ "rows that are partial", test_rows_that_are_partial },
		CU_TEST_INFO_NULL,
	};

	return check_run("sink/json", tests);
}
